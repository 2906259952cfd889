//! Logins of staff: the desk of `aula-identity` over this node's vault, on a listener of its own.
//!
//! Flow: the providers are read and the socket bound when the node starts → who logs in is compared with the vault's roster → a
//! credential is signed with the district's account key, as `aula vault credential` signs one. The file of providers is looked at
//! every two seconds. In a pair a change of tokens or of the directory is told done when the other one has the file. Absent: what a
//! credential opens, which the vault's access check decides, and TLS, which a proxy ends.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aula_connect::door::{lent, lent_in_a_moment};
use aula_home::clock::now_ms;
use aula_home::config::{Config, Identity};
use aula_home::keys::{KeyKind, NodeKey};
use aula_home::own_file::{self, Mark, Watch};
use aula_home::{Advise, Failure, Home};
use aula_identity::directory::Directory;
use aula_identity::http::{Desk, Terms, router};
use aula_identity::office::{Office, Standing, Unavailable};
use aula_identity::pair::{Partner, Withheld};
use aula_identity::sessions::Lifetime;
use aula_identity::settings::{self, Registered};
use aula_identity::tokens::Tokens;
use aula_ledger::access::Relation;
use aula_ledger::credential::{Claim, Credential, Scope};
use aula_ledger::names::Name;
use aula_standby::permit::Permit;
use aula_web::http::{AppState, Staff};
use tokio::net::TcpListener;

use super::xapi::KeptDoor;

#[cfg(test)]
mod tests;

/// How often the file of providers is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Looks at that file between two looks at whether the roster still names those who are logged in: a minute.
const SWEEP: u32 = 30;
const HINT: &str = "correct [identity] in config.toml; docs/identity.md has an example";

/// Serves logins, where config.toml asks for it and the node has a vault.
///
/// # Errors
/// A file of providers that is refused, a socket that cannot be bound, tokens that cannot be used.
pub(super) async fn start(home: &Home, config: &Config, node: &Arc<AppState>) -> Result<(), Failure> {
    let Some(identity) = config.identity.clone() else { return Ok(()) };
    let Some(door) = KeptDoor::of(node) else {
        tracing::warn!(
            "nobody can log in: this node has no vault. Run aula vault init, then start the node again"
        );
        return Ok(());
    };
    let permit = aula_standby::settings::permit(home, config);
    let pair = permit.map(|permit| Arc::new(OfPair { permit, door: door.clone() }) as Arc<dyn Partner>);
    let (tokens, directory) = kept(home, pair.as_ref())?;
    let office = Arc::new(OfVault { door, home: home.clone() });
    let minutes = |minutes: u64| minutes.saturating_mul(60_000);
    let session =
        Lifetime { whole_ms: minutes(identity.session_minutes), idle_ms: minutes(identity.idle_minutes) };
    let terms = Terms { session, credential_ms: minutes(identity.credential_minutes) };
    let (registered, watch) = read(&identity.providers)?;
    let desk = Desk::new(&identity.url, registered, (tokens, directory, office), (terms, now_ms));
    let desk = desk.map_err(|why| Failure::because(why, HINT))?;
    let desk = Arc::new(match pair {
        Some(pair) => desk.of_pair(pair),
        None => desk,
    });
    let socket = TcpListener::bind(identity.listen).await;
    let socket = socket.advise(format!("logins cannot be listened for on {}", identity.listen), HINT)?;
    node.ask_staff(Arc::new(Asked(desk.clone())));
    tracing::info!(listen = %identity.listen, url = identity.url, "staff log in below /identity");
    tokio::spawn(attend(desk.clone(), identity, watch));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(socket, router(desk)).await {
            tracing::error!(%error, "logins are served no longer");
        }
    });
    Ok(())
}

/// The directory, as who reads the vault is asked about.
struct Asked(Arc<Desk>);

impl Staff for Asked {
    fn holds(&self, reader: &str, role: &str) -> bool {
        self.0.holds(reader, role)
    }
}

/// Tokens and the directory as they are on disk. In a pair nothing is read before this one acts: the other one may be writing it.
fn kept(home: &Home, pair: Option<&Arc<dyn Partner>>) -> Result<(Tokens, Directory), Failure> {
    let folder = home.identity_dir();
    let (tokens, directory) = (folder.join("tokens.json"), folder.join("directory.jsonl"));
    if let Some(pair) = pair {
        let other = || Some(pair.clone());
        return Ok((Tokens::unread(&tokens, other()), Directory::unread(&directory, other())));
    }
    let tokens = Tokens::open(&tokens).advise("the tokens of programs cannot be used", HINT)?;
    let directory = Directory::open(&directory).advise("the directory of staff cannot be used", HINT)?;
    Ok((tokens, directory))
}

