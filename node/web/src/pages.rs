//! The registry of the explorer's pages: address, title, place and names in the navigation, what opens it, how long it may be kept, the
//! bundle that proves its figures, the register that it exports.
//!
//! A page that is not here does not exist: the explorer serves these addresses, the gate opens and keeps them by these lines, the navigation
//! lists those with a name, in this order, and `/verify` says which of them nothing proves. Absent: what a page shows, which is its file in
//! `explorer/`.

use aula_api::paths;
use aula_api::routes::RouteClass;
use aula_api::routes::RouteClass::{Dashboard, Family, Public};

use crate::lang::Lang;

/// How long an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// For good: what it shows is final.
    Final,
    /// Until the next block.
    Height,
}

/// What a reader comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// What is shared, and with whom.
    Sharing,
    /// What stands on the ledger, and who keeps it.
    Ledger,
}

impl Group {
    /// Both, in the navigation's order.
    pub const ALL: [Self; 2] = [Self::Sharing, Self::Ledger];

    /// What people read.
    pub const fn name(self) -> Name {
        match self {
            Self::Sharing => Name { en: "Sharing", es: "Reparto" },
            Self::Ledger => Name { en: "Ledger", es: "Registro" },
        }
    }
}

/// What something is called in the navigation, in each language of the pages.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    en: &'static str,
    es: &'static str,
}

impl Name {
    /// In a language.
    pub const fn said(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Es => self.es,
        }
    }
}

/// What a page's own figures are proved by.
#[derive(Debug, Clone, Copy)]
pub struct Proof {
    /// The route of the bundle.
    route: &'static str,
    /// What follows it in the bundle's address, with `{…}` for a part that varies.
    rest: &'static str,
    /// What the button says that it verifies.
    pub of: &'static str,
}

impl Proof {
    /// The bundle's address with its varying part.
    pub fn bundle(&self, part: impl std::fmt::Display) -> String {
        let address = self.address();
        match address.split_once('{') {
            None => address,
            Some((start, _)) => format!("{start}{part}"),
        }
    }

    fn address(&self) -> String {
        format!("{}{}", self.route, self.rest)
    }
}

/// One line of the registry: everything about a page but what it shows.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Its address, with `{…}` for a part that varies.
    pub address: &'static str,
    /// What it is called, in English; of a page whose title varies, as "Block 7", what all such pages are.
    pub title: &'static str,
    /// Its place and name in the navigation; none for a page that others lead to.
    pub listed: Option<(Group, Name)>,
    /// What opens it.
    pub class: RouteClass,
    /// How long it is kept; none when it depends on more than the chain.
    pub lifetime: Option<Lifetime>,
    /// What proves its figures; none where it shows none that is proved.
    pub proof: Option<Proof>,
    /// The register that it shows, by its name in `/v1/export/NAME.csv`; none where it shows no register.
    pub export: Option<&'static str>,
}

impl Page {
    /// A page of the navigation, with its name in English, which is its title too, and in Spanish.
    const fn listed(address: &'static str, group: Group, en: &'static str, es: &'static str) -> Self {
        let page = Self::linked(address, en, Public, Some(Lifetime::Height));
        Self { listed: Some((group, Name { en, es })), ..page }
    }

    /// A page of the navigation that is in its reader's language.
    const fn spoken(address: &'static str, group: Group, en: &'static str, es: &'static str) -> Self {
        Self { lifetime: None, ..Self::listed(address, group, en, es) }
    }

    /// A page that others lead to.
    const fn linked(
        address: &'static str,
        title: &'static str,
        class: RouteClass,
        lifetime: Option<Lifetime>,
    ) -> Self {
        Self { address, title, listed: None, class, lifetime, proof: None, export: None }
    }

    /// With another title than its name.
    const fn titled(self, title: &'static str) -> Self {
        Self { title, ..self }
    }

    /// Proved by a bundle of public figures: all of them, or what `rest` says of which.
    const fn proved(self, rest: &'static str, of: &'static str) -> Self {
        Self { proof: Some(Proof { route: paths::EVIDENCE_FIGURES, rest, of }), ..self }
    }

    /// Proved by a bundle that a page of its own gives.
    const fn proved_at(self, page: Self, of: &'static str) -> Self {
        Self { proof: Some(Proof { route: page.address, rest: "", of }), ..self }
    }

