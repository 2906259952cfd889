use aula_ledger::names::Name;

use super::*;
use crate::testkit::{Tested, World, files};

fn event<'a>(handle: Handle, key: &'a [u8], origin: &'a [u8], once: Once) -> FeedEvent<'a> {
    FeedEvent { handle, key, event: b"an event", origin, once, amends: false }
}

#[test]
fn an_event_is_kept_with_its_mark_and_its_origin_is_read_by_name_only() -> Tested {
    let World { root: _root, vault, handles } = World::new()?;
    let handle = handles[0][0];
    let mut keys = vault.feed_keys()?;
    let (once, number) = keys.mark(7, b"message-1");
    assert_eq!(keys.mark(7, b"message-1"), (once, number), "a mark is a function of source and name");
    assert_ne!(keys.mark(8, b"message-1").1, number);
    assert_eq!(vault.marked(&[once])?, [None]);
    let before = vault.events_to_fold(&handle)?.len();
    vault.put_feed(
        &mut keys,
        &[event(handle, &[9, 1], b"line 3 of a file", once)],
        &[(7, b"note".to_vec())],
    )?;
    let marked = Marked { handle, key: vec![9, 1], amends: false };
    assert_eq!(vault.marked(&[once, keys.mark(7, b"other").0])?, [Some(marked), None]);
    assert_eq!(vault.source_note(7)?.as_deref(), Some(&b"note"[..]));
    let events = vault.events_to_fold(&handle)?;
    assert_eq!(events.len(), before + 1);
    assert_eq!(events.last().map(|event| event.as_slice()), Some(&b"an event"[..]));
    let (reader, listed) = (Name::new("operator")?, vault.entries()?.len());
    let kept = vault.traced(&handle, &[9, 1], &reader, 5)?.ok_or("kept")?;
    assert_eq!((kept.event.as_slice(), kept.origin.as_slice()), (&b"an event"[..], &b"line 3 of a file"[..]));
    assert_eq!(vault.entries()?.len(), listed + 1);
    Ok(())
}

#[test]
fn names_and_origins_never_stand_in_clear_and_marks_go_with_the_student() -> Tested {
    let world = World::new()?;
    let handle = world.handles[0][0];
    let mut keys = world.vault.feed_keys()?;
    let (once, _) = keys.mark(7, b"a-name-of-a-message");
    world.vault.put_feed(&mut keys, &[event(handle, &[9], b"a-line-of-a-file", once)], &[])?;
    world.vault.sync_rows()?;
    for (path, bytes) in files(&world.folder())? {
        for secret in [&b"a-name-of-a-message"[..], b"a-line-of-a-file", b"an event"] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret), "{}", path.display());
        }
    }
    world.vault.erase(&[handle], 9)?;
    assert_eq!(world.vault.marked(&[once])?, [None]);
    // Ciphers made ready before are of no use after.
    let refused = world.vault.put_feed(&mut keys, &[event(handle, &[9], b"", once)], &[]);
    assert!(matches!(refused, Err(VaultError::Erased(_) | VaultError::UnknownHandle(_))), "{refused:?}");
    Ok(())
}
