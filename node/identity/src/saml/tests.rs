//! Responses of an identity provider that the same library plays, and attacks on them: each a document of its own.
//!
//! The provider's and a stranger's keys (`tests/keys`) are of these tests alone.

mod ended;
mod whole;

use super::*;
use saml_rs::template::{LOGIN_RESPONSE_TEMPLATE, LoginResponseTemplate};
use saml_rs::{
    CertificatePem, Credentials, Idp, IdpConfig, IdpValidationPolicy, NameId, PrivateKeyPem, RespondSso,
    SpDescriptor, SsoEndpoint, Subject, TemplatePolicy,
};

const SP: &str = "https://aula.example/identity/saml/east/metadata";
const ACS: &str = "https://aula.example/identity/saml/east";
const IDP: &str = "https://idp.example/metadata";
const IDP_KEY: &str = include_str!("../../tests/keys/idp.key");
const IDP_CERT: &str = include_str!("../../tests/keys/idp.crt");
const OTHER_KEY: &str = include_str!("../../tests/keys/other.key");
const OTHER_CERT: &str = include_str!("../../tests/keys/other.crt");

/// What the provider says beside the name.
fn said(groups: &str) -> TemplatePolicy {
    let statement = format!(
        "<saml:AttributeStatement><saml:Attribute Name=\"groups\"><saml:AttributeValue>{groups}</saml:AttributeValue>\
         </saml:Attribute></saml:AttributeStatement>"
    );
    let context = LOGIN_RESPONSE_TEMPLATE.replace("{AttributeStatement}", &statement);
    let login_response_template =
        Some(LoginResponseTemplate { context: Some(context), attributes: Vec::new() });
    TemplatePolicy { login_response_template, ..TemplatePolicy::default() }
}

fn idp_of(entity: &str, key: &str, certificate: &str) -> Saml<Idp> {
    let credentials = Credentials {
        signing_key: Some(PrivateKeyPem::new(key)),
        signing_certificate: Some(CertificatePem::new(certificate)),
        ..Credentials::default()
    };
    let config = IdpConfig::builder(EntityId::try_new(entity).unwrap())
        .sso_endpoint(SsoEndpoint::redirect("https://idp.example/sso").unwrap())
        .slo_endpoint(SloEndpoint::redirect("https://idp.example/slo").unwrap())
        .credentials(credentials)
        .validation(IdpValidationPolicy::recommended())
        .templates(said("teachers"))
        .build()
        .unwrap();
    Saml::idp(config).unwrap()
}

fn idp() -> Saml<Idp> {
    idp_of(IDP, IDP_KEY, IDP_CERT)
}

