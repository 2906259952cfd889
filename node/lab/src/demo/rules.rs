//! Every join and rule that turns the public tables into the demo's consortium, in one place.
//!
//! [`RULES`] says each in words, as the genesis's sources, which the explorer shows; the functions below are the same rules as code.
//! Invariants: integers only, nothing random, so that two runs of the demo ask for the same places. Absent:
//! what is the consortium's own (keys, pseudonyms, the ledger's parameters) and the optimizer's costs.

use std::collections::BTreeMap;

use aula_ledger::names::{Name, TextError};
use aula_ledger::params::{MIN_WINDOW_MS, Params};
use aula_ledger::twin::{InputKind, InputSource, KindRule, NeedInput, NeedRule, ScoreScale, TwinParameters};
use aula_ledger::types::{ClassId, DistrictId, SchoolId};
use sha2::{Digest, Sha256};

use super::star::{ComputerRatio, Grade, Lunch, SchoolType, StudentYear};

/// A rule in words.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What it decides.
    pub title: &'static str,
    /// How.
    pub text: &'static str,
}

/// What stands in the place of every family's signed form.
pub const CONSENT_FORM: &str = "No form: the demo takes every family of Project STAR to have agreed.";

/// All rules, in the order in which the demo applies them.
pub const RULES: &[Rule] = &[
    Rule {
        title: "Students, schools, districts",
        text: "Project STAR, Tennessee 1985-89: each of the study's grades (kindergarten to 3) is one school year and \
               one epoch of the demo. Gender, ethnicity, birth and everything about teachers are not read.",
    },
    Rule {
        title: "Position on the score scale",
        text: "A scaled score is placed between two fixed points of its grade and subject, 0 at the lower and 10,000 at \
               the upper; they lie near the 2nd and 98th percentile of the study. A student who missed one test takes \
               the other subject's position; one who missed both stands in the middle.",
    },
    Rule {
        title: "Need, 0 to 2,425",
        text: "The voted rule of the genesis: 1,785 + 320 if the family is not known to pay for lunch + 320 if lunch is \
               free - 7 for each of 255 steps of the mean of both positions. The band is the need divided by 256. A rule \
               adds whole numbers and keeps 0 to 2,559 whatever its inputs are: with 640 points for lunch, seven a step remain.",
    },
    Rule {
        title: "Families' consents",
        text: "The study has no consent forms. Every family is taken to have agreed that teachers, counselors and \
               administrators read what they need; the ledger holds the hash of a sentence that says so.",
    },
    Rule {
        title: "Ranking of the kinds of learning devices",
        text: "From the student's own scores: the device for the weaker subject first (reading on a tie). Below a \
               quarter of the scale in that subject: tutoring, the other subject, a take-home device. Otherwise: the \
               other subject, a take-home device, tutoring.",
    },
    Rule {
        title: "Places for learning devices",
        text: "California 1998-99 gives the computers a student; no such count exists for Tennessee. Schools are sorted \
               by their share of free lunch that year, California's districts by theirs, and the school at a rank gets \
               the ratio of the district at the same relative rank. Enrolment times that ratio, rounded down, is shared \
               among the four kinds evenly, earlier kinds taking what remains; each pool has at least one place.",
    },
    Rule {
        title: "Who is eligible where",
        text: "Own school (tier 0), another school of the own district (tier 1), a school of the same type in another \
               district (tier 2). Nowhere else. A place costs 0, 30 or 100 by tier, and 20 more for each rank after the \
               first; waiting costs 250. The ledger weighs these costs by the need band.",
    },
    Rule {
        title: "Special-education aids: invented",
        text: "The study records no special education. A hash of the student's number picks 4 students in 100 who ask \
               for an aid, and 3 in 10 of those whose plan makes one mandatory. The largest school of each district \
               hosts three pools (classroom aide, speech therapy, assistive technology) with together as many places as \
               the district has mandated students plus a third of its other requests, rounded up. Half of the classroom \
               aides' places, rounded down, are a floor that must be used.",
    },
    Rule {
        title: "Milestones",
        text: "A student who sat both tests at the end of a grade has completed it: the district records it. The demo \
               records one a block while a round's windows pass, not all of them. A student whose mastery of reading or \
               mathematics lies above 0.85 has a unit mastered instead, with a proof; at most 20 of them a year.",
    },
    Rule {
        title: "Money: invented",
        text: "A reading or mathematics device costs 300.00 a year, a take-home device 400.00, a year of tutoring \
               1,200.00, a classroom aide 9,000.00, speech therapy 3,500.00, assistive technology 1,500.00. The funder \
               gives each year what the year's pools cost, and states each school's part as a commitment, with proofs that \
               the parts sum to it and that every school keeps the greatest floor per weighted pupil that all keep.",
    },
];

