//! Links: good until they expire or are revoked, and never to be read from the folder.

use super::*;

const NOW_MS: u64 = 1_780_000_000_000;

fn link(byte: u8) -> FamilyLink {
    FamilyLink {
        version: 1,
        district: DistrictId(7),
        school_year: SchoolYear(1988),
        handle: Handle([byte; 32]),
        made_ms: NOW_MS,
        expires_ms: NOW_MS + 30 * DAY_MS,
        revoked_ms: None,
        reader: None,
    }
}

#[test]
fn a_link_opens_its_student_until_it_expires_and_again_when_a_jumped_clock_is_set_right()
-> Result<(), LinkRefused> {
    let root = tempfile::tempdir().map_err(failed(Path::new("tmp")))?;
    let folders = [root.path().join("a"), root.path().join("b")];
    let (_, token) = make(&folders[1], &link(1))?;
    assert_eq!(check(&folders, token.expose(), NOW_MS)?, link(1));
    let two_years = NOW_MS + 730 * DAY_MS;
    assert!(matches!(check(&folders, token.expose(), two_years), Err(LinkRefused::Expired)));
    assert!(matches!(check(&folders, token.expose(), link(1).expires_ms), Err(LinkRefused::Expired)));
    assert_eq!(check(&folders, token.expose(), NOW_MS + DAY_MS)?, link(1));
    assert!(matches!(check(&folders[..1], token.expose(), NOW_MS), Err(LinkRefused::Unknown)));
    Ok(())
}

#[test]
fn a_link_is_closed_by_the_file_of_what_was_revoked_where_its_own_is_old() -> Result<(), LinkRefused> {
    let root = tempfile::tempdir().map_err(failed(Path::new("tmp")))?;
    let folders = [root.path().join("links")];
    let folder = &folders[0];
    let (id, token) = make(folder, &link(1))?;
    let (_, other) = make(folder, &link(2))?;
    let path = file_of(folder, &id);
    let old = fs::read(&path).map_err(failed(&path))?;
    revoke(folder, &id, NOW_MS + 5)?;
    // As where the other one of a pair had the link two seconds ago, a line of a crash before it.
    fs::write(&path, old).map_err(failed(&path))?;
    let named = folder.join(Home::REVOKED_LINKS);
    let text = fs::read_to_string(&named).map_err(failed(&named))?;
    fs::write(&named, format!("{}{text}", &id.to_string()[..9])).map_err(failed(&named))?;
    assert!(matches!(check(&folders, token.expose(), NOW_MS), Err(LinkRefused::Revoked)));
    assert_eq!(check(&folders, other.expose(), NOW_MS)?, link(2));
    let revoked: Vec<_> = list(folder)?.into_iter().map(|(_, link)| link.revoked_ms).collect();
    assert!(revoked.contains(&Some(NOW_MS + 5)) && revoked.contains(&None), "{revoked:?}");
    Ok(())
}

#[test]
fn a_revoked_link_opens_nothing_and_an_erasure_revokes_all_of_a_students() -> Result<(), LinkRefused> {
    let root = tempfile::tempdir().map_err(failed(Path::new("tmp")))?;
    let folder = root.path().join("links");
    assert_eq!(list(&folder)?, []);
    let folders = [folder.clone()];
    let (id, first) = make(&folder, &link(1))?;
    let (_, second) = make(&folder, &link(1))?;
    let (_, other) = make(&folder, &link(2))?;
    let revoked = revoke(&folder, &id, NOW_MS + 5)?;
    assert_eq!(revoked.revoked_ms, Some(NOW_MS + 5));
    assert_eq!(revoke(&folder, &id, NOW_MS + 9)?, revoked, "revoked once");
    assert!(matches!(check(&folders, first.expose(), NOW_MS), Err(LinkRefused::Revoked)));
    assert_eq!(revoke_of(&folder, &[Handle([1; 32])], NOW_MS)?, 1);
    assert!(matches!(check(&folders, second.expose(), NOW_MS), Err(LinkRefused::Revoked)));
    assert_eq!(check(&folders, other.expose(), NOW_MS)?, link(2));
    assert_eq!(list(&folder)?.len(), 3);
    assert!(matches!(revoke(&folder, &Hash([9; 32]), NOW_MS), Err(LinkRefused::Unknown)));
    Ok(())
}

#[test]
fn neither_the_folder_nor_debug_shows_a_token_and_only_the_owner_reads() -> Result<(), LinkRefused> {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().map_err(failed(Path::new("tmp")))?;
    let folder = root.path().join("links");
    let (id, token) = make(&folder, &link(1))?;
    assert_eq!(format!("{token:?}"), "LinkToken(secret)");
    let path = file_of(&folder, &id);
    let text = fs::read_to_string(&path).map_err(failed(&path))?;
    assert!(!text.contains(token.expose()) && !path.to_string_lossy().contains(token.expose()));
    for path in [&folder, &path] {
        let mode = fs::metadata(path).map_err(failed(path))?.permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path:?}");
    }
    Ok(())
}

#[test]
fn what_is_no_token_is_refused_and_a_damaged_file_is_no_link() -> Result<(), LinkRefused> {
    let root = tempfile::tempdir().map_err(failed(Path::new("tmp")))?;
    let folders = [root.path().to_owned()];
    let (id, token) = make(root.path(), &link(1))?;
    let upper = token.expose().to_uppercase();
    let of_the_file = id.to_string();
    for text in ["", "../../etc/passwd", &token.expose()[1..], &format!("{} ", token.expose()), &of_the_file]
    {
        assert!(matches!(check(&folders, text, NOW_MS), Err(LinkRefused::Unknown)), "{text:?}");
    }
    let digits_only = upper == token.expose();
    assert!(digits_only || matches!(check(&folders, &upper, NOW_MS), Err(LinkRefused::Unknown)));
    for bytes in [&b"{"[..], b"{\"version\":2}", &[b' '; 2_000]] {
        fs::write(file_of(root.path(), &id), bytes).map_err(failed(root.path()))?;
        assert!(matches!(check(&folders, token.expose(), NOW_MS), Err(LinkRefused::Folder { .. })));
    }
    Ok(())
}
