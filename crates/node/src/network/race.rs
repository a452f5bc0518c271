//! Resolving: all ways at once, the first valid record shown at once, newer ones in place of
//! it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ourspace_protocol::{
    account::Account,
    heads::{Heads, Insert},
    record::SignedRecord,
    seams::{Candidate, Resolver},
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};
use tokio::{sync::mpsc, task::JoinSet};

/// A way that says nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Records that wait for whoever asked.
const WAITING: usize = 64;

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The record. It is new, or newer than what was found before.
    pub record: Verified<SignedRecord>,
    /// By which way it came.
    pub source: &'static str,
    /// From whom: a peer id, a URL.
    pub from: String,
    /// After how long.
    pub elapsed: Duration,
}

/// What a lookup tells.
#[derive(Clone, Debug)]
pub enum Way {
    /// A record that was not known.
    Found(Box<Found>),
    /// Something that is no valid record of the account.
    Refused {
        /// By which way it came.
        source: &'static str,
        /// From whom.
        from: String,
        /// Why it is not believed.
        why: String,
        /// After how long.
        elapsed: Duration,
    },
    /// A way has nothing more to say.
    Ended {
        /// Which.
        source: &'static str,
        /// What was wrong, where something was.
        why: Option<String>,
        /// After how long.
        elapsed: Duration,
    },
}

/// Asks all ways at once; what they say comes as it comes, and the channel ends when all have
/// ended. `known` is what is known already: it is not told again.
pub fn resolve(
    ways: &[Arc<dyn Resolver>],
    account: Account,
    (known, locations): (Heads, Vec<String>),
    now: Millis,
) -> mpsc::Receiver<Way> {
    let (tell, told) = mpsc::channel(WAITING);
    let ways = ways.to_vec();
    tokio::spawn(async move {
        let judge = Judge {
            account,
            heads: known,
            grants: KnownGrants::new(),
            now,
            begin: Instant::now(),
        };
        run(&ways, &locations, judge, tell).await;
    });
    told
}

struct Judge {
    account: Account,
    heads: Heads,
    grants: KnownGrants,
    now: Millis,
    begin: Instant,
}

async fn run(
    ways: &[Arc<dyn Resolver>],
    locations: &[String],
    mut judge: Judge,
    tell: mpsc::Sender<Way>,
) {
    let mut tasks = JoinSet::new();
    let (found, mut come) = mpsc::channel(WAITING);
    for way in ways {
        let source = way.name();
        let mut lookup = way.resolve(judge.account, locations);
        let found = found.clone();
        tasks.spawn(async move {
            let why = loop {
                match tokio::time::timeout(PATIENCE, lookup.next()).await {
                    Ok(Some(candidate)) => {
                        if found.send((source, Ok(candidate))).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) => break lookup.trouble(),
                    Err(_) => break Some(format!("nothing came for {} s", PATIENCE.as_secs())),
                }
            };
            // Whoever asked may have heard enough.
            drop(found.send((source, Err(why))).await);
        });
    }
    drop(found);
    while let Some((source, candidate)) = come.recv().await {
        let said = match candidate {
            Ok(candidate) => judge.judge(source, candidate),
            Err(why) => Some(Way::Ended {
                source,
                why,
                elapsed: judge.begin.elapsed(),
            }),
        };
        if let Some(said) = said
            && tell.send(said).await.is_err()
        {
            return;
        }
    }
}

impl Judge {
    fn judge(&mut self, source: &'static str, candidate: Candidate) -> Option<Way> {
        let elapsed = self.begin.elapsed();
        let context = Context {
            now: self.now,
            highest_epoch: self.heads.epoch(),
        };
        let refused = |why: String| Way::Refused {
            source,
            from: candidate.from.clone(),
            why,
            elapsed,
        };
        let record = match verify(&candidate.bytes, context, &mut self.grants) {
            Ok(record) => record,
            Err(refusal) => return Some(refused(refusal.to_string())),
        };
        if record.record().account != self.account {
            return Some(refused("the record is another account's".to_owned()));
        }
        (self.heads.insert(record.clone()) == Insert::New).then(|| {
            Way::Found(Box::new(Found {
                record,
                source,
                from: candidate.from,
                elapsed,
            }))
        })
    }
}
