//! Who sees what, in one table: the rule of [`aula_web::http::access`] and of the vault in a reader's words.

use maud::{Markup, html};

/// Who, and what that reader sees; README.md says the same.
const LINES: &[(&str, &str)] = &[
    (
        "Anybody",
        "these pages: totals, prices, budgets and proofs, no count below the least number of students that may be shown, and no pseudonym",
    ),
    (
        "The operators of the nodes",
        "the ledger itself, which holds a row a student and round: pseudonym, school, need band, special-education mandate, wishes and place; and fingerprints of states. Pseudonymous is not anonymous: who knows a child's school, wishes and place may recognise its row",
    ),
    (
        "An auditor",
        "the rows of a round that the ledger lists it as having taken, for a day at a time; of a drawn student also the events, disclosed by the district and listed in its log",
    ),
    ("A district", "its own students' rows, and its own records"),
    (
        "A family",
        "its own child's decisions and the reads of its child's record, by a link of its district that expires",
    ),
    ("A funder", "what anybody sees, and the proof about its own statement; no row"),
    (
        "A teacher, counselor or administrator",
        "of the district's own records the fields that the role needs, with the family's consent; each read is listed in the district's access log before anything is given",
    ),
    (
        "A stranger",
        "nothing of a record: without a credential of the district's a question is counted and never reaches the vault",
    ),
];

pub(super) fn section() -> Markup {
    html! {
        section {
            h2 #who { "Who sees what" }
            dl .rules { @for (who, what) in LINES { div { dt { (who) } dd { (what) "." } } } }
        }
    }
}
