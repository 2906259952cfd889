use aula_ledger::access::Relation;
use aula_ledger::codec::Canonical;
use aula_ledger::proof::TreeHead;
use aula_ledger::types::{Hash, Height};

use super::*;
use crate::pair::Way;
use crate::schedule::DAY_MS;
use crate::testkit::*;
use crate::vault::Folders;

fn words(vault: &Vault) -> Vec<(u64, Verdict)> {
    vault.entries().expect("a log").into_iter().map(|entry| (entry.number, entry.verdict)).collect()
}

fn facts<'a>(
    (standing, role): (Standing, &'a Term),
    (class, purpose): (&'a Term, &'a Term),
    consent: Option<ConsentChoice>,
    fields: &'a [FieldName],
) -> Facts<'a> {
    Facts { standing, role, class, purpose, consent, relations: both(), presence: Presence::Kept, fields }
}

/// A teacher of the student's section who counsels at the student's school too.
fn both() -> &'static [Relation] {
    static BOTH: std::sync::OnceLock<[Relation; 2]> = std::sync::OnceLock::new();
    BOTH.get_or_init(|| [Relation::Section(term("4-b")), Relation::School(aula_ledger::types::SchoolId(11))])
}

/// What a role gets of [`FIELDS`] for a purpose from personal data, consent given.
fn expected(role: &str, purpose: &str) -> &'static [&'static str] {
    match (role, purpose) {
        ("teacher", "educational_necessity") => &["name"],
        ("counselor", "educational_necessity") => &["name", "need", "events"],
        ("admin", "educational_necessity") => &["name", "birth_date"],
        ("operator", "educational_necessity" | "evidence_opening") => &["need", "events"],
        ("auditor", "audit_evaluation") | ("service", "institutional_service") => &["events"],
        _ => &[],
    }
}

const FIELDS: [&str; 6] = ["name", "need", "birth_date", "band", "events", "shoe_size"];
const PURPOSES: [&str; 6] = [
    "educational_necessity",
    "resource_allocation",
    "audit_evaluation",
    "institutional_service",
    "evidence_opening",
    "marketing",
];

#[test]
fn of_all_combinations_only_the_written_rules_allow() {
    let fields = FIELDS.map(field);
    let consents = [None, Some(ConsentChoice::Given), Some(ConsentChoice::Withdrawn)];
    let roles = ["teacher", "counselor", "admin", "operator", "auditor", "service", "janitor", "none"];
    let classes = ["FERPA_PII", "resource_allocation", "health", "none"].map(term);
    let mut allowed = 0;
    for (role, purpose) in roles.iter().flat_map(|role| PURPOSES.map(|purpose| (*role, purpose))) {
        let (role_word, purpose_word) = (term(role), term(purpose));
        for (class, consent) in classes.iter().flat_map(|class| consents.map(|consent| (class, consent))) {
            for standing in [Standing::Verified, Standing::None, Standing::Refused] {
                let asked = facts((standing, &role_word), (class, &purpose_word), consent, &fields);
                let asks = ["educational_necessity", "evidence_opening"].contains(&purpose);
                let agreed = !asks || consent == Some(ConsentChoice::Given);
                let expected: &[&str] = match class.as_str() {
                    _ if standing != Standing::Verified => &[],
                    "resource_allocation" if PURPOSES[..2].contains(&purpose) => &["band"],
                    "FERPA_PII" if agreed => expected(role, purpose),
                    _ => &[],
                };
                match decide(&asked) {
                    Decision::Allow { fields: given, basis, relation } => {
                        let given: Vec<&str> = given.iter().map(FieldName::as_str).collect();
                        assert_eq!(given, expected, "{asked:?}");
                        let basis_of = match purpose {
                            "audit_evaluation" => "34 CFR 99.31(a)(3)",
                            "institutional_service" => "34 CFR 99.31(a)(1)(i)(B)",
                            "evidence_opening" => "34 CFR 99.30",
                            _ => "34 CFR 99.31(a)(1)(i)(A)",
                        };
                        assert_eq!(basis.name(), basis_of, "{asked:?}");
                        let relation_of = match (class.as_str(), role) {
                            ("resource_allocation", _) => None,
                            (_, "teacher") => Some(both()[0].clone()),
                            (_, "counselor") => Some(both()[1].clone()),
                            _ => Some(Relation::Office),
                        };
                        assert_eq!(relation, relation_of, "{asked:?}");
                        allowed += 1;
                    }
                    Decision::Deny(_) => assert!(expected.is_empty(), "{asked:?}"),
                }
            }
        }
    }
    // Allocation data: eight roles, two purposes, whatever was said; five purposes with consent, two without any.
    assert_eq!(allowed, 8 * 2 * 3 + 5 + 2 * 3);
}

