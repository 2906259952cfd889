//! The vault over HTTP: the same decision and the same log as the operator's command, and a family's link.

use std::sync::atomic::{AtomicBool, Ordering};

use aula_home::clock::now_ms;
use aula_ledger::access::{ConsentChoice, Purpose, Relation};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::{DistrictId, Handle, SchoolYear};
use aula_twin_runtime::clock::DAY_MS;
use aula_vault::access::RosterLine;
use aula_vault::pair::{Copier, Partner, register};
use aula_vault::turn::PATIENCE;
use aula_vault::{Folders, LocalId, Vault, VaultError};
use aula_web::api::vault::FAMILY_HEADER;
use aula_web::family_link::{self, FamilyLink};
use aula_web::http::Staff;
use reqwest::StatusCode;

use super::*;

const YEAR: SchoolYear = SchoolYear(2025);

/// A node with a vault of district 1, one student in it whose family agreed, and links.
struct Office {
    served: Served,
    folders: Folders,
    links: std::path::PathBuf,
    handle: Handle,
}

async fn office() -> Result<Office, Box<dyn std::error::Error>> {
    furnished(|_| {}).await
}

async fn furnished(beside: impl FnOnce(&AppState)) -> Result<Office, Box<dyn std::error::Error>> {
    let (served, folders, links) = serve_furnished_office(|_| {}, SOON, beside).await?;
    let vault = Vault::create(&folders, &served.district_1(), now_ms())?;
    let handle = vault.enrol(&[(LocalId::new("S-1").ok_or("an id")?, YEAR)])?.remove(0);
    vault.put_records(&[
        (handle, FieldName::new("name")?, b"\"Ada\""),
        (handle, FieldName::new("band")?, b"4"),
    ])?;
    let relation = Relation::Section(Term::new("4-b")?);
    vault.replace_roster(&[RosterLine { reader: Name::new("t-1042")?, handle, relation }])?;
    Ok(Office { served, folders, links, handle })
}

impl Office {
    fn agree(&self, choice: ConsentChoice) -> Tested {
        let vault = Vault::open_in_turn(&self.folders, PATIENCE)?;
        Ok(vault.keep_consent(&[self.handle], Purpose::EducationalNecessity, choice)?)
    }

    fn credential(&self, lifetime_ms: u64, key: &ed25519_dalek::SigningKey) -> Result<String, &'static str> {
        let claim = Claim {
            genesis: self.served.chain.genesis.sha256,
            account: self.served.chain.account(),
            expires_ms: now_ms() + lifetime_ms,
            scope: Scope::vault("teacher", "t-1042").ok_or("a scope")?,
        };
        Ok(Credential::sign(&claim, key).to_string())
    }

    async fn get(
        &self,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Result<(StatusCode, Value), Box<dyn std::error::Error>> {
        let mut asked = reqwest::Client::new().get(format!("{}{path}", self.served.client.origin()));
        if let Some((name, value)) = header {
            asked = asked.header(name, value);
        }
        let told = asked.send().await?;
        let status = told.status();
        if status.is_success() {
            assert_eq!(told.headers()["cache-control"], "no-store");
        }
        Ok((status, told.json().await?))
    }
}

