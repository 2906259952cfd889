//! A replica that somebody else has: what it may not bring, ask for, or keep from others.

use std::time::Duration;

use aula_district::origin;
use aula_twin_runtime::clock::{Skew, Stamp};
use aula_twin_runtime::event::{Attendance, EventBody, EventKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const BEGIN: Begin = Begin { version: VERSION, has_vault: true, roster: [0; 32], year: None };

/// Status and code of a refusal; 200 of none.
fn refused<T>(answer: Result<T, LevelError>) -> (u16, String) {
    match answer {
        Err(LevelError::Refused(status, code, _)) => (status, code),
        Err(_) => (0, String::new()),
        Ok(_) => (200, String::new()),
    }
}

/// An event of a feed under a message's name, with its origin: as its node would have made it.
fn made(
    world: &Apart,
    (feed, name): (&Feed, &str),
    body: EventBody,
) -> Result<(Event, Vec<u8>), Box<dyn std::error::Error>> {
    let sequence = world.school.vault.feed_keys()?.mark(feed.source.0, name.as_bytes()).1;
    let stamp = Stamp::new(NOW_MS, 0)?;
    let key = EventKey { stamp, source: feed.source, sequence };
    Ok((Event { key, skew: Skew::Within, body }, origin::encode(name, NOW_MS, &feed.name, "tablet", 1)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_replica_brings_neither_inputs_nor_under_anothers_name_nor_of_anothers_students() -> Tested {
    let world = Apart::new().await?;
    world.district.hear(term(&world.central, (0, 8), NOW_MS)?).await?;
    world.level().await?;
    let (lincoln, central) = (&*world.lincoln, &*world.central);
    let late = || EventBody::Attendance(Attendance::Late);
    let input = || EventBody::InputRecorded { input: 0, value: 70 };
    let (good, from) = made(&world, (lincoln, "good"), late())?;
    let corrected = |body| EventBody::Correction { target: good.key, replacement: Some(Box::new(body)) };
    let (recorded, from_recorded) = made(&world, (lincoln, "input"), input())?;
    let (mut smuggled, from_smuggled) = made(&world, (lincoln, "smuggled"), corrected(input()))?;
    let (mut mended, from_mended) =
        made(&world, (lincoln, "mended"), corrected(EventBody::Attendance(Attendance::Absent)))?;
    for amending in [&mut smuggled, &mut mended] {
        amending.key.stamp = Stamp::new(NOW_MS, 1)?;
    }
    let (named, _) = made(&world, (lincoln, "named"), late())?;
    let from_central = origin::encode("named", NOW_MS, "central", "tablet", 1);
    let (strange, from_strange) = made(&world, (central, "strange"), late())?;
    let (elsewhere, from_elsewhere) = made(&world, (lincoln, "elsewhere"), late())?;
    let heard = world.district.events("S-0")?.into_iter().find(|event| event.key.source == central.source);
    let heard = heard.ok_or("none")?;
    let from_heard = origin::encode("central-0", NOW_MS, "central", "tablet", 1);
    let row = |student, event: &Event, origin: &[u8]| Row {
        student,
        event: event.encode(),
        origin: origin.to_vec(),
    };
    let rows = vec![
        row(0, &good, &from),
        row(0, &recorded, &from_recorded),
        row(0, &smuggled, &from_smuggled),
        row(0, &mended, &from_mended),
        row(0, &named, &from_central),
        row(0, &strange, &from_strange),
        // Another school's, whatever the feed.
        row(1, &elsewhere, &from_elsewhere),
        row(1, &good, &from),
        // Another feed's that the district has, of this student and of another.
        row(0, &heard, &from_heard),
        row(2, &heard, &from_heard),
        row(1, &heard, &from_heard),
    ];
    let students = ["S-0", "S-4", "S-1"].map(str::to_owned).to_vec();
    let who = world.speaking()?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    let answer: Brought = who.ask("bring", &Bring { session, rows: Rows { students, rows } }).await?;
    use Fate::{Known, Refused, Taken};
    assert_eq!(
        answer.fates,
        [Taken, Refused, Refused, Taken, Refused, Refused, Refused, Refused, Known, Refused, Refused]
    );
    assert!(world.district.events("S-4")?.is_empty());
    let inputs = |event: &Event| match &event.body {
        EventBody::InputRecorded { .. } => true,
        EventBody::Correction { replacement: Some(body), .. } => {
            matches!(**body, EventBody::InputRecorded { .. })
        }
        _ => false,
    };
    assert!(!world.district.events("S-0")?.iter().any(inputs));
    // Who moved away was the replica's, so that what it heard before comes home.
    enrolled(&world.district.vault, &[("S-2", 12, true)])?;
    let rows = vec![row(0, &named, &origin::encode("named", NOW_MS, "lincoln", "tablet", 1))];
    let rows = Rows { students: vec!["S-2".into()], rows };
    let answer: Brought = who.ask("bring", &Bring { session, rows }).await?;
    assert_eq!(answer.fates, [Taken]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_parts_that_overlap_are_malformed_and_years_to_come_are_none() -> Tested {
    let world = Apart::new().await?;
    let who = world.speaking()?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    let compared = async |parts| who.ask::<Compared>("compare", &Compare { session, parts }).await;
    assert_eq!(refused(compared(vec![Part::ALL]).await).0, 200);
    assert_eq!(refused(compared(vec![Part::ALL; 2]).await), (400, "malformed".into()));
    let later = Begin { year: Some(YEAR.0 + 1), ..BEGIN };
    assert_eq!(refused(who.ask::<Begun>("begin", &later).await), (400, "malformed".into()));
    let earlier = who.ask::<Begun>("begin", &Begin { year: Some(YEAR.0), ..BEGIN }).await?;
    assert!(earlier.roster.is_none(), "of a year that is named, nobody's place is told");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_levelling_is_of_the_registration_that_began_it_and_one_at_a_time() -> Tested {
    let world = Apart::new().await?;
    let begin = |who: District| async move {
        Ok::<_, LevelError>((who.ask::<Begun>("begin", &BEGIN).await?.session, who))
    };
    let asked = |who: District, session| async move {
        refused(who.ask::<Compared>("compare", &Compare { session, parts: vec![Part::ALL] }).await)
    };
    let over = (409, "session_over".to_owned());
    let (first, who) = begin(world.speaking()?).await?;
    let (second, who) = begin(who).await?;
    assert_eq!(asked(world.speaking()?, first).await, over, "who begins again ends what was begun");
    assert_eq!(asked(who, second).await.0, 200);
    // The same line as before changes nothing; other schools, feeds or another secret end it.
    world.served.set_clients(registered("s", "[11]", "[\"lincoln\"]")?);
    assert_eq!(asked(world.speaking()?, second).await.0, 200);
    for (secret, schools, feeds) in
        [("s", "[11, 12]", "[\"lincoln\"]"), ("s", "[11]", "[\"central\"]"), ("t", "[11]", "[\"lincoln\"]")]
    {
        world.served.set_clients(registered("s", "[11]", "[\"lincoln\"]")?);
        let (session, _) = begin(world.speaking()?).await?;
        world.served.set_clients(registered(secret, schools, feeds)?);
        let speaking = District::with(&world.url, ("lincoln".into(), secret.into()), None)?;
        assert_eq!(asked(speaking, session).await, over, "{secret} {schools} {feeds}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_body_that_never_ends_is_not_waited_for_and_a_levelling_ends_by_itself() -> Tested {
    static CLOCK: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(NOW_MS);
    let world = Apart::new().await?;
    let parameters: super::super::served::Parameters = Arc::new(|| Ok((DIGEST, reference())));
    let known = registered("s", "[11]", "[\"lincoln\"]")?;
    let clock = || CLOCK.load(Ordering::SeqCst);
    let served = Served::new(world.district.entering(), known, parameters, clock);
    let served = Arc::new(served.waiting(Duration::from_millis(300)));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    let routes = router(served.clone());
    tokio::spawn(async move { axum::serve(socket, routes).await });
    // lincoln:s
    let head = "POST /replica/v1/begin HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bGluY29sbjpz\r\nContent-Length: 50\r\n\r\nslow";
    // As many as one replica has places, and none of them keeps another out after its time.
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream.write_all(head.as_bytes()).await?;
        slow.push(stream);
    }
    for mut stream in slow {
        let mut answer = String::new();
        while !answer.ends_with("}}") {
            let mut bytes = [0; 400];
            let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes)).await??;
            assert!(read > 0, "{answer}");
            answer.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("too_slow"), "{answer}");
    }
    let who = District::with(&format!("http://{address}"), ("lincoln".into(), "s".into()), None)?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    let parts = || Compare { session, parts: vec![Part::ALL] };
    assert_eq!(refused(who.ask::<Compared>("compare", &parts()).await).0, 200);
    CLOCK.fetch_add(60 * 60 * 1_000, Ordering::SeqCst);
    served.forget();
    assert_eq!(refused(who.ask::<Compared>("compare", &parts()).await), (409, "session_over".into()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_one_replicas_slow_requests_keep_no_other_out() -> Tested {
    let world = Apart::new().await?;
    let parameters: super::super::served::Parameters = Arc::new(|| Ok((DIGEST, reference())));
    let known = all_registered(&["lincoln", "other"], ("s", "[11]", "[\"lincoln\"]"))?;
    let served = Served::new(world.district.entering(), known, parameters, now);
    let served = Arc::new(served.waiting(Duration::from_secs(5)));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    tokio::spawn(async move { axum::serve(socket, router(served)).await });
    // lincoln:s, as often as there are places for all.
    let head = "POST /replica/v1/begin HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bGluY29sbjpz\r\nContent-Length: 50\r\n\r\nslow";
    let (told, mut answers) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..8 {
        let (mut stream, told) = (tokio::net::TcpStream::connect(address).await?, told.clone());
        stream.write_all(head.as_bytes()).await?;
        tokio::spawn(async move {
            let (mut answer, mut bytes) = (String::new(), [0; 400]);
            while !answer.ends_with("}}") {
                match stream.read(&mut bytes).await {
                    Ok(read) if read > 0 => answer.push_str(&String::from_utf8_lossy(&bytes[..read])),
                    _ => break,
                }
            }
            let _ = told.send(answer);
        });
    }
    for _ in 0..6 {
        let answer = tokio::time::timeout(Duration::from_secs(20), answers.recv()).await?.ok_or("none")?;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("busy"), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("retry-after"), "{answer}");
    }
    let other = District::with(&format!("http://{address}"), ("other".into(), "s".into()), None)?;
    assert_eq!(refused(other.ask::<Begun>("begin", &BEGIN).await).0, 200, "another replica levels meanwhile");
    for _ in 0..2 {
        let answer = tokio::time::timeout(Duration::from_secs(20), answers.recv()).await?.ok_or("none")?;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    let lincoln = District::with(&format!("http://{address}"), ("lincoln".into(), "s".into()), None)?;
    assert_eq!(refused(lincoln.ask::<Begun>("begin", &BEGIN).await).0, 200, "its places are its again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_more_replicas_than_are_held_the_one_that_asked_longest_ago_makes_room() -> Tested {
    let world = Apart::new().await?;
    let parameters: super::super::served::Parameters = Arc::new(|| Ok((DIGEST, reference())));
    let names: Vec<String> = (0..258).map(|n| format!("r-{n}")).collect();
    let known = all_registered(&names, ("s", "[11]", "[\"lincoln\"]"))?;
    let served = Arc::new(Served::new(world.district.entering(), known, parameters, now));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", socket.local_addr()?);
    tokio::spawn(async move { axum::serve(socket, router(served)).await });
    let compared = async |who: &District, session| {
        refused(who.ask::<Compared>("compare", &Compare { session, parts: vec![Part::ALL] }).await)
    };
    let mut all = Vec::new();
    for (name, n) in names.iter().zip(0..) {
        let who = District::with(&url, (name.clone(), "s".into()), None)?;
        let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
        all.push((who, session));
        // The first one goes on with its levelling; the second and the third never asked again.
        if n == 255 {
            let (who, session) = &all[0];
            assert_eq!(compared(who, *session).await.0, 200);
        }
    }
    let mut over = Vec::new();
    for (n, (who, session)) in all.iter().enumerate() {
        match compared(who, *session).await {
            (200, _) => {}
            told => {
                assert_eq!(told, (409, "session_over".into()));
                over.push(n);
            }
        }
    }
    assert_eq!(over, [1, 2]);
    // It begins again, and is level.
    assert_eq!(refused(all[1].0.ask::<Begun>("begin", &BEGIN).await).0, 200);
    Ok(())
}
