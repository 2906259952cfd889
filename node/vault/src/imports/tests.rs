use super::*;
use crate::LocalId;
use crate::access::{ReadError, ReadRequest};
use crate::testkit::*;
use crate::versions::VersionIn;

fn note() -> ImportNote {
    ImportNote {
        import: 0,
        at_ms: NOW_MS,
        school_year: YEAR,
        format: "csv".into(),
        rows: 2,
        students: 2,
        undone_ms: None,
    }
}

fn entry(id: &LocalId, school: u32) -> RosterEntry {
    RosterEntry {
        local_id: id.as_str().to_owned(),
        school: Some(school),
        local_school: format!("site {school}"),
        enrolled: true,
        modified_ms: 0,
    }
}

fn write(handle: Handle, id: &LocalId, school: u32, fields: &[(&str, Option<&str>)]) -> StudentWrite {
    let fields =
        fields.iter().map(|(name, value)| (field(name), value.map(|value| value.as_bytes().to_vec())));
    StudentWrite {
        handle,
        roster: Some(entry(id, school)),
        fields: fields.collect(),
        ties: Vec::new(),
        events: Vec::new(),
    }
}

fn value(vault: &Vault, handle: Handle, name: &str) -> Result<Option<String>, ReadError> {
    let given = read(vault, &request("admin", handle, &[name]))?;
    let found = given.values.first().and_then(|(_, value)| value.as_ref());
    Ok(found.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

#[test]
fn an_import_is_found_again_by_the_districts_own_names_and_undone() -> Tested {
    let world = World::new()?;
    let (vault, [[one, _], [other, _]]) = (&world.vault, world.handles);
    let before = value(vault, one, "name")?;
    let schools = BTreeMap::from([("site 31".to_owned(), 31)]);
    let writes = [
        write(one, &local(0), 31, &[("name", Some("new")), ("grade", Some("3"))]),
        write(other, &local(1), 31, &[("name", None)]),
    ];
    assert_eq!(vault.import(&note(), &schools, &writes)?, 1);
    let world = world.reopened()?;
    let vault = &world.vault;
    let roster = vault.roster(YEAR)?;
    let names: Vec<_> = roster.iter().map(|(handle, entry)| (*handle, entry.local_id.as_str())).collect();
    assert_eq!(names, [(one, "S-0"), (other, "S-1")]);
    assert_eq!(
        (vault.find_in(&local(0), YEAR)?, vault.knows(&local(0)), vault.knows(&local(9))),
        (Some(one), true, false)
    );
    assert_eq!(vault.find_in(&local(0), SchoolYear(YEAR.0 + 7))?, None);
    assert_eq!(vault.local_schools()?, schools);
    assert_eq!((value(vault, one, "name")?.as_deref(), value(vault, other, "name")?), (Some("new"), None));
    let comparing = vault.comparing();
    assert_eq!(comparing.is_same(&one, &field("name"), b"new")?, Some(true));
    assert_eq!(comparing.is_same(&one, &field("name"), b"old")?, Some(false));
    assert_eq!(comparing.is_same(&other, &field("name"), b"old")?, None);
    assert_eq!(vault.undo_import(1, NOW_MS)?, 2);
    assert_eq!((value(vault, one, "name")?, value(vault, one, "grade")?), (before, None));
    assert!(value(vault, other, "name")?.is_some() && vault.roster(YEAR)?.is_empty());
    assert!(matches!(vault.undo_import(1, NOW_MS), Err(UndoError::Undone(1))));
    assert!(matches!(vault.undo_import(2, NOW_MS), Err(UndoError::Unknown(2))));
    let notes = vault.imports()?;
    assert_eq!(
        notes.iter().map(|note| (note.import, note.undone_ms)).collect::<Vec<_>>(),
        [(1, Some(NOW_MS))]
    );
    Ok(())
}

#[test]
fn what_was_changed_or_anchored_since_is_not_undone_and_is_named() -> Tested {
    let world = World::new()?;
    let (vault, [[one, _], [other, _]]) = (&world.vault, world.handles);
    let no_schools = BTreeMap::new();
    let both = [write(one, &local(0), 31, &[("grade", Some("3"))]), write(other, &local(1), 31, &[])];
    vault.import(&note(), &no_schools, &both)?;
    vault.import(&note(), &no_schools, &[write(one, &local(0), 31, &[("grade", Some("4"))])])?;
    let refused = vault.undo_import(1, NOW_MS);
    assert!(
        matches!(&refused, Err(UndoError::Changed(names)) if names == &["S-0".to_owned()]),
        "{refused:?}"
    );
    assert_eq!(value(vault, one, "grade")?.as_deref(), Some("4"), "nothing of a refused undoing stays");
    vault.keep_versions(&[VersionIn { handle: other, version: 1, anchored: b"state" }])?;
    let refused = vault.undo_import(1, NOW_MS);
    assert!(
        matches!(&refused, Err(UndoError::Anchored(names)) if names == &["S-1".to_owned()]),
        "{refused:?}"
    );
    // What was anchored before an import is no reason against undoing it.
    vault.import(&note(), &no_schools, &[write(other, &local(1), 32, &[])])?;
    assert_eq!(vault.undo_import(3, NOW_MS)?, 1);
    assert_eq!((vault.undo_import(2, NOW_MS)?, value(vault, one, "grade")?.as_deref()), (1, Some("3")));
    Ok(())
}

#[test]
fn an_import_is_whole_or_not_at_all_and_goes_with_its_student() -> Tested {
    let world = World::new()?;
    let (vault, [[one, _], [other, _]]) = (&world.vault, world.handles);
    let stranger = Handle([9; 32]);
    let bad = [write(one, &local(0), 31, &[("grade", Some("3"))]), write(stranger, &local(8), 31, &[])];
    assert!(vault.import(&note(), &BTreeMap::new(), &bad).is_err());
    let reserved = [write(one, &local(0), 31, &[("state", Some("3"))])];
    assert!(matches!(vault.import(&note(), &BTreeMap::new(), &reserved), Err(VaultError::Reserved(_))));
    assert!(vault.imports()?.is_empty() && vault.roster(YEAR)?.is_empty());
    assert_eq!(value(vault, one, "grade")?, None);
    let both = [write(one, &local(0), 31, &[("grade", Some("3"))]), write(other, &local(1), 31, &[])];
    vault.import(&note(), &BTreeMap::new(), &both)?;
    vault.erase(&[one], NOW_MS)?;
    assert_eq!((vault.roster(YEAR)?.len(), vault.knows(&local(0))), (1, false));
    let left = vault.db.iterator_cf(family(&vault.db, Table::Journal)?, IteratorMode::Start).count();
    assert_eq!(left, 1, "the journal of the erased student is gone");
    assert_eq!(vault.undo_import(1, NOW_MS)?, 2);
    assert!(vault.roster(YEAR)?.is_empty());
    Ok(())
}

#[test]
fn nothing_of_a_student_lies_in_clear() -> Tested {
    let World { root, vault, handles } = World::new()?;
    let id = LocalId::new("PUPIL-0815-WHOM-NOBODY-MAY-READ").ok_or("an identifier")?;
    let fields = [("name", Some("a name that nobody else should ever read"))];
    let mut own = write(handles[0][0], &id, 31, &fields);
    if let Some(entry) = &mut own.roster {
        entry.local_school = "a school that nobody else should ever read".into();
    }
    vault.import(&note(), &BTreeMap::new(), &[own.clone()])?;
    vault.import(&note(), &BTreeMap::new(), &[own])?;
    drop(vault);
    for (path, bytes) in files(root.path())? {
        for secret in ["PUPIL-0815", "nobody else should ever read"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret:?} stands in {}", path.display());
        }
    }
    Ok(())
}

#[test]
fn what_ties_readers_and_the_events_of_an_import_go_with_it_and_a_later_roster_stands() -> Tested {
    let world = World::new()?;
    let (vault, [[one, _], _]) = (&world.vault, world.handles);
    let (teacher, other) = (Name::new("t-7")?, Name::new("t-8")?);
    let section = || vec![Relation::Section(term("4-b"))];
    let before = vault.event_keys(&one)?;
    let all = vault.all_relations()?.len();
    let tied = StudentWrite {
        ties: vec![
            (teacher.clone(), section()),
            (other.clone(), section()),
            (Name::new("t-1042")?, Vec::new()),
        ],
        events: vec![ImportedEvent {
            key: vec![7; 28],
            event: b"an event".to_vec(),
            origin: b"results.csv, line 2".to_vec(),
        }],
        ..write(one, &local(0), 31, &[])
    };
    vault.import(&note(), &BTreeMap::new(), &[tied])?;
    assert_eq!(
        (vault.relations(&teacher, &one)?, vault.relations(&Name::new("t-1042")?, &one)?),
        (section(), vec![])
    );
    assert_eq!((vault.event_keys(&one)?.len(), vault.all_relations()?.len()), (before.len() + 1, all + 1));
    let asked = ReadRequest { purpose: term("audit_evaluation"), ..request("auditor", one, &["events"]) };
    let read =
        vault.read_for_proof(&asked, &field(crate::access::STATE), None, &crate::testkit::key(), NOW_MS)?;
    assert!(read.events.iter().any(|event| event.as_slice() == b"an event"));
    let traced = vault.traced(&one, &[7; 28], &Name::new("auditor")?, NOW_MS)?.ok_or("an event")?;
    assert_eq!(traced.origin.as_slice(), b"results.csv, line 2");
    // A roster that was replaced since is not put back behind anybody's back.
    let now = crate::access::RosterLine {
        reader: other.clone(),
        handle: one,
        relation: Relation::Section(term("5")),
    };
    vault.replace_roster(&[now])?;
    vault.undo_import(1, NOW_MS)?;
    assert_eq!(vault.event_keys(&one)?, before);
    assert_eq!((vault.relations(&teacher, &one)?, vault.relations(&other, &one)?.len()), (vec![], 1));
    assert_eq!(vault.all_relations()?.len(), 1);
    Ok(())
}

#[test]
fn schools_are_those_that_the_roster_has_or_had_and_no_undone_one() -> Tested {
    let world = World::new()?;
    let (vault, [[one, later], [other, _]]) = (&world.vault, world.handles);
    let none = BTreeMap::new();
    assert!(vault.schools_of(&one)?.is_empty());
    for school in [31, 32] {
        vault.import(&note(), &none, &[write(one, &local(0), school, &[("grade", Some("3"))])])?;
    }
    vault.import(&note(), &none, &[write(other, &local(1), 40, &[])])?;
    assert_eq!(vault.schools_of(&one)?, [31, 32].into());
    assert_eq!((vault.schools_of(&other)?, vault.schools_of(&later)?), ([40].into(), BTreeSet::new()));
    // Who left was there; who was never there by the district's word is not.
    let mut left = write(one, &local(0), 33, &[]);
    left.roster = left.roster.map(|mut place| {
        place.enrolled = false;
        place
    });
    let number = vault.import(&note(), &none, &[left])?;
    assert_eq!(vault.schools_of(&one)?, [31, 32, 33].into());
    vault.undo_import(number, NOW_MS)?;
    assert_eq!(vault.schools_of(&one)?, [31, 32].into());
    vault.erase(&[one], NOW_MS)?;
    assert!(matches!(vault.schools_of(&one), Err(VaultError::Erased(_))));
    Ok(())
}

#[test]
fn the_newest_roster_is_of_the_year_in_which_somebody_is_enrolled_and_no_later_than_asked() -> Tested {
    let world = World::new()?;
    let (vault, [[one, later], [other, _]]) = (&world.vault, world.handles);
    let (none, next) = (BTreeMap::new(), SchoolYear(YEAR.0 + 1));
    let newest = |until: u16| vault.newest_roster(SchoolYear(until));
    assert_eq!(newest(2100)?, None, "handles alone are not a roster");
    vault.import(&note(), &none, &[write(one, &local(0), 31, &[]), write(other, &local(1), 31, &[])])?;
    assert_eq!((newest(2100)?, newest(YEAR.0 - 1)?), (Some(YEAR), None));
    // Results alone make a place of nobody's enrolment.
    let mut results = write(later, &local(0), 31, &[]);
    results.roster = results.roster.map(|mut place| {
        place.enrolled = false;
        place
    });
    vault.import(&note(), &none, &[results])?;
    assert_eq!(newest(2100)?, Some(YEAR));
    let number = vault.import(&note(), &none, &[write(later, &local(0), 31, &[])])?;
    assert_eq!((newest(2100)?, newest(YEAR.0)?), (Some(next), Some(YEAR)));
    vault.undo_import(number, NOW_MS)?;
    assert_eq!(newest(2100)?, Some(YEAR));
    vault.import(&note(), &none, &[write(later, &local(0), 31, &[])])?;
    vault.erase(&[one], NOW_MS)?;
    assert_eq!(newest(2100)?, Some(YEAR), "who was erased is on no roster");
    Ok(())
}
