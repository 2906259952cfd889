//! Who is staff and which tokens hold, through a switch: the files of logins as the program keeps them, over two keepers and real lines.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aula_home::Home;
use aula_identity::directory::{Directory, Employed, Rule};
use aula_identity::pair::{Other, Partner, Withheld};
use aula_identity::scim::CORE;
use aula_identity::scim::user::User;
use aula_identity::tokens::{Scope, Tokens, TokensError};
use aula_vault::Vault;
use serde_json::json;

use crate::keeper::Turn;
use crate::pair_tests::{SOON, Tested, hello, level, started, two};
use crate::permit::Permit;
use crate::receiver::{Caller, Receiver};
use crate::shipper::IDENTITY;
use crate::wire::{Answer, Line, Piece, Question};

/// The one whose vault this is.
struct OfVault {
    permit: Permit,
    vault: Arc<Vault>,
}

impl std::fmt::Debug for OfVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OfVault")
    }
}

impl Partner for OfVault {
    fn turn(&self) -> Result<u64, Withheld> {
        self.permit.epoch().map_err(Withheld)
    }

    fn copied(&self) -> Result<(), Withheld> {
        self.vault.beside_changed().map_err(|error| Withheld(error.to_string()))
    }
}

fn place(root: &Path, name: &str, file: &str) -> PathBuf {
    root.join(name).join("identity").join(file)
}

/// What a home has of tokens and of the directory.
fn files(root: &Path, name: &str) -> std::io::Result<[Vec<u8>; 2]> {
    Ok([
        std::fs::read(place(root, name, "tokens.json"))?,
        std::fs::read(place(root, name, "directory.jsonl"))?,
    ])
}

/// A home's tokens and directory, as a node that acts has them.
fn kept(root: &Path, name: &str, other: &Other) -> Result<(Tokens, Directory), Box<dyn std::error::Error>> {
    let tokens = Tokens::unread(&place(root, name, "tokens.json"), other.clone());
    let directory = Directory::unread(&place(root, name, "directory.jsonl"), other.clone());
    let map = "reader = 'userName'\nrole = [{claim='roles',value='teacher',role='teacher'}]";
    directory.set_rule(Some(Rule { map: toml::from_str(map)?, enforce: true }));
    tokens.read_again()?;
    directory.read_again()?;
    Ok((tokens, directory))
}

fn user(name: &str) -> Result<User, Box<dyn std::error::Error>> {
    let body = json!({"schemas": [CORE], "userName": name, "roles": ["teacher"]});
    Ok(User::read(&body)?)
}

const WHO: (&str, &str) = ("t-1", "teacher");

