//! What the engine's state machine asks for, done at once: timers, signatures, the log, and the driver's answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use arc_malachitebft_app_channel::AppMsg;
use arc_malachitebft_codec::Codec;
use arc_malachitebft_core_consensus::{ConsensusMsg, Effect, Error, LivenessMsg, Resumable, Resume};
use arc_malachitebft_core_types::{LinearTimeouts, NilOrVal, Round, Timeout, ValueOrigin, VoteType};
use arc_malachitebft_signing::{Signer as _, Verifier as _, VerifierExt as _};
use arc_malachitebft_sync::OutboundRequestId;
use aula_ledger::types::Hash;
use futures::FutureExt;
use tokio::sync::{mpsc, oneshot};

use super::log::Log;
use super::mail::{Mail, Mailbox, Waiting, post};
use super::message::{Message, To};
use super::syncing::Syncing;
use super::{Outbox, Output, put};
use crate::context::{Address, AulaContext, Height, Vote};
use crate::driver::Ended;
use crate::events::FatalError;
use crate::planted::{self, Bug};
use crate::ports::{Moment, Runtime};
use crate::signing::{GuardedSigner, StrictVerifier};
use crate::wire::Wire;

/// The driver's task, polled when something woke it.
pub(super) struct Task {
    future: Pin<Box<dyn Future<Output = Result<Ended, FatalError>> + Send>>,
    woken: Arc<Woken>,
    pub(super) ended: Option<Result<Ended, FatalError>>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Task {
    pub(super) fn new(future: impl Future<Output = Result<Ended, FatalError>> + Send + 'static) -> Self {
        Self { future: Box::pin(future), woken: Arc::new(Woken(AtomicBool::new(true))), ended: None }
    }

    /// Polls the driver if something woke it; says whether it did.
    pub(super) fn poll(&mut self) -> bool {
        if self.ended.is_some() || !self.woken.0.swap(false, Ordering::Relaxed) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        if let Poll::Ready(ended) = self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.ended = Some(ended);
        }
        true
    }
}

/// The engine's timers.
#[derive(Default)]
pub(super) struct Timers {
    running: Vec<(u64, Moment, Timeout, bool)>,
    number: u64,
}

impl Timers {
    fn start(&mut self, at: Moment, timeout: Timeout) {
        self.cancel(&timeout);
        self.number += 1;
        self.running.push((self.number, at, timeout, false));
    }

    fn cancel(&mut self, timeout: &Timeout) {
        self.running.retain(|(_, _, other, _)| other != timeout);
    }

    /// Stops one that went off; false: it was cancelled meanwhile.
    pub(super) fn stop(&mut self, number: u64) -> bool {
        let before = self.running.len();
        self.running.retain(|(other, ..)| *other != number);
        self.running.len() != before
    }

    pub(super) fn wakes_at(&self) -> Option<Moment> {
        self.running.iter().filter(|(.., sent)| !sent).map(|(_, at, ..)| *at).min()
    }

    /// Those that went off by now and were not told yet, the earliest first.
    pub(super) fn due(&mut self, now: Moment) -> Vec<Mail> {
        let mut due: Vec<_> =
            self.running.iter_mut().filter(|(_, at, _, sent)| !*sent && *at <= now).collect();
        due.sort_by_key(|(number, at, ..)| (*at, *number));
        due.into_iter()
            .map(|(number, _, timeout, sent)| {
                *sent = true;
                Mail::Timeout(*number, *timeout)
            })
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Waiting,
    Recovering,
    Running,
}

/// Everything of a session but the voting state.
pub(super) struct Hands {
    pub(super) address: Address,
    pub(super) verifier: StrictVerifier,
    pub(super) signer: Option<GuardedSigner>,
    pub(super) log: Log,
    pub(super) phase: Phase,
    pub(super) is_validator: bool,
    pub(super) timeouts: LinearTimeouts,
    pub(super) timers: Timers,
    pub(super) app: mpsc::Sender<AppMsg<AulaContext>>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) mailbox: Mailbox,
    pub(super) outbox: Outbox,
    pub(super) driver: Task,
    pub(super) sync: Syncing,
    /// The request whose block is under way.
    pub(super) request: Option<OutboundRequestId>,
    pub(super) runtime: Arc<dyn Runtime>,
    /// The last fresh block of a round that was found right; for [`Bug::ForgetLock`].
    pub(super) right: Option<(Height, Round, Hash)>,
    /// Why the session cannot go on.
    pub(super) broken: Option<FatalError>,
}

