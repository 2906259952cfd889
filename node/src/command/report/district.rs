//! `aula report district`: files for people, in HTML and PDF.

use aula_home::config::Config;
use aula_server::reports::district::{self, Against, Wanted};
use aula_server::reports::kept::Kept;
use aula_server::reports::schedule;
use clap::Args;
use serde_json::json;

use super::MakeArgs;
use crate::command::{Context, Failure, Outcome};

/// Arguments of `aula report district`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula report district --district 12 --as-of 4200 -o out/\n  aula report district --as-of 4200 -o out/ \
                  --language es --link https://node.example\n\nFiles: district-NN.LANGUAGE.html and .pdf, and manifest.json with \
                  their SHA-256 and the state root. -o must be empty or new."
)]
pub struct DistrictReportArgs {
    /// What it is made by
    #[command(flatten)]
    pub make: MakeArgs,
    /// The district's number [default: the home's own; every one where the home acts for none]
    #[arg(long, value_name = "N")]
    pub district: Option<u16>,
}

/// Makes it.
///
/// # Errors
/// When the home has no such chain, height or district, or a file cannot be written.
pub fn run(context: &Context, args: &DistrictReportArgs) -> Result<Outcome, Failure> {
    args.make.run(context, "district", |chain, height, link| {
        let config = Config::load(&context.home)?;
        let district = args.district.or(district::own(chain, &context.home)?);
        let languages = args.make.language.each();
        let kept = Kept::of(context.home.figures_dir());
        let moments = schedule::compared(&config, chain, height, district)?;
        let against = Against { kept: Some(&kept), moments, most_blocks: u64::MAX };
        let wanted = Wanted { height, district, languages, link, against };
        let made = district::make(chain, &wanted)?;
        let told = json!({
            "districts": made.now.iter().map(|one| one.district).collect::<Vec<_>>(), "week": made.week, "year": made.year, "figures": made.figures,
        });
        Ok((made.files, told))
    })
}
