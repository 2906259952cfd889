//! The state's export, read from a state: districts, schools, allocations as published, money and pools.
//!
//! Flow: [`whole`] → each table's rows one after another, in their order, once for each of its two files → the files as they are made
//! ([`Out`]) → the manifest. Invariant: of what rounds decided, no more than one round is held at a time, so that an export takes the
//! same memory however many rounds there were.

use std::collections::BTreeMap;
use std::io::Write;

use aula_ledger::chain::Header;
use aula_ledger::rounds::PublishedReport;
use aula_ledger::state::schema::{self, Class, DecisionStanding, Round, School};
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::types::{ClassId, Height, SchoolId, SchoolYear};
use aula_report::district::figures::Fared;
use aula_report::state::{Cell, Head, csv, datasets, parquet};
use serde::{Deserialize, Serialize};

use super::district::{everywhere, fared};
use super::folder::{FileLine, Made, Out};
use super::past::Chain;
use aula_home::{Advise, DEFECT, Failure};

/// The name of the manifest.
pub const MANIFEST: &str = "manifest.json";

/// What an export is of, and its files: `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `state`: whose manifest it is among the reports.
    pub report: String,
    /// Layout of the files: raised when a column or the writer changes.
    pub version: u8,
    /// SHA-256 of the genesis file.
    pub genesis: String,
    /// After which block.
    pub height: u64,
    /// That block's time, in milliseconds since 1970.
    pub time_ms: u64,
    /// Root of the state after it.
    pub state_root: String,
    /// No count is of fewer students.
    pub min_cell_students: u32,
    /// Every file of the export but the manifest.
    pub files: Vec<FileLine>,
}

/// Layout of this program's exports.
pub const VERSION: u8 = 1;

/// Makes the files of a height, without the manifest, and what the manifest says.
///
/// # Errors
/// When the chain cannot be read or a file not be written.
pub fn make(chain: &Chain, height: Height, out: &mut dyn Out) -> Result<Manifest, Failure> {
    let header = chain.header(height.0)?;
    let mut made = None;
    chain.states(&[height].into(), |state, header| {
        let ledger = Ledger::of(state).advise(UNREADABLE, HINT)?;
        let source = chain.source(state, header)?;
        made = Some((files(&ledger, header, out)?, source));
        Ok(())
    })?;
    let (files, source) = made.ok_or_else(|| Failure::because("the state was not shown", DEFECT))?;
    Ok(Manifest {
        report: "state".to_owned(),
        version: VERSION,
        genesis: source.genesis,
        height: source.height,
        time_ms: source.time_ms,
        state_root: header.state_root.to_string(),
        min_cell_students: source.min_cell,
        files,
    })
}

/// Makes the files with their manifest.
///
/// # Errors
/// As [`make`].
pub fn whole(chain: &Chain, height: Height, out: &mut dyn Out) -> Result<(), Failure> {
    let manifest = Made::json(MANIFEST, &make(chain, height, out)?)?;
    out.bytes(MANIFEST, &manifest.bytes).map(|_| ())
}

fn files(ledger: &Ledger<'_>, header: &Header, out: &mut dyn Out) -> Result<Vec<FileLine>, Failure> {
    let mut lines = Vec::new();
    let facts = [
        ("aula.genesis", header.genesis.to_string()),
        ("aula.height", header.height.to_string()),
        ("aula.state_root", header.state_root.to_string()),
    ];
    for (head, rows) in &TABLES {
        let parquet = &mut |to: &mut dyn Write| {
            let mut writer = parquet::Writer::new(to, head.name, head.columns).hint(DEFECT)?;
            rows(ledger, &mut |row| writer.row(row).hint(DEFECT))?;
            writer.finish(&facts).hint(DEFECT).map(|_| ())
        };
        lines.push(out.file(&format!("{}.parquet", head.name), parquet)?);
        let text = &mut |to: &mut dyn Write| {
            let mut writer = csv::Writer::new(to, head.columns).hint(DEFECT)?;
            rows(ledger, &mut |row| writer.row(&row).hint(DEFECT))?;
            writer.finish().hint(DEFECT).map(|_| ())
        };
        lines.push(out.file(&format!("{}.csv", head.name), text)?);
    }
    let dictionary = csv::dictionary(&TABLES.map(|(head, _)| head)).hint(DEFECT)?;
    lines.push(out.bytes("data-dictionary.csv", &dictionary)?);
    Ok(lines)
}

/// What is given each row, in the rows' order.
type Each<'a> = &'a mut dyn FnMut(Vec<Cell>) -> Result<(), Failure>;
/// Gives a table's rows.
type Rows = fn(&Ledger<'_>, Each<'_>) -> Result<(), Failure>;

