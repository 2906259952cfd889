//! `aula optimize`: the production optimizer on an instance file, with its certificate checked on the spot.
//!
//! Reads SRAP0001 or SRAP0002, solves both stages (costs as they stand, the row index as handle, seed zero),
//! checks the certificate with the auditor's code, prints one line. Processor time is the calling thread's
//! alone, from the kernel's accounting, so that a busy machine does not spoil a comparison.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aula_allocation::problem::{Problem, ProblemError};
use aula_allocation::srap::{self, SrapError};
use aula_allocation::{Limits, Solution, SolveError, certificate, solve};
use aula_files::take_at_most;
use aula_ledger::audit::Optimum;
use aula_ledger::codec::Canonical;
use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::processor::thread_cpu_ns;
use super::{Advise, Failure, Outcome, absolute};
use crate::terminal::with_causes;

/// Most bytes of an instance that is piped; a plain file is read into its rows and may be longer.
const MOST_PIPED_BYTES: u64 = 1 << 30;

/// Arguments of `aula optimize`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula optimize round.srap\n  aula optimize round.srap --assignment a.txt --save-certificate c.bin \
                  --output json\n  aula-audit certificate round.srap c.bin\n\nExit codes: 0 solved and proved within the \
                  bound on the gap, 1 no assignment meets the bounds (a student without any \
                  eligible pool among them), 2 could not (no such file, wrong length, out of \
                  work)."
)]
pub struct OptimizeArgs {
    /// The instance: SRAP0001 (dense) or SRAP0002 (with schools)
    pub file: PathBuf,
    /// Threads; the optimizer is sequential, so that its answer is the same on every machine
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=1))]
    pub threads: u8,
    /// Most cost or price entries that may be scanned, repair included: the optimizer's measure of work
    #[arg(long, default_value_t = Limits::default().work)]
    pub max_work: u64,
    /// Write the assignment here, one pool index a line
    #[arg(long, value_name = "OUT")]
    pub assignment: Option<PathBuf>,
    /// Write assignment and certificate here, for `aula-audit certificate`
    #[arg(long, value_name = "OUT")]
    pub save_certificate: Option<PathBuf>,
}

/// The one line of the answer.
#[derive(Debug, Serialize)]
struct Answer {
    objective: i64,
    dual: i64,
    gap_ppm: u32,
    optimal: bool,
    work: u64,
    time_ms: f64,
    cpu_ms: f64,
    audit_ms: f64,
    assignment_sha256: String,
}

/// Solves the instance and checks the certificate.
///
/// # Errors
/// When the file cannot be read or is not an instance, the work ran out, or an output cannot be written.
pub fn run(args: &OptimizeArgs) -> Result<Outcome, Failure> {
    let problem = match instance(&args.file)? {
        Ok(problem) => problem,
        Err(Hopeless(why)) => return Ok(infeasible(why)),
    };
    let clock = Clock::start();
    let solved = solve(&problem, &Limits { work: args.max_work });
    let (time_ms, mut cpu_ms) = clock.elapsed_ms();
    let solution = match solved {
        Ok(solution) => solution,
        Err(SolveError::Infeasible(cut)) => return Ok(infeasible(cut)),
        Err(error) => return Err(error).advise("not solved", "raise --max-work"),
    };
    let clock = Clock::start();
    audit(&problem, &solution)?;
    let (audit_ms, audit_cpu_ms) = clock.elapsed_ms();
    cpu_ms += audit_cpu_ms;
    let lines: String = solution.assignment.iter().map(|pool| format!("{pool}\n")).collect();
    if let Some(path) = &args.assignment {
        write(path, lines.as_bytes())?;
    }
    let answer = Answer {
        objective: solution.objective,
        dual: solution.dual,
        gap_ppm: solution.gap_ppm,
        optimal: solution.optimal(),
        work: solution.work,
        time_ms,
        cpu_ms,
        audit_ms,
        assignment_sha256: hex::encode(Sha256::digest(lines.as_bytes())),
    };
    if let Some(path) = &args.save_certificate {
        let saved = Optimum::new(solution.assignment, solution.certificate);
        write(path, &saved.to_canonical())?;
    }
    let text = text(&answer, problem.students(), problem.pools().len());
    Ok(Outcome::yes(answer, text))
}

/// Exit 1: there is no assignment, and why.
fn infeasible(why: impl std::fmt::Display) -> Outcome {
    let text = format!("no assignment meets the bounds: {why}");
    Outcome::no(serde_json::json!({ "optimal": false, "infeasible": text }), text)
}

/// An instance of the right form that has a student without any eligible pool: such a problem is never built, and has no
/// assignment.
struct Hopeless(ProblemError);

