//! Taking a device's permission away: the wallet itself signs a record of the next epoch,
//! with the feed that is to be kept, and grants the staying devices anew.

use data_encoding::HEXLOWER;
use ourspace_protocol::{
    account::Account,
    eip712::TypedData,
    grant::{Grant, SignedGrant},
    heads::Heads,
    limits,
    record::{Record, SignedRecord},
    signature::{Scheme, Signature},
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_store::{StoreError, Writer};
use ourspace_wallet::elsewhere::{self, ElsewhereError};

use super::{Consent, DeviceState, DevicesError, state};
use crate::{
    account::{self, check_grant, draft_grant, forget, remember, sign_grant},
    home::Home,
    identity::Identity,
};

/// The setting with a revocation that waits: the device, and the record in hex with a
/// signature of zeros.
const REVOCATION: &str = "node.revocation";

/// What the wallet signs to take a device's permission away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The device that has to go.
    pub device: Account,
    /// The record of the next epoch, with the feed to keep.
    pub record: Record,
    /// New grants: this device's first, then those of the others that stay.
    pub grants: Vec<Grant>,
}

/// What is to be signed so that `device` may publish no longer. It is kept until the
/// signatures come; while it waits, and nothing else was published, asking again gives the
/// same one.
///
/// # Errors
/// [`DevicesError`].
pub fn draft_revocation(
    home: &Home,
    device: Account,
    now: Millis,
) -> Result<Revocation, DevicesError> {
    let draft = draft(home, device, now)?;
    if let Some(waiting) = waiting(home, device)?
        && waiting.record.epoch == draft.record.epoch
        && waiting.record.root == draft.record.root
        && waiting.record.parents == draft.record.parents
    {
        return Ok(waiting);
    }
    home.store().write(|writer| {
        for grant in &draft.grants {
            remember(writer, grant)?;
        }
        let unsigned = SignedRecord {
            record: draft.record.clone(),
            scheme: Scheme::TypedData,
            signature: Signature([0; 64]),
            grant: None,
        };
        let bytes = HEXLOWER.encode(&unsigned.to_bytes());
        writer.put_setting(REVOCATION, &(device, bytes))
    })?;
    Ok(draft)
}

/// Whether a revocation would be refused, before anybody is asked for a password.
///
/// # Errors
/// As [`draft_revocation`].
pub fn may_revoke(home: &Home, device: Account, now: Millis) -> Result<(), DevicesError> {
    draft(home, device, now).map(drop)
}

fn draft(home: &Home, device: Account, now: Millis) -> Result<Revocation, DevicesError> {
    let identity = Identity::load(home)?;
    let (account, this) = (identity.account, identity.device.address());
    if device == this {
        return Err(DevicesError::ThisDevice(device));
    }
    let reader = home.store().read()?;
    let epoch = account::epoch(&reader, account)?;
    let heads = reader.heads(account)?;
    let grants = reader.grants(account)?;
    let mut granted = grants.iter().map(|grant| &grant.get().grant);
    let gone = granted.clone().find(|grant| grant.device == device);
    let signs = heads.iter().any(|head| head.signer() == device);
    match gone {
        Some(gone) if gone.epoch < epoch => return Err(DevicesError::RevokedAlready(device)),
        None if !signs => return Err(DevicesError::Unknown(device)),
        _ => {}
    }
    let root = reader.root(account)?.ok_or(DevicesError::NoFeed)?.cid;
    let newest = heads.newest().map_or(0, |head| head.record().timestamp);
    if newest > now.saturating_add(limits::CLOCK_SKEW) {
        return Err(DevicesError::ClockBehind { now, newest });
    }
    let timestamp = now.max(newest + 1);
    let own = heads.iter().find(|head| head.signer() == this);
    let record = Record {
        account,
        epoch: epoch + 1,
        timestamp,
        root,
        parents: heads.parents(account, &included(&heads, this, root)),
        delta: [0; 32],
        locations: own.map_or_else(Vec::new, |own| own.record().locations.clone()),
        grant: [0; 32],
    };
    let successor = identity.grant.get().grant.successor_hash;
    let again = |device| draft_grant(account, device, successor, epoch + 1, timestamp);
    let staying = granted.by_ref().filter(|grant| {
        let others = grant.device != this && grant.device != device;
        others && state(grant, epoch, now) == DeviceState::Valid
    });
    let staying = staying.map(|grant| again(grant.device));
    let grants = std::iter::once(again(this)).chain(staying).collect();
    Ok(Revocation {
        device,
        record,
        grants,
    })
}

