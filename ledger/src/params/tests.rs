use super::*;

/// What a vote may do to a parameter.
type Set = fn(&mut Params, u64);

/// Every parameter that decides how long a block takes.
const LEVERS: [(&str, Set); 12] = [
    ("max_block_signatures", |p, n| p.max_block_signatures = narrow(n)),
    ("max_block_range_values", |p, n| p.max_block_range_values = narrow(n)),
    ("max_block_rounds", |p, n| p.max_block_rounds = narrow(n)),
    ("max_block_account_transactions", |p, n| p.max_block_account_transactions = narrow(n)),
    ("max_block_work", |p, n| p.max_block_work = n),
    ("max_batch_entries", |p, n| p.max_batch_entries = narrow(n)),
    ("max_district_students", |p, n| p.max_district_students = narrow(n)),
    ("max_round_requests", |p, n| p.max_round_requests = narrow(n)),
    ("max_round_pairs", |p, n| p.max_round_pairs = n),
    ("max_class_pools", |p, n| p.max_class_pools = narrow(n)),
    ("max_round_work", |p, n| p.max_round_work = n),
    ("max_block_bytes", |p, n| p.max_block_bytes = narrow(n)),
];

/// The parameters by name.
fn numbers(params: &Params) -> std::collections::BTreeMap<String, u64> {
    let serde_json::Value::Object(fields) = serde_json::to_value(params).unwrap() else { unreachable!() };
    fields.into_iter().map(|(name, value)| (name, value.as_u64().unwrap())).collect()
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Nanoseconds of the time to propose.
const PROPOSE: u64 = PROPOSE_TIMEOUT_MS * 1_000_000;

#[test]
fn the_defaults_are_in_their_ranges() {
    assert_eq!(Params::default().check(), Ok(()));
}

#[test]
fn attack_14_no_vote_sets_bounds_beyond_half_the_time_to_propose() {
    // What the reviewers found: minutes of work, 16 rounds, 65,536 range values, all admitted.
    let votes: [Set; 2] =
        [|p, _| p.max_round_work = 100_000_000_000, |p, _| p.max_block_range_values = 65_536];
    for vote in votes {
        let mut params = Params::default();
        vote(&mut params, 0);
        assert!(params.check().is_err());
    }
    // The largest value of each that passes, with all others as they are and with a block's work at its most.
    for (name, set) in LEVERS {
        for block_work in [Params::default().max_block_work, MAX_BLOCK_WORK] {
            let base = Params { max_block_work: block_work, ..Params::default() };
            let with = |value: u64| {
                let mut params = base.clone();
                set(&mut params, value);
                params
            };
            // By halving between the value in force, which is admitted, and one that no parameter may have.
            let now = *numbers(&base).get(name).unwrap();
            let (mut most, mut refused) = (now, 1 << 40);
            assert!(with(most).check().is_ok() && with(refused).check().is_err(), "{name}");
            while refused - most > 1 {
                let middle = most + (refused - most) / 2;
                if with(middle).check().is_ok() { most = middle } else { refused = middle }
            }
            let params = with(most);
            assert!(params.max_block_work * 2 <= PROPOSE, "{name}");
            for (kind, work) in work::hardest(&params) {
                assert!(work <= params.max_block_work, "{name}: one {} takes {work}", kind);
            }
        }
    }
}

#[test]
fn attack_14_building_sending_and_executing_a_block_fit_the_time_to_propose() {
    let transfer = TRANSFER_MS * 1_000_000;
    assert!(MAX_BLOCK_WORK * 2 + transfer <= PROPOSE);
    assert!(Params::default().max_block_work <= MAX_BLOCK_WORK);
    let over = Params { max_block_work: MAX_BLOCK_WORK + 1, ..Params::default() };
    let range = ParamsError::Range { name: "max_block_work", least: 100_000_000, most: MAX_BLOCK_WORK };
    assert_eq!(over.check(), Err(range));
}

#[test]
fn what_would_never_fit_a_block_is_named() {
    let params = Params { max_block_work: 300_000_000, ..Params::default() };
    let error = params.check().unwrap_err();
    assert!(matches!(error, ParamsError::Work { most: 300_000_000, .. }), "{error}");
    let kinds = work::hardest(&params).map(|(kind, _)| kind);
    assert!(kinds.contains(&"RunRound"));
}

#[test]
fn school_years_are_the_current_one_and_its_neighbours_or_those_that_are_named() {
    let by_time = Params::default();
    // 2026-06-30T23:59:59Z and 2026-07-01T00:00:00Z.
    let (june, july) = (TimeMs(1_782_863_999_000), TimeMs(1_782_864_000_000));
    assert_eq!((SchoolYear::at(june), SchoolYear::at(july)), (SchoolYear(2025), SchoolYear(2026)));
    let taken = |params: &Params, now| {
        (1980..=2040u16).filter(|year| params.takes_school_year(SchoolYear(*year), now)).collect::<Vec<_>>()
    };
    assert_eq!(taken(&by_time, june), [2024, 2025, 2026]);
    assert_eq!(taken(&by_time, july), [2025, 2026, 2027]);
    let named = Params { first_school_year: 1985, last_school_year: 1988, ..Params::default() };
    assert_eq!(named.check(), Ok(()));
    assert_eq!(taken(&named, july), [1985, 1986, 1987, 1988]);
    for (first, last) in [(1985, 1985 + MAX_SCHOOL_YEARS), (1988, 1985), (0, 1985), (1985, 0)] {
        let params = Params { first_school_year: first, last_school_year: last, ..Params::default() };
        assert_eq!(params.check(), Err(ParamsError::SchoolYears), "{first} to {last}");
    }
}

#[test]
fn no_time_is_without_a_school_year() {
    assert_eq!(SchoolYear::at(TimeMs(0)), SchoolYear(1970));
    assert_eq!(SchoolYear::at(TimeMs(253_402_300_799_000)), SchoolYear(9999));
    assert_eq!(SchoolYear::at(TimeMs(u64::MAX)), SchoolYear(u16::MAX));
}

/// The least window is for as many requests as a state's largest districts bring at once; a larger round's steward lengthens it by
/// what [`Params::intake_ms`] says, which OpenRound allows.
#[test]
fn the_largest_district_finishes_within_the_least_window_while_all_others_submit() {
    let params = Params::default();
    // The demo's rule: two flags, a position, the band. Its largest year has 6,840 students in 42 districts at once.
    assert!(params.intake_ms(6_840, 4) <= params.request_window_ms / 2, "{}", params.intake_ms(6_840, 4));
    // The dearest rule: six inputs and the band.
    assert!(params.intake_ms(11_600, 7) <= params.request_window_ms, "{}", params.intake_ms(11_600, 7));
    // The largest round that the parameters take, of the dearest rule: minutes, which the steward adds.
    let most = params.intake_ms(params.max_round_requests, 7);
    assert!((params.request_window_ms..=600_000).contains(&most), "{most}");
    assert!(most <= params.request_window_ms + params.max_extra_window_ms);
    // One district may take half of it, and accounts take turns, so it never waits for more than the whole.
    let own = params.max_round_requests * params.max_district_round_percent / 100;
    assert!(params.intake_ms(own, 7) <= most);
}
