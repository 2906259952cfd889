//! HOME/request.json: all that admits this node, as one change that a member proposes as it is.

use std::path::PathBuf;

use aula_files::Access;
use aula_home::Home;
use aula_home::keys::{KeyKind, NodeKey, OperatorFile};
use aula_ledger::genesis::Parsed;
use aula_ledger::keys::{Label, sign};
use aula_ledger::names::{ListenHint, Name, PeerName, Title};
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::tx::{Change, NewDistrict, NodeRequest};
use aula_ledger::types::DistrictId;

use crate::command::{Advise, DEFECT, Failure};

/// What the newcomer asks for beside its place in consensus.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The district it would act for.
    pub district: Option<u16>,
    /// What people call it, when it enters with this node.
    pub district_name: Option<String>,
    /// The roles it would have; none: consortium, and district where one is named.
    pub roles: Vec<Role>,
}

/// Writes the request of a node that the genesis does not know; none for a founder.
///
/// # Errors
/// When a name is refused, a key cannot be read or the file cannot be written.
pub fn write(
    home: &Home,
    operator: &OperatorFile,
    genesis: &Parsed,
    asked: &Asked,
) -> Result<Option<PathBuf>, Failure> {
    if genesis.genesis.members.iter().any(|member| member.public_key == operator.account) {
        return Ok(None);
    }
    let change = Change::AdmitNode { node: Box::new(request(home, operator, genesis, asked)?) };
    let path = home.request_file();
    let text = format!("{}\n", serde_json::to_string_pretty(&change).hint(DEFECT)?);
    aula_files::replace(&path, Access::Public, text.as_bytes())
        .advise(format!("cannot write {}", path.display()), "check the folder's owner and the space left")?;
    Ok(Some(path))
}

fn request(
    home: &Home,
    operator: &OperatorFile,
    genesis: &Parsed,
    asked: &Asked,
) -> Result<NodeRequest, Failure> {
    let hint = "create the keys with `aula init`, or correct the file's mode";
    let account = NodeKey::of_home(home, KeyKind::Account).advise("the account key is refused", hint)?;
    let validator =
        NodeKey::of_home(home, KeyKind::Validator).advise("the validator key is refused", hint)?;
    let name = Name::new(&operator.name).advise("the operator's name is refused", "choose another --name")?;
    let listen = operator.p2p.as_deref().unwrap_or_default();
    let listen = ListenHint::new(listen).advise("the address for peers is refused", "give it with --p2p")?;
    let peer_id = PeerName::new(&operator.peer_id).advise("the peer id is refused", hint)?;
    let title = |name: &String| {
        Title::new(name).advise("the district's name is refused", "choose another --district-name")
    };
    let district = match asked.district {
        Some(id) => Some(NewDistrict {
            id: DistrictId(id),
            name: asked.district_name.as_ref().map(title).transpose()?,
        }),
        None => None,
    };
    let usual = RoleSet::of(&[Role::Consortium]);
    let usual = if district.is_some() { usual.with(Role::District) } else { usual };
    let roles = if asked.roles.is_empty() { usual } else { RoleSet::of(&asked.roles) };
    let unsigned = sign(account.signing_key(), Label::NodeRequest, &[]);
    let mut node = NodeRequest {
        name,
        account_key: account.public(),
        roles,
        district,
        validator_key: validator.public(),
        seed_key: operator.seed,
        peer_id,
        listen,
        account_signature: unsigned,
        validator_signature: unsigned,
    };
    let statement = node.statement(&genesis.sha256);
    node.account_signature = sign(account.signing_key(), Label::NodeRequest, &statement);
    node.validator_signature = sign(validator.signing_key(), Label::NodeRequest, &statement);
    let change = Change::AdmitNode { node: Box::new(node.clone()) };
    match change.check() {
        Ok(()) => Ok(node),
        Err(_) => {
            let message = "these roles do not fit: a district names its number, and nobody else does";
            Err(Failure::new(
                "bad_roles",
                message,
                "give --district N with the role district, or leave --roles out",
            ))
        }
    }
}
