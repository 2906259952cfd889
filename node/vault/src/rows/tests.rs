use super::*;
use crate::testkit::*;

const LATER_MS: u64 = NOW_MS + 1_000;

fn row(key: &str, students: &[Handle], custody: Custody, vault: &Vault) -> Result<NewRow, VaultError> {
    let term = |text: &str| vault.term(text.as_bytes());
    let named = |handle: &Handle| term(&format!("agent {handle}"));
    let mut named_by = Vec::new();
    for handle in students {
        named_by.push((*handle, named(handle)?));
    }
    let all = || named_by.iter().map(|(_, term)| *term);
    let (terms, keys) = (all().chain([term("verb")?]).collect(), all().chain([term(key)?]).collect());
    Ok(NewRow {
        key: key.as_bytes().to_vec(),
        is_first: false,
        own: students.iter().map(|handle| (*handle, format!("called {handle}").into_bytes())).collect(),
        custody,
        common: format!("common text of {key}, which nobody else should read").into_bytes(),
        whole: format!("attachment of {key}, which nobody else should read").into_bytes(),
        terms,
        keys,
        terms_of: named_by.iter().map(|(handle, term)| (*handle, [*term].into_iter().collect())).collect(),
        marks: vec![0],
    })
}

fn all(vault: &Vault, term: &str) -> Result<Vec<String>, VaultError> {
    let term = vault.term(term.as_bytes())?;
    let keys = vault.row_keys(Some(&term), (&[], &[u8::MAX; 8]), false, 100)?;
    Ok(keys.into_iter().map(|key| String::from_utf8_lossy(&key).into_owned()).collect())
}

/// Rows of one student, of two, of nobody, and of nobody but with the term of the first.
fn filled() -> Result<(World, Handle, Handle), Box<dyn std::error::Error>> {
    let world = World::new()?;
    let [[one, _], [two, _]] = world.handles;
    let vault = &world.vault;
    let mut stray = row("stray", &[], Custody::Unassigned(LATER_MS), vault)?;
    let named = vault.term(format!("agent {one}").as_bytes())?;
    stray.terms = stray.terms.iter().copied().chain([named]).collect();
    let put = vec![
        row("alone", &[one], Custody::District, vault)?,
        row("both", &[one, two], Custody::District, vault)?,
        row("nobody", &[], Custody::Unassigned(LATER_MS), vault)?,
        row("district", &[], Custody::District, vault)?,
        stray,
    ];
    vault.change_rows(&RowChange { put, ..RowChange::default() })?;
    vault.sync_rows()?;
    Ok((world, one, two))
}

fn open(vault: &Vault, key: &str) -> Result<Option<OpenRow>, VaultError> {
    Ok(vault.open_rows(None, &[key.as_bytes().to_vec()], NOW_MS)?.pop())
}

#[test]
fn rows_are_found_by_terms_and_open_as_they_were_written() -> Tested {
    let (world, one, _) = filled()?;
    let world = world.reopened()?;
    assert_eq!(all(&world.vault, "verb")?, ["alone", "both", "district", "nobody", "stray"]);
    assert_eq!(all(&world.vault, &format!("agent {one}"))?, ["alone", "both", "stray"]);
    assert_eq!(all(&world.vault, "both")?, ["both"]);
    let opened = open(&world.vault, "both")?.ok_or("a row")?;
    assert!(opened.common.starts_with(b"common text of both"));
    assert_eq!(opened.own.len(), 2);
    assert!(opened.whole.is_some_and(|whole| whole.starts_with(b"attachment of both")));
    let backwards = world.vault.row_keys(None, (b"b", b"n"), true, 2)?;
    assert_eq!(backwards, [b"district".to_vec(), b"both".to_vec()]);
    world.vault.change_rows(&RowChange { delete: vec![b"both".to_vec()], ..RowChange::default() })?;
    assert_eq!(all(&world.vault, "verb")?, ["alone", "district", "nobody", "stray"]);
    Ok(())
}

#[test]
fn every_read_is_listed_for_every_student_before_it_is_given() -> Tested {
    let (world, one, two) = filled()?;
    let reader = Name::new("lms-east")?;
    let keys = ["alone", "both", "nobody"].map(|key| key.as_bytes().to_vec());
    assert_eq!(world.vault.open_rows(Some(&reader), &keys, NOW_MS)?.len(), 3);
    let mut listed: Vec<_> =
        world.vault.entries()?.iter().map(|entry| (entry.handle, entry.reader.clone())).collect();
    listed.sort();
    let mut expected = vec![(one, reader.clone()), (two, reader)];
    expected.sort();
    assert_eq!(listed, expected);
    // The writer's own comparison is not a read.
    open(&world.vault, "alone")?;
    assert_eq!(world.vault.entries()?.len(), 2);
    Ok(())
}

#[test]
fn who_is_erased_leaves_the_others_their_row_without_him() -> Tested {
    let (world, one, two) = filled()?;
    world.vault.erase(&[one], NOW_MS)?;
    {
        let world = world.reopened()?;
        let vault = &world.vault;
        assert_eq!(
            all(vault, "verb")?,
            ["both", "district", "nobody"],
            "his own row and the stray one are gone"
        );
        assert_eq!(all(vault, &format!("agent {one}"))?, [""; 0]);
        assert_eq!(all(vault, &format!("agent {two}"))?, ["both"]);
        assert!(open(vault, "alone")?.is_none());
        let both = open(vault, "both")?.ok_or("a row")?;
        assert!(both.common.starts_with(b"common text of both") && both.whole.is_none());
        assert_eq!(both.own.len(), 1);
        assert_eq!(both.own[0].as_slice(), format!("called {two}").as_bytes());
        let outline = vault.row_outline(b"both")?.ok_or("an outline")?;
        assert!(outline.redacted && outline.terms.len() == 2);
        vault.erase(&[two], NOW_MS)?;
        assert_eq!(all(vault, "verb")?, ["district", "nobody"]);
    }
    Ok(())
}

