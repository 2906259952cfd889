//! `aula demo`: a whole consortium on this machine, four school years of real students, and evidence that an
//! auditor checks offline.
//!
//! Flow: data → members' folders → genesis → validators as child processes → the driver's epochs → the last
//! device round's bundle, verified here with the auditor's own code → one line. Without `--once` the nodes stay
//! up until a signal. The story goes to stderr.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aula_district::parameters::params;
use aula_ledger::audit::{Options, Verdict, verify};
use aula_ledger::credential::Scope;
use aula_ledger::tx::TakeRows;
use aula_ledger::types::{DistrictId, Height, TimeMs};
use clap::Args;
use serde::Serialize;

use super::{Advise, Answer, Context, Failure, Outcome, start};
use crate::client::Client;
use crate::client::sender::{Sender, submit};
use crate::client::watch::Watcher;
use crate::clock::now_ms;
use crate::config::set;
use crate::demo::consortium::{self, Consortium, ConsortiumError, clean};
use crate::demo::driver::{Class, Decided, Driver};
use crate::demo::office::{MemberHome, Office};
use crate::demo::rules;
use crate::demo::star::{DATA_VARIABLE, DataFolder, Grade, StudentYear};
use crate::demo::twins::Twins;
use crate::keys::{KeyKind, NodeKey};
use crate::localnet::{Localnet, Plan, Prepared, prepare};

/// How long the ledger may take to list that the auditor takes a round's rows.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// How far ahead the demo's transactions stay valid, in heights: more than a demo has.
const VALID_HEIGHTS: u64 = 1_000_000;

/// Arguments of `aula demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula demo                                    stays up: open the explorer's address in a browser\n  \
                  aula demo --once --output json               one line, then the end\n  aula demo --validators 7 --home /tmp/county\n\n\
                  What an earlier demo left in --home is removed. The data are read from --data, AULA_DATA, ../../genesis \
                  beside the program, or ./genesis."
)]
pub struct DemoArgs {
    /// How many validators
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub validators: u16,
    /// End when the story has been told, instead of staying up
    #[arg(long)]
    pub once: bool,
    /// How many of the study's four grades to play
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub grades: u8,
    /// The folder with the data (star/, caschools/)
    #[arg(long, env = DATA_VARIABLE, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// The one line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    chain_id: String,
    height: u64,
    validators: u16,
    districts: usize,
    schools: usize,
    students: usize,
    student_years: usize,
    requests: u64,
    allocated: u64,
    waitlisted: u64,
    mandates_met: bool,
    objective: i64,
    optimal: bool,
    bundle: PathBuf,
    genesis: PathBuf,
    explorer: String,
}

/// Tells the whole story.
///
/// # Errors
/// When the data are missing, a node does not come up, a step is refused, or the evidence does not verify.
pub async fn run(context: &Context, args: &DemoArgs) -> Result<Outcome, Failure> {
    let stop = start::stop_signal(false)?;
    let begun = Instant::now();
    let tell = |line: String| context.tell(format_args!("[{:6.1} s] {line}", begun.elapsed().as_secs_f64()));
    let hint = "clone the repository whole, or give the folder with --data";
    let data = DataFolder::find(args.data.as_deref()).advise("no data", hint)?;
    let study = data.student_years().advise("the data cannot be used", hint)?;
    let ratios = data.computer_ratios().advise("the data cannot be used", hint)?;
    let count = |key: fn(&StudentYear) -> u32| distinct(&study, key);
    tell(format!(
        "Project STAR: {} students in {} schools of {} districts",
        count(|year| year.student),
        count(|year| year.school.0),
        count(|year| u32::from(year.district.0))
    ));
    let root = context.home.path();
    clean(root).map_err(|error| match &error {
        ConsortiumError::Foreign(_) => Failure::new("not_empty", &error, "give an empty folder with --home"),
        _ => Failure::from(error),
    })?;
    let consortium = Consortium::create(root, &study)?;
    let prepared = prepare(&plan(root, args.validators, &consortium, &study)?)?;
    serve_families(&prepared, &consortium)?;
    tell(format!("genesis of {}: starting {} validators", prepared.genesis.chain_id, args.validators));
    let program = std::env::current_exe().advise("cannot find this program", "run it by its path")?;
    let chain = (prepared.genesis.chain_id.clone(), prepared.genesis.sha256);
    let Consortium { districts, funder, auditor } = consortium;
    // Forty databases take seconds to make: meanwhile the nodes come up.
    let furnishing = tokio::task::spawn_blocking(move || consortium::offices(districts, &chain, now_ms()));
    let mut net = Localnet::start(&program, &prepared.homes).await?;
    let told = async {
        let rpc = net.lines().next().map(|line| line.rpc.clone()).unwrap_or_default();
        let client = Client::new(&rpc)?;
        tell(format!("all up; explorer {rpc}"));
        let offices = furnishing.await.advise("the districts' vaults were not made", "run it again")??;
        let story = Story { root, prepared: &prepared, client, study: &study };
        let members = Members { offices, funder, auditor };
        let line = story.tell(args, members, ratios, &tell).await?;
        tell(format!(
            "check the evidence yourself:\n  aula-audit verify {} --genesis {}",
            line.bundle.display(),
            line.genesis.display()
        ));
        Ok::<Line, Failure>(line)
    };
    let mut stop = std::pin::pin!(stop);
    let line = tokio::select! {
        line = told => line,
        () = &mut stop => Err(Failure::new("stopped", "stopped by a signal before the end", "run it again")),
    };
    let line = match line {
        Ok(line) => line,
        Err(failure) => {
            net.stop().await;
            return Err(failure);
        }
    };
    let printed = context.print(&Answer::new(&line, text(&line)));
    if printed.is_ok() && !args.once {
        tell("the nodes stay up; Ctrl-C stops them".to_owned());
        stop.await;
    }
    net.stop().await;
    printed.advise("cannot print the answer", "run it with standard output open")?;
    Ok(Outcome::printed())
}

