//! Other school years than the present roster's: what was heard in them comes home, and what the district has in another year goes here.
//!
//! Of such a year nothing is fetched. A year may be over, or one whose import was taken back; of the present one it is about those whom its
//! roster leaves out and who stay here for that ([`super::leaving`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use aula_ledger::types::{Handle, SchoolYear};

use super::asking::{Levelled, Replica, Whose, compared};
use super::district::{District, LevelError};
use super::leaving::{Leaver, handles};
use super::people;
use crate::taking::Levelling;

impl Replica {
    /// Brings what was heard of those who stay. Gives whether something went here that the district has in another year.
    pub(super) async fn other_years(
        &mut self,
        district: &District,
        (genesis, present): ([u8; 32], SchoolYear),
        going: &[Leaver],
        did: &mut Levelled,
    ) -> Result<bool, LevelError> {
        let going: BTreeSet<Handle> = handles(going).collect();
        let (going, mut moved) = (Arc::new(going), false);
        for year in self.with(people::years).await? {
            let set = self.set(year, Whose::Beside(present, going.clone())).await?;
            if set.ids.is_empty() {
                continue;
            }
            let begun = district.begin(genesis, (true, [0; 32]), Some(year)).await?;
            let roots = [set.root(), begun.root];
            if begun.root == set.root() || self.settled.get(&year) == Some(&roots) {
                continue;
            }
            let comparing = compared(district, ("compare", begun.session), &set.ids).await?;
            let (ours, _) = self.mine(&begun, &set, comparing.ours).await?;
            let told = self.bring(district, begun.session, &ours).await?;
            did.count(&told);
            did.removed = did.removed.saturating_add(told.gone.len() as u64);
            if !told.gone.is_empty() {
                moved = true;
                self.enter(Levelling { gone: told.gone, ..Levelling::default() }).await?;
            } else if told.refused == 0 {
                self.settled.insert(year, roots);
            }
        }
        Ok(moved)
    }
}
