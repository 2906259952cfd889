use super::figures::{Change, Changed, Counterfactual, ModelUse, RoundShown, Rule, Transparency};
use super::paper;
use crate::district::figures::{BandFared, Equity, Fared, Source, Standing};
use crate::paper::{Count, Language, html, pdf};

fn fared(asked: u64, placed: u64) -> Fared {
    let [asked, placed] = [asked, placed].map(Count::exact);
    Fared { asked, placed, first_choice: placed, waiting: Count::exact(asked.low - placed.low) }
}

fn round(number: u32, standing: Standing) -> RoundShown {
    RoundShown {
        round: number,
        title: "Reading devices".into(),
        school_year: 1988,
        standing,
        rule: Rule {
            tier_costs: [0, 10, 30],
            rank_step: 2,
            waitlist_cost: Some(60),
            equity: 73,
            weights: (0..10).map(|band| 103 + band * 7).collect(),
        },
        everywhere: fared(1_000, 800),
        bands: (0..10)
            .map(|band| BandFared { band, fared: fared(100, 60 + u64::from(band) * u64::from(number)) })
            .collect(),
        districts: vec![(1, fared(600, 500)), (2, Fared { asked: Count::up_to(Some(40)), ..fared(0, 0) })],
        equity: Equity { gini_ppm: 200_000, ..Equity::default() },
        changed: Some(Changed {
            decisions: 1_000,
            by_band: Some(123),
            by_mandate: None,
            sample: 100,
            counterfactuals: vec![Counterfactual {
                change: Change::HighestBand,
                better: Some(35),
                same: Some(55),
                worse: Some(10),
            }],
        }),
    }
}

/// Two rounds.
pub fn sample() -> Transparency {
    Transparency {
        source: Source {
            chain_id: "star-0a1b2c3d".into(),
            genesis: "0a1b2c3d".repeat(8),
            height: 4_200,
            time_ms: 609_724_800_000,
            state_root: "5eed".repeat(16),
            min_cell: 10,
        },
        equity: 73,
        models: vec![ModelUse {
            digest: "d1".repeat(32),
            states: Some(11_598),
            first_year: 1985,
            last_year: 1988,
        }],
        rounds: vec![round(1, Standing::Stands), round(2, Standing::Stands), round(3, Standing::Reverted)],
        changes: Vec::new(),
    }
}

#[test]
fn it_says_shares_with_intervals_and_what_changed_decisions() -> Result<(), pdf::PdfError> {
    let [page, spanish] = Language::ALL.map(|l| html::render(&paper::of(&sample(), l, "")));
    for said in [
        "not: a statement of conformity with any law",
        "60.0%",
        "50.2%\u{2013}69.1%",
        "12.3% (123)",
        "need band 9",
        "(taken back)",
        "1 \u{2192} 2",
        "aula report transparency --as-of 4200 -o DIR",
        "aula query report 2",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(spanish.contains("Qu\u{e9} no es: una declaraci\u{f3}n de conformidad"));
    let paper = paper::of(&sample(), Language::Es, "");
    assert_eq!(pdf::render(&paper)?, pdf::render(&paper)?);
    Ok(())
}

#[test]
fn a_hidden_group_has_no_share() {
    let page = html::render(&paper::of(&sample(), Language::En, ""));
    assert!(page.contains("0\u{2013}40") && page.contains("withheld"));
}