#[test]
fn each_reason_to_deny_is_told() {
    let (name, band) = ([field("name")], [field("band")]);
    let given = Some(ConsentChoice::Given);
    let (teacher, janitor) = (term("teacher"), term("janitor"));
    let (pii, open, other) = (term("ferpa-pii"), term("RESOURCE_ALLOCATION"), term("health"));
    let (teach, share, sell) = (term("educational-necessity"), term("resource_allocation"), term("sell"));
    let ok = (Standing::Verified, &teacher);
    let cases = [
        (facts((Standing::Refused, &teacher), (&pii, &teach), given, &name), Denial::CredentialRefused),
        (facts((Standing::None, &teacher), (&pii, &teach), given, &name), Denial::InsufficientData),
        (facts(ok, (&other, &teach), given, &name), Denial::InsufficientData),
        (facts(ok, (&pii, &sell), given, &name), Denial::InsufficientData),
        (facts(ok, (&pii, &teach), None, &name), Denial::InsufficientData),
        (facts((Standing::Verified, &janitor), (&pii, &teach), given, &name), Denial::RoleNotAllowed),
        (facts(ok, (&pii, &share), given, &name), Denial::PurposeNotAllowed),
        (facts(ok, (&pii, &teach), Some(ConsentChoice::Withdrawn), &name), Denial::ConsentWithdrawn),
        (Facts { relations: &[], ..facts(ok, (&pii, &teach), given, &name) }, Denial::NoRelation),
        (Facts { relations: &both()[1..], ..facts(ok, (&pii, &teach), given, &name) }, Denial::NoRelation),
        (facts(ok, (&pii, &teach), given, &band), Denial::NothingNeeded),
        (facts(ok, (&open, &teach), given, &name), Denial::NothingNeeded),
        (Facts { presence: Presence::Erased, ..facts(ok, (&open, &teach), given, &band) }, Denial::Erased),
        (
            Facts { presence: Presence::Unknown, ..facts(ok, (&open, &teach), given, &band) },
            Denial::InsufficientData,
        ),
    ];
    for (facts, denial) in cases {
        assert_eq!(decide(&facts), Decision::Deny(denial), "{facts:?}");
    }
    let official = aula_ledger::access::Basis::SchoolOfficial;
    assert_eq!(
        decide(&facts(ok, (&pii, &teach), given, &name)),
        Decision::Allow { fields: name.to_vec(), basis: official, relation: Some(both()[0].clone()) }
    );
}

#[test]
fn a_read_gives_the_needed_fields_and_lists_itself_and_denials_are_listed_too() -> Tested {
    let world = World::new()?;
    let [[one, _], _] = world.handles;
    let given = read(&world.vault, &request("teacher", one, &["name", "birth_date", "band"]))?;
    assert_eq!(given.values.len(), 1);
    assert_eq!(given.withheld, [field("birth_date"), field("band")]);
    assert_eq!(given.entry.fields, [field("name")]);
    assert_eq!((given.entry.reader.as_str(), given.entry.role.as_str()), ("t-1042", "teacher"));
    let denied = read(&world.vault, &request("teacher", one, &["birth_date"]));
    assert!(matches!(denied, Err(ReadError::Denied(Denial::NothingNeeded, _))));
    let open = ReadRequest { class: term("resource_allocation"), ..request("janitor", one, &["band"]) };
    assert_eq!(read(&world.vault, &open)?.values.len(), 1);
    let listed = [(0, Verdict::Granted), (1, Verdict::Denied(Denial::NothingNeeded)), (2, Verdict::Granted)];
    assert_eq!(words(&world.vault), listed);
    assert_eq!(words(&world.reopened()?.vault), listed);
    Ok(())
}

#[test]
fn strangers_are_counted_and_neither_given_anything_nor_listed() -> Tested {
    let world = World::new()?;
    let none = ReadRequest { credential: None, ..request("teacher", world.handles[0][0], &["band", "name"]) };
    for class in ["FERPA_PII", "resource_allocation"] {
        let asked = ReadRequest { class: term(class), ..none.clone() };
        let refused = read(&world.vault, &asked);
        assert!(matches!(refused, Err(ReadError::Stranger(Denial::InsufficientData))), "{refused:?}");
        let forged = Credential::sign(
            &aula_ledger::credential::Claim {
                genesis: identity().genesis,
                account: identity().account,
                expires_ms: NOW_MS + 60_000,
                scope: Scope::vault("admin", "a-1").ok_or("a scope")?,
            },
            &ed25519_dalek::SigningKey::from_bytes(&[4; 32]),
        );
        let refused = read(&world.vault, &ReadRequest { credential: Some(forged), ..asked });
        assert!(matches!(refused, Err(ReadError::Stranger(Denial::CredentialRefused))), "{refused:?}");
    }
    assert_eq!((words(&world.vault), world.vault.strangers()?), (Vec::new(), 4));
    assert_eq!(world.reopened()?.vault.strangers()?, 4);
    Ok(())
}

