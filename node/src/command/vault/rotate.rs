//! `aula vault rotate`: a new key-encryption key in a new keystore; every student's key wrapped again, no data touched.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::super::{Context, Failure, Outcome};
use super::{Place, now_ms, refused};

/// Arguments of `aula vault rotate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault rotate\n  aula vault rotate --if-due       for a timer: does nothing before the 90 days \
                        are over\n\nThe old key is destroyed. Back up the keystore afterwards: aula backup --keys DIR"
)]
pub struct RotateArgs {
    /// Do nothing while the key is not due
    #[arg(long)]
    pub if_due: bool,
}

/// Rotates.
///
/// # Errors
/// When the keystore cannot be written: then the old key is in use as before.
pub fn run(context: &Context, place: &Place, args: &RotateArgs) -> Result<Outcome, Failure> {
    let vault = place.open(context)?;
    let mut keystore = vault.keystore();
    let now_ms = now_ms();
    let before = keystore.current().rotation(now_ms);
    if args.if_due && !before.is_due() {
        let json =
            json!({ "rotated": false, "generation": keystore.current().generation, "schedule": before });
        return Ok(Outcome::yes(json, format!("nothing to do: {before}")));
    }
    let old = keystore.replace(&BTreeSet::new(), now_ms).map_err(|error| refused(error.into()))?;
    let current = keystore.current();
    let schedule = current.rotation(now_ms);
    let text = format!(
        "generation {} replaced by {}, {} students' keys wrapped again, {schedule}\nnext: aula backup --keys DIR",
        old.generation,
        current.generation,
        keystore.students()
    );
    let json = json!({
        "rotated": true, "generation": current.generation, "kek": current.kek, "destroyed": old.kek,
        "students": keystore.students(), "schedule": schedule,
    });
    Ok(Outcome::yes(json, text))
}
