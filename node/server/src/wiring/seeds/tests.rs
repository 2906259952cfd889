//! A node shares once in each window, whatever it forgets between blocks and whatever its pool loses.

use aula_ledger::chain::validators::address;
use aula_ledger::code::Code;
use aula_ledger::tx::OpenRound;
use aula_ledger::tx::Receipt;
use aula_ledger::types::ClassId;

use super::super::evidence::tests::of_a_stranger;
use super::*;
use aula_kit::round::{ROUND, accept, opened};
use aula_kit::{DevChain, Tested};
use aula_store::Newcomer;
use aula_web::http::Refused;

/// A pool that holds what it is given until it is taken out.
#[derive(Default)]
struct Pool(Mutex<Vec<(TransactionId, Vec<u8>)>>);

impl Pool {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<(TransactionId, Vec<u8>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network for Pool {
    fn submit(&self, bytes: Vec<u8>) -> Result<TransactionId, Refused> {
        let id = aula_ledger::tx::transaction::id_of_bytes(&bytes);
        self.waiting().push((id, bytes));
        Ok(id)
    }
    fn is_pending(&self, id: &TransactionId) -> bool {
        self.waiting().iter().any(|(waiting, _)| waiting == id)
    }
    fn waiting(&self) -> (usize, usize) {
        (self.waiting().len(), 0)
    }
    fn peers(&self) -> usize {
        0
    }
    fn mode(&self) -> &'static str {
        "validator"
    }
}

fn node(chain: &DevChain) -> Shares {
    Shares::new(chain.genesis.sha256, chain.seed_key().clone())
}

/// Puts what waits into a block.
fn decide(chain: &DevChain, pool: &Pool) -> Result<Vec<Receipt>, Box<dyn std::error::Error>> {
    let waiting = std::mem::take(&mut *pool.waiting());
    let transactions: Vec<Transaction> =
        waiting.iter().map(|(_, bytes)| Transaction::from_canonical(bytes)).collect::<Result<_, _>>()?;
    chain.block(&transactions).map_err(|failure| failure.message.into())
}

fn round(chain: &DevChain) -> Result<Round, Box<dyn std::error::Error>> {
    Ok(schema::round(&*chain.db.latest(), ROUND)?.ok_or("no round")?)
}

/// Blocks until the round has another window.
fn pass(chain: &DevChain) -> Tested {
    let window = round(chain)?.window;
    while round(chain)?.window == window {
        chain.block_after(5_000, &[], |_| {}).map_err(|failure| failure.message)?;
    }
    Ok(())
}

#[test]
fn a_node_shares_by_itself_and_a_crash_at_any_point_loses_nothing() -> Tested {
    let (chain, pool) = (opened()?, Pool::default());
    for act in ["committed", "revealed"] {
        // Killed before it was sent, after it was sent and lost, and after it is in a block.
        node(&chain).look(&chain.db.latest(), &pool);
        pool.waiting().clear();
        let mut restarted = node(&chain);
        restarted.look(&chain.db.latest(), &pool);
        restarted.look(&chain.db.latest(), &pool);
        assert_eq!(pool.waiting().len(), 1, "what waits is not sent again");
        let last = restarted.told().lock().map_err(|_| "told")?.last.clone().ok_or("nothing was sent")?;
        assert_eq!((last.act.as_str(), last.round, last.attempt), (act, ROUND, 1));
        let receipts = decide(&chain, &pool)?;
        assert_eq!(receipts.first().map(|one| one.code.number()), Some(0));
        for mut shares in [restarted, node(&chain)] {
            shares.look(&chain.db.latest(), &pool);
            assert_eq!(pool.waiting().len(), 0, "what is in a block is not sent again");
        }
        pass(&chain)?;
    }
    let draw = schema::draw(&*chain.db.latest(), ROUND)?.ok_or("nothing is drawn")?;
    assert_eq!(draw.revealed, [account_of(&public_key(chain.seed_key()))]);
    Ok(())
}

#[test]
fn a_share_that_came_too_late_is_made_up_for_in_the_next_attempt() -> Tested {
    let (chain, pool) = (opened()?, Pool::default());
    let mut shares = node(&chain);
    shares.look(&chain.db.latest(), &pool);
    decide(&chain, &pool)?;
    pass(&chain)?;
    // The node is down while the others reveal.
    pass(&chain)?;
    assert_eq!((round(&chain)?.attempt, round(&chain)?.window), (2, Window::Commits));
    for _ in 0..2 {
        shares.look(&chain.db.latest(), &pool);
        decide(&chain, &pool)?;
        pass(&chain)?;
    }
    assert_eq!(schema::draw(&*chain.db.latest(), ROUND)?.map(|draw| draw.attempt), Some(2));
    Ok(())
}

/// What was lost leaves no gap in the account's numbers before what comes next.
#[test]
fn a_lost_share_keeps_no_later_one_waiting() -> Tested {
    let (mut chain, pool) = (opened()?, Pool::default());
    let mut shares = node(&chain);
    shares.look(&chain.db.latest(), &pool);
    accept(&mut chain, aula_kit::round::second_class()?)?;
    let open = OpenRound { class: ClassId(2), extra_request_ms: 0, extra_reveal_ms: 0 };
    accept(&mut chain, vec![open.into()])?;
    shares.look(&chain.db.latest(), &pool);
    assert_eq!(pool.waiting().len(), 2);
    // The first is lost with a peer; the second alone could never be in a block.
    pool.waiting().remove(0);
    shares.look(&chain.db.latest(), &pool);
    let receipts = {
        let mut waiting = pool.waiting();
        waiting.sort_by_key(|(_, bytes)| {
            Transaction::from_canonical(bytes).map(|one| one.body.sequence).unwrap_or_default()
        });
        drop(waiting);
        decide(&chain, &pool)?
    };
    assert_eq!(receipts.iter().filter(|receipt| receipt.code.number() == 0).count(), 2, "{receipts:?}");
    Ok(())
}

#[test]
fn a_node_whose_validator_is_not_admitted_sends_nothing() -> Tested {
    let (chain, pool) = (opened()?, Pool::default());
    let mut stranger = Shares::new(chain.genesis.sha256, SigningKey::from_bytes(&[9; 32]));
    stranger.look(&chain.db.latest(), &pool);
    assert_eq!(pool.waiting().len(), 0);
    let told = stranger.told();
    let told = told.lock().map_err(|_| "told")?;
    assert_eq!((told.admitted, told.due, told.error.as_ref()), (false, 0, None));
    Ok(())
}

#[test]
fn evidence_that_a_block_refused_is_not_sent_again() -> Tested {
    let ((chain, evidence), pool) = (of_a_stranger()?, Pool::default());
    let own = address(&public_key(chain.validator_key()));
    let mut shares = node(&chain).reporting(evidence, Some(own));
    shares.look(&chain.db.latest(), &pool);
    let receipts = decide(&chain, &pool)?;
    assert_eq!(receipts.first().map(|one| one.code), Some(Code::UnknownValidator));
    shares.look(&chain.db.latest(), &pool);
    assert_eq!(pool.waiting().len(), 0, "the chain may idle");
    Ok(())
}

#[test]
fn a_newcomer_gives_no_share_away_on_a_chain_that_nothing_proves() -> Tested {
    let (chain, pool) = (opened()?, Pool::default());
    let mut shares = node(&chain);
    let now_ms = chain.db.latest().tip().time_ms.0;
    chain.db.set_newcomer(Some(Newcomer::Unproven))?;
    shares.turn(&chain.db, &pool, now_ms);
    assert_eq!(pool.waiting().len(), 0, "nothing proves it, however young its tip is");
    for known in [Some(Newcomer::Proven), None] {
        chain.db.set_newcomer(known)?;
        let mut restarted = node(&chain);
        restarted.turn(&chain.db, &pool, now_ms + CURRENT_MS);
        assert_eq!(pool.waiting().len(), 0, "its blocks are fetched still");
        restarted.turn(&chain.db, &pool, now_ms);
        assert_eq!(pool.waiting().len(), 1, "{known:?}");
        pool.waiting().clear();
    }
    Ok(())
}
