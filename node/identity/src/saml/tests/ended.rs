//! A provider ends sessions: signed, to this service, now, once.

use super::*;
use crate::claims::Ended;
use crate::settings::Signing;
use saml_rs::{LogoutSigning, LogoutSubject, SessionIndex, StartSlo};

/// A service, with a key of its own or without.
fn service_of(signing: Option<Signing>) -> Client {
    let provider = SamlIdp { entity_id: IDP.into(), metadata: idp().metadata_xml().to_owned(), signing };
    Client::new(&provider, SP, ACS).unwrap()
}

fn subject() -> LogoutSubject {
    LogoutSubject::with_session_index(NameId::new("t-1042", None), SessionIndex::try_new("s-1").unwrap())
}

/// The query of a request of `idp` to end a session.
fn request_of(idp: &Saml<Idp>, client: &Client, signing: LogoutSigning) -> String {
    let options = StartSlo::redirect().signing(signing);
    let started = idp.start_slo(&descriptor_of(client), subject(), options).unwrap();
    started.outbound.redirect_url().unwrap().split_once('?').unwrap().1.to_owned()
}

#[test]
fn a_signed_request_ends_what_it_names_once_and_is_answered_by_who_has_a_key() {
    let own = Signing { key: OTHER_KEY.into(), certificate: OTHER_CERT.into() };
    for signing in [None, Some(own)] {
        let has_key = signing.is_some();
        let client = service_of(signing);
        let query = request_of(&idp(), &client, LogoutSigning::Sign);
        let answer = client.ended(Came::Redirect(&query), now_ms()).unwrap();
        let ended = Ended { subject: Some("t-1042".into()), sessions: vec!["s-1".into()] };
        assert_eq!(answer.ended, ended);
        let back = answer.back.filter(|url| url.contains("Signature="));
        assert_eq!(back.is_some_and(|url| url.starts_with("https://idp.example/slo?")), has_key);
        assert!(client.ended(Came::Redirect(&query), now_ms()).is_err(), "taken before");
    }
}

#[test]
fn what_the_provider_did_not_sign_to_this_service_now_ends_nothing() {
    let client = service_of(None);
    let query = request_of(&idp(), &client, LogoutSigning::Sign);
    let stranger = request_of(&idp_of(IDP, OTHER_KEY, OTHER_CERT), &client, LogoutSigning::Sign);
    let unsigned = request_of(&idp(), &client, LogoutSigning::DoNotSignForCompatibility);
    let stripped = query.split("&SigAlg").next().unwrap().to_owned();
    let other = query.replace("SAMLRequest=", "SAMLRequest=A");
    for (name, query) in
        [("a stranger's", stranger), ("unsigned", unsigned), ("stripped", stripped), ("changed", other)]
    {
        assert!(client.ended(Came::Redirect(&query), now_ms()).is_err(), "{name}");
    }
    for now in [now_ms() + 86_400_000, now_ms() - 86_400_000] {
        let query = request_of(&idp(), &client, LogoutSigning::Sign);
        assert!(client.ended(Came::Redirect(&query), now).is_err(), "at another time");
    }
    for text in ["", "SAMLRequest=", "SAMLRequest=%00&Signature=x&SigAlg=y", &"a".repeat(MAX_RESPONSE + 1)] {
        assert!(client.ended(Came::Redirect(text), now_ms()).is_err());
    }
    assert!(client.ended(Came::Post(&[("SAMLRequest".into(), "PGEvPg==".into())]), now_ms()).is_err());
    assert!(client.ended(Came::Redirect(&query), now_ms()).is_ok(), "the real one");
}
