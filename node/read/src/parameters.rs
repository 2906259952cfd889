//! The ledger's parameters in force, and every vote that changed them.

pub use aula_api::chain::{ParameterChange, ParameterLine, Parameters};
use aula_ledger::genesis::Genesis;
use aula_ledger::params::Params;
use aula_ledger::state::schema::{self, ProposalStatus};
use aula_ledger::tx::Change;
use serde_json::{Value, json};

use super::table::Table;
use crate::ReadError;
use aula_store::ChainView;

/// What each parameter limits, in words.
const MEANINGS: &[(&str, &str)] = &[
    ("max_block_bytes", "most bytes of a block's transactions"),
    ("max_block_signatures", "most transactions in a block"),
    ("max_block_range_values", "most values proved to lie in a range in a block"),
    ("max_block_rounds", "most rounds decided in a block"),
    ("max_block_account_transactions", "most transactions of one account in a block"),
    ("max_block_work", "most work in a block, in nanoseconds of one thread of the reference machine"),
    ("max_batch_entries", "most student states or requests in one transaction"),
    ("max_district_students", "most students of a district in a school year"),
    ("max_district_leaves", "most students of a district over all school years"),
    ("first_school_year", "first school year that takes states; 0: the one before the current one"),
    ("last_school_year", "last school year that takes states; 0: the one after the current one"),
    ("max_round_requests", "most requests in a round"),
    ("max_round_pairs", "most pairs of a request and a pool in a round"),
    (
        "max_district_round_percent",
        "most of a round's requests, and of its pairs, that one district may take, in percent",
    ),
    (
        "request_window_ms",
        "block time for a round's requests, and for commitments to shares of its seed, in ms",
    ),
    ("reveal_window_ms", "block time for the reveals of these shares, in ms"),
    ("max_extra_window_ms", "most block time that opening a round may add to each of its windows, in ms"),
    ("max_seed_attempts", "how often shares of a round's seed are asked for, until enough are revealed"),
    ("max_class_pools", "most pools of a class, retired ones included"),
    ("max_round_work", "most entries the optimizer may scan in a round"),
    ("max_gap_ppm", "largest proven gap to the optimum that is accepted, in parts per million"),
    ("equity", "how much a higher need band weighs: W = 100 + equity x (10 x band + 5) / 100"),
    ("min_cell_students", "no published count is of fewer students than this"),
];

fn fields(params: &Params) -> Vec<(String, u64)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(params) else { return Vec::new() };
    fields.into_iter().map(|(name, value)| (name, value.as_u64().unwrap_or_default())).collect()
}

/// Reads parameters and history.
///
/// # Errors
/// When the database fails.
pub fn parameters(view: &ChainView) -> Result<Parameters, ReadError> {
    let genesis = Genesis::parse(&view.genesis()?)
        .map_err(|error| aula_store::StorageError::Damaged(error.to_string()))?;
    let founded = fields(&genesis.genesis.params);
    let mut applied: Vec<_> = schema::proposals(view)?
        .into_iter()
        .filter_map(|proposal| match (&proposal.change, proposal.status) {
            (Change::SetParameters { params }, ProposalStatus::Applied { height }) => {
                Some((height.0, proposal.proposal.0, fields(params)))
            }
            _ => None,
        })
        .collect();
    applied.sort_by_key(|(height, proposal, _)| (*height, *proposal));
    let mut history = Vec::new();
    let mut current = founded.clone();
    for (height, proposal, next) in applied {
        for ((name, before), (_, after)) in current.iter().zip(&next) {
            if before != after {
                history.push(ParameterChange {
                    height,
                    proposal,
                    name: name.clone(),
                    before: *before,
                    after: *after,
                });
            }
        }
        current = next;
    }
    let params = schema::params(view)?;
    let in_force = fields(&params);
    let meaning = |name: &str| MEANINGS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
    let line = |((name, value), (_, at_genesis)): ((String, u64), (String, u64))| ParameterLine {
        meaning: meaning(&name).to_owned(),
        name,
        value,
        at_genesis,
    };
    let parameters = in_force.into_iter().zip(founded).map(line).collect();
    Ok(Parameters { height: view.tip().height.0, params, parameters, history })
}

/// The parameters in force as a table.
pub fn table(parameters: &Parameters) -> Table {
    let row = |line: &ParameterLine| {
        vec![json!(line.name), json!(line.value), json!(line.at_genesis), json!(line.meaning)]
    };
    let rows = parameters.parameters.iter().map(row).collect();
    Table { columns: &["name", "value", "at_genesis", "meaning"], rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_explained() {
        for (name, _) in fields(&Params::default()) {
            assert!(MEANINGS.iter().any(|(known, text)| *known == name && !text.is_empty()), "{name}");
        }
    }
}
