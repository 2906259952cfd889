//! Every route of the API and the explorer with every kind of credential: what each may see, as one table. The routes are
//! those of the router, so that a new one is walked too, or fails for standing in no class.

use std::collections::{BTreeMap, BTreeSet};

use aula_home::clock::now_ms;
use aula_ledger::access::{ConsentChoice, Purpose, Relation};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::tx::TakeRows;
use aula_ledger::types::{DistrictId, Hash, RoundId, SchoolYear};
use aula_pages::explorer;
use aula_twin_runtime::clock::DAY_MS;
use aula_vault::access::RosterLine;
use aula_vault::{Folders, Identity, LocalId, Vault};
use aula_web::api::vault::FAMILY_HEADER;
use aula_web::family_link::{self, FamilyLink};
use aula_web::http::access::{RouteClass, class_of, classed};
use ed25519_dalek::SigningKey;

use super::*;
use aula_kit::round::{Other, ROUND, handle};
use aula_web::dashboard;

const YEAR: SchoolYear = SchoolYear(1988);

/// A served chain with a decided round, a vault of district 1, and a family's link to student 1.
struct World {
    served: Served,
    /// Of the student in the vault.
    own: aula_ledger::types::Handle,
    token: String,
}

async fn world() -> Result<World, Box<dyn std::error::Error>> {
    let chain = decided()?;
    // Of the two auditors one is listed as having taken the round's rows.
    let taken = chain.first_of(&Other::Auditor.key(), TakeRows { round: ROUND });
    let receipts = chain.block(&[taken]).map_err(failed)?;
    assert_eq!(receipts.first().map(|receipt| receipt.code.number()), Some(0));
    let folders = Folders { data: chain.home.vault_dir(), keystore: chain.home.keystore_dir() };
    let chain_id = chain.genesis.chain_id.to_string();
    let (genesis, account) = (chain.genesis.sha256, chain.account());
    let identity = Identity { district: DistrictId(1), chain_id, genesis, account };
    let vault = Vault::create(&folders, &identity, now_ms())?;
    let own = vault.enrol(&[(LocalId::new("S-1").ok_or("an id")?, YEAR)])?.remove(0);
    vault.put_records(&[(own, FieldName::new("name")?, b"\"Ada\"")])?;
    vault.keep_consent(&[own], Purpose::EducationalNecessity, ConsentChoice::Given)?;
    let relation = Relation::Section(Term::new("4-b")?);
    vault.replace_roster(&[RosterLine { reader: Name::new("t-1042")?, handle: own, relation }])?;
    drop(vault);
    let links = chain.home.links_dir();
    let link = FamilyLink {
        version: 1,
        district: DistrictId(1),
        school_year: YEAR,
        handle: handle(1),
        made_ms: now_ms(),
        expires_ms: now_ms() + DAY_MS,
        revoked_ms: None,
        reader: None,
    };
    let token = family_link::make(&links, &link)?.1.expose().to_owned();
    let furnish = |node: &mut AppState, _: &DevChain| {
        node.vault = Some(folders);
        node.links = vec![links];
    };
    Ok(World { served: serve(chain, |config| config.api.reads_per_second = 0, furnish).await?, own, token })
}

/// What is shown with a request.
struct Shown {
    name: &'static str,
    header: Option<(&'static str, String)>,
    /// The token in the address of a family's page.
    token: String,
    /// The classes that it opens.
    opens: &'static [RouteClass],
}

impl World {
    fn claim(&self, key: &SigningKey, scope: Scope) -> Claim {
        let account = account_of(&public_key(key));
        Claim { genesis: self.served.chain.genesis.sha256, account, expires_ms: now_ms() + 1_800_000, scope }
    }

