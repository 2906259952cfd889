//! JSON-LD contexts, pinned: each an IRI, its bytes, and their SHA-256. Nothing is fetched, and a context that changed on
//! its server changes nothing here.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

/// A context as this program brings it: what its own server says now is not asked.
#[derive(Debug, Clone, Copy)]
pub struct Pinned {
    /// The IRIs that credentials name it by.
    pub urls: &'static [&'static str],
    /// SHA-256 of its bytes in hex.
    pub sha256: &'static str,
    /// Its bytes.
    pub text: &'static str,
}

/// The base context of VC Data Model 2.0.
pub const CREDENTIALS_V2: &str = "https://www.w3.org/ns/credentials/v2";
/// The base context of VC Data Model 1.1.
pub const CREDENTIALS_V1: &str = "https://www.w3.org/2018/credentials/v1";
/// The context of Open Badges 3.0 that is issued.
pub const OPEN_BADGES: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
/// What the proof options of Ed25519Signature2020 are read under when the document does not say.
pub const ED25519_2020: &str = "https://w3id.org/security/suites/ed25519-2020/v1";

macro_rules! pinned {
    ($($file:literal, $sha256:literal, [$($url:expr),+];)+) => {
        /// Every pinned context; sources and licences stand in `node/report/contexts/README.md`.
        pub const PINNED: &[Pinned] = &[$(Pinned {
            urls: &[$($url),+],
            sha256: $sha256,
            text: include_str!(concat!("../../contexts/", $file)),
        }),+];
    };
}

pinned! {
    "credentials-v2.jsonld", "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734", [CREDENTIALS_V2];
    "2018-credentials-v1.jsonld", "3d0b277522ed24385c850b9882b9688687189b8f37a9bd9f1577e348b1019c44", [CREDENTIALS_V1];
    "data-integrity-v1.jsonld", "c6e5073f4bd4bf6d08f245736e6f32c29b012860b18583644b2d71e1de862669",
        ["https://w3id.org/security/data-integrity/v1"];
    "security-suites-ed25519-2020-v1.jsonld", "67646fbc0d6582ad7fbf08ccf0d3a4bedbb4177fd2d63385de52dc1b092ed6c5",
        [ED25519_2020];
    "did-v1.jsonld", "adefa50311393eb1bd788a38ac9fe2696c65367928f6996812cd54577394f4da", ["https://www.w3.org/ns/did/v1"];
    "ob-v3p0-3.0.3.json", "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84", [OPEN_BADGES];
    "ob-v3p0-3.0.2.json", "bba433989e1e700ca60838a3c22378e7d8381aeb0c9590f9ddf84d1714f10296",
        ["https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json"];
    "ob-v3p0-3.0.1.json", "cfc147db5fd5e3575b06bd471fe04784e92de69296f64a351b8dff0ec3372e9c",
        ["https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json"];
    "ob-v3p0.json", "b077fa134d909d92c1dcd1c153f2af1b244aeb415967fdc1467d7fc5dd48ac10",
        ["https://purl.imsglobal.org/spec/ob/v3p0/context.json", "https://purl.imsglobal.org/spec/ob/v3p0/context/ob_v3p0.jsonld"];
    "ob-v3p0-extensions.json", "146f85aa16effd7ca1da8056eb443f53ce1eca8a34186cb062832c0a97d889c3",
        ["https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"];
    "obv3x.jsonld", "798f8159c9a51fbb02517b7667ff9ecac1b3b0a295a676d583261fa8b991ed63",
        ["https://imsglobal.github.io/openbadges-specification/context.json"];
    "clr-v2p0-2.0.1.json", "880f1902d4158f2f33ce06af41b90719977cd1ea337a9de2e41edb3ff5e543d6",
        ["https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json"];
    "clr-v2p0.json", "e198d7b517d74c5036434ce495086f67b10244709e9a3df9dcb7f8b1579b6167",
        ["https://purl.imsglobal.org/spec/clr/v2p0/context.json"];
}

/// The contexts that documents may name.
#[derive(Debug, Clone, Default)]
pub struct Contexts {
    by_url: BTreeMap<String, Value>,
}

impl Contexts {
    /// The pinned ones.
    pub fn pinned() -> &'static Self {
        static ALL: OnceLock<Contexts> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut all = Self::default();
            for one in PINNED {
                // Every one parses; a test holds them.
                if let Ok(value) = serde_json::from_str::<Value>(one.text) {
                    for url in one.urls {
                        all.add(url, value.clone());
                    }
                }
            }
            all
        })
    }

    /// One more, for a caller that brings its own.
    pub fn add(&mut self, url: &str, context: Value) {
        self.by_url.insert(url.to_owned(), context);
    }

    /// The one of this IRI.
    pub fn get(&self, url: &str) -> Option<&Value> {
        self.by_url.get(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn every_pinned_context_has_its_hash_and_parses() {
        for one in PINNED {
            assert_eq!(hex::encode(Sha256::digest(one.text.as_bytes())), one.sha256, "{:?}", one.urls);
            for url in one.urls {
                assert!(
                    Contexts::pinned().get(url).is_some_and(|context| context.get("@context").is_some()),
                    "{url}"
                );
            }
        }
    }
}
