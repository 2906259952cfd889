//! Evidence over two ledgers: a bundle of one consortium, and a bundle of the parent ledger in which one of its heads is
//! anchored. Whoever trusts the parent's genesis checks both offline.
//!
//! What the second hop adds: the block of the child that the parent names was certified before the parent's own validators,
//! so no later loss of keys in the child can put another in its place. From that block on the child's own validators speak,
//! as everywhere. Absent: that the anchored block is the newest, or the one whose state is shown; the answer says which it is.

use borsh::{BorshDeserialize, BorshSerialize};
use serde_json::json;

use super::bundle::{Bundle, FigureKey, Subject, VIA_VERSION, summed, unsummed};
use super::report::{Check, Checks, Report, Stop, Verdict, utc};
use super::verify::{Options, TrustedBlock, verify};
use super::{Standing, sha256};
use crate::codec::{Canonical, CodecError};
use crate::genesis::{Genesis, Parsed};
use crate::state::schema::{AnchoredHead, Consortium};
use crate::types::{ChainId, Hash, Height, TimeMs};

/// Two bundles, each whole.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ViaBundle {
    /// The parent ledger's: public figures, exactly the consortium's record and one anchored head.
    pub parent: Vec<u8>,
    /// The other ledger's, about anything. It shows the anchored block.
    pub child: Vec<u8>,
}

/// The version, the two bundles, then SHA-256 of all that.
impl Canonical for ViaBundle {
    const VERSION: u8 = VIA_VERSION;
    const WHAT: &'static str = "evidence over two ledgers";
    const MAX_BYTES: u64 = 2 * Bundle::MAX_BYTES + 64;

    fn to_canonical(&self) -> Vec<u8> {
        let mut bytes = vec![Self::VERSION];
        // Writing into a Vec fails only for more than u32::MAX bytes, which no bundle has.
        if self.serialize(&mut bytes).is_err() {
            return Vec::new();
        }
        summed(bytes)
    }

    fn from_canonical(bytes: &[u8]) -> Result<Self, CodecError> {
        let (what, found) = (Self::WHAT, bytes.len() as u64);
        if found > Self::MAX_BYTES {
            return Err(CodecError::TooLarge { what, limit: Self::MAX_BYTES, found });
        }
        if !is_via(bytes) {
            return Err(CodecError::Version { what, expected: Self::VERSION, found: bytes.first().copied() });
        }
        let malformed = CodecError::Malformed { what };
        let (_, fields) = unsummed(bytes).and_then(<[u8]>::split_first).ok_or(malformed)?;
        Self::try_from_slice(fields).map_err(|_| malformed)
    }
}

/// Whether a file begins as one of these does.
pub fn is_via(bytes: &[u8]) -> bool {
    bytes.first() == Some(&VIA_VERSION)
}

/// What an audit over two ledgers says. The report's chain, genesis, height and time are the parent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViaReport {
    /// All checks, and the verdict.
    pub report: Report,
    /// The ledger that the parent's head leads to.
    pub via: Via,
}

/// The ledger of the second hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// Which chain its genesis file founds, if it is one.
    pub chain_id: Option<ChainId>,
    /// SHA-256 of its genesis file.
    pub genesis_sha256: Hash,
    /// The height whose state is shown, once that is established.
    pub height: Option<Height>,
    /// That block's time.
    pub time_ms: Option<TimeMs>,
    /// The block that the parent has anchored, once that is established.
    pub anchored: Option<TrustedBlock>,
}

impl ViaReport {
    /// As [`Report::exit_code`].
    pub fn exit_code(&self) -> u8 {
        self.report.exit_code()
    }

