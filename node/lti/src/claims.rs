//! What the claims of a launch must say, once its signature was checked.

use serde_json::Value;

use crate::platform::{Platform, origin};

const LTI: &str = "https://purl.imsglobal.org/spec/lti/claim/";
const DEEP_LINKING: &str = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings";
const ROSTER: &str = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice";
const GRADES: &str = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint";
const MEMBERSHIP: &str = "http://purl.imsglobal.org/vocab/lis/v2/membership#";

/// How far clocks may differ, milliseconds.
const LEEWAY_MS: u64 = 60_000;
/// How old a token may be, milliseconds: it was made for this login.
const MAX_AGE_MS: u64 = 600_000;
/// Most characters of a user's identifier (LTI 1.3, 5.3.6).
const MAX_SUB: usize = 255;

/// Why a launch is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A claim that is not there, or is not as it must be.
    #[error("{0} {1}")]
    Claim(&'static str, &'static str),
}

/// In which role the user is in the course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A student.
    Learner,
    /// A teacher.
    Instructor,
    /// Somebody else: nothing is open.
    Other,
}

/// What is launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A link in a course.
    Resource {
        /// Its identifier.
        link: String,
    },
    /// The choice of a link.
    DeepLink {
        /// Where the choice goes.
        return_url: String,
        /// What goes back with it: a text by the standard, whatever some platforms like.
        data: Option<Value>,
    },
}

/// The platform's service of grades, as it was granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grades {
    /// What was granted.
    pub scopes: Vec<String>,
    /// The line of this link.
    pub line_item: Option<String>,
}

impl Grades {
    /// Whether the platform granted this.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }
}

/// What a signed launch says, once every claim is as the standard wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The platform's name.
    pub platform: String,
    /// Which installation of the tool at the platform: one of those registered.
    pub deployment: String,
    /// What is launched.
    pub kind: Kind,
    /// The user there; none of an anonymous launch.
    pub user: Option<String>,
    /// Who teaches is a teacher, in whatever other role; who is neither teacher nor learner is something else.
    pub role: Role,
    /// The user's identifier in the district, by the claim that the registration names for the role.
    pub district_id: Option<String>,
    /// The course.
    pub context: Option<String>,
    /// Where the course's roster is.
    pub roster_url: Option<String>,
    /// Where scores go; none when the platform granted no service of grades.
    pub grades: Option<Grades>,
}

/// What every token says, whatever it launches: from whom, for whom, when, and of which login.
fn token(claims: &Value, platform: &Platform, (nonce, now_ms): (&str, u64)) -> Result<(), Refused> {
    let wrong = |claim, what| Err(Refused::Claim(claim, what));
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&platform.issuer) {
        return wrong("iss", "is another issuer");
    }
    let ours = |value: &Value| value.as_str() == Some(&platform.client_id);
    let alone = match claims.get("aud") {
        Some(Value::Array(list)) => !list.is_empty() && list.iter().all(ours),
        Some(one) => ours(one),
        None => false,
    };
    if !alone {
        return wrong("aud", "is not this tool alone");
    }
    if claims.get("azp").is_some_and(|azp| !ours(azp)) {
        return wrong("azp", "is another client");
    }
    let moment_ms = |name: &str| {
        let seconds = claims.get(name).and_then(Value::as_f64).filter(|value| (0.0..1e11).contains(value))?;
        Some((seconds * 1_000.0) as u64)
    };
    match moment_ms("exp") {
        Some(exp) if exp.saturating_add(LEEWAY_MS) > now_ms => {}
        Some(_) => return wrong("exp", "is over"),
        None => return wrong("exp", "is missing"),
    }
    match moment_ms("iat") {
        Some(iat) if iat > now_ms.saturating_add(LEEWAY_MS) => return wrong("iat", "lies ahead"),
        Some(iat) if iat.saturating_add(MAX_AGE_MS) < now_ms => return wrong("iat", "is too long ago"),
        Some(_) => {}
        None => return wrong("iat", "is missing"),
    }
    if claims.get("nbf").is_some()
        && moment_ms("nbf").is_none_or(|nbf| nbf > now_ms.saturating_add(LEEWAY_MS))
    {
        return wrong("nbf", "lies ahead");
    }
    if text("nonce") != Some(nonce) {
        return wrong("nonce", "is not this login's");
    }
    Ok(())
}

