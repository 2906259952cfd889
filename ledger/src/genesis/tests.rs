//! Genesis files: identity by bytes, each rule, and the first state.

use super::*;
use crate::state::StateReader;
use crate::testkit::{genesis, name, peer};

fn refused(change: impl FnOnce(&mut Genesis)) -> String {
    let mut file = genesis();
    change(&mut file);
    let bytes = serde_json::to_vec(&file).unwrap();
    Genesis::parse(&bytes).unwrap_err().to_string()
}

#[test]
fn the_chain_id_is_the_name_and_the_hash_of_the_files_bytes() {
    let bytes = genesis().to_json().unwrap();
    let parsed = Genesis::parse(&bytes).unwrap();
    assert_eq!(parsed.genesis, genesis());
    let digest = hex::encode(Sha256::digest(&bytes));
    assert_eq!(parsed.chain_id.as_str(), format!("test-{}", &digest[..8]));
    assert_eq!(parsed.sha256.to_string(), digest);
    let spaced = [bytes, vec![b' ']].concat();
    assert_ne!(Genesis::parse(&spaced).unwrap().chain_id, parsed.chain_id, "one space more is another chain");
}

#[test]
fn every_rule_refuses_in_a_sentence_that_names_the_entry() {
    let rows: Vec<(String, &str)> = vec![
        (refused(|g| g.districts.push(g.districts[0].clone())), "district 1 stands twice"),
        (refused(|g| g.schools.push(g.schools[0].clone())), "school 11 stands twice"),
        (refused(|g| g.schools[0].district = DistrictId(9)), "school 11 is in district 9"),
        (refused(|g| g.members[1].name = g.members[0].name.clone()), "member voter-a stands twice"),
        (refused(|g| g.members[1].public_key = g.members[0].public_key), "member voter-b stands twice"),
        (refused(|g| g.members[0].public_key = PublicKey([0; 32])), "key of member voter-a"),
        (refused(|g| g.members[3].district = None), "member district-1 needs a role"),
        (refused(|g| g.members[5].district = Some(DistrictId(1))), "member funder needs a role"),
        (refused(|g| g.members[3].district = Some(DistrictId(9))), "district of member district-1"),
        (refused(|g| g.members[7].school = Some(SchoolId(21))), "school of member school-11"),
        (refused(|g| g.members.retain(|m| !m.roles.has(Role::Consortium))), "nobody could vote"),
        (refused(|g| g.validators[0].operator = name("nobody")), "operator of validator validator-1"),
        (refused(|g| g.validators[0].power = 2), "power 1"),
        (refused(|g| g.validators[0].public_key = PublicKey([0; 32])), "key of validator validator-1"),
        (refused(|g| g.validators.clear()), "1 to 200 validators"),
        (refused(|g| g.validators.push(g.validators[0].clone())), "validator validator-1 stands twice"),
        (refused(|g| g.params.max_block_rounds = 0), "max_block_rounds must be from 1 to 16"),
    ];
    for (said, expected) in rows {
        assert!(said.contains(expected), "{said:?} should say {expected:?}");
    }
}

#[test]
fn unknown_fields_names_out_of_form_and_too_many_bytes_are_refused() {
    let text = String::from_utf8(genesis().to_json().unwrap()).unwrap();
    let unknown = text.replacen('{', "{\"extra\": 1,", 1);
    assert!(Genesis::parse(unknown.as_bytes()).unwrap_err().to_string().contains("extra"));
    let posted = Genesis::parse(text.replace('\n', "\r\n").as_bytes()).unwrap_err();
    assert!(posted.to_string().contains("end in CR LF"), "{posted}");
    let twice = text.replacen('{', "{\"name\": \"other\",", 1);
    assert!(Genesis::parse(twice.as_bytes()).is_err());
    let shouted = text.replacen("\"voter-a\"", "\"VOTER\"", 1);
    assert!(Genesis::parse(shouted.as_bytes()).is_err());
    assert!(matches!(Genesis::parse(&vec![b' '; MAX_GENESIS_BYTES + 1]), Err(GenesisError::Size(_))));
    assert!(matches!(Genesis::parse(b""), Err(GenesisError::Form(_))));
}

