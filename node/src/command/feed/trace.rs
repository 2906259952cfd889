//! `aula feed trace`: from an event or a figure to the message it came from, and from a message to its event.
//!
//! Flow: `HANDLE/PLACE` names an event, `HANDLE` a student's events, `--skill` those of them that moved one, `--feed F --message ID` a
//! message → each event's origin, opened after the read was listed → for an amendment what it changed. Absent: what a message said,
//! which its own system has.

use aula_connect::given::Origin;
use aula_connect::letters;
use aula_connect::taking::Taking;
use aula_district::amended::effect;
use aula_district::event_place::{key_at, place as place_of};
use aula_district::live::events_of;
use aula_home::config::Config;
use aula_ingest::event::Kind;
use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use aula_twin_runtime::event::{Event, EventBody, EventKey, SkillId};
use aula_twin_runtime::params::Params;
use aula_twin_runtime::transitions::Transition;
use aula_vault::Vault;
use clap::Args;
use serde_json::{Value, json};

use super::configured;
use crate::command::twin_parameters::Voted;
use crate::command::vault::{Place, handle, refused};
use crate::command::{Advise, Context, Failure, Outcome, RpcArgs, now_ms};

/// How the reader is called in the access log.
const READER: &str = "aula-feed-trace";
const HINT: &str = "give HANDLE/PLACE as this command prints it, HANDLE alone, or --feed NAME --message ID";

/// Arguments of `aula feed trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// An event as HANDLE/PLACE, or a student's HANDLE, 64 hex digits; of a feed, give --feed NAME --message ID
    #[arg(value_name = "EVENT", required_unless_present = "message")]
    pub event: Option<String>,
    /// Of a student: only events that moved the skill of this number
    #[arg(long, value_name = "N", requires = "event")]
    pub skill: Option<u16>,
    /// The source's own name of a message
    #[arg(long, value_name = "ID", requires = "feed", conflicts_with = "event")]
    pub message: Option<String>,
    /// The feed that brought the message, by its name in config.toml
    #[arg(long, value_name = "NAME")]
    pub feed: Option<String>,
    /// The node whose ledger has the twins' parameters: asked for what an amendment changed
    #[command(flatten)]
    pub rpc: RpcArgs,
}

/// Traces. Exit 0: found; 1: there is no such event or message.
///
/// # Errors
/// A vault that cannot be read, an erased student.
pub async fn run(context: &Context, place: &Place, args: &TraceArgs) -> Result<Outcome, Failure> {
    if let (Some(message), Some(feed)) = (&args.message, &args.feed) {
        return of_message(context, place, &args.rpc, (feed, message)).await;
    }
    let text = args.event.as_deref().unwrap_or_default();
    if Config::load(&context.home).is_ok_and(|config| config.feed.iter().any(|feed| feed.name == text)) {
        let message = format!("{text} is a feed, and what is traced is one message of it, or an event");
        let next = format!(
            "aula feed trace --feed {text} --message ID, ID being the source's own name of a message; `aula feed status {text}` \
             counts what it brought, `aula feed dead-letters {text}` lists what became no event"
        );
        return Err(Failure::new("names_a_feed", message, next));
    }
    let (student, at) = text.split_once('/').map_or((text, None), |(student, at)| (student, Some(at)));
    let student = handle(student)?;
    let wrong = || Failure::new("bad_event", format!("{text:?} names no event"), HINT);
    let at = at.map(|at| hex::decode(at).ok().and_then(|at| key_at(&at)).ok_or_else(wrong)).transpose()?;
    let vault = place.open(context)?;
    let events = events_of(&vault, &student).map_err(unreadable)?;
    let wanted = |event: &&Event| {
        at.is_none_or(|at| event.key == at)
            && args.skill.is_none_or(|skill| moves(&events, event, SkillId(skill)))
    };
    let found: Vec<&Event> = events.iter().filter(wanted).collect();
    tell(context, &args.rpc, &vault, (&student, &found)).await
}

fn unreadable(error: aula_district::live::LiveError) -> Failure {
    match error {
        aula_district::live::LiveError::Vault(error) => refused(error),
        other => Failure::because(other.to_string(), "restore the vault from its last copy"),
    }
}

/// Whether an event, or what it amends, is about a skill.
fn moves(events: &[Event], event: &Event, skill: SkillId) -> bool {
    let about = |body: &EventBody| match body {
        EventBody::Response { skills, .. } => skills.as_slice().contains(&skill),
        EventBody::Assessment { skill: own, .. } => *own == skill,
        _ => false,
    };
    match &event.body {
        EventBody::Correction { target, replacement } => {
            replacement.as_deref().is_some_and(about)
                || events.iter().any(|other| other.key == *target && about(&other.body))
        }
        body => about(body),
    }
}

