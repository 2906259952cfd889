//! What the two of a pair say to each other: frames of four bytes of length, little endian, and borsh, over TCP; with TLS wherever
//! the other is not this machine.
//!
//! The acting one asks, the standby answers, one frame each. Limits: a frame of [`MAX_FRAME`] bytes, before who asks is known
//! [`MAX_STRANGER`]. Absent: what is done about a question.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use aula_vault::pair::{Batch, History};
use borsh::{BorshDeserialize, BorshSerialize};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};

/// Most bytes of a frame.
pub const MAX_FRAME: usize = 96 << 20;
/// Most bytes of a frame of somebody who did not say who it is.
pub const MAX_STRANGER: usize = 4 << 10;
/// What is spoken: 1 did not know the root of the identity's files, 2 not which folder has the lease.
pub const VERSION: u8 = 3;
/// Bytes of a file that go at once.
pub const PIECE: usize = 4 << 20;

/// Who asks.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Hello {
    /// [`VERSION`] of the program that asks; a standby of another refuses.
    pub version: u8,
    /// What both know.
    pub secret: String,
    /// Who it is ([`crate::who`]); the one that is asked has another name.
    pub name: String,
    /// In which epoch it acts.
    pub epoch: u64,
    /// Public keys of its own that the other must not have.
    pub keys: Vec<[u8; 32]>,
    /// Which pair wrote its vault.
    pub pair: [u8; 16],
    /// The mark of the folder where its lease lies; none of a bucket. The other one has the same.
    pub lease_id: Option<String>,
}

/// What the acting one asks.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Question {
    /// How are you?
    Ping {
        /// What both know.
        secret: String,
    },
    /// Who I am: first of all.
    Hello(Hello),
    /// Write these.
    Batches(u64, Vec<Batch>),
    /// What do you have below this root?
    Have(u64, String),
    /// A piece of a file below a root.
    Piece(u64, Piece),
    /// Below this root there is nothing else.
    Only(u64, String, Vec<String>),
    /// A copy of the whole database comes, of the pair of this number.
    Whole(u64, [u8; 16]),
    /// The copy is complete.
    WholeEnds(u64),
}

/// A piece of a file; of the keystore's as well, so that it is not shown.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Piece {
    /// Below which root.
    pub root: String,
    /// Its path there, with slashes.
    pub path: String,
    /// Where the piece stands.
    pub at: u64,
    /// At most [`PIECE`] of them.
    pub bytes: Vec<u8>,
    /// It is the last.
    pub last: bool,
}

/// The root of a copy of the whole database.
pub const DATABASE: &str = "database";

/// True where a question with these is a frame.
pub fn fits(batches: &[Batch]) -> bool {
    // Each with its number and its length; the question's own few bytes.
    let bytes: usize = batches.iter().map(|batch| batch.bytes.len().saturating_add(12)).sum();
    bytes <= MAX_FRAME - 64
}

/// A file as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Note {
    /// Its path below the root.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// What the standby answers.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Answer {
    /// I am here; acting, or not.
    Here {
        /// Whether it acts.
        acting: bool,
    },
    /// Who it is, and its database's history and last write; nothing where it has none.
    Welcome(String, Option<(History, u64)>),
    /// On disk: the number of the last write.
    Has(u64),
    /// What is below the root.
    Notes(Vec<Note>),
    /// Nothing is to be told but that it succeeded.
    Done,
    /// Not done.
    Refused {
        /// Stable.
        code: String,
        /// For people.
        message: String,
    },
}

