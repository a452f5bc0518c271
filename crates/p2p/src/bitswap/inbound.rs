//! Messages out of the streams that a peer opens: any number of streams, any number of
//! messages on each, as Kubo opens one for every message.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures::{
    AsyncRead, AsyncReadExt as _, StreamExt as _,
    io::BufReader,
    stream::{self, BoxStream},
};
use prost::bytes::Bytes;
use tokio::sync::Semaphore;

use super::message::{MESSAGE_BYTES, Message, MessageError};

/// Bytes of a message that is read at once; longer ones wait for one of few places.
const SMALL: usize = 64 * 1024;
/// Longer messages of one connection that are read at the same time.
const LARGE_AT_A_TIME: usize = 4;
/// Bytes of a message of a peer of whom no block was ever asked: it can only want something.
const UNEXPECTED: usize = 1024 * 1024;

/// Why a stream ends.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection, or the peer closed it: no harm.
    Io,
    /// What came is no message.
    Message(MessageError),
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Io
    }
}

/// What all streams of one connection share.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// Bytes that came, to be seen while a long message is still on its way.
    pub(super) arrived: Arc<AtomicU64>,
    /// Whether blocks were ever asked of this peer.
    pub(super) expects: Arc<AtomicBool>,
    large: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(arrived: Arc<AtomicU64>) -> Self {
        Self {
            arrived,
            expects: Arc::default(),
            large: Arc::new(Semaphore::new(LARGE_AT_A_TIME)),
        }
    }
}

/// A message, and how many bytes it had on the wire.
pub(super) type Framed = (Message, usize);

/// All messages of a stream; it ends with the stream or with the first that is wrong.
pub(super) fn messages<R>(stream: R, gate: Gate) -> BoxStream<'static, Result<Framed, Broken>>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let reader = BufReader::with_capacity(4096, stream);
    let read = |state: Option<(BufReader<R>, Gate)>| async move {
        let (mut reader, gate) = state?;
        match next(&mut reader, &gate).await {
            Ok(Some(message)) => Some((Ok(message), Some((reader, gate)))),
            Ok(None) => None,
            Err(broken) => Some((Err(broken), None)),
        }
    };
    stream::unfold(Some((reader, gate)), read).boxed()
}

async fn next<R>(reader: &mut R, gate: &Gate) -> Result<Option<Framed>, Broken>
where
    R: AsyncRead + Unpin,
{
    let Some(length) = read_length(reader).await? else {
        return Ok(None);
    };
    let expects = gate.expects.load(Ordering::Relaxed);
    if length > if expects { MESSAGE_BYTES } else { UNEXPECTED } {
        return Err(Broken::Message(MessageError::TooLong(length)));
    }
    // Nobody closes the semaphore, so a place always comes.
    let _place = match length > SMALL {
        true => gate.large.acquire().await.ok(),
        false => None,
    };
    let mut bytes = vec![0; length.min(SMALL)];
    fill(reader, &mut bytes, gate).await?;
    if length > SMALL {
        // Who has sent this much is believed about the rest; the zeros cost nothing.
        let mut whole = vec![0; length];
        whole[..SMALL].copy_from_slice(&bytes);
        fill(reader, &mut whole[SMALL..], gate).await?;
        bytes = whole;
    }
    let message = Message::decode(Bytes::from(bytes)).map_err(Broken::Message)?;
    Ok(Some((message, length)))
}

async fn fill<R>(reader: &mut R, mut into: &mut [u8], gate: &Gate) -> Result<(), Broken>
where
    R: AsyncRead + Unpin,
{
    while !into.is_empty() {
        let read = reader.read(into).await?;
        if read == 0 {
            return Err(Broken::Io);
        }
        gate.arrived.fetch_add(read as u64, Ordering::Relaxed);
        into = &mut into[read..];
    }
    Ok(())
}

/// The number before a message; none at the stream's end.
async fn read_length<R>(reader: &mut R) -> Result<Option<usize>, Broken>
where
    R: AsyncRead + Unpin,
{
    let mut length = 0;
    for shift in [0, 7, 14, 21, 28] {
        let mut byte = [0];
        if reader.read(&mut byte).await? == 0 {
            return if shift == 0 {
                Ok(None)
            } else {
                Err(Broken::Io)
            };
        }
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(Some(length));
        }
    }
    Err(Broken::Message(MessageError::TooLong(length)))
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};
    use ourspace_protocol::dag::Codec;

    use super::*;
    use crate::bitswap::message::{Payload, Version};

    fn gate(expects: bool) -> Gate {
        let gate = Gate::new(Arc::default());
        gate.expects.store(expects, Ordering::Relaxed);
        gate
    }

    fn message(size: usize) -> Message {
        Message {
            blocks: vec![Payload {
                codec: Codec::Raw,
                v0: false,
                data: vec![7; size].into(),
            }],
            ..Message::default()
        }
    }

    fn read(bytes: Vec<u8>, gate: Gate) -> Vec<Result<Framed, Broken>> {
        block_on(messages(Cursor::new(bytes), gate).collect())
    }

    #[test]
    fn many_messages_come_out_of_one_stream() {
        let all: Vec<Message> = [0, 10, SMALL, 2 << 20].map(message).into();
        let bytes = all
            .iter()
            .flat_map(|one| one.encode(Version::V1_2))
            .collect::<Vec<_>>();
        let bytes = bytes.concat();
        let gate = gate(true);
        let read = read(bytes, gate.clone());
        let read: Vec<Message> = read.into_iter().map(|one| one.unwrap().0).collect();
        assert_eq!(read, all);
        assert!(gate.arrived.load(Ordering::Relaxed) > 2 << 20);
    }

    #[test]
    fn a_stream_that_breaks_off_or_lies_about_a_length_ends() {
        let whole = message(100).encode(Version::V1_2).concat();
        for cut in 1..whole.len() {
            let read = read(whole[..cut].to_vec(), gate(true));
            assert!(matches!(read[..], [Err(Broken::Io)]), "{cut}");
        }
        for length in [&[0xff, 0xff, 0xff, 0x7f][..], &[0xff; 9]] {
            let read = read(length.to_vec(), gate(true));
            assert!(matches!(read[..], [Err(Broken::Message(_))]), "{length:?}");
        }
    }

    #[test]
    fn who_was_asked_for_nothing_sends_nothing_large() {
        let bytes = message(2 << 20).encode(Version::V1_2).concat();
        let read = read(bytes, gate(false));
        let [Err(Broken::Message(MessageError::TooLong(_)))] = read[..] else {
            panic!("{read:?}");
        };
    }
}
