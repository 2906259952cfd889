//! Addresses: where this node listens, where others are told to find it, and the certificate of its API.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use aula_home::config::{Api, Config};
use aula_home::outside;
use aula_web::http::tls::Tls;

use super::Check;
use crate::terminal::Failure;

const DAY_MS: u64 = 86_400_000;
/// So long before its end a certificate is warned of.
const SOON_DAYS: u64 = 21;

/// The API's certificate and key, when there are any; or that an address other than loopback has none.
pub fn tls(api: &Api, now_ms: u64) -> Option<Check> {
    let name = "tls";
    match (&api.tls_certificate, &api.tls_key) {
        (None, None) if api.listen.ip().is_loopback() => None,
        (Some(certificate), Some(key)) => Some(match Tls::read(certificate, key) {
            Ok(tls) => judge_certificate(&certificate.display().to_string(), tls.not_after_ms(), now_ms),
            Err(error) => Check::fail(
                name,
                aula_home::with_causes(&error),
                "put a PEM chain and its private key where [api] in config.toml names them, readable by the node's user",
            ),
        }),
        _ => Some(Check::fail(
            name,
            format!("the API listens on {} without a certificate and a key", api.listen),
            "set api.tls_certificate and api.tls_key, or listen on 127.0.0.1 behind a proxy",
        )),
    }
}

/// What is to be said of a certificate that holds until then.
pub fn judge_certificate(path: &str, not_after_ms: u64, now_ms: u64) -> Check {
    let next = "put a new certificate there and send the node SIGHUP: it is read without a restart";
    if not_after_ms <= now_ms {
        return Check::fail(
            "tls",
            format!("{path} expired {} days ago", (now_ms - not_after_ms) / DAY_MS),
            next,
        );
    }
    let days = (not_after_ms - now_ms) / DAY_MS;
    let detail = format!("{path} holds for {days} days");
    if days < SOON_DAYS { Check::warn("tls", detail, next) } else { Check::ok("tls", detail) }
}

/// The sockets that `aula start` binds. Those of a running node are its own.
pub fn listening(config: &Config, running: bool) -> Vec<Check> {
    let own = outside::socket("p2p.listen", &config.p2p.listen);
    let gossip = match (&config.p2p.gossip_listen, &own) {
        (Some(text), _) => Some(outside::socket("p2p.gossip_listen", text)),
        (None, Ok(own)) => Some(Ok(SocketAddr::new(own.ip(), own.port().saturating_add(1)))),
        (None, Err(_)) => None,
    };
    let all = [("port_api", Some(Ok(config.api.listen))), ("port_p2p", Some(own)), ("port_gossip", gossip)];
    all.into_iter().filter_map(|(name, address)| Some(socket(name, address?, running))).collect()
}

fn socket(name: &'static str, address: Result<SocketAddr, Failure>, running: bool) -> Check {
    let address = match address {
        Ok(address) => address,
        Err(failure) => return Check::failure(name, failure),
    };
    match TcpListener::bind(address) {
        Ok(_) if running => Check::warn(
            name,
            format!("nothing listens on {address}, though a node answers"),
            "the node that answers was started with another address: start it with the config's, or name it with --rpc",
        ),
        Ok(_) => Check::ok(name, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && running => {
            Check::ok(name, format!("{address} is served"))
        }
        Err(error) => {
            let next = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "stop the program that listens there (ss -ltnp names it), or choose another port"
                }
                io::ErrorKind::PermissionDenied => {
                    "choose a port above 1023, or allow the service CAP_NET_BIND_SERVICE"
                }
                io::ErrorKind::AddrNotAvailable => {
                    "listen on an address of this machine, and put the one by which others reach it into p2p.external"
                }
                _ => "correct the address in config.toml",
            };
            Check::fail(name, format!("cannot listen on {address}: {error}"), next)
        }
    }
}

/// Where others are told to find this node, when that is another address than the one it listens on.
pub fn external(config: &Config) -> Option<Check> {
    let external = config.p2p.external.as_deref()?;
    let name = "external";
    if let Err(failure) = external.parse::<outside::Outside>() {
        return Some(Check::failure(name, failure));
    }
    Some(match resolve(external) {
        Some(Ok(found)) if found.is_empty() => no_such_name(external, "it has no address"),
        Some(Err(error)) => no_such_name(external, &error.to_string()),
        Some(Ok(found))
            if found.iter().all(|one| one.ip().is_loopback()) && !config.p2p.listen.contains("127.0.0.1") =>
        {
            Check::warn(
                name,
                format!("{external} is this machine alone"),
                "set p2p.external to an address that the other districts reach",
            )
        }
        _ => Check::ok(name, format!("others are told {external}")),
    })
}

fn no_such_name(external: &str, why: &str) -> Check {
    Check::fail(
        "external",
        format!("{external} cannot be found: {why}"),
        "correct p2p.external in config.toml, or the DNS record",
    )
}

/// The sockets of a multiaddress over TCP; none when it is of another form.
pub fn resolve(multiaddress: &str) -> Option<io::Result<Vec<SocketAddr>>> {
    let parts: Vec<&str> = multiaddress.split('/').collect();
    let ["", "ip4" | "ip6" | "dns" | "dns4" | "dns6", host, "tcp", port, ..] = parts.as_slice() else {
        return None;
    };
    let port: u16 = port.parse().ok()?;
    Some((*host, port).to_socket_addrs().map(Iterator::collect))
}
