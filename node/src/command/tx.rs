//! `aula tx KIND JSON`: any transaction, signed with the home's account key, submitted, and followed until final.
//!
//! The fields of a kind are those of its payload in the ledger, as JSON; rotate-key needs none and makes the new key.
//! Shares of seeds are sent by validators' nodes themselves, with an account of their own. Exit codes: 0 executed,
//! 1 rejected by the ledger, in a block or before (with the code in words), 2 not taken for another
//! reason (malformed, too large, no room), or not final in time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aula_api::PublicEvent;
use aula_api::paths;
use aula_api::transactions::TransactionStatus;
use aula_client::sender::{Sender, submit};
use aula_client::{Client, ClientError};
use aula_files::Access;
use aula_home::Home;
use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::keys::{Label, sign};
use aula_ledger::tx::admin::rotate_key::{KeyName, possession_statement};
use aula_ledger::tx::{Payload, PayloadKind, RotateKey, TransactionId};
use clap::Args;
use serde_json::{Value, json};

use super::rpc::RpcArgs;
use super::{Advise, Context, Failure, Outcome, given};

/// For how long a node may not know a transaction that it took: it is sent again then.
const FORGOTTEN: Duration = Duration::from_secs(1);

/// Arguments of `aula tx`.
#[derive(Debug, Args)]
#[command(
    after_help = "Kinds: register-member, propose-change, vote-change, rotate-key, record-access, ready, change-school, anchor-estate, report-misbehaviour, anchor-head, anchor-states, \
                  record-milestone, record-consent, record-erasure, record-audit, take-rows, fund-budget, budget-statement, \
                  equity-statement, grant-budget, define-class, define-pool, open-round, commit-seed, submit-requests, reveal-seed, run-round, \
                  acknowledge, report-utilisation, set-class-terms, retire-pool\n\n\
                  Examples:\n  aula tx fund-budget '{\"school_year\":1989,\"amount_cents\":500000}' --home D/funder --rpc \
                  http://127.0.0.1:8480\n  aula tx vote-change '{\"proposal\":1,\"choice\":\"approve\"}'\n  aula tx propose-change \
                  '{\"change\":{\"change\":\"remove_member\",\"account\":\"...\"},\"open_until\":5000}'\n  aula tx set-class-terms \
                  '{\"class\":3,\"terms\":{\"cadence\":\"weekly\"}}'\n  aula tx submit-requests @requests.json\n  aula tx rotate-key    makes the new key and puts it in force\n\ncommit-seed and reveal-seed are \
                  sent by validators' nodes themselves, with HOME/keys/seed.json; no other account may.\n\nExit \
                  codes: 0 executed, 1 rejected by the ledger, in a block or at once (`height` is null then), 2 refused for \
                  another reason, or not final in time."
)]
pub struct TxArgs {
    /// The kind of transaction, one of those below
    pub kind: String,
    /// Its fields as JSON: the text itself, @FILE, or - for standard input; `{}` where the kind has none
    #[arg(default_value = "{}")]
    pub fields: String,
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
    /// Print the id and exit, without waiting until it is final
    #[arg(long)]
    pub no_wait: bool,
    /// How long to wait until it is final, in seconds
    #[arg(long, default_value_t = 60)]
    pub wait_s: u64,
    /// For how many heights from now it may still enter a block; after them it is void
    #[arg(long, default_value_t = 1_000)]
    pub valid_for: u64,
}

