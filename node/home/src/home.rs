//! The node's folder and the names of everything in it. Each path has one function here.

use std::path::{Path, PathBuf};

use aula_ledger::types::Hash;

/// A node's folder, absolute; it need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// From `--home`, else `~/.aula`; relative paths start at the working directory.
    ///
    /// # Errors
    /// A sentence when neither `--home` nor the environment's HOME says where.
    pub fn resolve(given: Option<&Path>) -> Result<Self, String> {
        let path = match given {
            Some(path) => path.to_owned(),
            None => std::env::home_dir()
                .filter(|home| !home.as_os_str().is_empty())
                .ok_or("the environment does not say where the home folder is")?
                .join(".aula"),
        };
        std::path::absolute(&path)
            .map(Self)
            .map_err(|e| format!("cannot make {} absolute: {e}", path.display()))
    }

    /// A home at an absolute path.
    pub const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Settings of the operator: `config.toml`.
    pub fn config_file(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// The consortium's genesis: `genesis.json`.
    pub fn genesis_file(&self) -> PathBuf {
        self.0.join("genesis.json")
    }

    /// Secret keys, 0700: `keys/`.
    pub fn keys_dir(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// This operator's public keys, to send to whoever builds the genesis: `operator.json`.
    pub fn operator_file(&self) -> PathBuf {
        self.0.join("operator.json")
    }

    /// What admits this node, for a member to propose: `request.json`.
    pub fn request_file(&self) -> PathBuf {
        self.0.join("request.json")
    }

    /// Changes that replace a key by vote, for a member to propose: `replacements/`.
    pub fn replacements_dir(&self) -> PathBuf {
        self.0.join("replacements")
    }

    /// A funder's openings of what it stated, 0700: `statements/`.
    pub fn statements_dir(&self) -> PathBuf {
        self.0.join("statements")
    }

    /// Transactions on their way, 0700: `outbox/`.
    pub fn outbox_dir(&self) -> PathBuf {
        self.0.join("outbox")
    }

    /// How far the district's service is, 0700: `service/`.
    pub fn service_dir(&self) -> PathBuf {
        self.0.join("service")
    }

    /// Blocks, certificates and state, in RocksDB: `data/`.
    pub fn data_dir(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Fitted models that the ledger's parameters name: `models/`.
    pub fn models_dir(&self) -> PathBuf {
        self.0.join("models")
    }

    /// The bytes of a fitted model by its digest, as this home's node serves them: `models/DIGEST.model`.
    pub fn model_file(&self, digest: &Hash) -> PathBuf {
        self.models_dir().join(format!("{digest}.model"))
    }

    /// A file of `aula twin fit`, copied there by hand: `models/DIGEST.twin`.
    pub fn fitted_file(&self, digest: &Hash) -> PathBuf {
        self.models_dir().join(format!("{digest}.twin"))
    }

    /// The district's private vault: `vault/`.
    pub fn vault_dir(&self) -> PathBuf {
        self.0.join("vault")
    }

    /// The vault's keys, apart from its data: `keystore/`.
    pub fn keystore_dir(&self) -> PathBuf {
        self.0.join("keystore")
    }

    /// What feeds brought while the vault could not take it, sealed: `feeds/`.
    pub fn feeds_dir(&self) -> PathBuf {
        self.0.join("feeds")
    }

    /// How this one of a pair stands, and what it may do, 0700: `pair/`.
    pub fn pair_dir(&self) -> PathBuf {
        self.0.join("pair")
    }

    /// What logins keep, 0700: `identity/`, of which the program's are [`Home::IDENTITY_FILES`].
    pub fn identity_dir(&self) -> PathBuf {
        self.0.join("identity")
    }

    /// The files of logins, which a pair copies: tokens of programs, then the directory of staff.
    pub const IDENTITY_FILES: &'static [&'static str] = &["tokens.json", "directory.jsonl"];

    /// The file of `links/` that names what was revoked, which a pair copies before a revocation is told done. The links themselves follow.
    pub const REVOKED_LINKS: &'static str = ".revoked";

    /// The files of `badges/`, which a pair copies: the register and what is published of it.
    pub const BADGES_FILES: &'static [&'static str] =
        &["register.json", "issuer.json", "revocation.json", "suspension.json"];

    /// Families' links, by the hashes of their tokens: `links/`.
    pub fn links_dir(&self) -> PathBuf {
        self.0.join("links")
    }

    /// What the district issued as credentials, and what it publishes of them: `badges/`.
    pub fn badges_dir(&self) -> PathBuf {
        self.0.join("badges")
    }

    /// Where scheduled reports are delivered to: `delivered/`.
    pub fn delivered_dir(&self) -> PathBuf {
        self.0.join("delivered")
    }

    /// Published use of resources by school and hour: `hours/`.
    pub fn hours_dir(&self) -> PathBuf {
        self.0.join("hours")
    }

    /// Figures that later reports compare with: `figures/`.
    pub fn figures_dir(&self) -> PathBuf {
        self.0.join("figures")
    }

    /// The district's lake, 0700: `lake/`.
    pub fn lake_dir(&self) -> PathBuf {
        self.0.join("lake")
    }

    /// The consensus engine's write-ahead log and the signer's guard: `consensus/`.
    pub fn consensus_dir(&self) -> PathBuf {
        self.0.join("consensus")
    }

    /// The engine's write-ahead log: `consensus/wal`.
    pub fn wal_file(&self) -> PathBuf {
        self.consensus_dir().join("wal")
    }

    /// That the database's state was found damaged: `data/damaged`, there until `aula replay` agrees or the database is
    /// replaced.
    pub fn damage_file(&self) -> PathBuf {
        self.data_dir().join("damaged")
    }

    /// What the validator key has signed: `consensus/sign_guard`. Backups leave it out.
    pub fn sign_guard_file(&self) -> PathBuf {
        self.consensus_dir().join("sign_guard")
    }

    /// Snapshots of the state: `snapshots/`.
    pub fn snapshots_dir(&self) -> PathBuf {
        self.0.join("snapshots")
    }

    /// The socket by which a command hands an order to the running node: `control`.
    pub fn control_socket(&self) -> PathBuf {
        self.0.join("control")
    }

    /// What the home's processes are to log, as `aula node log-level` says: `log-filter`.
    pub fn log_filter_file(&self) -> PathBuf {
        self.0.join("log-filter")
    }

    /// When the vault was copied last: `backups.json`.
    pub fn backups_file(&self) -> PathBuf {
        self.0.join("backups.json")
    }

    /// Figures files of consortia under this ledger, and their genesis files, put there by the operator: `consortia/`.
    pub fn consortia_dir(&self) -> PathBuf {
        self.0.join("consortia")
    }

    /// What commands wrote outside of this home, a line each: `left.jsonl`.
    pub fn left_file(&self) -> PathBuf {
        self.0.join("left.jsonl")
    }

    /// An earlier part of that list: `left-N.jsonl`, the first one is 1.
    pub fn left_old_file(&self, number: u64) -> PathBuf {
        self.0.join(format!("left-{number}.jsonl"))
    }

    /// What still older lines of it come to: `left-sums.json`.
    pub fn left_sums_file(&self) -> PathBuf {
        self.0.join("left-sums.json")
    }

    /// The log of a node started by localnet: `node.log`.
    pub fn log_file(&self) -> PathBuf {
        self.0.join("node.log")
    }
}