    /// The line of `aula-audit verify --via-genesis … --output json`: that of a bundle, and `via`.
    pub fn to_json(&self) -> serde_json::Value {
        let mut line = self.report.to_json();
        let via = &self.via;
        if let Some(fields) = line.as_object_mut() {
            let anchored =
                via.anchored.map(|block| json!({ "height": block.height, "block_hash": block.hash }));
            let told = json!({
                "chain_id": via.chain_id,
                "genesis_sha256": via.genesis_sha256,
                "height": via.height,
                "time_ms": via.time_ms,
                "anchored": anchored,
            });
            fields.insert("via".into(), told);
        }
        line
    }
}

/// Checks evidence over two ledgers against both genesis files. `options` are of the parent.
pub fn verify_via(file: &[u8], parent: &[u8], child: &[u8], options: &Options) -> ViaReport {
    let mut run = Run {
        checks: Checks::default(),
        parent: None,
        via: Via {
            chain_id: None,
            genesis_sha256: sha256(child),
            height: None,
            time_ms: None,
            anchored: None,
        },
        figures: Vec::new(),
    };
    let outcome = run.all(file, parent, child, options);
    let verdict = outcome.err().map_or(Verdict::Valid, Verdict::from);
    let told = run.parent.take();
    let mut report = Report {
        verdict,
        standing: outcome.ok(),
        chain_id: told.as_ref().and_then(|report| report.chain_id.clone()),
        genesis_sha256: sha256(parent),
        height: told.as_ref().and_then(|report| report.height),
        time_ms: told.as_ref().and_then(|report| report.time_ms),
        checks: run.checks.lines,
        figures: run.figures,
        sentence: String::new(),
    };
    report.sentence = sentence(&report, &run.via);
    ViaReport { report, via: run.via }
}

struct Run {
    checks: Checks,
    parent: Option<Report>,
    via: Via,
    figures: Vec<serde_json::Value>,
}

impl Run {
    fn all(&mut self, file: &[u8], parent: &[u8], child: &[u8], options: &Options) -> Result<Standing, Stop> {
        let bundle = self.open(file)?;
        let report = verify(&bundle.parent, parent, options);
        self.checks.pass("parent", "The following is of the parent ledger, up to the anchored head.");
        self.take(&report.checks);
        let verdict = report.verdict;
        self.parent = Some(report);
        stop_unless_valid(verdict)?;
        let (consortium, head) = self.heads(&bundle.parent)?;
        let genesis = self.founded(child, &consortium, &head)?;
        self.via.chain_id = Some(genesis.chain_id);
        let anchored = TrustedBlock { height: head.height, hash: head.block_hash };
        self.via.anchored = Some(anchored);
        self.checks.pass(
            "via",
            format!("The following is of {}, the ledger of the second genesis file.", consortium.name),
        );
        let report = verify(&bundle.child, child, &Options { genesis_sha256: None, trusted: Some(anchored) });
        self.take(&report.checks);
        (self.via.height, self.via.time_ms) = (report.height, report.time_ms);
        stop_unless_valid(report.verdict)?;
        self.figures = report.figures;
        let distance = report.height.map_or(0, |shown| shown.0.saturating_sub(head.height.0));
        let relation = match distance {
            0 => "The state shown is that of the anchored block itself.".to_owned(),
            blocks => format!(
                "The state shown is {blocks} blocks above the anchored one: those the ledger's own validators alone certify."
            ),
        };
        self.checks.pass("via", relation);
        Ok(report.standing.unwrap_or(Standing::Stands))
    }

    fn take(&mut self, lines: &[Check]) {
        self.checks.lines.extend_from_slice(lines);
    }

    fn open(&mut self, file: &[u8]) -> Result<ViaBundle, Stop> {
        const NAME: &str = "format";
        if !is_via(file) && !file.is_empty() {
            return self.checks.unknown(
                NAME,
                "The file is about one ledger alone, or of a version that this program does not read; without --via-genesis it \
                 may be checked against its own genesis file.",
            );
        }
        self.checks.need(NAME, ViaBundle::from_canonical(file))
    }

