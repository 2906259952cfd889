//! What leaves, as one page: no script, nothing from elsewhere, readable on a phone and in the dark.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::logs::{FEW, ReadBy, Written, count};
use super::{Leaving, Told};

const STYLE: &str = ":root{color-scheme:light dark}body{font:1em/1.5 system-ui,sans-serif;max-width:60em;margin:0 auto;padding:1em}\
                     h1{font-size:1.6em;line-height:1.2}h2{font-size:1.25em;margin-top:2em;border-top:1px solid;padding-top:.6em}\
                     h3{font-size:1em;margin:1.4em 0 .3em}dl{display:grid;grid-template-columns:8em 1fr;gap:.15em 1em;margin:0}\
                     dt{opacity:.75}dd{margin:0;overflow-wrap:anywhere}strong.named{text-decoration:underline}\
                     @media(max-width:32em){dl{grid-template-columns:1fr;gap:0}dd{margin-block-end:.4em}}@media print{h3{break-after:avoid}}";

/// The page; `made` is when, UTC.
pub(super) fn page(told: &Told, made: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { "What leaves the district" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "What leaves the district" }
                p { "From the settings and the logs of its node, " (made) " UTC." }
                @if told.places.is_empty() {
                    p { "No places are named: nothing is kept inside any." }
                } @else {
                    p { "Everything that is written or sent stays in: " (told.places.join(", ")) ". Anything else is refused." }
                }
                h2 { "What lies where" }
                dl {
                    @for store in &told.stores {
                        dt { (store.what) }
                        dd { code { (store.to) } @if let Some(place) = &store.place { " (" (place) ")" } }
                    }
                }
                h2 { "What leaves" }
                @for one in &told.leaves { (way(one)) }
                h2 { "What commands wrote outside of the node's folder" }
                p {
                    "Where to is the operator's word at each command; this list has the place's name and no path. A command that failed is counted \
                     too: it may have left a part."
                }
                @if told.unread_lines > 0 {
                    p { (told.unread_lines) " lines of that list are torn or somebody else's, and are in no number here." }
                }
                @if told.summed_lines > 0 {
                    p { (told.summed_lines) " older lines of that list are kept as counts alone, which are in the numbers here." }
                }
                @if !told.damaged_sums.is_empty() {
                    p { "The counts of still older lines are damaged (" (told.damaged_sums.join(", ")) "), and are in no number here." }
                }
                @for one in &told.written { (by_hand(one)) }
                h2 { "Who read records" }
                (readers(told.reads.as_deref()))
                h2 { "What this page does not see" }
                p {
                    "Where a disk or a machine really stands: the places are the operator's word. What somebody who may read a record does with \
                     it. What another program of this machine copies."
                }
            }
        }
    }
    .into_string()
}

fn way(one: &Leaving) -> Markup {
    html! {
        h3 { (one.what) }
        dl {
            dt { "to" } dd { (one.to) }
            @if let Some(place) = &one.place { dt { "place" } dd { (place) } }
            dt { "when" } dd { (one.when) }
            dt { "form" } dd { (one.form) }
            dt { "students" } dd { (students(one.students)) }
            @if let Some(times) = one.times {
                dt { "sent" }
                dd { (times) " times" @if let Some(last) = &one.last { ", last " (last) } }
            }
        }
    }
}

fn by_hand(one: &Written) -> Markup {
    html! {
        h3 { (one.own.what) }
        dl {
            dt { "by" } dd { code { "aula " (one.own.command) } }
            dt { "form" } dd { (one.own.form) }
            dt { "students" } dd { (students(one.own.students)) }
            dt { "written" }
            dd {
                (one.times) " times"
                @if let Some(last) = &one.last { ", last " (last) " UTC" }
                @if !one.places.is_empty() { ", to " (one.places.join(", ")) }
            }
        }
    }
}

fn readers(reads: Option<&[ReadBy]>) -> Markup {
    html! {
        @match reads {
            None => p { "This home has no vault." },
            Some([]) => p { "The access log has no entry." },
            Some(all) => {
                p {
                    "Entries of the access log by the role in which they were asked; a number below " (FEW) " is not told. The log's head stands \
                     on the ledger, so that a family can check that a read of its child is listed."
                }
                @for one in all {
                    h3 { (one.role) }
                    dl {
                        dt { "granted" } dd { (count(one.granted)) }
                        dt { "denied" } dd { (count(one.denied)) }
                        @if let Some((first, last)) = &one.days { dt { "days" } dd { (first) " to " (last) } }
                    }
                }
            }
        }
    }
}

fn students(word: &str) -> Markup {
    html! {
        @match word {
            "named" => strong.named { "by name, or by what leads to it" },
            "pseudonyms" => { "by pseudonyms" },
            _ => { "no single student" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    #[test]
    fn what_settings_say_is_text_and_the_page_loads_nothing() {
        let told = Told {
            places: vec!["county <b>".into()],
            stores: vec![Store {
                what: "the lake".into(),
                to: "/srv/<i>".into(),
                place: Some("county <b>".into()),
            }],
            leaves: vec![Leaving {
                what: "alerts".into(),
                students: "none",
                to: "<script>x</script>".into(),
                place: None,
                when: "now".into(),
                form: "a note".into(),
                last: Some("2026-11-28".into()),
                times: Some(2),
            }],
            written: Vec::new(),
            unread_lines: 3,
            summed_lines: 4,
            damaged_sums: vec!["left-sums.json.damaged".into()],
            reads: Some(vec![ReadBy {
                role: "teacher".into(),
                granted: Some(12),
                denied: None,
                days: Some(("2026-11-01".into(), "2026-11-30".into())),
            }]),
            page: None,
        };
        let page = page(&told, "2026-12-01 00:00:00");
        for has in [
            "&lt;script&gt;",
            "county &lt;b&gt;",
            "/srv/&lt;i&gt;",
            "2 times, last 2026-11-28",
            "fewer than 10",
            "3 lines of that list",
            "4 older lines of that list",
            "damaged (left-sums.json.damaged)",
            "2026-11-01 to 2026-11-30",
            "width=device-width",
            "color-scheme:light dark",
        ] {
            assert!(page.contains(has), "{has}: {page}");
        }
        for hasnt in ["<script", "<b>", "<i>", "src=", "href=", "http-equiv", "@import", "url("] {
            assert!(!page.contains(hasnt), "{hasnt}: {page}");
        }
    }
}
