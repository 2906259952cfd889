//! Schedules against real services, which `scripts/delivery-peers.sh` starts, and a table of gigabytes on its way through them.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use aula_report::state::{Cell, datasets, parquet};
use sha2::{Digest, Sha256};

use super::folder::Made;
use super::outbox::Outbox;
use super::past::Chain;
use super::{archive, deliver, ways};
use aula_home::Home;
use aula_home::config::{Config, DeliveryBy};
use aula_kit::round::decided;
use aula_kit::{DevChain, Tested, failed, private_file, told};
use aula_twin_runtime::clock::DAY_MS;

/// An export each quarter into a bucket, from a folder of its own.
fn quarterly(above: &Path, endpoint: &str, bucket: &str) -> Result<Config, Box<dyn std::error::Error>> {
    let secret = above.join("secret");
    private_file(&secret, "aula-secret\n")?;
    let text = format!(
        "[reports]\noutbox = '{0}/outbox'\ntime_zone = 'UTC'\n[[report]]\nname = 'state'\nkind = 'state'\nevery = 'quarter'\nkeep_years = 7\n\
         deliver = ['archive']\n[[delivery]]\nname = 'archive'\nkind = 'bucket'\nendpoint = '{endpoint}'\nbucket = '{bucket}'\n\
         prefix = 'aula/retention/'\nkey_id = 'aula-key'\nsecret_file = '{0}/secret'\n",
        above.display()
    );
    Ok(toml::from_str(&text)?)
}

/// Days of block time, a day a block: no block may be later.
fn pass(dev: &DevChain, days: u64) -> Tested {
    for _ in 0..days {
        dev.block_after(DAY_MS, &[], |_| {}).map_err(failed)?;
    }
    Ok(())
}

fn keys(config: &Config) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    match config.delivery.first().map(|delivery| &delivery.by) {
        Some(DeliveryBy::Bucket(to)) => archive::keys(to).map_err(failed),
        _ => Err("no bucket".into()),
    }
}

/// What boto3 does or says, whatever this program thinks of a bucket: `scripts/delivery/buckets.py`.
fn boto3(endpoint: &str, words: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/delivery/buckets.py");
    let out =
        std::process::Command::new(told("AULA_PYTHON")?).arg(script).arg(endpoint).args(words).output()?;
    match out.status.success() {
        true => Ok(String::from_utf8(out.stdout)?.trim().to_owned()),
        false => Err(String::from_utf8_lossy(&out.stderr).into_owned().into()),
    }
}

#[test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
fn two_nodes_put_one_report_and_after_seven_years_no_version_of_it_is_left() -> Tested {
    for endpoint in told("AULA_S3")?.split_whitespace() {
        for bucket in ["plain", "versioned"] {
            let (dev, above, other) = (decided()?, tempfile::tempdir()?, tempfile::tempdir()?);
            let (mine, theirs) =
                (quarterly(above.path(), endpoint, bucket)?, quarterly(other.path(), endpoint, bucket)?);
            let their_home = Home::at(other.path().join("home"));
            let look = |dev: &DevChain| -> Result<usize, Box<dyn std::error::Error>> {
                let mut sent = 0;
                for (home, config) in [(&dev.home, &mine), (&their_home, &theirs)] {
                    let chain = Chain::of_view(dev.db.latest());
                    let looked = ways::look(home, config, &chain).map_err(failed)?;
                    if let Some(one) = looked.sent.iter().find(|one| one.error.is_some()) {
                        return Err(format!("{endpoint} {bucket}: {one:?}").into());
                    }
                    sent += looked.sent.len();
                }
                Ok(sent)
            };
            look(&dev)?;
            pass(&dev, 100)?;
            assert_eq!(look(&dev)?, 4, "both send the reports of January and April");
            let of = |date: &str| -> Result<usize, Box<dyn std::error::Error>> {
                let prefix = format!("aula/retention/state/{date}/");
                Ok(keys(&mine)?.iter().filter(|key| key.starts_with(&prefix)).count())
            };
            assert_eq!(
                (of("1970-01-01")?, of("1970-04-01")?, keys(&mine)?.len()),
                (18, 18, 36),
                "each file once"
            );
            // What seven years leave: versions of somebody's hand, a marker, uploads of killed processes.
            let date = "aula/retention/state/1970-04-01/";
            boto3(endpoint, &["remains", bucket, &format!("{date}remains")])?;
            let before: usize = boto3(endpoint, &["left", bucket, date])?.parse()?;
            assert!(before >= 20, "{endpoint} {bucket}: {before}");
            // A day before they are over everything is there, and the day after nothing.
            pass(&dev, 7 * 365 - 9)?;
            look(&dev)?;
            assert_eq!(boto3(endpoint, &["left", bucket, date])?.parse::<usize>()?, before);
            pass(&dev, 9)?;
            look(&dev)?;
            assert_eq!(boto3(endpoint, &["left", bucket, date])?, "0", "{endpoint} {bucket}");
            let left = keys(&mine)?;
            let has = |date: &str| left.iter().any(|key| key.contains(date));
            // It is the ninth of April 1977.
            assert!(!has("/1970-04-01/") && has("/1970-07-01/"), "{left:?}");
            assert!(left.iter().any(|key| key.contains("/1977-04-01/")), "{left:?}");
            if let Some(DeliveryBy::Bucket(to)) = mine.delivery.first().map(|delivery| &delivery.by) {
                archive::purge(to).map_err(failed)?;
            }
            assert_eq!(keys(&mine)?, [""; 0]);
        }
    }
    Ok(())
}

