//! The decided blocks that evidence is built from, and why it cannot be.

use crate::chain::{CommitCertificate, Header};
use crate::code::Code;
use crate::codec::{Canonical, CodecError};
use crate::state::StoreError;
use crate::tx::{Payload, Receipt, Transaction};
use crate::types::Height;

/// A block's transactions, as their bytes, and receipts, in their order.
pub type Body = (Vec<Vec<u8>>, Vec<Receipt>);

/// The decided blocks, as the builder reads them.
pub trait Archive {
    /// A decided block's header and certificate; none if the node does not have that block.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    fn signed_header(&self, height: Height) -> Result<Option<(Header, CommitCertificate)>, StoreError>;

    /// A decided block's transactions and receipts, in order; none if the node does not have that block.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    fn body(&self, height: Height) -> Result<Option<Body>, StoreError>;

    /// What a decided block's accepted transactions said, in order; none if the node does not have that block.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails or a stored transaction is damaged.
    fn accepted(&self, height: Height) -> Result<Option<Vec<Payload>>, StoreError> {
        let Some((transactions, receipts)) = self.body(height)? else { return Ok(None) };
        let accepted = receipts.iter().zip(&transactions).filter(|(one, _)| one.code == Code::Accepted);
        let payload = |bytes: &[u8]| Transaction::from_canonical(bytes).map(|one| one.body.payload);
        let payloads: Result<Vec<Payload>, CodecError> = accepted.map(|(_, bytes)| payload(bytes)).collect();
        payloads
            .map(Some)
            .map_err(|error| StoreError::Damaged(format!("a stored transaction is damaged: {error}")))
    }
}

/// Why there is no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The state has no such thing (yet).
    #[error("there is no {0}")]
    NotFound(String),
    /// A block that the bundle needs is not here.
    #[error("the node does not have block {0}, which the evidence needs")]
    MissingBlock(Height),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