    /// Of one that shows what this node alone has, beside the chain.
    const fn unkept(self) -> Self {
        Self { lifetime: None, ..self }
    }

    const fn exported(self, register: &'static str) -> Self {
        Self { export: Some(register), ..self }
    }
}

use Group::{Ledger, Sharing};

/// Names each page, and lists all of them in this order.
macro_rules! pages {
    ($($name:ident = $page:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "`.")] pub const $name: Page = $page;)*
        /// Every page.
        pub const PAGES: &[Page] = &[$($name),*];
    };
}

pages! {
    OVERVIEW = Page::listed("/", Sharing, "Overview", "Resumen")
        .proved("", "these rounds and totals");
    ROUNDS = Page::listed("/rounds", Sharing, "Rounds", "Rondas")
        .proved("", "the newest rounds")
        .exported("rounds");
    BUDGETS = Page::listed("/budgets", Sharing, "Budgets", "Presupuestos")
        .proved("", "all budgets")
        .exported("budgets");
    POOLS = Page::listed("/pools", Sharing, "Pools", "Plazas")
        .proved("/class/{class}", "these pools")
        .exported("pools");
    DISTRICTS = Page::listed("/districts", Sharing, "Districts", "Distritos")
        .proved("/places", "all districts")
        .exported("districts");
    SCHOOLS = Page::listed("/schools", Sharing, "Schools", "Escuelas")
        .proved("/places", "all schools")
        .exported("schools");
    BUILDINGS = Page::listed("/buildings", Sharing, "Buildings", "Edificios");
    COMPARE = Page::listed("/compare", Sharing, "Compare", "Comparar").titled("Side by side");
    MILESTONES = Page::listed("/milestones", Sharing, "Milestones", "Logros")
        .proved("/milestones", "these counts")
        .exported("milestones");
    FAMILY = Page::spoken("/family", Sharing, "Families", "Familias");
    BLOCKS = Page::listed("/blocks", Ledger, "Blocks", "Bloques")
        .proved("/blocks?{page}", "the blocks on this page");
    TRANSACTIONS = Page::listed("/transactions", Ledger, "Transactions", "Transacciones").exported("transactions");
    TRAIL = Page::listed("/trail", Ledger, "Trail", "Rastro")
        .titled("Administrative trail")
        .proved("/trail?{page}", "the acts on this page");
    MEMBERS = Page::listed("/members", Ledger, "Members", "Miembros")
        .proved("/members", "all members")
        .exported("members");
    CONSORTIA = Page::listed("/consortia", Ledger, "Consortia", "Consorcios")
        .unkept()
        .proved("/consortia", "all consortia and their newest heads");
    ACTIVITY = Page::listed("/activity", Ledger, "Activity", "Actividad");
    VALIDATORS = Page::listed("/validators", Ledger, "Validators", "Validadores")
        .proved("/validators", "who the validators are")
        .exported("validators");
    PROPOSALS = Page::listed("/proposals", Ledger, "Proposals", "Propuestas")
        .proved("/parameters", "the proposals and their votes")
        .exported("proposals");
    PARAMETERS = Page::listed("/parameters", Ledger, "Parameters", "Parámetros")
        .proved("/parameters", "the parameters and their history")
        .exported("parameters");
    VERIFY = Page::spoken("/verify", Ledger, "Verify", "Verificar")
        .proved("", "budgets, parameters and newest rounds");
    SEARCH = Page::linked("/search", "Search", Public, Some(Lifetime::Height));
    FEED_ATOM = Page::linked("/feed.atom", "Feed", Public, Some(Lifetime::Height));
    FEED_JSON = Page::linked("/feed.json", "Feed", Public, Some(Lifetime::Height));
    // A page of a final block still names the newest height.
    BLOCK = Page::linked("/blocks/{height}", "Block", Public, Some(Lifetime::Height))
        .proved("/block/{height}", "this block");
    ROUND = Page::linked("/rounds/{id}", "Round", Public, Some(Lifetime::Height))
        .proved("/round/{id}", "this round's published figures");
    POOL = Page::linked("/pools/{id}", "Pool", Public, Some(Lifetime::Height))
        .proved("/school/{school}", "this pool");
    DISTRICT = Page::linked("/districts/{id}", "District", Public, Some(Lifetime::Height))
        .proved("/district/{id}", "this district's figures");
    SCHOOL = Page::linked("/schools/{id}", "School", Public, Some(Lifetime::Height))
        .proved("/school/{id}", "this school's figures");
    SCHOOL_HOURS = Page::linked("/schools/{id}/hours", "Hours", Public, Some(Lifetime::Height));
    CLASSROOM = Page::linked("/classroom", "Classroom", Public, None);
    BUILDINGS_PLAN = Page::linked("/buildings/plan", "Estate", Public, None);
    CONSORTIUM_FILE = Page::linked("/consortia/{genesis}/{file}", "Figures of a consortium", Public, None);
    TRANSACTION = Page::linked("/transactions/{id}", "Transaction", Public, None)
        .proved("/transaction/{id}", "this transaction");
    DECISIONS = Page::linked("/family/{token}", "Decisions", Family, None)
        .proved_at(DECISION, "this decision");
    DECISION = Page::linked("/family/{token}/{round}", "Decision", Family, None);
    ASSET = Page::linked("/assets/{name}", "Asset", Public, Some(Lifetime::Final));
}

