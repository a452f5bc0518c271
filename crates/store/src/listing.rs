//! What the directories of a feed's tree say: which file or post has which CID.

use std::collections::HashSet;

use ourspace_protocol::{
    dag::{Cid, Codec, DagError, pb::PbNode, unixfs::UnixFs},
    feed::{
        model::{ItemId, ItemKey},
        pages::List,
    },
};

use crate::{error::StoreError, shelf::Digest};

/// How a page is written.
const ENDINGS: [&str; 3] = ["json", "xml", "html"];

/// Something in a feed's tree that is rendered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A file at the top, by name.
    Live(String),
    /// A page of a list: its key, and its ending.
    Page(List, ItemKey, &'static str),
    /// The directory of a post.
    Post(ItemId),
}

impl Place {
    /// Its path in the tree.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Live(name) => name.clone(),
            Self::Page(list, key, ending) => format!("{}/{key}.{ending}", list.folder()),
            Self::Post(id) => format!("posts/{id}"),
        }
    }

    /// The place of a page or of a file at the top, as the database keeps it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Live(name) => [&[0], name.as_bytes()].concat(),
            Self::Post(id) => [&[255], &id.0[..]].concat(),
            Self::Page(list, key, ending) => {
                let list = List::ALL
                    .iter()
                    .position(|other| other == list)
                    .unwrap_or(0);
                let ending = ENDINGS
                    .iter()
                    .position(|other| other == ending)
                    .unwrap_or(0);
                let first = u8::try_from(1 + 3 * list + ending).unwrap_or(1);
                [&[first], &key.date.to_be_bytes()[2..], &key.id.0].concat()
            }
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        match first {
            0 => Some(Self::Live(String::from_utf8(rest.to_vec()).ok()?)),
            255 => Some(Self::Post(ItemId(rest.try_into().ok()?))),
            _ => {
                let number = usize::from(first - 1);
                let (date, id) = rest.split_at_checked(6)?;
                let date = date
                    .iter()
                    .fold(0, |date, byte| date << 8 | u64::from(*byte));
                let key = ItemKey {
                    date,
                    id: ItemId(id.try_into().ok()?),
                };
                let list = List::ALL.get(number / 3)?;
                Some(Self::Page(*list, key, ENDINGS.get(number % 3)?))
            }
        }
    }
}

/// A directory of a feed's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    Top,
    Posts,
    Pages(List),
    /// Of media, with so many levels of directories below it.
    Media(u8),
}

impl Folder {
    /// The directory that an entry of this one is, if it is one of many things.
    fn below(self, name: &str) -> Option<Self> {
        match (self, name) {
            (Self::Top, "posts") => Some(Self::Posts),
            (Self::Top, "media") => Some(Self::Media(2)),
            (Self::Top, name) => {
                let list = List::ALL.into_iter().find(|list| list.folder() == name);
                list.map(Self::Pages)
            }
            (Self::Media(more @ 1..), _) => Some(Self::Media(more - 1)),
            _ => None,
        }
    }

    fn place(self, name: &str) -> Option<Place> {
        match self {
            Self::Top => Some(Place::Live(name.to_owned())),
            Self::Posts => name.parse().ok().map(Place::Post),
            Self::Pages(list) => {
                let (key, ending) = name.split_once('.')?;
                let ending = ENDINGS.into_iter().find(|other| *other == ending)?;
                Some(Place::Page(list, key.parse().ok()?, ending))
            }
            Self::Media(_) => None,
        }
    }
}

/// A directory or shard that is to be read: what it is, its block, and how many shards are
/// above it.
type Step = (Folder, Digest, u32);

/// Levels of a sharded directory, at most.
const LEVELS: u32 = 8;

/// Reads one directory block: gives the directories and shards below it, and calls `found`
/// with what it names.
pub(crate) fn read(
    (folder, digest, level): Step,
    bytes: &[u8],
    found: &mut dyn FnMut(Place, Cid),
) -> Result<Vec<Step>, StoreError> {
    let cid = Cid::from_digest(Codec::DagPb, digest);
    let unreadable = |error| StoreError::Dag(DagError::Node { cid, error });
    let node = PbNode::decode(bytes).map_err(unreadable)?;
    let is_shard = match UnixFs::decode(node.data).map_err(unreadable)? {
        UnixFs::Directory => false,
        UnixFs::Shard(_) => true,
        UnixFs::File(_) => return Err(DagError::Kind(cid, "directory").into()),
    };
    let mut below = Vec::new();
    for link in &node.links {
        let name = match is_shard {
            true => link.name.get(2..).unwrap_or_default(),
            false => link.name,
        };
        let is_node = link.cid.codec() == Codec::DagPb;
        if is_shard && name.is_empty() {
            if !is_node || level == LEVELS {
                return Err(DagError::Limit(cid, "depth").into());
            }
            below.push((folder, *link.cid.digest(), level + 1));
        } else if let Some(inner) = folder.below(name).filter(|_| is_node) {
            below.push((inner, *link.cid.digest(), 1));
        } else if let Some(place) = folder.place(name) {
            found(place, link.cid);
        }
    }
    Ok(below)
}

/// Where the reading of a tree begins.
pub(crate) fn top(root: &Cid) -> Step {
    (Folder::Top, *root.digest(), 1)
}

/// A directory, or shard of one, of a feed's tree: what whoever fetches a tree goes down by.
/// The directories of single posts and large media files are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch(Step);

impl Branch {
    /// The tree itself.
    #[must_use]
    pub fn top(root: &Cid) -> Self {
        Self(top(root))
    }

    /// Its block.
    #[must_use]
    pub fn cid(&self) -> Cid {
        Cid::from_digest(Codec::DagPb, self.0.1)
    }

    /// The directories and shards below it, out of the bytes of its block.
    ///
    /// # Errors
    /// [`StoreError::Dag`] when that is no directory, or a shard too deep.
    pub fn below(&self, bytes: &[u8]) -> Result<Vec<Self>, StoreError> {
        let below = read(self.0, bytes, &mut |_, _| {})?;
        Ok(below.into_iter().map(Self).collect())
    }
}

/// Gives the bytes of a directory block.
pub(crate) type Load<'l> = dyn Fn(&Digest) -> Result<Option<Vec<u8>>, StoreError> + 'l;

/// Calls `found` with all that the directories of a tree name, of those blocks that are in
/// `only`: a set that has with each block the one above it.
pub(crate) fn each(
    root: &Cid,
    only: &HashSet<Digest>,
    load: &Load<'_>,
    found: &mut dyn FnMut(Place, Cid),
) -> Result<(), StoreError> {
    let mut stack = vec![top(root)];
    while let Some(step) = stack.pop() {
        if only.contains(&step.1)
            && let Some(bytes) = load(&step.1)?
        {
            stack.extend(read(step, &bytes, found)?);
        }
    }
    Ok(())
}
