//! What the systems of a small district send in a term.

use std::fmt::Write as _;

use aula_district::enter::source_of;
use aula_ingest::Input;
use aula_ingest::date::Date;
use aula_ingest::event::{Message, What, frame};
use aula_twin_runtime::clock::{DAY_MS, Stamp};
use aula_twin_runtime::event::{EventBody, SourceId};
use bytes::Bytes;

/// Monday, 7 September 2026, 08:00 UTC.
const BEGIN_MS: u64 = 1_788_768_000_000;
/// The school year.
pub const YEAR: u16 = 2026;
/// The home page of students' accounts.
pub const HOME_PAGE: &str = "https://sis.example.org";
/// Skills that the learning system's units are of.
const SKILLS: u64 = 40;

/// Which system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The register, over Kafka: lines.
    Register,
    /// Tablets, over MQTT: frames.
    Tablets,
    /// The learning system: statements.
    Learning,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Register, Self::Tablets, Self::Learning];

    /// The feed's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "registers",
            Self::Tablets => "tablets",
            Self::Learning => "lms",
        }
    }

    pub fn source(self) -> SourceId {
        source_of(self.name())
    }
}

/// A message as its system sends it.
#[derive(Debug, Clone)]
pub struct Sent {
    pub way: Way,
    pub name: String,
    pub raw: Bytes,
}

/// How large a term.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub students: u32,
    /// School days, five a week.
    pub days: u32,
}

/// A number that these three have and others have not.
pub fn drawn(seed: u64, one: u64, other: u64) -> u64 {
    let mut mixed =
        seed ^ one.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ other.wrapping_mul(0xD1B5_4A32_D192_ED03);
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
    }
    mixed
}

pub fn student(number: u32) -> String {
    format!("S-{number}")
}

fn day_ms(day: u32) -> u64 {
    BEGIN_MS + u64::from(day / 5 * 7 + day % 5) * DAY_MS
}

fn day_text(day: u32) -> String {
    Date::of_ms(day_ms(day)).map(|date| date.to_string()).unwrap_or_default()
}

/// An identifier of a statement.
fn uuid(kind: u32, day: u32, student: u32) -> String {
    format!("{kind:08x}-0000-4000-8000-{day:04x}{student:08x}")
}

impl Size {
    /// Everything that the three live systems send, each once.
    pub fn messages(self) -> Vec<Sent> {
        let mut all = Vec::new();
        for day in 0..self.days {
            for number in 0..self.students {
                register(day, number, &mut all);
                tablets(day, number, &mut all);
                learning(day, number, &mut all);
            }
        }
        all
    }

    /// The roster, and two results of every student.
    pub fn one_roster(self) -> Vec<Input> {
        let head = "sourcedId,status,dateLastModified,";
        let manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n\
                        file.lineItems,bulk\nfile.results,bulk\n";
        let orgs = format!("{head}name,type,identifier\nschool-31,,,Ford,school,31\n");
        let mut users =
            format!("{head}enabledUser,orgSourcedIds,role,username,givenName,familyName,identifier,grades\n");
        let items = format!("{head}title,resultValueMin,resultValueMax\nreading-2,,,Reading 2,0,1000\n");
        let mut results = format!("{head}lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate\n");
        for number in 0..self.students {
            let id = student(number);
            let _ = writeln!(users, "{id},,,true,school-31,student,{id},,,{number},02");
            for day in [0, self.days.saturating_sub(1)] {
                let score = 500 + drawn(7, number.into(), day.into()) % 200;
                let _ = writeln!(
                    results,
                    "r-{day}-{number},,,reading-2,{id},fully graded,{score},{}",
                    day_text(day)
                );
            }
        }
        let files = [
            ("manifest", manifest.to_owned()),
            ("orgs", orgs),
            ("users", users),
            ("lineItems", items),
            ("results", results),
        ];
        files.map(|(name, text)| Input { name: format!("{name}.csv"), bytes: text.into_bytes() }).into()
    }

    /// A second register, of every student's first and last week.
    pub fn ed_fi(self) -> Vec<Input> {
        let mut lines = String::new();
        for day in self.ed_fi_days() {
            for number in 0..self.students {
                let _ = writeln!(
                    lines,
                    r#"{{"studentReference":{{"studentUniqueId":"{}"}},"schoolReference":{{"schoolId":31}},"sessionReference":{{"schoolId":31}},"attendanceEventCategoryDescriptor":"uri://ed-fi.org/AttendanceEventCategoryDescriptor#Tardy","eventDate":"{}"}}"#,
                    student(number),
                    day_text(day)
                );
            }
        }
        vec![Input { name: "studentSchoolAttendanceEvents.jsonl".into(), bytes: lines.into_bytes() }]
    }

