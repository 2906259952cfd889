//! Rows as the home's member may read them: its own district's, or those of a round that an auditor takes.
//!
//! Flow: [`Rows::of_home`] asks the node who the home is → a read carries a credential of the one scope that it needs → an
//! auditor whom the ledger does not list yet is listed first, by a TakeRows of its own. Absent: anything public, which needs
//! no home.

use aula_api::district::{OwnRows, OwnStudents};
use aula_api::paths;
use aula_api::transactions::AccountStatus;
use aula_client::Client;
use aula_client::sender::Sender;
use aula_ledger::code::Code;
use aula_ledger::credential::Scope;
use aula_ledger::roles::Role;
use aula_ledger::state::schema::Member;
use aula_ledger::tx::TakeRows;
use aula_ledger::types::{DistrictId, Handle, RoundId, SchoolYear};

use aula_home::NextStep;

use crate::command::vault::record::{LedgerArgs, record};
use crate::command::{Context, Failure};

/// That the home's account acts for no district, where a district's is needed.
pub fn no_district() -> Failure {
    let message = "the home's account acts for no district";
    Failure::new("no_district", message, "give the district's own folder with --home")
}

/// A part of the district's students of a year as the ledger has them, those behind `after`.
///
/// # Errors
/// When the node refuses or cannot be reached.
pub async fn own_students(
    own: &Client,
    district: DistrictId,
    year: SchoolYear,
    after: Option<Handle>,
) -> Result<OwnStudents, Failure> {
    let from = after.map_or_else(String::new, |after| format!("?after={after}"));
    Ok(own.get(&format!("{}{from}", paths::own_students(district, year))).await?)
}

/// A node, and who asks it.
pub struct Rows<'a> {
    context: &'a Context,
    ledger: LedgerArgs,
    client: Client,
    sender: Sender,
    member: Option<Member>,
}

impl<'a> Rows<'a> {
    /// As the home's account.
    ///
    /// # Errors
    /// When the home has no usable key, or the node cannot be reached or knows no such account.
    pub async fn of_home(context: &'a Context, ledger: &LedgerArgs) -> Result<Self, Failure> {
        let client = ledger.rpc.client(context)?;
        let sender = Sender::of_home(&client, &context.home, 0).await?;
        let told: AccountStatus = client.get(&paths::account(sender.account())).await?;
        Ok(Self { context, ledger: ledger.clone(), client, sender, member: told.member })
    }

    /// The district that the home acts for.
    pub fn district(&self) -> Option<DistrictId> {
        self.member.as_ref()?.district
    }

    /// The same, where only a district's home will do.
    ///
    /// # Errors
    /// When it acts for none.
    pub fn own_district(&self) -> Result<DistrictId, Failure> {
        self.district().ok_or_else(no_district)
    }

    /// What of the district stands in a round on the ledger, with what became of it.
    ///
    /// # Errors
    /// When the home is not a district's, or the node refuses or cannot be reached.
    pub async fn own_rows(&self, round: RoundId) -> Result<OwnRows, Failure> {
        let district = self.own_district()?;
        Ok(self.own().get(&paths::own_rows(district, round)).await?)
    }

    /// True when the home is an auditor's.
    pub fn is_auditor(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.roles.has(Role::Auditor))
    }

    /// A client that asks for what is public.
    pub const fn public(&self) -> &Client {
        &self.client
    }

    /// A client that asks for the district's own rows.
    pub fn own(&self) -> Client {
        self.scoped(Scope::District)
    }

    /// A client that asks about the funder's own money.
    pub fn money(&self) -> Client {
        self.scoped(Scope::Money)
    }

    fn scoped(&self, scope: Scope) -> Client {
        self.client.signed_by(*self.sender.genesis(), self.sender.account(), self.sender.key().clone(), scope)
    }

    /// GET of something with rows of a round, as an auditor: listed on the ledger first where it is not.
    ///
    /// # Errors
    /// When the node refuses or cannot be reached, or the ledger does not list the auditor.
    pub async fn of_round(&self, round: RoundId, path: &str) -> Result<Vec<u8>, Failure> {
        let reader = self.scoped(Scope::Round(round));
        match reader.get_bytes(path).await {
            Err(error) if error.code() == "not_listed" => {}
            told => return Ok(told?),
        }
        self.context
            .tell(format_args!("listing on the ledger that this auditor takes the rows of round {round}"));
        let recorded = record(self.context, &self.ledger, TakeRows { round }).await?;
        if recorded.code != Code::Accepted {
            return Err(recorded.refusal("the taking of rows"));
        }
        Ok(reader.get_bytes(path).await?)
    }

    /// GET of something with a student's row: as the district whose student it is, else as an auditor of this round.
    ///
    /// # Errors
    /// As [`Rows::of_round`]; a home that is neither, an auditor who names no round.
    pub async fn of_student(&self, round: Option<RoundId>, path: &str) -> Result<Vec<u8>, Failure> {
        match (self.is_auditor(), round) {
            (true, Some(round)) => self.of_round(round, path).await,
            (true, None) => Err(Failure::new(
                "which_round",
                "an auditor reads a student's state for a round whose rows it has taken",
                "name it with --round",
            )),
            (false, _) => Ok(self.own().get_bytes(path).await?),
        }
    }
}
