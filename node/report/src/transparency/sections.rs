//! The sections of a transparency report.

use super::figures::{Change, Changed, RoundShown, Transparency};
use super::interval::{stability_e6, wilson_ppm};
use crate::district::figures::{Fared, Standing};
use crate::paper::number::{decimal, percent, whole};
use crate::paper::{Block, Count, Figure, Language, Section, Table};
use crate::proofs::{PARAMETERS, of_round};

fn withheld(l: Language) -> String {
    l.pick("withheld", "no se muestra").to_owned()
}

/// What the system is, for whom, and what it is not.
pub fn card(figures: &Transparency, l: Language) -> Section {
    let min = figures.source.min_cell;
    let english = [
        "What it does: it shares scarce places of a resource among students of several districts, once a round, by an exact optimizer whose result every validator computes and anybody can check.".to_owned(),
        "What it uses of a student: the school, the ranked kinds of places, a need band of 0 to 9 that is proved to be that of a commitment anchored before the round opened, and whether a mandate (an individual plan) stands. No name, sex, origin or disability enters; the district holds those.".to_owned(),
        "What people do: districts say who needs what, a vote sets the parameters and may take a decision back, schools acknowledge, families ask for corrections. No decision about a student is hidden from the district's staff.".to_owned(),
        "Known limits: rankings are not strategy-proof; a proved band is only as true as the district's records, which audits drawn at random test; a few who withhold shares of a seed could choose among a few outcomes, and each decision names them.".to_owned(),
        format!("What this is not: a statement of conformity with any law. Groups are those the ledger knows; other attributes appear only where a district holds them and proves an aggregate. No figure counts fewer than {min} students."),
    ];
    let spanish = [
        "Qu\u{e9} hace: reparte plazas escasas de un recurso entre alumnos de varios distritos, una ronda cada vez, con un optimizador exacto cuyo resultado calculan todos los validadores y cualquiera puede comprobar.".to_owned(),
        "Qu\u{e9} usa de un alumno: la escuela, los tipos de plaza por orden, un nivel de necesidad de 0 a 9 del que se prueba que es el de un compromiso anclado antes de abrirse la ronda, y si hay un mandato (un plan individual). No entran nombre, sexo, origen ni discapacidad; eso lo guarda el distrito.".to_owned(),
        "Qu\u{e9} hacen las personas: los distritos dicen qui\u{e9}n necesita qu\u{e9}, una votaci\u{f3}n fija los par\u{e1}metros y puede anular una decisi\u{f3}n, las escuelas acusan recibo, las familias piden correcciones. Ninguna decisi\u{f3}n se oculta al personal del distrito.".to_owned(),
        "L\u{ed}mites conocidos: el orden de preferencias puede usarse de forma estrat\u{e9}gica; un nivel probado es tan cierto como los registros del distrito, que auditor\u{ed}as al azar ponen a prueba; unos pocos que retienen partes de una semilla podr\u{ed}an elegir entre pocos resultados, y cada decisi\u{f3}n los nombra.".to_owned(),
        format!("Qu\u{e9} no es: una declaraci\u{f3}n de conformidad con ninguna ley. Los grupos son los que conoce el registro; otros atributos aparecen solo donde un distrito los guarda y prueba un agregado. Ninguna cifra cuenta menos de {min} alumnos."),
    ];
    let lines = match l {
        Language::En => english,
        Language::Es => spanish,
    };
    let blocks = lines.into_iter().map(Block::Text).collect();
    Section { heading: l.pick("Model card", "Ficha del modelo").to_owned(), blocks }
}

