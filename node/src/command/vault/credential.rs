//! `aula vault credential`: a reader's credential, signed with the district's account key.

use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::credential::{Claim, Credential, MAX_LIFETIME_MS, Scope};
use clap::Args;
use serde_json::json;

use super::super::{Context, Failure, Outcome};
use super::{Place, now_ms, refused};

/// Arguments of `aula vault credential`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault credential --role teacher --reader t-1042 > reader.txt\n  aula vault credential --role \
                        counselor --reader c-7 --minutes 10 --output json\n\nWhoever holds it reads in that role until it expires: hand \
                        it to the reader alone."
)]
pub struct CredentialArgs {
    /// teacher, counselor, admin, operator, auditor or service
    #[arg(long)]
    pub role: String,
    /// How the district names the reader in its log: lower-case letters, digits, dashes
    #[arg(long)]
    pub reader: String,
    /// How many minutes it is good, 1 to 60
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub minutes: u64,
}

/// Signs it.
///
/// # Errors
/// When role and reader do not fit, or there is no vault or account key.
pub fn run(context: &Context, place: &Place, args: &CredentialArgs) -> Result<Outcome, Failure> {
    let scope = Scope::vault(&args.role, &args.reader).ok_or_else(|| {
        let message = format!("{:?} in the role {:?} does not fit a credential", args.reader, args.role);
        let hint = "use lower-case letters and digits, at most 40 each, no dash in the role";
        Failure::new("bad_reader", message, hint)
    })?;
    let identity = place.open(context)?.identity().map_err(refused)?.clone();
    let key = NodeKey::of_home(&context.home, KeyKind::Account)?;
    // A second less than the furthest that is accepted, for a reader whose clock is a little behind.
    let lifetime_ms = (args.minutes * 60_000).min(MAX_LIFETIME_MS - 1_000);
    let expires_ms = now_ms().saturating_add(lifetime_ms);
    let claim = Claim { genesis: identity.genesis, account: identity.account, expires_ms, scope };
    let credential = Credential::sign(&claim, key.signing_key()).to_string();
    Ok(Outcome::yes(json!({ "credential": credential, "expires_ms": expires_ms }), credential))
}
