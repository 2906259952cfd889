//! A consortium's genesis file, made from its operators' public-key files and a base, and read again.
//!
//! Each operator becomes a member with the role consortium and runs one validator of power 1. The order of the files does
//! not matter. The file's bytes name the chain.

use std::io::ErrorKind;
use std::path::Path;

use aula_files::{read_at_most, regular_at_most};
use aula_ledger::genesis::{
    Genesis, GenesisDistrict, GenesisError, GenesisMember, GenesisSchool, GenesisValidator,
    MAX_GENESIS_BYTES, Parsed, Source,
};
use aula_ledger::names::{ListenHint, Name, PeerName};
use aula_ledger::params::Params;
use aula_ledger::protocol::Protocol;
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::twin::TwinParameters;
use aula_ledger::types::TimeMs;
use serde::Deserialize;

use crate::keys::OperatorFile;
use crate::outside::Outside;
use crate::{Advise, Failure, Home, OUTDATED, unread};

/// What a base file may hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Base {
    /// By which rules the chain begins, from 1; when not given, the newest that this program knows.
    pub protocol: Option<Protocol>,
    /// Parameters; those not given have their defaults.
    pub params: Params,
    /// The first version of the twins' parameters; what is not given has its default.
    pub twin: TwinParameters,
    /// Members beside the operators. One with an operator's key takes the place of the member made for it.
    pub members: Vec<GenesisMember>,
    /// Districts of the consortium; more are admitted by vote.
    pub districts: Vec<GenesisDistrict>,
    /// Schools, each in one of those districts.
    pub schools: Vec<GenesisSchool>,
    /// Where the data came from and which numbers are invented.
    pub sources: Vec<Source>,
}

/// The file's bytes and what they say: each operator a consortium member with one validator.
///
/// # Errors
/// The failure names the operator or the rule at fault.
pub fn assemble(
    name: &str,
    time_ms: TimeMs,
    operators: &[OperatorFile],
    base: Base,
) -> Result<(Vec<u8>, Parsed), Failure> {
    let mut operators = operators.to_vec();
    operators.sort_by(|a, b| a.name.cmp(&b.name));
    let mut members = base.members;
    let mut validators = Vec::new();
    for operator in &operators {
        let hint = "export the public-key file again with `aula keys export`";
        let fail =
            |e: &dyn std::fmt::Display| Failure::because(format!("operator {}: {e}", operator.name), hint);
        let own = Name::new(&operator.name).map_err(|e| fail(&e))?;
        let listen = operator.p2p.as_deref().ok_or_else(|| fail(&"its file gives no p2p address"))?;
        listen.parse::<Outside>().map_err(|failure| fail(&failure.message))?;
        let known = members.iter().find(|member| member.public_key == operator.account);
        let member_name = known.map_or_else(|| own.clone(), |member| member.name.clone());
        if known.is_none() {
            let roles = RoleSet::of(&[Role::Consortium]);
            let (name, public_key) = (own.clone(), operator.account);
            members.push(GenesisMember { name, roles, public_key, district: None, school: None });
        }
        validators.push(GenesisValidator {
            name: own,
            operator: member_name,
            public_key: operator.validator,
            power: 1,
            peer_id: PeerName::new(&operator.peer_id).map_err(|e| fail(&e))?,
            listen: ListenHint::new(listen).map_err(|e| fail(&e))?,
            seed_key: operator.seed,
        });
    }
    let name = Name::new(name).advise("the chain's name is refused", "choose a name like county")?;
    let genesis = Genesis {
        name,
        time_ms,
        protocol: base.protocol.unwrap_or(Protocol::NEWEST),
        params: base.params,
        twin: base.twin,
        members,
        validators,
        districts: base.districts,
        schools: base.schools,
        sources: base.sources,
    };
    let next = "correct the operators' files or the base and run again";
    let bytes = genesis.to_json().advise("no genesis can be made of this", next)?;
    let parsed = Genesis::parse(&bytes).advise("no genesis can be made of this", next)?;
    Ok((bytes, parsed))
}

/// Reads a JSON file, which is no larger than a genesis may be.
///
/// # Errors
/// When it is missing, larger, or of another form.
pub fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, Failure> {
    let next = "give the path of a JSON file as `aula init` or the documentation describes it";
    let bytes = read_at_most(path, MAX_GENESIS_BYTES as u64)
        .advise(format!("cannot read {}", path.display()), next)?;
    serde_json::from_slice(&bytes).advise(format!("{} is not of the expected form", path.display()), next)
}

