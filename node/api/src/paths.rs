//! Where each route of the API is: a line a route, of which the server, the table of classes, the description and whoever asks are made.
//!
//! A constant is the path as a router reads it, with `{…}` for a parameter. Of one that has parameters a function of the same name fills
//! them in, each percent-encoded: whatever is given stays one part of the path, but nothing at all, `.` and `..`, which mean folders however they are
//! written. Numbers, hashes and names of files are given. Absent: queries, which stand where they are asked.

use std::fmt::Display;

use aula_foreign::form::encoded;

/// Names each path, makes what fills it in, and lists all of them.
macro_rules! paths {
    ($($name:ident = $path:literal $(, $fill:ident($($parameter:ident),+))?;)*) => {
        $(
            #[doc = concat!("`", $path, "`.")]
            pub const $name: &str = $path;
            $(
                #[doc = concat!("`", $path, "` of these.")]
                pub fn $fill($($parameter: impl Display),+) -> String {
                    filled($name, &[$((stringify!($parameter), $parameter.to_string())),+])
                }
            )?
        )*
        /// Every path.
        pub const ALL: &[&str] = &[$($name),*];
        /// Every path that has parameters, with their names as their values.
        #[cfg(test)]
        fn all_filled() -> Vec<(&'static str, String)> {
            vec![$($(($name, $fill($(stringify!($parameter)),+)),)?)*]
        }
    };
}

paths! {
    STATUS = "/v1/status";
    BLOCKS = "/v1/blocks";
    BLOCK = "/v1/blocks/{height}", block(height);
    VALIDATORS = "/v1/validators";
    GENESIS = "/v1/genesis";
    PARAMETERS = "/v1/parameters";
    PARAMETERS_BY_THEIR_EARLIER_NAME = "/v1/params";
    TWIN_PARAMETERS = "/v1/twin-parameters";
    MODEL = "/v1/models/{digest}", model(digest);
    STREAM = "/v1/stream";
    SEARCH = "/v1/search";
    EXPORT = "/v1/export/{file}", export(file);

    TRANSACTIONS = "/v1/transactions";
    TRANSACTION = "/v1/transactions/{id}", transaction(id);
    ACCOUNT = "/v1/accounts/{id}", account(id);

    ROUNDS = "/v1/rounds";
    ROUND = "/v1/rounds/{id}", round(id);
    ROUND_AUDITS = "/v1/rounds/{id}/audits", round_audits(id);
    ROUND_FIGURES = "/v1/rounds/{id}/figures", round_figures(id);
    ROUND_REPORT = "/v1/rounds/{id}/report", round_report(id);
    POOLS = "/v1/pools";
    POOL = "/v1/pools/{id}", pool(id);
    CLASSES = "/v1/classes";
    BUDGETS = "/v1/budgets";
    OWN_ROWS = "/v1/districts/{district}/rounds/{round}", own_rows(district, round);
    OWN_WHY = "/v1/districts/{district}/rounds/{round}/why/{handle}", own_why(district, round, handle);
    OWN_STUDENTS = "/v1/districts/{district}/students/{school_year}", own_students(district, school_year);

    MEMBERS = "/v1/members";
    PROPOSALS = "/v1/proposals";
    TRAIL = "/v1/trail";
    MILESTONES = "/v1/milestones";
    DISTRICTS = "/v1/districts";
    DISTRICT = "/v1/districts/{id}", district(id);
    SCHOOLS = "/v1/schools";
    SCHOOL = "/v1/schools/{id}", school(id);
    SCHOOL_HOURS = "/v1/schools/{id}/hours", school_hours(id);
    HOURS = "/v1/hours/{file}", hours(file);

    EVIDENCE_ROUND = "/v1/evidence/round/{round}", evidence_round(round);
    EVIDENCE_ALLOCATION = "/v1/evidence/allocation/{round}/{handle}", evidence_allocation(round, handle);
    EVIDENCE_STUDENT =
        "/v1/evidence/student/{district}/{school_year}/{handle}", evidence_student(district, school_year, handle);
    EVIDENCE_MILESTONE =
        "/v1/evidence/milestone/{district}/{handle}/{number}", evidence_milestone(district, handle, number);
    EVIDENCE_BUDGET = "/v1/evidence/budget/{funder}/{school_year}", evidence_budget(funder, school_year);
    EVIDENCE_ACCESS = "/v1/evidence/access/{district}", evidence_access(district);
    EVIDENCE_ESTATE = "/v1/evidence/estate/{district}", evidence_estate(district);
    EVIDENCE_FIGURES = "/v1/evidence/figures";
    EVIDENCE_REGISTER = "/v1/evidence/figures/{register}", evidence_register(register);
    EVIDENCE_ONE = "/v1/evidence/figures/{what}/{id}", evidence_one(what, id);

    VAULT = "/v1/vault/{handle}", vault(handle);
    HEATMAP = "/v1/classrooms/{section}/heatmap", heatmap(section);
    CONSENTS = "/v1/consents/{district}/{school_year}", consents(district, school_year);
    FAMILY_READS = "/v1/family/reads";
    ACCESS_LOGS = "/v1/access-logs";

    ACTING = "/acting";
    HEALTHZ = "/healthz";
    READYZ = "/readyz";
    METRICS = "/metrics";
    DESCRIPTION = "/openapi.json";
}

/// What is asked by whoever watches the node; no rate counts it, and no version stands before it.
pub const HEALTH: [&str; 4] = [ACTING, HEALTHZ, READYZ, METRICS];

/// Whether programs ask there, and no browser is given a page.
pub fn is_for_programs(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/") || path == DESCRIPTION || HEALTH.contains(&path)
}

/// A path up to its first parameter: what the paths of all its values begin with.
pub fn stem(path: &str) -> &str {
    path.split_once('{').map_or(path, |(stem, _)| stem)
}

fn filled(path: &str, parameters: &[(&str, String)]) -> String {
    parameters.iter().fold(path.to_owned(), |path, (name, value)| {
        // Encoded, a value has no braces: it is not taken for the next parameter.
        path.replace(&format!("{{{name}}}"), &encoded(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fills_a_path_in_has_its_parameters_and_no_other() {
        let filled = all_filled();
        for (path, with_names) in &filled {
            assert_eq!(*with_names, path.replace(['{', '}'], ""), "{path}");
        }
        let with_parameters: Vec<_> = ALL.iter().filter(|path| path.contains('{')).collect();
        assert_eq!(filled.iter().map(|(path, _)| path).collect::<Vec<_>>(), with_parameters);
    }

    #[test]
    fn whatever_is_given_stays_one_part_of_the_path() {
        assert_eq!(heatmap("5 b/ü?x=1#{id}"), "/v1/classrooms/5%20b%2F%C3%BC%3Fx%3D1%23%7Bid%7D/heatmap");
        assert_eq!(own_why(3, 7, "{round}"), "/v1/districts/3/rounds/7/why/%7Bround%7D");
        assert_eq!(block(7_u64), "/v1/blocks/7");
    }

    #[test]
    fn programs_are_told_from_browsers_by_where_they_ask() {
        assert!(ALL.iter().all(|path| is_for_programs(path)) && is_for_programs("/v1"));
        assert!(["/", "/v1x", "/blocks/1", "/metrics/1"].iter().all(|path| !is_for_programs(path)));
    }

    #[test]
    fn what_stands_before_a_parameter_is_what_all_begin_with() {
        assert_eq!((stem(BLOCK), stem(BLOCKS), stem(OWN_ROWS)), ("/v1/blocks/", BLOCKS, "/v1/districts/"));
        assert!(block(12).starts_with(stem(BLOCK)));
    }
}
