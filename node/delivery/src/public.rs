//! Addresses that may be asked: https, on the public internet, without a password in them.
//!
//! Who names an address could otherwise make this machine ask anything of its own network. Names are looked up here, and every
//! address is looked at before a connection is made to it ([`PublicOnly`]).

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

/// A host given as an address is never looked up, so it is looked at here.
///
/// # Errors
/// Why it may not be asked.
pub fn allowed(url: &Url) -> Result<(), String> {
    if url.scheme() != "https" {
        return Err("only https is asked".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it carries a password".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(address) if !is_public(address) => Err(format!("{address} is not a public address")),
        _ => Ok(()),
    }
}

/// Looks names up, and refuses those that are not at public addresses alone.
#[derive(Debug, Clone, Copy)]
pub struct PublicOnly;

/// A client that asks public addresses alone, over TLS, and follows nobody elsewhere.
///
/// # Errors
/// When TLS cannot be set up.
pub fn client(timeout: Duration) -> reqwest::Result<Client> {
    builder(timeout).build()
}

/// Every client for addresses that others named begins so.
pub(crate) fn builder(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .https_only(true)
        .no_proxy()
        .redirect(Policy::none())
        .timeout(timeout)
        .dns_resolver(Arc::new(PublicOnly))
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if let Some(hidden) = found.iter().find(|address| !is_public(address.ip())) {
                return Err(format!("{} is at {}, not a public address", name.as_str(), hidden.ip()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is on the public internet (IANA's special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || a == 0
                || a >= 224
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            // Global unicast, without documentation (3fff::/20, 2001:db8::/32), protocol assignments with Teredo
            // (2001::/23) and 6to4, which carry addresses of version 4 inside.
            let global = (0x2000..0x4000).contains(&first);
            let special = (first == 0x2001 && (second < 0x200 || second == 0xdb8))
                || first == 0x2002
                || (first == 0x3fff && second < 0x1000);
            global && !special && v6 != Ipv6Addr::UNSPECIFIED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_asked() {
        let public =
            ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"];
        let hidden = [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
        ];
        for text in public {
            assert!(text.parse().is_ok_and(is_public), "{text}");
        }
        for text in hidden {
            assert!(text.parse().is_ok_and(|address| !is_public(address)), "{text}");
        }
    }

    #[test]
    fn only_https_to_public_hosts_is_allowed() {
        let refused =
            |text: &str| Url::parse(text).ok().and_then(|url| allowed(&url).err()).unwrap_or_default();
        assert!(refused("http://example.com/").contains("https"));
        assert!(refused("file:///etc/passwd").contains("https"));
        assert!(refused("https://127.0.0.1/").contains("public"));
        assert!(refused("https://2130706433/").contains("public"), "the same address as one number");
        assert!(refused("https://0x7f.1/").contains("public"), "the same address in parts");
        assert!(refused("https://[::1]/").contains("public"));
        assert!(refused("https://a:b@example.com/").contains("password"));
        assert_eq!(refused("https://example.com/list"), "");
    }
}
