//! A provider on loopback that answers as it is told: what is taken, and what is refused.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{RawForm, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts;
use serde_json::json;
use sha2::{Digest, Sha256};

mod told;

use super::*;
use crate::claims::Claims;

const KEY: &str = include_str!("../../tests/keys/idp.key");
const OTHER: &str = include_str!("../../tests/keys/other.key");

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn key(pem: &str) -> rsa::RsaPrivateKey {
    rsa::RsaPrivateKey::from_pkcs8_pem(pem).unwrap()
}

fn signed(header: &Value, claims: &Value, pem: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signer = rsa::pkcs1v15::SigningKey::<Sha256>::new(key(pem));
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signer.sign(text.as_bytes()).to_bytes()))
}

/// What the provider answers, and what it was asked.
#[derive(Default)]
struct Script {
    issuer: String,
    token: String,
    keys: Vec<(String, &'static str)>,
    challenge: String,
    /// The page of claims: what kind it says it is, and what it holds; none: there is no such page.
    info: Option<(&'static str, String)>,
    /// How clients may show their secret, as the discovery document says.
    methods: Option<Vec<&'static str>>,
    asked: Vec<BTreeMap<String, String>>,
}

type Shared = Arc<Mutex<Script>>;

async fn discovery(State(script): State<Shared>) -> impl IntoResponse {
    let script = script.lock().unwrap();
    let issuer = &script.issuer;
    let mut told = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        "end_session_endpoint": format!("{issuer}/end?x=1"),
    });
    if script.info.is_some() {
        told["userinfo_endpoint"] = format!("{issuer}/info").into();
    }
    if let Some(methods) = &script.methods {
        told["token_endpoint_auth_methods_supported"] = json!(methods);
    }
    axum::Json(told)
}

async fn info(State(script): State<Shared>, headers: axum::http::HeaderMap) -> impl IntoResponse {
    let bearer = headers.get("authorization").is_some_and(|value| value == "Bearer a1");
    let told = script.lock().unwrap().info.clone().filter(|_| bearer);
    match told {
        Some((kind, body)) => (axum::http::StatusCode::OK, [("content-type", kind)], body),
        None => (axum::http::StatusCode::UNAUTHORIZED, [("content-type", "text/plain")], String::new()),
    }
}

async fn keys(State(script): State<Shared>) -> impl IntoResponse {
    let keys = script.lock().unwrap().keys.clone();
    let jwk = |(kid, pem): &(String, &str)| {
        let public = key(pem).to_public_key();
        let number = |n: &rsa::BigUint| URL_SAFE_NO_PAD.encode(n.to_bytes_be());
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": number(public.n()), "e": number(public.e()) })
    };
    axum::Json(json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() }))
}

async fn token(
    State(script): State<Shared>,
    headers: axum::http::HeaderMap,
    RawForm(body): RawForm,
) -> impl IntoResponse {
    let mut form: BTreeMap<String, String> = openidconnect::url::form_urlencoded::parse(&body)
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    if let Some(value) = headers.get("authorization") {
        form.insert("authorization".into(), value.to_str().unwrap().into());
    }
    let mut script = script.lock().unwrap();
    let own = URL_SAFE_NO_PAD.encode(Sha256::digest(form.get("code_verifier").cloned().unwrap_or_default()));
    let fits = own == script.challenge;
    script.asked.push(form);
    let (status, answer) = match fits {
        true => (200, json!({ "access_token": "a1", "token_type": "Bearer", "id_token": script.token })),
        false => (400, json!({ "error": "invalid_grant" })),
    };
    (axum::http::StatusCode::from_u16(status).unwrap(), axum::Json(answer))
}

/// A provider, and a client of it.
struct Stage {
    script: Shared,
    client: Client,
    issuer: String,
}

async fn stage() -> Stage {
    stage_of(None).await
}

async fn stage_of(client_auth: Option<ClientAuth>) -> Stage {
    let script = Shared::default();
    let app = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/keys", get(keys))
        .route("/token", post(token))
        .route("/info", get(info))
        .with_state(script.clone());
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, app).await });
    script.lock().unwrap().issuer = issuer.clone();
    script.lock().unwrap().keys = vec![("k1".into(), KEY)];
    let provider = Oidc {
        issuer: issuer.clone(),
        client_id: "aula".into(),
        client_secret: Some("s".into()),
        client_auth,
        scopes: vec!["profile".into()],
    };
    let client = Client::new(provider, "https://aula.example/identity/oidc/east".into()).unwrap();
    Stage { script, client, issuer }
}

