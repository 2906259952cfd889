//! A validator that votes twice in one round: the engine sees it, and what it saw is evidence that the ledger records.

use std::time::Duration;

use aula_consensus::Event;
use aula_ledger::chain::misbehaviour::Equivocation;
use aula_ledger::state::schema::{self, Misbehaviour};
use aula_ledger::tx::ReportMisbehaviour;
use aula_ledger::types::{Hash, ValidatorAddress};
use tokio::sync::broadcast::Receiver;

use crate::common::{Network, network_key, validator_key};
use crate::ledger::{network, operator, sign_as};
use crate::liar::Liar;

const SECONDS_60: Duration = Duration::from_secs(60);
const HONEST: [usize; 3] = [0, 1, 2];
/// The liar's number.
const LIAR: u8 = 3;

fn record(network: &Network, node: usize, liar: &ValidatorAddress) -> Option<Misbehaviour> {
    schema::misbehaviour(network.nodes[node].store.state().unwrap().as_ref(), liar).unwrap()
}

/// The first evidence that a node tells of.
async fn seen(events: &mut Receiver<Event>) -> Equivocation {
    loop {
        if let Ok(Event::Equivocation { evidence: Some(evidence), .. }) = events.recv().await {
            return *evidence;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_equivocating_validator_ends_up_on_record_and_can_be_charged_by_anybody() {
    let mut network = network();
    for n in HONEST {
        network.start_with(n, |config| config.idle = Duration::from_millis(100)).await;
    }
    let nodes = HONEST.iter().map(|n| network.nodes[*n].as_peer()).collect();
    let mut events = network.running(0).subscribe();
    let mut liar = Liar::connect(&network.genesis.genesis, network_key(LIAR), validator_key(LIAR), nodes);
    liar.heard_by(3).await;
    network.reach(&HONEST, 2, SECONDS_60).await;
    let told = async {
        // It says both at the height that is being decided, until somebody has heard both in time.
        let lies = async {
            loop {
                let height = network.height(0) + 1;
                for byte in [1, 2] {
                    liar.prevote(height, 0, Hash([byte; 32])).await;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            evidence = seen(&mut events) => evidence,
            () = lies => unreachable!("it lies for ever"),
        }
    };
    let evidence = tokio::time::timeout(SECONDS_60, told).await.expect("the engine sees it");
    let address = liar.address().0;
    assert_eq!((evidence.validator(), evidence.round), (address, 0));
    assert!(evidence.is_signed(), "anybody can check it");
    let height = evidence.height;
    network.send(1, &sign_as(&network, &operator(), 0, ReportMisbehaviour { evidence }.into())).await;
    let at = network.height(1);
    network.reach(&HONEST, at, SECONDS_60).await;
    for n in HONEST {
        let known = record(&network, n, &address).expect("it is on record");
        assert!(known.has(height) && known.offences.len() == 1, "{known:?}");
    }
    println!("recorded: {}", record(&network, 0, &address).unwrap().words());
    for n in HONEST {
        network.stop(n).await;
    }
}
