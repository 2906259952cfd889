//! A district's figures, read from a state: published reports, budgets and pools; no row of a student.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::keys::account_of;
use aula_ledger::rounds::PublishedReport;
use aula_ledger::rounds::report::{CellCounts, MandatesMet, PublishedGroups};
use aula_ledger::state::schema::{self, Class, DecisionStanding, Round, RoundStatus, School};
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::types::{ClassId, DistrictId, Height, SchoolYear};
use aula_report::district::figures::{
    BandFared, DistrictFigures, Equity, Fared, MoneyYear, RoundFigures, SchoolFared, SchoolMoney, SchoolName,
    Source, Standing,
};
use aula_report::district::{self, Compared};
use aula_report::paper::count::ranges;
use aula_report::paper::{Count, Language, Paper};
use serde_json::json;

use super::folder::Made;
use super::kept::Kept;
use super::past::{Chain, PRUNED};
use aula_home::keys::{KeyKind, NodeKey};
use aula_home::{Advise, DEFECT, Failure, Home};

/// Reads them; none when there is no district of this number.
///
/// # Errors
/// When the store fails or a record is damaged.
pub fn figures(
    state: &dyn StateReader,
    source: Source,
    id: DistrictId,
) -> Result<Option<DistrictFigures>, StoreError> {
    let Some(district) = schema::district(state, id)? else { return Ok(None) };
    let schools: Vec<School> = schema::schools(state)?.into_iter().filter(|one| one.district == id).collect();
    let classes: BTreeMap<ClassId, Class> =
        schema::classes(state)?.into_iter().map(|class| (class.definition.class, class)).collect();
    let mut rounds = Vec::new();
    for round in schema::rounds(state)? {
        let RoundStatus::Decided { height } = round.status else { continue };
        let Some(report) = schema::published_report(state, round.round)? else { continue };
        let Some(standing) = schema::decision_standing(state, &round)? else { continue };
        let decided = Decided { round: &round, height: height.0, standing, class: classes.get(&round.class) };
        rounds.push(one_round(&decided, &report, id, &schools));
    }
    let year = SchoolYear(u16::MAX);
    let name = |one: &School| SchoolName {
        school: one.id.0,
        name: one.name_in(year).map(ToString::to_string).unwrap_or_default(),
    };
    Ok(Some(DistrictFigures {
        money: money(state, &classes, &schools)?,
        source,
        district: id.0,
        name: district.name.to_string(),
        schools: schools.iter().map(name).collect(),
        rounds,
    }))
}

struct Decided<'a> {
    round: &'a Round,
    height: u64,
    standing: DecisionStanding,
    class: Option<&'a Class>,
}

/// A standing in the report's word.
pub const fn standing(standing: DecisionStanding) -> Standing {
    match standing {
        DecisionStanding::Stands => Standing::Stands,
        DecisionStanding::Reverted => Standing::Reverted,
        DecisionStanding::Replaced => Standing::Replaced,
    }
}

fn one_round(
    decided: &Decided<'_>,
    report: &PublishedReport,
    id: DistrictId,
    schools: &[School],
) -> RoundFigures {
    let everywhere = everywhere(report);
    let here = fared(&report.by_district, &everywhere).remove(&u32::from(id.0));
    let own: Vec<_> =
        report.by_school.cells.iter().filter(|cell| is_of(schools, cell.group)).copied().collect();
    let own = PublishedGroups { cells: own, first_choice_ratio_ppm: None, placed_ratio_ppm: None };
    let of_schools = here.map(|here| fared(&own, &here)).unwrap_or_default();
    let rate = |school: u32| {
        let cell = own.cells.iter().find(|cell| cell.group == school)?;
        cell.counts.map(|counts| counts.placed_per_weighted_pupil_e6)
    };
    let title = decided.class.map(|class| class.definition.title.to_string());
    RoundFigures {
        round: decided.round.round.0,
        title: title.unwrap_or_default(),
        school_year: decided.round.school_year.0,
        standing: standing(decided.standing),
        decided: decided.height,
        here,
        schools: of_schools
            .into_iter()
            .map(|(school, fared)| SchoolFared { school, fared, placed_per_weighted_pupil_e6: rate(school) })
            .collect(),
        bands: fared(&report.by_band, &everywhere)
            .into_iter()
            .map(|(band, fared)| BandFared { band, fared })
            .collect(),
        everywhere,
        equity: equity(report),
    }
}

