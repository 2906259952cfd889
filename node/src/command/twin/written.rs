//! `aula twin written`: written responses in, events of their sentiment out; the text stays where it is.
//!
//! Flow: one JSON line a response → the score of its text ([`aula_district::sentiment`]) → an event with its place in the
//! student's order → sealed into the district's vault, synced, and only then told; with `--score-only` nothing is
//! kept. Invariants: no text is written, printed or quoted in an error; the same file again gives the same events, and
//! the vault holds them once. Absent: reading anything back.

use std::path::PathBuf;

use aula_district::event_place::place;
use aula_district::sentiment::{Lexicon, MAX_TEXT_BYTES};
use aula_ledger::types::Handle;
use aula_twin_runtime::clock::{DAY_MS, Skew, Stamp};
use aula_twin_runtime::event::{Event, EventBody, EventKey, SourceId};
use aula_vault::vault::EventIn;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::command::brought::brought;
use crate::command::lines::Lines;
use crate::command::vault::{Place, refused};
use crate::command::{Context, Failure, Outcome, now_ms};

/// Most bytes of a line: the longest text with every character escaped.
const MAX_LINE_BYTES: u64 = 6 * MAX_TEXT_BYTES as u64 + 1_024;
/// Lines of one synced batch.
const BATCH: usize = 1_000;
const LINE_HINT: &str = "a line is {\"handle\":HEX,\"at_ms\":MILLISECONDS_SINCE_1970,\"text\":TEXT}";

/// Arguments of `aula twin written`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula twin written answers.jsonl --source 12 --home /srv/district-07\n\nA line is \
                  {\"handle\":HEX,\"at_ms\":MILLISECONDS_SINCE_1970,\"text\":TEXT}. The sentiment is VADER's compound score (English), \
                  -1 to 1 in ten-thousandths; it moves engagement by a tenth of the way. Neither text nor parts of it leave \
                  this process. A source counts its events: give the next file the number that this one ends with."
)]
pub struct WrittenArgs {
    /// A file of JSON lines, or - for standard input
    pub file: PathBuf,
    /// Who recorded the responses: the number of a school's server or device
    #[arg(long, value_name = "N")]
    pub source: u64,
    /// The source's number of the first response
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub first: u64,
    /// Print the scores and keep nothing: needs no vault
    #[arg(long)]
    pub score_only: bool,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    handle: Handle,
    at_ms: u64,
    text: String,
}

/// Scores all lines and keeps their events; a line that is refused stops it, and earlier batches are kept.
///
/// # Errors
/// The line's number and what is wrong with it; a vault that refuses.
pub fn run(context: &Context, args: &WrittenArgs) -> Result<Outcome, Failure> {
    let vault = if args.score_only { None } else { Some(args.place.open(context)?) };
    let lexicon = Lexicon::load();
    let (mut told, mut lines, mut batch) = (Vec::new(), Vec::new(), Vec::with_capacity(BATCH));
    let keep = |batch: &mut Vec<(Handle, Event)>| -> Result<(), Failure> {
        if let Some(vault) = &vault {
            let rows: Vec<_> = batch.iter().map(|(h, e)| (*h, place(&e.key), e.encode())).collect();
            let rows: Vec<EventIn<'_>> =
                rows.iter().map(|(handle, key, event)| EventIn { handle: *handle, key, event }).collect();
            vault.put_events(&rows).map_err(refused)?;
            brought(context, &batch.iter().map(|(handle, _)| *handle).collect());
        }
        batch.clear();
        Ok(())
    };
    let mut file = Lines::open(&args.file, MAX_LINE_BYTES, LINE_HINT)?;
    let mut sequence = args.first;
    while let Some((number, text)) = file.next_line()? {
        let (handle, event) = event(&text, number, (args.source, sequence), &lexicon)?;
        sequence = sequence.saturating_add(1);
        let EventBody::Written { sentiment } = event.body else { continue };
        lines.push(format!("{handle}  {:+.4}", f64::from(sentiment.e4()) / 1e4));
        told.push(
            json!({ "handle": handle, "sentiment_e4": sentiment.e4(), "event": hex::encode(event.encode()) }),
        );
        batch.push((handle, event));
        if batch.len() == BATCH {
            keep(&mut batch)?;
        }
    }
    keep(&mut batch)?;
    let done = if vault.is_some() { "responses scored and kept" } else { "responses scored, nothing kept" };
    lines.push(format!("{} {done}; the source's next number is {sequence}", told.len()));
    let json = json!({ "responses": told.len(), "kept": vault.is_some(), "next": sequence, "events": Value::from(told) });
    Ok(Outcome::yes(json, lines.join("\n")))
}

