//! A student whom the ledger calls erased is in no vault that looks, and others stay.

use aula_kit::Tested;
use aula_kit::vault::{create, enrol, identity};
use aula_ledger::state::{MemoryState, StateWrites};
use aula_vault::erase::Stage;
use aula_web::family_link::FamilyLink;

use super::*;

#[test]
fn what_the_ledger_has_is_done_again_once_and_nobody_else_goes() -> Tested {
    let folder = tempfile::tempdir()?;
    let links = folder.path().join("links");
    let (_, vault) = create(folder.path(), 1)?;
    let (year, district) = (SchoolYear(2025), identity().district);
    let handles = enrol(&vault, &["S-1", "S-2"], year)?;
    let later = enrol(&vault, &["S-1"], SchoolYear(2026))?;
    for handle in &handles {
        family_link::make(&links, &FamilyLink::lasting(1, 5, (district, year, *handle)))?;
    }
    let mut state = MemoryState::new();
    assert_eq!(erase(&vault, &state, &links, 9)?, 0);
    let mut writes = StateWrites::default();
    // Another district's row of the same handle says nothing.
    for (district, handle) in [(aula_ledger::types::DistrictId(8), handles[1]), (district, handles[0])] {
        let label = schema::erasures_tree(district, year);
        writes.rows.entry(label).or_default().insert(handle, Vec::new());
    }
    state.apply(writes);
    assert_eq!(erase(&vault, &state, &links, 9)?, 2, "in every year");
    let gone = [handles[0], handles[1], later[0]].map(|handle| vault.keystore().student(&handle).is_none());
    assert_eq!(gone, [true, false, true]);
    let notes = vault.erasures()?;
    let stage = |handle| notes.get(handle).map(|note| note.stage);
    // The other year's handle is the operator's still to record.
    assert_eq!([stage(&handles[0]), stage(&later[0])], [Some(Stage::Recorded), Some(Stage::Destroyed)]);
    let closed: Vec<_> = family_link::list(&links)?
        .into_iter()
        .filter(|(_, link)| link.revoked_ms.is_some())
        .map(|(_, link)| link.handle)
        .collect();
    assert_eq!(closed, [handles[0]]);
    assert_eq!(erase(&vault, &state, &links, 9)?, 0);
    Ok(())
}
