//! A record store on loopback, over a file: for trying it, and for the public conformance suite.
//!
//! `serve PORT FILE NAME VERSION`; the client's secret is the first line of standard input. VERSION, 1.0.3 or 2.0.0, is
//! what answers say to requests that name none.

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use aula_lrs::clients::{Client, Clients, Scope};
use aula_lrs::desk::Desk;
use aula_lrs::http::{Service, router};
use aula_lrs::store::FileStore;
use aula_lrs::version::Version;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [port, file, name, version] = given.as_slice() else {
        return Err("serve PORT FILE NAME VERSION".into());
    };
    let version = Version::parse(version).ok_or("VERSION is 1.0.3 or 2.0.0")?;
    let mut secret = String::new();
    std::io::stdin().lock().read_line(&mut secret)?;
    let client = Client::new(name, Client::hash(secret.trim_end().as_bytes()), [Scope::All]);
    let desk = Desk::new(Arc::new(FileStore::open(Path::new(file))?))?;
    let service = Service::new(desk, Clients::new(vec![client]), "http://localhost/xapi", version);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse::<u16>()?)).await?;
        println!("http://{}/xapi", listener.local_addr()?);
        axum::serve(listener, axum::Router::new().nest("/xapi", router(Arc::new(service)))).await?;
        Ok(())
    })
}
