use super::need::Reveals;
use super::*;
use crate::code::Code;
use crate::params::Params;
use crate::state::schema;
use crate::state::schema::Change;
use crate::testkit::*;
use crate::tx::AnchorStates;
use crate::types::*;

fn input(text: &str, kind: InputKind, number: u16, weight: i32) -> NeedInput {
    NeedInput { name: name(text), kind, source: InputSource::Recorded(number), weight, unrecorded: 0 }
}

fn rule(constant: i32, inputs: &[NeedInput]) -> NeedRule {
    NeedRule { constant, inputs: inputs.to_vec() }
}

/// Two flags and two positions, 0 to 2,425.
fn lunch_and_scores() -> NeedRule {
    rule(
        1_785,
        &[
            input("not-paid", InputKind::Flag, 0, 320),
            input("free", InputKind::Flag, 1, 320),
            input("reading", InputKind::Position, 2, -4),
            input("mathematics", InputKind::Position, 3, -3),
        ],
    )
}

fn set(from_year: u16, parameters: TwinParameters) -> Change {
    Change::SetTwinParameters { from_year: SchoolYear(from_year), parameters: Box::new(parameters) }
}

fn with(need: NeedRule) -> TwinParameters {
    TwinParameters { need, ..TwinParameters::default() }
}

#[test]
fn a_rule_is_bounded_by_its_inputs_worst_values() {
    assert_eq!(lunch_and_scores().check(), Ok(()));
    let position = |weight| input("a", InputKind::Position, 0, weight);
    assert_eq!(rule(9, &[position(10)]).check(), Ok(()));
    let over = RuleError::Bounds { least: 10, greatest: 2_560 };
    assert_eq!(rule(10, &[position(10)]).check(), Err(over));
    let under = RuleError::Bounds { least: -1, greatest: 254 };
    assert_eq!(rule(254, &[position(-1)]).check(), Err(under));
    // Both flags at once, whether or not a student can have both.
    let flags = [input("a", InputKind::Flag, 0, 1_280), input("b", InputKind::Flag, 1, 1_280)];
    assert_eq!(rule(0, &flags).check(), Err(RuleError::Bounds { least: 0, greatest: 2_560 }));
    assert_eq!(rule(0, &[]).check(), Err(RuleError::Count));
    let seven: Vec<NeedInput> = (0..7).map(|n| input(&format!("i{n}"), InputKind::Flag, n, 1)).collect();
    assert_eq!(rule(0, &seven).check(), Err(RuleError::Count));
    assert_eq!(rule(0, &[position(1), position(1)]).check(), Err(RuleError::Twice(name("a"))));
    assert_eq!(rule(0, &[position(0)]).check(), Err(RuleError::NoWeight));
    let computed = NeedInput { source: InputSource::Engagement, ..input("a", InputKind::Flag, 0, 1) };
    assert_eq!(rule(0, &[computed]).check(), Err(RuleError::Input(name("a"))));
    let beyond = NeedInput { unrecorded: 2, ..input("a", InputKind::Flag, 0, 1) };
    assert_eq!(rule(0, &[beyond]).check(), Err(RuleError::Input(name("a"))));
    let wild: Vec<NeedInput> = (0..6)
        .map(|n| NeedInput { weight: i32::MIN, ..input(&format!("i{n}"), InputKind::Position, n, 0) })
        .collect();
    assert!(matches!(rule(i32::MIN, &wild).check(), Err(RuleError::Bounds { .. })));
}

/// What each band tells, by trying all values.
fn tried(rule: &NeedRule) -> Vec<Reveals> {
    let mut seen = vec![vec![[false; 256]; rule.inputs.len()]; 10];
    let mut values = vec![0u8; rule.inputs.len()];
    loop {
        let terms = rule.inputs.iter().zip(&values);
        let need = terms.map(|(input, value)| i64::from(input.weight) * i64::from(*value)).sum::<i64>()
            + i64::from(rule.constant);
        for (at, value) in values.iter().enumerate() {
            seen[usize::try_from(need / 256).unwrap()][at][usize::from(*value)] = true;
        }
        let Some(next) = (0..values.len()).find(|at| values[*at] < rule.inputs[*at].kind.greatest()) else {
            break;
        };
        values[..next].fill(0);
        values[next] += 1;
    }
    let mut found = Vec::new();
    for (band, inputs) in seen.iter().enumerate() {
        for (input, values) in rule.inputs.iter().zip(inputs) {
            let possible: Vec<u8> = (0..=255u8).filter(|value| values[usize::from(*value)]).collect();
            let most = if input.kind == InputKind::Flag { 1 } else { 64 };
            if (1..=most).contains(&possible.len()) {
                let (least, greatest) = (possible[0], *possible.last().unwrap());
                let band = u8::try_from(band).unwrap();
                found.push(Reveals { band, input: input.name.clone(), least, greatest });
            }
        }
    }
    found
}

#[test]
fn what_a_band_reveals_is_what_trying_all_values_finds() {
    let halves = rule(0, &[input("a", InputKind::Flag, 0, 1_300), input("b", InputKind::Position, 1, 4)]);
    let steps = rule(2_550, &[input("a", InputKind::Position, 0, -10)]);
    let flags = rule(5, &[input("a", InputKind::Flag, 0, 900), input("b", InputKind::Flag, 1, 901)]);
    for rule in [lunch_and_scores(), halves, steps, flags] {
        assert_eq!(rule.check(), Ok(()));
        assert_eq!(rule.reveals(), tried(&rule), "{rule:?}");
    }
    let told: Vec<String> = lunch_and_scores().reveals().iter().map(ToString::to_string).collect();
    assert!(told.contains(&"band 9 reveals not-paid = 1".to_owned()), "{told:?}");
}

