//! The mapping language, rule by rule, and what it refuses.

mod world;

use aula_ingest::reading::{Coverage, Said};
use aula_ingest::{Mapping, MappingError, ReadError, Reading};
use serde_json::{Value, json};
use world::{District, reading, told, try_read};

fn sets(reading: &Reading) -> Vec<(u64, String, Value)> {
    let mut found = Vec::new();
    for row in &reading.rows {
        if let Said::Student(student) = &row.said {
            for set in &student.sets {
                let value =
                    set.json.as_deref().map_or(Value::Null, |json| serde_json::from_str(json).expect("JSON"));
                found.push((row.place.line, set.field.clone(), value));
            }
        }
    }
    found
}

fn refused(reading: &Reading) -> Vec<(u64, String, &'static str)> {
    let fault = |said: &Said| {
        if let Said::Refused(fault) = said { Some((fault.field.clone(), fault.rule.name())) } else { None }
    };
    reading
        .rows
        .iter()
        .filter_map(|row| fault(&row.said).map(|(field, rule)| (row.place.line, field, rule)))
        .collect()
}

#[test]
fn a_roster_of_other_columns_and_its_further_fields() {
    let mapping = r##"
        format = "csv"
        coverage = "delta"
        [file]
        separator = ";"
        missing = ["n/a"]
        [student]
        id = { join = ["District", { column = "Pupil", pad = 5 }], with = "-" }
        [roster]
        school = { column = "Site", after = "#" }
        grade = { column = "Year", values = { "R" = "K", "Y1" = 1 } }
        left = [{ column = "State", is = ["gone"] }]
        [[only]]
        column = "Kind"
        is_not = ["visitor"]
        [[field]]
        name = "local:bus"
        value = { columns = ["Bus am", "Bus pm"], lower = true }
        [[field]]
        name = "local:km"
        value = { column = "Way", number = true, decimal = ",", min = 0, max = 50 }
        [[field]]
        name = "birth_date"
        value = { column = "Born", format = "DD.MM.YYYY" }
    "##;
    let text = "District;Pupil;Site;Year;State;Kind;Bus am;Bus pm;Way;Born\n7;12;x#1;R;;;n/a;Red;3,5;01.02.2016\n\
                7;13;x#2;Y1;;visitor;;;;\n7;14;x#2;Y9;;;;;;\n7;15;x#2;Y1;gone;;;;;\n7;16;x#2;Y1;;;;;60;\n;17;x#2;Y1;;;;;1;\n\
                7;18;x#2;Y1;;;;;1;31.02.2016\n";
    let read = reading(&[("pupils.csv", text)], Some(mapping));
    assert_eq!(read.coverage, Coverage::Delta);
    let mut district = District::default();
    let plan = district.import(&read);
    assert_eq!(
        told(&read, &plan),
        ["2 added", "3 left_out", "4 value", "5 nothing_to_end", "6 range", "7 missing", "8 date"]
    );
    let own = |field: &str| district.field("7-00012", field).map(str::to_owned);
    assert_eq!(own("grade").as_deref(), Some("0"));
    assert_eq!((own("local:bus").as_deref(), own("local:km").as_deref()), (Some("\"red\""), Some("3.5")));
    assert_eq!(
        (own("birth_date").as_deref(), own("home_school").as_deref()),
        (Some("\"2016-02-01\""), Some("1"))
    );
}

