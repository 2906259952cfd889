//! The district's schools as the ledger has them: from the node, else from the home's genesis.

use std::collections::BTreeMap;

use aula_api::paths;
use aula_api::places::SchoolLine;
use aula_api::registers::Schools as ListedSchools;
use aula_ingest::plan::{LedgerSchool, Schools};
use aula_ledger::types::{DistrictId, SchoolId};
use aula_server::bootstrap::read_genesis;

use crate::command::{Context, Failure, RpcArgs};

/// What is known of the district's schools.
pub(super) enum Known {
    /// The ledger's.
    Ledger(Vec<LedgerSchool>),
    /// Neither a node nor a genesis said anything: numbers are taken as they stand, and the ledger refuses wrong ones when
    /// something is anchored.
    Nothing,
}

impl Known {
    /// True when the ledger was asked.
    pub fn is_checked(&self) -> bool {
        matches!(self, Self::Ledger(_))
    }

    /// Together with the operator's table and the vault's.
    pub fn table(&self, given: BTreeMap<String, u32>, kept: BTreeMap<String, u32>) -> Schools {
        match self {
            Self::Ledger(schools) => Schools::new(given, kept, schools.clone()),
            Self::Nothing => Schools::unchecked(given, kept),
        }
    }
}

/// Asks the node; one that was named has to answer. None is asked for a vault that no chain knows yet.
pub(super) async fn of_district(
    context: &Context,
    rpc: &RpcArgs,
    district: Option<DistrictId>,
) -> Result<Known, Failure> {
    let Some(district) = district else {
        context.tell("the vault belongs to no chain yet: schools' numbers are taken unchecked");
        return Ok(Known::Nothing);
    };
    let asked = rpc.client(context)?.get::<ListedSchools>(paths::SCHOOLS).await;
    let school =
        |id: SchoolId, name: Option<String>| LedgerSchool { number: id.0, name: name.unwrap_or_default() };
    let rows: Vec<(DistrictId, LedgerSchool)> = match asked {
        Ok(listed) => {
            let row = |line: SchoolLine| (line.school.district, school(line.school.id, line.name));
            listed.schools.into_iter().map(row).collect()
        }
        Err(error) if rpc.rpc.is_some() => return Err(error.into()),
        Err(_) => match read_genesis(&context.home) {
            Ok((_, parsed)) => {
                context.tell("no node answers: schools are those of the home's genesis");
                parsed.genesis.schools.iter().map(|one| (one.district, school(one.id, None))).collect()
            }
            Err(_) => {
                context.tell(
                    "no node answers and the home has no genesis: schools' numbers are taken unchecked",
                );
                return Ok(Known::Nothing);
            }
        },
    };
    let own = rows.into_iter().filter(|(of, _)| *of == district);
    Ok(Known::Ledger(own.map(|(_, school)| school).collect()))
}
