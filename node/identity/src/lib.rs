//! Logins of a district's staff by what the district already has: OpenID Connect and SAML 2.0; sessions; tokens of programs.
//!
//! Flow: a browser is sent to a provider ([`oidc`], [`saml`]) → what the provider says of it becomes a reader's name, a role and
//! sections ([`mapping`]) → a session ([`sessions`]), or a token that the session made ([`tokens`]), is exchanged for a
//! short credential that the district signs ([`office`]). Who is staff may be kept by the district's identity system ([`scim`],
//! [`directory`]): whom it drops has no session and no token from then on. Tokens and the directory are files, which the other one of a
//! pair has before a change is told done ([`pair`]). Nothing here opens a record: the vault's own access check decides, and lists,
//! every read that such a credential asks for.
//!
//! Invariants: a login is bound to the browser that began it and is taken once, whatever comes of it; no claim that a provider has
//! not signed is looked at; secrets are kept as digests; who is no longer on the roster gets no credential. Absent: TLS, which a
//! proxy ends; passwords; accounts of its own.

pub mod claims;
pub mod directory;
pub mod http;
pub mod mapping;
pub mod office;
pub mod oidc;
pub mod pair;
pub mod saml;
pub mod scim;
pub mod sessions;
pub mod settings;
pub mod tokens;
