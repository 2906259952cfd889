//! The chain executed again up to a height, and every round it decided, ready to be decided anew.
//!
//! Nothing of what the database says about results is believed: blocks are executed from the genesis as
//! `aula replay` does, every root compared, and each decided round's inputs are taken from the executed state.

use aula_allocation::{Limits, solve};
use aula_home::Home;
use aula_home::config::Config;
use aula_ledger::codec::Canonical;
use aula_ledger::proof::BulkTree;
use aula_ledger::rounds::{RoundInputs, decided_rows};
use aula_ledger::state::MemoryState;
use aula_ledger::state::schema::{self, Decision, DecisionRow, RoundReport};
use aula_ledger::types::{Handle, Hash, Height, RoundId};
use aula_server::bootstrap::{db_options, origin, read_genesis, storage_failure};
use aula_store::ChainDb;

use crate::command::replay::one;
use crate::command::{Advise, DEFECT, Failure};
use crate::terminal::with_causes;

const HINT: &str = "run aula replay on this home: it names the first height that differs";

/// A decided round as the executed state has it.
pub struct Decided {
    /// The committed decision.
    pub decision: Decision,
    /// What it was decided from.
    pub inputs: RoundInputs,
    /// The rows of the decision by their keys.
    pub rows: Vec<(Handle, DecisionRow)>,
}

/// The chain at a height.
pub struct Fork {
    /// The last block that was executed; 0: none.
    pub height: Height,
    /// The state root of that height's header, which execution reproduced; the genesis file's hash at height 0.
    pub root: Hash,
    /// Every round decided up to there, in order.
    pub rounds: Vec<Decided>,
    /// The executed state.
    pub state: MemoryState,
    /// SHA-256 of the chain's genesis file.
    pub genesis: Hash,
    /// The smallest count of students that may be shown, a parameter of the chain at that height.
    pub min_cell_students: u32,
}

/// The home itself, or the first node of a demo or local network under it.
pub fn node_home(home: &Home) -> Home {
    let nested = Home::at(home.path().join("node-01"));
    if !home.data_dir().exists() && nested.data_dir().exists() { nested } else { home.clone() }
}

/// Executes the home's chain up to a height, or to its tip.
///
/// # Errors
/// When the home has no database, the height is beyond its tip, or a root differs.
pub fn at(home: &Home, height: Option<u64>) -> Result<Fork, Failure> {
    let home = node_home(home);
    let config = Config::load(&home)?;
    let (bytes, parsed) = read_genesis(&home)?;
    let db = ChainDb::open_read_only(&home.data_dir(), db_options(&config)).map_err(storage_failure)?;
    let view = db.latest();
    let tip = view.tip().height;
    let wanted = height.map_or(tip, Height);
    if wanted > tip {
        let why = format!("height {wanted} is beyond the chain's tip, {tip}");
        return Err(Failure::new("no_height", why, "give a height up to the tip"));
    }
    let mut state = MemoryState::new();
    state.apply(origin(&bytes, &parsed)?.writes);
    let (mut at, mut parent, mut root) = (Height::GENESIS, parsed.sha256, parsed.sha256);
    let mut rounds: Vec<Decided> = Vec::new();
    while at < wanted {
        at = at.next();
        let (executed, _) = one(&view, &state, at, parent)?.map_err(|d| {
            let why = format!("height {}: {} is {}, replayed {}", d.height, d.what, d.stored, d.replayed);
            Failure::new("differs", why, HINT)
        })?;
        (parent, root) = (executed.header.hash(), executed.header.state_root);
        state.apply(executed.writes);
        let known = |id: RoundId, rounds: &[Decided]| rounds.iter().any(|r| r.decision.round == id);
        for round in schema::rounds(&state).advise("the replayed state is unusable", HINT)? {
            // Decided in this very block: its inputs are what the state holds now.
            if !known(round.round, &rounds)
                && let Some(decision) =
                    schema::decision(&state, round.round).advise("a decision is unusable", HINT)?
            {
                rounds.push(decided(&state, decision)?);
            }
        }
    }
    let params = schema::params(&state).advise("the replayed state is unusable", HINT)?;
    let genesis = parsed.sha256;
    Ok(Fork { height: at, root, rounds, state, genesis, min_cell_students: params.min_cell_students })
}

fn decided(state: &MemoryState, decision: Decision) -> Result<Decided, Failure> {
    let damaged = "the replayed state is unusable";
    let id = decision.round;
    let missing = || Failure::because(format!("round {id} has no record in the replayed state"), HINT);
    let round = schema::round(state, id).advise(damaged, HINT)?.ok_or_else(missing)?;
    let class = schema::class(state, round.class).advise(damaged, HINT)?.ok_or_else(missing)?;
    let (requests, decisions) = decided_rows(state, id).advise(damaged, HINT)?;
    let schools = schema::schools(state).advise(damaged, HINT)?;
    let mut pools = schema::pools(state, round.class).advise(damaged, HINT)?;
    pools.retain(|pool| decision.concerns(pool));
    let inputs = RoundInputs {
        definition: class.definition,
        equity: round.equity,
        terms: round.terms,
        pools,
        schools: schools.into_iter().map(|school| (school.id, school)).collect(),
        requests,
        seed: decision.seed,
    };
    let rows = inputs.keyed(&decisions);
    Ok(Decided { decision, inputs, rows })
}

/// A round decided again.
pub struct Anew {
    /// Weighted cost.
    pub objective: i64,
    /// Proven gap, parts per million.
    pub gap_ppm: u32,
    /// Counts.
    pub report: RoundReport,
    /// The rows by their keys.
    pub rows: Vec<(Handle, DecisionRow)>,
    /// Root of the tree of rows.
    pub root: Hash,
}

/// Runs the production optimizer on inputs; the inner error says why there is no allocation.
///
/// # Errors
/// When the rows of the answer make no tree, which a bug alone could cause.
pub fn decide(inputs: &RoundInputs, work: u64) -> Result<Result<Anew, String>, Failure> {
    let problem = match inputs.problem() {
        Ok(problem) => problem,
        Err(error) => return Ok(Err(with_causes(&error))),
    };
    let solution = match solve(&problem, &Limits { work }) {
        Ok(solution) => solution,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let decisions = inputs.decisions(&solution.assignment).hint(DEFECT)?;
    let report = inputs.report(&decisions);
    let rows = inputs.keyed(&decisions);
    let bytes: Vec<(Handle, Vec<u8>)> = rows.iter().map(|(h, row)| (*h, row.to_canonical())).collect();
    let tree = BulkTree::from_rows(bytes.iter().map(|(h, b)| (h, b.as_slice())))
        .map_err(|error| Failure::because(format!("the rows make no tree: {error:?}"), "report it"))?;
    Ok(Ok(Anew {
        objective: solution.objective,
        gap_ppm: solution.gap_ppm,
        report,
        root: tree.head().root,
        rows,
    }))
}
