//! The words of the ledger, explained for somebody who has never seen one. A page links its words to the explanations at
//! its end, so that they are read in place without a script.

use maud::{Markup, html};

use super::spoken::Say;
use aula_web::lang::Lang;

/// Address, word, explanation.
const WORDS: &[(&str, &str, &str)] = &[
    (
        "block",
        "Block",
        "A page of the common book: some transactions, in order, with the hash of the page before. Nobody can change an old page without every later one showing it.",
    ),
    (
        "final",
        "Final",
        "More than two thirds of the validators signed the block. From then on it never changes; there is nothing to wait for.",
    ),
    ("height", "Height", "The number of a block, counted from the first."),
    (
        "hash",
        "Hash",
        "A fingerprint of bytes, 64 digits long. Whoever has the bytes can compute it; nobody can find other bytes with the same one.",
    ),
    (
        "validator",
        "Validator",
        "A node that votes on blocks. Each checks everything itself, the optimizer's work included.",
    ),
    (
        "transaction",
        "Transaction",
        "One signed message to the ledger: a district anchors states, a funder opens a pool, a round is run. It is accepted, or rejected with a number and a reason.",
    ),
    (
        "anchor",
        "Anchored",
        "A district put the fingerprint of a student's state on the ledger. The state itself never leaves the district.",
    ),
    (
        "round",
        "Round",
        "One run of the optimizer: the places of one class of resources are given to the students who asked.",
    ),
    ("pool", "Pool", "Places of one kind at one school, paid for from a funder's budget."),
    (
        "class",
        "Class",
        "A kind of resource that is given in one go, such as the learning devices of a school year.",
    ),
    (
        "optimal",
        "Optimal",
        "Proved: no other assignment costs less. The proof is checked by every validator, and by an auditor offline.",
    ),
    (
        "cost",
        "Weighted cost",
        "Over all students: how far away and how late in the student's ranking the place is (or what waiting costs), times a weight that is higher for higher need.",
    ),
    (
        "price",
        "Price",
        "What one more place in a pool would save in weighted cost. Zero: nobody would gain. The highest prices are where one more place is worth most.",
    ),
    (
        "mandate",
        "Mandate",
        "The student must get a place (for example by an education plan); the ledger refuses any assignment that leaves one out.",
    ),
    (
        "gini",
        "Gini coefficient",
        "0 when every school has the same number of places for its weighted pupils, towards 1 when few schools have all.",
    ),
    (
        "weighted",
        "Weighted pupil",
        "A pupil counts more the higher the need band is, as in the formulas by which schools are funded.",
    ),
    (
        "withheld",
        "Withheld",
        "A count of few students could point at one of them. Such counts are not published, and with them those from which they would follow; they are shown as the least and the most that they can be by all that is shown, or as a dash.",
    ),
    (
        "four-fifths",
        "Four-fifths rule",
        "The lowest group's rate over the highest group's. Below 0.8 is taken as a sign that a group may be disadvantaged.",
    ),
    (
        "envy",
        "Justified envy",
        "A student would rather have a place that somebody of lower weight has. Counted as pairs.",
    ),
    (
        "fairness",
        "Price of fairness",
        "How much more (unweighted) the assignment costs than one that ignores need.",
    ),
    (
        "seed",
        "Lottery seed",
        "Where several students are equal, a lottery decides. Its seed is made from secret numbers that validators commit to before the requests close and reveal after; those of more than a third of the power are needed.",
    ),
    (
        "genesis",
        "Genesis",
        "The file that founded the chain: members, validators, parameters. Its fingerprint is all one must know to check everything else.",
    ),
    (
        "budget",
        "Budget",
        "Money that a funder put on the ledger for a school year. Opening a pool charges it at once.",
    ),
    (
        "parameter",
        "Parameter",
        "A number that all validators use, such as the equity weight. Members change it by vote, and the history stays.",
    ),
    ("tier", "Tier", "How far a place is: own school, own district, a school of the same type elsewhere."),
];

/// The same in Spanish, of those that pages with a language link.
const SPANISH: &[(&str, &str, &str)] = &[
    (
        "final",
        "Definitivo",
        "Más de dos tercios de los validadores firmaron el bloque. Desde entonces no cambia nunca; no hay nada que esperar.",
    ),
    (
        "round",
        "Ronda",
        "Una ejecución del optimizador: las plazas de una clase de recursos se dan a los estudiantes que las solicitaron.",
    ),
    (
        "optimal",
        "Óptimo",
        "Probado: ninguna otra asignación cuesta menos. Cada validador comprueba la prueba, y un auditor sin conexión.",
    ),
    (
        "price",
        "Precio",
        "Lo que una plaza más ahorraría en coste ponderado. Cero: nadie ganaría. Los precios más altos son donde una plaza más vale más.",
    ),
    (
        "mandate",
        "Mandato",
        "El estudiante debe recibir una plaza (por ejemplo, por un plan educativo); el registro rechaza toda asignación que deje fuera a uno.",
    ),
    (
        "withheld",
        "Reservado",
        "Un recuento de pocos estudiantes podría señalar a uno. Esos recuentos no se publican, ni aquellos de los que se deducirían; se muestran como lo menos y lo más que pueden ser según todo lo mostrado, o con un guion.",
    ),
];

/// A word that links to its explanation at the end of the page.
pub(super) fn word(id: &str, text: &str) -> Markup {
    html! { a .word href={ "#word-" (id) } { (text) } }
}

/// The explanations of a page's words.
pub(super) fn explained(ids: &[&str]) -> Markup {
    explained_in(Lang::En, ids)
}

/// The same in a language.
pub(super) fn explained_in(lang: Lang, ids: &[&str]) -> Markup {
    let words = if lang == Lang::Es { SPANISH } else { WORDS };
    let known: Vec<_> = ids.iter().filter_map(|id| words.iter().find(|(known, ..)| known == id)).collect();
    html! {
        section aria-labelledby="words" {
            h2 #words { (Say::WordsHere.said(lang)) }
            dl .words { @for (id, name, text) in known { div {
                dt id={ "word-" (id) } { (name) }
                dd { (text) }
            } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_a_page_links_is_explained_once() {
        let pages = [
            include_str!("overview.rs"),
            include_str!("audits.rs"),
            include_str!("blocks.rs"),
            include_str!("transactions.rs"),
            include_str!("rounds.rs"),
            include_str!("round.rs"),
            include_str!("equity.rs"),
            include_str!("pools.rs"),
            include_str!("districts.rs"),
            include_str!("schools.rs"),
            include_str!("validators.rs"),
            include_str!("parameters.rs"),
            include_str!("budgets.rs"),
            include_str!("buildings.rs"),
            include_str!("milestones.rs"),
            include_str!("family.rs"),
            include_str!("heatmap.rs"),
            include_str!("hours.rs"),
            include_str!("trail.rs"),
            include_str!("members.rs"),
            include_str!("consortia.rs"),
        ];
        for page in pages {
            for used in page.split("word(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert_eq!(WORDS.iter().filter(|(id, ..)| *id == used).count(), 1, "{used}");
                let in_both = page.contains("explained_in(");
                assert!(!in_both || SPANISH.iter().filter(|(id, ..)| *id == used).count() == 1, "{used}");
                assert!(
                    in_both
                        || page.contains("explained(")
                        || page.contains("fn report")
                        || page.contains("fn shade")
                        || page.contains("fn section"),
                    "{used}"
                );
            }
        }
    }
}
