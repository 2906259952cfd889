//! SAML 2.0 Web Browser SSO as a service provider: requests by redirect, responses by POST.
//!
//! The assertion itself must be signed, by a key of the provider's metadata, RSA with SHA-2, one reference to its own id, exclusive
//! canonicalization; audience, recipient, destination, `InResponseTo` and times must be this request's; an assertion is taken once. What
//! is signed is what is read: the session's values come from the element that the signature covers (`saml-rs`).

use aula_foreign::secret::drawn;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use saml_rs::{
    AcsEndpoint, AssertionSignaturePolicy, AudienceValidationPolicy, AuthnRequest, BrowserInput, ClockSkew,
    EntityId, FormField, IdpDescriptor, MetadataTrustPolicy, Pending, RelayStateParam, ReplayCache,
    ReplayKey, ReplayPolicy, ResponseSignaturePolicy, Saml, SamlError, SamlValidationContext, Sp, SpConfig,
    SpValidationPolicy, SsoResponse, StartSso, VerifiedXmlSignatureCoverage, XmlSignatureProfile,
};

use crate::claims::Claims;
use crate::settings::SamlIdp;

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
    #[error("the login is refused: the assertion itself is not signed")]
    Unsigned,
    /// An attribute is named twice.
    #[error("the login is refused: the attribute {0} stands there twice")]
    Twice(String),
}

fn refused(error: &SamlError) -> Refused {
    Refused::Response(error.to_string())
}

fn descriptor(provider: &SamlIdp) -> Result<IdpDescriptor, SamlError> {
    // The operator's own file: it is trusted as it lies there.
    let trust = MetadataTrustPolicy::UnsignedForCompatibility;
    IdpDescriptor::from_metadata_xml_for(EntityId::try_new(&provider.entity_id)?, &provider.metadata, trust)
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
    idp: IdpDescriptor,
    taken: Mutex<Taken>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("idp", self.idp.entity_id()).finish_non_exhaustive()
    }
}

impl Client {
    /// One that is called `entity_id` and hears responses at `acs`.
    ///
    /// # Errors
    /// An address or metadata that cannot be used.
    pub fn new(provider: &SamlIdp, entity_id: &str, acs: &str) -> Result<Self, String> {
        let made = || -> Result<(Saml<Sp>, IdpDescriptor), SamlError> {
            let policy = SpValidationPolicy {
                assertions: AssertionSignaturePolicy::RequireSigned,
                responses: ResponseSignaturePolicy::RequireForEncryptedCbc,
                xml_signatures: XmlSignatureProfile::StrictRsaSha2,
                audience: AudienceValidationPolicy::Validate,
                ..SpValidationPolicy::recommended()
            };
            let config = SpConfig::builder(EntityId::try_new(entity_id)?)
                .acs_endpoint(AcsEndpoint::post(acs)?)
                .validation(policy)
                .build()?;
            Ok((Saml::sp(config)?, descriptor(provider)?))
        };
        let (sp, idp) = made().map_err(|error| error.to_string())?;
        Ok(Self { sp, idp, taken: Mutex::default() })
    }

    /// What the identity provider is given about this service: XML.
    pub fn metadata(&self) -> &str {
        self.sp.metadata_xml()
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
    pub fn finish(&self, kept: &Kept, response: &str, state: &str, now_ms: u64) -> Result<Claims, Refused> {
        if response.len() > MAX_RESPONSE {
            return Err(Refused::Response("the response is too long".into()));
        }
        let now = UNIX_EPOCH + Duration::from_millis(now_ms);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if !taken.make_room(now) {
            return Err(Refused::Response("too many logins at once: try again in a few minutes".into()));
        }
        let validation = SamlValidationContext::new(now, ReplayPolicy::RequireCache(&mut *taken))
            .with_clock_skew(ClockSkew::from_millis(-SKEW_MS, SKEW_MS));
        let fields = vec![FormField::new("SAMLResponse", response), FormField::new("RelayState", state)];
        let input = BrowserInput::<SsoResponse>::post(fields);
        let session =
            self.sp.finish_sso(&self.idp, &kept.0, input, validation).map_err(|error| refused(&error))?;
        let covers = |coverage| {
            matches!(
                coverage,
                VerifiedXmlSignatureCoverage::ConsumedAssertion
                    | VerifiedXmlSignatureCoverage::ResponseRootAndConsumedAssertion
            )
        };
        if !session.verified_xml_signatures().iter().any(|one| covers(one.coverage())) {
            return Err(Refused::Unsigned);
        }
        let mut claims = Claims::from([(NAME_ID.to_owned(), vec![session.name_id().value().to_owned()])]);
        for attribute in session.attributes().as_slice() {
            let values = attribute.values().iter().map(|value| value.as_str().to_owned()).collect();
            if claims.insert(attribute.name().to_owned(), values).is_some() {
                return Err(Refused::Twice(attribute.name().to_owned()));
            }
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests;
