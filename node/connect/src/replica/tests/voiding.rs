//! What a replica's voiding reaches: what it brought or has too, and nobody else's statement, whichever of the two comes first.

use super::super::wire::{BringRecords, RecordsBrought, StatementRow};
use super::records::{did, row, statement, student, voids};
use super::*;

const BEGIN: Begin = Begin { version: VERSION, has_vault: true, roster: [0; 32], year: None };

/// Two students met.
fn met(number: u32, one: &str, other: &str) -> String {
    let text = statement(number, &student(one), "http://example.org/met", &student(other));
    text.replacen(r#""object":{"#, r#""object":{"objectType":"Agent","#, 1)
}

impl Apart {
    /// Brings statements as whoever has the replica does, of S-0.
    async fn bring_as_it(
        &self,
        statements: Vec<StatementRow>,
    ) -> Result<Vec<Fate>, Box<dyn std::error::Error>> {
        let who = self.speaking()?;
        let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
        let students = vec!["S-0".to_owned()];
        let bring = BringRecords { session, students, statements, documents: Vec::new() };
        Ok(who.ask::<RecordsBrought>("bring_records", &bring).await?.statements)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_voiding_that_came_first_voids_what_its_replica_brings_and_nobody_elses() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let voiding = |number, target| {
        voids(number, target).replace(r#"{"mbox":"mailto:teacher@example.org"}"#, &student("S-0"))
    };
    // Nobody has what they void.
    let first = [(10, 1), (11, 2), (12, 3)].map(|(number, target)| row(&[0], &voiding(number, target)));
    assert_eq!(world.bring_as_it(first.to_vec()).await?, [Fate::Taken; 3]);
    world.district.take("lms-east", &[did(1, "S-4"), did(3, "S-0")])?;
    for number in [1, 3] {
        assert!(world.district.one(number)?.is_some() && !world.district.is_voided(number)?, "{number}");
    }
    // What it brings itself is voided, and what it has too.
    let brought = world.bring_as_it(vec![row(&[0], &did(2, "S-0")), row(&[0], &did(3, "S-0"))]).await?;
    assert_eq!(brought, [Fate::Taken, Fate::Known]);
    for number in [2, 3] {
        assert!(world.district.one(number)?.is_none() && world.district.is_voided(number)?, "{number}");
    }
    assert!(world.district.one(1)?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_whoever_does_not_know_what_is_left_of_a_statement_does_not_void_it() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    world.district.take("lms-east", &[met(1, "S-0", "S-1")])?;
    world.district.vault.erase(&[world.district.handle("S-1")?], NOW_MS)?;
    let guessed = met(1, "S-0", "S-2").replace("/met", "/helped");
    let brought = world.bring_as_it(vec![row(&[0], &did(1, "S-0")), row(&[], &voids(2, 1))]).await?;
    assert_eq!(brought, [Fate::Refused; 2]);
    assert_eq!(world.bring_as_it(vec![row(&[0], &guessed)]).await?, [Fate::Refused]);
    assert!(world.district.one(1)?.is_some() && !world.district.is_voided(1)?);
    // Who has the statement, with whom was erased in it, has it too.
    let brought = world.bring_as_it(vec![row(&[0], &met(1, "S-0", "S-1")), row(&[], &voids(2, 1))]).await?;
    assert_eq!(brought, [Fate::Known, Fate::Taken]);
    assert!(world.district.is_voided(1)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_left_of_a_statement_on_both_sides_is_one_and_the_school_voids_it() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let text = met(1, "S-0", "S-1");
    world.school.take("tablets", std::slice::from_ref(&text))?;
    world.district.take("lms-east", &[text])?;
    world.district.vault.erase(&[world.district.handle("S-1")?], NOW_MS)?;
    // First she goes at the school as well; then what is left there is what is left here.
    assert_eq!(world.level().await?.erased, 1);
    let did = world.level().await?;
    assert_eq!((did.level, did.records, did.records_sent), (true, 1, 0), "{did:?}");
    assert_eq!(world.level().await?.requests, 2, "it counts as brought");
    world.school.take("tablets", &[voids(2, 1)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.records_sent), (true, 1), "{did:?}");
    assert!(world.district.one(1)?.is_none() && world.district.is_voided(1)?);
    Ok(())
}
