//! Who reads whom, as OneRoster says it.

mod world;

use world::{District, reading, told};

const MANIFEST: &str = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.orgs,bulk\nfile.users,bulk\n\
                        file.roles,bulk\nfile.enrollments,bulk\n";
const ORGS: &str =
    "sourcedId,status,dateLastModified,name,type,identifier\no1,,,First,school,1\no2,,,Second,school,2\n";
const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,identifier\n\
                     A,,,true,a,,,\nB,,,true,b,,,\nC,,,true,c,,,\nT-9,,,true,t,,,\nK-1,,,true,k,,,\n";
const ROLES: &str = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,orgSourcedId\n\
                     r1,,,A,primary,student,o1\nr2,,,B,primary,student,o1\nr3,,,C,primary,student,o2\n\
                     r4,,,T-9,primary,teacher,o1\nr5,,,K-1,primary,counselor,o1\n";
const HEAD: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role\n";

fn whole(enrolments: &str) -> aula_ingest::Reading {
    let enrolments = format!("{HEAD}{enrolments}");
    let files = [
        ("manifest.csv", MANIFEST),
        ("orgs.csv", ORGS),
        ("users.csv", USERS),
        ("roles.csv", ROLES),
        ("enrollments.csv", enrolments.as_str()),
    ];
    reading(&files, None)
}

fn part(enrolments: &str) -> aula_ingest::Reading {
    let manifest =
        "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.enrollments,delta\n";
    reading(&[("manifest.csv", manifest), ("enrollments.csv", &format!("{HEAD}{enrolments}"))], None)
}

/// `reader student` with what ties them.
fn pairs(district: &District) -> Vec<String> {
    let pair = |((student, reader), ties): (&(String, String), &_)| format!("{reader} {student} {ties:?}");
    district.ties.iter().map(pair).collect()
}

#[test]
fn a_teacher_reads_the_classs_students_and_a_counselor_the_schools() {
    let mut district = District::default();
    let files = whole(
        "e1,,,C-4/b,o1,T-9,teacher\ne2,,,C-4/b,o1,A,student\ne3,,,C-4/b,o1,Z,student\ne4,,,C-5,o1,B,student\n\
         e5,,,C-5,o1,P,proctor\n",
    );
    let plan = district.import(&files);
    let section =
        pairs(&district).iter().find_map(|pair| Some(pair.split_once("Section(\"")?.1[..5].to_owned()));
    assert_eq!(
        section.as_deref(),
        Some("c-4b-"),
        "a slash is not a character of a section: {:?}",
        pairs(&district)
    );
    let told = told(&files, &plan);
    let tail = &told[told.len() - 5..];
    assert_eq!(tail, ["2 added", "3 added", "4 unknown_student", "5 unchanged", "6 not_needed"], "{told:?}");
    let readers: Vec<String> = pairs(&district).iter().map(|pair| pair[..5].to_owned()).collect();
    assert_eq!(readers, ["k-1 A", "t-9 A", "k-1 B"], "{:?}", pairs(&district));
    // The same again changes nothing.
    assert!(district.plan(&files, false).is_empty());
}

#[test]
fn a_whole_file_ends_what_it_omits_and_a_part_only_what_it_names() {
    let mut district = District::default();
    let both = "e1,,,c4,o1,T-9,teacher\ne2,,,c4,o1,A,student\ne3,,,c4,o1,B,student\n";
    district.import(&whole(both));
    let of_teacher =
        |district: &District| pairs(district).iter().filter(|pair| pair.starts_with("t-9")).count();
    assert_eq!(of_teacher(&district), 2);
    let time = "2026-10-01T00:00:00Z";
    let files = part(&format!("e4,active,{time},c4,o1,C,student\ne3,tobedeleted,{time},c4,o1,B,student\n"));
    let plan = district.import(&files);
    assert_eq!(told(&files, &plan), ["2 added", "3 changed"]);
    let teacher: Vec<String> = pairs(&district).into_iter().filter(|pair| pair.starts_with("t-9")).collect();
    assert!(teacher.len() == 2 && teacher[0].contains(" A ") && teacher[1].contains(" C "), "{teacher:?}");
    // A refused row in a whole file takes nothing away by absence.
    district.import(&whole("e1,,,c4,o1,T-9,teacher\ne2,,,c4,o1,A,student\ne9,,,c4,o1,,student\n"));
    assert_eq!(of_teacher(&district), 2);
    district.import(&whole("e1,,,c4,o1,T-9,teacher\ne2,,,c4,o1,A,student\n"));
    assert_eq!(of_teacher(&district), 1);
    // The counselor's students are those of the school, whoever teaches them.
    let counselled: Vec<String> =
        pairs(&district).into_iter().filter(|pair| pair.starts_with("k-1")).collect();
    assert_eq!(counselled.len(), 2, "{counselled:?}");
}
