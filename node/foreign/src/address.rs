//! Addresses of the web as far as it matters where they lead: anywhere by TLS, or to this machine.
//!
//! What stands before the first `/` decides, read as a host and a port and not by how it begins: `http://127.0.0.1.example.org` and
//! `http://127.0.0.1:80@example.org` are somebody else's.

use std::net::{IpAddr, Ipv6Addr};

/// Whether a host is this machine: `localhost`, or an address of loopback, in brackets or not.
pub fn is_this_machine(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Scheme, host and port of an address that may be spoken to: by https, or by http on this machine; in lower case.
pub fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, behind) = match authority.strip_prefix('[') {
        Some(six) => six.split_once(']')?,
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    // A sign is no digit to us.
    let digits = |port: &&str| port.bytes().all(|byte| byte.is_ascii_digit());
    let number = |port: &str| port.parse::<u16>().is_ok();
    let port = behind.is_empty() || behind.strip_prefix(':').filter(digits).is_some_and(number);
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let plain = match authority.starts_with('[') {
        true => host.parse::<Ipv6Addr>().is_ok(),
        false => !host.is_empty() && host.bytes().all(letter),
    };
    let spoken = scheme == "https" || scheme == "http" && is_this_machine(host);
    (plain && port && spoken).then(|| format!("{scheme}://{}", authority.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_and_clear_text_stays_on_this_machine() {
        for (url, found) in [
            ("https://Sis.example.org/ims?x#y", Some("https://sis.example.org")),
            ("https://a:8443", Some("https://a:8443")),
            ("https://[2001:db8::1]:8443/x", Some("https://[2001:db8::1]:8443")),
            ("http://127.0.0.1:8480/x", Some("http://127.0.0.1:8480")),
            ("http://127.8.0.1", Some("http://127.8.0.1")),
            ("http://localhost", Some("http://localhost")),
            ("http://[::1]:1", Some("http://[::1]:1")),
        ] {
            assert_eq!(origin(url).as_deref(), found, "{url}");
        }
    }

    #[test]
    fn attack_what_begins_like_this_machine_is_somebody_elses() {
        for url in [
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1.evil.example:80/",
            "http://127.0.0.1@evil.example",
            "http://127.0.0.1:80@evil.example/",
            "http://localhost.evil.example",
            "http://localhost:x@evil.example",
            "http://[::1].evil.example",
            "http://[::1]@evil.example",
            "http://127.0.0.1\\@evil.example",
            "http://127.1",
            "http://0x7f.0.0.1",
            "http://sis.example.org",
            "https://user@sis.example.org",
            "https://a b",
            "https://a;b",
            "https://*.example.org",
            "https://a:port",
            "https://a:99999",
            "https://a:+80",
            "https://",
            "ftp://127.0.0.1",
            "//127.0.0.1",
            "127.0.0.1",
        ] {
            assert_eq!(origin(url), None, "{url}");
        }
    }
}
