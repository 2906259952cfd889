//! Sums over consortia, from evidence over two ledgers: what each one's public figures say, by school year, and all together.
//!
//! Flow: a file of a consortium ([`ViaBundle`], its child the figures of the whole ledger) → [`one`] checks it as [`verify_via`] does and
//! adds up what it shows → [`in_all`]. Only proved records are summed; what the ledger withholds is in no sum, so that no difference
//! of sums gives it away, and how many rounds that were is said.
//!
//! Absent: students anchored, whose counts are not public; rounds whose reports the file leaves out: it proves what it shows, not that it
//! shows everything.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::bundle::{Bundle, FigureKey, FiguresEvidence, Subject};
use super::report::Verdict;
use super::sha256;
use super::verify::Options;
use super::via::{ViaBundle, verify_via};
use crate::codec::{Canonical, CodecError};
use crate::rounds::PublishedReport;
use crate::state::schema::{Budget, Class, Consortium};
use crate::types::{ChainId, Hash, Height, SchoolYear, TimeMs};

/// Sums of one school year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// All that funders put into their budgets, cents.
    pub funded_cents: u64,
    /// What places that are not given up were charged, cents.
    pub charged_cents: u64,
    /// Rounds whose decision stands and whose counts are shown.
    pub rounds: u64,
    /// Rounds whose decision stands and whose counts are withheld: they are in none of the following.
    pub rounds_withheld: u64,
    /// Requests of those rounds: a student who asks in two classes counts twice.
    pub asked: u64,
    /// Requests that got a place.
    pub placed: u64,
    /// Those at a place of the least cost they could have.
    pub first_choice: u64,
    /// Those who wait.
    pub waitlisted: u64,
}

/// Sums of a named school year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct YearSums {
    /// The calendar year in which it starts.
    pub school_year: SchoolYear,
    /// Of that year alone; in JSON its fields stand beside the year.
    #[serde(flatten)]
    pub sums: Sums,
}

/// What one consortium's evidence says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// What the parent's members called it when they admitted it.
    pub name: String,
    /// SHA-256 of its genesis file.
    pub genesis_sha256: Hash,
    /// Which chain that founds.
    pub chain_id: Option<ChainId>,
    /// The height whose state is summed.
    pub height: Option<Height>,
    /// That block's time.
    pub time_ms: Option<TimeMs>,
    /// The block that the parent has anchored; above it the consortium's own validators alone certify.
    pub anchored: Option<Height>,
    /// The height of the parent that shows the anchored block.
    pub parent_height: Option<Height>,
    /// By school year, ascending.
    pub years: Vec<YearSums>,
}

/// Why a file is not summed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not begin as evidence over two ledgers does.
    #[error("it is not evidence over two ledgers")]
    Form,
    /// It is about a ledger whose genesis file was not given.
    #[error("it is about the ledger of genesis {0}, whose genesis file was not given")]
    NoGenesis(Hash),
    /// A check failed.
    #[error("{0}")]
    Invalid(String),
    /// A link is missing.
    #[error("{0}")]
    CannotTell(String),
    /// It proves something else than the figures of a whole ledger.
    #[error("it is not about the figures of the whole ledger")]
    Other,
    /// Two files are about one consortium.
    #[error("the consortium of genesis {0} is counted already")]
    Twice(Hash),
    /// A sum is larger than its number may be.
    #[error("with it a sum is beyond what 64 bits hold")]
    TooLarge,
}

impl Refused {
    /// Lower-case words joined by underscores; stable.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form => "not_two_ledgers",
            Self::NoGenesis(_) => "no_genesis",
            Self::Invalid(_) => "not_valid",
            Self::CannotTell(_) => "cannot_tell",
            Self::Other => "other_evidence",
            Self::Twice(_) => "counted_twice",
            Self::TooLarge => "sum_too_large",
        }
    }

    /// Whether it was checked and the answer is no; else it could not be told.
    pub const fn is_no(&self) -> bool {
        matches!(self, Self::Invalid(_))
    }
}

/// SHA-256 of the genesis file that a consortium's file is about, as it says itself: which one to check it with.
///
/// # Errors
/// [`Refused::Form`], [`Refused::Invalid`].
pub fn genesis_of(file: &[u8]) -> Result<Hash, Refused> {
    let via = ViaBundle::from_canonical(file).map_err(unread)?;
    let bundle = Bundle::from_canonical(&via.child).map_err(unread)?;
    Ok(bundle.chain.head.header.genesis)
}

