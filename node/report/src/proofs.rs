//! Where on a node's API the bundles are that prove a paper's figures. A paper prints these addresses and asks for nothing.

/// Of the whole ledger's budgets.
pub(crate) const BUDGETS: &str = "/v1/evidence/figures";

/// Of the parameters in force and their history.
pub(crate) const PARAMETERS: &str = "/v1/evidence/figures/parameters";

/// Of what is published of a round.
pub(crate) fn of_round(round: u32) -> String {
    format!("/v1/evidence/figures/round/{round}")
}

/// Of a district's figures.
pub(crate) fn of_district(district: u16) -> String {
    format!("/v1/evidence/figures/district/{district}")
}

/// Of a school's figures.
pub(crate) fn of_school(school: u32) -> String {
    format!("/v1/evidence/figures/school/{school}")
}
