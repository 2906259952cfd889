//! The sections of a district's report.

use super::Compared;
use super::figures::{DistrictFigures, Fared, MoneyYear, RoundFigures, Standing};
use crate::paper::number::{change, decimal, money as amount, percent, whole};
use crate::paper::{Bar, Bars, Block, Count, Figure, Language, Section, Table};
use crate::proofs::{BUDGETS, of_district, of_round, of_school};

/// A school year as people write it.
fn year_name(year: u16) -> String {
    format!("{year}\u{2013}{:02}", year.saturating_add(1) % 100)
}

fn figure(label: &str, value: String, note: String, proof: String) -> Figure {
    Figure { label: label.to_owned(), value, note, proof }
}

/// A count against those before: exact ones with their difference.
fn against(now: Count, before: &[(&str, Option<Count>)], l: Language) -> String {
    let one = |(when, count): &(&str, Option<Count>)| {
        let text = match count {
            None => l.pick("none", "ninguno").to_owned(),
            Some(count) => match now.known().zip(count.known()) {
                Some((now, then)) => format!("{} ({})", whole(then, l), change(now, then, l, whole)),
                None => count.text(l),
            },
        };
        format!("{when}: {text}")
    };
    before.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The share of a group as percent, where both counts are exact.
fn share(part: Count, of: Count, l: Language) -> String {
    match part.known().zip(of.known()) {
        Some((part, all)) if all > 0 => percent(part.saturating_mul(1_000_000) / all, l),
        _ => "\u{2013}".to_owned(),
    }
}

/// The newest school year, against the week and the year before.
pub fn overview(compared: &Compared, l: Language) -> Section {
    let now = &compared.now;
    let Some((year, fared)) = now.newest_year().and_then(|year| Some((year, now.fared_in(year)?))) else {
        let text = l.pick(
            "No decision about this district's students stands yet.",
            "A\u{fa}n no hay ninguna decisi\u{f3}n vigente sobre alumnos de este distrito.",
        );
        let heading = l.pick("Overview", "Resumen").to_owned();
        return Section { heading, blocks: vec![Block::Text(text.to_owned())] };
    };
    let week = compared.week.as_ref().map(|then| then.newest_year().and_then(|year| then.fared_in(year)));
    // A year of block time where the chain has one, else the school year before.
    let before = match &compared.year {
        Some(then) => then.newest_year().and_then(|year| then.fared_in(year)),
        None => now.fared_in(year.saturating_sub(1)),
    };
    let note = |part: fn(&Fared) -> Count| {
        let mut lines = Vec::new();
        if let Some(week) = &week {
            lines.push((l.pick("a week before", "una semana antes"), week.as_ref().map(part)));
        }
        lines.push((l.pick("a year before", "un a\u{f1}o antes"), before.as_ref().map(part)));
        against(part(&fared), &lines, l)
    };
    let proof = || of_district(now.district);
    let line = |english, spanish, part: fn(&Fared) -> Count| {
        figure(l.pick(english, spanish), part(&fared).text(l), note(part), proof())
    };
    let figures = vec![
        line("Students who asked", "Alumnos que solicitaron", |f| f.asked),
        line("Students with a place", "Alumnos con plaza", |f| f.placed),
        line("First choice", "Primera opci\u{f3}n", |f| f.first_choice),
        line("Waiting", "En lista de espera", |f| f.waiting),
    ];
    let mut blocks = vec![Block::Figures(figures)];
    if compared.week.is_none() {
        let text = l.pick(
            "No week before to compare with: the chain is younger, or the node that made this keeps nothing of then.",
            "Sin semana anterior con la que comparar: la cadena es m\u{e1}s joven, o el nodo que hizo este informe no guarda nada de entonces.",
        );
        blocks.push(Block::Text(text.to_owned()));
    }
    let heading =
        format!("{}: {} {}", l.pick("Overview", "Resumen"), l.pick("school year", "curso"), year_name(year));
    Section { heading, blocks }
}

/// Every school year of the district.
pub fn years(now: &DistrictFigures, l: Language) -> Section {
    let mut years: Vec<u16> = now.rounds.iter().map(|round| round.school_year).collect();
    years.extend(now.money.iter().map(|money| money.school_year));
    years.sort_unstable();
    years.dedup();
    let mut table = Table::of_numbers(
        l.pick("By school year", "Por curso"),
        l.pick("School year", "Curso"),
        &[
            l.pick("Asked", "Solicitaron"),
            l.pick("Placed", "Con plaza"),
            l.pick("Placed, share", "Con plaza, parte"),
            l.pick("First choice", "Primera opci\u{f3}n"),
            l.pick("Waiting", "En espera"),
            l.pick("Places here", "Plazas aqu\u{ed}"),
            l.pick("Their cost", "Su coste"),
        ],
    );
    let mut bars = Bars {
        caption: l.pick("Students placed, by school year", "Alumnos con plaza, por curso").to_owned(),
        ..Bars::default()
    };
    let proof = of_district(now.district);
    for year in years {
        let fared = now.fared_in(year);
        let count =
            |part: fn(&Fared) -> Count| fared.as_ref().map_or("\u{2013}".to_owned(), |f| part(f).text(l));
        let money = now.money_in(year);
        table.row(
            vec![
                year_name(year),
                count(|f| f.asked),
                count(|f| f.placed),
                fared.as_ref().map_or("\u{2013}".to_owned(), |f| share(f.placed, f.asked, l)),
                count(|f| f.first_choice),
                count(|f| f.waiting),
                whole(money.map_or(0, |money| money.places_here), l),
                amount(money.map_or(0, |money| money.cents_here), l),
            ],
            &proof,
        );
        if let Some(fared) = fared {
            bars.bars.push(bar(year_name(year), fared.placed, &proof, l));
        }
    }
    let mut blocks = vec![Block::Bars(bars), Block::Table(table)];
    let back: Vec<String> = now
        .rounds
        .iter()
        .filter(|round| round.standing == Standing::Reverted)
        .map(|round| format!("{} ({})", round.round, round.title))
        .collect();
    if !back.is_empty() {
        let words = l.pick(
            "Taken back by a vote, and counted nowhere here: round",
            "Anuladas por votaci\u{f3}n y no contadas aqu\u{ed}: ronda",
        );
        blocks.push(Block::Text(format!("{words} {}.", back.join(", "))));
    }
    Section { heading: l.pick("Year by year", "A\u{f1}o por a\u{f1}o").to_owned(), blocks }
}

fn bar(label: String, count: Count, proof: &str, l: Language) -> Bar {
    let high = count.high.unwrap_or(count.low);
    Bar { label, text: count.text(l), low: count.low, high, proof: proof.to_owned() }
}

/// One standing round: the district's schools, and how fair it was to all.
pub fn round(now: &DistrictFigures, round: &RoundFigures, here: Fared, l: Language) -> Section {
    let proof = of_round(round.round);
    let columns = [
        l.pick("Asked", "Solicitaron"),
        l.pick("Placed", "Con plaza"),
        l.pick("Placed, share", "Con plaza, parte"),
        l.pick("First choice", "Primera opci\u{f3}n"),
        l.pick("Waiting", "En espera"),
        l.pick("Places per weighted pupil", "Plazas por alumno ponderado"),
    ];
    let cells = |name: String, f: &Fared, rate: Option<u64>| {
        let rate = rate.map_or("\u{2013}".to_owned(), |rate| decimal(rate, 6, l));
        vec![
            name,
            f.asked.text(l),
            f.placed.text(l),
            share(f.placed, f.asked, l),
            f.first_choice.text(l),
            f.waiting.text(l),
            rate,
        ]
    };
    let mut schools =
        Table::of_numbers(l.pick("By school", "Por escuela"), l.pick("School", "Escuela"), &columns);
    let mut bars = Bars {
        caption: l.pick("Students placed, by school", "Alumnos con plaza, por escuela").to_owned(),
        ..Bars::default()
    };
    for line in &round.schools {
        let name = now.school_name(line.school);
        schools.row(cells(name.clone(), &line.fared, line.placed_per_weighted_pupil_e6), &proof);
        bars.bars.push(bar(name, line.fared.placed, &proof, l));
    }
    schools.row(cells(l.pick("The district", "El distrito").to_owned(), &here, None), &proof);
    schools.row(
        cells(l.pick("All districts", "Todos los distritos").to_owned(), &round.everywhere, None),
        &proof,
    );
    let mut bands = Table::of_numbers(
        l.pick("By need band, all districts", "Por nivel de necesidad, todos los distritos"),
        l.pick("Need band", "Nivel de necesidad"),
        &columns[..5],
    );
    for line in &round.bands {
        let mut row = cells(line.band.to_string(), &line.fared, None);
        row.truncate(6);
        bands.row(row, &proof);
    }
    let heading = format!("{} {}: {}", l.pick("Round", "Ronda"), round.round, round.title);
    let equity = Block::Figures(equity(round, &proof, l));
    Section { heading, blocks: vec![Block::Bars(bars), Block::Table(schools), equity, Block::Table(bands)] }
}

fn equity(round: &RoundFigures, proof: &str, l: Language) -> Vec<Figure> {
    let e = &round.equity;
    let fifths = |ppm: Option<u32>| match ppm {
        None => (
            "\u{2013}".to_owned(),
            l.pick("withheld, or fewer than two groups", "no se muestra, o menos de dos grupos"),
        ),
        Some(ppm) if ppm < 800_000 => (
            percent(ppm.into(), l),
            l.pick("below four fifths: the groups differ", "menos de cuatro quintos: los grupos difieren"),
        ),
        Some(ppm) => (percent(ppm.into(), l), l.pick("four fifths or more", "cuatro quintos o m\u{e1}s")),
    };
    let ratio = |english, spanish, ppm| {
        let (value, note) = fifths(ppm);
        figure(l.pick(english, spanish), value, note.to_owned(), proof.to_owned())
    };
    let plain = |english, spanish, value: String, note: &str| {
        figure(l.pick(english, spanish), value, note.to_owned(), proof.to_owned())
    };
    let withheld = || l.pick("withheld", "no se muestra").to_owned();
    let yes = if e.mandates_met {
        l.pick("all met", "todos cumplidos")
    } else {
        l.pick("not all met", "no todos cumplidos")
    };
    let optimal = if e.gap_ppm == 0 {
        l.pick("proved optimal", "\u{f3}ptimo demostrado").to_owned()
    } else {
        percent(e.gap_ppm.into(), l)
    };
    vec![
        plain(
            "Gini over schools",
            "Gini por escuelas",
            decimal(e.gini_ppm.into(), 6, l),
            l.pick("0 is equal", "0 es igualdad"),
        ),
        ratio(
            "Placed, lowest over highest district",
            "Con plaza, distrito menor entre mayor",
            e.placed_by_district_ppm,
        ),
        ratio(
            "Placed, lowest over highest need band",
            "Con plaza, nivel menor entre mayor",
            e.placed_by_band_ppm,
        ),
        ratio(
            "First choice, lowest over highest district",
            "Primera opci\u{f3}n, distrito menor entre mayor",
            e.first_by_district_ppm,
        ),
        ratio(
            "First choice, lowest over highest need band",
            "Primera opci\u{f3}n, nivel menor entre mayor",
            e.first_by_band_ppm,
        ),
        plain(
            "Utility of the lowest tenth",
            "Utilidad de la d\u{e9}cima parte inferior",
            e.bottom_decile_utility_e4.map_or_else(withheld, |n| decimal(n.into(), 4, l)),
            l.pick("1 is the best place each could have", "1 es la mejor plaza posible"),
        ),
        plain(
            "Price of fairness",
            "Precio de la equidad",
            e.price_of_fairness_ppm.map_or("\u{2013}".to_owned(), |ppm| percent(ppm, l)),
            l.pick(
                "cost beyond the least, without weights",
                "coste por encima del m\u{ed}nimo, sin ponderar",
            ),
        ),
        plain("Mandates", "Mandatos", yes.to_owned(), ""),
        plain("Distance from the optimum", "Distancia al \u{f3}ptimo", optimal, ""),
    ]
}

/// Budgets, and what places at the district's schools cost.
pub fn money(compared: &Compared, l: Language) -> Section {
    let now = &compared.now;
    let mut budgets = Table::of_numbers(
        l.pick("All districts, by school year", "Todos los distritos, por curso"),
        l.pick("School year", "Curso"),
        &[
            l.pick("Funded", "Financiado"),
            l.pick("Charged", "Cargado"),
            l.pick("Left", "Restante"),
            l.pick("A week before, charged", "Una semana antes, cargado"),
        ],
    );
    for year in &now.money {
        let week = compared.week.as_ref().and_then(|then| then.money_in(year.school_year));
        let row = vec![
            year_name(year.school_year),
            amount(year.funded_cents, l),
            amount(year.charged_cents, l),
            amount(year.funded_cents.saturating_sub(year.charged_cents), l),
            week.map_or("\u{2013}".to_owned(), |then| amount(then.charged_cents, l)),
        ];
        budgets.row(row, BUDGETS);
    }
    let mut blocks = vec![Block::Table(budgets)];
    if let Some(year) = now.money.iter().rev().find(|year| !year.schools.is_empty()) {
        blocks.extend(places(now, year, l));
    }
    let text = l.pick(
        "Amounts are in units of the consortium's currency. A place's cost is charged to its funder's budget when its pool is opened, whoever gets it.",
        "Los importes est\u{e1}n en la moneda del consorcio. El coste de una plaza se carga al presupuesto de quien la financia al abrirse, sea quien sea el alumno.",
    );
    blocks.push(Block::Text(text.to_owned()));
    Section { heading: l.pick("Money", "Dinero").to_owned(), blocks }
}

fn places(now: &DistrictFigures, year: &MoneyYear, l: Language) -> [Block; 2] {
    let title = format!(
        "{}, {}",
        l.pick("Places at this district's schools", "Plazas en escuelas de este distrito"),
        year_name(year.school_year)
    );
    let mut table = Table::of_numbers(
        &title,
        l.pick("School", "Escuela"),
        &[l.pick("Places", "Plazas"), l.pick("Cost", "Coste")],
    );
    let mut bars = Bars { caption: title.clone(), ..Bars::default() };
    for line in &year.schools {
        let (name, proof) = (now.school_name(line.school), of_school(line.school));
        table.row(vec![name.clone(), whole(line.places, l), amount(line.cents, l)], &proof);
        bars.bars.push(bar(name, Count::exact(line.places), &proof, l));
    }
    [Block::Bars(bars), Block::Table(table)]
}

/// What the figures are, and how to make them again.
pub fn made(now: &DistrictFigures, l: Language) -> Section {
    let source = &now.source;
    let text = match l {
        Language::En => format!(
            "Every count is of students as the ledger published it: no figure counts fewer than {} of them, and none follows by \
             subtraction. Where a count is hidden, the range is what the shown ones leave for it; in a chart it is dashed. Nothing here names a \
             student, so erasing one changes no report. The same height gives the same bytes.",
            source.min_cell
        ),
        Language::Es => format!(
            "Cada recuento de alumnos es el que public\u{f3} el registro: ninguna cifra cuenta menos de {} y ninguna se deduce por \
             resta. Donde un recuento se oculta, el rango es lo que dejan los que se muestran; en un gr\u{e1}fico va a trazos. Nada aqu\u{ed} nombra a un \
             alumno: borrar a uno no cambia ning\u{fa}n informe. La misma altura da los mismos bytes.",
            source.min_cell
        ),
    };
    let again = format!("aula report district --district {} --as-of {} -o DIR", now.district, source.height);
    let blocks = vec![Block::Text(text), Block::Commands(vec![again, "aula replay".to_owned()])];
    Section { heading: l.pick("How this was made", "C\u{f3}mo se hizo").to_owned(), blocks }
}
