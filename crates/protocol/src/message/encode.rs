//! Messages to bytes.

use super::{Message, Short, Topic};
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
    pub(in super::super) const WHO: u64 = 8;
    pub(in super::super) const KEEPERS: u64 = 9;
    pub(in super::super) const SUM: u64 = 10;
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
                    writer.array(2);
                    writer.bytes(&topic.0);
                    writer.bytes(&short.0);
                }
            }
            Self::Graft(entries) => {
                begin(&mut writer, kind::GRAFT, 1);
                writer.array(entries.len());
                for (topic, missing) in entries {
                    writer.array(2);
                    writer.bytes(&topic.0);
                    optional(
                        &mut writer,
                        missing.as_ref().map(|short| short.0.as_slice()),
                    );
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
            Self::Ask { .. } | Self::Told { .. } | Self::Who { .. } | Self::Keepers { .. } => {
                self.write_question(&mut writer);
            }
        }
        writer.finish()
    }

    fn write_question(&self, writer: &mut Writer) {
        match self {
            Self::Ask { id, accounts } => {
                begin(writer, kind::ASK, 2);
                writer.uint(*id);
                writer.array(accounts.len());
                for (account, Short(known)) in accounts {
                    writer.array(2);
                    writer.bytes(&account.0);
                    writer.bytes(known);
                }
            }
            Self::Told { id, records, last } => {
                begin(writer, kind::TOLD, 3);
                writer.uint(*id);
                list(writer, records);
                writer.uint(u64::from(*last));
            }
            Self::Who { id, account } => {
                begin(writer, kind::WHO, 2);
                writer.uint(*id);
                writer.bytes(&account.0);
            }
            Self::Keepers { id, addresses } => {
                begin(writer, kind::KEEPERS, 2);
                writer.uint(*id);
                list(writer, addresses);
            }
            Self::Hello { .. }
            | Self::Interests { .. }
            | Self::News { .. }
            | Self::Have(_)
            | Self::Graft(_)
            | Self::Prune(_)
            | Self::Sum(_) => {}
        }
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