/// A connection.
pub enum Line {
    /// On this machine.
    Plain(TcpStream),
    /// Asking over TLS.
    Asking(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Answering over TLS.
    Answering(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    /// Calls the other one; every step of it within `patience`.
    ///
    /// # Errors
    /// When it cannot be reached, or its certificate is refused.
    pub fn call(peer: &str, tls: Option<&Arc<ClientConfig>>, patience: Duration) -> io::Result<Self> {
        let address = peer.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        let stream = TcpStream::connect_timeout(&address, patience)?;
        prepare(&stream, patience)?;
        let Some(config) = tls else {
            // The secret goes over it in clear.
            return match address.ip().is_loopback() {
                true => Ok(Self::Plain(stream)),
                false => Err(io::Error::other("the other one is on another machine, and there is no TLS")),
            };
        };
        let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host).trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        Ok(Self::Asking(Box::new(StreamOwned::new(connection, stream))))
    }

    /// Answers a call.
    ///
    /// # Errors
    /// A connection that cannot be used.
    pub fn answer(
        stream: TcpStream,
        tls: Option<&Arc<ServerConfig>>,
        patience: Duration,
    ) -> io::Result<Self> {
        prepare(&stream, patience)?;
        let Some(config) = tls else { return Ok(Self::Plain(stream)) };
        let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        Ok(Self::Answering(Box::new(StreamOwned::new(connection, stream))))
    }

    /// How long each further step may take.
    ///
    /// # Errors
    /// A connection that cannot be used.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        let stream = self.socket();
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Asking(stream) => &stream.sock,
            Self::Answering(stream) => &stream.sock,
        }
    }

    /// Waits until the other one has ended the line, at most so long; true where it has. Nothing of what it says is taken.
    pub fn ends_within(&self, wait: Duration) -> bool {
        let stream = self.socket();
        let Ok(patience) = stream.read_timeout() else { return true };
        if wait.is_zero() || stream.set_read_timeout(Some(wait)).is_err() {
            return false;
        }
        let ended = match stream.peek(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
            ),
        };
        ended || stream.set_read_timeout(patience).is_err()
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// A connection that is cut or slow, an answer that is not understood.
    pub fn ask(&mut self, question: &Question) -> io::Result<Answer> {
        self.send(question)?;
        self.receive(MAX_FRAME)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// A connection that is cut or slow, a frame that is too large.
    pub fn send(&mut self, value: &impl BorshSerialize) -> io::Result<()> {
        let mut frame = vec![0; 4];
        value.serialize(&mut frame)?;
        let length = u32::try_from(frame.len() - 4).ok().filter(|length| *length as usize <= MAX_FRAME);
        let length = length.ok_or_else(|| io::Error::other("a frame is too large"))?;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        self.stream().write_all(&frame)?;
        self.stream().flush()
    }

    /// Receives a frame of so many bytes at most; none when the other has ended.
    ///
    /// # Errors
    /// A connection that is cut or slow, a frame that is too large or not understood.
    pub fn receive<T: BorshDeserialize>(&mut self, most: usize) -> io::Result<Option<T>> {
        let mut length = [0; 4];
        match self.stream().read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > most {
            return Err(io::Error::other("a frame is too large"));
        }
        let mut frame = vec![0; length];
        self.stream().read_exact(&mut frame)?;
        borsh::from_slice(&frame).map(Some)
    }

    fn stream(&mut self) -> &mut dyn ReadWrite {
        match self {
            Self::Plain(stream) => stream,
            Self::Asking(stream) => &mut **stream,
            Self::Answering(stream) => &mut **stream,
        }
    }
}

trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

fn prepare(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_a_frame_and_a_byte_more_does_not() {
        let of = |bytes: usize| vec![Batch { first: 1, bytes: vec![0; bytes] }];
        let most = MAX_FRAME - 64 - 12;
        assert!(fits(&of(most)) && !fits(&of(most + 1)));
        let question = Question::Batches(u64::MAX, of(most));
        assert!(borsh::object_length(&question).is_ok_and(|length| length <= MAX_FRAME));
    }

    #[test]
    fn a_line_whose_other_end_is_gone_is_known_without_asking_and_a_quiet_one_is_not_ended()
    -> Result<(), Box<dyn std::error::Error>> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let patience = Duration::from_secs(7);
        let mut line = Line::call(&listener.local_addr()?.to_string(), None, patience)?;
        let mut other = Line::answer(listener.accept()?.0, None, patience)?;
        assert!(!line.ends_within(Duration::ZERO) && !line.ends_within(Duration::from_millis(1)));
        assert_eq!(line.socket().read_timeout()?, Some(patience));
        // What was said is still there to be read.
        other.send(&Answer::Done)?;
        assert!(!line.ends_within(Duration::from_secs(60)));
        assert_eq!(line.receive::<Answer>(MAX_STRANGER)?, Some(Answer::Done));
        drop(other);
        assert!(line.ends_within(Duration::from_secs(60)));
        Ok(())
    }
}
