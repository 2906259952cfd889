//! What there is to be told, at one look: from the register of interventions, the feeds' health, the ledger's reports, the node's own
//! note, how a pair stands, and the vault's files.

use std::collections::BTreeSet;

use aula_api::report::Owed;
use aula_district::alert_book::Book;
use aula_home::Home;
use aula_home::config::{AlertKind, Config};
use aula_server::at_risk;
use aula_server::feed_health::Health;
use aula_standby::standing::Standing;
use aula_vault::room::Room;

use super::super::acknowledgements::owed;
use super::super::interventions::Register;
use super::super::office::Office;
use crate::command::Failure;

/// So long may a feed's events wait, or its node say nothing, milliseconds: with how often the node tells
/// ([`aula_server::feed_health::TOLD_EVERY`]) and how often this looks ([`super::EVERY_S`]) it is less than the minute in which an alert
/// is to be told.
const PATIENCE_MS: u64 = 40_000;

/// What an alert of a vault is about.
const NEARLY_FULL: &str = "the vault takes nine tenths of [quotas] vault_mib: erase who is gone, or raise it";

/// What an alert of a pair is about.
const ALONE: &str =
    "what is acknowledged is on one disk: start the other one, or mend the line between the two";

/// What a look found, of which kinds, and why others could not be looked at.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub found: Vec<(AlertKind, String)>,
    pub looked: BTreeSet<AlertKind>,
    pub failure: Option<Failure>,
}

/// Looks at the kinds that are wanted.
pub(super) async fn look(office: &Office, config: &Config, now_ms: u64) -> Found {
    let (mut all, home) = (Found::default(), &office.context.home);
    for kind in &config.alerts.kinds {
        let told = match kind {
            AlertKind::AtRisk => {
                Register::load(home).map(|register| register.at_risk(&at_risk::read(home), now_ms))
            }
            AlertKind::Feeds => Ok(feeds(home, config, now_ms)),
            AlertKind::Acknowledgements => overdue(office).await,
            AlertKind::Divergence => Ok(divergence(home)),
            AlertKind::VaultQuota => nearly_full(office),
            AlertKind::Pair => Ok(alone(home, config)),
        };
        match told {
            Ok(abouts) => {
                all.looked.insert(*kind);
                all.found.extend(abouts.into_iter().map(|about| (*kind, about)));
            }
            Err(failure) => all.failure = Some(failure),
        }
    }
    all
}

/// Feeds that fail: by name where one is silent, as one where none of them gets on.
fn feeds(home: &Home, config: &Config, now_ms: u64) -> Vec<String> {
    if config.feed.is_empty() {
        return Vec::new();
    }
    let Some(health) = Health::read(home) else { return vec!["the node tells nothing of its feeds".into()] };
    if now_ms.saturating_sub(health.at_ms) > PATIENCE_MS {
        return vec!["the node tells nothing of its feeds".into()];
    }
    let mut failing = Vec::new();
    let since = |since: Option<u64>| since.is_some_and(|since| now_ms.saturating_sub(since) > PATIENCE_MS);
    if since(health.attention_since_ms) {
        failing.push("nothing enters the vault".into());
    }
    if health.lag_ms > PATIENCE_MS {
        failing.push("events wait".into());
    }
    let silent_ms = config.alerts.silent_after_s.saturating_mul(1_000);
    for (name, last_ms) in &health.last_ms {
        if silent_ms > 0 && now_ms.saturating_sub(*last_ms) > silent_ms {
            failing.push(format!("{name} is silent"));
        }
    }
    failing
}

/// Places that a school of the district's has not acknowledged in time, recorded or not.
async fn overdue(office: &Office) -> Result<Vec<String>, Failure> {
    let node = office.node().await?;
    // A home that acts for no district has no schools.
    let Some(district) = node.member.district else { return Ok(Vec::new()) };
    let missed = |state: Owed| matches!(state, Owed::Overdue | Owed::Escalated);
    let lines = owed(&node, district, missed).await?;
    Ok(lines.into_iter().map(|(round, line)| format!("round {round}, pool {}", line.pool)).collect())
}

/// What the node noted before it stopped, or why it votes nil.
fn divergence(home: &Home) -> Vec<String> {
    let noted = std::fs::read_to_string(home.damage_file());
    noted.map(|_| vec![format!("see {}", home.damage_file().display())]).unwrap_or_default()
}

/// Who looks acts: of a pair no other does any duty.
fn alone(home: &Home, config: &Config) -> Vec<String> {
    let standing = config.pair.as_ref().and_then(|_| Standing::load(&home.pair_dir()));
    standing.filter(Standing::is_alone).map(|_| ALONE.to_owned()).into_iter().collect()
}

