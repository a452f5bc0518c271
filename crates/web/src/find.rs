//! What lies at a path.

use std::sync::PoisonError;

use axum::body::Bytes;
use ourspace_node::{
    recover,
    site::{BLOCKS, RECORD, RECORD_JSON, SUCCESSION, record::record_json},
};
use ourspace_protocol::{
    account::Account,
    dag::{Block, BlockSource, Cid, Codec, Link, entries, update_tree},
    feed::{
        all, check::forms, model::ItemId, read::rendered, state::FeedState as _, tree::link_of,
    },
    record::SignedRecord,
    verify::Verified,
};
use ourspace_store::{KeptFile, Place, Reader};

use crate::{Site, error::FindError, timeline};

/// What browsers ask for beside any page; no part of the tree.
const ICON: &str = "favicon.ico";
/// The program's own mark: a page with a picture of its author names that as its icon.
static ICON_BYTES: &[u8] = include_bytes!("../assets/favicon.ico");
/// How the timeline looks.
static STYLE_BYTES: &[u8] = include_bytes!("../assets/timeline.css");

/// What lies at a path.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    /// A folder was asked for without the slash at its end.
    Folder(String),
    File(Resource),
}

/// A file.
#[derive(Debug)]
pub(crate) struct Resource {
    /// Its path, with the name that a folder's address stands for.
    pub(crate) path: String,
    /// The CID of its bytes: the entity tag.
    pub(crate) cid: Cid,
    /// Whether other bytes can never lie at this path.
    pub(crate) lasting: bool,
    pub(crate) content: Content,
}

/// The bytes of a file.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    Kept(KeptFile),
}

/// The files at the top of the tree with this root.
#[derive(Debug)]
pub(crate) struct Live {
    root: Cid,
    files: Vec<(String, Bytes)>,
}

impl Site {
    /// What lies at `path` (without the slash at its beginning).
    pub(crate) fn find(&self, path: &str) -> Result<Found, FindError> {
        let reader = self.home.store().read()?;
        let of = |account| Find {
            site: self,
            reader: &reader,
            account,
        };
        match path {
            "timeline" => return Ok(Found::Folder("timeline/".to_owned())),
            "timeline/" | timeline::PATH => {
                let page = timeline::page(&reader, self.account(), None)?;
                return Ok(file(timeline::PATH, Bytes::from(page), false));
            }
            "timeline/style.css" => {
                return Ok(file(path, Bytes::from_static(STYLE_BYTES), false));
            }
            _ => {}
        }
        if let Some(place) = path.strip_prefix(timeline::OLDER) {
            let mut parts = place.trim_end_matches('/').splitn(2, '/');
            let (address, id) = (parts.next(), parts.next());
            let (Some(Ok(account)), Some(Ok(id))) = (
                address.map(str::parse::<Account>),
                id.map(str::parse::<ItemId>),
            ) else {
                return Ok(Found::Nothing);
            };
            let Some(from) = reader.cursor(account, id)? else {
                return Ok(Found::Nothing);
            };
            let page = timeline::page(&reader, self.account(), Some(from))?;
            return Ok(file(timeline::PATH, Bytes::from(page), false));
        }
        // What is here of others, for the timeline.
        if let Some((address, inner)) = path
            .strip_prefix(timeline::OF)
            .and_then(|rest| rest.split_once('/'))
        {
            let Ok(account) = address.parse() else {
                return Ok(Found::Nothing);
            };
            if let Ok(id) = inner.parse::<ItemId>() {
                let page = format!("{}{address}/posts/{id}/", timeline::OF);
                return Ok(Found::Folder(page));
            }
            return Ok(match of(account).path(inner)? {
                Found::Folder(inner) => Found::Folder(format!("{}{address}/{inner}", timeline::OF)),
                found => found,
            });
        }
        of(self.account()).path(path)
    }
}

struct Find<'f> {
    site: &'f Site,
    reader: &'f Reader<'f>,
    account: Account,
}

