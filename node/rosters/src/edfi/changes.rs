//! The whole as of one change version, and what changed between two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::asking::Asking;
use super::{Fetched, Objects, Provider, Resource};
use crate::asked::ConsumerError;

/// How often what changed meanwhile is asked for; what changes after that is the next delta's.
const CATCH_UP: usize = 3;
/// Students whose enrolments are asked for one by one; for more, all of them are read.
const ONE_BY_ONE: usize = 200;

fn window(after: u64, until: u64) -> [(&'static str, String); 2] {
    [("minChangeVersion", after.saturating_add(1).to_string()), ("maxChangeVersion", until.to_string())]
}

/// Everybody, as of the newest change version.
pub(super) async fn whole(asking: &mut Asking<'_>, provider: &Provider) -> Result<Fetched, ConsumerError> {
    let mut newest = asking.versions().await?.map(|versions| versions.newest);
    let mut all: BTreeMap<Resource, Objects> = BTreeMap::new();
    for resource in provider.resources() {
        all.insert(resource, asking.all(resource, "", &[]).await?);
    }
    // Of a snapshot nothing changes; without change versions nobody can say what did.
    for _ in 0..if provider.snapshot { 0 } else { CATCH_UP } {
        let (Some(before), Some(now)) = (newest, asking.versions().await?.map(|versions| versions.newest))
        else {
            break;
        };
        if now == before {
            break;
        }
        for (resource, objects) in &mut all {
            for object in asking.all(*resource, "/deletes", &window(before, now)).await?.into_values() {
                if let Some(id) = object.get("id").and_then(Value::as_str) {
                    objects.remove(id);
                }
            }
            objects.extend(asking.all(*resource, "", &window(before, now)).await?);
        }
        newest = Some(now);
    }
    let mut fetched = Fetched { whole: true, newest, ..Fetched::default() };
    for (resource, objects) in all {
        fetched.add(resource.name().to_owned(), objects.into_values());
    }
    Ok(fetched)
}

/// What changed after a change version.
pub(super) async fn since(
    asking: &mut Asking<'_>,
    provider: &Provider,
    after: u64,
) -> Result<Fetched, ConsumerError> {
    let versions = asking.versions().await?;
    let versions = versions.ok_or_else(|| ConsumerError::NoChanges(provider.url.clone()))?;
    if after.saturating_add(1) < versions.oldest {
        return Err(ConsumerError::Forgotten(versions.oldest.saturating_sub(1)));
    }
    let mut fetched =
        Fetched { whole: false, newest: Some(versions.newest.max(after)), ..Fetched::default() };
    if versions.newest <= after {
        return Ok(fetched);
    }
    let (mut upserts, mut moved) = (BTreeMap::new(), BTreeSet::new());
    for resource in provider.resources() {
        let window = window(after, versions.newest);
        for below in ["/keyChanges", "/deletes"] {
            let objects = match asking.all(resource, below, &window).await {
                // Key changes are younger than change queries, and not every resource has them.
                Err(ConsumerError::Status(_, 404, _)) if below == "/keyChanges" => Objects::new(),
                other => other?,
            };
            let keys = ["keyValues", "oldKeyValues", "newKeyValues"];
            if resource == Resource::Enrolments {
                let own = objects
                    .values()
                    .flat_map(|object| keys.iter().filter_map(|name| student(object.get(*name)?)));
                moved.extend(own);
            }
            // Of deletes and key changes one object may have several: in the order of their versions.
            let mut objects: Vec<Value> = objects.into_values().collect();
            objects.sort_by_key(|object| object.get("changeVersion").and_then(Value::as_u64));
            fetched.add(format!("{}.{}", resource.name(), below.trim_start_matches('/')), objects);
        }
        let objects = asking.all(resource, "", &window).await?;
        if resource == Resource::Enrolments {
            moved.extend(objects.values().filter_map(|object| student(object.get("studentReference")?)));
        }
        upserts.insert(resource, objects);
    }
    let standing = enrolments(asking, &moved).await?;
    upserts.entry(Resource::Enrolments).or_default().extend(standing);
    for (resource, objects) in upserts {
        fetched.add(resource.name().to_owned(), objects.into_values());
    }
    Ok(fetched)
}

/// All enrolments of these students as they stand: where one of several ends, the others say where the student is.
async fn enrolments(asking: &mut Asking<'_>, moved: &BTreeSet<String>) -> Result<Objects, ConsumerError> {
    if moved.len() > ONE_BY_ONE {
        let mut all = asking.all(Resource::Enrolments, "", &[]).await?;
        all.retain(|_, object| {
            object.get("studentReference").and_then(student).is_some_and(|id| moved.contains(&id))
        });
        return Ok(all);
    }
    let mut all = Objects::new();
    for id in moved {
        let of_student = [("studentUniqueId", id.clone())];
        all.extend(asking.all(Resource::Enrolments, "", &of_student).await?);
    }
    Ok(all)
}

fn student(object: &Value) -> Option<String> {
    object.get("studentUniqueId").and_then(Value::as_str).map(str::to_owned)
}
