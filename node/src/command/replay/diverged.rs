//! `aula replay --diverged FILE`: executes the block of a divergence again, on what executing it read then.

use std::path::Path;

use aula_consensus::divergence::{Case, Found};
use aula_consensus::executor::LedgerExecutor;
use serde_json::{Value, json};

use super::{Advise, Failure, Outcome};

pub(super) fn run(file: &Path) -> Result<Outcome, Failure> {
    let hint = "give the file that the node named when it stopped, and the version of aula that wrote it";
    let case = Case::read(file).advise("the file cannot be read", hint)?;
    let found = case.look(&LedgerExecutor::NEWEST).map_err(|why| Failure::because(why, hint))?;
    let json = told(&found);
    if found.agrees() {
        let text = format!(
            "this program gives the certified header of block {} at height {}",
            found.block, found.height
        );
        return Ok(Outcome::yes(&json, text));
    }
    Ok(Outcome::no(&json, found.to_string()))
}

fn told(found: &Found) -> Value {
    let roots = found
        .roots
        .iter()
        .map(|root| json!({"name": root.name, "here": root.here, "certified": root.certified}));
    let records = found.records.iter().map(|record| {
        json!({
            "module": record.module, "key": record.key, "here": record.here, "certified": record.certified,
            "transaction": record.transaction,
        })
    });
    let transaction = found
        .transaction
        .as_ref()
        .map(|(index, kind, id)| json!({"index": index, "kind": kind, "id": id.to_string()}));
    json!({
        "agrees": found.agrees(),
        "height": found.height.0,
        "block": found.block.to_string(),
        "failed": found.failed,
        "roots": roots.collect::<Vec<_>>(),
        "transaction": transaction,
        "receipt": found.receipt,
        "records": records.collect::<Vec<_>>(),
        "records_in_all": found.records_in_all,
        "facts": found.has_facts,
    })
}

#[cfg(test)]
mod tests;
