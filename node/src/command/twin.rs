//! `aula twin`: fit and judge the mastery model, plan paths, tell risks, anchor and replay students' events, ask what if.

use clap::{Args, Subcommand};

use super::{Context, Failure, Outcome};

mod anchor;
mod drift;
mod evaluate;
mod fit;
mod graph;
mod plan;
mod publish;
pub mod replay;
mod risk;
mod study;
mod whatif;
mod written;

/// Arguments of `aula twin`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aula twin evaluate --train train.csv.gz --test test.csv.gz\n  \
                        aula twin fit --train train.csv.gz --model model.twin\n\nLogs are CSV, plain or gzipped, with columns \
                        student, seq, item, skills (joined by ;), correct.")]
pub struct TwinArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with twins.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Fit on one log, predict each next response of another, and say how good that was
    Evaluate(evaluate::EvaluateArgs),
    /// Fit the mastery model on a log and write it to a file
    Fit(fit::FitArgs),
    /// Put a fitted model where this home's node serves it from
    Publish(publish::PublishArgs),
    /// Judge a model on a log by period and by subgroup
    Drift(drift::DriftArgs),
    /// Plan a learning path over a graph of skills
    Plan(plan::PlanArgs),
    /// Make a graph of skills from frameworks of competencies (CASE)
    Graph(graph::GraphArgs),
    /// Compare planned with greedy paths over simulated learners
    Study(study::StudyArgs),
    /// Predict who will need help, on public data
    Risk(risk::RiskArgs),
    /// Fold a student's events again and compare with the anchored hash
    Replay(replay::ReplayArgs),
    /// Turn written responses into events: only the score of each text's sentiment enters
    Written(written::WrittenArgs),
    /// Fold a district's own students' events and anchor the states
    Anchor(anchor::AnchorArgs),
    /// Decide the past again with something changed
    #[command(name = "whatif")]
    WhatIf(whatif::WhatIfArgs),
}

/// Runs `aula twin`.
///
/// # Errors
/// When a file cannot be read or is refused.
pub async fn run(context: &Context, args: &TwinArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Evaluate(args) => evaluate::run(context, args),
        Action::Fit(args) => fit::run(context, args),
        Action::Publish(args) => publish::run(context, args),
        Action::Drift(args) => drift::run(context, args),
        Action::Plan(args) => plan::run(context, args),
        Action::Graph(args) => graph::run(context, args),
        Action::Study(args) => study::run(context, args),
        Action::Risk(args) => risk::run(context, args),
        Action::Replay(args) => replay::run(args),
        Action::Written(args) => written::run(context, args),
        Action::Anchor(args) => anchor::run(context, args).await,
        Action::WhatIf(args) => whatif::run(context, args),
    }
}

/// What to do about a log that is refused.
const LOG_HINT: &str =
    "give CSV, or CSV in .gz, with columns student, seq, item, skills, correct, each response once";

/// What to do about a graph of skills that is refused.
const GRAPH_HINT: &str =
    "give a folder with standards.csv (id, grade) and prerequisites.csv (from_id, to_id), without a circle";

/// A progress bar on stderr; nothing where stderr is not a terminal.
fn progress(steps: u64) -> indicatif::ProgressBar {
    indicatif::ProgressBar::new(steps)
}
