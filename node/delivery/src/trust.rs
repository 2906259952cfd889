//! Certificate authorities that the settings of a place name, trusted beside the usual ones.

use reqwest::{Certificate, ClientBuilder};

use crate::DeliveryError;

/// A client that trusts what this PEM holds, too.
///
/// # Errors
/// Bytes that hold no certificate: the client itself would take them, and trust nobody more.
pub(crate) fn trusting(
    client: ClientBuilder,
    authority: Option<&[u8]>,
    of: &str,
) -> Result<ClientBuilder, DeliveryError> {
    let Some(pem) = authority else { return Ok(client) };
    let found = Certificate::from_pem_bundle(pem).ok().filter(|found| !found.is_empty());
    let found = found.ok_or_else(|| {
        DeliveryError::Setting(format!("the authority of {of} is not a certificate in PEM"))
    })?;
    Ok(found.into_iter().fold(client, ClientBuilder::add_root_certificate))
}
