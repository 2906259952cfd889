//! `aula join`: makes this home a follower of a chain, from its genesis file and a peer's address alone.
//!
//! The node begins with a snapshot of its peers where they have one, checked against a certified state root
//! ([`aula_server::upkeep::newcomer`]), fetches the blocks after it, or all of them, by value sync, and executes them itself. It signs
//! nothing until its key is in the validator set: from the start for a founder; for everybody else after a vote on
//! HOME/request.json, which this command writes, and the node's own word that it is level. Nor does it before the chain that it
//! follows is proven: by the block of --trusted, or by one that is less than a day old.

use aula_files::Access;
use aula_home::config::{Api, Config, set};
use aula_home::operator::{Choice, make};
use aula_ledger::genesis::Genesis;
use aula_ledger::roles::Role;
use aula_server::bootstrap::{db_options, open_database};
use aula_server::wiring;
use clap::Args;
use serde_json::json;

use super::consortium::request::{self, Asked};
use super::{Advise, Context, Failure, Outcome};

mod genesis;

/// Arguments of `aula join`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula join --home /srv/district-07 --genesis county.json \\\n    --peer /ip4/192.0.2.7/tcp/8481/p2p/12D3KooW... \\\n    --name lake --district 5 --district-name \"Lake County\"\n  \
                  aula start --home /srv/district-07\n\nCompare the SHA-256 it prints with the published one. Unless the \
                  genesis knows this operator, a member proposes HOME/request.json, which admits member, district, peer and \
                  validator by one vote: aula consortium propose request.json. Once the node is level, its log has a HEIGHT:HASH to \
                  compare with another source; where its peers' newest block is more than 24 hours old, it ends and says which one \
                  to give as --trusted."
)]
pub struct JoinArgs {
    /// The consortium's genesis: a file, or a URL that ends in # and the published SHA-256 of the file
    #[arg(long, value_name = "FILE|URL#SHA256")]
    pub genesis: String,
    /// A peer, /ip4/ADDRESS/tcp/PORT/p2p/ID or /dns/NAME/tcp/PORT/p2p/ID; several may be given. The genesis's validators are known
    /// without it
    #[arg(long, value_delimiter = ',', value_name = "MULTIADDR")]
    pub peer: Vec<String>,
    /// The operator's name, 1 to 40 lower-case letters, digits and dashes [default: the one in operator.json, else node]
    #[arg(long)]
    pub name: Option<String>,
    /// Where peers reach this node, as for `aula init` [default: the config's]
    #[arg(long, env = "AULA_P2P_EXTERNAL", value_name = "MULTIADDR")]
    pub p2p: Option<String>,
    /// Address of this node's API and explorer, for example 127.0.0.1:8480 [default: the config's]
    #[arg(long, env = "AULA_API_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    /// A block that you know to be real, from another source than these peers. A snapshot must show it, and blocks that come one
    /// by one must have it, or the node ends; what has it may be more than 24 hours old
    #[arg(long, value_name = "HEIGHT:HASH")]
    pub trusted: Option<String>,
    /// Fetch and execute every block since the genesis, also where peers have a snapshot
    #[arg(long)]
    pub all_blocks: bool,
    /// Never vote, also when this node's key is in the validator set
    #[arg(long)]
    pub follower: bool,
    /// The number of the district it acts for; goes into the request
    #[arg(long, value_name = "N")]
    pub district: Option<u16>,
    /// What people call the district, when it enters with this node; without it the district is one of the consortium
    #[arg(long, value_name = "TEXT", requires = "district")]
    pub district_name: Option<String>,
    /// The roles it asks for, for example consortium,district [default: consortium, and district where one is named]
    #[arg(long, value_delimiter = ',', value_name = "ROLE,...")]
    pub roles: Vec<String>,
}

