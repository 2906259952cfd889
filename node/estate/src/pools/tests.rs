use super::*;
use crate::check::estate::read_estate;

const SCHOOLS: &str = r#"{"sites":[{"id":"main","school":31},{"id":"annex","school":32},{"id":"depot"}],
 "buildings":[{"id":"A","site":"main"},{"id":"B","site":"annex"},{"id":"C","site":"depot"}],
 "rooms":[{"id":"A1","building":"A","capacity":30,"features":["Sink","lab"]},
 {"id":"A2","building":"A","capacity":24,"features":["lab","Sink","lab"]},{"id":"A3","building":"A","capacity":20},
 {"id":"A4","building":"A","capacity":0},{"id":"B1","building":"B","capacity":12},{"id":"C1","building":"C","capacity":9},
 {"id":"X","capacity":9}]}"#;

#[test]
fn rooms_alike_at_a_school_are_one_pool_of_their_seats() {
    let estate = read_estate(SCHOOLS.as_bytes()).unwrap();
    let found = pools(&estate, Alike::Features).unwrap();
    let told: Vec<(u32, &str, u32, usize)> =
        found.iter().map(|pool| (pool.school, pool.kind.as_str(), pool.seats, pool.rooms.len())).collect();
    assert_eq!(told, [(31, "room", 20, 1), (31, "sink-lab", 54, 2), (32, "room", 12, 1)]);
    let single = pools(&estate, Alike::Room).unwrap();
    let kinds: Vec<&str> = single.iter().map(|pool| pool.kind.as_str()).collect();
    assert_eq!(kinds, ["a1", "a2", "a3", "b1"]);
}

#[test]
fn kinds_of_one_name_and_too_many_kinds_are_refused() {
    let both = SCHOOLS.replace(
        "\"A3\",\"building\":\"A\",\"capacity\":20",
        "\"A3\",\"building\":\"A\",\"capacity\":20,\"features\":[\"sink lab\"]",
    );
    let error = pools(&read_estate(both.as_bytes()).unwrap(), Alike::Features).unwrap_err().to_string();
    assert!(error.contains("sink-lab"), "{error}");
    let rooms: Vec<String> =
        (0..33).map(|n| format!(r#"{{"id":"R{n}","building":"A","capacity":9}}"#)).collect();
    let many = format!(
        r#"{{"sites":[{{"id":"s","school":1}}],"buildings":[{{"id":"A","site":"s"}}],"rooms":[{}]}}"#,
        rooms.join(",")
    );
    let estate = read_estate(many.as_bytes()).unwrap();
    assert!(pools(&estate, Alike::Room).unwrap_err().to_string().contains("33 kinds"));
    assert_eq!(pools(&estate, Alike::Features).unwrap()[0].seats, 297);
}
