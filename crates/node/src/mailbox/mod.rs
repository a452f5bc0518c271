//! What waits for accounts here: taking notices in, and reading the items that they bring.
//!
//! For the own account, and for those that are followed in public, this home is a mailbox.
//! What comes is verified and bounded; what this home publishes about others is noted in the
//! same change. How notices travel, the room `notices` knows.

mod book;
mod items;

pub(crate) use book::{Concerned, Handed, Place, concerned, note, take};
pub(crate) use items::Desk;

use std::collections::BTreeSet;

use ourspace_protocol::account::Account;

use crate::{HomeError, home::Home};

/// Whose mailboxes this home keeps: its own, and those of its public follows.
pub(crate) fn kept(home: &Home) -> Result<BTreeSet<Account>, HomeError> {
    let reader = home.store().read()?;
    let public = reader.follows()?.into_iter().filter(|follow| !follow.quiet);
    let mut kept: BTreeSet<Account> = public.map(|follow| follow.account).collect();
    kept.insert(home.account()?);
    Ok(kept)
}
