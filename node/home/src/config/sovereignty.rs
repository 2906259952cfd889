//! `[sovereignty]`: the named places inside which the district's stores, copies, mail and exports stay.
//!
//! Without a place there is no rule. With one, whatever a setting or a command names has to lie in a folder or on a host of a
//! place, or it is refused before anything is written or sent. A folder is looked at as it really is: links are followed. Absent:
//! where a host or a disk stands, which nothing here can see; the operator's list says it.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, reading};
use crate::home::Home;

/// `[sovereignty]`: inside which places the district's data stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sovereignty {
    /// `[[sovereignty.place]]`, one each.
    pub place: Vec<NamedPlace>,
}

/// The file without all that is not the rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Alone {
    sovereignty: Sovereignty,
}

/// A place where data may lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedPlace {
    /// What people call it: `county data centre`.
    pub name: String,
    /// Folders there, absolute; what lies below them is there too.
    #[serde(default)]
    pub folders: Vec<PathBuf>,
    /// Hosts there: a name, `*.NAME` for all below it, or an address.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// What lies outside of every place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} would be {found}, which is in none of the places of [sovereignty]")]
pub struct Outside {
    /// Which store, copy or address.
    pub what: String,
    /// The folder or host.
    pub found: String,
}

impl Sovereignty {
    /// The rule of a home whose other settings may be wrong, or another version's; none of a file that is not there, or that is no TOML and
    /// does not speak of it.
    ///
    /// # Errors
    /// [`ConfigError::Read`], [`ConfigError::Parse`], [`ConfigError::Place`].
    pub fn alone(home: &Home) -> Result<Self, ConfigError> {
        let Some(bytes) = reading::bytes(home)? else { return Ok(Self::default()) };
        let path = home.config_file();
        let text = String::from_utf8_lossy(&bytes);
        let rule = match toml::from_str::<Alone>(&text) {
            Ok(alone) => alone.sovereignty,
            Err(_) if !text.contains("sovereignty") => Self::default(),
            Err(error) => return Err(ConfigError::Parse { path, reason: error.to_string() }),
        };
        rule.fault().map_or(Ok(rule), |fault| Err(ConfigError::Place(fault)))
    }

    /// Whether there is a rule at all.
    pub fn is_set(&self) -> bool {
        !self.place.is_empty()
    }

    /// The place of a folder or file; none where there is no rule.
    ///
    /// # Errors
    /// [`Outside`] for one in no place, or one whose way cannot be followed.
    pub fn of_folder(&self, what: &str, path: &Path) -> Result<Option<&str>, Outside> {
        if !self.is_set() {
            return Ok(None);
        }
        let real = real(path);
        let holds = |place: &&NamedPlace| {
            real.as_ref().is_some_and(|real| {
                place.folders.iter().any(|own| own.is_absolute() && real.starts_with(own))
            })
        };
        let found = self.place.iter().find(holds);
        let outside = || Outside { what: what.to_owned(), found: path.display().to_string() };
        found.map(|place| Some(place.name.as_str())).ok_or_else(outside)
    }

    /// The place of a host, with or without a port; none where there is no rule.
    ///
    /// # Errors
    /// [`Outside`].
    pub fn of_host(&self, what: &str, host: &str) -> Result<Option<&str>, Outside> {
        if !self.is_set() {
            return Ok(None);
        }
        let name = host_of(host);
        let found = self.place.iter().find(|place| place.hosts.iter().any(|own| is_host(own, &name)));
        let outside = || Outside { what: what.to_owned(), found: name.clone() };
        found.map(|place| Some(place.name.as_str())).ok_or_else(outside)
    }

    pub(super) fn fault(&self) -> Option<&'static str> {
        let named = |place: &NamedPlace| !place.name.trim().is_empty();
        let absolute =
            |place: &NamedPlace| place.folders.iter().all(|folder| folder.is_absolute() && plain(folder));
        let hosts = |place: &NamedPlace| place.hosts.iter().all(|host| is_pattern(host));
        match () {
            () if !self.place.iter().all(named) => Some("a place of [sovereignty] needs a name"),
            () if !self.place.iter().all(absolute) => Some("folders of a place are absolute, without .."),
            () if !self.place.iter().all(hosts) => {
                Some("hosts of a place are names, *.NAME with a dot in NAME, or addresses")
            }
            () => None,
        }
    }
}

/// The host of a URL, `HOST:PORT` or a host, in lower case, without brackets and the root's dot.
pub fn host_of(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    // What asks takes a backslash for a slash.
    let rest = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, _)) => inner,
        None if rest.matches(':').count() == 1 => rest.split(':').next().unwrap_or_default(),
        None => rest,
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn is_host(own: &str, name: &str) -> bool {
    let own = own.to_ascii_lowercase();
    match own.strip_prefix('*') {
        Some(end) => name.parse::<IpAddr>().is_err() && name.len() > end.len() && name.ends_with(end),
        None => own == name,
    }
}

fn is_pattern(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    let wide = text.starts_with('*');
    !name.is_empty() && name.chars().all(fits) && (!wide || text.starts_with("*.") && name.contains('.'))
}

