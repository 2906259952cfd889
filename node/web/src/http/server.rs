//! Binding the API: loopback in clear, any other address over TLS only.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use aula_home::config::Api;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsAcceptor;
use hyper_util::rt::TokioTimer;

use super::connections::{Doorkeeper, IDLE_LIMIT};
use super::tls::{Tls, TlsError};

/// At shutdown, how long open requests may still take.
const DRAIN: Duration = Duration::from_secs(2);

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Not loopback and no certificate.
    #[error("{0} is not loopback, and such an address needs api.tls_certificate and api.tls_key")]
    TlsNeeded(SocketAddr),
    /// One of the two TLS files is set, the other is not.
    #[error("api.tls_certificate and api.tls_key go together; only one is set")]
    TlsHalf,
    /// The certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// As `api.listen` has it.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Serving failed.
    #[error("serving HTTP failed")]
    Serve(#[source] std::io::Error),
}

/// A bound listener with the rule on TLS already checked.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    doorkeeper: Doorkeeper,
}

impl Server {
    /// Checks the rule, reads the TLS files and binds.
    ///
    /// # Errors
    /// [`ServerError`] without having bound anything when the rule is broken or the files cannot be used.
    pub fn bind(api: &Api) -> Result<Self, ServerError> {
        let tls = match (&api.tls_certificate, &api.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(ServerError::TlsHalf),
        };
        if tls.is_none() && !api.listen.ip().is_loopback() {
            return Err(ServerError::TlsNeeded(api.listen));
        }
        let tls = tls.map(|(certificate, key)| Tls::read(certificate, key)).transpose()?;
        let bound = TcpListener::bind(api.listen).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        let (listener, address) =
            bound.map_err(|source| ServerError::Bind { address: api.listen, source })?;
        let request = Duration::from_millis(api.request_timeout_ms);
        let doorkeeper = Doorkeeper::new(api.max_connections, api.max_connections_per_address, request);
        Ok(Self { listener, address, tls, doorkeeper })
    }

    /// Where it listens; the port is the real one.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin that clients use.
    pub fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `stop` is done, then lets open requests finish for two seconds.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn serve(
        self,
        routes: Router,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let handle = Handle::new();
        let stopper = handle.clone();
        let stopping = tokio::spawn(async move {
            stop.await;
            stopper.graceful_shutdown(Some(DRAIN));
        });
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        let served = match self.tls {
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls.config()).acceptor(self.doorkeeper);
                let attending = tokio::spawn(tls.attend());
                let mut server = axum_server::from_tcp(self.listener).acceptor(acceptor).handle(handle);
                server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(IDLE_LIMIT);
                let served = server.serve(service).await;
                attending.abort();
                served
            }
            None => {
                let mut server =
                    axum_server::from_tcp(self.listener).acceptor(self.doorkeeper).handle(handle);
                server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(IDLE_LIMIT);
                server.serve(service).await
            }
        };
        stopping.abort();
        served.map_err(ServerError::Serve)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn with_a_certificate_it_serves_tls() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem())?;
        std::fs::write(&key, made.key_pair.serialize_pem())?;
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let api = Api { listen, tls_certificate: Some(certificate), tls_key: Some(key), ..Api::default() };
        let server = Server::bind(&api)?;
        assert!(server.origin().starts_with("https://"));
        let url = format!("https://localhost:{}/", server.address().port());
        let routes = Router::new().route("/", axum::routing::get(|| async { "hello" }));
        let serving = tokio::spawn(server.serve(routes, std::future::pending()));
        let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes())?;
        let client = reqwest::Client::builder().add_root_certificate(root).build()?;
        assert_eq!(client.get(&url).send().await?.text().await?, "hello");
        assert!(client.get(url.replace("https", "http")).send().await.is_err(), "nothing in clear");
        serving.abort();
        Ok(())
    }

    #[test]
    fn only_loopback_is_served_in_clear() {
        let mut api = Api { listen: SocketAddr::from(([0, 0, 0, 0], 0)), ..Api::default() };
        assert!(matches!(Server::bind(&api), Err(ServerError::TlsNeeded(_))));
        api.tls_key = Some("key.pem".into());
        assert!(matches!(Server::bind(&api), Err(ServerError::TlsHalf)));
        api = Api { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Api::default() };
        assert!(
            Server::bind(&api).is_ok_and(|s| s.address().port() != 0 && s.origin().starts_with("http://127"))
        );
    }
}
