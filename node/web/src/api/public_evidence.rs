//! Evidence for anybody: the public records and acts behind each page of the explorer, as bundles of public figures.
//!
//! No route here asks for a credential: what a bundle of this kind may hold is decided by the ledger's builder, which
//! leaves out every record with a handle or a count that the public does not see. A page names the bundle behind it.

use std::collections::BTreeSet;
use std::sync::Arc;

use aula_api::paths;
use aula_ledger::audit::bundle::FigureKey;
use aula_ledger::state::schema::{self, Consortium, RoundStatus};
use aula_ledger::types::{ClassId, DistrictId, Hash, Height, RoundId, SchoolId};
use aula_read::round_figures::RoundFigures;
use aula_store::ChainView;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::chain::{self, MAX_BLOCKS};
use super::evidence::{EvidenceQuery, built};
use super::listings::{TrailQuery, trail_page};
use crate::api_error::{ApiError, ErrorBody};
use crate::http::AppState;
use crate::http::{FromPath, FromQuery};

/// Most reports in a bundle of the whole ledger: what a page of a school or district shows.
const MAX_REPORTS: usize = 50;
/// Most proposals in a bundle, the newest.
const MAX_PROPOSALS: usize = 500;

/// What a bundle shows: records, acts, and blocks on the way.
#[derive(Default)]
struct Shown {
    keys: Vec<FigureKey>,
    acts: Vec<(Height, u32)>,
    blocks: BTreeSet<Height>,
}

impl Shown {
    fn keys(keys: Vec<FigureKey>) -> Self {
        Self { keys, ..Self::default() }
    }

    async fn bundle(self, node: &Arc<AppState>) -> Result<Response, ApiError> {
        let acts = self.acts;
        let blocks = self.blocks.into_iter().chain(acts.iter().map(|(height, _)| *height)).collect();
        built(node, blocks, move |collector| collector.figures(&self.keys, &acts)).await
    }
}

/// Which part of a list the bundle is about.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Of the trail: only below this ordinal. Of the blocks: from this height down. The newest when left out.
    pub before: Option<u64>,
    /// Of the trail and the blocks: how many, 1 to 100; 20 when left out.
    pub limit: Option<usize>,
}

/// Public figures of the whole ledger, for anybody: parameters, budgets, and the published reports of the newest rounds
#[utoipa::path(get, path = paths::EVIDENCE_FIGURES, tag = "evidence", params(EvidenceQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = ErrorBody)))]
pub async fn figures(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    let view = node.view();
    let mut keys = vec![FigureKey::Parameters, FigureKey::Validators];
    let budgets = schema::budgets(&*view)?;
    keys.extend(
        budgets.iter().map(|one| FigureKey::Budget { funder: one.funder, school_year: one.school_year }),
    );
    keys.extend(reports(&view)?);
    let blocks = query.waypoint.map(Height).into_iter().collect();
    Shown { keys, blocks, ..Shown::default() }.bundle(&node).await
}

/// A register, for anybody: consortia, members, milestones, parameters, places, validators; or a page of blocks or of the trail
///
/// Of the trail, acts that name a student or a withheld count are left out.
#[utoipa::path(get, path = paths::EVIDENCE_REGISTER, tag = "evidence",
    params(("register" = String, Path), ListQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn register(
    State(node): State<Arc<AppState>>,
    FromPath(register): FromPath<String>,
    FromQuery(query): FromQuery<ListQuery>,
) -> Result<Response, ApiError> {
    let view = node.view();
    let shown = match register.as_str() {
        "members" => {
            let members = schema::members(&*view)?;
            Shown::keys(members.iter().map(|one| FigureKey::Member(one.account)).collect())
        }
        "consortia" => {
            let known = schema::consortia(&*view)?;
            // A ledger without any still has a bundle.
            Shown::keys([FigureKey::Parameters].into_iter().chain(known.iter().flat_map(heads)).collect())
        }
        "milestones" => {
            let lines = schema::milestones_shown(&*view)?;
            let key = |one: &schema::MilestonesShown| FigureKey::Milestones {
                school_year: one.school_year,
                kind: one.kind,
            };
            Shown::keys([FigureKey::Parameters].into_iter().chain(lines.iter().map(key)).collect())
        }
        "parameters" => {
            let proposals = schema::proposals(&*view)?;
            let newest = proposals.iter().rev().take(MAX_PROPOSALS);
            let keys = newest.map(|one| FigureKey::Proposal(one.proposal));
            Shown::keys([FigureKey::Parameters].into_iter().chain(keys).collect())
        }
        "places" => {
            let mut keys: Vec<_> =
                schema::districts(&*view)?.iter().map(|one| FigureKey::District(one.id)).collect();
            keys.extend(schema::schools(&*view)?.iter().map(|one| FigureKey::School(one.id)));
            Shown::keys(keys)
        }
        "validators" => {
            let infos = schema::validator_infos(&*view)?;
            let keys = infos.iter().map(|one| FigureKey::Validator(one.address));
            Shown::keys([FigureKey::Validators].into_iter().chain(keys).collect())
        }
        "blocks" => {
            let limit = query.limit.unwrap_or(20) as u64;
            let page = chain::page(&view, query.before, limit.clamp(1, MAX_BLOCKS))?;
            let blocks = page.blocks.iter().map(|block| block.height).collect();
            Shown { keys: vec![FigureKey::Parameters], blocks, ..Shown::default() }
        }
        "trail" => {
            let page = trail_page(&node, &TrailQuery { before: query.before, limit: query.limit })?;
            let acts = page.transactions.iter().map(|line| (Height(line.height), line.index)).collect();
            Shown { keys: vec![FigureKey::Parameters], acts, ..Shown::default() }
        }
        _ => return Err(ApiError::not_found("there is no such register to prove", "see /openapi.json")),
    };
    shown.bundle(&node).await
}

/// One thing, for anybody: a block, class, district, round or school by number, an act or another consortium by its hash
#[utoipa::path(get, path = paths::EVIDENCE_ONE, tag = "evidence",
    params(("what" = String, Path), ("id" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = ErrorBody)))]
