//! One event into one state.

use super::{
    ItemEntry, MAX_ITEMS, MAX_RECORDED_INPUTS, MAX_SKILLS, RecordedInput, SkillEntry, Stage, TwinState,
    find_skill,
};
use crate::event::{Correctness, Event, EventBody, EventError, InterventionId, ItemId, SkillId};
use crate::fixed::{ONE_E4, ONE_E6, Probability, Proportion, div_nearest};
use crate::mastery::{ItemTrack, Prediction, SkillTrack, Surprise, assess, level, predict};
use crate::params::{KindRule, Params, ScoreScale};
use crate::transitions::{self, Transition};
use thiserror::Error;

/// Why an event does not enter a state. The state is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StepError {
    /// At or before the last event folded: the caller folds again from before it.
    #[error("the event is not after the last one folded")]
    OutOfOrder,
    /// The event itself is wrong.
    #[error("the event is refused")]
    Event(#[from] EventError),
    /// One skill more than a student may hold.
    #[error("a student holds at most {MAX_SKILLS} skills")]
    TooManySkills,
    /// No scale for this subject and grade in the parameters.
    #[error("no score scale for skill {skill} in grade {grade}")]
    UnknownScale {
        /// Subject.
        skill: u16,
        /// School grade of the test, 0 = kindergarten.
        grade: u8,
    },
    /// An intervention that runs already.
    #[error("intervention {0} is open already")]
    AlreadyOpen(u32),
    /// An intervention that does not run.
    #[error("intervention {0} is not open")]
    NotOpen(u32),
    /// One recorded input more than a student may hold.
    #[error("a student holds at most {MAX_RECORDED_INPUTS} recorded inputs")]
    TooManyInputs,
    /// All remembered interventions are open.
    #[error("too many interventions are open at once")]
    TooManyInterventions,
}

/// What one event brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stepped {
    /// The rules that spoke, in the order in which they are asked.
    pub transitions: Vec<Transition>,
    /// For a response: the probability of a right answer as predicted before it was learnt from.
    pub predicted: Option<Probability>,
}

/// Folds one event into a state; returns the transitions it brought about.
///
/// # Errors
/// Any [`StepError`]; the state is then unchanged.
pub fn step(state: &mut TwinState, event: &Event, params: &Params) -> Result<Vec<Transition>, StepError> {
    step_predicted(state, event, params).map(|stepped| stepped.transitions)
}

/// [`step`], with the prediction that a response was judged against.
///
/// # Errors
/// Any [`StepError`]; the state is then unchanged.
pub fn step_predicted(state: &mut TwinState, event: &Event, params: &Params) -> Result<Stepped, StepError> {
    if state.watermark.is_some_and(|last| last >= event.key) {
        return Err(StepError::OutOfOrder);
    }
    event.check()?;
    let stepped = if let EventBody::Response { item, skills, correctness, .. } = &event.body {
        let prediction = hold_and_predict(state, *item, skills.as_slice(), params)?;
        let transitions = respond(state, event, *item, skills.as_slice(), *correctness, &prediction, params);
        Stepped { transitions, predicted: Some(prediction.probability) }
    } else {
        Stepped { transitions: apply(state, event, params)?, predicted: None }
    };
    state.events = state.events.saturating_add(1);
    state.watermark = Some(event.key);
    Ok(stepped)
}

/// Each arm checks first and moves after.
fn apply(state: &mut TwinState, event: &Event, params: &Params) -> Result<Vec<Transition>, StepError> {
    let now_ms = event.effective_ms();
    match &event.body {
        EventBody::Written { sentiment } => {
            let target = Proportion::clamped((i64::from(sentiment.e4()) + ONE_E4) / 2);
            Ok(engage(state, event, target, params.rates.sentiment, params))
        }
        EventBody::Session { minutes, active_minutes } => {
            let share = i64::from(*active_minutes) * ONE_E4 / i64::from((*minutes).max(1));
            Ok(engage(state, event, Proportion::clamped(share), params.rates.session, params))
        }
        EventBody::Attendance(mark) => {
            state.attendance.mark(*mark, &params.rates);
            if *mark == crate::event::Attendance::Absent {
                return Ok(engage(state, event, Proportion::MIN, params.rates.absence, params));
            }
            Ok(watch(state, event, params))
        }
        EventBody::ResourceUse { resource, used_minutes, available_minutes } => {
            let (used, available, rates) = (*used_minutes, *available_minutes, &params.rates);
            let track = state.resources.record(*resource, used, available, now_ms, rates);
            let record = transitions::rebalance(event.key, track, &params.thresholds);
            Ok(record.into_iter().chain(watch(state, event, params)).collect())
        }
        EventBody::Assessment { skill, grade, score_e1, .. } => {
            assessed(state, event, *skill, *grade, *score_e1, params)
        }
        EventBody::InterventionOpened { intervention } => open(state, *intervention, now_ms),
        EventBody::InterventionClosed { intervention } => close(state, *intervention, now_ms),
        EventBody::InputRecorded { input, value } => record(state, *input, *value),
        // The fold has put the replacement in its target's place; here it only marks that it was seen.
        // Responses have a way of their own, above.
        EventBody::Correction { .. } | EventBody::Response { .. } => Ok(Vec::new()),
    }
}

