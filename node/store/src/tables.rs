//! Every column family, its key and its value. Numbers in keys are big endian, so that order is numeric.

use aula_ledger::types::{Handle, Hash, Height};

/// One column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Text key → see [`meta`]: format, genesis bytes, tip.
    Meta,
    /// Height → the header's canonical bytes; lists of blocks read these alone.
    Headers,
    /// Height → the block's canonical bytes.
    Blocks,
    /// Height → the commit certificate's canonical bytes.
    Certificates,
    /// Height → borsh list of the receipts, in the transactions' order.
    Receipts,
    /// Height → borsh list of the student-state leaves anchored, in order; only heights that anchored any.
    StudentLeaves,
    /// Block hash → height.
    BlockHashes,
    /// Transaction id → height and index (u32) in its block.
    Transactions,
    /// Height, round (u32), block hash → borsh of a block that is not decided yet.
    Undecided,
    /// The ledger's record key → record bytes, as of the tip.
    Values,
    /// Encoded node key → node of the authenticated map, as of the tip.
    MapNodes,
    /// Label length (u8), label, handle → row of a bulk tree, as of the tip.
    Rows,
    /// See [`super::ReadIndex`]: derived from the blocks, written behind them.
    ReadIndex,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 13] = [
        Self::Meta,
        Self::Headers,
        Self::Blocks,
        Self::Certificates,
        Self::Receipts,
        Self::StudentLeaves,
        Self::BlockHashes,
        Self::Transactions,
        Self::Undecided,
        Self::Values,
        Self::MapNodes,
        Self::Rows,
        Self::ReadIndex,
    ];

    /// The column family's name on disk; never changed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Headers => "headers",
            Self::Blocks => "blocks",
            Self::Certificates => "certificates",
            Self::Receipts => "receipts",
            Self::StudentLeaves => "student_leaves",
            Self::BlockHashes => "block_hashes",
            Self::Transactions => "transactions",
            Self::Undecided => "undecided",
            Self::Values => "values",
            Self::MapNodes => "map_nodes",
            Self::Rows => "rows",
            Self::ReadIndex => "read_index",
        }
    }

    /// True for a table that is made again from the others when it is missing.
    pub const fn is_derived(self) -> bool {
        matches!(self, Self::ReadIndex)
    }

    /// True for tables read by exact key, often for keys that are not there: they get Bloom filters.
    pub const fn is_point_read(self) -> bool {
        matches!(self, Self::BlockHashes | Self::Transactions | Self::Values | Self::MapNodes | Self::Rows)
    }
}

/// Keys of [`Table::Meta`].
pub mod meta {
    /// One byte: the version of this layout.
    pub const FORMAT: &[u8] = b"format";
    /// The genesis file's bytes.
    pub const GENESIS: &[u8] = b"genesis";
    /// Height (u64), hash (32 bytes), time in ms (u64) of the last decided block, big endian.
    pub const TIP: &[u8] = b"tip";
    /// Height (u64, big endian) of the lowest block that is kept; absent where all are.
    pub const OLDEST: &[u8] = b"oldest";
    /// One byte, see [`crate::Newcomer`]; absent where the chain was level once.
    pub const NEWCOMER: &[u8] = b"newcomer";
}

/// The layout that this program writes.
pub const FORMAT: u8 = 1;

/// Key of the tables by height.
pub fn height_key(height: Height) -> [u8; 8] {
    height.0.to_be_bytes()
}

/// Key of [`Table::Undecided`].
pub fn undecided_key(height: Height, round: u32, hash: &Hash) -> [u8; 44] {
    let mut key = [0; 44];
    key[..8].copy_from_slice(&height_key(height));
    key[8..12].copy_from_slice(&round.to_be_bytes());
    key[12..].copy_from_slice(&hash.0);
    key
}

/// What the keys of a bulk tree's rows start with; labels are at most 64 bytes.
pub fn rows_prefix(label: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + label.len() + 32);
    key.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(label.as_bytes());
    key
}

/// Key of [`Table::Rows`].
pub fn row_key(label: &str, handle: &Handle) -> Vec<u8> {
    let mut key = rows_prefix(label);
    key.extend_from_slice(&handle.0);
    key
}

/// Value of [`Table::Transactions`].
pub fn place(height: Height, index: u32) -> [u8; 12] {
    let mut value = [0; 12];
    value[..8].copy_from_slice(&height_key(height));
    value[8..].copy_from_slice(&index.to_be_bytes());
    value
}

/// The first key after all that start with `prefix`; none when there is no such key.
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=kept)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}
