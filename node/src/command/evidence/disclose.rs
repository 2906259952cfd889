//! What a district adds to a bundle from its own vault: opened fields, a proof of one student's band.
//!
//! The node that built the bundle has none of this. Both read the student's state through the vault's access check,
//! which lists the read before anything is opened, as the [`Act`] that it is: fields of a state are personal data, for a
//! reader with a credential and with the family's consent; a band is open by design. Invariants: what leaves is what was granted; a
//! record that does not give the anchored hash adds nothing. Absent: sending.

use std::collections::BTreeSet;
use std::path::Path;

use aula_district::twin_record::Provable;
use aula_district::twin_state::{blinding, input_openings, salted_fields};
use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::access::Purpose;
use aula_ledger::audit::open::{anchored_leaf, attach_band, list_read, open_fields};
use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::codec::Canonical;
use aula_ledger::credential::Credential;
use aula_ledger::names::FieldName;
use aula_ledger::proof::need::NeedStatement;
use aula_ledger::proof::student_state::SaltedField;
use aula_ledger::state::schema::{AccessLog, RequestRow, Round};
use aula_vault::access::{needs, role_of};
use aula_vault::{Vault, vault};
use aula_zk::Opening;
use rand::rngs::OsRng;

use super::act::Act;
use super::reader::Reader;
use super::undisclosed::{HINT, Undisclosed};
use crate::command::twin_parameters::Voted;
use crate::command::vault::{Place, credential, refused};
use crate::command::{Advise, Context, DEFECT, Failure};

/// A district's own home: its vault, its account key, and the reader's credential if one was given.
pub struct Own<'a> {
    /// Where the home is, and how the answer is printed.
    pub context: &'a Context,
    /// Where the vault is.
    pub place: &'a Place,
    /// The reader's credential.
    pub reader: Option<&'a Path>,
    /// What the operator does where none is given.
    pub act: Act,
}