#[test]
fn marks_and_keys_of_one_row_change_together_and_inherited_terms_go_too() -> Tested {
    let (world, one, _) = filled()?;
    let vault = &world.vault;
    let (named, later) = (vault.term(format!("agent {one}").as_bytes())?, vault.term(b"later")?);
    let change = RowChange {
        marks: vec![(b"district".to_vec(), vec![7])],
        keys: vec![(b"district".to_vec(), BTreeSet::from([named, later]))],
        ..RowChange::default()
    };
    vault.change_rows(&change)?;
    assert_eq!(vault.row_outline(b"district")?.map(|outline| outline.marks), Some(vec![7]));
    assert_eq!(all(vault, &format!("agent {one}"))?, ["alone", "both", "district", "stray"]);
    vault.erase(&[one], NOW_MS)?;
    assert_eq!(all(vault, &format!("agent {one}"))?, [""; 0]);
    assert_eq!(all(vault, "later")?, ["district"]);
    let outline = vault.row_outline(b"district")?.ok_or("an outline")?;
    assert!(!outline.redacted, "it was nobody's");
    vault.change_rows(&RowChange { delete: vec![b"district".to_vec()], ..RowChange::default() })?;
    assert_eq!(all(vault, "later")?, [""; 0]);
    Ok(())
}

#[test]
fn a_row_is_found_no_more_by_what_is_forgotten_and_its_seal_is_anothers_when_it_is_written_anew() -> Tested {
    let (world, one, two) = filled()?;
    let vault = &world.vault;
    let later = vault.term(b"later")?;
    let seal = |key: &str| vault.row_seal(key.as_bytes());
    let before = seal("both")?.ok_or("a row")?;
    let mut holders = before.holders.clone();
    holders.sort();
    let mut expected = vec![one, two];
    expected.sort();
    assert_eq!(holders, expected);
    assert_eq!(vault.rows_of(&one)?, [b"alone".to_vec(), b"both".to_vec()]);
    let keys = vec![(b"both".to_vec(), BTreeSet::from([later]))];
    vault.change_rows(&RowChange { keys, ..RowChange::default() })?;
    assert_eq!(all(vault, "later")?, ["both"]);
    let forgotten = vec![(b"both".to_vec(), later), (b"none".to_vec(), later)];
    vault.change_rows(&RowChange { forgotten, ..RowChange::default() })?;
    assert_eq!((all(vault, "later")?.len(), all(vault, "verb")?.len()), (0, 5));
    assert_eq!(seal("both")?.as_ref(), Some(&before), "it is sealed as it was");
    vault.change_rows(&RowChange {
        put: vec![row("both", &[one, two], Custody::District, vault)?],
        ..RowChange::default()
    })?;
    assert_ne!(seal("both")?.ok_or("a row")?.tag, before.tag);
    assert_eq!((seal("district")?.map(|seal| seal.holders), seal("none")?), (Some(Vec::new()), None));
    Ok(())
}

#[test]
fn nothing_of_a_row_stands_in_clear_and_terms_of_the_erased_are_in_no_file() -> Tested {
    let (world, one, _) = filled()?;
    let folder = world.folder();
    let term = world.vault.term(format!("agent {one}").as_bytes())?;
    let holds = |what: &[u8]| -> Result<bool, std::io::Error> {
        Ok(files(&folder)?.iter().any(|(_, bytes)| bytes.windows(what.len()).any(|window| window == what)))
    };
    assert!(holds(&term)?, "before, the index has it");
    world.vault.erase(&[one], NOW_MS)?;
    let world = world.reopened()?;
    for text in ["common text of", "attachment of", &format!("called {one}"), &format!("agent {one}")] {
        assert!(!holds(text.as_bytes())?, "{text}");
    }
    drop(world);
    Ok(())
}

#[test]
fn what_nobody_was_matched_with_goes_in_time() -> Tested {
    let (world, ..) = filled()?;
    assert_eq!(world.vault.drop_unassigned(LATER_MS - 1)?, 0);
    assert_eq!(world.vault.drop_unassigned(LATER_MS)?, 2);
    assert_eq!(all(&world.vault, "verb")?, ["alone", "both", "district"]);
    Ok(())
}

#[test]
fn the_districts_keys_outlive_rotations() -> Tested {
    let (world, ..) = filled()?;
    let before = world.vault.term(b"x")?;
    world.vault.keystore().replace(&BTreeSet::new(), NOW_MS)?;
    let world = world.reopened()?;
    assert_eq!(world.vault.term(b"x")?, before);
    assert!(open(&world.vault, "district")?.is_some() && open(&world.vault, "both")?.is_some());
    Ok(())
}

#[test]
fn an_unknown_or_erased_student_is_in_no_new_row() -> Tested {
    let (world, one, two) = filled()?;
    let vault = &world.vault;
    let new = row("new", &[one, two], Custody::District, vault)?;
    vault.erase(&[one], NOW_MS)?;
    let refused = vault.change_rows(&RowChange { put: vec![new], ..RowChange::default() });
    assert!(matches!(refused, Err(VaultError::Erased(_))));
    assert_eq!(all(vault, "new")?, [""; 0]);
    Ok(())
}
