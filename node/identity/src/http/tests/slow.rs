//! Who says that a body comes and sends none of it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::mapping::Staff;

const FORM: &str = "application/x-www-form-urlencoded";

/// What somebody is told who keeps the body back.
struct Silent {
    stage: Stage,
    listen: std::net::SocketAddr,
}

impl Silent {
    async fn new(patience: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(&folder.path().join("tokens.json")).unwrap();
        let kept = Directory::open(&folder.path().join("directory.jsonl")).unwrap();
        let rule = Rule { map: map(), enforce: false };
        let stage = Stage::of((tokens, kept), (map(), Some(rule)), folder, |desk| Desk { patience, ..desk });
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = socket.local_addr().unwrap();
        tokio::spawn(axum::serve(socket, stage.router.clone()).into_future());
        Self { stage, listen }
    }

    /// Says that a body of so many bytes comes.
    async fn begin(&self, line: &str, (kind, length): (&str, usize), more: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.listen).await.unwrap();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: aula.example\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn ask(&self, line: &str, kind: &str, more: &str) -> u16 {
        status(self.begin(line, (kind, 100), more).await).await
    }

    /// The same with a body that comes when something else has happened, after who asks was asked who it is.
    async fn ask_late(&self, line: &str, more: &str, body: &Value, meanwhile: impl FnOnce()) -> u16 {
        let body = body.to_string();
        let more = format!("{more}Expect: 100-continue\r\n");
        let mut stream = self.begin(line, ("application/json", body.len()), &more).await;
        // Told when the body is waited for.
        let mut waits = [0; 25];
        stream.read_exact(&mut waits).await.unwrap();
        assert_eq!(&waits, b"HTTP/1.1 100 Continue\r\n\r\n");
        meanwhile();
        stream.write_all(body.as_bytes()).await.unwrap();
        status(stream).await
    }

    fn bearer(&self, reader: &str, scope: Scope) -> String {
        let made = self.stage.desk.tokens.make((reader, "admin"), ("a", &[scope], 1), clock());
        format!("Authorization: Bearer {}\r\n", made.unwrap().0)
    }
}

/// The status of an answer.
async fn status(mut stream: TcpStream) -> u16 {
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await.unwrap();
    std::str::from_utf8(&begin).unwrap().trim_start_matches("HTTP/1.1 ").parse().unwrap()
}

const CHANGES: [&str; 3] =
    ["POST /identity/scim/v2/Users", "PUT /identity/scim/v2/Users/1", "PATCH /identity/scim/v2/Users/1"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_stranger_s_body_is_not_waited_for() {
    // An hour: what is answered at all is answered without the body.
    let silent = Silent::new(Duration::from_secs(3_600)).await;
    let other = silent.bearer("head-1", Scope::Me);
    for line in CHANGES {
        for (more, status) in [("", 401), ("Authorization: Bearer aula_1_2\r\n", 401), (other.as_str(), 403)]
        {
            assert_eq!(silent.ask(line, "application/scim+json", more).await, status, "{line} {more}");
        }
    }
    assert_eq!(silent.ask("POST /identity/tokens", "application/json", "").await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_given_up() {
    let silent = Silent::new(Duration::ZERO).await;
    let bearer = silent.bearer("head-1", Scope::Scim);
    for line in CHANGES {
        assert_eq!(silent.ask(line, "application/scim+json", &bearer).await, 408, "{line}");
    }
    for line in
        ["POST /identity/saml/east", "POST /identity/saml/east/logout", "POST /identity/oidc/east/logout"]
    {
        assert_eq!(silent.ask(line, FORM, "").await, 408, "{line}");
    }
    assert_eq!(silent.stage.desk.forms.available_permits(), MAX_FORMS, "their places are free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_what_was_revoked_while_the_body_came_changes_nothing() {
    let silent = Silent::new(Duration::from_secs(3_600)).await;
    let desk = &silent.stage.desk;
    let user = json!({"schemas": [crate::scim::CORE], "userName": "t-9", "roles": ["teacher"]});
    for line in CHANGES {
        let bearer = silent.bearer("head-1", Scope::Scim);
        let revoke = || {
            for token in desk.tokens.list(|_| true, clock()) {
                assert!(desk.tokens.revoke(&token.id, |_| true).unwrap());
            }
        };
        assert_eq!(silent.ask_late(line, &bearer, &user, revoke).await, 401, "{line}");
        assert_eq!(desk.directory.list(None, (0, 9)).0, 0, "{line}");
    }
    let begin = |reader: &str, role: &str| {
        let who = Staff { reader: reader.into(), role: role.into(), sections: None };
        let (secret, _) = desk.sessions.begin(&who, ("east", &Said::default()), clock()).unwrap();
        format!("Cookie: {SESSION_COOKIE}={secret}\r\n{ASKED_HEADER}: 1\r\n")
    };
    let (at, wanted) =
        ("POST /identity/tokens", |scope: &str| json!({"name": "a", "scopes": [scope], "days": 1}));
    let teacher = begin("t-1042", "teacher");
    let dismiss = || assert_eq!(desk.sessions.revoke_reader("t-1042"), 1);
    assert_eq!(silent.ask_late(at, &teacher, &wanted("me"), dismiss).await, 401);
    let head = begin("head-1", "admin");
    let demote = || desk.sessions.set_role("head-1", "teacher");
    assert_eq!(silent.ask_late(at, &head, &wanted("scim"), demote).await, 403);
    assert!(desk.tokens.list(|_| true, clock()).is_empty());
    // As long as nothing happens it is done.
    assert_eq!(silent.ask_late(at, &head, &wanted("me"), || ()).await, 201);
    let bearer = silent.bearer("head-1", Scope::Scim);
    assert_eq!(silent.ask_late(CHANGES[0], &bearer, &user, || ()).await, 201);
}

#[tokio::test]
async fn forms_of_strangers_leave_places_to_others() {
    let stage = Stage::new();
    let held = stage.desk.forms.try_acquire_many(u32::try_from(MAX_FORMS).unwrap()).unwrap();
    let form = [("content-type", FORM)];
    let (status, ..) = stage.ask("POST", "/identity/oidc/east/logout", &form, String::new()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stage.ask("GET", "/identity/login/east", &[], String::new()).await.0, StatusCode::FOUND);
    drop(held);
    let (status, ..) = stage.ask("POST", "/identity/oidc/east/logout", &form, String::new()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a form without a notice");
}
