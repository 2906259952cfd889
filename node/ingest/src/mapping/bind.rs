//! A mapping matched with a file's header: columns by number, formats and bounds read once.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::source::{Others, Source, Steps};
use super::spec::FileSpec;
use crate::date::{self, Date, Pattern};
use crate::decimal::Decimal;
use crate::error::MappingError;
use crate::reading::{Fault, Rule};

/// Words for `{name}`.
pub(super) type Words<'a> = BTreeMap<&'a str, &'a str>;

/// A file's columns by name.
pub(super) struct Header<'a> {
    file: &'a str,
    spec: &'a FileSpec,
    names: BTreeMap<String, Vec<usize>>,
    told: &'a [String],
}

/// A name as columns are matched: case and inner spaces do not matter.
fn plain(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl<'a> Header<'a> {
    pub fn new(file: &'a str, spec: &'a FileSpec, header: &'a [String]) -> Self {
        let mut names: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, name) in header.iter().enumerate() {
            names.entry(plain(name)).or_default().push(at);
        }
        Self { file, spec, names, told: header }
    }

    /// A column's number. One whose name stands several times is named with `#2` for the second.
    fn find(&self, name: &str) -> Result<usize, MappingError> {
        let plain_name = plain(name);
        if let Some(found) = self.names.get(&plain_name) {
            return match found.as_slice() {
                [one] => Ok(*one),
                many => Err(MappingError::Rule(format!(
                    "{} has {} columns {name:?}: name one of them as \"{name}#1\" and so on",
                    self.file,
                    many.len()
                ))),
            };
        }
        let numbered = plain_name.rsplit_once('#').and_then(|(name, number)| {
            let number: usize = number.parse().ok()?;
            self.names.get(name.trim_end())?.get(number.checked_sub(1)?).copied()
        });
        numbered.ok_or_else(|| MappingError::Column {
            file: self.file.to_owned(),
            column: name.to_owned(),
            nearest: self.nearest(&plain_name),
        })
    }

    /// The columns that share most words with a name.
    fn nearest(&self, name: &str) -> String {
        let words: Vec<&str> = name.split_whitespace().collect();
        let shared = |other: &str| words.iter().filter(|word| other.contains(**word)).count();
        let mut known: Vec<(usize, &str)> = self
            .names
            .iter()
            .filter_map(|(other, at)| Some((shared(other), self.told.get(*at.first()?)?.as_str())))
            .filter(|(count, name)| *count > 0 && !name.is_empty())
            .collect();
        known.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let told: Vec<String> = known.iter().take(3).map(|(_, name)| format!("{name:?}")).collect();
        if told.is_empty() { String::new() } else { format!(" (near it: {})", told.join(", ")) }
    }
}

enum Pick {
    Column(usize),
    First(Vec<usize>),
    Join(Vec<Bound>, String),
    Constant(String),
}

/// A source that knows its columns.
pub(super) struct Bound {
    /// The column, as a report tells it.
    pub told: String,
    pick: Pick,
    steps: Steps,
    missing: Vec<String>,
    pattern: Option<Pattern>,
    point: char,
    multiply: Decimal,
    add: Decimal,
    bounds: [Option<Decimal>; 4],
}

fn fill(text: &str, words: &Words<'_>) -> String {
    let mut text = text.to_owned();
    for (name, word) in words {
        text = text.replace(&format!("{{{name}}}"), word);
    }
    text
}

