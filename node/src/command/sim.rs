//! `aula sim`: a whole consortium in one thread and in simulated time, through the faults of a seed or of a plan.

use std::path::{Path, PathBuf};

use aula_files::text_at_most;
use aula_sim::{Plan, PlanError, Report, generate};
use clap::Args;

use super::{Advise, Context, Failure, Outcome};

// A program with planted bugs is never made: the simulator's own tests are where they belong.
const _: () = assert!(!aula_consensus::planted::CAN_BE, "build aula without the feature `planted`");

/// Longest plan that is read, in bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// Simulated hours by default.
const HOURS: f64 = 1.0;
/// Members by default: one of them may be bad.
const NODES: u8 = 4;

/// Arguments of `aula sim`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula sim --seed 7\n  aula sim --seed 7 --hours 0.1 --nodes 7 --output json\n  aula sim --seed 7 \
                  --save-plan seven.toml\n  aula sim --plan seven.toml\n  \
                  aula sim --plan seven.toml --hours 0.2 --log info     what the nodes log, too\n\nThe nodes' own code runs; network, disks, clocks and \
                  bad members are simulated. The same seed gives the same trace, on every machine.\nExit 0: every \
                  property held; 1: one did not, which is a defect: please report the seed; 2: the plan cannot be read or run (`bad_plan`)."
)]
pub struct SimArgs {
    /// What happens follows from this number; with --plan it replaces the plan's
    #[arg(long, value_name = "N", required_unless_present = "plan")]
    pub seed: Option<u64>,
    /// Simulated hours, from 0.025 (90 seconds) to 2400; with --plan they replace the plan's, whose faults must fit [default: 1]
    #[arg(long, value_name = "H", value_parser = hours)]
    pub hours: Option<f64>,
    /// Validators, 1 to 200 (above thirty a run takes long); with --plan they replace the plan's, all of whose members must be among them [default: 4]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(1..=200))]
    pub nodes: Option<u8>,
    /// A plan in TOML instead of the seed's own
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Write the plan that is run here, in TOML
    #[arg(long, value_name = "FILE")]
    pub save_plan: Option<PathBuf>,
}

fn hours(text: &str) -> Result<f64, String> {
    let hours: f64 = text.parse().map_err(|_| format!("{text} is not a number of hours"))?;
    if (0.025..=2_400.0).contains(&hours) { Ok(hours) } else { Err("it must be from 0.025 to 2400".into()) }
}

/// Runs the plan.
///
/// # Errors
/// When the plan cannot be read or written.
pub fn run(context: &Context, args: &SimArgs) -> Result<Outcome, Failure> {
    let plan = plan(args)?;
    if let Some(path) = &args.save_plan {
        let text = plan.to_toml().advise("the plan cannot be written", "use smaller numbers")?;
        let why = format!("{} cannot be written", path.display());
        std::fs::write(path, text).advise(why, "name a file in a folder that is there")?;
    }
    // What the nodes log is told to whoever asks for it: a home's `[log]` is a running node's.
    let run = if context.log.is_some() { aula_sim::run_logged } else { aula_sim::run };
    let report = run(plan).advise("the simulation does not begin", "use another plan")?;
    let text = told(&report);
    Ok(if report.violations.is_empty() { Outcome::yes(report, text) } else { Outcome::no(report, text) })
}

fn plan(args: &SimArgs) -> Result<Plan, Failure> {
    let Some(path) = &args.plan else {
        let seconds = args.hours.unwrap_or(HOURS) * 3_600.0;
        return Ok(generate::plan(
            args.seed.unwrap_or(0),
            args.nodes.unwrap_or(NODES),
            seconds.round() as u64,
        ));
    };
    let hint = "correct the file; `aula sim --seed 1 --save-plan FILE` writes one to start from";
    let coded = |failure: Failure| Failure { code: "bad_plan".into(), ..failure };
    let mut plan = read(path).advise(format!("{} is not a plan", path.display()), hint).map_err(coded)?;
    plan.seed = args.seed.unwrap_or(plan.seed);
    let hint = "leave out --hours and --nodes, give more of them, or change the plan";
    let seconds = args.hours.map(|hours| (hours * 3_600.0).round() as u64);
    plan.resized(seconds, args.nodes)
        .advise(format!("{} does not fit what was given beside it", path.display()), hint)
        .map_err(coded)
}

fn read(path: &Path) -> Result<Plan, PlanError> {
    let text = text_at_most(path, MOST_BYTES).map_err(|error| PlanError::Form(error.to_string()))?;
    Plan::parse(&text)
}

fn told(report: &Report) -> String {
    let Report { seed, hours, heights, faults, violations, trace_sha256, .. } = report;
    let faults: Vec<String> = faults.iter().map(|(kind, count)| format!("  {kind}: {count}")).collect();
    let end = match violations.as_slice() {
        [] if report.progress_judged => "every property held".to_owned(),
        [] => "every property held; too little time was left after the healing to judge how soon the chain goes on".to_owned(),
        some => format!("NOT AS IT MUST BE\n  {}", some.join("\n  ")),
    };
    format!(
        "seed {seed}: {hours} simulated hours, {heights} heights\n{}\ntrace {trace_sha256}\n{end}",
        faults.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(plan: &Path) -> SimArgs {
        SimArgs { seed: None, hours: None, nodes: None, plan: Some(plan.into()), save_plan: None }
    }

    #[test]
    fn what_is_given_beside_a_plan_stands_above_it() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("plan.toml");
        let written = generate::plan(5, 4, 300);
        std::fs::write(&file, written.to_toml()?)?;
        let read = |args: SimArgs| plan(&args).map_err(|failure| failure.message);
        assert_eq!(read(arguments(&file))?, written, "nothing given");
        let given = SimArgs { seed: Some(9), hours: Some(0.5), nodes: Some(7), ..arguments(&file) };
        let told = read(given)?;
        assert_eq!((told.seed, told.seconds, told.nodes, told.regions.len()), (9, 1_800, 7, 7));
        assert_eq!(told.faults, written.faults, "the plan's own faults");
        let few = read(SimArgs { nodes: Some(1), ..arguments(&file) });
        assert!(few.is_err_and(|told| told.contains("does not fit") && told.contains("member")));
        Ok(())
    }

    #[test]
    fn a_plan_whose_charges_are_out_of_bounds_is_refused_with_its_code()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("plan.toml");
        let text = generate::plan(5, 4, 300).to_toml()?;
        for records in ["22001", "18446744073709551615"] {
            std::fs::write(&file, format!("{text}\n[charges]\nrecords = {records}\n"))?;
            let refused = plan(&arguments(&file)).err().map(|failure| (failure.code, failure.message));
            let (code, message) = refused.unwrap_or_default();
            assert!(code == "bad_plan" && message.contains("records"), "{code}: {message}");
        }
        Ok(())
    }

    #[test]
    fn hours_and_nodes_stand_beside_a_plan_on_the_command_line() {
        use clap::Parser;
        #[derive(Parser)]
        struct Shell {
            #[command(flatten)]
            args: SimArgs,
        }
        let given = ["sim", "--plan", "p.toml", "--hours", "2", "--nodes", "7"];
        let parsed = Shell::try_parse_from(given).ok().map(|shell| (shell.args.hours, shell.args.nodes));
        assert_eq!(parsed, Some((Some(2.0), Some(7))));
    }
}
