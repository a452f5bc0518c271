//! Messages to bytes.

use super::{Message, Topic};
use crate::cbor::Writer;

/// The numbers of the kinds.
pub(super) mod kind {
    pub(in super::super) const HELLO: u64 = 0;
    pub(in super::super) const INTERESTS: u64 = 1;
    pub(in super::super) const NEWS: u64 = 2;
    pub(in super::super) const HAVE: u64 = 3;
    pub(in super::super) const GRAFT: u64 = 4;
    pub(in super::super) const PRUNE: u64 = 5;
    pub(in super::super) const ASK: u64 = 6;
    pub(in super::super) const TOLD: u64 = 7;
    pub(in super::super) const SUM: u64 = 8;
}

impl Message {
    /// The encoding. Who makes a message keeps its lists within the limits of
    /// [`limits`](crate::limits): a longer one will not be read.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Hello { clock, agent } => {
                begin(&mut writer, kind::HELLO, 2);
                writer.uint(*clock);
                writer.text(agent);
            }
            Self::Interests { joined, left } => {
                begin(&mut writer, kind::INTERESTS, 2);
                topics(&mut writer, joined);
                topics(&mut writer, left);
            }
            Self::News { record, delta } => {
                begin(&mut writer, kind::NEWS, 2);
                writer.bytes(record);
                optional(&mut writer, delta.as_deref());
            }
            Self::Have(entries) => {
                begin(&mut writer, kind::HAVE, 1);
                writer.array(entries.len());
                for (topic, short) in entries {
                    pair(&mut writer, &topic.0, Some(&short.0));
                }
            }
            Self::Graft(entries) => {
                begin(&mut writer, kind::GRAFT, 1);
                writer.array(entries.len());
                for (topic, missing) in entries {
                    let missing = missing.as_ref().map(|short| short.0.as_slice());
                    pair(&mut writer, &topic.0, missing);
                }
            }
            Self::Prune(all) => {
                begin(&mut writer, kind::PRUNE, 1);
                topics(&mut writer, all);
            }
            Self::Sum(sum) => {
                begin(&mut writer, kind::SUM, 1);
                writer.bytes(&sum.0);
            }
            Self::Ask { id, accounts } => {
                begin(&mut writer, kind::ASK, 2);
                writer.uint(*id);
                writer.array(accounts.len());
                for (account, known) in accounts {
                    pair(&mut writer, &account.0, Some(&known.0));
                }
            }
            Self::Told { id, records, last } => {
                begin(&mut writer, kind::TOLD, 3);
                writer.uint(*id);
                list(&mut writer, records);
                writer.uint(u64::from(*last));
            }
        }
        writer.finish()
    }
}

fn begin(writer: &mut Writer, kind: u64, fields: usize) {
    writer.array(fields + 1);
    writer.uint(kind);
}

fn topics(writer: &mut Writer, topics: &[Topic]) {
    writer.array(topics.len());
    for topic in topics {
        writer.bytes(&topic.0);
    }
}

fn pair(writer: &mut Writer, first: &[u8], second: Option<&[u8]>) {
    writer.array(2);
    writer.bytes(first);
    optional(writer, second);
}

fn list(writer: &mut Writer, all: &[Vec<u8>]) {
    writer.array(all.len());
    for bytes in all {
        writer.bytes(bytes);
    }
}

fn optional(writer: &mut Writer, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => writer.bytes(bytes),
        None => writer.null(),
    }
}