fn is_of(schools: &[School], group: u32) -> bool {
    schools.iter().any(|school| school.id.0 == group)
}

/// How fair a round was.
pub fn equity(report: &PublishedReport) -> Equity {
    Equity {
        gini_ppm: report.gini_ppm,
        placed_by_district_ppm: report.by_district.placed_ratio_ppm,
        placed_by_band_ppm: report.by_band.placed_ratio_ppm,
        first_by_district_ppm: report.by_district.first_choice_ratio_ppm,
        first_by_band_ppm: report.by_band.first_choice_ratio_ppm,
        bottom_decile_utility_e4: report.bottom_decile_utility_e4,
        price_of_fairness_ppm: report.price_of_fairness_ppm,
        justified_envy_pairs: report.justified_envy_pairs,
        mandates_met: report.mandates_met == MandatesMet::All,
        gap_ppm: report.gap_ppm,
    }
}

/// All students of a round.
pub fn everywhere(report: &PublishedReport) -> Fared {
    let exact = |n: u32| Count::exact(n.into());
    let Some(all) = report.totals else {
        let asked = report.students.map_or(Count::WITHHELD, exact);
        let within = Count::up_to(asked.high);
        return Fared { asked, placed: within, first_choice: within, waiting: within };
    };
    Fared {
        asked: exact(all.students),
        placed: exact(all.students.saturating_sub(all.waitlisted)),
        first_choice: exact(all.first_choice),
        waiting: exact(all.waitlisted),
    }
}

/// The groups of one kind with the hidden ones as ranges of what the shown leave of the whole.
pub fn fared(groups: &PublishedGroups, whole: &Fared) -> BTreeMap<u32, Fared> {
    let column = |part: fn(&CellCounts) -> u32, whole: Count| {
        let shown: Vec<Option<u64>> =
            groups.cells.iter().map(|cell| cell.counts.map(|counts| u64::from(part(&counts)))).collect();
        ranges(&shown, whole.high)
    };
    let asked = column(|c| c.students, whole.asked);
    let placed = column(|c| c.students.saturating_sub(c.waitlisted), whole.placed);
    let first = column(|c| c.first_choice, whole.first_choice);
    let waiting = column(|c| c.waitlisted, whole.waiting);
    let rows = groups.cells.iter().zip(asked.into_iter().zip(placed).zip(first.into_iter().zip(waiting)));
    rows.map(|(cell, ((asked, placed), (first_choice, waiting)))| {
        (cell.group, Fared { asked, placed, first_choice, waiting })
    })
    .collect()
}

