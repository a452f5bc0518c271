//! Making a home's account, safe against a crash at any instruction.
//!
//! ```text
//! begin     the home is there, with its database, and held; it has no account
//! prepare   the device key is on the disk; the grant is signed
//!           (now the caller shows the words)
//! finish    successor, then account key on the disk; then, in one transaction, the
//!           account, its grant and the first, empty feed
//! ```
//! So an account exists only after its words were shown, and an account key that lies
//! there without an account had its words shown too: it is finished by [`resume`] or moved
//! aside by [`set_aside`], and never removed. And as the database is there before the first
//! key, keys beside none are what is left of a damaged home: nothing is made there.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    feed::set::Changes,
    grant::{Grant, SignedGrant},
    time::Millis,
    verify::Verified,
};
use ourspace_wallet::{
    SecretKey, device, elsewhere, keystore,
    successor::{Successor, SuccessorError},
};

use crate::{
    account::{
        InitError, Origin, Place, check_grant, draft_grant, forget, pending, place, put_origin,
        remember, sign_grant,
    },
    home::{Home, HomeError, put_account},
    identity::Identity,
    publish::{When, publish_as},
};

/// What an earlier try has left in a home without an account.
#[derive(Debug)]
pub enum Leftover {
    /// Nothing.
    Nothing,
    /// An account key whose words were shown; [`resume`] goes on with it.
    Key(Account),
    /// A grant that waits for the signature of a wallet that is elsewhere.
    Waiting(Box<Grant>),
}

/// What is needed to make the account, but for the account key itself.
#[derive(Debug)]
pub struct Prepared {
    /// The device key with its grant.
    pub identity: Identity,
    /// Who may continue the account.
    pub successor: Option<Successor>,
}

/// A made account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The account.
    pub account: Account,
    /// Root of its first feed.
    pub root: Cid,
    /// When that was signed.
    pub timestamp: Millis,
}

/// Opens a home, makes it if need be, and holds it. It has no account.
///
/// # Errors
/// Those of [`place()`]; [`InitError::Home`] when it cannot be written or another process
/// holds it.
pub fn begin(path: &Path) -> Result<Home, InitError> {
    if place(path)? == Place::Free && path.is_dir() {
        // An empty folder that was there: from now on it holds what is private.
        let private = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
        private.map_err(|source| InitError::Folder {
            path: path.to_owned(),
            source,
        })?;
    }
    let exists = |account| InitError::Exists {
        home: path.to_owned(),
        account,
    };
    let home = Home::open_or_make(path)?;
    match home.account() {
        Ok(account) => return Err(exists(account)),
        Err(HomeError::NoAccount(_)) => {}
        Err(error) => return Err(error.into()),
    }
    make_keys_folder(&home)?;
    Ok(home)
}

/// What an earlier try has left.
///
/// # Errors
/// [`InitError`] when it cannot be read.
pub fn leftover(home: &Home) -> Result<Leftover, InitError> {
    // Ours always states it.
    if let Some(account) = keystore::stated_in(&home.keystore_path())? {
        return Ok(Leftover::Key(account));
    }
    let Some(device) = existing_device(home)? else {
        return Ok(Leftover::Nothing);
    };
    let waiting = pending(&home.store().read()?, device.address())?;
    Ok(waiting.map_or(Leftover::Nothing, |grant| {
        Leftover::Waiting(Box::new(grant))
    }))
}

/// Moves all keys of an earlier try into a folder beside them, `keys.NUMBER`, and forgets
/// what waits for a signature. Gives the folder, when there was something to move.
///
/// # Errors
/// [`InitError::Folder`].
pub fn set_aside(home: &Home) -> Result<Option<PathBuf>, InitError> {
    let keys = keys_folder(home);
    let failed = |source| InitError::Folder {
        path: keys.clone(),
        source,
    };
    let mut entries = fs::read_dir(&keys).map_err(failed)?;
    if entries.next().is_none() {
        return Ok(None);
    }
    let free = (1..)
        .map(|number: u32| home.path().join(format!("keys.{number}")))
        .find(|path| !path.exists());
    let Some(aside) = free else { return Ok(None) };
    fs::rename(&keys, &aside).map_err(failed)?;
    make_keys_folder(home)?;
    let waiting = super::waiting(&home.store().read()?)?;
    home.store().write(|writer| {
        let mut waiting = waiting.iter();
        waiting.try_for_each(|grant| forget(writer, grant.device))
    })?;
    Ok(Some(aside))
}

/// Makes the device key and its grant, signed by `wallet`. Nothing is an account yet.
///
/// # Errors
/// [`InitError`].
pub fn prepare(
    home: &Home,
    wallet: &SecretKey,
    successor: Option<Successor>,
    now: Millis,
) -> Result<Prepared, InitError> {
    let hash = successor_hash(wallet.address(), successor)?;
    let device = device_key(home)?;
    let epoch = super::epoch(&home.store().read()?, wallet.address())?;
    let draft = draft_grant(wallet.address(), device.address(), hash, epoch, now);
    let grant = sign_grant(draft, wallet)?;
    Ok(Prepared {
        identity: Identity {
            account: wallet.address(),
            device,
            grant,
        },
        successor,
    })
}

