//! Whatever comes in: no panic, every row told once, in its place, and no more memory than the bytes explain.

mod world;

use std::collections::BTreeSet;

use aula_ingest::{Format, Input, Mapping, Reading, read};
use proptest::prelude::*;
use world::{District, today};

const RESULTS: &str = "format = \"assessment\"\n[student]\nid = { at = 1 }\n[[result]]\ninstrument = \"=T\"\nscores.s = { at = 2 }\n\
                       date = { at = 3 }\n";

fn check(reading: &Reading) -> Result<(), TestCaseError> {
    let places: BTreeSet<_> = reading.rows.iter().map(|row| row.place).collect();
    let mut sorted = reading.rows.clone();
    sorted.sort_by_key(|row| row.place);
    prop_assert_eq!(&sorted, &reading.rows, "rows stand in the order of their files");
    prop_assert!(places.iter().all(|place| place.file < reading.files.len() && place.line > 0));
    let plan = District::default().plan(reading, true);
    prop_assert_eq!(plan.fates.len(), reading.rows.len());
    let counts = plan.counts();
    let sum = counts.added + counts.changed + counts.unchanged + counts.ignored + counts.rejected;
    prop_assert_eq!(counts.rows, sum);
    let mut district = District::default();
    district.take(&plan);
    let again = district.plan(reading, true);
    prop_assert_eq!(again.counts().added, 0, "the same again adds nothing");
    prop_assert_eq!(again.counts().rejected, counts.rejected);
    Ok(())
}

fn every_format(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let mapping = Mapping::parse(RESULTS).expect("a mapping");
    for (format, mapping) in [
        (None, None),
        (Some(Format::Csv), None),
        (Some(Format::OneRoster), None),
        (Some(Format::EdFi), None),
        (Some(Format::Assessment), Some(&mapping)),
    ] {
        let inputs = vec![Input { name: name.to_owned(), bytes: bytes.to_vec() }];
        if let Ok((_, reading)) = read(inputs, format, mapping, today()) {
            check(&reading)?;
        }
    }
    Ok(())
}

/// Bytes of which files are made, in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "local_id,school,grade\n",
        "sourcedId,status,dateLastModified,orgSourcedIds,role,grades\n",
        "A,1,2\n",
        "B,North High,K\r\n",
        "\"",
        ",",
        ";",
        "\t",
        "\n",
        "\r",
        "\u{feff}",
        "u1,active,2026-09-01,1,student,3\n",
        "propertyName,value\nfile.users,bulk\n",
        "<InterchangeStudent>",
        "</InterchangeStudent>",
        "<Student>",
        "</Student>",
        "<StudentUniqueId>7</StudentUniqueId>",
        "&amp;",
        "&#0;",
        "<!--",
        "-->",
        "<![CDATA[x]]>",
        "{\"studentUniqueId\":\"7\",\"firstName\":\"A\"}\n",
        "{",
        "8/2/2026",
        "Zoë",
        "\u{0}",
        "5.5",
    ]);
    let wild = prop_oneof![
        4 => piece.prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(wild, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        every_format("x", &bytes)?;
    }

    #[test]
    fn pieces_of_files_in_any_order(bytes in pieces()) {
        every_format("users.csv", &bytes)?;
    }

    #[test]
    fn an_archive_with_changed_bytes(at in 0usize..400, bit in 0u8..8, cut in 0usize..400) {
        let set: [(&str, &[u8]); 2] = [
            ("manifest.csv", b"propertyName,value\nfile.users,bulk\n"),
            ("users.csv", b"sourcedId,orgSourcedIds,role,grades\nu1,1,student,2\nu2,1,student,2\n"),
        ];
        let mut bytes = world::zipped(&set);
        let length = bytes.len();
        bytes[at % length] ^= 1 << bit;
        every_format("set.zip", &bytes)?;
        bytes.truncate(cut % length);
        every_format("set.zip", &bytes)?;
    }

    #[test]
    fn every_line_of_a_plain_roster_has_one_fate(
        rows in prop::collection::vec(("[A-D]{1,2}", "[1-4]", "(K|[0-9]|x)"), 1..30),
    ) {
        let body: String = rows.iter().map(|(id, school, grade)| format!("{id},{school},{grade}\n")).collect();
        let reading = world::roster(&body);
        prop_assert_eq!(reading.rows.len(), rows.len());
        let lines: Vec<u64> = reading.rows.iter().map(|row| row.place.line).collect();
        prop_assert_eq!(lines, (2..rows.len() as u64 + 2).collect::<Vec<_>>());
        check(&reading)?;
    }
}
