//! EVIDENCE.md is what others write verifiers from: what it lists is what the ledger has.

use super::*;
use crate::code::Code;
use crate::params::Params;

const PAGE: &str = include_str!("../../../EVIDENCE.md");

/// Numbers of a list such as `0, 100-102, 110`.
fn expanded(list: &str) -> Vec<u8> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u8>().expect("a number");
        number(from)..=number(to)
    };
    list.split(',').flat_map(range).collect()
}

#[test]
fn the_page_lists_every_code_that_a_receipt_may_have() {
    let line = PAGE.lines().find_map(|line| line.trim().strip_prefix("Codes ")).expect("a list of codes");
    let codes = Code::ALL.iter().filter(|code| !code.makes_block_invalid()).map(|code| code.number());
    assert_eq!(expanded(line.trim()), codes.collect::<Vec<_>>());
}

#[test]
fn the_page_lists_every_parameter_in_its_order_with_its_default() {
    let defaults = serde_json::to_value(Params::default()).unwrap();
    let bytes = borsh::to_vec(&Params::default()).unwrap();
    let table = PAGE.split("| parameter | type | default | range |").nth(1).expect("a table");
    let (mut named, mut encoded) = (0, Vec::new());
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let default: u64 = cells[3].replace(',', "").parse().expect("a number");
        for name in cells[1].split(", ") {
            assert_eq!(defaults[name], default, "{name}");
            let width = if cells[2] == "u64" {
                8
            } else if cells[2] == "u32" {
                4
            } else {
                2
            };
            encoded.extend(&default.to_le_bytes()[..width]);
            named += 1;
        }
    }
    assert_eq!((named, encoded), (defaults.as_object().unwrap().len(), bytes));
}

#[test]
fn the_page_is_about_this_version() {
    let (first, later) = (bundle::OF_FIRST, Bundle::VERSION);
    let title = format!("# Evidence bundles: the format, versions {first} and {later}\n");
    assert!(PAGE.starts_with(&title));
}
