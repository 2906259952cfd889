//! Districts enter and leave by vote; a district's schools enter, are renamed and close by its own word.

use super::rejections::{Row, milestone, propose};
use crate::code::Code;
use crate::codec::Canonical;
use crate::position::Position;
use crate::roles::Role;
use crate::state::schema::{self, Closing};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

fn enter(school: u32, from_year: u16) -> ChangeSchool {
    let position = Some(Position::new(36_162_664, -86_781_602).unwrap());
    let (name, school_type) = (title("Riverside"), name("rural"));
    let change = SchoolChange::Enter { name, school_type, position };
    ChangeSchool { school: SchoolId(school), from_year: SchoolYear(from_year), change }
}

fn rename(school: u32, from_year: u16, text: &str) -> ChangeSchool {
    let change = SchoolChange::Rename { name: title(text), position: None };
    ChangeSchool { school: SchoolId(school), from_year: SchoolYear(from_year), change }
}

fn close(school: u32, from_year: u16) -> ChangeSchool {
    ChangeSchool { school: SchoolId(school), from_year: SchoolYear(from_year), change: SchoolChange::Close }
}

fn admit(district: u16, operator: &str) -> Change {
    let (district, name) = (DistrictId(district), title("Lake County"));
    Change::AdmitDistrict { district, name, operator: account(operator) }
}

fn closing(district: u16, successor: Option<u16>) -> Change {
    Change::CloseDistrict { district: DistrictId(district), successor: successor.map(DistrictId) }
}

/// [`ready`] without district 1, whose business is another's, if anybody's.
fn without_first(successor: Option<u16>) -> Chain {
    let mut chain = ready();
    chain.agree(closing(1, successor));
    chain
}

pub(super) const ROWS: &[Row] = &[
    (Code::SchoolExists, || (ready(), "district-1", enter(21, 1988).into())),
    (Code::UnknownSchool, || (ready(), "district-1", rename(31, 1988, "North").into())),
    (Code::ForeignSchool, || (ready(), "district-1", close(21, 1989).into())),
    (Code::SchoolYearPast, || (ready(), "district-1", enter(31, 1986).into())),
    (Code::SchoolYearPast, || {
        let mut chain = ready();
        chain.accept("district-1", close(12, 1988));
        (chain, "district-1", rename(12, 1988, "North").into())
    }),
    (Code::SchoolInUse, || (ready(), "district-1", close(11, 1988).into())),
    (Code::SchoolClosed, || {
        let mut chain = ready();
        chain.accept("district-1", close(12, 1988));
        (chain, "district-1", anchor([50], 12).into())
    }),
    (Code::SchoolClosed, || {
        let mut chain = ready();
        chain.accept("district-1", enter(31, 1989));
        (chain, "voter-a", pool(9, 1, 31, 0, 1).into())
    }),
    (Code::RoleNotAllowed, || (ready(), "school-11", rename(11, 1988, "North").into())),
    (Code::DistrictExists, || (ready(), "voter-a", propose(admit(2, "voter-b")))),
    (Code::ActsElsewhere, || (ready(), "voter-a", propose(admit(3, "district-2")))),
    (Code::UnknownMember, || (ready(), "voter-a", propose(admit(3, "nobody")))),
    (Code::UnknownDistrict, || (ready(), "voter-a", propose(closing(3, None)))),
    (Code::UnknownDistrict, || (ready(), "voter-a", propose(closing(1, Some(3))))),
    (Code::RoundOpen, || {
        let mut chain = ready();
        chain.accept("voter-a", open(1));
        (chain, "voter-a", propose(closing(2, None)))
    }),
    (Code::DistrictClosed, || (without_first(None), "voter-a", propose(closing(1, None)))),
    (Code::DistrictClosed, || (without_first(None), "voter-a", propose(closing(2, Some(1))))),
    (Code::DistrictClosed, || (without_first(Some(2)), "district-1", anchor([50], 11).into())),
    (Code::DistrictClosed, || (without_first(Some(2)), "district-1", milestone(0, None).into())),
    (Code::DistrictClosed, || (without_first(Some(2)), "district-1", enter(31, 1988).into())),
    (Code::DistrictClosed, || (without_first(None), "voter-a", pool(9, 1, 12, 0, 1).into())),
    (Code::DistrictClosed, || {
        (without_first(None), "district-1", ReportUtilisation { pool: PoolId(1), in_use: 1 }.into())
    }),
];

#[test]
fn a_district_enters_by_vote_and_its_operator_does_all_that_a_district_does() {
    let mut chain = ready();
    let receipt = chain.agree(admit(3, "voter-c"));
    let event = Event::DistrictAdmitted { district: DistrictId(3), operator: account("voter-c") };
    assert!(receipt.events.contains(&event), "{receipt:?}");
    let record = schema::district(&chain.state, DistrictId(3)).unwrap().unwrap();
    assert_eq!((record.name.as_str(), record.admitted), ("Lake County", chain.height));
    chain.accept("voter-c", enter(31, 1988));
    chain.accept("voter-c", anchor([60, 61], 31));
    // Its other roles stay.
    let member = schema::member(&chain.state, &account("voter-c")).unwrap().unwrap();
    assert!(member.roles.has(Role::Consortium) && member.roles.has(Role::District));
    chain.accept("voter-a", pool(9, 1, 31, 0, 1));
    chain.accept("voter-a", open(1));
    chain.accept("voter-c", submit(&chain, 0, vec![request(60, 31, band_of(60), Mandate::None, &[0])]));
}

