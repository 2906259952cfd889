//! `aula restore`: a vault from its two copies, in the place of one that is gone.

use std::path::PathBuf;

use aula_vault::{KeyStoreError, VaultError};
use clap::Args;
use serde_json::json;

use super::vault::{Place, refused};
use super::{Advise, Context, Failure, Outcome, absolute};

/// Arguments of `aula restore`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula restore --data /mnt/backup/2026-11-22 --keys /mnt/safe/district-07 --home /srv/district-07\n\n\
                        Nothing is overwritten: move what is left of the old vault away first. Students erased since the data was \
                        copied do not come back: their keys are gone, and their rows are removed. Consents come \
                        from the ledger with `aula vault sync-consents`: one may have been withdrawn since the copy. The chain comes back from the peers: aula \
                        join, then aula start."
)]
pub struct RestoreArgs {
    /// Where the vault is to be
    #[command(flatten)]
    pub place: Place,
    /// A copy of the data, from `aula backup --data`
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The copy of the keys, from `aula backup --keys`
    #[arg(long = "keys", value_name = "DIR")]
    pub keys: PathBuf,
}

/// Restores.
///
/// # Errors
/// When there is a vault, or the copies are not valid or do not belong together.
pub fn run(context: &Context, args: &RestoreArgs) -> Result<Outcome, Failure> {
    let folders = args.place.folders(context)?;
    let (data, keys) = (absolute(&args.data)?, absolute(&args.keys)?);
    let (vault, report) = aula_vault::backup::restore(&data, &keys, &folders).map_err(not_restored)?;
    let hint = "check the folder's owner and space";
    for file in [context.home.config_file(), context.home.genesis_file(), context.home.operator_file()] {
        let copy =
            file.file_name().map(|name| data.join(name)).filter(|copy| copy.exists() && !file.exists());
        if let Some(copy) = copy {
            std::fs::copy(&copy, &file).advise(format!("cannot copy {}", copy.display()), hint)?;
        }
    }
    let text = format!(
        "vault of {}: {} students, {} entries in the access log\n{} handles erased since the copy were removed\n\
         next: aula vault sync-consents, since all are forgotten; aula vault log anchor, which begins a new log on the \
         ledger if anchored entries were lost",
        vault.identity().map_or_else(
            |_| format!("account {}", vault.account()),
            |of| format!("district {}", of.district)
        ),
        report.students,
        report.log_size,
        report.swept
    );
    let json = json!({
        "district": vault.identity().ok().map(|identity| identity.district), "students": report.students, "swept": report.swept,
        "log_size": report.log_size, "vault": folders.data, "keystore": folders.keystore,
    });
    Ok(Outcome::yes(json, text))
}

/// What a vault that is missing means here: the two copies are given, not the vault's own places.
fn not_restored(error: VaultError) -> Failure {
    let hint = match &error {
        VaultError::Absent(_) => "give with --data the folder that `aula backup --data` wrote",
        VaultError::KeyStore(KeyStoreError::Absent(_)) => {
            "give with --keys the folder that `aula backup --keys` wrote"
        }
        VaultError::Present(_) => "nothing is overwritten: move what is left of the old vault away first",
        _ => return refused(error),
    };
    Failure { hint: hint.into(), ..refused(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_kit::{Tested, vault};
    use aula_vault::Folders;
    use aula_vault::backup::{back_up_data, back_up_keystore, restore};

    #[test]
    fn copies_that_are_given_for_one_another_are_told_by_their_flags() -> Tested {
        let folder = tempfile::tempdir()?;
        let (_, vault) = vault::create(folder.path(), 0)?;
        let (data, keys) = (folder.path().join("data"), folder.path().join("keys"));
        back_up_data(&vault, &data)?;
        back_up_keystore(&vault, &keys)?;
        let target = Folders::below(&folder.path().join("new"));
        for (data, keys, flag, code) in
            [(&keys, &data, "--data", "no_vault"), (&data, &data, "--keys", "no_keystore")]
        {
            let told = restore(data, keys, &target).map(drop).map_err(not_restored);
            let told = told.map_err(|failure| (failure.code, failure.hint));
            assert!(told.as_ref().is_err_and(|(is, hint)| is == code && hint.contains(flag)), "{told:?}");
        }
        let Err(failure) = restore(&data, &keys, vault.folders()).map_err(not_restored) else {
            panic!("the vault is there");
        };
        assert!(failure.code == "vault_exists" && failure.hint.contains("move"), "{failure:?}");
        Ok(())
    }
}
