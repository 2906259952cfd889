//! Bitstring Status List 1.0: whether a credential was revoked or suspended, and the issuer's own lists.
//!
//! A list is a credential itself; who verifies one judges the list first ([`super::verify()`]). Here is what it says.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::json::{has_type, many};
use super::keys::{base64url, multibase};
use super::limits::{MAX_LIST_BYTES, MIN_LIST_BITS};

/// What a list says of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Neither revoked nor suspended.
    Good,
    /// For good.
    Revoked,
    /// For now.
    Suspended,
    /// Nobody can say here.
    Unknown,
}

/// What a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `revocation`: for good.
    Revocation,
    /// `suspension`: until it is lifted.
    Suspension,
}

impl Purpose {
    /// As the standard writes it, in `statusPurpose`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
            Self::Suspension => "suspension",
        }
    }

    /// What a set bit means.
    pub const fn status(self) -> Status {
        match self {
            Self::Revocation => Status::Revoked,
            Self::Suspension => Status::Suspended,
        }
    }
}

/// Where a credential's status stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the list is for.
    pub purpose: Purpose,
    /// The list's address.
    pub list: String,
    /// The credential's bit.
    pub index: u64,
}

/// Why a list says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// A kind of status that is not read here.
    #[error("its status is of the kind {0}, which is not read here")]
    Kind(String),
    /// An entry that is not of its form.
    #[error("its status entry has no {0}")]
    Entry(&'static str),
    /// A list for something else.
    #[error("the list is for {list}, and the credential asks for {entry}")]
    Purpose {
        /// What the list's `statusPurpose` says.
        list: String,
        /// What the credential's entry says.
        entry: &'static str,
    },
    /// A list that cannot be unpacked.
    #[error("the list is not a bitstring: {0}")]
    Encoding(&'static str),
    /// Beyond the list's end.
    #[error("the list has {bits} bits and the credential's is number {index}")]
    Range {
        /// Bits of the list.
        bits: u64,
        /// The credential's.
        index: u64,
    },
}

/// Where a credential's statuses stand; purposes that say nothing of its validity (`message`, `refresh`) are left out.
///
/// # Errors
/// [`StatusError::Kind`], [`StatusError::Entry`].
pub fn entries(credential: &Value) -> Result<Vec<Entry>, StatusError> {
    let mut found = Vec::new();
    for one in many(credential.get("credentialStatus")) {
        if !has_type(one, "BitstringStatusListEntry") {
            let kind = one.get("type").map(Value::to_string).unwrap_or_default();
            return Err(StatusError::Kind(kind));
        }
        let text = |name: &'static str| one.get(name).and_then(Value::as_str);
        let purpose = match text("statusPurpose").ok_or(StatusError::Entry("statusPurpose"))? {
            "revocation" => Purpose::Revocation,
            "suspension" => Purpose::Suspension,
            _ => continue,
        };
        if one.get("statusSize").is_some_and(|size| size != 1 && size != "1") {
            return Err(StatusError::Kind("a list of more than one bit each".to_owned()));
        }
        let index = match one.get("statusListIndex") {
            Some(Value::String(digits)) => digits.parse().ok(),
            Some(number) => number.as_u64(),
            None => None,
        };
        found.push(Entry {
            purpose,
            list: text("statusListCredential").ok_or(StatusError::Entry("statusListCredential"))?.to_owned(),
            index: index.ok_or(StatusError::Entry("statusListIndex"))?,
        });
    }
    Ok(found)
}

/// What a verified list credential says of an entry.
///
/// # Errors
/// [`StatusError`].
pub fn look_up(list: &Value, entry: &Entry) -> Result<Status, StatusError> {
    let subject = list.get("credentialSubject").ok_or(StatusError::Encoding("it has no subject"))?;
    let purposes = many(subject.get("statusPurpose"));
    if !purposes.iter().any(|purpose| purpose == entry.purpose.word()) {
        let list = subject.get("statusPurpose").map(Value::to_string).unwrap_or_default();
        return Err(StatusError::Purpose { list, entry: entry.purpose.word() });
    }
    let bits = StatusList::unpack(subject)?;
    let set = bits.get(entry.index)?;
    Ok(if set { entry.purpose.status() } else { Status::Good })
}

/// A list of bits, the first leftmost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList {
    bytes: Vec<u8>,
}

impl Default for StatusList {
    fn default() -> Self {
        Self { bytes: vec![0; MIN_LIST_BITS / 8] }
    }
}

impl StatusList {
    /// From a list credential's subject.
    ///
    /// # Errors
    /// [`StatusError::Encoding`].
    pub fn unpack(subject: &Value) -> Result<Self, StatusError> {
        let text = subject.get("encodedList").and_then(Value::as_str).unwrap_or_default();
        let packed = Some(text).filter(|text| text.starts_with('u')).and_then(multibase);
        let packed = packed.ok_or(StatusError::Encoding("it is not multibase in base64url"))?;
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_LIST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let unpacked = MultiGzDecoder::new(&packed[..]).take(limit).read_to_end(&mut bytes);
        unpacked.map_err(|_| StatusError::Encoding("it is not packed with gzip"))?;
        match bytes.len() {
            n if n > MAX_LIST_BYTES => Err(StatusError::Encoding("it unpacks to more than 8,388,608 bits")),
            n if n < MIN_LIST_BITS / 8 => Err(StatusError::Encoding("it has fewer than 131,072 bits")),
            _ => Ok(Self { bytes }),
        }
    }

