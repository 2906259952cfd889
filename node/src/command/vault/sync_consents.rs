//! `aula vault sync-consents`: families' words from the ledger, after a restore has forgotten them.
//!
//! A word that the vault has is never made to say more: a withdrawal here that the ledger does not know yet stays.

use std::collections::BTreeSet;

use aula_api::paths;
use aula_api::vault::{Consents, FamilyWords};
use aula_client::sender::Sender;
use aula_ledger::access::ConsentChoice;
use aula_ledger::credential::Scope;
use aula_ledger::state::schema::ConsentWord;
use aula_ledger::types::SchoolYear;
use clap::Args;
use serde_json::json;

use super::super::rpc::RpcArgs;
use super::super::{Context, Failure, Outcome};
use super::{Place, bind_to_node, refused};

/// Arguments of `aula vault sync-consents`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault sync-consents --rpc http://127.0.0.1:8480      after `aula restore`\n\nWhat a family said \
                        stands on the ledger; a withdrawal that this vault knows stays, whatever the ledger says."
)]
pub struct SyncArgs {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
}

/// Fetches them, a school year at a time.
///
/// # Errors
/// When the node cannot be reached or refuses the home's account, or the vault cannot be written.
pub async fn run(context: &Context, place: &Place, args: &SyncArgs) -> Result<Outcome, Failure> {
    let client = args.rpc.client(context)?;
    bind_to_node(context, place, &client).await?;
    let vault = place.open(context)?;
    let sender = Sender::of_home(&client, &context.home, 0).await?;
    let reader = client.signed_by(*sender.genesis(), sender.account(), sender.key().clone(), Scope::District);
    let district = vault.identity().map_err(refused)?.district;
    let handles = vault.keystore().all_handles();
    let years: BTreeSet<SchoolYear> = handles.iter().map(|(_, year)| *year).collect();
    let (mut given, mut withdrawn) = (0usize, 0usize);
    for year in years {
        let told: Consents = reader.get(&paths::consents(district, year)).await?;
        for FamilyWords { handle, words } in told.consents {
            if vault.keystore().student(&handle).is_none() {
                continue;
            }
            for ConsentWord { purpose, choice, .. } in words {
                let known = vault.consent(&handle, purpose).map_err(refused)?;
                let takes = known.is_none() || choice == ConsentChoice::Withdrawn;
                if takes && known != Some(choice) {
                    vault.keep_consent(&[handle], purpose, choice).map_err(refused)?;
                    *(if choice == ConsentChoice::Given { &mut given } else { &mut withdrawn }) += 1;
                }
            }
        }
    }
    let text = format!("{given} consents and {withdrawn} withdrawals taken from the ledger");
    Ok(Outcome::yes(json!({ "given": given, "withdrawn": withdrawn }), text))
}
