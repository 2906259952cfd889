//! A district that only says it is one, or whose node was taken over, seen from a replica: what it says is bounded, checked, and shown without harm.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use borsh::BorshSerialize;

use super::super::difference::{Nonsense, Said};
use super::super::wire::{Making, RecordsBrought, Stand, Stands, Stood};
use super::records::did;
use super::*;

type Answer = (StatusCode, Vec<u8>);

/// Serves what it is told to say to each word.
async fn lying(
    says: impl Fn(&str) -> Answer + Clone + Send + Sync + 'static,
) -> Result<District, Box<dyn std::error::Error>> {
    lying_to(move |word, _| says(word)).await
}

/// As [`lying`], by what is asked.
async fn lying_to(
    says: impl Fn(&str, &[u8]) -> Answer + Clone + Send + Sync + 'static,
) -> Result<District, Box<dyn std::error::Error>> {
    let answer = move |Path(word): Path<String>, body: Bytes| {
        let (status, body) = says(&word, &body);
        async move { Response::builder().status(status).body(axum::body::Body::from(body)).unwrap_or_default() }
    };
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", socket.local_addr()?);
    let routes = Router::new().route("/replica/v1/{word}", post(answer));
    tokio::spawn(async move { axum::serve(socket, routes).await });
    Ok(District::with(&url, ("lincoln".into(), "s".into()), None)?)
}

fn said(value: &impl BorshSerialize) -> Answer {
    (StatusCode::OK, borsh::to_vec(value).unwrap_or_default())
}

fn begun(making: Option<Making>) -> Answer {
    let (session, sources) = ([0; 16], Vec::new());
    let (root, records) = ([5; 32], no_records());
    said(&Begun { session, genesis: GENESIS, year: YEAR.0, sources, roster: None, making, root, records })
}

