//! Comparing mailboxes with a peer's: what either misses is exchanged.
//!
//! The sums of the parts go first, then the marks of the parts that differ, then the notices.
//! What this home keeps for an account is given to whoever asks: it was sent to be found.

use std::collections::BTreeSet;

use ourspace_protocol::{
    account::Account,
    hash::sha256,
    limits,
    machine::{
        dice::Dice,
        mailbox::{Key, Mailbox},
    },
    message::{Mail, Short, Sums},
    time::Millis,
};
use ourspace_store::{Reader, StoreError};

/// Notices that are sent at once; the rest comes when the mailboxes are compared again.
const AT_ONCE: usize = 256;

/// The sum of a mailbox, if anything is in it.
pub(super) fn sum(reader: &Reader<'_>, target: Account) -> Result<Option<Short>, StoreError> {
    let mailbox = reader.mailbox(target)?;
    Ok((!mailbox.is_empty()).then(|| mailbox.sum()))
}

/// The sums of its parts, to begin with.
pub(super) fn sums(reader: &Reader<'_>, target: Account) -> Result<Mail, StoreError> {
    let sums = reader.mailbox(target)?.sums();
    Ok(Mail::Sums { target, sums })
}

/// A peer has said what the sum of its mailbox is. The one with the smaller id goes on, and
/// whoever has nothing, for nothing was heard of it.
pub(super) fn differs(
    reader: &Reader<'_>,
    target: Account,
    sum: Short,
    begins: bool,
) -> Result<Option<Mail>, StoreError> {
    let mailbox = reader.mailbox(target)?;
    let goes_on = mailbox.sum() != sum && (begins || mailbox.is_empty());
    let sums = mailbox.sums();
    Ok(goes_on.then_some(Mail::Sums { target, sums }))
}

/// A peer has said what the sums of the parts are.
pub(super) fn marks(
    reader: &Reader<'_>,
    target: Account,
    sums: &Sums,
) -> Result<Option<Mail>, StoreError> {
    let mailbox = reader.mailbox(target)?;
    let parts = mailbox.differs(sums);
    let marks = mailbox.marks(parts);
    let said = Mail::Marks {
        target,
        parts,
        marks,
    };
    Ok((parts != 0).then_some(said))
}

/// A peer has said what it has in some parts: what it misses, and what is wanted of it.
pub(super) fn exchange(
    reader: &Reader<'_>,
    target: Account,
    (parts, theirs): (u64, &[Short]),
    now: Millis,
) -> Result<Vec<Mail>, StoreError> {
    let mailbox = reader.mailbox(target)?;
    let (missed, wanted) = mailbox.compare(parts, theirs);
    let mut out = notices(reader, target, missed, now)?;
    // By chance: else what is refused again and again would hide the rest.
    let wanted = Dice::new(now).take(wanted, AT_ONCE);
    if !wanted.is_empty() {
        let marks = wanted;
        out.push(Mail::Wanted { target, marks });
    }
    Ok(out)
}

/// A peer wants some.
pub(super) fn wanted(
    reader: &Reader<'_>,
    target: Account,
    marks: &[Short],
    now: Millis,
) -> Result<Vec<Mail>, StoreError> {
    let mailbox: Mailbox = reader.mailbox(target)?;
    let marks = marks.get(..limits::MAILBOX.min(marks.len()));
    notices(
        reader,
        target,
        mailbox.marked(marks.unwrap_or_default()),
        now,
    )
}

fn notices(
    reader: &Reader<'_>,
    target: Account,
    keys: Vec<Key>,
    now: Millis,
) -> Result<Vec<Mail>, StoreError> {
    let mut out = Vec::new();
    // One record may speak of several items.
    let mut sent = BTreeSet::new();
    for key in Dice::new(now).take(keys, AT_ONCE) {
        if let Some(kept) = reader.notice(target, key)?
            && sent.insert(sha256(&kept.record))
        {
            let (record, delta) = (kept.record, kept.delta);
            out.push(Mail::Notice {
                target,
                record,
                delta,
            });
        }
    }
    Ok(out)
}
