//! From claims to a reader of the vault: name, role, sections. Written by the operator; what it does not name is refused.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::claims::Claims;

/// How a provider's claims are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The claim with the reader's name, as the vault's roster has it. It must have exactly one value.
    pub reader: String,
    /// What that value must end with, and loses: `@district.example`.
    #[serde(default)]
    pub reader_suffix: Option<String>,
    /// Whether capitals of that value and of its ending count for nothing, where the provider says that they do not: those of
    /// addresses and of Windows' names.
    #[serde(default)]
    pub reader_ignores_case: bool,
    /// Readers by that value, where the two differ; then who is not listed is refused.
    #[serde(default)]
    pub readers: Option<BTreeMap<String, String>>,
    /// The claim with the sections that the person teaches. Those must be on the roster, one at least; none: not asked.
    #[serde(default)]
    pub sections: Option<String>,
    /// Which role, by the first rule that fits.
    pub role: Vec<RoleRule>,
}

/// Who has this value of this claim has this role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRule {
    /// Its name, as the provider gives it.
    pub claim: String,
    /// One of its values, whole.
    pub value: String,
    /// The vault's word for the role: teacher, counselor, admin.
    pub role: String,
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// The reader's name.
    pub reader: String,
    /// The vault's word for the role: teacher, counselor, admin.
    pub role: String,
    /// The sections that the provider names; none where the mapping does not ask.
    pub sections: Option<Vec<String>>,
}

/// Why claims make nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmapped {
    /// The claim is missing, or has several values.
    #[error("the provider does not say who this is: the claim {0} has not exactly one value")]
    Reader(String),
    /// The provider has not seen that the address is this account's own.
    #[error("the provider has not verified this account's e-mail address, and it is what names readers here")]
    Unverified,
    /// It is nobody of this district.
    #[error("this account is not one of this district's staff")]
    Stranger,
    /// The value cannot be a reader's name.
    #[error("this account's name cannot be a reader's: a-z, 0-9 and -, at most 40")]
    Name,
    /// No rule gives a role.
    #[error("this account has no role here")]
    Role,
}

/// Whether the vault could have a reader of this name.
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-')
}

