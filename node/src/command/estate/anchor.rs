//! `aula estate anchor` and `aula estate prove`: what a district says of its buildings, bound by the ledger.

use std::path::PathBuf;

use aula_api::paths;
use aula_client::Client;
use aula_estate::anchor::{Row, path, root, rows};
use aula_estate::check::estate::{Estate, read_estate};
use aula_ledger::audit::open::show_row;
use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::codec::Canonical;
use aula_ledger::names::Title;
use aula_ledger::proof::InclusionPath;
use aula_ledger::state::schema;
use aula_ledger::tx::{AnchorEstate, TransactionId};
use aula_ledger::types::{DistrictId, Hash};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{read, refused, write};
use aula_home::NextStep;

use crate::command::acting::ActingArgs;
use crate::command::evidence::bundle;
use crate::command::evidence::rows::Rows;
use crate::command::{Advise, Context, Failure, OTHER_VERSION, Outcome, absolute};

/// Arguments of `aula estate anchor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula estate anchor school.json --home D/district-12\n  aula estate anchor school.json --building \
                  A --home D/district-12\n\nOnly a root and a number of rows go to the ledger. A building that is anchored as it stands \
                  is left alone. Exit codes: 0 all are anchored, 1 the ledger rejected one, 2 could not."
)]
pub struct AnchorArgs {
    /// The estate, JSON (docs/estate.md)
    pub estate: PathBuf,
    /// Only the building of this id; may be given several times [default: all]
    #[arg(long, value_name = "ID")]
    pub building: Vec<String>,
    /// The node to ask
    #[command(flatten)]
    pub acting: ActingArgs,
}

/// Arguments of `aula estate prove`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula estate prove school.json --building A --room A1 --home D/district-12 -o A1.bundle\n  aula-audit \
                  verify A1.bundle --genesis genesis.json\n\nWithout --room or --meter it shows the building's own row. Exit codes: 0 \
                  proved, 1 the building is not anchored or says something else now, 2 could not."
)]
pub struct ProveArgs {
    /// The estate as it was anchored, JSON
    pub estate: PathBuf,
    /// The building, by its id in the estate
    #[arg(long, value_name = "ID")]
    pub building: String,
    /// Prove the row of this room of it
    #[arg(long, value_name = "ID", conflicts_with = "meter")]
    pub room: Option<String>,
    /// Prove the row of this meter of it
    #[arg(long, value_name = "ID")]
    pub meter: Option<String>,
    /// The number of the district that anchored it [default: the home's district]
    #[arg(long, value_name = "N")]
    pub district: Option<u16>,
    /// Where to write the bundle
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// The node to ask
    #[command(flatten)]
    pub acting: ActingArgs,
}

/// What a district has anchored, as a node shows it; none when it has anchored nothing.
async fn anchored(
    client: &Client,
    district: DistrictId,
) -> Result<Option<(Bundle, schema::Estate)>, Failure> {
    let bytes = match client.get_bytes(&paths::evidence_estate(district)).await {
        Err(error) if error.code() == "not_found" => return Ok(None),
        told => told?,
    };
    let bundle = bundle::read(&bytes)?;
    let Subject::Estate(evidence) = &bundle.subject else {
        return Err(Failure::new("bad_answer", "the node sent no estate", OTHER_VERSION));
    };
    let estate = schema::Estate::from_canonical(&evidence.estate.value);
    let estate = estate.advise("the estate's record cannot be read", OTHER_VERSION)?;
    Ok(Some((bundle, estate)))
}

fn title(id: &str) -> Result<Title, Failure> {
    Title::new(id).advise(format!("the building's id {id:?} is refused"), "give it another id in the estate")
}

fn no_building(id: &str) -> Failure {
    let message = format!("the estate has no building {id:?}");
    Failure::new("unknown_building", message, "name one of its buildings")
}

async fn of_home(context: &Context, acting: &ActingArgs) -> Result<DistrictId, Failure> {
    Rows::of_home(context, &acting.ledger()).await?.own_district()
}