/// Checks the claims of a verified token.
///
/// # Errors
/// [`Refused`] with the claim; its value is not told.
pub fn launch(
    claims: &Value,
    platform: &Platform,
    (tool, nonce, now_ms): (&str, &str, u64),
) -> Result<Launch, Refused> {
    token(claims, platform, (nonce, now_ms))?;
    let wrong = |claim, what| Err(Refused::Claim(claim, what));
    let of_lti = |name: &str| claims.get(format!("{LTI}{name}").as_str());
    let word = |name: &str| of_lti(name).and_then(Value::as_str);
    if word("version") != Some("1.3.0") {
        return wrong("version", "must be 1.3.0");
    }
    let deployment = word("deployment_id").unwrap_or_default();
    if !platform.deployments.iter().any(|own| own == deployment) {
        return wrong("deployment_id", "is not registered");
    }
    if !word("target_link_uri").is_some_and(|target| is_below(target, tool)) {
        return wrong("target_link_uri", "is not this tool's");
    }
    let user = match claims.get("sub") {
        None => None,
        Some(Value::String(sub)) if (1..=MAX_SUB).contains(&sub.chars().count()) => Some(sub.clone()),
        Some(_) => return wrong("sub", "must be a text of 1 to 255 characters"),
    };
    let roles = match of_lti("roles") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
        _ => return wrong("roles", "must be a list"),
    };
    let kind = match word("message_type") {
        Some("LtiResourceLinkRequest") => {
            let link = of_lti("resource_link").and_then(|link| link.get("id")).and_then(Value::as_str);
            match link.filter(|link| !link.is_empty()) {
                Some(link) => Kind::Resource { link: link.to_owned() },
                None => return wrong("resource_link", "must have an id"),
            }
        }
        Some("LtiDeepLinkingRequest") => deep_link(claims.get(DEEP_LINKING), platform)?,
        _ => return wrong("message_type", "must be LtiResourceLinkRequest or LtiDeepLinkingRequest"),
    };
    let role = role(&roles);
    let named = match role {
        Role::Instructor => &platform.teacher_claim,
        Role::Learner | Role::Other => &platform.student_claim,
    };
    let roster = claims.get(ROSTER).and_then(|roster| roster.get("context_memberships_url"));
    Ok(Launch {
        platform: platform.name.clone(),
        deployment: deployment.to_owned(),
        kind,
        district_id: district_id(claims, named),
        user,
        role,
        context: of_lti("context").and_then(|of| of.get("id")).and_then(Value::as_str).map(str::to_owned),
        roster_url: roster.and_then(Value::as_str).filter(|url| platform.has(url)).map(str::to_owned),
        grades: claims.get(GRADES).map(|grades| self::grades(grades, platform)),
    })
}

/// Whether a URL lies below the tool's own.
pub fn is_below(url: &str, tool: &str) -> bool {
    origin(url).is_some()
        && url.strip_prefix(tool).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

fn role(roles: &[&str]) -> Role {
    let has =
        |name: &str| roles.iter().any(|role| *role == name || role.strip_prefix(MEMBERSHIP) == Some(name));
    // Who teaches sees what a teacher sees, in whatever other role.
    match (has("Instructor"), has("Learner")) {
        (true, _) => Role::Instructor,
        (false, true) => Role::Learner,
        (false, false) => Role::Other,
    }
}

fn district_id(claims: &Value, named: &str) -> Option<String> {
    let value = match named.strip_prefix("custom.") {
        Some(custom) => claims.get(format!("{LTI}custom").as_str())?.get(custom)?,
        None if named == "sub" => claims.get("sub")?,
        None => claims.get(format!("{LTI}lis").as_str())?.get("person_sourcedid")?,
    };
    // A platform that does not know leaves the variable's name.
    value.as_str().filter(|text| !text.is_empty() && !text.starts_with('$')).map(str::to_owned)
}

fn deep_link(settings: Option<&Value>, platform: &Platform) -> Result<Kind, Refused> {
    const CLAIM: &str = "deep_linking_settings";
    let settings = settings.ok_or(Refused::Claim(CLAIM, "is missing"))?;
    let text = |name: &str| settings.get(name).and_then(Value::as_str);
    let return_url = text("deep_link_return_url").filter(|url| platform.has(url));
    let return_url = return_url.ok_or(Refused::Claim(CLAIM, "must return to the platform"))?;
    let accepted = settings.get("accept_types").and_then(Value::as_array).into_iter().flatten();
    if !accepted.into_iter().any(|kind| kind.as_str() == Some("ltiResourceLink")) {
        return Err(Refused::Claim(CLAIM, "must accept ltiResourceLink"));
    }
    Ok(Kind::DeepLink { return_url: return_url.to_owned(), data: settings.get("data").cloned() })
}

fn grades(grades: &Value, platform: &Platform) -> Grades {
    let scopes = grades.get("scope").and_then(Value::as_array).into_iter().flatten();
    let line = grades.get("lineitem").and_then(Value::as_str).filter(|url| platform.has(url));
    Grades {
        scopes: scopes.filter_map(Value::as_str).map(str::to_owned).collect(),
        line_item: line.map(str::to_owned),
    }
}
