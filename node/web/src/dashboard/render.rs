//! A part as people read it: the same markup on the page and in what the socket sends.
//!
//! Every part has one element, by its [`id`], in the place that [`place`] names. Pictures are of shape and text, never of colour
//! alone; each has its numbers beside it or in a table behind it.

use maud::{Markup, html};

use super::parts::{Key, Move, Part, Placed, Step, WEEKS, What};
use super::words::{Lang, Word};
use aula_read::utc;
use aula_vault::corrections::{Answer, Answered, Correction};

/// Wishes told, and characters of a correction's texts that a message has; the page has all of them.
const KINDS: usize = 8;
const CLIPPED: usize = 140;

/// A part as a message has it: what people wrote is cut, so that no part is longer than a message.
pub(super) fn for_message(part: Part) -> Part {
    let cut = |text: &str| match text.char_indices().nth(CLIPPED) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    };
    match part {
        Part::Correction(one) => Part::Correction(Correction {
            says: cut(&one.says),
            answer: one.answer.map(|answer| Answer { text: cut(&answer.text), ..answer }),
            ..one
        }),
        other => other,
    }
}

/// The element of a part.
pub(super) fn id(key: Key) -> String {
    match key {
        Key::Next => "next".into(),
        Key::Unit(unit) => format!("k-{unit}"),
        Key::MoreUnits => "more".into(),
        Key::Move(place) => format!("m-{place}"),
        Key::Engagement => "engagement".into(),
        Key::Attendance => "attendance".into(),
        Key::Resource(resource) => format!("r-{resource}"),
        Key::Support => "support".into(),
        Key::Decision(round) => format!("d-{round}"),
        Key::Correction(number) => format!("c-{number}"),
    }
}

/// The element that it is put into when it is not there yet.
pub(super) const fn place(key: Key) -> &'static str {
    match key {
        Key::Next => "next-place",
        Key::Unit(_) => "units",
        Key::MoreUnits => "more-place",
        Key::Move(_) => "moves",
        Key::Engagement | Key::Attendance => "trends",
        Key::Resource(_) => "resources",
        Key::Support => "support-place",
        Key::Decision(_) => "decisions",
        Key::Correction(_) => "corrections",
    }
}

/// Ten-thousandths as whole per cent.
fn percent(e4: u16) -> String {
    format!("{} %", (u32::from(e4) + 50) / 100)
}

/// Ten-thousandths as points of a hundred with one decimal.
fn points(e4: i64) -> String {
    let sign = if e4 < 0 { "−" } else { "" };
    let tenths = (e4.abs() + 5) / 10;
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

/// YYYY-MM-DD in UTC.
fn day(time_ms: u64) -> String {
    utc(time_ms).chars().take(10).collect()
}

/// The markup of a part.
pub(super) fn part(key: Key, part: &Part, lang: Lang) -> Markup {
    let id = id(key);
    match (key, part) {
        (_, Part::Next { steps, gate_e4 }) => next(&id, steps, *gate_e4, lang),
        (Key::Unit(unit), Part::Unit { level_e4, sure_e4, answers, advanced, gate_e4 }) => html! {
            tr #(id) {
                th scope="row" { (unit) }
                td { (bar(*level_e4, *gate_e4)) " " (percent(*level_e4)) }
                td { (percent(*sure_e4)) }
                td { (answers) }
                td { @if *advanced { (Word::Advanced.said(lang)) } @else { (Word::Learning.said(lang)) } }
            }
        },
        (_, Part::MoreUnits(count)) => html! {
            p #(id) hidden[*count == 0] { (Word::MoreUnits.with(lang, &[&count.to_string()])) }
        },
        (_, Part::Move(one)) => moved(&id, one, lang),
        (_, Part::Engagement { level_e4, usual_e4, low_since_ms, weeks }) => {
            let text = Word::EngagementNow.with(lang, &[&percent(*level_e4), &percent(*usual_e4)]);
            let low = low_since_ms.map(|since| Word::LowSince.with(lang, &[&day(since)]));
            trend(&id, Word::Engagement, &[text, low.unwrap_or_default()].join(" "), weeks, lang)
        }
        (_, Part::Attendance { marks, rate_e4, weeks }) => {
            let [present, late, absent, excused] = marks.map(|count| count.to_string());
            let text = match marks {
                // Of nothing there is no share.
                [0, 0, 0, 0] => Word::NoAttendance.said(lang).to_owned(),
                _ => {
                    Word::AttendanceNow.with(lang, &[&percent(*rate_e4), &present, &late, &absent, &excused])
                }
            };
            let share = |(here, all): (u16, u16)| {
                let share = u32::from(here) * 10_000 / u32::from(all.max(1));
                (all > 0).then(|| u16::try_from(share).unwrap_or(10_000))
            };
            trend(&id, Word::Attendance, &text, &weeks.map(share), lang)
        }
        (Key::Resource(resource), Part::Resource { uses, minutes, used_e4, last_ms }) => html! {
            tr #(id) {
                th scope="row" { (resource) }
                td { (uses) }
                td { (minutes) }
                td { (percent(*used_e4)) }
                td { (day(*last_ms)) }
            }
        },
        (_, Part::Support { running, closed, since_ms, effect_e4 }) => {
            let effect = effect_e4.map(|e4| points(i64::from(e4)));
            html! { p #(id) {
                @match since_ms {
                    Some(since) if *running > 0 => { (Word::SupportRuns.with(lang, &[&day(*since)])) },
                    _ => { (Word::NoSupport.said(lang)) },
                }
                @if let Some(effect) = effect { " " (Word::SupportClosed.with(lang, &[&closed.to_string(), &effect])) }
            } }
        }
        (Key::Decision(round), Part::Decision { title, asked, band, placed, decided, stands }) => html! {
            li #(id) {
                strong { (title) } " "
                (Word::DecisionAsked.with(lang, &[&asked.iter().take(KINDS).cloned().collect::<Vec<_>>().join(" › "), &band.to_string()])) " "
                (decision(*decided, placed.as_ref(), lang))
                @if *decided && !stands { " " (Word::DecisionFell.said(lang)) }
                " " a href={ "/rounds/" (round) } { (Word::DecisionRound.with(lang, &[&round.to_string()])) }
            }
        },
        (_, Part::Correction(one)) => correction(&id, one, lang),
        // A part is put under its own key alone.
        _ => html! {},
    }
}

