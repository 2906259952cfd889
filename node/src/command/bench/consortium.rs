//! `aula bench consortium`: how a consortium of many districts decides, in simulated time with measured costs charged.
//!
//! Flow: arguments → a plan without faults, all members in the simulator's regions in turn → `aula_sim::measured` → one line. The
//! figures are simulated: the same seed and arguments give the same line on every machine. What is charged: `aula_sim::charges`.

use aula_sim::charges::Charges;
use aula_sim::measure::{self, Measured};
use clap::Args;
use serde_json::json;

use super::Figures;
use crate::command::{Advise, Failure};

/// Arguments of `aula bench consortium`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula bench consortium --validators 42\n  aula bench consortium --validators 200 --heights 10 --output json\n  \
                  aula bench consortium --validators 42 --records 20000 --mbit 1000     every block full\n\nSimulated time; the nodes' own \
                  code decides, members are in seven regions in turn. 200 validators take a minute or more for ten heights.\nExit 0: measured, \
                  as many heights as were asked for (`complete`); 1: the chain stood still before, or a property did not hold, and the answer says so."
)]
pub struct ConsortiumArgs {
    /// Validators, 1 to 200
    #[arg(long, value_name = "N", default_value_t = 42, value_parser = clap::value_parser!(u8).range(1..=200))]
    pub validators: u8,
    /// Heights that are measured, 2 to 10000; the first three are not
    #[arg(long, value_name = "H", default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=10_000))]
    pub heights: u64,
    /// Records in every block, 0 to 22000; with any, a block follows at once upon the one before
    #[arg(long, value_name = "R", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=Charges::MOST.records))]
    pub records: u64,
    /// What is left to chance follows from this number: who passes on to whom, when members start
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// A member's line upward, megabits a second, 1 to 100000
    #[arg(long, default_value_t = Charges::default().line_mbit, value_parser = clap::value_parser!(u64).range(1..=Charges::MOST.line_mbit))]
    pub mbit: u64,
    /// A member's cores, 1 to 256
    #[arg(long, default_value_t = Charges::default().cores, value_parser = clap::value_parser!(u64).range(1..=Charges::MOST.cores))]
    pub cores: u64,
    /// Microseconds of a core that one signature takes to verify, 0 to 100000
    #[arg(long, default_value_t = Charges::default().verify_us, value_parser = clap::value_parser!(u64).range(0..=Charges::MOST.verify_us))]
    pub verify_us: u64,
    /// Microseconds that a synced write takes, 0 to 1000000
    #[arg(long, default_value_t = Charges::default().sync_us, value_parser = clap::value_parser!(u64).range(0..=Charges::MOST.sync_us))]
    pub sync_us: u64,
    /// Neighbours to whom each member passes on what it hears, 0 to 50; the engine's own number by default
    #[arg(long, default_value_t = Charges::default().mesh, value_parser = clap::value_parser!(u8).range(0..=i64::from(Charges::MOST.mesh)))]
    pub mesh: u8,
}

impl ConsortiumArgs {
    fn charges(&self) -> Charges {
        Charges {
            verify_us: self.verify_us,
            sync_us: self.sync_us,
            records: self.records,
            line_mbit: self.mbit,
            cores: self.cores,
            mesh: self.mesh,
            ..Charges::default()
        }
    }
}

/// Runs the simulation and tells its figures.
///
/// # Errors
/// When the consortium cannot be set up.
pub fn run(args: &ConsortiumArgs) -> Result<Figures, Failure> {
    let charges = args.charges();
    let plan = measure::plan(args.seed, args.validators, charges);
    let hint = "use another number of validators";
    plan.check().advise("the simulation does not begin", hint)?;
    let (report, measured) =
        aula_sim::measured(plan, args.heights).advise("the simulation does not begin", hint)?;
    let complete = measured.as_ref().is_some_and(|measured| is_complete(measured, args));
    let json = json!({
        "validators": args.validators,
        "seed": args.seed,
        "charges": charges,
        "complete": complete,
        "measured": measured,
        "simulated_ms": report.simulated_ms,
        "violations": report.violations,
        "trace_sha256": report.trace_sha256,
    });
    let within = report.violations.is_empty() && complete;
    let text = match (&measured, report.violations.as_slice()) {
        (Some(measured), []) if complete => told(args, measured),
        (Some(measured), []) => format!(
            "{}\nSTOOD STILL after {} of {} heights: blocks of {} records are more than they can do for long",
            told(args, measured),
            measured.heights,
            args.heights,
            args.records
        ),
        (None, []) => format!(
            "{} validators stood still after height {}: blocks of {} records are more than they can do",
            args.validators, report.heights, args.records
        ),
        (_, some) => format!("NOT AS IT MUST BE\n  {}", some.join("\n  ")),
    };
    Ok(Figures { json, text, within })
}

/// Whether as many heights were measured as were asked for; a chain that stood still before has figures of those until then.
fn is_complete(measured: &Measured, args: &ConsortiumArgs) -> bool {
    measured.heights >= args.heights
}

fn told(args: &ConsortiumArgs, measured: &Measured) -> String {
    let Measured { heights, finality_ms, interval_ms, records_s, sent_bytes_day, certificate_bytes, .. } =
        measured;
    format!(
        "{} validators in simulated time, {heights} heights\nfinal within      {} ms half of the time, {} ms 99 of 100\na block every     \
         {interval_ms} ms, {} further rounds\nrecords           {records_s} a second\nsent by a member  {:.2} GB a day, {:.2} GB the most\n\
         a certificate     {} bytes\nverifying takes   {} of a core",
        args.validators,
        finality_ms.p50,
        finality_ms.p99,
        measured.further_rounds,
        sent_bytes_day.mean / 1e9,
        sent_bytes_day.most / 1e9,
        certificate_bytes.mean,
        measured.verifying_cores,
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Shell {
        #[command(flatten)]
        args: ConsortiumArgs,
    }

    fn parsed(words: &[&str]) -> Option<ConsortiumArgs> {
        Shell::try_parse_from([&["consortium"][..], words].concat()).ok().map(|shell| shell.args)
    }

    #[test]
    fn as_many_validators_as_the_ledger_takes_and_no_more() {
        let most = aula_ledger::chain::validators::MAX_VALIDATORS.to_string();
        assert!(parsed(&["--validators", &most]).is_some());
        assert!(parsed(&["--validators", "201"]).is_none() && parsed(&["--validators", "0"]).is_none());
    }

    #[test]
    fn a_chain_that_stopped_short_is_not_complete() {
        let args = parsed(&["--validators", "4", "--heights", "2"]).unwrap();
        let told = run(&args).unwrap_or_else(|_| panic!("a simulation that begins"));
        assert!(told.within && told.json["complete"] == true, "{}", told.json);
        let measured = aula_sim::measured(measure::plan(1, 4, Charges::default()), 2).unwrap().1.unwrap();
        let asked =
            |heights: u64| is_complete(&measured, &ConsortiumArgs { heights, ..parsed(&[]).unwrap() });
        assert!(asked(measured.heights) && !asked(measured.heights + 1));
    }

    #[test]
    fn what_is_given_is_charged_and_the_rest_is_the_table_s() {
        let args = parsed(&["--records", "500", "--mbit", "100"]).map(|args| args.charges());
        assert_eq!(args, Some(Charges { records: 500, line_mbit: 100, ..Charges::default() }));
    }
}
