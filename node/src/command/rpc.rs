//! Which node a subcommand asks: `--rpc`, else the one of the home's configuration.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use aula_client::Client;
use aula_home::config::Config;
use clap::Args;

use super::{Context, Failure};

/// The node to ask; part of every subcommand that asks one.
#[derive(Debug, Clone, Args)]
pub struct RpcArgs {
    /// The node's URL [default: the address in the home's config.toml]
    #[arg(long, env = "AULA_RPC", value_name = "URL", global = true)]
    pub rpc: Option<String>,
    /// Certificate authorities to trust beside this machine's, PEM; SSL_CERT_FILE is heard too
    #[arg(long, env = "AULA_CA", value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,
}

impl RpcArgs {
    /// A client of that node.
    ///
    /// # Errors
    /// When the URL or the configuration is not valid.
    pub fn client(&self, context: &Context) -> Result<Client, Failure> {
        if let Some(rpc) = &self.rpc {
            return Ok(Client::trusting(rpc, self.ca.as_deref())?);
        }
        let api = Config::load(&context.home)?.api;
        let scheme = if api.tls_certificate.is_some() { "https" } else { "http" };
        Ok(Client::trusting(&format!("{scheme}://{}", reached(api.listen)), self.ca.as_deref())?)
    }
}

/// Where this machine reaches a node that listens there: one that listens everywhere, at itself.
fn reached(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