#[test]
fn a_version_is_in_force_from_its_year_on_and_the_newest_wins() {
    let mut chain = Chain::new();
    let known = |chain: &Chain, year: u16| {
        schema::twin_in_force(&chain.state, SchoolYear(year)).unwrap().unwrap().version
    };
    assert_eq!([0, 1988, 9_999].map(|year| known(&chain, year)), [1, 1, 1]);
    let receipt = chain.agree(set(YEAR.0 + 1, with(lunch_and_scores())));
    assert_eq!(receipt.code, Code::Accepted);
    chain
        .agree(set(YEAR.0, TwinParameters { skill_graph: Some(Hash([1; 32])), ..TwinParameters::default() }));
    assert_eq!([YEAR.0 - 1, YEAR.0, YEAR.0 + 1].map(|year| known(&chain, year)), [1, 3, 3]);
    let all = schema::twin_version_list(&chain.state).unwrap();
    assert_eq!(
        all.iter().map(|one| (one.version, one.from_year.0)).collect::<Vec<_>>(),
        [(1, 0), (2, YEAR.0 + 1), (3, YEAR.0)]
    );
    assert!(all.iter().all(|one| one.digest == one.parameters.digest()));
}

#[test]
fn a_vote_refuses_rules_out_of_bounds_past_years_and_bad_tables() {
    let mut chain = Chain::new();
    let over = with(rule(10, &[input("a", InputKind::Position, 0, 10)]));
    let propose = |chain: &mut Chain, change| {
        let open_until = Height(chain.height.0 + 50);
        chain.send("voter-a", crate::tx::ProposeChange { change, open_until }).code
    };
    assert_eq!(propose(&mut chain, set(YEAR.0, over.clone())), Code::NeedRuleBounds);
    assert_eq!(propose(&mut chain, set(YEAR.0 - 2, TwinParameters::default())), Code::SchoolYearPast);
    let scale = ScoreScale { skill: 1, grade: 2, mean_e1: 5_000, deviation_e1: 0 };
    let bad = TwinParameters { scales: vec![scale], ..TwinParameters::default() };
    assert_eq!(set(YEAR.0, bad.clone()).check(), Err(Code::InvalidPayload));
    for refused in [over, bad] {
        let mut file = genesis();
        file.twin = refused;
        assert!(file.to_json().is_err());
    }
}

#[test]
fn states_under_other_parameters_than_those_in_force_are_refused() {
    let mut chain = ready();
    let second = with(lunch_and_scores());
    chain.agree(set(YEAR.0, second.clone()));
    let old = anchor_version([50], 11, 1);
    assert_eq!(chain.send("district-1", old.clone()).code, Code::ParametersNotInForce);
    let wrong_digest = AnchorStates { parameters: 2, ..old.clone() };
    assert_eq!(chain.send("district-1", wrong_digest).code, Code::ParametersNotInForce);
    let unknown = AnchorStates { parameters: 9, ..old.clone() };
    assert_eq!(chain.send("district-1", unknown).code, Code::ParametersNotInForce);
    // The year before keeps the first.
    let before = AnchorStates { school_year: SchoolYear(YEAR.0 - 1), ..old.clone() };
    chain.accept("district-1", before);
    let mut newer = AnchorStates { parameters: 2, model_digest: second.digest(), ..old };
    assert_eq!(chain.send("district-1", newer.clone()).code, Code::InputsMissing);
    newer.states[0].inputs = vec![newer.states[0].inputs[0]; second.need.inputs.len()];
    chain.accept("district-1", newer);
}

#[test]
fn a_round_goes_by_the_parameters_of_its_opening() {
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    let round = |chain: &Chain, id| schema::round(&chain.state, RoundId(id)).unwrap().unwrap();
    assert_eq!(round(&chain, 0).parameters, 1);
    // A vote while it is open changes nothing for it.
    chain.agree(set(YEAR.0, with(lunch_and_scores())));
    let batch = submit(&chain, 0, vec![request(1, 11, 1, crate::state::schema::Mandate::None, &[0])]);
    chain.accept("district-1", batch);
    chain.agree(Change::CancelRound { round: RoundId(0) });
    chain.accept("voter-a", open(1));
    assert_eq!(round(&chain, 1).parameters, 2);
    // The leaf stands under the first version still.
    let batch = submit(&chain, 1, vec![request(1, 11, 1, crate::state::schema::Mandate::None, &[0])]);
    assert_eq!(chain.send("district-1", batch).code, Code::OtherParameters);
}

#[test]
fn the_largest_parameters_fit_their_record_and_a_proposal() {
    let scales: Vec<ScoreScale> = (0..MAX_SCALES)
        .map(|n| ScoreScale {
            skill: u16::try_from(n / 32).unwrap(),
            grade: u8::try_from(n % 32).unwrap(),
            mean_e1: u32::MAX,
            deviation_e1: u32::MAX,
        })
        .collect();
    let kinds = (0..32).map(|kind| KindRule { kind, subject: Some(kind) }).collect();
    let inputs: Vec<NeedInput> =
        (0..6).map(|n| input(&format!("{n}{}", "x".repeat(39)), InputKind::Position, n, 1)).collect();
    let parameters = TwinParameters {
        scales,
        kinds,
        need: rule(0, &inputs),
        skill_graph: Some(Hash([1; 32])),
        ..TwinParameters::default()
    };
    assert_eq!(parameters.check(), Ok(()));
    let mut chain = Chain::with_params(|params: &mut Params| params.first_school_year = YEAR.0);
    assert_eq!(chain.agree(set(YEAR.0, parameters)).code, Code::Accepted);
    let full = TwinVersions { from_years: vec![SchoolYear(u16::MAX); MAX_VERSIONS] };
    assert!(full.to_stored().is_ok());
}
