//! What an office seals is what `aula vault` reads, and nothing of it lies in clear.

use std::path::Path;

use aula_ledger::credential::{Claim, Credential, Scope};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::names::{FieldName, Term};
use aula_ledger::tx::StudentState;
use aula_ledger::types::SchoolId;
use aula_vault::access::ReadRequest;
use ed25519_dalek::SigningKey;
use serde_json::json;

use super::*;
use crate::twin_record::{AnchoredState, TwinRecord};

/// The district's account.
fn own_key() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

const NOW_MS: u64 = 1_780_000_000_000;

fn office(root: &Path, district: DistrictId) -> Result<Office, Box<dyn std::error::Error>> {
    let chain = (ChainId::new("test-00c0ffee").ok_or("a chain id")?, Hash([0xc0; 32]));
    let home = Home::at(root.join(format!("district-{district}")));
    aula_files::private_folder(home.path())?;
    Ok(Office::create(district, (&home, account_of(&public_key(&own_key()))), &chain, NOW_MS)?)
}

fn entered(office: &Office, student: u32, year: SchoolYear) -> Result<Handle, Box<dyn std::error::Error>> {
    let id = LocalId::new(&format!("STAR-{student}")).ok_or("an identifier")?;
    Ok(office.vault.enrol(&[(id, year)])?.remove(0))
}

fn record(handle: Handle) -> Kept {
    Kept {
        handle,
        twin: TwinRecord { version: 3, snapshot: b"a snapshot in clear, long enough".to_vec() },
        anchored: AnchoredState {
            state: StudentState {
                handle,
                version: 3,
                state_hash: Hash([1; 32]),
                home_school: SchoolId(11),
                inputs: Vec::new(),
                commitments: Vec::new(),
                event_watermark: 1,
            },
            parameters: 1,
            model_digest: Hash([2; 32]),
        },
        fields: vec![("band".into(), json!(4)), ("grade".into(), json!(1))],
        events: vec![([0; 28], b"an event in clear, long enough".to_vec())],
    }
}

#[test]
fn a_closed_offices_vault_is_read_through_the_access_check() -> Result<(), Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let office = office(root.path(), DistrictId(7))?;
    let handle = entered(&office, 1, SchoolYear(1985))?;
    office.keep(&[record(handle)])?;
    office.agreed(&[handle])?;
    let (key, folders) = (public_key(&own_key()), office.vault.folders().clone());
    let claim = Claim {
        genesis: office.vault.identity()?.genesis,
        account: account_of(&public_key(&own_key())),
        expires_ms: NOW_MS + 60_000,
        scope: Scope::vault("admin", "a-1").ok_or("a scope")?,
    };
    let credential = Credential::sign(&claim, &own_key());
    drop(office);
    let vault = Vault::open(&folders)?;
    let request = ReadRequest {
        credential: Some(credential),
        handle,
        class: Term::new("resource_allocation")?,
        purpose: Term::new("resource_allocation")?,
        fields: vec![FieldName::new("band")?, FieldName::new("grade")?],
    };
    let given = vault.read(&request, &key, NOW_MS)?;
    assert_eq!(given.values.len(), 1);
    assert_eq!(given.values[0].1.as_ref().map(|value| value.to_vec()), Some(b"4".to_vec()));
    assert_eq!(given.withheld, [FieldName::new("grade")?]);
    Ok(())
}

#[test]
fn pseudonyms_differ_by_student_year_and_office_and_stay_the_same_otherwise()
-> Result<(), Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let (first, second) = (office(root.path(), DistrictId(7))?, office(root.path(), DistrictId(8))?);
    let one = entered(&first, 1, SchoolYear(1985))?;
    assert_ne!(entered(&first, 2, SchoolYear(1985))?, one);
    assert_eq!(entered(&first, 1, SchoolYear(1985))?, one);
    assert_ne!(entered(&first, 1, SchoolYear(1986))?, one);
    assert_ne!(entered(&second, 1, SchoolYear(1985))?, one);
    Ok(())
}

#[test]
fn no_file_of_the_office_holds_a_record_in_clear() -> Result<(), Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let office = office(root.path(), DistrictId(7))?;
    let handle = entered(&office, 1, SchoolYear(1985))?;
    office.keep(&[record(handle)])?;
    drop(office);
    let (mut folders, mut files) = (vec![root.path().to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path)?;
            assert!(!bytes.windows(8).any(|window| window == b"in clear"), "{}", path.display());
        }
    }
    assert!(files > 4);
    Ok(())
}