/// The event of one line.
fn event(
    text: &str,
    number: u64,
    (source, sequence): (u64, u64),
    lexicon: &Lexicon,
) -> Result<(Handle, Event), Failure> {
    let wrong = |what: String| Failure::new("bad_line", format!("line {number}: {what}"), LINE_HINT);
    // The parser's own words could quote the text: only the place is told.
    let Line { handle, at_ms, text } = serde_json::from_str(text)
        .map_err(|error| wrong(format!("it is not a response of this form (column {})", error.column())))?;
    if at_ms > now_ms().saturating_add(DAY_MS) {
        return Err(wrong("its time is more than a day ahead of this machine's clock".into()));
    }
    let too_long = || wrong(format!("its text has more than {MAX_TEXT_BYTES} bytes"));
    let sentiment = lexicon.score(&Zeroizing::new(text)).ok_or_else(too_long)?;
    let stamp = Stamp::new(at_ms, 0).map_err(|error| wrong(error.to_string()))?;
    let key = EventKey { stamp, source: SourceId(source), sequence };
    Ok((handle, Event { key, skew: Skew::Within, body: EventBody::Written { sentiment } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(Handle, Event), Failure> {
        event(text, 3, (12, 7), &Lexicon::load())
    }

    #[test]
    fn a_line_becomes_the_event_of_its_score_and_holds_no_text() -> Result<(), Failure> {
        let handle = "07".repeat(32);
        let text = format!("{{\"handle\":\"{handle}\",\"at_ms\":5000,\"text\":\"I love fractions\"}}");
        let (of_whom, event) = of(&text)?;
        assert_eq!(of_whom.to_string(), handle);
        assert!(matches!(event.body, EventBody::Written { sentiment } if sentiment.e4() > 5_000));
        assert_eq!(Event::decode(&event.encode()), Ok(event.clone()));
        assert!(!event.encode().windows(4).any(|w| w == b"love"));
        let later = EventKey { sequence: 8, ..event.key };
        assert!(place(&event.key) < place(&later));
        Ok(())
    }

    #[test]
    fn a_wrong_line_is_named_and_never_quoted() {
        let handle = "07".repeat(32);
        for (text, want) in [
            ("secret words".to_owned(), "not a response"),
            (format!("{{\"handle\":\"{handle}\",\"at_ms\":1}}"), "not a response"),
            (
                format!("{{\"handle\":\"{handle}\",\"at_ms\":{},\"text\":\"secret\"}}", u64::MAX),
                "a day ahead",
            ),
            (
                format!("{{\"handle\":\"{handle}\",\"at_ms\":1,\"text\":\"{}\"}}", "secret ".repeat(9_999)),
                "bytes",
            ),
            ("{\"handle\":\"07\",\"at_ms\":1,\"text\":\"secret\"}".to_owned(), "not a response"),
        ] {
            let failure = of(&text).map(|_| ()).map_err(|f| (f.code, f.message));
            let (code, message) = failure.expect_err("refused");
            assert_eq!(code, "bad_line");
            assert!(message.contains(want) && message.contains("line 3"), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
