//! Files of other shapes than those of `given.rs`, in the manner of what vendors document, by the mappings of `docs/mappings` alone. The
//! rows are made up.

mod world;

use aula_ingest::date::Date;
use aula_ingest::reading::{Said, Unused};
use aula_ingest::{Input, Mapping, Reading, read};
use serde_json::Value;

macro_rules! mapping {
    ($name:literal) => {
        include_str!(concat!("../../../docs/mappings/", $name, ".toml"))
    };
}

fn of(mapping: &str, bytes: Vec<u8>) -> Reading {
    let mapping = Mapping::parse(mapping).expect("a mapping");
    let input = Input { name: "results".into(), bytes };
    read(vec![input], None, Some(&mapping), Date::new(2026, 11, 29).expect("a day")).expect("readable").1
}

/// Each row's line and fate: how many results, or why not.
fn fates(reading: &Reading) -> Vec<String> {
    let fate = |said: &Said| match said {
        Said::Student(student) => format!("{} {}", student.student, student.sets.len()),
        Said::Unused(Unused::LeftOut) => "left out".into(),
        Said::Unused(Unused::NoResult) => "no result".into(),
        Said::Refused(fault) => format!("{} {}", fault.rule.name(), fault.value),
        _ => "other".into(),
    };
    reading.rows.iter().map(|row| format!("{} {}", row.place.line, fate(&row.said))).collect()
}

/// The scores of a field, by name.
fn score(reading: &Reading, student: &str, field: &str, name: &str) -> f64 {
    let rows = reading.rows.iter().filter_map(|row| match &row.said {
        Said::Student(one) if one.student == student => Some(one),
        _ => None,
    });
    let set = rows.flat_map(|row| &row.sets).find(|set| set.field == field).expect("the field");
    let value: Value = serde_json::from_str(set.json.as_deref().expect("a value")).expect("JSON");
    value["scores"][name]["value"].as_f64().expect("a number")
}

#[test]
fn a_long_growth_file() {
    let rows = "TermName,District,StudentID,Discipline,GrowthMeasureYN,TestStartDate,TestRITScore,TestStandardError,TestPercentile,Grade\n\
                Fall 2025-2026,\"Ford, USD\",000001,Mathematics,TRUE,9/3/2025,188,3.1,55,2\n\
                Fall 2025-2026,\"Ford, USD\",000003,Reading,FALSE,9/4/2025,201,3.2,57,4\n\
                Fall 2025-2026,\"Ford, USD\",000004,Mathematics,TRUE,9/3/2025,,,,5\n\
                Fall 2025-2026,\"Ford, USD\",000005,Mathematics,TRUE,13/3/2025,177,3,40,3\n\
                Fall 2025-2026,\"Ford, USD\",000006,Mathematics,TRUE,9/3/2025,1880,3,40,3\n";
    let reading = of(mapping!("growth-long"), rows.into());
    let expected = ["2 000001 1", "3 left out", "4 no result", "5 date 13/3/2025", "6 range 1880"];
    assert_eq!(fates(&reading), expected);
    assert!(
        (score(&reading, "000001", "assessment:map-growth:mathematics:fall:2025", "error") - 3.1).abs()
            < 1e-9
    );
}

#[test]
fn a_wide_diagnostic_in_utf_16_whose_identifiers_lost_their_zeros() {
    let rows = "Student ID\tLast Name\tStudent Grade\tDiagnostic Reading Overall Scale Score\tDiagnostic Reading Completion Date\t\
                Diagnostic Reading Overall Placement\tDiagnostic Math Overall Scale Score\tDiagnostic Math Completion Date\t\
                Diagnostic Math Overall Placement\r\n\
                1\tNúñez\tGrade 3\t512\t09/15/25\tBelow\t498\t9/16/25\tEarly\r\n\
                2\tÖz\tGrade 4\tN/A\t\t\t430\t9/16/25\tBelow\r\n\
                3\tO’Neil\tK\t350\t09/15/25\tEmerging\t\t\t\r\n";
    let bytes = [0xff, 0xfe].into_iter().chain(rows.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let reading = of(mapping!("diagnostic-wide"), bytes);
    assert_eq!(fates(&reading), ["2 000001 2", "3 000002 1", "4 000003 1"]);
    assert!(
        (score(&reading, "000002", "assessment:i-ready-diagnostic:math:2025-09-16", "scale") - 430.0).abs()
            < 1e-9
    );
}

#[test]
fn a_report_with_its_header_on_each_page_and_totals_below() {
    let rows = "Benchmark report\nGenerated,2025-10-01\n\n\
                Student Primary ID,Student Name,Grade,Benchmark Period,Date,Composite Score,Composite Level,NWF-CLS Score,NWF-CLS Level\n\
                000001,\"Núñez, Ana\",1,BOY,2025-09-10,311,Below,22,Below\n\
                Student Primary ID,Student Name,Grade,Benchmark Period,Date,Composite Score,Composite Level,NWF-CLS Score,NWF-CLS Level\n\
                000003,\"O'Neil, Kim\",1,BOY,2025-09-11,Tested Out,,30,At\n\
                000004,\"Lee, Bo\",1,BOY,2025-09-11\n\
                Total,4 students\n\
                Average,,,,,333.7,,31,\n";
    let reading = of(mapping!("benchmark-report"), rows.into());
    let expected =
        ["5 000001 2", "6 left out", "7 000003 1", "8 columns 5 cells of 9", "9 left out", "10 left out"];
    // A student's row that is cut stays a fault: only the words that the mapping names are left out.
    assert_eq!(fates(&reading), expected);
}

#[test]
fn columns_by_their_places() {
    let rows = "00000105091520252330252800\r\n00000205091520 5--312726  \r\n";
    let reading = of(mapping!("fixed-places"), rows.into());
    assert_eq!(fates(&reading), ["1 000001 4", "2 date 091520 5"]);
    assert!((score(&reading, "000001", "assessment:act:math:2025-09-15", "scale") - 30.0).abs() < 1e-9);
}

#[test]
fn decimal_commas_days_before_months_and_latin_1() {
    let rows = "Schüler-Nr.;Klasse;Testtag;Deutsch Lesen (Logit);Mathematik (Logit);Stufe\r\n\
                000001;3;4.5.2025;-0,75;1,25;III\r\n000003;3;31.11.2025;0,5;0,25;II\r\n000004;3;05.05.2025;1.5;0,25;II\r\nSumme;;1,5\r\n";
    let bytes = rows.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let reading = of(mapping!("decimal-comma"), bytes);
    assert_eq!(fates(&reading), ["2 000001 2", "3 date 31.11.2025", "4 number 1.5", "5 left out"]);
    assert!(
        (score(&reading, "000001", "assessment:vera-3:deutsch-lesen:2025-05-04", "logit") + 0.75).abs()
            < 1e-9
    );
}
