use std::collections::BTreeMap;

use aula_ingest::date::Date;
use aula_ingest::plan::LedgerSchool;
use aula_ingest::{Input, read};
use aula_kit::Tested;

use super::*;

const YEAR: SchoolYear = SchoolYear(2026);
const NOW_MS: u64 = 1_795_000_000_000;

fn reading(rows: &str) -> Reading {
    let bytes = format!("local_id,school,grade\n{rows}").into_bytes();
    let files = vec![Input { name: "roster.csv".into(), bytes }];
    let today = Date::new(2026, 11, 29).expect("a day");
    read(files, None, None, today).expect("a table").1
}

fn schools(vault: &Vault) -> Result<Schools, VaultError> {
    let ledger = [31, 32].map(|number| LedgerSchool { number, name: String::new() });
    Ok(Schools::new(BTreeMap::new(), vault.local_schools()?, ledger.to_vec()))
}

fn note() -> ImportNote {
    ImportNote {
        import: 0,
        at_ms: NOW_MS,
        school_year: YEAR,
        format: "csv".into(),
        rows: 0,
        students: 0,
        undone_ms: None,
    }
}

fn import(vault: &Vault, rows: &str) -> Result<(Plan, Option<u64>), Box<dyn std::error::Error>> {
    let plan = compare(vault, YEAR, &reading(rows), &schools(vault)?, false, |_| {})?;
    let number = write(vault, &plan, &note(), &EventRules::new(None, Vec::new()), |_| {})?.import;
    Ok((plan, number))
}

#[test]
fn the_same_file_twice_writes_nothing_and_an_import_is_undone_to_what_was() -> Tested {
    let root = tempfile::tempdir()?;
    let (_, vault) = aula_kit::vault::create(root.path(), NOW_MS)?;
    let rows: String = (0..50).map(|n| format!("S-{n},31,2\n")).collect();
    let (plan, number) = import(&vault, &rows)?;
    assert_eq!((plan.counts().added, number), (50, Some(1)));
    let (plan, number) = import(&vault, &rows)?;
    assert_eq!((plan.counts().unchanged, number), (50, None));
    let moved = rows.replace("S-7,31,2", "S-7,32,3").replace("S-9,31,2\n", "");
    let (plan, number) = import(&vault, &moved)?;
    let counts = plan.counts();
    assert_eq!((counts.changed, counts.unchanged, plan.leavers.ended.len(), number), (1, 48, 1, Some(2)));
    let entry = |id: &str| -> Result<Option<RosterEntry>, Box<dyn std::error::Error>> {
        let handle = vault.find_in(&LocalId::new(id).ok_or("an identifier")?, YEAR)?.ok_or("a handle")?;
        Ok(vault.roster_entry(&handle)?)
    };
    assert_eq!(entry("S-7")?.map(|entry| entry.school), Some(Some(32)));
    assert_eq!(entry("S-9")?.map(|entry| entry.enrolled), Some(false));
    assert_eq!(undo(&vault, 2, NOW_MS)?, 2);
    assert_eq!(entry("S-7")?.map(|entry| entry.school), Some(Some(31)));
    assert_eq!(entry("S-9")?.map(|entry| entry.enrolled), Some(true));
    let (_, number) = import(&vault, &rows)?;
    assert_eq!(number, None, "what was undone is what was");
    undo(&vault, 1, NOW_MS)?;
    assert!(vault.roster(YEAR)?.is_empty());
    let (plan, number) = import(&vault, &rows)?;
    assert_eq!((plan.counts().added, number), (50, Some(3)));
    Ok(())
}