impl Bound {
    /// Matches a source with a header.
    pub fn new(source: &Source, header: &Header<'_>, words: &Words<'_>) -> Result<Self, MappingError> {
        let steps = source.0.clone();
        let rule = |what: String| MappingError::Rule(what);
        let picks = [
            steps.column.is_some(),
            steps.at.is_some(),
            !steps.columns.is_empty(),
            !steps.join.is_empty(),
            steps.constant.is_some(),
        ];
        if picks.iter().filter(|given| **given).count() != 1 {
            return Err(rule("a source has exactly one of column, at, columns, join and constant".into()));
        }
        let find = |name: &String| header.find(&fill(name, words));
        let (pick, told) = if let Some(name) = &steps.column {
            (Pick::Column(find(name)?), fill(name, words))
        } else if let Some(at) = steps.at {
            let index = at.checked_sub(1).filter(|index| *index < header.told.len());
            let index = index.ok_or_else(|| rule(format!("{} has no column number {at}", header.file)))?;
            (Pick::Column(index), header.told.get(index).cloned().unwrap_or_default())
        } else if !steps.columns.is_empty() {
            let found = steps.columns.iter().map(find).collect::<Result<_, _>>()?;
            (Pick::First(found), steps.columns.first().map(|name| fill(name, words)).unwrap_or_default())
        } else if let Some(text) = &steps.constant {
            (Pick::Constant(fill(text, words)), String::new())
        } else {
            let parts = steps
                .join
                .iter()
                .map(|part| Self::new(part, header, words))
                .collect::<Result<Vec<_>, _>>()?;
            let told = parts.iter().map(|part| part.told.as_str()).find(|told| !told.is_empty());
            let told = told.unwrap_or_default().to_owned();
            (Pick::Join(parts, fill(&steps.with, words)), told)
        };
        let format = steps.format.as_ref().or(header.spec.dates.as_ref());
        let pattern =
            format.map(|text| Pattern::new(text)).transpose().map_err(|error| rule(error.to_string()))?;
        let sign = steps.decimal.as_ref().map(|word| word.0.as_str()).or(header.spec.decimal.as_deref());
        let point = match sign {
            None | Some(".") => '.',
            Some(",") => ',',
            Some(other) => return Err(rule(format!("the decimal sign is \".\" or \",\", not {other:?}"))),
        };
        let read = |word: &super::source::Word| {
            Decimal::parse(&word.0, '.').ok_or_else(|| rule(format!("{:?} is not a number", word.0)))
        };
        let number = |word: &Option<super::source::Word>| word.as_ref().map(read).transpose();
        let bounds =
            [number(&steps.min)?, number(&steps.max)?, number(&steps.at_least)?, number(&steps.at_most)?];
        let multiply = number(&steps.multiply)?.unwrap_or(Decimal::ONE);
        let add = number(&steps.add)?.unwrap_or(Decimal::ZERO);
        let missing = header.spec.missing.clone();
        Ok(Self { told, pick, steps, missing, pattern, point, multiply, add, bounds })
    }

    fn fault(&self, rule: Rule, value: &str) -> Fault {
        Fault::new(self.told.clone(), rule, value)
    }

    fn picked(&self, row: &StringRecord) -> Result<String, Fault> {
        let cell = |at: usize| row.get(at).unwrap_or_default().trim();
        let nothing = |text: &str| text.is_empty() || self.missing.iter().any(|word| word == text);
        Ok(match &self.pick {
            Pick::Column(at) => cell(*at).to_owned(),
            Pick::First(columns) => {
                columns.iter().map(|at| cell(*at)).find(|text| !nothing(text)).unwrap_or_default().to_owned()
            }
            Pick::Constant(text) => text.clone(),
            Pick::Join(parts, with) => {
                let parts = parts.iter().map(|part| part.text(row)).collect::<Result<Vec<_>, _>>()?;
                // Of a join without one of its parts nothing is left: half an identifier is somebody else's.
                if parts.iter().any(String::is_empty) { String::new() } else { parts.join(with) }
            }
        })
    }

    /// The text; empty is nothing.
    pub fn text(&self, row: &StringRecord) -> Result<String, Fault> {
        let steps = &self.steps;
        let mut text = self.picked(row)?;
        if let Some((from, length)) = steps.slice {
            // Places count in the cell as it stands: its leading spaces are part of it.
            let whole =
                if let Pick::Column(at) = &self.pick { row.get(*at).unwrap_or_default() } else { &text };
            text = whole.chars().skip(from.saturating_sub(1)).take(length).collect();
        }
        if let Some(mark) = &steps.before {
            text = text.split(mark.as_str()).next().unwrap_or_default().to_owned();
        }
        if let Some(mark) = &steps.after {
            text = text.split_once(mark.as_str()).map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        }
        for part in &steps.remove {
            text = text.replace(part.as_str(), "");
        }
        let mut text = text.trim().to_owned();
        if self.missing.contains(&text) {
            text.clear();
        }
        if !steps.values.is_empty() && !text.is_empty() {
            let known = steps.values.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
            text = match (known, steps.others) {
                (Some((_, value)), _) => value.0.clone(),
                (None, Others::Keep) => text,
                (None, Others::Drop) => String::new(),
                (None, Others::Refuse) => return Err(self.fault(Rule::Value, &text)),
            };
        }
        if steps.lower {
            text = text.to_lowercase();
        }
        let length = text.chars().count();
        if !text.is_empty() && length < steps.pad {
            text = format!("{}{text}", "0".repeat((steps.pad - length).min(128)));
        }
        if text.is_empty()
            && let Some(default) = &steps.default
        {
            text.clone_from(&default.0);
        }
        Ok(text)
    }

