//! Grades of every habit as one value: a number from 0 (kindergarten) to 13, or a word for what stands outside of them.
//!
//! The words are those of the Common Education Data Standards' entry grade levels, which OneRoster uses (KG, 01 … 13, PK,
//! UG); Ed-Fi's descriptors (`First grade`), ordinals and number words are read as the same.

use serde_json::Value;

/// The school grade that a student is in or a test was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// 0 is kindergarten, 13 the grade after twelfth.
    Number(u8),
    /// Outside of the numbered grades, by its CEDS code.
    Other(&'static str),
}

const NUMBERS: [&str; 14] = [
    "kindergarten",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
];
const ORDINALS: [&str; 14] = [
    "",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
];
const OTHERS: [(&str, &[&str]); 8] = [
    ("IT", &["it", "infant/toddler", "infant", "toddler"]),
    ("PR", &["pr", "preschool", "early education"]),
    (
        "PK",
        &[
            "pk",
            "prek",
            "pre-k",
            "prekindergarten",
            "pre-kindergarten",
            "preschool/prekindergarten",
            "p3",
            "p4",
        ],
    ),
    ("TK", &["tk", "transitional kindergarten"]),
    ("PS", &["ps", "postsecondary"]),
    ("UG", &["ug", "ungraded"]),
    ("AE", &["ae", "adult education"]),
    ("OTHER", &["other"]),
];

impl Grade {
    /// Reads a grade; case, `grade`, leading zeros and what stands before a descriptor's `#` do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.rsplit('#').next().unwrap_or(text).trim().to_lowercase();
        let word = word.strip_prefix("grade").or_else(|| word.strip_suffix("grade")).unwrap_or(&word).trim();
        if let Some((code, _)) = OTHERS.iter().find(|(_, words)| words.contains(&word)) {
            return Some(Self::Other(code));
        }
        if matches!(word, "k" | "kg" | "kindergarden") {
            return Some(Self::Number(0));
        }
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let suffix = word.strip_prefix(digits).unwrap_or_default();
        let number =
            if matches!(suffix, "" | "st" | "nd" | "rd" | "th") { digits.parse::<u8>().ok() } else { None };
        let position = |words: &[&str]| words.iter().position(|known| !word.is_empty() && *known == word);
        let named = position(&NUMBERS).or_else(|| position(&ORDINALS)).and_then(|at| u8::try_from(at).ok());
        number.or(named).filter(|number| *number <= 13).map(Self::Number)
    }

    /// As the vault keeps it: a number, or a word.
    pub fn json(self) -> Value {
        match self {
            Self::Number(number) => number.into(),
            Self::Other(code) => code.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_of_grades() {
        for (text, want) in [
            ("K", Some(Grade::Number(0))),
            ("KG", Some(Grade::Number(0))),
            ("Kindergarten", Some(Grade::Number(0))),
            ("0", Some(Grade::Number(0))),
            ("01", Some(Grade::Number(1))),
            ("1st", Some(Grade::Number(1))),
            ("First grade", Some(Grade::Number(1))),
            ("grade 12", Some(Grade::Number(12))),
            ("Nine", Some(Grade::Number(9))),
            ("Grade 13", Some(Grade::Number(13))),
            ("uri://ed-fi.org/GradeLevelDescriptor#Seventh grade", Some(Grade::Number(7))),
            ("uri://ed-fi.org/GradeLevelDescriptor#Preschool/Prekindergarten", Some(Grade::Other("PK"))),
            ("UG", Some(Grade::Other("UG"))),
            ("14", None),
            ("", None),
            ("grade", None),
            ("1x", None),
            ("-1", None),
            ("blue", None),
        ] {
            assert_eq!(Grade::parse(text), want, "{text:?}");
        }
    }
}