/// Checks a consortium's file against the parent's genesis file and its own, which is among `children`, and sums it up.
///
/// # Errors
/// [`Refused`].
pub fn one(file: &[u8], parent: &[u8], children: &[Vec<u8>], options: &Options) -> Result<Totals, Refused> {
    let via = ViaBundle::from_canonical(file).map_err(unread)?;
    let bundle = Bundle::from_canonical(&via.child).map_err(unread)?;
    let genesis = bundle.chain.head.header.genesis;
    let child = children.iter().find(|child| sha256(child) == genesis);
    let child = child.ok_or(Refused::NoGenesis(genesis))?;
    let told = verify_via(file, parent, child, options);
    match told.report.verdict {
        Verdict::Valid => {}
        Verdict::Invalid => return Err(Refused::Invalid(told.report.sentence)),
        Verdict::CannotTell => return Err(Refused::CannotTell(told.report.sentence)),
    }
    // What a page about one thing shows would pass for the sum of everything: only the whole ledger's begins with both of these.
    let has = |shown: &FiguresEvidence, key: FigureKey| shown.figures.iter().any(|one| one.key == key);
    let shown = match &bundle.subject {
        Subject::Figures(shown) if has(shown, FigureKey::Parameters) && has(shown, FigureKey::Validators) => {
            shown
        }
        _ => return Err(Refused::Other),
    };
    let years = sums(shown)?;
    Ok(Totals {
        name: name(&via.parent).ok_or(Refused::Form)?,
        genesis_sha256: genesis,
        chain_id: told.via.chain_id,
        height: told.via.height,
        time_ms: told.via.time_ms,
        anchored: told.via.anchored.map(|block| block.height),
        parent_height: told.report.height,
        years: lines(years),
    })
}

/// Why bytes are not read, as the audit of the file says it: another version may be something else than damage, and all else is damage.
fn unread(error: CodecError) -> Refused {
    match error {
        CodecError::Version { .. } => Refused::Form,
        error => Refused::Invalid(format!("INVALID: The file is damaged or was altered: {error}.")),
    }
}

/// The time of the oldest state among those summed: whoever brings a file may bring an old one, and the sum says so.
pub fn oldest(consortia: &[Totals]) -> Option<TimeMs> {
    consortia.iter().filter_map(|one| one.time_ms).min()
}

/// Adds consortia up, each once.
///
/// # Errors
/// [`Refused::Twice`], [`Refused::TooLarge`].
pub fn in_all(consortia: &[Totals]) -> Result<Vec<YearSums>, Refused> {
    let mut seen = BTreeSet::new();
    let mut years = BTreeMap::<SchoolYear, Sums>::new();
    for one in consortia {
        if !seen.insert(one.genesis_sha256) {
            return Err(Refused::Twice(one.genesis_sha256));
        }
        for line in &one.years {
            years.entry(line.school_year).or_default().add(&line.sums)?;
        }
    }
    Ok(lines(years))
}

fn lines(years: BTreeMap<SchoolYear, Sums>) -> Vec<YearSums> {
    years.into_iter().map(|(school_year, sums)| YearSums { school_year, sums }).collect()
}

impl Sums {
    fn add(&mut self, other: &Self) -> Result<(), Refused> {
        let pairs = [
            (&mut self.funded_cents, other.funded_cents),
            (&mut self.charged_cents, other.charged_cents),
            (&mut self.rounds, other.rounds),
            (&mut self.rounds_withheld, other.rounds_withheld),
            (&mut self.asked, other.asked),
            (&mut self.placed, other.placed),
            (&mut self.first_choice, other.first_choice),
            (&mut self.waitlisted, other.waitlisted),
        ];
        for (sum, more) in pairs {
            *sum = sum.checked_add(more).ok_or(Refused::TooLarge)?;
        }
        Ok(())
    }

    /// A round's, as its published report has them.
    fn of(report: &PublishedReport) -> Self {
        let Some(all) = report.totals else { return Self { rounds_withheld: 1, ..Self::default() } };
        Self {
            rounds: 1,
            asked: all.students.into(),
            placed: all.students.saturating_sub(all.waitlisted).into(),
            first_choice: all.first_choice.into(),
            waitlisted: all.waitlisted.into(),
            ..Self::default()
        }
    }
}

/// By school year; the bundle's audit has found every record under its key.
fn sums(shown: &FiguresEvidence) -> Result<BTreeMap<SchoolYear, Sums>, Refused> {
    let mut years = BTreeMap::<SchoolYear, Sums>::new();
    let mut classes = BTreeMap::new();
    for figure in &shown.figures {
        let value = &figure.record.value;
        match figure.key {
            FigureKey::Budget { school_year, .. } => {
                let budget = Budget::from_canonical(value).map_err(unread)?;
                years.entry(school_year).or_default().add(&Sums {
                    funded_cents: budget.funded_cents.0,
                    charged_cents: budget.charged_cents.0,
                    ..Sums::default()
                })?;
            }
            // Keys ascend, so classes stand before reports.
            FigureKey::Class(class) => {
                classes.insert(class, Class::from_canonical(value).map_err(unread)?);
            }
            FigureKey::Report(round) => {
                let report = PublishedReport::from_canonical(value).map_err(unread)?;
                let class = classes.get(&report.class);
                if let Some(class) = class.filter(|class| class.standing_round == Some(round)) {
                    years.entry(class.definition.school_year).or_default().add(&Sums::of(&report))?;
                }
            }
            _ => {}
        }
    }
    Ok(years)
}

/// What the parent calls the consortium that its bundle is about.
fn name(parent: &[u8]) -> Option<String> {
    let bundle = Bundle::from_canonical(parent).ok()?;
    let Subject::Figures(shown) = &bundle.subject else { return None };
    let record = shown.figures.iter().find(|figure| matches!(figure.key, FigureKey::Consortium(_)))?;
    Some(Consortium::from_canonical(&record.record.value).ok()?.name.to_string())
}
