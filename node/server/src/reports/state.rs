//! The state's export, read from a state: districts, schools, allocations as published, money and pools.

use std::collections::BTreeMap;

use aula_ledger::chain::Header;
use aula_ledger::rounds::PublishedReport;
use aula_ledger::state::schema::{self, Class, DecisionStanding, Round, School};
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::types::{ClassId, Height, SchoolId, SchoolYear};
use aula_report::district::figures::Fared;
use aula_report::state::{Cell, Dataset, csv, datasets, parquet};
use serde::{Deserialize, Serialize};

use super::district::{everywhere, fared};
use super::folder::{FileLine, Made};
use super::past::Chain;
use aula_home::{Advise, DEFECT, Failure};

/// The name of the manifest.
pub const MANIFEST: &str = "manifest.json";

/// What an export is of, and its files: `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `state`.
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
/// When the chain cannot be read or a table not be written.
pub fn make(chain: &Chain, height: Height) -> Result<(Vec<Made>, Manifest), Failure> {
    let header = chain.header(height.0)?;
    let mut made = None;
    chain.states(&[height].into(), |state, header| {
        let tables = tables(state)
            .advise("the state cannot be read", "run `aula replay`, which names what is damaged")?;
        let source = chain.source(state, header)?;
        made = Some((files(&tables, header)?, source));
        Ok(())
    })?;
    let (files, source) = made.ok_or_else(|| Failure::because("the state was not shown", DEFECT))?;
    let manifest = Manifest {
        report: "state".to_owned(),
        version: VERSION,
        genesis: source.genesis,
        height: source.height,
        time_ms: source.time_ms,
        state_root: header.state_root.to_string(),
        min_cell_students: source.min_cell,
        files: files.iter().map(Made::line).collect(),
    };
    Ok((files, manifest))
}

/// Makes the files with their manifest.
///
/// # Errors
/// As [`make`].
pub fn whole(chain: &Chain, height: Height) -> Result<Vec<Made>, Failure> {
    let (mut files, manifest) = make(chain, height)?;
    files.push(Made::json(MANIFEST, &manifest)?);
    Ok(files)
}

fn files(tables: &[Dataset], header: &Header) -> Result<Vec<Made>, Failure> {
    let mut files = Vec::new();
    for table in tables {
        let facts = [
            ("aula.genesis", header.genesis.to_string()),
            ("aula.height", header.height.to_string()),
            ("aula.state_root", header.state_root.to_string()),
        ];
        files.push(Made::new(format!("{}.parquet", table.name), parquet::write(table, &facts).hint(DEFECT)?));
        files.push(Made::new(format!("{}.csv", table.name), csv::write(table).hint(DEFECT)?));
    }
    files.push(Made::new("data-dictionary.csv", csv::dictionary(tables).hint(DEFECT)?));
    Ok(files)
}

