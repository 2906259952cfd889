//! `aula twin study`: how much planned paths gain over greedy ones, for learners drawn from fitted parameters.

use std::path::PathBuf;

use aula_twin_model::fit::fit;
use aula_twin_model::log::{Log, Names};
use aula_twin_model::{graph, study};
use clap::Args;

use super::super::{Advise, Context, Failure, Outcome};
use super::{GRAPH_HINT, LOG_HINT, progress};

/// Arguments of `aula twin study`.
#[derive(Debug, Args)]
#[command(
    after_help = "Fitted: the spread of ability and of skills and the share right from --train, the growth of a year \
                        from --scores. Assumed: learners of grades 1 to 8 alike; a skill is as far from a learner as its \
                        grade is from theirs; deviations are independent; practice works as `aula twin plan` declares. \
                        Exit 0: the interval lies above 0; 1: it does not."
)]
pub struct StudyArgs {
    /// Folder of the skill graph; its standards.csv has a column grade
    #[arg(long, value_name = "DIR")]
    pub graph: PathBuf,
    /// Log of responses that the learners' spread is fitted on
    #[arg(long, value_name = "T.csv[.gz]")]
    pub train: PathBuf,
    /// Table with student, grade and math that the growth of a year is fitted on
    #[arg(long, value_name = "S.csv[.gz]")]
    pub scores: PathBuf,
    /// How many learners are simulated
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub learners: u32,
    /// Trajectories of each learner's search; more take longer
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub trajectories: u32,
    /// Where learners, searches and chance begin: equal seeds give equal answers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Runs `aula twin study`.
///
/// # Errors
/// When a file cannot be read or is refused.
pub fn run(context: &Context, args: &StudyArgs) -> Result<Outcome, Failure> {
    let graph = graph::read(&args.graph).hint(GRAPH_HINT)?;
    let grades = study::grades(&args.graph).hint(GRAPH_HINT)?;
    let mut names = Names::default();
    let log = Log::read(&args.train, &mut names).hint(LOG_HINT)?;
    context.tell(format_args!("fitting on {} responses", log.rows.len()));
    let growth =
        study::growth_per_year(&args.scores).hint("give the folder of score tables with --scores")?;
    let law = study::Law::of(&fit(&log, &names).model, &log, growth);
    let bar = progress(u64::from(args.learners));
    let size = (args.learners, args.trajectories, args.seed);
    let report = study::run(&graph, &grades, law, size, || bar.inc(1))
        .hint("give a graph without a circle, and at least one learner and trajectory")?;
    bar.finish_and_clear();
    let (low, high) = report.interval_percent;
    let text = format!(
        "{} learners: planned {:.3} skills, greedy {:.3}: {:+.2}% (95% interval {low:+.2} to {high:+.2})\n\
         fitted: ability {:.3}, skills {:.3}, level {:+.3}, growth a year {:.3} logits",
        report.learners,
        report.planned,
        report.greedy,
        report.gain_percent,
        law.ability_sd,
        law.skill_sd,
        law.level,
        law.growth
    );
    Ok(if low > 0.0 { Outcome::yes(report, text) } else { Outcome::no(report, text) })
}
