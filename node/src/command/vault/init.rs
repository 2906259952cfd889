//! `aula vault init`: an empty vault for the home's district.

use aula_client::sender::account_of_home;
use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::types::{AccountId, ChainId, DistrictId, Hash};
use aula_server::bootstrap::read_genesis;
use aula_vault::{Identity, Vault};
use clap::Args;
use serde_json::json;

use super::super::{Context, Failure, Outcome};
use super::{Place, now_ms, refused};

/// Arguments of `aula vault init`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault init                               before any chain is known, or of HOME/genesis.json\n  \
                        aula vault init --district 7 --chain-id aula-0badc0de --genesis-sha256 HEX --keystore /mnt/keys/district-07\n\nThe home needs an \
                        account key (`aula init` makes it): it signs readers' credentials. A vault made before its chain is known is bound to \
                        it by the first command that asks the district's node, or by `aula vault bind`, and used with no other chain from \
                        then on."
)]
pub struct InitArgs {
    /// The district's number in the genesis [default: the one that the home's account acts for]
    #[arg(long, value_name = "N")]
    pub district: Option<u16>,
    /// The chain's name [default: HOME/genesis.json's]
    #[arg(long, value_name = "CHAIN", requires = "genesis_sha256")]
    pub chain_id: Option<String>,
    /// SHA-256 of the chain's genesis file, which every credential is bound to [default: HOME/genesis.json's]
    #[arg(long, value_name = "HEX", requires = "chain_id")]
    pub genesis_sha256: Option<Hash>,
}

/// Makes the vault.
///
/// # Errors
/// When there is one, or the home does not say whose it is to be.
pub fn run(context: &Context, place: &Place, args: &InitArgs) -> Result<Outcome, Failure> {
    let folders = place.folders(context)?;
    let key = NodeKey::of_home(&context.home, KeyKind::Account).map_err(|error| Failure {
        code: "no_account_key".into(),
        hint: "create it with `aula keys create --kind account`".into(),
        ..Failure::from(error)
    })?;
    let account = account_of_home(&context.home, key.signing_key())?;
    let whose = whose(context, args, &account)?;
    let vault = match &whose {
        None => Vault::create_unbound(&folders, account, now_ms()),
        Some((district, chain_id, genesis)) => {
            let chain_id = chain_id.to_string();
            let identity = Identity { district: *district, chain_id, genesis: *genesis, account };
            Vault::create(&folders, &identity, now_ms())
        }
    };
    let vault = vault.map_err(refused)?;
    let rotation = vault.keystore().current().rotation(now_ms());
    let (data, keystore) = (folders.data.display(), folders.keystore.display());
    let told = whose.as_ref().map_or_else(
        || format!("vault of account {account}, of no chain yet"),
        |(district, chain_id, _)| format!("vault of district {district} on {chain_id}"),
    );
    let text = format!(
        "{told}\ndata     {data}\nkeys     {keystore}\n{rotation}\nCopy the two apart: \
         aula backup --data DIR, aula backup --keys OTHER_DIR"
    );
    let json = json!({
        "district": whose.as_ref().map(|whose| whose.0), "chain_id": whose.as_ref().map(|whose| &whose.1),
        "genesis_sha256": whose.as_ref().map(|whose| whose.2), "account": account, "vault": folders.data,
        "keystore": folders.keystore, "schedule": rotation,
    });
    Ok(Outcome::yes(json, text))
}

/// From the flags, else from the home's genesis; none where the home has no genesis yet, or one that does not list its account.
fn whose(
    context: &Context,
    args: &InitArgs,
    account: &AccountId,
) -> Result<Option<(DistrictId, ChainId, Hash)>, Failure> {
    let given = args.chain_id.as_ref().zip(args.genesis_sha256).map(|(text, genesis)| {
        let bad = || {
            let message = format!("{text:?} is not a chain id");
            Failure::new("bad_chain_id", message, "give it as `aula status` prints it")
        };
        Ok::<_, Failure>((ChainId::new(text).ok_or_else(bad)?, genesis))
    });
    let given = given.transpose()?;
    if let (Some(district), Some((chain_id, genesis))) = (args.district, &given) {
        return Ok(Some((DistrictId(district), chain_id.clone(), *genesis)));
    }
    if !context.home.genesis_file().exists() && given.is_none() && args.district.is_none() {
        return Ok(None);
    }
    let (_, found) = read_genesis(&context.home)?;
    let members = &found.genesis.members;
    let own = members.iter().find(|member| aula_ledger::keys::account_of(&member.public_key) == *account);
    let district = args.district.map(DistrictId).or_else(|| own.and_then(|member| member.district));
    match (district, given) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let message = "the genesis does not say which district the home's account acts for";
            Err(Failure::new("no_district", message, "give --district N"))
        }
        (Some(district), given) => {
            let (chain_id, genesis) = given.unwrap_or_else(|| (found.chain_id.clone(), found.sha256));
            Ok(Some((district, chain_id, genesis)))
        }
    }
}
