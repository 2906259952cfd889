//! A paper as one HTML file: no script, nothing fetched, readable on a phone, in the dark, printed, and without colour.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Align, Bar, Bars, Block, Figure, Language, Paper, Section, Table, number};

const STYLE: &str = include_str!("paper.css");
/// Width of a bar chart, in SVG units.
const WIDTH: u64 = 600;

/// The file.
pub fn render(paper: &Paper) -> String {
    let proofs = paper.proofs();
    let page = Page { paper, proofs: &proofs };
    let l = paper.language;
    let markup = html! {
        (DOCTYPE)
        html lang=(l.tag()) dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (paper.title) " \u{b7} " (paper.subtitle) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (paper.title) }
                    p .of { (paper.subtitle) }
                    p .when { (l.pick("As of", "Con fecha de")) " " (number::utc(paper.as_of_ms)) }
                    dl .facts { @for (name, value) in &paper.facts { div { dt { (name) } dd { (value) } } } }
                }
                main { @for section in &paper.sections { (page.section(section)) } (page.proved()) }
            }
        }
    };
    markup.into_string()
}

struct Page<'a> {
    paper: &'a Paper,
    proofs: &'a [&'a str],
}

impl Page<'_> {
    fn pick<'t>(&self, english: &'t str, spanish: &'t str) -> &'t str {
        self.paper.language.pick(english, spanish)
    }

    fn section(&self, section: &Section) -> Markup {
        html! { section { h2 { (section.heading) } @for block in &section.blocks { (self.block(block)) } } }
    }

    fn block(&self, block: &Block) -> Markup {
        match block {
            Block::Text(text) => html! { p { (text) } },
            Block::Figures(figures) => {
                html! { ul .figures { @for figure in figures { (self.figure(figure)) } } }
            }
            Block::Table(table) => self.table(table),
            Block::Bars(bars) => self.bars(bars),
            Block::Commands(lines) => html! { pre tabindex="0" { code { (lines.join("\n")) } } },
        }
    }

    /// The footnote of a proof.
    fn mark(&self, proof: &str) -> Markup {
        let Some(at) = self.proofs.iter().position(|one| *one == proof) else { return html! {} };
        let title = format!("{} {}", self.pick("the proof of this:", "la prueba de esto:"), proof);
        html! { a .proof href={ (self.paper.link) (proof) } title=(title) aria-label=(title) { "[" (at + 1) "]" } }
    }

    fn figure(&self, figure: &Figure) -> Markup {
        html! {
            li {
                span .label { (figure.label) }
                span .value { (figure.value) " " (self.mark(&figure.proof)) }
                @if !figure.note.is_empty() { span .note { (figure.note) } }
            }
        }
    }

    fn table(&self, table: &Table) -> Markup {
        let class = |at: usize| match table.columns.get(at).map(|column| column.align) {
            Some(Align::End) => "n",
            _ => "t",
        };
        html! {
            div .scroll tabindex="0" role="region" aria-label=(table.caption) {
                table {
                    caption { (table.caption) }
                    thead { tr {
                        @for (at, column) in table.columns.iter().enumerate() {
                            th scope="col" class=(class(at)) { (column.title) }
                        }
                        th scope="col" class="t" { (self.pick("Proof", "Prueba")) }
                    } }
                    tbody { @for row in &table.rows { tr {
                        @for (at, cell) in row.cells.iter().enumerate() {
                            @if at == 0 { th scope="row" class=(class(at)) { (cell) } }
                            @else { td class=(class(at)) { (cell) } }
                        }
                        td .t { (self.mark(&row.proof)) }
                    } } }
                }
            }
        }
    }

    fn bars(&self, bars: &Bars) -> Markup {
        let scale = bars.scale();
        html! {
            figure {
                figcaption { (bars.caption) }
                ul .bars { @for bar in &bars.bars { li {
                    span .label { (bar.label) }
                    (drawn(bar, scale, self.paper.language))
                    span .value { (bar.text) " " (self.mark(&bar.proof)) }
                } } }
            }
        }
    }

    fn proved(&self) -> Markup {
        let (audit, get) = (
            self.pick(
                "Each number in brackets names a bundle of evidence. Fetch it from any node of the consortium, the newest height or a later one, and check it offline with the genesis file:",
                "Cada número entre corchetes nombra un archivo de pruebas. Puede pedirlo a cualquier nodo del consorcio y comprobarlo sin red con el archivo de génesis:",
            ),
            "curl -o proof.bundle NODE/PATH && aula-audit verify proof.bundle --genesis genesis.json",
        );
        html! {
            section .proofs {
                h2 { (self.pick("Proofs", "Pruebas")) }
                p { (audit) }
                pre tabindex="0" { code { (get) } }
                ol { @for path in self.proofs { li { a href={ (self.paper.link) (path) } { code { (path) } } } } }
            }
        }
    }
}

/// A bar as SVG; the words beside it say the same.
fn drawn(bar: &Bar, scale: u64, language: Language) -> Markup {
    let wide = |n: u64| u64::try_from(u128::from(n) * u128::from(WIDTH) / u128::from(scale)).unwrap_or(WIDTH);
    let (low, high) = (wide(bar.low), wide(bar.high.max(bar.low)));
    let says = format!("{}: {}", bar.label, bar.text);
    html! {
        svg role="img" aria-label=(says) lang=(language.tag()) viewBox={ "0 0 " (WIDTH) " 14" } preserveAspectRatio="none" {
            rect .axis x="0" y="0" width=(WIDTH) height="14" {}
            @if high > low { rect .range x=(low) y="1" width=(high - low) height="12" {} }
            @if low > 0 { rect .exact x="0" y="1" width=(low) height="12" {} }
        }
    }
}
