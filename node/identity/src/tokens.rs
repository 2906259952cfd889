//! Tokens of programs: scoped, kept as digests, listed, revocable, in one file that outlives a restart.
//!
//! A token is `aula_ID_SECRET`. What is kept is its number, whose it is, its scopes, when it ends and the digest of the secret. The
//! file is written whole beside its place and renamed, so that a crash leaves the old or the new one. In a pair the other one has it
//! before a change is told done.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_files::{Access, Unread};
use aula_foreign::secret::{digest, drawn, number};
use serde::{Deserialize, Serialize};

use crate::pair::{Other, Withheld};

/// Most tokens of a district.
const MAX_TOKENS: usize = 10_000;
/// Most tokens of a reader.
const MAX_OWN: usize = 100;
/// How long a token may last.
pub const MAX_DAYS: u32 = 366;
const DAY_MS: u64 = 86_400_000;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Ask whose it is, and which sections that reader has.
    Me,
    /// Be exchanged for a credential of the vault's routes.
    Vault,
    /// Keep the directory of staff by SCIM. Such a token is the district's and outlives who made it.
    Scim,
}

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its number.
    pub id: String,
    /// What its owner calls it, 1 to 80 characters.
    pub name: String,
    /// Whose.
    pub reader: String,
    /// The owner's role when the token was made.
    pub role: String,
    /// For what.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub made_ms: u64,
    /// When it ends.
    pub until_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    token: Token,
    sha256: String,
}

/// Why a token is not made, or the file not used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file of tokens cannot be read or written.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// Where the operator put it.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others may read it.
    #[error("others can read {0}: chmod 600 it")]
    Open(PathBuf),
    /// What is asked for is out of range.
    #[error("{0}")]
    Refused(&'static str),
    /// The other one of a pair could not be given the change: it was taken back.
    #[error(transparent)]
    Withheld(#[from] Withheld),
}

/// All tokens of a district.
#[derive(Debug)]
pub struct Tokens {
    path: PathBuf,
    other: Other,
    held: Mutex<Vec<Kept>>,
    /// Held while the file changes: who shows a token meanwhile waits for no disk and no other node.
    writing: Mutex<()>,
}

/// What a file has; nothing where there is none yet.
fn read(path: &Path) -> Result<Vec<Kept>, TokensError> {
    let failed = |error| TokensError::File { path: path.to_owned(), error };
    match aula_files::read_private(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into())),
        Err(why) if why.is_missing() => Ok(Vec::new()),
        Err(Unread::Open(_)) => Err(TokensError::Open(path.to_owned())),
        Err(Unread::Refused(error)) => Err(failed(error)),
    }
}

impl Tokens {
    /// Those of a file; none where there is no file yet.
    ///
    /// # Errors
    /// A file that cannot be read, is not of this form, or that others may read.
    pub fn open(path: &Path) -> Result<Self, TokensError> {
        let tokens = Self::unread(path, None);
        tokens.read_again()?;
        Ok(tokens)
    }

    /// None until the file is read by [`Tokens::read_again`]: the other one of a pair may be writing it now.
    pub fn unread(path: &Path, other: Other) -> Self {
        Self { path: path.to_owned(), other, held: Mutex::default(), writing: Mutex::default() }
    }

    /// Those of the file as it is now, in the place of those that were known.
    ///
    /// # Errors
    /// As [`Tokens::open`]; all stays as it was then.
    pub fn read_again(&self) -> Result<(), TokensError> {
        let _writing = self.writing();
        let held = read(&self.path)?;
        *self.locked() = held;
        Ok(())
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one for `days`; gives it and its text, which is shown once.
    ///
    /// # Errors
    /// [`TokensError`].
    pub fn make(
        &self,
        (reader, role): (&str, &str),
        (name, scopes, days): (&str, &[Scope], u32),
        now_ms: u64,
    ) -> Result<(String, Token), TokensError> {
        let refused = |why| Err(TokensError::Refused(why));
        if !(1..=80).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return refused("a token's name has 1 to 80 characters");
        }
        if scopes.is_empty() {
            return refused("a token needs a scope: me, vault, or scim alone");
        }
        if scopes.contains(&Scope::Scim) && scopes.iter().any(|scope| *scope != Scope::Scim) {
            return refused("a token of the scope scim has no other");
        }
        if !(1..=MAX_DAYS).contains(&days) {
            return refused("a token lasts 1 to 366 days");
        }
        let _writing = self.writing();
        let mut left: Vec<Kept> =
            self.locked().iter().filter(|one| one.token.until_ms > now_ms).cloned().collect();
        if left.len() >= MAX_TOKENS || left.iter().filter(|one| one.token.reader == reader).count() >= MAX_OWN
        {
            return refused("there are as many tokens as there may be: revoke some");
        }
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        let (id, secret) = (number(), drawn());
        let token = Token {
            id: id.clone(),
            name: name.to_owned(),
            reader: reader.to_owned(),
            role: role.to_owned(),
            scopes,
            made_ms: now_ms,
            until_ms: now_ms.saturating_add(u64::from(days) * DAY_MS),
        };
        left.push(Kept { token: token.clone(), sha256: hex::encode(digest(&secret)) });
        self.keep(left)?;
        Ok((format!("aula_{id}_{secret}"), token))
    }