#[test]
fn results_of_many_columns_and_of_one_row_each() {
    let wide = r#"
        format = "assessment"
        [student]
        id = "ID"
        [[result]]
        each.window = ["Fall", "Spring"]
        each.part = ["Read", "Math"]
        optional = true
        instrument = "=Test"
        measure = { constant = "{part}" }
        window = { constant = "{window}" }
        scores.scale = { column = "{window} {part}", multiply = "0.1", add = 100, unit = "points" }
    "#;
    let read =
        reading(&[("wide.csv", "id,fall  READ,Fall Math,Spring Read\n1,50,,70\n2,,,\n3,x,,\n")], Some(wide));
    let want = json!({ "instrument": "Test", "measure": "Read", "window": "Fall", "scores": { "scale": { "unit": "points", "value": 105 } } });
    assert_eq!(sets(&read).first(), Some(&(2, "assessment:test:read:fall".to_owned(), want)));
    assert_eq!(
        (sets(&read).len(), refused(&read)),
        (2, vec![(4, "fall Read".replace("fall", "Fall"), "number")])
    );
    let long = r#"
        format = "assessment"
        [student]
        id = "ID"
        [[only]]
        column = "Growth"
        is = ["N"]
        [[result]]
        instrument = "=MAP"
        measure = "Subject"
        date = { column = "Day", format = "D/M/YYYY" }
        key = ["date"]
        scores.rit = { column = "RIT", min = 100, max = 350 }
    "#;
    let text = "ID,Subject,Day,RIT,Growth\n1,Math,3/9/2026,211,N\n1,Math,3/9/2026,211,N\n1,Math,3/9/2026,212,N\n1,Math,4/9/2026,213,N\n\
                1,Read,4/9/2026,213,Y\n";
    let read = reading(&[("long.csv", text)], Some(long));
    assert_eq!(sets(&read).iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(refused(&read), [(4, String::new(), "contradicts")]);
    let mut district = District::default();
    let plan = district.plan(&read, false);
    assert_eq!(told(&read, &plan).first().map(String::as_str), Some("2 unknown_student"));
    district.import(&world::roster("1,1,3\n"));
    let plan = district.import(&read);
    assert_eq!(told(&read, &plan), ["2 added", "3 unchanged", "4 contradicts", "5 added", "6 left_out"]);
    assert!(district.is_enrolled("1"), "results end nobody's enrolment");
    assert!(district.plan(&reading(&[("long.csv", text)], Some(long)), false).is_empty());
}

#[test]
fn results_of_several_years_in_one_row_stand_in_their_years() {
    let mapping = r#"
        format = "assessment"
        [student]
        id = "ID"
        [[result]]
        each.n = ["1", "2", "3"]
        optional = true
        instrument = "=AP"
        measure = "Exam {n}"
        school_year = "Year {n}"
        key = ["school_year"]
        scores.grade = { column = "Grade {n}", min = 1, max = 5 }
    "#;
    let text = "ID,Exam 1,Year 1,Grade 1,Exam 2,Year 2,Grade 2\n1,Physics,2025,4,Physics,2026,5\n";
    let read = reading(&[("ap.csv", text)], Some(mapping));
    let Some(Said::Student(row)) = read.rows.first().map(|row| row.said.clone()) else { panic!("{read:?}") };
    let told: Vec<_> = row.sets.iter().map(|set| (set.field.as_str(), set.year)).collect();
    assert_eq!(
        told,
        [("assessment:ap:physics:2025", Some(2025)), ("assessment:ap:physics:2026", Some(2026))]
    );
    let mut district = District::default();
    district.import(&world::roster("1,1,3\n"));
    let plan = district.import(&read);
    assert_eq!(plan.changes.keys().map(|(_, year)| *year).collect::<Vec<_>>(), [2025, 2026]);
    assert!(district.plan(&read, false).is_empty());
}

#[test]
fn files_without_a_header_and_without_separators() {
    let fixed = r#"
        format = "assessment"
        [file]
        skip_lines = 1
        fixed = [{ name = "id", at = 1, length = 4 }, { name = "score", at = 5, length = 3 }]
        [student]
        id = "id"
        [[result]]
        instrument = "=Fixed"
        school_year = "=2025-2026"
        scores.raw = "score"
    "#;
    let read = reading(&[("fixed.txt", "made on Monday\n1001041\n1002 77\n")], Some(fixed));
    assert_eq!(sets(&read).len(), 2);
    let headless = "format = \"csv\"\n[file]\nheader = [\"local_id\", \"school\", \"grade\"]\n";
    let read = reading(&[("plain.txt", "A\t1\t2\nB\t1\t3\n")], Some(headless));
    assert_eq!(read.rows.iter().map(|row| row.place.line).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_wrong_mapping_is_refused_in_words() {
    let parse = |text: &str| Mapping::parse(text).expect_err("refused").to_string();
    let result = "[student]\nid = \"ID\"\n[[result]]\ninstrument = \"=T\"\n";
    for (text, want) in [
        ("format = \"cvs\"", "cvs"),
        ("format = \"csv\"\nfiel = 1", "fiel"),
        ("format = \"csv\"\n[roster]\nschool = { colum = \"x\" }", "colum"),
        ("format = \"assessment\"", "[[result]]"),
        ("format = \"edfi\"\n[student]\nid = \"x\"", "columns of their own"),
        ("format = [", "line 1"),
    ] {
        assert!(parse(text).contains(want), "{text}: {}", parse(text));
    }
    let bind = |text: &str| {
        let error = try_read(&[("t.csv", "ID,A,A,Fall Score\n1,2,3,4\n")], Some(text)).expect_err("refused");
        error.to_string()
    };
    for (rest, want) in [
        ("scores.s = \"Score\"", "no column \"Score\", which the mapping names (near it: \"Fall Score\")"),
        ("scores.s = \"A\"", "2 columns \"A\""),
        ("scores.s = { at = 9 }", "column number 9"),
        ("scores.s = { column = \"A#2\", min = \"x\" }", "\"x\" is not a number"),
        ("scores.s = { column = \"A#1\", constant = \"2\" }", "exactly one of"),
        ("date = { column = \"ID\", format = \"YYYY\" }\nscores.s = \"A#2\"", "not a date format"),
        ("only = [{ column = \"ID\" }]\nscores.s = \"A#2\"", "a condition has"),
        ("measure = \"=x\"", "scores or levels"),
        ("scores.s = \"A#2\"\n[[field]]\nname = \"home_school\"\nvalue = \"A#1\"", "another name"),
    ] {
        let text = format!("format = \"assessment\"\n{result}{rest}\n");
        assert!(bind(&text).contains(want), "{rest}: {}", bind(&text));
    }
    let other = Mapping::parse("format = \"csv\"").expect("a mapping");
    let files = world::files(&[("t.csv", "x\n")]);
    let refused = aula_ingest::read(files, Some(aula_ingest::Format::EdFi), Some(&other), world::today());
    assert!(matches!(refused, Err(ReadError::OtherFormat { .. })));
    assert!(matches!(
        try_read(&[("t.csv", "x\n1\n")], None),
        Err(ReadError::Mapping(MappingError::Column { .. }))
    ));
}