/// The tables, in the order of the dictionary.
const TABLES: [(Head, Rows); 8] = [
    (Head { name: "LocalEducationAgency", of: "a district", columns: datasets::AGENCIES }, agencies),
    (Head { name: "School", of: "a school", columns: datasets::SCHOOLS }, places),
    (
        Head {
            name: "AllocationByAgency",
            of: "a district in a decided round",
            columns: datasets::BY_AGENCY,
        },
        by_agency,
    ),
    (
        Head { name: "AllocationBySchool", of: "a school in a decided round", columns: datasets::BY_SCHOOL },
        by_school,
    ),
    (
        Head {
            name: "AllocationByNeedBand",
            of: "a need band in a decided round",
            columns: datasets::BY_BAND,
        },
        by_band,
    ),
    (Head { name: "AllocationEquity", of: "a decided round", columns: datasets::EQUITY }, equity),
    (Head { name: "Budget", of: "a funder's budget of a school year", columns: datasets::BUDGETS }, budgets),
    (Head { name: "ResourcePool", of: "a pool of places", columns: datasets::POOLS }, pools),
];

const UNREADABLE: &str = "the state cannot be read";
const HINT: &str = "run `aula replay`, which names what is damaged";

/// A state, with what rows of several tables need.
struct Ledger<'a> {
    state: &'a dyn StateReader,
    classes: BTreeMap<ClassId, Class>,
    schools: BTreeMap<SchoolId, School>,
    /// Ascending by school year, then by round, as every table of rounds is.
    rounds: Vec<Decided>,
}

/// A decided round with what its rows share.
struct Decided {
    round: Round,
    standing: DecisionStanding,
    title: String,
}

impl<'a> Ledger<'a> {
    fn of(state: &'a dyn StateReader) -> Result<Self, StoreError> {
        let classes: BTreeMap<ClassId, Class> =
            schema::classes(state)?.into_iter().map(|class| (class.definition.class, class)).collect();
        let schools = schema::schools(state)?.into_iter().map(|school| (school.id, school)).collect();
        let mut rounds = Vec::new();
        for round in schema::rounds(state)? {
            if schema::published_report(state, round.round)?.is_none() {
                continue;
            }
            let Some(standing) = schema::decision_standing(state, &round)? else { continue };
            let title = classes.get(&round.class).map(|class| class.definition.title.to_string());
            rounds.push(Decided { standing, title: title.unwrap_or_default(), round });
        }
        rounds.sort_by_key(|one| (one.round.school_year, one.round.round));
        Ok(Self { state, classes, schools, rounds })
    }

    /// The rows of each decided round, one round after another.
    fn each_round(
        &self,
        each: Each<'_>,
        rows: impl Fn(&Decided, &PublishedReport) -> Vec<Vec<Cell>>,
    ) -> Result<(), Failure> {
        for one in &self.rounds {
            let report = schema::published_report(self.state, one.round.round).advise(UNREADABLE, HINT)?;
            let report = report.ok_or_else(|| Failure::because("a round's report is gone", DEFECT))?;
            in_order(rows(one, &report), each)?;
        }
        Ok(())
    }
}

impl Decided {
    /// School year and round, which every row begins with.
    fn begins(&self) -> [Cell; 2] {
        [Cell::number(self.round.school_year.0), Cell::number(self.round.round.0)]
    }

    /// Title and standing.
    fn about(&self) -> [Cell; 2] {
        [Cell::text(&self.title), Cell::text(self.standing.name())]
    }

    fn row(&self, of: Vec<Cell>, counts: &Fared) -> Vec<Cell> {
        let counts = [counts.asked, counts.placed, counts.first_choice, counts.waiting];
        let counts = counts.map(datasets::both_ends).into_iter().flatten();
        self.begins().into_iter().chain(of).chain(self.about()).chain(counts).collect()
    }
}

/// Rows that are held, by the first cell, then the second, and so on.
fn in_order(mut rows: Vec<Vec<Cell>>, each: Each<'_>) -> Result<(), Failure> {
    rows.sort();
    rows.into_iter().try_for_each(each)
}

fn agencies(ledger: &Ledger<'_>, each: Each<'_>) -> Result<(), Failure> {
    let rows = schema::districts(ledger.state).advise(UNREADABLE, HINT)?.into_iter().map(|one| {
        vec![
            Cell::text(one.id.to_string()),
            Cell::text(one.name.to_string()),
            Cell::number(one.admitted.0),
            Cell::maybe(one.closed.map(|closed| closed.height.0)),
        ]
    });
    in_order(rows.collect(), each)
}

