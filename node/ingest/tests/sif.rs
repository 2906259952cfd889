//! SIF xPress Roster: the same objects as XML and as JSON are the same reading; what is wrong with one is told of it alone.

use aula_ingest::date::Date;
use aula_ingest::reading::{Enrolment, Link, Rule, Said, StudentRow};
use aula_ingest::{Format, Input, ReadError, Reading, read};

type Tested = Result<(), Box<dyn std::error::Error>>;

const STUDENTS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<xStudents xmlns="http://www.sifassociation.org/datamodel/na/3.3">
  <xStudent refId="a1"><name><familyName>Chen</familyName><givenName>Bo</givenName></name><localId>S-1</localId>
    <demographics><birthDate>2015-01-01</birthDate><sex>F</sex></demographics>
    <enrollment><schoolRefId>sch-1</schoolRefId><membershipType>Home</membershipType><gradeLevel>05</gradeLevel></enrollment>
    <otherEnrollments><enrollment><schoolRefId>sch-2</schoolRefId><membershipType>Shared</membershipType></enrollment></otherEnrollments>
  </xStudent>
  <xStudent refId="a2"><name><familyName>D&amp;az</familyName></name><localId>S-2</localId>
    <enrollment><schoolRefId>sch-1</schoolRefId><exitDate>2026-09-30</exitDate><gradeLevel>05</gradeLevel></enrollment>
    <otherEnrollments><enrollment><schoolRefId>sch-2</schoolRefId><gradeLevel>06</gradeLevel></enrollment></otherEnrollments>
  </xStudent>
  <xStudent refId="a3"><localId>S-3</localId>
    <enrollment><schoolRefId>sch-1</schoolRefId><exitDate>2026-10-01</exitDate></enrollment>
  </xStudent>
  <xStudent refId="a4"><localId>S-4</localId>
    <enrollment><schoolRefId>sch-1</schoolRefId><gradeLevel>fifth-ish</gradeLevel></enrollment>
  </xStudent>
  <xStudent refId="a5"><localId>S-1</localId></xStudent>
</xStudents>"#;

const OTHERS: [(&str, &str); 3] = [
    (
        "schools.xml",
        r#"<s:xSchools xmlns:s="x"><s:xSchool refId="sch-1"><s:leaRefId>l</s:leaRefId><s:localId>31</s:localId><s:schoolName>North</s:schoolName></s:xSchool><s:xSchool refId="sch-2"><s:localId>32</s:localId></s:xSchool></s:xSchools>"#,
    ),
    (
        "staff.xml",
        r#"<xStaffs><xStaff refId="t1"><localId>T-9</localId><primaryAssignment><schoolRefId>sch-1</schoolRefId><jobFunction>Teacher</jobFunction></primaryAssignment></xStaff><xStaff refId="t2"><localId>C-1</localId><primaryAssignment><schoolRefId>sch-2</schoolRefId><jobFunction>School Counselor</jobFunction></primaryAssignment></xStaff></xStaffs>"#,
    ),
    (
        "rosters.xml",
        r#"<xRosters><xRoster refId="r1"><courseTitle>Maths</courseTitle><schoolRefId>sch-1</schoolRefId><students><studentReference refId="a1"/><studentReference refId="a2"><localId>S-2</localId></studentReference></students><primaryStaff><staffPersonReference refId="t1"/></primaryStaff><otherStaffs><otherStaff><staffPersonReference><localId>T-7</localId></staffPersonReference></otherStaff></otherStaffs></xRoster><xRoster refId="r2"><students><studentReference refId="nobody"/></students></xRoster></xRosters>"#,
    ),
];

const JSON: &str = r#"{
 "xSchools": {"xSchool": [{"@refId": "sch-1", "leaRefId": "l", "localId": "31", "schoolName": "North"}, {"@refId": "sch-2", "localId": 32}]},
 "xStudents": {"xStudent": [
  {"@refId": "a1", "name": {"familyName": "Chen", "givenName": "Bo"}, "localId": "S-1", "demographics": {"birthDate": "2015-01-01", "sex": "F"},
   "enrollment": {"schoolRefId": "sch-1", "membershipType": "Home", "gradeLevel": "05"},
   "otherEnrollments": {"enrollment": [{"schoolRefId": {"$": "sch-2"}, "membershipType": "Shared"}]}},
  {"@refId": "a2", "name": {"familyName": "D&az"}, "localId": "S-2",
   "enrollment": {"schoolRefId": "sch-1", "exitDate": "2026-09-30", "gradeLevel": "05"},
   "otherEnrollments": {"enrollment": {"schoolRefId": "sch-2", "gradeLevel": "06"}}},
  {"@refId": "a3", "localId": "S-3", "enrollment": {"schoolRefId": "sch-1", "exitDate": "2026-10-01"}},
  {"@refId": "a4", "localId": "S-4", "enrollment": {"schoolRefId": "sch-1", "gradeLevel": "fifth-ish"}},
  {"@refId": "a5", "localId": "S-1"}]},
 "xStaffs": {"xStaff": [
  {"@refId": "t1", "localId": "T-9", "primaryAssignment": {"schoolRefId": "sch-1", "jobFunction": "Teacher"}},
  {"@refId": "t2", "localId": "C-1", "primaryAssignment": {"schoolRefId": "sch-2", "jobFunction": "School Counselor"}}]},
 "xRosters": {"xRoster": [
  {"@refId": "r1", "courseTitle": "Maths", "schoolRefId": "sch-1",
   "students": {"studentReference": [{"@refId": "a1"}, {"@refId": "a2", "localId": "S-2"}]},
   "primaryStaff": {"staffPersonReference": {"@refId": "t1"}},
   "otherStaffs": {"otherStaff": {"staffPersonReference": {"localId": "T-7"}}}},
  {"@refId": "r2", "students": {"studentReference": {"refId": "nobody"}}}]}
}"#;

