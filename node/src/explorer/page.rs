//! The overview: where the chain is, the newest blocks, the rounds, and where the data came from.

use aula_ledger::state::schema::{self, Class, RoundStatus};
use aula_ledger::types::{ClassId, RoundId};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use crate::api::chain::{self, BlockSummary, Status};
use crate::api::{ApiError, Audience, Node, registers};
use crate::demo::rules::{CONSORTIUM_NAME, RULES};

/// Newest blocks shown; the script keeps as many.
const BLOCKS: u64 = 15;

/// What the page says of a round.
struct RoundLine {
    id: RoundId,
    title: String,
    school_year: u16,
    status: &'static str,
    decision: Value,
    requests: Option<u64>,
}

/// Renders the page from one view.
///
/// # Errors
/// When the database fails.
pub(super) fn overview(node: &Node) -> Result<Markup, ApiError> {
    let status = chain::status_of(node)?;
    let view = node.view();
    let blocks = chain::page(&view, None, BLOCKS)?.blocks;
    let classes = schema::classes(&*view)?;
    let mut rounds = Vec::new();
    for round in schema::rounds(&*view)?.iter().rev() {
        let value = registers::round_for(&view, round, &Audience::Public)?;
        rounds.push(RoundLine {
            id: round.round,
            title: title(&classes, round.class),
            school_year: round.school_year.0,
            status: match round.status {
                RoundStatus::Open => "open",
                RoundStatus::Decided { .. } => "decided",
                RoundStatus::GivenUp { .. } => "given up",
            },
            decision: value["decision"].clone(),
            requests: value["requests"].as_u64(),
        });
    }
    let min_cell = schema::params(&*view)?.min_cell_students;
    let from_demo = node.genesis.genesis.name.as_str() == CONSORTIUM_NAME;
    Ok(shell(
        &status,
        html! {
            (intro())
            (figures(&status))
            (blocks_section(&blocks))
            (rounds_section(&rounds, min_cell))
            (sources(from_demo))
        },
    ))
}

fn title(classes: &[Class], class: ClassId) -> String {
    let found = classes.iter().find(|c| c.definition.class == class);
    found.map_or_else(|| format!("class {class}"), |c| c.definition.title.to_string())
}

fn shell(status: &Status, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Aula: " (status.chain_id) }
                link rel="stylesheet" href="/assets/explorer.css";
                link rel="icon" href="data:,";
                script src="/assets/explorer.js" defer {}
            }
            body data-next=(status.height.0 + 1) {
                header {
                    h1 { "Aula" }
                    p { "Chain " strong { (status.chain_id) } " " span #live .badge { "as loaded" } }
                }
                main { (content) }
                footer {
                    p {
                        "For programs: " a href="/openapi.json" { "API description" } ", "
                        a href="/v1/status" { "status" } ", " a href="/v1/blocks" { "blocks" } ", "
                        a href="/v1/rounds" { "rounds" } ", " a href="/metrics" { "metrics" } "."
                    }
                    p {
                        "This page is one node's word. SHA-256 of the genesis: " code { (status.genesis_sha256) }
                        ". Compare it with the published one; an auditor checks evidence files offline with "
                        code { "aula-audit verify" } "."
                    }
                }
            }
        }
    }
}

fn intro() -> Markup {
    html! {
        p .lead {
            "School districts run these nodes together. They agree, block by block, on anchored student states (as "
            "hashes: no record leaves its district) and on who gets which of the schools' scarce resources. A block is "
            em { "final" } " once more than two thirds of the validators signed it; nothing final is ever changed."
        }
    }
}

