//! The rules of rosters, each with a small file: what is taken, what is refused, who leaves.

mod world;

use aula_ingest::plan::{Fate, Held};
use aula_ingest::reading::Coverage;
use aula_ingest::unpack::{UnpackError, unpack};
use aula_ingest::{Input, ReadError};
use world::{District, reading, roster, told, try_read, zipped};

/// Students S-001 to S-count at school 1, grade 2.
fn many(count: usize) -> String {
    (1..=count).map(|n| format!("S-{n:03},1,2\n")).collect()
}

#[test]
fn every_row_has_one_fate_and_the_same_file_twice_changes_nothing() {
    let mut district = District::default();
    let rows = "A,1,K\nB,North High,3\nC,9,2\n,1,2\nD,1,green\nB,North High,3\nB,2,3\nE,1\n,,\nF,1,2\n";
    let first = roster(rows);
    let plan = district.import(&first);
    assert_eq!(
        told(&first, &plan),
        [
            "2 added",
            "3 added",
            "4 unknown_school",
            "5 missing",
            "6 grade",
            "7 unchanged",
            "8 contradicts",
            "9 columns",
            "10 empty_row",
            "11 added"
        ]
    );
    let counts = plan.counts();
    assert_eq!(
        counts.rows,
        counts.added + counts.changed + counts.unchanged + counts.ignored + counts.rejected
    );
    assert_eq!((counts.added, counts.unchanged, counts.ignored, counts.rejected), (3, 1, 1, 5));
    let Some((_, Fate::Refused(fault))) = plan.fates.get(6) else { panic!("{:?}", plan.fates) };
    assert!(
        fault.value.contains("line 8") && fault.value.contains("line 3 of roster.csv"),
        "{}",
        fault.value
    );
    assert_eq!((district.field("A", "grade"), district.field("B", "home_school")), (Some("0"), Some("3")));
    let again = district.plan(&roster(rows), false);
    assert!(again.is_empty(), "{again:?}");
    assert_eq!((again.counts().added, again.counts().changed, again.counts().unchanged), (0, 0, 4));
}

#[test]
fn a_whole_roster_ends_the_enrolment_of_the_few_it_omits_and_erases_nobody() {
    let mut district = District::default();
    district.import(&roster(&many(100)));
    let plan = district.import(&roster(&many(96)));
    assert_eq!(plan.leavers.ended, ["S-097", "S-098", "S-099", "S-100"]);
    assert!(!district.is_enrolled("S-100") && district.is_enrolled("S-096"));
    assert_eq!(district.field("S-100", "grade"), Some("2"), "nothing is erased");
    assert_eq!(district.field("S-100", "enrolment"), Some("\"left\""));
    let back = district.import(&roster(&many(97)));
    assert_eq!((back.counts().changed, district.is_enrolled("S-097")), (1, true));
}

#[test]
fn one_in_twenty_or_more_leave_only_when_that_is_confirmed() {
    let mut district = District::default();
    district.import(&roster(&many(100)));
    let short = roster(&many(95));
    let plan = district.plan(&short, false);
    assert_eq!((plan.leavers.omitted, plan.leavers.held), (5, Some(Held::TooMany)));
    assert!(plan.is_empty());
    assert_eq!(district.plan(&short, true).leavers.ended.len(), 5);
}

#[test]
fn no_bad_row_ends_an_enrolment() {
    let mut district = District::default();
    district.import(&roster(&many(100)));
    let good = many(98);
    // A bad row of its own student: nobody leaves; when confirmed the others do, and this one stays.
    let bad = roster(&format!("{good}S-099,7,2\n"));
    let plan = district.plan(&bad, false);
    assert_eq!((plan.leavers.omitted, plan.leavers.held), (1, Some(Held::RowsRefused)));
    assert_eq!(district.plan(&bad, true).leavers.ended, ["S-100"]);
    // A row of nobody knows whom: nobody leaves, confirmed or not.
    for row in ["?\"", ",1,2", "\u{7}S-099,1,2", "S-0\"99,\"1"] {
        let broken = roster(&format!("{good}{row}\n"));
        let plan = district.plan(&broken, true);
        assert!(!plan.leavers.ended.contains(&"S-099".to_owned()), "{row:?}: {:?}", plan.leavers);
    }
    assert_eq!(district.plan(&roster(&format!("{good},1,2\n")), true).leavers.held, Some(Held::UnknownRows));
    // A file that is cut inside a row.
    let cut = roster(&format!("{good}S-099"));
    assert_eq!(district.plan(&cut, true).leavers.held, Some(Held::UnknownRows));
}

const MANIFEST: &str = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n\
                        file.demographics,absent\n";
const ORGS: &str = "sourcedId,status,dateLastModified,name,type,identifier\no1,,,First,school,1\no3,,,north  HIGH,school,\n\
                    d,,,District,district,\n";
const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,familyName,identifier,grades\n";

fn one_roster(users: &str) -> aula_ingest::Reading {
    reading(
        &[("manifest.csv", MANIFEST), ("orgs.csv", ORGS), ("users.csv", &format!("{USERS}{users}"))],
        None,
    )
}

