//! Two districts with a node each on one chain, which even call a student alike: every route of the one with whatever the other issued.
//! Links, sessions and credentials of each open its own; of the other they open nothing, and nothing of it is told.

use std::collections::BTreeMap;

use aula_home::clock::now_ms;
use aula_ledger::access::{ConsentChoice, Purpose, Relation, Verdict};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::{Handle, SchoolYear};
use aula_pages::explorer;
use aula_twin_runtime::clock::DAY_MS;
use aula_vault::access::RosterLine;
use aula_vault::turn::PATIENCE;
use aula_vault::{LocalId, Vault};
use aula_web::api::vault::FAMILY_HEADER;
use aula_web::dashboard;
use aula_web::family_link::{self, FamilyLink, LinkReader, LinkRole};
use aula_web::http::access::{RouteClass, class_of};
use ed25519_dalek::SigningKey;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;

use super::*;
use aula_kit::round::{Other, ROUND, copied, handle};

const YEAR: SchoolYear = SchoolYear(1988);
/// The student that both call alike.
const ALIKE: u8 = 5;

/// A district: its node, its vault, and what it issued.
struct Tenant {
    number: u16,
    key: SigningKey,
    origin: String,
    folders: Folders,
    /// Its student in the vault, and a word that no other district may read.
    own: Handle,
    name: &'static str,
    /// Of the family of the student that both call alike.
    family: String,
    /// A teacher's dashboard: its link is spent, the session goes on.
    session: String,
    cookie: String,
    /// Another, not opened yet.
    link: String,
    http: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

type Made<T> = Result<T, Box<dyn std::error::Error>>;

async fn tenant(chain: &DevChain, number: u16, key: SigningKey, name: &'static str) -> Made<Tenant> {
    let at = chain.home.path().join(name);
    let folders = Folders::below(&at);
    let links = at.join("links");
    std::fs::create_dir_all(&at)?;
    let (chain_id, genesis) = (chain.genesis.chain_id.to_string(), chain.genesis.sha256);
    let account = account_of(&public_key(&key));
    let identity = Identity { district: DistrictId(number), chain_id, genesis, account };
    let vault = Vault::create(&folders, &identity, now_ms())?;
    let own = vault.enrol(&[(LocalId::new("S-1").ok_or("an id")?, YEAR)])?.remove(0);
    let told = format!("\"{name}\"");
    vault.put_records(&[(own, FieldName::new("name")?, told.as_bytes())])?;
    vault.keep_consent(&[own], Purpose::EducationalNecessity, ConsentChoice::Given)?;
    let relation = Relation::Section(Term::new("4-b")?);
    vault.replace_roster(&[RosterLine { reader: Name::new("t-1042")?, handle: own, relation }])?;
    drop(vault);
    let link = |handle, reader| -> Made<String> {
        let link = FamilyLink {
            version: 1,
            district: DistrictId(number),
            school_year: YEAR,
            handle,
            made_ms: now_ms(),
            expires_ms: now_ms() + DAY_MS,
            revoked_ms: None,
            reader,
        };
        Ok(family_link::make(&links, &link)?.1.expose().to_owned())
    };
    let teacher =
        || -> Made<_> { Ok(Some(LinkReader { name: Name::new("t-1042")?, role: LinkRole::Teacher })) };
    let (family, spent, open) = (link(handle(ALIKE), None)?, link(own, teacher()?)?, link(own, teacher()?)?);
    let mut config = Config::default();
    config.api.listen.set_port(0);
    config.api.reads_per_second = 0;
    let server = Server::bind(&config.api)?;
    let origin = server.origin();
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let (db, genesis) = (chain.db.clone(), chain.genesis.clone());
    let network = Arc::new(Pending::default());
    let mut node = AppState::new(&config, db, network, genesis, chain.genesis_bytes.clone(), metrics);
    node.vault = Some(folders.clone());
    node.links = vec![links];
    let dashboards = Arc::new(Hub::checking_every(SOON));
    dashboards.take_params(|| Ok(aula_kit::reference()));
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(server.serve(router(Arc::new(node), dashboards), async move {
        let _ = stopped.await;
    }));
    let http = browser()?;
    let entered = http.get(format!("{origin}/s/{spent}")).header(ACCEPT, "text/html").send().await?;
    assert_eq!(entered.status().as_u16(), 303, "{name}'s own teacher");
    let told = |name| entered.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let session = told(reqwest::header::LOCATION).rsplit('/').next().unwrap_or_default().to_owned();
    let cookie = told(SET_COOKIE).split(';').next().unwrap_or_default().to_owned();
    Ok(Tenant {
        number,
        key,
        origin,
        folders,
        own,
        name,
        family,
        session,
        cookie,
        link: open,
        http,
        _stop: stop,
    })
}

fn browser() -> Made<reqwest::Client> {
    Ok(reqwest::Client::builder().redirect(Policy::none()).build()?)
}

/// What somebody of a district shows: headers, and the secret in an address that has one.
struct Shown {
    name: String,
    headers: Vec<(reqwest::header::HeaderName, String)>,
    token: String,
}

impl Tenant {
    /// Whatever it issued, alone and together.
    fn issued(&self, genesis: aula_ledger::types::Hash) -> Made<Vec<Shown>> {
        let account = account_of(&public_key(&self.key));
        let signed = |scope| {
            let claim = Claim { genesis, account, expires_ms: now_ms() + 1_800_000, scope };
            Credential::sign(&claim, &self.key).to_string()
        };
        let reader = |role| Scope::vault(role, "t-1042").ok_or("a scope");
        let of = |name: &str| reqwest::header::HeaderName::from_bytes(name.as_bytes());
        let mut all = Vec::new();
        for (name, scope) in [
            ("its teacher", reader("teacher")?),
            ("its counselor", reader("counselor")?),
            ("its admin", reader("admin")?),
            ("itself", Scope::District),
            ("itself for money", Scope::Money),
            ("itself for the round", Scope::Round(ROUND)),
        ] {
            let headers = vec![(of(HEADER)?, signed(scope))];
            all.push(Shown { name: name.into(), headers, token: self.family.clone() });
        }
        for (name, token) in
            [("a family", &self.family), ("a link", &self.link), ("a session", &self.session)]
        {
            let headers = vec![(of(FAMILY_HEADER)?, token.clone()), (COOKIE, self.cookie.clone())];
            all.push(Shown { name: name.into(), headers, token: token.clone() });
        }
        let bearer = vec![(AUTHORIZATION, format!("Bearer {}", signed(Scope::District)))];
        all.push(Shown { name: "a bearer".into(), headers: bearer, token: self.link.clone() });
        Ok(all)
    }

