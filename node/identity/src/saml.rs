//! SAML 2.0 Web Browser SSO as a service provider: requests by redirect, responses by POST.
//!
//! The assertion or the whole response around it must be signed, by a key of the provider's metadata, RSA with SHA-2, one reference to
//! its own id, exclusive canonicalization; audience, recipient, destination, `InResponseTo` and times must be this request's; an assertion
//! is taken once. What is signed is what is read: the session's values come from the element that the signature covers (`saml-rs`).
//! A provider ends sessions by `ended`. Absent: encrypted assertions, since `rsa` is not to decrypt here.

use aula_foreign::secret::drawn;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use saml_rs::{
    AcsEndpoint, AssertionSignaturePolicy, AudienceValidationPolicy, AuthnRequest, AuthnRequestSigningPolicy,
    BrowserInput, CertificatePem, ClockSkew, Credentials, EntityId, FormField, IdpDescriptor,
    MetadataTrustPolicy, Pending, PrivateKeyPem, RelayStateParam, ReplayCache, ReplayKey, ReplayPolicy,
    ResponseSignaturePolicy, Saml, SamlError, SamlValidationContext, SloEndpoint, Sp, SpConfig,
    SpValidationPolicy, SsoResponse, StartSso, XmlSignatureProfile,
};

use crate::claims::{Claims, Said};
use crate::settings::SamlIdp;

mod ended;

pub use ended::{Answer, Came};

/// The claim with the subject's name.
pub const NAME_ID: &str = "NameID";
/// Most bytes of a response, in base64.
pub const MAX_RESPONSE: usize = 256 << 10;
/// Assertions that are remembered at most.
const MAX_TAKEN: usize = 100_000;
/// How far the provider's clock may be from this node's.
const SKEW_MS: i64 = 60_000;

/// Why nobody is logged in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The response is not one to this login.
    #[error("the login is refused: {0}")]
    Response(String),
    /// No signature covers the assertion.
    #[error("the login is refused: neither the assertion nor the response around it is signed")]
    Unsigned,
    /// The provider signs in a way that is forged, or could be.
    #[error(
        "the login is refused: it is not signed by RSA with SHA-256, SHA-384 or SHA-512: set the provider to one of these"
    )]
    Algorithm,
    /// The provider encrypts what it says.
    #[error(
        "the login is refused: the assertion is encrypted, which is not read here: have the provider send it plain over TLS"
    )]
    Encrypted,
    /// An attribute is named twice.
    #[error("the login is refused: the attribute {0} stands there twice")]
    Twice(String),
}

fn refused(error: &SamlError) -> Refused {
    match error {
        SamlError::AlgorithmUnsupported => Refused::Algorithm,
        error => Refused::Response(error.to_string()),
    }
}

fn descriptor(provider: &SamlIdp) -> Result<IdpDescriptor, SamlError> {
    // The operator's own file: it is trusted as it lies there.
    let trust = MetadataTrustPolicy::UnsignedForCompatibility;
    IdpDescriptor::from_metadata_xml_for(EntityId::try_new(&provider.entity_id)?, &provider.metadata, trust)
}

/// This service, as it is called and where it is reached. It signs its requests where the provider wants them signed.
fn service(
    provider: &SamlIdp,
    (entity_id, acs): (&str, &str),
    signs: bool,
    assertions: AssertionSignaturePolicy,
) -> Result<Saml<Sp>, SamlError> {
    let policy = SpValidationPolicy {
        assertions,
        responses: ResponseSignaturePolicy::RequireForEncryptedCbc,
        xml_signatures: XmlSignatureProfile::StrictRsaSha2,
        audience: AudienceValidationPolicy::Validate,
        authn_requests: match signs {
            true => AuthnRequestSigningPolicy::Sign,
            false => AuthnRequestSigningPolicy::DoNotSignForCompatibility,
        },
        ..SpValidationPolicy::recommended()
    };
    let credentials = provider.signing.as_ref().map_or_else(Credentials::default, |own| Credentials {
        signing_key: Some(PrivateKeyPem::new(own.key.as_str())),
        signing_certificate: Some(CertificatePem::new(own.certificate.as_str())),
        ..Credentials::default()
    });
    let logout = format!("{acs}/logout");
    let config = SpConfig::builder(EntityId::try_new(entity_id)?)
        .acs_endpoint(AcsEndpoint::post(acs)?)
        .slo_endpoint(SloEndpoint::redirect(logout.as_str())?)
        .slo_endpoint(SloEndpoint::post(logout.as_str())?)
        .credentials(credentials)
        .validation(policy)
        .build()?;
    Saml::sp(config)
}

/// Assertions and responses that were taken, each until it would be refused for its age.
#[derive(Debug, Default)]
struct Taken(HashMap<String, SystemTime>);

impl Taken {
    fn make_room(&mut self, now: SystemTime) -> bool {
        if self.0.len() >= MAX_TAKEN {
            self.0.retain(|_, until| *until > now);
        }
        self.0.len() < MAX_TAKEN
    }
}

