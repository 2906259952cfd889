"""What a student system exports, as OneRoster 1.2 files, and what tablets send of one student.

Usage: sis.py FOLDER | sis.py --answers
130 students at two schools (the last ten at the other), three sections, two teachers; results of a class and of none.
"""
import datetime, json, sys

STUDENTS = 130
today = datetime.date.today()


# Of this school year, in July too.
begin = datetime.date(today.year - (today.month < 7), 7, 1)


def days_ago(days):
    return max(today - datetime.timedelta(days=days), begin).isoformat()


def files():
    everybody = [f"S-{n:04}" for n in range(1, STUDENTS + 1)]
    school = lambda at: "o-2" if at >= STUDENTS - 10 else "o-1"
    section = lambda at: "C-3" if school(at) == "o-2" else "C-1" if at < 5 else "C-2"
    status = ",,"
    return {
        "manifest.csv": ["propertyName,value", "manifest.version,1.0", "oneroster.version,1.2"]
        + [f"file.{name},bulk" for name in ("orgs", "users", "roles", "enrollments", "lineItems", "results")],
        "orgs.csv": ["sourcedId,status,dateLastModified,name,type,identifier", f"o-1,{status}North,school,11", f"o-2,{status}South,school,12"],
        "users.csv": ["sourcedId,status,dateLastModified,enabledUser,givenName,familyName,grades"]
        + [f"{one},{status}true,Ana Maria,O'Hara-{at},{3 + at % 4:02}" for at, one in enumerate(everybody)]
        + [f"T-1,{status}true,Dee,Ito,", f"T-2,{status}true,Eve,Kim,"],
        "roles.csv": ["sourcedId,status,dateLastModified,userSourcedId,roleType,role,orgSourcedId"]
        + [f"r-{one},{status}{one},primary,student,{school(at)}" for at, one in enumerate(everybody)]
        + [f"r-T-1,{status}T-1,primary,teacher,o-1", f"r-T-2,{status}T-2,primary,teacher,o-2"],
        "enrollments.csv": ["sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role"]
        + [f"e-{one},{status}{section(at)},{school(at)},{one},student" for at, one in enumerate(everybody)]
        + [f"e-T-1,{status}C-1,o-1,T-1,teacher", f"e-T-1b,{status}C-2,o-1,T-1,teacher", f"e-T-2,{status}C-3,o-2,T-2,teacher"],
        "lineItems.csv": ["sourcedId,status,dateLastModified,title,assignDate,dueDate,classSourcedId,resultValueMin,resultValueMax",
                          f"L-1,{status}Fractions,{days_ago(20)},{days_ago(10)},C-1,0,10", f"L-2,{status}Maps,{days_ago(9)},{days_ago(2)},C-3,0,20",
                          f"L-3,{status}Screening,,,,0,100"],
        "results.csv": ["sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate"]
        + [f"x-{at},{status}L-1,{everybody[at]},fully graded,{5 + at}.5,{days_ago(10 + at)}" for at in range(5)]
        + [f"y-{at},{status}L-2,{everybody[-at]},fully graded,{at},{days_ago(3)}" for at in range(1, 4)]
        + [f"z-{at},{status}L-3,{one},fully graded,{at % 90},{days_ago(30)}" for at, one in enumerate(everybody)],
    }


if sys.argv[1] == "--answers":
    now = datetime.datetime.now(datetime.timezone.utc)
    for at in range(120):
        moment = (now - datetime.timedelta(hours=200 - at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # One skill that is known by the end, one that is not.
        event = {"kind": "response", "item": at, "skills": [1 + at % 2], "correct": at % 2 == 0, "duration_ms": 4000}
        print(json.dumps({"id": f"a-{at}", "at": moment, "student": "S-0001", "event": event}))
else:
    for name, rows in files().items():
        open(f"{sys.argv[1]}/{name}", "w").write("\n".join(rows) + "\n")
