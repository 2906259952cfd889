//! What a request asks beside its place: `limit`, `offset`, `sort`, `orderBy`, `filter`, `fields`; and one page of an answer.
//!
//! Unknown parameters are left alone, as the standard's bindings do. A sort by a field that the type does not have gives the usual
//! order (by `sourcedId`), as the standard says; a selection or a filter of one is refused.

use aula_foreign::form::pairs;
use serde_json::{Map, Value};

use super::filter::{Filter, values};
use super::schema::{Kind, Type};
use super::status::Refusal;

/// Objects on a page when a request does not say.
const USUAL: usize = 100;
/// Most objects on a page, whatever a request says.
pub const MOST: usize = 5_000;

/// The parameters of a request, read and bounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Objects on a page.
    pub limit: usize,
    /// How many stand before it.
    pub offset: usize,
    /// By which field, and how that compares; none: the usual order.
    sort: Option<(Vec<String>, Kind)>,
    descending: bool,
    filter: Option<Filter>,
    fields: Option<Vec<String>>,
}

impl Question {
    /// Reads the query of a request for a type.
    ///
    /// # Errors
    /// [`Refusal::Data`], [`Refusal::Filter`], [`Refusal::Selection`].
    pub fn parse(query: &str, of: Type) -> Result<Self, Refusal> {
        let data = |why: &str| Refusal::Data(why.to_owned());
        let asked =
            pairs(query.as_bytes()).ok_or_else(|| data("a parameter stands twice, or is not UTF-8"))?;
        let number = |name: &str, usual: usize, least: usize| match asked.get(name) {
            None => Ok(usual),
            Some(text) => {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let read = text.parse().ok().filter(|number: &usize| digits && *number >= least);
                read.ok_or_else(|| Refusal::Data(format!("{name} must be a whole number from {least}")))
            }
        };
        let descending = match asked.get("orderBy").map(String::as_str) {
            None | Some("" | "asc") => false,
            Some("desc") => true,
            Some(_) => return Err(data("orderBy must be asc or desc")),
        };
        let sort = asked.get("sort").and_then(|name| {
            let path: Vec<String> = name.split('.').map(str::to_owned).collect();
            let kind = of.kind(&path)?;
            Some((path, kind))
        });
        let filter = asked.get("filter").filter(|text| !text.is_empty());
        let filter = filter.map(|text| Filter::parse(text, of)).transpose();
        let filter = filter.map_err(|why| Refusal::Filter(why.to_string()))?;
        let fields = asked.get("fields").map(|text| selected(text, of)).transpose()?;
        Ok(Self {
            limit: number("limit", USUAL, 1)?.min(MOST),
            offset: number("offset", 0, 0)?,
            sort,
            descending,
            filter,
            fields,
        })
    }

    /// True where the objects' own order is the one asked for and all of them are.
    pub fn is_plain(&self) -> bool {
        self.filter.is_none()
            && self.sort.as_ref().is_none_or(|(path, _)| *path == ["sourcedId"])
            && !self.descending
    }

    /// Whether there is a filter.
    pub const fn filters(&self) -> bool {
        self.filter.is_some()
    }

    /// Whether an object meets the filter.
    pub fn meets(&self, object: &Value) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.meets(object))
    }

    /// Whether the answer's count alone tells something of an object ([`Filter::tells_of`]).
    pub fn tells_of(&self, object: &Value) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.tells_of(object))
    }

    /// Puts objects into the order asked for; they come by `sourcedId`, which decides among equals.
    pub fn arrange<T>(&self, all: &mut [(T, Value)]) {
        if let Some((path, kind)) = &self.sort {
            let key = |object: &Value| {
                let mut found = Vec::new();
                values(object, path, &mut found);
                let text = found.join(",");
                let number = match kind {
                    Kind::Number => text.parse().unwrap_or(f64::NEG_INFINITY),
                    _ => 0.0,
                };
                (number, text)
            };
            all.sort_by_cached_key(|(_, object)| {
                let (number, text) = key(object);
                (Ordered(number), text)
            });
        }
        if self.descending {
            all.reverse();
        }
    }

    /// The fields that were asked for, of an object that has all.
    pub fn select(&self, object: Value) -> Value {
        match (&self.fields, object) {
            (Some(fields), Value::Object(object)) => {
                let kept = object.into_iter().filter(|(name, _)| fields.contains(name));
                Value::Object(kept.collect::<Map<_, _>>())
            }
            (_, object) => object,
        }
    }
}

/// Numbers in their order; none of them is NaN.
#[derive(PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

fn selected(text: &str, of: Type) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().find(|name| !of.has(name)) {
        None => Ok(names),
        Some(name) => {
            Err(Refusal::Selection(format!("fields names {name:?}, which is not a field of this type")))
        }
    }
}

