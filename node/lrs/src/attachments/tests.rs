use super::*;
use crate::json::read as json;

const JWS: [(&str, &str); 3] = [
    ("RS256", include_str!("../../vectors/signed/RS256.jws")),
    ("RS384", include_str!("../../vectors/signed/RS384.jws")),
    ("RS512", include_str!("../../vectors/signed/RS512.jws")),
];

fn signed(statement: &str, jws: &str) -> (Json, Attachment) {
    let bytes = jws.as_bytes().to_vec();
    let sha2 = hash(&bytes, 64).expect("SHA-256");
    let mut whole = json(statement.as_bytes()).expect("JSON");
    let described = format!(
        r#"[{{"usageType":"{SIGNATURE}","display":{{"en":"signature"}},"contentType":"application/octet-stream",
            "length":{},"sha2":"{sha2}"}}]"#,
        bytes.len()
    );
    whole.as_object_mut().expect("an object").set("attachments", json(described.as_bytes()).expect("JSON"));
    (whole, Attachment { sha2, content_type: "application/octet-stream".into(), bytes })
}

const STATEMENT: &str = include_str!("../../vectors/signed/statement.json");

#[test]
fn a_signature_of_this_statement_is_taken() {
    for (name, jws) in JWS {
        let (statement, part) = signed(STATEMENT, jws);
        let found = matched(&[statement], vec![part.clone()]);
        assert_eq!(found, Ok(vec![vec![part]]), "{name}");
    }
}

#[test]
fn a_signature_of_another_statement_or_by_another_key_is_refused() {
    for (name, jws) in JWS {
        let (other, part) = signed(&STATEMENT.replace("ada@", "ida@"), jws);
        let refused = matched(&[other], vec![part]).expect_err(name).to_string();
        assert!(refused.contains("signs another statement"), "{refused}");
        // One bit of the signature itself.
        let mut changed = jws.to_owned();
        let last = if changed.ends_with("AA") { "BA" } else { "AA" };
        changed.replace_range(changed.len() - 10..changed.len() - 8, last);
        let (statement, part) = signed(STATEMENT, &changed);
        let refused = matched(&[statement], vec![part]).expect_err(name).to_string();
        assert!(refused.contains("does not verify"), "{refused}");
    }
}

#[test]
fn a_forged_algorithm_is_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let payload = B64.encode(STATEMENT);
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"rs256"}"#,
        "{}",
        "[]",
        "{\"alg\":\"RS256\",\"alg\":\"none\"}",
    ] {
        let jws = format!("{}.{payload}.AAAA", B64.encode(header));
        let (statement, part) = signed(STATEMENT, &jws);
        assert!(matched(&[statement], vec![part]).is_err(), "{header}");
    }
    for jws in ["", "a", "a.b", "a.b.c.d", "!.!.!", "e30.e30."] {
        let (statement, part) = signed(STATEMENT, jws);
        assert!(matched(&[statement], vec![part]).is_err(), "{jws}");
    }
    let (statement, _) = signed(STATEMENT, JWS[0].1);
    assert!(matched(&[statement], Vec::new()).is_err(), "a signature that is not sent");
}

fn attached(bytes: &[u8]) -> (Json, Attachment) {
    let sha2 = hash(bytes, 64).expect("SHA-256");
    let text = format!(
        r#"{{"attachments":[{{"usageType":"http://example.org/u","display":{{}},"contentType":"text/plain","length":{},"sha2":"{}"}}]}}"#,
        bytes.len(),
        sha2.to_uppercase()
    );
    let part = Attachment { sha2, content_type: "text/plain".into(), bytes: bytes.to_vec() };
    (json(text.as_bytes()).expect("JSON"), part)
}

#[test]
fn parts_and_descriptions_belong_together() {
    let (statement, part) = attached(b"hello");
    assert_eq!(matched(std::slice::from_ref(&statement), vec![part.clone()]), Ok(vec![vec![part.clone()]]));
    assert!(matched(std::slice::from_ref(&statement), Vec::new()).is_err(), "neither a part nor a fileUrl");
    let mut twice = statement.clone();
    if let Some(Json::Array(items)) = twice.as_object_mut().and_then(|one| one.get_mut("attachments")) {
        items.extend(items.clone());
    }
    assert_eq!(
        matched(&[twice], vec![part.clone()]),
        Ok(vec![vec![part.clone()]]),
        "its bytes are kept once"
    );
    let (_, other) = attached(b"other");
    assert!(matched(std::slice::from_ref(&statement), vec![part.clone(), other]).is_err(), "one too many");
    let changed = Attachment { bytes: b"hellO".to_vec(), ..part };
    assert!(matched(&[statement], vec![changed]).is_err(), "another hash");
}

#[test]
fn what_is_written_is_read() {
    let parts = [attached(b"one\r\n--two\r\n\r\n").1, attached(&[0, 13, 10, 45, 45, 255]).1, attached(b"").1];
    let (content_type, body) = write("{\"a\":1}", &parts);
    let boundary = boundary_of(&content_type).expect("a boundary");
    let (statements, found) = read(&body, &boundary).expect("a body");
    assert_eq!((statements, found.as_slice()), (&b"{\"a\":1}"[..], &parts[..]));
}

#[test]
fn bodies_without_their_boundaries_are_refused() {
    assert_eq!(boundary_of("multipart/mixed"), Err(MultipartError::Boundary));
    assert_eq!(boundary_of("multipart/mixed; boundary="), Err(MultipartError::Boundary));
    assert_eq!(boundary_of("multipart/mixed; charset=x; Boundary=\"a b\""), Ok("a b".into()));
    let json = "Content-Type: application/json\r\n\r\n{}";
    for body in [
        String::new(),
        json.to_owned(),
        format!("--b\r\n{json}"),
        format!("--b\r\n{json}\r\n--b"),
        format!("--b{json}\r\n--b--"),
        "--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n--b--".to_owned(),
        "--b\r\n\r\n{}\r\n--b--".to_owned(),
        format!("--b\r\n{json}\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"),
        format!(
            "--b\r\n{json}\r\n--b\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: x\r\n\r\nx\r\n--b--"
        ),
        "--b--".to_owned(),
    ] {
        assert!(read(body.as_bytes(), "b").is_err(), "{body:?}");
    }
    assert!(read(format!("preamble\r\n--b \r\n{json}\r\n--b--epilogue").as_bytes(), "b").is_ok());
    let many = format!("--b\r\n{json}\r\n")
        + &"--b\r\nContent-Transfer-Encoding: binary\r\n\r\n\r\n".repeat(300)
        + "--b--";
    assert_eq!(read(many.as_bytes(), "b"), Err(MultipartError::TooMany));
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_reader_panic(body in "(--b|\\r\\n|-|:|[a-z]{0,3}|Content-Type: application/json){0,12}") {
        let _ = read(body.as_bytes(), "b");
    }

    #[test]
    fn no_signature_makes_the_check_panic(jws in "([A-Za-z0-9_-]{0,8}|\\.|e30){0,6}") {
        let (statement, part) = signed(STATEMENT, &jws);
        let _ = matched(&[statement], vec![part]);
    }
}
