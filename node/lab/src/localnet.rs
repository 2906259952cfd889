//! A consortium on this machine: homes, one genesis, and a child process for each validator.
//!
//! Flow: [`prepare`] makes the homes with keys, ports and the genesis (or reads those of an earlier run) →
//! [`Localnet::start`] starts one `aula start` a home and waits for the line each prints when it is up →
//! [`Localnet::stop`] ends them. A child that dies is left dead; it can be started again by hand
//! with `aula start --home HOME`, since everything it needs stands in its home.
//!
//! Children end with their parent even when that is killed: each watches its standard input, which only the
//! parent holds open.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use aula_files::Access;
use aula_home::config::{Config, set};
use aula_home::founding::{Base, assemble, read_genesis};
use aula_home::keys::OperatorFile;
use aula_home::{Advise, Failure, Home, operator};
use aula_ledger::genesis::Parsed;
use aula_ledger::types::TimeMs;
use rand::seq::SliceRandom;

mod children;

pub use children::{Localnet, NodeLine};

/// Most validators on one machine.
pub const MAX_VALIDATORS: u16 = 32;
/// Ports of one node, one after another: consensus, gossip, API.
const PORTS: u16 = 3;
/// Where ports are looked for without `--base-port`.
const FREE_PORTS: std::ops::Range<u16> = 20_000..32_000;

/// What a consortium is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The folder of everything, absolute.
    pub dir: PathBuf,
    /// How many validators, 1 to 32.
    pub validators: u16,
    /// The chain's name.
    pub name: String,
    /// The first port; free ports when none.
    pub base_port: Option<u16>,
    /// Time of the genesis.
    pub time_ms: TimeMs,
    /// Members, districts, schools and parameters beside the operators.
    pub base: Base,
}

/// What the operator asked for, as far as it did.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The chain's name.
    pub name: Option<String>,
    /// The first port.
    pub base_port: Option<u16>,
    /// Members, districts, schools and parameters beside the operators.
    pub base: Option<Base>,
}

/// The homes of a consortium and its genesis.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// One a validator, `node-01` first.
    pub homes: Vec<Home>,
    /// The genesis file, under the folder of everything.
    pub genesis_file: PathBuf,
    /// The genesis as parsed.
    pub genesis: Parsed,
}

/// Makes the homes and the genesis, or takes those that are there.
///
/// # Errors
/// When the folder cannot be written, no ports are free, or an earlier run had another number of validators.
pub fn prepare(plan: &Plan) -> Result<Prepared, Failure> {
    if !(1..=MAX_VALIDATORS).contains(&plan.validators) {
        let message = format!("a consortium on one machine has 1 to {MAX_VALIDATORS} validators");
        return Err(Failure::new("bad_count", message, "choose another --validators"));
    }
    let home = |n: u16| Home::at(plan.dir.join(format!("node-{n:02}")));
    let homes: Vec<Home> = (1..=plan.validators).map(home).collect();
    let whole = Home::at(plan.dir.clone());
    if !aula_files::is_there(&whole.genesis_file()) {
        create(plan, &homes, &whole)?;
    }
    let more = home(plan.validators + 1).path().exists();
    if more || homes.iter().any(|home| !home.genesis_file().exists()) {
        let message = format!("{} holds another number of validators", plan.dir.display());
        return Err(Failure::new("other_count", message, "give that number, or an empty --home"));
    }
    let (_, genesis) = read_genesis(&whole)?;
    Ok(Prepared { homes, genesis_file: whole.genesis_file(), genesis })
}

/// How many validators an earlier run made here; none when there was none, or it was broken off.
pub fn stored_validators(dir: &Path) -> Option<u16> {
    let home = |n: u16| Home::at(dir.join(format!("node-{n:02}")));
    let whole = aula_files::is_there(&Home::at(dir.to_owned()).genesis_file());
    let count = (1..=MAX_VALIDATORS).take_while(|n| home(*n).genesis_file().exists()).count();
    whole.then_some(count).and_then(|count| u16::try_from(count).ok()).filter(|count| *count > 0)
}

/// Refuses flags that say otherwise than the consortium an earlier run made: its genesis and ports stand.
///
/// # Errors
/// The failure names the first such flag.
pub fn agree(prepared: &Prepared, asked: &Asked) -> Result<(), Failure> {
    let whole = prepared.genesis_file.display();
    let conflict = |flag: &str, given: &str, there: &str| {
        let message = format!("{flag} says {given}, and the consortium of {whole} has {there}");
        let hint = "leave the flag out to continue that chain, or give an empty --home";
        Err(Failure::new("conflict", message, hint))
    };
    let genesis = &prepared.genesis.genesis;
    if let Some(name) = asked.name.as_deref().filter(|name| *name != genesis.name.as_str()) {
        return conflict("--name", name, genesis.name.as_str());
    }
    for (at, home) in prepared.homes.iter().enumerate() {
        let Some(base) = asked.base_port else { break };
        let first = usize::from(base) + at * usize::from(PORTS);
        let there = Config::load(home)?.p2p.listen;
        if !there.ends_with(&format!("/tcp/{first}")) {
            return conflict("--base-port", &base.to_string(), &format!("node {} at {there}", at + 1));
        }
    }
    let Some(base) = &asked.base else { return Ok(()) };
    let stored: std::io::Result<Vec<Option<OperatorFile>>> =
        prepared.homes.iter().map(OperatorFile::stored).collect();
    let stored = stored.advise("the operators' files cannot be read", "check the folder's owner")?;
    let operators: Vec<OperatorFile> = stored.into_iter().flatten().collect();
    let made = assemble(genesis.name.as_str(), genesis.time_ms, &operators, base.clone());
    if made.is_ok_and(|(_, parsed)| parsed.sha256 == prepared.genesis.sha256) {
        return Ok(());
    }
    conflict("--base", "other members, districts, schools or parameters", "those of its genesis")
}

