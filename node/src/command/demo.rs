//! `aula demo`: a whole consortium on this machine, four school years of real students, and evidence that an
//! auditor checks offline.
//!
//! The story is [`aula_lab::demo::story`]'s, and goes to stderr. Without `--once` the nodes stay up until a signal.

use std::path::PathBuf;
use std::time::Instant;

use aula_lab::demo::star::DATA_VARIABLE;
use aula_lab::demo::story::{Demo, Options};
use clap::Args;

use super::{Advise, Answer, Context, Failure, Outcome, start};

/// Arguments of `aula demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula demo                                    stays up: open the explorer's address in a browser\n  \
                  aula demo --once --output json               one line, then the end\n  aula demo --validators 7 --home /tmp/county\n\n\
                  What an earlier demo left in --home is removed. The data are read from --data, AULA_DATA, ../../genesis \
                  beside the program, or ./genesis."
)]
pub struct DemoArgs {
    /// How many validators, 1 to 32
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub validators: u16,
    /// End when the story has been told, instead of staying up
    #[arg(long)]
    pub once: bool,
    /// How many of the study's four grades to play, 1 to 4
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub grades: u8,
    /// The folder with the data (star/, caschools/) [default: genesis/ of the program's source or of the working directory]
    #[arg(long, env = DATA_VARIABLE, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Tells the whole story.
///
/// # Errors
/// When the data are missing, a node does not come up, a step is refused, or the evidence does not verify.
pub async fn run(context: &Context, args: &DemoArgs) -> Result<Outcome, Failure> {
    let stop = start::stop_signal(false)?;
    let begun = Instant::now();
    let tell = |line: String| context.tell(format_args!("[{:6.1} s] {line}", begun.elapsed().as_secs_f64()));
    let options = Options {
        root: context.home.path().to_owned(),
        validators: args.validators,
        grades: args.grades,
        data: args.data.clone(),
    };
    let mut demo = Demo::start(options, &tell).await?;
    let mut stop = std::pin::pin!(stop);
    let line = tokio::select! {
        line = demo.play(&tell) => line,
        () = &mut stop => Err(Failure::new("stopped", "stopped by a signal before the end", "run it again")),
    };
    let line = match line {
        Ok(line) => line,
        Err(failure) => {
            demo.stop().await;
            return Err(failure);
        }
    };
    let printed = context.print(&Answer::new(&line, line.to_string()));
    if printed.is_ok() && !args.once {
        tell("the nodes stay up; Ctrl-C stops them".to_owned());
        stop.await;
    }
    demo.stop().await;
    printed.advise("cannot print the answer", "run it with standard output open")?;
    Ok(Outcome::printed())
}