#[test]
fn an_audit_and_the_districts_own_processing_are_listed_as_what_they_are_and_need_no_consent() -> Tested {
    let world = World::new()?;
    let one = world.handles[0][0];
    let purpose = Purpose::EducationalNecessity;
    world.vault.keep_consent(&[one], purpose, ConsentChoice::Withdrawn)?;
    for (role, word) in [("auditor", "audit_evaluation"), ("service", "institutional_service")] {
        let asked = ReadRequest { purpose: term(word), ..request(role, one, &["events", "name"]) };
        let given = read(&world.vault, &asked)?;
        let entry = &given.entry;
        assert_eq!((entry.role.as_str(), entry.purpose.as_str(), given.events.len()), (role, word, 2));
        let told = serde_json::to_value(entry)?;
        assert_eq!(
            told["basis"].as_str(),
            Purpose::ALL.into_iter().find(|p| p.name() == word).map(|p| p.basis().name())
        );
        // Under the purpose of somebody else it is not an audit.
        let other = ReadRequest { purpose: term("educational_necessity"), ..request(role, one, &["events"]) };
        assert!(matches!(read(&world.vault, &other), Err(ReadError::Denied(Denial::PurposeNotAllowed, _))));
    }
    Ok(())
}

#[test]
fn names_that_the_program_uses_are_refused_whoever_writes_them() -> Tested {
    let world = World::new()?;
    let one = world.handles[0][0];
    for name in RESERVED.iter().flat_map(|name| [(*name).to_owned(), name.to_uppercase()]) {
        let both = [(one, field("nickname"), &b"1"[..]), (one, field(&name), b"2")];
        assert!(matches!(world.vault.put_fields(&both), Err(VaultError::Reserved(_))), "{name}");
    }
    assert!(world.vault.open_record(&one, &field("nickname"))?.is_none(), "nothing of such a batch is kept");
    assert!(world.vault.put_fields(&[(one, field("nickname"), b"1")]).is_ok());
    Ok(())
}

/// A disk that is full.
struct Full;

impl LogWriter for Full {
    fn append(&mut self, _: &Way<'_>, _: &AccessEntry) -> Result<(), VaultError> {
        Err(VaultError::Unwritable("no space left on device".into()))
    }
}

#[test]
fn with_the_log_unwritable_there_is_no_read_and_with_space_again_there_is() -> Tested {
    let world = World::new()?;
    let asked = request("teacher", world.handles[0][0], &["name"]);
    *world.vault.log.lock().map_err(|_| "poisoned")? = Box::new(Full);
    for _ in 0..3 {
        let refused = read(&world.vault, &asked);
        assert!(matches!(refused, Err(ReadError::LogUnwritable(VaultError::Unwritable(_)))), "{refused:?}");
    }
    assert_eq!(words(&world.vault), []);
    *world.vault.log.lock().map_err(|_| "poisoned")? = database_log();
    assert!(read(&world.vault, &asked).is_ok());
    assert_eq!(words(&world.vault), [(0, Verdict::Granted)]);
    Ok(())
}

/// Looks whether the entry is on disk before anything was opened: an entry that cannot be decoded back is refused.
struct Witness(std::sync::Arc<std::sync::Mutex<Vec<AccessEntry>>>);

impl LogWriter for Witness {
    fn append(&mut self, way: &Way<'_>, entry: &AccessEntry) -> Result<(), VaultError> {
        self.0.lock().expect("one thread").push(entry.clone());
        database_log().append(way, entry)
    }
}

