//! Fetching the blocks of one tree: does what the [`plan`](super::plan) decides.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use ourspace_protocol::{
    dag::{Block, Cid},
    seams::{Arrival, BoxFuture, Session, Want},
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinSet,
    time::{self, Instant},
};

use super::{
    counts::Counters,
    door::Door,
    line::{self, Line, Piece},
    plan::{Fate, Plan, Step, Verdict, Way},
    source::{RAW, Source},
};

/// How long a place may take before another one is asked as well.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a task tells when a block came, or did not.
struct News {
    place: usize,
    way: Way,
    cid: Cid,
    piece: Piece,
}

/// A file that is read, by place and path.
type Lines = HashMap<(usize, Arc<str>), Arc<Line>>;

/// Fetching the blocks of one tree from web hosts.
pub(super) struct WebSession {
    door: Door,
    sources: Vec<Source>,
    plan: Plan,
    lines: Lines,
    tasks: JoinSet<()>,
    told: UnboundedReceiver<News>,
    tell: UnboundedSender<News>,
    counters: Arc<Counters>,
    /// What was asked for, oldest first, where more than one place could be asked.
    begun: VecDeque<(Instant, Cid, (usize, Way))>,
    trouble: Option<String>,
}

impl WebSession {
    pub(super) fn new(door: Door, sources: Vec<Source>, counters: Arc<Counters>) -> Self {
        let files = sources
            .iter()
            .map(|source| matches!(source, Source::Site(_)));
        let (tell, told) = mpsc::unbounded_channel();
        Self {
            plan: Plan::new(files.collect()),
            door,
            sources,
            lines: HashMap::new(),
            tasks: JoinSet::new(),
            told,
            tell,
            counters,
            begun: VecDeque::new(),
            trouble: None,
        }
    }

    /// Asks one place for one block.
    fn ask(&mut self, place: usize, want: &Want, way: Way) {
        while self.tasks.try_join_next().is_some() {}
        if self.sources.len() > 1 {
            self.begun
                .push_back((Instant::now(), want.cid, (place, way)));
        }
        match (way, &want.place) {
            (Way::Piece, Some((path, offset))) => self.ask_file(place, want.cid, (path, *offset)),
            _ => self.ask_block(place, want.cid),
        }
    }

    fn ask_block(&mut self, place: usize, cid: Cid) {
        let Some(source) = self.sources.get(place) else {
            return;
        };
        let accept = match source {
            Source::Site(_) => "*/*",
            Source::Gateway(_) => RAW,
        };
        let (url, door, tell) = (source.block(cid), self.door.clone(), self.tell.clone());
        self.tasks.spawn(async move {
            let piece = match &url {
                Some(url) => line::block(&door, url, accept, cid).await,
                None => Err(Fate::Absent),
            };
            let way = Way::Block;
            tell.send(News {
                place,
                way,
                cid,
                piece,
            })
            .ok();
        });
    }

    fn ask_file(&mut self, place: usize, cid: Cid, (path, offset): (&Arc<str>, u64)) {
        let key = (place, Arc::clone(path));
        if self
            .lines
            .get(&key)
            .is_some_and(|line| line.add(offset, cid))
        {
            return;
        }
        self.lines.retain(|_, line| !line.is_over());
        let line = Arc::new(Line::new(offset, cid));
        self.lines.insert(key, Arc::clone(&line));
        let url = self.sources.get(place).and_then(|source| source.file(path));
        let (door, tell) = (self.door.clone(), self.tell.clone());
        self.tasks.spawn(async move {
            let way = Way::Piece;
            let tell = |cid, piece| {
                tell.send(News {
                    place,
                    way,
                    cid,
                    piece,
                })
                .ok();
            };
            match &url {
                Some(url) => line::read(&door, url, &line, tell).await,
                None => tell(cid, Err(Fate::Absent)),
            }
        });
    }

    /// Waits until something that was asked for is late; for ever when nothing can be.
    async fn late(begun: &VecDeque<(Instant, Cid, (usize, Way))>) {
        match begun.front() {
            Some((since, ..)) => time::sleep_until(*since + PATIENCE).await,
            None => std::future::pending().await,
        }
    }

    /// Asks elsewhere as well for what is late.
    fn hasten(&mut self) {
        let now = Instant::now();
        while let Some((since, cid, asked)) = self.begun.front().copied()
            && since + PATIENCE <= now
        {
            self.begun.pop_front();
            self.plan.late(asked, &cid);
        }
    }

    /// Takes in what a task tells; a block, if that is news.
    fn hear(&mut self, news: News) -> Option<Block> {
        let wanted = self.plan.wants(&news.cid);
        let fate = news
            .piece
            .as_ref()
            .map_or_else(|fate| *fate, |_| Fate::Came);
        let verdict = self.plan.fate((news.place, news.way), &news.cid, fate);
        let host = self
            .sources
            .get(news.place)
            .map(|source| source.url().as_str());
        match verdict {
            Verdict::Stays => {}
            Verdict::Retired => {
                tracing::debug!(host, "a host fails too often and is not asked any more");
            }
            Verdict::Altered => {
                self.counters.altered();
                let host = host.unwrap_or("a host");
                self.trouble = Some(format!("{host}: gives other bytes than were signed"));
                tracing::warn!(host, cid = %news.cid, "a host gives other bytes than were signed");
            }
        }
        let block = news.piece.ok().filter(|_| wanted)?;
        self.counters.block(block.bytes().len());
        Some(block)
    }
}

impl Session for WebSession {
    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }

    fn want(&mut self, wants: Vec<Want>) {
        self.plan.want(wants);
    }

    fn hurry(&mut self, wants: Vec<Want>) {
        self.plan.hurry(wants);
    }

    fn cancel(&mut self, cids: &[Cid]) {
        for cid in cids {
            if let Some((place, offset, path)) = self.plan.piece_under_way(cid)
                && let Some(line) = self.lines.get(&(place, path))
            {
                line.forget(offset);
            }
            self.plan.cancel(cid);
        }
    }

    fn next(&mut self) -> BoxFuture<'_, Arrival> {
        Box::pin(async move {
            loop {
                while let Some(step) = self.plan.step() {
                    match step {
                        Step::Missing(cid) => {
                            self.counters.missing();
                            return Arrival::Missing(cid);
                        }
                        Step::Ask(place, want, way) => self.ask(place, &want, way),
                    }
                }
                // We hold a sender ourselves, so this waits for as long as nothing comes.
                let news = tokio::select! {
                    news = self.told.recv() => news,
                    () = Self::late(&self.begun) => None,
                };
                if let Some(block) = news.and_then(|news| self.hear(news)) {
                    return Arrival::Block(block);
                }
                self.hasten();
            }
        })
    }
}