/// A decided round with what its rows share.
struct Decided {
    round: Round,
    report: PublishedReport,
    standing: DecisionStanding,
    title: String,
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

/// The tables of a state.
///
/// # Errors
/// When the store fails or a record is damaged.
pub fn tables(state: &dyn StateReader) -> Result<Vec<Dataset>, StoreError> {
    let classes: BTreeMap<ClassId, Class> =
        schema::classes(state)?.into_iter().map(|class| (class.definition.class, class)).collect();
    let schools: BTreeMap<SchoolId, School> =
        schema::schools(state)?.into_iter().map(|school| (school.id, school)).collect();
    let mut rounds = Vec::new();
    for round in schema::rounds(state)? {
        let Some(report) = schema::published_report(state, round.round)? else { continue };
        let Some(standing) = schema::decision_standing(state, &round)? else { continue };
        let title = classes.get(&round.class).map(|class| class.definition.title.to_string());
        rounds.push(Decided { report, standing, title: title.unwrap_or_default(), round });
    }
    Ok(vec![
        agencies(state)?,
        places(&schools),
        by_agency(&rounds),
        by_school(&rounds, &schools),
        by_band(&rounds),
        equity(&rounds),
        budgets(state)?,
        pools(state, &classes, &schools)?,
    ])
}

fn agencies(state: &dyn StateReader) -> Result<Dataset, StoreError> {
    let rows = schema::districts(state)?.into_iter().map(|one| {
        vec![
            Cell::text(one.id.to_string()),
            Cell::text(one.name.to_string()),
            Cell::number(one.admitted.0),
            Cell::maybe(one.closed.map(|closed| closed.height.0)),
        ]
    });
    Ok(datasets::of("LocalEducationAgency", "a district", datasets::AGENCIES, rows.collect()))
}

fn places(schools: &BTreeMap<SchoolId, School>) -> Dataset {
    let rows = schools.values().map(|one| {
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
    datasets::of("School", "a school", datasets::SCHOOLS, rows.collect())
}

fn by_agency(rounds: &[Decided]) -> Dataset {
    let rows = rounds.iter().flat_map(|one| {
        let groups = fared(&one.report.by_district, &everywhere(&one.report));
        groups.into_iter().map(|(id, counts)| one.row(vec![Cell::text(id.to_string())], &counts))
    });
    datasets::of("AllocationByAgency", "a district in a decided round", datasets::BY_AGENCY, rows.collect())
}

fn by_school(rounds: &[Decided], schools: &BTreeMap<SchoolId, School>) -> Dataset {
    let mut rows = Vec::new();
    for one in rounds {
        let districts = fared(&one.report.by_district, &everywhere(&one.report));
        for (district, whole) in &districts {
            let mut own = one.report.by_school.clone();
            let is_here = |group: u32| {
                schools.get(&SchoolId(group)).is_some_and(|school| u32::from(school.district.0) == *district)
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
    }
    datasets::of("AllocationBySchool", "a school in a decided round", datasets::BY_SCHOOL, rows)
}

fn by_band(rounds: &[Decided]) -> Dataset {
    let rows = rounds.iter().flat_map(|one| {
        let groups = fared(&one.report.by_band, &everywhere(&one.report));
        groups.into_iter().map(|(band, counts)| one.row(vec![Cell::number(band)], &counts))
    });
    datasets::of("AllocationByNeedBand", "a need band in a decided round", datasets::BY_BAND, rows.collect())
}

fn equity(rounds: &[Decided]) -> Dataset {
    let rows = rounds.iter().map(|one| {
        let report = &one.report;
        let figures = [
            Cell::number(report.gini_ppm),
            Cell::maybe(report.by_district.placed_ratio_ppm),
            Cell::maybe(report.by_band.placed_ratio_ppm),
            Cell::maybe(report.bottom_decile_utility_e4),
            Cell::maybe(report.price_of_fairness_ppm),
            Cell::number(report.gap_ppm),
        ];
        one.begins().into_iter().chain(one.about()).chain(figures).collect()
    });
    datasets::of("AllocationEquity", "a decided round", datasets::EQUITY, rows.collect())
}

fn budgets(state: &dyn StateReader) -> Result<Dataset, StoreError> {
    let rows = schema::budgets(state)?.into_iter().map(|one| {
        vec![
            Cell::number(one.school_year.0),
            Cell::text(one.funder.to_string()),
            Cell::number(one.funded_cents.0),
            Cell::number(one.charged_cents.0),
        ]
    });
    Ok(datasets::of("Budget", "a funder's budget of a school year", datasets::BUDGETS, rows.collect()))
}

fn pools(
    state: &dyn StateReader,
    classes: &BTreeMap<ClassId, Class>,
    schools: &BTreeMap<SchoolId, School>,
) -> Result<Dataset, StoreError> {
    let rows = schema::all_pools(state)?.into_iter().map(|one| {
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
    Ok(datasets::of("ResourcePool", "a pool of places", datasets::POOLS, rows.collect()))
}
