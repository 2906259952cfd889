//! `aula doctor leaves`: what lies where, and what leaves the district, when, to whom, read from the settings and from this home's logs.
//!
//! Flow: the settings name every store and every way out → each with its place by `[sovereignty]` → of scheduled reports how often and
//! when last, from the marks in the outbox → of commands what they wrote outside of the home, from its list → of the access log counts by
//! role, where they are asked for. Absent: what a person carries away who read a record.

use std::path::PathBuf;

use aula_files::{Access, replace};
use aula_home::config::{Config, Named};
use aula_read::utc;
use clap::Args;
use serde::Serialize;

use crate::command::vault::Place;
use crate::command::{Advise, Context, Failure, Outcome, absolute, now_ms};

mod logs;
mod page;
mod ways;

use logs::{ReadBy, Written};

/// Arguments of `aula doctor leaves`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula doctor leaves\n  aula doctor leaves -o leaves.html     a page for the board: no script, nothing from \
                  elsewhere\n\nThe page, and --reads, count the access log by the role of who asked, \"fewer than 10\" below that: the vault is opened in its turn."
)]
pub struct LeavesArgs {
    /// Write it as a page too
    #[arg(short, long, value_name = "FILE.html")]
    pub out: Option<PathBuf>,
    /// Count the access log as well
    #[arg(long)]
    pub reads: bool,
}

/// A folder that holds data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Store {
    /// What it is, in words.
    what: String,
    /// The folder.
    to: String,
    /// The place of `[sovereignty]`; none without a rule.
    place: Option<String>,
}

/// One thing that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leaving {
    /// What goes out, in words.
    pub what: String,
    /// Whether it tells of single students: `none`, `pseudonyms`, `named`.
    pub students: &'static str,
    /// Who gets it: an address, a place, or whoever asks.
    pub to: String,
    /// The place of `[sovereignty]`; none without a rule, or where none applies.
    pub place: Option<String>,
    /// At which moments: a schedule, an event, or by hand.
    pub when: String,
    /// The format, and whether it is encrypted.
    pub form: String,
    /// The newest date that was sent, where that is known.
    pub last: Option<String>,
    /// How many dates were sent, where that is known.
    pub times: Option<usize>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Told {
    places: Vec<String>,
    stores: Vec<Store>,
    leaves: Vec<Leaving>,
    written: Vec<Written>,
    /// Lines of the list of what commands wrote that could not be read, and are in no number of `written`.
    unread_lines: u64,
    /// Lines of it that are kept as counts alone, which are in the numbers of `written`.
    summed_lines: u64,
    /// Files of such counts that are damaged, which are in no number of `written`.
    damaged_sums: Vec<String>,
    /// None where it was not asked for, or where the home has no vault.
    reads: Option<Vec<ReadBy>>,
    /// Where the page is.
    page: Option<PathBuf>,
}

/// Lists it.
///
/// # Errors
/// Settings that are refused, among them those that name something outside of the places; logs that cannot be read; a page that cannot be
/// written.
pub fn run(context: &Context, args: &LeavesArgs) -> Result<Outcome, Failure> {
    let config = Config::load(&context.home)?;
    let counted = args.reads || args.out.is_some();
    let (written, noted) = logs::written(&context.home)?;
    let mut told = Told {
        places: config.sovereignty.place.iter().map(|place| place.name.clone()).collect(),
        stores: stores(context, &config)?,
        leaves: ways::leaving(&context.home, &config),
        written,
        unread_lines: noted.unread,
        summed_lines: noted.summed,
        damaged_sums: noted.damaged,
        reads: if counted { reads(context, &config)? } else { None },
        page: None,
    };
    if let Some(out) = &args.out {
        let out = absolute(out)?;
        let page = page::page(&told, &utc(now_ms()));
        replace(&out, Access::Public, page.as_bytes())
            .advise(format!("cannot write {}", out.display()), "choose another -o")?;
        told.page = Some(out);
    }
    let text = text(&told);
    Ok(Outcome::yes(told, text))
}

/// Folders that the settings name, with the place of each.
fn stores(context: &Context, config: &Config) -> Result<Vec<Store>, Failure> {
    let folders = config.named(&context.home).into_iter().filter_map(|named| match named {
        Named::Folder(what, path) => Some((what, path)),
        Named::Host(..) => None,
    });
    let store = |(what, path): (String, PathBuf)| -> Result<Store, Failure> {
        let place = config.sovereignty.of_folder(&what, &path).advise(
            format!("{} is outside of every place", path.display()),
            "correct it in config.toml, or add the place to [sovereignty]",
        )?;
        let place = place.map(str::to_owned);
        Ok(Store { what, to: path.display().to_string(), place })
    };
    folders.map(store).collect()
}

/// Counts of the access log; none of a home without a vault.
fn reads(context: &Context, config: &Config) -> Result<Option<Vec<ReadBy>>, Failure> {
    if !config.vault.data_dir(&context.home).exists() {
        return Ok(None);
    }
    let vault = Place { vault: None, keystore: None }.open(context)?;
    let hint = "look at it with `aula doctor`";
    Ok(Some(logs::reads(&vault.entries().advise("the access log cannot be read", hint)?)))
}

fn text(told: &Told) -> String {
    let mut lines = vec![match told.places.as_slice() {
        [] => "no places are named: [sovereignty] of config.toml keeps everything inside some".to_owned(),
        places => format!("everything below stays in: {}", places.join(", ")),
    }];
    let within =
        |place: &Option<String>| place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    for store in &told.stores {
        lines.push(format!("{} in {}{}", store.what, store.to, within(&store.place)));
    }
    for one in &told.leaves {
        let last = one.last.as_ref().map(|date| format!("; last {date}")).unwrap_or_default();
        lines.push(format!(
            "{}\n    to {}{}, {}{last}\n    {}; students: {}",
            one.what,
            one.to,
            within(&one.place),
            one.when,
            one.form,
            one.students
        ));
    }
    for one in told.written.iter().filter(|one| one.times > 0) {
        let last = one.last.as_deref().unwrap_or_default();
        lines.push(format!(
            "{}, by `aula {}`\n    written {} times, last {last} UTC{}\n    {}; students: {}",
            one.own.what,
            one.own.command,
            one.times,
            one.places.iter().map(|place| format!(" ({place})")).collect::<String>(),
            one.own.form,
            one.own.students
        ));
    }
    if told.unread_lines > 0 {
        lines.push(format!(
            "{} lines of left.jsonl are torn or somebody else's: in no number above",
            told.unread_lines
        ));
    }
    if told.summed_lines > 0 {
        lines.push(format!(
            "{} older lines of left.jsonl are kept as counts alone: in the numbers above",
            told.summed_lines
        ));
    }
    if !told.damaged_sums.is_empty() {
        lines.push(format!(
            "the counts of still older lines are damaged, in {}: in no number above",
            told.damaged_sums.join(", ")
        ));
    }
    for one in told.reads.iter().flatten() {
        let (granted, denied) = (logs::count(one.granted), logs::count(one.denied));
        let days = one.days.as_ref().map(|(first, last)| format!(", {first} to {last}")).unwrap_or_default();
        lines.push(format!("records read as {}: {granted} granted, {denied} denied{days}", one.role));
    }
    if let Some(page) = &told.page {
        lines.push(format!("the page is {}", page.display()));
    }
    lines.join("\n")
}