fn replica(world: &Apart) -> Replica {
    Replica::new(world.school.entering(), vec![world.lincoln.clone()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_vault_of_another_chain_is_not_made_whatever_is_said_beside_it() -> Tested {
    let district = lying(|_| {
        let identity = aula_vault::Identity { genesis: Hash([2; 32]), ..aula_kit::vault::identity() };
        begun(Some(Making {
            identity: serde_json::to_string(&identity).unwrap_or_default(),
            marks_key: [0; 32],
        }))
    });
    let (district, root) = (district.await?, tempfile::tempdir()?);
    let folders = Folders::below(root.path());
    let made = make(&district, &folders, (GENESIS, NOW_MS)).await;
    assert!(matches!(made, Err(LevelError::OtherChain)), "{made:?}");
    assert!(!aula_vault::vault::is_there(&folders.data));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_what_no_set_says_is_not_believed() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let district = lying(|word| match word {
        "begin" => begun(None),
        _ => said(&Compared { said: vec![Said::All(vec![[2; 16], [1; 16]])] }),
    });
    let cut = replica(&world).level(&district.await?, (GENESIS, NOW_MS), None).await;
    assert!(matches!(cut, Err(LevelError::Nonsense(Nonsense::Part))), "{cut:?}");
    // Events that were not asked for, and more of them than were, do not come in.
    let (event, id) = {
        world.district.hear(term(&world.central, (0, 1), NOW_MS)?).await?;
        let event = world.district.events("S-0")?.pop().ok_or("none")?;
        (event.encode(), super::super::scope::number("S-0", YEAR, b"another"))
    };
    let rows = move |count| {
        let row = Row { student: 0, event: event.clone(), origin: Vec::new() };
        said(&Rows { students: vec!["S-0".into()], rows: vec![row; count] })
    };
    for (count, error) in [(1, false), (2, true)] {
        let rows = rows.clone();
        let district = lying(move |word| match word {
            "begin" => begun(None),
            "compare" => said(&Compared { said: vec![Said::All(vec![id])] }),
            _ => rows(count),
        });
        let did = replica(&world).level(&district.await?, (GENESIS, NOW_MS), None).await;
        match did {
            Ok(did) => assert!(!error && !did.level && did.received == 0, "{did:?}"),
            Err(why) => assert!(error && matches!(why, LevelError::Answer), "{why:?}"),
        }
        assert!(world.school.events("S-0")?.is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_refusal_steers_no_screen_and_fills_no_log() -> Tested {
    let world = Apart::new().await?;
    let text = format!("\u{1b}[2J\u{202e}level\r\n{}", "x".repeat(5_000));
    let body =
        serde_json::json!({ "error": { "code": "c\u{7}\n".repeat(500), "message": text } }).to_string();
    let district = lying(move |_| (StatusCode::CONFLICT, body.clone().into_bytes())).await?;
    let cut = replica(&world).level(&district, (GENESIS, NOW_MS), None).await;
    let Err(LevelError::Refused(409, code, message)) = cut else { return Err(format!("{cut:?}").into()) };
    assert_eq!((message.chars().count(), code), (300, "c".repeat(40)));
    assert!(message.starts_with("[2Jlevelx") && !message.contains(char::is_control), "{message}");
    // A refusal is a sentence, and nothing that is longer is read.
    let district = lying(|_| (StatusCode::CONFLICT, vec![b' '; 100_000])).await?;
    let cut = replica(&world).level(&district, (GENESIS, NOW_MS), None).await;
    assert!(matches!(cut, Err(LevelError::Answer)), "{cut:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_nobody_goes_on_the_word_of_a_node_of_another_chain_or_of_another_year() -> Tested {
    let world = Apart::new().await?;
    let root = world.level().await?.root;
    let root: [u8; 32] = hex::decode(root)?.try_into().map_err(|_| "a root")?;
    // S-9 was here last year alone, and something was heard of her that no district has.
    enrolled_in(&world.school.vault, SchoolYear(2024), &[("S-9", 11, true)])?;
    let at = NOW_MS - 365 * 86_400_000;
    let text =
        format!(r#"{{"id":"m","at":{at},"student":"S-9","event":{{"kind":"attendance","mark":"late"}}}}"#);
    world.school.hear(vec![message(&world.lincoln, at, text)?]).await?;
    let before = world.school.events_in("S-9", SchoolYear(2024))?;
    assert_eq!(before.len(), 1);
    // Of the present year it says what is right; of the year in which S-9 leaves, another node answers.
    for (genesis, year) in [([2; 32], 2024), (GENESIS, 2023)] {
        let district = lying_to(move |word, body| match word {
            "begin" => {
                let asked = borsh::from_slice::<Begin>(body).ok().and_then(|begin| begin.year);
                let (genesis, year) = asked.map_or((GENESIS, YEAR.0), |_| (genesis, year));
                let (session, sources) = ([0; 16], Vec::new());
                let records = no_records();
                said(&Begun { session, genesis, year, sources, roster: None, making: None, root, records })
            }
            "stand" => {
                let ids = borsh::from_slice::<Stand>(body).map_or(0, |stand| stand.ids.len());
                said(&Stood { stand: vec![Stands::Left; ids] })
            }
            "bring" => {
                let rows = borsh::from_slice::<Bring>(body).map_or(0, |bring| bring.rows.rows.len());
                said(&Brought { fates: vec![Fate::Known; rows] })
            }
            _ => (StatusCode::NOT_FOUND, Vec::new()),
        });
        let cut = replica(&world).level(&district.await?, (GENESIS, NOW_MS), None).await;
        match year {
            2024 => assert!(matches!(cut, Err(LevelError::OtherChain)), "{cut:?}"),
            _ => assert!(matches!(cut, Err(LevelError::Answer)), "{cut:?}"),
        }
        assert_eq!(
            world.school.events_in("S-9", SchoolYear(2024))?,
            before,
            "she is here, and so is what was heard"
        );
    }
    // A roster that is the same as before is of the year before: nobody leaves because another year is said.
    let district = lying(move |_| {
        let (session, sources) = ([0; 16], Vec::new());
        said(&Begun {
            session,
            genesis: GENESIS,
            year: YEAR.0 + 1,
            sources,
            roster: None,
            making: None,
            root,
            records: no_records(),
        })
    });
    let cut = replica(&world).level(&district.await?, (GENESIS, NOW_MS), None).await;
    assert!(matches!(cut, Err(LevelError::Answer)), "{cut:?}");
    assert_eq!(world.school.students(&[11])?.len(), 4);
    // The district itself lets her go, once it has what was heard of her.
    enrolled_in(&world.district.vault, SchoolYear(2024), &[("S-9", 11, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.sent), (true, 1, 1), "{did:?}");
    assert_eq!(world.district.events_in("S-9", SchoolYear(2024))?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_what_is_said_of_records_that_were_not_brought_keeps_their_student() -> Tested {
    let world = Apart::new().await?;
    let root = world.level().await?.root;
    let root: [u8; 32] = hex::decode(root)?.try_into().map_err(|_| "a root")?;
    world.school.take("tablets", &[did(1, "S-0")])?;
    // It tells of fewer records than it was brought, of more, and that it has what it was never brought.
    for (fates, lacking) in [(0, true), (2, true), (1, false)] {
        let district = lying(move |word| match word {
            "begin" => {
                let (session, sources) = ([0; 16], Vec::new());
                let (genesis, year, records) = (GENESIS, YEAR.0, [7; 32]);
                said(&Begun { session, genesis, year, sources, roster: None, making: None, root, records })
            }
            "compare_records" if lacking => said(&Compared { said: vec![Said::All(Vec::new())] }),
            "compare_records" => said(&Compared { said: vec![Said::All(vec![[2; 16], [1; 16]])] }),
            "bring_records" => {
                let statements = vec![Fate::Known; fates];
                said(&RecordsBrought { statements, documents: Vec::new() })
            }
            _ => (StatusCode::NOT_FOUND, Vec::new()),
        });
        let cut = replica(&world).level(&district.await?, (GENESIS, NOW_MS), None).await;
        match lacking {
            true => assert!(matches!(cut, Err(LevelError::Answer)), "{cut:?}"),
            false => assert!(matches!(cut, Err(LevelError::Nonsense(Nonsense::Part))), "{cut:?}"),
        }
        assert!(world.school.one(1)?.is_some());
    }
    Ok(())
}
