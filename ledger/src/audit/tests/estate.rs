//! A row of an anchored building, as a district shows it.

use super::*;
use crate::audit::bundle::{EstateEvidence, FigureKey};
use crate::audit::open::{OpenError, show_row};
use crate::estate::Row;
use crate::names::Title;
use crate::proof::InclusionPath;
use crate::proof::merkle::{self, leaf_hash};
use crate::tx::AnchorEstate;
use crate::types::Hash;

fn row(texts: &[&str]) -> Vec<u8> {
    let part =
        |text: &&str| [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat();
    texts.iter().flat_map(part).collect()
}

/// The building's rows, ascending by key.
fn rows() -> Vec<Vec<u8>> {
    let mut rows: Vec<Vec<u8>> = (1..=6).map(|n| row(&["room", &format!("A{n}"), "30", "1.2"])).collect();
    rows.push(row(&["building", "North", "main"]));
    rows.sort_by_key(|row| Row::read(row).unwrap().key());
    rows
}

fn leaves() -> Vec<Hash> {
    rows().iter().map(|row| leaf_hash(&Row::read(row).unwrap().leaf(row))).collect()
}

fn north() -> Title {
    Title::new("North").unwrap()
}

/// The world with the building anchored twice, so that one root is that of an earlier version; by protocol 2, which has buildings.
pub fn anchored(mut world: World) -> World {
    world.upgrade();
    let head = merkle::head_of_hashes(&leaves());
    let building = |id: &str, version, root| AnchorEstate {
        building: Title::new(id).unwrap(),
        version,
        root,
        leaf_count: head.leaf_count,
    };
    world.accept("district-1", building("North", 1, Hash([1; 32])));
    world.accept("district-1", building("North", 2, head.root));
    world.accept("district-1", building("South", 1, Hash([1; 32])));
    world.block(None);
    world
}

/// The district's bundle with a room shown.
pub fn shown(world: &World) -> Bundle {
    let mut bundle = world.collector(&[]).estate(DistrictId(1)).unwrap();
    let path = merkle::path(&leaves(), 2).unwrap();
    show_row(&mut bundle, north(), rows()[2].clone(), path).unwrap();
    bundle
}

#[test]
fn a_room_of_an_anchored_building_is_shown_with_what_was_said_of_it() {
    let world = anchored(World::decided());
    let plain = world.collector(&[]).estate(DistrictId(1)).unwrap();
    let report = assert_valid(&world, &plain);
    assert_eq!(names(&report).last(), Some(&"estate"));
    let report = assert_valid(&world, &shown(&world));
    let words = &report.checks.last().unwrap().detail;
    assert!(words.contains("Version 2 of building North") && words.contains("\"30\", \"1.2\""), "{words}");
    assert!(matches!(world.collector(&[]).estate(DistrictId(2)), Err(BuildError::NotFound(_))));
    let figures = world.collector(&[]).figures(&[FigureKey::Estate(DistrictId(1))], &[]).unwrap();
    let report = assert_valid(&world, &figures);
    let said = report.figures.iter().find_map(|figure| figure.get("estate-1")).unwrap();
    assert_eq!(said["buildings"][1]["version"], 1);
}

#[test]
fn a_row_that_was_changed_moved_or_is_another_building_s_is_refused() {
    let world = anchored(World::decided());
    let plain = world.collector(&[]).estate(DistrictId(1)).unwrap();
    let path = merkle::path(&leaves(), 2).unwrap();
    let refused = |building: &str, row: Vec<u8>, path: &InclusionPath| {
        let outcome = show_row(&mut plain.clone(), Title::new(building).unwrap(), row, path.clone());
        assert_eq!(outcome, Err(OpenError::OtherBuilding), "{building}");
    };
    refused("South", rows()[2].clone(), &path);
    refused("East", rows()[2].clone(), &path);
    refused("North", rows()[3].clone(), &path);
    refused("North", Vec::new(), &path);
    let good = shown(&world);
    let tampered = |change: &dyn Fn(&mut EstateEvidence)| {
        let mut bundle = good.clone();
        if let Subject::Estate(estate) = &mut bundle.subject {
            change(estate);
        }
        let report = check(&world, &bundle, &Options::default());
        assert_eq!(report.verdict, Verdict::Invalid, "{}", lines(&report));
        report.checks.last().unwrap().name
    };
    assert_eq!(tampered(&|estate| estate.district = DistrictId(2)), "estate");
    assert_eq!(tampered(&|estate| estate.estate.value[20] ^= 1), "estate");
    let row_of = |estate: &mut EstateEvidence, change: &dyn Fn(&mut crate::audit::bundle::ShownRow)| {
        change(estate.shown.as_mut().unwrap());
    };
    assert_eq!(tampered(&|estate| row_of(estate, &|shown| shown.row = rows()[1].clone())), "estate row");
    assert_eq!(tampered(&|estate| row_of(estate, &|shown| shown.row.push(0))), "estate row");
    assert_eq!(tampered(&|estate| row_of(estate, &|shown| shown.path.index = 3)), "estate row");
    let south = Title::new("South").unwrap();
    assert_eq!(tampered(&|estate| row_of(estate, &|shown| shown.building = south.clone())), "estate row");
    let east = Title::new("East").unwrap();
    assert_eq!(tampered(&|estate| row_of(estate, &|shown| shown.building = east.clone())), "estate row");
}