/// Keeps the keys and makes the account, with its first, empty feed. To be called when the
/// words of `wallet` were shown.
///
/// # Errors
/// [`InitError`]; there is no account then, and [`leftover`] says what there is.
pub fn finish(
    home: &Home,
    prepared: &Prepared,
    wallet: &SecretKey,
    password: &str,
    now: Millis,
) -> Result<Made, InitError> {
    if let Some(successor) = &prepared.successor {
        successor.save(&home.successor_path())?;
    }
    keystore::create(&home.keystore_path(), wallet, password)?;
    establish(home, &prepared.identity, Origin::Here, now)
}

/// Goes on where an earlier try was interrupted after the account key was kept.
///
/// # Errors
/// [`InitError`]; a wrong password is [`KeystoreError::WrongPassword`](ourspace_wallet::KeystoreError::WrongPassword).
pub fn resume(home: &Home, password: &str, now: Millis) -> Result<Made, InitError> {
    let wallet = keystore::open(&home.keystore_path(), password)?;
    let successor = match Successor::load(&home.successor_path()) {
        Ok(successor) => Some(successor),
        Err(SuccessorError::File(error)) if error.is_not_found() => None,
        Err(error) => return Err(error.into()),
    };
    let prepared = prepare(home, &wallet, successor, now)?;
    establish(home, &prepared.identity, Origin::Here, now)
}

/// Makes the device key and the grant that a wallet elsewhere is asked to sign.
///
/// # Errors
/// [`InitError`].
pub fn draft_elsewhere(
    home: &Home,
    account: Account,
    successor: Option<Successor>,
    now: Millis,
) -> Result<Grant, InitError> {
    let hash = successor_hash(account, successor)?;
    let device = device_key(home)?;
    let epoch = super::epoch(&home.store().read()?, account)?;
    Ok(draft_grant(account, device.address(), hash, epoch, now))
}

/// Keeps a drafted grant until the wallet's signature comes. To be called when the words
/// of the successor were shown.
///
/// # Errors
/// [`InitError`].
pub fn wait_elsewhere(
    home: &Home,
    grant: &Grant,
    successor: Option<Successor>,
) -> Result<(), InitError> {
    if let Some(successor) = &successor {
        successor.save(&home.successor_path())?;
    }
    Ok(home.store().write(|writer| remember(writer, grant))?)
}

/// Takes the wallet's signature of the grant that waits and makes the account.
///
/// # Errors
/// [`InitError`]; the grant goes on waiting then.
pub fn finish_elsewhere(home: &Home, signature: &str, now: Millis) -> Result<Made, InitError> {
    let device = existing_device(home)?.ok_or(InitError::NothingPending)?;
    let waiting = pending(&home.store().read()?, device.address())?;
    let waiting = waiting.ok_or(InitError::NothingPending)?;
    let grant = check_grant(&elsewhere::sign_grant(waiting, signature)?)?;
    let identity = identity(device, grant);
    establish(home, &identity, Origin::Elsewhere, now)
}

/// What the grants of an account commit to.
fn successor_hash(account: Account, successor: Option<Successor>) -> Result<[u8; 32], InitError> {
    match successor {
        Some(successor) if successor.address == account => Err(InitError::OwnSuccessor),
        Some(successor) => Ok(successor.hash()),
        None => Ok([0; 32]),
    }
}

pub(super) fn identity(device: SecretKey, grant: Verified<SignedGrant>) -> Identity {
    Identity {
        account: grant.get().grant.account,
        device,
        grant,
    }
}

/// The one transaction that makes an account of it all.
fn establish(
    home: &Home,
    identity: &Identity,
    origin: Origin,
    now: Millis,
) -> Result<Made, InitError> {
    let published = home.store().write(|writer| {
        put_account(writer, identity.account)?;
        put_origin(writer, origin)?;
        writer.put_grant(&identity.grant)?;
        forget(writer, identity.device.address())?;
        publish_as(writer, identity, When::at(now), None, |_| {
            Ok(Changes::default())
        })
    })?;
    Ok(Made {
        account: identity.account,
        root: published.root,
        timestamp: published.timestamp,
    })
}

/// The device key of this home; a new one if it has none.
pub(crate) fn device_key(home: &Home) -> Result<SecretKey, InitError> {
    match existing_device(home)? {
        Some(key) => Ok(key),
        None => Ok(device::create(&home.device_path())?),
    }
}

pub(crate) fn existing_device(home: &Home) -> Result<Option<SecretKey>, InitError> {
    match device::load(&home.device_path()) {
        Ok(key) => Ok(Some(key)),
        Err(device::DeviceError::File(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn keys_folder(home: &Home) -> PathBuf {
    home.path().join("keys")
}

/// Makes the folder of the keys, for its owner only, durably: a key in it must not be lost
/// with the folder.
fn make_keys_folder(home: &Home) -> Result<(), InitError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let path = keys_folder(home);
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&path)
        .and_then(|()| {
            let above = home.path().parent();
            let above = above.filter(|above| !above.as_os_str().is_empty());
            fs::File::open(home.path())?.sync_all()?;
            fs::File::open(above.unwrap_or(Path::new(".")))?.sync_all()
        });
    made.map_err(|source| InitError::Folder { path, source })
}
