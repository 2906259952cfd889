//! What the vault tells of a reader, what the district signs, and which files of providers are taken.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use aula_kit::Tested;
use aula_kit::vault::{GENESIS, create_as, enrol, identity_of};
use aula_ledger::keys::public_key;
use aula_ledger::names::Term;
use aula_ledger::types::{SchoolYear, TimeMs};
use aula_vault::access::RosterLine;
use tokio::runtime::Handle as Runtime;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_roster_says_who_is_listed_and_the_district_s_key_signs_for_the_vault_alone() -> Tested {
    let above = tempfile::tempdir()?;
    let home = Home::at(above.path().join("home"));
    std::fs::create_dir_all(home.path())?;
    let key = NodeKey::generate(KeyKind::Account);
    key.save(&NodeKey::path(&home, KeyKind::Account))?;
    let account = aula_ledger::keys::account_of(&public_key(key.signing_key()));
    let (folders, vault) = create_as(above.path(), &identity_of(account), now_ms())?;
    let year = SchoolYear::at(TimeMs(now_ms()));
    let handle = enrol(&vault, &["S-17"], year)?.remove(0);
    let relation = Relation::Section(Term::new("4-b")?);
    vault.replace_roster(&[RosterLine { reader: Name::new("t-1")?, handle, relation }])?;
    drop(vault);
    let office = OfVault { door: KeptDoor::at(folders, Runtime::current()), home };
    let asked = tokio::task::spawn_blocking(move || -> Result<(), String> {
        let told = |reader: &str| office.standing(reader).map_err(|error| error.to_string());
        assert_eq!(told("t-1")?, Standing { sections: vec!["4-b".into()], listed: true });
        for nobody in ["t-2", "no name!", ""] {
            assert_eq!(told(nobody)?, Standing { sections: Vec::new(), listed: false }, "{nobody}");
        }
        let all = ["t-1", "t-2"].map(str::to_owned).into();
        assert_eq!(office.gone(&all).map_err(|error| error.to_string())?, ["t-2".to_owned()].into());
        let until = now_ms() + 600_000;
        let signed = office.credential("teacher", "t-1", until).map_err(|error| error.to_string())?;
        let credential: Credential = signed.parse().map_err(|error| format!("{error}"))?;
        assert_eq!(credential.scope().to_string(), "vault-teacher-t-1");
        let own = public_key(key.signing_key());
        assert_eq!(credential.verify(&GENESIS, &account, &own, now_ms()), Ok(()));
        assert!(credential.verify(&GENESIS, &account, &own, until).is_err(), "over");
        assert_eq!(office.credential("head-teacher", "t-1", until), Err(Unavailable));
        Ok(())
    });
    Ok(asked.await??)
}

#[test]
fn a_file_of_providers_and_its_secrets_are_the_operator_s_alone() -> Tested {
    let folder = tempfile::tempdir()?;
    let (file, secret) = (folder.path().join("providers.toml"), folder.path().join("s"));
    let text = "[[provider]]\nname = 'e'\nprotocol = 'oidc'\nissuer = 'https://id.example'\nclient_id = 'a'\nclient_secret_file = 's'\n\
                [provider.map]\nreader = 'sub'\nrole = [{claim='g',value='t',role='teacher'}]\n";
    std::fs::write(&file, text)?;
    std::fs::write(&secret, "hidden")?;
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    mode(&file, 0o600)?;
    mode(&secret, 0o600)?;
    let told = read(&file).map(|(registered, watch)| {
        let files: Vec<PathBuf> = watch.files().map(Path::to_owned).collect();
        (registered.providers.len(), files)
    });
    assert_eq!(
        told.map_err(|error| error.message),
        Ok((1, vec![file.clone(), secret.clone()])),
        "both are looked at"
    );
    for (path, open) in [(&file, 0o640), (&secret, 0o604)] {
        mode(path, open)?;
        assert!(read(&file).is_err(), "{}", path.display());
        mode(path, 0o600)?;
    }
    Ok(())
}
