//! What is signed: records, grants, successions, deltas.

use ourspace_protocol::{
    account::Account,
    delta::Delta,
    eip712::TypedData as _,
    feed::check,
    grant::SignedGrant,
    hash::sha256,
    limits,
    record::SignedRecord,
    succession::SignedSuccession,
    time::MAX_MILLIS,
    verify::{Context, KnownGrants, verify, verify_grant, verify_succession},
};

const ANY: Context = Context {
    now: MAX_MILLIS,
    highest_epoch: 0,
};

/// A record on the wire.
pub fn record(bytes: &[u8]) {
    if let Ok(signed) = SignedRecord::from_bytes(bytes) {
        assert_eq!(signed.to_bytes(), bytes, "one record, two encodings");
        assert!(signed.record.typed_data().is_object());
    }
    let mut known = KnownGrants::new();
    let cold = verify(bytes, ANY, &mut known);
    let warm = verify(bytes, ANY, &mut known);
    assert_eq!(cold, warm, "what is remembered changed a verdict");
    if let Ok(verified) = cold {
        assert!(bytes.len() <= limits::RECORD_BYTES);
        assert_eq!(verified.get().claimed_signer(), verified.signer());
    }
}

/// A grant on the wire.
pub fn grant(bytes: &[u8]) {
    if let Ok(signed) = SignedGrant::from_bytes(bytes) {
        assert_eq!(signed.to_bytes(), bytes, "one grant, two encodings");
        assert!(!signed.grant.personal_text().is_empty());
    }
    if let Ok(verified) = verify_grant(bytes, &mut KnownGrants::new()) {
        assert_eq!(verified.signer(), verified.get().grant.account);
    }
}

/// A succession on the wire, for the account and commitment that it names itself.
pub fn succession(bytes: &[u8]) {
    let zero = Account([0; 20]);
    assert!(verify_succession(bytes, &zero, &[0; 32], MAX_MILLIS).is_err());
    if let Ok(signed) = SignedSuccession::from_bytes(bytes) {
        assert_eq!(signed.to_bytes(), bytes, "one succession, two encodings");
        let said = &signed.succession;
        let commitment = ourspace_protocol::succession::successor_hash(&said.successor, &said.salt);
        if let Ok(verified) = verify_succession(bytes, &said.account, &commitment, MAX_MILLIS) {
            assert_eq!(verified.signer(), said.successor);
        }
    }
}

/// A delta on the wire.
pub fn delta(bytes: &[u8]) {
    assert!(Delta::from_bytes(bytes, &[0; 32]).is_err());
    let Ok(delta) = Delta::from_bytes(bytes, &sha256(bytes)) else {
        return;
    };
    assert_eq!(
        delta.to_bytes().as_deref(),
        Ok(bytes),
        "one delta, two encodings"
    );
    for item in &delta.changes.items {
        // A verdict, never a panic; what it says is another vector's matter.
        drop(check::item(item));
    }
}
