//! A note that something is ready: what and of which date, and where a login opens it. Never the thing itself.
//!
//! STARTTLS or nothing: a server that does not offer it, or whose certificate is not trusted, gets no note. A note that is sent again
//! after a crash has the same Message-ID, by which its receivers know it.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::DeliveryError;

/// For the whole of it. The library's own limit ends no answer that does not come.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where notes are handed over. It has no Debug: that would show the password.
#[derive(Clone)]
pub struct Server {
    /// Its name, as its certificate has it.
    pub host: String,
    /// 587 as a rule: submission with STARTTLS.
    pub port: u16,
    /// Name and password, where it wants them.
    pub login: Option<(String, String)>,
    /// A certificate authority to trust beside this machine's, PEM.
    pub authority: Option<Vec<u8>>,
}

/// From whom to whom.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The address that the note comes from.
    pub from: String,
    /// The addresses that it goes to.
    pub to: Vec<String>,
}

/// What the note says.
#[derive(Debug, Clone)]
pub struct Note {
    /// One line.
    pub subject: String,
    /// What the body says, plain.
    pub text: String,
    /// What makes it this note and no other.
    pub id: String,
}

/// The note as a message.
///
/// # Errors
/// An address that is not valid.
pub fn message(envelope: &Envelope, note: &Note) -> Result<Message, DeliveryError> {
    let mailbox = |text: &str| -> Result<Mailbox, DeliveryError> {
        text.parse()
            .map_err(|why| DeliveryError::Setting(format!("{text:?} is not an address of mail: {why}")))
    };
    let from = mailbox(&envelope.from)?;
    let id = format!("<{}@{}>", note.id, from.email.domain());
    let mut message = Message::builder().from(from).subject(note.subject.clone()).message_id(Some(id));
    for to in &envelope.to {
        message = message.to(mailbox(to)?);
    }
    message
        .body(note.text.clone())
        .map_err(|why| DeliveryError::Setting(format!("a note cannot be written: {why}")))
}

/// Sends it.
///
/// # Errors
/// A server that cannot be reached, refuses, or offers no STARTTLS that this machine trusts.
pub async fn send(server: &Server, envelope: &Envelope, note: &Note) -> Result<(), DeliveryError> {
    let place = format!("{}:{}", server.host, server.port);
    let refused = |why: lettre::transport::smtp::Error| {
        DeliveryError::peer(
            &place,
            std::error::Error::source(&why)
                .map_or_else(|| why.to_string(), |cause| format!("{why} ({cause})")),
        )
    };
    let mut tls = TlsParameters::builder(server.host.clone());
    if let Some(pem) = &server.authority {
        tls = tls.add_root_certificate(Certificate::from_pem(pem).map_err(refused)?);
    }
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
        .port(server.port)
        .timeout(Some(TIMEOUT))
        .tls(Tls::Required(tls.build().map_err(refused)?));
    if let Some((name, password)) = &server.login {
        transport = transport.credentials(Credentials::new(name.clone(), password.clone()));
    }
    let transport = transport.build();
    let sending = transport.send(message(envelope, note)?);
    match tokio::time::timeout(TIMEOUT, sending).await {
        Ok(sent) => sent.map(|_| ()).map_err(refused),
        Err(_) => Err(DeliveryError::peer(&place, "it does not answer")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    fn envelope() -> Envelope {
        Envelope { from: "Aula <aula@district.example>".into(), to: vec!["board@district.example".into()] }
    }

    fn note() -> Note {
        Note {
            subject: "Report nightly of 2026-11-29".into(),
            text: "It is ready.\n".into(),
            id: "0123abcd".into(),
        }
    }

    #[test]
    fn a_note_that_is_sent_again_is_known_by_its_id() -> Result<(), DeliveryError> {
        let text =
            |note: &Note| Ok(String::from_utf8_lossy(&message(&envelope(), note)?.formatted()).into_owned());
        let told: Result<String, DeliveryError> = text(&note());
        let told = told?;
        assert!(
            told.contains("Message-ID: <0123abcd@district.example>")
                && told.contains("To: board@district.example")
        );
        let nobody = Envelope { to: vec!["nobody".into()], ..envelope() };
        assert!(message(&nobody, &note()).is_err());
        // A line break in a subject is no second header.
        let bent = Note { subject: "a\r\nBcc: other@example.org".into(), ..note() };
        assert!(!String::from_utf8_lossy(&message(&envelope(), &bent)?.formatted()).contains("\r\nBcc:"));
        Ok(())
    }

    /// A server that offers nothing gets neither login nor note.
    #[tokio::test]
    async fn without_starttls_nothing_is_sent() -> Result<(), Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            let mut stream = BufReader::new(stream);
            stream.get_mut().write_all(b"220 here\r\n").await?;
            let (mut heard, mut line) = (String::new(), String::new());
            while stream.read_line(&mut line).await? > 0 {
                let answer: &[u8] =
                    if line.starts_with("EHLO") { b"250-here\r\n250 AUTH PLAIN\r\n" } else { b"221 bye\r\n" };
                heard.push_str(&line);
                line.clear();
                stream.get_mut().write_all(answer).await?;
            }
            Ok::<_, std::io::Error>(heard)
        });
        let login = Some(("name".to_owned(), "secret".to_owned()));
        let server = Server { host: "127.0.0.1".into(), port, login, authority: None };
        assert!(send(&server, &envelope(), &note()).await.is_err());
        let heard = heard.await??;
        assert!(heard.starts_with("EHLO") && !heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
        Ok(())
    }

    /// What a server says that offers STARTTLS.
    const OFFERS: &str = "250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";

    #[tokio::test]
    async fn a_server_that_is_full_or_lies_about_starttls_gets_nothing()
    -> Result<(), Box<dyn std::error::Error>> {
        // A greeting, and what follows each thing that it hears; then it says no more.
        let servers: [(&'static str, &'static [&'static str]); 6] = [
            ("", &[]),
            ("hello\r\n", &[]),
            ("421 too many\r\n", &[]),
            ("220 here\r\n", &["452 no space\r\n"]),
            ("220 here\r\n", &[OFFERS, "454 not now\r\n"]),
            // It goes on in plain text.
            ("220 here\r\n", &[OFFERS, "220 go ahead\r\n250 it is safe\r\n", "250 it is safe\r\n"]),
        ];
        for (greeting, answers) in servers {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let port = listener.local_addr()?.port();
            let heard = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await?;
                stream.write_all(greeting.as_bytes()).await?;
                let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
                for answer in answers {
                    let count = stream.read(&mut piece).await?;
                    heard.extend_from_slice(&piece[..count]);
                    // Whoever has left hears nothing.
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                let _ = stream.shutdown().await;
                while let Ok(count @ 1..) = stream.read(&mut piece).await {
                    heard.extend_from_slice(&piece[..count]);
                }
                Ok::<_, std::io::Error>(heard)
            });
            let login = Some(("name".to_owned(), "secret".to_owned()));
            let server = Server { host: "127.0.0.1".into(), port, login, authority: None };
            assert!(send(&server, &envelope(), &note()).await.is_err(), "{greeting:?} {answers:?}");
            let heard = heard.await??;
            let heard = String::from_utf8_lossy(&heard);
            assert!(
                !heard.contains("AUTH") && !heard.contains("MAIL") && !heard.contains("ready"),
                "{heard}"
            );
        }
        Ok(())
    }
}
