//! Giving any block of any kept feed by its CID: directories, kept files, and the rendered
//! ones, which are made again when somebody asks for them.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use ourspace_protocol::{
    account::Account,
    dag::{
        Block, BlockSink, BlockSource, Cid, Codec, DagError, FileBuilder, Leaf, Link, SourceError,
        update_tree,
    },
    feed::{
        all,
        error::TreeError,
        model::ItemId,
        read::rendered,
        render::{UnknownRenderer, asset_files},
        state::FeedState as _,
    },
};
use ourspace_store::{Feed, Place, Reader, StoreError};

use super::past::Past;
use crate::home::{Home, HomeError};

/// Bytes of rendered blocks that are held: who asked for one mostly asks for the next.
const HELD: usize = 8 << 20;

/// The blocks of the own feed and of all public mirrors, for whoever asks: never of what is
/// followed quietly, and never what a deny-list names.
///
/// Of a rendered file only what was compared with its CID is given: where a feed's pages are
/// not what its sources make, they are not served. Of the own feed also what it was some minutes
/// ago, for those who have begun with that.
#[derive(Debug)]
pub struct Served {
    home: Arc<Home>,
    own: Account,
    held: Mutex<Held>,
    past: Mutex<Past>,
}

/// The blocks that were rendered last.
#[derive(Debug, Default)]
struct Held {
    blocks: HashMap<Cid, (Account, Arc<[u8]>)>,
    order: VecDeque<Cid>,
    bytes: usize,
}

impl Held {
    fn insert(&mut self, cid: Cid, account: Account, bytes: &[u8]) {
        if self.blocks.insert(cid, (account, bytes.into())).is_none() {
            self.order.push_back(cid);
            self.bytes += bytes.len();
        }
        while self.bytes > HELD
            && let Some(oldest) = self.order.pop_front()
        {
            let gone = self.blocks.remove(&oldest);
            self.bytes -= gone.map_or(0, |(_, bytes)| bytes.len());
        }
    }
}

/// Why a block could not be looked for.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Dag(#[from] DagError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl From<ourspace_protocol::feed::state::StateError> for ServeError {
    fn from(error: ourspace_protocol::feed::state::StateError) -> Self {
        Self::Tree(error.into())
    }
}

impl Served {
    /// The blocks of a home.
    ///
    /// # Errors
    /// [`HomeError::NoAccount`].
    pub fn new(home: Arc<Home>) -> Result<Self, HomeError> {
        let own = home.account()?;
        Ok(Self {
            home,
            own,
            held: Mutex::default(),
            past: Mutex::default(),
        })
    }

    fn find(&self, cid: &Cid) -> Result<Option<Vec<u8>>, ServeError> {
        let reader = self.home.store().read()?;
        if reader.denies(cid)? {
            return Ok(None);
        }
        if let Some(bytes) = assets().get(cid) {
            return Ok(Some(bytes.clone()));
        }
        if let Some(bytes) = self.kept(&reader, cid)? {
            if cid.codec() == Codec::DagPb {
                self.past().note(&self.home, self.own, (reader, cid))?;
            }
            return Ok(Some(bytes));
        }
        if let Some((account, bytes)) = self.held(cid)
            && reader.is_open(self.own, account)?
        {
            return Ok(Some(bytes.to_vec()));
        }
        if let Some(bytes) = self.made(&reader, cid, |_| true)? {
            return Ok(Some(bytes));
        }
        self.past().find(&self.home, (self.own, &reader), |before| {
            match before.open_node(cid)? {
                Some(bytes) => Ok(Some(bytes)),
                None => self.made(before, cid, |account| account == self.own),
            }
        })
    }

    /// What is made again, of the feeds of some accounts.
    fn made(
        &self,
        reader: &Reader<'_>,
        cid: &Cid,
        of: impl Fn(Account) -> bool,
    ) -> Result<Option<Vec<u8>>, ServeError> {
        for (account, place) in reader.candidates(cid)? {
            if !of(account) || !reader.is_open(self.own, account)? {
                continue;
            }
            for (path, bytes) in render(reader, account, &place, cid)? {
                self.hold(account, &path, &bytes);
            }
            if let Some((_, bytes)) = self.held(cid) {
                return Ok(Some(bytes.to_vec()));
            }
        }
        Ok(None)
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what was put aside for long enough: to be called now and then.
    pub fn tidy(&self) {
        self.past().tidy(&self.home);
    }

    fn held(&self, cid: &Cid) -> Option<(Account, Arc<[u8]>)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.blocks.get(cid).cloned()
    }