/// A bucket that was good when a report was put there, and keeps it now: it is told at every look until it is gone.
#[test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
fn a_bucket_with_locks_that_holds_what_is_over_its_years_is_told_at_every_look() -> Tested {
    for endpoint in told("AULA_S3")?.split_whitespace() {
        let (dev, above) = (decided()?, tempfile::tempdir()?);
        let config = quarterly(above.path(), endpoint, "locked")?;
        let key = "aula/retention/state/1960-01-01/kept";
        if let Err(why) = boto3(endpoint, &["lock", "locked", key]) {
            // A service that knows no locks has no such bucket.
            let words = ["NoSuchBucket", "NotImplemented", "ObjectLock"];
            assert!(words.iter().any(|word| why.to_string().contains(word)), "{why}");
            continue;
        }
        for _ in 0..2 {
            let looked = ways::look(&dev.home, &config, &Chain::of_view(dev.db.latest())).map_err(failed)?;
            let errors: Vec<_> = looked.sent.iter().filter_map(|one| one.error.as_deref()).collect();
            assert!(errors.len() == 1 && errors[0].contains("was not deleted"), "{endpoint}: {looked:?}");
            assert!(!looked.is_whole());
        }
        assert_ne!(boto3(endpoint, &["left", "locked", key])?, "0");
    }
    Ok(())
}

#[test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
fn a_bucket_that_cannot_be_purged_gets_nothing_and_the_schedule_says_so() -> Tested {
    for endpoint in told("AULA_S3")?.split_whitespace() {
        let (dev, above) = (decided()?, tempfile::tempdir()?);
        let config = quarterly(above.path(), endpoint, "locked")?;
        let look = || ways::look(&dev.home, &config, &Chain::of_view(dev.db.latest())).map_err(failed);
        look()?;
        pass(&dev, 100)?;
        let looked = look()?;
        assert!(looked.reports.len() == 2 && looked.sent.len() == 2, "{looked:?}");
        let locked =
            |one: &deliver::Sent| one.error.as_deref().is_some_and(|why| why.contains("object lock"));
        assert!(looked.sent.iter().all(locked), "{looked:?}");
        assert_eq!(keys(&config)?, [""; 0]);
    }
    Ok(())
}

/// The most memory that this process had, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1_024)
}

