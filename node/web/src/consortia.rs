//! Figures of consortia: files that the operator of a parent ledger's node put into its home, each checked as `aula consortium totals` checks
//! it, and summed.
//!
//! Flow: the folder's genesis files (`*.json`) and figures files (all others, `aula evidence figures --via PARENT -o FILE`) → the ledger's own
//! audit of each (`aula_ledger::audit::totals`) → what is proved, what is not and why, the sums. Invariants: a file that is not proved is in no
//! sum and is named; of two files of one consortium the newer state counts; bytes that are handed out are those that were checked; at most one
//! file of each kind is held at once. Absent: fetching them, and how old they are, which the page says by its own ledger's clock.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use aula_files::read_at_most;
use aula_ledger::audit::Options;
use aula_ledger::audit::totals::{self, Refused, Totals, YearSums};
use aula_ledger::genesis::MAX_GENESIS_BYTES;
use aula_ledger::types::Hash;
use aula_store::sha256;

/// Largest figures file that is read, in bytes: some fifty rounds of a consortium need a hundredth of it.
pub const MOST_BYTES: u64 = 32 << 20;
/// Most files of the folder that are read, by their names' order; a parent has two for each of its consortia.
pub const MOST_FILES: usize = 400;
/// Most bytes of all genesis files together, by their names' order: they are read through at each change of the folder.
pub const MOST_GENESIS_BYTES: u64 = 256 << 20;
/// What a figures file is called where it is handed out.
pub const FIGURES: &str = "figures.bundle";
/// What a consortium's genesis file is called there.
pub const GENESIS: &str = "genesis.json";

/// A file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Checked {
    path: PathBuf,
    sha256: Hash,
    most: u64,
}

/// A consortium whose figures are proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// What its file says.
    pub totals: Totals,
    figures: Checked,
    genesis: Checked,
}

/// A file that is in no sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSummed {
    /// Its name in the folder.
    pub file: String,
    /// The code of `aula consortium totals`, else `unreadable`, `too_large`, `too_many`.
    pub code: &'static str,
    /// Why, in a sentence's words.
    pub why: String,
}

/// What the folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Consortia whose figures are proved, by name.
    pub proved: Vec<Proved>,
    /// Files that are not, by their names.
    pub refused: Vec<NotSummed>,
    /// The sums of what is proved, by school year, ascending.
    pub sums: Vec<YearSums>,
    /// Why there are no sums although something is proved.
    pub unsummed: Option<String>,
}

impl Figures {
    /// Checks the files of a folder, which may not be there, under the parent's genesis file.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn of_folder(folder: &Path, parent: &[u8]) -> io::Result<Self> {
        Self::within(MOST_GENESIS_BYTES, folder, parent)
    }

    /// The same where all genesis files together have so many bytes at most.
    fn within(all_genesis: u64, folder: &Path, parent: &[u8]) -> io::Result<Self> {
        let mut refused = Vec::new();
        let (mut genesis_files, mut given, mut left) = (Vec::new(), Vec::new(), all_genesis);
        let found = files(folder)?;
        // One line for all of them: the page and the log have an end, whatever lies there.
        if let Some(path) = found.get(MOST_FILES) {
            let further = found.len() - MOST_FILES;
            let why = format!(
                "from it on {further} files are not read, the folder has more than {MOST_FILES}: move those away that are not needed"
            );
            refused.push(NotSummed { file: name(path), code: "too_many", why });
        }
        for path in found.into_iter().take(MOST_FILES) {
            if path.extension().is_none_or(|ending| ending != "json") {
                given.push(path);
            } else {
                let most = left.min(MAX_GENESIS_BYTES as u64);
                match read(&path, most) {
                    Ok((checked, bytes)) => {
                        left = left.saturating_sub(bytes.len() as u64);
                        genesis_files.push(checked);
                    }
                    Err(why) if why.code == "too_large" && most == left => {
                        let all = format!(
                            "with it genesis files have more than {all_genesis} bytes: move those away that no figures need"
                        );
                        refused.push(NotSummed { why: all, ..why });
                    }
                    Err(why) => refused.push(why),
                }
            }
        }
        let options = Options { genesis_sha256: None, trusted: None };
        let mut proved: Vec<Proved> = Vec::new();
        for path in given {
            let checked = read(&path, MOST_BYTES).and_then(|(figures, bytes)| {
                let refused = |why: Refused| not_summed(&path, &why);
                let wanted = totals::genesis_of(&bytes).map_err(refused)?;
                let genesis = genesis_files.iter().find(|one| one.sha256 == wanted).cloned();
                let genesis = genesis.ok_or_else(|| refused(Refused::NoGenesis(wanted)))?;
                let (_, child) = read(&genesis.path, genesis.most)?;
                // One that has changed since is not the wanted one any more.
                let totals = totals::one(&bytes, parent, &[child], &options).map_err(refused)?;
                Ok(Proved { totals, figures, genesis })
            });
            match checked {
                Ok(one) => proved.push(one),
                Err(why) => refused.push(why),
            }
        }
        Ok(Self::summed(proved, refused))
    }

    /// The newest state of each consortium, and their sums.
    fn summed(mut proved: Vec<Proved>, mut refused: Vec<NotSummed>) -> Self {
        proved.sort_by_key(|one| Reverse(one.totals.height));
        let mut seen = BTreeSet::new();
        proved.retain(|one| {
            let first = seen.insert(one.totals.genesis_sha256);
            if !first {
                refused.push(not_summed(&one.figures.path, &Refused::Twice(one.totals.genesis_sha256)));
            }
            first
        });
        proved.sort_by_key(|one| (one.totals.name.clone(), one.totals.genesis_sha256));
        refused.sort_by(|one, other| one.file.cmp(&other.file));
        let all: Vec<Totals> = proved.iter().map(|one| one.totals.clone()).collect();
        let (sums, unsummed) = match totals::in_all(&all) {
            Ok(sums) => (sums, None),
            Err(why) => (Vec::new(), Some(why.to_string())),
        };
        Self { proved, refused, sums, unsummed }
    }

    /// The bytes of a consortium's file as they were checked, [`FIGURES`] or [`GENESIS`]; none of another, or where they have changed since.
    pub fn bytes(&self, consortium: &Hash, file: &str) -> Option<Vec<u8>> {
        let one = self.proved.iter().find(|one| one.totals.genesis_sha256 == *consortium)?;
        let wanted = match file {
            FIGURES => &one.figures,
            GENESIS => &one.genesis,
            _ => return None,
        };
        let (found, bytes) = read(&wanted.path, wanted.most).ok()?;
        (found.sha256 == wanted.sha256).then_some(bytes)
    }
}

