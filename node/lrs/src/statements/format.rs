//! How statements are shown: exactly, by identifiers only, or with one language.

use crate::json::{Json, Object};

/// The parameter `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As it was stored.
    #[default]
    Exact,
    /// Actors, verbs and activities by their identifiers.
    Ids,
    /// Verbs and activities with the definition that the store knows, in one language.
    Canonical,
}

impl Format {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "exact" => Some(Self::Exact),
            "ids" => Some(Self::Ids),
            "canonical" => Some(Self::Canonical),
            _ => None,
        }
    }
}

/// The languages that a reader wants, best first (RFC 9110, `Accept-Language`).
#[derive(Debug, Clone, Default)]
pub struct Languages(Vec<String>);

impl Languages {
    /// From the header; unreadable parts are left out.
    pub fn parse(header: &str) -> Self {
        let mut ranges: Vec<(u32, String)> = header
            .split(',')
            .take(64)
            .filter_map(|part| {
                let mut pieces = part.split(';').map(str::trim);
                let range = pieces.next()?.to_ascii_lowercase();
                let quality =
                    pieces.find_map(|piece| piece.strip_prefix("q=")).map_or(Some(1_000), thousandths)?;
                (quality > 0 && !range.is_empty()).then_some((quality, range))
            })
            .collect();
        ranges.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
        Self(ranges.into_iter().map(|(_, range)| range).collect())
    }

    /// The member of a language map that fits best: of the first wanted language that is there, or the first there is.
    fn best<'a>(&self, map: &'a Object) -> Option<(&'a str, &'a Json)> {
        let fits = |range: &str, tag: &str| {
            let tag = tag.to_ascii_lowercase();
            range == "*" || tag == range || tag.strip_prefix(range).is_some_and(|rest| rest.starts_with('-'))
        };
        // Lookup (RFC 4647, 3.4): a range that nothing fits is cut at its last dash.
        let mut shortened = self.0.iter().flat_map(|range| {
            std::iter::successors(Some(range.as_str()), |range| {
                range.rsplit_once('-').map(|(front, _)| front)
            })
        });
        shortened.find_map(|range| map.iter().find(|(tag, _)| fits(range, tag))).or_else(|| map.iter().next())
    }
}

fn thousandths(quality: &str) -> Option<u32> {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let value =
        whole.parse::<u32>().ok()?.checked_mul(1_000)? + format!("{fraction:0<3}").parse::<u32>().ok()?;
    (digits && value <= 1_000).then_some(value)
}

/// The statement in this format. `definition` gives what the store knows of an activity.
pub fn shown(
    statement: &Json,
    format: Format,
    languages: &Languages,
    definition: &mut dyn FnMut(&str) -> Option<Json>,
) -> Json {
    let mut shown = statement.clone();
    if let Some(one) = shown.as_object_mut() {
        match format {
            Format::Exact => {}
            Format::Ids => {
                change(one, "authority", actor_ids);
                walk(one, &mut actor_ids, &mut |verb| keep(verb, &["id"]), &mut |activity| {
                    keep(activity, &["id"]);
                });
            }
            Format::Canonical => {
                walk(one, &mut |_| {}, &mut |verb| one_language(verb, "display", languages), &mut |a| {
                    canonical(a, languages, definition);
                })
            }
        }
    }
    shown
}

type Change<'a> = &'a mut dyn FnMut(&mut Object);

fn walk(one: &mut Object, actor: Change<'_>, verb: Change<'_>, activity: Change<'_>) {
    change(one, "actor", &mut *actor);
    change(one, "verb", &mut *verb);
    change(one, "object", |object| match object.get("objectType").and_then(Json::as_text) {
        Some("Agent" | "Group") => actor(object),
        Some("SubStatement") => walk(object, actor, verb, activity),
        Some("StatementRef") => {}
        _ => activity(object),
    });
    change(one, "context", |context| {
        for key in ["instructor", "team"] {
            change(context, key, &mut *actor);
        }
        for (list, key) in [("contextAgents", "agent"), ("contextGroups", "group")] {
            if let Some(Json::Array(items)) = context.get_mut(list) {
                items
                    .iter_mut()
                    .filter_map(Json::as_object_mut)
                    .for_each(|item| change(item, key, &mut *actor));
            }
        }
        change(context, "contextActivities", |related| {
            for (_, list) in related.iter_mut() {
                match list {
                    Json::Array(items) => {
                        items.iter_mut().filter_map(Json::as_object_mut).for_each(&mut *activity)
                    }
                    single => single.as_object_mut().into_iter().for_each(&mut *activity),
                }
            }
        });
    });
}

fn change(one: &mut Object, key: &str, mut with: impl FnMut(&mut Object)) {
    if let Some(found) = one.get_mut(key).and_then(Json::as_object_mut) {
        with(found);
    }
}

fn keep(one: &mut Object, keys: &[&str]) {
    let others: Vec<String> = one.iter().map(|(key, _)| key.to_owned()).collect();
    for key in others.iter().filter(|key| !keys.contains(&key.as_str())) {
        one.remove(key);
    }
}

fn actor_ids(one: &mut Object) {
    let anonymous = crate::validate::IDENTIFIERS.iter().all(|key| one.get(key).is_none());
    keep(
        one,
        match anonymous {
            // Without an identifier the members are what is known of a group.
            true => &["objectType", "member"],
            false => &["objectType", "mbox", "mbox_sha1sum", "openid", "account"],
        },
    );
    if let Some(Json::Array(members)) = one.get_mut("member") {
        members.iter_mut().filter_map(Json::as_object_mut).for_each(actor_ids);
    }
}

fn canonical(activity: &mut Object, languages: &Languages, definition: &mut dyn FnMut(&str) -> Option<Json>) {
    if let Some(known) = activity.get("id").and_then(Json::as_text).and_then(definition) {
        activity.set("definition", known);
    }
    change(activity, "definition", |own| {
        one_language(own, "name", languages);
        one_language(own, "description", languages);
        for list in ["choices", "scale", "source", "target", "steps"] {
            if let Some(Json::Array(items)) = own.get_mut(list) {
                let items = items.iter_mut().filter_map(Json::as_object_mut);
                items.for_each(|item| one_language(item, "description", languages));
            }
        }
    });
}

fn one_language(one: &mut Object, key: &str, languages: &Languages) {
    if let Some(map) = one.get_mut(key).and_then(Json::as_object_mut)
        && let Some((tag, text)) = languages.best(map)
    {
        let mut best = Object::default();
        best.set(tag, text.clone());
        *map = best;
    }
}
