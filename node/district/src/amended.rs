//! What an amendment changed of a student: mastery, transitions, versions that were anchored before it came.
//!
//! Flow: a student's events → folded with the amendment and without it → [`Effect`]. The ledger is not asked: which requests
//! rest on a version stands there. Absent: deciding what follows of it, which is people's work.

use aula_ledger::types::Handle;
use aula_twin_runtime::event::{EventBody, EventKey, SkillId};
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::transitions::Transition;
use aula_vault::Vault;

use crate::event_place::place;
use crate::live::{LiveError, differing, events_of};

/// A skill whose mastery an amendment moved, in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// As the voted parameters number it.
    pub skill: SkillId,
    /// Mastery without the amendment, 0 to 10,000.
    pub before_e4: u16,
    /// Mastery with it, 0 to 10,000.
    pub after_e4: u16,
}

/// What an amendment changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What it amended.
    pub target: EventKey,
    /// Skills whose mastery it moved; empty when it moved none.
    pub mastery: Vec<Moved>,
    /// Transitions (milestones, interventions) that happen with it only.
    pub gained: Vec<Transition>,
    /// Transitions that happened without it only.
    pub lost: Vec<Transition>,
    /// Versions of the student's state that were folded from the target and not yet from the amendment.
    pub versions: Vec<u32>,
}

/// What the amendment at a place changed; none when there is no amendment.
///
/// # Errors
/// A vault that cannot be read.
pub fn effect(
    vault: &Vault,
    handle: &Handle,
    amendment: &EventKey,
    params: &Params,
) -> Result<Option<Effect>, LiveError> {
    let events = events_of(vault, handle)?;
    let target = events.iter().find(|event| event.key == *amendment).and_then(|event| match event.body {
        EventBody::Correction { target, .. } => Some(target),
        _ => None,
    });
    let Some(target) = target else { return Ok(None) };
    let (mut with, mut without) = (History::new(params), History::new(params));
    without.add(events.iter().filter(|event| event.key != *amendment).cloned(), params);
    with.add(events, params);
    let level = |history: &History, skill| history.state().mastery(skill, params).level.e4();
    let held = with.state().skills().iter().chain(without.state().skills()).map(|entry| entry.skill);
    let mut skills: Vec<SkillId> = held.collect();
    skills.sort_unstable();
    skills.dedup();
    let moved = skills.into_iter().map(|skill| Moved {
        skill,
        before_e4: level(&without, skill),
        after_e4: level(&with, skill),
    });
    let mastery = moved.filter(|moved| moved.before_e4 != moved.after_e4).collect();
    let (gained, lost) = differing(&without.folded().transitions, &with.folded().transitions);
    let versions = vault.versions(handle)?;
    let first = |key: &EventKey| {
        let place = place(key);
        versions.iter().find(|kept| kept.is_first_with(&place)).map(|kept| kept.version)
    };
    let (from, until) = (first(&target), first(amendment));
    let between = versions.iter().map(|kept| kept.version).filter(|version| {
        from.is_some_and(|from| *version >= from) && until.is_none_or(|until| *version < until)
    });
    Ok(Some(Effect { target, mastery, gained, lost, versions: between.collect() }))
}
