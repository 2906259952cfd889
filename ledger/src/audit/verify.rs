//! The verifier: from the genesis file's bytes to a verdict.
//!
//! Flow: genesis → bundle's bytes → [`chain`]: every validator-set change, the last block's certificate and
//! header → the state's own record → the subject ([`round`], [`allocation`], [`student`]). The first check that
//! fails ends the audit, because nothing after it would mean anything.

use serde_json::{Map, Value};

use super::bundle::{Bundle, ChainEvidence, Lookup, OF_FIRST, Proved, Subject, VIA_VERSION};
use super::report::{Checks, Report, Standing, Stop, Verdict, utc};
use crate::chain::Header;
use crate::codec::{Canonical, CodecError};
use crate::genesis::{Genesis, GenesisError, Parsed};
use crate::proof::TreeHead;
use crate::state::map::MapProof;
use crate::state::{TreeRecord, schema, tree_key};
use crate::types::{Hash, Height};

mod access;
mod acts;
mod allocation;
mod budget;
mod chain;
mod charged;
mod consortium;
mod context;
mod estate;
mod figures;
mod heads;
mod milestone;
mod opened;
mod round;
mod seed;
mod student;

/// What the caller already knows, from elsewhere than the bundle and its genesis file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The published SHA-256 of the genesis file.
    pub genesis_sha256: Option<Hash>,
    /// A block known to be real.
    pub trusted: Option<TrustedBlock>,
}

/// A block that the caller knows to be real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedBlock {
    /// Where it stands in the chain, from 1.
    pub height: Height,
    /// The hash that its header must have.
    pub hash: Hash,
}

/// Checks a bundle against a genesis file. Never fails: what goes wrong is in the report.
pub fn verify(bundle: &[u8], genesis: &[u8], options: &Options) -> Report {
    let mut report = Report {
        verdict: Verdict::Valid,
        standing: None,
        chain_id: None,
        genesis_sha256: super::sha256(genesis),
        height: None,
        time_ms: None,
        checks: Vec::new(),
        figures: Vec::new(),
        sentence: String::new(),
    };
    let mut checks = Checks::default();
    let outcome = run(&mut checks, &mut report, bundle, genesis, options);
    report.standing = outcome.ok();
    report.verdict = outcome.err().map_or(Verdict::Valid, Verdict::from);
    report.checks = checks.lines;
    report.sentence = sentence(&report, options);
    report
}

/// The header of the block that this evidence leads to from the genesis: final, and through every change of the validator
/// set. What a snapshot's state is checked against.
///
/// # Errors
/// The sentence of the first check that fails.
pub fn certified<'a>(
    evidence: &'a ChainEvidence,
    genesis: &Parsed,
    trusted: Option<TrustedBlock>,
) -> Result<&'a Header, String> {
    let mut checks = Checks::default();
    let found = chain::verify(&mut checks, evidence, genesis, trusted);
    let words = || checks.lines.last().map_or_else(String::new, |check| check.detail.clone());
    found.map_err(|_| words())
}

fn run(
    checks: &mut Checks,
    report: &mut Report,
    bundle: &[u8],
    genesis: &[u8],
    options: &Options,
) -> Result<Standing, Stop> {
    let genesis = check_genesis(checks, report.genesis_sha256, genesis, options)?;
    report.chain_id = Some(genesis.chain_id.clone());
    let bundle = check_format(checks, bundle)?;
    let header = chain::verify(checks, &bundle.chain, &genesis, options.trusted)?;
    let state = State { genesis: genesis.sha256, root: header.state_root, height: header.height };
    check_chain_record(checks, &state, &bundle.chain_record, header, &genesis)?;
    report.height = Some(header.height);
    report.time_ms = Some(header.time_ms);
    match &bundle.subject {
        Subject::Round(round) => return round::verify(checks, &state, round),
        Subject::Allocation(allocation) => return allocation::verify(checks, &state, allocation),
        Subject::Budget(budget) => budget::verify(checks, &state, budget)?,
        Subject::Charged(charged) => charged::verify(checks, &state, charged)?,
        Subject::Access(access) => access::verify(checks, &state, access)?,
        Subject::Estate(estate) => estate::verify(checks, &state, estate)?,
        Subject::Student(student) => student::verify(checks, &state, student)?,
        Subject::Milestone(milestone) => return milestone::verify(checks, &state, milestone),
        Subject::Figures(evidence) => {
            let (figures, standing) = figures::verify(checks, &state, &bundle.chain, &genesis, evidence)?;
            report.figures = figures;
            return Ok(standing);
        }
    }
    Ok(Standing::Stands)
}

fn check_genesis(checks: &mut Checks, sha256: Hash, bytes: &[u8], options: &Options) -> Result<Parsed, Stop> {
    if options.genesis_sha256.is_some_and(|expected| expected != sha256) {
        let why = Genesis::parse(bytes).err().filter(|error| *error == GenesisError::LineEnds);
        let why = why.map_or_else(String::new, |error| format!(" Its reason may be that {error}."));
        return checks
            .fail("genesis", format!("The genesis file has SHA-256 {sha256}, not the one given.{why}"));
    }
    let parsed = match Genesis::parse(bytes) {
        Ok(parsed) => parsed,
        Err(error) => return checks.unknown("genesis", format!("The genesis file cannot be used: {error}.")),
    };
    let compared =
        if options.genesis_sha256.is_some() { "as given" } else { "compare it with the published one" };
    checks.pass(
        "genesis",
        format!("The genesis file founds chain {}; its SHA-256 is {sha256} ({compared}).", parsed.chain_id),
    );
    Ok(parsed)
}