impl Own<'_> {
    /// True when the home holds a vault.
    ///
    /// # Errors
    /// When the working directory cannot be read.
    pub fn has_vault(&self) -> Result<bool, Failure> {
        Ok(vault::is_there(&self.place.folders(self.context)?.data))
    }

    /// Opens the fields named, such as `skill:00001` or `need`, of the student that the bundle is about.
    ///
    /// # Errors
    /// [`Undisclosed`].
    pub fn fields(&self, bundle: &mut Bundle, names: &str, voted: Option<&Voted>) -> Result<(), Undisclosed> {
        let Subject::Student(student) = &bundle.subject else { return Ok(()) };
        let handle = student.handle;
        let leaf = anchored_leaf(bundle).advise("nothing can be opened", "the student must be anchored")?;
        let names: BTreeSet<String> = names.split(',').map(|name| name.trim().replace('/', ":")).collect();
        let asked: Result<Vec<FieldName>, _> = names.iter().map(|name| FieldName::new(name)).collect();
        let asked = asked.advise("a field's name is not valid", "name fields as skill:00001 or need")?;
        let provable = self.reader()?.personal(handle, asked)?;
        let params = known(voted)?.version(leaf.parameters)?.params;
        let salted = salted_fields(&provable.state, u64::from(leaf.version), &provable.secret, &params)
            .map_err(|why| Failure::because(why, HINT))?;
        let granted = provable.granted.iter().map(|name| name.as_str().replace(':', "/")).collect();
        lacking(&salted, &granted, &provable)?;
        let version = u64::from(leaf.version);
        open_fields(bundle, &salted, &granted, |field| blinding(&provable.secret, field, version))
            .advise("the fields cannot be opened", HINT)?;
        Ok(())
    }

    /// The open vault with a reader before it.
    ///
    /// # Errors
    /// A vault that cannot be opened, keys or a credential that cannot be read.
    pub fn reader(&self) -> Result<Reader, Failure> {
        let vault = self.place.open(self.context)?;
        let (credential, purpose) = self.credential(&vault)?;
        Ok(Reader { key: self.key()?.public(), vault, credential, purpose })
    }

    fn key(&self) -> Result<NodeKey, Failure> {
        Ok(NodeKey::of_home(&self.context.home, KeyKind::Account)?)
    }

    /// Proves the band of the request that the bundle is about, for this student alone.
    ///
    /// # Errors
    /// [`Undisclosed`].
    pub fn band(&self, bundle: &mut Bundle, voted: Option<&Voted>) -> Result<(), Undisclosed> {
        let Subject::Allocation(allocation) = &bundle.subject else { return Ok(()) };
        let request = RequestRow::from_canonical(&allocation.request.row);
        let request = request.advise("the bundle's records cannot be read", HINT)?;
        let claim = request.claim();
        let provable = self.reader()?.open_by_design(claim.handle)?;
        let round = Round::from_canonical(&allocation.context.record.value)
            .advise("the bundle's records cannot be read", HINT)?;
        let in_force = known(voted)?.version(round.parameters)?;
        // The request does not say which version of the state it spoke of; versions are few, and only one fits.
        let openings =
            |version: u64| input_openings(&provable.state, version, &provable.secret, &in_force.params);
        let fits = |openings: &Vec<Opening>| {
            let committed = openings.iter().map(|one| one.commit().map(|commitment| *commitment.as_bytes()));
            committed.eq(claim.inputs.iter().map(|one| Ok(one.0)))
        };
        let versions = (1..=u64::from(provable.version)).rev();
        let found = versions.filter_map(|version| openings(version).ok()).find(fits);
        let openings =
            found.ok_or_else(|| Failure::because("the record's inputs are not the committed ones", HINT))?;
        let chain = &bundle.chain.head.header.genesis;
        let rule = &in_force.voted.parameters.need;
        let statement = NeedStatement::of(chain, allocation.context.round, rule, &[claim])
            .advise("the band has no statement", HINT)?;
        let proof =
            statement.prove(rule, &[openings], &mut OsRng).advise("the band cannot be proved", HINT)?;
        attach_band(bundle, proof).advise("the proof does not fit the bundle", HINT)?;
        Ok(())
    }

    /// Shows an entry of the access log in a bundle about that log.
    ///
    /// # Errors
    /// [`Undisclosed::Failed`] when the anchored log does not have it.
    pub fn listed(&self, bundle: &mut Bundle, number: u64) -> Result<(), Undisclosed> {
        let Subject::Access(access) = &bundle.subject else { return Ok(()) };
        let log =
            AccessLog::from_canonical(&access.log.value).advise("the log's record cannot be read", HINT)?;
        let vault = self.place.open(self.context)?;
        let found = vault.entry_in(number, log.head.leaf_count).map_err(refused)?;
        let (entry, path) = found.ok_or_else(|| {
            let message = format!("entry {number} is not in the anchored log");
            Failure::new("not_anchored", message, "anchor the log with `aula vault log anchor`")
        })?;
        list_read(bundle, &entry, path).advise("the entry cannot be shown", HINT)?;
        Ok(())
    }

    /// The reader's credential with what its role reads for, or one that the district's own key signs for this act.
    fn credential(&self, vault: &Vault) -> Result<(Credential, Purpose), Failure> {
        if let Some(path) = self.reader {
            let credential = credential(path)?;
            let usual = role_of(&credential).and_then(|role| role.purposes().first().copied());
            return Ok((credential, usual.unwrap_or(Purpose::EducationalNecessity)));
        }
        Ok((self.act.credential(vault, &self.key()?)?, self.act.purpose))
    }
}

/// The parameters that states were folded with.
fn known(voted: Option<&Voted>) -> Result<&Voted, Failure> {
    voted.ok_or_else(|| Failure::because("the twins' parameters were not asked for", DEFECT))
}

/// Refuses names that the state does not have, and says which of its names the reader's role needs.
fn lacking(salted: &[SaltedField], asked: &BTreeSet<String>, provable: &Provable) -> Result<(), Undisclosed> {
    let word = |name: &str| name.replace('/', ":");
    let present = |name: &&String| salted.iter().any(|field| field.field == **name);
    let lacks: Vec<String> = asked.iter().filter(|name| !present(name)).map(|name| word(name)).collect();
    if lacks.is_empty() {
        return Ok(());
    }
    let names = salted.iter().map(|field| word(&field.field));
    let needed = |name: &String| {
        let field = FieldName::new(name).ok();
        provable.role.zip(field).is_some_and(|(role, field)| needs(role, &field))
    };
    Err(Undisclosed::NoField { lacks, has: names.filter(needed).collect() })
}
