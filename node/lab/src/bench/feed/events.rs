//! The events of the bench: responses of students in turn to items of 847 skills.

use aula_ingest::event::{Message, What, frame};
use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::{Correctness, EventBody, ItemId, SkillId, SkillSet};

/// Skills of the reference design.
const SKILLS: u64 = 847;
/// Items, about six a skill.
const ITEMS: u64 = 5_000;
/// The home page of students' accounts.
pub const HOME_PAGE: &str = "https://sis.example.org";
/// The feed's name.
pub const FEED: &str = "bench";

/// A student's identifier.
pub fn student(number: u32) -> String {
    format!("S-{number}")
}

/// An event's name.
pub fn name(number: u64) -> String {
    format!("e{number}")
}

/// The name of a statement: its UUID.
pub fn statement_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn skill(number: u64) -> u16 {
    (number % ITEMS % SKILLS) as u16
}

/// An event by its number, at a moment in microseconds since 1970.
pub fn message(number: u64, student_number: u32, at_us: u64) -> Option<Message> {
    let skills = SkillSet::new(vec![SkillId(skill(number))]).ok()?;
    let correctness = if number.is_multiple_of(3) { Correctness::Incorrect } else { Correctness::Correct };
    Some(Message {
        name: name(number),
        // The counter tells microseconds apart, and latency is measured from them.
        at: Stamp::new(at_us / 1_000, (at_us % 1_000) as u32).ok()?,
        student: Some(student(student_number)),
        what: What::Happened(EventBody::Response {
            item: ItemId((number % ITEMS) as u32),
            skills,
            correctness,
            duration_ms: 8_000,
        }),
    })
}

/// Appends an event's frame.
pub fn frame(number: u64, student_number: u32, at_us: u64, to: &mut Vec<u8>) {
    if let Some(message) = message(number, student_number, at_us) {
        frame::encode(&message, to);
    }
}

/// An event as a statement's text.
pub fn statement(number: u64, student_number: u32, at_us: u64) -> String {
    let (seconds, micros) = (at_us / 1_000_000, at_us % 1_000_000);
    let date = aula_ingest::date::Date::of_ms(at_us / 1_000).map(|date| date.to_string()).unwrap_or_default();
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let (item, skill, right) = (number % ITEMS, skill(number), !number.is_multiple_of(3));
    format!(
        concat!(
            r#"{{"id":"00000000-0000-4000-8000-{number:012x}","actor":{{"account":{{"homePage":"{home}","name":"S-{student}"}}}},"#,
            r#""verb":{{"id":"http://adlnet.gov/expapi/verbs/answered"}},"object":{{"id":"https://lms.example.org/item/{item}"}},"#,
            r#""context":{{"contextActivities":{{"parent":[{{"id":"https://lms.example.org/unit/{skill}"}}]}}}},"#,
            r#""result":{{"success":{right},"duration":"PT8S"}},"#,
            r#""timestamp":"{date}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"}}"#
        ),
        number = number,
        home = HOME_PAGE,
        student = student_number,
        item = item,
        skill = skill,
        right = right,
        date = date,
        hour = hour,
        minute = minute,
        second = second,
        micros = micros
    )
}

/// The district's rules for these statements.
pub fn rules() -> String {
    let lines = (0..SKILLS).map(|skill| format!("\"https://lms.example.org/unit/{skill}\" = [{skill}]\n"));
    format!("[skills]\n{}", lines.collect::<String>())
}