#[test]
fn the_entry_is_written_before_a_value_is_opened() -> Tested {
    let world = World::new()?;
    let seen = std::sync::Arc::default();
    *world.vault.log.lock().map_err(|_| "poisoned")? = Box::new(Witness(std::sync::Arc::clone(&seen)));
    let [[one, _], _] = world.handles;
    // A value that does not open: the read fails, and stands in the log as granted all the same.
    let table = family(&world.vault.db, Table::Records)?;
    world.vault.db.put_cf(table, crate::tables::record_key(&one, &field("name")), b"spoiled")?;
    let refused = read(&world.vault, &request("teacher", one, &["name"]));
    assert!(matches!(refused, Err(ReadError::Vault(VaultError::Sealed(..)))));
    assert_eq!(seen.lock().map_err(|_| "poisoned")?.len(), 1);
    assert_eq!(words(&world.vault), [(0, Verdict::Granted)]);
    Ok(())
}

#[test]
fn a_credential_must_be_the_districts_in_time_and_for_this_chain() -> Tested {
    let world = World::new()?;
    let asked = request("teacher", world.handles[0][0], &["name"]);
    let shown = |credential| ReadRequest { credential: Some(credential), ..asked.clone() };
    let sign = |change: &dyn Fn(&mut aula_ledger::credential::Claim), key: &ed25519_dalek::SigningKey| {
        let mut claim = aula_ledger::credential::Claim {
            genesis: identity().genesis,
            account: identity().account,
            expires_ms: NOW_MS + 60_000,
            scope: Scope::vault("teacher", "t-1042").expect("a scope"),
        };
        change(&mut claim);
        Credential::sign(&claim, key)
    };
    let own = district_key();
    assert!(read(&world.vault, &shown(sign(&|_| {}, &own))).is_ok());
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[4; 32]);
    let other = aula_ledger::types::Hash([9; 32]);
    for refused in [
        sign(&|_| {}, &stranger),
        sign(&|claim| claim.expires_ms = NOW_MS, &own),
        sign(&|claim| claim.expires_ms = NOW_MS + 2 * 3_600_000, &own),
        sign(&|claim| claim.genesis = other, &own),
        sign(&|claim| claim.account.0[0] ^= 1, &own),
        sign(&|claim| claim.scope = Scope::District, &own),
        sign(&|claim| claim.scope = Scope::Round(aula_ledger::types::RoundId(0)), &own),
        sign(&|claim| claim.scope = Scope::Money, &own),
    ] {
        let denied = read(&world.vault, &shown(refused));
        assert!(matches!(denied, Err(ReadError::Stranger(Denial::CredentialRefused))), "{denied:?}");
    }
    assert_eq!(Scope::vault("tea-cher", "t1"), None);
    assert_eq!(Scope::vault("teacher", "T1"), None);
    assert_eq!(Scope::vault("teacher", &"t".repeat(41)), None);
    Ok(())
}

#[test]
fn consent_withdrawn_denies_from_then_on_and_given_again_allows() -> Tested {
    let world = World::new()?;
    let [[one, next], _] = world.handles;
    let asked = request("teacher", one, &["name"]);
    let purpose = Purpose::EducationalNecessity;
    world.vault.keep_consent(&[one], purpose, ConsentChoice::Withdrawn)?;
    let denied = read(&world.vault, &asked);
    assert!(matches!(denied, Err(ReadError::Denied(Denial::ConsentWithdrawn, _))));
    assert!(read(&world.vault, &request("teacher", next, &["name"])).is_ok(), "another year is another word");
    world.vault.keep_consent(&[one], purpose, ConsentChoice::Given)?;
    assert!(read(&world.vault, &asked).is_ok());
    let nobody = world.vault.keep_consent(&[Handle([1; 32])], purpose, ConsentChoice::Given);
    assert!(matches!(nobody, Err(VaultError::UnknownHandle(_))));
    Ok(())
}

#[test]
fn a_clock_that_jumps_two_years_stops_no_read_and_the_log_never_goes_back() -> Tested {
    let world = World::new()?;
    let [[one, _], _] = world.handles;
    for days in [0, 730, 0, 1] {
        let now_ms = NOW_MS + days * DAY_MS;
        let fresh = credential("teacher", now_ms + 60_000);
        let asked = ReadRequest { credential: Some(fresh), ..request("teacher", one, &["name"]) };
        assert!(world.vault.read(&asked, &key(), now_ms).is_ok(), "{days} days on");
    }
    let times: Vec<u64> = world.vault.entries()?.iter().map(|entry| entry.time_ms.0).collect();
    let jumped = NOW_MS + 730 * DAY_MS;
    assert_eq!(times, [NOW_MS, jumped, jumped, jumped]);
    Ok(())
}