/// Models and parameters in force.
pub fn models(figures: &Transparency, l: Language) -> Section {
    let mut table = Table::of_numbers(
        l.pick("Models that computed anchored states", "Modelos que calcularon los estados anclados"),
        l.pick("Digest", "Resumen"),
        &[
            l.pick("First school year", "Primer curso"),
            l.pick("Last", "\u{da}ltimo"),
            l.pick("States", "Estados"),
        ],
    );
    for model in &figures.models {
        let states = model.states.map_or_else(|| withheld(l), |n| whole(n, l));
        // In the leaves of the students' trees, which a district's and an auditor's evidence shows.
        let cells =
            vec![model.digest.clone(), model.first_year.to_string(), model.last_year.to_string(), states];
        table.row(cells, "");
    }
    let figure = |english, spanish, value: String| Figure {
        label: l.pick(english, spanish).to_owned(),
        value,
        note: String::new(),
        proof: PARAMETERS.to_owned(),
    };
    let votes = figures.changes.len() as u64;
    let blocks = vec![
        Block::Figures(vec![
            figure("Equity weight, percent", "Peso de la equidad, porcentaje", figures.equity.to_string()),
            figure(
                "Votes that changed parameters",
                "Votaciones que cambiaron par\u{e1}metros",
                whole(votes, l),
            ),
        ]),
        Block::Table(table),
    ];
    Section { heading: l.pick("Models and parameters", "Modelos y par\u{e1}metros").to_owned(), blocks }
}

/// A share with its interval, where both counts are exact.
fn share(part: Count, of: Count, l: Language) -> [String; 2] {
    let none = || ["\u{2013}".to_owned(), "\u{2013}".to_owned()];
    let Some((part, of)) = part.known().zip(of.known()) else { return none() };
    let Some((low, high)) = wilson_ppm(part, of) else { return none() };
    let rate = percent(part.saturating_mul(1_000_000) / of.max(1), l);
    [rate, format!("{}\u{2013}{}", percent(low, l), percent(high, l))]
}

fn outcomes(caption: &str, first: &str, rows: &[(String, Fared)], proof: &str, l: Language) -> Table {
    let columns = [
        l.pick("Asked", "Solicitaron"),
        l.pick("Placed", "Con plaza"),
        l.pick("Placed, share", "Con plaza, parte"),
        l.pick("95% interval", "Intervalo 95\u{a0}%"),
        l.pick("First choice, share", "Primera opci\u{f3}n, parte"),
        l.pick("95% interval", "Intervalo 95\u{a0}%"),
    ];
    let mut table = Table::of_numbers(caption, first, &columns);
    for (name, fared) in rows {
        let [placed, placed_in] = share(fared.placed, fared.asked, l);
        let [chosen, chosen_in] = share(fared.first_choice, fared.asked, l);
        let cells = vec![
            name.clone(),
            fared.asked.text(l),
            fared.placed.text(l),
            placed,
            placed_in,
            chosen,
            chosen_in,
        ];
        table.row(cells, proof);
    }
    table
}

/// One round: its rule, its outcomes by group, and what changed decisions.
pub fn round(round: &RoundShown, l: Language) -> Section {
    let proof = of_round(round.round);
    let standing = match round.standing {
        Standing::Stands => "",
        Standing::Reverted => l.pick(" (taken back)", " (anulada)"),
        Standing::Replaced => l.pick(" (replaced)", " (sustituida)"),
    };
    let heading = format!(
        "{} {}: {}, {}{standing}",
        l.pick("Round", "Ronda"),
        round.round,
        round.title,
        round.school_year
    );
    let bands: Vec<(String, Fared)> =
        round.bands.iter().map(|line| (line.band.to_string(), line.fared)).collect();
    let districts: Vec<(String, Fared)> =
        round.districts.iter().map(|(id, fared)| (id.to_string(), *fared)).collect();
    let everybody = [(l.pick("all", "todos").to_owned(), round.everywhere)];
    let bands: Vec<_> = bands.into_iter().chain(everybody).collect();
    let mut blocks = vec![
        rule(round, &proof, l),
        Block::Table(outcomes(
            l.pick("Outcomes by need band", "Resultados por nivel de necesidad"),
            l.pick("Need band", "Nivel"),
            &bands,
            &proof,
            l,
        )),
        Block::Table(outcomes(
            l.pick("Outcomes by district", "Resultados por distrito"),
            l.pick("District", "Distrito"),
            &districts,
            &proof,
            l,
        )),
    ];
    if let Some(changed) = &round.changed {
        blocks.extend(changes(changed, &proof, l));
    }
    Section { heading, blocks }
}

