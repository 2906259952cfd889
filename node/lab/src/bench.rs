//! Figures of this program on this machine, each from one command that anybody can run again.

use std::path::{Path, PathBuf};

use aula_home::clock::now_ms;
use aula_home::config::set;
use aula_home::{Advise, Failure, Home};
use serde_json::Value;

pub mod feed;
pub mod join;
pub mod ledger;
mod load;
pub mod reads;
pub mod replicas;
pub mod zk;

/// What a bench found.
#[derive(Debug, Clone)]
pub struct Figures {
    /// One line of JSON.
    pub json: Value,
    /// The same for people.
    pub text: String,
    /// Whether the bar is kept, where there is one.
    pub within: bool,
}

/// A temporary folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn temporary() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("aula-bench-{}-{}", std::process::id(), now_ms()));
        std::fs::create_dir(&path).advise(format!("cannot make {}", path.display()), "set TMPDIR")?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left for the system's cleaning of temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes settings of a home's configuration; gives it as it was.
fn with_settings(home: &Home, settings: &[(&str, &str, &str)]) -> Result<String, Failure> {
    let path = home.config_file();
    let hint = "check the folder's owner and space";
    let before = std::fs::read_to_string(&path).advise(format!("cannot read {}", path.display()), hint)?;
    let put = |text: String, (section, key, value): &(&str, &str, &str)| set(&text, section, key, value);
    let text = settings.iter().fold(before.clone(), put);
    std::fs::write(&path, text).advise(format!("cannot write {}", path.display()), hint)?;
    Ok(before)
}

/// The value below which `share` of the ascending values lie (nearest rank); 0 when there are none.
fn percentile(ascending: &[f64], share: f64) -> f64 {
    let rank = (ascending.len() as f64 * share).ceil() as usize;
    ascending.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(
            (percentile(&values, 0.5), percentile(&values, 0.97), percentile(&values, 1.0)),
            (50.0, 97.0, 100.0)
        );
        assert_eq!(percentile(&[7.0], 0.5), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
