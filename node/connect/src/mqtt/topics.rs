//! Filters of topics (MQTT 5.0, section 4.7), and what the messages of a topic are.

use aula_home::config::Feed;

use crate::given::Form;
use crate::payload;

/// The topics of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics(Vec<(String, Form)>);

impl Topics {
    /// Those that config.toml names, or `aula/NAME/events`, `frames` and `statements`.
    pub fn of(feed: &Feed) -> Self {
        Self(feed.topics().into_iter().map(|(filter, of)| (filter, payload::form(of))).collect())
    }

    /// How the messages of a topic are written; none of one that is not this feed's.
    pub fn form(&self, topic: &str) -> Option<Form> {
        self.0.iter().find(|(filter, _)| matches(filter, topic)).map(|(_, form)| *form)
    }

    /// What is subscribed to, in the order of the settings.
    pub fn filters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(filter, _)| filter.as_str())
    }
}

/// True for a filter: `+` stands for a level alone, `#` for the rest alone.
pub fn is_filter(text: &str) -> bool {
    let levels: Vec<&str> = text.split('/').collect();
    let last = levels.len().saturating_sub(1);
    let good = |(at, level): (usize, &&str)| match *level {
        "+" => true,
        "#" => at == last,
        level => !level.contains(['+', '#']),
    };
    !text.is_empty() && levels.iter().enumerate().all(good)
}

/// Whether a filter takes a topic.
pub fn matches(filter: &str, topic: &str) -> bool {
    // What a broker says of itself is asked for by name only.
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_take_what_the_standard_says() {
        for (filter, topic, taken) in [
            ("a/b", "a/b", true),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("#", "a", true),
            ("#", "$SYS/a", false),
            ("+/a", "$SYS/a", false),
            ("$SYS/#", "$SYS/a", true),
            ("+", "a/b", false),
            ("a/+/c", "a//c", true),
            ("a", "a/", false),
        ] {
            assert_eq!(matches(filter, topic), taken, "{filter} {topic}");
        }
        for (text, good) in
            [("a/#", true), ("#/a", false), ("a#", false), ("a+/b", false), ("", false), ("/", true)]
        {
            assert_eq!(is_filter(text), good, "{text}");
        }
    }
}
