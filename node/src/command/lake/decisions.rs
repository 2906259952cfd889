//! The ledger's decisions on the district's students as rows of the lake, read from a node with the district's credential.

use std::collections::HashMap;

use aula_lake::rows::{Cell, Row, RowId};
use aula_lake::tables::DECISIONS;
use aula_ledger::state::schema::Placement;
use aula_ledger::tx::Mandate;
use aula_ledger::types::Handle;
use aula_vault::lake::LakeStudent;

use super::figures::{Decided, int};
use crate::command::evidence::rows::Rows;
use crate::command::{Advise, DEFECT, Failure};

/// A row a request of a student who has a key, over all rounds that were decided.
pub(super) async fn rows(
    rows: &Rows<'_>,
    rounds: &[Decided],
    students: &[LakeStudent],
) -> Result<Vec<(RowId, Row)>, Failure> {
    let by_handle: HashMap<Handle, &LakeStudent> =
        students.iter().flat_map(|one| one.handles.iter().map(move |(handle, _)| (*handle, one))).collect();
    let mut found = Vec::new();
    for decided in rounds {
        let told = rows.own_rows(decided.round.round).await?;
        for asked in &told.rows {
            // Of a student who was erased nothing can be said in the lake.
            let Some(student) = by_handle.get(&asked.handle) else { continue };
            let Some(decision) = &asked.decision else { continue };
            let says = (told.round, decided.standing(), &asked.request, decision, decided.at_ms);
            let says = borsh::to_vec(&says).hint(DEFECT)?;
            let id = student.row(DECISIONS.name, &says);
            let mut row = Row::new(&DECISIONS, &id);
            let mut set = |name, value| row.set(&DECISIONS, name, value);
            set("student", Cell::Text(hex::encode(student.pseudonym())));
            set("at", Cell::Time(decided.at_us()));
            set("school_year", Cell::Int(told.school_year.0.into()));
            set("round", int(told.round.0));
            set("class", int(decided.round.class.0.into()));
            set("standing", Cell::Text(decided.standing().into()));
            set("home_school", Cell::Long(asked.request.home_school.0.into()));
            set("band", Cell::Int(asked.request.band.get().into()));
            set("mandated", Cell::Flag(asked.request.mandate == Mandate::Mandated));
            set("placed", Cell::Flag(decision.placement != Placement::Waitlist));
            if let Placement::Pool { pool, rank, tier } = decision.placement {
                set("pool", Cell::Long(pool.0.into()));
                set("rank", Cell::Int(rank.into()));
                set("tier", Cell::Int(tier.into()));
            }
            set("weight", Cell::Long(decision.weight.into()));
            set("cost", Cell::Long(decision.cost.into()));
            found.push((id, row));
        }
    }
    Ok(found)
}
