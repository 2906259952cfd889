use super::*;
use crate::check::estate::read_estate;

const SCHOOL: &str = r#"{"sites":[{"id":"main"}],"buildings":[{"id":"A","site":"main"},{"id":"B","site":"main"}],
 "rooms":[{"id":"A1","building":"A","capacity":30,"features":["sink","lab"],"kwh_per_hour":1.2},
 {"id":"A2","building":"A","capacity":24},{"id":"B1","building":"B","capacity":12}],
 "closures":[{"room":"A1","day":"mon","period":3},{"day":"2026-12-24"},{"day":"2026-12-24"}],
 "meters":[{"id":"m1","building":"A","kind":"electricity","unit":"kWh"}]}"#;

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn leaves(text: &str, building: &str) -> Vec<Hash> {
    rows(&read_estate(text.as_bytes()).unwrap(), building).iter().map(Row::leaf).collect()
}

#[test]
fn a_building_s_root_is_pinned_and_order_does_not_matter() {
    let own = leaves(SCHOOL, "A");
    // The building, two rooms, its closure and the one of all, a meter.
    assert_eq!((own.len(), leaves(SCHOOL, "B").len(), leaves(SCHOOL, "C").len()), (6, 3, 1));
    assert_eq!(hex(&root(&own)), ROOT_OF_A);
    let turned = SCHOOL.replace(r#"["sink","lab"]"#, r#"["lab","sink","lab"]"#);
    assert_eq!(root(&leaves(&turned, "A")), root(&own));
    for (from, to) in
        [("30", "31"), ("1.2", "1.3"), ("\"period\":3", "\"period\":4"), ("kWh", "MWh"), ("A2", "A3")]
    {
        assert_ne!(root(&leaves(&SCHOOL.replacen(from, to, 1), "A")), root(&own), "{from}");
    }
}

/// Made outside this crate, by hashlib, from the form that [`Row`] describes.
const ROOT_OF_A: &str = "ed9ba1224c056e0df2aa04b61fd9785c6fc42985c41a1d431a17c568ab0f1792";

#[test]
fn a_leaf_shows_its_root_and_no_other() {
    let all: Vec<Hash> = (0..13u8).map(|byte| Row::new("room", &byte.to_string(), &[]).leaf()).collect();
    for count in 1..=all.len() {
        let leaves = &all[..count];
        for index in 0..count {
            let way = path(leaves, index);
            assert_eq!(root_by(&leaves[index], index, count, &way), Some(root(leaves)));
            assert_ne!(root_by(&all[(index + 1) % 13], index, count, &way), Some(root(leaves)));
            let longer: Vec<Hash> = way.iter().copied().chain([all[0]]).collect();
            assert_ne!(root_by(&leaves[index], index, count, &longer), Some(root(leaves)));
        }
    }
    // RFC 9162, 2.1.1: the root of no leaves is the hash of nothing.
    assert_eq!(hex(&root(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
