//! The demo's whole story: data → members' folders → genesis → validators as child processes → the driver's epochs → the
//! last device round's bundle, verified here with the auditor's own code → one line.
//!
//! Flow: [`Demo::start`] until the nodes are up → [`Demo::play`], which may be dropped → [`Demo::stop`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aula_api::chain::TwinVersionList;
use aula_api::paths;
use aula_client::Client;
use aula_client::sender::{Sender, submit};
use aula_client::watch::Watcher;
use aula_district::parameters::InForce;
use aula_home::clock::now_ms;
use aula_home::config::set;
use aula_home::keys::{KeyKind, NodeKey};
use aula_home::{Advise, Failure};
use aula_ledger::audit::{self, Verdict, verify};
use aula_ledger::credential::Scope;
use aula_ledger::tx::TakeRows;
use aula_ledger::types::{DistrictId, Height, TimeMs};
use serde::Serialize;
use tokio::task::JoinHandle;

use super::consortium::{self, Consortium, ConsortiumError, clean};
use super::driver::{Decided, Driver};
use super::office::{MemberHome, Office, OfficeError};
use super::rules::{self, Class};
use super::star::{ComputerRatio, DataFolder, Grade, StudentYear};
use super::twins::Versions;

use crate::localnet::{Localnet, Plan, Prepared, prepare};
use crate::{Tell, unkept};

/// How long the ledger may take to list that the auditor takes a round's rows.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// How far ahead the demo's transactions stay valid, in heights: more than a demo has.
const VALID_HEIGHTS: u64 = 1_000_000;

/// What is to be played.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of everything; what an earlier demo left there is removed.
    pub root: PathBuf,
    /// How many validators.
    pub validators: u16,
    /// How many of the study's four grades.
    pub grades: u8,
    /// The folder with the data, when it is not where it is looked for.
    pub data: Option<PathBuf>,
}

/// The one line of the answer.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
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

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self;
        let yes = |truth: bool| if truth { "yes" } else { "NO" };
        write!(
            f,
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
}

type Offices = BTreeMap<DistrictId, Office>;

/// A demo whose nodes are up.
pub struct Demo {
    options: Options,
    study: Vec<StudentYear>,
    ratios: Vec<ComputerRatio>,
    prepared: Prepared,
    net: Localnet,
    client: Client,
    funder: MemberHome,
    auditor: MemberHome,
    /// Forty databases take seconds to make: meanwhile the nodes come up.
    furnishing: Option<JoinHandle<Result<Offices, OfficeError>>>,
}