#[test]
fn one_roster_1_1_reads_students_and_schools_by_number_and_by_name() {
    let mut district = District::default();
    let users = "u1,,,true,o1,student,ada,Ada,Byron,77,04\nu2,,,true,\"o3,o1\",student,bo,Bo,Ek,78,\"03,04\"\n\
                 t1,,,true,o1,teacher,ty,Ty,Oh,9,\nu3,,,true,o9,student,cy,Cy,Oh,79,1\nu4,inactive,,true,o1,student,di,Di,Oh,80,1\n";
    let files = one_roster(users);
    let plan = district.import(&files);
    assert_eq!(
        told(&files, &plan),
        [
            "2 added",
            "3 added",
            "4 not_a_school",
            "2 added",
            "3 added",
            "4 not_a_student",
            "5 unknown_school",
            "6 status"
        ]
    );
    assert_eq!(
        (district.field("u1", "name"), district.field("u1", "grade")),
        (Some("\"Ada Byron\""), Some("4"))
    );
    assert_eq!((district.field("u2", "home_school"), district.field("u2", "grade")), (Some("3"), None));
    assert!(district.plan(&one_roster(users), false).is_empty());
    let by_number = reading(
        &[("manifest.csv", MANIFEST), ("orgs.csv", ORGS), ("users.csv", &format!("{USERS}{users}"))],
        Some("format = \"oneroster\"\n[oneroster]\nstudent_id = \"identifier\"\n"),
    );
    let plan = District::default().plan(&by_number, false);
    assert_eq!(plan.students.iter().map(String::as_str).collect::<Vec<_>>(), ["77", "78"]);
}

#[test]
fn a_delta_changes_and_ends_what_it_names_and_nothing_else() {
    let mut district = District::default();
    district.import(&one_roster("u1,,,true,o1,student,a,A,B,77,04\nu2,,,true,o1,student,b,B,C,78,03\n"));
    let manifest = MANIFEST.replace("users,bulk", "users,delta").replace("file.orgs,bulk\n", "");
    let delta = |users: &str| {
        reading(&[("manifest.csv", &manifest), ("users.csv", &format!("{USERS}{users}"))], None)
    };
    let files = delta(
        "u1,active,2026-09-01T10:00:00Z,true,o3,student,a,A,B,77,05\nu9,tobedeleted,2026-09-01,true,o1,student,z,Z,Z,99,1\n\
         u8,,2026-09-01,true,o1,student,z,Z,Z,98,1\nu7,active,,true,o1,student,z,Z,Z,97,1\n\
         u6,active,9/1/2026,true,o1,student,z,Z,Z,96,1\n",
    );
    let plan = district.import(&files);
    assert_eq!(
        told(&files, &plan),
        ["2 changed", "3 nothing_to_end", "4 missing", "5 missing", "6 ambiguous_date"]
    );
    assert!(district.is_enrolled("u2"), "a delta says nothing of whom it does not name");
    assert_eq!(district.field("u1", "grade"), Some("5"));
    let older = delta("u1,active,2026-08-31,true,o1,student,a,A,B,77,04\n");
    assert_eq!(told(&older, &district.plan(&older, false)), ["2 stale"]);
    let ends = delta("u1,tobedeleted,2026-10-01,true,o3,student,a,A,B,77,05\n");
    let plan = district.import(&ends);
    assert_eq!((told(&ends, &plan), district.is_enrolled("u1")), (vec!["2 changed".to_owned()], false));
    assert_eq!(district.field("u1", "name"), Some("\"A B\""));
    assert!(district.plan(&ends, false).is_empty());
}

#[test]
fn one_roster_1_2_takes_students_and_their_home_school_from_roles() {
    let manifest =
        "propertyName,value\noneroster.version,1.2\nfile.orgs,bulk\nfile.users,bulk\nfile.roles,bulk\n";
    let users = "sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,identifier,grades,primaryOrgSourcedId\n\
                 u1,,,true,a,A,B,77,04,\nu2,,,true,b,B,C,78,03,o3\nt1,,,true,t,T,U,9,,\n";
    let roles = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n\
                 r1,,,u1,secondary,student,,,o3\nr2,,,u1,primary,student,,,o1\nr3,,,u2,primary,student,,,o1\n\
                 r4,,,u2,secondary,student,,,o3\nr5,,,t1,primary,teacher,,,o1\nr6,,,u7,primary,student,,,o1\n\
                 r1,,,u1,secondary,student,,,o3\nr2,,,u1,primary,student,,,o3\n";
    let files = reading(
        &[("manifest.csv", manifest), ("orgs.csv", ORGS), ("users.csv", users), ("roles.csv", roles)],
        None,
    );
    let mut district = District::default();
    let plan = district.import(&files);
    assert_eq!(
        told(&files, &plan).split_off(3),
        [
            "2 added",
            "3 added",
            "4 not_a_student",
            "2 other_school",
            "3 added",
            "4 other_school",
            "5 added",
            "6 not_a_student",
            "7 unknown_student",
            "8 unchanged",
            "9 contradicts"
        ]
    );
    assert_eq!(
        (district.field("u1", "home_school"), district.field("u2", "home_school")),
        (Some("1"), Some("3"))
    );
}