fn client() -> Client {
    let provider =
        SamlIdp { entity_id: IDP.into(), metadata: idp().metadata_xml().to_owned(), signing: None };
    Client::new(&provider, SP, ACS).unwrap()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// A login that began and what the provider answers to it: XML.
struct Answered {
    client: Client,
    begun: Begun,
    xml: String,
}

fn descriptor_of(client: &Client) -> SpDescriptor {
    let trust = MetadataTrustPolicy::UnsignedForCompatibility;
    SpDescriptor::from_metadata_xml(client.metadata(), trust).unwrap()
}

/// The answer of `idp` to a request of `client`, the assertion signed.
fn answer_of(idp: &Saml<Idp>, client: &Client, begun: &Begun) -> String {
    answer_to(idp, &descriptor_of(client), begun)
}

/// The answer of `idp` to a request of the service `sp`, whose metadata say what is signed.
fn answer_to(idp: &Saml<Idp>, sp: &SpDescriptor, begun: &Begun) -> String {
    let query = begun.url.split_once('?').unwrap().1;
    let received = idp
        .receive_sso(
            sp,
            BrowserInput::<AuthnRequest>::redirect(query),
            SamlValidationContext::new(SystemTime::now(), ReplayPolicy::DisabledForCompatibility),
        )
        .unwrap();
    let subject = Subject::new(NameId::new("t-1042", None), Vec::new());
    let response = idp.respond_sso(sp, &received, subject, RespondSso::post()).unwrap();
    let form = response.post_form().unwrap();
    let bytes = STANDARD.decode(form.value("SAMLResponse").unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn answered() -> Answered {
    let client = client();
    let begun = client.begin().unwrap();
    let xml = answer_of(&idp(), &client, &begun);
    Answered { client, begun, xml }
}

impl Answered {
    fn finish(&self, xml: &str) -> Result<Claims, Refused> {
        self.finish_at(xml, now_ms())
    }

    fn finish_at(&self, xml: &str, now_ms: u64) -> Result<Claims, Refused> {
        let said = self.client.finish(&self.begun.kept, &STANDARD.encode(xml), &self.begun.state, now_ms);
        said.map(|said| said.claims)
    }

    /// The changed document is refused, and the real one is still taken afterwards.
    fn refuses(&self, xml: &str) -> Refused {
        assert_ne!(xml, self.xml, "nothing was changed");
        let error = self.finish(xml).expect_err("it was taken");
        assert!(self.finish(&self.xml).is_ok(), "the real response");
        error
    }
}

/// The first element of a local name, whole, with where it begins.
fn element<'a>(xml: &'a str, name: &str) -> (usize, &'a str) {
    let open = ["saml:", "saml2:", "samlp:", "ds:", ""];
    let found = open.iter().find_map(|prefix| {
        let (tag, end) = (format!("<{prefix}{name}"), format!("</{prefix}{name}>"));
        let from = xml.find(&tag)?;
        let to = xml[from..].find(&end)? + from + end.len();
        Some((from, &xml[from..to]))
    });
    found.unwrap_or_else(|| panic!("no {name} in {xml}"))
}

/// The assertion as an attacker would like it: another id, another person, no signature.
fn forged(assertion: &str) -> String {
    let id = value_of(assertion, "ID");
    let (_, signature) = element(assertion, "Signature");
    let evil = assertion.replace(signature, "").replace(&id, "_forged").replace("t-1042", "admin-1");
    assert!(evil.contains("admin-1") && evil.contains("_forged"), "{evil}");
    evil
}

fn value_of(xml: &str, attribute: &str) -> String {
    let from = xml.find(&format!(" {attribute}=\"")).unwrap() + attribute.len() + 3;
    xml[from..].split('"').next().unwrap().to_owned()
}

fn parts(xml: &str) -> (String, String) {
    let (_, assertion) = element(xml, "Assertion");
    let (_, signature) = element(assertion, "Signature");
    (assertion.to_owned(), signature.to_owned())
}

#[test]
fn a_signed_response_to_this_request_gives_its_claims_once() {
    let login = answered();
    let claims = login.finish(&login.xml).unwrap();
    assert_eq!(claims[NAME_ID], ["t-1042"]);
    assert_eq!(claims["groups"], ["teachers"]);
    // Attack 1: the same response again, and in another login.
    assert!(matches!(login.finish(&login.xml), Err(Refused::Response(_))), "replayed");
    let begun = login.client.begin().unwrap();
    let other = login.client.finish(&begun.kept, &STANDARD.encode(&login.xml), &begun.state, now_ms());
    assert!(other.is_err(), "of another request");
}

/// Attack 2: the assertion's signature is taken out.
#[test]
fn an_unsigned_assertion_is_refused() {
    let login = answered();
    let (_, signature) = parts(&login.xml);
    login.refuses(&login.xml.replace(&signature, ""));
}

/// Attack 3: a value is changed after it was signed.
#[test]
fn a_changed_name_or_attribute_is_refused() {
    let login = answered();
    login.refuses(&login.xml.replace("t-1042", "admin-1"));
    let login = answered();
    login.refuses(&login.xml.replace("teachers", "heads"));
}

/// Attack 4 (wrapping): a forged assertion in front of the signed one.
#[test]
fn a_forged_assertion_before_the_signed_one_is_refused() {
    let login = answered();
    let (assertion, _) = parts(&login.xml);
    login.refuses(&login.xml.replace(&assertion, &format!("{}{assertion}", forged(&assertion))));
}

/// Attack 5 (wrapping): a forged assertion behind the signed one.
#[test]
fn a_forged_assertion_after_the_signed_one_is_refused() {
    let login = answered();
    let (assertion, _) = parts(&login.xml);
    login.refuses(&login.xml.replace(&assertion, &format!("{assertion}{}", forged(&assertion))));
}

/// Attack 6 (wrapping): the signed assertion is inside the forged one.
#[test]
fn the_signed_assertion_inside_a_forged_one_is_refused() {
    let login = answered();
    let (assertion, _) = parts(&login.xml);
    let evil = forged(&assertion);
    let end = evil.rfind("</").unwrap();
    let wrapped = format!("{}{assertion}{}", &evil[..end], &evil[end..]);
    login.refuses(&login.xml.replace(&assertion, &wrapped));
}

/// Attack 7 (wrapping): the forged assertion has the signature, and the signed one lies in the signature's object.
#[test]
fn the_signed_assertion_in_the_object_of_a_forged_one_s_signature_is_refused() {
    let login = answered();
    let (assertion, signature) = parts(&login.xml);
    let bare = assertion.replace(&signature, "");
    let end = signature.rfind("</").unwrap();
    let prefix = if signature.starts_with("<ds:") { "ds:" } else { "" };
    let holder = format!("{}<{prefix}Object>{bare}</{prefix}Object>{}", &signature[..end], &signature[end..]);
    let evil = forged(&assertion);
    let at = evil.find("Issuer>").and_then(|from| evil[from..].find('>').map(|to| from + to + 1)).unwrap();
    let at = evil[at..].find("Issuer>").map_or(at, |next| at + next + "Issuer>".len());
    let wrapped = format!("{}{holder}{}", &evil[..at], &evil[at..]);
    login.refuses(&login.xml.replace(&assertion, &wrapped));
}

/// Attack 8 (wrapping): the whole real response lies in the extensions of a forged one.
#[test]
fn the_real_response_in_the_extensions_of_a_forged_one_is_refused() {
    let login = answered();
    let (assertion, _) = parts(&login.xml);
    let prefix = if login.xml.contains("<samlp:Response") { "samlp:" } else { "" };
    let inside = format!("<{prefix}Extensions>{assertion}</{prefix}Extensions>");
    let at = login.xml.find(&format!("<{prefix}Status")).unwrap();
    let rest = login.xml[at..].replace(&assertion, &forged(&assertion));
    login.refuses(&format!("{}{inside}{rest}", &login.xml[..at]));
}

/// Attack 9 (wrapping): the forged assertion has the signed one's id.
#[test]
fn two_assertions_of_one_id_are_refused() {
    let login = answered();
    let (assertion, signature) = parts(&login.xml);
    let evil = assertion.replace(&signature, "").replace("t-1042", "admin-1");
    login.refuses(&login.xml.replace(&assertion, &format!("{evil}{assertion}")));
    let login = answered();
    let (assertion, signature) = parts(&login.xml);
    let evil = assertion.replace(&signature, "").replace("t-1042", "admin-1");
    login.refuses(&login.xml.replace(&assertion, &format!("{assertion}{evil}")));
}

/// Attack 10: a comment splits the name, so that a careless reader sees its first half. Exclusive canonicalization leaves comments out of
/// what is signed, so the signature holds; the name is then read whole, or the document is refused.
#[test]
fn a_comment_in_the_name_does_not_shorten_it() {
    let login = answered();
    let split = login.xml.replace("t-1042", "t-10<!-- -->42");
    assert_ne!(split, login.xml);
    match login.finish(&split) {
        Ok(claims) => assert_eq!(claims[NAME_ID], ["t-1042"]),
        Err(_) => assert!(login.finish(&login.xml).is_ok()),
    }
}

/// Attack 11: a stranger signs as the provider, with its own certificate in the document.
#[test]
fn a_stranger_s_signature_under_the_provider_s_name_is_refused() {
    let login = answered();
    let stranger = idp_of(IDP, OTHER_KEY, OTHER_CERT);
    login.refuses(&answer_of(&stranger, &login.client, &login.begun));
}

/// Attack 12: another provider's true response, with its own name.
#[test]
fn another_provider_s_response_is_refused() {
    let login = answered();
    let other = idp_of("https://other.example/metadata", OTHER_KEY, OTHER_CERT);
    login.refuses(&answer_of(&other, &login.client, &login.begun));
}

/// Attack 13: a response that the provider signed for another service, which passes it on.
#[test]
fn a_response_for_another_audience_is_refused() {
    let login = answered();
    let provider =
        SamlIdp { entity_id: IDP.into(), metadata: idp().metadata_xml().to_owned(), signing: None };
    let elsewhere = Client::new(&provider, "https://other.example/sp", ACS).unwrap();
    let begun = elsewhere.begin().unwrap();
    login.refuses(&answer_of(&idp(), &elsewhere, &begun));
}

/// Attack 14: one that was meant for another address of receipt.
#[test]
fn a_response_for_another_recipient_is_refused() {
    let login = answered();
    let provider =
        SamlIdp { entity_id: IDP.into(), metadata: idp().metadata_xml().to_owned(), signing: None };
    let elsewhere = Client::new(&provider, SP, "https://other.example/acs").unwrap();
    let begun = elsewhere.begin().unwrap();
    login.refuses(&answer_of(&idp(), &elsewhere, &begun));
}

/// Attack 15: an old response, and one of tomorrow.
#[test]
fn a_response_of_another_time_is_refused() {
    let login = answered();
    let day = 86_400_000;
    assert!(login.finish_at(&login.xml, now_ms() + day).is_err(), "old");
    assert!(login.finish_at(&login.xml, now_ms() - day).is_err(), "of tomorrow");
    assert!(login.finish(&login.xml).is_ok());
}

/// Attack 16: entities and other documents inside the document.
#[test]
fn a_document_type_is_refused() {
    let login = answered();
    let entity = format!("<!DOCTYPE r [<!ENTITY who \"admin-1\">]>{}", login.xml.replace("t-1042", "&who;"));
    login.refuses(&entity);
    let login = answered();
    let bomb = format!("<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>{}", login.xml);
    login.refuses(&bomb);
}

/// Attack 17: an answer that says that the login failed, around an assertion that says otherwise.
#[test]
fn a_status_other_than_success_is_refused() {
    let login = answered();
    let denied = login.xml.replace("status:Success", "status:AuthnFailed");
    login.refuses(&denied);
}

#[test]
fn what_is_no_response_is_refused_without_a_panic() {
    let login = answered();
    for text in ["", "<", "<a/>", "\u{0}", &"<a>".repeat(10_000)] {
        assert!(login.finish(text).is_err(), "{}", text.len());
    }
    let long = "A".repeat(MAX_RESPONSE + 1);
    assert!(login.client.finish(&login.begun.kept, &long, &login.begun.state, now_ms()).is_err());
    let wrong = login.client.finish(&login.begun.kept, &STANDARD.encode(&login.xml), "another", now_ms());
    assert!(wrong.is_err(), "another relay state");
    for at in (0..login.xml.len()).step_by(997) {
        let mut bytes = login.xml.clone().into_bytes();
        bytes[at] ^= 0x11;
        let _ = login.client.finish(&login.begun.kept, &STANDARD.encode(bytes), &login.begun.state, now_ms());
    }
}
