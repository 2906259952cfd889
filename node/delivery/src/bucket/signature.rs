//! AWS Signature Version 4, in headers, over the whole body.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// Who signs.
pub struct Signer {
    key_id: String,
    secret: String,
    region: String,
}

impl Signer {
    /// With this access key.
    pub fn new(key_id: &str, secret: &str, region: &str) -> Self {
        Self { key_id: key_id.to_owned(), secret: secret.to_owned(), region: region.to_owned() }
    }

    /// The headers of a request, at a moment in seconds since 1970. Path and query are encoded already, the query in order.
    pub fn sign(
        &self,
        method: &str,
        host: &str,
        (path, query): (&str, &str),
        body: &[u8],
        now_s: u64,
    ) -> [(&'static str, String); 3] {
        let (date, time) = moment(now_s);
        let payload = hex::encode(Sha256::digest(body));
        let names = "host;x-amz-content-sha256;x-amz-date";
        let request = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{payload}\nx-amz-date:{date}T{time}Z\n\n{names}\n{payload}"
        );
        let scope = format!("{date}/{}/s3/aws4_request", self.region);
        let text =
            format!("AWS4-HMAC-SHA256\n{date}T{time}Z\n{scope}\n{}", hex::encode(Sha256::digest(request)));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [date.as_str(), &self.region, "s3", "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        let signed = hex::encode(hmac(&key, text.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signed}",
            self.key_id
        );
        [
            ("authorization", authorization),
            ("x-amz-content-sha256", payload),
            ("x-amz-date", format!("{date}T{time}Z")),
        ]
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key) else { return Vec::new() };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// Everything but letters, digits and `-._~` as bytes in hex.
fn encoded(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            byte if kept.contains(&byte) => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A key as it stands in an address.
pub fn path(key: &str) -> String {
    encoded(key, b"/")
}

/// A query in the order in which it is signed.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| (encoded(name, &[]), encoded(value, &[]))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// `YYYYMMDD` and `HHMMSS` of a moment, UTC.
fn moment(now_s: u64) -> (String, String) {
    let (days, second) = (now_s / 86_400, now_s % 86_400);
    // Days of the proleptic Gregorian calendar, counted from 1 March of the year 0 in eras of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let time = format!("{:02}{:02}{:02}", second / 3_600, second / 60 % 60, second % 60);
    (format!("{year:04}{month:02}{day:02}"), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (seconds, date, time) in [
            (0, "19700101", "000000"),
            (951_782_400, "20000229", "000000"),
            (1_369_353_600, "20130524", "000000"),
            (1_795_996_799, "20261129", "235959"),
            (4_107_542_399, "21000228", "235959"),
        ] {
            assert_eq!(moment(seconds), (date.to_owned(), time.to_owned()));
        }
    }

    #[test]
    fn a_listing_is_signed_as_the_service_documents_it() {
        // AWS, "Examples of signature calculations in AWS Signature Version 4": GET bucket (list objects).
        let signer =
            Signer::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1");
        let query = query(&[("prefix", "J"), ("max-keys", "2")]);
        assert_eq!(query, "max-keys=2&prefix=J");
        let [(_, authorization), ..] =
            signer.sign("GET", "examplebucket.s3.amazonaws.com", ("/", &query), b"", 1_369_353_600);
        assert!(
            authorization
                .ends_with("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
            "{authorization}"
        );
        assert_eq!(path("a b/ü+.txt"), "a%20b/%C3%BC%2B.txt");
    }
}
