//! What need bands and mandates changed in a round, and counterfactuals of a sample: the round solved again.
//!
//! The sample is every n-th row of the problem's order, which is by handle: a keyed hash, so that the order says nothing of a
//! student. Sums leave by the ledger's rule: none that counts few, and none from which few follow.

use aula_allocation::{Limits, solve};
use aula_ledger::audit::why::{Change as Changes, Decided, Who, plain_cost};
use aula_ledger::rounds::RoundInputs;
use aula_ledger::rounds::report::may_show;
use aula_ledger::tx::Mandate;
use aula_ledger::types::Band;
use aula_report::transparency::figures::{Change, Changed, Counterfactual};

/// Rows of the sample.
const SAMPLE: usize = 100;

/// The figures; none when the round's own assignment cannot be made again.
pub fn of(inputs: &RoundInputs, decided: &Decided, min_cell: u32) -> Option<Changed> {
    let own = solved(inputs)?;
    let total = u32::try_from(own.len()).ok()?;
    let differ = |other: Option<Vec<u32>>| {
        let other = other?;
        let count = own.iter().zip(&other).filter(|(a, b)| a != b).count();
        shown(u32::try_from(count).ok()?, total, min_cell)
    };
    let mut without = inputs.clone();
    without.equity = 0;
    let by_band = differ(solved(&without));
    let mut without = inputs.clone();
    without.requests.iter_mut().for_each(|(_, request)| request.mandate = Mandate::None);
    let by_mandate = differ(solved(&without));
    let step = own.len().div_ceil(SAMPLE).max(1);
    let rows: Vec<Who> = inputs
        .requests
        .iter()
        .step_by(step)
        .map(|(handle, request)| Who { handle: *handle, district: Some(request.district) })
        .collect();
    let each = [Change::LowestBand, Change::HighestBand, Change::Mandate];
    let counterfactuals = each.map(|change| counterfactual(decided, &rows, change, min_cell));
    Some(Changed {
        decisions: u64::from(total),
        by_band,
        by_mandate,
        sample: rows.len() as u64,
        counterfactuals: counterfactuals.to_vec(),
    })
}

/// A count and its complement, where both may be shown.
fn shown(count: u32, of: u32, min_cell: u32) -> Option<u64> {
    may_show(&[count, of.saturating_sub(count)], min_cell).then_some(u64::from(count))
}

fn solved(inputs: &RoundInputs) -> Option<Vec<u32>> {
    Some(solve(&inputs.problem().ok()?, &Limits::default()).ok()?.assignment)
}

/// How many rows of the sample would have another place. A change that no assignment can meet counts as none: the sums are
/// then withheld.
fn counterfactual(decided: &Decided, rows: &[Who], change: Change, min_cell: u32) -> Counterfactual {
    let changes = match change {
        Change::LowestBand => Changes { band: Band::new(0), ..Changes::default() },
        Change::HighestBand => Changes { band: Band::new(Band::MAX), ..Changes::default() },
        Change::Mandate => Changes { mandate: Some(Mandate::Mandated), ..Changes::default() },
    };
    let none = Counterfactual { change, better: None, same: None, worse: None };
    let mut sums = [0u32; 3];
    for who in rows {
        let both = (decided.why(*who), decided.what_if(*who, &changes, &Limits::default()));
        let (Ok(why), Ok(other)) = both else { return none };
        let at = match plain_cost(&other.decision).cmp(&plain_cost(&why.decision)) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Greater => 2,
        };
        if let Some(sum) = sums.get_mut(at) {
            *sum = sum.saturating_add(1);
        }
    }
    if !may_show(&sums, min_cell) {
        return none;
    }
    let [better, same, worse] = sums.map(|sum| Some(u64::from(sum)));
    Counterfactual { change, better, same, worse }
}
