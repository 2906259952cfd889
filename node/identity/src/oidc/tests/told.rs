//! Claims at a page of their own, how the secret is shown, shapes of claims that real providers have, and notices of ended sessions.

use super::*;
use crate::claims::Ended;

/// Logs in, with what the provider's page of claims tells; the mapping wants `groups` too.
async fn with_page(kind: &'static str, body: String) -> Result<Claims, OidcError> {
    let stage = stage().await;
    stage.script.lock().unwrap().info = Some((kind, body.replace("ISSUER", &stage.issuer)));
    finish(&stage, &["preferred_username", "groups"], |_| {}).await
}

async fn finish(
    stage: &Stage,
    needed: &[&str],
    change: impl FnOnce(&mut Value),
) -> Result<Claims, OidcError> {
    let begun = stage.client.begin(now_ms()).await?;
    let asked = parameters(&begun.url);
    let now = now_ms() / 1_000;
    let mut claims = json!({
        "iss": stage.issuer, "aud": "aula", "sub": "u-1", "exp": now + 300, "iat": now, "nonce": asked["nonce"],
        "preferred_username": "t-1042", "sid": "s-1",
    });
    change(&mut claims);
    {
        let mut script = stage.script.lock().unwrap();
        script.token = signed(&json!({ "alg": "RS256", "kid": "k1" }), &claims, KEY);
        script.challenge = asked["code_challenge"].clone();
    }
    let said = stage.client.finish(begun.kept, ("c1", None), needed, now_ms()).await?;
    assert_eq!((said.subject.as_deref(), said.session.as_deref()), (Some("u-1"), Some("s-1")));
    Ok(said.claims)
}

#[tokio::test]
async fn claims_that_the_token_lacks_come_from_the_provider_s_page_of_them() {
    let told = json!({ "sub": "u-1", "groups": ["teachers"], "preferred_username": "head-1" }).to_string();
    let claims = with_page("application/json; charset=utf-8", told).await.unwrap();
    assert_eq!(
        (&claims["groups"][0], &claims["preferred_username"][0]),
        (&"teachers".to_owned(), &"t-1042".to_owned())
    );
    // Nothing is missing: the page is not asked.
    let stage = stage().await;
    stage.script.lock().unwrap().info = Some(("application/json", "{".into()));
    assert!(finish(&stage, &["preferred_username"], |_| {}).await.is_ok());
    assert!(finish(&stage, &["groups"], |_| {}).await.is_err());
}

#[tokio::test]
async fn a_page_about_somebody_else_or_of_nobody_is_refused() {
    for told in [json!({ "sub": "u-2", "groups": ["heads"] }), json!({ "groups": ["heads"] }), json!([])] {
        assert!(with_page("application/json", told.to_string()).await.is_err(), "{told}");
    }
}

#[tokio::test]
async fn a_signed_page_is_taken_by_the_provider_s_signature_for_this_client_alone() {
    let stage = stage().await;
    let page = |change: &dyn Fn(&mut Value), header: Value, pem: &str| {
        let mut claims = json!({ "iss": stage.issuer, "aud": "aula", "sub": "u-1", "groups": ["teachers"] });
        change(&mut claims);
        stage.script.lock().unwrap().info = Some(("application/jwt", signed(&header, &claims, pem)));
    };
    let good = json!({ "alg": "RS256", "kid": "k1" });
    page(&|_| {}, good.clone(), KEY);
    assert_eq!(finish(&stage, &["groups"], |_| {}).await.unwrap()["groups"], ["teachers"]);
    page(&|_| {}, json!({ "alg": "RS256" }), KEY);
    assert!(finish(&stage, &["groups"], |_| {}).await.is_ok(), "a key without a number fits");
    for (change, header, pem) in [
        ((&|_: &mut Value| {}) as &dyn Fn(&mut Value), good.clone(), OTHER),
        (&|claims: &mut Value| claims["iss"] = "https://evil.example".into(), good.clone(), KEY),
        (&|claims: &mut Value| claims["aud"] = "other".into(), good.clone(), KEY),
        (&|claims: &mut Value| claims["aud"] = json!(["aula", "other"]), good.clone(), KEY),
        (&|_| {}, json!({ "alg": "none" }), KEY),
        (&|_| {}, json!({ "alg": "HS256", "kid": "k1" }), KEY),
        (&|_| {}, json!({ "alg": "RS256", "kid": "k1", "crit": ["exp"] }), KEY),
        (&|_| {}, json!({ "alg": "RS256", "kid": "k9" }), KEY),
    ] {
        page(change, header.clone(), pem);
        assert!(finish(&stage, &["groups"], |_| {}).await.is_err(), "{header}");
    }
}