fn plan(
    root: &Path,
    validators: u16,
    consortium: &Consortium,
    study: &[StudentYear],
) -> Result<Plan, Failure> {
    Ok(Plan {
        dir: root.to_owned(),
        validators,
        name: rules::CONSORTIUM_NAME.into(),
        base_port: None,
        time_ms: TimeMs(now_ms()),
        base: consortium.base(study)?,
    })
}

fn distinct(study: &[StudentYear], key: fn(&StudentYear) -> u32) -> usize {
    study.iter().map(key).collect::<std::collections::BTreeSet<_>>().len()
}

/// Lets the first node, whose explorer the demo prints, serve the families' page of every district: with one machine
/// for all, no district has a node of its own. What it gets are links, not records.
fn serve_families(prepared: &Prepared, consortium: &Consortium) -> Result<(), Failure> {
    let Some(home) = prepared.homes.first() else { return Ok(()) };
    let folders: Vec<String> =
        consortium.districts.values().map(|member| format!("{:?}", member.home.links_dir())).collect();
    let (path, hint) = (home.config_file(), "check the folder's owner and space");
    let text = std::fs::read_to_string(&path).advise(format!("cannot read {}", path.display()), hint)?;
    let text = set(&text, "api", "links", &format!("[{}]", folders.join(", ")));
    std::fs::write(&path, text).advise(format!("cannot write {}", path.display()), hint)
}

/// The members who act in the story.
struct Members {
    offices: BTreeMap<DistrictId, Office>,
    funder: MemberHome,
    auditor: MemberHome,
}

/// What the story is told with.
struct Story<'a> {
    root: &'a Path,
    prepared: &'a Prepared,
    client: Client,
    study: &'a [StudentYear],
}

