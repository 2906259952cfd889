//! Evidence over two ledgers: a consortium's receipt, checked from the parent's genesis.

use super::*;
use crate::audit::bundle::FigureKey;
use crate::audit::{ViaBundle, ViaReport, verify_via};
use crate::protocol::Protocol;
use crate::state::schema;
use crate::testkit::title;
use crate::tx::{AnchorHead, Change};
use crate::types::Hash;

/// A parent that has admitted the child.
pub(super) fn parent_of(child: &World) -> World {
    let mut parent = World::with("parent", |genesis| genesis.protocol = Protocol::NEWEST);
    parent.agree(Change::AdmitConsortium {
        genesis: child.chain.parsed.sha256,
        name: title("Eastern consortium"),
        founded_ms: child.chain.parsed.genesis.time_ms,
        validators: Box::new(child.chain.parsed.validators.clone()),
    });
    parent
}

/// Anchors the child's block of this height, after every change of its validators below that is not anchored yet.
pub(super) fn relay(parent: &mut World, child: &World, height: Height) {
    let genesis = child.chain.parsed.sha256;
    let changes = schema::set_changes(&child.chain.state).unwrap();
    let known = schema::consortium(&parent.chain.state, &genesis).unwrap().unwrap();
    let above = known.newest.map_or(Height(0), |head| head.height);
    let between = changes.keys().copied().filter(|at| (above.next()..height).contains(at));
    for at in between.chain([height]).collect::<Vec<_>>() {
        let (header, certificate) = child.blocks[&at].clone();
        parent.accept("voter-a", AnchorHead { header, certificate, new_set: changes.get(&at).cloned() });
    }
}

pub(super) fn parent_bundle(parent: &World, child: &World, height: Height) -> Bundle {
    let genesis = child.chain.parsed.sha256;
    let keys = [FigureKey::Consortium(genesis), FigureKey::AnchoredHead { genesis, height }];
    parent.collector(&[]).figures(&keys, &[]).unwrap()
}

/// The decision on a student's request, over both.
fn allocation(parent: &World, child: &World, height: Height) -> ViaBundle {
    let own = child.collector(&[height]).allocation(ROUND, DistrictId(1), &handle(3)).unwrap();
    ViaBundle { parent: parent_bundle(parent, child, height).to_canonical(), child: own.to_canonical() }
}

/// Both worlds, with the child's newest block anchored.
pub(super) fn both() -> (World, World) {
    let child = World::decided();
    let mut parent = parent_of(&child);
    relay(&mut parent, &child, child.chain.height);
    parent.block(None);
    (parent, child)
}

fn checked(via: &ViaBundle, parent: &World, child: &World) -> ViaReport {
    verify_via(&via.to_canonical(), &parent.genesis, &child.genesis, &Options::default())
}

/// What the auditor's and the second verifier's tests are given.
pub fn pinned() -> (World, ViaBundle) {
    let (parent, mut child) = both();
    let height = child.chain.height;
    child.block(None);
    child.block(None);
    let via = allocation(&parent, &child, height);
    (parent, via)
}

#[test]
fn a_decision_crosses_two_ledgers_at_the_anchored_block_and_above_it() {
    let (parent, mut child) = both();
    let height = child.chain.height;
    let told = checked(&allocation(&parent, &child, height), &parent, &child);
    assert_eq!((told.report.verdict, told.exit_code()), (Verdict::Valid, 0), "{}", lines(&told.report));
    let last = &told.report.checks.last().unwrap().detail;
    assert!(last.contains("anchored block itself"), "{last}");
    for _ in 0..3 {
        child.block(None);
    }
    let told = checked(&allocation(&parent, &child, height), &parent, &child);
    assert_eq!(told.exit_code(), 0, "{}", lines(&told.report));
    assert!(told.report.checks.last().unwrap().detail.contains("3 blocks above"));
    let line = told.to_json();
    assert_eq!(line["genesis_sha256"], serde_json::json!(parent.chain.parsed.sha256));
    assert_eq!(line["height"], serde_json::json!(parent.chain.height));
    assert_eq!(line["via"]["genesis_sha256"], serde_json::json!(child.chain.parsed.sha256));
    assert_eq!(line["via"]["height"], serde_json::json!(child.chain.height));
    assert_eq!(line["via"]["anchored"]["height"], serde_json::json!(height));
    assert_eq!(line["standing"], "stands");
}

#[test]
fn a_decision_that_fell_is_valid_and_does_not_stand() {
    let (mut parent, mut child) = both();
    child.another_round();
    relay(&mut parent, &child, child.chain.height);
    let told = checked(&allocation(&parent, &child, child.chain.height), &parent, &child);
    assert_eq!((told.report.verdict, told.exit_code()), (Verdict::Valid, 1), "{}", lines(&told.report));
    assert!(told.report.sentence.contains("DOES NOT STAND"), "{}", told.report.sentence);
}

/// The child's validators, all of them, sign another history from before the anchored block on: alone it is valid.
#[test]
fn a_history_that_the_validators_forged_later_is_refused_over_the_parent() {
    let mut child = World::decided();
    let mut forged = child.clone();
    child.block(None);
    let mut parent = parent_of(&child);
    relay(&mut parent, &child, child.chain.height);
    forged.accept("funder", crate::testkit::fund(7));
    forged.block(None);
    assert_valid(&forged, &forged.collector(&[]).allocation(ROUND, DistrictId(1), &handle(3)).unwrap());
    let told = checked(&allocation(&parent, &forged, child.chain.height), &parent, &forged);
    assert_eq!(told.report.verdict, Verdict::Invalid, "{}", lines(&told.report));
    assert!(told.report.sentence.contains("not the trusted one"), "{}", told.report.sentence);
}

