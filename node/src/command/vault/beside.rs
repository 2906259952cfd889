//! Files that lie beside the vault and say what holds: which links, which badges.
//!
//! Invariant: in a pair they are changed where the home acts, and told done when the other one has them (`Vault::beside_changed`).

use aula_home::config::Config;

use super::{Place, refused};
use crate::command::{Context, Failure};

/// Changes such files.
///
/// # Errors
/// Those of the change; of a pair, `not_acting` where another home acts, before anything is changed, or where it took over meanwhile.
pub(in crate::command) fn change<T>(
    context: &Context,
    place: &Place,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    if Config::load(&context.home)?.pair.is_none() {
        return work();
    }
    let vault = place.open(context)?;
    let done = work()?;
    vault.beside_changed().map_err(refused)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use aula_home::Home;

    use super::*;
    use crate::command::Advise;
    use crate::terminal::OutputFormat;

    #[test]
    fn nothing_is_changed_in_a_pair_where_the_vault_cannot_be_had() -> Result<(), Failure> {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        let home = Home::at(folder.path().to_owned());
        let context = Context { home: home.clone(), output: OutputFormat::Json, log: None };
        let place = Place { vault: None, keystore: None };
        let mut changed = 0;
        let mut change_once = |context: &Context| {
            change(context, &place, || {
                changed += 1;
                Ok(changed)
            })
        };
        let settings = |text: &str| std::fs::write(home.config_file(), text).advise("a file", "space");
        settings("")?;
        assert_eq!(change_once(&context)?, 1);
        settings(
            "[pair]\nname = 'east'\nlisten = '127.0.0.1:1'\npeer = '127.0.0.1:2'\nsecret = 's'\nlease = '/shared'\n",
        )?;
        assert!(change_once(&context).is_err());
        assert_eq!(changed, 1);
        Ok(())
    }
}
