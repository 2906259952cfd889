//! The tap between a network that says what it is told to and an engine that writes down what it hears.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_malachitebft_core_types::{NilOrVal, Round, SignedMessage, VoteType};
use arc_malachitebft_engine::network::Status;
use arc_malachitebft_sync::{InboundRequestId, OutboundRequestId, Response, ValueRequest, ValueResponse};
use aula_ledger::types::{Hash, ValidatorAddress};
use libp2p_identity::Keypair;
use ractor::rpc::CallResult;

use super::*;
use crate::context::{Address, Height, Vote};
use crate::driver::engine_peer;
use crate::pace::MOST_HELD;
use crate::pace::tests::block;
use crate::signing::Signature;

fn peer(n: u8) -> PeerId {
    let keys = Keypair::ed25519_from_bytes([n; 32]).unwrap();
    engine_peer(&keys.public().to_peer_id()).unwrap()
}

type Listeners = Arc<Mutex<Vec<Box<dyn Subscriber<NetworkEvent<AulaContext>>>>>>;

/// The network: keeps who listens, which requests are to be dropped, and which heights are asked for.
#[derive(Default)]
struct Network {
    listeners: Listeners,
    dropped: Arc<Mutex<Vec<InboundRequestId>>>,
    asked: Arc<Mutex<Vec<(u64, u64)>>>,
}

/// What the tap tells, of a chain with this tip.
fn ears(tip: &Arc<AtomicU64>) -> Ears {
    Ears { inbox: Arc::default(), heights: Arc::default(), pace: Arc::new(Pace::new(Arc::clone(tip))) }
}