impl ReplayCache for Taken {
    fn check_and_store(&mut self, key: ReplayKey, expires_at: SystemTime) -> Result<(), SamlError> {
        let key = key.cache_key();
        if self.0.contains_key(&key) {
            return Err(SamlError::ReplayDetected { key });
        }
        self.0.insert(key, expires_at);
        Ok(())
    }
}

/// What a login keeps until the browser comes back.
#[derive(Debug)]
pub struct Kept(Pending<AuthnRequest>);

/// Where a browser is sent, the state that comes back, and what is kept.
#[derive(Debug)]
pub struct Begun {
    /// The provider's page, with the request.
    pub url: String,
    /// The relay state.
    pub state: String,
    /// What the login keeps.
    pub kept: Kept,
}

/// A service provider for one identity provider.
pub struct Client {
    sp: Saml<Sp>,
    metadata: String,
    idp: IdpDescriptor,
    taken: Mutex<Taken>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("idp", self.idp.entity_id()).finish_non_exhaustive()
    }
}

impl Client {
    /// One that is called `entity_id`, hears responses at `acs`, and ends of sessions below it at `/logout`.
    ///
    /// # Errors
    /// An address or metadata that cannot be used.
    pub fn new(provider: &SamlIdp, entity_id: &str, acs: &str) -> Result<Self, String> {
        let idp = descriptor(provider).map_err(|error| error.to_string())?;
        let signs = idp.metadata().is_want_authn_requests_signed();
        if signs && provider.signing.is_none() {
            return Err(
                "it wants signed requests: give signing_key_file and signing_certificate (docs/identity.md)"
                    .into(),
            );
        }
        let made = || -> Result<Self, SamlError> {
            // Its metadata asks for signed assertions; of providers that can sign the response alone, that is enough.
            let asks = service(provider, (entity_id, acs), signs, AssertionSignaturePolicy::RequireSigned)?;
            let takes = AssertionSignaturePolicy::AllowUnsignedForCompatibility;
            let sp = service(provider, (entity_id, acs), signs, takes)?;
            let metadata = asks.metadata_xml().to_owned();
            Ok(Self { sp, metadata, idp, taken: Mutex::default() })
        };
        made().map_err(|error| error.to_string())
    }

    /// What the identity provider is given about this service: XML.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// Begins a login.
    ///
    /// # Errors
    /// [`Refused`] when the provider has no address for redirects.
    pub fn begin(&self) -> Result<Begun, Refused> {
        let state = drawn();
        let started = || -> Result<(String, Pending<AuthnRequest>), SamlError> {
            let relay = RelayStateParam::try_from_option(Some(state.clone()))?;
            let started = self.sp.start_sso(&self.idp, StartSso::redirect().relay_state(relay))?;
            Ok((started.outbound.redirect_url()?.to_owned(), started.pending))
        };
        let (url, pending) = started().map_err(|error| refused(&error))?;
        Ok(Begun { url, state, kept: Kept(pending) })
    }

    /// The claims of the response to a login; taken once.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn finish(&self, kept: &Kept, response: &str, state: &str, now_ms: u64) -> Result<Said, Refused> {
        if response.len() > MAX_RESPONSE {
            return Err(Refused::Response("the response is too long".into()));
        }
        // Some providers break the base64 into lines.
        let response: String = response.split_ascii_whitespace().collect();
        let now = UNIX_EPOCH + Duration::from_millis(now_ms);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if !taken.make_room(now) {
            return Err(Refused::Response("too many logins at once: try again in a few minutes".into()));
        }
        let validation = SamlValidationContext::new(now, ReplayPolicy::RequireCache(&mut *taken))
            .with_clock_skew(ClockSkew::from_millis(-SKEW_MS, SKEW_MS));
        let encrypted = STANDARD.decode(&response).is_ok_and(|xml| has(&xml, b"EncryptedAssertion"));
        let fields = vec![FormField::new("SAMLResponse", response), FormField::new("RelayState", state)];
        let input = BrowserInput::<SsoResponse>::post(fields);
        let session = self
            .sp
            .finish_sso(&self.idp, &kept.0, input, validation)
            .map_err(|error| if encrypted { Refused::Encrypted } else { refused(&error) })?;
        // Each kind of coverage has the assertion in it: its own signature, or that of the response around it.
        if session.verified_xml_signatures().is_empty() {
            return Err(Refused::Unsigned);
        }
        let mut claims = Claims::from([(NAME_ID.to_owned(), vec![session.name_id().value().to_owned()])]);
        for attribute in session.attributes().as_slice() {
            let values = attribute.values().iter().map(|value| value.as_str().to_owned()).collect();
            if claims.insert(attribute.name().to_owned(), values).is_some() {
                return Err(Refused::Twice(attribute.name().to_owned()));
            }
        }
        Ok(Said {
            claims,
            subject: Some(session.name_id().value().to_owned()),
            session: session.authn_session().session_index().map(|index| index.as_str().to_owned()),
        })
    }
}

/// Whether `bytes` hold `part`.
fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests;
