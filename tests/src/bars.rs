//! Bars that measured times are held to where a script asks for it (`AULA_FAULT_BARS=1`). In the gate they are printed alone: a test that
//! fails because its machine is busy says nothing of what it tests.

use anyhow::{Result, ensure};

/// Whether this process was asked to hold times to their bars.
#[must_use]
pub fn are_held() -> bool {
    std::env::var("AULA_FAULT_BARS").is_ok_and(|word| word == "1")
}

/// What was measured beside its bars, and what lay over them.
#[derive(Debug)]
pub struct Bars {
    are_held: bool,
    over: Vec<String>,
}

impl Bars {
    /// As this process was asked.
    #[must_use]
    pub fn asked() -> Self {
        Self::of(are_held())
    }

    const fn of(are_held: bool) -> Self {
        Self { are_held, over: Vec::new() }
    }

    /// Prints what was measured with its bar, in seconds.
    pub fn seconds(&mut self, what: &str, measured: f64, bar: f64) {
        let line = format!("{what}: {measured:.2} s (bar {bar})");
        println!("measured: {line}");
        if measured > bar {
            self.over.push(line);
        }
    }

    /// At the end, so that everything else was looked at and printed.
    ///
    /// # Errors
    /// When something lay over its bar and bars are held.
    pub fn judge(self) -> Result<()> {
        ensure!(!self.are_held || self.over.is_empty(), "over the bar: {}", self.over.join("; "));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_over_its_bar_fails_where_bars_are_held_and_nowhere_else() {
        for (are_held, measured, passes) in [(true, 2.5, true), (true, 2.51, false), (false, 9.0, true)] {
            let mut bars = Bars::of(are_held);
            bars.seconds("a turn", measured, 2.5);
            bars.seconds("a block", 0.4, 1.0);
            let judged = bars.judge();
            assert_eq!(judged.is_ok(), passes, "{judged:?}");
            assert!(judged.err().is_none_or(|error| error.to_string().contains("a turn")));
        }
    }
}
