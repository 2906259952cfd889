use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Number {
    Number::parse(text).expect(text)
}

#[test]
fn numbers_keep_their_digits_and_compare_by_value() {
    let read = read(b"{\"a\":0.10,\"b\":12345678901234567890.123}").expect("JSON");
    assert_eq!(read.to_string(), "{\"a\":0.10,\"b\":12345678901234567890.123}");
    for (one, other) in [("1", "1.0"), ("10e-1", "1"), ("-0", "0.000"), ("1200", "1.2E+3"), ("0.001", "1e-3")]
    {
        assert_eq!(number(one), number(other), "{one} {other}");
    }
    let ascending = ["-10", "-9.5", "-0.1", "0", "0.01", "0.1", "1", "9.99", "10", "1e2"];
    for pair in ascending.windows(2) {
        assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
    }
    assert_eq!(number("27.0").as_u64(), Some(27));
    assert_eq!(number("18446744073709551616").as_u64(), None);
    assert_eq!(number("2.5").as_u64(), None);
    assert_eq!(number("-1").as_u64(), None);
}

#[test]
fn what_is_not_a_number_or_too_large_is_refused() {
    let long = "1".repeat(65);
    for text in ["01", "1.", ".5", "+1", "1e", "--1", "1e400", "1e-400", "NaN", "0x1", long.as_str()] {
        assert!(Number::parse(text).is_none(), "{text}");
    }
}

#[test]
fn what_two_readers_take_differently_is_refused() {
    assert_eq!(read(b"{\"a\":1,\"a\":2}"), Err(ReadError::DuplicateKey("a".into())));
    assert_eq!(read(b"{\"a\":1,\"\\u0061\":2}"), Err(ReadError::DuplicateKey("a".into())));
    assert_eq!(read(&[b'"', 0xff, b'"']), Err(ReadError::NotUtf8));
    assert_eq!(read("[".repeat(100).as_bytes()), Err(ReadError::TooDeep));
    for text in ["", "{", "[1,]", "{\"a\":1,}", "\"\\ud800\"", "\"\n\"", "1 2", "nul", "{a:1}", "'a'"] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn order_of_members_does_not_matter_for_equality() {
    assert_eq!(read(b"{\"a\":1,\"b\":[2]}"), read(b"{\"b\":[2.0],\"a\":1}"));
    assert_ne!(read(b"[1,2]"), read(b"[2,1]"));
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<u64>().prop_map(|value| Json::Number(value.into())),
        "\\PC{0,8}".prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::btree_map("\\PC{0,4}", inner, 0..4)
                .prop_map(|map| Json::Object(Object(map.into_iter().collect()))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(value in any_json()) {
        prop_assert_eq!(read(value.to_string().as_bytes()), Ok(value));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn nothing_that_looks_like_json_makes_the_reader_panic(text in "[\\[\\]{}:,\"\\\\u0-9eE.+ tfn-]{0,60}") {
        let _ = read(text.as_bytes());
    }
}
