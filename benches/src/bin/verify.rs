//! What a record costs to verify, beside raw libsecp256k1.
//!
//! Cold: the grant was never seen, so two signatures are recovered. Warm: the grant is
//! known, so one is. All in one thread; medians of many short rounds that take turns, so
//! that whatever else the machine does falls on all alike.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::hint::black_box;

use anyhow::{Context as _, Result};
use ourspace_bench::{Cost, Goal, TABLE, line, median};
use ourspace_protocol::{
    record::Record,
    verify::{Context, KnownGrants, verify},
};
use ourspace_testkit::signing::{NOW, TestKey, grant, record, sign_grant, sign_record};
use secp256k1::{
    Message,
    ecdsa::{RecoverableSignature, RecoveryId},
};

const RECORDS: usize = 2000;
const ROUNDS: usize = 9;
/// Records of a round: some milliseconds.
const TOGETHER: usize = 100;
const CONTEXT: Context = Context {
    now: NOW,
    highest_epoch: 0,
};

/// A signature and what it signs.
type Raw = (RecoverableSignature, [u8; 32]);

/// Records of as many accounts, each with a grant of its own, and what is recovered raw.
struct Work {
    records: Vec<Vec<u8>>,
    raw: Vec<Raw>,
}

impl Work {
    fn new() -> Result<Self> {
        let (mut records, mut raw) = (Vec::new(), Vec::new());
        for n in 0..RECORDS {
            let wallet = TestKey::named(&format!("wallet {n}"));
            let device = TestKey::named(&format!("device {n}"));
            let granted = sign_grant(grant(&wallet, &device), &wallet);
            let draft = Record {
                locations: vec!["https://example.org/blog/".to_owned()],
                ..record(&wallet)
            };
            let signed = sign_record(draft, Some(granted), &device);
            let mut compact = signed.signature.0;
            let id = RecoveryId::try_from(i32::from(compact[32] >> 7))?;
            compact[32] &= 0x7f;
            let hash = ourspace_protocol::eip712::TypedData::digest(&signed.record);
            raw.push((RecoverableSignature::from_compact(&compact, id)?, hash));
            records.push(signed.to_bytes());
        }
        Ok(Self { records, raw })
    }

    /// The rounds: records, and what is recovered raw of as many.
    fn rounds(&self) -> impl Iterator<Item = (&[Vec<u8>], &[Raw])> {
        self.records.chunks(TOGETHER).zip(self.raw.chunks(TOGETHER))
    }
}

fn recover(raw: &[Raw]) -> Result<()> {
    for (signature, hash) in raw {
        black_box(signature.recover_ecdsa(Message::from_digest(*hash))?);
    }
    Ok(())
}

fn verify_all(records: &[Vec<u8>], known: &mut KnownGrants) -> Result<()> {
    for bytes in records {
        black_box(verify(bytes, CONTEXT, known).context("a record is refused")?);
    }
    Ok(())
}

fn main() -> Result<()> {
    let work = Work::new()?;
    let (mut cold, mut warm, mut rate) = (Vec::new(), Vec::new(), Vec::new());
    for (records, raw) in (0..ROUNDS).flat_map(|_| work.rounds()) {
        let ((), raw) = Cost::of(|| recover(raw))?;
        let mut known = KnownGrants::new();
        let ((), first) = Cost::of(|| verify_all(records, &mut known))?;
        let ((), again) = Cost::of(|| verify_all(records, &mut known))?;
        cold.push(first.cpu.as_secs_f64() / raw.cpu.as_secs_f64());
        warm.push(again.cpu.as_secs_f64() / raw.cpu.as_secs_f64());
        rate.push(again.per_cpu_second(TOGETHER as u64));
    }
    println!("{TABLE}");
    line(
        "verify, grant unknown",
        median(cold),
        "raw recoveries",
        Some(Goal::AtMost(2.2)),
    );
    line(
        "verify, grant known",
        median(warm),
        "raw recoveries",
        Some(Goal::AtMost(1.2)),
    );
    line(
        "verify, grant known",
        median(rate),
        "records a CPU second",
        Some(Goal::AtLeast(20_000.0)),
    );
    Ok(())
}
