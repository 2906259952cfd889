//! `aula consortium propose`: a change from a file, or from flags for what is voted on often.

use std::path::{Path, PathBuf};

use aula_api::chain::{Parameters, TwinVersionList};
use aula_api::event::ChangeProposed;
use aula_api::paths;
use aula_files::{MOST_GIVEN_BYTES, read_at_most};
use aula_ledger::genesis::{Genesis, MAX_GENESIS_BYTES};
use aula_ledger::names::Title;
use aula_ledger::params::MAX_PROPOSAL_HEIGHTS;
use aula_ledger::protocol::Protocol;
use aula_ledger::twin::{TwinParameters, TwinVersions};
use aula_ledger::tx::{Change, ProposeChange};
use aula_ledger::types::{ClassId, DistrictId, Hash, Height, RoundId, SchoolYear, ValidatorAddress};
use clap::Args;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::command::acting::{Acting, ActingArgs};
use crate::command::{Advise, Context, Failure, Outcome, given};

/// What is proposed: a file, or one of the flags.
#[derive(Debug, Args)]
#[command(
    after_help = "A file holds one change as JSON, {\"change\":\"admit_node\",...}: HOME/request.json of a newcomer is one, and so is \
                  what `aula keys replace-lost` writes to HOME/replacements. Each \
                  change that the ledger knows stands in the documentation of `Change`."
)]
pub struct ProposeArgs {
    /// A change as JSON, `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A newcomer's request file: admits its member, district, peer and validator at once
    #[arg(long, value_name = "FILE")]
    pub admit: Option<PathBuf>,
    /// Admit a district of this number; with --name and --operator
    #[arg(long, value_name = "N", requires = "name", requires = "operator")]
    pub admit_district: Option<u16>,
    /// What people call the district, or the consortium
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// The member who acts for the district
    #[arg(long, value_name = "MEMBER", requires = "admit_district")]
    pub operator: Option<String>,
    /// Let heads of another consortium's ledger be anchored here: its genesis file. With --name, or called by its chain id
    #[arg(long, value_name = "GENESIS")]
    pub consortium: Option<PathBuf>,
    /// Close a district, for good
    #[arg(long, value_name = "N")]
    pub close_district: Option<u16>,
    /// The district that has the closed one's business from then on; without it what stands there is closed too
    #[arg(long, value_name = "N", requires = "close_district")]
    pub successor: Option<u16>,
    /// Take a round's standing decision back
    #[arg(long, value_name = "ROUND")]
    pub revert: Option<u32>,
    /// The document that says why; its SHA-256 goes on the ledger, the document stays with you
    #[arg(long, value_name = "FILE", requires = "revert")]
    pub because: Option<PathBuf>,
    /// Cancel an open round
    #[arg(long, value_name = "ROUND")]
    pub cancel_round: Option<u32>,
    /// Name another steward of a class
    #[arg(long, num_args = 2, value_names = ["CLASS", "MEMBER"])]
    pub steward: Vec<String>,
    /// Go by this protocol from the height --at on; the one in force takes a voted switch back. With --program
    #[arg(long, value_name = "N", requires = "at", requires = "program")]
    pub protocol: Option<u16>,
    /// The first height by the protocol's rules; it must lie ahead
    #[arg(long, value_name = "HEIGHT", requires = "protocol")]
    pub at: Option<u64>,
    /// The version of Aula that operators must run by then, for example 0.2.0
    #[arg(long, value_name = "VERSION", requires = "protocol")]
    pub program: Option<String>,
    /// Parameters as JSON; those not in the file stay as they are
    #[arg(long, value_name = "FILE")]
    pub parameters: Option<PathBuf>,
    /// The twins' parameters as JSON, in force from --from-year on; what is not in the file stays as it is
    #[arg(long, value_name = "FILE", requires = "from_year")]
    pub twin_parameters: Option<PathBuf>,
    /// The first school year of the twins' parameters, by its first calendar year
    #[arg(long, value_name = "YEAR", requires = "twin_parameters")]
    pub from_year: Option<u16>,
    /// Remove a member with its validators and peers
    #[arg(long, value_name = "MEMBER")]
    pub remove_member: Option<String>,
    /// Remove a validator, or one that waits, by its address: 40 hex digits
    #[arg(long, value_name = "ADDRESS")]
    pub remove_validator: Option<ValidatorAddress>,
    /// For how many heights it may be voted on, at most 604,800: a week at a block a second
    #[arg(long, value_name = "HEIGHTS", default_value_t = MAX_PROPOSAL_HEIGHTS)]
    pub open_for: u64,
}

