//! Rows of an anchored building: how one is read, and its leaf under the building's root.
//!
//! A row is a list of texts, each after its length in four bytes, low first: what kind of thing, its id, its fields. Its
//! key is SHA-256 over a domain, kind and id in the same form; rows stand in a row tree (EVIDENCE.md, section 4) in ascending
//! order of their keys. Who makes rows is no concern of the ledger's: it holds a root, and this checks a row against it.

use sha2::{Digest, Sha256};

use crate::types::Hash;

/// Most rows of a building.
pub const MAX_ROWS: u64 = 1_000_000;
/// Most bytes of a row that is shown.
pub const MAX_ROW_BYTES: usize = 65_536;

/// Before what a key is made of.
const DOMAIN: &[u8] = b"aula estate row 1";

/// One thing of a building, as it was anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// building, room, closure, meter, …
    pub kind: String,
    /// Which of its kind.
    pub id: String,
    /// What is said of it, in the order of its kind.
    pub fields: Vec<String>,
}

impl Row {
    /// Reads a row; none for other bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_ROW_BYTES {
            return None;
        }
        let mut texts = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (text, after) = after.split_at_checked(length)?;
            texts.push(std::str::from_utf8(text).ok()?.to_owned());
            rest = after;
        }
        let mut texts = texts.into_iter();
        let (kind, id) = texts.next().zip(texts.next())?;
        Some(Self { kind, id, fields: texts.collect() })
    }

    /// Where it stands among the rows of its building.
    pub fn key(&self) -> Hash {
        let mut hasher = Sha256::new();
        for part in [DOMAIN, self.kind.as_bytes(), self.id.as_bytes()] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            hasher.update(length.to_le_bytes());
            hasher.update(part);
        }
        Hash(hasher.finalize().into())
    }

    /// The bytes whose hash under the leaf's prefix is its leaf.
    pub fn leaf(&self, bytes: &[u8]) -> Vec<u8> {
        let row: [u8; 32] = Sha256::digest(bytes).into();
        [self.key().0, row].concat()
    }

    /// What it says, in words; texts of the district's are quoted.
    pub fn words(&self) -> String {
        let said: Vec<String> = self.fields.iter().map(|field| format!("{field:?}")).collect();
        format!("{} {:?}: {}", self.kind.escape_debug(), self.id, said.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(texts: &[&str]) -> Vec<u8> {
        texts
            .iter()
            .flat_map(|text| {
                [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat()
            })
            .collect()
    }

    #[test]
    fn a_row_is_read_whole_or_not_at_all() {
        let bytes = row(&["room", "A1", "30", "1.2"]);
        let read = Row::read(&bytes).unwrap();
        assert_eq!((read.kind.as_str(), read.id.as_str(), read.fields.len()), ("room", "A1", 2));
        assert_eq!(read.words(), "room \"A1\": \"30\", \"1.2\"");
        for cut in 1..bytes.len() {
            let shorter = Row::read(&bytes[..cut]);
            assert!(shorter.is_none_or(|shorter| shorter.fields.len() < 2), "{cut}");
        }
        assert_eq!(Row::read(&row(&["room"])), None);
        assert_eq!(Row::read(&[]), None);
        assert_eq!(Row::read(&[255; 9]), None);
        assert_eq!(Row::read(&[1, 0, 0, 0, 0xff, 0, 0, 0, 0]), None, "no UTF-8");
        assert_eq!(Row::read(&row(&["room", &"x".repeat(MAX_ROW_BYTES)])), None);
    }

    #[test]
    fn kind_and_id_make_the_key_and_cannot_be_shifted_into_each_other() {
        let key = |texts: &[&str]| Row::read(&row(texts)).unwrap().key();
        assert_ne!(key(&["room", "A1"]), key(&["roomA", "1"]));
        assert_eq!(key(&["room", "A1", "30"]), key(&["room", "A1", "31"]));
    }
}
