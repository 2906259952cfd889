//! `aula district decisions`: what a round decided for the district's own students, with their own identifiers, and letters to
//! families.
//!
//! Flow: the district's own rows from its node, with its credential → identifiers from the roster → words → a CSV file, and one page
//! a family where asked for. Each row gets a link of its own to the family's page: it names no student, expires, and can be
//! revoked (`aula vault links`). Invariants: files are the owner's alone; nothing of another district's students is in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aula_api::paths;
use aula_api::registers::Pools;
use aula_client::Client;
use aula_district::decided::{self, Told};
use aula_files::Access;
use aula_ingest::date::Date;
use aula_ledger::state::schema::{DecisionStanding, Placement, PoolRecord};
use aula_ledger::types::{ClassId, DistrictId, Handle, PoolId, RoundId, SchoolYear};
use aula_twin_runtime::clock::DAY_MS;
use aula_vault::roster::RosterEntry;
use aula_web::family_link::{self, FamilyLink, MAX_DAYS, PAGE};
use clap::Args;
use serde_json::json;

use super::letter::{self, Letter};
use super::{report, request};
use crate::command::evidence::rows::Rows;
use crate::command::vault::record::LedgerArgs;
use crate::command::vault::{Place, refused};
use crate::command::{Advise, Context, Failure, Outcome, absolute, now_ms};

/// Arguments of `aula district decisions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district decisions --round 7 -o decisions.csv --home D/district-07\n  aula district decisions \
                  --round 7 -o decisions.csv --letters letters/ --appeal-to \"the district's office, 555-0100\" --appeal-by 2027-01-15\n\nThe \
                  file has local_id,school_local_id,kind,place,tier,reason,verify_url, one row a student. Each verify_url is that family's \
                  alone and good for --days.\nExit 0: the decision stands; 1: it was reverted or replaced; 2: there is none."
)]
pub struct DecisionsArgs {
    /// The round's number; it must be decided
    #[arg(long, value_name = "N")]
    pub round: u32,
    /// Where the CSV file is written, for its owner alone
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Write one printable page a family into this folder
    #[arg(long, value_name = "DIR")]
    pub letters: Option<PathBuf>,
    /// To whom a family appeals, as the letter says it
    #[arg(long, value_name = "TEXT", default_value = "the school's office")]
    pub appeal_to: String,
    /// Until when a family may appeal, as the letter says it [default: the day on which the link expires]
    #[arg(long, value_name = "TEXT")]
    pub appeal_by: Option<String>,
    /// For how many days the links are good, 1 to 366
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=MAX_DAYS))]
    pub days: u64,
    /// The origin of the district's explorer in the links, for example https://node.example [default: the node that is asked]
    #[arg(long, value_name = "URL")]
    pub site: Option<String>,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
}