/// Proposes it, and says its number.
///
/// # Errors
/// When not exactly one change is named, a file is not of its form, or the node refuses.
pub(super) async fn run(
    context: &Context,
    acting: &ActingArgs,
    args: &ProposeArgs,
) -> Result<Outcome, Failure> {
    let mut acting = acting.acting(context).await?;
    let change = args.change(&acting).await?;
    let now = acting.client.height().await?;
    let open_until = Height(now.saturating_add(args.open_for));
    let done = acting.send(ProposeChange { change: change.clone(), open_until }).await?;
    done.told_by(|ChangeProposed { proposal: number }| {
        let mut text = format!(
            "proposal {number} may be voted on until height {open_until}: aula consortium vote {number} yes"
        );
        let mut fields = json!({ "proposal": number, "change": change, "closes_at": open_until });
        // A band is public: who votes on a need rule reads first what each would tell.
        if let Change::SetTwinParameters { parameters, .. } = &change {
            let reveals = parameters.need.reveals();
            text.extend(reveals.iter().map(|one| {
                format!(
                    "
{one}"
                )
            }));
            fields["reveals"] = json!(reveals);
        }
        (fields, text)
    })
}

impl ProposeArgs {
    /// The one change that file or flags name.
    async fn change(&self, acting: &Acting) -> Result<Change, Failure> {
        let mut named = Vec::new();
        if self.name.is_some() && self.admit_district.is_none() && self.consortium.is_none() {
            let hint = "use it with --admit-district or --consortium";
            return Err(Failure::new("one_change", "--name names nothing here", hint));
        }
        for path in [&self.file, &self.admit].into_iter().flatten() {
            named.push(from_file(path)?);
        }
        if let (Some(district), Some(name), Some(operator)) =
            (self.admit_district, self.name.as_deref(), self.operator.as_deref())
        {
            let name = Title::new(name).advise("the district's name is refused", "choose another --name")?;
            let operator = acting.member(operator).await?;
            named.push(Change::AdmitDistrict { district: DistrictId(district), name, operator });
        }
        if let Some(path) = &self.consortium {
            named.push(admit_consortium(path, self.name.as_deref())?);
        }
        if let Some(district) = self.close_district {
            let successor = self.successor.map(DistrictId);
            named.push(Change::CloseDistrict { district: DistrictId(district), successor });
        }
        if let Some(round) = self.revert {
            let reason = self.because.as_deref().map(digest).transpose()?;
            named.push(Change::RevertDecision { round: RoundId(round), reason });
        }
        if let Some(round) = self.cancel_round {
            named.push(Change::CancelRound { round: RoundId(round) });
        }
        if let [class, member] = self.steward.as_slice() {
            let class =
                class.parse().advise(format!("{class:?} is not a class's number"), "see /v1/classes")?;
            let steward = acting.member(member).await?;
            named.push(Change::ReplaceSteward { class: ClassId(class), steward });
        }
        if let (Some(protocol), Some(height), Some(program)) =
            (self.protocol, self.at, self.program.as_deref())
        {
            named.push(switch(acting, Protocol(protocol), Height(height), program).await?);
        }
        if let Some(path) = &self.parameters {
            named.push(parameters(acting, path).await?);
        }
        if let (Some(path), Some(year)) = (&self.twin_parameters, self.from_year) {
            named.push(twin_parameters(acting, path, SchoolYear(year)).await?);
        }
        if let Some(member) = &self.remove_member {
            named.push(Change::RemoveMember { account: acting.member(member).await? });
        }
        if let Some(address) = self.remove_validator {
            named.push(Change::RemoveValidator { address });
        }
        match <[Change; 1]>::try_from(named) {
            Ok([change]) => Ok(change),
            Err(named) => {
                let message = format!("a proposal is one change, and {} are named", named.len());
                let hint = "name a FILE or one flag: `aula consortium propose --help`";
                Err(Failure::new("one_change", message, hint))
            }
        }
    }
}

/// The rules from a height on, and the version that operators run by then: not the one of the asked node where that lacks the rules,
/// or nobody could tell by its version which program is to be replaced.
async fn switch(
    acting: &Acting,
    protocol: Protocol,
    height: Height,
    program: &str,
) -> Result<Change, Failure> {
    let status = acting.client.status().await?;
    if protocol > status.protocol.known && status.version == program {
        let message = format!("Aula {program} runs here, and this build does not know protocol {protocol}");
        let hint = "name the version that knows it; a build of your own needs a version of its own";
        return Err(Failure::new("unfit_program", message, hint));
    }
    let program = Title::new(program).advise("the program's version is refused", "write it as in 0.2.0")?;
    Ok(Change::SwitchProtocol { protocol, height, program })
}

fn text(path: &Path) -> Result<String, Failure> {
    given::text(path).advise(
        format!("cannot read {}", path.display()),
        "name a newcomer's request.json, a file of HOME/replacements, or another change; - is standard input",
    )
}