/// A vault that nears its share of the disk.
fn nearly_full(office: &Office) -> Result<Vec<String>, Failure> {
    let book = Book::load(&office.context.home)?;
    let goes_on =
        book.alerts.iter().any(|alert| alert.kind == AlertKind::VaultQuota && alert.ended_ms.is_none());
    Ok(is_nearly_full(&office.room()?, goes_on).then(|| NEARLY_FULL.to_owned()).into_iter().collect())
}

/// From nine tenths of the share on, and then until it is under 85 percent: a vault's files grow and shrink by themselves while the
/// database puts them together. Without a share, or a vault, never.
fn is_nearly_full(room: &Room, goes_on: bool) -> bool {
    let (Some(most), Ok(used)) = (room.most(), room.used()) else { return false };
    let percent = if goes_on { 85 } else { 90 };
    u128::from(used) * 100 >= u128::from(most) * percent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Advise;

    fn configured(silent: u64) -> Result<Config, Failure> {
        let text = format!(
            "[alerts]\nsilent_after_s = {silent}\n[[feed]]\nname = 'tablets'\nkind = 'files'\nfolder = '/in'\n"
        );
        toml::from_str(&text).advise("settings of a test", "correct them")
    }

    #[test]
    fn a_feed_fails_when_its_node_is_still_its_events_wait_or_it_is_silent() -> Result<(), Failure> {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        let home = Home::at(folder.path().to_owned());
        let now = 1_000_000;
        let none: [String; 0] = [];
        assert_eq!(feeds(&home, &Config::default(), now), none, "no feed, no alert");
        assert_eq!(feeds(&home, &configured(0)?, now).len(), 1, "its node never said anything");
        let well = Health {
            at_ms: now - 5_000,
            last_ms: [("tablets".to_owned(), now - 500_000)].into(),
            ..Health::default()
        };
        // A minute from the cause to the note: what is left is for the places.
        let seconds =
            PATIENCE_MS / 1_000 + aula_server::feed_health::TOLD_EVERY.as_secs() + super::super::EVERY_S;
        assert!(seconds <= 55, "{seconds} s");
        for (health, silent, failing) in [
            (well.clone(), 0, 0),
            (well.clone(), 600, 0),
            (well.clone(), 400, 1),
            (Health { attention_since_ms: Some(now - 10_000), ..well.clone() }, 0, 0),
            (Health { attention_since_ms: Some(now - 41_000), ..well.clone() }, 0, 1),
            (Health { lag_ms: 41_000, ..well.clone() }, 0, 1),
            (Health { at_ms: now - 41_000, ..well.clone() }, 0, 1),
        ] {
            health.write(&home)?;
            assert_eq!(feeds(&home, &configured(silent)?, now).len(), failing, "{health:?} {silent}");
        }
        Ok(())
    }

    #[test]
    fn one_of_a_pair_is_told_of_while_it_acts_alone() -> Result<(), Failure> {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        let home = Home::at(folder.path().to_owned());
        let text = "[pair]\nname = 'east'\nlisten = '127.0.0.1:1'\npeer = '127.0.0.1:2'\nsecret = 's'\nlease = '/shared'\n";
        let config: Config = toml::from_str(text).advise("settings of a test", "correct them")?;
        assert!(alone(&home, &config).is_empty(), "its node never ran");
        std::fs::create_dir_all(home.pair_dir()).advise("a folder", "space")?;
        let level =
            Standing { holder: Some("east".into()), level: Some("west".into()), ..Standing::default() };
        for (standing, told) in [(Standing { level: None, ..level.clone() }, 1), (level, 0)] {
            standing.keep(&home.pair_dir()).advise("a file", "space")?;
            assert_eq!(alone(&home, &config).len(), told, "{standing:?}");
            assert!(alone(&home, &Config::default()).is_empty(), "no pair any more");
        }
        Ok(())
    }

    #[test]
    fn a_vault_is_told_of_from_nine_tenths_of_its_share_on_and_until_it_is_well_below() -> Result<(), Failure>
    {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        for (kib, goes_on, told) in [
            (921, false, false),
            (922, false, true),
            (921, true, true),
            (871, true, true),
            (870, true, false),
        ] {
            std::fs::write(folder.path().join("1.sst"), vec![0; kib << 10]).advise("a file", "space")?;
            assert_eq!(is_nearly_full(&Room::new(folder.path(), 1), goes_on), told, "{kib} KiB, {goes_on}");
            assert!(!is_nearly_full(&Room::new(folder.path(), 0), goes_on), "without a share");
        }
        assert!(!is_nearly_full(&Room::new(&folder.path().join("none"), 1), true), "without a vault");
        Ok(())
    }

    #[test]
    fn a_node_that_noted_damage_is_told_of() -> Result<(), Failure> {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        let home = Home::at(folder.path().to_owned());
        assert!(divergence(&home).is_empty());
        std::fs::create_dir_all(home.data_dir()).advise("a folder", "space")?;
        std::fs::write(home.damage_file(), "state root differs").advise("a file", "space")?;
        assert_eq!(divergence(&home).len(), 1);
        Ok(())
    }
}
