//! What follows of events that a command brought past feeds and imports: the node looks who of their students is at risk.

use std::collections::BTreeSet;

use aula_ledger::types::Handle;
use aula_server::at_risk::ask;

use super::Context;

/// Has this home's node look at these students. The events are in the vault: where that cannot be noted, it is said on stderr and
/// changes no exit, since the next whole fold finds them as well.
pub(super) fn brought(context: &Context, handles: &BTreeSet<Handle>) {
    if let Err(failure) = ask(&context.home, handles) {
        context.tell(format_args!(
            "warning: {}; the events are in the vault, and who is at risk is known with the next whole fold, by default within the hour ({})",
            failure.message, failure.hint
        ));
    }
}

#[cfg(test)]
mod tests {
    use aula_home::Home;

    use super::*;
    use crate::terminal::OutputFormat;

    #[test]
    fn a_home_that_cannot_be_written_fails_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let context = Context { home: home.clone(), output: OutputFormat::Text, log: None };
        let some = BTreeSet::from([Handle([7; 32])]);
        // A file where the folder would be.
        std::fs::write(home.feeds_dir(), b"")?;
        brought(&context, &some);
        assert!(home.feeds_dir().is_file());
        std::fs::remove_file(home.feeds_dir())?;
        brought(&context, &some);
        assert_eq!(aula_server::at_risk::asked(&home)?, [Handle([7; 32])]);
        Ok(())
    }
}
