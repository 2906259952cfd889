//! Which pools a student may get: the ranked kinds, at schools within the class's tiers.

use std::collections::BTreeMap;

use crate::names::Name;
use crate::state::StoreError;
use crate::state::schema::{self, PoolRecord, Records, School};
use crate::types::{ClassId, DistrictId, KindId, SchoolId};

/// The travel tier of a pool at `there` for a student of `home`: 0 the same school, 1 the same district, 2 the
/// same type of school; none: not eligible.
pub fn tier(home: &School, there: &School) -> Option<u8> {
    if home.id == there.id {
        Some(0)
    } else if home.district == there.district {
        Some(1)
    } else if home.school_type == there.school_type {
        Some(2)
    } else {
        None
    }
}

/// The pools of one kind, counted by district and type.
#[derive(Debug, Clone, Default)]
struct KindPools {
    by_district: BTreeMap<DistrictId, u64>,
    by_type: BTreeMap<Name, u64>,
    by_both: BTreeMap<(DistrictId, Name), u64>,
}

/// A pool that a student may get if the kind is ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// Index of the pool.
    pub pool: u32,
    /// The kind of its places: the request's ranks speak of kinds, not of pools.
    pub kind: KindId,
    /// Its travel tier, 0..=2.
    pub tier: u8,
}

/// A class's pools by kind. Pools at schools that are not given are left out: nobody is eligible for them.
#[derive(Debug, Clone, Default)]
pub struct Eligibility {
    pools: Vec<(u32, KindId, School)>,
    kinds: BTreeMap<KindId, KindPools>,
}

impl Eligibility {
    /// From the class's pools in the optimizer's order.
    pub fn of(pools: &[PoolRecord], schools: &BTreeMap<SchoolId, School>) -> Self {
        let mut kinds: BTreeMap<KindId, KindPools> = BTreeMap::new();
        let mut places = Vec::with_capacity(pools.len());
        for (pool, index) in pools.iter().zip(0u32..) {
            let Some(school) = schools.get(&pool.school) else { continue };
            let of_kind = kinds.entry(pool.kind).or_default();
            let (district, school_type) = (school.district, school.school_type.clone());
            increase(of_kind.by_district.entry(district).or_default());
            increase(of_kind.by_type.entry(school_type.clone()).or_default());
            increase(of_kind.by_both.entry((district, school_type)).or_default());
            places.push((index, pool.kind, school.clone()));
        }
        Self { pools: places, kinds }
    }

    /// The pools within the tiers of a student of `home`, of every kind, by ascending index.
    pub fn near(&self, home: &School) -> Vec<Near> {
        let near = |(pool, kind, school): &(u32, KindId, School)| {
            Some(Near { pool: *pool, kind: *kind, tier: tier(home, school)? })
        };
        self.pools.iter().filter_map(near).collect()
    }

    /// How many pools of these kinds a student of `home` may get, without listing them.
    pub fn count(&self, home: &School, kinds: &[KindId]) -> u64 {
        let at = |map: Option<&u64>| map.copied().unwrap_or(0);
        let of_kind = |kind: &KindId| {
            let Some(pools) = self.kinds.get(kind) else { return 0 };
            let both = at(pools.by_both.get(&(home.district, home.school_type.clone())));
            let district = at(pools.by_district.get(&home.district));
            let same_type = at(pools.by_type.get(&home.school_type));
            district.saturating_add(same_type).saturating_sub(both)
        };
        kinds.iter().fold(0u64, |sum, kind| sum.saturating_add(of_kind(kind)))
    }
}

/// What a round's requests are checked against: its pools, by kind, and all schools.
#[derive(Debug, Clone, Default)]
pub struct RoundPools {
    /// Who may get which pool.
    pub eligibility: Eligibility,
    /// Every school of the ledger by its number: where students come from, and where pools are.
    pub schools: BTreeMap<SchoolId, School>,
}

impl RoundPools {
    /// Reads the pools of a class, and all schools.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails or a record is damaged.
    pub fn read(from: &(impl Records + ?Sized), class: ClassId) -> Result<Self, StoreError> {
        let schools: BTreeMap<SchoolId, School> =
            schema::schools(from)?.into_iter().map(|school| (school.id, school)).collect();
        let eligibility = Eligibility::of(&schema::current_pools(from, class)?, &schools);
        Ok(Self { eligibility, schools })
    }
}

fn increase(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
