//! Which node a subcommand asks: `--rpc`, else the one of the home's configuration.

use clap::Args;

use super::{Context, Failure};
use crate::client::Client;
use crate::config::Config;

/// The node to ask; part of every subcommand that asks one.
#[derive(Debug, Clone, Args)]
pub struct RpcArgs {
    /// The node's URL [default: the address in the home's config.toml]
    #[arg(long, env = "AULA_RPC", value_name = "URL", global = true)]
    pub rpc: Option<String>,
}

impl RpcArgs {
    /// A client of that node.
    ///
    /// # Errors
    /// When the URL or the configuration is not valid.
    pub fn client(&self, context: &Context) -> Result<Client, Failure> {
        if let Some(rpc) = &self.rpc {
            return Client::new(rpc);
        }
        let api = Config::load(&context.home)?.api;
        let scheme = if api.tls_certificate.is_some() { "https" } else { "http" };
        Client::new(&format!("{scheme}://{}", api.listen))
    }
}
