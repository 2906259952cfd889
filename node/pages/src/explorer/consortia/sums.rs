//! Sums over consortia: what each one's file proves, all together, which are missing or old, and the files to do it again.

use aula_api::paths;
use aula_ledger::audit::totals::{Sums, Totals, YearSums, oldest};
use maud::{Markup, html};

use super::super::table::{Column, head, number, text};
use aula_read::consortia::{ConsortiumLine, SILENT_MS, span};
use aula_read::utc;
use aula_read::words::{amount, grouped};
use aula_web::consortia::{FIGURES, Figures, GENESIS, NotSummed};

/// The section; `now_ms` is the time of this ledger's newest block.
pub(super) fn section(lines: &[ConsortiumLine], figures: &Figures, now_ms: u64) -> Markup {
    let proved: Vec<&Totals> = figures.proved.iter().map(|one| &one.totals).collect();
    html! {
        h2 { "Sums over consortia" }
        p { "Money, requests and places are each ledger's own figures, proved by a file from its head here on and checked by this node. What a ledger withholds is in no sum." }
        @if proved.is_empty() {
            p .note { "This node has no such file. " code { "aula evidence figures --via URL" } " writes one; its operator puts it into the node's folder "
                code { "consortia" } ", with that ledger's genesis file." }
        } @else {
            (each(lines, &proved, now_ms))
            @if let Some(why) = &figures.unsummed {
                p .note { "They are not added up: " (why) "." }
            } @else {
                (all(&figures.sums, lines, &proved))
            }
            p { "Add them up yourself, without a network: fetch the two files of each and " a href=(paths::GENESIS) { "this ledger's genesis file" } ", then "
                code { "aula consortium totals FIGURES… --genesis PARENT --via-genesis GENESIS…" } "." }
        }
        (missing(lines, &proved))
        (refused(&figures.refused))
    }
}

/// Whose figures a line has, and of when.
const OF: [Column<'static>; 5] =
    [text("Consortium"), number("As of its block"), text("Its time"), text("Age"), text("Files")];
const YEAR: Column<'static> = number("Year");
/// What is summed.
const SUMS: [Column<'static>; 8] = [
    number("Funded"),
    number("Charged"),
    number("Rounds"),
    number("Withheld"),
    number("Asked"),
    number("Placed"),
    number("First choice"),
    number("Waiting"),
];

fn cells(sums: &Sums) -> Markup {
    let [funded, charged, counted @ ..] = SUMS;
    let counts =
        [sums.rounds, sums.rounds_withheld, sums.asked, sums.placed, sums.first_choice, sums.waitlisted];
    html! {
        td .n data-label=(funded) { (amount(sums.funded_cents)) }
        td .n data-label=(charged) { (amount(sums.charged_cents)) }
        @for (column, count) in counted.into_iter().zip(counts) { td .n data-label=(column) { (grouped(count)) } }
    }
}

/// What each consortium's file proves.
fn each(lines: &[ConsortiumLine], proved: &[&Totals], now_ms: u64) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label="Figures of consortia" { table .cards {
            caption { "What " (proved.len()) " consortia prove of themselves" }
            (head(OF.into_iter().chain([YEAR]).chain(SUMS)))
            tbody { @for one in proved {
                @if one.years.is_empty() { tr { (about(lines, one, now_ms)) td .n data-label=(YEAR) { "no budget and no round" }
                    @for column in SUMS { td .n data-label=(column) { "–" } } } }
                @for year in &one.years { tr { (about(lines, one, now_ms)) td .n data-label=(YEAR) { (year.school_year) } (cells(&year.sums)) } }
            } }
        } }
    }
}

/// Whose figures a line has, and of when.
fn about(lines: &[ConsortiumLine], one: &Totals, now_ms: u64) -> Markup {
    let age = one.time_ms.map(|time| now_ms.saturating_sub(time.0));
    let behind = is_behind(lines, one);
    let [name, block, its_time, how_old, files] = OF;
    html! {
        td .wide data-label=(name) { a href={ "#" (one.genesis_sha256) } { (one.name) } }
        td .n data-label=(block) { @if let Some(height) = one.height { (height) } @else { "–" } }
        td data-label=(its_time) { @if let Some(time) = one.time_ms { (utc(time.0)) } @else { "–" } }
        td data-label=(how_old) {
            @match age {
                Some(age) if age > SILENT_MS => strong { (span(age)) },
                Some(age) => (span(age)),
                None => "–",
            }
            @if behind { " " strong { "before its newest head" } }
        }
        td .wide data-label=(files) {
            a href={ "/consortia/" (one.genesis_sha256) "/" (FIGURES) } download={ (one.genesis_sha256) ".bundle" } { "figures" } " "
            a href={ "/consortia/" (one.genesis_sha256) "/" (GENESIS) } download={ (one.genesis_sha256) ".json" } { "genesis" }
        }
    }
}