fn parameters(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    openidconnect::url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

impl Stage {
    /// Begins a login and has the provider answer with these claims, changed and signed as told.
    async fn login(
        &self,
        change: impl FnOnce(&mut Value, &mut Value),
        pem: &str,
    ) -> Result<Claims, OidcError> {
        let begun = self.client.begin(now_ms()).await?;
        let asked = parameters(&begun.url);
        let now = now_ms() / 1_000;
        let mut header = json!({ "alg": "RS256", "kid": "k1" });
        let mut claims = json!({
            "iss": self.issuer, "aud": "aula", "sub": "u-1", "exp": now + 300, "iat": now, "nonce": asked["nonce"],
            "preferred_username": "t-1042", "realm_access": { "roles": ["teachers"] },
        });
        change(&mut header, &mut claims);
        let token = signed(&header, &claims, pem);
        {
            let mut script = self.script.lock().unwrap();
            script.token = token;
            script.challenge = asked["code_challenge"].clone();
        }
        let needed = ["preferred_username"];
        self.client.finish(begun.kept, ("c1", None), &needed, now_ms()).await.map(|said| said.claims)
    }

    async fn refuses(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        match self.login(change, KEY).await {
            Err(error) => error.to_string(),
            Ok(claims) => panic!("taken: {claims:?}"),
        }
    }
}

#[tokio::test]
async fn a_code_is_exchanged_with_its_secret_and_gives_the_signed_claims() {
    let stage = stage().await;
    let claims = stage.login(|_, _| {}, KEY).await.unwrap();
    assert_eq!(claims["preferred_username"], ["t-1042"]);
    assert_eq!(claims["realm_access.roles"], ["teachers"]);
    let asked = stage.script.lock().unwrap().asked.clone();
    assert_eq!(asked[0]["code"], "c1");
    assert_eq!(asked[0]["redirect_uri"], "https://aula.example/identity/oidc/east");
    let begun = stage.client.begin(now_ms()).await.unwrap();
    let sent = parameters(&begun.url);
    for (name, value) in [
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
        ("client_id", "aula"),
        ("scope", "openid profile"),
    ] {
        assert_eq!(sent[name], value);
    }
    assert_eq!(sent["state"], begun.state);
}

#[tokio::test]
async fn tokens_for_others_of_other_times_and_other_logins_are_refused() {
    let stage = stage().await;
    let now = now_ms() / 1_000;
    stage.refuses(|_, claims| claims["iss"] = "https://evil.example".into()).await;
    stage.refuses(|_, claims| claims["aud"] = "other".into()).await;
    stage.refuses(|_, claims| claims["aud"] = json!(["aula", "other"])).await;
    stage.refuses(|_, claims| claims["azp"] = "other".into()).await;
    stage.refuses(|_, claims| claims["exp"] = (now - SKEW_S - 1).into()).await;
    stage.refuses(|_, claims| claims["iat"] = (now - 3_600).into()).await;
    stage.refuses(|_, claims| claims["iat"] = (now + 3_600).into()).await;
    stage.refuses(|_, claims| claims["nonce"] = "another".into()).await;
    stage.refuses(|_, claims| drop(claims.as_object_mut().unwrap().remove("nonce"))).await;
    let why = stage.refuses(|_, claims| claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA".into()).await;
    assert!(why.contains("access token"), "{why}");
}

#[tokio::test]
async fn signatures_of_others_of_none_and_of_a_shared_secret_are_refused() {
    let stage = stage().await;
    assert!(stage.login(|_, _| {}, OTHER).await.is_err(), "another key under the same number");
    assert!(stage.login(|header, _| header["alg"] = "none".into(), KEY).await.is_err());
    assert!(stage.login(|header, _| header["alg"] = "HS256".into(), KEY).await.is_err());
    assert!(stage.login(|header, _| header["kid"] = "k9".into(), KEY).await.is_err());
    assert!(stage.login(|_, _| {}, KEY).await.is_ok());
}

#[tokio::test]
async fn a_code_of_another_login_and_an_answer_of_another_provider_are_refused() {
    let stage = stage().await;
    let (first, second) =
        (stage.client.begin(now_ms()).await.unwrap(), stage.client.begin(now_ms()).await.unwrap());
    assert_ne!(first.state, second.state);
    stage.script.lock().unwrap().challenge = parameters(&first.url)["code_challenge"].clone();
    let crossed = stage.client.finish(second.kept, ("c1", None), &[], now_ms()).await;
    assert!(crossed.unwrap_err().to_string().contains("not taken"), "the other login's secret");
    let mixed = stage.client.finish(first.kept, ("c1", Some("https://evil.example")), &[], now_ms()).await;
    assert!(mixed.unwrap_err().to_string().contains("another provider"));
}

#[tokio::test]
async fn replaced_keys_are_fetched_again_though_not_at_once() {
    let stage = stage().await;
    stage.login(|_, _| {}, KEY).await.unwrap();
    stage.script.lock().unwrap().keys = vec![("k2".into(), OTHER)];
    let second = |header: &mut Value, _: &mut Value| header["kid"] = "k2".into();
    assert!(stage.login(second, OTHER).await.is_err(), "asked less than 30 s ago");
    let kept = stage.client.metadata.lock().unwrap().clone().unwrap().1;
    *stage.client.metadata.lock().unwrap() = Some((now_ms() - AGAIN_MS, kept));
    assert!(stage.login(second, OTHER).await.is_ok());
    assert!(stage.login(|_, _| {}, KEY).await.is_err(), "the old key is gone");
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_not_used() {
    let stage = stage().await;
    stage.script.lock().unwrap().issuer = "https://evil.example".into();
    assert!(matches!(stage.client.begin(now_ms()).await, Err(OidcError::Unreachable(_))));
}
