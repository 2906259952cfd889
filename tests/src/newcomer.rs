//! A node that comes to a consortium of processes from outside.

use std::path::Path;

use anyhow::{Context, Result};
use aula_node::keys::OperatorFile;

use crate::net::Net;
use crate::{aula, line};

/// A home made from the genesis file and peers' addresses alone, as `node-05`.
///
/// # Errors
/// When the command says no, or no port is free.
pub fn join(net: &Net, home: &Path) -> Result<OperatorFile> {
    let genesis = net.folder().join("genesis-by-mail.json");
    std::fs::copy(net.genesis(), &genesis)?;
    let port = || Ok::<u16, std::io::Error>(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
    let (p2p, listen) = (format!("/ip4/127.0.0.1/tcp/{}", port()?), format!("127.0.0.1:{}", port()?));
    let peers: Vec<&str> = net.nodes.iter().map(|node| node.p2p.as_str()).collect();
    let (home_text, genesis) = (home.to_str().context("path")?, genesis.to_str().context("path")?);
    let out = aula(&[
        "join",
        "--home",
        home_text,
        "--genesis",
        genesis,
        "--peer",
        &peers.join(","),
        "--name",
        "node-05",
        "--p2p",
        &p2p,
        "--listen",
        &listen,
        "--output",
        "json",
    ])?;
    line(&out, 0)?;
    Ok(serde_json::from_slice(&std::fs::read(home.join("operator.json"))?)?)
}
