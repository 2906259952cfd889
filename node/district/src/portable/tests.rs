//! A vault's export is rebuilt elsewhere, with nothing but the folder; what was changed on the way is found.

use std::path::Path;

use aula_kit::vault::{create, enrol};
use aula_kit::{Made, Tested};
use aula_ledger::codec::Canonical;
use aula_ledger::names::FieldName;
use aula_ledger::proof::bulk_tree::{BulkTree, row_hash};
use aula_ledger::twin::{TwinParameters, TwinVersion};
use aula_ledger::types::{Handle, Height, SchoolId, SchoolYear};
use aula_twin_runtime::clock::{Skew, Stamp};
use aula_twin_runtime::event::{
    Correctness, Event, EventBody, EventKey, ItemId, SkillId, SkillSet, SourceId,
};
use aula_vault::Vault;
use aula_vault::vault::EventIn;
use aula_zk::StudentSecret;

use super::export::{OfLedger, export};
use super::form::{AnchorLine, EVENTS, MANIFEST, VERSIONS, YearLine};
use super::rebuild::{RebuildError, Rebuilt, rebuild};
use crate::keep::{Kept, fold, keep};
use crate::live::events_of;
use crate::parameters::InForce;
use crate::twin_state::Standing;

const NOW_MS: u64 = 1_780_000_000_000;
const YEAR: SchoolYear = SchoolYear(2026);

fn voted() -> TwinVersion {
    let parameters = TwinParameters::default();
    let digest = parameters.digest();
    TwinVersion { version: 1, from_year: YEAR, voted: Height(0), digest, parameters }
}

/// A vault of three students, each anchored twice, with an event that came late in between; and the ledger's rows of them.
struct Office {
    vault: Vault,
    handles: Vec<Handle>,
    rows: Vec<(Handle, u32, Height, Vec<u8>)>,
}

fn answer(vault: &Vault, handle: Handle, at: u64) -> Tested {
    let key = EventKey { stamp: Stamp::new(1_000_000 * at, 0)?, source: SourceId(1), sequence: at };
    let body = EventBody::Response {
        item: ItemId(4),
        skills: SkillSet::new(vec![SkillId(3)])?,
        correctness: if at.is_multiple_of(3) { Correctness::Incorrect } else { Correctness::Correct },
        duration_ms: 900,
    };
    let event = Event { key, skew: Skew::Within, body };
    let (place, event) = (crate::event_place::place(&event.key), event.encode());
    Ok(vault.put_events(&[EventIn { handle, key: &place, event: &event }])?)
}

fn anchor(office: &mut Office, handle: Handle, version: u32, height: Height) -> Tested {
    let in_force = InForce::unfitted(voted())?;
    let state = fold(&events_of(&office.vault, &handle)?, &in_force.params).ok_or("no events")?;
    let secret = StudentSecret::new(*office.vault.student_secret(&handle)?.as_bytes());
    let standing = Standing { handle, home_school: SchoolId(11), version };
    let (kept, _) = Kept::of(&standing, &state, &secret, &in_force)?;
    keep(&office.vault, std::slice::from_ref(&kept))?;
    office.vault.note_anchored(&[(handle, version)], height)?;
    office.rows.retain(|(other, ..)| *other != handle);
    office.rows.push((handle, version, height, kept.anchored.leaf(height).to_canonical()));
    Ok(())
}

fn office(root: &Path) -> Made<Office> {
    let (_, vault) = create(root, NOW_MS)?;
    let handles = enrol(&vault, &["S-1", "S-2", "S-3"], YEAR)?;
    let mut office = Office { vault, handles: handles.clone(), rows: Vec::new() };
    for (n, handle) in (1..).zip(&handles) {
        let name = format!("\"Ada {n}\"");
        office.vault.put_fields(&[(*handle, FieldName::new("name")?, name.as_bytes())])?;
        (10..20).try_for_each(|at| answer(&office.vault, *handle, at))?;
        anchor(&mut office, *handle, 1, Height(5))?;
        // Later than the version, earlier than its events.
        answer(&office.vault, *handle, 4)?;
        anchor(&mut office, *handle, 2, Height(9))?;
    }
    office.rows.sort();
    Ok(office)
}

impl Office {
    fn ledger(&self) -> Result<OfLedger, Box<dyn std::error::Error>> {
        let tree = BulkTree::from_rows(self.rows.iter().map(|(handle, .., row)| (handle, row.as_slice())))?;
        let year = YearLine { school_year: YEAR, height: Height(10), count: 3, root: Some(tree.head().root) };
        let line = |(handle, version, height, row): &(Handle, u32, Height, Vec<u8>)| AnchorLine {
            school_year: YEAR,
            handle: *handle,
            version: *version,
            height: *height,
            row: row_hash(row),
        };
        let anchors = self.rows.iter().map(line).collect();
        Ok(OfLedger {
            parameters: vec![voted()],
            anchored: Some((vec![year], anchors)),
            ..OfLedger::default()
        })
    }
}