/// All that a cost is made of: the exact importance of each feature.
fn rule(round: &RoundShown, proof: &str, l: Language) -> Block {
    let rule = &round.rule;
    let mut table = Table::of_numbers(
        l.pick(
            "What decides, and how much: cost = weight \u{d7} (tier + rank)",
            "Qu\u{e9} decide y cu\u{e1}nto: coste = peso \u{d7} (nivel + orden)",
        ),
        l.pick("Feature", "Factor"),
        &[l.pick("From", "Desde"), l.pick("To", "Hasta")],
    );
    let mut row = |name: &str, low: u32, high: u32| {
        table.row(vec![name.to_owned(), whole(low.into(), l), whole(high.into(), l)], proof);
    };
    let ends = |all: &[u32]| (all.iter().min().copied().unwrap_or(0), all.iter().max().copied().unwrap_or(0));
    let (low, high) = ends(&rule.weights);
    row(l.pick("Need band 0 to 9: weight", "Nivel de necesidad 0 a 9: peso"), low, high);
    let (low, high) = ends(&rule.tier_costs);
    row(l.pick("Distance tier: cost", "Nivel de distancia: coste"), low, high);
    row(
        l.pick("Each further rank: cost", "Cada puesto m\u{e1}s en el orden: coste"),
        rule.rank_step,
        rule.rank_step,
    );
    if let Some(cost) = rule.waitlist_cost {
        row(l.pick("Waiting: cost", "Espera: coste"), cost, cost);
    }
    Block::Table(table)
}

fn changes(changed: &Changed, proof: &str, l: Language) -> Vec<Block> {
    let figure = |english, spanish, count: Option<u64>, note: (&str, &str)| {
        let value = count.map_or_else(
            || withheld(l),
            |n| {
                let share = percent(n.saturating_mul(1_000_000) / changed.decisions.max(1), l);
                format!("{share} ({})", whole(n, l))
            },
        );
        Figure {
            label: l.pick(english, spanish).to_owned(),
            value,
            note: l.pick(note.0, note.1).to_owned(),
            proof: proof.to_owned(),
        }
    };
    let figures = vec![
        figure(
            "Decisions that need bands changed",
            "Decisiones que cambi\u{f3} el nivel de necesidad",
            changed.by_band,
            (
                "against the same round with every weight 100, same lottery",
                "frente a la misma ronda con peso 100 para todos, mismo sorteo",
            ),
        ),
        figure(
            "Decisions that mandates changed",
            "Decisiones que cambiaron los mandatos",
            changed.by_mandate,
            (
                "against the same round without mandates, same lottery",
                "frente a la misma ronda sin mandatos, mismo sorteo",
            ),
        ),
    ];
    let caption = format!(
        "{}: {}",
        l.pick(
            "Counterfactuals of a sample, each a whole round solved again; rows in the sample",
            "Contrafactuales de una muestra, cada uno una ronda entera resuelta de nuevo; filas de la muestra"
        ),
        whole(changed.sample, l)
    );
    let mut table = Table::of_numbers(
        &caption,
        l.pick("If the row had", "Si la fila tuviera"),
        &[l.pick("Better place", "Mejor plaza"), l.pick("As good", "Igual"), l.pick("Worse", "Peor")],
    );
    for one in &changed.counterfactuals {
        let name = match one.change {
            Change::LowestBand => l.pick("need band 0", "nivel de necesidad 0"),
            Change::HighestBand => l.pick("need band 9", "nivel de necesidad 9"),
            Change::Mandate => l.pick("a mandate", "un mandato"),
        };
        let count = |n: Option<u64>| n.map_or_else(|| withheld(l), |n| whole(n, l));
        table.row(vec![name.to_owned(), count(one.better), count(one.same), count(one.worse)], proof);
    }
    vec![Block::Figures(figures), Block::Table(table)]
}

