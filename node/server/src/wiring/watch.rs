//! Turns consensus's events into metrics and log lines for the operator.

use std::time::{Duration, Instant};

use aula_consensus::Event;
use metrics::{counter, describe_counter, describe_histogram, histogram};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// How often what was measured is put into its buckets.
const UPKEEP: Duration = Duration::from_secs(1);

/// Puts what was measured into its buckets, for as long as the node runs: until then each request takes memory, and
/// nobody may ever ask for the figures.
pub(super) async fn upkeep(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        metrics.run_upkeep();
    }
}

/// Counts until consensus has ended.
pub(super) async fn count(mut events: Receiver<Event>) {
    describe_counter!("aula_blocks_total", "blocks decided while this process runs, by round");
    describe_counter!("aula_transactions_total", "transactions in those blocks");
    describe_counter!("aula_dropped_transactions_total", "transactions that left the pool undecided");
    describe_counter!("aula_equivocations_total", "validators seen signing two things");
    describe_counter!("aula_missed_events_total", "events of consensus that these figures missed");
    describe_histogram!("aula_block_interval_seconds", metrics::Unit::Seconds, "time between decided blocks");
    let mut last = Instant::now();
    loop {
        match events.recv().await {
            Ok(event) => one(event, &mut last),
            Err(RecvError::Lagged(missed)) => counter!("aula_missed_events_total").increment(missed),
            Err(RecvError::Closed) => return,
        }
    }
}

fn one(event: Event, last: &mut Instant) {
    match event {
        Event::Decided { round, transactions, .. } => {
            // Rounds above 1 are one label: a hostile network must not make labels without end.
            let round = ["0", "1", "more"][usize::try_from(round).unwrap_or(2).min(2)];
            counter!("aula_blocks_total", "round" => round).increment(1);
            counter!("aula_transactions_total").increment(transactions as u64);
            histogram!("aula_block_interval_seconds").record(last.elapsed().as_secs_f64());
            *last = Instant::now();
        }
        Event::Dropped(dropped) => {
            counter!("aula_dropped_transactions_total").increment(dropped.len() as u64);
        }
        Event::Equivocation { height, validator, evidence } => {
            counter!("aula_equivocations_total").increment(1);
            let is_evidence = evidence.is_some();
            tracing::error!(%height, %validator, is_evidence, "a validator signed two things where one is allowed");
        }
        Event::WalDamaged(text) | Event::GuardLost(text) => tracing::error!("{text}"),
        Event::CannotFollow { height, why } => {
            tracing::error!(%height, why, "this node cannot follow the chain")
        }
        Event::Started(mode) => tracing::info!(?mode, "consensus started"),
        Event::Round { .. } => {}
    }
}
