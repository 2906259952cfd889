//! `aula genesis`: the genesis file from the operators' public-key files, and optionally a base with the
//! consortium's districts, schools, further members and parameters.
//!
//! Each operator becomes a member with the role consortium and runs one validator of power 1. The order of
//! the files does not matter. The file's bytes name the chain: send the same file to everybody.

use std::path::{Path, PathBuf};

use aula_ledger::genesis::{
    Genesis, GenesisDistrict, GenesisMember, GenesisSchool, GenesisValidator, Parsed, Source,
};
use aula_ledger::names::{ListenHint, Name, PeerName};
use aula_ledger::params::Params;
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::types::TimeMs;
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::{Advise, Context, Failure, Outcome, absolute};
use crate::clock::now_ms;
use crate::keys::OperatorFile;
use crate::outside::Outside;
use crate::whole_file::{self, Access};

/// Arguments of `aula genesis`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula genesis --name county --operator a/operator.json --operator b/operator.json -o genesis.json\n  \
                  aula genesis --name county --operator a.json b.json c.json d.json --base consortium.json\n\nThe base is JSON \
                  with any of \"params\", \"members\", \"districts\", \"schools\", \"sources\" in the form of the genesis file. The chain id \
                  is NAME-XXXXXXXX, from the SHA-256 of the file: publish that hash."
)]
pub struct GenesisArgs {
    /// The chain's name, 1 to 40 lower-case letters, digits and dashes
    #[arg(long)]
    pub name: String,
    /// The operators' public-key files (HOME/operator.json of each), at least one
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub operator: Vec<PathBuf>,
    /// Districts, schools, further members, parameters
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Time of the genesis in milliseconds since 1970 UTC [default: now]
    #[arg(long, value_name = "MS")]
    pub time_ms: Option<u64>,
    /// Where to write it [default: HOME/genesis.json]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What a base file may hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Base {
    /// Parameters; those not given have their defaults.
    pub params: Params,
    /// Members beside the operators. One with an operator's key takes the place of the member made for it.
    pub members: Vec<GenesisMember>,
    /// Districts.
    pub districts: Vec<GenesisDistrict>,
    /// Schools.
    pub schools: Vec<GenesisSchool>,
    /// Where the data came from and which numbers are invented.
    pub sources: Vec<Source>,
}

/// Writes the genesis file and says what it names.
///
/// # Errors
/// When a file is missing or malformed, or a rule of the genesis is broken.
pub fn run(context: &Context, args: &GenesisArgs) -> Result<Outcome, Failure> {
    let operators = args.operator.iter().map(|path| read(path)).collect::<Result<Vec<OperatorFile>, _>>()?;
    let base = args.base.as_deref().map_or_else(|| Ok(Base::default()), read)?;
    let time_ms = args.time_ms.unwrap_or_else(now_ms);
    let (bytes, parsed) = assemble(&args.name, TimeMs(time_ms), &operators, base)?;
    let out = args.out.as_deref().map_or_else(|| Ok(context.home.genesis_file()), absolute)?;
    if whole_file::is_there(&out) {
        return Err(Failure::new(
            "exists",
            format!("{} exists already and a genesis is never overwritten", out.display()),
            "choose another file with -o",
        ));
    }
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)
            .advise(format!("cannot make {}", folder.display()), "choose another -o")?;
    }
    whole_file::create(&out, Access::Public, &bytes)
        .advise(format!("cannot write {}", out.display()), "check the folder's owner and the space left")?;
    let genesis = &parsed.genesis;
    let text = format!(
        "{}\nchain id  {}\nsha256    {}\n{} validators, {} members, {} districts, {} schools\nPublish the sha256 and \
         send the file to every operator.",
        out.display(),
        parsed.chain_id,
        parsed.sha256,
        genesis.validators.len(),
        genesis.members.len(),
        genesis.districts.len(),
        genesis.schools.len()
    );
    let json = json!({
        "file": out, "chain_id": parsed.chain_id, "sha256": parsed.sha256, "time_ms": time_ms,
        "validators": genesis.validators.len(), "members": genesis.members.len(),
        "districts": genesis.districts.len(), "schools": genesis.schools.len(),
    });
    Ok(Outcome::yes(json, text))
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
        params: base.params,
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

/// Reads a JSON file.
///
/// # Errors
/// When it is missing or of another form.
pub fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, Failure> {
    let next = "give the path of a JSON file as `aula init` or the documentation describes it";
    let bytes = std::fs::read(path).advise(format!("cannot read {}", path.display()), next)?;
    serde_json::from_slice(&bytes).advise(format!("{} is not of the expected form", path.display()), next)
}

#[cfg(test)]
mod tests {
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