    /// Every kind of credential there is.
    fn kinds(&self) -> Result<Vec<Shown>, Box<dyn std::error::Error>> {
        use RouteClass::{District, Family, Money, Round, Student, Vault};
        let own = &self.served.chain.account_key;
        let wrong = "0".repeat(64);
        let show = |name, header, opens| Shown { name, header, token: wrong.clone(), opens };
        let signed = |name, claim: &Claim, key: &SigningKey, opens| {
            show(name, Some((HEADER, Credential::sign(claim, key).to_string())), opens)
        };
        let of =
            |name, key: &SigningKey, scope: Scope, opens| signed(name, &self.claim(key, scope), key, opens);
        let reader = |role: &str| Scope::vault(role, "t-1042").ok_or("a scope");
        let round = || Scope::Round(ROUND);
        let late = Claim { expires_ms: now_ms() - 1, ..self.claim(own, Scope::District) };
        let early = Claim { expires_ms: now_ms() + 7_200_000, ..self.claim(own, Scope::District) };
        let elsewhere = Claim { genesis: Hash([9; 32]), ..self.claim(own, Scope::District) };
        let nobody = SigningKey::from_bytes(&[99; 32]);
        let family = show("a family's link", Some((FAMILY_HEADER, self.token.clone())), &[Family][..]);
        Ok(vec![
            show("none", None, &[]),
            show("nonsense", Some((HEADER, "nonsense".into())), &[]),
            of("teacher of district 1", own, reader("teacher")?, &[Vault]),
            of("janitor of district 1", own, reader("janitor")?, &[]),
            of("teacher of district 2", &Other::District2.key(), reader("teacher")?, &[]),
            of("teacher, signed by a funder", &Other::Funder.key(), reader("teacher")?, &[]),
            of("district 1", own, Scope::District, &[District, Student]),
            of("district 2", &Other::District2.key(), Scope::District, &[]),
            of("district, signed by a voter", &Other::Voter.key(), Scope::District, &[]),
            of("auditor, listed", &Other::Auditor.key(), round(), &[Round, Student]),
            of("auditor, of another round", &Other::Auditor.key(), Scope::Round(RoundId(1)), &[]),
            of("auditor, not listed", &Other::Auditor2.key(), round(), &[]),
            of("auditor, money", &Other::Auditor.key(), Scope::Money, &[Money]),
            of("round, signed by a funder", &Other::Funder.key(), round(), &[]),
            of("round, signed by a district", &Other::District2.key(), round(), &[]),
            of("round, signed by a reader", &Other::Reader.key(), round(), &[]),
            of("funder of this money", own, Scope::Money, &[Money]),
            of("another funder", &Other::Funder.key(), Scope::Money, &[]),
            of("nobody's key", &nobody, Scope::District, &[]),
            signed("district 1, forged", &self.claim(own, Scope::District), &nobody, &[]),
            signed("district 1, expired", &late, own, &[]),
            signed("district 1, for two hours", &early, own, &[]),
            signed("district 1, of another chain", &elsewhere, own, &[]),
            Shown { token: self.token.clone(), ..family },
            show("a link that is not valid", Some((FAMILY_HEADER, wrong.clone())), &[]),
        ])
    }