/// A bar with a tick at the gate: read by its length, and by the number beside it.
fn bar(level_e4: u16, gate_e4: u16) -> Markup {
    let (level, gate) = (level_e4 / 100, gate_e4 / 100);
    html! {
        svg .bar viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect .all width="100" height="10" {}
            rect .is width=(level) height="10" {}
            path d={ "M" (gate) " 0v10" } {}
        }
    }
}

fn next(id: &str, steps: &[Step], gate_e4: u16, lang: Lang) -> Markup {
    let words = |word: Word, step: &Step| {
        let (unit, gain) = (step.unit.to_string(), points(i64::from(step.gain_e4)));
        word.with(lang, &[&unit, &percent(step.level_e4), &gain, &percent(gate_e4)])
    };
    html! {
        ol #(id) {
            @if steps.is_empty() { li { (Word::NoNext.said(lang)) } }
            @for (n, step) in steps.iter().enumerate() {
                li { (words(if n == 0 { Word::NextWhy } else { Word::NextThen }, step)) }
            }
        }
    }
}

fn moved(id: &str, one: &Move, lang: Lang) -> Markup {
    let count = one.count.to_string();
    let what = match one.what {
        What::Answers(unit) if one.count == 1 => Word::MoveAnswer.with(lang, &[&unit.to_string()]),
        What::Answers(unit) => Word::MoveAnswers.with(lang, &[&count, &unit.to_string()]),
        What::Test(unit) => Word::MoveTest.with(lang, &[&unit.to_string()]),
        What::Written => Word::MoveWritten.said(lang).to_owned(),
        What::Session if one.count == 1 => Word::MoveSession.said(lang).to_owned(),
        What::Session => Word::MoveSessions.with(lang, &[&count]),
        What::Attendance if one.count == 1 => Word::MoveMark.said(lang).to_owned(),
        What::Attendance => Word::MoveMarks.with(lang, &[&count]),
        What::Resource(resource) => Word::MoveResource.with(lang, &[&resource.to_string()]),
        What::Support => Word::MoveSupport.said(lang).to_owned(),
        What::Recorded => Word::MoveRecorded.said(lang).to_owned(),
        What::Amended => Word::MoveAmended.said(lang).to_owned(),
    };
    let change = one.change.map(|(from, to)| {
        let tenths = |e4: u16| format!("{} %", points(i64::from(e4)));
        Word::FromTo.with(lang, &[&tenths(from), &tenths(to)])
    });
    html! {
        li #(id) data-at=(one.at_ms) { (utc(one.at_ms)) ": " (what) @if let Some(change) = change { " " (change) } }
    }
}

fn decision(decided: bool, placed: Option<&Placed>, lang: Lang) -> String {
    match placed {
        Some(at) => {
            let values = [&at.kind, &at.school.to_string(), &at.choice.to_string()];
            Word::DecisionPlaced.with(lang, &values.map(String::as_str))
        }
        None if decided => Word::DecisionNone.said(lang).to_owned(),
        None => Word::DecisionWaits.said(lang).to_owned(),
    }
}

