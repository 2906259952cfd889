//! Other consortia whose certified heads stand on this ledger, by the block time of a view: what a ministry looks at.

use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Consortium};

use aula_store::ChainView;

/// Without a head for this long, in milliseconds of block time, a consortium is said to be silent: a day.
pub const SILENT_MS: u64 = 86_400_000;

/// A consortium with how old its newest head is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsortiumLine {
    /// As the ledger has it.
    pub record: Consortium,
    /// From the newest head's time, by that ledger's clock, to this ledger's newest block; none before the first head.
    pub age_ms: Option<u64>,
    /// Validators that decide its next block.
    pub validators: usize,
}

impl ConsortiumLine {
    /// Whether nothing was heard of it for a day, or ever.
    pub fn is_silent(&self) -> bool {
        self.age_ms.is_none_or(|age| age > SILENT_MS)
    }
}

/// All that were admitted, by name.
///
/// # Errors
/// When the database fails.
pub fn lines(view: &ChainView) -> Result<Vec<ConsortiumLine>, StoreError> {
    let now = view.tip().time_ms.0;
    let line = |record: Consortium| ConsortiumLine {
        age_ms: record.newest.as_ref().map(|head| now.saturating_sub(head.time_ms.0)),
        validators: record.next.validators().len(),
        record,
    };
    let mut lines: Vec<_> = schema::consortia(view)?.into_iter().map(line).collect();
    lines.sort_by_key(|line| (line.record.name.to_string(), line.record.genesis));
    Ok(lines)
}

/// A span of time in its two largest units: `2 d 3 h`, `5 min 0 s`.
pub fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    for (large, small) in units.iter().zip(units.iter().skip(1)) {
        if seconds >= large.0 {
            return format!("{} {} {} {}", seconds / large.0, large.1, seconds % large.0 / small.0, small.1);
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_two_largest_units() {
        let told = |seconds: u64| span(seconds * 1_000 + 999);
        assert_eq!((told(0), told(59), told(300)), ("0 s".into(), "59 s".into(), "5 min 0 s".into()));
        assert_eq!((told(3_600 + 1_199), told(86_399)), ("1 h 19 min".into(), "23 h 59 min".into()));
        assert_eq!(told(2 * 86_400 + 3 * 3_600), "2 d 3 h");
    }
}