    fn ed_fi_days(self) -> [u32; 2] {
        [1, self.days.saturating_sub(2)]
    }

    /// Events that the two imports are: two results and two marks of every student.
    pub const fn imported(self) -> usize {
        4 * self.students as usize
    }
}

fn register(day: u32, number: u32, to: &mut Vec<Sent>) {
    let at = day_ms(day) + u64::from(number) * 1_000;
    let luck = drawn(1, day.into(), number.into()) % 100;
    let mark = ["absent", "late", "excused", "present"][[8, 13, 16, 100].partition_point(|up| *up <= luck)];
    let mut line = |name: String, later: u64, event: String| {
        let text = format!(
            r#"{{"id":"{name}","at":{},"student":"{}","event":{event}}}"#,
            at + later,
            student(number)
        );
        to.push(Sent { way: Way::Register, name, raw: Bytes::from(text) });
    };
    let first = format!("r-{day}-{number}");
    line(first.clone(), 0, format!(r#"{{"kind":"attendance","mark":"{mark}"}}"#));
    if luck.is_multiple_of(17) {
        let event = format!(
            r#"{{"kind":"correction","of":"{first}","instead":{{"kind":"attendance","mark":"excused"}}}}"#
        );
        line(format!("c-{day}-{number}"), 7_200_000, event);
    }
    if luck.is_multiple_of(29) {
        line(format!("d-{day}-{number}"), 9_000_000, format!(r#"{{"kind":"deletion","of":"{first}"}}"#));
    }
}

fn tablets(day: u32, number: u32, to: &mut Vec<Sent>) {
    let luck = drawn(2, day.into(), number.into());
    let minutes = (10 + luck % 50) as u16;
    let name = format!("t-{day}-{number}");
    let at = Stamp::new(day_ms(day) + 3_600_000 + luck % 3_600_000, (luck % 1_000) as u32);
    let body = EventBody::Session { minutes, active_minutes: minutes.saturating_sub((luck % 10) as u16) };
    let Ok(at) = at else { return };
    let message =
        Message { name: name.clone(), at, student: Some(student(number)), what: What::Happened(body) };
    let mut raw = Vec::with_capacity(128);
    frame::encode(&message, &mut raw);
    to.push(Sent { way: Way::Tablets, name, raw: Bytes::from(raw) });
}

fn learning(day: u32, number: u32, to: &mut Vec<Sent>) {
    for item in 0..3u32 {
        let luck = drawn(3 + u64::from(item), day.into(), number.into());
        let (name, unit, right) = (uuid(item, day, number), luck % SKILLS, luck % 5 > 1);
        let text = format!(
            concat!(
                r#"{{"id":"{name}","actor":{{"account":{{"homePage":"{home}","name":"{student}"}}}},"#,
                r#""verb":{{"id":"http://adlnet.gov/expapi/verbs/answered"}},"object":{{"id":"https://lms.example.org/item/{item}"}},"#,
                r#""context":{{"contextActivities":{{"parent":[{{"id":"https://lms.example.org/unit/{unit}"}}]}}}},"#,
                r#""result":{{"success":{right},"duration":"PT{seconds}S"}},"timestamp":"{date}T10:{minute:02}:{second:02}Z"}}"#
            ),
            name = name,
            home = HOME_PAGE,
            student = student(number),
            item = luck % 500,
            unit = unit,
            right = right,
            seconds = 5 + luck % 60,
            date = day_text(day),
            minute = luck / 60 % 60,
            second = luck % 60,
        );
        to.push(Sent { way: Way::Learning, name: name.clone(), raw: Bytes::from(text) });
        if luck.is_multiple_of(31) {
            let own = uuid(16 + item, day, number);
            let text = format!(
                concat!(
                    r#"{{"id":"{own}","actor":{{"mbox":"mailto:teacher@example.org"}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/voided"}},"#,
                    r#""object":{{"objectType":"StatementRef","id":"{name}"}},"timestamp":"{date}T12:00:00Z"}}"#
                ),
                own = own,
                name = name,
                date = day_text(day),
            );
            to.push(Sent { way: Way::Learning, name: own, raw: Bytes::from(text) });
        }
    }
}

/// The learning system's rules: which unit is of which skill.
pub fn rules() -> String {
    let mut text = "[skills]\n".to_owned();
    for skill in 0..SKILLS {
        let _ = writeln!(text, "\"https://lms.example.org/unit/{skill}\" = [{skill}]");
    }
    text
}