/// Anchors what is new.
///
/// # Errors
/// When the estate is refused, or the node cannot be reached or refuses.
pub(super) async fn anchor(context: &Context, args: &AnchorArgs) -> Result<Outcome, Failure> {
    let estate = read_estate(&read(&args.estate)?).map_err(|error| refused(&args.estate, &error))?;
    let district = of_home(context, &args.acting).await?;
    let known = anchored(&args.acting.rpc.client(context)?, district).await?.map(|(_, known)| known);
    let all: Vec<String> = estate.buildings.iter().map(|house| house.id.clone()).collect();
    let wanted = if args.building.is_empty() { &all } else { &args.building };
    if let Some(id) = wanted.iter().find(|id| !all.contains(id)) {
        return Err(no_building(id));
    }
    let mut acting = args.acting.acting(context).await?;
    let (mut done, mut unchanged, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    for id in wanted {
        let leaves: Vec<_> = rows(&estate, id).iter().map(Row::leaf).collect();
        let (root, leaf_count) = (Hash(root(&leaves)), leaves.len() as u64);
        let before = known.as_ref().and_then(|known| known.building(id));
        if before.is_some_and(|one| (one.head.root, one.head.leaf_count) == (root, leaf_count)) {
            unchanged.push(id);
            continue;
        }
        let version = before.map_or(0, |one| one.version).saturating_add(1);
        let sent = acting.send(AnchorEstate { building: title(id)?, version, root, leaf_count }).await?;
        let line = Anchored {
            building: id.clone(),
            version,
            root,
            leaf_count,
            id: sent.id,
            height: sent.told.height,
            code: sent.told.code,
            meaning: sent.told.meaning.clone(),
        };
        if sent.accepted() { done.push(line) } else { rejected.push(line) }
    }
    let text = format!(
        "{} buildings anchored, {} stand as they are, {} rejected{}",
        done.len(),
        unchanged.len(),
        rejected.len(),
        rejected
            .first()
            .and_then(|one| one.meaning.as_ref())
            .map(|meaning| format!(": {meaning}"))
            .unwrap_or_default()
    );
    let refused = !rejected.is_empty();
    let fields =
        json!({ "district": district, "anchored": done, "unchanged": unchanged, "rejected": rejected });
    Ok(if refused { Outcome::no(fields, text) } else { Outcome::yes(fields, text) })
}

/// What became of a building's root.
#[derive(Serialize)]
struct Anchored {
    building: String,
    version: u32,
    root: Hash,
    leaf_count: u64,
    id: TransactionId,
    height: Option<u64>,
    code: Option<u16>,
    meaning: Option<String>,
}

/// The row that is asked for, its leaf's place among the building's, and all leaves.
fn asked(estate: &Estate, args: &ProveArgs) -> Result<(Row, usize, Vec<[u8; 32]>), Failure> {
    let (kind, id) = match (&args.room, &args.meter) {
        (Some(room), _) => ("room", room),
        (None, Some(meter)) => ("meter", meter),
        (None, None) => ("building", &args.building),
    };
    let rows = rows(estate, &args.building);
    let key = Row::key_of(kind, id);
    let at = rows.iter().position(|row| row.key == key).ok_or_else(|| {
        let message = format!("the estate has no {kind} {id:?} in building {:?}", args.building);
        Failure::new("unknown_row", message, "name one that the estate's JSON lists there")
    })?;
    let leaves = rows.iter().map(Row::leaf).collect();
    let row = rows.into_iter().nth(at).ok_or_else(|| no_building(&args.building))?;
    Ok((row, at, leaves))
}

/// Writes the bundle.
///
/// # Errors
/// When the estate has no such thing, the node cannot be reached, or the file cannot be written.
pub(super) async fn prove(context: &Context, args: &ProveArgs) -> Result<Outcome, Failure> {
    let estate = read_estate(&read(&args.estate)?).map_err(|error| refused(&args.estate, &error))?;
    let (row, at, leaves) = asked(&estate, args)?;
    let district = match args.district {
        Some(district) => DistrictId(district),
        None => of_home(context, &args.acting).await?,
    };
    let building = title(&args.building)?;
    let not = |text: &str| Outcome::no(json!({ "district": district, "building": building }), text);
    let Some((mut bundle, known)) = anchored(&args.acting.rpc.client(context)?, district).await? else {
        return Ok(not("the district has anchored nothing; it does so with `aula estate anchor`"));
    };
    let siblings = path(&leaves, at).into_iter().map(Hash).collect();
    let way = InclusionPath { index: at as u64, siblings };
    if show_row(&mut bundle, building.clone(), row.bytes, way).is_err() {
        let text = match known.building(&args.building) {
            Some(one) => format!(
                "version {} of the building was anchored from another estate; take the file of then, or anchor this one",
                one.version
            ),
            None => "the building is not anchored; the district does so with `aula estate anchor`".to_owned(),
        };
        return Ok(not(&text));
    }
    let bytes = bundle.to_canonical();
    let out = absolute(&args.out)?;
    write(&out, &bytes)?;
    let (sha256, height) = (hex::encode(Sha256::digest(&bytes)), bundle.chain.head.header.height);
    let text = format!(
        "{}\n{} bytes, as of height {height}\nsha256 {sha256}\ncheck it: aula-audit verify {} --genesis GENESIS",
        out.display(),
        bytes.len(),
        out.display()
    );
    let fields = json!({
        "file": out, "kind": "estate", "bytes": bytes.len(), "sha256": sha256, "height": height,
        "district": district, "building": building,
    });
    Ok(Outcome::yes(fields, text))
}
