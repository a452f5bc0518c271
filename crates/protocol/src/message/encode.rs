//! Messages to bytes.

use super::{Answer, Mail, Message, Short, Topic};
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
    pub(in super::super) const NOTICE: u64 = 9;
    pub(in super::super) const KEPT: u64 = 10;
    pub(in super::super) const MAILBOXES: u64 = 11;
    pub(in super::super) const SUMS: u64 = 12;
    pub(in super::super) const MARKS: u64 = 13;
    pub(in super::super) const WANTED: u64 = 14;
}

impl Message {
    /// The encoding. Who makes a message keeps its lists within the limits of
    /// [`limits`](crate::limits): a longer one will not be read.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Hello { clock, agent, run } => {
                begin(&mut writer, kind::HELLO, 3);
                writer.uint(*clock);
                writer.text(agent);
                writer.uint(*run);
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
            Self::Mail(mail) => mail.write(&mut writer),
        }
        writer.finish()
    }
}

impl Mail {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Notice {
                target,
                record,
                delta,
            } => {
                begin(writer, kind::NOTICE, 3);
                writer.bytes(&target.0);
                writer.bytes(record);
                writer.bytes(delta);
            }
            Self::Kept {
                target,
                record,
                answer,
            } => {
                begin(writer, kind::KEPT, 3);
                writer.bytes(&target.0);
                writer.bytes(&record.0);
                writer.uint(match answer {
                    Answer::Kept => 0,
                    Answer::Passed => 1,
                    Answer::Elsewhere => 2,
                });
            }
            Self::Mailboxes(entries) => {
                begin(writer, kind::MAILBOXES, 1);
                writer.array(entries.len());
                for (topic, sum) in entries {
                    pair(writer, &topic.0, Some(&sum.0));
                }
            }
            Self::Sums { target, sums } => {
                begin(writer, kind::SUMS, 2);
                writer.bytes(&target.0);
                writer.bytes(&joined(sums));
            }
            Self::Marks {
                target,
                parts,
                marks,
            } => {
                begin(writer, kind::MARKS, 3);
                writer.bytes(&target.0);
                writer.uint(*parts);
                writer.bytes(&joined(marks));
            }
            Self::Wanted { target, marks } => {
                begin(writer, kind::WANTED, 2);
                writer.bytes(&target.0);
                writer.bytes(&joined(marks));
            }
        }
    }
}

/// Marks and sums, one after the other in one string of bytes.
fn joined(all: &[Short]) -> Vec<u8> {
    all.iter().flat_map(|short| short.0).collect()
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
