//! The registry of the explorer's pages: address, place in the navigation, what opens it, how long it may be kept.
//!
//! A page that is not here does not exist: the explorer serves these addresses, the gate opens and keeps them by these lines,
//! and the navigation lists those with a name, in this order. Absent: what a page shows, which is its file in `explorer/`.

use aula_api::routes::RouteClass;
use aula_api::routes::RouteClass::{Dashboard, Family, Public};

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
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sharing => "Sharing",
            Self::Ledger => "Ledger",
        }
    }
}

/// A page.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Its address, with `{…}` for a part that varies.
    pub address: &'static str,
    /// Its place in the navigation; none for a page that others lead to.
    pub listed: Option<(Group, &'static str)>,
    /// What opens it.
    pub class: RouteClass,
    /// How long it is kept; none when it depends on more than the chain.
    pub lifetime: Option<Lifetime>,
}

use Group::{Ledger, Sharing};

/// A page of the navigation.
const fn listed(address: &'static str, group: Group, name: &'static str) -> Page {
    Page { address, listed: Some((group, name)), class: Public, lifetime: Some(Lifetime::Height) }
}

/// A page of the navigation that is in its reader's language.
const fn spoken(address: &'static str, group: Group, name: &'static str) -> Page {
    Page { address, listed: Some((group, name)), class: Public, lifetime: None }
}

/// A page that others lead to.
const fn linked(address: &'static str, class: RouteClass, lifetime: Option<Lifetime>) -> Page {
    Page { address, listed: None, class, lifetime }
}

/// Every page.
pub const PAGES: &[Page] = &[
    listed("/", Sharing, "Overview"),
    listed("/rounds", Sharing, "Rounds"),
    listed("/budgets", Sharing, "Budgets"),
    listed("/pools", Sharing, "Pools"),
    listed("/districts", Sharing, "Districts"),
    listed("/schools", Sharing, "Schools"),
    listed("/buildings", Sharing, "Buildings"),
    listed("/compare", Sharing, "Compare"),
    listed("/milestones", Sharing, "Milestones"),
    spoken("/family", Sharing, "Families"),
    listed("/blocks", Ledger, "Blocks"),
    listed("/transactions", Ledger, "Transactions"),
    listed("/trail", Ledger, "Trail"),
    listed("/members", Ledger, "Members"),
    listed("/activity", Ledger, "Activity"),
    listed("/validators", Ledger, "Validators"),
    listed("/proposals", Ledger, "Proposals"),
    listed("/parameters", Ledger, "Parameters"),
    spoken("/verify", Ledger, "Verify"),
    linked("/search", Public, Some(Lifetime::Height)),
    linked("/feed.atom", Public, Some(Lifetime::Height)),
    linked("/feed.json", Public, Some(Lifetime::Height)),
    // A page of a final block still names the newest height.
    linked("/blocks/{height}", Public, Some(Lifetime::Height)),
    linked("/rounds/{id}", Public, Some(Lifetime::Height)),
    linked("/pools/{id}", Public, Some(Lifetime::Height)),
    linked("/districts/{id}", Public, Some(Lifetime::Height)),
    linked("/schools/{id}", Public, Some(Lifetime::Height)),
    linked("/schools/{id}/hours", Public, Some(Lifetime::Height)),
    linked("/classroom", Public, None),
    linked("/buildings/plan", Public, None),
    linked("/transactions/{id}", Public, None),
    linked("/family/{token}", Family, None),
    linked("/family/{token}/{round}", Family, None),
    linked("/assets/{name}", Public, Some(Lifetime::Final)),
];

/// Addresses of students' dashboards: none is kept, and what opens them their routes check.
pub const DASHBOARDS: &[Page] = &[
    linked("/s/{link}", Dashboard, None),
    linked("/s/of/{session}", Dashboard, None),
    linked("/s/of/{session}/live", Dashboard, None),
    linked("/s/of/{session}/record", Dashboard, None),
    linked("/s/of/{session}/wrong", Dashboard, None),
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
            "/nothing",
            "/v1/rounds",
        ] {
            assert_eq!(lifetime(path), None, "{path}");
        }
    }

    #[test]
    fn a_page_stands_once() {
        let addresses: std::collections::BTreeSet<_> = PAGES.iter().map(|page| page.address).collect();
        assert_eq!(addresses.len(), PAGES.len());
    }
}