impl Story<'_> {
    async fn tell(
        &self,
        args: &DemoArgs,
        members: Members,
        ratios: Vec<crate::demo::star::ComputerRatio>,
        tell: &(dyn Fn(String) + Sync),
    ) -> Result<Line, Failure> {
        let Members { offices, funder, auditor } = members;
        let sender = |home: &MemberHome| self.sender(home.account(), home.signing_key().clone());
        let with_sender = |(id, office): (DistrictId, Office)| {
            let sender = sender(&office.member);
            (id, (office, sender))
        };
        let operators = self.prepared.homes.iter().map(|home| {
            let key = NodeKey::of_home(home, KeyKind::Account)?;
            Ok(self.sender(aula_ledger::keys::account_of(&key.public()), key.into_signing_key()))
        });
        let mut driver = Driver {
            client: self.client.clone(),
            watcher: Watcher::from_now(&self.client).await?,
            operators: operators.collect::<Result<_, Failure>>()?,
            funder: sender(&funder),
            districts: offices.into_iter().map(with_sender).collect(),
            twins: Twins::new(),
            params: params(),
            ratios,
            opens_ms: self.prepared.genesis.genesis.time_ms,
        };
        let grades = &Grade::ALL[..usize::from(args.grades)];
        let mut rounds: Vec<Decided> = Vec::new();
        for grade in grades {
            rounds.extend(driver.epoch(&self.of(*grade), tell).await?);
        }
        let bundle = self.evidence(&rounds, &auditor, tell).await?;
        let height = driver.watcher.height();
        let played: Vec<StudentYear> = grades.iter().flat_map(|grade| self.of(*grade)).collect();
        Ok(self.line(args, height, &played, &rounds, bundle))
    }

    fn sender(&self, account: aula_ledger::types::AccountId, key: ed25519_dalek::SigningKey) -> Sender {
        Sender::new(self.prepared.genesis.sha256, account, key, Height(VALID_HEIGHTS))
    }

    fn of(&self, grade: Grade) -> Vec<StudentYear> {
        self.study.iter().filter(|year| year.grade == grade).cloned().collect()
    }

    /// The last device round's bundle, verified; gives its file.
    async fn evidence(
        &self,
        rounds: &[Decided],
        auditor: &MemberHome,
        tell: &(dyn Fn(String) + Sync),
    ) -> Result<PathBuf, Failure> {
        let last = rounds.iter().rev().find(|round| round.class == Class::Devices);
        let last =
            last.ok_or_else(|| Failure::because("no device round was decided", "see the nodes' logs"))?;
        let genesis = self.prepared.genesis.sha256;
        // The auditor takes the rows, which the ledger lists, as `aula evidence round` does.
        let (account, key) = (auditor.account(), auditor.signing_key().clone());
        let taken = self.sender(account, key.clone()).sign(TakeRows { round: last.round });
        submit(&self.client, &taken).await?;
        self.client.wait_final(&taken.id, TAKEN_WITHIN).await?;
        let reader = self.client.signed_by(genesis, account, key, Scope::Round(last.round));
        let bytes = reader.get_bytes(&format!("/v1/evidence/round/{}", last.round)).await?;
        let path = self.root.join(format!("round-{}.bundle", last.round));
        std::fs::write(&path, &bytes)
            .advise(format!("cannot write {}", path.display()), "check the space left")?;
        let genesis =
            std::fs::read(&self.prepared.genesis_file).advise("cannot read the genesis", "run it again")?;
        let report = tokio::task::block_in_place(|| verify(&bytes, &genesis, &Options::default()));
        if report.verdict != Verdict::Valid {
            let failed = report.checks.iter().find(|check| !check.ok).map(|check| check.detail.clone());
            let message = format!("the evidence does not verify: {}", failed.unwrap_or(report.sentence));
            return Err(Failure::new("bad_evidence", message, "report it with the logs of the nodes"));
        }
        tell(format!(
            "evidence of {}'s device round: {} checks passed",
            last.grade.name(),
            report.checks.len()
        ));
        Ok(path)
    }

    fn line(
        &self,
        args: &DemoArgs,
        height: u64,
        played: &[StudentYear],
        rounds: &[Decided],
        bundle: PathBuf,
    ) -> Line {
        Line {
            chain_id: self.prepared.genesis.chain_id.to_string(),
            height,
            validators: args.validators,
            districts: distinct(played, |year| u32::from(year.district.0)),
            schools: distinct(played, |year| year.school.0),
            students: distinct(played, |year| year.student),
            student_years: played.len(),
            requests: rounds.iter().map(|round| round.requests).sum(),
            allocated: rounds.iter().map(|round| round.placed).sum(),
            waitlisted: rounds.iter().map(|round| round.waitlisted).sum(),
            mandates_met: rounds.iter().all(|round| round.mandates_met),
            objective: rounds.iter().map(|round| round.objective).sum(),
            optimal: rounds.iter().all(|round| round.optimal),
            bundle,
            genesis: self.prepared.genesis_file.clone(),
            explorer: self.client.origin().to_owned(),
        }
    }
}

fn text(line: &Line) -> String {
    let yes = |truth: bool| if truth { "yes" } else { "NO" };
    format!(
        "{}  height {}, {} validators\n{} districts, {} schools, {} students, {} student-years\n{} requests: {} allocated, {} \
         waiting; every mandate met: {}; proved optimal: {}\nevidence  {}\ngenesis   {}\nexplorer  {}",
        line.chain_id,
        line.height,
        line.validators,
        line.districts,
        line.schools,
        line.students,
        line.student_years,
        line.requests,
        line.allocated,
        line.waitlisted,
        yes(line.mandates_met),
        yes(line.optimal),
        line.bundle.display(),
        line.genesis.display(),
        line.explorer
    )
}