/// The chain's name in the genesis that `aula demo` writes.
pub const CONSORTIUM_NAME: &str = "star";

/// Kinds of learning devices, by kind number.
pub const DEVICE_KINDS: [&str; 4] = ["reading", "math", "take-home", "tutoring"];
/// Kinds of special-education aids, by kind number.
pub const AID_KINDS: [&str; 3] = ["classroom-aide", "speech-therapy", "assistive-technology"];

/// The two classes of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Learning devices: reading, mathematics, take-home, tutoring.
    Devices,
    /// Special-education aids, with floors and mandates.
    Aids,
}

impl Class {
    /// Both, in the order in which their rounds are opened.
    pub const ALL: [Self; 2] = [Self::Devices, Self::Aids];

    const fn number(self) -> u16 {
        match self {
            Self::Devices => 1,
            Self::Aids => 2,
        }
    }

    /// The class of a year: 11 and 12 for kindergarten, 21 and 22 for grade 1, and so on.
    pub fn id(self, grade: Grade) -> ClassId {
        ClassId(10 * (u16::from(grade.get()) + 1) + self.number())
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Devices => "Learning devices",
            Self::Aids => "Special-education aids",
        }
    }

    /// What it gives places of, by the kinds' numbers.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Devices => &DEVICE_KINDS,
            Self::Aids => &AID_KINDS,
        }
    }
}
/// What a place costs a year, cents, by device kind.
pub const DEVICE_UNIT_COST_CENTS: [u64; 4] = [30_000, 30_000, 40_000, 120_000];
/// What a place costs a year, cents, by kind of aid.
pub const AID_UNIT_COST_CENTS: [u64; 3] = [900_000, 350_000, 150_000];

/// Cost of a place at the own school, elsewhere in the own district, at a school of the same type elsewhere.
pub const TIER_COSTS: [u32; 3] = [0, 30, 100];
/// Cost of each rank after the first.
pub const RANK_STEP: u32 = 20;
/// Cost of waiting: above every place, and less than twice the costliest.
pub const WAITLIST_COST: u32 = 250;

/// The calendar year in which kindergarten began.
const FIRST_YEAR: u16 = 1985;
/// Lower and upper fixed point of reading and mathematics, scaled score points, by grade.
const SCALES: [[(u16, u16); 2]; 4] =
    [[(390, 518), (399, 602)], [(431, 651), (449, 627)], [(499, 684), (495, 674)], [(543, 702), (543, 700)]];
/// The top of the position scale.
const POSITION_MAX_E4: u32 = 10_000;

/// The school year of a grade, by the calendar year in which it starts: 1985 to 1988.
pub const fn school_year(grade: Grade) -> u16 {
    FIRST_YEAR + grade.get() as u16
}

/// The ledger's parameters of the demo: its data are of years long past, so the school years that take states are named,
/// those of the study and the four after them.
pub fn ledger_params() -> Params {
    Params {
        first_school_year: FIRST_YEAR,
        last_school_year: FIRST_YEAR + 7,
        // A demo's districts sit at one desk: short windows.
        request_window_ms: 2 * MIN_WINDOW_MS,
        reveal_window_ms: MIN_WINDOW_MS,
        ..Params::default()
    }
}

/// Positions of a student's reading and mathematics on the fixed scale, 0..=10,000 each.
pub fn positions_e4(year: &StudentYear) -> (u32, u32) {
    let [read, math] = SCALES[usize::from(year.grade.get())];
    let place = |score: Option<u16>, (low, high): (u16, u16)| {
        let above = u32::from(score?.clamp(low, high) - low);
        Some(above * POSITION_MAX_E4 / u32::from(high - low))
    };
    match (place(year.read, read), place(year.math, math)) {
        (Some(read), Some(math)) => (read, math),
        (Some(one), None) | (None, Some(one)) => (one, one),
        (None, None) => (POSITION_MAX_E4 / 2, POSITION_MAX_E4 / 2),
    }
}