fn create(plan: &Plan, homes: &[Home], whole: &Home) -> Result<(), Failure> {
    let firsts = ports(homes.len(), plan.base_port)?;
    let mut operators = Vec::new();
    for (home, first) in homes.iter().zip(firsts) {
        let name = home.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let p2p = format!("/ip4/127.0.0.1/tcp/{first}");
        // Of a run that was broken off before there was a chain: other ports are chosen now.
        for stale in [home.operator_file(), home.config_file()] {
            let gone = fs::remove_file(&stale).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            });
            gone.advise(format!("cannot remove {}", stale.display()), "check the folder's owner")?;
        }
        operator::make(home, &operator::Choice { name: Some(name.clone()), p2p: Some(p2p.clone()) })?;
        operators.push(OperatorFile::of_home(home, &name, Some(p2p.clone()))?);
        let path = home.config_file();
        let hint = "check the folder's owner and space";
        let text = fs::read_to_string(&path).advise(format!("cannot read {}", path.display()), hint)?;
        let text = set(&text, "api", "listen", &format!("\"127.0.0.1:{}\"", first + 2));
        aula_files::replace(&path, Access::Public, text.as_bytes())
            .advise(format!("cannot write {}", path.display()), hint)?;
    }
    let (bytes, _) = assemble(&plan.name, plan.time_ms, &operators, plan.base.clone())?;
    // The shared copy is written last: it says that everything before it is whole.
    for home in homes.iter().chain([whole]) {
        let path = home.genesis_file();
        aula_files::replace(&path, Access::Public, &bytes)
            .advise(format!("cannot write {}", path.display()), "check the space left")?;
    }
    Ok(())
}

/// The first of three ports for each node.
fn ports(nodes: usize, base: Option<u16>) -> Result<Vec<u16>, Failure> {
    let refused = || Failure::new("no_ports", "there are not enough ports", "choose a lower --base-port");
    if let Some(base) = base {
        let first = |n: usize| base.checked_add(u16::try_from(n).ok()?.checked_mul(PORTS)?);
        return (0..nodes).map(|n| first(n).filter(|p| *p < u16::MAX - PORTS).ok_or_else(refused)).collect();
    }
    // Below the range from which systems take the ports of outgoing connections: a node that is started again
    // must find its port free.
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut candidates: Vec<u16> = (FREE_PORTS.start..FREE_PORTS.end - PORTS).step_by(PORTS.into()).collect();
    candidates.shuffle(&mut rand::thread_rng());
    candidates.retain({
        let mut found = 0;
        move |first| {
            let take = found < nodes && (*first..*first + PORTS).all(free);
            found += usize::from(take);
            take
        }
    });
    if candidates.len() == nodes { Ok(candidates) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(dir: &Path, validators: u16) -> Plan {
        let base = Base::default();
        Plan {
            dir: dir.to_owned(),
            validators,
            name: "local".into(),
            base_port: None,
            time_ms: TimeMs(7),
            base,
        }
    }

    #[test]
    fn a_second_run_finds_the_same_consortium() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let first = prepare(&plan(folder.path(), 2))?;
        let again = prepare(&plan(folder.path(), 2))?;
        assert_eq!(first.genesis, again.genesis);
        assert_eq!(first.genesis.genesis.validators.len(), 2);
        assert!(prepare(&plan(folder.path(), 3)).is_err_and(|f| f.code == "other_count"));
        assert!(prepare(&plan(folder.path(), 1)).is_err_and(|f| f.code == "other_count"));
        assert_eq!(stored_validators(folder.path()), Some(2));
        Ok(())
    }

    #[test]
    fn flags_that_say_otherwise_than_the_stored_chain_are_a_conflict()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let prepared = prepare(&Plan { base_port: Some(27_000), ..plan(folder.path(), 2) })?;
        let base: Base = serde_json::from_str("{}")?;
        let other: Base = serde_json::from_str(r#"{"districts":[{"id":1,"name":"North"}]}"#)?;
        let same = Asked { name: Some("local".into()), base_port: Some(27_000), base: Some(base) };
        agree(&prepared, &same)?;
        agree(&prepared, &Asked::default())?;
        for changed in [
            Asked { name: Some("county".into()), ..same.clone() },
            Asked { base_port: Some(28_000), ..same.clone() },
            Asked { base: Some(other), ..same },
        ] {
            assert!(agree(&prepared, &changed).is_err_and(|failure| failure.code == "conflict"));
        }
        Ok(())
    }

    #[test]
    fn a_run_that_was_broken_off_is_made_again_with_the_keys_it_drew()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let prepared = prepare(&plan(folder.path(), 2))?;
        let key = |home: &Home| OperatorFile::stored(home).map(|file| file.map(|file| file.validator));
        let before = key(&prepared.homes[0])?;
        fs::remove_file(&prepared.genesis_file)?;
        let again = prepare(&Plan { base_port: Some(29_000), ..plan(folder.path(), 2) })?;
        assert_eq!(key(&again.homes[0])?, before);
        assert_eq!(Config::load(&again.homes[1])?.p2p.listen, "/ip4/127.0.0.1/tcp/29003");
        Ok(())
    }

    #[test]
    fn every_node_has_ports_of_its_own() -> Result<(), Box<dyn std::error::Error>> {
        let mut seen: Vec<u16> = ports(4, None)?.into_iter().flat_map(|p| [p, p + 1, p + 2]).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 12);
        assert_eq!(ports(3, Some(27_000))?, [27_000, 27_003, 27_006]);
        assert!(ports(3, Some(65_530)).is_err());
        Ok(())
    }
}
