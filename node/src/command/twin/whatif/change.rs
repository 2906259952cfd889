//! What may be changed in a fork, and how it changes a round's inputs.
//!
//! One `--set NAME=VALUE` each. Percentages are of what was: 100% changes nothing. Enrolment is changed among the
//! requests, which is all the ledger knows of students: those that leave are the last in an order drawn from the
//! handles, those that come are copies of others under a handle of their own.

use aula_ledger::rounds::RoundInputs;
use aula_ledger::state::schema::RequestRow;
use aula_ledger::types::{ClassId, Handle, PoolId, SchoolId};
use sha2::{Digest, Sha256};

use crate::terminal::Failure;

/// Largest percentage: ten times as much.
const MAX_PERCENT: u32 = 1_000;

/// What one `--set NAME=VALUE` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `equity=N`: the weight of need, 0 to 1000.
    Equity(u32),
    /// `class.C.rank_step=N`.
    RankStep(ClassId, u32),
    /// `class.C.tier_cost.T=N`, T = 0, 1, 2.
    TierCost(ClassId, usize, u32),
    /// `class.C.waitlist_cost=N`.
    WaitlistCost(ClassId, u32),
    /// `pool.P.capacity=N`.
    Capacity(PoolId, u32),
    /// `pool.P.floor=N`.
    Floor(PoolId, u32),
    /// `pools.capacity=P%`: every pool.
    AllCapacity(u32),
    /// `enrolment=P%`, or `enrolment.S=P%` of one school.
    Enrolment(Option<SchoolId>, u32),
    /// `method.K=P%`: what a block of practice gives learners of persona K.
    Method(usize, u32),
}

impl Change {
    /// Reads one `NAME=VALUE`.
    ///
    /// # Errors
    /// A failure that lists the names there are.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let refused = || {
            Failure::new(
                "bad_set",
                format!("{text:?} is not a change"),
                "use equity=N, class.C.rank_step=N, class.C.tier_cost.T=N, class.C.waitlist_cost=N, \
                 pool.P.capacity=N, pool.P.floor=N, pools.capacity=P%, enrolment=P%, enrolment.S=P%, method.K=P%",
            )
        };
        let (name, value) = text.split_once('=').ok_or_else(refused)?;
        let words: Vec<&str> = name.split('.').collect();
        let number = |text: &str| text.parse::<u32>().map_err(|_| refused());
        let percent = || {
            let digits = value.strip_suffix('%').ok_or_else(refused)?;
            number(digits).and_then(|p| if p <= MAX_PERCENT { Ok(p) } else { Err(refused()) })
        };
        let class = |id: &str| id.parse().map(ClassId).map_err(|_| refused());
        let pool = |id: &str| id.parse().map(PoolId).map_err(|_| refused());
        Ok(match words.as_slice() {
            ["equity"] => match number(value)? {
                equity if equity <= 1_000 => Self::Equity(equity),
                _ => return Err(refused()),
            },
            ["class", id, "rank_step"] => Self::RankStep(class(id)?, number(value)?),
            ["class", id, "waitlist_cost"] => Self::WaitlistCost(class(id)?, number(value)?),
            ["class", id, "tier_cost", tier] => match tier.parse() {
                Ok(tier @ 0..=2) => Self::TierCost(class(id)?, tier, number(value)?),
                _ => return Err(refused()),
            },
            ["pool", id, "capacity"] => Self::Capacity(pool(id)?, number(value)?),
            ["pool", id, "floor"] => Self::Floor(pool(id)?, number(value)?),
            ["pools", "capacity"] => Self::AllCapacity(percent()?),
            ["enrolment"] => Self::Enrolment(None, percent()?),
            ["enrolment", school] => {
                Self::Enrolment(Some(school.parse().map(SchoolId).map_err(|_| refused())?), percent()?)
            }
            ["method", persona] => Self::Method(persona.parse().map_err(|_| refused())?, percent()?),
            _ => return Err(refused()),
        })
    }

    /// Changes a round's inputs; returns whether it concerned them.
    pub fn apply(&self, inputs: &mut RoundInputs) -> bool {
        let own = inputs.definition.class;
        match self {
            Self::Equity(equity) => inputs.equity = *equity,
            Self::RankStep(class, step) if *class == own => inputs.definition.rank_step = *step,
            Self::WaitlistCost(class, cost) if *class == own => inputs.definition.waitlist_cost = Some(*cost),
            Self::TierCost(class, tier, cost) if *class == own => {
                let Some(place) = inputs.definition.tier_costs.get_mut(*tier) else { return false };
                *place = *cost;
            }
            Self::Capacity(pool, _) | Self::Floor(pool, _) => {
                let Some(record) = inputs.pools.iter_mut().find(|p| p.pool == *pool) else { return false };
                match self {
                    Self::Capacity(_, capacity) => record.capacity = *capacity,
                    Self::Floor(_, floor) => record.floor = *floor,
                    _ => return false,
                }
            }
            Self::AllCapacity(percent) => {
                for pool in &mut inputs.pools {
                    pool.capacity = share(pool.capacity, *percent);
                }
            }
            Self::Enrolment(school, percent) => return enrol(inputs, *school, *percent),
            Self::RankStep(..) | Self::WaitlistCost(..) | Self::TierCost(..) | Self::Method(..) => {
                return false;
            }
        }
        true
    }
}

