//! `aula evidence … --via PARENT`: the parent ledger's anchored head beside the bundle, in one file.
//!
//! Flow: this ledger's genesis → the parent's record and newest head of it → the bundle, with that block shown on the way →
//! both together. The program checks nothing that the auditor checks again, but says where the file would be of no use.

use aula_api::paths;
use aula_client::Client;
use aula_ledger::audit::bundle::FigureKey;
use aula_ledger::audit::{Bundle, Subject, ViaBundle};
use aula_ledger::codec::Canonical;
use aula_ledger::types::{Hash, Height};
use serde_json::{Value, json};

use super::{Place, bundle};
use crate::command::{Context, Failure};

/// What the parent has of this ledger.
pub(super) struct Anchored {
    /// The newest anchored block of this ledger.
    pub(super) height: Height,
    bytes: Vec<u8>,
    at: Height,
}

/// Asks the parent, where one is named.
///
/// # Errors
/// When a node cannot be reached, or the parent has no head of this ledger.
pub(super) async fn anchored(context: &Context, place: &Place) -> Result<Option<Anchored>, Failure> {
    let Some(url) = &place.via else { return Ok(None) };
    let genesis = place.rpc.client(context)?.status().await?.genesis_sha256;
    let parent = Client::trusting(url, place.rpc.ca.as_deref())?;
    let bytes = bundle_of(&parent, &genesis).await?;
    let bundle = bundle::read(&bytes)?;
    let height = newest(&bundle).ok_or_else(|| {
        let message = format!("the parent ledger has no head of the ledger of genesis {genesis} yet");
        Failure::new("not_anchored", message, "have one anchored: aula consortium anchor --of URL")
    })?;
    Ok(Some(Anchored { height, at: bundle.chain.head.header.height, bytes }))
}

/// The parent's bundle about a consortium and its newest head.
///
/// # Errors
/// When the parent cannot be reached, or has not admitted it.
pub(in crate::command) async fn bundle_of(parent: &Client, genesis: &Hash) -> Result<Vec<u8>, Failure> {
    let fetched = parent.get_bytes(&paths::evidence_one("consortium", genesis)).await;
    fetched.map_err(|error| {
        let unknown = error.is_not_found();
        let failure = Failure::from(error);
        if !unknown {
            return failure;
        }
        let hint = "its members admit it by vote: aula consortium propose --consortium GENESIS".to_owned();
        Failure {
            message: format!("that ledger has not admitted the consortium of genesis {genesis}"),
            hint,
            ..failure
        }
    })
}

/// The height of the head that a parent's bundle shows.
pub(in crate::command) fn newest(bundle: &Bundle) -> Option<Height> {
    let Subject::Figures(shown) = &bundle.subject else { return None };
    shown.figures.iter().find_map(|figure| match figure.key {
        FigureKey::AnchoredHead { height, .. } => Some(height),
        _ => None,
    })
}

impl Anchored {
    /// Both bundles as one file.
    ///
    /// # Errors
    /// When the node's bundle does not reach the anchored block.
    pub(super) fn with(&self, bundle: &Bundle) -> Result<Vec<u8>, Failure> {
        if bundle.chain.header(self.height).is_none() {
            let shown = bundle.chain.head.header.height;
            let message = format!(
                "the parent has anchored block {}, and the node shows its state as of {shown}",
                self.height
            );
            return Err(Failure::new(
                "node_behind",
                message,
                "wait until the node has caught up, or ask another",
            ));
        }
        Ok(ViaBundle { parent: self.bytes.clone(), child: bundle.to_canonical() }.to_canonical())
    }

    /// What the command's answer says of the parent.
    pub(super) fn told(&self) -> Value {
        json!({ "anchored": self.height, "parent_height": self.at })
    }
}
