//! The district's report in words.

use super::Compared;
use super::sections;
use crate::paper::{Language, Paper};

/// The report. `link` stands before the path of every proof.
pub fn of(compared: &Compared, language: Language, link: &str) -> Paper {
    let now = &compared.now;
    let (source, l) = (&now.source, language);
    let subtitle = format!("{} ({} {})", now.name, l.pick("district", "distrito"), now.district);
    let fact = |english, spanish, value: String| (l.pick(english, spanish).to_owned(), value);
    let mut sections = vec![sections::overview(compared, l), sections::years(now, l)];
    if let Some(year) = now.newest_year() {
        let rounds = now.standing_in(year);
        sections.extend(rounds.map(|(round, fared)| sections::round(now, round, fared, l)));
    }
    sections.extend([sections::money(compared, l), sections::made(now, l)]);
    Paper {
        language,
        title: l.pick("District report", "Informe del distrito").to_owned(),
        subtitle,
        as_of_ms: source.time_ms,
        id: format!("aula/district/{}/{}/{}/{}", source.genesis, source.height, now.district, l.tag()),
        link: link.to_owned(),
        facts: vec![
            fact("Chain", "Cadena", source.chain_id.clone()),
            fact("Height", "Altura", source.height.to_string()),
            fact("State root", "Ra\u{ed}z del estado", source.state_root.clone()),
            fact("Genesis (SHA-256)", "G\u{e9}nesis (SHA-256)", source.genesis.clone()),
        ],
        sections,
    }
}