fn places(ledger: &Ledger<'_>, each: Each<'_>) -> Result<(), Failure> {
    let rows = ledger.schools.values().map(|one| {
        let name = one.name_in(SchoolYear(u16::MAX));
        vec![
            Cell::text(one.district.to_string()),
            Cell::text(one.id.to_string()),
            name.map_or(Cell::Empty, |name| Cell::text(name.to_string())),
            Cell::text(one.school_type.to_string()),
            Cell::maybe((one.from_year.0 > 0).then_some(one.from_year.0)),
            Cell::maybe(one.closed_from.map(|year| year.0)),
        ]
    });
    in_order(rows.collect(), each)
}

fn by_agency(ledger: &Ledger<'_>, each: Each<'_>) -> Result<(), Failure> {
    ledger.each_round(each, |one, report| {
        let groups = fared(&report.by_district, &everywhere(report)).into_iter();
        groups.map(|(id, counts)| one.row(vec![Cell::text(id.to_string())], &counts)).collect()
    })
}

fn by_school(ledger: &Ledger<'_>, each: Each<'_>) -> Result<(), Failure> {
    ledger.each_round(each, |one, report| {
        let mut rows = Vec::new();
        let districts = fared(&report.by_district, &everywhere(report));
        for (district, whole) in &districts {
            let mut own = report.by_school.clone();
            let is_here = |group: u32| {
                let school = ledger.schools.get(&SchoolId(group));
                school.is_some_and(|school| u32::from(school.district.0) == *district)
            };
            own.cells.retain(|cell| is_here(cell.group));
            for (school, counts) in fared(&own, whole) {
                let cell = own.cells.iter().find(|cell| cell.group == school).and_then(|cell| cell.counts);
                let of = vec![Cell::text(district.to_string()), Cell::text(school.to_string())];
                let mut row = one.row(of, &counts);
                row.push(Cell::maybe(cell.map(|counts| counts.placed_per_weighted_pupil_e6)));
                rows.push(row);
            }
        }
        rows
    })
}

fn by_band(ledger: &Ledger<'_>, each: Each<'_>) -> Result<(), Failure> {
    ledger.each_round(each, |one, report| {
        let groups = fared(&report.by_band, &everywhere(report)).into_iter();
        groups.map(|(band, counts)| one.row(vec![Cell::number(band)], &counts)).collect()
    })
}

fn equity(ledger: &Ledger<'_>, each: Each<'_>) -> Result<(), Failure> {
    ledger.each_round(each, |one, report| {
        let figures = [
            Cell::number(report.gini_ppm),
            Cell::maybe(report.by_district.placed_ratio_ppm),
            Cell::maybe(report.by_band.placed_ratio_ppm),
            Cell::maybe(report.bottom_decile_utility_e4),
            Cell::maybe(report.price_of_fairness_ppm),
            Cell::number(report.gap_ppm),
        ];
        vec![one.begins().into_iter().chain(one.about()).chain(figures).collect()]
    })
}

fn budgets(ledger: &Ledger<'_>, each: Each<'_>) -> Result<(), Failure> {
    let rows = schema::budgets(ledger.state).advise(UNREADABLE, HINT)?.into_iter().map(|one| {
        vec![
            Cell::number(one.school_year.0),
            Cell::text(one.funder.to_string()),
            Cell::number(one.funded_cents.0),
            Cell::number(one.charged_cents.0),
        ]
    });
    in_order(rows.collect(), each)
}

fn pools(ledger: &Ledger<'_>, each: Each<'_>) -> Result<(), Failure> {
    let Ledger { state, classes, schools, .. } = ledger;
    let rows = schema::all_pools(*state).advise(UNREADABLE, HINT)?.into_iter().map(|one| {
        let class = classes.get(&one.class);
        let definition = class.map(|class| &class.definition);
        let kind = definition.and_then(|definition| definition.kinds.get(usize::from(one.kind.0)));
        vec![
            Cell::number(definition.map_or(0, |definition| definition.school_year.0)),
            Cell::text(
                schools.get(&one.school).map(|school| school.district.to_string()).unwrap_or_default(),
            ),
            Cell::text(one.school.to_string()),
            Cell::number(one.pool.0),
            Cell::text(definition.map(|definition| definition.title.to_string()).unwrap_or_default()),
            Cell::text(kind.map(ToString::to_string).unwrap_or_default()),
            Cell::number(one.capacity),
            Cell::number(one.unit_cost_cents.0),
            Cell::maybe(one.retired.map(|height| height.0)),
        ]
    });
    in_order(rows.collect(), each)
}