/// The selection of a request for one object.
///
/// # Errors
/// [`Refusal::Selection`].
pub fn of_one(query: &str, of: Type) -> Result<Question, Refusal> {
    let asked = pairs(query.as_bytes()).unwrap_or_default();
    let fields = asked.get("fields").map(|text| selected(text, of)).transpose()?;
    Ok(Question { limit: 1, offset: 0, sort: None, descending: false, filter: None, fields })
}

/// The addresses of further pages, as a `Link` header (RFC 8288).
pub fn links(place: &str, query: &str, (limit, offset, total): (usize, usize, usize)) -> String {
    let rest = query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && !matches!(name, "limit" | "offset")
    });
    let rest: Vec<&str> = rest.collect();
    let at = |offset: usize, rel: &str| {
        let mut query = vec![format!("limit={limit}"), format!("offset={offset}")];
        query.extend(rest.iter().map(|pair| (*pair).to_owned()));
        format!("<{place}?{}>; rel=\"{rel}\"", query.join("&"))
    };
    let last = total.saturating_sub(1) / limit * limit;
    let mut all = Vec::new();
    let next = offset.saturating_add(limit);
    if next < total {
        all.push(at(next, "next"));
    }
    if offset > 0 {
        all.push(at(offset.saturating_sub(limit), "prev"));
    }
    all.extend([at(0, "first"), at(last, "last")]);
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use aula_foreign::link::next_page;
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_read_or_refused_with_the_standards_codes() {
        let read = |query: &str| Question::parse(query, Type::User);
        let plain = read("").map(|question| (question.limit, question.offset, question.is_plain()));
        assert_eq!(plain, Ok((USUAL, 0, true)));
        let odd = read("limit=99999&offset=7&sort=colour&orderBy=asc&other=1");
        let odd = odd.map(|question| (question.limit, question.offset, question.is_plain()));
        assert_eq!(odd, Ok((MOST, 7, true)), "an unknown sort is the usual order");
        for (query, code) in [
            ("limit=0", "invaliddata"),
            ("limit=-1", "invaliddata"),
            ("limit=+1", "invaliddata"),
            ("limit=ten", "invaliddata"),
            ("offset=-1", "invaliddata"),
            ("offset=1.5", "invaliddata"),
            ("orderBy=up", "invaliddata"),
            ("limit=1&limit=2", "invaliddata"),
            ("filter=%FF", "invaliddata"),
            ("filter=%2", "invaliddata"),
            ("filter=colour%3D'x'", "invalid_filter_field"),
            ("filter=familyName", "invalid_filter_field"),
            ("fields=colour", "invalid_selection_field"),
            ("fields=", "invalid_selection_field"),
            ("fields=givenName,,familyName", "invalid_selection_field"),
        ] {
            assert_eq!(read(query).map_err(|refused| refused.codes().1), Err(code), "{query}");
        }
        let met =
            read("filter=familyName%3D'a+b'").map(|question| question.meets(&json!({ "familyName": "A B" })));
        assert_eq!(met, Ok(true));
    }

    #[test]
    fn objects_are_sorted_selected_and_their_pages_linked() {
        let object = |id: &str, name: Option<&str>, score: f64| match name {
            Some(name) => json!({ "sourcedId": id, "familyName": name, "score": score }),
            None => json!({ "sourcedId": id, "score": score }),
        };
        let all = || {
            vec![
                ((), object("a", Some("b"), 10.0)),
                ((), object("b", None, 9.5)),
                ((), object("c", Some("B"), -1.0)),
            ]
        };
        let order = |query: &str, of| {
            let mut all = all();
            let question = Question::parse(query, of);
            if let Ok(question) = &question {
                question.arrange(&mut all);
            }
            all.iter()
                .filter_map(|(_, object)| object["sourcedId"].as_str().map(str::to_owned))
                .collect::<String>()
        };
        // Unicode's order: capitals first, and nothing before everything.
        assert_eq!(order("sort=familyName", Type::User), "bca");
        assert_eq!(order("sort=familyName&orderBy=desc", Type::User), "acb");
        assert_eq!(order("sort=score", Type::AssessmentResult), "cba", "numbers, not their letters");
        assert_eq!(order("orderBy=desc", Type::User), "cba");
        let question = Question::parse("fields=familyName,email", Type::User);
        let selected = question.map(|question| question.select(object("a", Some("b"), 1.0)));
        assert_eq!(selected, Ok(json!({ "familyName": "b" })));
        let linked = links("https://a/users", "limit=2&filter=a%3D'b'&offset=2", (2, 2, 5));
        assert_eq!(next_page(&linked).as_deref(), Some("https://a/users?limit=2&offset=4&filter=a%3D'b'"));
        assert!(
            linked.contains("offset=0&filter=a%3D'b'>; rel=\"prev\"")
                && linked.contains("offset=4&filter=a%3D'b'>; rel=\"last\"")
        );
        assert_eq!(next_page(&links("p", "", (2, 4, 5))), None);
        assert_eq!(next_page(&links("p", "", (2, 0, 0))), None);
    }
}
