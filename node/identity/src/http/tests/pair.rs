//! A desk of a pair: it answers while it acts, by the files as the other one left them.

use super::*;
use crate::mapping::Staff;
use crate::pair::tests::Near;

const USERS: &str = "/identity/scim/v2/Users";

fn rule() -> Option<Rule> {
    let map = "reader = \"userName\"\nrole = [{claim=\"roles\",value=\"teacher\",role=\"teacher\"}]";
    Some(Rule { map: toml::from_str(map).unwrap(), enforce: true })
}

/// Two nodes' worth of files in one folder: what this one's desk reads and what the other one writes.
fn paired(near: &Arc<Near>) -> Stage {
    paired_apart(near, near)
}

/// The same where another partner is asked for the tokens than for everything else.
fn paired_apart(near: &Arc<Near>, of_tokens: &Arc<Near>) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::unread(&folder.path().join("tokens.json"), Some(of_tokens.clone()));
    let kept = Directory::unread(&folder.path().join("directory.jsonl"), Some(near.clone()));
    Stage::of((tokens, kept), (map(), rule()), folder, |desk| desk.of_pair(near.clone()))
}

#[tokio::test]
async fn who_stands_by_answers_nothing_and_who_acts_goes_by_what_the_other_left() {
    let near = Near::new(None);
    let stage = paired(&near);
    let other = |name: &str| stage.folder.path().join(name);
    let made = Tokens::open(&other("tokens.json")).unwrap();
    let (scim, _) = made.make(("head-1", "admin"), ("a system", &[Scope::Scim], 1), clock()).unwrap();
    let (own, _) = made.make(("t-1042", "teacher"), ("a program", &[Scope::Me], 1), clock()).unwrap();
    let (revoked, listed) = made.make(("c-7", "counselor"), ("old", &[Scope::Me], 1), clock()).unwrap();
    assert!(made.revoke(&listed.id, |_| true).unwrap());
    let scim = format!("Bearer {scim}");
    let asked = [("authorization", scim.as_str()), ("content-type", "application/scim+json")];
    let user = |name: &str| json!({"schemas": [crate::scim::CORE], "userName": name, "roles": ["teacher"]});
    let staff = crate::scim::user::User::read(&user("t-1042")).unwrap();
    Directory::open(&other("directory.jsonl")).unwrap().make(staff, clock()).unwrap();
    for (method, path) in
        [("GET", USERS), ("POST", USERS), ("GET", "/identity/me"), ("GET", "/identity/login/east")]
    {
        let (status, ..) = stage.ask(method, path, &asked, user("t-7").to_string()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
    }

    near.set(Some(2));
    let (status, _, told) = stage.ask("GET", USERS, &asked, String::new()).await;
    assert_eq!((status, &told["totalResults"]), (StatusCode::OK, &json!(1)));
    let me = async |token: &str| {
        let bearer = format!("Bearer {token}");
        stage.ask("GET", "/identity/me", &[("authorization", &bearer)], String::new()).await.0
    };
    assert_eq!((me(&own).await, me(&revoked).await), (StatusCode::OK, StatusCode::UNAUTHORIZED));

    // What the other one could not be given is not done, and says so.
    let begun = Staff { reader: "t-1042".into(), role: "teacher".into(), sections: None };
    let (secret, _) = stage.desk.sessions.begin(&begun, ("east", &Said::default()), clock()).unwrap();
    let cookie = format!("{SESSION_COOKIE}={secret}");
    let session = [("cookie", cookie.as_str()), (ASKED_HEADER, "1")];
    near.go_away(true);
    let (status, ..) = stage.ask("POST", USERS, &asked, user("t-8").to_string()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let token = "{\"name\":\"b\",\"scopes\":[\"me\"],\"days\":1}".to_owned();
    let (status, ..) = stage.ask("POST", "/identity/tokens", &session, token.clone()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    near.go_away(false);
    let (status, _, told) = stage.ask("GET", USERS, &asked, String::new()).await;
    assert_eq!((status, &told["totalResults"]), (StatusCode::OK, &json!(1)), "as before");
    assert_eq!(stage.ask("POST", "/identity/tokens", &session, token).await.0, StatusCode::CREATED);

    // Its turn is over.
    near.set(None);
    assert_eq!(me(&own).await, StatusCode::SERVICE_UNAVAILABLE);
}

/// Asks for a change that makes t-1042 no staff and is cut before her tokens end: and once more, as whoever is told 503 does. Then what
/// follows, and the change that makes her staff again.
async fn cut_short(looks: bool, [(method, gone), (again, back)]: [(&str, Option<&str>); 2]) {
    let (near, of_tokens) = (Near::new(None), Near::new(Some(1)));
    let stage = paired_apart(&near, &of_tokens);
    let file = stage.folder.path().join("tokens.json");
    let made = Tokens::open(&file).unwrap();
    let (scim, _) = made.make(("head-1", "admin"), ("a system", &[Scope::Scim], 1), clock()).unwrap();
    let (own, _) = made.make(("t-1042", "teacher"), ("a program", &[Scope::Me], 1), clock()).unwrap();
    let scim = format!("Bearer {scim}");
    let ask = async |method: &str, path: &str, name: Option<&str>| {
        let user =
            name.map(|name| json!({"schemas": [crate::scim::CORE], "userName": name, "roles": ["teacher"]}));
        let body = user.map_or_else(String::new, |user| user.to_string());
        let (status, _, told) = stage.ask(method, path, &[("authorization", &scim)], body).await;
        (status.as_u16(), told)
    };
    let me = async || {
        let bearer = format!("Bearer {own}");
        stage.ask("GET", "/identity/me", &[("authorization", &bearer)], String::new()).await.0.as_u16()
    };
    let on_disk = || {
        let all = Tokens::open(&file).unwrap().list(|_| true, clock());
        all.into_iter().map(|token| token.reader).collect::<Vec<_>>()
    };
    let both = ["head-1", "t-1042"];
    stage.desk.sweep().await;
    assert_eq!(on_disk(), both, "who stands by changes nothing");
    near.set(Some(1));
    let (status, told) = ask("POST", USERS, Some("t-1042")).await;
    assert_eq!((status, me().await), (201, 200));
    stage.desk.sweep().await;
    assert_eq!(on_disk(), both, "staff");
    let path = format!("{USERS}/{}", told["id"].as_str().unwrap());
    of_tokens.go_away(true);
    assert_eq!(ask(method, &path, gone).await.0, 503);
    let repeated = if gone.is_some() { 200 } else { 404 };
    assert_eq!((ask(method, &path, gone).await.0, me().await), (repeated, 401));
    assert_eq!(on_disk(), both, "not revoked yet");
    let to = if again == "POST" { USERS } else { path.as_str() };
    if looks {
        stage.desk.sweep().await;
        assert_eq!(on_disk(), both, "it cannot be");
        of_tokens.go_away(false);
        stage.desk.sweep().await;
        assert_eq!(on_disk(), ["head-1"], "the directory's own stays");
    } else {
        assert_eq!((ask(again, to, back).await.0, me().await), (503, 401), "she is not staff with them");
        of_tokens.go_away(false);
    }
    assert!([200, 201].contains(&ask(again, to, back).await.0));
    assert_eq!((me().await, on_disk()), (401, vec!["head-1".to_owned()]), "{method}: for good");
}

#[tokio::test]
async fn tokens_that_a_change_left_when_it_was_cut_short_end_before_their_reader_is_back() {
    let changes =
        [[("DELETE", None), ("POST", Some("t-1042"))], [("PUT", Some("t-3")), ("PUT", Some("t-1042"))]];
    for change in changes {
        for looks in [true, false] {
            cut_short(looks, change).await;
        }
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_let_nobody_in() {
    let near = Near::new(Some(1));
    let stage = paired(&near);
    std::fs::write(stage.folder.path().join("tokens.json"), "[{").unwrap();
    let asked = async || stage.ask("GET", "/identity/login/east", &[], String::new()).await.0;
    assert_eq!(asked().await, StatusCode::SERVICE_UNAVAILABLE);
    std::fs::remove_file(stage.folder.path().join("tokens.json")).unwrap();
    assert_eq!(asked().await, StatusCode::FOUND, "as soon as they can be");
}
