//! Of which chain and district a vault is that was made before either was known.
//!
//! A founder's home says it by its genesis, which lists its account with a district; any other home by its node, once a vote
//! has admitted the account. Said once it is checked ever after: a vault is never used with another chain than its own.

use std::io::ErrorKind;

use aula_api::paths;
use aula_api::transactions::AccountStatus;
use aula_client::Client;
use aula_files::regular_at_most;
use aula_ledger::genesis::MAX_GENESIS_BYTES;
use aula_ledger::types::{DistrictId, Hash};
use aula_server::bootstrap::read_genesis;
use aula_vault::{Identity, Vault, VaultError};
use clap::Args;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::rpc::RpcArgs;
use super::super::{Context, Failure, Outcome};
use super::{Place, refused};

/// Arguments of `aula vault bind`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula vault bind --home /srv/lake\n\nOf a vault that was made before its chain was known. What asks a node for \
                  the district does it by itself; this is for a district whose first step is another one. Exit 0: it is bound."
)]
pub struct BindArgs {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
}

/// Binds, or checks what it is bound to.
///
/// # Errors
/// A chain that is another, or does not know the district yet; a node that cannot be reached.
pub async fn run(context: &Context, place: &Place, args: &BindArgs) -> Result<Outcome, Failure> {
    from_node(context, place, &args.rpc.client(context)?).await?;
    let identity = place.open(context)?.identity().map_err(refused)?.clone();
    let text = format!("the vault is {identity}");
    let json = json!({
        "district": identity.district, "chain_id": identity.chain_id, "genesis_sha256": identity.genesis,
        "account": identity.account,
    });
    Ok(Outcome::yes(json, text))
}

/// Compares a vault with the home's genesis, where there is one, and binds it by that if it can be.
pub(super) fn from_genesis(context: &Context, vault: &Vault) -> Result<(), Failure> {
    let path = context.home.genesis_file();
    let bytes = match regular_at_most(&path, MAX_GENESIS_BYTES as u64) {
        Ok(bytes) if !bytes.is_empty() => bytes,
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        // Whether the vault is of this chain cannot be told: that is said.
        Err(_) => return read_genesis(&context.home).map(|_| ()),
    };
    if let Ok(identity) = vault.identity() {
        let found = Hash(Sha256::digest(&bytes).into());
        if identity.genesis == found {
            return Ok(());
        }
        let asked = format!("genesis {found} of {}", path.display());
        return Err(refused(VaultError::OtherChain { bound: identity.to_string(), asked }));
    }
    let (_, parsed) = read_genesis(&context.home)?;
    let account = vault.account();
    let mut members = parsed.genesis.members.iter();
    let own = members.find(|member| aula_ledger::keys::account_of(&member.public_key) == account);
    let Some(district) = own.and_then(|member| member.district) else { return Ok(()) };
    let chain_id = parsed.chain_id.to_string();
    vault.bind(&Identity { district, chain_id, genesis: parsed.sha256, account }).map_err(refused)
}

/// Compares the home's vault with a node's chain, and binds it by that if it is not bound yet.
///
/// # Errors
/// A node that cannot be reached or that is of another chain; a chain that does not know the account's district yet.
pub(in crate::command) async fn from_node(
    context: &Context,
    place: &Place,
    client: &Client,
) -> Result<(), Failure> {
    let status = client.status().await?;
    // Closed while the node is asked: it may have readers who wait for it.
    let (account, bound) = {
        let vault = place.open(context)?;
        (vault.account(), vault.identity().ok().cloned())
    };
    if let Some(identity) = bound {
        if identity.genesis == status.genesis_sha256 {
            return Ok(());
        }
        let asked = format!("genesis {} of {}", status.genesis_sha256, client.origin());
        return Err(refused(VaultError::OtherChain { bound: identity.to_string(), asked }));
    }
    let told: Option<AccountStatus> = client.find(&paths::account(account)).await?;
    let district: Option<DistrictId> = told.and_then(|told| told.member).and_then(|member| member.district);
    let district = district.ok_or_else(|| {
        let message = format!("{} does not know for which district account {account} acts", status.chain_id);
        let hint = "a vote on HOME/request.json, which `aula join` writes, admits it: `aula consortium list`";
        Failure::new("no_district", message, hint)
    })?;
    let identity =
        Identity { district, chain_id: status.chain_id.to_string(), genesis: status.genesis_sha256, account };
    place.open(context)?.bind(&identity).map_err(refused)
}