/// The heads whose feeds are in the one that is kept.
fn included(heads: &Heads, this: Account, root: ourspace_protocol::dag::Cid) -> Vec<[u8; 32]> {
    let own = heads.iter().find(|head| head.signer() == this);
    let named = own.map_or(&[][..], |own| &own.record().parents);
    let same = heads.iter().filter(|head| head.record().root == root);
    same.map(Verified::digest)
        .chain(named.iter().copied())
        .collect()
}

/// The revocation of this device that waits for signatures.
fn waiting(home: &Home, device: Account) -> Result<Option<Revocation>, DevicesError> {
    let reader = home.store().read()?;
    let kept: Option<(Account, String)> = reader.setting(REVOCATION)?;
    let Some((_, hex)) = kept.filter(|(of, _)| *of == device) else {
        return Ok(None);
    };
    let bytes = HEXLOWER.decode(hex.as_bytes()).ok();
    let record = bytes.and_then(|bytes| SignedRecord::from_bytes(&bytes).ok());
    let record = record.ok_or_else(|| StoreError::Damaged {
        what: "revocation that waits for its signature".to_owned(),
    })?;
    let epoch = record.record.epoch;
    let grants = account::waiting(&reader)?.into_iter();
    Ok(Some(Revocation {
        device,
        record: record.record,
        grants: grants.filter(|grant| grant.epoch == epoch).collect(),
    }))
}

/// Revokes, with the wallet's consent: the record and this device's new grant must be
/// signed; other devices whose grants are not signed yet can be renewed later. Gives the
/// grants that were signed, this device's first.
///
/// # Errors
/// [`DevicesError`]; nothing is revoked then.
pub fn revoke(
    home: &Home,
    revocation: &Revocation,
    consent: Consent<'_>,
    now: Millis,
) -> Result<Vec<Verified<SignedGrant>>, DevicesError> {
    let record = sign_record(&revocation.record, consent, now)?;
    let mut grants = Vec::new();
    for grant in &revocation.grants {
        match consent {
            Consent::Key(key) => grants.push(sign_grant(grant.clone(), key)?),
            Consent::Signatures(texts) => {
                if let Some((scheme, signature)) = find(grant, grant.account, texts)? {
                    let grant = grant.clone();
                    grants.push(check_grant(&SignedGrant {
                        grant,
                        scheme,
                        signature,
                    })?);
                }
            }
        }
    }
    let this = revocation.grants.first().map(|grant| grant.device);
    if grants.first().map(|grant| grant.get().grant.device) != this {
        return Err(DevicesError::Missing("grant of this device"));
    }
    home.store()
        .write(|writer| keep(writer, &record, &grants, revocation.device))?;
    Ok(grants)
}

fn keep(
    writer: &Writer<'_>,
    record: &Verified<SignedRecord>,
    grants: &[Verified<SignedGrant>],
    gone: Account,
) -> Result<(), StoreError> {
    writer.put_record(record)?;
    writer.put_outgoing(record, None)?;
    for grant in grants {
        writer.put_grant(grant)?;
        forget(writer, grant.get().grant.device)?;
    }
    forget(writer, gone)?;
    writer.remove_setting(REVOCATION)
}

fn sign_record(
    record: &Record,
    consent: Consent<'_>,
    now: Millis,
) -> Result<Verified<SignedRecord>, DevicesError> {
    let (scheme, signature) = match consent {
        Consent::Key(key) => {
            let scheme = Scheme::TypedData;
            (scheme, key.sign_digest(&record.signing_hash(scheme)))
        }
        Consent::Signatures(texts) => {
            find(record, record.account, texts)?.ok_or(DevicesError::Missing("revocation"))?
        }
    };
    let signed = SignedRecord {
        record: record.clone(),
        scheme,
        signature,
        grant: None,
    };
    let context = Context {
        now: now.max(record.timestamp),
        highest_epoch: record.epoch,
    };
    Ok(verify(
        &signed.to_bytes(),
        context,
        &mut KnownGrants::new(),
    )?)
}

/// The one of the signatures that `account` made of `value`.
fn find(
    value: &impl TypedData,
    account: Account,
    texts: &[String],
) -> Result<Option<(Scheme, Signature)>, ElsewhereError> {
    for text in texts {
        let signature = elsewhere::parse_signature(text)?;
        for scheme in [Scheme::TypedData, Scheme::PersonalText] {
            if value.signer(scheme, &signature) == Ok(account) {
                return Ok(Some((scheme, signature)));
            }
        }
    }
    Ok(None)
}
