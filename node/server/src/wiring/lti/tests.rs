//! What the vault tells a launching user.

use aula_kit::Tested;
use aula_kit::vault::{create, enrol};
use aula_vault::access::RosterLine;
use tokio::runtime::Handle as Runtime;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_student_is_told_the_own_facts_a_teacher_the_own_section_and_the_read_is_listed() -> Tested {
    let folder = tempfile::tempdir()?;
    let (folders, vault) = create(folder.path(), now_ms())?;
    let year = SchoolYear::at(TimeMs(now_ms()));
    let handles = enrol(&vault, &["S-17", "S-18"], year)?;
    let section = aula_ledger::names::Term::new("4-b")?;
    let line = |reader: &str, handle| {
        Ok::<_, aula_ledger::names::TextError>(RosterLine {
            reader: Name::new(reader)?,
            handle,
            relation: Relation::Section(section.clone()),
        })
    };
    vault.replace_roster(&[line("t-1", handles[0])?, line("t-2", handles[1])?])?;
    drop(vault);
    let door = KeptDoor::at(folders.clone(), Runtime::current());
    let records = OfVault { door, params: aula_kit::reference() };
    tokio::task::spawn_blocking(move || {
        assert_eq!(records.is_student("S-17"), Ok(true));
        assert_eq!((records.is_student("S-99"), records.is_student("")), (Ok(false), Ok(false)));
        let told = records.student("lms", "S-17").map_err(|why| why.to_string());
        assert_eq!(told, Ok(StudentFacts::default()));
        assert_eq!(records.student("lms", "S-99"), Err(NotTold::Unknown));
        let sections = records.sections("t-1").unwrap_or_default();
        assert_eq!(sections.iter().map(|own| own.section.as_str()).collect::<Vec<_>>(), ["4-b"]);
        assert_eq!(records.sections("t-9"), Ok(Vec::new()));
        assert_eq!(records.sections("no name!"), Ok(Vec::new()));
    })
    .await?;
    let vault =
        tokio::task::spawn_blocking(move || Vault::open_in_turn(&folders, Duration::from_secs(10))).await??;
    let entries = vault.entries()?;
    assert_eq!(entries.len(), 1, "one read, of the student who is known");
    assert!(entries.iter().all(|entry| entry.reader.as_str() == "lms" && entry.handle == handles[0]));
    vault.erase(&handles, now_ms())?;
    assert_eq!(student(&vault, "S-17")?, None);
    Ok(())
}
