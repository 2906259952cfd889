//! Providers that sign the response and not the assertion in it, providers that replace their key, and what is done to their answers.

use super::*;

/// What a service says that takes responses which are signed as a whole.
fn of_whole(client: &Client) -> SpDescriptor {
    let wants = "WantAssertionsSigned=\"true\"";
    assert!(client.metadata().contains(wants), "signed assertions are asked for");
    let metadata = client.metadata().replace(wants, "WantAssertionsSigned=\"false\"");
    SpDescriptor::from_metadata_xml(&metadata, MetadataTrustPolicy::UnsignedForCompatibility).unwrap()
}

/// A login and its answer, the response signed and nothing else.
fn whole() -> Answered {
    let client = client();
    let begun = client.begin().unwrap();
    let xml = answer_to(&idp(), &of_whole(&client), &begun);
    let (_, assertion) = element(&xml, "Assertion");
    assert!(!assertion.contains("SignatureValue") && xml.contains("SignatureValue"), "{xml}");
    Answered { client, begun, xml }
}

/// A signed response's signature.
fn signature_of(xml: &str) -> String {
    element(xml, "Signature").1.to_owned()
}

/// An assertion without a signature, of another person under another number.
fn unsigned(assertion: &str) -> String {
    assertion.replace(&value_of(assertion, "ID"), "_forged").replace("t-1042", "admin-1")
}

/// The opening of the response's element, and all inside it.
fn opened(xml: &str) -> (String, String) {
    let from = xml.find("<samlp:Response").unwrap();
    let to = from + xml[from..].find('>').unwrap() + 1;
    let end = xml.rfind("</samlp:Response>").unwrap();
    (xml[from..to].to_owned(), xml[to..end].to_owned())
}

#[test]
fn a_response_that_is_signed_as_a_whole_gives_its_claims_once() {
    let login = whole();
    let claims = login.finish(&login.xml).unwrap();
    assert_eq!((&claims[NAME_ID][0], &claims["groups"][0]), (&"t-1042".to_owned(), &"teachers".to_owned()));
    assert!(login.finish(&login.xml).is_err(), "replayed");
    // Some providers break lines in what they encode.
    let login = whole();
    let text = STANDARD.encode(&login.xml);
    let lines: Vec<&str> =
        text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let state = &login.begun.state;
    assert!(login.client.finish(&login.begun.kept, &lines.join("\r\n"), state, now_ms()).is_ok());
}

#[test]
fn nothing_of_a_signed_response_can_be_changed_taken_out_or_put_in() {
    let changes: [&dyn Fn(&str) -> String; 8] = [
        &|xml| xml.replace("t-1042", "admin-1"),
        &|xml| xml.replace("teachers", "heads"),
        &|xml| xml.replace(&signature_of(xml), ""),
        &|xml| xml.replace("status:Success", "status:AuthnFailed"),
        &|xml| {
            let (_, assertion) = element(xml, "Assertion");
            xml.replace(assertion, &format!("{}{assertion}", unsigned(assertion)))
        },
        &|xml| {
            let (_, assertion) = element(xml, "Assertion");
            xml.replace(assertion, &format!("{assertion}{}", unsigned(assertion)))
        },
        &|xml| {
            let (_, assertion) = element(xml, "Assertion");
            xml.replace(assertion, &unsigned(assertion))
        },
        // The response's signature is given to the assertion alone.
        &|xml| {
            let (_, assertion) = element(xml, "Assertion");
            let signature = signature_of(xml);
            let at = assertion.find('>').unwrap() + 1;
            let with = format!("{}{signature}{}", &assertion[..at], &assertion[at..]);
            xml.replace(&signature, "").replace(assertion, &with.replace("t-1042", "admin-1"))
        },
    ];
    for (n, change) in changes.iter().enumerate() {
        let login = whole();
        let xml = change(&login.xml);
        assert_ne!(xml, login.xml, "{n}");
        login.refuses(&xml);
    }
}

/// A document made of a response's start, a forged assertion and the true response.
type Place<'a> = &'a dyn Fn(&str, &str, &str) -> String;

