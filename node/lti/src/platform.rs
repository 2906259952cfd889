//! The platforms that the operator registered, from a file.

pub use aula_foreign::address::origin;
use serde::Deserialize;

/// Most bytes of the file.
const MAX_FILE_BYTES: usize = 1 << 20;
/// The claim that names a student where a platform's registration says nothing else.
const SIS: &str = "lis_person_sourcedid";

/// Why a file of platforms is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformsError {
    /// Not TOML, or a key that is not known.
    #[error("the platforms are refused: {0}")]
    Toml(String),
    /// One that cannot be one.
    #[error("the platform {0} is refused: {1}")]
    Platform(String, &'static str),
}

/// A learning platform that may launch the tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// What the operator calls it; the access log names it so.
    pub name: String,
    /// The `iss` of its tokens, exactly.
    pub issuer: String,
    /// The tool's client id there.
    pub client_id: String,
    /// The deployments that are taken.
    pub deployments: Vec<String>,
    /// Where logins go.
    pub auth_url: String,
    /// Where tokens for its services come from.
    pub token_url: String,
    /// Where its keys are published.
    pub jwks_url: String,
    /// Other origins that may frame a page or offer its services, `https://HOST`.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The claim that is a student's identifier in the district: `lis_person_sourcedid`, `sub`, or `custom.NAME`.
    #[serde(default = "sis")]
    pub student_claim: String,
    /// The claim that is a teacher's name on the district's roster.
    #[serde(default = "sis")]
    pub teacher_claim: String,
    /// Whether progress is sent back when a student launches and the platform granted it.
    #[serde(default)]
    pub send_progress: bool,
}

fn sis() -> String {
    SIS.into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    platform: Vec<Platform>,
}

/// Reads a file of platforms.
///
/// # Errors
/// [`PlatformsError`].
pub fn read(text: &str) -> Result<Vec<Platform>, PlatformsError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(PlatformsError::Toml("the file has more than a megabyte".into()));
    }
    let file: File = toml::from_str(text).map_err(|error| PlatformsError::Toml(error.to_string()))?;
    for (at, platform) in file.platform.iter().enumerate() {
        let refused = |why| Err(PlatformsError::Platform(platform.name.clone(), why));
        let urls = [&platform.auth_url, &platform.token_url, &platform.jwks_url];
        if urls.iter().any(|url| origin(url).is_none())
            || platform.origins.iter().any(|one| origin(one).is_none())
        {
            return refused("its URLs must begin with https://, or http:// on loopback");
        }
        if platform.issuer.is_empty() || platform.client_id.is_empty() || platform.deployments.is_empty() {
            return refused("it needs issuer, client_id and deployments");
        }
        if file.platform.iter().take(at).any(|one| one.name == platform.name) {
            return refused("another platform has this name");
        }
        let same = |one: &&Platform| one.issuer == platform.issuer && one.client_id == platform.client_id;
        if file.platform.iter().take(at).any(|one| same(&one)) {
            return refused("another platform has this issuer and client_id");
        }
        for claim in [&platform.student_claim, &platform.teacher_claim] {
            if claim != SIS && claim != "sub" && !claim.starts_with("custom.") {
                return refused("a claim is lis_person_sourcedid, sub or custom.NAME");
            }
        }
    }
    Ok(file.platform)
}

impl Platform {
    /// The origins that are this platform's.
    pub fn own_origins(&self) -> Vec<String> {
        let urls = [&self.issuer, &self.auth_url, &self.token_url, &self.jwks_url];
        let mut origins: Vec<String> =
            urls.into_iter().chain(&self.origins).filter_map(|url| origin(url)).collect();
        origins.sort();
        origins.dedup();
        origins
    }

    /// Whether an address that a launch names is this platform's own: a launch sends nothing anywhere else.
    pub fn has(&self, url: &str) -> bool {
        origin(url).is_some_and(|origin| self.own_origins().contains(&origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[platform]]\nname = 'lms'\nissuer = 'https://lms.example.org'\nclient_id = 'c1'\ndeployments = ['1']\n\
                        auth_url = 'https://lms.example.org/auth'\ntoken_url = 'https://sso.example.org/token'\n\
                        jwks_url = 'https://lms.example.org/jwks'\n";

    #[test]
    fn a_platform_is_read_and_what_cannot_be_one_refused() -> Result<(), PlatformsError> {
        let platforms = read(GOOD)?;
        assert_eq!(platforms[0].own_origins(), ["https://lms.example.org", "https://sso.example.org"]);
        assert!(platforms[0].has("https://sso.example.org/api/lti/1/memberships?page=2"));
        for url in [
            "https://lms.example.org.evil.org/",
            "http://lms.example.org/",
            "https://lms.example.org:8443/x",
            "https://lms.example.org@evil.org/",
            "file:///etc/passwd",
            "https:///x",
            "https://evil.org\\lms.example.org",
        ] {
            assert!(!platforms[0].has(url), "{url}");
        }
        for (from, to) in [
            ("https://sso", "http://sso"),
            ("['1']", "[]"),
            ("name =", "nom ="),
            ("client_id = 'c1'", "client_id = ''"),
            ("jwks_url", "student_claim = 'email'\njwks_url"),
        ] {
            assert!(read(&GOOD.replace(from, to)).is_err(), "{to}");
        }
        assert!(read(&format!("{GOOD}{GOOD}")).is_err());
        assert!(read(&format!("{GOOD}{}", GOOD.replace("'lms'", "'other'"))).is_err());
        assert!(read(&GOOD.replace("https://lms", "http://127.0.0.1:8080/lms")).is_ok());
        Ok(())
    }
}