    /// The token of a text.
    pub fn find(&self, text: &str, now_ms: u64) -> Option<Token> {
        let (id, secret) = text.strip_prefix("aula_")?.split_once('_')?;
        let sha256 = hex::encode(digest(secret));
        let held = self.locked();
        let kept = held.iter().find(|one| one.token.id == id && one.sha256 == sha256)?;
        (kept.token.until_ms > now_ms).then(|| kept.token.clone())
    }

    /// Those that `own` chooses and that go on, the oldest first.
    pub fn list(&self, own: impl Fn(&Token) -> bool, now_ms: u64) -> Vec<Token> {
        let held = self.locked();
        let all = held.iter().map(|one| &one.token);
        all.filter(|token| token.until_ms > now_ms && own(token)).cloned().collect()
    }

    /// Revokes the one of this number if `own` chooses it; false when there is none.
    ///
    /// # Errors
    /// A file that cannot be written, or not be copied; the token goes on then.
    pub fn revoke(&self, id: &str, own: impl Fn(&Token) -> bool) -> Result<bool, TokensError> {
        Ok(self.leave(|one| one.token.id != id || !own(&one.token))? > 0)
    }

    /// Revokes all of a reader but those of the directory; says how many.
    ///
    /// # Errors
    /// A file that cannot be written, or not be copied; all go on then.
    pub fn revoke_of(&self, reader: &str) -> Result<usize, TokensError> {
        self.revoke_gone(|own| own == reader)
    }

    /// Revokes all of the readers that `gone` chooses but those of the directory; says how many.
    ///
    /// # Errors
    /// A file that cannot be written, or not be copied; all go on then.
    pub fn revoke_gone(&self, gone: impl Fn(&str) -> bool) -> Result<usize, TokensError> {
        self.leave(|one| one.token.scopes.contains(&Scope::Scim) || !gone(&one.token.reader))
    }

    /// Revokes all but those that stay; says how many.
    fn leave(&self, stays: impl Fn(&Kept) -> bool) -> Result<usize, TokensError> {
        let _writing = self.writing();
        let mut left = self.locked().clone();
        let before = left.len();
        left.retain(stays);
        let revoked = before.saturating_sub(left.len());
        if revoked > 0 {
            self.keep(left)?;
        }
        Ok(revoked)
    }

    /// These from now on: on disk, and with the other one of a pair; else all is as it was. Called while the file is this one's to write.
    fn keep(&self, tokens: Vec<Kept>) -> Result<(), TokensError> {
        self.put(&tokens)?;
        if let Some(Err(why)) = self.other.as_ref().map(|other| other.copied()) {
            let before = self.locked().clone();
            if let Err(error) = self.put(&before) {
                tracing::error!(%error, "a change of tokens that nobody was told of stays in their file");
            }
            return Err(why.into());
        }
        *self.locked() = tokens;
        Ok(())
    }