#[test]
fn a_signed_response_inside_a_forged_one_is_refused() {
    // Where the true response is hidden: beside the forged assertion, in an extension, in a signature's object; under its number or another.
    let places: [Place<'_>; 3] = [
        &|open, forged, real| format!("{open}{forged}{real}</samlp:Response>"),
        &|open, forged, real| {
            format!("{open}<samlp:Extensions>{real}</samlp:Extensions>{forged}</samlp:Response>")
        },
        &|open, forged, real| {
            let signature = signature_of(real);
            let end = signature.rfind("</").unwrap();
            let tag = signature[1..].split([' ', '>']).next().unwrap().replace("Signature", "Object");
            let bare = real.replace(&signature, "");
            let holder = format!("{}<{tag}>{bare}</{tag}>{}", &signature[..end], &signature[end..]);
            format!("{open}{holder}{forged}</samlp:Response>")
        },
    ];
    for (n, place) in places.iter().enumerate() {
        for same_number in [true, false] {
            let login = whole();
            let (open, inside) = opened(&login.xml);
            let (_, assertion) = element(&login.xml, "Assertion");
            let forged =
                inside.replace(&signature_of(&login.xml), "").replace(assertion, &unsigned(assertion));
            let open = if same_number { open } else { open.replace(&value_of(&open, "ID"), "_outer") };
            let real = &login.xml[login.xml.find("<samlp:Response").unwrap()..];
            let xml = place(&open, &forged, real);
            assert!(xml.contains("admin-1") && xml.contains("t-1042"), "{n}");
            login.refuses(&xml);
        }
    }
}

#[test]
fn a_stranger_s_signed_response_is_refused() {
    let login = whole();
    let stranger = idp_of(IDP, OTHER_KEY, OTHER_CERT);
    login.refuses(&answer_to(&stranger, &of_whole(&login.client), &login.begun));
}

#[test]
fn a_refusal_of_an_algorithm_says_which_are_taken() {
    assert_eq!(refused(&SamlError::AlgorithmUnsupported), Refused::Algorithm);
    assert!(Refused::Algorithm.to_string().contains("SHA-256"));
}

/// A provider that wants requests signed is not asked without a key.
#[test]
fn a_provider_that_wants_signed_requests_needs_a_key_and_gets_them() {
    let metadata = idp().metadata_xml().to_owned();
    let wants = metadata.replace("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"true\"");
    assert_ne!(wants, metadata);
    let own = || crate::settings::Signing { key: OTHER_KEY.into(), certificate: OTHER_CERT.into() };
    for (metadata, signing, signs) in [
        (&wants, Some(own()), Some(true)),
        (&wants, None, None),
        (&metadata, Some(own()), Some(false)),
        (&metadata, None, Some(false)),
    ] {
        let provider = SamlIdp { entity_id: IDP.into(), metadata: metadata.clone(), signing };
        let begun = Client::new(&provider, SP, ACS).map(|client| client.begin().unwrap().url);
        assert_eq!(begun.ok().map(|url| url.contains("Signature=")), signs);
    }
}

/// A provider publishes its next key beside the present one before it signs with it.
#[test]
fn each_key_of_the_provider_s_metadata_signs_and_no_other() {
    let next = idp_of(IDP, OTHER_KEY, OTHER_CERT);
    let (_, key) = element(next.metadata_xml(), "KeyDescriptor");
    let metadata = idp().metadata_xml().to_owned();
    let (at, _) = element(&metadata, "KeyDescriptor");
    let both = format!("{}{key}{}", &metadata[..at], &metadata[at..]);
    for (metadata, signs, taken) in [(&both, &idp(), true), (&both, &next, true), (&metadata, &next, false)] {
        let provider = SamlIdp { entity_id: IDP.into(), metadata: metadata.clone(), signing: None };
        let client = Client::new(&provider, SP, ACS).unwrap();
        let begun = client.begin().unwrap();
        let xml = answer_of(signs, &client, &begun);
        let said = client.finish(&begun.kept, &STANDARD.encode(xml), &begun.state, now_ms());
        assert_eq!(said.is_ok(), taken, "{said:?}");
    }
}

#[test]
fn an_encrypted_assertion_is_refused_with_what_to_do() {
    let login = answered();
    let (assertion, _) = parts(&login.xml);
    let hidden = "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>";
    assert_eq!(login.refuses(&login.xml.replace(&assertion, hidden)), Refused::Encrypted);
}