/// Reads and checks the home's genesis.
///
/// # Errors
/// When it is missing, larger than a genesis may be, or breaks a rule.
pub fn read_genesis(home: &Home) -> Result<(Vec<u8>, Parsed), Failure> {
    const AGAIN: &str = "fetch the consortium's genesis file again";
    let path = home.genesis_file();
    let what = || format!("cannot read the genesis {}", path.display());
    let bytes = regular_at_most(&path, MAX_GENESIS_BYTES as u64).map_err(|error| {
        let next = match error.kind() {
            ErrorKind::FileTooLarge => AGAIN,
            _ => unread::step(&error)
                .unwrap_or("run `aula join --genesis FILE --peer MULTIADDR` first, or give another --home"),
        };
        Failure::because(format!("{}: {error}", what()), next)
    })?;
    let parsed = Genesis::parse(&bytes).map_err(|error| {
        let what = format!("{} cannot be used: {error}", path.display());
        match error {
            GenesisError::Newer(_) => {
                Failure::new(OUTDATED, what, "install a newer version of Aula and run this again")
            }
            _ => Failure::because(what, AGAIN),
        }
    })?;
    Ok((bytes, parsed))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::keys::{KeyKind, NodeKey, peer_id};

    fn operator(name: &str) -> OperatorFile {
        let public = || NodeKey::generate(KeyKind::Account).public();
        OperatorFile {
            version: 1,
            name: name.into(),
            account: public(),
            validator: public(),
            seed: public(),
            peer_id: peer_id(&public()).unwrap_or_default(),
            p2p: Some("/ip4/127.0.0.1/tcp/1".into()),
        }
    }

    #[test]
    fn the_order_of_the_files_does_not_matter() -> Result<(), Failure> {
        let (a, b) = (operator("a"), operator("b"));
        let one = assemble("county", TimeMs(5), &[a.clone(), b.clone()], Base::default())?;
        let two = assemble("county", TimeMs(5), &[b, a], Base::default())?;
        assert_eq!(one.0, two.0);
        assert!(one.1.chain_id.as_str().starts_with("county-"));
        assert_eq!(one.1.genesis.validators.len(), 2);
        Ok(())
    }

    #[test]
    fn a_genesis_that_is_larger_than_one_may_be_is_read_no_further_and_the_next_step_is_told()
    -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let missing = read_genesis(&home).err();
        assert!(missing.is_some_and(|failure| failure.hint.contains("aula join")));
        // It takes no place on the disk.
        std::fs::File::create(home.genesis_file())?.set_len(256 << 20)?;
        let refused = read_genesis(&home).err();
        assert!(refused.is_some_and(|failure| {
            failure.message.contains("more than 16777216 bytes") && failure.hint.contains("fetch")
        }));
        let described = read::<serde_json::Value>(&home.genesis_file()).err();
        assert!(described.is_some_and(|failure| failure.message.contains("more than 16777216 bytes")));
        Ok(())
    }

    #[test]
    fn what_lies_there_and_is_not_a_genesis_is_refused_with_its_name_and_the_next_step() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let path = home.genesis_file();
        let refused = |step: &str| {
            let Err(failure) = read_genesis(&home) else { panic!("a genesis") };
            assert!(failure.message.contains("genesis.json"), "{failure:?}");
            assert!(failure.hint.contains(step), "{failure:?}");
        };
        unread::each_spoiled(&path, refused)?;
        for bytes in [&b""[..], &[0xff, 0xfe], b"{}"] {
            std::fs::write(&path, bytes)?;
            refused("fetch");
        }
        Ok(())
    }

    #[test]
    fn an_operator_in_the_base_keeps_its_roles_and_name() -> Result<(), Failure> {
        let a = operator("a");
        let roles = RoleSet::of(&[Role::Consortium, Role::Funder]);
        let name = Name::new("state").unwrap_or_else(|_| unreachable!("a plain name"));
        let member = GenesisMember { name, roles, public_key: a.account, district: None, school: None };
        let base = Base { members: vec![member], ..Base::default() };
        let (_, parsed) = assemble("county", TimeMs(5), &[a], base)?;
        assert_eq!(parsed.genesis.members.len(), 1);
        assert_eq!(parsed.genesis.validators.first().map(|v| v.operator.as_str()), Some("state"));
        Ok(())
    }

    #[test]
    fn the_same_operator_twice_is_refused_with_its_name() {
        let a = operator("a");
        let refused = assemble("county", TimeMs(5), &[a.clone(), a], Base::default());
        assert!(refused.is_err_and(|f| f.message.contains("validator a stands twice")));
    }
}