#[test]
fn a_family_sees_that_a_read_is_listed_once_the_log_is_anchored() -> Tested {
    let world = World::new()?;
    let [[one, _], [other, _]] = world.handles;
    for handle in [one, other, one, other, one] {
        read(&world.vault, &request("teacher", handle, &["name"]))?;
    }
    assert_eq!(world.vault.prove(0)?, None, "nothing is anchored yet");
    let first = world.vault.unanchored(None)?.ok_or("entries")?;
    assert_eq!((first.epoch, first.head.leaf_count, first.consistency.len()), (0, 5, 0));
    let anchor = Anchor { epoch: 0, head: first.head, transaction: Hash([5; 32]), height: Height(9) };
    let held = Held { epoch: 0, head: first.head };
    world.vault.keep_anchor(&anchor)?;
    assert_eq!(world.vault.unanchored(Some(&held))?, None);
    read(&world.vault, &request("teacher", one, &["name"]))?;
    for number in 0..5 {
        let proof = world.vault.prove(number)?.ok_or("a proof")?;
        assert_eq!(proof.verify(&identity().genesis, identity().district, &anchor.head), Ok(()));
        assert_eq!(proof.anchored_by, anchor.transaction);
        assert_eq!(aula_ledger::access::AccessProof::from_canonical(&proof.to_canonical())?, proof);
    }
    assert_eq!(world.vault.prove(5)?, None, "read after the anchor");
    let next = world.vault.unanchored(Some(&held))?.ok_or("entries")?;
    let extends = aula_ledger::proof::consistency::verify(&first.head, &next.head, &next.consistency);
    assert_eq!((next.epoch, extends), (0, Ok(())));
    // Another root than the ledger's, or fewer entries: refused, since nothing says that the vault was restored.
    let other = Held { epoch: 0, head: TreeHead { root: Hash([1; 32]), ..first.head } };
    assert!(matches!(world.vault.unanchored(Some(&other)), Err(VaultError::Damaged(_))));
    let longer = Held { epoch: 0, head: TreeHead { leaf_count: 7, ..first.head } };
    assert!(matches!(world.vault.unanchored(Some(&longer)), Err(VaultError::Damaged(_))));
    // An entry taken out is noticed before anything is anchored again.
    let table = family(&world.vault.db, Table::Log)?;
    world.vault.db.delete_cf(table, 2u64.to_be_bytes())?;
    assert!(matches!(world.vault.unanchored(Some(&held)), Err(VaultError::Damaged(_))));
    Ok(())
}

#[test]
fn a_restored_log_that_lost_entries_begins_the_next_epoch_and_one_that_lost_none_goes_on() -> Tested {
    let world = World::new()?;
    let [[one, _], _] = world.handles;
    let denied = request("nobody", one, &["name"]);
    let ask = |vault: &Vault, times: usize| (0..times).for_each(|_| drop(read(vault, &denied)));
    ask(&world.vault, 3);
    let copies = tempfile::tempdir()?;
    let (data, keys) = (copies.path().join("data"), copies.path().join("keys"));
    crate::backup::back_up_data(&world.vault, &data)?;
    crate::backup::back_up_keystore(&world.vault, &keys)?;
    let at_copy = world.vault.unanchored(None)?.ok_or("entries")?.head;
    ask(&world.vault, 4);
    let anchored = world.vault.unanchored(None)?.ok_or("entries")?.head;
    let restored =
        |name: &str| crate::backup::restore(&data, &keys, &Folders::below(&copies.path().join(name)));
    // Nothing was anchored after the copy: the log goes on, and the mark goes with the next anchor.
    let (vault, _) = restored("one")?;
    ask(&vault, 1);
    let held = Held { epoch: 4, head: at_copy };
    let next = vault.unanchored(Some(&held))?.ok_or("entries")?;
    assert_eq!((next.epoch, next.head.leaf_count), (4, 4));
    // Entries that were anchored are lost: another epoch, as long as the old log or not.
    let (vault, _) = restored("two")?;
    let held = Held { epoch: 4, head: anchored };
    for times in [0, 4, 2] {
        ask(&vault, times);
        let next = vault.unanchored(Some(&held))?.ok_or("entries")?;
        assert_eq!((next.epoch, next.consistency.len()), (5, 0));
    }
    let next = vault.unanchored(Some(&held))?.ok_or("entries")?;
    let anchor = Anchor { epoch: 5, head: next.head, transaction: Hash([5; 32]), height: Height(9) };
    vault.keep_anchor(&anchor)?;
    assert!(!vault.was_restored()?);
    assert!(matches!(vault.unanchored(Some(&held)), Err(VaultError::Damaged(_))), "no second time");
    assert_eq!(vault.anchored()?, Some(anchor));
    Ok(())
}
