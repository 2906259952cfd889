//! Every row of the table in docs/feeds.md, and bytes of any kind.

use super::xapi::Rules;
use super::*;

type Tested = Result<(), Box<dyn std::error::Error>>;

/// The vectors: a JSON array a kind and form; the table in the documentation names each.
const VECTORS: &str = include_str!("../../vectors/events.jsonl");
const DOCS: &str = include_str!("../../../../docs/feeds.md");
/// A district's own rules, as the documentation shows them.
const OWN_RULES: &str = include_str!("../../vectors/xapi_rules.toml");
const HOME_PAGE: &str = "https://sis.example.org";

fn read(form: &str, message: &serde_json::Value) -> Result<Option<Message>, Refusal> {
    match form {
        "line" => line::decode(message.to_string().as_bytes()).map(Some),
        _ => {
            let rules = Rules::with(OWN_RULES);
            let refused = |error: xapi::RulesError| Refusal::new(None, Reason::Refused, error.to_string());
            rules.map_err(refused)?.message(message, HOME_PAGE, 1_772_352_000_000)
        }
    }
}

#[test]
fn every_row_of_the_table_is_what_the_program_does() -> Tested {
    let mut names = std::collections::BTreeSet::new();
    for text in VECTORS.lines() {
        let vector: serde_json::Value = serde_json::from_str(text)?;
        let word = |key: &str| vector.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        let (name, form, wanted) = (word("vector"), word("form"), word("is"));
        assert!(DOCS.contains(&format!("| `{name}` |")), "docs/feeds.md has no row for {name}");
        assert!(names.insert(name.to_owned()), "{name} stands twice");
        let found = match read(form, vector.get("message").ok_or("message")?) {
            Ok(Some(message)) => {
                let mut bytes = Vec::new();
                frame::encode(&message, &mut bytes);
                let frames = frame::cut(&bytes)?;
                assert_eq!(frame::decode(frames.first().ok_or("a frame")?), Ok(message.clone()), "{name}");
                format!("{:?} {:?}", message.student, message.what)
            }
            Ok(None) => "nothing".to_owned(),
            Err(refusal) => format!("{}: {}", refusal.reason.name(), refusal.detail),
        };
        assert_eq!(found, wanted, "{name}");
    }
    let rows =
        DOCS.lines().filter(|line| line.starts_with("| `line-") || line.starts_with("| `xapi-")).count();
    assert_eq!(rows, names.len(), "every row of the table has a vector");
    Ok(())
}

#[test]
fn real_video_statements_are_sessions_or_nothing() -> Tested {
    let statement = r#"{"verb": {"id": "https://w3id.org/xapi/video/verbs/terminated"}, "result": {"extensions":
        {"https://w3id.org/xapi/video/extensions/played-segments": "0[.]42.608[,]43.168[.]124.692[,]176.4[.]200"}},
        "id": "9dc99b37-e920-4a68-a066-917faca28949", "actor": {"account": {"name": "S-1", "homePage":
        "https://sis.example.org"}}, "object": {"id": "uuid://7d4f3c70-1e79-4243-9b7d-166076ce8bfb"},
        "timestamp": "2021-11-29T23:09:00.867219+00:00"}"#;
    let message = Rules::built_in()?.message(&serde_json::from_str(statement)?, HOME_PAGE, 0);
    let message = message.map_err(|refusal| refusal.detail)?.ok_or("a session")?;
    // 148 s of play are three begun minutes.
    assert_eq!(message.what, What::Happened(EventBody::Session { minutes: 3, active_minutes: 3 }));
    assert_eq!(message.at.wall_ms(), 1_638_227_340_867);
    Ok(())
}

#[test]
fn frames_are_cut_within_their_limits() {
    let length = |count: u32| count.to_le_bytes().to_vec();
    assert_eq!(frame::cut(&length(4_000_000_000)), Err(frame::FrameError::TooLong(4_000_000_000)));
    assert_eq!(frame::cut(&[length(3), vec![1, 2]].concat()), Err(frame::FrameError::Cut));
    assert_eq!(frame::cut(&[1, 0]), Err(frame::FrameError::Cut));
    assert_eq!(frame::cut(&[]), Ok(vec![]));
    assert_eq!(frame::cut(&[length(0), length(1), vec![9]].concat()), Ok(vec![&[][..], &[9]]));
}

#[test]
fn rules_that_cannot_be_ones_are_refused() {
    for text in [
        "[[rule]]\nbecomes = 'session'",
        "[[rule]]\nverb = 'v'\nbecomes = 'attendance'",
        "[[rule]]\nverb = 'v'\nbecomes = 'need'",
        "[rules]\n",
        "[skills]\na = 'b'",
    ] {
        assert!(Rules::with(text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = (frame::decode(&bytes), line::decode(&bytes), frame::cut(&bytes));
        let mut versioned = vec![1];
        versioned.extend(&bytes);
        let _ = frame::decode(&versioned);
    }

    #[test]
    fn what_decodes_is_the_same_frame_again(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
        if let Ok(message) = frame::decode(&bytes) {
            let mut again = Vec::new();
            frame::encode(&message, &mut again);
            proptest::prop_assert_eq!(&again[4..], &bytes[..]);
        }
    }
}