/// The newest value of a recorded input.
fn record(state: &mut TwinState, input: u16, value: u16) -> Result<Vec<Transition>, StepError> {
    let recorded = RecordedInput { input, value };
    match state.inputs.binary_search_by_key(&input, |one| one.input) {
        Ok(at) => {
            if let Some(one) = state.inputs.get_mut(at) {
                *one = recorded;
            }
        }
        Err(_) if state.inputs.len() >= MAX_RECORDED_INPUTS => return Err(StepError::TooManyInputs),
        Err(at) => state.inputs.insert(at, recorded),
    }
    Ok(Vec::new())
}

/// Predicts a response without recording anything.
#[must_use]
pub fn predict_response(state: &TwinState, item: ItemId, skills: &[SkillId], params: &Params) -> Prediction {
    let model = &params.model;
    let item_track = find_item(state, item).ok().and_then(|at| state.items.get(at)).map(|entry| entry.track);
    let pairs = skills.iter().map(|skill| {
        let known = model.skill(*skill);
        let held = state.skill_entry(*skill).map(|entry| entry.track);
        (known, held.unwrap_or_else(|| SkillTrack::prior(model, known)))
    });
    predict(model, &state.ability, model.item(item), item_track.unwrap_or_default(), pairs)
}

/// Position of an item, or where it would go. The place in proportion to the item's number is tried before the
/// search, which touches ten places far apart: among many twins each of them is a wait for memory.
fn find_item(state: &TwinState, item: ItemId) -> Result<usize, usize> {
    let items = &state.items;
    if let (Some(first), Some(last)) = (items.first(), items.last())
        && (first.item..=last.item).contains(&item)
    {
        let span = u64::from(last.item.0.saturating_sub(first.item.0));
        let steps = u64::from(item.0.saturating_sub(first.item.0)).saturating_mul(items.len() as u64 - 1);
        let guess = usize::try_from(steps.checked_div(span).unwrap_or(0)).unwrap_or(0);
        if items.get(guess).is_some_and(|entry| entry.item == item) {
            return Ok(guess);
        }
    }
    items.binary_search_by_key(&item, |entry| entry.item)
}

/// Makes room for the skills of a response, then predicts it.
fn hold_and_predict(
    state: &mut TwinState,
    item: ItemId,
    skills: &[SkillId],
    params: &Params,
) -> Result<Prediction, StepError> {
    hold_skills(state, skills, params)?;
    Ok(predict_response(state, item, skills, params))
}

fn respond(
    state: &mut TwinState,
    event: &Event,
    item: ItemId,
    skills: &[SkillId],
    correctness: Correctness,
    prediction: &Prediction,
    params: &Params,
) -> Vec<Transition> {
    let model = &params.model;
    let surprise = Surprise::new(prediction, correctness, skills.len());
    surprise.apply_to_ability(&model.tracker, &mut state.ability);
    if let Some(track) = hold_item(state, item) {
        surprise.apply_to_item(track);
    }
    let mut records = Vec::new();
    for skill in skills {
        let Ok(at) = find_skill(&state.skills, *skill) else { continue };
        let Some(entry) = state.skills.get_mut(at) else { continue };
        let known = model.skill(*skill);
        surprise.apply_to_skill(&model.tracker, known, &mut entry.track);
        if entry.stage == Stage::Learning {
            let level = level(model, &state.ability, known, &entry.track);
            if let Some(record) = transitions::advance(event.key, *skill, level, &params.thresholds) {
                entry.stage = Stage::Advanced;
                records.push(record);
            }
        }
    }
    records.extend(watch(state, event, params));
    records
}

/// Makes room for skills not yet held; refuses all of them when they do not fit.
fn hold_skills(state: &mut TwinState, skills: &[SkillId], params: &Params) -> Result<(), StepError> {
    let missing = skills.iter().filter(|s| find_skill(&state.skills, **s).is_err()).count();
    if missing == 0 {
        return Ok(());
    }
    if state.skills.len().saturating_add(missing) > MAX_SKILLS {
        return Err(StepError::TooManySkills);
    }
    for skill in skills {
        if let Err(at) = find_skill(&state.skills, *skill) {
            let track = SkillTrack::prior(&params.model, params.model.skill(*skill));
            state.skills.insert(at, SkillEntry { skill: *skill, track, stage: Stage::Learning });
        }
    }
    Ok(())
}

