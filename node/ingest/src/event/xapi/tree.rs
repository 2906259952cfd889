//! JSON as rules read it, whoever holds it: text that was parsed here, or a statement that the record store has parsed already.

use serde_json::Value;

/// A value of JSON.
pub trait Tree<'a>: Copy {
    /// The member of an object.
    fn get(self, key: &str) -> Option<Self>;
    /// Its characters when it is a text; none of anything else.
    fn text(self) -> Option<&'a str>;
    /// True or false.
    fn boolean(self) -> Option<bool>;
    /// As a double when it is a number; none of anything else.
    fn number(self) -> Option<f64>;
    /// The items of an array; of anything else itself.
    fn items(self) -> impl Iterator<Item = Self>;
    /// The values of an object's members.
    fn values(self) -> impl Iterator<Item = Self>;
}

impl<'a> Tree<'a> for &'a Value {
    fn get(self, key: &str) -> Option<Self> {
        Value::get(self, key)
    }

    fn text(self) -> Option<&'a str> {
        self.as_str()
    }

    fn boolean(self) -> Option<bool> {
        self.as_bool()
    }

    fn number(self) -> Option<f64> {
        self.as_f64()
    }

    fn items(self) -> impl Iterator<Item = Self> {
        match self {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        }
        .iter()
    }

    fn values(self) -> impl Iterator<Item = Self> {
        self.as_object().into_iter().flat_map(|members| members.values())
    }
}

/// The text at a path.
pub(super) fn text<'a>(value: impl Tree<'a>, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.text()
}

/// The value at a path.
pub(super) fn at<'a, T: Tree<'a>>(value: T, path: &[&str]) -> Option<T> {
    path.iter().try_fold(value, |value, key| value.get(key))
}
