//! Tells watchers what this district uses of its shares, and how often it was refused more.

use std::sync::Weak;
use std::time::Duration;

use aula_connect::pipeline::Pipeline;
use aula_home::config::Quotas;
use aula_vault::room::Room;
use metrics::{counter, describe_gauge, gauge};

use super::figures::as_f64;

/// How often the vault's files are counted.
const EVERY: Duration = Duration::from_secs(30);

/// Counts at once and then again and again, for as long as the node runs.
pub(super) async fn watch(quotas: Quotas, room: Room) {
    describe_gauge!("aula_vault_bytes", metrics::Unit::Bytes, "bytes of the district's vault on disk");
    describe_gauge!(
        "aula_vault_quota_bytes",
        metrics::Unit::Bytes,
        "bytes that it may take; absent without a limit"
    );
    loop {
        let own = room.clone();
        if let Ok(Ok(used)) = tokio::task::spawn_blocking(move || own.used()).await {
            gauge!("aula_vault_bytes", "tenant" => quotas.tenant.clone()).set(as_f64(used));
        }
        if let Some(most) = room.most() {
            gauge!("aula_vault_quota_bytes", "tenant" => quotas.tenant.clone()).set(as_f64(most));
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Tells how many messages a vault had no room for, for as long as the pipeline is there.
pub(super) async fn tell(quotas: Quotas, pipeline: Weak<Pipeline>) {
    while let Some(over) = pipeline.upgrade().map(|pipeline| pipeline.state().over) {
        counter!("aula_quota_refused_total", "tenant" => quotas.tenant.clone(), "quota" => "vault")
            .absolute(over);
        tokio::time::sleep(EVERY).await;
    }
}
