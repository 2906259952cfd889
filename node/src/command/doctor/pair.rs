//! One of a pair: whether somebody acts, and whether the other one has what was acknowledged.

use aula_home::Home;
use aula_home::config::Config;
use aula_standby::standing::{STALE_MS, Standing};

use super::Check;

/// Nothing when this home is in no pair.
pub(super) fn all(home: &Home, config: &Config, now_ms: u64) -> Option<Check> {
    let pair = config.pair.as_ref()?;
    if pair.lease.is_some() && pair.lease_id.is_none() {
        let next = "stop both, then aula district lease --new in one home and --id ID in the other; docs/failover.md";
        return Some(Check::fail(
            "pair",
            "[pair] lease_id is missing: it does not start without the mark",
            next,
        ));
    }
    Some(match Standing::load(&home.pair_dir()) {
        None => Check::warn("pair", "its node never ran", "start it: aula start"),
        Some(standing) => judge(&standing, now_ms),
    })
}

fn judge(standing: &Standing, now_ms: u64) -> Check {
    let detail = standing.words(now_ms);
    if now_ms.saturating_sub(standing.at_ms) > STALE_MS {
        return Check::fail("pair", detail, "start it: aula start; the other one goes on meanwhile");
    }
    if standing.holder.is_none() || standing.role == "nobody" {
        return Check::fail(
            "pair",
            detail,
            "see whether the lease's store can be reached ([pair] lease or bucket)",
        );
    }
    if standing.is_alone() {
        let next = "start the other one, and see its log; until it is level nothing takes over by itself";
        return Check::warn("pair", detail, next);
    }
    if standing.why.is_some() {
        return Check::warn("pair", detail, "see its log, and docs/failover.md");
    }
    Check::ok("pair", detail)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_pair_whose_folder_was_never_marked_is_told_so_before_it_is_started()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let own = "[pair]\nname = 'east'\nlisten = '127.0.0.1:8499'\npeer = '127.0.0.1:8500'\nsecret = 's.toml'\nlease = '/shared'\n";
        let next = |text: &str| {
            let config = toml::from_str::<Config>(text)?;
            Ok::<_, toml::de::Error>(all(&home, &config, 1).map(|check| check.next).unwrap_or_default())
        };
        assert!(next(own)?.contains("aula district lease --new"));
        let marked = format!("{own}lease_id = '{}'\n", "0a".repeat(16));
        assert_eq!(next(&marked)?, "start it: aula start");
        assert_eq!(next("")?, "");
        Ok(())
    }

    #[test]
    fn a_pair_is_well_while_one_acts_and_the_other_is_level() {
        let well = Standing {
            name: "east".into(),
            role: "acting".into(),
            epoch: 3,
            holder: Some("east".into()),
            level: Some("west".into()),
            at_ms: 100_000,
            ..Standing::default()
        };
        assert_eq!(judge(&well, 101_000).level, Level::Ok);
        assert_eq!(judge(&Standing { level: None, ..well.clone() }, 101_000).level, Level::Warn);
        assert_eq!(
            judge(&Standing { why: Some("same_name".into()), ..well.clone() }, 101_000).level,
            Level::Warn
        );
        assert_eq!(judge(&Standing { role: "nobody".into(), ..well.clone() }, 101_000).level, Level::Fail);
        assert_eq!(judge(&well, 200_000).level, Level::Fail);
    }
}