#[test]
fn a_school_has_the_name_and_place_of_each_school_year() {
    let mut chain = ready();
    chain.accept("district-1", enter(31, 1988));
    chain.accept("district-1", rename(31, 1989, "Riverside Middle"));
    let school = schema::school(&chain.state, SchoolId(31)).unwrap().unwrap();
    let named = |year: u16| school.name_in(SchoolYear(year)).unwrap().to_string();
    assert_eq!([named(1987), named(1988), named(1989), named(1999)].map(|n| n.len()), [9, 9, 16, 16]);
    let place = school.described_in(SchoolYear(1999)).unwrap().position.unwrap();
    assert_eq!(place.latitude_e6(), 36_162_664, "a new name moves no school");
    // What was to be said from then on is replaced.
    chain.accept("district-1", rename(31, 1988, "Hillside"));
    let school = schema::school(&chain.state, SchoolId(31)).unwrap().unwrap();
    assert_eq!(school.described.len(), 1);
    assert_eq!(school.name_in(SchoolYear(1999)).unwrap().as_str(), "Hillside");
    // A school of the genesis says nothing until its district does.
    chain.accept("district-1", rename(11, 1988, "Hilltop"));
    let school = schema::school(&chain.state, SchoolId(11)).unwrap().unwrap();
    assert_eq!((school.school_type.as_str(), school.from_year), ("rural", SchoolYear(0)));
}

#[test]
fn a_school_closes_from_a_year_and_what_began_before_goes_on() {
    let mut chain = ready();
    chain.accept("district-1", anchor([50, 51], 12));
    chain.accept("voter-a", OpenRound { extra_request_ms: 20_000, ..open(1) });
    chain.accept("district-1", close(12, 1989));
    // 1988 goes on as it was, requests of its students included.
    chain.accept("district-1", anchor([52], 12));
    let asked = vec![request(50, 12, band_of(50), Mandate::None, &[0])];
    chain.accept("district-1", submit(&chain, 0, asked));
    let next = AnchorStates { school_year: SchoolYear(1989), ..anchor([53], 12) };
    assert_eq!(chain.send("district-1", next).code, Code::SchoolClosed);
    // Closed from this very year, a student who was anchored there asks no more.
    chain.accept("district-1", close(12, 1988));
    let asked = submit(&chain, 0, vec![request(51, 12, band_of(51), Mandate::None, &[0])]);
    assert_eq!(chain.send("district-1", asked).code, Code::SchoolClosed);
}

#[test]
fn a_pool_that_is_retired_keeps_no_school_open() {
    let mut chain = ready();
    assert_eq!(chain.send("district-2", close(21, 1988)).code, Code::SchoolInUse);
    chain.accept("voter-a", RetirePool { pool: PoolId(3) });
    chain.accept("district-2", close(21, 1988));
}

/// A round of aids at school 11, decided, that its school owes a word on; then district 1 is closed.
fn owing(successor: Option<u16>) -> Chain {
    let mut chain = ready();
    chain.accept("voter-a", terms(1, None, Some(500_000)));
    chain.accept("voter-a", open(1));
    let asked = (0..3).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    chain.accept("district-1", submit(&chain, 0, asked));
    chain.draw(0);
    chain.accept("voter-a", run(0));
    chain.agree(closing(1, successor));
    chain
}

#[test]
fn a_closed_districts_acknowledgements_are_its_successors_or_nobodys() {
    let mut chain = owing(Some(2));
    assert_eq!(chain.send("school-11", acknowledge(1, Arrival::Received)).code, Code::ForeignPool);
    chain.accept("district-2", acknowledge(1, Arrival::Received));
    chain.accept("district-2", ReportUtilisation { pool: PoolId(1), in_use: 2 });
    let mut chain = owing(None);
    for sender in ["school-11", "district-1", "district-2"] {
        assert_eq!(chain.send(sender, acknowledge(1, Arrival::Received)).code, Code::DistrictClosed);
    }
}

#[test]
fn a_closed_district_still_keeps_what_it_owes_its_families() {
    use crate::access::ConsentChoice;
    let mut chain = without_first(Some(2));
    chain.accept("district-1", consent(ConsentChoice::Given, [1]));
    chain.accept("district-1", erasure([2]));
    chain.accept("district-1", access(5, 0));
    let record = schema::district(&chain.state, DistrictId(1)).unwrap().unwrap();
    let successor = Some(DistrictId(2));
    assert!(matches!(record.closed, Some(Closing { successor: s, .. }) if s == successor));
    assert_eq!(schema::heir(&chain.state, DistrictId(1)).unwrap(), successor);
    assert_eq!(schema::heir(&chain.state, DistrictId(2)).unwrap(), successor);
    // The successor is closed in turn: its business, and what came to it, is the third's.
    chain.agree(admit(3, "voter-c"));
    chain.agree(closing(2, Some(3)));
    assert_eq!(schema::heir(&chain.state, DistrictId(1)).unwrap(), Some(DistrictId(3)));
    chain.agree(closing(3, None));
    assert_eq!(schema::heir(&chain.state, DistrictId(1)).unwrap(), None);
}

#[test]
fn a_genesis_may_name_its_schools_and_say_where_they_are() {
    let mut genesis = genesis();
    genesis.schools[0].name = Some(title("Hilltop"));
    genesis.schools[0].position = Some(Position::new(1, 2).unwrap());
    let chain = Chain::of(genesis);
    let school = schema::school(&chain.state, SchoolId(11)).unwrap().unwrap();
    assert_eq!(school.name_in(YEAR).unwrap().as_str(), "Hilltop");
    let bytes = school.to_canonical();
    assert_eq!(bytes[0], 2, "the record's version");
}
