//! Buckets that reports go to: whether what is put there can be deleted again when its years are over.

use crate::config::{Config, DeliveryBy};
use crate::reports::archive::check;

use super::Check;

/// One check a bucket.
pub(super) fn all(config: &Config) -> Vec<Check> {
    let buckets = config.delivery.iter().filter_map(|delivery| match &delivery.by {
        DeliveryBy::Bucket(to) => Some((&delivery.name, to)),
        _ => None,
    });
    buckets
        .map(|(name, to)| {
            let name = format!("archive {name}");
            match check(to) {
                Ok(()) => Check::ok(name, format!("every version in {} can be deleted", to.bucket)),
                Err(failure) => Check::failure(name, failure),
            }
        })
        .collect()
}