fn check_format(checks: &mut Checks, bytes: &[u8]) -> Result<Bundle, Stop> {
    match Bundle::from_canonical(bytes) {
        Ok(bundle) => {
            let kind = bundle.subject.kind();
            checks.pass("format", format!("The file is a bundle about: {kind}. Every byte has its meaning."));
            Ok(bundle)
        }
        Err(CodecError::Version { found: Some(VIA_VERSION), .. }) => checks.unknown(
            "format",
            "The file crosses two ledgers: give the genesis file of the other one as well, with --via-genesis.",
        ),
        Err(CodecError::Version { expected, found: Some(_), .. }) => checks.unknown(
            "format",
            format!(
                "The file is not an evidence bundle of a version that this program reads ({OF_FIRST} and {expected})."
            ),
        ),
        Err(error) => checks.fail("format", format!("The file is damaged or was altered: {error}.")),
    }
}

fn check_chain_record(
    checks: &mut Checks,
    state: &State,
    record: &Proved,
    header: &Header,
    genesis: &Parsed,
) -> Result<(), Stop> {
    let record: schema::ChainRecord = state.open(checks, "state", &schema::chain_key(), record)?;
    let same = record.chain_id == genesis.chain_id
        && record.genesis_sha256 == genesis.sha256
        && (record.height, record.time_ms) == (header.height, header.time_ms);
    checks.ensure("state", same, "The state names another chain, genesis, height or time than the block.")?;
    checks.pass("state", "The state under the block's state root names this very genesis file and block.");
    Ok(())
}

/// The state that the proved block left behind, known by its root alone.
struct State {
    genesis: Hash,
    root: Hash,
    height: Height,
}

impl State {
    /// Opens a record: it stands under this key, and its bytes are canonical.
    fn open<T: Canonical>(
        &self,
        checks: &mut Checks,
        name: &'static str,
        key: &[u8],
        record: &Proved,
    ) -> Result<T, Stop> {
        let proof = record.proof.verify_inclusion(&self.root, key, &record.value);
        if let Err(error) = proof {
            return checks.fail(name, format!("A record ({}) is not in the state: {error}.", T::WHAT));
        }
        checks.need(name, T::from_canonical(&record.value))
    }

    /// Opens the head of a bulk tree.
    fn open_tree(
        &self,
        checks: &mut Checks,
        name: &'static str,
        label: &str,
        record: &Proved,
    ) -> Result<TreeHead, Stop> {
        let record: TreeRecord = self.open(checks, name, &tree_key(label), record)?;
        checks.ensure(name, record.label == label, "A tree's record names another tree.")?;
        Ok(record.head)
    }

    /// What the state holds under this key, if anything.
    fn look_up<T: Canonical>(
        &self,
        checks: &mut Checks,
        name: &'static str,
        key: &[u8],
        lookup: &Lookup,
    ) -> Result<Option<T>, Stop> {
        match lookup {
            Lookup::Absent(proof) => self.absent(checks, name, key, proof).map(|()| None),
            Lookup::Present(record) => self.open(checks, name, key, record).map(Some),
        }
    }

    /// Checks that the state holds nothing under this key.
    fn absent(
        &self,
        checks: &mut Checks,
        name: &'static str,
        key: &[u8],
        proof: &MapProof,
    ) -> Result<(), Stop> {
        checks.need(name, proof.verify_absence(&self.root, key))
    }
}

/// A value under a name.
fn keyed(name: &impl std::fmt::Display, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_string(), value)]))
}

fn sentence(report: &Report, options: &Options) -> String {
    let failed = report.checks.last().filter(|check| !check.ok);
    match (report.verdict, report.height, report.time_ms) {
        (Verdict::Valid, Some(height), Some(time)) => {
            let keys = match options.trusted {
                Some(trusted) => format!(
                    "The block of height {} was taken as real; from there on no validator set is assumed to have \
                     lost more than two thirds of its keys.",
                    trusted.height
                ),
                None => "No past validator set is assumed to have lost more than two thirds of its keys \
                         (--trusted removes that)."
                    .to_owned(),
            };
            let when = format!("height {height}, {}", utc(time));
            match report.standing {
                Some(Standing::Reverted) => {
                    format!("VALID, BUT IT DOES NOT STAND: the decision was reverted as of {when}. {keys}")
                }
                Some(Standing::Replaced) => format!(
                    "VALID, BUT IT DOES NOT STAND: a later decision had taken its place as of {when}. {keys}"
                ),
                _ => format!("VALID: true as of {when}. A later revert is not excluded. {keys}"),
            }
        }
        (Verdict::CannotTell, ..) => {
            format!("CANNOT TELL: {}", failed.map_or("a link is missing.", |check| &check.detail))
        }
        _ => format!("INVALID: {}", failed.map_or("a check failed.", |check| &check.detail)),
    }
}