/// The folder's files by name, without hidden ones: what is being written has such a name.
///
/// # Errors
/// When the folder is there and cannot be listed.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_file() && !name(&path).starts_with('.') {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn not_summed(path: &Path, why: &Refused) -> NotSummed {
    NotSummed { file: name(path), code: why.code(), why: why.to_string() }
}

fn read(path: &Path, most: u64) -> Result<(Checked, Vec<u8>), NotSummed> {
    let refused = |code, why| NotSummed { file: name(path), code, why };
    match read_at_most(path, most) {
        Err(error) if error.kind() == ErrorKind::FileTooLarge => {
            Err(refused("too_large", format!("{error}: fetch it again as that consortium published it")))
        }
        Err(error) => Err(refused("unreadable", error.to_string())),
        Ok(bytes) => Ok((Checked { path: path.to_owned(), sha256: sha256(&bytes), most }, bytes)),
    }
}

#[cfg(test)]
mod tests {
    use aula_ledger::audit::totals::Sums;
    use aula_ledger::types::{Height, SchoolYear, TimeMs};

    use super::*;

    fn totals(name: &str, genesis: u8, height: u64, asked: u64) -> Totals {
        Totals {
            name: name.into(),
            genesis_sha256: Hash([genesis; 32]),
            chain_id: None,
            height: Some(Height(height)),
            time_ms: Some(TimeMs(height)),
            anchored: Some(Height(height)),
            parent_height: None,
            years: vec![YearSums { school_year: SchoolYear(2026), sums: Sums { asked, ..Sums::default() } }],
        }
    }

    fn shown(all: Vec<Totals>) -> Figures {
        let file = || Checked { path: PathBuf::from("f"), sha256: Hash::default(), most: 0 };
        let proved = all.into_iter().map(|totals| Proved { totals, figures: file(), genesis: file() });
        Figures::summed(proved.collect(), Vec::new())
    }

    #[test]
    fn of_two_files_of_one_consortium_the_newer_state_counts_and_the_other_is_named() {
        let all = vec![totals("west", 2, 7, 10), totals("east", 1, 5, 3), totals("west", 2, 9, 20)];
        let found = shown(all);
        let names: Vec<_> =
            found.proved.iter().map(|one| (one.totals.name.as_str(), one.totals.height)).collect();
        assert_eq!(names, [("east", Some(Height(5))), ("west", Some(Height(9)))]);
        assert_eq!(found.sums.iter().map(|line| line.sums.asked).collect::<Vec<_>>(), [23]);
        assert_eq!(found.refused.iter().map(|one| one.code).collect::<Vec<_>>(), ["counted_twice"]);
        let large = shown(vec![totals("a", 1, 1, u64::MAX), totals("b", 2, 1, 1)]);
        assert!(large.sums.is_empty() && large.unsummed.is_some() && large.proved.len() == 2, "{large:?}");
    }

