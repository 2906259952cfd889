//! Who is staff, as the district's identity system says by SCIM: users in one file, and by them the role of each reader.
//!
//! The file has a line a change, on disk before the change is told done; a line that a crash left in part is cut off when it is opened,
//! and a file of many old lines is written anew. In a pair the other one has a line before the change is told done. Invariants: no two
//! users have one name; a reader whom two active users would be is nobody. Absent: what a reader may see, which the vault's roster decides.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_files::{Access, Unread};
use aula_foreign::secret::number;
use serde::{Deserialize, Serialize};

use crate::mapping::Mapping;
use crate::pair::Other;
use crate::scim::Fault;
use crate::scim::filter::Filter;
use crate::scim::user::User;

/// Most users.
pub const MAX_USERS: usize = 50_000;
/// Lines beyond twice the users after which the file is written anew.
const MAX_OLD_LINES: usize = 1_024;

/// A user with what the service adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, which never changes.
    pub id: String,
    /// What the identity system says of it.
    pub user: User,
    /// When it was made, milliseconds since 1970.
    pub made_ms: u64,
    /// When it was changed last.
    pub changed_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Kept(Entry),
    Gone { id: String, gone_ms: u64 },
}

/// What the directory says of a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Employed {
    /// Nothing: no directory is kept here, none was sent yet, or it is not to decide.
    Unsaid,
    /// Staff, in this role.
    As(String),
    /// No staff, or no longer.
    Not,
}

/// How a directory decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which attribute names the reader, and which give a role.
    pub map: Mapping,
    /// Whether who is not in it gets no session; `false` while it is filled for the first time.
    #[serde(default = "yes")]
    pub enforce: bool,
}

fn yes() -> bool {
    true
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Its file cannot be read.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others may read it.
    #[error("others can read {0}: chmod 600 it")]
    Open(PathBuf),
}

/// A reader whom a change may have made somebody else, or nobody.
pub type Touched = Vec<String>;

/// All users of a district.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    other: Other,
    state: Mutex<State>,
    /// Held while the file changes: who is asked about meanwhile waits for no disk and no other node.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, Entry>,
    /// Numbers by name, in lower case.
    names: HashMap<String, String>,
    /// Roles by reader and number, of active users.
    readers: HashMap<String, BTreeMap<String, String>>,
    rule: Option<Rule>,
    lines: usize,
}

impl State {
    /// Who a user is by the mapping; nobody when inactive or unmapped.
    fn staff(&self, user: &User) -> Option<(String, String)> {
        let map = &self.rule.as_ref()?.map;
        if !user.is_active() {
            return None;
        }
        map.staff(&user.claims()).ok().map(|staff| (staff.reader, staff.role))
    }

    /// The reader whom a user names who is no staff. What follows of that may be undone still when the same is asked again.
    fn left(&self, user: &User) -> Option<String> {
        let reader = self.rule.as_ref()?.map.reader(&user.claims()).ok()?;
        (!self.readers.contains_key(&reader)).then_some(reader)
    }

    /// Takes a user out of the indices; gives the reader that it was.
    fn forget(&mut self, entry: &Entry) -> Option<String> {
        self.names.remove(&entry.user.user_name().to_lowercase());
        let (reader, _) = self.staff(&entry.user)?;
        if let Some(of) = self.readers.get_mut(&reader) {
            of.remove(&entry.id);
            if of.is_empty() {
                self.readers.remove(&reader);
            }
        }
        Some(reader)
    }

    /// Puts a user into the indices; gives the reader that it is.
    fn learn(&mut self, entry: &Entry) -> Option<String> {
        self.names.insert(entry.user.user_name().to_lowercase(), entry.id.clone());
        let (reader, role) = self.staff(&entry.user)?;
        self.readers.entry(reader.clone()).or_default().insert(entry.id.clone(), role);
        Some(reader)
    }

    /// Makes the indices anew.
    fn index(&mut self) {
        self.names.clear();
        self.readers.clear();
        let entries = std::mem::take(&mut self.entries);
        for entry in entries.values() {
            self.learn(entry);
        }
        self.entries = entries;
    }

    /// Whether nobody else has the name, or is the reader.
    fn is_free(&self, id: &str, user: &User) -> Result<(), Fault> {
        let taken = |what: &str| Fault {
            status: 409,
            kind: Some("uniqueness"),
            detail: format!("another user has this {what}"),
        };
        if self.names.get(&user.user_name().to_lowercase()).is_some_and(|other| other != id) {
            return Err(taken("userName"));
        }
        let reader = self.staff(user).and_then(|(reader, _)| self.readers.get(&reader));
        match reader.is_some_and(|of| of.keys().any(|other| other != id)) {
            true => Err(taken("reader's name")),
            false => Ok(()),
        }
    }
}

