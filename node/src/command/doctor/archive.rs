//! Buckets that reports go to: whether what is put there can be deleted again when its years are over.

use aula_home::config::{Config, DeliveryBy};
use aula_server::reports::archive::check;

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

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use aula_kit::{Made, Tested, private_file};

    fn checks(endpoint: &str, bucket: &str) -> Made<Vec<Check>> {
        let folder = tempfile::tempdir()?;
        let secret = folder.path().join("secret");
        private_file(&secret, "aula-secret")?;
        let text = format!(
            "[[delivery]]\nname = 'state'\nkind = 'bucket'\nendpoint = '{endpoint}'\nbucket = '{bucket}'\nprefix = 'aula/doctor/'\n\
             key_id = 'aula-key'\nsecret_file = '{}'\n",
            secret.display()
        );
        Ok(all(&toml::from_str(&text)?))
    }

    #[test]
    fn a_bucket_that_is_not_to_be_had_fails_and_says_what_its_key_needs() -> Tested {
        let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let checks = checks(&format!("http://{closed}"), "reports")?;
        assert!(checks.len() == 1 && checks[0].level == Level::Fail, "{checks:?}");
        assert!(checks[0].name == "archive state" && checks[0].next.contains("s3:PutObject"), "{checks:?}");
        assert!(all(&Config::default()).is_empty());
        Ok(())
    }

    #[test]
    #[ignore = "asks for servers: scripts/delivery-peers.sh"]
    fn real_buckets_are_as_they_should_be_but_for_one_with_locks_and_one_that_is_not_there() -> Tested {
        for endpoint in std::env::var("AULA_S3")?.split_whitespace() {
            for (bucket, level) in [
                ("plain", Level::Ok),
                ("versioned", Level::Ok),
                ("locked", Level::Fail),
                ("nowhere", Level::Fail),
            ] {
                let checks = checks(endpoint, bucket)?;
                assert!(checks.len() == 1 && checks[0].level == level, "{endpoint} {bucket}: {checks:?}");
            }
        }
        Ok(())
    }
}
