//! The optimizer's answer on an instance file, kept beside it, and its check: `aula optimize --save-certificate`
//! writes it, `aula-audit certificate` checks it. Rounds on the ledger need no such file: their assignment is
//! the tree of decisions and their certificate a record.

use aula_allocation::certificate::{Certificate, DrawVerdict, check};
use aula_allocation::srap;
use borsh::{BorshDeserialize, BorshSerialize};

use super::report::{Check, Checks, Stop, Verdict};
use super::sha256;
use crate::codec::{Canonical, CodecError};
use crate::types::Hash;

/// An assignment and the certificate over it. Canonical bytes, version 1.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Optimum {
    /// Pool index of each student, by row of the instance.
    pub assignment: Vec<u32>,
    /// The proof that it is optimal, or how far from it at most.
    pub certificate: Certificate,
    /// SHA-256 over the borsh of the two: prices may be damaged and still prove the same, files may not.
    sha256: Hash,
}

impl Optimum {
    /// Binds an assignment and its certificate.
    pub fn new(assignment: Vec<u32>, certificate: Certificate) -> Self {
        let sha256 = digest(&assignment, &certificate);
        Self { assignment, certificate, sha256 }
    }
}

fn digest(assignment: &Vec<u32>, certificate: &Certificate) -> Hash {
    // Writing into a Vec fails only for more than u32::MAX entries, which no problem admits.
    sha256(&borsh::to_vec(&(assignment, certificate)).unwrap_or_default())
}

impl Canonical for Optimum {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "saved certificate";
    const MAX_BYTES: u64 = 16 * 1024 * 1024;
}

/// What checking a saved certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptimumReport {
    /// The answer: valid means that objective, bound and gap are as stated.
    pub verdict: Verdict,
    /// Cost of the assignment, recomputed; once proved.
    pub objective: Option<i64>,
    /// Proven lower bound; once proved.
    pub dual: Option<i64>,
    /// Proven gap in parts per million; 0 is optimal; once proved.
    pub gap_ppm: Option<u32>,
    /// The checks, up to the first that failed.
    pub checks: Vec<Check>,
}

/// Checks a saved certificate against its instance (SRAP0001 or SRAP0002). Never panics.
pub fn verify_optimum(instance: &[u8], saved: &[u8]) -> OptimumReport {
    let mut checks = Checks::default();
    let mut report =
        OptimumReport { verdict: Verdict::Valid, objective: None, dual: None, gap_ppm: None, checks: vec![] };
    if let Err(stop) = run(&mut checks, &mut report, instance, saved) {
        report.verdict = stop.into();
    }
    report.checks = checks.lines;
    report
}

fn run(checks: &mut Checks, report: &mut OptimumReport, instance: &[u8], saved: &[u8]) -> Result<(), Stop> {
    let problem = match srap::parse(instance) {
        Ok(problem) => problem,
        Err(error) => return checks.unknown("instance", format!("The instance cannot be used: {error}.")),
    };
    checks.pass("instance", format!("{} students, {} pools.", problem.students(), problem.pools().len()));
    let saved = match Optimum::from_canonical(saved) {
        Ok(saved) => saved,
        Err(CodecError::Version { expected, found: Some(_), .. }) => {
            let words = format!(
                "This is not a saved certificate of the version that this program reads ({expected})."
            );
            return checks.unknown("format", words);
        }
        Err(error) => return checks.fail("format", format!("The certificate is damaged: {error}.")),
    };
    let whole = digest(&saved.assignment, &saved.certificate) == saved.sha256;
    checks.ensure("format", whole, "The certificate was altered: its checksum is another.")?;
    checks.pass("format", "The certificate is well formed. Every byte has its meaning.");
    let proved = checks.need("certificate", check(&problem, &saved.assignment, &saved.certificate))?;
    (report.objective, report.dual, report.gap_ppm) =
        (Some(proved.objective), Some(proved.dual), Some(proved.gap_ppm));
    checks.pass("feasible", "Capacities, floors, mandates and guaranteed places hold.");
    checks.pass("optimum", optimum_words(proved.objective, proved.dual, proved.gap_ppm));
    checks.pass("lottery", lottery_words(proved.draw));
    Ok(())
}

/// What a proven objective and bound mean.
pub(super) fn optimum_words(objective: i64, dual: i64, gap_ppm: u32) -> String {
    if gap_ppm == 0 {
        format!("The cost is {objective} and the prices prove that no assignment costs less.")
    } else {
        format!(
            "The cost is {objective}; the prices prove that no assignment costs less than {dual}, a gap of at most \
             {gap_ppm} in a million."
        )
    }
}

/// What is proved about the choice among optimal assignments.
pub(super) fn lottery_words(draw: DrawVerdict) -> String {
    match draw {
        DrawVerdict::NoLottery => "There was no lottery among assignments of equal cost.".to_owned(),
        DrawVerdict::Proved { ticket_sum } => format!(
            "Among all assignments of this cost, this one has the least sum of lottery numbers, {ticket_sum}."
        ),
    }
}

#[cfg(test)]
mod tests {
    use aula_allocation::{Limits, solve};

    use super::*;

    fn instance() -> Vec<u8> {
        let words = [3i32, 2, 2, 2, 0, 0, 5, 1, 4, 2, 9, 3];
        b"SRAP0001".iter().copied().chain(words.iter().flat_map(|word| word.to_le_bytes())).collect()
    }

    fn saved() -> Optimum {
        let problem = srap::parse(&instance()).unwrap();
        let solution = solve(&problem, &Limits::default()).unwrap();
        Optimum::new(solution.assignment, solution.certificate)
    }

    #[test]
    fn an_optimum_is_confirmed_and_a_worse_one_is_not() {
        let report = verify_optimum(&instance(), &saved().to_canonical());
        assert_eq!((report.verdict, report.objective, report.gap_ppm), (Verdict::Valid, Some(8), Some(0)));
        let Optimum { assignment, certificate, .. } = saved();
        let mut worse = assignment.clone();
        worse.rotate_left(1);
        let worse = Optimum::new(worse, certificate.clone());
        assert_eq!(verify_optimum(&instance(), &worse.to_canonical()).verdict, Verdict::Invalid);
        let boast = Certificate { objective: certificate.objective - 1, ..certificate };
        let boast = Optimum::new(assignment, boast);
        assert_eq!(verify_optimum(&instance(), &boast.to_canonical()).verdict, Verdict::Invalid);
    }

    #[test]
    fn what_cannot_be_read_is_told_from_what_is_wrong() {
        let good = saved().to_canonical();
        assert_eq!(verify_optimum(b"SRAP9999", &good).verdict, Verdict::CannotTell);
        assert_eq!(verify_optimum(&instance(), b"").verdict, Verdict::Invalid, "cut to nothing");
        assert_eq!(verify_optimum(&instance(), &good[..good.len() - 1]).verdict, Verdict::Invalid);
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_ne!(verify_optimum(&instance(), &bad).verdict, Verdict::Valid, "byte {at}, bit {bit}");
            }
        }
    }
}
