//! Sites as chapter 7 of the spec wants them, and a reader that takes all of a tree.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use ourspace_protocol::{
    dag::{
        Block, BlockSink, Cid, Codec, DagError, FileBuilder, Leaf, Link, update_tree,
        walk::{Visit, WalkLimits, walk},
    },
    seams::{Arrival, Session, Want},
};

/// All blocks of a tree.
pub(crate) type Blocks = HashMap<Cid, Vec<u8>>;

/// Files at a host, by path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) blocks: Blocks,
    pub(crate) root: Option<Link>,
}

/// Bytes that look like nothing else.
pub(crate) fn sample(length: usize, seed: u64) -> Vec<u8> {
    let mut random = ourspace_testkit::random::Random::new(seed);
    let words = std::iter::repeat_with(|| random.number().to_le_bytes());
    words.flatten().take(length).collect()
}

/// A feed with small files, deep ones, one of exactly a piece and one of several.
pub(crate) fn feed() -> Site {
    let mut files = BTreeMap::new();
    for n in 0..60 {
        let text = format!("<p>post {n}</p>").repeat(n);
        files.insert(format!("posts/{n}/index.html"), text.into_bytes());
    }
    files.insert("feed.json".to_owned(), b"{}".to_vec());
    files.insert("index.html".to_owned(), b"<!doctype html>".to_vec());
    files.insert("media/2025/11/one piece.bin".to_owned(), sample(1 << 20, 1));
    files.insert(
        "media/2025/11/many.bin".to_owned(),
        sample((5 << 20) + 77, 2),
    );
    Site::of(files)
}

impl Site {
    /// The site of a tree with these files.
    pub(crate) fn of(files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut blocks = Blocks::new();
        let mut changes = Vec::new();
        for (path, bytes) in &files {
            changes.push((path.as_str(), Some(file(bytes, &mut blocks))));
        }
        let mut new = Blocks::new();
        let root = update_tree(&blocks, None, &changes, &mut |block: Block| {
            new.insert(block.cid(), block.into_bytes());
        });
        blocks.extend(new);
        let mut site = Self {
            files: files.clone(),
            blocks,
            root: Some(root.unwrap()),
        };
        let top = |path: &str| !path.contains('/');
        let raw: Vec<Vec<u8>> = files
            .into_iter()
            .filter_map(|(path, bytes)| top(&path).then_some(bytes))
            .collect();
        for bytes in raw {
            site.put_block(Cid::of(Codec::Raw, &bytes), bytes);
        }
        let nodes = site.blocks.clone().into_iter();
        for (cid, bytes) in nodes.filter(|(cid, _)| cid.codec() == Codec::DagPb) {
            site.put_block(cid, bytes);
        }
        site
    }

    /// Puts a block under its name.
    pub(crate) fn put_block(&mut self, cid: Cid, bytes: Vec<u8>) {
        let path = format!(".well-known/ourspace/blocks/{cid}");
        self.files.insert(path, bytes);
    }

    /// The address of the tree.
    pub(crate) fn root(&self) -> Link {
        self.root.unwrap()
    }
}

struct Sink<'a>(&'a mut Blocks);

impl BlockSink for Sink<'_> {
    type Error = Infallible;

    fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Infallible> {
        self.0.insert(leaf.cid, leaf.bytes.to_vec());
        Ok(())
    }

    fn node(&mut self, block: Block) -> Result<(), Infallible> {
        self.0.insert(block.cid(), block.into_bytes());
        Ok(())
    }
}

fn file(bytes: &[u8], blocks: &mut Blocks) -> Link {
    let mut builder = FileBuilder::new();
    let mut sink = Sink(blocks);
    let Ok(()) = builder.push(bytes, &mut sink);
    let Ok(dag) = builder.finish(&mut sink);
    Link {
        cid: dag.cid,
        tsize: dag.tsize,
    }
}

/// What a server saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) ranges: Arc<AtomicUsize>,
}

impl Seen {
    /// How often a path was asked for.
    pub(crate) fn times(&self, path: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.as_str() == path).count()
    }
}

/// A server of files below `/feed/`, with ranges or without.
pub(crate) fn server(site: &Site, ranges: bool) -> (Router, Seen) {
    let seen = Seen::default();
    let (files, noted) = (Arc::new(site.files.clone()), seen.clone());
    let answer = move |request: Request| {
        let answer = answer(&files, &request, ranges.then_some(&noted.ranges));
        let path = request.uri().path().to_owned();
        noted.asked.lock().unwrap().push(path);
        std::future::ready(answer)
    };
    (Router::new().fallback(answer), seen)
}

fn answer(
    files: &BTreeMap<String, Vec<u8>>,
    request: &Request,
    ranges: Option<&AtomicUsize>,
) -> Response {
    let path = request.uri().path().strip_prefix("/feed/").unwrap_or("?");
    let Some(bytes) = files.get(&path.replace("%20", " ")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (Some(ranges), Some(range)) = (ranges, request.headers().get(header::RANGE)) else {
        return bytes.clone().into_response();
    };
    ranges.fetch_add(1, Ordering::SeqCst);
    let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let first: usize = first.parse().unwrap();
    let last = last.parse().unwrap_or(usize::MAX).min(bytes.len() - 1);
    if first > last {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    }
    let said = format!("bytes {first}-{last}/{}", bytes.len());
    let head = [(header::CONTENT_RANGE, said)];
    (
        StatusCode::PARTIAL_CONTENT,
        head,
        bytes[first..=last].to_vec(),
    )
        .into_response()
}

/// Takes a whole tree through a session; gives what came and what did not.
pub(crate) async fn take(session: &mut dyn Session, root: Link) -> (Blocks, Vec<Cid>) {
    let (mut blocks, mut missing) = (Blocks::new(), Vec::new());
    loop {
        let wants = wants(&blocks, root, &missing);
        if wants.is_empty() {
            return (blocks, missing);
        }
        let waiting = wants.len();
        session.want(wants);
        for _ in 0..waiting {
            match session.next().await {
                Arrival::Block(block) => drop(blocks.insert(block.cid(), block.into_bytes())),
                Arrival::Missing(cid) => missing.push(cid),
            }
        }
    }
}

/// The blocks that lack next.
fn wants(blocks: &Blocks, root: Link, missing: &[Cid]) -> Vec<Want> {
    let mut wants: Vec<Want> = Vec::new();
    let (mut file, mut offset) = (Arc::<str>::from(""), 0);
    let walked = walk(blocks, root, WalkLimits::default(), &mut |visit| {
        match visit {
            Visit::File { path, .. } => (file, offset) = (Arc::from(path), 0),
            Visit::Leaf { cid, size } => {
                let known = blocks.contains_key(&cid) || missing.contains(&cid);
                if !known && wants.iter().all(|want| want.cid != cid) {
                    let place = Some((Arc::clone(&file), offset));
                    wants.push(Want { cid, place });
                }
                offset += size;
            }
            Visit::Node(_) => {}
        }
        ControlFlow::Continue(())
    });
    match walked {
        Ok(()) => wants,
        Err(DagError::Absent(cid)) if missing.contains(&cid) => wants,
        Err(DagError::Absent(cid)) => {
            wants.insert(0, Want::block(cid));
            wants
        }
        Err(error) => panic!("{error}"),
    }
}
