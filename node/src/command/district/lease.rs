//! `aula district lease`: marks the folder where a pair's lease lies, and has this home's settings name the mark.
//!
//! Where the folder's share is not mounted there is an empty folder, or none: none is made here, and one without a record is not marked for a
//! pair that ran before, unless an operator says that its record is gone for good.

use std::io::ErrorKind;
use std::path::Path;

use aula_files::{Access, replace};
use aula_home::Home;
use aula_home::config::{Config, Pair, set};
use aula_standby::folder::has_record;
use aula_standby::place::{MARK, mark, marked};
use aula_standby::receiver::floor_in;
use clap::{ArgGroup, Args};
use rand::RngCore;
use rand::rngs::OsRng;
use serde_json::json;

use crate::command::{Advise, Context, Failure, Outcome};

/// What to do where a folder is not the one that is meant, or may not be.
const MOUNT: &str = "see whether the share is mounted there, on this machine too; then run it again";

/// Arguments of `aula district lease`.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("mark").required(true),
    after_help = "Examples:\n  aula district lease --new               in one home of the pair: marks the folder of [pair] lease, and prints the id\n  aula \
                  district lease --id 5f…                 in the other one: takes the id where its folder has this mark\n\nWithout the mark nobody has a \
                  lease in the folder: where its share is not mounted, both would have one of their own. A pair that was set up before folders were marked needs \
                  this once, before its nodes start. A lease in a bucket needs no mark.\nExit 0: the settings name the mark; 2: refused, and \
                  nothing is changed."
)]
pub struct LeaseArgs {
    /// Mark the folder, which is there already
    #[arg(long, group = "mark")]
    pub new: bool,
    /// Take the mark that the other home made
    #[arg(long, value_name = "ID", group = "mark")]
    pub id: Option<String>,
    /// The pair ran before and the folder with its lease is gone for good: mark one without a record
    #[arg(long, requires = "new")]
    pub empty: bool,
}

/// Marks, or takes a mark.
///
/// # Errors
/// A home of no pair, or whose lease is in a bucket; a folder that is not there, or may not be the one that is meant.
pub fn run(context: &Context, args: &LeaseArgs) -> Result<Outcome, Failure> {
    let home = &context.home;
    let pair = Config::load(home)?.pair;
    let place = pair.and_then(|pair| Some((pair.lease.clone()?, pair)));
    let Some((folder, pair)) = place else {
        let hint = "write [pair] with lease into config.toml first; a lease in a bucket needs no mark";
        return Err(Failure::new("no_lease_folder", "config.toml names no folder for a pair's lease", hint));
    };
    if !folder.is_dir() {
        let message = format!("{} is not there, or is not a folder", folder.display());
        let hint =
            "mount the share, and make the folder on it by hand: none is made where a share may be missing";
        return Err(Failure::new("no_lease_folder", message, hint));
    }
    let unread = || format!("{} cannot be read", folder.display());
    let found = marked(&folder).advise(unread(), MOUNT)?;
    if found.as_deref().is_some_and(|found| !Pair::is_lease_id(found)) {
        let message = format!("{} is not a valid mark", folder.join(MARK).display());
        let hint = "where the folder is this pair's, remove that file and run this again";
        return Err(Failure::new("bad_mark", message, hint));
    }
    let id = match &args.id {
        Some(id) => taken(&folder, found, id)?,
        None => made(home, &pair, &folder, found, args.empty)?,
    };
    name(home, &id)?;
    let text = format!(
        "{} has the mark {id}, and this home's [pair] names it.\nIn the other home of the pair: aula district lease --id {id}",
        folder.display()
    );
    Ok(Outcome::yes(json!({ "lease": folder, "lease_id": id }), text))
}

/// The mark that the other home made.
fn taken(folder: &Path, found: Option<String>, id: &str) -> Result<String, Failure> {
    if !Pair::is_lease_id(id) {
        let message = format!("{id} is not a valid id: it has 32 hex digits");
        return Err(Failure::new(
            "bad_lease_id",
            message,
            "give it as `aula district lease --new` printed it",
        ));
    }
    match found {
        Some(found) if found == id => Ok(found),
        Some(_) => {
            let message = format!("{} has another mark than {id}", folder.display());
            Err(Failure::new("other_mark", message, MOUNT))
        }
        None => {
            let message = format!("{} has no mark", folder.display());
            Err(Failure::new("no_mark", message, MOUNT))
        }
    }
}