impl std::fmt::Debug for Demo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demo").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Demo {
    /// Reads the data, makes the consortium and starts its nodes.
    ///
    /// # Errors
    /// When the data are missing, the folder holds something else, or a node does not come up.
    pub async fn start(options: Options, tell: Tell<'_>) -> Result<Self, Failure> {
        let hint = "clone the repository whole, or give the folder with --data";
        let data = DataFolder::find(options.data.as_deref()).advise("no data", hint)?;
        let study = data.student_years().advise("the data cannot be used", hint)?;
        let ratios = data.computer_ratios().advise("the data cannot be used", hint)?;
        let count = |key: fn(&StudentYear) -> u32| distinct(&study, key);
        tell(format!(
            "Project STAR: {} students in {} schools of {} districts",
            count(|year| year.student),
            count(|year| year.school.0),
            count(|year| u32::from(year.district.0))
        ));
        let root = options.root.as_path();
        clean(root).map_err(|error| match &error {
            ConsortiumError::Foreign(_) => {
                Failure::new("not_empty", &error, "give an empty folder with --home")
            }
            _ => unkept(error),
        })?;
        let consortium = Consortium::create(root, &study).map_err(unkept)?;
        let prepared = prepare(&plan(root, options.validators, &consortium, &study)?)?;
        serve_families(&prepared, &consortium)?;
        tell(format!("genesis of {}: starting {} validators", prepared.genesis.chain_id, options.validators));
        let program = std::env::current_exe().advise("cannot find this program", "run it by its path")?;
        let chain = (prepared.genesis.chain_id.clone(), prepared.genesis.sha256);
        let Consortium { districts, funder, auditor } = consortium;
        let furnishing =
            tokio::task::spawn_blocking(move || consortium::offices(districts, &chain, now_ms()));
        let net = Localnet::start(&program, &prepared.homes).await?;
        let rpc = net.lines().next().map(|line| line.rpc.clone()).unwrap_or_default();
        let client = Client::new(&rpc)?;
        tell(format!("all up; explorer {rpc}"));
        let furnishing = Some(furnishing);
        Ok(Self { options, study, ratios, prepared, net, client, funder, auditor, furnishing })
    }

    /// Plays the grades and checks the evidence.
    ///
    /// # Errors
    /// When a step is refused, or the evidence does not verify.
    pub async fn play(&mut self, tell: Tell<'_>) -> Result<Line, Failure> {
        let again = "run it again";
        let furnishing = self.furnishing.take();
        let furnishing = furnishing.ok_or_else(|| Failure::because("it was played already", again))?;
        let offices = furnishing.await.advise("the districts' vaults were not made", again)?;
        let offices = offices.map_err(unkept)?;
        let mut driver = self.driver(offices).await?;
        let grades = &Grade::ALL[..usize::from(self.options.grades)];
        let mut rounds: Vec<Decided> = Vec::new();
        for grade in grades {
            rounds.extend(driver.epoch(&self.of(*grade), tell).await?);
        }
        let bundle = self.evidence(&rounds, tell).await?;
        let height = driver.watcher.height();
        let played: Vec<StudentYear> = grades.iter().flat_map(|grade| self.of(*grade)).collect();
        let line = self.line(height, &played, &rounds, bundle);
        tell(format!(
            "check the evidence yourself:\n  aula-audit verify {} --genesis {}",
            line.bundle.display(),
            line.genesis.display()
        ));
        Ok(line)
    }

    /// Stops the nodes.
    pub async fn stop(&mut self) {
        self.net.stop().await;
    }

    /// Everybody who acts, at the chain's beginning.
    async fn driver(&self, offices: Offices) -> Result<Driver, Failure> {
        let sender = |home: &MemberHome| self.sender(home.account(), home.signing_key().clone());
        let with_sender = |(id, office): (DistrictId, Office)| {
            let sender = sender(&office.member);
            (id, (office, sender))
        };
        let operators = self.prepared.homes.iter().map(|home| {
            let key = NodeKey::of_home(home, KeyKind::Account)?;
            Ok(self.sender(aula_ledger::keys::account_of(&key.public()), key.into_signing_key()))
        });
        let told: TwinVersionList = self.client.get(paths::TWIN_PARAMETERS).await?;
        let voted = told.versions.into_iter().next();
        let voted =
            voted.ok_or_else(|| Failure::because("the genesis gives no twin parameters", "run it again"))?;
        let in_force = InForce::unfitted(voted)
            .advise("the genesis's twin parameters cannot be used", "use the node of this version")?;
        Ok(Driver {
            client: self.client.clone(),
            watcher: Watcher::from_now(&self.client).await?,
            operators: operators.collect::<Result<_, Failure>>()?,
            funder: sender(&self.funder),
            districts: offices.into_iter().map(with_sender).collect(),
            versions: Versions::new(),
            in_force,
            ratios: self.ratios.clone(),
            opens_ms: self.prepared.genesis.genesis.time_ms,
        })
    }

    fn sender(&self, account: aula_ledger::types::AccountId, key: ed25519_dalek::SigningKey) -> Sender {
        Sender::new(self.prepared.genesis.sha256, account, key, Height(VALID_HEIGHTS))
    }

    fn of(&self, grade: Grade) -> Vec<StudentYear> {
        self.study.iter().filter(|year| year.grade == grade).cloned().collect()
    }

    /// The last device round's bundle, verified; gives its file.
    async fn evidence(&self, rounds: &[Decided], tell: Tell<'_>) -> Result<PathBuf, Failure> {
        let last = rounds.iter().rev().find(|round| round.class == Class::Devices);
        let last =
            last.ok_or_else(|| Failure::because("no device round was decided", "see the nodes' logs"))?;
        let genesis = self.prepared.genesis.sha256;
        // The auditor takes the rows, which the ledger lists, as `aula evidence round` does.
        let (account, key) = (self.auditor.account(), self.auditor.signing_key().clone());
        let taken = self.sender(account, key.clone()).sign(TakeRows { round: last.round });
        submit(&self.client, &taken).await?;
        self.client.wait_final(&taken.id, TAKEN_WITHIN).await?;
        let reader = self.client.signed_by(genesis, account, key, Scope::Round(last.round));
        let bytes = reader.get_bytes(&paths::evidence_round(last.round)).await?;
        let path = self.options.root.join(format!("round-{}.bundle", last.round));
        std::fs::write(&path, &bytes)
            .advise(format!("cannot write {}", path.display()), "check the space left")?;
        let genesis =
            std::fs::read(&self.prepared.genesis_file).advise("cannot read the genesis", "run it again")?;
        let report = tokio::task::block_in_place(|| verify(&bytes, &genesis, &audit::Options::default()));
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

    fn line(&self, height: u64, played: &[StudentYear], rounds: &[Decided], bundle: PathBuf) -> Line {
        Line {
            chain_id: self.prepared.genesis.chain_id.to_string(),
            height,
            validators: self.options.validators,
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
        base: consortium.base(study).map_err(unkept)?,
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
