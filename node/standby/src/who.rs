//! Who one of a pair is: its name, and what no copy of its home has.
//!
//! A home that is copied with its settings would be called as the first one is, take the lease that is that one's, and sign with its keys. So
//! what each says of itself is `NAME.ID`: the id is drawn once in HOME/pair and holds on the machine, under the path and in the file that
//! it was drawn in. A copy draws another, and so does a home that was moved. A name without an id was said before homes had one,
//! and is read as one's own. Absent: what is done about a namesake.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rand::RngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

/// Digits of an id.
const DIGITS: usize = 16;
/// Most bytes of the file that are read.
const MOST: u64 = 1 << 10;

/// Who the home is that is called so and keeps its state of the pair in this folder. The first time, an id is drawn.
///
/// # Errors
/// A folder that cannot be read, or, the first time, be written.
pub fn of(folder: &Path, name: &str) -> io::Result<String> {
    aula_files::private_folder(folder)?;
    let folder = folder.canonicalize()?;
    let path = folder.join("id");
    let of = |id: String| format!("{name}.{id}");
    if let Ok(mut file) = File::open(&path)
        && let Some(id) = read(&mut file, &folder)?
    {
        return Ok(of(id));
    }
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
    // Two processes of one home may begin at once: the first one draws.
    file.lock()?;
    if let Some(id) = read(&mut file, &folder)? {
        return Ok(of(id));
    }
    let id = format!("{:0DIGITS$x}", OsRng.next_u64());
    let text = format!("{id} {}\n", bound(&folder, file.metadata()?.ino()));
    // In its place: another file would be a copy.
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    aula_files::sync_folder(&path)?;
    Ok(of(id))
}

/// The id in this file, where it was drawn in it.
fn read(file: &mut File, folder: &Path) -> io::Result<Option<String>> {
    let bound = bound(folder, file.metadata()?.ino());
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let id = text.trim_end().strip_suffix(bound.as_str()).map(str::trim_end);
    let is_id = |id: &&str| id.len() == DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(id.filter(is_id).map(str::to_owned))
}

/// What an id is bound to.
fn bound(folder: &Path, file: u64) -> String {
    // Some containers have none: the path and the file must do then.
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let parts = format!("{}\n{file}\n{}", machine.trim(), folder.display());
    format!("{:x}", Sha256::digest(parts))
}

/// What people call it.
pub fn name_of(who: &str) -> &str {
    who.split_once('.').map_or(who, |(name, _)| name)
}

/// Whether this is said of me: of my name and id, or of my name before there were ids.
pub fn is(me: &str, said: &str) -> bool {
    said == me || said == name_of(me)
}

/// Whether it is said of another who is called as I am.
pub fn is_namesake(me: &str, said: &str) -> bool {
    name_of(said) == name_of(me) && !is(me, said)
}

/// What is shown of it to me: a namesake's id as well.
pub fn shown<'a>(me: &str, said: &'a str) -> &'a str {
    if is_namesake(me, said) { said } else { name_of(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_keeps_its_id_and_one_that_was_copied_or_moved_draws_another() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        let place = |name: &str| root.path().join(name).join("pair");
        let east = of(&place("home"), "east")?;
        assert_eq!((of(&place("home"), "east")?, name_of(&east)), (east.clone(), "east"));
        // As `cp -a` does.
        fs::create_dir_all(place("copy"))?;
        fs::copy(place("home").join("id"), place("copy").join("id"))?;
        let copy = of(&place("copy"), "east")?;
        assert!(is_namesake(&east, &copy) && is_namesake(&copy, &east), "{east} {copy}");
        assert_eq!((of(&place("copy"), "east")?, of(&place("home"), "east")?), (copy.clone(), east.clone()));
        fs::rename(root.path().join("home"), root.path().join("moved"))?;
        let moved = of(&place("moved"), "east")?;
        assert!(is_namesake(&east, &moved) && is_namesake(&copy, &moved), "{moved}");
        // As a crash or a full disk leaves it.
        for text in ["", "07", "zz", "0".repeat(200).as_str()] {
            fs::write(place("copy").join("id"), text)?;
            let drawn = of(&place("copy"), "east")?;
            assert!(is_namesake(&copy, &drawn) && of(&place("copy"), "east")? == drawn, "{text}");
        }
        assert_ne!(bound(root.path(), 1), bound(root.path(), 2));
        Ok(())
    }

    #[test]
    fn a_name_without_an_id_is_everybodys_who_is_called_so() {
        assert!(is("east.1", "east.1") && is("east.1", "east") && is("east", "east"));
        assert!(!is("east.1", "east.2") && !is("east.1", "west") && !is("east", "east.1"));
        assert!(is_namesake("east.1", "east.2") && is_namesake("east", "east.1"));
        assert!(!is_namesake("east.1", "east") && !is_namesake("east.1", "east-1.1"));
        assert_eq!([shown("east.1", "east.2"), shown("east.1", "west.2")], ["east.2", "west"]);
    }
}
