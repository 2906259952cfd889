//! A pair of real nodes that are killed while events come: nothing that was acknowledged is lost, nothing is there twice.
//!
//! The gate kills a few times; `AULA_FAILOVER_KILLS` asks for more (scripts/failover.sh says what is done and counted).

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use aula_tests::program;

/// Kills in the gate.
const KILLS: &str = "4";

#[test]
fn a_pair_that_is_killed_loses_nothing_that_was_acknowledged() -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/failover.sh");
    let kills = std::env::var("AULA_FAILOVER_KILLS").unwrap_or_else(|_| KILLS.into());
    let ran = Command::new("bash").arg(script).arg(program("aula")?).arg(kills).output()?;
    let told = String::from_utf8_lossy(&ran.stdout);
    println!("{told}");
    ensure!(
        ran.status.success() && told.contains("all checks hold"),
        "{told}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(())
}
