//! What an achievement is aligned with: items of a CASE framework, and skill groups of ESCO, so that a learner and a ministry
//! see which skills a badge touches.

use serde_json::{Value, json};

/// An alignment (Open Badges 3.0, Alignment).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// What people call the target.
    pub name: String,
    /// Its URI.
    pub url: String,
    /// The word for what the target is, the standard's own or an extension of ours: `CFItem`, `ext:ESCOSkillGroup`.
    pub kind: &'static str,
    /// The framework that has it.
    pub framework: String,
    /// Its code there.
    pub code: Option<String>,
}

/// Why nothing is aligned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlignError {
    /// Not the file that is wanted.
    #[error("it is not {0}")]
    NotThat(&'static str),
    /// No such target.
    #[error("it has no {0}")]
    Missing(String),
}

impl Alignment {
    /// As a credential holds it.
    pub fn json(&self) -> Value {
        let mut value = json!({"type": ["Alignment"], "targetName": self.name, "targetUrl": self.url,
            "targetType": self.kind, "targetFramework": self.framework});
        if let Some(code) = &self.code {
            value["targetCode"] = json!(code);
        }
        value
    }

    /// An item of a CASE package (CASE 1.0, CFPackage), by its identifier, URI or human code.
    ///
    /// # Errors
    /// [`AlignError`].
    pub fn case(package: &Value, wanted: &str) -> Result<Self, AlignError> {
        let items =
            package.get("CFItems").and_then(Value::as_array).ok_or(AlignError::NotThat("a CASE package"))?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let is = |item: &&Value| {
            ["identifier", "uri", "humanCodingScheme"]
                .iter()
                .any(|name| text(item, name).as_deref() == Some(wanted))
        };
        let mut found = items.iter().filter(is);
        let missing = || AlignError::Missing(format!("item {wanted}"));
        let item = found.next().ok_or_else(missing)?;
        if found.next().is_some() {
            return Err(AlignError::Missing(format!("single item {wanted}: name it by its identifier")));
        }
        let framework = package.get("CFDocument").and_then(|document| text(document, "title"));
        Ok(Self {
            name: text(item, "abbreviatedStatement")
                .or_else(|| text(item, "fullStatement"))
                .ok_or_else(missing)?,
            url: text(item, "uri").ok_or_else(missing)?,
            kind: "CFItem",
            framework: framework.ok_or(AlignError::NotThat("a CASE package with a titled document"))?,
            code: text(item, "humanCodingScheme"),
        })
    }

    /// A skill group of ESCO, by its URI or code, from a table with the columns ORIGINURI, CODE and PREFERREDLABEL.
    ///
    /// # Errors
    /// [`AlignError`].
    pub fn esco(table: &[u8], wanted: &str) -> Result<Self, AlignError> {
        const TABLE: AlignError = AlignError::NotThat("a table of ESCO skill groups");
        let mut reader = csv::Reader::from_reader(table);
        let headers = reader.headers().map_err(|_| TABLE)?.clone();
        let column = |name: &str| headers.iter().position(|header| header == name).ok_or(TABLE);
        let (url, code, label) = (column("ORIGINURI")?, column("CODE")?, column("PREFERREDLABEL")?);
        for row in reader.records() {
            let row = row.map_err(|_| TABLE)?;
            let at = |column: usize| row.get(column).unwrap_or_default();
            if at(url) == wanted || (!at(code).is_empty() && at(code) == wanted) {
                return Ok(Self {
                    name: at(label).to_owned(),
                    url: at(url).to_owned(),
                    kind: "ext:ESCOSkillGroup",
                    framework: "ESCO".to_owned(),
                    code: Some(at(code).to_owned()).filter(|code| !code.is_empty()),
                });
            }
        }
        Err(AlignError::Missing(format!("skill group {wanted}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Value {
        json!({"CFDocument": {"title": "Standards"}, "CFItems": [
            {"identifier": "a", "uri": "https://case.example/a", "humanCodingScheme": "6.RP.A", "fullStatement": "Ratios"},
            {"identifier": "b", "uri": "https://case.example/b", "humanCodingScheme": "6.RP", "fullStatement": "Rates"},
            {"identifier": "c", "uri": "https://case.example/c", "humanCodingScheme": "6.RP", "fullStatement": "Per cent"},
        ]})
    }

    #[test]
    fn a_case_item_is_found_by_each_of_its_names() -> Result<(), AlignError> {
        for name in ["a", "https://case.example/a", "6.RP.A"] {
            let found = Alignment::case(&package(), name)?;
            assert_eq!(
                (found.name.as_str(), found.framework.as_str(), found.kind),
                ("Ratios", "Standards", "CFItem")
            );
        }
        assert!(
            matches!(Alignment::case(&package(), "6.RP"), Err(AlignError::Missing(why)) if why.contains("single"))
        );
        assert!(Alignment::case(&package(), "d").is_err() && Alignment::case(&json!({}), "a").is_err());
        Ok(())
    }

    #[test]
    fn an_esco_group_is_found_by_uri_and_code() -> Result<(), AlignError> {
        let table = b"ORIGINURI,ID,CODE,PREFERREDLABEL\nhttp://data.europa.eu/esco/skill/S1,k1,S1,\"communication, and more\"\n\
                      http://data.europa.eu/esco/skill/x,k2,,other\n";
        for name in ["S1", "http://data.europa.eu/esco/skill/S1"] {
            assert_eq!(Alignment::esco(table, name)?.name, "communication, and more");
        }
        assert_eq!(Alignment::esco(table, "http://data.europa.eu/esco/skill/x")?.code, None);
        assert!(Alignment::esco(table, "").is_err() && Alignment::esco(b"a,b\n", "S1").is_err());
        Ok(())
    }
}
