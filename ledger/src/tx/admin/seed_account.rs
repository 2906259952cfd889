//! A validator's account for shares of seeds: it is admitted with the validator and goes with it.

use crate::code::Code;
use crate::keys::{PublicKey, account_of};
use crate::names::Name;
use crate::state::Overlay;
use crate::state::schema::{self, Account, SeedAccount};
use crate::tx::handler::{Refusal, ensure};
use crate::types::{AccountId, Height, ValidatorAddress};

/// Refuses a key that is a member's, or another validator's account already, or that of one that waits.
///
/// # Errors
/// [`Code::AccountExists`].
pub(super) fn may_admit(
    overlay: &Overlay<'_>,
    key: &PublicKey,
    of: &ValidatorAddress,
) -> Result<(), Refusal> {
    let account = account_of(key);
    let waiting = schema::waiting_validators(overlay)?;
    let waits = waiting.iter().any(|one| one.seed_key == *key && one.address != *of);
    let free = !waits
        && schema::member(overlay, &account)?.is_none()
        && schema::seed_account(overlay, &account)?.is_none();
    Ok(ensure(free, Code::AccountExists)?)
}

/// Admits the account. One that was a removed validator's counts its transactions on, so that none is valid twice.
pub(crate) fn admit(
    overlay: &mut Overlay<'_>,
    key: PublicKey,
    validator: &Name,
    since: Height,
) -> Result<AccountId, crate::state::StoreError> {
    let account = account_of(&key);
    schema::use_key(overlay, &key);
    let record = SeedAccount { account, validator: validator.clone(), since };
    schema::write(overlay, schema::seed_account_key(&account), &record);
    if schema::account(overlay, &account)?.is_none() {
        let keys = Account { public_key: key, sequence: 0 };
        schema::write(overlay, schema::account_key(&account), &keys);
    }
    Ok(account)
}

/// The account may send nothing from now on.
pub(super) fn remove(overlay: &mut Overlay<'_>, account: &AccountId) {
    overlay.delete(schema::seed_account_key(account));
}
