//! The consumer against the stub: whole and changed, by cursor and by offset, while others write, through faults, and refused.

use std::sync::Arc;

use aula_ingest::date::Date;
use aula_ingest::reading::{Enrolment, Rule, Said, StudentRow};
use aula_ingest::{Format, Reading, read};
use serde_json::json;

use super::stub::{Data, Ods, held};
use super::*;

type Tested = Result<(), Box<dyn std::error::Error>>;

fn school(data: &mut Data, number: u32) {
    data.put(
        "schools",
        &format!("sch-{number}"),
        json!({ "schoolId": number, "nameOfInstitution": format!("School {number}") }),
    );
}

fn student(data: &mut Data, number: usize) {
    let object = json!({ "studentUniqueId": format!("{number:06}"), "firstName": "A", "lastSurname": format!("B{number}"), "birthDate": "2015-01-01" });
    data.put("students", &format!("stu-{number:06}"), object);
}

fn enrol(data: &mut Data, number: usize, (school, entry): (u32, &str), exit: Option<&str>) {
    let mut object = json!({
        "studentReference": { "studentUniqueId": format!("{number:06}") }, "schoolReference": { "schoolId": school },
        "entryDate": entry, "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Fifth grade",
    });
    if let Some(exit) = exit {
        object["exitWithdrawDate"] = json!(exit);
    }
    data.put("studentSchoolAssociations", &format!("ssa-{number:06}-{school}-{entry}"), object);
}

fn key(number: usize, school: u32, entry: &str) -> serde_json::Value {
    json!({ "studentUniqueId": format!("{number:06}"), "schoolId": school, "entryDate": entry })
}

fn attended(number: usize, day: &str, category: &str) -> serde_json::Value {
    json!({
        "studentReference": { "studentUniqueId": format!("{number:06}") }, "schoolReference": { "schoolId": 1 },
        "eventDate": day, "attendanceEventCategoryDescriptor": format!("uri://ed-fi.org/AttendanceEventCategoryDescriptor#{category}"),
        "sessionReference": { "sessionName": "Fall" },
    })
}

fn filled(count: usize) -> Data {
    let mut data = Data { oldest: 0, ..Data::default() };
    school(&mut data, 1);
    school(&mut data, 2);
    for number in 0..count {
        student(&mut data, number);
        enrol(&mut data, number, (1, "2026-08-20"), None);
    }
    data
}

async fn served(ods: Ods, data: Data) -> Result<(String, Arc<Ods>), std::io::Error> {
    *ods.data() = data;
    let ods = Arc::new(ods);
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/api", socket.local_addr()?);
    tokio::spawn(axum::serve(socket, ods.clone().router()).into_future());
    Ok((url, ods))
}

fn of(url: &str, more: &str) -> Result<Provider, ConsumerError> {
    provider(&format!("kind = 'edfi'\nurl = '{url}'\nclient_id = 'key'\nclient_secret = 'secret'\n{more}"))
}

fn reading(fetched: &Fetched) -> Result<Reading, Box<dyn std::error::Error>> {
    let today = Date::new(2026, 11, 29).ok_or("a day")?;
    Ok(read(fetched.inputs.clone(), Some(Format::EdFi), None, today)?.1)
}