fn money(
    state: &dyn StateReader,
    classes: &BTreeMap<ClassId, Class>,
    schools: &[School],
) -> Result<Vec<MoneyYear>, StoreError> {
    let mut years: BTreeMap<u16, MoneyYear> = BTreeMap::new();
    let empty = |school_year: u16| MoneyYear {
        school_year,
        funded_cents: 0,
        charged_cents: 0,
        places_here: 0,
        cents_here: 0,
        schools: Vec::new(),
    };
    for budget in schema::budgets(state)? {
        let year = years.entry(budget.school_year.0).or_insert_with(|| empty(budget.school_year.0));
        year.funded_cents = year.funded_cents.saturating_add(budget.funded_cents.0);
        year.charged_cents = year.charged_cents.saturating_add(budget.charged_cents.0);
    }
    for pool in schema::all_pools(state)? {
        let Some(class) = classes.get(&pool.class) else { continue };
        if pool.retired.is_some() || !is_of(schools, pool.school.0) {
            continue;
        }
        let number = class.definition.school_year.0;
        let year = years.entry(number).or_insert_with(|| empty(number));
        let (places, cents) = (u64::from(pool.capacity), pool.cost_cents());
        year.places_here = year.places_here.saturating_add(places);
        year.cents_here = year.cents_here.saturating_add(cents);
        match year.schools.iter_mut().find(|line| line.school == pool.school.0) {
            Some(line) => {
                line.places = line.places.saturating_add(places);
                line.cents = line.cents.saturating_add(cents);
            }
            None => year.schools.push(SchoolMoney { school: pool.school.0, places, cents }),
        }
    }
    for year in years.values_mut() {
        year.schools.sort_by_key(|line| line.school);
    }
    Ok(years.into_values().collect())
}

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// After which block.
    pub height: Height,
    /// Which district; every one when none.
    pub district: Option<u16>,
    /// One file of each kind for each of these.
    pub languages: &'a [Language],
    /// Before the path of every proof.
    pub link: &'a str,
    /// With what it is compared.
    pub against: Against<'a>,
}

/// With what a report is compared, and how far it is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// Figures that were kept.
    pub kept: Option<&'a Kept>,
    /// A week and a year before, milliseconds since 1970: those of [`super::schedule::compared`].
    pub moments: [Option<u64>; 2],
    /// Most blocks that are executed for what was not kept.
    pub most_blocks: u64,
}

impl Against<'_> {
    /// With no other moment.
    pub const NOTHING: Self = Self { kept: None, moments: [None; 2], most_blocks: 0 };
}

/// What was made.
#[derive(Debug)]
pub struct Report {
    /// The files, the manifest last.
    pub files: Vec<Made>,
    /// The figures as of the report's own height, of each district.
    pub now: Vec<DistrictFigures>,
    /// The height of a week before, where there is one to compare with.
    pub week: Option<Height>,
    /// The height of a year before.
    pub year: Option<Height>,
    /// How many figures one language shows.
    pub figures: usize,
}

/// The figures of districts after each of these heights; without `district` of every one.
///
/// # Errors
/// When the chain cannot be read.
pub fn figures_at(
    chain: &Chain,
    heights: &BTreeSet<Height>,
    district: Option<u16>,
) -> Result<BTreeMap<Height, Vec<DistrictFigures>>, Failure> {
    let mut found: BTreeMap<Height, Vec<DistrictFigures>> = BTreeMap::new();
    chain.states(heights, |state, header| {
        let hint = "run `aula replay`, which names what is damaged";
        let source = chain.source(state, header)?;
        let districts = schema::districts(state).advise("the districts cannot be read", hint)?;
        let mut all = Vec::new();
        for id in districts.iter().map(|one| one.id).filter(|id| district.is_none_or(|n| n == id.0)) {
            all.extend(figures(state, source.clone(), id).advise("the figures cannot be read", hint)?);
        }
        found.insert(header.height, all);
        Ok(())
    })?;
    Ok(found)
}

/// What was kept of a moment, or the height at which it has to be read.
#[derive(Debug, Default)]
struct Then {
    kept: Vec<DistrictFigures>,
    read: Option<Height>,
}

impl Then {
    fn of(chain: &Chain, wanted: &Wanted<'_>, genesis: &str, moment: Option<u64>) -> Result<Self, Failure> {
        let Some(moment) = moment else { return Ok(Self::default()) };
        let ids = match wanted.district {
            Some(district) => vec![district],
            None => {
                let all = schema::districts(chain.view());
                let all = all.advise("the districts cannot be read", "run `aula replay`")?;
                all.iter().map(|one| one.id.0).collect()
            }
        };
        let kept = wanted.against.kept;
        let kept: Option<Vec<_>> =
            ids.into_iter().map(|id| kept.and_then(|kept| kept.get(genesis, moment, id))).collect();
        if let Some(kept) = kept {
            return Ok(Self { kept, read: None });
        }
        let height = match chain.at_time(moment) {
            Err(failure) if failure.code == PRUNED => None,
            found => found?,
        };
        let near = |height: &Height| {
            chain.distance(*height).map(|far| far.is_some_and(|far| far <= wanted.against.most_blocks))
        };
        let read = match height {
            Some(height) if near(&height)? => Some(height),
            _ => None,
        };
        Ok(Self { kept: Vec::new(), read })
    }