/// How needs and outcomes moved from round to round.
pub fn drift(figures: &Transparency, l: Language) -> Section {
    let mut table = Table::of_numbers(
        l.pick(
            "From each round to the next of the same title",
            "De cada ronda a la siguiente del mismo t\u{ed}tulo",
        ),
        l.pick("Rounds", "Rondas"),
        &[
            l.pick("Need bands: stability index", "Niveles: \u{ed}ndice de estabilidad"),
            l.pick("Placed, before", "Con plaza, antes"),
            l.pick("Placed, after", "Con plaza, despu\u{e9}s"),
            l.pick("Gini, before", "Gini, antes"),
            l.pick("Gini, after", "Gini, despu\u{e9}s"),
        ],
    );
    for (at, now) in figures.rounds.iter().enumerate() {
        let earlier = figures.rounds.get(..at).unwrap_or_default();
        let Some(before) = earlier.iter().rev().find(|one| one.title == now.title) else { continue };
        let shown = |round: &RoundShown| -> Vec<u64> {
            (0..10u32)
                .map(|band| {
                    round
                        .bands
                        .iter()
                        .find(|one| one.band == band)
                        .and_then(|one| one.fared.asked.known())
                        .unwrap_or(0)
                })
                .collect()
        };
        let index = stability_e6(&shown(before), &shown(now));
        let [was, _] = share(before.everywhere.placed, before.everywhere.asked, l);
        let [is, _] = share(now.everywhere.placed, now.everywhere.asked, l);
        let cells = vec![
            format!("{} \u{2192} {}", before.round, now.round),
            index.map_or("\u{2013}".to_owned(), |n| decimal(n / 100, 4, l)),
            was,
            is,
            decimal(before.equity.gini_ppm.into(), 6, l),
            decimal(now.equity.gini_ppm.into(), 6, l),
        ];
        table.row(cells, &of_round(now.round));
    }
    let text = l.pick(
        "The stability index compares the shares of need bands that both rounds show: below 0.1 is usually read as stable, above 0.25 as moved. How well the mastery model predicts is judged by period and group on a district's own log, which never leaves it: aula twin drift.",
        "El \u{ed}ndice de estabilidad compara las partes de los niveles que ambas rondas muestran: por debajo de 0,1 suele leerse como estable y por encima de 0,25 como movido. C\u{f3}mo predice el modelo de dominio se juzga por periodo y grupo con el registro propio de un distrito, que no sale de \u{e9}l: aula twin drift.",
    );
    // No round follows one of its title yet: a table without a row says nothing.
    let none = l.pick(
        "No round follows another of its title yet, so there is nothing to compare.",
        "Todav\u{ed}a ninguna ronda sigue a otra del mismo t\u{ed}tulo: no hay nada que comparar.",
    );
    let first = if table.rows.is_empty() { Block::Text(none.to_owned()) } else { Block::Table(table) };
    let blocks = vec![first, Block::Text(text.to_owned())];
    Section { heading: l.pick("Drift", "Deriva").to_owned(), blocks }
}

/// The commands that make each number again.
pub fn again(figures: &Transparency, l: Language) -> Section {
    let height = figures.source.height;
    let mut lines = vec![
        format!(
            "aula report transparency --as-of {height} -o DIR    # {}",
            l.pick("all of it, byte for byte", "todo, byte a byte")
        ),
        format!(
            "aula report state --as-of {height} -o DIR    # {}",
            l.pick("outcomes by group as tables", "los resultados por grupo en tablas")
        ),
        format!(
            "aula replay    # {}",
            l.pick("the chain itself, from its genesis", "la cadena misma, desde su g\u{e9}nesis")
        ),
    ];
    for round in &figures.rounds {
        let n = round.round;
        lines.push(format!(
            "aula query report {n}    # {} {n}",
            l.pick("figures of round", "cifras de la ronda")
        ));
    }
    lines.push(format!(
        "aula query why --round N --handle H --band B    # {}",
        l.pick(
            "one counterfactual, for the student's district or an auditor",
            "un contrafactual, para el distrito del alumno o un auditor"
        )
    ));
    let blocks = vec![Block::Commands(lines)];
    Section {
        heading: l.pick("How to make every number again", "C\u{f3}mo rehacer cada n\u{fa}mero").to_owned(),
        blocks,
    }
}
