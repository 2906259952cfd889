//! The operator's file of providers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::directory::Rule;
use crate::mapping::Mapping;

/// Most providers.
const MAX_PROVIDERS: usize = 64;

/// A provider of logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name in addresses: 1 to 40 of a-z, 0-9 and `-`.
    pub name: String,
    /// How its claims are read.
    pub map: Mapping,
    /// How it says who somebody is, with what that needs.
    pub protocol: Protocol,
}

/// By which protocol a provider says who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// OpenID Connect, code flow.
    Oidc(Oidc),
    /// SAML 2.0, Web Browser SSO.
    Saml(SamlIdp),
}

/// An OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Its issuer, exactly as its discovery document and its tokens write it.
    pub issuer: String,
    /// What it calls this district's node.
    pub client_id: String,
    /// The secret that it shares, where it does.
    pub client_secret: Option<String>,
    /// How the secret is sent; none: as the discovery document says.
    pub client_auth: Option<ClientAuth>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
}

/// How a client shows its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// `client_secret_basic`: in the header.
    Basic,
    /// `client_secret_post`: in the form.
    Post,
}

/// A SAML identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlIdp {
    /// The `entityID` of its metadata, by which its answers name it.
    pub entity_id: String,
    /// Its metadata, XML, as the operator was given it: its certificates are trusted because the file is there.
    pub metadata: String,
    /// With what this district signs its requests and answers, where it does.
    pub signing: Option<Signing>,
}

/// A key of this district's own, RSA, and its certificate: PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Signing {
    /// The private key.
    pub key: String,
    /// The certificate, which the provider finds in this district's metadata.
    pub certificate: String,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Why a file of providers is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not TOML of this form.
    #[error("{0}")]
    Form(String),
    /// A provider that cannot be used.
    #[error("[[provider]] {name}: {reason}")]
    Provider {
        /// The provider's name in the file.
        name: String,
        /// Why.
        reason: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    provider: Vec<Raw>,
    directory: Option<Rule>,
}

/// What a file says: who may log in, and how a directory that is kept by SCIM decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Each `[[provider]]`.
    pub providers: Vec<Provider>,
    /// `[directory]`; none: no directory is kept.
    pub directory: Option<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    protocol: Word,
    issuer: Option<String>,
    client_id: Option<String>,
    client_secret_file: Option<PathBuf>,
    client_auth: Option<ClientAuth>,
    scopes: Option<Vec<String>>,
    entity_id: Option<String>,
    metadata: Option<PathBuf>,
    signing_key_file: Option<PathBuf>,
    signing_certificate: Option<PathBuf>,
    map: Mapping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Oidc,
    Saml,
}

/// Reads a file of providers; `read` gives the text of the files that it names.
///
/// # Errors
/// [`SettingsError`].
pub fn read(text: &str, read: impl Fn(&Path) -> Result<String, String>) -> Result<Registered, SettingsError> {
    let file: File = toml::from_str(text).map_err(|error| SettingsError::Form(error.to_string()))?;
    if file.provider.len() > MAX_PROVIDERS {
        return Err(SettingsError::Form(format!("more than {MAX_PROVIDERS} providers")));
    }
    if let Some(fault) = file.directory.as_ref().and_then(|rule| rule.map.fault()) {
        return Err(SettingsError::Form(format!(
            "[directory]: {}",
            fault.replace("provider.", "directory.")
        )));
    }
    let mut names = BTreeSet::new();
    let provider = |raw: Raw| {
        let name = raw.name.clone();
        let refused = |reason: String| SettingsError::Provider { name: name.clone(), reason };
        if !crate::mapping::is_name(&name) || !names.insert(name.clone()) {
            return Err(refused("a name is 1 to 40 of a-z, 0-9 and -, each once".into()));
        }
        if let Some(fault) = raw.map.fault() {
            return Err(refused(fault.into()));
        }
        let map = raw.map.clone();
        let protocol = protocol(raw, &read).map_err(refused)?;
        Ok(Provider { name: name.clone(), map, protocol })
    };
    let providers = file.provider.into_iter().map(provider).collect::<Result<_, _>>()?;
    Ok(Registered { providers, directory: file.directory })
}

