//! The transparency report in words.

use super::figures::Transparency;
use super::sections;
use crate::paper::{Language, Paper};

/// The report. `link` stands before the path of every proof.
pub fn of(figures: &Transparency, language: Language, link: &str) -> Paper {
    let (source, l) = (&figures.source, language);
    let fact = |english, spanish, value: String| (l.pick(english, spanish).to_owned(), value);
    let mut all = vec![sections::card(figures, l), sections::models(figures, l)];
    all.extend(figures.rounds.iter().map(|round| sections::round(round, l)));
    all.extend([sections::drift(figures, l), sections::again(figures, l)]);
    Paper {
        language,
        title: l.pick("Transparency report", "Informe de transparencia").to_owned(),
        subtitle: source.chain_id.clone(),
        as_of_ms: source.time_ms,
        id: format!("aula/transparency/{}/{}/{}", source.genesis, source.height, l.tag()),
        link: link.to_owned(),
        facts: vec![
            fact("Height", "Altura", source.height.to_string()),
            fact("State root", "Ra\u{ed}z del estado", source.state_root.clone()),
            fact("Genesis (SHA-256)", "G\u{e9}nesis (SHA-256)", source.genesis.clone()),
        ],
        sections: all,
    }
}