fn today() -> Date {
    Date::new(2026, 11, 29).expect("a day")
}

fn of(files: &[(&str, &str)]) -> Result<(Format, Reading), ReadError> {
    let files =
        files.iter().map(|(name, text)| Input { name: (*name).into(), bytes: text.as_bytes().to_vec() });
    read(files.collect(), None, None, today())
}

fn said(reading: &Reading) -> Vec<&Said> {
    reading.rows.iter().map(|row| &row.said).collect()
}

#[test]
fn xml_and_json_say_the_same() -> Tested {
    let mut files = OTHERS.to_vec();
    files.insert(1, ("students.xml", STUDENTS));
    let (format, xml) = of(&files)?;
    let (also, json) = of(&[("xpress.json", JSON)])?;
    assert_eq!((format, also), (Format::Sif, Format::Sif));
    // Lines differ, and so does where a contradiction says that it stands.
    let plain = |reading: &Reading| -> Vec<String> {
        let told = said(reading)
            .into_iter()
            .filter(|said| !matches!(said, Said::Refused(fault) if fault.rule == Rule::Contradicts));
        let mut all: Vec<String> = told.map(|said| format!("{said:?}")).collect();
        all.sort();
        all
    };
    assert_eq!(plain(&xml), plain(&json));
    assert_eq!(
        (xml.schools.len(), xml.schools["sch-1"].name.as_str(), xml.schools["sch-1"].identifier.as_str()),
        (2, "North", "31")
    );
    let student = |id: &str| -> Option<&StudentRow> {
        said(&xml).into_iter().find_map(|said| match said {
            Said::Student(row) if row.student == id => Some(&**row),
            _ => None,
        })
    };
    let at = |id: &str| student(id).and_then(|row| row.enrolment.clone());
    assert_eq!(at("S-1"), Some(Enrolment::At("sch-1".into())));
    assert_eq!(at("S-2"), Some(Enrolment::At("sch-2".into())), "the one that is open");
    assert_eq!(at("S-3"), Some(Enrolment::LeftSchool("sch-1".into())));
    let grade = student("S-2").and_then(|row| row.sets.iter().find(|set| set.field == "grade")?.json.clone());
    assert_eq!(grade.as_deref(), Some("6"));
    let told = format!("{:?}", xml.rows);
    assert!(!told.contains("2015-01-01"), "no demographics");
    let rules: Vec<Rule> = said(&xml)
        .into_iter()
        .filter_map(|said| if let Said::Refused(fault) = said { Some(fault.rule) } else { None })
        .collect();
    assert_eq!(rules, [Rule::Grade, Rule::Contradicts, Rule::UnknownStudent]);
    assert!(xml.doubtful.contains("S-4") && xml.doubtful.contains("S-1") && xml.nameless == 0);
    let links: Vec<&Link> = said(&xml)
        .into_iter()
        .filter_map(|said| if let Said::Links { links, .. } = said { Some(links) } else { None })
        .flatten()
        .collect();
    let teaches = |reader: &str| Link::Teaches { reader: reader.into(), section: "r1".into() };
    let attends = |student: &str| Link::Attends { student: student.into(), section: "r1".into() };
    for wanted in [
        teaches("t-9"),
        teaches("t-7"),
        attends("S-1"),
        attends("S-2"),
        Link::Counsels { reader: "c-1".into(), school: "sch-2".into() },
    ] {
        assert!(links.contains(&&wanted), "{wanted:?} in {links:?}");
    }
    Ok(())
}

#[test]
fn one_object_alone_utf_16_and_hostile_files() -> Tested {
    let (_, one) = of(&[(
        "one.xml",
        "<?xml version='1.0'?>\n<!-- x -->\n<xStudent refId='a'><localId>S-1</localId></xStudent>",
    )])?;
    assert_eq!((one.rows.len(), one.rows[0].place.line), (1, 1));
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(STUDENTS.replace("UTF-8", "UTF-16").encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let (format, reading) = read(vec![Input { name: "s.xml".into(), bytes: wide }], None, None, today())?;
    assert_eq!((format, reading.rows.len()), (Format::Sif, 5));
    let cut = STUDENTS.get(..700).unwrap_or_default();
    let (_, reading) = of(&[("cut.xml", cut)])?;
    assert!(reading.refused() == 1 && reading.nameless == 1, "{:?}", reading.rows);
    let entity = "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><xStudents><xStudent><localId>&e;</localId></xStudent></xStudents>";
    assert!(matches!(of(&[("e.xml", entity)]), Err(ReadError::Xml { .. })));
    let as_sif = |text: &str| {
        read(
            vec![Input { name: "x".into(), bytes: text.as_bytes().to_vec() }],
            Some(Format::Sif),
            None,
            today(),
        )
    };
    for text in ["<other/>", "{\"x\":1}", "plain", "{\"xStudents\":{}", "{\"xStudents\":1}", "[]"] {
        assert!(matches!(as_sif(text), Err(ReadError::NotSif(_))), "{text}");
    }
    let deep = format!("{{\"xStudents\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    assert!(matches!(as_sif(&deep), Err(ReadError::NotSif(_))));
    let (_, odd) =
        as_sif("{\"xStudents\":{\"xStudent\":[7,{\"localId\":\"\"},{\"localId\":\" x\\u0001\"},{}]}}")?;
    assert_eq!(odd.refused(), 4);
    assert!(as_sif("{\"xStudents\":null}")?.1.rows.is_empty());
    Ok(())
}
