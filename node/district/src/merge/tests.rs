//! Two vaults of one district, whatever they hear of a message and in whichever order they meet, end with the same event.

use aula_ledger::types::{AccountId, DistrictId, Hash, SchoolYear};
use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::Attendance;
use aula_vault::{Folders, Identity, LocalId};

use super::*;
use crate::enter::{Entered, Entering, Entry, enter, source_of};
use crate::live::events_of;

type Tested = Result<(), Box<dyn std::error::Error>>;

const NOW_MS: u64 = 1_772_443_800_000;

struct Side {
    _root: tempfile::TempDir,
    vault: Vault,
    keys: FeedKeys,
    handle: Handle,
    other: Handle,
}

fn sides() -> Result<[Side; 2], Box<dyn std::error::Error>> {
    let identity = Identity {
        district: DistrictId(7),
        chain_id: "test-00c0ffee".into(),
        genesis: Hash([1; 32]),
        account: AccountId([1; 20]),
    };
    let roots = [tempfile::tempdir()?, tempfile::tempdir()?];
    let folders = |root: &tempfile::TempDir| Folders {
        data: root.path().join("vault"),
        keystore: root.path().join("keystore"),
    };
    let one = Vault::create(&folders(&roots[0]), &identity, NOW_MS)?;
    let other = Vault::create_replica(&folders(&roots[1]), &identity, &one.marks_key()?, NOW_MS)?;
    let [first, second] = roots;
    let side = |root, vault: Vault| -> Result<Side, Box<dyn std::error::Error>> {
        let id = |text| LocalId::new(text).ok_or("an identifier").map(|id| (id, SchoolYear(2025)));
        let handles = vault.enrol(&[id("S-1")?, id("S-2")?])?;
        Ok(Side { _root: root, keys: vault.feed_keys()?, vault, handle: handles[0], other: handles[1] })
    };
    Ok([side(first, one)?, side(second, other)?])
}

impl Side {
    /// Hears a message itself.
    fn hear(
        &mut self,
        name: &str,
        at_ms: u64,
        received_ms: u64,
        mark: Attendance,
    ) -> Result<Event, Box<dyn std::error::Error>> {
        let message = Entering {
            source: source_of("school"),
            name: name.to_owned().into(),
            at: Stamp::new(at_ms, 0)?,
            received_ms,
            what: Entry::Happened { handle: self.handle, body: EventBody::Attendance(mark) },
            origin: origin::encode(name, received_ms, "school", "tablet", 1),
        };
        match enter(&self.vault, &mut self.keys, vec![message], |_| Vec::new())?.pop() {
            Some(Entered::New(_, event)) => Ok(event),
            other => Err(format!("{other:?}").into()),
        }
    }

    fn take(&mut self, handle: Handle, event: &Event, name: &str) -> Result<Merged, VaultError> {
        let origin = origin::encode(name, NOW_MS, "school", "tablet", 1);
        let row = Merging { handle, event: event.clone(), origin };
        merge(&self.vault, &mut self.keys, &[row], |_| Vec::new()).map(|fates| fates[0])
    }

    fn events(&self) -> Result<Vec<Event>, crate::live::LiveError> {
        events_of(&self.vault, &self.handle)
    }
}

#[test]
fn of_two_events_of_one_message_the_lesser_stays_in_both() -> Tested {
    let [mut one, mut other] = sides()?;
    // The same message heard with other clocks, with another content under its name, and at another moment.
    for (name, first, second, differ) in [
        ("same", (NOW_MS, NOW_MS, Attendance::Late), (NOW_MS, NOW_MS + 5, Attendance::Late), false),
        ("clocks", (NOW_MS, NOW_MS, Attendance::Late), (NOW_MS, NOW_MS + 900_000, Attendance::Late), true),
        ("ahead", (NOW_MS, NOW_MS, Attendance::Late), (NOW_MS, NOW_MS - 900_000, Attendance::Late), true),
        ("content", (NOW_MS, NOW_MS, Attendance::Late), (NOW_MS, NOW_MS, Attendance::Absent), true),
        ("moment", (NOW_MS, NOW_MS, Attendance::Late), (NOW_MS - 7, NOW_MS, Attendance::Late), true),
    ] {
        let here = one.hear(name, first.0, first.1, first.2)?;
        let there = other.hear(name, second.0, second.1, second.2)?;
        assert_eq!(here.key.sequence, there.key.sequence, "{name}: one message has one number");
        assert_eq!(here != there, differ, "{name}");
        let (to_one, to_other) =
            (one.take(one.handle, &there, name)?, other.take(other.handle, &here, name)?);
        let expected = match here.cmp(&there) {
            std::cmp::Ordering::Less => (Merged::Known, Merged::Replaced),
            std::cmp::Ordering::Equal => (Merged::Known, Merged::Known),
            std::cmp::Ordering::Greater => (Merged::Replaced, Merged::Known),
        };
        assert_eq!((to_one, to_other), expected, "{name}");
        assert_eq!(one.events()?, other.events()?, "{name}");
        assert_eq!(
            (one.take(one.handle, &there, name)?, other.take(other.handle, &here, name)?),
            (Merged::Known, Merged::Known)
        );
    }
    assert_eq!(one.events()?.len(), 5, "each message once");
    // Heard again after that, a message is known.
    assert!(other.hear("moment", NOW_MS, NOW_MS, Attendance::Present).is_err());
    Ok(())
}

