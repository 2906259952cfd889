//! What became of a home's duties, as it is shown.

use std::path::Path;

use aula_home::Home;
use aula_home::clock::now_ms;
use aula_standby::standing::Standing;
use serde_json::{Value, json};

use super::duties::Duty;
use super::told::{Line, Told};

/// How the home stands as one of a pair; none of one that never was.
fn pair(home: &Path) -> Option<Standing> {
    Standing::load(&Home::at(home.to_owned()).pair_dir())
}

/// For programs.
pub fn json(home: &Path, told: &Told) -> Value {
    let duty = |duty: Duty| {
        let line = told.duties.get(&duty).cloned().unwrap_or_default();
        json!({
            "duty": duty.name(), "last": line.last_ms, "next": line.next_ms, "error": line.error, "did": line.did,
            "done": line.done, "failed": line.failed,
        })
    };
    let mut told = json!({ "home": home, "duties": Duty::ALL.map(duty) });
    if let (Some(standing), Some(told)) = (pair(home), told.as_object_mut()) {
        told.insert("pair".into(), json!(standing));
    }
    told
}

/// For people.
pub fn text(home: &Path, told: &Told) -> String {
    let mut lines = vec![home.display().to_string()];
    lines.extend(pair(home).map(|standing| format!("  {:<17}{}", "pair", standing.words(now_ms()))));
    for duty in Duty::ALL {
        let line = told.duties.get(&duty).cloned().unwrap_or_default();
        lines.push(format!("  {:<17}{}", duty.name(), words(&line)));
    }
    lines.join("\n")
}

fn words(line: &Line) -> String {
    let ago = |ms: u64| format!("{} s ago", now_ms().saturating_sub(ms) / 1_000);
    let last = line.last_ms.map_or_else(|| "never".to_owned(), ago);
    let did = line.did.as_deref().unwrap_or("not done yet");
    match &line.error {
        Some(error) => format!("FAILS: {error} (done last {last})"),
        None => format!("{last}: {did}"),
    }
}
