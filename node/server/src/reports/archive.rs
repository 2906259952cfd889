//! Reports in a bucket: put there once by their dates, and deleted with every version when their years are over.
//!
//! Flow: before anything is put, the bucket is tried for whether it can be purged ([`aula_delivery::bucket`]) → `PREFIX NAME/DATE/FILE` →
//! once a day what is over its years is purged. Invariants: of two nodes with the same schedule one puts and the other finds the same
//! bytes; a bucket that keeps what is deleted gets nothing. Absent: encryption of its own: reports are aggregate, and the bucket's is used.

use std::path::Path;

use aula_delivery::DeliveryError;
use aula_delivery::bucket::{Bucket, Place};
use aula_files::Access;

use super::folder::unwritable;
use super::outbox::date_in;
use super::outgoing::{Outgoing, authority, run};
use aula_home::clock::now_ms;
use aula_home::config::BucketPlace;
use aula_home::{Advise, Failure, own_file};

/// What to do about a bucket that cannot be purged.
pub const HINT: &str = "give its key s3:PutObject, GetObject, DeleteObject, DeleteObjectVersion, ListBucketVersions, ListBucketMultipartUploads and \
                        AbortMultipartUpload, and use a bucket without object lock";

fn open(to: &BucketPlace) -> Result<Bucket, Failure> {
    let hint = "correct the [[delivery]] in config.toml";
    let secret = own_file::read(&to.secret_file).hint("correct secret_file, or the file's mode")?;
    let authority = authority(to.ca.as_deref())?;
    let place = Place {
        endpoint: to.endpoint.clone(),
        region: to.region.clone(),
        bucket: to.bucket.clone(),
        key_id: to.key_id.clone(),
    };
    Bucket::new(&place, secret.trim(), authority.as_deref(), || now_ms() / 1_000).hint(hint)
}

/// Whether what is put into the bucket can be deleted again.
///
/// # Errors
/// Why not.
pub fn check(to: &BucketPlace) -> Result<(), Failure> {
    let bucket = open(to)?;
    run(async { bucket.purgeable(&to.prefix).await })
        .map_err(|failure| Failure { hint: HINT.to_owned(), ..failure })
}

/// Puts a date's files.
///
/// # Errors
/// A bucket that cannot be purged, or refuses; another report of that date there.
pub(super) fn put(to: &BucketPlace, (name, date): (&str, &str), files: &[Outgoing]) -> Result<(), Failure> {
    check(to)?;
    let bucket = open(to)?;
    run(async {
        for file in files {
            bucket.put(&format!("{}{name}/{date}/{}", to.prefix, file.name), &file.local()?).await?;
        }
        Ok(())
    })
}

/// Deletes the reports of this date and earlier ones, with every version and begun upload; once a date.
///
/// # Errors
/// What is left, or why nothing can be known.
pub fn forget(
    to: &BucketPlace,
    (folder, place): (&Path, &str),
    name: &str,
    until: &str,
) -> Result<(), Failure> {
    let mark = folder.join(format!(".purged-{place}"));
    if std::fs::read_to_string(&mark).is_ok_and(|done| done.trim() == until) {
        return Ok(());
    }
    let bucket = open(to)?;
    run(async {
        let above = format!("{}{name}/", to.prefix);
        let mut dates: Vec<String> =
            bucket.keys(&above).await?.iter().filter_map(|key| over(key, &above, until)).collect();
        dates.dedup();
        for date in dates {
            bucket.purge(&format!("{above}{date}/")).await?;
        }
        Ok::<(), DeliveryError>(())
    })?;
    let written = aula_files::replace(&mark, Access::Private, format!("{until}\n").as_bytes());
    written.map_err(|error| unwritable(&mark, &error))
}

/// What is in a bucket below its prefix.
#[cfg(test)]
pub(super) fn keys(to: &BucketPlace) -> Result<Vec<String>, Failure> {
    let bucket = open(to)?;
    let mut keys = Vec::new();
    run(async {
        keys = bucket.keys(&to.prefix).await?;
        Ok(())
    })?;
    Ok(keys)
}

/// Deletes it.
#[cfg(test)]
pub(super) fn purge(to: &BucketPlace) -> Result<(), Failure> {
    let bucket = open(to)?;
    run(async { bucket.purge(&to.prefix).await.map(|_| ()) })
}

/// The date of a key, where it is over its years.
fn over(key: &str, above: &str, until: &str) -> Option<String> {
    let (date, _) = key.strip_prefix(above)?.split_once('/')?;
    (date_in(date) == Some(date) && date <= until).then(|| date.to_owned())
}

#[cfg(test)]
mod tests {
    use super::over;

    #[test]
    fn only_dates_of_the_schedule_are_over() {
        let told = |key| over(key, "aula/nightly/", "2019-11-29");
        assert_eq!(told("aula/nightly/2019-11-29/a.html").as_deref(), Some("2019-11-29"));
        assert_eq!(told("aula/nightly/2012-01-01/x/y").as_deref(), Some("2012-01-01"));
        for kept in [
            "aula/nightly/2019-11-30/a.html",
            "aula/nightly/notes.txt",
            "aula/nightly/2019-11-29",
            "aula/nightly2/2019-11-29/a",
            "aula/nightly/.2019-11-29/a",
        ] {
            assert_eq!(told(kept), None, "{kept}");
        }
    }
}