#[test]
fn what_is_new_is_new_once_and_another_students_stays_where_it_is() -> Tested {
    let [mut one, mut other] = sides()?;
    let event = one.hear("m", NOW_MS, NOW_MS, Attendance::Absent)?;
    assert_eq!(other.take(other.handle, &event, "m")?, Merged::New);
    assert_eq!(other.take(other.handle, &event, "m")?, Merged::Known);
    assert_eq!(other.take(other.other, &event, "m")?, Merged::Elsewhere);
    assert_eq!(one.events()?, other.events()?);
    // Two of one message in a batch are one.
    let second = one.hear("n", NOW_MS + 1, NOW_MS, Attendance::Absent)?;
    let origin = origin::encode("n", NOW_MS, "school", "tablet", 1);
    let row = Merging { handle: other.handle, event: second.clone(), origin };
    let fates = merge(&other.vault, &mut other.keys, &[row.clone(), row], |_| Vec::new())?;
    assert_eq!(fates, [Merged::New, Merged::Known]);
    // What no feed brought is known by its place, and leaves with it.
    let imported = Event { key: aula_twin_runtime::event::EventKey { sequence: 1, ..second.key }, ..second };
    assert_eq!(other.take(other.handle, &imported, "x")?, Merged::New);
    assert_eq!(other.take(other.handle, &imported, "x")?, Merged::Known);
    leave(&other.vault, &mut other.keys, &[(other.handle, place(&imported.key))])?;
    assert_eq!(one.events()?, other.events()?);
    assert_eq!(other.take(other.handle, &imported, "x")?, Merged::New, "it may come again");
    Ok(())
}

#[test]
fn of_two_of_one_message_in_a_batch_the_one_that_is_thrown_away_counts_as_nothing() -> Tested {
    let [mut one, mut other] = sides()?;
    let greater = one.hear("m", NOW_MS, NOW_MS, Attendance::Absent)?;
    let lesser = other.hear("m", NOW_MS - 7, NOW_MS, Attendance::Absent)?;
    assert!(lesser < greater);
    let row = |handle, event: &Event, name| {
        let origin = origin::encode(name, NOW_MS, "school", "tablet", 1);
        Merging { handle, event: event.clone(), origin }
    };
    let mut told = Vec::new();
    let rows = [row(one.handle, &greater, "m"), row(one.handle, &lesser, "m")];
    let fates = merge(&one.vault, &mut one.keys, &rows, |fates| {
        told.extend_from_slice(fates);
        Vec::new()
    })?;
    assert_eq!((&fates[..], &told[..]), (&[Merged::Known, Merged::Replaced][..], &fates[..]));
    assert_eq!(one.events()?, std::slice::from_ref(&lesser));
    // Where none is kept yet, one is new, whichever came first: these two claim one place.
    let second = Event { body: EventBody::Attendance(Attendance::Present), ..greater.clone() };
    let (more, less) = if second < greater { (&greater, &second) } else { (&second, &greater) };
    let rows = [row(other.other, more, "x"), row(other.other, less, "x")];
    let fates = merge(&other.vault, &mut other.keys, &rows, |_| Vec::new())?;
    assert_eq!(fates, [Merged::Known, Merged::New]);
    assert_eq!(events_of(&other.vault, &other.other)?, std::slice::from_ref(less));
    Ok(())
}
