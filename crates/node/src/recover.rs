//! Recovering: the successor of a lost account says so, and goes on.
//!
//! The second word list alone is enough: the successor's key follows from it, and the salt
//! of the commitment from the key. Whether the lost account really named this successor,
//! any record or grant of it tells.

use data_encoding::HEXLOWER;
use ourspace_protocol::{
    account::Account,
    eip712::TypedData as _,
    record::SignedRecord,
    signature::Scheme,
    succession::{SignedSuccession, Succession, successor_hash},
    time::Millis,
    verify::{Context, KnownGrants, Refusal, Verified, verify, verify_succession},
};
use ourspace_store::{Reader, StoreError};
use ourspace_wallet::{SecretKey, successor::Successor};

use crate::home::Home;

/// The setting that holds the statement, encoded, in hex: every export writes it beside the
/// feed.
const SUCCESSION: &str = "node.succession";

/// Why an account cannot be recovered so.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The record that was given cannot be believed.
    #[error("the record of the lost account is not valid: {0}")]
    Record(Refusal),
    /// The record is another account's.
    #[error("this is a record of {found}, not of the lost account {lost}")]
    OtherAccount {
        /// Whose record it is.
        found: Account,
        /// The account that was lost.
        lost: Account,
    },
    /// The wallet signed the record itself, so it carries no commitment.
    #[error(
        "this record was signed by the wallet itself and says nothing of a successor: give one that a device signed"
    )]
    NoGrant,
    /// The account named nobody.
    #[error("the lost account named no successor, so nobody can continue it")]
    NoSuccessor,
    /// The words are not the successor's.
    #[error(
        "these words are not those of the successor that {0} named: is it the second list, and of this account?"
    )]
    NotTheSuccessor(Account),
    /// The lost account is the successor itself.
    #[error(
        "these are the words of {0} itself, so it is not lost: `ourspace init --mnemonic -` uses them"
    )]
    NotLost(Account),
    /// A statement of another account.
    #[error("the statement is of {found}, not of this feed's account {expected}")]
    OtherSuccessor {
        /// Who signs it.
        found: Account,
        /// Whose feed it lies beside.
        expected: Account,
    },
    /// What lies beside a feed is no valid statement.
    #[error("it is no valid statement that the account continues another one: {0}")]
    Claim(Refusal),
    /// Nobody would believe the statement.
    #[error("the statement is not valid ({0}): is the clock of this machine right?")]
    Statement(Refusal),
}

/// The successor's statement that it continues `lost`.
///
/// # Errors
/// [`RecoverError::NotLost`].
pub fn statement(
    successor: &SecretKey,
    lost: Account,
    now: Millis,
) -> Result<SignedSuccession, RecoverError> {
    if successor.address() == lost {
        return Err(RecoverError::NotLost(lost));
    }
    let succession = Succession {
        account: lost,
        successor: successor.address(),
        salt: Successor::of(successor).salt,
        timestamp: now,
    };
    let scheme = Scheme::TypedData;
    let signature = successor.sign_digest(&succession.signing_hash(scheme));
    Ok(SignedSuccession {
        succession,
        scheme,
        signature,
    })
}

/// Checks a statement against a record of the lost account, `record.cbor` of its site:
/// what followers will check.
///
/// # Errors
/// [`RecoverError`].
pub fn check(
    statement: &SignedSuccession,
    record: &[u8],
    now: Millis,
) -> Result<Verified<SignedSuccession>, RecoverError> {
    let lost = statement.succession.account;
    let context = Context {
        now,
        highest_epoch: 0,
    };
    let record = verify(record, context, &mut KnownGrants::new()).map_err(RecoverError::Record)?;
    let SignedRecord { record, grant, .. } = record.get();
    if record.account != lost {
        let found = record.account;
        return Err(RecoverError::OtherAccount { found, lost });
    }
    let grant = grant.as_ref().ok_or(RecoverError::NoGrant)?;
    let commitment = grant.grant.successor_hash;
    if commitment == [0; 32] {
        return Err(RecoverError::NoSuccessor);
    }
    verify_succession(&statement.to_bytes(), &lost, &commitment, now).map_err(|refusal| {
        match refusal {
            Refusal::NotTheSuccessor => RecoverError::NotTheSuccessor(lost),
            other => RecoverError::Statement(other),
        }
    })
}

/// What a statement that lies beside a feed of `successor` says: which account it
/// continues. Signature and form are checked; whether the lost account named this successor
/// only a record of that one tells ([`check`]).
///
/// # Errors
/// [`RecoverError::Claim`], [`RecoverError::OtherSuccessor`].
pub fn claim(bytes: &[u8], successor: Account, now: Millis) -> Result<Account, RecoverError> {
    let signed = SignedSuccession::from_bytes(bytes);
    let Succession {
        account,
        successor: found,
        salt,
        ..
    } = signed
        .map_err(|error| RecoverError::Claim(error.into()))?
        .succession;
    // What it reveals itself stands for the commitment that is not at hand.
    let revealed = successor_hash(&found, &salt);
    verify_succession(bytes, &account, &revealed, now).map_err(RecoverError::Claim)?;
    match found == successor {
        true => Ok(account),
        false => Err(RecoverError::OtherSuccessor {
            found,
            expected: successor,
        }),
    }
}

/// Keeps a statement in the successor's home.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn keep(home: &Home, statement: &SignedSuccession) -> Result<(), StoreError> {
    let hex = HEXLOWER.encode(&statement.to_bytes());
    home.store()
        .write(|writer| writer.put_setting(SUCCESSION, &hex))
}

/// The statement that a home keeps, if its account continues another one.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn kept(home: &Home) -> Result<Option<SignedSuccession>, StoreError> {
    kept_in(&home.store().read()?)
}

/// As [`kept`], of a snapshot.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn kept_in(reader: &Reader<'_>) -> Result<Option<SignedSuccession>, StoreError> {
    let hex: Option<String> = reader.setting(SUCCESSION)?;
    let bytes = hex.and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
    Ok(bytes.and_then(|bytes| SignedSuccession::from_bytes(&bytes).ok()))
}