fn figures(status: &Status) -> Markup {
    html! {
        section aria-label="Now" {
            dl .figures {
                div { dt { "Height" } dd #height { (status.height) } }
                div { dt { "Last block" } dd #time data-ms=(status.time_ms) { (utc(status.time_ms.0)) } }
                div { dt { "Validators" } dd { (status.validators) } }
                div { dt { "Peers of this node" } dd { (status.peers) } }
                div { dt { "Waiting transactions" } dd { (status.waiting_transactions) } }
            }
        }
    }
}

fn blocks_section(blocks: &[BlockSummary]) -> Markup {
    html! {
        section {
            h2 { "Blocks" }
            div .scroll { table {
                caption { "The newest final blocks. A block without transactions is made once a second." }
                thead { tr {
                    th scope="col" { "Height" } th scope="col" { "Time (UTC)" } th scope="col" .n { "Transactions" }
                    th scope="col" .n { "Student states anchored" } th scope="col" { "Hash" }
                } }
                tbody #blocks data-limit=(BLOCKS) { @for block in blocks { tr {
                    td { a href={ "/v1/blocks/" (block.height) } { (block.height) } }
                    td { (utc(block.time_ms.0)) }
                    td .n { (block.transactions.leaf_count) }
                    td .n { (block.students.leaf_count) }
                    td { code { (short(&block.hash.to_string())) } }
                } } }
            } }
        }
    }
}

fn rounds_section(rounds: &[RoundLine], min_cell: u32) -> Markup {
    html! {
        section {
            h2 { "Rounds" }
            p {
                "A round gives the places of one class of resources to the students who asked, by an optimizer that every "
                "validator runs and that proves its own answer. " em { "Optimal" } " means: no other assignment costs less. "
                "The cost adds, over all students, how far and how late in the student's ranking the place is, weighted by "
                "need. Counts of fewer than " (min_cell) " students are not published and shown as a dash."
            }
            div .scroll { table #rounds {
                caption { "All rounds, newest first" }
                thead { tr {
                    th scope="col" { "Round" } th scope="col" { "Class" } th scope="col" { "School year" }
                    th scope="col" { "Status" } th scope="col" .n { "Requests" } th scope="col" .n { "Placed" }
                    th scope="col" .n { "Waiting" } th scope="col" .n { "First choice" } th scope="col" { "Mandates" }
                    th scope="col" .n { "Cost" } th scope="col" { "Proof" }
                } }
                tbody { @for round in rounds { (round_row(round)) } @if rounds.is_empty() {
                    tr { td colspan="11" { "No round has been opened yet." } }
                } }
            } }
        }
    }
}

fn round_row(round: &RoundLine) -> Markup {
    let figure =
        |field: &str| round.decision[field].as_i64().map_or_else(|| "–".to_owned(), |n| n.to_string());
    let decided = !round.decision.is_null();
    html! { tr {
        td { a href={ "/v1/rounds/" (round.id) } { (round.id) } }
        td { (round.title) }
        td { (round.school_year) }
        td { (round.status) }
        td .n { (round.requests.map_or_else(|| "–".to_owned(), |n| n.to_string())) }
        td .n { (figure("placed")) }
        td .n { (figure("waitlisted")) }
        td .n { (figure("first_choice")) }
        td { @if decided { (if round.decision["mandates_met"] == true { "all met" } else { "not all met" }) } @else { "–" } }
        td .n { (figure("objective")) }
        td { @if !decided { "–" } @else if round.decision["optimal"] == true { "optimal" }
            @else { "within " (figure("gap_ppm")) " ppm" } }
    } }
}

fn sources(from_demo: bool) -> Markup {
    html! {
        section {
            h2 { "Where the data came from" }
            @if from_demo {
                p {
                    "This is a demonstration on one machine. The students, schools and districts are real and anonymous, from a "
                    "published study of the 1980s; what was joined to them, and what was invented, is said here."
                }
                dl .rules { @for rule in RULES { dt { (rule.title) } dd { (rule.text) } } }
            } @else {
                p {
                    "Every figure on this page is counted by the ledger from what its members submitted and signed. Members, "
                    "districts and schools stand in the genesis file and in votes; states and requests come from the districts."
                }
            }
        }
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// `YYYY-MM-DD hh:mm:ss` of milliseconds since 1970 UTC (Howard Hinnant's civil-from-days).
fn utc(time_ms: u64) -> String {
    let seconds = time_ms / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn times_are_civil() {
        assert_eq!(utc(0), "1970-01-01 00:00:00");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(utc(1_795_000_000_123), "2026-11-18 11:06:40");
    }
}
