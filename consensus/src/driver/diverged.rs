//! A final block that gives something else here: this node stops, and says where, see [`crate::divergence`].

use std::sync::Arc;

use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use aula_ledger::types::Hash;

use super::{Driver, blocking};
use crate::divergence::Case;
use crate::events::FatalError;

impl Driver {
    /// Why this node must stop: it cannot execute a block that is final as the others did. Its file is written beside the
    /// database, and the text stays until `aula replay` agrees.
    pub(super) async fn diverged(
        &self,
        bytes: Vec<u8>,
        hash: Hash,
        why: &str,
    ) -> Result<FatalError, FatalError> {
        tracing::error!(%hash, why, "a final block is wrong here; asking peers what it gave");
        let facts = self.network.facts(hash).await;
        let (executor, blocks) = (Arc::clone(&self.services.executor), Arc::clone(&self.services.blocks));
        let (base, why) = (self.base.clone(), why.to_owned());
        blocking(&self.services.runtime, move || {
            let text = match Block::from_canonical(&bytes) {
                Ok(block) => {
                    let (found, case) =
                        Case::record(executor.as_ref(), base.state.as_ref(), &block, facts);
                    let file = blocks.file(&format!("diverged-{}", block.header.height));
                    let written = file.map(|file| case.write(&file).map(|()| file));
                    let file = match written {
                        Some(Ok(file)) => {
                            let file = file.display();
                            format!("{file} reproduces it: `aula replay --diverged {file}`. ")
                        }
                        Some(Err(error)) => format!("what reproduces it is not written: {error}. "),
                        None => String::new(),
                    };
                    format!("{found}. {file}")
                }
                Err(error) => format!("block {hash} is final and cannot be read here: {error}. "),
            };
            let text = format!(
                "{text}First found: {why}. This node signs nothing more. Run `aula replay`: if that agrees, this program is not \
                 the others' version; else start again with an empty data folder to fetch the chain"
            );
            blocks.note_unexecutable(&text);
            FatalError::engine(text)
        })
        .await
    }
}
