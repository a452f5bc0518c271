//! Bytes of strangers to messages.

use super::{Answer, Mail, Message, MessageError, Short, Topic, encode::kind};
use crate::{
    account::Account,
    cbor::{CborError, Reader},
    limits,
};

impl Message {
    /// Decodes one frame.
    ///
    /// # Errors
    /// [`MessageError`]; [`MessageError::Unknown`] is nobody's fault.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > limits::FRAME_BYTES {
            return Err(MessageError::TooLarge);
        }
        let mut reader = Reader::new(bytes);
        let fields = reader.array(8)?.checked_sub(1).ok_or(CborError::Size)?;
        let kind = reader.uint()?;
        let (expected, read) = find(kind).ok_or(MessageError::Unknown(kind))?;
        if fields != expected {
            return Err(CborError::Size.into());
        }
        let message = read(&mut reader)?;
        reader.end()?;
        Ok(message)
    }
}

type Read = fn(&mut Reader<'_>) -> Result<Message, CborError>;

/// How many fields a kind has, and how they are read.
fn find(number: u64) -> Option<(usize, Read)> {
    Some(match number {
        kind::HELLO => (3, hello),
        kind::INTERESTS => (2, interests),
        kind::NEWS => (2, news),
        kind::HAVE => (1, have),
        kind::GRAFT => (1, graft),
        kind::PRUNE => (1, prune),
        kind::ASK => (2, ask),
        kind::TOLD => (3, told),
        kind::SUM => (1, sum),
        kind::NOTICE => (3, |reader| notice(reader).map(Message::Mail)),
        kind::KEPT => (3, |reader| kept(reader).map(Message::Mail)),
        kind::MAILBOXES => (1, |reader| mailboxes(reader).map(Message::Mail)),
        kind::SUMS => (2, |reader| sums(reader).map(Message::Mail)),
        kind::MARKS => (3, |reader| marks(reader).map(Message::Mail)),
        kind::WANTED => (2, |reader| wanted(reader).map(Message::Mail)),
        _ => return None,
    })
}

fn hello(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    Ok(Message::Hello {
        clock: reader.uint()?,
        agent: reader.text(limits::AGENT_BYTES)?.to_owned(),
        run: reader.uint()?,
    })
}

fn interests(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    Ok(Message::Interests {
        joined: list(reader, limits::TOPICS_AT_ONCE, topic)?,
        left: list(reader, limits::TOPICS_AT_ONCE, topic)?,
    })
}

fn news(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    Ok(Message::News {
        record: bytes(reader, limits::RECORD_BYTES)?,
        delta: match reader.null() {
            true => None,
            false => Some(bytes(reader, limits::DELTA_BYTES)?),
        },
    })
}

fn have(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    let entries = list(reader, limits::TOPICS_AT_ONCE, |reader| {
        reader.array_of(2)?;
        Ok((topic(reader)?, short(reader)?))
    })?;
    Ok(Message::Have(entries))
}

fn graft(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    let entries = list(reader, limits::TOPICS_AT_ONCE, |reader| {
        reader.array_of(2)?;
        let topic = topic(reader)?;
        let missing = match reader.null() {
            true => None,
            false => Some(short(reader)?),
        };
        Ok((topic, missing))
    })?;
    Ok(Message::Graft(entries))
}

fn prune(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    list(reader, limits::TOPICS_AT_ONCE, topic).map(Message::Prune)
}

fn sum(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    short(reader).map(Message::Sum)
}

fn ask(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    Ok(Message::Ask {
        id: reader.uint()?,
        accounts: list(reader, limits::ACCOUNTS_AT_ONCE, |reader| {
            reader.array_of(2)?;
            Ok((Account(reader.array_bytes()?), short(reader)?))
        })?,
    })
}

fn told(reader: &mut Reader<'_>) -> Result<Message, CborError> {
    Ok(Message::Told {
        id: reader.uint()?,
        records: list(reader, limits::FRAME_BYTES / 64, |reader| {
            bytes(reader, limits::RECORD_BYTES)
        })?,
        last: match reader.uint()? {
            0 => false,
            1 => true,
            _ => return Err(CborError::Size),
        },
    })
}

fn notice(reader: &mut Reader<'_>) -> Result<Mail, CborError> {
    Ok(Mail::Notice {
        target: Account(reader.array_bytes()?),
        record: bytes(reader, limits::RECORD_BYTES)?,
        delta: bytes(reader, limits::DELTA_BYTES)?,
    })
}

fn kept(reader: &mut Reader<'_>) -> Result<Mail, CborError> {
    Ok(Mail::Kept {
        target: Account(reader.array_bytes()?),
        record: short(reader)?,
        answer: match reader.uint()? {
            0 => Answer::Kept,
            1 => Answer::Passed,
            2 => Answer::Elsewhere,
            _ => return Err(CborError::Size),
        },
    })
}

fn mailboxes(reader: &mut Reader<'_>) -> Result<Mail, CborError> {
    let entries = list(reader, limits::MAILBOXES_AT_ONCE, |reader| {
        reader.array_of(2)?;
        Ok((topic(reader)?, short(reader)?))
    })?;
    Ok(Mail::Mailboxes(entries))
}

fn sums(reader: &mut Reader<'_>) -> Result<Mail, CborError> {
    let target = Account(reader.array_bytes()?);
    let sums = shorts(reader, limits::MAILBOX_PARTS)?;
    Ok(Mail::Sums {
        target,
        sums: sums.try_into().map_err(|_| CborError::Size)?,
    })
}

fn marks(reader: &mut Reader<'_>) -> Result<Mail, CborError> {
    Ok(Mail::Marks {
        target: Account(reader.array_bytes()?),
        parts: match reader.uint()? {
            parts if parts >> limits::MAILBOX_PARTS == 0 => parts,
            _ => return Err(CborError::Size),
        },
        marks: shorts(reader, limits::MAILBOX)?,
    })
}

fn wanted(reader: &mut Reader<'_>) -> Result<Mail, CborError> {
    Ok(Mail::Wanted {
        target: Account(reader.array_bytes()?),
        marks: shorts(reader, limits::MAILBOX)?,
    })
}

/// Any number of them in one string of bytes.
fn shorts(reader: &mut Reader<'_>, most: usize) -> Result<Vec<Short>, CborError> {
    let bytes = reader.bytes()?;
    let (all, rest) = bytes.as_chunks();
    match rest.is_empty() && all.len() <= most {
        true => Ok(all.iter().copied().map(Short).collect()),
        false => Err(CborError::Size),
    }
}

fn topic(reader: &mut Reader<'_>) -> Result<Topic, CborError> {
    reader.array_bytes().map(Topic)
}

fn short(reader: &mut Reader<'_>) -> Result<Short, CborError> {
    reader.array_bytes().map(Short)
}

fn bytes(reader: &mut Reader<'_>, most: usize) -> Result<Vec<u8>, CborError> {
    let bytes = reader.bytes()?;
    match bytes.len() <= most {
        true => Ok(bytes.to_vec()),
        false => Err(CborError::Size),
    }
}

fn list<T>(
    reader: &mut Reader<'_>,
    most: usize,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, CborError>,
) -> Result<Vec<T>, CborError> {
    // The reader has looked that there is a byte for each entry.
    let len = reader.array(most)?;
    (0..len).map(|_| read(reader)).collect()
}
