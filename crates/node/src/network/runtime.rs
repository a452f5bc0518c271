//! The loop of a node.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use ourspace_protocol::{account::Account, announcement::Announcement, dag::Cid, time::Millis};
use ourspace_store::{Follow, Named};
use tokio::{
    sync::{broadcast, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    jobs::{Done, Queue, Retry, Tools},
    parts::{Happened, Input, Parts},
    rounds::Rounds,
};
use crate::{
    HomeError, follows,
    home::Home,
    mirror::{self, Applied, MirrorError},
    webfeeds,
};

/// Accounts that are fetched at once.
const AT_ONCE: usize = 4;
/// How often it is looked whether a command has changed something. A command says so, too;
/// this is for those that were killed before they could.
const LOOK: Duration = Duration::from_secs(2);
/// News that is applied together.
const TOGETHER: usize = 64;
/// Announcements that are taken out of the outbox together.
const OUTGOING: usize = 64;
/// What happened, for those who listen.
const HAPPENINGS: usize = 256;
/// Inputs that wait.
const INPUTS: usize = 1024;

/// A node.
#[derive(Debug)]
pub struct Runtime {
    parts: Parts,
    inputs: mpsc::Receiver<Input>,
    happened: broadcast::Sender<Happened>,
    own: Account,
    /// Public follows that the network knows of.
    joined: BTreeSet<Account>,
    queue: Queue,
    running: JoinSet<Done>,
    tried: BTreeMap<Account, Retry>,
    rounds: Rounds,
}

impl Runtime {
    /// A node that does not run yet; the second part takes what comes to it, the third one
    /// tells what happens.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn new(
        parts: Parts,
    ) -> Result<(Self, mpsc::Sender<Input>, broadcast::Sender<Happened>), HomeError> {
        let (give, inputs) = mpsc::channel(INPUTS);
        let (happened, _) = broadcast::channel(HAPPENINGS);
        let own = parts.home.account()?;
        let runtime = Self {
            parts,
            inputs,
            happened: happened.clone(),
            own,
            joined: BTreeSet::new(),
            queue: Queue::default(),
            running: JoinSet::new(),
            tried: BTreeMap::new(),
            rounds: Rounds::new(&give),
        };
        Ok((runtime, give, happened))
    }

    /// Runs until it is told to stop. What was begun is begun again at the next start. When the
    /// home cannot be read for a while, a full disk say, it goes on and tries again.
    ///
    /// # Errors
    /// [`HomeError`] when the home cannot be read at the start.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), HomeError> {
        self.look().await?;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.begin_jobs();
            let wait = self.until_job();
            tokio::select! {
                () = stop.cancelled() => break,
                input = self.inputs.recv() => match input {
                    Some(input) => note(self.input(input).await),
                    None => break,
                },
                Some(done) = self.running.join_next() => self.done(done),
                _ = look.tick() => {
                    note(self.look().await);
                    self.rounds.go(&self.parts, self.now());
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.running.shutdown().await;
        Ok(())
    }

    fn now(&self) -> Millis {
        (self.parts.clock)()
    }

    fn until_job(&self) -> Duration {
        let busy = |account: &Account| self.tried.contains_key(account);
        match self.queue.wake(busy) {
            Some(at) if self.running.len() < AT_ONCE => {
                Duration::from_millis(at.saturating_sub(self.now()))
            }
            _ => LOOK,
        }
    }

    async fn input(&mut self, first: Input) -> Result<(), HomeError> {
        let mut news = Vec::new();
        let mut changed = false;
        let mut next = Some(first);
        while let Some(input) = next {
            match input {
                Input::News(one) => news.push(one),
                Input::Changed => changed = true,
                Input::Again => {
                    changed = true;
                    self.again();
                }
                Input::Find(account, locations) => self.find(account, locations),
            }
            next = match news.len() < TOGETHER {
                true => self.inputs.try_recv().ok(),
                false => None,
            };
        }
        self.apply(news).await;
        if changed {
            self.look().await?;
        }
        Ok(())
    }

    /// Applies news in the order in which it came.
    async fn apply(&mut self, news: Vec<Arc<Announcement>>) {
        if news.is_empty() {
            return;
        }
        let home = Arc::clone(&self.parts.home);
        let applied = tokio::task::spawn_blocking(move || {
            let apply = |news: Arc<Announcement>| {
                let applied = apply(&home, &news);
                (news, applied)
            };
            news.into_iter().map(apply).collect::<Vec<_>>()
        });
        let Ok(applied) = applied.await else {
            return;
        };
        let now = self.now();
        for (news, applied) in applied {
            let account = news.record().record().account;
            let new = matches!(applied, Ok(Applied::Whole { .. } | Applied::Fetch { .. }));
            if new && self.joined.contains(&account) {
                self.parts.push.learnt(news).await;
            }
            match applied {
                Ok(Applied::Whole { .. }) => {
                    self.tell(Happened::Feed(account));
                    self.queue.push(account, now);
                }
                Ok(Applied::Fetch { early }) => {
                    if !early.is_empty() {
                        self.tell(Happened::Feed(account));
                    }
                    self.queue.push(account, now);
                }
                Ok(Applied::Nothing(_)) => {}
                Err(error) => tracing::warn!(%account, %error, "news was not taken"),
            }
        }
    }

    fn find(&mut self, account: Account, locations: Vec<String>) {
        self.rounds
            .find(&self.parts, (account, locations), self.now());
        self.queue.push(account, self.now());
    }

    /// Looks again whether something is missing of those who are followed.
    fn again(&mut self) {
        let now = self.now();
        for account in self.joined.iter().chain(self.rounds.quiet()) {
            self.queue.push(*account, now);
        }
    }

    /// Nobody may be listening.
    fn tell(&self, happened: Happened) {
        drop(self.happened.send(happened));
    }

    /// Looks what commands have changed: whom this person follows, what they have published.
    async fn look(&mut self) -> Result<(), HomeError> {
        let home = Arc::clone(&self.parts.home);
        let (seen, now) = (self.rounds.seen, self.now());
        let looked = tokio::task::spawn_blocking(move || look(&home, seen, now)).await;
        let Ok(looked) = looked else {
            return Ok(());
        };
        let Looked {
            public,
            quiet,
            named,
            root,
            outgoing,
        } = looked?;
        self.rounds.seen = root;
        self.rounds.set_quiet(quiet, self.now());
        self.rounds.set_named(named, self.now());
        for account in self.joined.difference(&public).copied().collect::<Vec<_>>() {
            self.parts.push.leave(account).await;
            self.joined.remove(&account);
        }
        for account in public.difference(&self.joined).copied().collect::<Vec<_>>() {
            let heads = self.parts.home.store().read()?.heads(account)?;
            let own = account == self.own;
            self.parts.push.join(account, heads, own).await;
            self.joined.insert(account);
            self.queue.push(account, self.now());
        }
        if outgoing.is_empty() {
            return Ok(());
        }
        let mut numbers = Vec::with_capacity(outgoing.len());
        for (number, news) in outgoing {
            self.parts.push.publish(news).await;
            numbers.push(number);
        }
        self.tell(Happened::Feed(self.own));
        // It is in the node's hands now; the DHT is asked again and again whether it has it.
        let home = Arc::clone(&self.parts.home);
        let removed = tokio::task::spawn_blocking(move || {
            let remove = |number| home.store().write(|writer| writer.announced(number));
            numbers.into_iter().try_for_each(remove)
        });
        match removed.await {
            Ok(removed) => Ok(removed?),
            Err(_) => Ok(()),
        }
    }

    fn begin_jobs(&mut self) {
        while self.running.len() < AT_ONCE {
            let now = self.now();
            let busy = |account: &Account| self.tried.contains_key(account);
            let Some((account, retry)) = self.queue.pop(now, busy) else {
                return;
            };
            self.tried.insert(account, retry);
            let tools = Tools {
                home: Arc::clone(&self.parts.home),
                transports: self.parts.transports.clone(),
                hints: self.rounds.hints(account),
                now,
            };
            let handle = tokio::runtime::Handle::current();
            self.running
                .spawn_blocking(move || handle.block_on(tools.run(account)));
        }
    }

    fn done(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let Ok(done) = done else {
            return;
        };
        if done.new {
            self.tell(Happened::Feed(done.account));
        }
        let retry = self.tried.remove(&done.account);
        if let (true, Some(retry)) = (done.missing, retry) {
            let before = if done.new { Retry::default() } else { retry };
            self.queue.again(done.account, before, self.now());
            self.tell(Happened::Waiting(done.account));
        }
    }
}

fn note(done: Result<(), HomeError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "the home is not read now; it is tried again");
    }
}