fn unwritten(error: &io::Error) -> Fault {
    tracing::error!(%error, "the directory cannot be written");
    Fault::of(503, "the directory cannot be written now: tell the district's operator")
}

fn gone(id: &str) -> Fault {
    Fault::of(404, format!("there is no user {id}"))
}

/// Cuts a file to what it had before; on disk on return.
fn cut(path: &Path, to: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(to)?;
    file.sync_all()
}

/// What a file has, without a rule; nothing where there is none yet.
fn read(path: &Path) -> Result<State, DirectoryError> {
    let failed = |error| DirectoryError::File { path: path.to_owned(), error };
    // Bytes: a line that a crash cut may end within a letter.
    let text = match aula_files::read_private(path) {
        Ok(text) => text,
        Err(why) if why.is_missing() => Vec::new(),
        Err(Unread::Open(_)) => return Err(DirectoryError::Open(path.to_owned())),
        Err(Unread::Refused(error)) => return Err(failed(error)),
    };
    let mut state = State::default();
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end.saturating_add(1));
    let whole = text.get(..end).unwrap_or_default();
    for line in whole.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice(line).map_err(|error| failed(error.into()))? {
            Line::Kept(entry) => drop(state.entries.insert(entry.id.clone(), entry)),
            Line::Gone { id, .. } => drop(state.entries.remove(&id)),
        }
        state.lines += 1;
    }
    if whole.len() < text.len() {
        cut(path, whole.len() as u64).map_err(failed)?;
    }
    Ok(state)
}

