//! The part of Thrift's compact protocol that a Parquet file's head and pages need, written.
//!
//! Source: Apache Thrift, *Thrift Compact protocol encoding* (2018).

/// Field types of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    I32 = 5,
    I64 = 6,
    Binary = 8,
    List = 9,
    Struct = 12,
}

/// Writes one struct's fields, ascending by number.
#[derive(Debug, Default)]
pub struct Struct {
    bytes: Vec<u8>,
    last: i16,
}

fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

impl Struct {
    fn field(&mut self, number: i16, kind: Type) {
        let step = number.saturating_sub(self.last);
        // All structs here have steps from 1 to 15.
        self.bytes.push((step as u8) << 4 | kind as u8);
        self.last = number;
    }

    /// A number of 32 bits, or an enum.
    #[must_use]
    pub fn i32(mut self, number: i16, n: i32) -> Self {
        self.field(number, Type::I32);
        varint(&mut self.bytes, zigzag(n.into()));
        self
    }

    /// A number of 64 bits.
    #[must_use]
    pub fn i64(mut self, number: i16, n: i64) -> Self {
        self.field(number, Type::I64);
        varint(&mut self.bytes, zigzag(n));
        self
    }

    #[must_use]
    pub fn text(mut self, number: i16, text: &str) -> Self {
        self.field(number, Type::Binary);
        varint(&mut self.bytes, text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// A struct within this one.
    #[must_use]
    pub fn part(mut self, number: i16, inner: Self) -> Self {
        self.field(number, Type::Struct);
        self.bytes.extend(inner.finish());
        self
    }

    /// A list of structs within this one.
    #[must_use]
    pub fn parts(mut self, number: i16, inner: Vec<Self>) -> Self {
        self.list(number, Type::Struct, inner.len());
        inner.into_iter().for_each(|one| self.bytes.extend(one.finish()));
        self
    }

    /// Numbers of 32 bits.
    #[must_use]
    pub fn i32s(mut self, number: i16, all: &[i32]) -> Self {
        self.list(number, Type::I32, all.len());
        all.iter().for_each(|n| varint(&mut self.bytes, zigzag((*n).into())));
        self
    }

    #[must_use]
    pub fn texts(mut self, number: i16, all: &[&str]) -> Self {
        self.list(number, Type::Binary, all.len());
        for text in all {
            varint(&mut self.bytes, text.len() as u64);
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self
    }

    fn list(&mut self, number: i16, kind: Type, len: usize) {
        self.field(number, Type::List);
        match u8::try_from(len) {
            Ok(short) if short < 15 => self.bytes.push(short << 4 | kind as u8),
            _ => {
                self.bytes.push(0xf0 | kind as u8);
                varint(&mut self.bytes, len as u64);
            }
        }
    }

    /// The bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_protocol() {
        let inner = Struct::default().i32(1, -1);
        let bytes =
            Struct::default().i32(1, 150).text(4, "ab").parts(5, vec![inner]).i32s(6, &[1, 2]).finish();
        assert_eq!(
            bytes,
            [0x15, 0xac, 0x02, 0x38, 2, b'a', b'b', 0x19, 0x1c, 0x15, 0x01, 0, 0x19, 0x25, 2, 4, 0]
        );
    }
}
