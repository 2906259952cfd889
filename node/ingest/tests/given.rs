//! The files of the standards and of vendors that lie beside the project, read whole. They are others', so they are not part
//! of it: `AULA_SHARED` names the folder that has them (default `shared/data` beside the project); the tests say that they skip
//! where it is absent. Sources and licences stand in docs/import.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aula_ingest::date::Date;
use aula_ingest::reading::{Coverage, Enrolment, Said, StudentRow, Unused};
use aula_ingest::{Format, Input, Mapping, Reading, read};

fn folder(name: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = ["../../../shared/data", "../../../../shared/data"].map(|way| own.join(way));
    let roots = std::env::var_os("AULA_SHARED").map(PathBuf::from).into_iter().chain(beside);
    let found = roots.map(|root| root.join(name)).find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: the folder {name} is not there (AULA_SHARED names the one above it)");
    }
    found
}

fn inputs(files: &[PathBuf]) -> Vec<Input> {
    let input = |path: &PathBuf| Input {
        name: path.file_name().expect("a file").to_string_lossy().into_owned(),
        bytes: std::fs::read(path).expect("a readable file"),
    };
    files.iter().map(input).collect()
}

fn today() -> Date {
    Date::new(2026, 11, 29).expect("a day")
}

fn of(files: &[PathBuf], mapping: Option<&str>) -> (Format, Reading) {
    let mapping = mapping.map(|text| Mapping::parse(text).expect("a mapping"));
    read(inputs(files), None, mapping.as_ref(), today()).expect("readable files")
}

fn students(reading: &Reading) -> Vec<&StudentRow> {
    reading
        .rows
        .iter()
        .filter_map(|row| if let Said::Student(one) = &row.said { Some(&**one) } else { None })
        .collect()
}

fn results(reading: &Reading) -> BTreeMap<String, serde_json::Value> {
    let sets = students(reading).into_iter().flat_map(|row| {
        row.sets.iter().map(move |set| (format!("{} {}", row.student, set.field), set.json.clone()))
    });
    sets.filter_map(|(name, json)| Some((name, serde_json::from_str(&json?).ok()?))).collect()
}

#[test]
fn three_vendors_are_read_by_their_mappings_alone() {
    let Some(folder) = folder("assessments") else { return };
    let file = |name: &str| folder.join(name).join("sample_anonymized_file.csv");
    // Iowa's sample gives one number to several children: the first stays, the others contradict it.
    for (name, mapping, (rows, refused), count, one) in [
        (
            "FastBridge_Math",
            include_str!("mappings/fastbridge.toml"),
            (13, 0),
            110,
            ("605000 assessment:fastbridge-early-math:composite:fall", "date"),
        ),
        (
            "Iowa",
            include_str!("mappings/iowa.toml"),
            (29, 22),
            12,
            ("604821 assessment:iowa-g:reading:fall-2023", "date"),
        ),
        (
            "myIGDIs",
            include_str!("mappings/myigdis.toml"),
            (16, 0),
            128,
            ("605000 assessment:myigdis-early-literacy:rhyming:fall-screening", "levels"),
        ),
    ] {
        let (format, reading) = of(&[file(name)], Some(mapping));
        assert_eq!(
            (format, reading.rows.len(), reading.refused()),
            (Format::Assessment, rows, refused),
            "{name}"
        );
        let results = results(&reading);
        assert_eq!(results.len(), count, "{name}");
        let (key, part) = one;
        let result =
            results.get(key).unwrap_or_else(|| panic!("{name} has no {key}: {:?}", results.keys().next()));
        assert!(result.get(part).is_some(), "{name}: {result}");
        assert!(result["scores"].as_object().is_some_and(|scores| !scores.is_empty()), "{name}: {result}");
    }
}

#[test]
fn a_standard_score_by_its_place_is_the_one_of_its_column() {
    let Some(folder) = folder("assessments") else { return };
    let file = folder.join("Iowa").join("sample_anonymized_file.csv");
    let (_, reading) = of(&[file], Some(include_str!("mappings/iowa.toml")));
    let results = results(&reading);
    let reading: Vec<_> = results.iter().filter(|(name, _)| name.contains(":reading:")).collect();
    assert_eq!(reading.len(), 6);
    for (name, result) in reading {
        let scores = &result["scores"];
        assert_eq!(scores["standard"]["value"], scores["first_in_line"]["value"], "{name}");
    }
}

#[test]
fn sets_of_one_roster_in_both_versions() {
    let Some(folder) = folder("oneroster") else { return };
    let (format, full) = of(&[folder.join("moodle/Test_full_data_set.zip")], None);
    assert_eq!((format, full.coverage, full.refused()), (Format::OneRoster, Coverage::Bulk, 0));
    let ids: BTreeSet<_> = students(&full).iter().map(|row| row.student.as_str()).collect();
    assert_eq!(ids, ["usr-222-1234561232", "usr-222-567891", "usr-222-66778899"].into());
    let (_, newer) = of(&[folder.join("moodle/v1p2_full_dataset.zip")], None);
    let ids: BTreeSet<_> = students(&newer).iter().map(|row| row.student.as_str()).collect();
    assert_eq!(ids, ["usr-222-1234561232", "usr-222-567891", "usr-222-66778899"].into());
    assert_eq!((newer.coverage, newer.refused()), (Coverage::Bulk, 0));
    let (_, delta) = of(&[folder.join("moodle/oneroster_test_data.zip")], None);
    assert_eq!((delta.coverage, delta.refused()), (Coverage::Delta, 0));
    let at = students(&delta).iter().find_map(|row| row.enrolment.clone());
    assert_eq!(at, Some(Enrolment::At("ORG_1".into())));
    assert_eq!(delta.schools["ORG_1"].name, "Gotham High School");
    let files: Vec<PathBuf> = std::fs::read_dir(folder.join("oat_v1p1"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let (_, other) = of(&files, None);
    assert_eq!((students(&other).len(), other.coverage, other.refused()), (2, Coverage::Bulk, 0));
}

#[test]
fn a_district_of_ed_fi() {
    let Some(folder) = folder("edfi_ds52") else { return };
    let file = |name: &str| folder.join(format!("{name}.xml.gz"));
    let files = [
        file("Student"),
        file("EducationOrganization"),
        file("StudentProgram"),
        file("StudentSchoolAttendance"),
        file("StudentAssessment-LearningStandardsMastery"),
        file("Standards"),
    ];
    let (format, reading) = of(&files, None);
    assert_eq!(format, Format::EdFi);
    let refused: Vec<_> =
        reading.rows.iter().filter(|row| matches!(row.said, Said::Refused(_))).take(3).collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(reading.schools.len(), 3);
    let count = |prefix: &str| {
        let rows = students(&reading);
        rows.iter().filter(|row| row.sets.iter().any(|set| set.field.starts_with(prefix))).count()
    };
    assert_eq!(count("name"), 960);
    assert_eq!(count("attendance:"), 1_917);
    let unneeded = reading.rows.iter().filter(|row| row.said == Said::Unused(Unused::NotNeeded)).count();
    assert!(unneeded >= 5_597, "{unneeded}");
    assert!(count("program:") >= 97 + 82, "{}", count("program:"));
    assert!(count("assessment:") > 0);
}
