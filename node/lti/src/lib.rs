//! An LTI 1.3 tool (1EdTech): who launches it from a learning platform sees what is that user's own, and nothing else.
//!
//! | module | is |
//! |---|---|
//! | [`platform`] | the platforms that the operator registered |
//! | [`jwt`] | tokens signed with RS256, and nothing else |
//! | [`keys`] | the tool's own keys: drawn, rotated, published |
//! | [`claims`] | what a launch must say |
//! | [`logins`] | logins that began, and sessions |
//! | [`services`] | a platform's roster (NRPS 2.0) and grades (AGS 2.0), with the scopes that it granted |
//! | [`records`] | what the district lets a launching user see: asked of a trait |
//! | [`page`] | the pages |
//! | [`http`] | the routes |
//!
//! Flow: a platform begins a login → the browser is sent back to it with a state and a nonce → the launch is posted, verified
//! and taken once → the browser proves that it began the login, by cookie or the platform's storage → a session → the page
//! asks with a bearer. Invariants: a state opens one launch; a session names one user; no cookie opens anything by itself; only
//! registered platforms may frame a page. Absent: TLS, which a proxy ends; the vault.

pub mod claims;
pub mod http;
pub mod jwt;
pub mod keys;
pub mod logins;
pub mod page;
pub mod platform;
pub mod records;
pub mod services;