    /// The two records of the parent's bundle, which its audit has found under their keys.
    fn heads(&mut self, parent: &[u8]) -> Result<(Consortium, AnchoredHead), Stop> {
        const NAME: &str = "anchored head";
        let bundle = self.checks.need(NAME, Bundle::from_canonical(parent))?;
        let shown = match &bundle.subject {
            Subject::Figures(shown) if shown.acts.is_empty() => shown.figures.as_slice(),
            _ => &[],
        };
        let [consortium, head] = shown else {
            return self
                .checks
                .fail(NAME, "The parent's bundle is not about one consortium and one head of it.");
        };
        let (FigureKey::Consortium(of), FigureKey::AnchoredHead { genesis, .. }) = (consortium.key, head.key)
        else {
            return self
                .checks
                .fail(NAME, "The parent's bundle is not about one consortium and one head of it.");
        };
        self.checks.ensure(NAME, of == genesis, "The anchored head is another consortium's.")?;
        let record = self.checks.need(NAME, Consortium::from_canonical(&consortium.record.value))?;
        Ok((record, self.checks.need(NAME, AnchoredHead::from_canonical(&head.record.value))?))
    }

    /// The second genesis file is the one that the parent admitted, with its validators and its time.
    fn founded(&mut self, child: &[u8], known: &Consortium, head: &AnchoredHead) -> Result<Parsed, Stop> {
        const NAME: &str = "via genesis";
        let genesis = match Genesis::parse(child) {
            Ok(genesis) => genesis,
            Err(error) => {
                return self
                    .checks
                    .unknown(NAME, format!("The second genesis file cannot be used: {error}."));
            }
        };
        let named = genesis.sha256 == known.genesis;
        let otherwise = format!(
            "The head is of the ledger of genesis {}, and the second genesis file has SHA-256 {}.",
            known.genesis, genesis.sha256
        );
        self.checks.ensure(NAME, named, &otherwise)?;
        let own =
            genesis.validators.hash() == known.founders_hash && genesis.genesis.time_ms == known.founded_ms;
        self.checks.ensure(
            NAME,
            own,
            "The parent admitted other validators than this genesis file names.",
        )?;
        self.checks.pass(
            NAME,
            format!(
                "The second genesis file founds {}, which the parent admitted at height {}; its block {} is anchored.",
                genesis.chain_id, known.admitted, head.height
            ),
        );
        Ok(genesis)
    }
}

fn stop_unless_valid(verdict: Verdict) -> Result<(), Stop> {
    match verdict {
        Verdict::Valid => Ok(()),
        Verdict::Invalid => Err(Stop::Invalid),
        Verdict::CannotTell => Err(Stop::CannotTell),
    }
}

fn sentence(report: &Report, via: &Via) -> String {
    let failed = report.checks.last().filter(|check| !check.ok);
    let known = (report.verdict, via.height.zip(via.time_ms), via.anchored);
    let (Verdict::Valid, Some((height, time)), Some(anchored)) = known else {
        let word = if report.verdict == Verdict::CannotTell { "CANNOT TELL" } else { "INVALID" };
        return format!("{word}: {}", failed.map_or("a check failed.", |check| &check.detail));
    };
    let when = format!("height {height} of {}, {}", chain(&via.chain_id), utc(time));
    let keys = format!(
        "{} vouches for its block {}; from there on no validator set of it is assumed to have lost more than two thirds of \
         its keys, and none of the parent's.",
        chain(&report.chain_id),
        anchored.height
    );
    match report.standing {
        Some(Standing::Reverted) => {
            format!("VALID, BUT IT DOES NOT STAND: the decision was reverted as of {when}. {keys}")
        }
        Some(Standing::Replaced) => {
            format!("VALID, BUT IT DOES NOT STAND: a later decision had taken its place as of {when}. {keys}")
        }
        _ => format!("VALID: true as of {when}. A later revert is not excluded. {keys}"),
    }
}

fn chain(id: &Option<ChainId>) -> &str {
    id.as_ref().map_or("the ledger", |id| id.as_str())
}
