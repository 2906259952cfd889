//! Every page and route that is measured, and how.
//!
//! Pages are found as a reader finds them: from the overview along the links, one of each form (a number or a hash in a
//! path counts as the same form). Routes are the API's description's, with the newest things of the chain in their places, and the
//! pages of registers at their largest and in the middle of the chain.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use aula_api::paths;
use aula_api::registers::{Pools, Rounds};
use aula_api::routes::{RouteClass, class_of};
use aula_api::transactions::Page;
use aula_client::Client;
use aula_home::Failure;
use serde::Serialize;
use serde_json::Value;

use super::super::percentile;

/// Most forms of pages, should a page link without end.
const MAX_PAGES: usize = 200;
/// Public routes that never end, tell of the node's own state, or are of a log that a chain need not have.
const LEFT_OUT: [&str; 4] = [paths::STREAM, paths::READYZ, paths::EVIDENCE_ACCESS, paths::EVIDENCE_ESTATE];

/// How long a page or route takes.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The path asked for.
    pub path: String,
    /// Median, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile (nearest rank).
    pub p99_ms: f64,
    /// The slowest answer, in milliseconds.
    pub max_ms: f64,
    /// Bytes of the body.
    pub bytes: usize,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, p50_ms, p99_ms, max_ms, bytes } = self;
        write!(f, "{p50_ms:8.2} {p99_ms:8.2} {max_ms:8.2} ms {bytes:9} bytes  {path}")
    }
}

/// Asks for everything, slowest first in the answer.
///
/// # Errors
/// When an answer is not a success.
pub async fn measure(client: &Client, requests: u32) -> Result<Vec<Measured>, Failure> {
    let mut paths = routes(client).await?;
    paths.extend(pages(client).await?);
    let mut measured = Vec::with_capacity(paths.len());
    for path in paths {
        measured.push(one(client, path, requests).await?);
    }
    measured.sort_by(|a, b| b.p99_ms.total_cmp(&a.p99_ms));
    Ok(measured)
}

async fn one(client: &Client, path: String, requests: u32) -> Result<Measured, Failure> {
    let mut bytes = client.get_bytes(&path).await?.len();
    let mut times = Vec::with_capacity(requests as usize);
    for _ in 0..requests {
        let start = Instant::now();
        bytes = client.get_bytes(&path).await?.len();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let of = |share| percentile(&times, share);
    Ok(Measured { path, p50_ms: of(0.5), p99_ms: of(0.99), max_ms: of(1.0), bytes })
}

/// The API's routes with parameters filled in.
async fn routes(client: &Client) -> Result<Vec<String>, Failure> {
    let of_kind = |kind: &str| format!("{}?limit=100&kind={kind}", paths::TRANSACTIONS);
    let newest: Page = client.get(&of_kind("AnchorStates")).await?;
    let one = newest.transactions.first().ok_or_else(|| {
        let hint = "give the home of a chain whose districts anchored, as `aula demo` makes one";
        Failure::new("nothing_anchored", "the chain holds no states", hint)
    })?;
    let rounds: Rounds = client.get(paths::ROUNDS).await?;
    let pools: Pools = client.get(paths::POOLS).await?;
    let pool = pools.pools.first().map_or(0, |one| one.pool.0);
    let last = rounds.count.saturating_sub(1);
    let filled = |path: &str| {
        let id = match path {
            paths::TRANSACTION => one.outline.id.to_string(),
            paths::ACCOUNT => one.outline.account.clone(),
            paths::POOL => pool.to_string(),
            _ if path.starts_with(paths::stem(paths::ROUND)) => last.to_string(),
            _ => "1".to_owned(),
        };
        let file = format!("schools-of-round-{last}.csv");
        let path = path.replace("{height}", &one.height.to_string()).replace("{file}", &file);
        path.replace("{id}", &id).replace("{round}", &id)
    };
    let described: Value = client.get(paths::DESCRIPTION).await?;
    let reads =
        described["paths"].as_object().into_iter().flatten().filter(|(_, item)| item.get("get").is_some());
    let mut paths: Vec<String> = reads
        .map(|(path, _)| path.as_str())
        .filter(|path| class_of(path) == Some(RouteClass::Public) && !LEFT_OUT.contains(path))
        .map(|path| if path == paths::SEARCH { format!("{path}?q=district") } else { filled(path) })
        .collect();
    let middle = newest.count / 2;
    paths.extend([
        format!("{}?limit=100", paths::BLOCKS),
        format!("{}?limit=100", paths::TRANSACTIONS),
        format!("{}?limit=100&before={middle}", paths::TRANSACTIONS),
        of_kind(&format!("RecordMilestone&before={middle}")),
        of_kind("RunRound"),
        format!("{}?limit=100", paths::TRAIL),
        format!("{}?class=1", paths::POOLS),
        paths::export("rounds.csv"),
        paths::export("pools.json"),
        format!("/transactions?before={middle}"),
    ]);
    paths.retain(|path| !path.contains('{'));
    Ok(paths)
}

/// One page of each form that the overview leads to.
async fn pages(client: &Client) -> Result<Vec<String>, Failure> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut queue = VecDeque::from(["/".to_owned(), "/search?q=school".to_owned()]);
    while let Some(path) = queue.pop_front() {
        if found.len() >= MAX_PAGES || found.contains_key(&form(&path)) {
            continue;
        }
        let text = String::from_utf8_lossy(&client.get_bytes(&path).await?).into_owned();
        found.insert(form(&path), path);
        for link in text.split("href=\"/").skip(1).filter_map(|rest| rest.split(['"', '#']).next()) {
            let link = format!("/{}", link.replace("&amp;", "&"));
            if !paths::is_for_programs(&link) && !link.starts_with("/assets/") {
                queue.push_back(link);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// A path with every number and hash alike.
fn form(path: &str) -> String {
    let word = |word: &str| {
        let number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
        let hash = word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
        if number || hash { "*".to_owned() } else { word.to_owned() }
    };
    path.split_inclusive(['/', '?', '=', '&'])
        .map(|piece| match piece.strip_suffix(['/', '?', '=', '&']) {
            Some(bare) => format!("{}{}", word(bare), &piece[bare.len()..]),
            None => word(piece),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::form;

    #[test]
    fn numbers_and_hashes_are_alike() {
        assert_eq!(form("/blocks/12"), form("/blocks/907"));
        assert_eq!(form(&format!("/transactions/{}", "ab".repeat(32))), "/transactions/*");
        assert_eq!(form("/transactions?before=9&kind=RunRound"), "/transactions?before=*&kind=RunRound");
        assert_eq!(form("/"), "/");
    }
}
