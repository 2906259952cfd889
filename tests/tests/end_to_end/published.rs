//! What the public can read of a round, all of it together: every page, route and export of a node is fetched, and held
//! against the rows, which the auditor's bundle has. No handle is anywhere, no shown count is of few students or wrong,
//! and what a reader works out by subtraction is not of few students either.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::codec::Canonical;
use aula_ledger::state::schema::{DecisionRow, Placement, RequestRow, School};
use aula_tests::program;
use serde_json::Value;

/// No published count is of fewer students (the demo's parameter).
const LEAST: u64 = 10;
/// Most documents of a crawl.
const MAX_DOCUMENTS: usize = 4_000;

/// What can be exported, written down once more: whoever adds a register has to come here and see what it shows.
const REGISTERS: [&str; 15] = [
    "audits-of-round-N",
    "budgets",
    "classes",
    "districts",
    "members",
    "milestones",
    "parameters",
    "pools",
    "pools-of-round-N",
    "proposals",
    "rounds",
    "schools",
    "schools-of-round-N",
    "transactions",
    "validators",
];

/// A node that serves what a demo left; ends with the test.
struct Served {
    child: Child,
    origin: String,
}

impl Served {
    fn start(home: &Path) -> Result<Self> {
        let mut child = Command::new(program("aula")?)
            .args(["start", "--output", "json", "--home"])
            .arg(home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut told = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut told)?;
        let told: Value = serde_json::from_str(&told)?;
        let origin = told["rpc"].as_str().context("no rpc")?.to_owned();
        Ok(Self { child, origin })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Students, those waiting.
type Exact = BTreeMap<(&'static str, u64), (u64, u64)>;

/// What the rows say, by kind of group and number.
struct Truth {
    round: u64,
    exact: Exact,
    district_of: BTreeMap<u64, u64>,
    handles: Vec<String>,
}

fn truth(bundle: &Path) -> Result<Truth> {
    let bundle = Bundle::from_canonical(&std::fs::read(bundle)?)?;
    let Subject::Round(evidence) = &bundle.subject else { anyhow::bail!("not a round's bundle") };
    let mut district_of = BTreeMap::new();
    for school in &evidence.context.schools {
        let school = School::from_canonical(&school.value)?;
        district_of.insert(u64::from(school.id.0), u64::from(school.district.0));
    }
    let (mut exact, mut handles) = (Exact::new(), Vec::new());
    for row in &evidence.rows {
        let request = RequestRow::from_canonical(&row.request)?;
        let decision = DecisionRow::from_canonical(&row.decision)?;
        let school = u64::from(request.home_school.0);
        let district = *district_of.get(&school).context("a school without a district")?;
        let waits = u64::from(decision.placement == Placement::Waitlist);
        let groups =
            [("by_school", school), ("by_district", district), ("by_band", u64::from(request.band.get()))];
        for group in groups {
            let cell = exact.entry(group).or_default();
            *cell = (cell.0 + 1, cell.1 + waits);
        }
        handles.push(request.handle.to_string());
    }
    Ok(Truth { round: u64::from(evidence.context.round.0), exact, district_of, handles })
}

/// What a crawl found, by path: texts, and the bytes of public evidence.
#[derive(Default)]
struct Found {
    texts: BTreeMap<String, String>,
    bundles: BTreeMap<String, Vec<u8>>,
}

/// Everything that links, the description and the exports lead to.
async fn crawl(origin: &str) -> Result<Found> {
    let http = reqwest::Client::new();
    let mut found = Found::default();
    let described: Value = http.get(format!("{origin}/openapi.json")).send().await?.json().await?;
    let paths = described["paths"].as_object().context("paths")?;
    let mut queue: VecDeque<String> = paths.keys().filter(|path| !path.contains('{')).cloned().collect();
    queue.push_front("/".into());
    for register in REGISTERS {
        let register = register.replace("-N", "-0");
        queue.extend([format!("/v1/export/{register}.csv"), format!("/v1/export/{register}.json")]);
    }
    for height in 1..400 {
        queue.push_back(format!("/v1/blocks/{height}"));
    }
    let mut known: BTreeSet<String> = queue.iter().cloned().collect();
    while let Some(path) = queue.pop_front() {
        ensure!(found.texts.len() < MAX_DOCUMENTS, "the crawl does not end");
        if path == "/v1/stream" {
            continue;
        }
        let answer = http.get(format!("{origin}{path}")).send().await?;
        let page = answer
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let bytes = answer.bytes().await?;
        if path.starts_with("/v1/evidence/") {
            found.bundles.insert(path, bytes.into());
            continue;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if page {
            for link in text.split("href=\"/").skip(1).filter_map(|rest| rest.split(['"', '#']).next()) {
                let link = format!("/{}", link.replace("&amp;", "&"));
                // Of the many alike, the first pages say what all say.
                let many =
                    ["/blocks/", "/pools/", "/transactions/"].iter().any(|start| link.starts_with(start));
                if (!many || known.len().is_multiple_of(7)) && known.insert(link.clone()) {
                    queue.push_back(link);
                }
            }
        }
        found.texts.insert(path, text);
    }
    Ok(found)
}

/// Shown cells of a report: (kind of group, number) to students and those waiting.
fn shown(report: &Value) -> Exact {
    let mut cells = Exact::new();
    for kind in ["by_school", "by_district", "by_band"] {
        for cell in report[kind]["cells"].as_array().into_iter().flatten() {
            if let (Some(group), Some(students)) =
                (cell["group"].as_u64(), cell["counts"]["students"].as_u64())
            {
                let waits = cell["counts"]["waitlisted"].as_u64().unwrap_or(u64::MAX);
                cells.insert((kind, group), (students, waits));
            }
        }
    }
    cells
}

fn small(n: u64) -> bool {
    n > 0 && n < LEAST
}

/// Shown cells are right and not small; what subtraction leaves is not small.
fn hold(truth: &Truth, cells: &Exact, students: Option<u64>) -> Result<()> {
    for (group, (students, waits)) in cells {
        ensure!(truth.exact.get(group) == Some(&(*students, *waits)), "{group:?} is shown wrong");
        let parts = [*students, *waits, students - waits];
        ensure!(!parts.into_iter().any(small), "{group:?} shows few students: {parts:?}");
    }
    let left = |kind: &str, whole: (u64, u64), belongs: &dyn Fn(u64) -> bool| {
        let parts = cells.iter().filter(|((of, group), _)| *of == kind && belongs(*group));
        let sum = parts.fold((0, 0), |sum, (_, cell)| (sum.0 + cell.0, sum.1 + cell.1));
        let (rest, waits) = (whole.0 - sum.0, whole.1 - sum.1);
        [rest, waits, rest - waits].into_iter().any(small)
    };
    for ((kind, district), whole) in cells.iter().filter(|((kind, _), _)| *kind == "by_district") {
        let inside = |school: u64| truth.district_of.get(&school) == Some(district);
        ensure!(
            !left("by_school", *whole, &inside),
            "{kind} {district} minus its shown schools is few students"
        );
    }
    let all = truth
        .exact
        .iter()
        .filter(|((kind, _), _)| *kind == "by_band")
        .fold((0, 0), |sum, (_, cell)| (sum.0 + cell.0, sum.1 + cell.1));
    if students == Some(all.0) {
        ensure!(!left("by_district", all, &|_| true), "the total minus the shown districts is few students");
        ensure!(!left("by_band", all, &|_| true), "the total minus the shown bands is few students");
    }
    Ok(())
}

/// Counts that pages show with their place, and CSV lines of schools: the same cells, never more.
fn nothing_more(documents: &BTreeMap<String, String>, truth: &Truth, cells: &Exact) -> Result<usize> {
    let mut seen = 0;
    let start = format!("round-{}.", truth.round);
    for (path, text) in documents {
        for place in text.split("data-proof=\"").skip(1) {
            let Some((name, rest)) = place.split_once('"') else { continue };
            let Some(name) = name.strip_prefix(&start) else { continue };
            let parts: Vec<&str> = name.split('.').collect();
            let [kind, group, "students"] = parts[..] else { continue };
            let kind = ["by_school", "by_district", "by_band"].into_iter().find(|known| *known == kind);
            let (kind, group) = (kind.context("an unknown kind")?, group.parse::<u64>()?);
            let value =
                rest.trim_start().strip_prefix("data-value=\"").and_then(|rest| rest.split('"').next());
            let value = value.map(str::parse::<u64>).transpose()?;
            ensure!(
                value == cells.get(&(kind, group)).map(|cell| cell.0),
                "{path}: {kind} {group} shows {value:?}"
            );
            seen += 1;
        }
    }
    let csv = documents.get("/v1/export/schools-of-round-0.csv").context("no export")?;
    let columns: Vec<&str> = csv.lines().next().context("no header")?.split(',').collect();
    let column = |name| columns.iter().position(|one| *one == name).context("a column is gone");
    let (school, students) = (column("school")?, column("students")?);
    for row in csv.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let (school, students) = (fields[school].parse::<u64>()?, fields[students].parse::<u64>().ok());
        ensure!(
            students == cells.get(&("by_school", school)).map(|cell| cell.0),
            "the CSV's school {school}"
        );
        seen += 1;
    }
    Ok(seen)
}

/// Every withheld count lies between the two numbers that are told, which give no few students away; gives how many there are.
fn ranges_hold(truth: &Truth, cells: &Exact, ranges: &Value) -> Result<usize> {
    let mut seen = 0;
    for ((kind, group), (students, waits)) in truth.exact.iter().filter(|(key, _)| !cells.contains_key(*key))
    {
        let of = match *kind {
            "by_school" => "schools",
            "by_district" => "districts",
            _ => "bands",
        };
        let range = &ranges[of][group.to_string()];
        for (part, count) in [("students", *students), ("waitlisted", *waits), ("placed", students - waits)] {
            let (low, high) = (range[part]["low"].as_u64(), range[part]["high"].as_u64());
            ensure!(low <= Some(count) && Some(count) <= high, "{kind} {group}: {part} is not in {range}");
            ensure!(
                low != high || !small(count),
                "{kind} {group}: {part} follows from what is shown: {range}"
            );
        }
        seen += 1;
    }
    Ok(seen)
}

/// A batch of requests tells nowhere how many it has.
fn batches_tell_nothing(documents: &BTreeMap<String, String>) -> Result<usize> {
    let mut batches = 0;
    for (path, text) in documents.iter().filter(|(path, _)| path.starts_with("/v1/blocks/")) {
        let Ok(block) = serde_json::from_str::<Value>(text) else { continue };
        for one in
            block["outlines"].as_array().into_iter().flatten().filter(|one| one["kind"] == "SubmitRequests")
        {
            let told = [
                &one["entries"],
                &one["bytes"],
                &one["events"][0]["counted"],
                &one["events"][0]["repeated"],
                &one["events"][0]["refused"],
            ];
            ensure!(told.iter().all(|value| value.is_null()), "{path}: {one}");
            batches += 1;
        }
    }
    Ok(batches)
}

/// Bundles for anybody verify and hold no handle, in bytes as little as in text; those of acts neither.
fn bundles_name_nobody(found: &Found, truth: &Truth, genesis: &[u8]) -> Result<usize> {
    let handle =
        |text: &String| -> Result<Vec<u8>> { Ok(text.parse::<aula_ledger::types::Handle>()?.0.to_vec()) };
    let handles: HashSet<Vec<u8>> = truth.handles.iter().map(handle).collect::<Result<_>>()?;
    let mut acts = 0;
    for (path, bytes) in &found.bundles {
        let named = bytes.windows(32).any(|window| handles.contains(window));
        ensure!(!named, "{path} holds a handle");
        let Ok(bundle) = Bundle::from_canonical(bytes) else { continue };
        let Subject::Figures(evidence) = &bundle.subject else { anyhow::bail!("{path} is for members") };
        let report = aula_ledger::audit::verify(bytes, genesis, &aula_ledger::audit::Options::default());
        ensure!(report.verdict.exit_code() == 0, "{path}: {}", report.sentence);
        acts += evidence.acts.len();
    }
    Ok(acts)
}

#[test]
fn every_register_is_looked_at() {
    assert_eq!(REGISTERS, aula_read::registers::NAMES, "read the new register below too");
}

/// Holds what a demo of one grade left in its home, and told at its end, to all of that.
pub async fn all_of_it_together_shows_no_handle_and_no_few_students(home: &Path, told: &Value) -> Result<()> {
    let truth = truth(Path::new(told["bundle"].as_str().context("bundle")?))?;
    let served = Served::start(&home.join("node-01"))?;
    let found = crawl(&served.origin).await?;
    let documents = &found.texts;
    ensure!(documents.len() > 300, "{} documents", documents.len());
    let handles: BTreeSet<&str> = truth.handles.iter().map(String::as_str).collect();
    for (path, text) in documents {
        let handle = text.split(|c: char| !c.is_ascii_hexdigit()).find(|word| handles.contains(*word));
        ensure!(handle.is_none(), "{path} shows a handle");
    }
    let report: Value = serde_json::from_str(
        documents.get("/v1/rounds/0/figures").context("the round's page links its figures")?,
    )?;
    let figures = report["figures"].clone();
    let report = &figures["report"];
    let cells = shown(report);
    ensure!(cells.len() > 10 && cells.len() < truth.exact.len(), "{} of {}", cells.len(), truth.exact.len());
    hold(&truth, &cells, report["students"].as_u64())?;
    ensure!(ranges_hold(&truth, &cells, &figures["ranges"])? > 50, "nearly all of this round is withheld");
    let seen = nothing_more(documents, &truth, &cells)?;
    ensure!(seen > 100, "{seen} shown places");
    ensure!(batches_tell_nothing(documents)? > 40, "the demo's districts submit batches");
    let genesis = std::fs::read(told["genesis"].as_str().context("genesis")?)?;
    let acts = bundles_name_nobody(&found, &truth, &genesis)?;
    ensure!(found.bundles.len() > 50 && acts >= 50, "{} bundles, {acts} acts", found.bundles.len());
    println!(
        "measured: {} documents, {} bundles with {acts} acts, {} cells shown of {}, {seen} places",
        documents.len(),
        found.bundles.len(),
        cells.len(),
        truth.exact.len()
    );
    Ok(())
}