    fn put(&self, tokens: &[Kept]) -> Result<(), TokensError> {
        let failed = |error| TokensError::File { path: self.path.clone(), error };
        let bytes = serde_json::to_vec_pretty(tokens).map_err(|error| failed(error.into()))?;
        let made = self.path.parent().map_or(Ok(()), aula_files::private_folder);
        made.and_then(|()| aula_files::replace(&self.path, Access::Private, &bytes)).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::pair::tests::Near;

    const WHO: (&str, &str) = ("t-1042", "teacher");

    #[test]
    fn a_token_is_found_by_its_text_alone_and_its_secret_is_on_no_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity/tokens.json");
        let tokens = Tokens::open(&path).unwrap();
        let (text, token) =
            tokens.make(WHO, ("gradebook", &[Scope::Vault, Scope::Me, Scope::Me], 1), 5).unwrap();
        assert_eq!(token.scopes, [Scope::Me, Scope::Vault]);
        let again = Tokens::open(&path).unwrap();
        assert_eq!(again.find(&text, 6), Some(token.clone()));
        assert_eq!(again.find(&text, DAY_MS + 5), None, "over");
        let secret = text.rsplit('_').next().unwrap();
        let file = fs::read_to_string(&path).unwrap();
        assert!(!file.contains(secret) && file.contains(&token.id));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let (other, _) = tokens.make(WHO, ("b", &[Scope::Me], 1), 5).unwrap();
        // One's number with another's secret, cut and lengthened.
        let mixed = format!("aula_{}_{}", token.id, other.splitn(3, '_').nth(2).unwrap());
        for wrong in [mixed.as_str(), &text[..text.len() - 1], &format!("{text}A"), "", "aula_", &text[5..]] {
            assert_eq!(tokens.find(wrong, 6), None, "{wrong}");
        }
    }

    #[test]
    fn tokens_are_listed_to_their_owner_and_revoked_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let tokens = Tokens::open(&path).unwrap();
        let (text, token) = tokens.make(WHO, ("a", &[Scope::Vault], 1), 0).unwrap();
        let (_, other) = tokens.make(("c-7", "counselor"), ("b", &[Scope::Vault], 1), 0).unwrap();
        assert_eq!(tokens.list(|one| one.reader == "t-1042", 1), vec![token.clone()]);
        assert!(!tokens.revoke(&other.id, |one| one.reader == "t-1042").unwrap(), "another's");
        assert!(tokens.revoke(&token.id, |_| true).unwrap());
        assert!(!tokens.revoke(&token.id, |_| true).unwrap());
        assert_eq!(tokens.find(&text, 1), None);
        assert_eq!(Tokens::open(&path).unwrap().list(|_| true, 1), vec![other]);
    }

    #[test]
    fn what_the_other_one_of_a_pair_did_not_get_is_taken_back_and_what_it_left_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let near = Near::new(Some(1));
        let tokens = Tokens::unread(&path, Some(near.clone()));
        let (text, token) = tokens.make(WHO, ("a", &[Scope::Vault], 1), 0).unwrap();
        near.go_away(true);
        assert!(matches!(
            tokens.make(WHO, ("b", &[Scope::Vault], 1), 0),
            Err(TokensError::Withheld(why)) if why.0.contains("lease")
        ));
        assert!(matches!(tokens.revoke(&token.id, |_| true), Err(TokensError::Withheld(_))));
        assert!(matches!(tokens.revoke_of(&token.reader), Err(TokensError::Withheld(_))));
        for held in [tokens.list(|_| true, 1), Tokens::open(&path).unwrap().list(|_| true, 1)] {
            assert_eq!(held, vec![token.clone()], "as it was");
        }
        // The other one acted, and revoked it.
        assert!(Tokens::open(&path).unwrap().revoke(&token.id, |_| true).unwrap());
        assert_eq!(tokens.find(&text, 1), Some(token));
        tokens.read_again().unwrap();
        assert_eq!(tokens.find(&text, 1), None);
    }

    #[test]
    fn what_is_out_of_range_or_open_to_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let tokens = Tokens::open(&path).unwrap();
        for (name, scopes, days) in [
            ("", &[Scope::Me][..], 1),
            ("a\n", &[Scope::Me], 1),
            ("a", &[], 1),
            ("a", &[Scope::Me], 0),
            ("a", &[Scope::Me], 367),
        ] {
            assert!(tokens.make(WHO, (name, scopes, days), 0).is_err(), "{name:?} {days}");
        }
        for n in 0..MAX_OWN {
            tokens.make(WHO, (&n.to_string(), &[Scope::Me], 1), 0).unwrap();
        }
        assert!(tokens.make(WHO, ("more", &[Scope::Me], 1), 0).is_err());
        assert!(tokens.make(WHO, ("later", &[Scope::Me], 1), DAY_MS).is_ok(), "old ones make room");
        let open: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(&path, open).unwrap();
        assert!(matches!(Tokens::open(&path), Err(TokensError::Open(_))));
        fs::write(&path, "[{").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(matches!(Tokens::open(&path), Err(TokensError::File { .. })));
    }
}