type Done = Result<Resume<AulaContext>, FatalError>;

impl Hands {
    pub(super) fn perform(&mut self, effect: Effect<AulaContext>) -> Done {
        Ok(match effect {
            Effect::CancelAllTimeouts(r) => {
                self.timers.running.clear();
                r.resume_with(())
            }
            Effect::CancelTimeout(timeout, r) => {
                self.timers.cancel(&timeout);
                r.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, r) => {
                self.timers.start(self.runtime.now() + self.timeouts.duration_for(timeout), timeout);
                r.resume_with(())
            }
            Effect::StartRound(height, round, proposer, role, r) => {
                self.flush()?;
                let (reply_value, values) = oneshot::channel();
                self.tell(AppMsg::StartedRound { height, round, proposer, role, reply_value })?;
                for value in self.answer(values)? {
                    post(&self.mailbox, Mail::Proposed(value, ValueOrigin::Consensus));
                }
                r.resume_with(())
            }
            Effect::SignVote(vote, r) => {
                let vote = self.forgetful(vote);
                r.resume_with(at_once(self.signer()?.sign_vote(vote))?)
            }
            Effect::SignProposal(proposal, r) => {
                r.resume_with(at_once(self.signer()?.sign_proposal(proposal))?)
            }
            Effect::VerifySignature(message, key, r) => {
                let signature = &message.signature;
                let verdict = match &message.message {
                    ConsensusMsg::Vote(vote) => {
                        at_once(self.verifier.verify_signed_vote(vote, signature, &key))
                    }
                    ConsensusMsg::Proposal(proposal) => {
                        at_once(self.verifier.verify_signed_proposal(proposal, signature, &key))
                    }
                };
                r.resume_with(verdict.is_ok_and(|verdict| verdict.is_valid()))
            }
            Effect::VerifyCommitCertificate(certificate, set, thresholds, r) => r.resume_with(now(self
                .verifier
                .verify_commit_certificate(&AulaContext, &certificate, &set, thresholds))?),
            Effect::VerifyExtendedCommitCertificate(certificate, set, thresholds, policy, r) => r
                .resume_with(now(self.verifier.verify_extended_commit_certificate(
                    &AulaContext,
                    &certificate,
                    &set,
                    thresholds,
                    policy,
                ))?),
            Effect::VerifyPolkaCertificate(certificate, set, thresholds, r) => r.resume_with(now(self
                .verifier
                .verify_polka_certificate(&AulaContext, &certificate, &set, thresholds))?),
            Effect::VerifyRoundCertificate(certificate, set, thresholds, r) => r.resume_with(now(self
                .verifier
                .verify_round_certificate(&AulaContext, &certificate, &set, thresholds))?),
            Effect::WalAppend(height, entry, r) => {
                if self.logs() {
                    let done = self.log.append(height, entry);
                    self.or_break(done)?;
                }
                r.resume_with(())
            }
            Effect::PublishConsensusMsg(message, r) => {
                self.flush()?;
                let bytes = encoded(Wire.encode(&message))?;
                put(&self.outbox, Output::Send(To::All, Message::Consensus(bytes)));
                r.resume_with(())
            }
            Effect::PublishLivenessMsg(message, r) => {
                self.publish_again(&message)?;
                r.resume_with(())
            }
            Effect::RepublishVote(vote, r) => {
                self.publish_again(&LivenessMsg::Vote(vote))?;
                r.resume_with(())
            }
            Effect::RepublishRoundCertificate(certificate, r) => {
                self.publish_again(&LivenessMsg::SkipRoundCertificate(certificate))?;
                r.resume_with(())
            }
            other => return self.ask(other),
        })
    }

