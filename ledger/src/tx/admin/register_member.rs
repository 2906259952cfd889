//! RegisterMember: a consortium member makes a candidate known. A vote admits it; until then it may send
//! nothing. The candidate has no account before, so a member sends this for it; that the candidate holds the key, and wants
//! this, its own signature shows, so that nobody can take names and keys of others for good.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::keys::{Label, PublicKey, Signature, account_of};
use crate::names::Name;
use crate::roles::{RoleSet, place_fits};
use crate::state::Overlay;
use crate::state::schema::{self, Account, Member, Standing};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::tx::places::open_district;
use crate::types::{AccountId, DistrictId, Hash, SchoolId};

/// A candidate. Its account follows from the key, see [`crate::keys::account_of`].
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterMember {
    /// The member's name, not yet taken.
    pub name: Name,
    /// Its first key.
    pub public_key: PublicKey,
    /// The roles it would have; at least one.
    pub roles: RoleSet,
    /// The district it would act for, when a district or a school.
    pub district: Option<DistrictId>,
    /// The school it would act for, when a school.
    pub school: Option<SchoolId>,
    /// The key's signature over [`member_statement`], under [`Label::MemberPossession`].
    pub possession: Signature,
}

/// What a candidate's key signs: the genesis hash, then its account.
pub fn member_statement(genesis: &Hash, account: &AccountId) -> Vec<u8> {
    [&genesis.0[..], &account.0].concat()
}

impl Handler for RegisterMember {
    fn check(&self) -> Result<(), Code> {
        require(self.public_key.is_usable() && place_fits(self.roles, self.district, self.school))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let account = account_of(&self.public_key);
        let overlay = &mut *context.overlay;
        ensure(schema::account_of_name(overlay, &self.name)?.is_none(), Code::NameTaken)?;
        // Of members, and of validators' accounts for seeds.
        ensure(schema::account(overlay, &account)?.is_none(), Code::AccountExists)?;
        check_place(overlay, self.district, self.school)?;
        let statement = member_statement(&context.facts.genesis, &account);
        let held = self.public_key.verifies(Label::MemberPossession, &statement, &self.possession);
        ensure(held, Code::PossessionNotProved)?;
        let member = Member {
            account,
            name: self.name.clone(),
            roles: self.roles,
            district: self.district,
            school: self.school,
            standing: Standing::Candidate,
            since: context.facts.height,
        };
        schema::write(overlay, schema::member_key(&account), &member);
        overlay.put(schema::name_key(&self.name), account.0.to_vec());
        let keys = Account { public_key: self.public_key, sequence: 0 };
        schema::write(overlay, schema::account_key(&account), &keys);
        schema::use_key(overlay, &self.public_key);
        Ok(vec![Event::MemberRegistered { account }])
    }
}

/// Refuses a place that is not in the consortium's directory, or is closed.
///
/// # Errors
/// [`Code::UnknownDistrict`], [`Code::DistrictClosed`] or [`Code::UnknownSchool`].
pub(super) fn check_place(
    overlay: &Overlay<'_>,
    district: Option<DistrictId>,
    school: Option<SchoolId>,
) -> Result<(), Refusal> {
    if let Some(district) = district {
        open_district(overlay, district)?;
    }
    if let Some(school) = school {
        let known = schema::school(overlay, school)?.map(|record| record.district);
        ensure(known.is_some() && known == district, Code::UnknownSchool)?;
    }
    Ok(())
}