    /// The text, which has to be there.
    pub fn needed(&self, row: &StringRecord) -> Result<String, Fault> {
        let text = self.text(row)?;
        if text.is_empty() { Err(self.fault(Rule::Missing, "")) } else { Ok(text) }
    }

    /// As a number within its bounds.
    pub fn number(&self, row: &StringRecord) -> Result<Option<Decimal>, Fault> {
        let text = self.text(row)?;
        if text.is_empty() {
            return Ok(None);
        }
        let read = Decimal::parse(&text, self.point).ok_or_else(|| self.fault(Rule::Number, &text))?;
        let value = read.scaled(self.multiply, self.add).ok_or_else(|| self.fault(Rule::Range, &text))?;
        let [min, max, ..] = self.bounds;
        if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
            return Err(self.fault(Rule::Range, &text));
        }
        Ok(Some(value))
    }

    /// As a day.
    pub fn day(&self, row: &StringRecord) -> Result<Option<Date>, Fault> {
        let text = self.text(row)?;
        if text.is_empty() {
            return Ok(None);
        }
        date::parse(&text, self.pattern.as_ref()).map(Some).map_err(|rule| self.fault(rule, &text))
    }

    /// As the value of a field: text, or a number where that is said.
    pub fn value(&self, row: &StringRecord) -> Result<Option<serde_json::Value>, Fault> {
        if self.steps.number {
            return Ok(self.number(row)?.map(Decimal::json));
        }
        if self.steps.format.is_some() {
            return Ok(self.day(row)?.map(|day| day.to_string().into()));
        }
        Ok(Some(self.text(row)?).filter(|text| !text.is_empty()).map(Into::into))
    }

    /// The unit of a score.
    pub fn unit(&self) -> Option<&str> {
        self.steps.unit.as_deref()
    }

    /// As a condition.
    pub fn holds(&self, row: &StringRecord) -> Result<bool, Fault> {
        let text = self.text(row)?;
        let among =
            |words: &[super::source::Word]| words.iter().any(|word| word.0.eq_ignore_ascii_case(&text));
        let [.., least, most] = self.bounds;
        let bounded = least.is_some() || most.is_some();
        let number = if bounded { Decimal::parse(&text, self.point) } else { None };
        Ok((self.steps.is.is_empty() || among(&self.steps.is))
            && !among(&self.steps.is_not)
            && self.steps.filled.is_none_or(|filled| filled != text.is_empty())
            && least.is_none_or(|least| number.is_some_and(|n| n >= least))
            && most.is_none_or(|most| number.is_some_and(|n| n <= most)))
    }

    /// Whether a cell that the row has is one of the words that the condition does not take: this can be said of a broken row too.
    pub fn excludes(&self, row: &StringRecord) -> bool {
        let there = matches!(self.pick, Pick::Column(at) if at < row.len());
        let words = &self.steps.is_not;
        there && self.text(row).is_ok_and(|text| words.iter().any(|word| word.0.eq_ignore_ascii_case(&text)))
    }

    /// Refuses a condition that asks nothing.
    pub fn condition(self) -> Result<Self, MappingError> {
        let [.., least, most] = self.bounds;
        let steps = &self.steps;
        let asks = !steps.is.is_empty()
            || !steps.is_not.is_empty()
            || steps.filled.is_some()
            || least.is_some()
            || most.is_some();
        if asks {
            Ok(self)
        } else {
            Err(MappingError::Rule("a condition has one of is, is_not, filled, at_least and at_most".into()))
        }
    }
}
