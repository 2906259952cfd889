//! The engine's voting, driven by its own state machine: one message after another, each with its effects.
//!
//! What happens to a message follows the engine's consensus actor: what comes before a height runs waits in a bounded
//! buffer, the log is replayed before anything else of its height, and a failure ends the session.

use std::collections::VecDeque;

use arc_malachitebft_app::metrics::Metrics;
use arc_malachitebft_app_channel::app::engine::host::HeightParams;
use arc_malachitebft_config::ConsensusConfig;
use arc_malachitebft_core_consensus::{Error as ConsensusError, Input, Params, State, ValuePayload, process};
use arc_malachitebft_core_types::{ValidatorSet as _, VoteExtensionPolicy};

use super::effects::{Hands, Phase};
use super::mail::Mail;
use crate::context::{AulaContext, Height};
use crate::events::FatalError;
use crate::planted::{self, Bug};

/// Messages that wait for their height to run; the engine's own bound.
const BUFFER: usize = 1024;

pub(super) struct Engine {
    state: Option<State<AulaContext>>,
    metrics: Metrics,
    buffer: VecDeque<Mail>,
    pub(super) hands: Hands,
}

impl Engine {
    pub(super) fn new(hands: Hands) -> Self {
        Self { state: None, metrics: Metrics::new(), buffer: VecDeque::new(), hands }
    }

    /// How many messages wait.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Handles one message, now or when a height runs.
    pub(super) fn take(&mut self, mail: Mail) -> Result<(), FatalError> {
        if self.hands.phase != Phase::Running && mail.needs_a_height() {
            if self.buffer.len() < BUFFER {
                self.buffer.push_back(mail);
            }
            return Ok(());
        }
        match mail {
            Mail::Start(height, params) => self.start(height, params),
            Mail::Heard(input) => self.process(input),
            Mail::Propose(value) => self.process(Input::Propose(value)),
            Mail::Proposed(value, origin) => {
                if planted::CAN_BE && value.valid_round.is_nil() && value.validity.is_valid() {
                    self.hands.right = Some((value.height, value.round, value.value.0));
                }
                self.process(Input::ProposedValue(value, origin))
            }
            Mail::Timeout(number, timeout) => {
                if self.hands.timers.stop(number) {
                    self.process(Input::TimeoutElapsed(timeout))
                } else {
                    Ok(())
                }
            }
            Mail::Synced(request, value) => {
                self.hands.request = Some(request);
                let done = self.process(Input::SyncValueResponse(value));
                self.hands.request = None;
                done
            }
            Mail::Committed(height) => {
                self.hands.sync.decided(height);
                Ok(())
            }
        }
    }

    fn start(&mut self, height: Height, params: HeightParams<AulaContext>) -> Result<(), FatalError> {
        let set = params.validator_set;
        if self.state.is_none() {
            let limits = ConsensusConfig::default();
            let own = Params {
                address: self.hands.address,
                threshold_params: Default::default(),
                value_payload: ValuePayload::ProposalAndParts,
                enabled: true,
            };
            self.state = Some(State::new(
                AulaContext,
                height,
                set.clone(),
                own,
                limits.queue_capacity,
                limits.queue_per_height_capacity,
            ));
        }
        self.hands.is_validator = set.get_by_address(&self.hands.address).is_some();
        let log = &mut self.hands.log;
        let logged =
            if self.hands.is_validator { log.begin(height) } else { log.reset(height).map(|()| Vec::new()) };
        let logged = logged.map_err(|error| FatalError::engine(format!("the write-ahead log: {error}")))?;
        self.hands.timeouts = params.timeouts;
        let policy = VoteExtensionPolicy::Disabled;
        self.process(Input::StartHeight(height, set, false, params.target_time, policy))?;
        if !logged.is_empty() && !planted::is(Bug::ForgetLock) {
            self.replay(logged)?;
        }
        self.hands.phase = Phase::Running;
        self.hands.sync.started(height);
        while let Some(mail) = self.buffer.pop_front() {
            self.take(mail)?;
        }
        Ok(())
    }

    fn replay(&mut self, logged: Vec<Input<AulaContext>>) -> Result<(), FatalError> {
        self.hands.phase = Phase::Recovering;
        if let Some(state) = &mut self.state {
            state.index_wal_entries(&logged);
        }
        for input in logged {
            self.process(input)?;
        }
        if let Some(state) = &mut self.state {
            state.reset_entries_index();
        }
        Ok(())
    }

    fn process(&mut self, input: Input<AulaContext>) -> Result<(), FatalError> {
        let Some(state) = self.state.as_mut() else { return Ok(()) };
        let (metrics, hands) = (&self.metrics, &mut self.hands);
        let done: Result<(), ConsensusError<AulaContext>> = process!(
            input: input,
            state: state,
            metrics: metrics,
            with: effect => hands.perform(effect)
        );
        match (hands.broken.take(), done) {
            (Some(broken), _) => Err(broken),
            (None, Err(error)) => {
                if let (ConsensusError::ReplayDivergence(_, height, _), Some(signer)) =
                    (&error, &self.hands.signer)
                {
                    signer.note_divergence(*height);
                }
                Err(FatalError::engine(format!("the consensus engine failed: {error}")))
            }
            (None, Ok(())) => Ok(()),
        }
    }
}
