//! The pair as config.toml names it, with its files read.
//!
//! The file of secrets is refused where others can read it, and so is TLS without a certificate of the other's authority. Invariant: the
//! keys that the two must not share are read here and compared by the standby before anything is copied.

use std::io;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aula_delivery::bucket::{Bucket, Place};
use aula_home::clock::now_ms;
use aula_home::config::{BucketPlace, Config, Pair};
use aula_home::keys::{KeyError, KeyKind, NodeKey};
use aula_home::{Failure, Home, own_file, with_causes};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde::Deserialize;

use crate::bucket::{BucketLease, TIMEOUT};
use crate::folder::FolderLease;
use crate::folders::Root;
use crate::keeper::Setup;
use crate::lease::{LeaseError, LeaseStore};
use crate::patient::Patient;
use crate::permit::Permit;
use crate::receiver::Own;
use crate::shipper::{BADGES, IDENTITY, KEYSTORE, REVOKED, Reach};
use crate::who;

const HINT: &str = "correct [pair] in config.toml; docs/failover.md has an example";
/// Fewest characters of the secret.
const LEAST: usize = 32;
/// For an answer of the lease's store: two requests to a bucket.
const PATIENCE: Duration = Duration::from_millis(1_600);
/// For a bucket's first, before which it is tried.
const OPENING: Duration = Duration::from_secs(8);

/// The file of secrets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    secret: String,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::new("bad_pair", format!("[pair]: {why}"), HINT)
}

/// What this home goes by; none of one that is in no pair.
pub fn permit(home: &Home, config: &Config) -> Option<Permit> {
    config.pair.as_ref().map(|_| Permit::at(&home.pair_dir()))
}

/// Everything that a process of a home of a pair needs; none of a home that is in no pair.
///
/// # Errors
/// What is wrong with `[pair]`, or with a file that it names.
pub fn of(home: &Home, config: &Config) -> Result<Option<Setup>, Failure> {
    let Some(own) = &config.pair else { return Ok(None) };
    let file = read(&own.secret)?;
    let keys = own_keys(home)?;
    let roots = vec![
        Root::all(KEYSTORE, config.vault.keystore_dir(home)),
        Root::of_files(IDENTITY, home.identity_dir(), Home::IDENTITY_FILES),
        Root::of_files(REVOKED, home.links_dir(), &[Home::REVOKED_LINKS]),
        Root::of_files(BADGES, home.badges_dir(), Home::BADGES_FILES),
        Root::all("outbox", home.outbox_dir()),
        Root::all("service", home.service_dir()),
        Root::all("links", home.links_dir()),
        // An hour is counted once, whoever acts.
        Root::all("hours", home.hours_dir()),
        Root::all("wishes", home.path().join("wishes")),
    ];
    let permit = Permit::at(&home.pair_dir());
    let (asking, answering) = tls(own, &file)?;
    let lease = Arc::new(lease(own)?);
    let reach = Reach {
        name: own.name.clone(),
        peer: own.peer.clone(),
        secret: file.secret.clone(),
        tls: asking,
        keys: keys.clone(),
        patience: Duration::from_millis(own.lease_ms),
        roots: roots.clone(),
        lease,
        lease_id: own.lease_id.clone(),
        permit: permit.clone(),
    };
    let (name, secret, data) = (own.name.clone(), file.secret, config.vault.data_dir(home));
    let (lease_id, folder) = (own.lease_id.clone(), home.pair_dir());
    let standby = Own { name, secret, keys, data, roots, folder, lease_id, permit };
    Ok(Some(Setup {
        reach,
        own: standby,
        listen: own.listen,
        tls: answering,
        lease_ms: own.lease_ms,
        check_ms: own.check_ms,
    }))
}

/// The same for the node that keeps the lease: it says who this home is, and no copy of it ([`crate::who`]).
///
/// # Errors
/// As [`of`]; an id that cannot be read or drawn.
pub fn of_node(home: &Home, config: &Config) -> Result<Option<Setup>, Failure> {
    let Some(mut setup) = of(home, config)? else { return Ok(None) };
    let folder = home.pair_dir();
    let me = who::of(&folder, &setup.reach.name);
    let me =
        me.map_err(|error| refused(format!("{} cannot be used: {error}", folder.join("id").display())))?;
    (setup.reach.name, setup.own.name) = (me.clone(), me);
    Ok(Some(setup))
}

/// The public halves of what the two must not share. A key that is there and cannot be read is no key that the other lacks.
fn own_keys(home: &Home) -> Result<Vec<[u8; 32]>, Failure> {
    let mut keys = Vec::new();
    for kind in [KeyKind::Validator, KeyKind::Network, KeyKind::Seed] {
        match NodeKey::of_home(home, kind) {
            Ok(key) => keys.push(key.public().0),
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(with_causes(&error))),
        }
    }
    Ok(keys)
}