/// The mark of a folder that has this home's already, or none so far.
fn made(
    home: &Home,
    pair: &Pair,
    folder: &Path,
    found: Option<String>,
    empty: bool,
) -> Result<String, Failure> {
    let shown = folder.display();
    if let Some(found) = found {
        if pair.lease_id.as_ref() == Some(&found) {
            return Ok(found);
        }
        return Err(marked_already(folder, &found));
    }
    let unread = "this pair's state cannot be read";
    let floor = floor_in(&home.pair_dir()).advise(unread, "see HOME/pair/epoch")?;
    let ran = floor > 0 || pair.lease_id.is_some();
    let has_record = has_record(folder).advise(format!("{shown} cannot be read"), MOUNT)?;
    if ran && !has_record && !empty {
        let message = format!("this pair ran before, and {shown} has no record of its lease");
        let hint = format!("{MOUNT}. Where the folder with the record is gone for good: --new --empty");
        return Err(Failure::new("no_record", message, hint));
    }
    // Where the settings of both name one already, it is the folder that lost it.
    let id = pair.lease_id.clone().unwrap_or_else(|| {
        let mut bytes = [0; 16];
        OsRng.fill_bytes(&mut bytes);
        hex::encode(bytes)
    });
    match mark(folder, &id) {
        // The other home did, since this one looked.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = marked(folder).advise(format!("{shown} cannot be read"), MOUNT)?;
            Err(marked_already(folder, &found.unwrap_or_default()))
        }
        done => {
            done.advise(format!("{shown} cannot be marked"), "check its owner and the space left")?;
            Ok(id)
        }
    }
}

fn marked_already(folder: &Path, found: &str) -> Failure {
    let message = format!("{} has the mark {found} already", folder.display());
    let hint = "where it is this pair's: aula district lease --id, with that mark; where it is another pair's, give this one a folder of its own";
    Failure::new("other_mark", message, hint)
}