/// Reads the instance; a plain file straight into the problem's rows, so that it is never in memory twice.
fn instance(path: &Path) -> Result<Result<Problem, Hopeless>, Failure> {
    let hint = "give an SRAP0001 or SRAP0002 file, whole";
    let unreadable = || format!("cannot read {}", path.display());
    let file = File::open(path).advise(unreadable(), hint)?;
    let about = file.metadata().advise(unreadable(), hint)?;
    let read = if about.is_file() {
        srap::read(file, about.len())
    } else {
        srap::parse(&take_at_most(file, MOST_PIPED_BYTES).advise(unreadable(), hint)?)
    };
    match read {
        Ok(problem) => Ok(Ok(problem)),
        Err(SrapError::Problem(why @ ProblemError::EmptyRow(_))) => Ok(Err(Hopeless(why))),
        Err(error) => {
            let message = format!("{}: {}", path.display(), with_causes(&error));
            Err(Failure::new("bad_instance", message, hint))
        }
    }
}

/// The auditor's check: the solver is not believed.
fn audit(problem: &Problem, solution: &Solution) -> Result<(), Failure> {
    let checked = certificate::check(problem, &solution.assignment, &solution.certificate);
    let hint = "this is a defect of the optimizer: keep the file and report it";
    checked.map(drop).advise("the certificate does not hold", hint)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let path = absolute(path)?;
    std::fs::write(&path, bytes).advise(format!("cannot write {}", path.display()), "choose a folder you own")
}

fn text(answer: &Answer, students: usize, pools: usize) -> String {
    let proof = match answer.optimal {
        true => "proved: no assignment costs less".to_owned(),
        false => format!("none costs less than {}, a gap of at most {} ppm", answer.dual, answer.gap_ppm),
    };
    format!(
        "{students} students, {pools} pools\ncost     {}\n{proof}\nsolved in {:.1} ms, checked in {:.1} ms, {} entries scanned",
        answer.objective, answer.time_ms, answer.audit_ms, answer.work
    )
}

/// Wall and processor time of this thread.
struct Clock {
    wall: Instant,
    cpu_ns: u64,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu_ns: thread_cpu_ns() }
    }

    /// Milliseconds of wall time and of processor time.
    fn elapsed_ms(&self) -> (f64, f64) {
        let cpu_ns = thread_cpu_ns().saturating_sub(self.cpu_ns);
        (self.wall.elapsed().as_secs_f64() * 1e3, cpu_ns as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(costs: &[i32]) -> Vec<u8> {
        let head = [2i32, 2, 1, 1, 0, 0];
        let words = head.iter().chain(costs).flat_map(|word| word.to_le_bytes());
        b"SRAP0001".iter().copied().chain(words).collect()
    }

    fn arguments(file: PathBuf) -> OptimizeArgs {
        let max_work = Limits::default().work;
        OptimizeArgs { file, threads: 1, max_work, assignment: None, save_certificate: None }
    }

    #[test]
    fn a_small_instance_is_solved_and_its_certificate_saved() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("two.srap");
        std::fs::write(&file, instance(&[1, 9, 2, 3]))?;
        let (lines, saved) = (folder.path().join("a"), folder.path().join("c"));
        let args = OptimizeArgs {
            assignment: Some(lines.clone()),
            save_certificate: Some(saved.clone()),
            ..arguments(file)
        };
        let outcome = run(&args).map_err(|failure| failure.message)?;
        let json = outcome.answer.ok_or("no answer")?.json;
        assert_eq!((json["objective"].as_i64(), json["optimal"].as_bool()), (Some(4), Some(true)));
        assert_eq!(std::fs::read_to_string(lines)?, "0\n1\n");
        assert_eq!(Optimum::from_canonical(&std::fs::read(saved)?)?.assignment, [0, 1]);
        Ok(())
    }

    #[test]
    fn a_student_without_any_pool_is_a_no_like_bounds_that_cannot_be_met()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("empty.srap");
        for (costs, why) in [([1, 9, -1, -1], "student 1 has no eligible pool"), ([1, -1, 2, -1], "bounds")] {
            std::fs::write(&file, instance(&costs))?;
            let outcome = run(&arguments(file.clone())).map_err(|failure| failure.message)?;
            assert_eq!(outcome.verdict, crate::terminal::Verdict::No, "{costs:?}");
            let json = outcome.answer.ok_or("no answer")?.json;
            assert_eq!(json["optimal"], false);
            assert!(json["infeasible"].as_str().is_some_and(|text| text.contains(why)), "{json}");
        }
        Ok(())
    }

    #[test]
    fn a_file_of_the_wrong_length_could_not_be_solved() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("long.srap");
        std::fs::write(&file, [instance(&[1, 9, 2, 3]), vec![0]].concat())?;
        let failure = run(&arguments(file)).err().ok_or("it was solved")?;
        assert_eq!(failure.code, "bad_instance");
        Ok(())
    }
}
