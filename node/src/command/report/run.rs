//! `aula report run`: makes what the schedules of `config.toml` say, once or for as long as it runs.

use std::time::Duration;

use aula_home::config::Config;
use aula_server::reports::past::Chain;
use aula_server::reports::{schedule, ways};
use clap::Args;

use crate::command::{Context, Failure, Outcome};

/// Arguments of `aula report run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula report run --once --home /srv/follower\n  aula report run --home /srv/follower\n\nA running node does \
                  this by itself. Each report of each date is made once, by block time; what was missed is caught up; what is over \
                  its years is deleted. Schedules stand in config.toml ([reports], [[report]])."
)]
pub struct RunArgs {
    /// Look at the schedules once and exit, instead of every minute
    #[arg(long)]
    pub once: bool,
}

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);

/// Looks at the schedules.
///
/// # Errors
/// When a schedule is refused or, with `--once`, the home has no chain.
pub fn run(context: &Context, args: &RunArgs) -> Result<Outcome, Failure> {
    let config = Config::load(&context.home)?;
    if schedule::check(&config)?.is_empty() {
        let hint = "write a [[report]] into config.toml; docs/reports.md has an example";
        return Err(Failure::new("no_schedule", "config.toml schedules no report", hint));
    }
    loop {
        let looked =
            Chain::of_home(&context.home).and_then(|chain| ways::look(&context.home, &config, &chain));
        if args.once {
            let looked = looked?;
            let mut lines: Vec<String> = looked
                .reports
                .iter()
                .map(|one| format!("{} {} of height {}", one.name, one.date, one.height))
                .collect();
            lines.extend(looked.sent.iter().map(|one| match &one.error {
                None => format!("{} {} sent to {}", one.name, one.date, one.to),
                Some(error) => format!("{} {} not sent to {}: {error}", one.name, one.date, one.to),
            }));
            lines.extend(
                looked.failed.iter().map(|one| format!("{}: {}; next: {}", one.name, one.error, one.next)),
            );
            lines.push(format!("{} made, {} deleted", looked.reports.len(), looked.deleted));
            let text = lines.join("\n");
            return Ok(if looked.is_whole() {
                Outcome::yes(&looked, text)
            } else {
                Outcome::no(&looked, text)
            });
        }
        match looked {
            Ok(looked) => {
                for one in &looked.reports {
                    context.tell(format_args!("report {} of {}: height {}", one.name, one.date, one.height));
                }
                for one in looked.sent.iter() {
                    if let Some(error) = &one.error {
                        context.tell(format_args!(
                            "{} of {} not sent to {}: {error}",
                            one.name, one.date, one.to
                        ));
                    }
                }
                for one in &looked.failed {
                    context.tell(format_args!(
                        "{}: {}; tried again in a minute. {}",
                        one.name, one.error, one.next
                    ));
                }
            }
            Err(failure) => {
                context.tell(format_args!("{failure}; tried again in a minute. {}", failure.hint))
            }
        }
        std::thread::sleep(EVERY);
    }
}