    /// A route's address about what is this district's, with a secret that somebody shows.
    fn address(&self, route: &str, token: &str) -> String {
        let student = if route.starts_with("/v1/vault/") { self.own } else { handle(ALIKE) };
        let (account, student) = (account_of(&public_key(&self.key)).to_string(), student.to_string());
        let number = self.number.to_string();
        let filled = [
            ("{handle}", student.as_str()),
            ("{token}", token),
            ("{link}", token),
            ("{session}", token),
            ("{section}", "4-b"),
            ("{district}", &number),
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
        ];
        let plain = filled.iter().fold(route.to_owned(), |path, (name, value)| path.replace(name, value));
        if route == "/v1/vault/{handle}" { plain + "?fields=name" } else { plain }
    }

    /// How many reads its vault granted and listed.
    fn granted(&self) -> Made<usize> {
        let vault = Vault::open_in_turn(&self.folders, PATIENCE)?;
        Ok(vault.entries()?.iter().filter(|entry| entry.verdict == Verdict::Granted).count())
    }

    async fn ask(&self, method: &Method, path: &str, shown: &Shown) -> Made<(u16, String)> {
        let mut asked = self.http.request(method.clone(), format!("{}{path}", self.origin));
        for (name, value) in &shown.headers {
            asked = asked.header(name, value);
        }
        let told = asked.send().await?;
        Ok((told.status().as_u16(), told.text().await?))
    }
}

/// All routes by method and address.
fn routes() -> Made<Vec<(Method, String)>> {
    let described: Value = serde_json::from_str(&openapi_json())?;
    let paths = described["paths"].as_object().ok_or("no paths")?;
    let mut all = Vec::new();
    for (path, methods) in paths {
        for method in methods.as_object().ok_or("no methods")?.keys() {
            all.push((method.to_uppercase().parse()?, path.clone()));
        }
    }
    let pages = explorer::addresses().into_iter().chain(dashboard::addresses());
    all.extend(pages.map(|page| (Method::GET, page.to_owned())));
    Ok(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_district_issued_opens_anything_of_another_on_any_route() -> Tested {
    let chain = copied(ALIKE)?;
    let genesis = chain.genesis.sha256;
    let east = tenant(&chain, 1, chain.account_key.clone(), "Eastlake").await?;
    let west = tenant(&chain, 2, Other::District2.key(), "Westhill").await?;
    let nobody = Shown { name: "nobody".into(), headers: Vec::new(), token: "0".repeat(64) };
    let before = (east.granted()?, west.granted()?);
    let mut own_rows = 0;
    let mut opened: BTreeMap<&str, usize> = BTreeMap::new();
    for (issuer, target) in [(&east, &west), (&west, &east)] {
        for (method, route) in routes()? {
            let class = class_of(&route).ok_or_else(|| format!("{route} has no class"))?;
            let lives = ["/metrics", "/v1/status", "/healthz", "/readyz", "/", "/v1/stream"]
                .contains(&route.as_str());
            let public = target.ask(&method, &target.address(&route, &nobody.token), &nobody).await?;
            for (shown, theirs) in issuer.issued(genesis)?.iter().zip(target.issued(genesis)?) {
                let address = target.address(&route, &shown.token);
                let (status, body) = target.ask(&method, &address, shown).await?;
                let line = || {
                    format!(
                        "{method} {route} of {} with {} of {}: {status}",
                        target.name, shown.name, issuer.name
                    )
                };
                assert!(!body.contains(target.name) && !body.contains(&target.own.to_string()), "{}", line());
                if class == RouteClass::Public {
                    assert!(lives || (status, &body) == (public.0, &public.1), "{}", line());
                } else if status == 200 {
                    // Rows of the ledger that are the asker's own, which any node has: as at home, and not what the other gets there.
                    let (home, other) = (
                        issuer.ask(&method, &address, shown).await?,
                        target.ask(&method, &address, &theirs).await?,
                    );
                    assert!((200, &body) == (home.0, &home.1) && body != other.1, "{}", line());
                    own_rows += 1;
                } else {
                    assert!([400, 401, 403, 404, 405, 415, 422].contains(&status), "{}", line());
                }
            }
        }
    }
    assert_eq!((east.granted()?, west.granted()?), before, "no read was granted meanwhile");
    // At home what it issued opens something, or this test would hold of closed doors.
    for tenant in [&east, &west] {
        for (method, route) in routes()? {
            for shown in tenant.issued(genesis)? {
                let (status, _) = tenant.ask(&method, &tenant.address(&route, &shown.token), &shown).await?;
                if class_of(&route) != Some(RouteClass::Public) && status == 200 {
                    *opened.entry(tenant.name).or_default() += 1;
                }
            }
        }
    }
    println!("opened at home: {opened:?}; own rows of the ledger told by the other's node: {own_rows}");
    assert!(opened.len() == 2 && opened.values().all(|count| *count >= 5), "{opened:?}");
    assert!(east.granted()? > before.0 && west.granted()? > before.1, "reads at home are listed");
    Ok(())
}
