//! The bytes: a length (u32, little endian), then borsh. Lengths are looked at before anything is read.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::{self, ProtocolSupport};

use super::{Ask, EACH, MAX_ANSWER, Told};

/// Largest request: its kind, a hash and a number.
const MAX_ASK: usize = 64;
/// How long a request may take, its answer's bytes included.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes that are made room for before they come.
const STEP: usize = 1 << 20;

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Codec;

/// What the swarm runs.
pub(crate) type Behaviour = request_response::Behaviour<Codec>;

/// The protocol of a chain; two chains never understand each other.
pub(crate) fn behaviour(chain: &str) -> std::result::Result<Behaviour, String> {
    let name = StreamProtocol::try_from_owned(format!("/aula/{chain}/snapshot/1"))
        .map_err(|error| error.to_string())?;
    let config =
        request_response::Config::default().with_request_timeout(TIMEOUT).with_max_concurrent_streams(EACH);
    Ok(Behaviour::with_codec(Codec, [(name, ProtocolSupport::Full)], config))
}

#[async_trait]
impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Ask;
    type Response = Told;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> Result<Ask> {
        read(io, MAX_ASK).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> Result<Told> {
        read(io, MAX_ANSWER).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        ask: Ask,
    ) -> Result<()> {
        write(io, &ask, MAX_ASK).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        told: Told,
    ) -> Result<()> {
        write(io, &told, MAX_ANSWER).await
    }
}

pub(super) async fn read<M: BorshDeserialize>(
    io: &mut (impl AsyncRead + Unpin + Send),
    most: usize,
) -> Result<M> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(Error::new(ErrorKind::InvalidData, "a message is longer than any may be"));
    }
    let mut bytes = Vec::with_capacity(length.min(STEP));
    io.take(length as u64).read_to_end(&mut bytes).await?;
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

    #[tokio::test]
    async fn a_message_comes_back_and_one_too_long_is_not_read() {
        let told = Told::Chunk(vec![7; 100]);
        let mut bytes = Vec::new();
        write(&mut bytes, &told, MAX_ANSWER).await.unwrap();
        assert_eq!(read::<Told>(&mut &bytes[..], MAX_ANSWER).await.unwrap(), told);
        assert!(read::<Told>(&mut &bytes[..], 50).await.is_err());
        assert!(read::<Told>(&mut &bytes[..bytes.len() - 1], MAX_ANSWER).await.is_err());
        assert!(write(&mut Vec::new(), &told, 50).await.is_err());
    }
}