fn correction(id: &str, one: &Correction, lang: Lang) -> Markup {
    let asked = Word::CorrectionAsked.with(lang, &[about(&one.about, lang), &day(one.asked_ms)]);
    let answer = match &one.answer {
        None => Word::CorrectionOpen.with(lang, &[&day(one.due_ms)]),
        Some(answer) => {
            let word = match answer.answered {
                Answered::Amended => Word::CorrectionAmended,
                Answered::Refused => Word::CorrectionRefused,
            };
            word.with(lang, &[&day(answer.at_ms), &answer.text])
        }
    };
    html! { li #(id) { (asked) " " q { (one.says) } " " strong { (answer) } } }
}

/// What a correction may be about, with its words.
pub(super) const ABOUT: [(&str, Word); 7] = [
    ("mastery", Word::Mastery),
    ("events", Word::Moves),
    ("engagement", Word::Engagement),
    ("attendance", Word::Attendance),
    ("resources", Word::Resources),
    ("decisions", Word::Decisions),
    ("other", Word::WrongOther),
];

fn about(name: &str, lang: Lang) -> &'static str {
    ABOUT.iter().find(|(known, _)| *known == name).map_or(Word::WrongOther, |(_, word)| *word).said(lang)
}

/// A line over the last weeks with its numbers in a table behind it.
fn trend(id: &str, of: Word, text: &str, weeks: &[Option<u16>; WEEKS], lang: Lang) -> Markup {
    let at = |n: usize| 10 + n * 25;
    let known: Vec<(usize, u16)> =
        weeks.iter().enumerate().filter_map(|(n, share)| Some((n, (*share)?))).collect();
    let spots = || known.iter().map(|(n, e4)| (at(*n), 5 + (10_000 - e4) / 125));
    let line: Vec<String> = spots().map(|(x, y)| format!("{x},{y}")).collect();
    let dots: String = spots().map(|(x, y)| format!("M{x} {y}h.1")).collect();
    html! {
        figure #(id) {
            figcaption { strong { (of.said(lang)) } " " (text) }
            svg .trend viewBox="0 0 330 90" role="img" aria-label=(Word::ChartOf.with(lang, &[of.said(lang)])) {
                path .frame d="M0 5h300M0 45h300M0 85h300" {}
                text x="304" y="9" { "100 %" } text x="304" y="48" { "50 %" } text x="304" y="88" { "0 %" }
                polyline points=(line.join(" ")) {}
                path .dots d=(dots) {}
            }
            details {
                summary { (Word::NumbersBehind.said(lang)) }
                div .scroll tabindex="0" role="region" aria-label=(of.said(lang)) { table {
                    tr { th scope="row" { (Word::WeeksBack.said(lang)) } @for (n, _) in &known { td { (WEEKS - 1 - n) } } }
                    tr { th scope="row" { (of.said(lang)) } @for (_, e4) in &known { td { (percent(*e4)) } } }
                } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_points_are_rounded_once() {
        assert_eq!((percent(8_549), percent(8_550)), ("85 %".into(), "86 %".into()));
        assert_eq!((points(317), points(-4), points(-317)), ("3.2".into(), "−0.0".into(), "−3.2".into()));
    }

    #[test]
    fn no_part_is_longer_than_a_message() {
        let weeks = [Some(10_000); WEEKS];
        let text = "<\"".repeat(1_000);
        let answer = Some(Answer { answered: Answered::Refused, text: text.clone(), at_ms: 1 });
        let correction = Correction {
            id: "00".into(),
            reader: aula_ledger::names::Name::new("f-1").expect("a name"),
            role: "family".into(),
            about: "decisions".into(),
            says: text,
            asked_ms: 1,
            due_ms: 2,
            answer,
        };
        let parts = [
            (Key::Engagement, Part::Engagement { level_e4: 1, usual_e4: 2, low_since_ms: Some(1), weeks }),
            (
                Key::Attendance,
                Part::Attendance { marks: [u32::MAX; 4], rate_e4: 1, weeks: [(u16::MAX, u16::MAX); WEEKS] },
            ),
            (Key::Correction(9), Part::Correction(correction)),
        ];
        for (key, one) in parts {
            for (lang, _) in Lang::ALL {
                let html = part(key, &for_message(one.clone()), lang).into_string();
                let told = serde_json::json!([id(key), place(key), html]).to_string();
                assert!(told.len() <= 1_900, "{key:?}: {} bytes", told.len());
            }
        }
    }

    #[test]
    fn what_a_family_wrote_is_text() {
        let one = Correction {
            id: "00".into(),
            reader: aula_ledger::names::Name::new("f-1").expect("a name"),
            role: "family".into(),
            about: "mastery".into(),
            says: "<script>alert(1)</script>".into(),
            asked_ms: 1,
            due_ms: 2,
            answer: None,
        };
        let told = part(Key::Correction(1), &Part::Correction(one), Lang::En).into_string();
        assert!(!told.contains("<script>") && told.contains("&lt;script&gt;"), "{told}");
    }
}