/// Reading, as a skill that tests score.
pub const READING: u16 = 0;
/// Mathematics, as a skill that tests score.
pub const MATHEMATICS: u16 = 1;
/// Mean and standard deviation of the study's scaled scores, tenths of a point: reading, mathematics, by grade from
/// kindergarten to 3 (genesis/README.md has the source).
const SCORE_SCALES_E1: [[(u32, u32); 2]; 4] = [
    [(4_367, 317), (4_854, 477)],
    [(5_208, 552), (5_305, 431)],
    [(5_839, 460), (5_806, 446)],
    [(6_154, 386), (6_180, 398)],
];
/// The inputs of the need rule by name, in its order.
pub const NEED_INPUTS: [&str; 3] = ["lunch-not-paid", "lunch-free", "scores"];
/// Steps of an input that is a position.
const STEPS: u32 = 255;
/// What the need rule begins with: a student at the lower fixed point of both subjects who pays for lunch.
const NEED_CONSTANT: i32 = 1_785;

/// The twins' parameters that the demo's genesis gives: the score scales of the study, its devices, its need rule.
///
/// # Errors
/// When an input's name breaks the ledger's rule, which none here does.
pub fn twin_parameters() -> Result<TwinParameters, TextError> {
    let scale = |skill, grade, (mean_e1, deviation_e1)| ScoreScale { skill, grade, mean_e1, deviation_e1 };
    let of_subject = |skill: u16| {
        let scales = (0u8..).zip(SCORE_SCALES_E1);
        scales.map(move |(grade, scales)| scale(skill, grade, scales[usize::from(skill)]))
    };
    let subjects = [Some(READING), Some(MATHEMATICS), None, None];
    let input = |(number, name, kind, weight, unrecorded)| {
        let source = InputSource::Recorded(number);
        Ok(NeedInput { name: Name::new(name)?, kind, source, weight, unrecorded })
    };
    let [not_paid, free, scores] = NEED_INPUTS;
    let inputs = [
        (0, not_paid, InputKind::Flag, 320, 1),
        (1, free, InputKind::Flag, 320, 0),
        (2, scores, InputKind::Position, -7, 127),
    ];
    let inputs = inputs.into_iter().map(input).collect::<Result<_, TextError>>()?;
    Ok(TwinParameters {
        scales: of_subject(READING).chain(of_subject(MATHEMATICS)).collect(),
        kinds: (0u16..).zip(subjects).map(|(kind, subject)| KindRule { kind, subject }).collect(),
        need: NeedRule { constant: NEED_CONSTANT, inputs },
        ..TwinParameters::default()
    })
}

/// The inputs of the need rule that a district records of a student, by the numbers that the rule reads.
pub fn need_inputs(year: &StudentYear) -> [(u16, u16); 3] {
    let (read, math) = positions_e4(year);
    let step = (read + math) * STEPS / (2 * POSITION_MAX_E4);
    [(0, u16::from(year.lunch != Lunch::Paid)), (1, u16::from(year.lunch == Lunch::Free)), (2, step as u16)]
}

/// The student's ranking of [`DEVICE_KINDS`], best first.
pub fn device_ranking(year: &StudentYear) -> [u8; 4] {
    let (read, math) = positions_e4(year);
    let (weaker, other, weakest) = if math < read { (1, 0, math) } else { (0, 1, read) };
    if weakest < POSITION_MAX_E4 / 4 { [weaker, 3, other, 2] } else { [weaker, other, 2, 3] }
}

/// Whether a student asks for a special-education aid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AidRequest {
    /// Does not ask.
    None,
    /// Asks, and may be left waiting.
    Wanted,
    /// Has a plan that makes an aid mandatory.
    Mandated,
}

/// What the invented rule says of a student. The same in every grade.
pub fn aid_request(student: u32) -> AidRequest {
    let digest = Sha256::new()
        .chain_update(b"aula demo: aids, invented")
        .chain_update(student.to_le_bytes())
        .finalize();
    let draw = u16::from_le_bytes([digest[0], digest[1]]) % 1_000;
    match draw {
        0..12 => AidRequest::Mandated,
        12..40 => AidRequest::Wanted,
        _ => AidRequest::None,
    }
}

/// The student's ranking of [`AID_KINDS`]: all three, rotated by the hash, so that a mandate can be met in any.
pub fn aid_ranking(student: u32) -> [u8; 3] {
    let digest =
        Sha256::new().chain_update(b"aula demo: aid ranking").chain_update(student.to_le_bytes()).finalize();
    match digest[0] % 3 {
        0 => [0, 1, 2],
        1 => [1, 2, 0],
        _ => [2, 0, 1],
    }
}

