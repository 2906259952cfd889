//! `aula evidence`: fetches an evidence bundle from a node and writes it to a file.
//!
//! Bundles hold rows, so the request carries a credential signed with the home's account key: a member's or an
//! auditor's. Whoever gets the file needs no node to check it: `aula-audit verify FILE --genesis G`.

use std::path::PathBuf;

use aula_ledger::audit::Bundle;
use aula_ledger::codec::Canonical;
use clap::{Args, Subcommand};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::rpc::RpcArgs;
use super::{Advise, Context, Failure, Outcome, absolute};
use crate::client::sender::Sender;

/// Arguments of `aula evidence`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula evidence round 7 --home D/auditor --rpc http://127.0.0.1:8480 -o round-7.bundle\n  aula evidence \
                  allocation 7 HANDLE -o place.bundle\n  aula evidence student 12 1988 HANDLE -o state.bundle\n\n\
                  Then, anywhere: aula-audit verify FILE --genesis genesis.json"
)]
pub struct EvidenceArgs {
    /// About what
    #[command(subcommand)]
    pub about: About,
}

/// About what a bundle is.
#[derive(Debug, Subcommand)]
pub enum About {
    /// A whole round: every request and decision, and that no assignment costs less
    Round {
        /// The round's number
        round: u32,
        /// Where and whence
        #[command(flatten)]
        place: Place,
    },
    /// The decision on one student's request
    Allocation {
        /// The round's number
        round: u32,
        /// The student's pseudonym, 64 hex digits
        handle: String,
        /// Where and whence
        #[command(flatten)]
        place: Place,
    },
    /// Whether a student's state is anchored, and which
    Student {
        /// The district's number
        district: u16,
        /// The school year, by the calendar year in which it starts
        school_year: u16,
        /// The student's pseudonym, 64 hex digits
        handle: String,
        /// Where and whence
        #[command(flatten)]
        place: Place,
    },
}

/// Which node, and which file.
#[derive(Debug, Args)]
pub struct Place {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
    /// Where to write the bundle
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// A height on the way to show as well, for `aula-audit verify --trusted`
    #[arg(long, value_name = "HEIGHT")]
    pub waypoint: Option<u64>,
}

impl About {
    fn place(&self) -> &Place {
        match self {
            Self::Round { place, .. } | Self::Allocation { place, .. } | Self::Student { place, .. } => place,
        }
    }

    fn route(&self) -> String {
        let route = match self {
            Self::Round { round, .. } => format!("round/{round}"),
            Self::Allocation { round, handle, .. } => format!("allocation/{round}/{handle}"),
            Self::Student { district, school_year, handle, .. } => {
                format!("student/{district}/{school_year}/{handle}")
            }
        };
        let waypoint = self.place().waypoint.map(|height| format!("?waypoint={height}")).unwrap_or_default();
        format!("/v1/evidence/{route}{waypoint}")
    }
}

/// Fetches and writes the bundle.
///
/// # Errors
/// When the node refuses, does not have it, or cannot be reached, or the file cannot be written.
pub async fn run(context: &Context, args: &EvidenceArgs) -> Result<Outcome, Failure> {
    let place = args.about.place();
    let client = place.rpc.client(context)?;
    let sender = Sender::of_home(&client, &context.home, 0).await?;
    let reader = client.signed_by(sender.chain_id().clone(), sender.account(), sender.key().clone());
    let bytes = reader.get_bytes(&args.about.route()).await?;
    let hint = "use the same version of the program as the node";
    let bundle = Bundle::from_canonical(&bytes).advise("the node sent no bundle", hint)?;
    let out = absolute(&place.out)?;
    std::fs::write(&out, &bytes).advise(format!("cannot write {}", out.display()), "choose another -o")?;
    let height = bundle.chain.head.header.height;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let kind = bundle.subject.kind();
    let text = format!(
        "{}\n{} bytes about a {kind}, as of height {height}\nsha256 {sha256}\ncheck it: aula-audit verify {} --genesis GENESIS",
        out.display(),
        bytes.len(),
        out.display()
    );
    let json = json!({ "file": out, "kind": kind, "bytes": bytes.len(), "sha256": sha256, "height": height });
    Ok(Outcome::yes(json, text))
}