fn from_file(path: &Path) -> Result<Change, Failure> {
    let hint = "give one change as JSON, for example a newcomer's request.json";
    let (text, what) = (text(path)?, format!("{} is not a change", path.display()));
    let change: Change = serde_json::from_str(&text).advise(&what, hint)?;
    // A field that is misspelled would pass for one that is left out: a district's successor, a vote's reason.
    let given: serde_json::Map<String, Value> = serde_json::from_str(&text).advise(&what, hint)?;
    let known = serde_json::to_value(&change).advise(&what, hint)?;
    match given.keys().find(|field| known.get(field.as_str()).is_none()) {
        Some(field) => Err(Failure::because(format!("{what}: it has no field {field:?}"), hint)),
        None => Ok(change),
    }
}

/// The consortium of a genesis file.
fn admit_consortium(path: &Path, name: Option<&str>) -> Result<Change, Failure> {
    let bytes = read_at_most(path, MAX_GENESIS_BYTES as u64)
        .advise(format!("cannot read {}", path.display()), "name that consortium's genesis file")?;
    let hint = "fetch the file again as that consortium published it";
    let parsed = Genesis::parse(&bytes).advise(format!("{} is not a genesis file", path.display()), hint)?;
    let name = Title::new(name.unwrap_or(parsed.chain_id.as_str()))
        .advise("the consortium's name is refused", "choose another --name")?;
    let founded_ms = parsed.genesis.time_ms;
    let validators = Box::new(parsed.validators);
    Ok(Change::AdmitConsortium { genesis: parsed.sha256, name, founded_ms, validators })
}

fn digest(path: &Path) -> Result<Hash, Failure> {
    let bytes = read_at_most(path, MOST_GIVEN_BYTES)
        .advise(format!("cannot read {}", path.display()), "name the document that says why")?;
    Ok(Hash(Sha256::digest(bytes).into()))
}

/// The parameters in force with those of the file in their place.
async fn parameters(acting: &Acting, path: &Path) -> Result<Change, Failure> {
    let hint = "give {\"NAME\":NUMBER,...} with names of `aula query params`";
    let what = format!("{} holds no parameters", path.display());
    let given: serde_json::Map<String, Value> = serde_json::from_str(&text(path)?).advise(&what, hint)?;
    if given.is_empty() {
        return Err(Failure::because(what, hint));
    }
    let in_force = acting.client.get::<Parameters>(paths::PARAMETERS).await?.params;
    let Value::Object(mut all) = serde_json::to_value(in_force).advise(&what, hint)? else {
        return Err(Failure::because(what, hint));
    };
    all.extend(given);
    let params = serde_json::from_value(Value::Object(all)).advise(what, hint)?;
    Ok(Change::SetParameters { params })
}

/// The twins' parameters in force for the year with those of the file in their place. A rule that the vote would refuse is refused
/// here, in words.
async fn twin_parameters(acting: &Acting, path: &Path, from_year: SchoolYear) -> Result<Change, Failure> {
    let hint = "give {\"need\":{\"constant\":N,\"inputs\":[...]},...} with names of /v1/twin-parameters";
    let what = format!("{} holds no twin parameters", path.display());
    let given: serde_json::Map<String, Value> = serde_json::from_str(&text(path)?).advise(&what, hint)?;
    let known = acting.client.get::<TwinVersionList>(paths::TWIN_PARAMETERS).await?.versions;
    let versions = TwinVersions { from_years: known.iter().map(|one| one.from_year).collect() };
    let number = versions.in_force(from_year).unwrap_or_default();
    let before = known.into_iter().find(|one| one.version == number).map(|one| one.parameters);
    let before = serde_json::to_value(before.unwrap_or_default()).advise(&what, hint)?;
    let Value::Object(mut all) = before else { return Err(Failure::because(what, hint)) };
    all.extend(given);
    let parameters: TwinParameters = serde_json::from_value(Value::Object(all)).advise(&what, hint)?;
    parameters
        .check()
        .advise(what, "correct weights, ranges or tables; docs/parameters.md has the bounds")?;
    Ok(Change::SetTwinParameters { from_year, parameters: Box::new(parameters) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_with_a_field_that_it_has_not_is_refused_and_the_field_named()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("change.json");
        let read = |text: &str| -> Result<Change, String> {
            std::fs::write(&file, text).map_err(|error| error.to_string())?;
            from_file(&file).map_err(|failure| failure.message)
        };
        let closed = Change::CloseDistrict { district: DistrictId(5), successor: Some(DistrictId(6)) };
        assert_eq!(read(r#"{"change":"close_district","district":5,"successor":6}"#)?, closed);
        for (text, field) in [
            (r#"{"change":"close_district","district":5,"succesor":6}"#, "succesor"),
            (r#"{"change":"cancel_round","round":3,"x":null}"#, "\"x\""),
        ] {
            let told = read(text);
            assert!(told.as_ref().is_err_and(|told| told.contains(field)), "{told:?}");
        }
        assert!(read("[]").is_err() && read("").is_err());
        Ok(())
    }
}