/// Writes the file, and letters where they are asked for.
///
/// # Errors
/// When the node, the vault or a file refuses, and when the round is not decided.
pub async fn run(context: &Context, ledger: &LedgerArgs, args: &DecisionsArgs) -> Result<Outcome, Failure> {
    let id = RoundId(args.round);
    let rows = Rows::of_home(context, ledger).await?;
    let client = rows.public();
    let (told, kinds) = request::round(client, id).await?;
    let facts = told.round;
    let own = rows.own_rows(id).await?;
    let standing = own.standing.ok_or_else(|| {
        let hint = format!("`aula query round {id}` says where it is");
        Failure::new("not_decided", format!("round {id} is not decided yet"), hint)
    })?;
    let pools = pools(client, facts.class).await?;
    let roster = roster(context, args, facts.school_year)?;
    let site = args.site.as_deref().unwrap_or_else(|| client.origin()).trim_end_matches('/').to_owned();
    let folder = args.letters.as_deref().map(absolute).transpose()?;
    if let Some(folder) = &folder {
        aula_files::private_folder(folder)
            .advise(format!("cannot make {}", folder.display()), "name a folder that you may write")?;
    }
    let expires_ms = now_ms().saturating_add(args.days.saturating_mul(DAY_MS));
    let good_until =
        Date::of_ms(expires_ms).map_or_else(|| format!("{} days from now", args.days), |day| day.to_string());
    let (mut lines, mut letters) = (Vec::new(), 0_usize);
    let unnamed = own.rows.iter().filter(|row| !roster.contains_key(&row.handle)).count();
    for row in &own.rows {
        let Some(decision) = &row.decision else { continue };
        let pool = match decision.placement {
            Placement::Pool { pool, .. } => pools.get(&pool),
            Placement::Waitlist => None,
        };
        let told = decided::tell(&row.request, decision, pool, &kinds);
        let url = format!("{site}{}", link(context, args, own.district, facts.school_year, row.handle)?);
        let entry = roster.get(&row.handle);
        // A student without a roster entry came by another way than an import: its handle is the only name there is.
        let local_id = entry.map_or_else(|| row.handle.to_string(), |entry| entry.local_id.clone());
        if let Some(folder) = &folder {
            let letter = Letter {
                local_id: &local_id,
                round: id,
                told: &told,
                url: &url,
                good_until: &good_until,
                appeal_to: &args.appeal_to,
                appeal_by: args.appeal_by.as_deref().unwrap_or(&good_until),
            };
            letters += 1;
            keep(&folder.join(format!("letter-{letters:06}.html")), letter::page(&letter).as_bytes())?;
        }
        lines.push(line(local_id, entry, told, url));
    }
    let out = absolute(&args.out)?;
    keep(&out, &report::table(&decided::COLUMNS, lines.iter().cloned())?)?;
    let stands = standing == DecisionStanding::Stands;
    let mut text = format!("round {id}: {} decisions in {}", lines.len(), out.display());
    if let Some(folder) = &folder {
        text.push_str(&format!("\n{letters} letters in {}", folder.display()));
    }
    if unnamed > 0 {
        context.tell(format_args!(
            "{unnamed} students are on no roster of this vault: they are named by their handles"
        ));
    }
    if !stands {
        text.push_str(&format!("\nthis decision was {}: it does not stand", facts.status_word()));
    }
    let json = json!({
        "round": id, "standing": standing, "decisions": lines.len(), "out": out, "letters": folder.map(|_| letters),
        "unnamed": unnamed,
    });
    Ok(if stands { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

fn line(local_id: String, entry: Option<&RosterEntry>, told: Told, url: String) -> [String; 7] {
    let school = entry.map(|entry| entry.local_school.clone()).unwrap_or_default();
    [
        local_id,
        school,
        told.kind.unwrap_or_default(),
        told.place.unwrap_or_default(),
        told.tier.unwrap_or_default().to_owned(),
        told.reason,
        url,
    ]
}

/// The pools of a class, by number.
async fn pools(client: &Client, class: ClassId) -> Result<BTreeMap<PoolId, PoolRecord>, Failure> {
    let all: Pools = client.get(&format!("{}?class={class}", paths::POOLS)).await?;
    Ok(all.pools.into_iter().map(|pool| (pool.pool, pool)).collect())
}

/// The year's roster by handle.
fn roster(
    context: &Context,
    args: &DecisionsArgs,
    year: SchoolYear,
) -> Result<BTreeMap<Handle, RosterEntry>, Failure> {
    let vault = args.place.open(context)?;
    Ok(vault.roster(year).map_err(refused)?.into_iter().collect())
}

/// A new link to the student's page; the path after the site's address.
fn link(
    context: &Context,
    args: &DecisionsArgs,
    district: DistrictId,
    school_year: SchoolYear,
    handle: Handle,
) -> Result<String, Failure> {
    let link = FamilyLink::lasting(args.days, now_ms(), (district, school_year, handle));
    let (_, token) = family_link::make(&context.home.links_dir(), &link)
        .advise("a family's link cannot be made", "check the owner, the mode and the space of HOME/links")?;
    Ok(format!("{PAGE}{}", token.expose()))
}

fn keep(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    aula_files::replace(path, Access::Private, bytes)
        .advise(format!("cannot write {}", path.display()), "check the folder's owner and the space left")
}