    #[test]
    fn files_that_fill_the_folder_are_read_no_further_than_one_may_go_and_it_is_said_what_to_do()
    -> io::Result<()> {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ledger/vectors/evidence");
        let folder = tempfile::tempdir()?;
        let parent = std::fs::read(vectors.join("via/parent.json"))?;
        // They take no place on the disk.
        let fill = |name: &str, bytes: u64| {
            std::fs::File::create(folder.path().join(name)).and_then(|file| file.set_len(bytes))
        };
        fill("a.json", MOST_GENESIS_BYTES)?;
        fill("b.bundle", MOST_BYTES + 1)?;
        let told = |found: &Figures| {
            let told = found.refused.iter().map(|one| (one.file.clone(), one.code, one.why.clone()));
            told.collect::<Vec<_>>()
        };
        let again = |most: u64| {
            format!(
                "it has more than {most} bytes, the most that are read: fetch it again as that consortium published it"
            )
        };
        let expected = [
            ("a.json".to_owned(), "too_large", again(MAX_GENESIS_BYTES as u64)),
            ("b.bundle".to_owned(), "too_large", again(MOST_BYTES)),
        ];
        assert_eq!(told(&Figures::of_folder(folder.path(), &parent)?), expected);

        std::fs::remove_file(folder.path().join("b.bundle"))?;
        fill("a.json", 3)?;
        fill("c.json", 3)?;
        let found = told(&Figures::within(5, folder.path(), &parent)?);
        let all = "with it genesis files have more than 5 bytes: move those away that no figures need";
        assert_eq!(found, [("c.json".to_owned(), "too_large", all.to_owned())]);
        assert!(Figures::within(6, folder.path(), &parent)?.refused.is_empty());
        Ok(())
    }

    #[test]
    fn genesis_files_of_256_mib_push_no_consortium_out_of_the_sums_but_those_behind_them_and_are_named()
    -> io::Result<()> {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ledger/vectors/evidence");
        let folder = tempfile::tempdir()?;
        let parent = std::fs::read(vectors.join("via/parent.json"))?;
        std::fs::copy(vectors.join("genesis.json"), folder.path().join("a.json"))?;
        let own = std::fs::metadata(folder.path().join("a.json"))?.len();
        // They take no place on the disk.
        let count = MOST_GENESIS_BYTES / MAX_GENESIS_BYTES as u64;
        for number in 0..count {
            let file = std::fs::File::create(folder.path().join(format!("b-{number:03}.json")))?;
            file.set_len(MAX_GENESIS_BYTES as u64)?;
        }
        std::fs::File::create(folder.path().join("c.json"))?.set_len(MAX_GENESIS_BYTES as u64 - own + 1)?;
        let found = Figures::of_folder(folder.path(), &parent)?;
        let named: Vec<_> = found.refused.iter().map(|one| (one.file.as_str(), one.code)).collect();
        let last = format!("b-{:03}.json", count - 1);
        assert_eq!(
            named,
            [(last.as_str(), "too_large"), ("c.json", "too_large")],
            "the room is shared in their order"
        );
        assert!(found.refused.iter().all(|one| one.why.contains("move those away that no figures need")));
        Ok(())
    }

    #[test]
    fn a_folder_of_very_many_files_is_one_line() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        for number in 0..MOST_FILES + 70 {
            std::fs::write(folder.path().join(format!("{number:04}.json")), b"")?;
        }
        let refused = Figures::of_folder(folder.path(), b"")?.refused;
        let named: Vec<_> = refused.iter().map(|one| (one.file.as_str(), one.code)).collect();
        assert_eq!(named, [("0400.json", "too_many")]);
        assert!(refused.iter().all(|one| one.why.contains("70 files are not read")), "{refused:?}");
        Ok(())
    }

    #[test]
    fn what_is_not_proved_is_named_with_its_code_and_is_in_no_sum() -> io::Result<()> {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ledger/vectors/evidence");
        let folder = tempfile::tempdir()?;
        let parent = std::fs::read(vectors.join("via/parent.json"))?;
        assert_eq!(Figures::of_folder(&folder.path().join("none"), &parent)?, Figures::default());
        let put = |from: &str, to: &str| std::fs::copy(vectors.join(from), folder.path().join(to));
        put("via/allocation.via", "a.bundle")?;
        let codes = |found: &Figures| {
            found.refused.iter().map(|one| (one.file.clone(), one.code)).collect::<Vec<_>>()
        };
        let found = Figures::of_folder(folder.path(), &parent)?;
        assert_eq!(codes(&found), [("a.bundle".to_owned(), "no_genesis")]);
        put("genesis.json", "east.json")?;
        put("figures.bundle", "b.bundle")?;
        put("genesis.json", ".half.json")?;
        let mut damaged = std::fs::read(vectors.join("via/allocation.via"))?;
        let half = damaged.len() / 2;
        damaged[half] ^= 1;
        std::fs::write(folder.path().join("c.bundle"), damaged)?;
        let found = Figures::of_folder(folder.path(), &parent)?;
        let expected =
            [("a.bundle", "other_evidence"), ("b.bundle", "not_two_ledgers"), ("c.bundle", "not_valid")];
        assert_eq!(codes(&found), expected.map(|(file, code)| (file.to_owned(), code)));
        assert!(found.proved.is_empty() && found.sums.is_empty() && found.unsummed.is_none());
        assert_eq!(found.bytes(&Hash::default(), FIGURES), None);
        Ok(())
    }
}