    /// How many bits.
    pub fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX).saturating_mul(8)
    }

    /// Never: a list has its least length.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn place(&self, index: u64) -> Result<(usize, u8), StatusError> {
        let range = StatusError::Range { bits: self.len(), index };
        let byte = usize::try_from(index / 8).ok().filter(|byte| *byte < self.bytes.len()).ok_or(range)?;
        Ok((byte, 0x80 >> (index % 8)))
    }

    /// A bit.
    ///
    /// # Errors
    /// [`StatusError::Range`].
    pub fn get(&self, index: u64) -> Result<bool, StatusError> {
        let (byte, mask) = self.place(index)?;
        Ok(self.bytes[byte] & mask != 0)
    }

    /// Sets or clears a bit; whether that changed it.
    ///
    /// # Errors
    /// [`StatusError::Range`].
    pub fn set(&mut self, index: u64, on: bool) -> Result<bool, StatusError> {
        let (byte, mask) = self.place(index)?;
        let before = self.bytes[byte] & mask != 0;
        self.bytes[byte] = if on { self.bytes[byte] | mask } else { self.bytes[byte] & !mask };
        Ok(before != on)
    }

    /// The text of `encodedList`. The same bits give the same text.
    pub fn pack(&self) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail.
        let _ = encoder.write_all(&self.bytes);
        base64url(&encoder.finish().unwrap_or_default())
    }

    /// The list's credential, not yet signed.
    pub fn credential(
        &self,
        url: &str,
        issuer: &str,
        purpose: Purpose,
        valid_from: &str,
    ) -> Map<String, Value> {
        let credential = json!({
            "@context": [super::contexts::CREDENTIALS_V2],
            "id": url,
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": issuer,
            "validFrom": valid_from,
            "credentialSubject": {
                "id": format!("{url}#list"),
                "type": "BitstringStatusList",
                "statusPurpose": purpose.word(),
                "encodedList": self.pack(),
            },
        });
        credential.as_object().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Bitstring Status List 1.0, 2.2: nothing is set.
    const EXAMPLE: &str = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA";

    fn subject(list: &str) -> Value {
        json!({"type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": list})
    }

    #[test]
    fn the_standards_example_has_no_bit_set() {
        let list = StatusList::unpack(&subject(EXAMPLE));
        assert_eq!(list, Ok(StatusList::default()));
    }

    #[test]
    fn the_first_bit_is_leftmost_and_a_list_comes_back() -> Result<(), StatusError> {
        let mut list = StatusList::default();
        assert!(list.set(0, true)? && list.set(131_071, true)? && !list.set(0, true)?);
        assert_eq!((list.bytes[0], list.bytes[16_383]), (0x80, 0x01));
        let back = StatusList::unpack(&subject(&list.pack()))?;
        assert_eq!(back, list);
        assert_eq!(back.get(131_072), Err(StatusError::Range { bits: 131_072, index: 131_072 }));
        Ok(())
    }

    #[test]
    fn a_list_that_unpacks_to_too_much_or_too_little_is_refused() {
        for bytes in [1, MIN_LIST_BITS / 8 - 1, MAX_LIST_BYTES + 1, 64 * MAX_LIST_BYTES] {
            let list = StatusList { bytes: vec![0; bytes] };
            assert!(
                matches!(StatusList::unpack(&subject(&list.pack())), Err(StatusError::Encoding(_))),
                "{bytes}"
            );
        }
        assert!(StatusList::unpack(&subject("uAAAA")).is_err());
        assert!(StatusList::unpack(&subject("zAAAA")).is_err());
    }

    #[test]
    fn a_list_for_something_else_says_nothing() {
        let list = json!({"credentialSubject": subject(EXAMPLE)});
        let entry = Entry { purpose: Purpose::Suspension, list: String::new(), index: 1 };
        assert!(matches!(look_up(&list, &entry), Err(StatusError::Purpose { .. })));
        let entry = Entry { purpose: Purpose::Revocation, ..entry };
        assert_eq!(look_up(&list, &entry), Ok(Status::Good));
    }

    #[test]
    fn entries_are_read_and_unknown_kinds_refused() {
        let mut credential = json!({"credentialStatus": {
            "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "94567",
            "statusListCredential": "https://example.com/3"}});
        let found = entries(&credential).unwrap_or_default();
        assert_eq!(
            found.first().map(|entry| (entry.index, entry.list.as_str())),
            Some((94_567, "https://example.com/3"))
        );
        credential["credentialStatus"]["statusSize"] = json!(2);
        assert!(entries(&credential).is_err());
        credential["credentialStatus"] = json!([{"type": "1EdTechRevocationList", "id": "urn:x"}]);
        assert!(matches!(entries(&credential), Err(StatusError::Kind(kind)) if kind.contains("1EdTech")));
    }
}