/// Writes the mark's id into this home's settings.
fn name(home: &Home, id: &str) -> Result<(), Failure> {
    let path = home.config_file();
    let hint = format!("write lease_id = \"{id}\" below [pair] in {} by hand", path.display());
    let old =
        std::fs::read_to_string(&path).advise(format!("cannot read {}", path.display()), hint.clone())?;
    let text = set(&old, "pair", "lease_id", &format!("\"{id}\""));
    let pair = toml::from_str::<Config>(&text).ok().and_then(|config| config.pair);
    if pair.and_then(|pair| pair.lease_id).as_deref() != Some(id) {
        let message = format!("{} is written in a way that this command cannot change", path.display());
        return Err(Failure::new("unchanged", message, hint));
    }
    replace(&path, Access::Public, text.as_bytes()).advise(format!("cannot write {}", path.display()), hint)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::terminal::OutputFormat;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn context(root: &Path, name: &str) -> Result<Context, Box<dyn std::error::Error>> {
        let home = Home::at(root.join(name));
        fs::create_dir_all(home.pair_dir())?;
        let text = format!(
            "# kept\n[pair]\nname = '{name}'\nlisten = '127.0.0.1:8499'\npeer = '127.0.0.1:8500'\nsecret = 's.toml'\nlease = '{}'\n",
            root.join("lease").display()
        );
        fs::write(home.config_file(), text)?;
        Ok(Context { home, output: OutputFormat::Json, log: None })
    }

    fn new(context: &Context, empty: bool) -> Result<String, Failure> {
        run(context, &LeaseArgs { new: true, id: None, empty }).and_then(|_| named(context))
    }

    fn take(context: &Context, id: &str) -> Result<String, Failure> {
        run(context, &LeaseArgs { new: false, id: Some(id.into()), empty: false })
            .and_then(|_| named(context))
    }

    /// What the settings name.
    fn named(context: &Context) -> Result<String, Failure> {
        Ok(Config::load(&context.home)?.pair.and_then(|pair| pair.lease_id).unwrap_or_default())
    }

    fn code(refused: Result<String, Failure>) -> String {
        refused.err().map(|failure| failure.code).unwrap_or_default()
    }

    #[test]
    fn the_first_home_marks_the_folder_and_the_other_takes_the_mark() -> Tested {
        let root = tempfile::tempdir()?;
        let (east, west) = (context(root.path(), "east")?, context(root.path(), "west")?);
        let folder = root.path().join("lease");
        assert_eq!(code(new(&east, false)), "no_lease_folder");
        assert!(!folder.exists(), "a mount point is nobody's to make");
        fs::create_dir(&folder)?;
        assert_eq!(code(take(&west, &"0".repeat(32))), "no_mark");
        let id = new(&east, false)?;
        assert_eq!((new(&east, false)?, marked(&folder)?), (id.clone(), Some(id.clone())));
        assert!(fs::read_to_string(east.home.config_file())?.starts_with("# kept\n"));
        assert_eq!(code(new(&west, false)), "other_mark");
        assert_eq!(code(take(&west, &"0".repeat(32))), "other_mark");
        assert_eq!(code(take(&west, "07")), "bad_lease_id");
        assert_eq!(named(&west)?, "");
        assert_eq!(take(&west, &id)?, id);
        Ok(())
    }

    #[test]
    fn a_pair_that_ran_before_marks_no_folder_without_its_record_by_mistake() -> Tested {
        let root = tempfile::tempdir()?;
        let (east, folder) = (context(root.path(), "east")?, root.path().join("lease"));
        // As before folders were marked.
        fs::write(east.home.pair_dir().join("epoch"), "7\n")?;
        fs::create_dir(&folder)?;
        assert_eq!(code(new(&east, false)), "no_record");
        assert_eq!((marked(&folder)?, named(&east)?), (None, String::new()));
        fs::write(folder.join("lease-9"), "{}")?;
        let id = new(&east, false)?;
        // Its share is not mounted any more, or was emptied.
        fs::remove_dir_all(&folder)?;
        fs::create_dir(&folder)?;
        assert_eq!(code(new(&east, false)), "no_record");
        assert_eq!((new(&east, true)?, marked(&folder)?), (id.clone(), Some(id)));
        Ok(())
    }

    #[test]
    fn half_of_a_mark_is_said_to_be_what_it_is_and_one_that_was_made_meanwhile_stays() -> Tested {
        let root = tempfile::tempdir()?;
        let (east, folder) = (context(root.path(), "east")?, root.path().join("lease"));
        fs::create_dir(&folder)?;
        let pair = Config::load(&east.home)?.pair.ok_or("a pair")?;
        for half in ["", "0a0a"] {
            fs::write(folder.join(MARK), half)?;
            assert_eq!(code(new(&east, false)), "bad_mark");
            assert_eq!(code(take(&east, &"0a".repeat(16))), "bad_mark");
        }
        let other = "0b".repeat(16);
        fs::write(folder.join(MARK), &other)?;
        // As by one who looked before it was there.
        let late = made(&east.home, &pair, &folder, None, false).err().ok_or("marked twice")?;
        assert!(late.code == "other_mark" && late.message.contains(&other), "{}", late.message);
        assert_eq!((marked(&folder)?, named(&east)?), (Some(other), String::new()));
        Ok(())
    }

    #[test]
    fn settings_that_are_written_in_another_way_are_left_as_they_are() -> Tested {
        let root = tempfile::tempdir()?;
        let (east, folder) = (context(root.path(), "east")?, root.path().join("lease"));
        fs::create_dir(&folder)?;
        let text = fs::read_to_string(east.home.config_file())?.replace("[pair]", "[pair] # of two");
        fs::write(east.home.config_file(), &text)?;
        let refused = run(&east, &LeaseArgs { new: true, id: None, empty: false }).err().ok_or("changed")?;
        let id = marked(&folder)?.ok_or("no mark")?;
        assert!(refused.code == "unchanged" && refused.hint.contains(&id), "{}", refused.hint);
        assert_eq!(fs::read_to_string(east.home.config_file())?, text);
        Ok(())
    }

    #[test]
    fn a_lease_in_a_bucket_and_a_home_of_no_pair_have_no_folder() -> Tested {
        let root = tempfile::tempdir()?;
        let east = context(root.path(), "east")?;
        let bucket = "[pair]\nname = 'east'\nlisten = '127.0.0.1:8499'\npeer = '127.0.0.1:8500'\nsecret = 's.toml'\n\
            [pair.bucket]\nendpoint = 'https://s3.example'\nbucket = 'r'\nkey_id = 'k'\nsecret_file = '/s'\n";
        for text in [bucket, ""] {
            fs::write(east.home.config_file(), text)?;
            assert_eq!(code(new(&east, false)), "no_lease_folder");
            assert_eq!(fs::read_to_string(east.home.config_file())?, text);
        }
        Ok(())
    }
}
