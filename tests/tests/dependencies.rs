//! What of others is in the program, by Cargo.lock: no second stack of TLS, no C library for XML, and only one version of each curve
//! where it is decided what is valid. `deny.toml` has the same list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is in nobody's graph, of no target and behind no feature.
const NEVER: [&str; 6] = ["openssl-sys", "openssl", "native-tls", "aws-lc-sys", "aws-lc-rs", "libxml"];

/// Of a curve, the major version that signatures and proofs are judged with; and what brings another one: who speaks other people's
/// protocols, and never a ledger's.
const CURVES: [(&str, &str, &[&str]); 2] = [
    ("ed25519-dalek", "2", &["openidconnect", "russh", "ssh-key"]),
    ("curve25519-dalek", "4", &["ed25519-dalek", "russh"]),
];

/// Of ours, who may reach those who bring another one.
const ADAPTERS: [&str; 3] = ["aula-delivery", "aula-identity", "aula-lti"];

/// Who judges, and must judge alike everywhere.
const JUDGES: [&str; 5] = ["aula-zk", "aula-ledger", "aula-consensus", "aula-audit", "aula-verifier"];

/// A package: its name and version.
type Package = (String, String);

/// Who depends on what, tests and builds and every target included.
struct Lock(BTreeMap<Package, BTreeSet<Package>>);

impl Lock {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent");
        Self::parse(&std::fs::read_to_string(root.join("Cargo.lock")).expect("Cargo.lock"))
    }

    fn parse(text: &str) -> Self {
        let lock: toml::Table = toml::from_str(text).expect("Cargo.lock is TOML");
        let packages = lock["package"].as_array().expect("a list of packages");
        let name = |package: &toml::Value| -> Package {
            let field = |name: &str| package[name].as_str().expect("a text").to_owned();
            (field("name"), field("version"))
        };
        let known: BTreeSet<Package> = packages.iter().map(name).collect();
        // A dependency is told with its version where several of the name are there.
        let named = |text: &str| -> Package {
            let mut words = text.split(' ');
            let (wanted, version) = (words.next().unwrap_or_default(), words.next());
            let fits = |one: &&Package| one.0 == wanted && version.is_none_or(|version| one.1 == version);
            let mut found = known.iter().filter(fits);
            let first = found.next().unwrap_or_else(|| panic!("{text} is not a package of the lock"));
            assert!(found.next().is_none(), "{text} is several packages");
            first.clone()
        };
        let needs = |package: &toml::Value| {
            let list = package.get("dependencies").and_then(|list| list.as_array());
            list.into_iter().flatten().map(|one| named(one.as_str().expect("a text"))).collect()
        };
        Self(packages.iter().map(|package| (name(package), needs(package))).collect())
    }

    fn of(&self, name: &str) -> Vec<&Package> {
        self.0.keys().filter(|package| package.0 == name).collect()
    }

    fn users(&self, of: &Package) -> BTreeSet<&str> {
        self.0.iter().filter(|(_, needs)| needs.contains(of)).map(|(user, _)| user.0.as_str()).collect()
    }

    fn reached(&self, from: &str) -> BTreeSet<Package> {
        let mut next: Vec<Package> = self.of(from).into_iter().cloned().collect();
        assert_eq!(next.len(), 1, "{from} is one of ours");
        let mut seen = BTreeSet::new();
        while let Some(one) = next.pop() {
            next.extend(self.0[&one].iter().filter(|package| !seen.contains(*package)).cloned());
            seen.insert(one);
        }
        seen
    }

    /// What is wrong with it.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for name in NEVER {
            for package in self.of(name) {
                faults.push(format!("{name} {} is there, by {:?}", package.1, self.users(package)));
            }
        }
        for (name, major, wrappers) in CURVES {
            let is_other = |package: &&&Package| package.1.split('.').next() != Some(major);
            for package in self.of(name).iter().filter(is_other) {
                for user in self.users(package).iter().filter(|user| !wrappers.contains(user)) {
                    faults.push(format!("{user} uses {name} {}", package.1));
                }
            }
        }
        // Whom the wrappers serve: one of ours that is no adapter has none of them.
        let wrappers: BTreeSet<&str> =
            CURVES.iter().flat_map(|(_, _, wrappers)| *wrappers).copied().collect();
        let direct = |package: &Package| {
            self.0[package].iter().any(|one| wrappers.contains(one.0.as_str()) && !is_curve(&one.0))
        };
        for package in
            self.0.keys().filter(|one| one.0.starts_with("aula-") && !ADAPTERS.contains(&one.0.as_str()))
        {
            if direct(package) {
                faults.push(format!("{} is not an adapter, and uses what brings another curve", package.0));
            }
        }
        for judge in JUDGES {
            for package in self.reached(judge) {
                let major = CURVES.iter().find(|curve| curve.0 == package.0).map(|curve| curve.1);
                if major.is_some_and(|major| package.1.split('.').next() != Some(major)) {
                    faults.push(format!("{judge} reaches {} {}", package.0, package.1));
                }
            }
        }
        faults
    }
}

fn is_curve(name: &str) -> bool {
    CURVES.iter().any(|curve| curve.0 == name)
}

#[test]
fn nothing_is_in_the_lock_that_does_not_belong_there() {
    let lock = Lock::read();
    // The walk sees something: the judges have their curve, and there are adapters with another one.
    for judge in JUDGES {
        assert!(
            lock.reached(judge).iter().any(|one| one.0 == "curve25519-dalek" && one.1.starts_with("4.")),
            "{judge}"
        );
    }
    assert_eq!(lock.faults(), Vec::<String>::new());
}

#[test]
fn what_does_not_belong_there_is_seen() {
    let ours: String =
        JUDGES.map(|name| format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n")).concat();
    let good = Lock::parse(&ours);
    assert_eq!(good.faults(), Vec::<String>::new());
    let add = |more: &str| Lock::parse(&format!("{ours}{more}")).faults();
    let of = |name: &str, version: &str, needs: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndependencies = [{needs}]\n")
    };
    assert_eq!(add(&of("openssl-sys", "0.9.1", "")).len(), 1);
    let curve = of("ed25519-dalek", "3.0.0", "");
    assert_eq!(add(&(curve.clone() + &of("russh", "1.0.0", "\"ed25519-dalek\""))), Vec::<String>::new());
    assert_eq!(add(&(curve.clone() + &of("other", "1.0.0", "\"ed25519-dalek\""))).len(), 1);
    let russh = curve + &of("russh", "1.0.0", "\"ed25519-dalek 3.0.0\"");
    assert_eq!(add(&(russh.clone() + &of("aula-web", "0.1.0", "\"russh\""))).len(), 1, "no adapter");
    assert_eq!(add(&(russh + &of("aula-delivery", "0.1.0", "\"russh\""))), Vec::<String>::new());
    // A judge that reaches it by whatever way: what it needs is in the list of packages, once.
    let judging = ours.replacen("name = \"aula-audit\"\nversion = \"0.1.0\"\n", "", 1).replacen(
        "[[package]]\n[[package]]",
        "[[package]]",
        1,
    );
    let by_way = of("aula-audit", "0.1.0", "\"ssh-key\"")
        + &of("ssh-key", "1.0.0", "\"ed25519-dalek\"")
        + &of("ed25519-dalek", "3.0.0", "");
    let told = Lock::parse(&format!("{judging}{by_way}")).faults();
    assert!(told.iter().any(|fault| fault == "aula-audit reaches ed25519-dalek 3.0.0"), "{told:?}");
}
