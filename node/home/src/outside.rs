//! Two addresses of a node, told apart: where it listens, which is one of this machine's, and where others reach it,
//! which need not be: behind NAT it is the router's, and it may be a DNS name.
//!
//! [`Outside`] is the second, checked when it is given. What to listen on follows from it: itself when this machine has
//! that address, else every interface at the same port.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::str::FromStr;

use crate::Failure;

/// Where others reach a node: `/ip4/ADDRESS/tcp/PORT`, `/ip6/…`, `/dns/NAME/tcp/PORT`, `/dns4/…` or `/dns6/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    protocol: Protocol,
    host: String,
    port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Ip4,
    Ip6,
    Dns,
    Dns4,
    Dns6,
}

impl Protocol {
    const ALL: [Self; 5] = [Self::Ip4, Self::Ip6, Self::Dns, Self::Dns4, Self::Dns6];

    const fn name(self) -> &'static str {
        match self {
            Self::Ip4 => "ip4",
            Self::Ip6 => "ip6",
            Self::Dns => "dns",
            Self::Dns4 => "dns4",
            Self::Dns6 => "dns6",
        }
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}/tcp/{}", self.protocol.name(), self.host, self.port)
    }
}

impl FromStr for Outside {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let refused = |why: &str| {
            let hint =
                "write /ip4/ADDRESS/tcp/PORT or /dns/NAME/tcp/PORT, for example /ip4/192.0.2.7/tcp/8481";
            Failure::new("bad_address", format!("{text:?} is not an address for peers: {why}"), hint)
        };
        let parts: Vec<&str> = text.split('/').collect();
        let ["", protocol, host, "tcp", port, rest @ ..] = parts.as_slice() else {
            return Err(refused("it is not a multiaddress over TCP"));
        };
        if !rest.is_empty() {
            return Err(refused("it goes on after the port; a node's own address has no /p2p/ID"));
        }
        let protocol = Protocol::ALL.into_iter().find(|one| one.name() == *protocol);
        let protocol = protocol.ok_or_else(|| refused("it begins with none of ip4, ip6, dns, dns4, dns6"))?;
        let port = port.parse().ok().filter(|port| (1..u16::MAX).contains(port));
        let port = port.ok_or_else(|| refused("the port is not 1 to 65534"))?;
        let address = match protocol {
            Protocol::Ip4 => host.parse::<Ipv4Addr>().map(IpAddr::from).map(Some),
            Protocol::Ip6 => host.parse::<Ipv6Addr>().map(IpAddr::from).map(Some),
            Protocol::Dns | Protocol::Dns4 | Protocol::Dns6 => Ok(None),
        };
        let address = address.map_err(|_| refused("its IP address is malformed"))?;
        if address.is_some_and(|ip| ip.is_unspecified() || ip.is_multicast()) {
            return Err(refused("nobody can reach a node there; it is where one listens"));
        }
        if address.is_none() && !is_name(host) {
            return Err(refused("its DNS name is malformed"));
        }
        Ok(Self { protocol, host: (*host).to_owned(), port })
    }
}

/// Letters, digits and dashes between dots.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    host.len() <= 90 && host.split('.').all(label) && host.parse::<IpAddr>().is_err()
}

impl Outside {
    /// Where to listen so that this address reaches the node.
    pub fn listen(&self) -> String {
        let own = self.host.parse::<IpAddr>().is_ok_and(is_own);
        match self.protocol {
            Protocol::Ip4 | Protocol::Ip6 if own => self.to_string(),
            Protocol::Ip6 | Protocol::Dns6 => format!("/ip6/::/tcp/{}", self.port),
            Protocol::Ip4 | Protocol::Dns | Protocol::Dns4 => format!("/ip4/0.0.0.0/tcp/{}", self.port),
        }
    }
}

/// True when this machine has the address: only then a socket can be bound to it.
fn is_own(address: IpAddr) -> bool {
    TcpListener::bind((address, 0)).is_ok()
}

/// The socket of a listening multiaddress, which must be an IP address.
///
/// # Errors
/// When it is not, with what to write instead.
pub fn socket(field: &'static str, text: &str) -> Result<SocketAddr, Failure> {
    let parts: Vec<&str> = text.split('/').collect();
    let found = match parts.as_slice() {
        ["", "ip4", host, "tcp", port] => {
            host.parse::<Ipv4Addr>().ok().map(IpAddr::from).zip(port.parse::<u16>().ok())
        }
        ["", "ip6", host, "tcp", port] => {
            host.parse::<Ipv6Addr>().ok().map(IpAddr::from).zip(port.parse::<u16>().ok())
        }
        _ => None,
    };
    found.map(SocketAddr::from).ok_or_else(|| {
        let hint = "listen on an IP address of this machine, for example /ip4/0.0.0.0/tcp/8481, and put the address by which \
                    others reach it into p2p.external";
        Failure::new("bad_address", format!("{field} is {text:?}, where nothing can listen"), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_machine_is_listened_for_everywhere() -> Result<(), Failure> {
        let listens = |text: &str| text.parse::<Outside>().map(|outside| outside.listen());
        assert_eq!(listens("/ip4/198.51.100.7/tcp/8481")?, "/ip4/0.0.0.0/tcp/8481");
        assert_eq!(listens("/dns4/node.example.org/tcp/8481")?, "/ip4/0.0.0.0/tcp/8481");
        assert_eq!(listens("/dns6/node.example.org/tcp/8481")?, "/ip6/::/tcp/8481");
        assert_eq!(listens("/ip4/127.0.0.1/tcp/8481")?, "/ip4/127.0.0.1/tcp/8481");
        Ok(())
    }

    #[test]
    fn what_nobody_can_call_is_refused_with_the_form() {
        for text in [
            "192.0.2.7:8481",
            "/ip4/0.0.0.0/tcp/8481",
            "/ip4/192.0.2.7/udp/8481",
            "/ip4/192.0.2/tcp/8481",
            "/ip4/192.0.2.7/tcp/0",
            "/ip4/192.0.2.7/tcp/8481/p2p/12D3KooW",
            "/dns4/192.0.2.7/tcp/8481",
            "/dns4/-a.example/tcp/8481",
            "/dns4//tcp/8481",
        ] {
            let refused = text.parse::<Outside>().err().map(|failure| failure.hint);
            assert!(refused.is_some_and(|hint| hint.contains("/ip4/192.0.2.7/tcp/8481")), "{text}");
        }
    }

    #[test]
    fn nothing_listens_on_a_name() -> Result<(), Failure> {
        assert_eq!(socket("p2p.listen", "/ip4/0.0.0.0/tcp/8481")?, SocketAddr::from(([0, 0, 0, 0], 8481)));
        let refused = socket("p2p.listen", "/dns4/node.example.org/tcp/8481");
        assert!(refused.is_err_and(|failure| failure.hint.contains("p2p.external")));
        Ok(())
    }
}