/// Whether this ledger has a newer head of the consortium than the one that its figures hang on.
fn is_behind(lines: &[ConsortiumLine], one: &Totals) -> bool {
    let line = lines.iter().find(|line| line.record.genesis == one.genesis_sha256);
    let newest = line.and_then(|line| line.record.newest.as_ref()).map(|head| head.height);
    newest > one.anchored
}

/// All together.
fn all(sums: &[YearSums], lines: &[ConsortiumLine], proved: &[&Totals]) -> Markup {
    let summed: Vec<Totals> = proved.iter().map(|one| (*one).clone()).collect();
    html! {
        div .scroll tabindex="0" role="region" aria-label="Sums over consortia" { table .cards {
            caption {
                (proved.len()) " of " (lines.len()) " consortia together"
                @if let Some(time) = oldest(&summed) { "; the oldest of these figures are of " (utc(time.0)) }
            }
            (head([YEAR].into_iter().chain(SUMS)))
            tbody {
                @for year in sums { tr { td .n data-label=(YEAR) { (year.school_year) } (cells(&year.sums)) } }
                @if sums.is_empty() { tr { td colspan=(1 + SUMS.len()) { "No budget and no round yet." } } }
            }
        } }
    }
}

/// Consortia of this ledger whose figures are in no sum.
fn missing(lines: &[ConsortiumLine], proved: &[&Totals]) -> Markup {
    let has = |line: &ConsortiumLine| proved.iter().any(|one| one.genesis_sha256 == line.record.genesis);
    let without: Vec<String> =
        lines.iter().filter(|line| !has(line)).map(|line| line.record.name.to_string()).collect();
    html! {
        @if !without.is_empty() { p { "Without figures here, and in no sum: " (without.join(", ")) "." } }
    }
}

/// Files that are not summed.
fn refused(files: &[NotSummed]) -> Markup {
    html! {
        @if !files.is_empty() {
            p { "Files of this node's operator that are in no sum:" }
            ul { @for one in files { li { code { (one.file) } ": " (one.why) " (" code { (one.code) } ")" } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use aula_ledger::types::{Hash, Height, SchoolYear, TimeMs};

    use super::super::tests::line;
    use super::*;

    /// Of the consortium of [`line`], whose newest head is its block 41.
    fn totals(anchored: u64) -> Totals {
        let sums = Sums {
            funded_cents: 7_050_000,
            asked: 1_234,
            placed: 1_000,
            rounds_withheld: 2,
            ..Sums::default()
        };
        Totals {
            name: "Eastern <consortium>".into(),
            genesis_sha256: Hash([7; 32]),
            chain_id: None,
            height: Some(Height(44)),
            time_ms: Some(TimeMs(1_700_000_000_000)),
            anchored: Some(Height(anchored)),
            parent_height: Some(Height(9)),
            years: vec![YearSums { school_year: SchoolYear(2026), sums }],
        }
    }

    #[test]
    fn figures_are_shown_with_their_age_their_files_and_what_is_old_is_marked() {
        let lines = [line("Eastern consortium", Some(60_000)), line("Western", None)];
        let one = totals(41);
        let fresh = each(&lines, &[&one], 1_700_000_060_000).into_string();
        for has in [
            "Eastern &lt;consortium&gt;",
            "1 min 0 s",
            "2026",
            "1,234",
            "/figures.bundle\"",
            "/genesis.json\"",
        ] {
            assert!(fresh.contains(has), "{has}: {fresh}");
        }
        assert!(!fresh.contains("<strong>"), "{fresh}");
        let old = each(&lines, &[&totals(40)], 1_700_000_000_000 + SILENT_MS + 1_000).into_string();
        assert!(old.contains("before its newest head") && old.contains("<strong>1 d 0 h</strong>"), "{old}");
    }

    #[test]
    fn sums_say_how_many_of_how_many_and_what_is_missing_or_refused_is_named() {
        let lines = [line("Eastern consortium", Some(60_000))];
        let one = totals(41);
        let told = all(&one.years, &lines, &[&one]).into_string();
        assert!(told.contains("1 of 1 consortia together") && told.contains("2023-11-14"), "{told}");
        assert!(missing(&lines, &[&one]).into_string().is_empty());
        assert!(missing(&lines, &[]).into_string().contains("in no sum: Eastern consortium."));
        let file = NotSummed { file: "<b>".into(), code: "not_valid", why: "INVALID: x".into() };
        let named = refused(&[file]).into_string();
        assert!(
            named.contains("&lt;b&gt;") && named.contains("not_valid") && !named.contains("<b>"),
            "{named}"
        );
    }

    #[test]
    fn a_node_without_files_says_what_to_put_where() {
        let told = section(&[], &Figures::default(), 0).into_string();
        assert!(told.contains("aula evidence figures --via URL") && !told.contains("<table"), "{told}");
    }
}
