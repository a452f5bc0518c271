//! The joining side: a new machine gets a device key, asks, and takes the answer.

use ourspace_protocol::{account::Account, grant::SignedGrant, time::Millis, verify::Verified};
use ourspace_store::StoreError;
use ourspace_wallet::{
    device,
    join::{Request, decode_answer},
};

use super::DevicesError;
use crate::{
    account::{self, InitError, JOINING, Leftover, Origin, device_key, forget, put_origin},
    home::{Home, HomeError, put_account},
};

/// What a taken answer did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The permission.
    pub grant: Verified<SignedGrant>,
    /// Whether the home has become the account's only now.
    pub new: bool,
}

/// The code by which the device of a home asks to join: the same until it has joined. On
/// a home without an account, which is made if need be, or on one that asks anew.
///
/// # Errors
/// [`DevicesError`]; a home in which an `init` was interrupted is left to it.
pub fn ask_to_join(home: &Home) -> Result<Request, DevicesError> {
    let known: Option<String> = home.store().read()?.setting(JOINING)?;
    let device = device_key(home)?;
    if let Some(request) = known.and_then(|text| Request::decode(&text).ok())
        && request.device() == device.address()
    {
        return Ok(request);
    }
    if let Leftover::Key(account) = account::leftover(home)?
        && home.account().is_err()
    {
        let home = home.path().join("keys");
        return Err(InitError::Exists { home, account }.into());
    }
    let request = Request::new(&device)?;
    home.store()
        .write(|writer| writer.put_setting(JOINING, &request.encode()))?;
    Ok(request)
}

/// Takes the answer of the first device: makes the home the account's, or renews its
/// permission. `expected` is the account that the person wants to join, if they said so.
///
/// # Errors
/// [`DevicesError`]; nothing is changed then.
pub fn join(
    home: &Home,
    answer: &str,
    expected: Option<Account>,
    now: Millis,
) -> Result<Joined, DevicesError> {
    let device = device::load(&home.device_path()).map_err(InitError::from)?;
    let grant = decode_answer(answer, &device.address())?;
    let granted = grant.get().grant.clone();
    let (expected, new) = match home.account() {
        Ok(account) => (Some(account), false),
        Err(HomeError::NoAccount(_)) => (expected, true),
        Err(error) => return Err(error.into()),
    };
    if let Some(expected) = expected.filter(|expected| *expected != granted.account) {
        let found = granted.account;
        return Err(DevicesError::OtherAccount { found, expected });
    }
    if granted.expires_at < now {
        return Err(DevicesError::Ended(granted.expires_at));
    }
    let reader = home.store().read()?;
    let epoch = account::epoch(&reader, granted.account)?;
    let old = reader.grants(granted.account)?;
    let newer = old.iter().map(|old| &old.get().grant).any(|old| {
        old.device == granted.device
            && (old.epoch, old.issued_at) > (granted.epoch, granted.issued_at)
    });
    if newer || granted.epoch < epoch {
        return Err(DevicesError::OlderAnswer);
    }
    drop(reader);
    home.store().write(|writer| -> Result<(), StoreError> {
        put_account(writer, granted.account)?;
        if new {
            put_origin(writer, Origin::Joined)?;
        }
        writer.put_grant(&grant)?;
        forget(writer, granted.device)?;
        writer.remove_setting(JOINING)
    })?;
    Ok(Joined { grant, new })
}
