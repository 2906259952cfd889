//! Every limit, with its unit and its reason.

/// Most bytes of one file, unpacked: a state's largest district exports about 60 MB of users.
pub const MAX_FILE_BYTES: u64 = 512 << 20;
/// Most bytes of all files of one import, unpacked.
pub const MAX_TOTAL_BYTES: u64 = 1 << 30;
/// Bytes from which an archive that swells is looked at.
pub const SWELL_FROM_BYTES: u64 = 16 << 20;
/// How many times larger than its packed bytes a member may be beyond [`SWELL_FROM_BYTES`]: text of a roster packs 5 to
/// 40 times, a bomb about 1,000.
pub const MAX_SWELL: u64 = 200;
/// Most members of an archive: OneRoster has about twenty.
pub const MAX_MEMBERS: usize = 512;
/// Most rows of one import, all files together: they stand in memory, about a kilobyte each.
pub const MAX_ROWS: usize = 2_000_000;
/// Most characters of one cell: a field is a word or a sentence. An open quote swallows what follows and ends here.
pub const MAX_CELL_BYTES: usize = 64 << 10;
/// Most columns of a table: the widest export known has 1,711.
pub const MAX_COLUMNS: usize = 16_384;
/// Most bytes of one record of XML or one line of JSON.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// How deep elements of XML may lie in each other.
pub const MAX_DEPTH: usize = 64;
/// Most combinations of one result of a mapping: windows times measures.
pub const MAX_COMBINATIONS: usize = 10_000;
/// Most bytes of a mapping file.
pub const MAX_MAPPING_BYTES: usize = 1 << 20;
/// Most characters of a value in a report.
pub const MAX_TOLD_CHARS: usize = 200;
