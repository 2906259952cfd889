//! RegisterMember: a consortium member makes a candidate known. A vote admits it; until then it may send
//! nothing. The candidate has no account before, so a member sends this for it.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::Code;
use crate::keys::PublicKey;
use crate::names::Name;
use crate::roles::RoleSet;
use crate::roles::place_fits;
use crate::tx::handler::{Handler, require};
use crate::types::{DistrictId, SchoolId};

/// A candidate. Its account follows from the key, see [`crate::keys::account_of`].
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
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
}

impl Handler for RegisterMember {
    fn check(&self) -> Result<(), Code> {
        require(self.public_key.is_usable() && place_fits(self.roles, self.district, self.school))
    }
}