#[test]
fn a_manifest_rules_which_files_are_read() {
    let users = format!("{USERS}u1,,,true,o1,student,a,A,B,77,04\n");
    let unlisted = MANIFEST.replace("file.users,bulk\n", "");
    let files = reading(&[("manifest.csv", &unlisted), ("orgs.csv", ORGS), ("users.csv", &users)], None);
    assert_eq!((files.files.as_slice(), files.rows.len()), (&["orgs.csv".to_owned()][..], 3));
    assert!(files.notes.iter().any(|note| note.contains("users.csv is not listed")));
    let lost = try_read(&[("manifest.csv", MANIFEST), ("orgs.csv", ORGS)], None);
    assert!(matches!(lost, Err(ReadError::Promised(file)) if file == "users.csv"));
    // A manifest that lists no file says nothing: each row has to say when it was changed, and nobody leaves by absence.
    let silent = "propertyName,value\noneroster.version,1.1\n";
    let files = reading(&[("manifest.csv", silent), ("orgs.csv", ORGS), ("users.csv", &users)], None);
    assert_eq!((files.coverage, files.refused()), (Coverage::Delta, 4));
    assert!(files.notes.iter().any(|note| note.contains("no manifest")), "{:?}", files.notes);
    let odd = MANIFEST.replace("bulk", "most");
    assert!(matches!(try_read(&[("manifest.csv", &odd)], None), Err(ReadError::Manifest { line: 4, .. })));
}

#[test]
fn results_of_line_items_belong_to_their_students() {
    let manifest = format!("{MANIFEST}file.lineItems,bulk\nfile.results,bulk\n");
    let items =
        "sourcedId,status,dateLastModified,title,resultValueMin,resultValueMax\nli1,,,Reading,0,700\n";
    let results = "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate\n\
                   s1,,,li1,u1,fully graded,437,2026-10-01\ns2,,,li1,u2,fully graded,701,2026-10-01\ns3,,,li1,u1,exempt,,\n\
                   s4,,,li1,u5,fully graded,5,2026-10-01\n";
    let files = reading(
        &[
            ("manifest.csv", &manifest),
            ("orgs.csv", ORGS),
            ("users.csv", &format!("{USERS}u1,,,true,o1,student,a,A,B,77,04\n")),
            ("lineItems.csv", items),
            ("results.csv", results),
        ],
        None,
    );
    let mut district = District::default();
    let plan = district.import(&files);
    assert_eq!(told(&files, &plan).split_off(5), ["2 added", "3 range", "4 no_result", "5 unknown_student"]);
    let kept = district.field("u1", "assessment:oneroster:s1").expect("the result");
    assert!(kept.contains("\"Reading\"") && kept.contains("437") && kept.contains("2026-10-01"), "{kept}");
}

#[test]
fn archives_are_opened_within_limits() {
    let set: [(&str, &[u8]); 2] =
        [("export/manifest.csv", MANIFEST.as_bytes()), ("export/orgs.csv", ORGS.as_bytes())];
    let input = |bytes: Vec<u8>| vec![Input { name: "set.zip".into(), bytes }];
    let names: Vec<String> =
        unpack(input(zipped(&set))).expect("a set").into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["manifest.csv", "orgs.csv"]);
    for path in ["../orgs.csv", "/etc/orgs.csv", "a/../../orgs.csv", "C:\\orgs.csv"] {
        let refused = unpack(input(zipped(&[(path, b"x")])));
        assert!(matches!(refused, Err(UnpackError::UnsafePath { .. })), "{path}: {refused:?}");
    }
    let twice = unpack(input(zipped(&[("a/orgs.csv", b"x"), ("b/orgs.csv", b"y")])));
    assert!(matches!(twice, Err(UnpackError::Twice { .. })));
    // One name twice, by hand: the zip library writes none, and reads the last without a word.
    let mut same = zipped(&[("users.csv", b"first"), ("other.csv", b"other")]);
    for at in 0..same.len() - 9 {
        if &same[at..at + 9] == b"other.csv" {
            same[at..at + 9].copy_from_slice(b"users.csv");
        }
    }
    let refused = unpack(input(same));
    assert!(matches!(refused, Err(UnpackError::Damaged { .. })), "{refused:?}");
    let bomb = zipped(&[("users.csv", &vec![b'0'; 40 << 20])]);
    assert!(bomb.len() < 1 << 17, "{} bytes", bomb.len());
    assert!(matches!(unpack(input(bomb)), Err(UnpackError::Swells { .. })));
    let mut cut = zipped(&set);
    cut.truncate(cut.len() - 30);
    assert!(matches!(unpack(input(cut)), Err(UnpackError::Damaged { .. })));
    let mut changed = zipped(&set);
    changed[60] ^= 1;
    assert!(unpack(input(changed)).is_err());
}
