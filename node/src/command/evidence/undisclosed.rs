//! Why nothing of a district's vault was added to a bundle.

use aula_ledger::access::Denial;
use serde_json::json;

use crate::command::{Failure, Outcome};

pub(super) const HINT: &str = "give the district's own folder with --home, and a bundle of its newest anchor";
/// What an operator does when data is insufficient: the check itself tells nobody more.
const NEXT: &str = "see that it is a student of this vault (`aula vault handles`) and that the family consented: `aula vault consent give HANDLE \
                    --form FILE` records its word, and `aula vault sync-consents` fetches what the ledger has of it after a restore";

/// Why nothing was added.
pub enum Undisclosed {
    /// The access check said no; the denial is listed in the log.
    Denied(Denial),
    /// The student's state was read, and has no such field.
    NoField {
        /// The fields it lacks.
        lacks: Vec<String>,
        /// Those it has that the reader needs, by name alone.
        has: Vec<String>,
    },
    /// It could not be done.
    Failed(Failure),
}

impl Undisclosed {
    /// Exit 1 with the reason where it was checked and is no; the failure where it could not be.
    ///
    /// # Errors
    /// The failure.
    pub fn outcome(self) -> Result<Outcome, Failure> {
        match self {
            Self::Failed(failure) => Err(failure),
            Self::Denied(denial) => {
                let mut json = json!({ "disclosed": false, "reason": denial, "meaning": denial.explain() });
                let mut text = format!("denied: {}", denial.explain());
                if denial == Denial::InsufficientData {
                    json["hint"] = NEXT.into();
                    text = format!("{text}\nnext: {NEXT}");
                }
                Ok(Outcome::no(json, text))
            }
            Self::NoField { lacks, has } => {
                let meaning = format!(
                    "the student's anchored state has no field {}; this reader may open: {}",
                    lacks.join(", "),
                    has.join(", ")
                );
                let json = json!({
                    "disclosed": false, "reason": "no_such_field", "meaning": meaning, "lacks": lacks, "has": has,
                });
                Ok(Outcome::no(json, meaning))
            }
        }
    }
}

impl Undisclosed {
    /// As a failure, whatever it is: for who does many and tells of each.
    pub fn failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Denied(denial) => Failure::new("denied", denial.explain(), HINT),
            Self::NoField { lacks, .. } => {
                Failure::new("no_such_field", format!("the state has no field {}", lacks.join(", ")), HINT)
            }
        }
    }
}

impl<E: Into<Failure>> From<E> for Undisclosed {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_without_consent_says_in_both_forms_what_to_do_next() -> Result<(), Failure> {
        let told = |denial| -> Result<_, Failure> {
            let answer = Undisclosed::Denied(denial).outcome()?.answer;
            Ok(answer.map(|answer| (answer.text, answer.json["hint"].to_string())).unwrap_or_default())
        };
        let (text, hint) = told(Denial::InsufficientData)?;
        assert!(text.contains("\nnext: ") && text.contains("aula vault consent give"), "{text}");
        assert!(hint.contains("aula vault consent give"), "{hint}");
        // Its reason says already what to do.
        let (text, hint) = told(Denial::CredentialRefused)?;
        assert!(text.contains("ask the district") && hint == "null", "{text} {hint}");
        Ok(())
    }
}