pub async fn one(
    State(node): State<Arc<AppState>>,
    FromPath((what, id)): FromPath<(String, String)>,
) -> Result<Response, ApiError> {
    let view = node.view();
    let missing = || ApiError::not_found(format!("there is no {what} {id}"), "see /openapi.json");
    let number = || id.parse::<u32>().map_err(|_| missing());
    let shown = match what.as_str() {
        "round" => {
            let figures = RoundFigures::read(&view, RoundId(number()?))?.ok_or_else(missing)?;
            let mut keys = class_keys(&view, figures.round.class)?;
            keys.extend([FigureKey::Report(figures.round.round), FigureKey::Parameters]);
            // What the page compares it with.
            keys.extend(figures.before.map(FigureKey::Report));
            Shown::keys(keys)
        }
        "class" => {
            let class = ClassId(id.parse().map_err(|_| missing())?);
            schema::class(&*view, class)?.ok_or_else(missing)?;
            Shown::keys(class_keys(&view, class)?)
        }
        "school" => {
            let school = schema::school(&*view, SchoolId(number()?))?.ok_or_else(missing)?;
            let own = schema::all_pools(&*view)?.into_iter().filter(|pool| pool.school == school.id);
            let mut keys: Vec<_> =
                own.map(|pool| FigureKey::Pool { class: pool.class, pool: pool.pool }).collect();
            keys.extend([FigureKey::School(school.id), FigureKey::District(school.district)]);
            keys.extend(reports(&view)?);
            Shown::keys(keys)
        }
        "district" => {
            let district = DistrictId(id.parse().map_err(|_| missing())?);
            schema::district(&*view, district)?.ok_or_else(missing)?;
            let schools = schema::schools(&*view)?;
            let own = schools.iter().filter(|school| school.district == district);
            let mut keys: Vec<_> = own.map(|school| FigureKey::School(school.id)).collect();
            keys.push(FigureKey::District(district));
            keys.extend(schema::access_log(&*view, district)?.map(|_| FigureKey::AccessLog(district)));
            keys.extend(schema::estate(&*view, district)?.map(|_| FigureKey::Estate(district)));
            keys.extend(reports(&view)?);
            Shown::keys(keys)
        }
        "block" => {
            let height = Height(id.parse().map_err(|_| missing())?);
            view.header(height)?.ok_or_else(missing)?;
            let blocks = BTreeSet::from([height]);
            Shown { keys: vec![FigureKey::Parameters], blocks, ..Shown::default() }
        }
        "consortium" => {
            let genesis: Hash = id.parse().map_err(|_| missing())?;
            Shown::keys(heads(&schema::consortium(&*view, &genesis)?.ok_or_else(missing)?).collect())
        }
        "transaction" => {
            let id: Hash = id.parse().map_err(|_| missing())?;
            let place = view.locate(&id)?.ok_or_else(missing)?;
            Shown { acts: vec![(place.height, place.index)], ..Shown::default() }
        }
        _ => return Err(missing()),
    };
    shown.bundle(&node).await
}

/// A consortium, and its newest certified head where there is one.
fn heads(one: &Consortium) -> impl Iterator<Item = FigureKey> + use<> {
    let genesis = one.genesis;
    let head = one.newest.as_ref().map(|head| FigureKey::AnchoredHead { genesis, height: head.height });
    std::iter::once(FigureKey::Consortium(genesis)).chain(head)
}

/// A class and its pools.
fn class_keys(view: &ChainView, class: ClassId) -> Result<Vec<FigureKey>, ApiError> {
    let pools = schema::pools(view, class)?;
    let keys = pools.iter().map(|pool| FigureKey::Pool { class, pool: pool.pool });
    Ok([FigureKey::Class(class)].into_iter().chain(keys).collect())
}

/// The newest decided rounds' reports.
fn reports(view: &ChainView) -> Result<Vec<FigureKey>, ApiError> {
    let rounds = schema::rounds(view)?;
    let decided = rounds.iter().rev().filter(|round| matches!(round.status, RoundStatus::Decided { .. }));
    Ok(decided.take(MAX_REPORTS).map(|round| FigureKey::Report(round.round)).collect())
}