/// ⌊n·percent/100⌋.
fn share(n: u32, percent: u32) -> u32 {
    u32::try_from(u64::from(n) * u64::from(percent) / 100).unwrap_or(u32::MAX)
}

fn drawn(handle: &Handle, copy: u32) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"aula/what-if/enrolment");
    hash.update(handle.0);
    hash.update(copy.to_le_bytes());
    hash.finalize().into()
}

fn enrol(inputs: &mut RoundInputs, school: Option<SchoolId>, percent: u32) -> bool {
    let concerned = |home: SchoolId| school.is_none_or(|s| s == home);
    let requests = std::mem::take(&mut inputs.requests);
    let (mut inside, mut kept): (Vec<_>, Vec<_>) =
        requests.into_iter().partition(|(_, r)| concerned(r.home_school));
    let found = !inside.is_empty();
    inside.sort_by_key(|(handle, _)| drawn(handle, 0));
    let wanted = share(u32::try_from(inside.len()).unwrap_or(u32::MAX), percent) as usize;
    for n in 0..wanted {
        let Some((handle, row)) = inside.get(n % inside.len().max(1)) else { break };
        let copy = u32::try_from(n / inside.len().max(1)).unwrap_or(u32::MAX);
        let handle = if copy == 0 { *handle } else { Handle(drawn(handle, copy)) };
        kept.push((handle, RequestRow { handle, ..row.clone() }));
    }
    kept.sort_by_key(|(handle, row)| (*handle, row.district));
    inputs.requests = kept;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_nothing_else() -> Result<(), Failure> {
        let good = [
            ("equity=0", Change::Equity(0)),
            ("class.2.rank_step=5", Change::RankStep(ClassId(2), 5)),
            ("class.2.tier_cost.1=9", Change::TierCost(ClassId(2), 1, 9)),
            ("class.2.waitlist_cost=70", Change::WaitlistCost(ClassId(2), 70)),
            ("pool.7.capacity=12", Change::Capacity(PoolId(7), 12)),
            ("pool.7.floor=1", Change::Floor(PoolId(7), 1)),
            ("pools.capacity=110%", Change::AllCapacity(110)),
            ("enrolment=95%", Change::Enrolment(None, 95)),
            ("enrolment.3=120%", Change::Enrolment(Some(SchoolId(3)), 120)),
            ("method.1=150%", Change::Method(1, 150)),
        ];
        for (text, want) in good {
            assert_eq!(Change::parse(text)?, want, "{text}");
        }
        for text in [
            "",
            "equity",
            "equity=-1",
            "equity=1001",
            "equity=1%",
            "class.2.tier_cost.3=1",
            "pool.x.floor=1",
            "pools.capacity=110",
            "enrolment=1001%",
            "colour=red",
            "class.2.title=x",
        ] {
            assert_eq!(
                Change::parse(text).map(|_| ()).map_err(|f| f.code),
                Err("bad_set".to_owned()),
                "{text}"
            );
        }
        Ok(())
    }

    #[test]
    fn shares_round_down_and_do_not_overflow() {
        assert_eq!((share(7, 100), share(7, 50), share(u32::MAX, 1_000)), (7, 3, u32::MAX));
    }
}
