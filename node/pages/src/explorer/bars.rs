//! Bar charts as SVG, drawn on the server: they need no script, print, and read without colour.
//!
//! A row has a filled bar (a part) and an outlined one (the whole), its name before and its numbers behind, as text. What is withheld has
//! no bar and says so; where everything is, one sentence says it. A part that is small beside the longest is still seen. Absent: figures of its own: what a chart shows stands in the table behind it, proved there.

use maud::{Markup, html};

/// The least that is drawn of a part that is not nothing, in tenths of a per cent of the longest: some two pixels.
const LEAST: u64 = 8;

/// A row of a chart.
pub(super) struct Bar {
    /// What it is of.
    pub name: String,
    /// Where it leads.
    pub link: Option<String>,
    /// The part and the whole; none when withheld.
    pub of: Option<(u64, u64)>,
    /// The numbers as people read them.
    pub said: String,
}

/// A chart with a title, and a note that says what filled and outlined are.
pub(super) fn chart(title: &str, note: &str, bars: &[Bar]) -> Markup {
    let most = bars.iter().filter_map(|bar| bar.of).map(|(part, whole)| part.max(whole)).max().unwrap_or(0);
    // Tenths of a per cent of the longest.
    let long = |n: u64| n.saturating_mul(1_000).checked_div(most).unwrap_or(0);
    let seen = |part: u64| if part == 0 { 0 } else { long(part).max(LEAST) };
    html! { @if !bars.is_empty() && bars.iter().all(|bar| bar.of.is_none()) {
        figure .bars {
            figcaption { strong { (title) } }
            p .soft { "Each of these counts is withheld: a bar would point at students." }
        }
    } @else if !bars.is_empty() {
        figure .bars {
            figcaption { strong { (title) } " " (note) }
            ul { @for bar in bars { li {
                @match &bar.link {
                    Some(link) => a .name href=(link) { (bar.name) },
                    None => span .name { (bar.name) },
                }
                @match bar.of {
                    Some((part, whole)) => {
                        svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                            rect .part width=(seen(part)) height="10" {}
                            rect .whole width=(long(whole)) height="10" {}
                        }
                        span { (bar.said) }
                    }
                    None => span .soft { "withheld" },
                }
            } } }
        }
    } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_room_and_what_is_withheld_has_none() {
        let bar = |name: &str, of| Bar { name: name.into(), link: None, of, said: "said".into() };
        let drawn = chart("Title", "note", &[bar("one", Some((5, 10))), bar("<two>", None)]).into_string();
        assert!(drawn.contains("width=\"500\"") && drawn.contains("width=\"1000\""), "{drawn}");
        assert!(
            drawn.contains("&lt;two&gt;")
                && drawn.contains("withheld")
                && drawn.matches("<rect").count() == 2
        );
        assert_eq!(chart("Title", "note", &[]).into_string(), "");
        let none = chart("Title", "note", &[bar("one", None), bar("two", None)]).into_string();
        assert!(none.contains("withheld") && !none.contains("<ul") && !none.contains("note"), "{none}");
        // Two of three thousand are less than a pixel, and more than nothing.
        let few = chart("Title", "note", &[bar("few", Some((2, 3_000))), bar("nobody", Some((0, 9)))]);
        let few = few.into_string();
        assert!(few.contains("width=\"8\"") && few.contains("width=\"0\""), "{few}");
        // Nothing at all divides by nothing.
        assert!(chart("Title", "note", &[bar("none", Some((0, 0)))]).into_string().contains("width=\"0\""));
    }
}