#[test]
fn who_is_staff_and_what_was_revoked_stay_so_through_a_switch() -> Tested {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    let (east, west) = two(root, [1, 2])?;
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let vault = Arc::new(Vault::open(&east.folders)?);
    let own = OfVault { permit: east.setup.own.permit.clone(), vault: vault.clone() };
    let other: Other = Some(Arc::new(own));
    let (tokens, directory) = kept(root, "east", &other)?;

    // Alone, which the record says: the first thing that is acknowledged is only here.
    let (first, _) = directory.make(user("t-1")?, 1)?;
    let (early, _) = tokens.make(WHO, ("early", &[Scope::Vault], 1), 1)?;
    let (_west_keeper, west_told) = started(&west)?;
    assert_eq!(level(&vault)?, None);
    assert_eq!(files(root, "west")?, files(root, "east")?);

    // Level: what is acknowledged is there already, without anybody looking.
    directory.make(user("t-2")?, 2)?;
    assert_eq!(files(root, "west")?, files(root, "east")?);
    let renamed = user("t-3")?;
    directory.change(&first.id, 3, |_| Ok(renamed))?;
    let (late, _) = tokens.make(WHO, ("late", &[Scope::Vault], 1), 3)?;
    let (lost, listed) = tokens.make(WHO, ("lost", &[Scope::Vault], 1), 3)?;
    assert_eq!(files(root, "west")?, files(root, "east")?);
    assert!(tokens.revoke(&listed.id, |_| true)?);
    assert_eq!(files(root, "west")?, files(root, "east")?);

    // East's turn is over. What it is asked for now is done nowhere.
    east_keeper.stop();
    assert_eq!(directory.make(user("t-9")?, 4).map_err(|fault| fault.status).err(), Some(503));
    assert!(matches!(tokens.revoke_of("t-1"), Err(TokensError::Withheld(_))));
    assert_eq!(files(root, "west")?, files(root, "east")?, "taken back");
    drop((tokens, directory, other));
    drop(vault);

    assert_eq!(west_told.recv_timeout(SOON)?, Turn::Acts(2));
    let vault = Arc::new(Vault::open(&west.folders)?);
    let other: Other = Some(Arc::new(OfVault { permit: west.setup.own.permit.clone(), vault }));
    let (tokens, directory) = kept(root, "west", &other)?;
    let teacher = Employed::As("teacher".into());
    let found = ["t-1", "t-2", "t-3", "t-9"].map(|reader| directory.of(reader));
    assert_eq!(found, [Employed::Not, teacher.clone(), teacher, Employed::Not]);
    let holds = [&early, &late, &lost].map(|text| tokens.find(text, 5).is_some());
    assert_eq!(holds, [true, true, false]);

    // Who comes with the turn that is over is refused, whatever it brings.
    let mut line = Line::call(&west.setup.listen.to_string(), None, SOON)?;
    let refused = line.ask(&hello(&west.setup.own.secret, 1))?;
    assert!(matches!(&refused, Answer::Refused { code, .. } if code == "acting"), "{refused:?}");
    // And west goes on alone.
    assert!(tokens.revoke_of("t-1")? > 0);
    Ok(())
}

#[test]
fn which_links_and_badges_hold_is_there_before_a_write_is_told_done() -> Tested {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    let (east, west) = two(root, [1, 2])?;
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let (_west_keeper, _told) = started(&west)?;
    let vault = Vault::open(&east.folders)?;
    vault.beside_changed()?;
    assert_eq!(level(&vault)?, None);
    let files = [("links", Home::REVOKED_LINKS), ("badges", "register.json"), ("badges", "revocation.json")];
    for (below, file) in files {
        let [own, other] = ["east", "west"].map(|name| root.join(name).join(below).join(file));
        std::fs::create_dir_all(root.join("east").join(below))?;
        std::fs::write(&own, file)?;
        vault.beside_changed()?;
        assert_eq!(std::fs::read_to_string(&other)?, file);
    }
    drop(vault);
    east_keeper.stop();
    Ok(())
}

#[test]
fn a_file_of_an_older_epoch_is_refused_and_one_of_another_name_as_well() -> Tested {
    let folder = tempfile::tempdir()?;
    let (_east, west) = two(folder.path(), [1, 2])?;
    let receiver = Receiver::of(west.setup.own.clone())?;
    let secret = &west.setup.own.secret;
    let piece = |path: &str, bytes: &[u8]| Piece {
        root: IDENTITY.into(),
        path: path.into(),
        at: 0,
        bytes: bytes.to_vec(),
        last: true,
    };
    let (mut old, mut new) = (Caller::default(), Caller::default());
    assert!(matches!(receiver.answer(&mut old, hello(secret, 1)), Answer::Welcome(..)));
    let first = piece("tokens.json", b"[]");
    assert_eq!(receiver.answer(&mut old, Question::Piece(1, first)), Answer::Done);
    let strange = receiver.answer(&mut old, Question::Piece(1, piece("providers.toml", b"")));
    assert!(matches!(&strange, Answer::Refused { code, .. } if code == "failed"), "{strange:?}");
    assert!(matches!(receiver.answer(&mut new, hello(secret, 2)), Answer::Welcome(..)));
    let late = [
        Question::Piece(1, piece("tokens.json", b"[1]")),
        Question::Only(1, IDENTITY.into(), Vec::new()),
        Question::Have(1, IDENTITY.into()),
    ];
    for question in late {
        let answer = receiver.answer(&mut old, question);
        assert!(matches!(&answer, Answer::Refused { code, .. } if code == "old_epoch"), "{answer:?}");
    }
    assert_eq!(std::fs::read(place(folder.path(), "west", "tokens.json"))?, b"[]");
    Ok(())
}
