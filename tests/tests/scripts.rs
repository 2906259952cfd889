//! What scripts stand on: a step that ends at its first command that fails, steps beside others whose failure is not lost, and processes that go
//! with the script that began them.

use std::path::Path;
use std::process::{Command, Output};

/// A script of these lines, begun in the repository's folder.
fn bash(lines: &str) -> std::io::Result<Output> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new("bash").args(["-euo", "pipefail", "-c", lines]).current_dir(root).output()
}

#[test]
fn a_step_ends_at_its_first_command_that_fails() -> std::io::Result<()> {
    let begins_with = |command: &str| {
        bash(&format!(". scripts/prepare.sh; one() {{ {command}; echo went on; }}; step One one; echo next"))
    };
    let (fails, holds) = (begins_with("false")?, begins_with("true")?);
    assert!(!fails.status.success() && fails.stdout.is_empty(), "{fails:?}");
    assert!(holds.status.success() && holds.stdout == b"went on\nnext\n", "{holds:?}");
    Ok(())
}

#[test]
fn what_runs_beside_is_waited_for_and_stops_the_script_where_it_failed() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let ends_with = |command: &str| {
        let one = format!("one() {{ sleep 0.2; echo told; {command}; }}");
        bash(&format!(
            ". scripts/prepare.sh; {one}; beside {} step One one; joined All; echo next",
            log.display()
        ))
    };
    let (fails, holds) = (ends_with("false")?, ends_with("true")?);
    assert!(!fails.status.success() && fails.stdout.is_empty(), "{fails:?}");
    assert!(holds.status.success() && holds.stdout == b"next\n", "{holds:?}");
    for ended in [fails, holds] {
        assert!(String::from_utf8_lossy(&ended.stderr).contains("\ntold\n"), "{ended:?}");
    }
    Ok(())
}

#[test]
fn what_runs_beside_ends_with_a_script_that_does_not_wait_for_it_and_its_log_is_shown_as_far_as_it_got()
-> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (begun, gone_on) = (folder.path().join("begun"), folder.path().join("gone-on"));
    // It holds the script's output open, which is read here until nobody does.
    let ended = bash(&format!(
        ". scripts/prepare.sh; exec 9>&1; one() {{ echo told; touch {begun}; sleep 60; touch {gone_on}; }}
         beside {log} one; until [ -e {begun} ]; do sleep 0.01; done; exit 7",
        begun = begun.display(),
        gone_on = gone_on.display(),
        log = folder.path().join("log").display(),
    ))?;
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
    assert!(!gone_on.exists());
    assert!(String::from_utf8_lossy(&ended.stderr).contains("as far as it got\ntold\n"), "{ended:?}");
    Ok(())
}

#[test]
fn what_a_script_began_goes_with_it() -> std::io::Result<()> {
    let ended = bash(
        "aula=true; . scripts/loopback.sh; echo \"$work\"
         sleep 600 >/dev/null 2>&1 & echo $!
         sleep 600 >/dev/null 2>&1 & echo $!; kill -STOP $!
         exit 7",
    )?;
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
    let told = String::from_utf8_lossy(&ended.stdout);
    let (folder, processes) = told.split_once('\n').unwrap_or_default();
    assert!(!folder.is_empty() && !Path::new(folder).exists(), "{told}");
    assert_eq!(processes.lines().count(), 2, "{told}");
    for process in processes.lines() {
        assert!(!Path::new("/proc").join(process).exists(), "{process} still runs");
    }
    Ok(())
}
