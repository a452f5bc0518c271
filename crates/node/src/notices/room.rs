//! The mailroom: the task that hands notices over, takes them in, and compares mailboxes.
//!
//! What is to be handed over stands in the store, so whoever is killed goes on where they
//! were. Whatever else is remembered here may be lost: mailboxes are compared again.

mod outgoing;
mod owing;
mod rounds;
mod take;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ourspace_protocol::{
    account::Account, machine::dice::Dice, message::Mail, seams::Mailer, time::Millis,
    verify::KnownGrants,
};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use self::{outgoing::Outgoing, owing::Owing, rounds::Rounds};
use crate::{
    HomeError,
    home::Home,
    mailbox::kept,
    network::{Clock, Happened},
};

/// How often it is looked what is to be done.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is looked whose mailboxes are kept.
const KEPT_AGAIN: Millis = 10_000;
/// Letters that wait.
const LETTERS: usize = 1024;
/// Letters that are taken together.
const TOGETHER: usize = 256;

/// What comes to a mailroom.
#[derive(Clone, Debug)]
pub enum Letter {
    /// A message about mailboxes: nothing of it is verified.
    Mail {
        /// The peer who sent it.
        from: String,
        /// Stands for the part of the network that the peer is in.
        origin: u64,
        /// What.
        mail: Mail,
    },
    /// A peer keeps the mailboxes of these accounts.
    Met {
        /// Who.
        peer: String,
        /// Whose.
        accounts: Vec<Account>,
    },
}

/// A mailroom.
pub struct Mailroom {
    home: Arc<Home>,
    mailer: Arc<dyn Mailer>,
    clock: Clock,
    letters: mpsc::Receiver<Letter>,
    happened: broadcast::Sender<Happened>,
    kept: BTreeSet<Account>,
    owing: Owing,
    outgoing: Outgoing,
    rounds: Rounds,
    desk: Arc<Desk>,
}

/// What taking notices needs beside the home.
#[derive(Default)]
struct Desk {
    known: std::sync::Mutex<KnownGrants>,
    /// Bytes that came since all were bounded.
    came: std::sync::atomic::AtomicU64,
}

impl std::fmt::Debug for Mailroom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailroom")
            .field("home", &self.home.path())
            .finish_non_exhaustive()
    }
}

impl Mailroom {
    /// A mailroom that does not run yet; the second part takes what comes to it. What
    /// happens is told to `happened`.
    #[must_use]
    pub fn new(
        home: Arc<Home>,
        mailer: Arc<dyn Mailer>,
        clock: Clock,
        happened: broadcast::Sender<Happened>,
    ) -> (Self, mpsc::Sender<Letter>) {
        let (give, letters) = mpsc::channel(LETTERS);
        let mut seed = [0; 8];
        // Without randomness the choices are the same after each start, and no worse.
        getrandom::fill(&mut seed).unwrap_or_default();
        let dice = Dice::new(u64::from_le_bytes(seed));
        let now = clock();
        let room = Self {
            home,
            mailer,
            clock,
            letters,
            happened,
            kept: BTreeSet::new(),
            owing: Owing::default(),
            outgoing: Outgoing::default(),
            rounds: Rounds::new(now, dice),
            desk: Arc::new(Desk::default()),
        };
        (room, give)
    }

    /// Runs until it is told to stop. What fails, on a full disk for example, is tried again.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut letters = Vec::new();
        loop {
            let done = tokio::select! {
                () = stop.cancelled() => return,
                came = self.letters.recv_many(&mut letters, TOGETHER) => match came {
                    0 => return,
                    _ => self.open(std::mem::take(&mut letters)).await,
                },
                _ = look.tick() => self.look().await,
            };
            if let Err(error) = done {
                tracing::warn!(%error, "notices wait");
            }
        }
    }

    fn now(&self) -> Millis {
        (self.clock)()
    }

    async fn look(&mut self) -> Result<(), HomeError> {
        let now = self.now();
        if self.rounds.kept_at <= now {
            self.rounds.kept_at = now + KEPT_AGAIN;
            self.kept = kept(&self.home)?;
        }
        self.hand_over(now).await?;
        self.go_round(now).await
    }

    /// Opens what came.
    async fn open(&mut self, letters: Vec<Letter>) -> Result<(), HomeError> {
        let mut mail = Vec::new();
        for letter in letters {
            match letter {
                Letter::Mail {
                    from,
                    origin,
                    mail: one,
                } => mail.push((from, origin, one)),
                Letter::Met { peer, accounts } => {
                    self.kept = kept(&self.home)?;
                    self.met(peer, accounts).await?;
                }
            }
        }
        self.take(mail).await
    }

    /// Sends what each peer can be expected to take now; the rest comes when mailboxes are
    /// compared again.
    async fn send(&mut self, all: Vec<(String, Mail)>) {
        let now = self.now();
        for (peer, mail) in all {
            if self.outgoing.may(&peer, &mail, now) {
                self.mailer.send(peer, mail).await;
            }
        }
    }
}
