//! `aula start`: runs the node until SIGINT or SIGTERM. Prints one line when it is up.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use aula_home::UpLine;
use aula_home::config::{Config, Role};
use aula_home::keys::{KeyKind, NodeKey, peer_id};
use aula_server::wiring::{self, Served, StartOptions};
use clap::Args;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

use super::{Advise, Answer, Context, Failure, Outcome};
use crate::service_manager::ServiceManager;
use crate::terminal::follow_filter;

/// Arguments of `aula start`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula start --home /srv/district-07\n  aula start --listen 127.0.0.1:9000 --log info\n\nStop it with \
                  SIGTERM or Ctrl-C: everything final is on disk at any time. The API listens on loopback; any other \
                  address needs [api] tls_certificate and tls_key."
)]
pub struct StartArgs {
    /// Address of the API and the explorer [default: the config's, else 127.0.0.1:8480]
    #[arg(long, env = "AULA_API_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where to listen for peers, an IP address of this machine [default: the config's, else /ip4/127.0.0.1/tcp/8481]
    #[arg(long, env = "AULA_P2P_LISTEN", value_name = "MULTIADDR")]
    pub p2p: Option<String>,
    /// A further peer, /ip4/ADDRESS/tcp/PORT/p2p/ID
    #[arg(long, env = "AULA_P2P_PEERS", value_delimiter = ',', value_name = "MULTIADDR")]
    pub peer: Vec<String>,
    /// PEM file of the API's certificate chain; with it the API speaks TLS [default: the config's]
    #[arg(long, env = "AULA_API_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of that certificate's private key [default: the config's]
    #[arg(long, env = "AULA_API_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Only follow: never vote
    #[arg(long)]
    pub follower: bool,
    /// After the loss of consensus/sign_guard: a height above everything this node's key may have signed
    #[arg(long, value_name = "HEIGHT")]
    pub confirmed_height: Option<u64>,
    /// This process began as another that has a snapshot now: say nothing on standard output
    #[arg(long, hide = true)]
    pub again: bool,
    /// Stop when standard input ends; for a parent process
    #[arg(long, hide = true)]
    pub stop_with_stdin: bool,
}

/// Runs the node.
///
/// # Errors
/// When it cannot start, or stops by itself.
pub async fn run(context: &Context, args: &StartArgs) -> Result<Outcome, Failure> {
    let mut config = Config::load(&context.home)?;
    config.api.listen = args.listen.unwrap_or(config.api.listen);
    config.api.tls_certificate = args.tls_certificate.clone().or(config.api.tls_certificate);
    config.api.tls_key = args.tls_key.clone().or(config.api.tls_key);
    config.p2p.listen = args.p2p.clone().unwrap_or(config.p2p.listen);
    config.p2p.peers.extend(args.peer.iter().cloned());
    if args.follower {
        config.consensus.role = Role::Follower;
    }
    config.check()?;
    // Installed before anything starts: a signal during the start is not lost.
    let mut stop = Box::pin(stop_signal(args.stop_with_stdin)?);
    follow_filter(context);
    let claimed = tokio::select! {
        claimed = wiring::claim(&context.home, &config) => claimed?,
        // Nothing was started yet.
        () = &mut stop => return Ok(Outcome::printed()),
    };
    let options = StartOptions { confirmed_height: args.confirmed_height };
    let running = wiring::start(&context.home, &config, &options, claimed).await?;
    let id = NodeKey::of_home(&context.home, KeyKind::Network)
        .ok()
        .and_then(|key| peer_id(&key.public()))
        .unwrap_or_default();
    let up = UpLine {
        chain_id: running.genesis.chain_id.to_string(),
        rpc: running.origin.clone(),
        p2p: format!("{}/p2p/{id}", config.p2p.reached_at()),
        height: running.db.latest().tip().height.0,
    };
    let text = format!(
        "{} is up at height {}.\nexplorer and API  {}\npeers reach it at {}",
        up.chain_id, up.height, up.rpc, up.p2p
    );
    if !args.again {
        // A closed standard output must not end the node.
        let _ = context.print(&Answer::new(&up, text));
    }
    let manager = ServiceManager::of_this_process();
    manager.ready(&format!("at height {}", up.height));
    tokio::spawn(manager.clone().attend(running.pulse()));
    let stop = async move {
        stop.await;
        manager.stopping();
    };
    match running.serve(aula_pages::site::router, stop).await? {
        Served::Stopped => Ok(Outcome::printed()),
        Served::Anew => Err(begin_anew()),
    }
}

/// Replaces this process by itself, under the same number, with the same arguments and standard streams: everything that has
/// the old database open ends with it. Gives back why it could not.
fn begin_anew() -> Failure {
    let mut command = std::process::Command::new("/proc/self/exe");
    command.args(std::env::args_os().skip(1).filter(|word| word != "--again")).arg("--again");
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    let error = command.exec();
    Failure::because(
        format!("the process cannot begin anew with the snapshot: {error}"),
        "start the node again: the snapshot is there and is taken in",
    )
}

/// Done at SIGINT, SIGTERM, or, when asked for, at the end of standard input.
///
/// # Errors
/// When signals cannot be listened to.
pub fn stop_signal(with_stdin: bool) -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let hint = "run it in an ordinary process";
    let mut interrupt = signal(SignalKind::interrupt()).advise("cannot listen to signals", hint)?;
    let mut terminate = signal(SignalKind::terminate()).advise("cannot listen to signals", hint)?;
    Ok(async move {
        let stdin_ends = async {
            if !with_stdin {
                return std::future::pending().await;
            }
            let mut stdin = tokio::io::stdin();
            let mut ignored = [0; 64];
            while stdin.read(&mut ignored).await.is_ok_and(|n| n > 0) {}
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = stdin_ends => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::OutputFormat;
    use aula_home::Home;

    #[tokio::test]
    async fn a_collector_of_spans_outside_of_the_places_keeps_a_node_from_starting()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().canonicalize()?;
        let context = Context { home: Home::at(root.clone()), output: OutputFormat::Text, log: None };
        let text = format!(
            "[telemetry]\notlp = 'https://spans.example:4318'\n[[sovereignty.place]]\nname = 'county'\nfolders = ['{}']\nhosts = ['county.example']\n",
            root.display()
        );
        std::fs::write(context.home.config_file(), &text)?;
        let args = StartArgs {
            listen: None,
            p2p: None,
            peer: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            follower: false,
            confirmed_height: None,
            again: false,
            stop_with_stdin: false,
        };
        let refused = run(&context, &args).await.err().map(|failure| failure.message).unwrap_or_default();
        assert!(refused.contains("[telemetry] otlp would be spans.example"), "{refused}");
        std::fs::write(context.home.config_file(), text.replace("county.example", "spans.example"))?;
        assert!(Config::load(&context.home).is_ok());
        Ok(())
    }
}
