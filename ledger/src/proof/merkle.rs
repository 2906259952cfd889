//! RFC 9162 Merkle trees: leaf prefix 0x00, node prefix 0x01.