/// The item's counts; `None` when the table is full and the item is not in it.
fn hold_item(state: &mut TwinState, item: ItemId) -> Option<&mut ItemTrack> {
    let at = match find_item(state, item) {
        Ok(at) => at,
        Err(at) if state.items.len() < MAX_ITEMS => {
            state.items.insert(at, ItemEntry { item, track: ItemTrack::default() });
            at
        }
        Err(_) => return None,
    };
    state.items.get_mut(at).map(|entry| &mut entry.track)
}

/// Moves engagement, then looks at how long it has been low.
fn engage(
    state: &mut TwinState,
    event: &Event,
    target: Proportion,
    rate: Proportion,
    params: &Params,
) -> Vec<Transition> {
    state.engagement.move_towards(target, rate, &params.rates);
    watch(state, event, params)
}

/// Any event shows that time has passed: a spell of low engagement is judged at each.
fn watch(state: &mut TwinState, event: &Event, params: &Params) -> Vec<Transition> {
    let now_ms = event.effective_ms();
    transitions::intervene(event.key, &mut state.engagement, now_ms, &params.thresholds).into_iter().collect()
}

/// An assessment: proficiency of the subject, recommended resources, efficacy of interventions, together.
fn assessed(
    state: &mut TwinState,
    event: &Event,
    skill: SkillId,
    grade: u8,
    score_e1: u32,
    params: &Params,
) -> Result<Vec<Transition>, StepError> {
    let unknown = StepError::UnknownScale { skill: skill.0, grade };
    let scale = params.scale(skill, grade).ok_or(unknown)?;
    hold_skills(state, &[skill], params)?;
    let z_e6 = standard_score_e6(scale, score_e1);
    let Ok(at) = find_skill(&state.skills, skill) else { return Ok(Vec::new()) };
    let Some(entry) = state.skills.get_mut(at) else { return Ok(Vec::new()) };
    let (model, noise) = (&params.model, params.assessment_noise);
    assess(&model.tracker, &mut state.ability, &mut entry.track, z_e6, noise);
    let level = level(model, &state.ability, model.skill(skill), &entry.track);
    let mut records = Vec::new();
    if entry.stage == Stage::Learning
        && let Some(record) = transitions::advance(event.key, skill, level, &params.thresholds)
    {
        entry.stage = Stage::Advanced;
        records.push(record);
    }
    state.recommended = recommend(state, params);
    let proficiency = state.proficiency();
    state.interventions.assess(proficiency);
    records.extend(transitions::support(event.key, skill, level, &params.thresholds));
    records.extend(watch(state, event, params));
    Ok(records)
}

/// (score − mean) / deviation in millionths, to the nearest.
fn standard_score_e6(scale: &ScoreScale, score_e1: u32) -> i64 {
    let distance = i64::from(score_e1) - i64::from(scale.mean_e1);
    div_nearest(distance.saturating_mul(ONE_E6), i64::from(scale.deviation_e1))
}

/// Kinds by the mastery of the subject they help, weakest first, ties by number; a kind for all subjects
/// ranks by their mean, rounded down.
fn recommend(state: &TwinState, params: &Params) -> Vec<u16> {
    let level = |skill: SkillId| i64::from(state.level(skill, params).e4());
    let subjects: Vec<i64> = params.kinds.iter().filter_map(|k| k.subject).map(level).collect();
    let count = i64::try_from(subjects.len()).unwrap_or(1).max(1);
    let mean = subjects.iter().sum::<i64>() / count;
    let rank = |rule: &KindRule| (rule.subject.map_or(mean, level), rule.kind);
    let mut ranked: Vec<(i64, u16)> = params.kinds.iter().map(rank).collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, kind)| kind).collect()
}

fn open(state: &mut TwinState, id: InterventionId, now_ms: u64) -> Result<Vec<Transition>, StepError> {
    if state.interventions.running(id).is_some() {
        return Err(StepError::AlreadyOpen(id.0));
    }
    if !state.interventions.has_room() {
        return Err(StepError::TooManyInterventions);
    }
    let proficiency = state.proficiency();
    state.interventions.open(id, now_ms, proficiency);
    Ok(Vec::new())
}

fn close(state: &mut TwinState, id: InterventionId, now_ms: u64) -> Result<Vec<Transition>, StepError> {
    let proficiency = state.proficiency();
    let running = state.interventions.running(id).ok_or(StepError::NotOpen(id.0))?;
    running.latest = proficiency;
    running.closed_ms = Some(now_ms.max(running.opened_ms));
    Ok(Vec::new())
}