    /// A route's address with what it names filled in.
    fn address(&self, route: &str, token: &str) -> String {
        let student = if route.starts_with("/v1/vault/") { self.own } else { handle(1) };
        let (account, student) = (self.served.chain.account().to_string(), student.to_string());
        let wrong = "0".repeat(64);
        let filled = [
            ("{handle}", student.as_str()),
            ("{token}", token),
            ("{section}", "4-b"),
            ("{link}", token),
            ("{session}", "0123456789abcdef"),
            ("{district}", "1"),
            ("{round}", "0"),
            ("{school_year}", "1988"),
            ("{funder}", &account),
            ("{register}", "members"),
            ("{what}", "class"),
            ("{file}", "rounds.csv"),
            ("{name}", "none.css"),
            ("{height}", "1"),
            ("{id}", "1"),
            ("{number}", "0"),
            ("{genesis}", wrong.as_str()),
        ];
        let plain = filled.iter().fold(route.to_owned(), |path, (name, value)| path.replace(name, value));
        if route == "/v1/vault/{handle}" { plain + "?fields=name" } else { plain }
    }
}

/// What serves the description itself.
const UNDESCRIBED: [&str; 1] = ["/openapi.json"];

/// All routes by their address: the API's from its description, the explorer's from its list.
fn routes() -> Result<BTreeSet<String>, Box<dyn std::error::Error>> {
    let described: Value = serde_json::from_str(&openapi_json())?;
    let paths = described["paths"].as_object().ok_or("no paths")?;
    let pages = explorer::addresses().into_iter().chain(dashboard::addresses()).map(str::to_owned);
    Ok(paths.keys().cloned().chain(pages).chain(UNDESCRIBED.map(str::to_owned)).collect())
}

#[test]
fn every_route_stands_in_one_class_and_no_class_has_a_route_that_is_none() -> Tested {
    let (routes, listed) = (routes()?, classed().map(str::to_owned).collect::<BTreeSet<_>>());
    assert_eq!(
        routes.difference(&listed).collect::<Vec<_>>(),
        [&""; 0],
        "routes without a class are open to nobody"
    );
    assert_eq!(
        listed.difference(&routes).collect::<Vec<_>>(),
        [&""; 0],
        "classes of routes that do not exist"
    );
    assert_eq!(listed.len(), classed().count(), "a route stands once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_gives_every_kind_of_credential_what_its_class_says_and_nothing_else() -> Tested {
    let world = world().await?;
    let (kinds, http) = (world.kinds()?, reqwest::Client::new());
    let handles: Vec<String> = (1..=24).map(|number| handle(number).to_string()).collect();
    let mut table: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for route in routes()? {
        let class = class_of(&route).ok_or_else(|| format!("{route} has no class"))?;
        // What it tells of itself changes from request to request.
        let is_live =
            ["/metrics", "/v1/status", "/healthz", "/readyz", "/", "/v1/stream"].contains(&route.as_str());
        let mut public = None;
        for kind in &kinds {
            let address = world.address(&route, &kind.token);
            let mut asked = http.get(format!("{}{address}", world.served.client.origin()));
            if let Some((name, value)) = &kind.header {
                asked = asked.header(*name, value);
            }
            let told = asked.send().await?;
            let (status, body) = (told.status().as_u16(), told.bytes().await?);
            let line = format!("{route} with {}: {status} {}", kind.name, String::from_utf8_lossy(&body));
            let opened = kind.opens.contains(&class);
            // A family's page is the link in its address, whatever header is sent.
            let expected = match class {
                RouteClass::Public => "public",
                _ if opened => "opens",
                _ => "–",
            };
            match expected {
                "public" => {
                    let first = public.get_or_insert((status, body.clone()));
                    assert!(
                        is_live || *first == (status, body.clone()),
                        "what is public depends on nothing shown: {line}"
                    );
                    let text = String::from_utf8_lossy(&body);
                    assert!(
                        !handles.iter().any(|handle| text.contains(handle)),
                        "a handle is public: {line}"
                    );
                }
                // Nobody stated money or recorded a milestone in this world.
                "opens" => {
                    let lacks = class == RouteClass::Money || route.contains("/milestone/");
                    assert!(status == 200 || (status == 404 && lacks), "{line}");
                }
                _ => {
                    // What a form sends is no reading: a dashboard's form takes nothing of what is shown here.
                    let is_form = route == "/s/of/{session}/wrong" && status == 405;
                    assert!(is_form || [401, 403, 404].contains(&status), "{line}");
                    assert!(body.len() < 1_000 || route.starts_with("/family"), "{line}");
                    // Of a student whose credential it is not there is nothing, not even that there is one.
                    assert!(
                        status != 404
                            || matches!(class, RouteClass::Student | RouteClass::Round | RouteClass::Family),
                        "{line}"
                    );
                }
            }
            table.entry((format!("{class:?}"), route.clone())).or_default().push(expected);
        }
    }
    let mut rows: BTreeMap<(String, Vec<&str>), Vec<String>> = BTreeMap::new();
    for ((class, route), cells) in table {
        rows.entry((class, cells)).or_default().push(route);
    }
    for ((class, cells), routes) in rows {
        let opens: Vec<&str> = kinds
            .iter()
            .zip(&cells)
            .filter(|(_, cell)| **cell == "opens")
            .map(|(kind, _)| kind.name)
            .collect();
        let who = if class == "Public" { "everybody alike".to_owned() } else { opens.join("; ") };
        println!("{class} → {who} (of {} kinds)\n    {}", kinds.len(), routes.join("\n    "));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_never_reach_the_vault_however_often_they_try() -> Tested {
    let world = world().await?;
    let (http, address) = (reqwest::Client::new(), world.address("/v1/vault/{handle}", ""));
    for path in
        [address.clone(), address.replace("fields=name", "fields=band,home_school&class=resource_allocation")]
    {
        for _ in 0..50 {
            let told = http.get(format!("{}{path}", world.served.client.origin())).send().await?;
            assert_eq!(told.status().as_u16(), 401);
        }
    }
    let home = &world.served.chain.home;
    let folders = Folders { data: home.vault_dir(), keystore: home.keystore_dir() };
    let vault = Vault::open_in_turn(&folders, aula_vault::turn::PATIENCE)?;
    assert_eq!((vault.entries()?.len(), vault.strangers()?), (0, 0));
    Ok(())
}