/// A pool that a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolPlan {
    /// The host's district.
    pub district: DistrictId,
    /// Where the places are.
    pub school: SchoolId,
    /// Kind, an index of the class's list.
    pub kind: u8,
    /// Places, at least 1.
    pub capacity: u32,
    /// Places that must be used, at most `capacity`.
    pub floor: u32,
    /// Price of a place, cents a year.
    pub unit_cost_cents: u64,
}

/// What a school looks like in one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SchoolYearFacts {
    district: DistrictId,
    enrolment: u32,
    free: u32,
    known: u32,
}

fn schools(years: &[StudentYear]) -> BTreeMap<SchoolId, SchoolYearFacts> {
    let mut schools = BTreeMap::new();
    for year in years {
        let empty = SchoolYearFacts { district: year.district, enrolment: 0, free: 0, known: 0 };
        let facts = schools.entry(year.school).or_insert(empty);
        facts.enrolment += 1;
        facts.free += u32::from(year.lunch == Lunch::Free);
        facts.known += u32::from(year.lunch != Lunch::Unknown);
    }
    schools
}

/// The device pools of one year, ascending by school, then kind. `years` are that year's students; `ratios` ascend
/// by lunch share.
pub fn device_pools(years: &[StudentYear], ratios: &[ComputerRatio]) -> Vec<PoolPlan> {
    let schools = schools(years);
    let mut by_lunch: Vec<(&SchoolId, &SchoolYearFacts)> = schools.iter().collect();
    // Shares compared as fractions; a school where lunch is never recorded counts as 0 of 1.
    by_lunch.sort_by(|(a_id, a), (b_id, b)| {
        let (left, right) = (a.free * b.known.max(1), b.free * a.known.max(1));
        left.cmp(&right).then(a_id.cmp(b_id))
    });
    let mut pools = Vec::with_capacity(schools.len() * DEVICE_KINDS.len());
    for (rank, &(&school, facts)) in by_lunch.iter().enumerate() {
        let Some(ratio) = ratios.get((2 * rank + 1) * ratios.len() / (2 * by_lunch.len())) else { continue };
        let places = facts.enrolment * ratio.computers / ratio.students;
        for (kind, unit_cost_cents) in (0u8..).zip(DEVICE_UNIT_COST_CENTS) {
            let share = places / 4 + u32::from(u32::from(kind) < places % 4);
            let capacity = share.max(1);
            pools.push(PoolPlan {
                district: facts.district,
                school,
                kind,
                capacity,
                floor: 0,
                unit_cost_cents,
            });
        }
    }
    pools.sort_by_key(|pool| (pool.school, pool.kind));
    pools
}

/// The pools of special-education aids of one year, ascending by school, then kind.
pub fn aid_pools(years: &[StudentYear]) -> Vec<PoolPlan> {
    let mut hosts: BTreeMap<DistrictId, (u32, SchoolId)> = BTreeMap::new();
    for (&school, facts) in &schools(years) {
        let host = hosts.entry(facts.district).or_insert((facts.enrolment, school));
        if facts.enrolment > host.0 {
            *host = (facts.enrolment, school);
        }
    }
    let mut pools = Vec::new();
    for (&district, &(_, school)) in &hosts {
        let of = |wanted| {
            let asks = |year: &&StudentYear| year.district == district && aid_request(year.student) == wanted;
            years.iter().filter(asks).count() as u32
        };
        let places = of(AidRequest::Mandated) + of(AidRequest::Wanted).div_ceil(3);
        for (kind, unit_cost_cents) in (0u8..).zip(AID_UNIT_COST_CENTS) {
            let capacity = places / 3 + u32::from(u32::from(kind) < places % 3);
            let floor = if kind == 0 { capacity / 2 } else { 0 };
            if capacity > 0 {
                pools.push(PoolPlan { district, school, kind, capacity, floor, unit_cost_cents });
            }
        }
    }
    pools.sort_by_key(|pool| (pool.school, pool.kind));
    pools
}

/// The type and district of each school of the study, ascending by school.
pub fn school_register(years: &[StudentYear]) -> BTreeMap<SchoolId, (DistrictId, SchoolType)> {
    years.iter().map(|year| (year.school, (year.district, year.school_type))).collect()
}

#[cfg(test)]
mod tests;
