//! Ed-Fi: both forms, and files that are hostile or cut.

mod world;

use aula_ingest::ReadError;
use world::{District, reading, told, try_read};

fn xml(records: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<InterchangeStudent xmlns=\"http://ed-fi.org/5.2.0\">\n{records}\n</InterchangeStudent>\n"
    )
}

const ADA: &str = "<Student><StudentUniqueId>77</StudentUniqueId><Name><FirstName>A&amp;a</FirstName><LastSurname>B&#233;</LastSurname></Name></Student>";

fn at(student: &str, school: &str, entry: &str, rest: &str) -> String {
    format!(
        "<StudentSchoolAssociation><StudentReference><StudentIdentity><StudentUniqueId>{student}</StudentUniqueId></StudentIdentity>\
         </StudentReference><SchoolReference><SchoolIdentity><SchoolId>{school}</SchoolId></SchoolIdentity></SchoolReference>\
         <EntryDate>{entry}</EntryDate><EntryGradeLevel>uri://ed-fi.org/GradeLevelDescriptor#Third grade</EntryGradeLevel>{rest}\
         </StudentSchoolAssociation>"
    )
}

#[test]
fn a_student_with_schools_of_several_years() {
    let text = xml(&[
        ADA.to_owned(),
        at("77", "1", "2025-08-20", "<ExitWithdrawDate>2026-06-12</ExitWithdrawDate>"),
        at("77", "2", "2026-08-20", ""),
        at("78", "2", "2026-08-20", "<ExitWithdrawDate>2027-06-12</ExitWithdrawDate>"),
        at("79", "2", "2026-08-20", "<ExitWithdrawDate>2026-10-01</ExitWithdrawDate>"),
        at("80", "5", "2026-08-20", ""),
        at("81", "2", "08/09/2026", ""),
        at("77", "2", "2026-08-20", ""),
        at("77", "2", "2026-08-20", "<PrimarySchool>false</PrimarySchool>"),
    ]
    .join("\n"));
    let read = reading(&[("a.xml", &text)], None);
    let mut district = District::default();
    let plan = district.import(&read);
    assert_eq!(
        told(&read, &plan),
        [
            "3 added",
            "4 other_school",
            "5 added",
            "6 added",
            "7 nothing_to_end",
            "8 unknown_school",
            "9 ambiguous_date",
            "10 unchanged",
            "11 contradicts"
        ]
    );
    assert_eq!(
        (district.field("77", "name"), district.field("77", "home_school")),
        (Some("\"A&a Bé\""), Some("2"))
    );
    assert!(district.plan(&reading(&[("a.xml", &text)], None), false).is_empty());
}

#[test]
fn an_export_of_the_api_says_the_same() {
    let lines = "{\"studentUniqueId\":\"77\",\"firstName\":\"A&a\",\"lastSurname\":\"Bé\"}\n\n\
                 {\"studentReference\":{\"studentUniqueId\":\"77\"},\"schoolReference\":{\"schoolId\":2},\"entryDate\":\"2026-08-20\",\
                 \"entryGradeLevelDescriptor\":\"uri://ed-fi.org/GradeLevelDescriptor#Third grade\"}\n[1]\n{\"id\":1}\n{\"studentUniqueId\":";
    let read = reading(&[("students.jsonl", lines)], None);
    let other = reading(&[("export.jsonl", lines)], None);
    let mut district = District::default();
    let plan = district.import(&other);
    assert_eq!(told(&other, &plan), ["1 added", "3 added", "4 unreadable", "5 not_needed", "6 cut"]);
    assert_eq!((district.field("77", "grade"), district.field("77", "home_school")), (Some("3"), Some("2")));
    // The name of the file says what its records are, whatever they hold.
    assert_eq!(read.refused(), 4);
}

#[test]
fn results_attendance_and_programmes() {
    let text = xml(
        "<StudentAssessment><StudentAssessmentIdentifier>q1</StudentAssessmentIdentifier><AdministrationDate>2026-09-08T21:00:00</AdministrationDate>\
         <ScoreResult><Result>24</Result><AssessmentReportingMethod>x#Raw score</AssessmentReportingMethod></ScoreResult>\
         <PerformanceLevel><PerformanceLevel>x#Advanced</PerformanceLevel><AssessmentReportingMethod>x#Scale score</AssessmentReportingMethod></PerformanceLevel>\
         <StudentReference><StudentUniqueId>77</StudentUniqueId></StudentReference>\
         <AssessmentReference><AssessmentIdentifier>Seven</AssessmentIdentifier></AssessmentReference></StudentAssessment>\n\
         <StudentSchoolAttendanceEvent><AttendanceEvent><EventDate>2026-09-09</EventDate><AttendanceEventCategory>x#Tardy</AttendanceEventCategory>\
         <EventDuration>0.25</EventDuration></AttendanceEvent><StudentUniqueId>77</StudentUniqueId><SchoolReference><SchoolId>2</SchoolId></SchoolReference>\
         </StudentSchoolAttendanceEvent>\n<Parent/>",
    );
    let mut district = District::default();
    district.import(&reading(&[("a.xml", &xml(ADA))], None));
    let read = reading(&[("b.xml", &text)], None);
    let plan = district.import(&read);
    assert_eq!(told(&read, &plan), ["3 added", "4 added", "5 not_needed"]);
    let result = district.field("77", "assessment:seven:q1").expect("the result");
    assert!(
        result.contains("\"raw score\":{\"value\":24}") && result.contains("\"scale score\":\"Advanced\""),
        "{result}"
    );
    let mark = district
        .fields
        .iter()
        .find(|((_, _, field), _)| field.starts_with("attendance:2026-09-09"))
        .expect("a mark");
    assert!(mark.1.contains("Tardy") && mark.1.contains("0.25"), "{}", mark.1);
}