/// A table of this many bytes, written row by row; gives its SHA-256 and length.
fn table(path: &Path, wanted: u64) -> Result<(String, u64), Box<dyn std::error::Error>> {
    let columns = datasets::BY_AGENCY;
    let file = BufWriter::new(File::create_new(path)?);
    let mut writer = parquet::Writer::new(file, "AllocationByAgency", columns)?;
    // Thirteen columns, all but two of them numbers: some 120 bytes a row.
    for row in 0..wanted / 120 {
        let mixed = |n: u64| {
            i64::try_from(row.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(n) >> 20).unwrap_or(0)
        };
        let cells = columns.iter().enumerate().map(|(at, column)| match column.kind {
            aula_report::state::dataset::Kind::Text => {
                Cell::text(format!("{:012}", mixed(at as u64) % 1_000_000_000_000))
            }
            aula_report::state::dataset::Kind::Integer => Cell::Integer(mixed(at as u64)),
        });
        writer.row(cells.collect())?;
    }
    writer.finish(&[("aula.height", "1".to_owned())])?.into_inner()?.sync_all()?;
    let (mut file, mut digest, mut chunk, mut length) =
        (File::open(path)?, Sha256::new(), vec![0; 1 << 20], 0u64);
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok((hex::encode(digest.finalize()), length));
        }
        digest.update(&chunk[..count]);
        length += count as u64;
    }
}

/// Alone in its process, since the peak of memory is the process's.
#[test]
#[ignore = "writes gigabytes and asks for servers: scripts/delivery-peers.sh"]
fn a_table_of_gigabytes_is_written_sealed_and_delivered_within_a_gigabyte_of_memory() -> Tested {
    let wanted: u64 = std::env::var("AULA_LARGE_BYTES").map_or(Ok(2_400_000_000), |text| text.parse())?;
    let (above, landed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let home = Home::at(above.path().to_owned());
    let endpoint = told("AULA_S3_LARGE")?;
    let mut config = quarterly(above.path(), &endpoint, "plain")?;
    let sftp = format!(
        "[[delivery]]\nname = 'state'\nkind = 'sftp'\naddress = '{}'\nuser = '{}'\nkey = '{}'\nhost_key = '{}'\nfolder = '{}'\n\
         encrypt_to = ['{}']\n",
        told("AULA_SFTP")?,
        told("AULA_SFTP_USER")?,
        told("AULA_SFTP_KEY")?,
        told("AULA_SFTP_HOST_KEY")?,
        landed.path().display(),
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    );
    config.delivery.extend(toml::from_str::<Config>(&sftp)?.delivery);
    config.report[0].deliver = vec!["archive".into(), "state".into()];
    let outbox = Outbox::open(&config.reports.outbox_dir(&home), "state")?;
    outbox.deliver("2026-11-01", &[Made::new("manifest.json", "{}")]).map_err(failed)?;
    let began = std::time::Instant::now();
    let path = outbox.folder().join("2026-11-01/AllocationByAgency.parquet");
    let (sha256, length) = table(&path, wanted)?;
    let written = began.elapsed();
    let mut out = std::io::stdout();
    writeln!(out, "measured: {length} bytes written in {:.1} s, SHA-256 {sha256}", written.as_secs_f64())?;
    for to in ["archive", "state"] {
        let mut alone = config.clone();
        alone.report[0].deliver = vec![to.into()];
        let began = std::time::Instant::now();
        let sent = deliver::pending(&home, &alone, &alone.report[0]).map_err(failed)?;
        assert!(sent.len() == 1 && sent[0].error.is_none(), "{sent:?}");
        writeln!(out, "measured: to {to} and read back in {:.1} s", began.elapsed().as_secs_f64())?;
    }
    let sealed = landed.path().join("state-2026-11-01-AllocationByAgency.parquet.age");
    assert!(std::fs::metadata(sealed)?.len() > length, "sealed, whole");
    let peak = peak().ok_or("no /proc/self/status")?;
    writeln!(out, "measured: {} MB at most in memory", peak / 1_000_000)?;
    assert!(length < 100_000_000 || length >= wanted * 9 / 10, "{length} bytes of {wanted}");
    assert!(peak < 1_000_000_000, "{peak} bytes");
    if let Some(DeliveryBy::Bucket(to)) = config.delivery.first().map(|delivery| &delivery.by) {
        archive::purge(to).map_err(failed)?;
    }
    Ok(())
}