#[test]
fn without_the_anchored_block_or_with_one_file_too_few_nobody_can_tell() {
    let (parent, mut child) = both();
    let height = child.chain.height;
    child.block(None);
    let own = child.collector(&[]).allocation(ROUND, DistrictId(1), &handle(3)).unwrap().to_canonical();
    let via = ViaBundle { child: own.clone(), ..allocation(&parent, &child, height) };
    assert_eq!(checked(&via, &parent, &child).report.verdict, Verdict::CannotTell);
    // A file over two ledgers with one genesis, and a file of one ledger with two.
    let file = allocation(&parent, &child, height).to_canonical();
    let report = verify(&file, &parent.genesis, &Options::default());
    assert_eq!(report.verdict, Verdict::CannotTell);
    assert!(report.sentence.contains("--via-genesis"), "{}", report.sentence);
    let told = verify_via(&own, &parent.genesis, &child.genesis, &Options::default());
    assert_eq!(told.exit_code(), 2);
}

#[test]
fn other_files_other_heads_and_other_chains_are_refused() {
    let (mut parent, child) = both();
    let height = child.chain.height;
    let good = allocation(&parent, &child, height);
    let stranger = World::decided_as("stranger");
    let refused = |via: &ViaBundle, parent: &[u8], child: &[u8]| {
        let told = verify_via(&via.to_canonical(), parent, child, &Options::default());
        assert_eq!(told.report.verdict, Verdict::Invalid, "{}", lines(&told.report));
        told.report.checks.last().unwrap().name
    };
    assert_eq!(refused(&good, &parent.genesis, &stranger.genesis), "via genesis");
    refused(&good, &child.genesis, &child.genesis);
    let swapped = ViaBundle { parent: good.child.clone(), child: good.parent.clone() };
    refused(&swapped, &parent.genesis, &child.genesis);
    // The other ledger's decision under this consortium's head.
    let theirs = stranger.collector(&[]).allocation(ROUND, DistrictId(1), &handle(3)).unwrap();
    refused(&ViaBundle { child: theirs.to_canonical(), ..good.clone() }, &parent.genesis, &child.genesis);
    // The parent's bundle about more, about less, and about the child's student.
    let genesis = child.chain.parsed.sha256;
    let pair = [FigureKey::Consortium(genesis), FigureKey::AnchoredHead { genesis, height }];
    for keys in [vec![pair[0]], vec![pair[1]], vec![FigureKey::Parameters, pair[0], pair[1]]] {
        let bundle = parent.collector(&[]).figures(&keys, &[]).unwrap().to_canonical();
        let via = ViaBundle { parent: bundle, ..good.clone() };
        assert_eq!(refused(&via, &parent.genesis, &child.genesis), "anchored head");
    }
    // A head of one consortium beside the record of another.
    parent.agree(Change::AdmitConsortium {
        genesis: stranger.chain.parsed.sha256,
        name: title("Stranger"),
        founded_ms: stranger.chain.parsed.genesis.time_ms,
        validators: Box::new(stranger.chain.parsed.validators.clone()),
    });
    let keys = [FigureKey::Consortium(stranger.chain.parsed.sha256), pair[1]];
    let bundle = parent.collector(&[]).figures(&keys, &[]).unwrap().to_canonical();
    let via = ViaBundle { parent: bundle, ..good.clone() };
    assert_eq!(refused(&via, &parent.genesis, &child.genesis), "anchored head");
}

/// A vote in the parent that names the child's genesis and other validators admits nobody who could be believed.
#[test]
fn a_parent_that_admitted_other_validators_is_refused() {
    let child = World::decided();
    let mut parent = parent_of(&child);
    relay(&mut parent, &child, child.chain.height);
    let genesis = child.chain.parsed.sha256;
    parent.lie(|overlay| {
        let mut record = schema::consortium(overlay, &genesis).unwrap().unwrap();
        record.founders_hash = Hash([3; 32]);
        schema::write(overlay, schema::consortium_key(&genesis), &record);
    });
    let told = checked(&allocation(&parent, &child, child.chain.height), &parent, &child);
    assert_eq!(told.report.verdict, Verdict::Invalid);
    assert_eq!(told.report.checks.last().unwrap().name, "via genesis");
}

#[test]
fn a_flipped_bit_anywhere_is_seen() {
    let (parent, child) = both();
    let file = allocation(&parent, &child, child.chain.height).to_canonical();
    assert_eq!(ViaBundle::from_canonical(&file).unwrap().to_canonical(), file);
    // The sum covers all; with a new sum, the bundles' own sums and proofs do.
    for at in (0..file.len()).step_by(61) {
        let mut flipped = file.clone();
        flipped[at] ^= 1;
        let told = verify_via(&flipped, &parent.genesis, &child.genesis, &Options::default());
        assert_ne!(told.report.verdict, Verdict::Valid, "byte {at}");
        let body = flipped.len() - 32;
        if at < body {
            let sum = crate::audit::sha256(&flipped[..body]).0;
            flipped[body..].copy_from_slice(&sum);
            let told = verify_via(&flipped, &parent.genesis, &child.genesis, &Options::default());
            assert_ne!(told.report.verdict, Verdict::Valid, "byte {at} under a new sum");
        }
    }
    for cut in [0, 1, 40, file.len() - 1] {
        let told = verify_via(&file[..cut], &parent.genesis, &child.genesis, &Options::default());
        assert_eq!(told.report.verdict, Verdict::Invalid, "{cut} bytes");
    }
}
