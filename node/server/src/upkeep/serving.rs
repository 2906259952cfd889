//! This node's snapshots, as admitted peers get them.

use std::sync::Weak;

use aula_consensus::snapshots::{Ask, SnapshotSource, Told};
use aula_home::Home;
use aula_ledger::audit::chain_evidence;
use aula_ledger::codec::Canonical;
use aula_ledger::types::Height;
use aula_store::ChainDb;
use aula_store::snapshots::{self, Kept};

/// Reads the folder anew for each answer: what is there is what is given.
#[derive(Debug)]
pub struct Serving {
    home: Home,
    db: Weak<ChainDb>,
}

impl Serving {
    /// The snapshots of a home, whose database shows the way to a block that is asked for.
    pub const fn new(home: Home, db: Weak<ChainDb>) -> Self {
        Self { home, db }
    }

    fn newest(&self, waypoint: Option<Height>) -> Option<Told> {
        let view = self.db.upgrade()?.latest();
        let (tip, oldest) = (view.tip().height, view.oldest().ok()?);
        let all = snapshots::list(&self.home.snapshots_dir()).ok()?;
        // One above it was fetched, and what it holds is not known yet to be what its header says; whoever begins with one whose blocks
        // went asks for them.
        let kept = all
            .into_iter()
            .rev()
            .find(|kept| (oldest..=tip.next()).contains(&kept.manifest.height.next()))?;
        let shown = waypoint.and_then(|waypoint| self.showing(&kept, waypoint));
        let chain = shown.or_else(|| kept.chain_bytes().ok())?;
        Some(Told::Newest { manifest: kept.manifest.to_canonical(), chain })
    }

    /// The proof with another block on the way; none where this node does not keep that one.
    fn showing(&self, kept: &Kept, waypoint: Height) -> Option<Vec<u8>> {
        let view = self.db.upgrade()?.latest();
        let signed = |height| Ok(view.header(height)?.zip(view.certificate(height)?));
        let evidence = chain_evidence(&*view, kept.manifest.height, &signed, &[waypoint]).ok()?;
        borsh::to_vec(&evidence).ok()
    }

    fn chunk(&self, manifest: aula_ledger::types::Hash, index: u32) -> Option<Told> {
        let all = snapshots::list(&self.home.snapshots_dir()).ok()?;
        let kept = all.into_iter().rev().find(|kept| kept.manifest.name() == manifest)?;
        kept.chunk(usize::try_from(index).ok()?).ok().map(Told::Chunk)
    }
}

impl SnapshotSource for Serving {
    fn tell(&self, ask: &Ask) -> Told {
        let told = match ask {
            Ask::Newest { waypoint } => self.newest(*waypoint),
            Ask::Chunk { manifest, index } => self.chunk(*manifest, *index),
            // The newest blocks' facts are in memory, and answered there.
            Ask::Facts { .. } => None,
        };
        told.unwrap_or(Told::None)
    }
}
