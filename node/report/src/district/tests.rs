use super::figures::{
    BandFared, DistrictFigures, Equity, Fared, MoneyYear, RoundFigures, SchoolFared, SchoolMoney, SchoolName,
    Source, Standing,
};
use super::{Compared, paper};
use crate::paper::{Count, Language, html, pdf};

fn fared(asked: u64, placed: u64) -> Fared {
    Fared {
        asked: Count::exact(asked),
        placed: Count::exact(placed),
        first_choice: Count::exact(placed / 2),
        waiting: Count::exact(asked - placed),
    }
}

fn hidden(rest: u64) -> Fared {
    let count = Count::up_to(Some(rest));
    Fared { asked: count, placed: count, first_choice: count, waiting: count }
}

fn round(number: u32, year: u16, standing: Standing, asked: u64) -> RoundFigures {
    RoundFigures {
        round: number,
        title: "Reading devices".into(),
        school_year: year,
        standing,
        decided: u64::from(number) * 100,
        here: Some(fared(asked, asked - 20)),
        everywhere: fared(asked * 40, asked * 30),
        schools: vec![
            SchoolFared {
                school: 1,
                fared: fared(asked - 30, asked - 50),
                placed_per_weighted_pupil_e6: Some(512_345),
            },
            SchoolFared { school: 2, fared: hidden(30), placed_per_weighted_pupil_e6: None },
            SchoolFared { school: 3, fared: hidden(30), placed_per_weighted_pupil_e6: None },
        ],
        bands: (0..10).map(|band| BandFared { band, fared: fared(50 + u64::from(band), 40) }).collect(),
        equity: Equity {
            gini_ppm: 123_456,
            placed_by_band_ppm: Some(790_000),
            mandates_met: true,
            ..Equity::default()
        },
    }
}

/// A district of three schools over two school years.
pub fn sample() -> Compared {
    let source = Source {
        chain_id: "star-0a1b2c3d".into(),
        genesis: "0a1b2c3d".repeat(8),
        height: 4_200,
        time_ms: 609_724_800_000,
        state_root: "5eed".repeat(16),
        min_cell: 10,
    };
    let money = |school_year, cents| MoneyYear {
        school_year,
        funded_cents: 2 * cents,
        charged_cents: cents,
        places_here: 150,
        cents_here: 3_750_000,
        schools: vec![
            SchoolMoney { school: 1, places: 100, cents: 2_500_000 },
            SchoolMoney { school: 2, places: 50, cents: 1_250_000 },
        ],
    };
    let names = [(1, "Riverside"), (2, "Ni\u{f1}o del Valle"), (3, "")];
    let now = DistrictFigures {
        source: source.clone(),
        district: 12,
        name: "Blount County".into(),
        schools: names.map(|(school, name)| SchoolName { school, name: name.into() }).to_vec(),
        rounds: vec![
            round(1, 1988, Standing::Stands, 300),
            round(2, 1989, Standing::Reverted, 310),
            round(3, 1989, Standing::Stands, 320),
        ],
        money: vec![money(1988, 60_000_000), money(1989, 75_000_000)],
    };
    let week = DistrictFigures {
        source: Source { height: 3_000, time_ms: source.time_ms - 700_000_000, ..source },
        rounds: now.rounds[..1].to_vec(),
        ..now.clone()
    };
    Compared { now, week: Some(week), year: None }
}

#[test]
fn a_report_says_counts_ranges_money_and_what_was_before() {
    let paper = paper::of(&sample(), Language::En, "http://127.0.0.1:8480");
    let page = html::render(&paper);
    for said in [
        "Blount County (district 12)",
        "As of 1989-04-28 00:00 UTC",
        "a week before: 300 (+20); a year before: 300 (+20)",
        "0\u{2013}30",
        "1989\u{2013}90",
        "750,000.00",
        "below four fifths: the groups differ",
        "Taken back by a vote, and counted nowhere here: round 2",
        "no figure counts fewer than 10",
        "href=\"http://127.0.0.1:8480/v1/evidence/figures/round/3\"",
        "aula report district --district 12 --as-of 4200 -o DIR",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("Round 2:"), "a round that was taken back has no section");
    assert!(paper.figures() > 100 && paper.proofs().len() >= 4);
}

#[test]
fn every_figure_names_its_proof() {
    use crate::paper::Block;
    let paper = paper::of(&sample(), Language::Es, "");
    for block in paper.sections.iter().flat_map(|section| &section.blocks) {
        let proofs: Vec<&str> = match block {
            Block::Figures(figures) => figures.iter().map(|one| one.proof.as_str()).collect(),
            Block::Table(table) => table.rows.iter().map(|row| row.proof.as_str()).collect(),
            Block::Bars(bars) => bars.bars.iter().map(|bar| bar.proof.as_str()).collect(),
            Block::Text(_) | Block::Commands(_) => Vec::new(),
        };
        assert!(proofs.iter().all(|path| path.starts_with("/v1/evidence/figures")), "{proofs:?}");
    }
}

#[test]
fn both_languages_say_the_same_figures() {
    let papers = Language::ALL.map(|language| paper::of(&sample(), language, ""));
    assert_eq!(papers[0].figures(), papers[1].figures());
    assert_eq!(papers[0].proofs(), papers[1].proofs());
    assert_eq!(papers[0].sections.len(), papers[1].sections.len());
    assert!(
        html::render(&papers[1]).contains("Informe del distrito")
            && html::render(&papers[1]).contains("lang=\"es\"")
    );
}

#[test]
fn the_same_figures_give_the_same_bytes() -> Result<(), pdf::PdfError> {
    let paper = paper::of(&sample(), Language::En, "");
    let file = pdf::render(&paper)?;
    assert_eq!(file, pdf::render(&paper)?);
    assert_eq!(html::render(&paper), html::render(&paper));
    assert!(file.starts_with(b"%PDF-1.7"));
    let has = |what: &[u8]| file.windows(what.len()).any(|window| window == what);
    assert!(
        has(b"/StructTreeRoot") && has(b"/ToUnicode") && has(b"/MarkInfo"),
        "tagged, with text that can be read"
    );
    let other = paper::of(&sample(), Language::Es, "");
    assert_ne!(pdf::render(&other)?, file);
    Ok(())
}

#[test]
fn figures_survive_being_kept() -> Result<(), serde_json::Error> {
    let now = sample().now;
    assert_eq!(serde_json::from_slice::<DistrictFigures>(&serde_json::to_vec(&now)?)?, now);
    Ok(())
}