/// The file with something else at a place: names of members and places in lists.
fn with(place: &[&str], value: serde_json::Value) -> Result<Parsed, GenesisError> {
    let mut file = serde_json::to_value(genesis()).unwrap();
    let mut at = &mut file;
    for step in place {
        at = match step.parse::<usize>() {
            Ok(index) => at.get_mut(index).unwrap(),
            Err(_) => at.as_object_mut().unwrap().entry(*step).or_insert_with(|| serde_json::json!([null])),
        };
    }
    *at = value;
    Genesis::parse(&serde_json::to_vec(&file).unwrap())
}

#[test]
fn a_list_of_values_is_no_object_and_a_number_is_digits_alone() {
    let values = |place: &str| {
        let file = serde_json::to_value(genesis()).unwrap();
        let fields = file.pointer(place).unwrap().as_object().unwrap().values().cloned();
        serde_json::Value::Array(fields.collect())
    };
    let lists = [
        (vec!["params"], serde_json::json!([])),
        (vec!["params"], values("/params")),
        (vec!["districts", "0"], serde_json::json!([1, "District"])),
        (vec!["schools", "0"], serde_json::json!([11, 1, "rural"])),
        (vec!["schools", "0", "position"], serde_json::json!([1, 2])),
        (vec!["sources", "0"], serde_json::json!(["title", "text"])),
        (
            vec!["members", "0"],
            serde_json::json!(["voter-a", ["consortium"], genesis().members[0].public_key]),
        ),
        (vec!["validators", "0"], values("/validators/0")),
    ];
    for (place, value) in lists {
        let refused = with(&place, value).unwrap_err().to_string();
        assert!(refused.contains("an object in braces"), "{place:?}: {refused}");
    }
    let whole = serde_json::to_vec(&values("")).unwrap();
    assert!(Genesis::parse(&whole).unwrap_err().to_string().contains("an object in braces"));
    assert!(with(&["sources", "0"], serde_json::json!({ "title": "a", "text": "b" })).is_ok());
    let place = serde_json::json!({ "latitude_e6": 1, "longitude_e6": -2 });
    assert!(with(&["schools", "0", "position"], place).is_ok());
    assert!(with(&["params"], serde_json::Value::Null).is_err(), "null is not an object");
    assert!(with(&["members", "0", "district"], serde_json::Value::Null).is_ok(), "as good as none");
    let text = String::from_utf8(genesis().to_json().unwrap()).unwrap();
    assert!(text.contains("\"time_ms\": 1000,"));
    for number in ["-0", "1e3", "1000.0", "\"1000\"", "null"] {
        let other = text.replacen("\"time_ms\": 1000,", &format!("\"time_ms\": {number},"), 1);
        assert!(Genesis::parse(other.as_bytes()).is_err(), "{number}");
    }
}

#[test]
fn the_first_state_holds_everything_the_file_says() {
    let parsed = Genesis::parse(&genesis().to_json().unwrap()).unwrap();
    let (writes, root) = genesis_state(&parsed).unwrap();
    let (_, again) = genesis_state(&parsed).unwrap();
    assert_eq!(root, again);
    let mut state = MemoryState::new();
    state.apply(writes);
    assert_eq!(crate::state::map::root(&state, Height(0)).unwrap(), root);
    let chain = schema::chain(&state).unwrap();
    assert_eq!((chain.height, chain.time_ms), (Height(0), TimeMs(1_000)));
    assert_eq!(schema::members(&state).unwrap().len(), 10);
    assert_eq!(schema::counters(&state).unwrap().consortium_members, 3);
    assert_eq!(schema::schools(&state).unwrap().len(), 4);
    assert_eq!(schema::districts(&state).unwrap().len(), 2);
    assert_eq!(schema::peers(&state).unwrap()[0].peer_id, peer(1));
    let account = schema::account_of_name(&state, &name("funder")).unwrap().unwrap();
    assert_eq!(schema::account(&state, &account).unwrap().unwrap().sequence, 0);
    for height in 0..3 {
        assert_eq!(
            schema::validator_set_at(&state, Height(height)).unwrap(),
            Some(parsed.validators.clone())
        );
    }
    assert!(state.value(b"nothing").unwrap().is_none());
}
