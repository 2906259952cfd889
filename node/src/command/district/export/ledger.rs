//! What a node has of the district, for its export: parameters, the students' newest states, requests and decisions, schools.

use std::collections::BTreeSet;

use aula_api::chain::TwinVersionList;
use aula_api::paths;
use aula_api::registers::{Rounds, Schools};
use aula_client::Client;
use aula_district::portable::export::OfLedger;
use aula_district::portable::form::{AnchorLine, YearLine};
use aula_ledger::types::{DistrictId, Handle, SchoolYear};
use aula_twin_runtime::model::Model;
use serde_json::{Value, json};

use crate::command::evidence::rows::{Rows, own_students};
use crate::command::vault::Place;
use crate::command::vault::record::LedgerArgs;
use crate::command::{Advise, Context, DEFECT, Failure};

pub(super) async fn ask(context: &Context, ledger: &LedgerArgs, place: &Place) -> Result<OfLedger, Failure> {
    let rows = Rows::of_home(context, ledger).await?;
    let district = rows.own_district()?;
    let years: BTreeSet<SchoolYear> = {
        // Closed while the node is asked: it may have readers who wait for it.
        let vault = place.open(context)?;
        vault.keystore().all_handles().into_iter().map(|(_, year)| year).collect()
    };
    let (public, own) = (rows.public(), rows.own());
    let told: TwinVersionList = public.get(paths::TWIN_PARAMETERS).await?;
    let mut of_ledger = OfLedger { parameters: told.versions, ..OfLedger::default() };
    let unfitted = Model::unfitted().digest();
    for digest in of_ledger.parameters.iter().map(|one| one.parameters.model).collect::<BTreeSet<_>>() {
        if digest.0 != unfitted {
            let path = context.home.model_file(&digest);
            let hint = format!("copy the model file of that digest to {}", path.display());
            let bytes = std::fs::read(&path).advise(format!("the model {digest} is not at hand"), hint)?;
            of_ledger.models.push((digest, bytes));
        }
    }
    of_ledger.genesis = Some(public.get_bytes(paths::GENESIS).await?);
    let (mut trees, mut anchors) = (Vec::new(), Vec::new());
    for year in years {
        trees.push(tree(&own, district, year, &mut anchors).await?);
    }
    of_ledger.anchored = Some((trees, anchors));
    let all: Rounds = public.get(paths::ROUNDS).await?;
    for round in &all.rounds {
        let told = rows.own_rows(round.round).await?;
        for row in &told.rows {
            let facts =
                json!({ "round": told.round, "school_year": told.school_year, "standing": told.standing });
            let (mut line, row) = (facts, serde_json::to_value(row).hint(DEFECT)?);
            if let (Some(line), Value::Object(row)) = (line.as_object_mut(), row) {
                line.extend(row);
            }
            of_ledger.decisions.push(line);
        }
    }
    let known: Schools = public.get(paths::SCHOOLS).await?;
    let own_schools = known.schools.into_iter().filter(|one| one.school.district == district);
    of_ledger.schools = own_schools.map(serde_json::to_value).collect::<Result<_, _>>().hint(DEFECT)?;
    Ok(of_ledger)
}

/// A year's tree, and its students' rows. Asked again from the start when a block changed it on the way.
async fn tree(
    own: &Client,
    district: DistrictId,
    year: SchoolYear,
    anchors: &mut Vec<AnchorLine>,
) -> Result<YearLine, Failure> {
    for _ in 0..TRIES {
        let (mut lines, mut after, mut seen) = (Vec::new(), None::<Handle>, None);
        let whole = loop {
            let part = own_students(own, district, year, after).await?;
            let line = |one: &aula_api::district::OwnStudent| AnchorLine {
                school_year: year,
                handle: one.handle,
                version: one.version,
                height: one.anchored,
                row: one.row,
            };
            lines.extend(part.students.iter().map(line));
            let first = seen.get_or_insert((part.root, part.count, part.as_of_height));
            if first.0 != part.root {
                break None;
            }
            let (root, count, height) = *first;
            after = part.next;
            if after.is_none() {
                break Some(YearLine { school_year: year, height, count: count as u64, root });
            }
        };
        if let Some(year) = whole {
            anchors.append(&mut lines);
            return Ok(year);
        }
    }
    Err(Failure::new(
        "anchors_move",
        "the district's states are being anchored",
        "export when `aula district status` says that the anchor duty rests",
    ))
}

/// How often a year's tree is asked for.
const TRIES: u32 = 5;