#[tokio::test]
async fn a_record_leaves_over_http_only_as_the_access_check_grants_and_every_try_is_listed() -> Tested {
    let office = office().await?;
    let name = format!("/v1/vault/{}?fields=name,band", office.handle);
    let own = office.credential(60_000, &office.served.chain.account_key)?;
    let forged = office.credential(60_000, &ed25519_dalek::SigningKey::from_bytes(&[9; 32]))?;
    let code = |told: &(StatusCode, Value)| {
        (told.0.as_u16(), told.1["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let denied = |reason: &str| (403, reason.to_owned());
    let with = Some((HEADER, own.as_str()));
    assert_eq!(code(&office.get(&name, None).await?), (401, "credential_needed".into()));
    assert_eq!(code(&office.get(&name, with).await?), denied("insufficient_data"), "no consent yet");
    office.agree(ConsentChoice::Given)?;
    assert_eq!(code(&office.get(&name, Some((HEADER, &forged))).await?), (401, "bad_credential".into()));
    assert_eq!(code(&office.get(&name, Some((HEADER, "nonsense"))).await?), (401, "bad_credential".into()));
    let given = office.get(&name, with).await?;
    assert_eq!(
        (given.0, &given.1["fields"]["name"], &given.1["withheld"][0]),
        (StatusCode::OK, &"Ada".into(), &"band".into())
    );
    let open = format!("/v1/vault/{}?fields=band&class=resource_allocation", office.handle);
    assert_eq!(code(&office.get(&open, None).await?), (401, "credential_needed".into()));
    assert_eq!(office.get(&open, with).await?.1["fields"]["band"], 4);
    office.agree(ConsentChoice::Withdrawn)?;
    assert_eq!(code(&office.get(&name, with).await?), denied("consent_withdrawn"));
    let unknown = format!("/v1/vault/{}?fields=band&class=resource_allocation", Handle([3; 32]));
    assert_eq!(code(&office.get(&unknown, with).await?), denied("insufficient_data"));
    assert_eq!(code(&office.get(&name.replace("name", "a%20b"), with).await?), (400, "bad_request".into()));
    // The node has it open for its readers, and gives it up to whoever asks.
    assert!(matches!(Vault::open(&office.folders), Err(VaultError::Busy)));
    let busy = Vault::open_in_turn(&office.folders, PATIENCE)?;
    assert_eq!(code(&office.get(&name, with).await?), (503, "vault_busy".into()));
    assert_eq!(busy.entries()?.len(), 5, "every decision is an entry, what was not decided has none");
    assert_eq!(busy.strangers()?, 0, "who shows no credential of the district's never reaches the vault");
    drop(busy);
    assert_eq!(code(&office.get(&name, with).await?), denied("consent_withdrawn"));
    Ok(())
}

#[tokio::test]
async fn a_family_sees_the_reads_of_its_child_and_of_nobody_else_until_the_link_ends() -> Tested {
    let office = office().await?;
    let link = |handle| FamilyLink {
        version: 1,
        district: DistrictId(1),
        school_year: YEAR,
        handle,
        made_ms: now_ms(),
        expires_ms: now_ms() + DAY_MS,
        revoked_ms: None,
        reader: None,
    };
    let (id, own) = family_link::make(&office.links, &link(office.handle))?;
    let (_, other) = family_link::make(&office.links, &link(Handle([3; 32])))?;
    let band = format!("/v1/vault/{}?fields=band&class=resource_allocation", office.handle);
    let teacher = office.credential(60_000, &office.served.chain.account_key)?;
    assert_eq!(office.get(&band, Some((HEADER, &teacher))).await?.0, StatusCode::OK);
    let told = office.get("/v1/family/reads", Some((FAMILY_HEADER, own.expose()))).await?;
    assert_eq!((told.0, &told.1["entries"][0]["verdict"]), (StatusCode::OK, &"granted".into()));
    assert_eq!(told.1["entries"][0]["basis"], "34 CFR 99.31(a)(1)(i)(A)");
    assert_eq!(told.1["entries"][0]["relation"], Value::Null, "a band is open to every reader");
    let page = format!("{}/family/{}", office.served.client.origin(), own.expose());
    let page = reqwest::get(page).await?.text().await?;
    assert!(
        page.contains("t-1042 as teacher, for educational necessity (34 CFR 99.31(a)(1)(i)(A)"),
        "{page}"
    );
    let told = office.get("/v1/family/reads", Some((FAMILY_HEADER, other.expose()))).await?;
    assert_eq!((told.0, &told.1["entries"]), (StatusCode::OK, &Value::Array(Vec::new())));
    family_link::revoke(&office.links, &id, now_ms())?;
    for header in [None, Some((FAMILY_HEADER, own.expose())), Some((FAMILY_HEADER, "00"))] {
        let told = office.get("/v1/family/reads", header).await?;
        assert_eq!((told.0, &told.1["error"]["code"]), (StatusCode::UNAUTHORIZED, &"bad_link".into()));
    }
    Ok(())
}

/// The other one of a pair acts.
struct Elsewhere;

impl Partner for Elsewhere {
    fn epoch(&self) -> Result<u64, String> {
        Err("the other one acts".into())
    }

    fn copier(&self) -> Box<dyn Copier> {
        unreachable!("a vault that may not be written is not opened")
    }
}

/// Who stands by may not have heard that a link was revoked.
#[tokio::test]
async fn a_familys_page_is_served_by_the_one_of_a_pair_that_acts() -> Tested {
    let office = office().await?;
    let (district, now) = (office.served.district_1().district, now_ms());
    let link = FamilyLink::lasting(1, now, (district, YEAR, office.handle));
    let (_, token) = family_link::make(&office.links, &link)?;
    let header = Some((FAMILY_HEADER, token.expose()));
    let page = format!("{}/family/{}", office.served.client.origin(), token.expose());
    assert_eq!(reqwest::get(&page).await?.status(), StatusCode::OK);
    let acting = format!("{}/acting", office.served.client.origin());
    assert_eq!(reqwest::get(&acting).await?.status(), StatusCode::OK);
    register(&office.folders.data, Arc::new(Elsewhere));
    let told = office.get("/v1/family/reads", header).await?;
    assert_eq!((told.0, &told.1["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"not_acting".into()));
    assert_eq!(reqwest::get(&page).await?.status(), StatusCode::SERVICE_UNAVAILABLE);
    // What was seen a moment ago is told until then.
    let until_then = async {
        while reqwest::get(&acting).await?.status() != StatusCode::SERVICE_UNAVAILABLE {}
        Ok::<_, reqwest::Error>(())
    };
    tokio::time::timeout(Duration::from_secs(20), until_then).await??;
    Ok(())
}

#[tokio::test]
async fn whether_a_home_acts_is_told_while_its_vault_and_every_readers_place_are_taken() -> Tested {
    let mut duty = None;
    let office = furnished(|node| duty = Some((node.kept_vault(), node.requests.clone()))).await?;
    let (vault, readers) = duty.ok_or("a node")?;
    let _turn = vault.turn().await;
    let all = u32::try_from(readers.available_permits())?;
    let _places = readers.acquire_many_owned(all).await?;
    let acting = format!("{}/acting", office.served.client.origin());
    for _ in 0..200 {
        assert_eq!(reqwest::get(&acting).await?.status(), StatusCode::OK);
    }
    let reader = office.get("/v1/family/reads", None).await?;
    assert_eq!((reader.0, &reader.1["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"busy".into()));
    Ok(())
}

/// A directory of one teacher, until she leaves.
#[derive(Default)]
struct Gone(AtomicBool);

impl Staff for Gone {
    fn holds(&self, reader: &str, role: &str) -> bool {
        (reader, role) == ("t-1042", "teacher") && !self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_credential_ends_when_its_reader_is_staff_no_longer() -> Tested {
    let gone = Arc::new(Gone::default());
    let office = furnished(|node| node.ask_staff(gone.clone())).await?;
    office.agree(ConsentChoice::Given)?;
    let name = format!("/v1/vault/{}?fields=name", office.handle);
    let own = office.credential(60_000, &office.served.chain.account_key)?;
    let with = Some((HEADER, own.as_str()));
    assert_eq!(office.get(&name, with).await?.0, StatusCode::OK);
    gone.0.store(true, Ordering::SeqCst);
    let told = office.get(&name, with).await?;
    assert_eq!((told.0, &told.1["error"]["code"]), (StatusCode::UNAUTHORIZED, &"bad_credential".into()));
    assert_eq!(
        Vault::open_in_turn(&office.folders, PATIENCE)?.entries()?.len(),
        1,
        "the vault was not asked"
    );
    Ok(())
}