    fn height(&self) -> Option<Height> {
        self.read.or_else(|| Some(Height(self.kept.first()?.source.height)))
    }

    fn district(&self, read: &BTreeMap<Height, Vec<DistrictFigures>>, id: u16) -> Option<DistrictFigures> {
        let all = match self.read {
            Some(height) => read.get(&height)?,
            None => &self.kept,
        };
        all.iter().find(|one| one.district == id).cloned()
    }
}

/// Makes the reports.
///
/// # Errors
/// Code `unknown_district`; or when the chain cannot be read or a PDF made.
pub fn make(chain: &Chain, wanted: &Wanted<'_>) -> Result<Report, Failure> {
    let now = chain.header(wanted.height.0)?;
    let genesis = now.genesis.to_string();
    let [week, year] = wanted.against.moments.map(|moment| Then::of(chain, wanted, &genesis, moment));
    let (week, year) = (week?, year?);
    let heights: BTreeSet<Height> = [Some(now.height), week.read, year.read].into_iter().flatten().collect();
    let found = figures_at(chain, &heights, wanted.district)?;
    let mut report = Report {
        files: Vec::new(),
        now: found.get(&now.height).cloned().unwrap_or_default(),
        week: week.height(),
        year: year.height(),
        figures: 0,
    };
    for now in &report.now {
        let (week, year) = (week.district(&found, now.district), year.district(&found, now.district));
        let compared = Compared { now: now.clone(), week, year };
        for (at, language) in wanted.languages.iter().enumerate() {
            let paper = district::paper::of(&compared, *language, wanted.link);
            report.figures += if at == 0 { paper.figures() } else { 0 };
            report.files.extend(both(&paper, &format!("district-{:02}.{}", now.district, language.tag()))?);
        }
    }
    if report.now.is_empty() {
        let number = wanted.district.unwrap_or_default();
        let message = format!("there is no district {number} at height {}", wanted.height);
        return Err(Failure::new("unknown_district", message, "`aula query districts` lists them"));
    }
    let lines: Vec<_> = report.files.iter().map(Made::line).collect();
    let manifest = json!({
        "report": "district", "genesis": now.genesis, "height": now.height, "time_ms": now.time_ms,
        "state_root": now.state_root, "files": lines,
    });
    report.files.push(Made::json("manifest.json", &manifest)?);
    Ok(report)
}

/// A paper as HTML and PDF.
///
/// # Errors
/// When the PDF cannot be made.
pub fn both(paper: &Paper, name: &str) -> Result<[Made; 2], Failure> {
    let pdf = aula_report::paper::pdf::render(paper).advise("a PDF cannot be made", DEFECT)?;
    let html = aula_report::paper::html::render(paper);
    Ok([Made::new(format!("{name}.html"), html), Made::new(format!("{name}.pdf"), pdf)])
}

/// The district that a home's account acts for; none when it has no account, or it acts for none.
///
/// # Errors
/// When the state cannot be read.
pub fn own(chain: &Chain, home: &Home) -> Result<Option<u16>, Failure> {
    let Ok(key) = NodeKey::of_home(home, KeyKind::Account) else { return Ok(None) };
    let account = account_of(&key.public());
    let members = schema::members(chain.view()).advise("the members cannot be read", "run `aula replay`")?;
    let member = members.iter().find(|member| member.account == account);
    Ok(member.and_then(|member| member.district).map(|district| district.0))
}
