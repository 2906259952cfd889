//! What a command writes is not what it reads: a timetable in use or an estate would be gone, and nothing had said so.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::Failure;
use super::Action;

/// Checks what a command is to read and write, before it reads anything.
///
/// # Errors
/// When a file to be written is one to be read, or is to be written twice.
pub fn check(action: &Action) -> Result<(), Failure> {
    let (read, written) = files(action);
    let read: Vec<Place> = read.into_iter().flatten().filter_map(|path| place(path)).collect();
    let mut before: Vec<Place> = Vec::new();
    for path in written.into_iter().flatten() {
        let Some(place) = place(path) else { continue };
        if read.contains(&place) {
            let message = format!("{} is read by this command and would be written over", path.display());
            return Err(Failure::new("own_input", message, "name another file to be written"));
        }
        if before.contains(&place) {
            let message = format!("{} would be written twice", path.display());
            return Err(Failure::new("one_output", message, "name a file for each of what is written"));
        }
        before.push(place);
    }
    Ok(())
}

/// A file that is there by its device and number, whatever names it has; one to come by its folder's path and its name.
type Place = Result<(u64, u64), PathBuf>;

/// Where a file is; none for what is no file and loses nothing, as /dev/null.
fn place(path: &Path) -> Option<Place> {
    if let Ok(known) = std::fs::metadata(path) {
        return known.is_file().then(|| Ok((known.dev(), known.ino())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    Some(Err(folder.join(path.file_name().unwrap_or_default())))
}

/// Files that were given, in their options' order.
type Files<'a> = Vec<Option<&'a PathBuf>>;

/// What an action reads, and what it writes.
fn files(action: &Action) -> (Files<'_>, Files<'_>) {
    match action {
        Action::Import(args) => (vec![Some(&args.source)], vec![Some(&args.out)]),
        Action::Timetable(args) => {
            (vec![Some(&args.instance), args.given.as_ref(), args.pins.as_ref()], vec![Some(&args.out)])
        }
        Action::Energy(args) => {
            let outside = [&args.weather, &args.inputs, &args.schedule].map(Option::as_ref);
            ([Some(&args.building)].into_iter().chain(outside).collect(), vec![Some(&args.out)])
        }
        Action::Fit(args) => (vec![Some(&args.meter), Some(&args.weather)], vec![args.out.as_ref()]),
        Action::Forecast(args) => (vec![Some(&args.history)], vec![Some(&args.out)]),
        Action::Needs(args) => (vec![Some(&args.forecast), args.table.as_ref()], vec![args.out.as_ref()]),
        Action::Staff(args) => {
            let read = [&args.forecast, &args.sections, &args.staff].map(Some);
            (read.into_iter().chain([args.optout.as_ref()]).collect(), vec![args.out.as_ref()])
        }
        Action::OptOut(args) => (vec![Some(&args.enrolments)], vec![Some(&args.out)]),
        Action::Page(args) => {
            let parts = [&args.estate, &args.schedule, &args.plan, &args.instance, &args.load, &args.history];
            (parts.map(Option::as_ref).to_vec(), vec![Some(&args.out)])
        }
        Action::Plan(args) => {
            let outside = [&args.outside.weather, &args.outside.inputs, &args.given].map(Option::as_ref);
            let read = [Some(&args.instance), Some(&args.building)].into_iter().chain(outside).collect();
            (read, vec![Some(&args.out), args.picture.as_ref(), args.load.as_ref()])
        }
        Action::Scenario(args) => {
            let outside = [&args.outside.weather, &args.outside.inputs].map(Option::as_ref);
            let read = [Some(&args.building), Some(&args.now)].into_iter().chain(outside);
            (read.chain(args.then.iter().map(Some)).collect(), vec![args.out.as_ref()])
        }
        Action::Reseat(args) => {
            let more = [&args.instance, &args.heat, &args.weather].map(Option::as_ref);
            let read = [Some(&args.schedule), Some(&args.estate)].into_iter().chain(more).collect();
            (read, vec![args.out.as_ref()])
        }
        Action::Failures(args) => (vec![Some(&args.events)], vec![Some(&args.out)]),
        Action::Move(args) => (vec![Some(&args.instance), Some(&args.timetable)], vec![Some(&args.out)]),
        Action::Heat(args) => {
            (vec![Some(&args.building), Some(&args.weather), args.schedule.as_ref()], vec![args.out.as_ref()])
        }
        Action::Prove(args) => (vec![Some(&args.estate)], vec![Some(&args.out)]),
        Action::Check(_)
        | Action::Cost(_)
        | Action::Capacity(_)
        | Action::WhatIf(_)
        | Action::Anchor(_)
        | Action::Pools(_) => (Vec::new(), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::EstateArgs;
    use super::*;

    #[derive(Debug, Parser)]
    struct One {
        #[command(flatten)]
        estate: EstateArgs,
    }

    /// The code of what is refused of a command line; empty where nothing is.
    fn refused(line: &str) -> Result<String, clap::Error> {
        let one = One::try_parse_from(["estate"].into_iter().chain(line.split(' ')))?;
        Ok(check(&one.estate.action).err().map(|failure| failure.code).unwrap_or_default())
    }

    #[test]
    fn what_is_read_is_not_written_over() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let here = folder.path();
        for name in ["a", "b", "c"] {
            std::fs::write(here.join(name), "kept")?;
        }
        std::os::unix::fs::symlink(here.join("a"), here.join("also-a"))?;
        std::fs::hard_link(here.join("a"), here.join("a-again"))?;
        let at = |line: &str| line.replace("./", &format!("{}/", here.display()));
        for line in [
            "timetable ./a -o ./a",
            "timetable ./a -o ./also-a",
            "timetable ./a -o ./a-again",
            "timetable ./b --given ./a -o ./a",
            "energy ./b --weather ./c --schedule ./a -o ./a",
            "import ./a -o ./a",
            "forecast ./a --periods 1 -o ./a",
            "plan ./b --building ./c --weather ./c --given ./a -o ./a",
            "plan ./b --building ./c --inputs ./c --picture ./b -o ./new",
            "plan ./b --building ./a --inputs ./c --load ./a -o ./new",
            "move ./b ./a --course x --from 0,0 --to 0,1 -o ./a",
            "scenario ./b --weather ./c --now ./c --then ./c --then ./a -o ./a",
            "page --load ./a -o ./a",
        ] {
            assert_eq!(refused(&at(line))?, "own_input", "{line}");
        }
        let twice = "plan ./b --building ./c --inputs ./c --picture ./new -o ./new";
        assert_eq!(refused(&at(twice))?, "one_output");
        for line in [
            "timetable ./a --given ./b -o ./c",
            "timetable ./a -o /dev/null",
            "plan ./b --building ./c --inputs ./c --picture /dev/null --load /dev/null -o ./new",
            "forecast /dev/stdin --periods 1 -o ./new",
        ] {
            assert_eq!(refused(&at(line))?, "", "{line}");
        }
        Ok(())
    }
}
