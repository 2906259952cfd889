//! Buildings of a district's estate: versions follow each other, and only their district anchors them.

use super::attacks_state::furnish;
use super::rejections::Row;
use crate::code::Code;
use crate::codec::Canonical;
use crate::genesis::Genesis;
use crate::proof::TreeHead;
use crate::protocol::Protocol;
use crate::state::schema::{self, Estate};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

fn building(id: &str, version: u32) -> AnchorEstate {
    AnchorEstate { building: title(id), version, root: Hash([version as u8; 32]), leaf_count: 12 }
}

fn long(number: usize) -> String {
    format!("{number:0>120}")
}

/// A chain on which a district's record has no room for another building.
fn full() -> Chain {
    let mut chain = Chain::of(Genesis { protocol: Protocol::NEWEST, ..genesis() });
    furnish(&mut chain, |overlay, height| {
        let anchored = |number: usize| schema::AnchoredBuilding {
            building: title(&long(number)),
            version: 1,
            head: TreeHead { leaf_count: 1, root: Hash([1; 32]) },
            by: account("district-1"),
            at: schema::Moment { height, time_ms: TimeMs(1) },
        };
        let one = borsh::to_vec(&anchored(0)).unwrap().len();
        let most = usize::try_from(Estate::MAX_BYTES).unwrap() / one;
        assert!((600..999).contains(&most), "{most}");
        let estate = Estate { district: DistrictId(1), buildings: (0..most).map(anchored).collect() };
        schema::write(overlay, schema::estate_key(DistrictId(1)), &estate);
    });
    chain
}

pub(super) const ROWS: &[Row] = &[
    (Code::EstateVersion, || (ready_newest(), "district-1", building("A", 2).into())),
    (Code::EstateVersion, || {
        let mut chain = ready_newest();
        chain.accept("district-1", building("A", 1));
        (chain, "district-1", building("A", 1).into())
    }),
    (Code::RoleNotAllowed, || (ready_newest(), "funder", building("A", 1).into())),
    (Code::RoleNotAllowed, || (ready_newest(), "school-11", building("A", 1).into())),
    (Code::DistrictClosed, || {
        let mut chain = ready_newest();
        chain.agree(Change::CloseDistrict { district: DistrictId(1), successor: None });
        (chain, "district-1", building("A", 1).into())
    }),
    (Code::RecordTooLarge, || (full(), "district-1", building(&long(999), 1).into())),
];

#[test]
fn versions_of_a_building_follow_each_other_and_buildings_stand_in_order() {
    let mut chain = ready_newest();
    for (id, version) in [("B", 1), ("A", 1), ("B", 2), ("Ä wing", 1)] {
        let receipt = chain.accept("district-1", building(id, version));
        let (district, root) = (DistrictId(1), Hash([version as u8; 32]));
        let event = Event::EstateAnchored { district, building: title(id), version, root, leaf_count: 12 };
        assert_eq!(receipt.events, [event]);
    }
    chain.accept("district-2", building("A", 1));
    let estate = schema::estate(&chain.state, DistrictId(1)).unwrap().unwrap();
    let ids: Vec<&str> = estate.buildings.iter().map(|one| one.building.as_str()).collect();
    assert_eq!(ids, ["A", "B", "Ä wing"]);
    let anchored = estate.building("B").unwrap();
    assert_eq!((anchored.version, anchored.head), (2, TreeHead { leaf_count: 12, root: Hash([2; 32]) }));
    assert_eq!(anchored.by, account("district-1"));
    assert_eq!(schema::estates(&chain.state).unwrap().len(), 2);
}

#[test]
fn a_payload_names_a_version_and_at_least_one_row() {
    let good = building("A", 1);
    assert_eq!(Payload::from(good.clone()).check(), Ok(()));
    for bad in [
        AnchorEstate { version: 0, ..good.clone() },
        AnchorEstate { leaf_count: 0, ..good.clone() },
        AnchorEstate { leaf_count: crate::estate::MAX_ROWS + 1, ..good },
    ] {
        assert_eq!(Payload::from(bad).check(), Err(Code::InvalidPayload));
    }
}