fn plain(path: &Path) -> bool {
    !path.components().any(|part| part == Component::ParentDir)
}

/// Where a path really is: links followed as far as it exists, the rest as it is written. None of one that climbs.
pub fn real(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok().filter(|path| plain(path))?;
    let (mut there, mut rest) = (whole.as_path(), Vec::new());
    loop {
        match there.canonicalize() {
            Ok(found) => return Some(rest.iter().rev().fold(found, |path, part| path.join(part))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // A link that leads nowhere yet may lead anywhere later.
                if there.is_symlink() {
                    return None;
                }
                rest.push(there.file_name()?.to_owned());
                there = there.parent()?;
            }
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn of(text: &str) -> Config {
        toml::from_str(text).expect("a configuration")
    }

    fn places(folder: &Path) -> String {
        format!(
            "[[sovereignty.place]]\nname = 'county'\nfolders = ['{}']\nhosts = ['*.county.example', '192.0.2.7', 'county.example']\n",
            folder.display()
        )
    }

    #[test]
    fn stores_deliveries_and_receivers_stay_inside_or_the_file_is_refused() {
        let above = tempfile::tempdir().expect("a folder");
        let inside = above.path().canonicalize().expect("a path").join("in");
        std::fs::create_dir_all(&inside).expect("a folder");
        let home = Home::at(inside.join("home"));
        let rule = places(&inside);
        assert!(of(&rule).check_places(&home).is_ok());
        assert!(of("").check_places(&Home::at(above.path().join("home"))).is_ok(), "no rule");
        let mail = |to: &str, server: &str| {
            format!(
                "[[delivery]]\nname = 'b'\nkind = 'mail'\nfrom = 'a@county.example'\nto = ['{to}']\nserver = '{server}'\n"
            )
        };
        assert!(
            of(&format!("{rule}{}", mail("x@county.example", "mx.county.example")))
                .check_places(&home)
                .is_ok()
        );
        let outside = above.path().join("out");
        for (text, what) in [
            (format!("[lake]\nfolder = '{}'\n", outside.display()), "the lake"),
            (format!("[lake]\nfolder = '{}/../out'\n", inside.display()), "the lake"),
            (format!("[reports]\noutbox = '{}x'\n", inside.display()), "the outbox"),
            (mail("x@elsewhere.example", "mx.county.example"), "receiver"),
            (mail("x@county.example", "mx.county.example.evil.example"), "[[delivery]] b"),
            ("[[delivery]]\nname = 'h'\nkind = 'webhook'\nurl = 'https://county.example@evil.example/x'\nsecret_file = '/s'\n".into(), "[[delivery]] h"),
            ("[[delivery]]\nname = 's'\nkind = 'sftp'\naddress = '192.0.2.8:22'\nuser = 'u'\nkey = '/k'\nhost_key = 'x'\nencrypt_to = ['age1']\n".into(), "[[delivery]] s"),
        ] {
            let error = of(&format!("{rule}{text}")).check_places(&home).expect_err(&text).to_string();
            assert!(error.contains(what) && error.contains("[sovereignty]"), "{text}: {error}");
        }
        let away = Home::at(outside.join("home"));
        assert!(of(&rule).check_places(&away).is_err(), "the home itself");
    }

    #[test]
    fn a_link_out_of_a_place_is_outside_and_one_that_leads_nowhere_too() {
        let above = tempfile::tempdir().expect("a folder");
        let root = above.path().canonicalize().expect("a path");
        let (inside, outside) = (root.join("in"), root.join("out"));
        for folder in [&inside, &outside] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        std::os::unix::fs::symlink(&outside, inside.join("link")).expect("a link");
        std::os::unix::fs::symlink(root.join("later"), inside.join("nowhere")).expect("a link");
        let rule = of(&places(&inside)).sovereignty;
        assert_eq!(rule.of_folder("x", &inside.join("new/deep")), Ok(Some("county")));
        for path in ["link/new", "nowhere", "nowhere/new", "../in2"] {
            assert!(rule.of_folder("x", &inside.join(path)).is_err(), "{path}");
        }
    }

    #[test]
    fn hosts_are_read_out_of_addresses_and_a_pattern_is_no_wider_than_its_name() {
        for (text, host) in [
            ("https://A.Example:8443/x?y", "a.example"),
            ("a.example:22", "a.example"),
            ("[2001:db8::1]:22", "2001:db8::1"),
            ("https://user:pw@b.example/", "b.example"),
            ("a.example.", "a.example"),
            ("https://evil.example\\.county.example", "evil.example"),
            ("https://evil.example\\@mx.county.example/", "evil.example"),
        ] {
            assert_eq!(host_of(text), host);
        }
        assert!(
            is_host("*.county.example", "mx.county.example")
                && !is_host("*.county.example", "county.example")
        );
        assert!(!is_host("*.county.example", "evilcounty.example") && !is_host("*.2.7", "192.0.2.7"));
        for (pattern, fits) in [
            ("*", false),
            ("*.", false),
            ("*.example", false),
            ("*.a.example", true),
            ("a", true),
            ("a b", false),
            ("", false),
        ] {
            assert_eq!(is_pattern(pattern), fits, "{pattern}");
        }
    }
}
