//! Families' consents in the demo: recorded on the ledger while the districts prove their requests, and known to the
//! vaults only once they are final, as `aula vault consent give` does it.

use std::collections::BTreeMap;

use aula_client::sender::submit_all;
use aula_home::Failure;
use aula_ledger::access::{ConsentChoice, Purpose};
use aula_ledger::tx::TransactionId;
use aula_ledger::tx::{ConsentEntry, RecordConsent};
use aula_ledger::types::{DistrictId, Handle, Hash, SchoolYear};
use sha2::{Digest, Sha256};

use super::{BATCH, Driver, STEP_LIMIT, accepted, strange};
use crate::demo::rules;
use crate::demo::star::Grade;
use crate::demo::twins::Anchored;
use crate::unkept;

impl Driver {
    /// Every family's consent to educational necessity, submitted while other work goes on.
    pub(super) async fn ask_families(
        &mut self,
        grade: Grade,
        anchored: &BTreeMap<DistrictId, Vec<Anchored>>,
    ) -> Result<Vec<TransactionId>, Failure> {
        let school_year = SchoolYear(rules::school_year(grade));
        let (purpose, choice) = (Purpose::EducationalNecessity, ConsentChoice::Given);
        let evidence = Hash(Sha256::digest(rules::CONSENT_FORM.as_bytes()).into());
        let mut queues = Vec::new();
        for (district, students) in anchored {
            let (_, sender) = self.districts.get_mut(district).ok_or_else(strange)?;
            let entry = |one: &Anchored| ConsentEntry { handle: one.leaf.handle, evidence };
            let batch = |chunk: &[Anchored]| RecordConsent {
                school_year,
                purpose,
                choice,
                entries: chunk.iter().map(entry).collect(),
            };
            queues.push(students.chunks(BATCH).map(batch).map(|payload| sender.sign(payload)).collect());
        }
        Ok(submit_all(&self.client, queues).await?)
    }

    /// Waits until the consents are final; only then the vaults know them.
    pub(super) async fn agree(
        &mut self,
        asked: &[TransactionId],
        anchored: &BTreeMap<DistrictId, Vec<Anchored>>,
    ) -> Result<(), Failure> {
        accepted(&self.watcher.until(asked, STEP_LIMIT).await?)?;
        for (district, students) in anchored {
            let (office, _) = self.districts.get(district).ok_or_else(strange)?;
            let handles: Vec<Handle> = students.iter().map(|student| student.leaf.handle).collect();
            tokio::task::block_in_place(|| office.work.agreed(&handles)).map_err(unkept)?;
        }
        Ok(())
    }
}