fn read(path: &Path) -> Result<File, Failure> {
    let shown = path.display();
    let text = own_file::read(path).map_err(|error| refused(with_causes(&error)))?;
    // The parser's own words would quote the secret.
    let file: File = toml::from_str(&text).map_err(|_| {
        refused(format!("{shown} must have secret, and may have ca, certificate and key, as strings"))
    })?;
    if file.secret.len() < LEAST {
        return Err(refused(format!("the secret in {shown} must have {LEAST} characters at least")));
    }
    Ok(file)
}

type Tls = (Option<Arc<ClientConfig>>, Option<Arc<ServerConfig>>);

/// TLS as far as it is needed: none where the two are on one machine.
fn tls(own: &Pair, file: &File) -> Result<Tls, Failure> {
    // One may be installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bytes = |path: &Path| {
        std::fs::read(path).map_err(|error| refused(format!("cannot read {}: {error}", path.display())))
    };
    let malformed = |path: &Path| refused(format!("{} is not PEM of what it should be", path.display()));
    let asking = match &file.ca {
        Some(path) => {
            let (pem, mut roots) = (bytes(path)?, RootCertStore::empty());
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                roots.add(certificate.map_err(|_| malformed(path))?).map_err(|_| malformed(path))?;
            }
            if roots.is_empty() {
                return Err(malformed(path));
            }
            Some(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
        }
        None => None,
    };
    let answering = match (&file.certificate, &file.key) {
        (Some(certificate), Some(key)) => {
            let (pem, secret) = (bytes(certificate)?, bytes(key)?);
            let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
            let chain = chain.map_err(|_| malformed(certificate))?;
            let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|_| malformed(key))?;
            let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret);
            Some(Arc::new(config.map_err(refused)?))
        }
        (None, None) => None,
        _ => return Err(refused("certificate and key of the file of secrets belong together")),
    };
    if !own.listen.ip().is_loopback() && answering.is_none() {
        return Err(refused(
            "listen is not an address of loopback: the file of secrets needs certificate and key",
        ));
    }
    let near = || own.peer.to_socket_addrs().is_ok_and(|mut found| found.all(|one| one.ip().is_loopback()));
    if asking.is_none() && !near() {
        return Err(refused("peer is not an address of loopback: the file of secrets needs ca"));
    }
    Ok((asking, answering))
}

/// The lease's store, asked with patience: within it another turn of renewals would be due.
fn lease(own: &Pair) -> Result<Patient, Failure> {
    let patience = PATIENCE.max(Duration::from_millis(own.lease_ms / 5));
    if let Some(folder) = own.lease.clone() {
        let Some(id) = own.lease_id.clone() else { return Err(unmarked(&folder)) };
        let name = own.name.clone();
        let open =
            move || FolderLease::at(&folder, &id, &name).map(|store| Arc::new(store) as Arc<dyn LeaseStore>);
        return Ok(Patient::of(open, patience, patience));
    }
    let Some(to) = own.bucket.clone() else {
        return Err(refused("lease or bucket must say where the lease is"));
    };
    // What config.toml and its files say of it is wrong at the start or not at all; the service is asked later.
    bucket(&to).map_err(|error| refused(error.to_string()))?;
    Ok(Patient::of(move || kept_in(&to), patience, OPENING))
}

/// Of a pair that was set up before folders were marked, or not to its end.
fn unmarked(folder: &Path) -> Failure {
    let message = format!(
        "[pair]: lease_id is missing: {} was not marked for this pair (aula district lease)",
        folder.display()
    );
    let hint = "run `aula district lease --new` in one home of the pair and, with the id that it prints, `aula district lease --id ID` in the \
                other; docs/failover.md";
    Failure::new("unmarked_lease", message, hint)
}

fn bucket(to: &BucketPlace) -> Result<Bucket, LeaseError> {
    let said = |error: &dyn std::fmt::Display| LeaseError(error.to_string());
    let secret = own_file::read(&to.secret_file).map_err(|error| said(&with_causes(&error)))?;
    let authority = to.ca.as_deref().map(std::fs::read).transpose().map_err(|error| said(&error))?;
    let place = Place {
        endpoint: to.endpoint.clone(),
        region: to.region.clone(),
        bucket: to.bucket.clone(),
        key_id: to.key_id.clone(),
    };
    let seconds = || now_ms() / 1_000;
    let bucket = Bucket::patient(&place, secret.trim(), authority.as_deref(), seconds, TIMEOUT);
    bucket.map_err(|error| said(&error))
}