/// Prepares the home; `aula start` then follows the chain.
///
/// # Errors
/// When the genesis or a peer is refused, or the home belongs to another chain.
pub async fn run(context: &Context, args: &JoinArgs) -> Result<Outcome, Failure> {
    let home = &context.home;
    let hint = "fetch the consortium's genesis file again";
    let what = || format!("the genesis {} is refused", args.genesis);
    let bytes = genesis::read(&args.genesis).await?;
    let parsed = Genesis::parse(&bytes).advise(what(), hint)?;
    if let Some(trusted) = &args.trusted {
        let hint = "write the height and the hash of a block as a source other than these peers tells them";
        aula_server::trusted::parse(trusted)
            .map_err(|why| Failure::new("bad_trusted", format!("--trusted {trusted}: {why}"), hint))?;
    }
    for peer in &args.peer {
        wiring::peer(peer)?;
    }
    let target = home.genesis_file();
    if std::fs::read(&target).is_ok_and(|present| !present.is_empty() && present != bytes) {
        return Err(Failure::new(
            "other_chain",
            format!("{} belongs to another genesis", home.path().display()),
            "give an empty --home",
        ));
    }
    let made = make(home, &Choice { name: args.name.clone(), p2p: args.p2p.clone() })?;
    write_config(context, args)?;
    aula_files::replace(&target, Access::Public, &bytes)
        .advise(format!("cannot write {}", target.display()), "check the space left")?;
    let config = Config::load(home)?;
    drop(open_database(home, db_options(&config), &bytes, &parsed)?);
    let asked = Asked {
        district: args.district,
        district_name: args.district_name.clone(),
        roles: args.roles.iter().map(|text| role(text)).collect::<Result<_, _>>()?,
    };
    let request = request::write(home, &made.operator, &parsed, &asked)?;
    let admission = match &request {
        Some(path) => format!(
            "Send {} to a member: it admits this node by one vote (aula consortium propose request.json). Then it \
             follows, and votes once it is level.",
            path.display()
        ),
        None => "The genesis knows this operator: it votes from the start.".to_owned(),
    };
    let text = format!(
        "{} follows {}.\nsha256 of the genesis  {}  (compare it with the published one)\nthis node's peer id    {}\n\
         {admission}\nNext: aula start --home {}",
        home.path().display(),
        parsed.chain_id,
        parsed.sha256,
        made.operator.peer_id,
        home.path().display()
    );
    let json = json!({
        "home": home.path(), "chain_id": parsed.chain_id, "genesis_sha256": parsed.sha256,
        "peer_id": made.operator.peer_id, "peers": args.peer, "request": request, "trusted": args.trusted,
    });
    Ok(Outcome::yes(json, text))
}

/// A role by its word.
fn role(text: &str) -> Result<Role, Failure> {
    serde_json::from_value(json!(text)).map_err(|_| {
        let message = format!("there is no role {text:?}");
        Failure::new(
            "unknown_role",
            message,
            "the roles are consortium, district, funder, auditor and reader",
        )
    })
}

/// Writes what flags say into the configuration, and tells when that changes a choice made before. What no flag names
/// stays as it is.
fn write_config(context: &Context, args: &JoinArgs) -> Result<(), Failure> {
    let path = context.home.config_file();
    let hint = "check the folder's owner and the space left";
    let before = Config::load(&context.home)?;
    let old = std::fs::read_to_string(&path).advise(format!("cannot read {}", path.display()), hint)?;
    let mut text = old.clone();
    let mut change = |section: &str, key: &str, value: String, was: Option<String>| {
        if let Some(was) = was.filter(|was| *was != value) {
            context.tell(format_args!("{section}.{key} was {was} and is {value} now"));
        }
        text = set(&text, section, key, &value);
    };
    let list = |peers: &[String]| {
        format!("[{}]", peers.iter().map(|peer| format!("\"{peer}\"")).collect::<Vec<_>>().join(", "))
    };
    if !args.peer.is_empty() {
        let was = Some(list(&before.p2p.peers)).filter(|_| !before.p2p.peers.is_empty());
        change("p2p", "peers", list(&args.peer), was);
    }
    if let Some(trusted) = &args.trusted {
        let was = before.p2p.trusted.as_ref().map(|was| format!("\"{was}\""));
        change("p2p", "trusted", format!("\"{trusted}\""), was);
    }
    if args.all_blocks {
        change("storage", "begin_with", "\"blocks\"".into(), None);
    }
    if args.follower {
        change("consensus", "role", "\"follower\"".into(), None);
    }
    if let Some(listen) = &args.listen {
        let was =
            Some(format!("\"{}\"", before.api.listen)).filter(|_| before.api.listen != Api::default().listen);
        change("api", "listen", format!("\"{listen}\""), was);
    }
    if text == old {
        return Ok(());
    }
    aula_files::replace(&path, Access::Public, text.as_bytes())
        .advise(format!("cannot write {}", path.display()), hint)
}