#[test]
fn nothing_outside_a_file_enters_it() {
    let entity = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><InterchangeStudent><Student>&e;</Student></InterchangeStudent>";
    assert!(matches!(try_read(&[("a.xml", entity)], None), Err(ReadError::Xml { .. })));
    let unknown = xml(&ADA.replace("&amp;", "&e;"));
    let read = reading(&[("a.xml", &unknown)], None);
    assert_eq!(told(&read, &District::default().plan(&read, false)), ["3 unreadable"]);
    let deep = xml(&format!("{}{}", "<a>".repeat(100), "</a>".repeat(100)));
    assert_eq!(reading(&[("a.xml", &deep)], None).refused(), 1);
    let whole = xml(&format!("{ADA}\n{ADA}"));
    let cut = &whole[..whole.rfind("<Name>").expect("a name") + 9];
    let read = reading(&[("a.xml", cut)], None);
    assert_eq!(told(&read, &District::default().plan(&read, false)), ["3 added", "4 cut"]);
    let crossed = xml(&format!("{ADA}\n<Student><a></b></Student>"));
    assert_eq!(reading(&[("a.xml", &crossed)], None).refused(), 1);
    for nothing in ["", "<!-- -->", "hello"] {
        let read = try_read(&[("a.xml", nothing)], None);
        assert!(read.map_or(true, |(_, read)| read.rows.is_empty()), "{nothing:?}");
    }
}

#[test]
fn files_come_in_any_order_and_saved_answers_of_the_api_are_read() {
    let results = r#"[{"studentAssessmentIdentifier":"x","studentReference":{"studentUniqueId":"77"},"assessmentReference":{"assessmentIdentifier":"MAP"},
        "administrationDate":"2026-09-03","scoreResults":[{"assessmentReportingMethodDescriptor":"uri#RIT","result":"201"}]},
        {"studentAssessmentIdentifier":"y","studentReference":{"studentUniqueId":"99"},"assessmentReference":{"assessmentIdentifier":"MAP"},
        "scoreResults":[{"result":"9"}]}, 7]"#;
    let students = "[\n {\"studentUniqueId\": \"77\", \"firstName\": \"A\", \"lastSurname\": \"B\"}\n]";
    // Results stand before the students whose they are.
    let read = reading(&[("studentAssessments.json", results), ("students.json", students)], None);
    let plan = District::default().import(&read);
    assert_eq!(told(&read, &plan), ["1 added", "2 unknown_student", "3 unreadable", "1 added"]);
    for text in ["[{\"studentUniqueId\":\"77\"}", "[1, 2", "[{\"a\":1,\"a\":2}]"] {
        assert!(matches!(try_read(&[("students.json", text)], None), Err(ReadError::NotEdFi(_))), "{text}");
    }
}

#[test]
fn what_is_taken_away_and_brought_again_is_as_it_was() {
    let enrolled = r#"{"studentUniqueId":"77","firstName":"A","lastSurname":"B"}"#;
    let day = r#"{"studentReference":{"studentUniqueId":"77"},"schoolReference":{"schoolId":1},"eventDate":"2026-09-02","attendanceEventCategoryDescriptor":"uri#Tardy","sessionReference":{"sessionName":"Fall"}}"#;
    let gone = r#"{"id":"1","changeVersion":2,"keyValues":{"studentUniqueId":"77","schoolId":1,"eventDate":"2026-09-02","attendanceEventCategoryDescriptor":"uri#Tardy","sessionName":"Fall"}}"#;
    let mut district = District::default();
    let (students, days) = ("students.jsonl", "studentSchoolAttendanceEvents.jsonl");
    district.import(&reading(&[(students, enrolled), (days, day)], None));
    let both = reading(&[("studentSchoolAttendanceEvents.deletes.jsonl", gone), (days, day)], None);
    let plan = district.import(&both);
    assert!(plan.is_empty(), "{:?}", plan.changes);
    let once = reading(&[("studentSchoolAttendanceEvents.deletes.jsonl", gone)], None);
    assert_eq!(told(&once, &district.import(&once)), ["1 changed"]);
    assert_eq!(told(&once, &district.import(&once)), ["1 unchanged"]);
    let nameless = reading(&[("studentSchoolAttendanceEvents.deletes.jsonl", "{\"id\":\"1\"}")], None);
    assert_eq!(told(&nameless, &district.import(&nameless)), ["1 missing"]);
}
