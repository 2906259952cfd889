//! `aula vault consent`: a family's word, on the ledger and in the vault.
//!
//! A withdrawal denies reads at once and is recorded after; a consent allows them only once it is final. So the vault
//! never knows more consent than the ledger, whatever fails in between.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aula_files::{MOST_GIVEN_BYTES, read_at_most};
use aula_ledger::access::{ConsentChoice, Purpose};
use aula_ledger::code::Code;
use aula_ledger::tx::{ConsentEntry, RecordConsent};
use aula_ledger::types::{Handle, Hash, SchoolYear};
use aula_store::sha256;
use aula_vault::{Vault, VaultError};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::{Advise, Context, Failure, Outcome};
use super::record::{LedgerArgs, record};
use super::{Place, handle, refused};

/// Arguments of `aula vault consent`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault consent give HANDLE --form signed.pdf --rpc http://127.0.0.1:8480\n  aula vault consent \
                        withdraw HANDLE HANDLE --form letter.pdf\n\nThe ledger holds the form's SHA-256; the form stays with the \
                        district. The vault must not be open elsewhere."
)]
pub struct ConsentArgs {
    /// What the family said
    pub word: Word,
    /// The students' pseudonyms, 64 hex digits each
    #[arg(required = true)]
    pub handles: Vec<String>,
    /// The signed form, as a file of any kind: its SHA-256 goes to the ledger
    #[arg(long, value_name = "FILE")]
    pub form: PathBuf,
    /// Where the word is recorded
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// Given or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Word {
    /// The family agrees that teachers, counselors and administrators read what they need
    Give,
    /// The family no longer agrees
    Withdraw,
}

const PURPOSE: Purpose = Purpose::EducationalNecessity;

/// Records it.
///
/// # Errors
/// An unknown handle or a missing form before anything has changed; a ledger that rejects or cannot be reached.
pub async fn run(context: &Context, place: &Place, args: &ConsentArgs) -> Result<Outcome, Failure> {
    let evidence = form(&args.form)?;
    let handles: Vec<Handle> = args.handles.iter().map(|text| handle(text)).collect::<Result<_, _>>()?;
    let vault = place.open(context)?;
    let years = by_year(&vault, &handles)?;
    let choice = match args.word {
        Word::Give => ConsentChoice::Given,
        Word::Withdraw => ConsentChoice::Withdrawn,
    };
    if choice == ConsentChoice::Withdrawn {
        vault.keep_consent(&handles, PURPOSE, choice).map_err(refused)?;
    }
    let mut receipts = Vec::new();
    for (school_year, handles) in years {
        let entries = handles.iter().map(|handle| ConsentEntry { handle: *handle, evidence }).collect();
        let payload = RecordConsent { school_year, purpose: PURPOSE, choice, entries };
        let recorded = record(context, &args.ledger, payload).await?;
        // One family alone may say again what stands; a batch with such an entry is corrected by hand.
        let stands = recorded.code == Code::ConsentUnchanged && handles.len() == 1;
        if recorded.code != Code::Accepted && !stands {
            return Err(recorded.refusal("the consent"));
        }
        if choice == ConsentChoice::Given {
            vault.keep_consent(&handles, PURPOSE, choice).map_err(refused)?;
        }
        receipts.push(json!({
            "school_year": school_year, "transaction": recorded.id, "height": recorded.height, "handles": handles.len(),
        }));
    }
    let done = match args.word {
        Word::Give => "consent given, recorded on the ledger",
        Word::Withdraw => "consent withdrawn: reads are denied from now on; recorded on the ledger",
    };
    Ok(Outcome::yes(json!({ "purpose": PURPOSE, "choice": choice, "receipts": receipts }), done))
}

fn form(path: &Path) -> Result<Hash, Failure> {
    let bytes = read_at_most(path, MOST_GIVEN_BYTES)
        .advise(format!("cannot read {}", path.display()), "name the signed form")?;
    Ok(sha256(&bytes))
}

/// The handles by their school years, each ascending and once.
fn by_year(vault: &Vault, handles: &[Handle]) -> Result<BTreeMap<SchoolYear, Vec<Handle>>, Failure> {
    let mut years: BTreeMap<SchoolYear, Vec<Handle>> = BTreeMap::new();
    for handle in handles {
        let found = vault.keystore().student(handle);
        let (year, _) = found.ok_or_else(|| refused(VaultError::UnknownHandle(*handle)))?;
        years.entry(year).or_default().push(*handle);
    }
    for handles in years.values_mut() {
        handles.sort_unstable();
        handles.dedup();
    }
    Ok(years)
}
