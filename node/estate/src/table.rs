//! CSV with a header: columns found by name, others ignored; quotes as in RFC 4180, one record a line.

use std::collections::BTreeSet;

use crate::text::Unreadable;

/// Records by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Most bytes of a file that is read whole.
const MOST_BYTES: usize = 1 << 30;

impl Table {
    /// Reads a table; every record has as many fields as the header.
    ///
    /// # Errors
    /// When the text is not UTF-8, has no header, or a record is not as long as it.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.len() > MOST_BYTES {
            return Err(Unreadable::at("file", "it is larger than 1 GiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            Unreadable::line(line, "this is not UTF-8")
        })?;
        let mut header: Option<Vec<String>> = None;
        let mut rows = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let fields = fields(line).ok_or_else(|| Unreadable::line(index + 1, "a quote is not closed"))?;
            match &header {
                None => {
                    header = Some(fields.iter().map(|field| field.trim().to_owned()).collect());
                }
                Some(header) if header.len() == fields.len() => rows.push(fields),
                Some(header) => {
                    let what = format!("{} fields under a header of {}", fields.len(), header.len());
                    return Err(Unreadable::line(index + 1, what));
                }
            }
        }
        match header {
            Some(header) => Ok(Self { header, rows }),
            None => Err(Unreadable::at("file", "it is empty")),
        }
    }

    /// Every record behind the header, in the file's order.
    #[must_use]
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Names of the columns, in the file's order.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Where a column of that name is.
    ///
    /// # Errors
    /// When two have it: nobody knows which is meant. Of columns that nobody reads two may have one name.
    pub fn find(&self, name: &str) -> Result<Option<usize>, Unreadable> {
        self.only(|column| column == name)
    }

    fn only(&self, is: impl Fn(&str) -> bool) -> Result<Option<usize>, Unreadable> {
        let mut own = self.header.iter().enumerate().filter(|(_, column)| is(column));
        let first = own.next();
        match (first, own.next()) {
            (_, None) => Ok(first.map(|(at, _)| at)),
            (_, Some((_, name))) => Err(twice(name)),
        }
    }

    /// That no two columns have one name, in any case of its letters, where all are read; those without a name are nobody's.
    ///
    /// # Errors
    /// When two have.
    pub fn each_once(&self) -> Result<(), Unreadable> {
        let mut seen = BTreeSet::new();
        let mut named = self.header.iter().filter(|name| !name.is_empty());
        named.find(|name| !seen.insert(name.to_ascii_lowercase())).map_or(Ok(()), |name| Err(twice(name)))
    }

    /// Where a column of that name is, when nothing can be read without it.
    ///
    /// # Errors
    /// When there is none, and the error names those that there are, or two.
    pub fn column(&self, name: &str) -> Result<usize, Unreadable> {
        let has = || format!("there is no column {name:?}; there are {}", self.header.join(", "));
        self.find(name)?.ok_or_else(|| Unreadable::at("header", has()))
    }

    /// Where the first of some names is, in any case of its letters: what comes first among the names is taken before the others.
    ///
    /// # Errors
    /// When two columns have that name.
    pub fn find_any(&self, names: &[&str]) -> Result<Option<usize>, Unreadable> {
        for name in names {
            if let Some(at) = self.only(|column| column.eq_ignore_ascii_case(name))? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// The same, needed.
    ///
    /// # Errors
    /// When there is none of them, or two of one.
    pub fn any_column(&self, names: &[&str]) -> Result<usize, Unreadable> {
        self.find_any(names)?.ok_or_else(|| {
            let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            let what =
                format!("there is no column {}; there are {}", names.join(" or "), self.header.join(", "));
            Unreadable::at("header", what)
        })
    }
}

fn twice(name: &str) -> Unreadable {
    Unreadable::at(
        "header",
        format_args!("two columns are called {name:?}: take one out or call it otherwise"),
    )
}

/// A field as it is written: in quotes where it would be read as something else without them.
#[must_use]
pub fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

fn fields(line: &str) -> Option<Vec<String>> {
    if !line.contains('"') {
        return Some(line.split(',').map(str::to_owned).collect());
    }
    let (mut all, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(std::mem::take(&mut field)),
            _ => field.push(char),
        }
    }
    all.push(field);
    (!quoted).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_quotes_are_taken() {
        let table = Table::read(b"\xef\xbb\xbfa,\"b c\",d\r\n1,\"x, \"\"y\"\"\",3\r\n\r\n").unwrap();
        assert_eq!(table.column("b c").unwrap(), 1);
        assert_eq!(table.rows(), [["1", "x, \"y\"", "3"]]);
        assert!(table.column("e").unwrap_err().to_string().contains("a, b c, d"));
    }

    #[test]
    fn the_first_name_that_is_there_is_taken_in_any_case() {
        let table = Table::read(b"Id,ROOM\n1,2\n").unwrap();
        assert_eq!(
            (table.find_any(&["room", "id"]), table.find_any(&["id", "room"])),
            (Ok(Some(1)), Ok(Some(0)))
        );
        assert_eq!((table.find_any(&["name"]), table.any_column(&["name", "id"])), (Ok(None), Ok(0)));
        let refused = table.any_column(&["seats", "capacity"]).unwrap_err().to_string();
        assert_eq!(refused, "header: there is no column \"seats\" or \"capacity\"; there are Id, ROOM");
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for field in ["plain", "a, b", "say \"x\"", "\"", ",", ""] {
            let table = Table::read(format!("a,b\n{},1\n", quoted(field)).as_bytes()).unwrap();
            assert_eq!(table.rows()[0], [field, "1"]);
        }
        assert_eq!((quoted("plain"), quoted("a\nb")), ("plain".into(), "\"a\nb\"".into()));
    }

    #[test]
    fn faults_are_said_with_their_line() {
        let refused = |bytes: &[u8]| Table::read(bytes).unwrap_err().to_string();
        assert_eq!(refused(b"a,b\n1,2\n3\n"), "line 3: 1 fields under a header of 2");
        assert_eq!(refused(b"a,b\n1,\"2\n"), "line 2: a quote is not closed");
        assert_eq!(refused(b"a,b\n1,\xff\n"), "line 2: this is not UTF-8");
        assert_eq!(refused(b"\n"), "file: it is empty");
    }

    #[test]
    fn of_two_columns_with_one_name_none_is_read_and_what_nobody_reads_is_nobody_s() {
        let table = Table::read(b"room,day,Room,note,note,,\n1,2,3,4,5,6,7\n").unwrap();
        let twice = "header: two columns are called \"Room\": take one out or call it otherwise";
        assert_eq!(table.find_any(&["id", "room"]).unwrap_err().to_string(), twice);
        assert_eq!(table.any_column(&["room"]).unwrap_err().to_string(), twice);
        assert_eq!(table.each_once().unwrap_err().to_string(), twice);
        assert_eq!(
            (table.any_column(&["day"]), table.find("room")),
            (Ok(1), Ok(Some(0))),
            "the others are read"
        );
        assert!(table.find("note").is_err() && table.column("note").is_err());
        assert_eq!(Table::read(b"room,,\n1,2,3\n").unwrap().each_once(), Ok(()), "columns without a name");
    }
}
