//! A node that comes to a consortium of processes from outside.

use std::path::Path;

use anyhow::{Context, Result};
use aula_home::keys::OperatorFile;

use crate::founders::port;
use crate::net::Net;
use crate::{aula, line};

/// A home of this name, made from the genesis file and the four founders' addresses alone.
///
/// # Errors
/// When the command says no, or no port is free.
pub fn join(net: &Net, home: &Path, name: &str) -> Result<OperatorFile> {
    let genesis = net.folder().join("genesis-by-mail.json");
    std::fs::copy(net.genesis(), &genesis)?;
    let (p2p, listen) = (format!("/ip4/127.0.0.1/tcp/{}", port()?), format!("127.0.0.1:{}", port()?));
    let peers: Vec<&str> = net.nodes.iter().take(4).map(|node| node.p2p.as_str()).collect();
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
        name,
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