async fn of_message(
    context: &Context,
    place: &Place,
    rpc: &RpcArgs,
    (name, message): (&str, &str),
) -> Result<Outcome, Failure> {
    let feeds = configured(context, Some(name))?;
    let Some((_, feed)) = feeds.first() else { return Err(Failure::new("no_feed", "no such feed", HINT)) };
    let vault = place.open(context)?;
    let taking = Taking::new(&vault).map_err(refused)?;
    let once = taking.mark(feed.source, message);
    if let Some(marked) = vault.marked(&[once]).map_err(refused)?.pop().flatten() {
        let key = key_at(&marked.key);
        let events = events_of(&vault, &marked.handle).map_err(unreadable)?;
        let found: Vec<&Event> = events.iter().filter(|event| Some(event.key) == key).collect();
        return tell(context, rpc, &vault, (&marked.handle, &found)).await;
    }
    let letters = letters::list(&vault, feed.source).map_err(refused)?;
    if let Some((_, letter)) = letters.into_iter().find(|(own, _)| *own == once) {
        let text = format!("a dead letter, {}: {}", letter.reason, letter.detail);
        let json =
            json!({ "events": [], "dead_letter": { "reason": letter.reason, "detail": letter.detail } });
        return Ok(Outcome::yes(json, text));
    }
    let text = format!("the feed {name} never brought a message of this name");
    Ok(Outcome::no(json!({ "events": [], "dead_letter": null }), text))
}

async fn tell(
    context: &Context,
    rpc: &RpcArgs,
    vault: &Vault,
    (student, found): (&Handle, &[&Event]),
) -> Result<Outcome, Failure> {
    let reader = Name::new(READER).advise("the reader's name is not valid", HINT)?;
    let amends = found.iter().any(|event| matches!(event.body, EventBody::Correction { .. }));
    let year = vault.keystore().student(student).map(|(year, _)| year);
    let params = match year.filter(|_| amends) {
        Some(year) => Some(Voted::of(&rpc.client(context)?, &context.home).await?.in_force(year)?.params),
        None => None,
    };
    let (mut told, mut lines) = (Vec::with_capacity(found.len()), Vec::new());
    for event in found {
        let (line, json) = one(vault, student, (event, params.as_ref()), &reader)?;
        lines.push(line);
        told.push(json);
    }
    if found.is_empty() {
        return Ok(Outcome::no(json!({ "events": [], "dead_letter": null }), "the vault has no such event"));
    }
    Ok(Outcome::yes(json!({ "events": told, "dead_letter": null }), lines.join("\n")))
}

fn name(student: &Handle, key: &EventKey) -> String {
    format!("{student}/{}", hex::encode(place_of(key)))
}

fn one(
    vault: &Vault,
    student: &Handle,
    (event, params): (&Event, Option<&Params>),
    reader: &Name,
) -> Result<(String, Value), Failure> {
    let kept = vault.traced(student, &place_of(&event.key), reader, now_ms()).map_err(refused)?;
    let origin = kept.and_then(|kept| Origin::decode(&kept.origin));
    let kind = Kind::of_body(&event.body).map_or("need", Kind::name);
    let effect = match params {
        Some(params) => effect(vault, student, &event.key, params).map_err(unreadable)?,
        None => None,
    };
    let event_name = name(student, &event.key);
    let mut line = match &origin {
        Some(origin) => format!(
            "{event_name}  {kind}, message {:?} of {}, from {}, number {}",
            origin.name, origin.feed, origin.sender, origin.number
        ),
        None => format!("{event_name}  {kind}, not from a feed"),
    };
    let transitions = |list: &[Transition]| -> Vec<Value> {
        list.iter()
            .map(|one| json!({ "rule": format!("{:?}", one.rule), "at_ms": one.at.stamp.wall_ms() }))
            .collect()
    };
    let amends = effect.map(|effect| {
        line.push_str(&format!(
            "\n  amends {}: {} skills moved, {} transitions lost, {} gained, anchored versions {:?}",
            name(student, &effect.target),
            effect.mastery.len(),
            effect.lost.len(),
            effect.gained.len(),
            effect.versions
        ));
        let mastery: Vec<Value> = effect.mastery.iter().map(|moved| {
            json!({ "skill": moved.skill.0, "before_e4": moved.before_e4, "after_e4": moved.after_e4 })
        }).collect();
        json!({
            "event": name(student, &effect.target), "mastery": mastery, "versions": effect.versions,
            "lost": transitions(&effect.lost), "gained": transitions(&effect.gained),
        })
    });
    let json = json!({
        "event": event_name, "handle": student, "at_ms": event.key.stamp.wall_ms(), "kind": kind,
        "feed": origin.as_ref().map(|origin| &origin.feed), "message": origin.as_ref().map(|origin| &origin.name),
        "sender": origin.as_ref().map(|origin| origin.sender.to_string()),
        "number": origin.as_ref().map(|origin| origin.number),
        "received_ms": origin.as_ref().map(|origin| origin.received_ms), "amends": amends,
    });
    Ok((line, json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Shell {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        args: TraceArgs,
    }

    #[tokio::test]
    async fn a_feeds_name_is_told_how_its_messages_are_traced() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = aula_home::Home::at(folder.path().to_owned());
        let feed = "[[feed]]\nname = \"registers\"\nkind = \"files\"\nfolder = \"/path\"\n";
        std::fs::write(home.config_file(), feed)?;
        let context = Context { home, output: crate::terminal::OutputFormat::Json, log: None };
        let shell = Shell::try_parse_from(["trace", "registers"])?;
        let refused = run(&context, &shell.place, &shell.args).await.err().ok_or("it was traced")?;
        assert_eq!(refused.code, "names_a_feed");
        assert!(refused.hint.contains("--feed registers --message ID"), "{}", refused.hint);
        let shell = Shell::try_parse_from(["trace", "nothing"])?;
        let other = run(&context, &shell.place, &shell.args).await.err().ok_or("it was traced")?;
        assert_ne!(other.code, "names_a_feed");
        Ok(())
    }
}
