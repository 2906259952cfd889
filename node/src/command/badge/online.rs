//! What `--online` fetches: https alone, straight (no redirect, no proxy), from public addresses, 1 MiB and 5 seconds.
//!
//! A credential names the addresses, so whoever made it could otherwise make this machine ask anything of its own network.
//! Names are looked up here and every address is looked at before the connection is made to it.

use std::time::Duration;

use aula_delivery::public::{self, allowed};
use aula_report::credentials::json;
use aula_report::credentials::limits::MAX_BYTES;
use aula_report::credentials::sources::{Sources, address_of};
use reqwest::{Client, Url};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::command::{Advise, Failure};

/// For one document, from the look-up of the name to its last byte.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches.
pub struct Online {
    client: Client,
    runtime: Handle,
}

impl Online {
    /// A client under these rules. Belongs to the runtime that it is made in.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn connect() -> Result<Self, Failure> {
        let client = public::client(TIMEOUT)
            .advise("cannot set up TLS", "give the documents with --status and --did instead")?;
        Ok(Self { client, runtime: Handle::current() })
    }

    fn fetch(&self, address: &str) -> Result<Vec<u8>, String> {
        let failed = |why: String| format!("{address} was not fetched: {why}");
        let url = Url::parse(address).map_err(|e| failed(e.to_string()))?;
        allowed(&url).map_err(failed)?;
        let read = async {
            let mut answer = self.client.get(url).send().await?.error_for_status()?;
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > MAX_BYTES {
                    break;
                }
            }
            Ok::<_, reqwest::Error>((answer.status(), bytes))
        };
        let (status, bytes) =
            self.runtime.block_on(read).map_err(|e| failed(crate::terminal::with_causes(&e)))?;
        match bytes.len() {
            _ if !status.is_success() => Err(failed(format!("it answered {status}"))),
            n if n > MAX_BYTES => Err(failed(format!("it has more than {MAX_BYTES} bytes"))),
            _ => Ok(bytes),
        }
    }
}

impl Sources for Online {
    fn status_list(&self, url: &str) -> Result<Option<Vec<u8>>, String> {
        self.fetch(url).map(Some)
    }

    fn controller(&self, id: &str) -> Result<Option<Value>, String> {
        let Some(address) = address_of(id) else { return Ok(None) };
        let document = json::parse(&self.fetch(&address)?).map_err(|e| format!("{address}: {e}"))?;
        // A document says whose it is; another's, served by mistake or malice, is nobody's.
        let same = document.get("id").and_then(Value::as_str) == Some(id);
        if same { Ok(Some(document)) } else { Err(format!("{address} is not the document of {id}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_asked() -> Result<(), Box<dyn std::error::Error>> {
        let online = Online::connect().map_err(|failure| failure.message)?;
        let answer =
            tokio::task::spawn_blocking(move || online.status_list("https://localhost:1/list")).await?;
        let error = answer.err().unwrap_or_default();
        assert!(error.contains("not a public address"), "{error}");
        Ok(())
    }
}
