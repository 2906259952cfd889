//! Homes of pairs, before anything opens their vaults: every process of such a home writes by the permit, and copies what it writes.

use std::sync::Arc;

use aula_home::config::Config;
use aula_home::{Failure, Home};
use aula_standby::settings;
use aula_vault::pair::{Copier, Partner, register as put_before};

/// Stands before a vault whose settings cannot be used: nothing is written past a pair by mistake.
struct Refusing(String);

impl Partner for Refusing {
    fn epoch(&self) -> Result<u64, String> {
        Err(self.0.clone())
    }

    fn copier(&self) -> Box<dyn Copier> {
        Box::new(Nowhere)
    }
}

/// Copies nothing: a vault that it would be of is never open.
struct Nowhere;

impl Copier for Nowhere {
    fn copied(&self, _: &aula_vault::pair::Source<'_>, _: u64, _: u64) -> Result<(), String> {
        Err("the pair's settings are refused".into())
    }

    fn level(&self, _: &aula_vault::pair::Source<'_>, _: u64) -> aula_vault::pair::Level {
        aula_vault::pair::Level::default()
    }
}

/// Says of the vault of a home of a pair who decides over it; of any other home nothing. A configuration that is refused is told by the
/// command that reads it.
pub fn register(home: &Home) {
    let Ok(config) = Config::load(home) else { return };
    if config.pair.is_none() {
        return;
    }
    let partner: Arc<dyn Partner> = match settings::of(home, &config) {
        Ok(Some(setup)) => Arc::new(setup.reach),
        Ok(None) => return,
        Err(failure) => Arc::new(Refusing(failure.message)),
    };
    put_before(&config.vault.data_dir(home), partner);
}

/// Whether this home does the district's work now: it is in no pair, or it acts. Otherwise why not.
///
/// # Errors
/// A configuration that is refused.
pub fn acts(home: &Home) -> Result<Result<(), String>, Failure> {
    let config = Config::load(home)?;
    Ok(settings::permit(home, &config).map_or(Ok(()), |permit| permit.epoch().map(|_| ())))
}