#[tokio::test]
async fn shapes_of_claims_that_real_providers_have_are_read() {
    let stage = stage().await;
    let odd = |claims: &mut Value| {
        claims["email_verified"] = "true".into();
        claims["updated_at"] = "2026-11-30T02:00:00.000Z".into();
        claims["aud"] = json!(["aula"]);
        claims["azp"] = "aula".into();
        claims["groups"] = "teachers".into();
    };
    let claims = finish(&stage, &["groups"], odd).await.unwrap();
    assert_eq!(
        (&claims["groups"][0], &claims["email_verified"][0]),
        (&"teachers".to_owned(), &"true".to_owned())
    );
    // A token that ended half a minute ago by this clock may still go on by the provider's.
    let now = now_ms() / 1_000;
    assert!(finish(&stage, &[], |claims| claims["exp"] = (now - SKEW_S / 2).into()).await.is_ok());
}

#[tokio::test]
async fn the_secret_is_shown_as_the_operator_says_else_as_the_provider_takes_it() {
    for (set, methods, by_header) in [
        (None, None, true),
        (None, Some(vec!["client_secret_post", "client_secret_basic"]), true),
        (None, Some(vec!["client_secret_post"]), false),
        (Some(ClientAuth::Post), None, false),
        (Some(ClientAuth::Basic), Some(vec!["client_secret_post"]), true),
    ] {
        let stage = stage_of(set).await;
        stage.script.lock().unwrap().methods = methods.clone();
        finish(&stage, &[], |_| {}).await.unwrap();
        let asked = stage.script.lock().unwrap().asked[0].clone();
        let shown = (asked.contains_key("authorization"), asked.contains_key("client_secret"));
        assert_eq!(shown, (by_header, !by_header), "{set:?} {methods:?}");
    }
}

fn notice(issuer: &str) -> Value {
    json!({
        "iss": issuer, "aud": "aula", "iat": now_ms() / 1_000, "exp": now_ms() / 1_000 + 120, "jti": aula_foreign::secret::number(),
        "sub": "u-1", "sid": "s-1", "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    })
}

#[tokio::test]
async fn a_notice_ends_what_it_names_once() {
    let stage = stage().await;
    let text =
        signed(&json!({ "alg": "RS256", "kid": "k1", "typ": "logout+jwt" }), &notice(&stage.issuer), KEY);
    let ended = Ended { subject: Some("u-1".into()), sessions: vec!["s-1".into()] };
    assert_eq!(stage.client.ended(&text, now_ms()).await, Ok(ended));
    assert!(stage.client.ended(&text, now_ms()).await.unwrap_err().to_string().contains("before"));
    let mut whole = notice(&stage.issuer);
    whole.as_object_mut().unwrap().remove("sid");
    let text = signed(&json!({ "alg": "RS256" }), &whole, KEY);
    let ended = Ended { subject: Some("u-1".into()), sessions: Vec::new() };
    assert_eq!(stage.client.ended(&text, now_ms()).await, Ok(ended));
    let url = stage.client.farewell().unwrap();
    assert_eq!((parameters(&url)["x"].as_str(), parameters(&url)["client_id"].as_str()), ("1", "aula"));
}

#[tokio::test]
async fn what_is_no_notice_of_the_provider_s_to_this_client_now_ends_nothing() {
    let stage = stage().await;
    let header = json!({ "alg": "RS256", "kid": "k1" });
    let now = now_ms() / 1_000;
    let changes: [&dyn Fn(&mut Value); 11] = [
        &|told| told["iss"] = "https://evil.example".into(),
        &|told| told["aud"] = "other".into(),
        &|told| told["iat"] = (now - 3_600).into(),
        &|told| told["exp"] = (now - 3_600).into(),
        &|told| told["nonce"] = "n".into(),
        &|told| told["events"] = json!({}),
        &|told| told["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": "yes" }),
        &|told| drop(told.as_object_mut().unwrap().remove("jti")),
        &|told| drop(told.as_object_mut().unwrap().remove("iat")),
        &|told| drop(told.as_object_mut().unwrap().remove("aud")),
        &|told| {
            told.as_object_mut().unwrap().remove("sub");
            told.as_object_mut().unwrap().remove("sid");
        },
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut told = notice(&stage.issuer);
        change(&mut told);
        let ended = stage.client.ended(&signed(&header, &told, KEY), now_ms()).await;
        assert!(matches!(ended, Err(OidcError::Refused(_))), "{n}: {ended:?}");
    }
    let good = notice(&stage.issuer);
    for text in [
        signed(&header, &good, OTHER),
        signed(&json!({ "alg": "RS256", "kid": "k1", "typ": "at+jwt" }), &good, KEY),
        signed(&json!({ "alg": "none" }), &good, KEY),
        String::new(),
        "a.b.c".into(),
        "..".into(),
    ] {
        assert!(stage.client.ended(&text, now_ms()).await.is_err(), "{text}");
    }
}
