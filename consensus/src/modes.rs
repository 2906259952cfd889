//! In which mode the next session of the engine is safe.
//!
//! The rule: a node signs when it has a key, the guard's file is whole, the validators' heights were heard, and the tip has
//! reached the height up to which its memory may be incomplete. Until then it follows. Nothing here waits for an operator
//! unless that file is gone: a lost or damaged write-ahead log costs one height as a follower at most.

use std::path::PathBuf;
use std::sync::Arc;

use aula_ledger::chain::validators::address;
use aula_ledger::keys::public_key;
use aula_ledger::types::{Hash, Height};
use ed25519_dalek::SigningKey;

use crate::context::Address;
use crate::driver::{Follows, Waits};
use crate::events::{Event, FatalError, Mode};
use crate::ports::{Disk, Runtime};
use crate::sign_guard::{GuardError, Opened, SignGuard};
use crate::signing::GuardedSigner;
use crate::wal::{self, Wal};

/// The validator key, what guards it, and what this process found out about both.
pub(crate) struct Modes {
    pub(crate) genesis: Hash,
    pub(crate) key: Option<SigningKey>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) sign_guard: PathBuf,
    pub(crate) wal: PathBuf,
    pub(crate) confirmed: Option<Height>,
    /// Opened once; shared by all sessions.
    pub(crate) guard: Option<Arc<SignGuard>>,
    /// Set while this node follows because of something else than its own files.
    pub(crate) behind: Option<Waits>,
}

/// Something for the operator.
pub(crate) struct Warning {
    pub(crate) text: String,
    /// The event that says the same.
    pub(crate) event: fn(String) -> Event,
}

/// The signer of a session, `None` for a follower, and the mode.
pub(crate) type Chosen = (Option<GuardedSigner>, Mode);

impl Modes {
    /// The next session's signer and mode, when the chain has decided `tip`.
    pub(crate) fn choose(
        &mut self,
        tip: Height,
        runtime: &Arc<dyn Runtime>,
    ) -> Result<(Chosen, Vec<Warning>), FatalError> {
        let mut warnings = Vec::new();
        let chosen = self.choose_with(tip.0, runtime, &mut warnings)?;
        Ok((chosen, warnings))
    }

    fn choose_with(
        &mut self,
        tip: u64,
        runtime: &Arc<dyn Runtime>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Chosen, FatalError> {
        let never = (None, Mode::Follower { until: None });
        let Some(key) = self.key.clone() else { return Ok(never) };
        let Some(guard) = self.open_guard(warnings)? else { return Ok(never) };
        let own = Address(address(&public_key(&key)));
        let found = wal::check(self.disk.as_ref(), &self.wal, &self.genesis, own, &guard, tip)
            .map_err(|error| FatalError::engine(format!("{}: {error}", self.wal.display())))?;
        let mut until = guard.floor().max(self.confirmed.map_or(0, |confirmed| confirmed.0));
        match found {
            Wal::Fit => {}
            Wal::Cut(text) => warnings.push(Warning { text, event: Event::WalDamaged }),
            Wal::Lost { height, why } => {
                // An operator's word goes before the guard's: all validators may have lost their logs at once.
                // A word of long ago says nothing of a height that came since.
                let word = self.confirmed.filter(|confirmed| confirmed.0.saturating_add(1) >= height);
                let height = word.map_or(height, |confirmed| confirmed.0);
                let text = format!("{why}; following until height {height} is decided");
                warnings.push(Warning { text, event: Event::WalDamaged });
                until = until.max(height);
            }
        }
        if let Some(height) = guard.take_refused() {
            until = until.max(height);
        }
        if tip < until {
            return Ok((None, Mode::Follower { until: Some(Height(until)) }));
        }
        if let Some(waits) = self.behind {
            let until = match waits {
                Waits::Above(height) => Some(Height(height).next()),
                Waits::Word | Waits::Proof => None,
            };
            return Ok((None, Mode::Follower { until }));
        }
        wal::begin(self.disk.as_ref(), &self.wal)
            .map_err(|error| FatalError::engine(format!("{}: {error}", self.wal.display())))?;
        let signer = GuardedSigner::new(self.genesis, key, guard, Arc::clone(runtime));
        Ok((Some(signer), Mode::Validator))
    }

    /// The guard; `None` when its file is gone and no operator has said from where on it is safe to sign.
    fn open_guard(&mut self, warnings: &mut Vec<Warning>) -> Result<Option<Arc<SignGuard>>, FatalError> {
        if let Some(guard) = &self.guard {
            return Ok(Some(Arc::clone(guard)));
        }
        let path = self.sign_guard.clone();
        let failed = |error: GuardError| FatalError::engine(format!("{error}"));
        let what = match SignGuard::open_on(Arc::clone(&self.disk), &path).map_err(failed)? {
            Opened::Ready(guard) => {
                let guard = Arc::new(guard);
                self.guard = Some(Arc::clone(&guard));
                return Ok(Some(guard));
            }
            Opened::Missing => "is missing".to_owned(),
            Opened::Damaged(why) => format!("is damaged: {why}"),
        };
        let Some(confirmed) = self.confirmed else {
            let text = format!(
                "the sign guard's file {} {what}. This node follows and signs nothing. Look up the chain's height, \
                 and start it with a confirmed height above everything this key may have signed",
                path.display()
            );
            warnings.push(Warning { text, event: Event::GuardLost });
            return Ok(None);
        };
        let guard = SignGuard::create_on(Arc::clone(&self.disk), &path, confirmed.0).map_err(failed)?;
        let guard = Arc::new(guard);
        let text = format!(
            "the sign guard's file {} {what}; signing starts above height {confirmed}, as confirmed",
            path.display()
        );
        warnings.push(Warning { text, event: Event::GuardLost });
        self.guard = Some(Arc::clone(&guard));
        Ok(Some(guard))
    }

    /// What a session in this mode waits for before it may sign.
    pub(crate) fn follows(&self, signs: bool, mode: Mode) -> Follows {
        let catches_up = !signs && self.behind.is_some();
        let until = match mode {
            Mode::Follower { until: Some(until) } if !catches_up => Some(until.into()),
            _ => None,
        };
        let signed = self.guard.as_ref().map_or(0, |guard| guard.last_height());
        Follows { until, catches_up, signed }
    }

    /// The engine's log of a session. A follower's engine empties its log at every height: it gets one of its own, so that
    /// a validator that followed for a while, because it had heard too few of the others, still knows what it had signed.
    pub(crate) fn log(&self, signs: bool) -> PathBuf {
        if signs { self.wal.clone() } else { self.wal.with_extension("following") }
    }

    /// How many signatures the guard has refused in this process.
    pub(crate) fn refusals(&self) -> u64 {
        self.guard.as_ref().map_or(0, |guard| guard.refusals())
    }

    /// Follow until what is waited for is there. The text is for the operator.
    pub(crate) fn fall_behind(&mut self, waits: Waits) -> String {
        self.behind = Some(waits);
        match waits {
            Waits::Above(height) => format!(
                "the validators are at height {height} and this node's sign guard is older: it may be a restored copy. It \
                 follows until the height after that one is final, then signs"
            ),
            Waits::Proof => "this node has not been level yet, and nothing says that the chain it follows is the consortium's: it \
                             signs nothing until a block is the trusted one, or less than a day old where none is trusted"
                .to_owned(),
            Waits::Word => "validators with more than a third of the power have not said how far they are: this node follows and \
                     signs nothing until they have. Start the others, or start this one with a confirmed height above \
                     everything its key may have signed"
                .to_owned(),
        }
    }
}
