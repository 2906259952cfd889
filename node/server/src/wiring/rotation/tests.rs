//! A due key is replaced by the node, or left to the operator; no clock stops anything.

use aula_kit::Tested;
use aula_kit::vault::create;
use aula_vault::schedule::DAY_MS;

use super::*;

const MADE_MS: u64 = 1_780_000_000_000;

fn generation(folders: &Folders) -> Result<u32, KeyStoreError> {
    Ok(Generation::read(&folders.keystore)?.generation)
}

#[test]
fn a_key_is_replaced_when_its_ninety_days_are_over_and_not_before() -> Tested {
    let root = tempfile::tempdir()?;
    let (folders, _) = create(root.path(), MADE_MS)?;
    look(&folders, RotationBy::Node, MADE_MS + 89 * DAY_MS)?;
    assert_eq!(generation(&folders)?, 1);
    look(&folders, RotationBy::Operator, MADE_MS + 90 * DAY_MS)?;
    assert_eq!(generation(&folders)?, 1, "the operator's to do");
    look(&folders, RotationBy::Node, MADE_MS + 90 * DAY_MS)?;
    assert_eq!(generation(&folders)?, 2);
    look(&folders, RotationBy::Node, MADE_MS + 91 * DAY_MS)?;
    assert_eq!(generation(&folders)?, 2);
    Ok(())
}

#[test]
fn a_clock_that_jumps_two_years_ahead_and_back_rotates_once_and_stops_nothing() -> Tested {
    let root = tempfile::tempdir()?;
    let (folders, _) = create(root.path(), MADE_MS)?;
    for (days, expected) in [(730, 2), (0, 2), (1, 2), (730, 2), (821, 3)] {
        look(&folders, RotationBy::Node, MADE_MS + days * DAY_MS)?;
        assert_eq!(generation(&folders)?, expected, "{days} days on");
        drop(Vault::open(&folders)?);
    }
    Ok(())
}

#[test]
fn a_vault_in_use_or_missing_is_no_error_and_a_damaged_one_is() -> Tested {
    let root = tempfile::tempdir()?;
    let (folders, _) = create(root.path(), MADE_MS)?;
    let open = Vault::open(&folders)?;
    look(&folders, RotationBy::Node, MADE_MS + 100 * DAY_MS)?;
    assert_eq!(generation(&folders)?, 1, "tried again in an hour");
    drop(open);
    let none = Folders { data: root.path().join("a"), keystore: root.path().join("b") };
    look(&none, RotationBy::Node, MADE_MS)?;
    std::fs::write(folders.keystore.join("CURRENT"), "rubbish")?;
    assert!(look(&folders, RotationBy::Node, MADE_MS).is_err());
    Ok(())
}