fn kept_in(to: &BucketPlace) -> Result<Arc<dyn LeaseStore>, LeaseError> {
    Ok(Arc::new(BucketLease::at(bucket(to)?, &format!("{}pair-lease.json", to.prefix))?))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::place::mark;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn file(path: &Path, text: &str, mode: u32) -> io::Result<()> {
        fs::write(path, text)?;
        fs::set_permissions(path, Permissions::from_mode(mode))
    }

    #[test]
    fn a_secret_that_others_can_read_or_that_is_short_is_refused_and_not_quoted() -> Tested {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("secret.toml");
        let long = "q".repeat(LEAST);
        file(&path, &format!("secret = '{long}'\n"), 0o600)?;
        assert!(read(&path).is_ok());
        for (text, mode) in [
            (format!("secret = '{long}'\n"), 0o640),
            (format!("secret = '{}'\n", &long[1..]), 0o600),
            (format!("secret = '{long}\n"), 0o600),
            (format!("secret = '{long}'\nother = 1\n"), 0o600),
        ] {
            file(&path, &text, mode)?;
            let refused = read(&path).err().ok_or(text)?;
            assert!(
                refused.code == "bad_pair" && !refused.message.contains("qqqqqqqq"),
                "{}",
                refused.message
            );
        }
        assert!(read(&folder.path().join("none")).is_err());
        Ok(())
    }

    #[test]
    fn a_pair_whose_folder_was_never_marked_is_told_what_to_run_and_makes_none() -> Tested {
        let above = tempfile::tempdir()?;
        let (secret, shared) = (above.path().join("secret.toml"), above.path().join("shared"));
        file(&secret, &format!("secret = '{}'\n", "q".repeat(LEAST)), 0o600)?;
        let home = Home::at(above.path().join("home"));
        let with = |id: &str| {
            let text = format!(
                "[pair]\nname = 'east'\nlisten = '127.0.0.1:8499'\npeer = '127.0.0.1:8500'\nsecret = '{}'\nlease = '{}'\nlease_ms = 60000\n{id}",
                secret.display(),
                shared.display()
            );
            toml::from_str::<Config>(&text)
        };
        let refused = of(&home, &with("")?).err().ok_or("it goes without a mark")?;
        assert_eq!(refused.code, "unmarked_lease");
        assert!(refused.hint.contains("aula district lease --new"), "{}", refused.hint);
        let id = "0".repeat(32);
        let setup = of(&home, &with(&format!("lease_id = '{id}'\n"))?)?.ok_or("a pair")?;
        let unmounted = setup.reach.lease.claim("07", "east");
        assert!(unmounted.is_err_and(|error| error.0.contains("mounted?")));
        assert!(!shared.exists());
        fs::create_dir(&shared)?;
        mark(&shared, &id)?;
        assert_eq!(setup.reach.lease.claim("07", "east")?, "east");
        Ok(())
    }

    #[test]
    fn a_bucket_whose_secret_others_can_read_is_refused_at_the_start_and_one_that_is_away_is_not() -> Tested {
        let folder = tempfile::tempdir()?;
        let (secret, key) = (folder.path().join("secret.toml"), folder.path().join("key"));
        file(&secret, &format!("secret = '{}'\n", "q".repeat(LEAST)), 0o600)?;
        let home = Home::at(folder.path().join("home"));
        let text = format!(
            "[pair]\nname = 'east'\nlisten = '127.0.0.1:8499'\npeer = '127.0.0.1:8500'\nsecret = '{}'\n\
             [pair.bucket]\nendpoint = 'http://127.0.0.1:1'\nbucket = 'lease'\nkey_id = 'k'\nsecret_file = '{}'\n",
            secret.display(),
            key.display()
        );
        let config = toml::from_str::<Config>(&text)?;
        let code = || of(&home, &config).err().map(|failure| failure.code);
        assert_eq!(code().as_deref(), Some("bad_pair"), "there is none");
        file(&key, "k", 0o640)?;
        assert_eq!(code().as_deref(), Some("bad_pair"));
        file(&key, "k", 0o600)?;
        assert_eq!(code(), None, "nobody is asked yet");
        Ok(())
    }

    #[test]
    fn a_key_that_cannot_be_read_is_not_passed_over() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        assert_eq!(own_keys(&home)?, Vec::<[u8; 32]>::new());
        let path = NodeKey::path(&home, KeyKind::Validator);
        fs::create_dir_all(path.parent().ok_or("a folder")?)?;
        file(&path, "{}", 0o600)?;
        assert!(own_keys(&home).is_err());
        file(&path, "{}", 0o644)?;
        assert!(own_keys(&home).is_err());
        Ok(())
    }
}
