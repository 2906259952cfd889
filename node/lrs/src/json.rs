//! JSON as a record store needs it: order kept, numbers kept as text, duplicates refused.
//!
//! `serde_json` keeps numbers exactly only under a feature that changes every crate of the workspace, and takes the last of
//! duplicate keys in silence. What two systems read differently is refused here instead.

mod number;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use number::Number;
pub use read::{ReadError, read, read_items};

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`; never the same as a member that is missing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, with the digits it came with; equal when it is the same number.
    Number(Number),
    /// Its characters, escapes resolved.
    Text(String),
    /// Values in order.
    Array(Vec<Json>),
    /// Members by key.
    Object(Object),
}

/// A JSON object: members in the order they came, each key once; equal whatever the order.
#[derive(Debug, Clone, Default)]
pub struct Object(Vec<(String, Json)>);

impl Json {
    /// A text as it is: nothing in it is read as an escape.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// An object of these members; of a key that comes twice the last counts.
    pub fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        let mut object = Object::default();
        for (key, value) in members {
            object.set(key, value);
        }
        Self::Object(object)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The object to change, if it is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The array, if it is one.
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// The text of a member.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }
}

impl Object {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.0.iter_mut().find(|(own, _)| own == key).map(|(_, value)| value)
    }

    /// Sets a key, in its place when it is there.
    pub fn set(&mut self, key: &str, value: Json) {
        match self.get_mut(key) {
            Some(place) => *place = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Sets every member of another object.
    pub fn extend(&mut self, other: &Object) {
        other.iter().for_each(|(key, value)| self.set(key, value.clone()));
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let at = self.0.iter().position(|(own, _)| own == key)?;
        Some(self.0.remove(at).1)
    }

    /// Keys and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Keys and values in their order, to change the values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json)> {
        self.0.iter_mut().map(|(key, value)| (key.as_str(), value))
    }

    /// How many members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Eq for Object {}