fn rebuilt(folder: &Path) -> Result<Rebuilt, RebuildError> {
    rebuild(folder, &|digest| Err(format!("no model {digest}"))).map(|(_, told)| told)
}

/// Replaces the first of `from` in a file, and its hash in the manifest: what somebody would do who wants it to pass.
fn forge(folder: &Path, name: &str, from: &str, to: &str) -> Tested {
    use sha2::{Digest, Sha256};
    let path = folder.join(name);
    let before = std::fs::read_to_string(&path)?;
    assert!(before.contains(from), "{from} in {name}");
    let after = before.replacen(from, to, 1);
    std::fs::write(&path, &after)?;
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path)?;
    let hash = |text: &str| hex::encode(Sha256::digest(text));
    std::fs::write(&path, text.replace(&hash(&before), &hash(&after)))?;
    Ok(())
}

#[test]
fn every_version_is_folded_again_from_the_folder_alone_and_the_years_root_is_the_ledgers() -> Tested {
    let root = tempfile::tempdir()?;
    let office = office(root.path())?;
    let out = root.path().join("out");
    std::fs::create_dir(&out)?;
    let before = office.vault.entries()?.len();
    let manifest = export(&office.vault, &out, &office.ledger()?, NOW_MS)?;
    assert!(manifest.files.iter().any(|file| file.name == EVENTS && file.lines == 33));
    let entries = office.vault.entries()?;
    assert!(
        office.handles.iter().all(|handle| entries[before..].iter().any(|one| one.handle == *handle)),
        "each student's read is listed"
    );
    drop(office);
    // Nothing of the office is left but the folder.
    for gone in ["vault", "keystore"] {
        std::fs::remove_dir_all(root.path().join(gone))?;
    }
    let told = rebuilt(&out)?;
    assert_eq!((told.students, told.events, told.versions), (3, 33, 6));
    assert!(told.agrees(), "{told:?}");
    let year = &told.years[0];
    assert_eq!((year.anchored, year.rebuilt, year.absent), (3, 3, 0));
    assert!(year.root.is_some() && year.root == year.ledger_root);
    Ok(())
}

#[test]
fn an_erased_student_is_absent_and_the_others_rows_are_the_ledgers() -> Tested {
    let root = tempfile::tempdir()?;
    let office = office(root.path())?;
    let ledger = office.ledger()?;
    office.vault.erase(&[office.handles[1]], NOW_MS)?;
    let out = root.path().join("out");
    std::fs::create_dir(&out)?;
    export(&office.vault, &out, &ledger, NOW_MS)?;
    let told = rebuilt(&out)?;
    assert!(told.agrees(), "{told:?}");
    let year = &told.years[0];
    assert_eq!((year.rebuilt, year.absent, year.root), (2, 1, None));
    let all: String = std::fs::read_to_string(out.join(EVENTS))?;
    assert!(!all.contains(&office.handles[1].to_string()));
    Ok(())
}

#[test]
fn what_was_changed_is_found_with_and_without_its_hash() -> Tested {
    let root = tempfile::tempdir()?;
    let office = office(root.path())?;
    let made = |name: &str| -> Result<std::path::PathBuf, Box<dyn std::error::Error>> {
        let out = root.path().join(name);
        std::fs::create_dir(&out)?;
        export(&office.vault, &out, &office.ledger()?, NOW_MS)?;
        Ok(out)
    };
    let cut = made("cut")?;
    let bytes = std::fs::read(cut.join(EVENTS))?;
    std::fs::write(cut.join(EVENTS), &bytes[..bytes.len() - 1])?;
    assert!(matches!(rebuilt(&cut), Err(RebuildError::Changed(_))));
    // A right answer that becomes a wrong one; 900 ms behind it, in little endian.
    let lied = made("lied")?;
    forge(&lied, EVENTS, "0184030000\"", "0084030000\"")?;
    let told = rebuilt(&lied)?;
    assert_eq!(
        (told.agrees(), told.differ.len()),
        (false, 2),
        "from version 2 on, and the ledger's row: {told:?}"
    );
    let left_out = made("left-out")?;
    let line = std::fs::read_to_string(left_out.join(EVENTS))?;
    let first = format!("{}\n", line.lines().next().ok_or("no line")?);
    forge(&left_out, EVENTS, &first, "")?;
    // The manifest counts bytes too.
    let path = left_out.join(MANIFEST);
    let text = std::fs::read_to_string(&path)?;
    let size = |bytes: usize| format!("\"bytes\": {bytes}");
    std::fs::write(&path, text.replace(&size(line.len()), &size(line.len() - first.len())))?;
    let told = rebuilt(&left_out)?;
    assert!(!told.agrees() && told.differ.iter().any(|one| one.what == "the hash of the state"), "{told:?}");
    let other = made("other")?;
    forge(&other, VERSIONS, "\"parameters\":1", "\"parameters\":2")?;
    assert!(matches!(rebuilt(&other), Err(RebuildError::Parameters { version: 2, .. })));
    Ok(())
}
