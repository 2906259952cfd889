//! The payload of a broker's message: one message of a feed, or many.
//!
//! Lines are one JSON value or several after each other, whatever white space stands between them; statements are one, or an array
//! of them; frames are as over HTTP. Invariant: every byte of a payload is of some message, so that what cannot be cut is a letter
//! with its reason and not lost.

use std::sync::Arc;

use aula_home::config::Payload;
use aula_ingest::event::{Reason, Refusal, frame};
use aula_ingest::json;
use aula_lrs::limits::MAX_JSON_DEPTH;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::given::{Feed, Form, Given};

/// Most bytes of a payload.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;
/// Most statements of one payload.
const MAX_STATEMENTS: usize = 10_000;

/// How the messages of a payload are written.
pub const fn form(payload: Payload) -> Form {
    match payload {
        Payload::Events => Form::Line,
        Payload::Frames => Form::Frame,
        Payload::Statements => Form::Statement,
    }
}

/// Reads the messages of a payload; what is no message is a refused one.
pub fn read(
    feed: &Arc<Feed>,
    form: Form,
    payload: &Bytes,
    sender: &Arc<str>,
    received_ms: u64,
    to: &mut Vec<Given>,
) {
    let cut = match form {
        _ if payload.len() > MAX_PAYLOAD_BYTES => Err("a payload has at most 1 MiB"),
        Form::Frame => frame::cut(payload)
            .map(|frames| frames.into_iter().map(|part| payload.slice_ref(part)).collect())
            .map_err(|_| "the payload cannot be cut into frames"),
        Form::Line | Form::Caliper => Ok(values(payload)),
        Form::Statement => statements(payload),
    };
    match cut {
        Ok(parts) => {
            let read = |(number, raw)| Given::read(feed, form, raw, (sender, number), received_ms);
            to.extend((1..).zip(parts).filter_map(read));
        }
        Err(why) => to.push(Given {
            feed: feed.clone(),
            form,
            // As much as tells what it was.
            raw: payload.slice(..payload.len().min(MAX_PAYLOAD_BYTES)),
            sender: sender.clone(),
            number: 1,
            received_ms,
            message: Err(Refusal::new(None, Reason::Refused, why)),
        }),
    }
}

/// The JSON values that stand in a payload one after another; what is not JSON goes up to the end of its line.
fn values(payload: &Bytes) -> Vec<Bytes> {
    let mut all = Vec::with_capacity(1);
    if !payload.contains(&b'\n') {
        all.push(payload.clone());
        return all;
    }
    let mut at = 0;
    while let Some(rest) = payload.get(at..).filter(|rest| !rest.trim_ascii_start().is_empty()) {
        at += rest.len() - rest.trim_ascii_start().len();
        let rest = rest.trim_ascii_start();
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        let length = match stream.next() {
            Some(Ok(_)) => stream.byte_offset(),
            _ => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        };
        let length = length.max(1);
        all.push(payload.slice(at..at + length));
        at += length;
    }
    all
}

/// One statement, or each of an array.
fn statements(payload: &Bytes) -> Result<Vec<Bytes>, &'static str> {
    if payload.trim_ascii_start().first() != Some(&b'[') {
        return Ok(vec![payload.clone()]);
    }
    let all = match json::parse(payload, MAX_JSON_DEPTH + 1) {
        Ok(Value::Array(all)) => all,
        _ => return Err("the payload is not an array of statements, each member once"),
    };
    if all.len() > MAX_STATEMENTS {
        return Err("an array has at most 10,000 statements");
    }
    Ok(all.iter().map(|one| Bytes::from(one.to_string())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Tested;

    fn cut(form: Form, payload: &[u8]) -> Result<Vec<Given>, Box<dyn std::error::Error>> {
        let (feed, mut given) = (Arc::new(Feed::plain("f")?), Vec::new());
        read(&feed, form, &Bytes::copy_from_slice(payload), &Arc::from("t"), 7, &mut given);
        Ok(given)
    }

    #[test]
    fn every_value_of_a_payload_is_a_message() -> Tested {
        let line = |id: &str| {
            format!(r#"{{"id":"{id}","at":5,"student":"S","event":{{"kind":"attendance","mark":"late"}}}}"#)
        };
        let pretty = line("b").replace(",\"student\"", ",\n \"student\"");
        for (payload, good, bad) in [
            (line("a"), 1, 0),
            (format!("{}\n{}", line("a"), line("b")), 2, 0),
            (format!("\n {pretty}\n\n{}\n", line("c")), 2, 0),
            (format!("{}\nnot this\n{}", line("a"), line("c")), 2, 1),
            (format!("{{\"id\":\n{}", line("c")), 1, 1),
            (String::new(), 0, 1),
        ] {
            let given = cut(Form::Line, payload.as_bytes())?;
            let read = given.iter().filter(|given| given.message.is_ok()).count();
            assert_eq!((read, given.len() - read), (good, bad), "{payload}");
        }
        let cut_frame = cut(Form::Frame, &[9, 0, 0, 0, 1])?;
        assert!(cut_frame.len() == 1 && cut_frame[0].message.is_err() && !cut_frame[0].raw.is_empty());
        assert_eq!(cut(Form::Statement, b"[{\"id\":1}, {}]")?.len(), 2);
        assert_eq!(cut(Form::Statement, b"[{\"id\":1}, ")?.len(), 1);
        let large = vec![b' '; MAX_PAYLOAD_BYTES + 1];
        assert!(cut(Form::Line, &large)?[0].message.is_err());
        Ok(())
    }
}