fn protocol(raw: Raw, read: &impl Fn(&Path) -> Result<String, String>) -> Result<Protocol, String> {
    let need = |value: Option<String>, what: &str| {
        value.filter(|text| !text.is_empty()).ok_or_else(|| format!("{what} is missing"))
    };
    match raw.protocol {
        Word::Oidc => {
            let files = [&raw.metadata, &raw.signing_key_file, &raw.signing_certificate];
            if raw.entity_id.is_some() || files.iter().any(|file| file.is_some()) {
                return Err(
                    "entity_id, metadata, signing_key_file and signing_certificate are of protocol = \"saml\"".into()
                );
            }
            let issuer = need(raw.issuer, "issuer")?;
            if !is_secure(&issuer) {
                return Err("issuer is an https address; http is for this machine alone".into());
            }
            let secret = raw.client_secret_file.as_deref().map(read).transpose()?;
            Ok(Protocol::Oidc(Oidc {
                issuer,
                client_id: need(raw.client_id, "client_id")?,
                client_auth: raw.client_auth,
                client_secret: secret.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
                scopes: raw.scopes.unwrap_or_else(|| vec!["profile".into(), "email".into()]),
            }))
        }
        Word::Saml => {
            if raw.issuer.is_some()
                || raw.client_id.is_some()
                || raw.client_secret_file.is_some()
                || raw.client_auth.is_some()
                || raw.scopes.is_some()
            {
                return Err(
                    "issuer, client_id, client_secret_file, client_auth and scopes are of protocol = \"oidc\"".into()
                );
            }
            let signing = match (raw.signing_key_file, raw.signing_certificate) {
                (Some(key), Some(certificate)) => {
                    Some(Signing { key: read(&key)?, certificate: read(&certificate)? })
                }
                (None, None) => None,
                _ => return Err("signing_key_file and signing_certificate go together".into()),
            };
            let path = raw.metadata.ok_or("metadata is missing: the provider's file of metadata")?;
            Ok(Protocol::Saml(SamlIdp {
                entity_id: need(raw.entity_id, "entity_id")?,
                metadata: read(&path)?,
                signing,
            }))
        }
    }
}

/// Whether what goes there is encrypted, or stays on this machine.
pub fn is_secure(url: &str) -> bool {
    aula_foreign::address::origin(url).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str =
        "[provider.map]\nreader = \"sub\"\nrole = [{claim=\"g\",value=\"t\",role=\"teacher\"}]\n";

    fn of(text: &str) -> Result<Vec<Provider>, SettingsError> {
        read(&format!("[[provider]]\n{text}\n{MAP}"), |path| match path.to_str() {
            Some("secret") => Ok(" s3cret\n".into()),
            other => Err(format!("cannot read {other:?}")),
        })
        .map(|read| read.providers)
    }

    #[test]
    fn a_directory_has_a_mapping_of_its_own_and_decides_unless_it_is_told_otherwise() {
        let of = |text: &str| read(text, |_| Err(String::new()));
        let map = "[directory.map]\nreader = \"userName\"\nrole = [{claim=\"roles\",value=\"t\",role=\"teacher\"}]\n";
        assert_eq!(of("").unwrap().directory, None);
        assert!(of(&format!("[directory]\n{map}")).unwrap().directory.is_some_and(|rule| rule.enforce));
        assert!(
            of(&format!("[directory]\nenforce = false\n{map}"))
                .unwrap()
                .directory
                .is_some_and(|rule| !rule.enforce)
        );
        for wrong in ["[directory]\n", "[directory]\n[directory.map]\nreader = \"userName\"\nrole = []\n"] {
            assert!(of(wrong).is_err_and(|error| !error.to_string().contains("provider")), "{wrong}");
        }
    }

    #[test]
    fn a_provider_is_read_with_its_secret_from_a_file_of_its_own() {
        let text = "name = \"east\"\nprotocol = \"oidc\"\nissuer = \"https://id.example\"\nclient_id = \"aula\"\nclient_secret_file = \"secret\"";
        let Protocol::Oidc(oidc) = of(text).unwrap().remove(0).protocol else { panic!("oidc") };
        assert_eq!((oidc.client_secret.as_deref(), oidc.scopes.len()), (Some("s3cret"), 2));
    }

    #[test]
    fn what_is_missing_mixed_or_not_encrypted_is_refused_with_its_name() {
        for (text, says) in [
            (
                "name = \"East\"\nprotocol = \"oidc\"\nissuer = \"https://id.example\"\nclient_id = \"a\"",
                "a name is",
            ),
            ("name = \"e\"\nprotocol = \"oidc\"\nclient_id = \"a\"", "issuer is missing"),
            ("name = \"e\"\nprotocol = \"oidc\"\nissuer = \"http://id.example\"\nclient_id = \"a\"", "https"),
            ("name = \"e\"\nprotocol = \"oidc\"\nissuer = \"https://id.example\"", "client_id is missing"),
            (
                "name = \"e\"\nprotocol = \"oidc\"\nissuer = \"https://id.example\"\nclient_id = \"a\"\nclient_secret_file = \"gone\"",
                "cannot read",
            ),
            ("name = \"e\"\nprotocol = \"saml\"\nentity_id = \"x\"", "metadata is missing"),
            (
                "name = \"e\"\nprotocol = \"saml\"\nentity_id = \"x\"\nmetadata = \"secret\"\nsigning_key_file = \"secret\"",
                "go together",
            ),
            ("name = \"e\"\nprotocol = \"saml\"\nissuer = \"https://id.example\"", "are of protocol"),
        ] {
            let error = of(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(is_secure("http://127.0.0.1:9/x") && is_secure("http://[::1]:9") && is_secure("https://a"));
        assert!(!is_secure("http://127.0.0.1.evil.example") && !is_secure("ftp://127.0.0.1"));
    }
}