/// Sends the transaction and says what became of it.
///
/// # Errors
/// When the fields are not the kind's, the node refuses it or cannot be reached, or it is not final in time.
pub async fn run(context: &Context, args: &TxArgs) -> Result<Outcome, Failure> {
    let kind = kind(&args.kind)?;
    let client = args.rpc.client(context)?;
    let mut sender = Sender::of_home(&client, &context.home, args.valid_for).await?;
    let payload = payload(context, &sender, kind, &args.fields)?;
    let limit = Duration::from_secs(args.wait_s);
    let (id, told) = if args.no_wait {
        match sender.offer(&client, payload).await? {
            (signed, None) => {
                let json = json!({ "id": signed.id, "kind": kind.name(), "status": "pending" });
                return Ok(Outcome::yes(json, format!("{} waits\nid {}", kind.name(), signed.id)));
            }
            (signed, Some(refused)) => (signed.id, at_the_door(signed.id, refused)?),
        }
    } else {
        settle(&client, &mut sender, payload, limit).await?
    };
    let accepted = told.code == Some(0);
    if kind == PayloadKind::RotateKey {
        settle_rotation(&context.home, &sender, accepted)?;
    }
    let text = match (accepted, told.height) {
        (true, Some(height)) => {
            let events = told.events.as_deref().unwrap_or_default();
            format!("{} executed in block {height}\nid {id}{}", kind.name(), lines(events))
        }
        _ => format!("{} {}", kind.name(), rejected(&told)),
    };
    let json = json!({
        "id": id, "kind": kind.name(), "status": told.status, "code": told.code,
        "meaning": told.meaning.unwrap_or_default(), "entry": told.entry, "height": told.height,
        "events": told.events.unwrap_or_default(),
    });
    Ok(if accepted { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

/// What the ledger says to what it did not take.
pub(super) fn rejected(told: &TransactionStatus) -> String {
    let meaning = told.meaning.as_deref().unwrap_or_default();
    let entry = told.entry.map(|entry| format!(", entry {entry}")).unwrap_or_default();
    let code = told.code.unwrap_or_default();
    let place = match told.height {
        Some(height) => format!("rejected in block {height}"),
        None => "rejected before it was in a block, so that no sequence number is used up".to_owned(),
    };
    format!("{place}: {meaning} (code {code}{entry})\nid {}", told.id)
}

/// What became of a transaction that a node did not take: what the ledger's state refuses is as rejected there as in a block.
///
/// # Errors
/// Every other refusal.
fn at_the_door(id: TransactionId, refused: ClientError) -> Result<TransactionStatus, Failure> {
    let Some(code) = refused.rejection() else { return Err(refused.into()) };
    Ok(TransactionStatus {
        id,
        status: "rejected".to_owned(),
        code: Some(code.number().into()),
        meaning: Some(code.explain().to_owned()),
        entry: None,
        height: None,
        index: None,
        events: None,
        statement: None,
    })
}

fn lines(events: &[PublicEvent]) -> String {
    events.iter().map(|event| format!("\n{event}")).collect()
}

/// `fund-budget` or `FundBudget`.
fn kind(text: &str) -> Result<PayloadKind, Failure> {
    let plain = |text: &str| text.replace('-', "").to_ascii_lowercase();
    let found = PayloadKind::ALL.iter().find(|kind| plain(kind.name()) == plain(text));
    found.copied().ok_or_else(|| {
        let message = format!("there is no transaction {text:?}");
        Failure::new("unknown_kind", message, "see the kinds with `aula tx --help`")
    })
}

fn payload(context: &Context, sender: &Sender, kind: PayloadKind, fields: &str) -> Result<Payload, Failure> {
    let text = match fields.strip_prefix('@') {
        Some(file) => {
            given::text(Path::new(file)).advise(format!("cannot read {file}"), "name a file of JSON")?
        }
        None if fields == "-" => {
            given::text(Path::new(fields)).advise("cannot read standard input", "pipe JSON into it")?
        }
        None => fields.to_owned(),
    };
    let hint = "the fields are those of the payload: `aula tx --help` shows examples, and the message names the one at fault";
    let mut value: Value = serde_json::from_str(&text).advise("the fields are not JSON", hint)?;
    let object = value
        .as_object_mut()
        .ok_or_else(|| Failure::new("bad_fields", "the fields are not an object", hint))?;
    match kind {
        PayloadKind::RotateKey if object.is_empty() => return rotate(context, sender),
        _ => {}
    }
    object.insert("transaction".into(), kind.name().into());
    let what = format!("these are not the fields of {}", kind.name());
    serde_json::from_value(value)
        .map_err(|error| Failure::new("bad_fields", format!("{what}: {error}"), hint))
}

fn next_key(home: &Home) -> PathBuf {
    home.keys_dir().join("account.next.json")
}

/// A new account key beside the old one; an earlier attempt's is used again.
pub(super) fn rotate(context: &Context, sender: &Sender) -> Result<Payload, Failure> {
    let path = next_key(&context.home);
    if !path.exists() {
        NodeKey::generate(KeyKind::Account).save(&path)?;
    }
    let key = NodeKey::load(&path, KeyKind::Account)?;
    let statement = possession_statement(sender.genesis(), &sender.account());
    let possession = sign(key.signing_key(), Label::KeyRotation, &statement);
    Ok(RotateKey { key: KeyName::Account, public_key: key.public(), possession, replaces: None }.into())
}

/// Puts the new key in the old one's place, which is kept under another name; after a refusal nothing moves.
pub(super) fn settle_rotation(home: &Home, sender: &Sender, accepted: bool) -> Result<(), Failure> {
    let next = next_key(home);
    if !accepted || !next.exists() {
        return Ok(());
    }
    let hint =
        "the ledger has the new key already: put keys/account.next.json in the place of keys/account.json";
    let current = NodeKey::path(home, KeyKind::Account);
    let mut old = home.keys_dir().join("account.replaced.json");
    for number in 2.. {
        if !old.exists() {
            break;
        }
        old = home.keys_dir().join(format!("account.replaced-{number}.json"));
    }
    let id = format!("{}\n", sender.account());
    let file = aula_client::sender::account_file(home);
    aula_files::replace(&file, Access::Public, id.as_bytes()).advise("cannot write keys/account.id", hint)?;
    fs::rename(&current, &old).advise("cannot move the old key", hint)?;
    fs::rename(&next, &current).advise("cannot move the new key", hint)
}

/// Sends a transaction and follows it until it is in a block, or the ledger's state refuses it: then it has no height.
///
/// Two nodes may each have taken a transaction of the account under one number, and a node may have been started again:
/// what the asked one has forgotten is signed anew when it can never be in a block, and else sent again as it is.
///
/// # Errors
/// When the node refuses it or cannot be reached, or it is not final in time.
pub(super) async fn settle(
    client: &Client,
    sender: &mut Sender,
    payload: impl Into<Payload>,
    limit: Duration,
) -> Result<(TransactionId, TransactionStatus), Failure> {
    let (payload, start) = (payload.into(), Instant::now());
    loop {
        let (signed, mut refused) = sender.offer(client, payload.clone()).await?;
        loop {
            if let Some(refused) = refused {
                return Ok((signed.id, at_the_door(signed.id, refused)?));
            }
            let left = limit.saturating_sub(start.elapsed());
            let told = follow(client, &signed.id.to_string(), left).await?;
            if told.height.is_some() {
                return Ok((signed.id, told));
            }
            if sender.is_overtaken(client, &signed).await? {
                break;
            }
            refused = submit(client, &signed).await.err();
        }
        sender.refresh(client).await?;
    }
}

/// Asks until the transaction is in a block, or the node has forgotten it.
async fn follow(client: &Client, id: &str, limit: Duration) -> Result<TransactionStatus, Failure> {
    let start = Instant::now();
    loop {
        let told: TransactionStatus = client.get(&paths::transaction(id)).await?;
        let forgotten = told.status == "unknown" && start.elapsed() > FORGOTTEN;
        if told.height.is_some() || (forgotten && start.elapsed() <= limit) {
            return Ok(told);
        }
        if start.elapsed() > limit {
            let message = format!("transaction {id} is {} after {} s", told.status, limit.as_secs());
            let hint = "look at `aula status`: are more than two thirds of the validators up?";
            return Err(Failure::new("not_final", message, hint));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_in_either_spelling_and_others_are_not() {
        assert_eq!(kind("fund-budget").ok(), Some(PayloadKind::FundBudget));
        assert_eq!(kind("FundBudget").ok(), Some(PayloadKind::FundBudget));
        assert!(kind("print-money").is_err_and(|failure| failure.code == "unknown_kind"));
    }

    #[test]
    fn what_the_state_refuses_is_rejected_before_a_block_too_and_what_the_door_refuses_is_not() {
        let refused = |number: u16| {
            let (code, message, hint) = ("rejected".to_owned(), "no".to_owned(), "wait".to_owned());
            let detail = aula_api::ErrorDetail { code, message, hint, ledger_code: Some(number) };
            at_the_door(TransactionId::default(), ClientError::Refused(detail))
        };
        for number in [100, 189, 193] {
            let told = refused(number).ok();
            assert_eq!(told.as_ref().map(|told| (told.code, told.height)), Some((Some(number), None)));
            let text = told.map(|told| rejected(&told)).unwrap_or_default();
            assert!(text.contains(&format!("(code {number})")) && !text.contains("block 0"), "{text}");
        }
        for number in [1, 9, 1_001, 1_003] {
            assert!(refused(number).is_err_and(|failure| failure.code == "rejected"), "{number}");
        }
    }

    #[test]
    fn every_kind_in_the_help_is_one_and_every_kind_is_in_the_help() {
        use clap::CommandFactory;
        #[derive(clap::Parser)]
        struct Shell {
            #[command(flatten)]
            args: TxArgs,
        }
        let help = Shell::command().get_after_help().map(ToString::to_string).unwrap_or_default();
        let list = help.lines().next().and_then(|line| line.strip_prefix("Kinds: ")).unwrap_or_default();
        let named: Vec<_> = list.split(", ").filter_map(|text| kind(text).ok()).collect();
        assert_eq!(named, PayloadKind::ALL);
    }
}