/// With its delta where there is one: what cannot be computed is fetched.
fn apply(home: &Home, news: &Announcement) -> Result<Applied, MirrorError> {
    match news.delta() {
        Some(delta) => mirror::apply(home, news.record(), delta),
        None => {
            let taken = mirror::take(home, std::slice::from_ref(news.record()))?;
            Ok(match taken.first() {
                Some(taken) if taken.is_new() => Applied::Fetch { early: Vec::new() },
                Some(taken) => Applied::Nothing(*taken),
                None => Applied::Fetch { early: Vec::new() },
            })
        }
    }
}

struct Looked {
    /// The own account, and whom it follows in public.
    public: BTreeSet<Account>,
    /// Whom it follows in secret.
    quiet: BTreeSet<Account>,
    /// Where people have said that feeds are.
    named: BTreeMap<Account, Named>,
    /// The root of the own feed.
    root: Option<Cid>,
    /// What is still to be announced, by number.
    outgoing: Vec<(i64, Arc<Announcement>)>,
}

fn look(home: &Home, seen: Option<Cid>, now: Millis) -> Result<Looked, HomeError> {
    let own = home.account()?;
    let root = home.store().read()?.root(own)?.map(|root| root.cid);
    if root != seen {
        // Another device, or another command, may have changed the public list.
        reconcile(home, now);
    }
    let follows = {
        let reader = home.store().read()?;
        let web = reader.web_feeds()?.into_iter();
        // Nobody publishes under the accounts that feeds of the ordinary web have here.
        let web: BTreeSet<Account> = web.map(|feed| feed.account).collect();
        let mut follows = reader.follows()?;
        follows.retain(|follow| !web.contains(&follow.account));
        follows
    };
    let (quiet, public): (Vec<&Follow>, Vec<&Follow>) =
        follows.iter().partition(|follow| follow.quiet);
    let public = public.iter().map(|follow| follow.account).chain([own]);
    let public = public.collect();
    let quiet = quiet.iter().map(|follow| follow.account).collect();
    let (named, waiting) = {
        let reader = home.store().read()?;
        (reader.locations()?, reader.outbox(OUTGOING)?)
    };
    let outgoing = waiting.into_iter().filter_map(|outgoing| {
        // What was stored went together when it was signed.
        let news = Announcement::of(outgoing.record, outgoing.delta).ok()?;
        Some((outgoing.number, Arc::new(news)))
    });
    Ok(Looked {
        public,
        quiet,
        named,
        root,
        outgoing: outgoing.collect(),
    })
}

/// What cannot be followed is not: that is said, and keeps nobody from anything else.
fn reconcile(home: &Home, now: Millis) {
    if let Err(error) = follows::reconcile(home) {
        tracing::warn!(%error, "the public follows are not taken over");
    }
    if let Err(error) = webfeeds::reconcile(home, now) {
        tracing::warn!(%error, "the public follows of web feeds are not taken over");
    }
}
