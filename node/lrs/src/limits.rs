//! Every limit, with its unit and reason.

/// Most bytes of a request's body, attachments included: a page of statements, or one attached photograph.
pub const MAX_BODY_BYTES: usize = 16 << 20;
/// Most bytes of a form whose credentials stand in it: read before it is known who asks, so no more than a page of a browser of
/// before CORS could send.
pub const MAX_FORM_BYTES: usize = 256 << 10;
/// Most bytes of one statement as JSON: a statement is sentences, not files.
pub const MAX_STATEMENT_BYTES: usize = 1 << 20;
/// Most bytes of one document of state or profile.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;
/// Deepest nesting of JSON: the standard's own is 9, extensions get the rest.
pub const MAX_JSON_DEPTH: usize = 64;
/// Most members of one JSON object.
pub const MAX_JSON_MEMBERS: usize = 4_096;
/// Most characters of a number; an IEEE double needs 24.
pub const MAX_NUMBER_CHARS: usize = 64;
/// Largest decimal exponent either way: beyond it a double is infinite or zero, and readers disagree.
pub const MAX_EXPONENT: i64 = 308;
/// Most statements in one request.
pub const MAX_BATCH: usize = 1_000;
/// Most parts of a multipart body: a batch's statements and their attachments.
pub const MAX_PARTS: usize = 256;
/// Most statements on one page.
pub const MAX_PAGE: usize = 500;
/// Most bytes of the statements on one page; a page ends early.
pub const MAX_PAGE_BYTES: usize = 32 << 20;
/// Most rows that one query looks at before it answers with what it has and a `more` link.
pub const MAX_LOOKED_AT: usize = 100_000;
/// How far a chain of references is followed: A refers to B refers to C.
pub const MAX_REFERENCES: usize = 8;
/// Most bytes of an identifier: activity, verb, agent, state, profile.
pub const MAX_ID_BYTES: usize = 2_048;
/// How long one request may take, in seconds.
pub const REQUEST_TIMEOUT_S: u64 = 30;
/// Most requests served at once; more are refused with 503.
pub const MAX_REQUESTS: usize = 256;
