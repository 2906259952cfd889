//! The bytes: a length (u32, little endian), then borsh. Lengths are looked at before anything is read.

use std::io::{Error, ErrorKind, Result};

use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::{self, ProtocolSupport};

use super::room::{Place, Room};
use super::{Answer, Ask, EACH, MAX_ANSWER, TIMEOUT};

/// Largest request: its kind, a hash and a number.
const MAX_ASK: usize = 64;
/// Bytes that are made room for before they come: of what is only announced no more is taken.
const STEP: usize = 1 << 20;

/// See the module. Each request has its own copy, which writes it and reads its answer.
#[derive(Debug, Clone)]
pub(crate) struct Codec {
    /// Room for all answers that come.
    room: Room,
    /// Most bytes of the answer to what was asked.
    most: usize,
}

impl Default for Codec {
    fn default() -> Self {
        Self { room: Room::default(), most: MAX_ANSWER }
    }
}

/// What the swarm runs.
pub(crate) type Behaviour = request_response::Behaviour<Codec>;

/// The protocol of a chain; two chains never understand each other.
pub(crate) fn behaviour(chain: &str) -> std::result::Result<Behaviour, String> {
    let name = StreamProtocol::try_from_owned(format!("/aula/{chain}/snapshot/1"))
        .map_err(|error| error.to_string())?;
    let config =
        request_response::Config::default().with_request_timeout(TIMEOUT).with_max_concurrent_streams(EACH);
    Ok(Behaviour::with_codec(Codec::default(), [(name, ProtocolSupport::Full)], config))
}

#[async_trait]
impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Ask;
    type Response = Answer;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> Result<Ask> {
        read(io, MAX_ASK, &mut Room::of(2 * MAX_ASK).enter()).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> Result<Answer> {
        let mut place = self.room.enter();
        let told = read(io, self.most, &mut place).await?;
        Ok(Answer { told, _place: Some(place) })
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        ask: Ask,
    ) -> Result<()> {
        self.most = ask.most();
        write(io, &ask, MAX_ASK).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        answer: Answer,
    ) -> Result<()> {
        write(io, &answer.told, MAX_ANSWER).await
    }
}

pub(super) async fn read<M: BorshDeserialize>(
    io: &mut (impl AsyncRead + Unpin + Send),
    most: usize,
    place: &mut Place,
) -> Result<M> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(Error::new(ErrorKind::InvalidData, "a message is longer than any may be"));
    }
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let (before, step) = (bytes.len(), STEP.min(length - bytes.len()));
        if !place.grow(step) {
            return Err(Error::new(
                ErrorKind::OutOfMemory,
                "other answers leave no room for so long a message",
            ));
        }
        bytes.resize(before + step, 0);
        io.read_exact(&mut bytes[before..]).await?;
    }
    M::try_from_slice(&bytes)
}

async fn write(
    io: &mut (impl AsyncWrite + Unpin + Send),
    message: &impl BorshSerialize,
    most: usize,
) -> Result<()> {
    let bytes = borsh::to_vec(message)?;
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= most);
    let length = length.ok_or_else(|| Error::new(ErrorKind::InvalidData, "a message too long to send"))?;
    io.write_all(&length.to_le_bytes()).await?;
    io.write_all(&bytes).await?;
    io.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::{MAX_CHUNK, Told};
    use libp2p::request_response::Codec as _;

    #[tokio::test]
    async fn a_message_comes_back_and_one_too_long_is_not_read() {
        let told = Told::Chunk(vec![7; 3 * STEP]);
        let mut bytes = Vec::<u8>::new();
        write(&mut bytes, &told, MAX_ANSWER).await.unwrap();
        let room = Room::default();
        let read = async |mut bytes: &[u8], most| read::<Told>(&mut bytes, most, &mut room.enter()).await;
        assert_eq!(read(&bytes[..], MAX_ANSWER).await.unwrap(), told);
        assert!(read(&bytes[..], 3 * STEP).await.is_err());
        assert!(read(&bytes[..bytes.len() - 1], MAX_ANSWER).await.is_err());
        assert!(write(&mut Vec::new(), &told, 50).await.is_err());
    }

    #[tokio::test]
    async fn an_answer_has_no_more_than_what_was_asked_for_may_have_and_no_more_than_others_leave() {
        let protocol = StreamProtocol::new("/test");
        let mut codec = Codec::default();
        let (newest, chunk) = (
            Ask::Newest { waypoint: None },
            Ask::Chunk { manifest: aula_ledger::types::Hash::default(), index: 0 },
        );
        let mut answered = async |ask: &Ask, bytes: usize| {
            let (mut asked, mut told) = (Vec::<u8>::new(), Vec::<u8>::new());
            codec.write_request(&protocol, &mut asked, ask.clone()).await.unwrap();
            write(&mut told, &Told::Chunk(vec![7; bytes]), MAX_ANSWER).await.unwrap();
            codec.read_response(&protocol, &mut &told[..]).await.ok()
        };
        assert!(answered(&chunk, 1 << 20).await.is_some());
        assert!(answered(&chunk, MAX_CHUNK).await.is_none());
        // Peers that answer with all they may, at once: what they leave is enough for an honest one.
        let (half, quarter) = (MAX_ANSWER / 2, MAX_ANSWER / 4);
        let held = [answered(&newest, half).await, answered(&newest, half).await];
        assert!(held.iter().all(Option::is_some));
        assert!(answered(&newest, half).await.is_none());
        assert!(answered(&newest, quarter).await.is_some());
        drop(held);
        assert!(answered(&newest, half).await.is_some(), "what was taken is given back");
    }
}