/// The providers, and the files that they were read from, as they were just before. What the first file names stands beside it, unless it
/// says where; secrets are the operator's alone like the file.
fn read(path: &Path) -> Result<(Registered, Watch), Failure> {
    let files = RefCell::new(Vec::new());
    let private = |file: &Path| {
        files.borrow_mut().push((file.to_owned(), Mark::of(file)));
        own_file::read(file).map_err(|error| error.to_string())
    };
    let text = private(path).map_err(|why| Failure::because(why, HINT))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let named = |file: &Path| private(&folder.join(file));
    let registered = settings::read(&text, named).advise(format!("{} is refused", path.display()), HINT)?;
    Ok((registered, Watch::seen(files.into_inner())))
}

/// Takes other providers when their file, or one that it names, changes, for as long as the node runs: a provider's new key comes in its
/// metadata alone.
async fn attend(desk: Arc<Desk>, identity: Identity, mut watch: Watch) {
    let mut looks: u32 = 0;
    loop {
        tokio::time::sleep(EVERY).await;
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(SWEEP) {
            let sessions = desk.sweep().await;
            if sessions > 0 {
                tracing::info!(sessions, "sessions ended of readers whom the roster does not name any more");
            }
        }
        if !watch.is_due() {
            continue;
        }
        let taken =
            read(&identity.providers).map_err(|failure| format!("{}: {}", failure.message, failure.hint));
        match taken.and_then(|(registered, read)| desk.set_providers(registered).map(|()| read)) {
            Ok(read) => {
                watch = read;
                tracing::info!("the providers of logins were read again");
            }
            Err(error) if watch.refuse() => tracing::warn!(error, "the providers stay as they were"),
            Err(_) => {}
        }
    }
}

/// This home's pair: a file of the identity goes to the other one with a write of the vault that follows it, in the vault's order and under
/// the lease's epoch.
struct OfPair {
    permit: Permit,
    door: KeptDoor,
}

impl std::fmt::Debug for OfPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfPair").field("permit", &self.permit).finish_non_exhaustive()
    }
}

impl Partner for OfPair {
    fn turn(&self) -> Result<u64, Withheld> {
        self.permit.epoch().map_err(Withheld)
    }

    fn copied(&self) -> Result<(), Withheld> {
        let done = lent_in_a_moment(&self.door, |vault| vault.beside_changed());
        done.map_err(|why| Withheld(format!("{why}; ask again in a few seconds")))
    }
}

/// The district whose vault this node has.
struct OfVault {
    door: KeptDoor,
    home: Home,
}

impl Office for OfVault {
    fn standing(&self, reader: &str) -> Result<Standing, Unavailable> {
        let Ok(reader) = Name::new(reader) else {
            return Ok(Standing { sections: Vec::new(), listed: false });
        };
        let told = lent(&self.door, |vault| {
            let mut standing = Standing { sections: Vec::new(), listed: false };
            for (_, name, relations) in vault.all_relations()? {
                if name != reader {
                    continue;
                }
                standing.listed |= !relations.is_empty();
                standing.sections.extend(relations.iter().filter_map(|relation| match relation {
                    Relation::Section(section) => Some(section.to_string()),
                    _ => None,
                }));
            }
            standing.sections.sort();
            standing.sections.dedup();
            Ok(standing)
        });
        told.map_err(|why| {
            tracing::warn!(%why, "a login was not compared with the roster");
            Unavailable
        })
    }

    fn gone(&self, readers: &BTreeSet<String>) -> Result<BTreeSet<String>, Unavailable> {
        let told = lent(&self.door, |vault| {
            let mut gone = readers.clone();
            for (_, name, relations) in vault.all_relations()? {
                if !relations.is_empty() {
                    gone.remove(name.as_str());
                }
            }
            Ok(gone)
        });
        told.map_err(|why| {
            tracing::debug!(%why, "who is logged in was not compared with the roster");
            Unavailable
        })
    }

    fn credential(&self, role: &str, reader: &str, until_ms: u64) -> Result<String, Unavailable> {
        let scope = Scope::vault(role, reader).ok_or(Unavailable)?;
        let identity = lent(&self.door, |vault| Ok(vault.identity()?.clone()));
        let identity = identity.map_err(|why| {
            tracing::warn!(%why, "a credential was not signed");
            Unavailable
        })?;
        let key = NodeKey::of_home(&self.home, KeyKind::Account).map_err(|why| {
            tracing::error!(%why, "the district's account key is refused: no credential was signed");
            Unavailable
        })?;
        let claim =
            Claim { genesis: identity.genesis, account: identity.account, expires_ms: until_ms, scope };
        Ok(Credential::sign(&claim, key.signing_key()).to_string())
    }
}