impl Find<'_> {
    fn path(&self, path: &str) -> Result<Found, FindError> {
        if path == ICON {
            return Ok(file(path, Bytes::from_static(ICON_BYTES), false));
        }
        let Some(root) = self.reader.root(self.account)? else {
            return Ok(Found::Nothing);
        };
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["" | "index.html"] => self.live(root.cid, "index.html"),
            [_] => self.live(root.cid, path),
            ["media", ..] => self.media(root, path),
            [".well-known", "ourspace", ..] => self.beside(root.cid, path),
            ["posts", id] if self.has_post(id)? => Ok(Found::Folder(format!("posts/{id}/"))),
            ["posts", id, ""] => self.rendered(&format!("posts/{id}/index.html")),
            _ => self.rendered(path),
        }
    }

    fn live(&self, root: Cid, path: &str) -> Result<Found, FindError> {
        let mut live = self
            .site
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let fresh = live.as_ref().is_some_and(|live| live.root == root);
        if !fresh {
            let feed = self.reader.feed(self.account)?;
            let files = all::live(&feed, self.account)?.into_iter();
            let files = files.map(|(path, bytes)| (path, Bytes::from(bytes)));
            *live = Some(Live {
                root,
                files: files.collect(),
            });
        }
        let files = live.iter().flat_map(|live| &live.files);
        let mut found = files.filter(|(name, _)| name == path);
        Ok(match found.next() {
            Some((_, bytes)) => file(path, bytes.clone(), false),
            None => Found::Nothing,
        })
    }

    fn rendered(&self, path: &str) -> Result<Found, FindError> {
        let feed = self.reader.feed(self.account)?;
        Ok(match rendered(&feed, self.account, path)? {
            Some(bytes) => file(path, Bytes::from(bytes), false),
            None => Found::Nothing,
        })
    }

    fn has_post(&self, id: &str) -> Result<bool, FindError> {
        let Ok(id) = id.parse::<ItemId>() else {
            return Ok(false);
        };
        let item = self.reader.item(self.account, id)?;
        Ok(item.is_some_and(|item| item.kind.is_post()))
    }

    /// A kept file, if it is one of the feed's.
    fn media(&self, root: Link, path: &str) -> Result<Found, FindError> {
        if forms::media_path(path).is_err() {
            return Ok(Found::Nothing);
        }
        let Some(link) = entries::lookup(self.reader, root, path)? else {
            return Ok(Found::Nothing);
        };
        Ok(match self.reader.file(link.cid)? {
            Some(kept) => Found::File(Resource {
                path: path.to_owned(),
                cid: link.cid,
                lasting: true,
                content: Content::Kept(kept),
            }),
            None => Found::Nothing,
        })
    }

    /// The record and the blocks.
    fn beside(&self, root: Cid, path: &str) -> Result<Found, FindError> {
        if let Some(name) = path.strip_prefix(BLOCKS) {
            let cid = name.strip_prefix('/').and_then(|name| name.parse().ok());
            return match cid {
                Some(cid) => self.block(root, cid, path),
                None => Ok(Found::Nothing),
            };
        }
        if path == SUCCESSION {
            let statement = recover::kept_in(self.reader)?;
            return Ok(statement.map_or(Found::Nothing, |statement| {
                file(path, Bytes::from(statement.to_bytes()), false)
            }));
        }
        let heads = self.reader.heads(self.account)?;
        let record: Option<&Verified<SignedRecord>> = heads
            .iter()
            .filter(|head| head.record().root == root)
            .max_by_key(|head| head.order());
        let bytes = match (path, record) {
            (RECORD, Some(record)) => record.get().to_bytes(),
            (RECORD_JSON, Some(record)) => record_json(record),
            _ => return Ok(Found::Nothing),
        };
        Ok(file(path, Bytes::from(bytes), false))
    }

    fn block(&self, root: Cid, cid: Cid, path: &str) -> Result<Found, FindError> {
        let bytes = match cid.codec() {
            Codec::DagPb => match self.node(&cid)? {
                Some(bytes) => Some(bytes),
                None => self.post_block(&cid)?,
            },
            _ => self.live_block(root, cid)?,
        };
        Ok(match bytes {
            Some(bytes) if cid.matches(&bytes) => Found::File(Resource {
                path: path.to_owned(),
                cid,
                lasting: true,
                content: Content::Bytes(Bytes::from(bytes)),
            }),
            _ => Found::Nothing,
        })
    }

    /// A directory, or an inner node of a large file: never one that belongs only to a feed
    /// that is followed quietly.
    fn node(&self, cid: &Cid) -> Result<Option<Vec<u8>>, FindError> {
        if let Some(bytes) = self.reader.open_node(cid)? {
            return Ok(Some(bytes));
        }
        match self.reader.is_open_file(self.account, cid)? {
            true => Ok(self.reader.get(cid)?),
            false => Ok(None),
        }
    }

    /// The directory of a post. Nobody keeps it, but the index says which posts' it may be.
    fn post_block(&self, cid: &Cid) -> Result<Option<Vec<u8>>, FindError> {
        let candidates = self.reader.candidates(cid)?.into_iter();
        let own = candidates.filter(|(account, _)| *account == self.account);
        for (_, place) in own {
            if let Place::Post(id) = place
                && let Some(bytes) = self.post(id)?
                && cid.matches(&bytes)
            {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// The directory of one post, made of its files.
    fn post(&self, id: ItemId) -> Result<Option<Vec<u8>>, FindError> {
        let feed = self.reader.feed(self.account)?;
        let mut files = Vec::new();
        let edited = feed.versions(id)?.len() > 1;
        for name in ["history.json", "index.html"] {
            if edited || name == "index.html" {
                let path = format!("posts/{id}/{name}");
                let bytes = rendered(&feed, self.account, &path)?;
                files.extend(bytes.map(|bytes| (name, Some(link_of(&bytes)))));
            }
        }
        let nothing = std::collections::HashMap::new();
        let mut made = None;
        update_tree(&nothing, None, &files, &mut |block: Block| {
            made = Some(block.into_bytes());
        })?;
        Ok(made)
    }

    /// The only piece of a file at the top of the tree.
    fn live_block(&self, root: Cid, cid: Cid) -> Result<Option<Vec<u8>>, FindError> {
        self.live(root, "index.html")?;
        let live = self
            .site
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut files = live.iter().flat_map(|live| &live.files);
        let pieces = files.find_map(|(_, bytes)| {
            let mut pieces = bytes.chunks(ourspace_protocol::limits::CHUNK_BYTES);
            pieces.find(|piece| cid.matches(piece))
        });
        Ok(pieces.map(<[u8]>::to_vec))
    }
}

fn file(path: &str, bytes: Bytes, lasting: bool) -> Found {
    Found::File(Resource {
        path: path.to_owned(),
        cid: link_of(&bytes).cid,
        lasting,
        content: Content::Bytes(bytes),
    })
}
