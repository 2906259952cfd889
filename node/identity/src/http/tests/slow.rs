//! Who says that a body comes and sends none of it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

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

    async fn ask(&self, line: &str, kind: &str, more: &str) -> u16 {
        let mut stream = TcpStream::connect(self.listen).await.unwrap();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: aula.example\r\nContent-Type: {kind}\r\nContent-Length: 100\r\n{more}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.unwrap();
        std::str::from_utf8(&begin).unwrap().trim_start_matches("HTTP/1.1 ").parse().unwrap()
    }

    fn bearer(&self, reader: &str, scope: Scope) -> String {
        let made = self.stage.desk.tokens.make((reader, "admin"), ("a", &[scope], 1), clock());
        format!("Authorization: Bearer {}\r\n", made.unwrap().0)
    }
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
