//! When this node begins: after its peers are connected and, if it is to sign, after the validators' heights were heard
//! ([`crate::heights`]).

use std::collections::BTreeMap;
use std::time::Duration;

use arc_malachitebft_app_channel::Reply;
use arc_malachitebft_app_channel::app::engine::host::HeightParams;

use super::admitted::engine_peer;
use super::{Driver, Ended, Waits, answer};
use crate::context::{AulaContext, Height};
use crate::events::FatalError;
use crate::heights::Heard;
use crate::ports::Moment;

/// How long a validator waits for the others' heights before it follows meanwhile.
const LISTEN: Duration = Duration::from_secs(3);

/// The reply with which the first height starts.
type Begin = Reply<(Height, HeightParams<AulaContext>)>;

/// That reply, held back: this node may not sign yet.
pub(super) struct Unsure {
    reply: Begin,
    until: Moment,
}

impl Driver {
    /// ConsensusReady: begins at once, but for a validator that has not heard the others' heights since it was started.
    pub(super) async fn ready(&mut self, reply: Begin) -> Result<(), FatalError> {
        if self.signer.is_none() {
            return self.begin(reply).await;
        }
        self.unsure = Some(Unsure { reply, until: self.services.runtime.now() + LISTEN });
        Ok(())
    }

    async fn begin(&mut self, reply: Begin) -> Result<(), FatalError> {
        self.gather().await;
        answer(reply, (self.height(), self.params()));
        self.update_peers().await
    }

    /// Whether [`Self::listen`] has anything to do. The engine says its height only once it has decided one.
    pub(super) fn is_listening(&self) -> bool {
        self.unsure.is_some() || self.catching_up || self.base.tip.height.0 == 0
    }

    /// Says this node's height while the engine does not, and looks at what the others said. `Some` ends the session.
    pub(super) async fn listen(&mut self) -> Result<Option<Ended>, FatalError> {
        let tip = self.base.tip.height.0;
        if self.unsure.is_some() || tip == 0 {
            self.engine.say_height(Height(tip), self.services.store.oldest()?.into());
        }
        if self.unsure.is_none() && !self.catching_up {
            return Ok(None);
        }
        let now = self.services.runtime.now();
        match self.services.heights.ask(self.signed, tip, now) {
            Heard::MaySign if self.catching_up => Ok(Some(Ended::MaySign)),
            Heard::MaySign => {
                if let Some(unsure) = self.unsure.take() {
                    self.begin(unsure.reply).await?;
                }
                Ok(None)
            }
            Heard::Behind(target) if self.unsure.is_some() => Ok(Some(Ended::Behind(Waits::Above(target)))),
            Heard::Unproven if self.unsure.is_some() => Ok(Some(Ended::Behind(Waits::Proof))),
            Heard::TooLittle if self.unsure.as_ref().is_some_and(|unsure| now >= unsure.until) => {
                Ok(Some(Ended::Behind(Waits::Word)))
            }
            Heard::Behind(_) | Heard::Unproven | Heard::TooLittle => Ok(None),
        }
    }

    /// Whether a validator that began where all said that there is nothing yet was then given a chain, which nobody has said
    /// is the consortium's. One block may come so to a founder who missed the votes for it.
    pub(super) fn follows_unproven(&self) -> bool {
        self.signer.is_some()
            && self.synced.is_some_and(|synced| synced.0 > 1)
            && self.services.heights.holds(self.base.tip.height.0)
    }

    /// Whose heights count, as of the tip.
    pub(super) fn count_validators(&mut self) -> Result<(), FatalError> {
        let peers = self.services.executor.validator_peers(self.base.state.as_ref())?;
        self.speaks = peers.iter().filter_map(|(who, peer)| Some((*who, engine_peer(peer)?))).collect();
        let (mut weights, mut own) = (BTreeMap::new(), 0u64);
        for (address, peer) in peers {
            let power = self.base.validators.get(&address).map_or(0, |validator| validator.power);
            if peer == self.services.own_peer {
                own = own.saturating_add(power);
            } else if let Some(peer) = engine_peer(&peer).filter(|_| power > 0) {
                let weight: &mut u64 = weights.entry(peer).or_default();
                *weight = weight.saturating_add(power);
            }
        }
        self.services.heights.set_validators(weights, own);
        Ok(())
    }
}