impl Directory {
    /// The directory of a file; an empty one where there is none yet.
    ///
    /// # Errors
    /// A file that cannot be read, is not of this form, or that others may read.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        let directory = Self::unread(path, None);
        directory.read_again()?;
        Ok(directory)
    }

    /// An empty one until the file is read by [`Directory::read_again`]: the other one of a pair may be writing it now.
    pub fn unread(path: &Path, other: Other) -> Self {
        Self { path: path.to_owned(), other, state: Mutex::default(), writing: Mutex::default() }
    }

    /// Takes the file as it is now in the place of what was known; the rule stays.
    ///
    /// # Errors
    /// As [`Directory::open`]; all stays as it was then.
    pub fn read_again(&self) -> Result<(), DirectoryError> {
        let _writing = self.writing();
        let mut read = read(&self.path)?;
        let mut state = self.locked();
        read.rule = state.rule.take();
        read.index();
        *state = read;
        Ok(())
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides by this from now on; without a rule nobody is asked for.
    pub fn set_rule(&self, rule: Option<Rule>) {
        let mut state = self.locked();
        if state.rule != rule {
            state.rule = rule;
            state.index();
        }
    }

    /// Whether one is kept here.
    pub fn is_kept(&self) -> bool {
        self.locked().rule.is_some()
    }

    /// What it says of a reader.
    pub fn of(&self, reader: &str) -> Employed {
        let state = self.locked();
        // One that was emptied says of everybody that they are gone.
        if state.lines == 0 || !state.rule.as_ref().is_some_and(|rule| rule.enforce) {
            return Employed::Unsaid;
        }
        let mut roles = state.readers.get(reader).into_iter().flat_map(BTreeMap::values);
        match (roles.next(), roles.next()) {
            (Some(role), None) => Employed::As(role.clone()),
            _ => Employed::Not,
        }
    }

    /// The reader whom a user would make staff who is not staff now.
    pub fn hires(&self, user: &User) -> Option<String> {
        let (reader, _) = self.locked().staff(user)?;
        (self.of(&reader) == Employed::Not).then_some(reader)
    }

    /// A user by its number.
    ///
    /// # Errors
    /// 404.
    pub fn find(&self, id: &str) -> Result<Entry, Fault> {
        self.locked().entries.get(id).cloned().ok_or_else(|| gone(id))
    }

    /// Those that a filter means, by number: how many, and these of them.
    pub fn list(&self, filter: Option<&Filter>, (skip, most): (usize, usize)) -> (usize, Vec<Entry>) {
        let state = self.locked();
        if let Some(name) = filter.and_then(Filter::user_name) {
            let found = state.names.get(&name.to_lowercase()).and_then(|id| state.entries.get(id));
            return (found.iter().count(), found.into_iter().skip(skip).take(most).cloned().collect());
        }
        let fits = |entry: &&Entry| filter.is_none_or(|filter| filter.fits(&entry.id, &entry.user));
        let (mut total, mut page) = (0, Vec::new());
        for entry in state.entries.values().filter(fits) {
            if total >= skip && page.len() < most {
                page.push(entry.clone());
            }
            total += 1;
        }
        (total, page)
    }

    /// Keeps a new user.
    ///
    /// # Errors
    /// 409 when another has its name, 507 when there are [`MAX_USERS`], 503 when the disk refuses or the other one of a pair cannot have it.
    pub fn make(&self, user: User, now_ms: u64) -> Result<(Entry, Touched), Fault> {
        let _writing = self.writing();
        let entry = Entry { id: number(), user, made_ms: now_ms, changed_ms: now_ms };
        {
            let state = self.locked();
            state.is_free(&entry.id, &entry.user)?;
            if state.entries.len() >= MAX_USERS {
                return Err(Fault::of(507, format!("there are {MAX_USERS} users, as many as there may be")));
            }
        }
        self.keep(None, entry)
    }

    /// Changes a user; what changes nothing is not written, and touches whoever is no staff once more.
    ///
    /// # Errors
    /// 404, 409, 503, and what `change` refuses.
    pub fn change(
        &self,
        id: &str,
        now_ms: u64,
        change: impl FnOnce(&User) -> Result<User, Fault>,
    ) -> Result<(Entry, Touched), Fault> {
        let _writing = self.writing();
        let before = self.find(id)?;
        let user = change(&before.user)?;
        if user == before.user {
            let left = self.locked().left(&user);
            return Ok((before, left.into_iter().collect()));
        }
        self.locked().is_free(id, &user)?;
        let entry = Entry { user, changed_ms: now_ms.max(before.changed_ms), ..before.clone() };
        self.keep(Some(before), entry)
    }

    /// Called while the file is this one's to write.
    fn keep(&self, before: Option<Entry>, entry: Entry) -> Result<(Entry, Touched), Fault> {
        self.write(&Line::Kept(entry.clone()))?;
        let mut state = self.locked();
        state.lines += 1;
        let old = before.and_then(|before| state.forget(&before));
        let new = state.learn(&entry);
        state.entries.insert(entry.id.clone(), entry.clone());
        drop(state);
        self.shorten();
        let mut touched: Touched = old.into_iter().chain(new).collect();
        touched.dedup();
        Ok((entry, touched))
    }

    /// Removes a user.
    ///
    /// # Errors
    /// 404, 503.
    pub fn remove(&self, id: &str, now_ms: u64) -> Result<Touched, Fault> {
        let _writing = self.writing();
        let entry = self.find(id)?;
        self.write(&Line::Gone { id: id.to_owned(), gone_ms: now_ms })?;
        let mut state = self.locked();
        state.lines += 1;
        let touched = state.forget(&entry).into_iter().collect();
        state.entries.remove(id);
        drop(state);
        self.shorten();
        Ok(touched)
    }

    /// A line more: on disk on return, and with the other one of a pair; else the file is as it was.
    fn write(&self, line: &Line) -> Result<(), Fault> {
        let before = self.append(line).map_err(|error| unwritten(&error))?;
        let Some(Err(why)) = self.other.as_ref().map(|other| other.copied()) else { return Ok(()) };
        tracing::warn!(%why, "a change of the directory is refused: the other one of the pair could not have it");
        if let Err(error) = cut(&self.path, before) {
            tracing::error!(%error, "a change of the directory that nobody was told of stays in its file");
        }
        Err(Fault::of(503, format!("nothing was changed: {why}")))
    }

    /// A line more, on disk on return; gives how many bytes the file had, which it has again where that fails.
    fn append(&self, line: &Line) -> io::Result<u64> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.path.parent().map_or(Ok(()), aula_files::private_folder)?;
        let before = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            found => found?.len(),
        };
        if let Err(error) = aula_files::append_private(&self.path, &bytes) {
            // What is left of it would be read as a line when there is another.
            if self.path.exists() {
                cut(&self.path, before)?;
            }
            return Err(error);
        }
        Ok(before)
    }

    /// Writes the file anew when it is mostly what was before. Where that fails the long one serves. Called while the file is this one's to
    /// write, and without what readers wait for.
    fn shorten(&self) {
        let Some((bytes, lines)) = self.shorter() else { return };
        match aula_files::replace(&self.path, Access::Private, &bytes) {
            Ok(()) => self.locked().lines = lines,
            Err(error) => tracing::warn!(%error, "the directory's file stays long"),
        }
    }

    /// The file's bytes and lines without what was before, where that is most of it.
    fn shorter(&self) -> Option<(Vec<u8>, usize)> {
        let state = self.locked();
        if state.lines <= state.entries.len().saturating_mul(2).saturating_add(MAX_OLD_LINES) {
            return None;
        }
        let mut bytes = Vec::new();
        let gone = Line::Gone { id: "0".into(), gone_ms: 0 };
        let kept = state.entries.values().cloned().map(Line::Kept);
        let mut lines = 0;
        // One line stays of an empty one: that there was one.
        for line in kept.chain(state.entries.is_empty().then_some(gone)) {
            let line = serde_json::to_vec(&line).ok()?;
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
            lines += 1;
        }
        Some((bytes, lines))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pair::tests::Near;
    use crate::scim::CORE;

    fn rule(enforce: bool) -> Option<Rule> {
        let map = "reader = 'userName'\nreader_suffix = '@east.example'\nreader_ignores_case = true\n\
                   role = [{claim='roles',value='head',role='admin'},{claim='roles',value='teacher',role='teacher'}]";
        Some(Rule { map: toml::from_str(map).unwrap(), enforce })
    }

    fn user(name: &str, role: &str, active: bool) -> User {
        User::read(&json!({"schemas": [CORE], "userName": name, "roles": [role], "active": active})).unwrap()
    }

    fn opened(path: &Path) -> Directory {
        let directory = Directory::open(path).unwrap();
        directory.set_rule(rule(true));
        directory
    }

    #[test]
    fn readers_are_staff_as_long_as_they_are_active_and_in_the_role_that_they_have_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity/directory.jsonl");
        let directory = opened(&path);
        assert_eq!(directory.of("t-1"), Employed::Unsaid, "before anything was sent");
        let (entry, touched) = directory.make(user("T-1@East.example", "teacher", true), 5).unwrap();
        assert_eq!(touched, ["t-1"]);
        let of = |directory: &Directory, reader: &str| directory.of(reader);
        let teacher = Employed::As("teacher".into());
        assert_eq!((of(&directory, "t-1"), of(&directory, "t-2")), (teacher.clone(), Employed::Not));
        assert_eq!(of(&opened(&path), "t-1"), teacher, "after a restart");
        let change = |to: User| directory.change(&entry.id, 9, |_| Ok(to)).unwrap().1;
        assert_eq!(change(user("t-1@east.example", "head", true)), ["t-1"]);
        assert_eq!(of(&directory, "t-1"), Employed::As("admin".into()));
        assert_eq!(change(user("t-9@east.example", "head", true)), ["t-1", "t-9"]);
        assert_eq!(
            (of(&directory, "t-1"), of(&directory, "t-9")),
            (Employed::Not, Employed::As("admin".into()))
        );
        assert!(change(user("t-9@east.example", "head", true)).is_empty(), "nothing changed");
        change(user("t-9@east.example", "janitor", true));
        assert_eq!(of(&directory, "t-9"), Employed::Not, "no role here");
        change(user("t-9@east.example", "head", false));
        assert_eq!(of(&directory, "t-9"), Employed::Not, "inactive");
        assert_eq!(change(user("t-9@east.example", "head", false)), ["t-9"], "asked again, it follows again");
        directory.set_rule(rule(false));
        assert_eq!(of(&directory, "t-9"), Employed::Unsaid, "not to decide yet");
        directory.set_rule(rule(true));
        directory.remove(&entry.id, 10).unwrap();
        assert_eq!(directory.find(&entry.id).map_err(|fault| fault.status), Err(404));
        for again in [&directory, &opened(&path)] {
            assert_eq!(of(again, "t-9"), Employed::Not, "an emptied one says that all are gone");
        }
    }

    #[test]
    fn one_name_is_one_user_s_and_one_reader_one_active_user_s() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.jsonl");
        let directory = opened(&path);
        let (first, _) = directory.make(user("t-1@east.example", "teacher", true), 0).unwrap();
        let clash =
            |made: Result<(Entry, Touched), Fault>| made.map_err(|fault| (fault.status, fault.kind)).err();
        let taken = Some((409, Some("uniqueness")));
        assert_eq!(clash(directory.make(user("T-1@EAST.example", "teacher", true), 0)), taken);
        assert_eq!(clash(directory.make(user("T-1@EAST.example", "teacher", false), 0)), taken);
        let (second, _) = directory.make(user("t-2@east.example", "teacher", true), 0).unwrap();
        assert_eq!(
            clash(directory.change(&second.id, 1, |_| Ok(user("t-1@east.example", "head", true)))),
            taken
        );
        assert_eq!(directory.find(&second.id).unwrap(), second, "nothing changed");
        // A mapping that makes one reader of two makes nobody of them.
        let both = Rule {
            map: Mapping {
                readers: Some([("t-1".into(), "x".into()), ("t-2".into(), "x".into())].into()),
                ..rule(true).unwrap().map
            },
            enforce: true,
        };
        directory.set_rule(Some(both.clone()));
        assert_eq!(directory.of("x"), Employed::Not);
        directory.remove(&second.id, 2).unwrap();
        assert_eq!(directory.of("x"), Employed::As("teacher".into()));
        assert_eq!(
            clash(directory.make(user("t-2@east.example", "teacher", true), 3)),
            taken,
            "the reader's name"
        );
        let (total, page) = directory.list(None, (0, 9));
        assert_eq!((total, page), (1, vec![first]));
    }

    #[test]
    fn lists_are_cut_into_pages_and_filtered() {
        let folder = tempfile::tempdir().unwrap();
        let directory = opened(&folder.path().join("directory.jsonl"));
        for n in 0..7 {
            directory.make(user(&format!("t-{n}@east.example"), "teacher", n % 2 == 0), 0).unwrap();
        }
        let all = directory.list(None, (0, 100)).1;
        let (total, page) = directory.list(None, (5, 3));
        assert_eq!((total, page.as_slice()), (7, &all[5..]));
        let read = |text: &str| Filter::read(text).unwrap();
        assert_eq!(directory.list(Some(&read("active eq true")), (0, 100)).0, 4);
        let (total, page) = directory.list(Some(&read("userName eq \"T-3@east.example\"")), (0, 100));
        assert_eq!((total, page[0].user.user_name()), (1, "t-3@east.example"));
        assert_eq!(directory.list(Some(&read("userName eq \"nobody\"")), (0, 100)), (0, Vec::new()));
        assert_eq!(directory.list(None, (9, 3)), (7, Vec::new()));
    }

    #[test]
    fn what_the_other_one_of_a_pair_did_not_get_is_taken_back_and_what_it_left_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.jsonl");
        let near = Near::new(Some(1));
        let directory = Directory::unread(&path, Some(near.clone()));
        directory.set_rule(rule(true));
        let (entry, _) = directory.make(user("t-1@east.example", "teacher", true), 0).unwrap();
        let whole = fs::read(&path).unwrap();
        near.go_away(true);
        let refused = [
            directory.make(user("t-2@east.example", "teacher", true), 1).map(|_| ()),
            directory.change(&entry.id, 1, |_| Ok(user("t-1@east.example", "head", true))).map(|_| ()),
            directory.remove(&entry.id, 1).map(|_| ()),
        ];
        assert_eq!(refused.map(|one| one.map_err(|fault| fault.status)), [Err(503); 3]);
        assert_eq!(fs::read(&path).unwrap(), whole, "as it was");
        assert_eq!(directory.list(None, (0, 9)), (1, vec![entry.clone()]));
        assert_eq!(directory.of("t-1"), Employed::As("teacher".into()));
        // The other one acted meanwhile: whom it dropped is no staff here, by the rule that was set before.
        opened(&path).remove(&entry.id, 2).unwrap();
        assert_eq!(directory.of("t-1"), Employed::As("teacher".into()));
        directory.read_again().unwrap();
        assert_eq!((directory.of("t-1"), directory.list(None, (0, 9)).0), (Employed::Not, 0));
    }

    #[test]
    fn a_line_that_a_crash_cut_is_left_out_and_a_file_of_old_lines_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.jsonl");
        let directory = opened(&path);
        let (entry, _) = directory.make(user("t-1@east.example", "teacher", true), 0).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in [1, 20, whole.len() - 1] {
            fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
            assert_eq!(opened(&path).list(None, (0, 9)).1, vec![entry.clone()], "{cut} bytes of a line");
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
        fs::write(&path, [&whole[..], "{\"id\":\"M\u{fc}".as_bytes().split_last().unwrap().1].concat())
            .unwrap();
        assert_eq!(opened(&path).list(None, (0, 9)).1, vec![entry.clone()], "half a letter");
        let directory = opened(&path);
        for n in 0..1_100 {
            let active = n % 2 == 0;
            directory.change(&entry.id, n, |_| Ok(user("t-1@east.example", "teacher", active))).unwrap();
        }
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 200, "{lines} lines");
        assert_eq!(opened(&path).of("t-1"), directory.of("t-1"));
        directory.remove(&entry.id, 3).unwrap();
        fs::write(&path, "{\"id\":1}\n").unwrap();
        assert!(matches!(Directory::open(&path), Err(DirectoryError::File { .. })));
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(Directory::open(&path), Err(DirectoryError::Open(_))));
    }
}
