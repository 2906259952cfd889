//! What lets the receiver of a webhook know who sent it, and when.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The header that carries the signature.
pub const HEADER: &str = "aula-signature";

/// `t=SECONDS,v1=HEX`: HMAC-SHA-256 under the shared secret over the decimal seconds since 1970, a point, and the body.
pub fn signature(secret: &[u8], seconds: u64, body: &[u8]) -> String {
    // A key of any length is taken: longer ones are hashed first.
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(secret) else { return String::new() };
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac and hashlib.
    #[test]
    fn the_signature_is_the_standard_one() {
        let told = signature(b"0123456789abcdef0123456789abcdef", 1_795_000_000, br#"{"report":"nightly"}"#);
        assert_eq!(told, "t=1795000000,v1=316447bf3d692b9a0f14f79083c76b88bbd97a216b033edd3a7230cc68b043eb");
        assert_ne!(
            told,
            signature(b"0123456789abcdef0123456789abcdef", 1_795_000_001, br#"{"report":"nightly"}"#)
        );
    }
}
