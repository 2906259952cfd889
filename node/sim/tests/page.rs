//! docs/reliability.md says what stands in the files that `scripts/sim.sh` makes it of, and the plans that it names are there.

use std::path::{Path, PathBuf};

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(path(file)).expect("a file of the page")
}

#[test]
fn the_page_is_made_of_its_files() {
    let page = text("../../docs/reliability.md");
    for file in ["SEEDS.md", "TWINS.md", "PLANTED.md", "FOUND.md"] {
        assert!(page.contains(text(file).trim_end()), "{file} is not in the page: ./scripts/sim.sh page");
    }
}

#[test]
fn scenarios_of_twins_are_counted_once_and_summed() {
    let (mut sums, mut next) = ([0u64; 2], 0u64);
    for row in text("TWINS.md").lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (first, last) = cells[1].split_once(" to ").expect("a range");
        let number = |text: &str| text.parse::<u64>().expect("a number");
        assert!(number(first) >= next, "{row} lies across the one before");
        next = number(last) + 1;
        assert_eq!(number(last) - number(first) + 1, number(cells[2]), "{row}");
        sums = [sums[0] + number(cells[2]), sums[1] + number(cells[3])];
    }
    let sum = format!("| all | {} | {} |", sums[0], sums[1]);
    assert!(text("../../docs/reliability.md").contains(&sum), "{sum}");
}

#[test]
fn every_plan_that_a_find_names_is_there() {
    let found = text("FOUND.md");
    let names: Vec<&str> = found.split('*').skip(1).step_by(2).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        assert!(path("plans").join(format!("{name}.toml")).is_file(), "{name} is not a plan");
    }
}