fn rows(reading: &Reading) -> Vec<&StudentRow> {
    let own = reading.rows.iter().map(|row| &row.said);
    own.filter_map(|said| if let Said::Student(row) = said { Some(&**row) } else { None }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_provider_that_gives_more_than_is_taken_is_left() -> Tested {
    for cursor in [false, true] {
        let (url, ods) = served(Ods { cursor, most: 10, ..Ods::default() }, filled(200)).await?;
        for (more, told) in
            [("max_pages = 9", "more than 9 pages"), ("max_bytes = 20000", "more than 20000 bytes")]
        {
            let error = fetch(&of(&url, more)?, None).await.err().ok_or(told)?.to_string();
            assert!(error.contains(told) && error.contains("in the provider's file"), "{error}");
        }
        held(&ods.asked).clear();
        assert!(fetch(&of(&url, "max_pages = 9")?, None).await.is_err());
        assert!(held(&ods.asked).len() <= 10);
        assert_eq!(fetch(&of(&url, "")?, None).await?.counts.len(), 3);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_roster_comes_whole_by_cursor_by_offset_in_small_pages_and_through_faults() -> Tested {
    for (cursor, most, faults) in
        [(true, 0, vec![]), (false, 0, vec![]), (false, 7, vec![]), (true, 7, vec![429, 503, 500, 502])]
    {
        let ods = Ods { cursor, most, ..Ods::default() };
        held(&ods.faults).extend(faults);
        let (url, ods) = served(ods, filled(1_203)).await?;
        let fetched = fetch(&of(&url, "")?, None).await?;
        assert_eq!(
            fetched.counts,
            [
                ("schools".to_owned(), 2),
                ("students".to_owned(), 1_203),
                ("studentSchoolAssociations".to_owned(), 1_203)
            ]
        );
        assert_eq!((fetched.whole, fetched.newest), (true, Some(ods.data().newest)));
        let reading = reading(&fetched)?;
        let enrolled =
            rows(&reading).iter().filter(|row| row.enrolment == Some(Enrolment::At("1".into()))).count();
        assert_eq!((enrolled, reading.refused()), (1_203, 0));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_while_it_is_read_is_in_it_or_in_the_next_delta() -> Tested {
    for cursor in [true, false] {
        let (url, ods) = served(Ods { cursor, most: 100, ..Ods::default() }, filled(950)).await?;
        // While students are read: one that stood before is deleted, so that all behind it move; one comes; one changes schools.
        held(&ods.meanwhile).push_back((
            4,
            Box::new(|data: &mut Data| {
                data.delete("studentSchoolAssociations", "ssa-000010-1-2026-08-20", key(10, 1, "2026-08-20"));
                data.delete("students", "stu-000010", json!({ "studentUniqueId": "000010" }));
                student(data, 5_000);
                enrol(data, 5_000, (2, "2026-09-01"), None);
                enrol(data, 20, (1, "2026-08-20"), Some("2026-09-30"));
                enrol(data, 20, (2, "2026-10-01"), None);
            }),
        ));
        let fetched = fetch(&of(&url, "")?, None).await?;
        let reading = reading(&fetched)?;
        let all = rows(&reading);
        let at = |id: &str| {
            all.iter()
                .find(|row| row.student == id && row.enrolment.is_some())
                .and_then(|row| row.enrolment.clone())
        };
        let students: std::collections::BTreeSet<&str> = all.iter().map(|row| row.student.as_str()).collect();
        assert_eq!(students.len(), 950, "one went, one came: cursor {cursor}");
        assert!(!students.contains("000010"));
        assert_eq!(at("005000"), Some(Enrolment::At("2".into())));
        assert_eq!(at("000020"), Some(Enrolment::At("2".into())));
        assert_eq!(fetched.newest, Some(ods.data().newest));
        // Nothing since.
        let later = fetch(&of(&url, "")?, fetched.newest).await?;
        assert!(later.inputs.is_empty() && later.newest == fetched.newest);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delta_has_upserts_deletes_and_key_changes_and_where_a_student_stands_now() -> Tested {
    let mut data = filled(8);
    data.put("studentSchoolAttendanceEvents", "att-1", attended(1, "2026-09-02", "Tardy"));
    data.put("studentAssessments", "ass-1", json!({
        "studentReference": { "studentUniqueId": "000001" }, "assessmentReference": { "assessmentIdentifier": "MAP" },
        "studentAssessmentIdentifier": "x-1", "administrationDate": "2026-09-03",
        "scoreResults": [{ "assessmentReportingMethodDescriptor": "uri://ed-fi.org/AssessmentReportingMethodDescriptor#RIT score", "result": "201" }],
    }));
    let (url, ods) = served(Ods { cursor: true, ..Ods::default() }, data).await?;
    let before = fetch(&of(&url, "")?, None).await?.newest;
    {
        let mut data = ods.data();
        // 1 is corrected by a second entry, then the first is deleted; 2 leaves; 3 moves; 4 is deleted; 5 is renamed; 6's day is another's.
        enrol(&mut data, 1, (1, "2026-08-21"), None);
        data.delete("studentSchoolAssociations", "ssa-000001-1-2026-08-20", key(1, 1, "2026-08-20"));
        data.delete("studentSchoolAssociations", "ssa-000002-1-2026-08-20", key(2, 1, "2026-08-20"));
        enrol(&mut data, 3, (1, "2026-08-20"), Some("2026-10-01"));
        enrol(&mut data, 3, (2, "2026-10-02"), None);
        data.delete("studentSchoolAssociations", "ssa-000004-1-2026-08-20", key(4, 1, "2026-08-20"));
        data.delete("students", "stu-000004", json!({ "studentUniqueId": "000004" }));
        data.rekey(
            "students",
            "stu-000005",
            (json!({ "studentUniqueId": "000005" }), json!({ "studentUniqueId": "900005" })),
        );
        data.delete("studentAssessments", "ass-1", json!({ "studentUniqueId": "000001", "assessmentIdentifier": "MAP", "namespace": "x", "studentAssessmentIdentifier": "x-1" }));
        let keys = |day: &str| {
            json!({ "studentUniqueId": "000001", "schoolId": 1, "eventDate": day, "schoolYear": 2027, "sessionName": "Fall",
            "attendanceEventCategoryDescriptor": "uri://ed-fi.org/AttendanceEventCategoryDescriptor#Tardy" })
        };
        data.rekey("studentSchoolAttendanceEvents", "att-1", (keys("2026-09-02"), keys("2026-09-04")));
        data.put("studentSchoolAttendanceEvents", "att-1", attended(1, "2026-09-04", "Tardy"));
    }
    let fetched = fetch(&of(&url, "")?, before).await?;
    assert!(!fetched.whole);
    let reading = reading(&fetched)?;
    let all = rows(&reading);
    let enrolment = |id: &str| -> Vec<&Enrolment> {
        all.iter().filter(|row| row.student == id).filter_map(|row| row.enrolment.as_ref()).collect()
    };
    assert_eq!(enrolment("000001"), [&Enrolment::At("1".into())], "the second entry holds");
    assert_eq!(enrolment("000002"), [&Enrolment::LeftSchool("1".into())]);
    assert_eq!(enrolment("000003"), [&Enrolment::At("2".into())]);
    assert!(enrolment("000004").contains(&&Enrolment::Left));
    let sets: Vec<_> = all.iter().filter(|row| row.student == "000001").flat_map(|row| &row.sets).collect();
    let gone = |field: &str| sets.iter().any(|set| set.field == field && set.json.is_none());
    assert!(gone("assessment:map:x-1") && gone("attendance:2026-09-02:1:tardy:fall"), "{sets:?}");
    assert!(sets.iter().any(|set| set.field == "attendance:2026-09-04:1:tardy:fall" && set.json.is_some()));
    let renamed: Vec<_> = reading
        .rows
        .iter()
        .filter_map(|row| {
            if let Said::Refused(fault) = &row.said { Some((fault.rule, fault.value.as_str())) } else { None }
        })
        .collect();
    assert_eq!(renamed, [(Rule::Renamed, "000005 is 900005 now")]);
    let asked = held(&ods.asked).clone();
    assert!(asked.contains(&"studentSchoolAssociations/ 000001".to_owned()), "{asked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_forgotten_changes_ended_tokens_and_refusals() -> Tested {
    let (url, ods) = served(Ods { cursor: true, most: 2, ..Ods::default() }, filled(5)).await?;
    let none = fetch(&of(&url, "snapshot = true\n")?, None).await;
    assert!(matches!(none, Err(ConsumerError::NoSnapshot(_))), "{none:?}");
    held(&ods.snapshot).replace(filled(5));
    ods.data().delete("students", "stu-000001", json!({ "studentUniqueId": "000001" }));
    held(&ods.meanwhile).push_back((3, Box::new(|data: &mut Data| student(data, 77))));
    let fetched = fetch(&of(&url, "snapshot = true\n")?, None).await?;
    assert_eq!((fetched.counts[1].1, fetched.newest), (5, Some(12)), "as of the snapshot");
    // A token that ends on the way is drawn anew.
    let own = ods.clone();
    held(&ods.meanwhile).push_back((2, Box::new(move |_: &mut Data| own.end_token())));
    assert_eq!(fetch(&of(&url, "leave_out = ['studentAssessments']\n")?, None).await?.counts[1].1, 5);
    ods.data().oldest = 9;
    assert!(matches!(fetch(&of(&url, "")?, Some(3)).await, Err(ConsumerError::Forgotten(8))));
    assert!(fetch(&of(&url, "")?, Some(8)).await.is_ok());
    let (other, _) = served(Ods { forgetful: true, ..Ods::default() }, filled(3)).await?;
    let whole = fetch(&of(&other, "")?, None).await?;
    assert_eq!((whole.newest, whole.counts.len()), (None, 3));
    assert!(matches!(fetch(&of(&other, "")?, Some(1)).await, Err(ConsumerError::NoChanges(_))));
    held(&ods.faults).extend([503; 20]);
    let busy = fetch(&of(&url, "")?, None).await;
    assert!(matches!(busy, Err(ConsumerError::Status(_, 503, _))), "{busy:?}");
    let wrong = provider(&format!(
        "kind = 'edfi'\nurl = '{url}'\nclient_id = 'key'\nclient_secret = 'very secret'\n"
    ))?;
    let refused = fetch(&wrong, None).await.err().ok_or("taken")?.to_string();
    assert!(refused.contains("Invalid client") && !refused.contains("very secret"), "{refused}");
    assert!(!format!("{wrong:?}").contains("very secret"));
    for (more, good) in [
        ("leave_out = ['students']", false),
        ("leave_out = ['grades']", false),
        ("snapshots = true", false),
        ("data_url = 'http://sis.example.org'", false),
        ("snapshot = true", true),
    ] {
        assert_eq!(of(&url, more).is_ok(), good, "{more}");
    }
    assert!(is_kind("kind = 'edfi'") && !is_kind("url = 'x'") && !is_kind("kind ="));
    Ok(())
}

/// Serves the stub for as long as `AULA_EDFI_STUB_S` says: scripts/edfi.sh points others at it.
#[tokio::test]
#[ignore = "serves for a script"]
async fn serve_the_stub() -> Tested {
    let seconds: u64 = std::env::var("AULA_EDFI_STUB_S").unwrap_or_default().parse().unwrap_or(1);
    let ods = Arc::new(Ods { cursor: true, ..Ods::default() });
    let mut data = filled(1_203);
    data.delete("students", "stu-000007", json!({ "studentUniqueId": "000007" }));
    data.rekey(
        "studentSchoolAssociations",
        "ssa-000008-1-2026-08-20",
        (key(8, 1, "2026-08-20"), key(8, 1, "2026-08-21")),
    );
    *ods.data() = data;
    held(&ods.snapshot).replace(filled(3));
    let socket = tokio::net::TcpListener::bind(
        std::env::var("AULA_EDFI_STUB").unwrap_or_else(|_| "127.0.0.1:0".into()),
    )
    .await?;
    println!("http://{}/api", socket.local_addr()?);
    let serving = axum::serve(socket, ods.router()).into_future();
    let _ended = tokio::time::timeout(std::time::Duration::from_secs(seconds), serving).await;
    Ok(())
}
