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
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::unread(&folder.path().join("tokens.json"), Some(near.clone()));
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