impl Mapping {
    /// What is wrong with it, if anything.
    pub fn fault(&self) -> Option<&'static str> {
        let role_fits = |rule: &RoleRule| is_name(&rule.role) && !rule.role.contains('-');
        let names_fit =
            self.readers.as_ref().is_none_or(|readers| readers.values().all(|name| is_name(name)));
        match () {
            () if self.reader.is_empty() => {
                Some("[provider.map] needs reader, the claim with the reader's name")
            }
            () if self.role.is_empty() => Some("[[provider.map.role]] is missing: nobody would have a role"),
            () if !self.role.iter().all(role_fits) => Some("a role is 1 to 40 of a-z and 0-9"),
            () if !names_fit => Some("a reader's name is 1 to 40 of a-z, 0-9 and -"),
            () => None,
        }
    }

    /// The claims that are read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let rules = self.role.iter().map(|rule| rule.claim.as_str());
        rules.chain([self.reader.as_str()]).chain(self.sections.as_deref())
    }

    /// Which reader these claims name, with a role or without.
    ///
    /// # Errors
    /// [`Unmapped`], but for [`Unmapped::Role`].
    pub fn reader(&self, claims: &Claims) -> Result<String, Unmapped> {
        let values = claims.get(&self.reader).map(Vec::as_slice).unwrap_or_default();
        let [value] = values else { return Err(Unmapped::Reader(self.reader.clone())) };
        // Whoever may write an address into an account of their own would be anybody.
        let unverified =
            claims.get("email_verified").is_some_and(|told| told.iter().any(|word| word != "true"));
        if self.reader == "email" && unverified {
            return Err(Unmapped::Unverified);
        }
        let folded = |text: &str| match self.reader_ignores_case {
            true => text.to_ascii_lowercase(),
            false => text.to_owned(),
        };
        let value = folded(value);
        let own: &str = match &self.reader_suffix {
            Some(suffix) => value.strip_suffix(folded(suffix).as_str()).ok_or(Unmapped::Stranger)?,
            None => &value,
        };
        let reader = match &self.readers {
            Some(readers) => readers.get(own).cloned().ok_or(Unmapped::Stranger)?,
            None => own.to_owned(),
        };
        if is_name(&reader) { Ok(reader) } else { Err(Unmapped::Name) }
    }

    /// Who these claims are of.
    ///
    /// # Errors
    /// [`Unmapped`].
    pub fn staff(&self, claims: &Claims) -> Result<Staff, Unmapped> {
        let reader = self.reader(claims)?;
        let has =
            |rule: &&RoleRule| claims.get(&rule.claim).is_some_and(|values| values.contains(&rule.value));
        let role = self.role.iter().find(has).ok_or(Unmapped::Role)?.role.clone();
        let sections = self.sections.as_ref().map(|claim| claims.get(claim).cloned().unwrap_or_default());
        Ok(Staff { reader, role, sections })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(text: &str) -> Mapping {
        toml::from_str(text).unwrap()
    }

    fn claims(pairs: &[(&str, &[&str])]) -> Claims {
        let of = |(name, values): &(&str, &[&str])| {
            ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
        };
        pairs.iter().map(of).collect()
    }

    const RULES: &str = r#"
reader = "email"
reader_suffix = "@east.example"
sections = "classes"
[[role]]
claim = "groups"
value = "heads"
role = "admin"
[[role]]
claim = "groups"
value = "teachers"
role = "teacher"
"#;

    #[test]
    fn the_first_rule_that_fits_gives_the_role_and_sections_are_told() {
        let map = mapping(RULES);
        assert_eq!(map.fault(), None);
        let both = claims(&[
            ("email", &["t-1042@east.example"]),
            ("groups", &["x", "teachers", "heads"]),
            ("classes", &["m1"]),
        ]);
        let staff = map.staff(&both).unwrap();
        assert_eq!((staff.reader.as_str(), staff.role.as_str()), ("t-1042", "admin"));
        assert_eq!(staff.sections, Some(vec!["m1".to_owned()]));
        let teacher = claims(&[("email", &["t-1042@east.example"]), ("groups", &["teachers"])]);
        assert_eq!(map.staff(&teacher).unwrap().sections, Some(Vec::new()));
    }

    #[test]
    fn who_is_not_named_by_the_mapping_is_refused() {
        let map = mapping(RULES);
        let with =
            |email: &[&str], groups: &[&str]| map.staff(&claims(&[("email", email), ("groups", groups)]));
        assert_eq!(with(&[], &["teachers"]), Err(Unmapped::Reader("email".into())));
        assert_eq!(
            with(&["a@east.example", "b@east.example"], &["teachers"]),
            Err(Unmapped::Reader("email".into()))
        );
        assert_eq!(with(&["t-1042@east.example.evil.example"], &["teachers"]), Err(Unmapped::Stranger));
        assert_eq!(with(&["@east.example"], &["teachers"]), Err(Unmapped::Name));
        assert_eq!(with(&["T-1@east.example"], &["teachers"]), Err(Unmapped::Name));
        assert_eq!(with(&["t-1@east.example"], &["teachers "]), Err(Unmapped::Role));
        assert_eq!(with(&["t-1@east.example"], &[]), Err(Unmapped::Role));
        let listed = Mapping { readers: Some([("u-9".to_owned(), "t-1042".to_owned())].into()), ..map };
        let asked = |email: &str| listed.staff(&claims(&[("email", &[email]), ("groups", &["heads"])]));
        assert_eq!(asked("u-9@east.example").unwrap().reader, "t-1042");
        assert_eq!(asked("t-1042@east.example"), Err(Unmapped::Stranger));
    }

    #[test]
    fn capitals_count_unless_the_mapping_says_otherwise_and_an_unverified_address_names_nobody() {
        let map = mapping(RULES);
        let folds = Mapping { reader_ignores_case: true, ..map.clone() };
        let said = |email: &str| claims(&[("email", &[email]), ("groups", &["teachers"])]);
        assert_eq!(map.staff(&said("T-1@East.Example")), Err(Unmapped::Stranger));
        assert_eq!(folds.staff(&said("T-1@East.Example")).unwrap().reader, "t-1");
        assert_eq!(folds.staff(&said("t-1@east.example.evil.example")), Err(Unmapped::Stranger));
        for (word, taken) in [("true", true), ("false", false), ("0", false)] {
            let mut told = said("t-1@east.example");
            told.insert("email_verified".into(), vec![word.into()]);
            assert_eq!(map.staff(&told).is_ok(), taken, "{word}");
        }
    }

    #[test]
    fn a_mapping_that_could_open_too_much_is_refused_when_it_is_read() {
        for (text, says) in [
            ("reader = \"\"\nrole = [{claim=\"a\",value=\"b\",role=\"teacher\"}]", "needs reader"),
            ("reader = \"sub\"\nrole = []", "nobody would"),
            ("reader = \"sub\"\nrole = [{claim=\"a\",value=\"b\",role=\"head-teacher\"}]", "a role is"),
            (
                "reader = \"sub\"\nrole = [{claim=\"a\",value=\"b\",role=\"admin\"}]\n[readers]\nx = \"No One\"",
                "a reader's name",
            ),
        ] {
            assert!(mapping(text).fault().unwrap().contains(says), "{text}");
        }
        assert!(toml::from_str::<Mapping>("reader = \"sub\"\nrole = []\nadmin = true").is_err());
    }
}
