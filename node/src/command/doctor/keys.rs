//! The node's keys: there, readable, closed to others, and those that the operator's file names.

use std::fs;

use aula_files::open_to_others;
use aula_home::Home;
use aula_home::keys::{KeyKind, NodeKey, OperatorFile};

use super::Check;

const NEXT: &str = "put the file back from its copy with mode 0600; a key without a copy is replaced by vote: `aula keys replace-lost`; a \
                    home that never ran gets new keys from `aula init`";

/// One check a key, then their folder, then the operator's file.
pub fn all(home: &Home) -> Vec<Check> {
    let mut checks: Vec<Check> = KeyKind::ALL.into_iter().map(|kind| key(home, kind)).collect();
    checks.push(folder(home));
    checks.extend(operator(home));
    checks
}

fn key(home: &Home, kind: KeyKind) -> Check {
    let (name, path) = (format!("key_{}", kind.name()), NodeKey::path(home, kind));
    match NodeKey::load(&path, kind) {
        Ok(_) => Check::ok(name, format!("{} is whole and private", path.display())),
        Err(error) => {
            let next = match &error {
                aula_home::keys::KeyError::TooOpen { .. } => {
                    format!("chmod 600 {}; if others could read it, replace the key", path.display())
                }
                _ => NEXT.to_owned(),
            };
            Check::fail(name, aula_home::with_causes(&error), next)
        }
    }
}

fn folder(home: &Home) -> Check {
    let path = home.keys_dir();
    match fs::metadata(&path).map(|found| open_to_others(&found)) {
        Ok(None) => Check::ok("keys_folder", format!("{} is private", path.display())),
        Ok(Some(mode)) => Check::warn(
            "keys_folder",
            format!("others may look into {} (mode {mode:o})", path.display()),
            format!("chmod 700 {}", path.display()),
        ),
        Err(error) => Check::fail("keys_folder", format!("cannot look at {}: {error}", path.display()), NEXT),
    }
}

/// What the operator sent to the others names other keys than the home has: the others know another node.
fn operator(home: &Home) -> Option<Check> {
    let next = "the consortium knows the keys of operator.json: put those back into keys/, or `aula keys replace-lost`";
    match OperatorFile::stored(home) {
        Ok(Some(stored)) => {
            let own = OperatorFile::of_home(home, &stored.name, stored.p2p.clone()).ok()?;
            let same = own.account == stored.account
                && own.validator == stored.validator
                && own.peer_id == stored.peer_id;
            Some(match same {
                true => Check::ok("operator", format!("{}, peer {}", stored.name, stored.peer_id)),
                false => Check::fail("operator", "operator.json names other keys than keys/ holds", next),
            })
        }
        Ok(None) => None,
        Err(error) => Some(Check::warn(
            "operator",
            format!("operator.json cannot be read: {error}"),
            "write it again with `aula keys export`",
        )),
    }
}
