//! Roles of members; what each may send stands in [`crate::tx::rights`].

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::codec::byte_word::byte_word;
use crate::types::{DistrictId, SchoolId};

byte_word! {
    /// What a member is in the consortium. A member may have several.
    #[serde(rename_all = "lowercase")]
    pub enum Role {
        /// Votes on changes, names classes and their stewards.
        Consortium = 0,
        /// Anchors its students' states and submits their requests.
        District = 1,
        /// Acknowledges what it receives.
        School = 2,
        /// Funds budgets and the pools charged to them.
        Funder = 3,
        /// Audits: takes the rows of rounds, listed on the ledger, and records findings.
        Auditor = 4,
        /// Is a member, reads what the public reads, and sends nothing.
        Reader = 5,
        /// No member's: the account with which a validator's node commits to and reveals its shares of seeds. It comes and
        /// goes with the validator and sends nothing else, but for evidence of misbehaviour, which anybody may.
        Seed = 6,
    }
}

impl Role {
    /// In the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Consortium,
        Self::District,
        Self::School,
        Self::Funder,
        Self::Auditor,
        Self::Reader,
        Self::Seed,
    ];
    /// Those that a member may have.
    pub const MEMBERS: [Self; 6] =
        [Self::Consortium, Self::District, Self::School, Self::Funder, Self::Auditor, Self::Reader];

    /// The word in JSON, on pages and in exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consortium => "consortium",
            Self::District => "district",
            Self::School => "school",
            Self::Funder => "funder",
            Self::Auditor => "auditor",
            Self::Reader => "reader",
            Self::Seed => "seed",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of roles; in bytes one bit a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize)]
pub struct RoleSet(u8);

impl RoleSet {
    /// The set of these roles.
    pub const fn of(roles: &[Role]) -> Self {
        let mut bits = 0;
        let mut rest = roles;
        while let [first, tail @ ..] = rest {
            bits |= first.bit();
            rest = tail;
        }
        Self(bits)
    }

    /// True when `role` is in the set.
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// True when the sets share a role.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The set with one role more.
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// True when no role is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles, in their order.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }

    /// Their names with this between two.
    pub fn names(self, between: &str) -> String {
        self.roles().map(Role::name).collect::<Vec<_>>().join(between)
    }
}

impl BorshDeserialize for RoleSet {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let bits = u8::deserialize_reader(reader)?;
        // The role of validators' accounts for seeds stands in no record and in no transaction.
        if bits & !Self::of(&Role::MEMBERS).0 != 0 {
            return Err(std::io::Error::other("unknown role"));
        }
        Ok(Self(bits))
    }
}

impl Serialize for RoleSet {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.roles())
    }
}

impl<'de> Deserialize<'de> for RoleSet {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::of(&<Vec<Role> as Deserialize>::deserialize(d)?))
    }
}

/// True when the roles are a member's, not empty, and name the place they act for: a district its district, a school its
/// district and its school; nobody else names a place.
pub fn place_fits(roles: RoleSet, district: Option<DistrictId>, school: Option<SchoolId>) -> bool {
    let school_role = roles.has(Role::School);
    let district_role = roles.has(Role::District) || school_role;
    !roles.is_empty()
        && !roles.has(Role::Seed)
        && district.is_some() == district_role
        && school.is_some() == school_role
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roles_name_is_its_word_in_json() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        assert_eq!(RoleSet::of(&[Role::School, Role::Consortium]).names(", "), "consortium, school");
    }
}