#[async_trait::async_trait]
impl Actor for Network {
    type Msg = Msg<AulaContext>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Subscribe(listener) => self.listeners.lock().unwrap().push(listener),
            Msg::CancelInboundRequest(request) => self.dropped.lock().unwrap().push(request),
            Msg::OutgoingRequest(_, Request::ValueRequest(request), reply) => {
                self.asked.lock().unwrap().push((request.range.start().0, request.range.end().0));
                let _ = reply.send(OutboundRequestId::new(1));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The engine: what it heard, in words.
struct Engine(Arc<Mutex<Vec<String>>>);

#[async_trait::async_trait]
impl Actor for Engine {
    type Msg = Event;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Event>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Event>,
        Event(event): Event,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let word = match event {
            NetworkEvent::Vote(..) => "vote",
            NetworkEvent::Status(..) => "status",
            NetworkEvent::SyncRequest(..) => "request",
            NetworkEvent::PeerConnected(_) => "connected",
            _ => "other",
        };
        self.0.lock().unwrap().push(word.to_owned());
        Ok(())
    }
}

/// Waits for what actors do beside this task.
async fn until(done: impl Fn() -> bool) {
    for _ in 0..500 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing came of it");
}

fn vote() -> SignedMessage<AulaContext, Vote> {
    let vote = Vote {
        kind: VoteType::Prevote,
        height: Height(5),
        round: Round::new(0),
        value: NilOrVal::Val(Hash([1; 32])),
        address: Address(ValidatorAddress([1; 20])),
    };
    SignedMessage::new(vote, Signature([0; 64]))
}

fn all_of(from: PeerId, name: &str) -> [NetworkEvent<AulaContext>; 4] {
    let request = Request::ValueRequest(ValueRequest::new(Height(1)..=Height(2)));
    [
        NetworkEvent::PeerConnected(from),
        NetworkEvent::Vote(from, vote()),
        NetworkEvent::Status(from, Status::new(Height(7), Height(1))),
        NetworkEvent::SyncRequest(InboundRequestId::new(name), from, request),
    ]
}

#[tokio::test]
async fn attack_10_a_stranger_is_neither_answered_nor_counted() {
    let heard: Arc<Mutex<Vec<_>>> = Arc::default();
    let fake = Network::default();
    let (listeners, dropped) = (Arc::clone(&fake.listeners), Arc::clone(&fake.dropped));
    let (network, _) = Actor::spawn(None, fake, ()).await.unwrap();
    let ears = ears(&Arc::default());
    let (inbox, heights) = (Arc::clone(&ears.inbox), Arc::clone(&ears.heights));
    let tap = spawn(network.clone(), ears).await.unwrap();
    let (engine, _) = Actor::spawn(None, Engine(Arc::clone(&heard)), ()).await.unwrap();
    tap.cast(Msg::Subscribe(Box::new(engine.clone()))).unwrap();
    until(|| listeners.lock().unwrap().len() == 2).await;

    let (admitted, stranger) = (peer(1), peer(2));
    inbox.admit([admitted].into());
    heights.set_validators([(admitted, 1), (stranger, 1)].into(), 1);
    let say = |event: &NetworkEvent<AulaContext>| {
        listeners.lock().unwrap().iter().for_each(|listener| listener.send(event.clone()));
    };
    all_of(stranger, "stranger's").iter().for_each(say);
    all_of(admitted, "admitted's").iter().for_each(say);
    until(|| heard.lock().unwrap().len() >= 5).await;
    assert_eq!(*heard.lock().unwrap(), ["connected", "connected", "vote", "status", "request"]);
    // Dropped once, and the connection's side of it let go.
    assert_eq!(*dropped.lock().unwrap(), [InboundRequestId::new("stranger's")]);
    until(|| heights.highest() == Some(7)).await;
    assert!(heights.quiet().is_empty(), "what it says is noted as coming from it");
    // Of two other validators one was heard: a third of the power, not more.
    let now = crate::ports::Moment::default();
    assert_eq!(heights.ask(0, 0, now), crate::heights::Heard::TooLittle);
    network.stop(None);
    engine.stop(None);
}

#[tokio::test]
async fn less_is_asked_for_after_late_answers_and_nothing_but_the_next_height_while_enough_waits() {
    let tip = Arc::new(AtomicU64::new(100));
    let (fake, ears) = (Network::default(), ears(&tip));
    let (listeners, asked, pace) =
        (Arc::clone(&fake.listeners), Arc::clone(&fake.asked), Arc::clone(&ears.pace));
    let (network, _) = Actor::spawn(None, fake, ()).await.unwrap();
    let tap = spawn(network.clone(), ears).await.unwrap();
    until(|| listeners.lock().unwrap().len() == 1).await;
    let ask = async |from: u64, to: u64| {
        let request = Request::ValueRequest(ValueRequest::new(Height(from)..=Height(to)));
        let sent = tap.call(|reply| Msg::OutgoingRequest(peer(1), request, reply), None).await;
        matches!(sent, Ok(CallResult::Success(_))).then(|| *asked.lock().unwrap().last().unwrap())
    };
    assert_eq!(ask(101, 108).await, Some((101, 108)));
    let say = |event: NetworkEvent<AulaContext>| listeners.lock().unwrap()[0].send(event);
    let id = || OutboundRequestId::new(1);
    say(NetworkEvent::SyncRequestFailed(id(), peer(1), OutboundFailureReason::ConnectionClosed));
    say(NetworkEvent::SyncRequestFailed(id(), peer(1), OutboundFailureReason::Timeout));
    let told = ValueResponse::new(Height(102), vec![block(102, MOST_HELD)]);
    say(NetworkEvent::SyncResponse(id(), peer(1), Some(Response::ValueResponse(told))));
    until(|| pace.held() == MOST_HELD).await;
    assert_eq!(ask(110, 117).await, None, "the engine hears that nothing was asked");
    assert_eq!(ask(101, 108).await, Some((101, 105)), "half, and one more for the answer");
    tip.store(102, Ordering::Relaxed);
    assert_eq!(ask(110, 117).await, Some((110, 114)));
    network.stop(None);
}