    /// What the driver answers later.
    fn ask(&mut self, effect: Effect<AulaContext>) -> Done {
        Ok(match effect {
            Effect::GetValue(height, round, timeout, r) => {
                let (reply, value) = oneshot::channel();
                let timeout = self.timeouts.duration_for(timeout);
                self.tell(AppMsg::GetValue { height, round, timeout, reply })?;
                self.waiting.push(Waiting::Value(value));
                r.resume_with(())
            }
            Effect::RestreamProposal(height, round, valid_round, address, value_id, r) => {
                self.tell(AppMsg::RestreamProposal { height, round, valid_round, address, value_id })?;
                r.resume_with(())
            }
            Effect::Decide(certificate, extensions, r) => {
                self.flush()?;
                let (reply, written) = oneshot::channel();
                self.waiting.push(Waiting::Decided(certificate.height, written));
                self.tell(AppMsg::Decided { certificate, extensions, reply })?;
                r.resume_with(())
            }
            Effect::Finalize(certificate, extensions, evidence, r) => {
                let (reply, next) = oneshot::channel();
                self.tell(AppMsg::Finalized { certificate, extensions, evidence, reply })?;
                self.waiting.push(Waiting::Next(next));
                r.resume_with(())
            }
            Effect::CertRejectedSyncValue(peer, height, error, r) => {
                match (error, self.request.clone()) {
                    (Error::InvalidCommitCertificate(certificate, _), Some(request)) => {
                        self.sync.fault(peer, certificate.height, request);
                    }
                    _ => self.sync.own_fault(height),
                }
                r.resume_with(())
            }
            Effect::CertVerifiedSyncValue(value, proposer, r) => {
                let (height, round) = (value.certificate.height, value.certificate.round);
                let (reply, outcome) = oneshot::channel();
                let bytes = value.value_bytes.clone();
                self.tell(AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes: bytes, reply })?;
                let (peer, hash) = (value.peer, value.certificate.value_id);
                let request = self.request.clone();
                self.waiting.push(Waiting::Synced { outcome, request, peer, height, round, hash });
                r.resume_with(())
            }
            // Extensions are disabled, so nothing of theirs is asked for.
            other => return Err(FatalError::program(format!("the engine asked for {other:?}"))),
        })
    }

    /// The vote as it is; with [`Bug::ForgetLock`] planted, a prevote for the round's right block whatever the lock says.
    fn forgetful(&self, vote: Vote) -> Vote {
        let right = self.right.filter(|_| planted::is(Bug::ForgetLock) && vote.kind == VoteType::Prevote);
        match right.filter(|(height, round, _)| (*height, *round) == (vote.height, vote.round)) {
            Some((.., block)) => Vote { value: NilOrVal::Val(block), ..vote },
            None => vote,
        }
    }

    fn signer(&self) -> Result<&GuardedSigner, FatalError> {
        self.signer.as_ref().ok_or_else(|| FatalError::program("asked to sign without a key"))
    }

    fn logs(&self) -> bool {
        self.phase != Phase::Recovering && self.is_validator
    }

    fn flush(&mut self) -> Result<(), FatalError> {
        if !self.logs() {
            return Ok(());
        }
        let done = self.log.flush();
        self.or_break(done)
    }

    /// A log that fails ends the session: what is signed and not logged could be contradicted after a restart.
    fn or_break(&mut self, done: std::io::Result<()>) -> Result<(), FatalError> {
        done.map_err(|error| {
            let fatal = FatalError::engine(format!("the write-ahead log cannot be written: {error}"));
            self.broken = Some(fatal.clone());
            fatal
        })
    }

    fn publish_again(&self, message: &LivenessMsg<AulaContext>) -> Result<(), FatalError> {
        let bytes = encoded(Wire.encode(message))?;
        put(&self.outbox, Output::Send(To::All, Message::Liveness(bytes)));
        Ok(())
    }

    pub(super) fn tell(&self, message: AppMsg<AulaContext>) -> Result<(), FatalError> {
        self.app
            .try_send(message)
            .map_err(|error| FatalError::engine(format!("the driver does not listen: {error}")))
    }

    /// Lets the driver work until it has answered.
    fn answer<T>(&mut self, mut reply: oneshot::Receiver<T>) -> Result<T, FatalError> {
        loop {
            if let Ok(value) = reply.try_recv() {
                return Ok(value);
            }
            if !self.driver.poll() {
                return Err(FatalError::engine("the driver does not answer"));
            }
        }
    }
}

fn encoded(bytes: std::io::Result<bytes::Bytes>) -> Result<bytes::Bytes, FatalError> {
    bytes.map_err(|error| FatalError::program(error.to_string()))
}

/// Nothing here waits for anything: the workers are the caller.
fn now<T>(future: impl Future<Output = T>) -> Result<T, FatalError> {
    future.now_or_never().ok_or_else(|| FatalError::program("a signature was waited for"))
}

fn at_once<T, E: std::fmt::Display>(future: impl Future<Output = Result<T, E>>) -> Result<T, FatalError> {
    now(future)?.map_err(|error| FatalError::engine(error.to_string()))
}