/// Addresses of students' dashboards: none is kept, and what opens them their routes check.
pub const DASHBOARDS: &[Page] = &[
    Page::linked("/s/{link}", "Dashboard", Dashboard, None),
    Page::linked("/s/of/{session}", "Dashboard", Dashboard, None),
    Page::linked("/s/of/{session}/live", "Dashboard", Dashboard, None),
    Page::linked("/s/of/{session}/record", "Dashboard", Dashboard, None),
    Page::linked("/s/of/{session}/wrong", "Dashboard", Dashboard, None),
];

/// The class of a page by its address; none when there is no such page.
pub fn class_of(address: &str) -> Option<RouteClass> {
    PAGES.iter().chain(DASHBOARDS).find(|page| page.address == address).map(|page| page.class)
}

/// How long the page at a path is kept.
pub fn lifetime(path: &str) -> Option<Lifetime> {
    let is_at = |page: &&Page| match page.address.split_once('{') {
        None => page.address == path,
        Some((start, _)) => path.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
    };
    PAGES.iter().find(is_at)?.lifetime
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_kept_as_its_page_says() {
        assert_eq!(lifetime("/rounds"), Some(Lifetime::Height));
        assert_eq!(lifetime("/rounds/3"), Some(Lifetime::Height));
        assert_eq!(lifetime("/assets/explorer.css"), Some(Lifetime::Final));
        for path in [
            "/family/abc",
            "/family/abc/3",
            "/s/abc",
            "/s/of/abc",
            "/transactions/00",
            "/rounds/",
            "/consortia",
            "/nothing",
            paths::ROUNDS,
        ] {
            assert_eq!(lifetime(path), None, "{path}");
        }
    }

    /// A bundle that is not there would be a button that fails; an export, a dead link.
    #[test]
    fn what_proves_a_page_and_what_it_exports_are_served() {
        let shape = |address: &str| {
            let parts = address.split('?').next().unwrap_or_default().split('/');
            parts.map(|part| if part.starts_with('{') { "{}" } else { part }.to_owned()).collect::<Vec<_>>()
        };
        let fits = |route: &str, bundle: &str| {
            let (route, bundle) = (shape(route), shape(bundle));
            route.len() == bundle.len() && route.iter().zip(&bundle).all(|(a, b)| a == "{}" || a == b)
        };
        for page in PAGES {
            if let Some(proof) = page.proof {
                let routes = paths::ALL.iter().copied();
                let bundle = proof.address();
                let served =
                    routes.chain(PAGES.iter().map(|page| page.address)).any(|path| fits(path, &bundle));
                assert!(served, "{bundle}");
            }
            if let Some(register) = page.export {
                assert!(aula_read::registers::NAMES.contains(&register), "{register}");
            }
        }
    }

    #[test]
    fn every_name_of_the_navigation_is_in_each_language() {
        let names = PAGES.iter().filter_map(|page| page.listed).map(|(_, name)| name);
        for name in names.chain(Group::ALL.map(Group::name)) {
            assert_ne!(name.said(Lang::En), name.said(Lang::Es));
        }
    }

    #[test]
    fn a_page_stands_once() {
        let addresses: std::collections::BTreeSet<_> = PAGES.iter().map(|page| page.address).collect();
        assert_eq!(addresses.len(), PAGES.len());
    }
}