    /// What is kept as bytes.
    fn kept(&self, reader: &Reader<'_>, cid: &Cid) -> Result<Option<Vec<u8>>, ServeError> {
        if let Some(bytes) = reader.open_node(cid)? {
            return Ok(Some(bytes));
        }
        if reader.is_open_file(self.own, cid)? {
            return Ok(reader.get(cid)?);
        }
        Ok(reader.foreign_block(self.own, cid)?)
    }

    fn hold(&self, account: Account, path: &str, bytes: &[u8]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if path.is_empty() {
            held.insert(Cid::of(Codec::DagPb, bytes), account, bytes);
            return;
        }
        each_block(bytes, &mut |cid, bytes| held.insert(cid, account, bytes));
    }
}

impl BlockSource for Served {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        let found = self.find(cid).map_err(SourceError::new)?;
        Ok(found.filter(|bytes| cid.matches(bytes)))
    }
}

/// The files at a place, by path; a directory without one.
fn render(
    reader: &Reader<'_>,
    account: Account,
    place: &Place,
    cid: &Cid,
) -> Result<Vec<(String, Vec<u8>)>, ServeError> {
    let feed = reader.feed(account)?;
    let files = match place {
        Place::Live(_) => all::live(&feed, account),
        Place::Page(..) => {
            let path = place.path();
            let bytes = rendered(&feed, account, &path);
            bytes.map(|bytes| bytes.map(|bytes| (path, bytes)).into_iter().collect())
        }
        Place::Post(id) => return post(&feed, account, *id, cid),
    };
    known(files)
}

/// The files of a post and its directory.
fn post(
    feed: &Feed<'_>,
    account: Account,
    id: ItemId,
    cid: &Cid,
) -> Result<Vec<(String, Vec<u8>)>, ServeError> {
    let versions = feed.versions(id)?;
    let mut files = Vec::new();
    // In the order of their names.
    for name in ["history.json", "index.html"] {
        if versions.len() > 1 || name == "index.html" {
            let path = format!("posts/{id}/{name}");
            let bytes = known(rendered(feed, account, &path).map(Option::into_iter))?;
            files.extend(bytes.into_iter().map(|bytes| (path.clone(), bytes)));
        }
    }
    if cid.codec() == Codec::DagPb {
        let links: Vec<(&str, Option<Link>)> = files
            .iter()
            .map(|(path, bytes)| {
                let name = path.rsplit('/').next().unwrap_or(path);
                (name, Some(ourspace_protocol::feed::tree::link_of(bytes)))
            })
            .collect();
        let mut directory = None;
        update_tree(&HashMap::new(), None, &links, &mut |block: Block| {
            directory = Some(block.into_bytes());
        })?;
        files.extend(directory.map(|bytes| (String::new(), bytes)));
    }
    Ok(files)
}

/// What a renderer that is not known has made cannot be made again here.
fn known<T>(
    rendered: Result<impl IntoIterator<Item = T>, TreeError>,
) -> Result<Vec<T>, ServeError> {
    match rendered {
        Ok(files) => Ok(files.into_iter().collect()),
        Err(TreeError::Renderer(UnknownRenderer(_))) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Calls `each` with every block of a file.
fn each_block(bytes: &[u8], each: &mut dyn FnMut(Cid, &[u8])) {
    struct Blocks<'e>(&'e mut dyn FnMut(Cid, &[u8]));
    impl BlockSink for Blocks<'_> {
        type Error = Infallible;
        fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Infallible> {
            (self.0)(leaf.cid, leaf.bytes);
            Ok(())
        }
        fn node(&mut self, block: Block) -> Result<(), Infallible> {
            (self.0)(block.cid(), block.bytes());
            Ok(())
        }
    }
    let mut blocks = Blocks(each);
    let mut builder = FileBuilder::new();
    let Ok(()) = builder.push(bytes, &mut blocks);
    let Ok(_) = builder.finish(&mut blocks);
}

/// The files that are the same in every feed.
fn assets() -> &'static HashMap<Cid, Vec<u8>> {
    static ASSETS: OnceLock<HashMap<Cid, Vec<u8>>> = OnceLock::new();
    ASSETS.get_or_init(|| {
        let mut blocks = HashMap::new();
        for (_, bytes) in asset_files(1).unwrap_or_default() {
            each_block(&bytes, &mut |cid, bytes| {
                blocks.insert(cid, bytes.to_vec());
            });
        }
        blocks
    })
}
