//! What the tests of kept files share.

use std::{collections::BTreeMap, fs, io::Read, path::Path};

use ourspace_protocol::dag::{Block, BlockSink, Cid, FileBuilder, FileDag, Leaf};
use ourspace_store::{Kept, Stage, Store};
use ourspace_testkit::random::Random;

/// 2^20.
pub(crate) const MIB: usize = 1 << 20;

/// Bytes that no other seed gives.
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let words = std::iter::repeat_with(|| random.number().to_le_bytes());
    words.flatten().take(length).collect()
}

/// The DAG that the protocol makes, block by block in one thread.
pub(crate) fn dag(bytes: &[u8]) -> (FileDag, BTreeMap<Cid, Vec<u8>>) {
    struct Blocks(BTreeMap<Cid, Vec<u8>>);
    impl BlockSink for Blocks {
        type Error = std::convert::Infallible;
        fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Self::Error> {
            self.0.insert(leaf.cid, leaf.bytes.to_vec());
            Ok(())
        }
        fn node(&mut self, block: Block) -> Result<(), Self::Error> {
            self.0.insert(block.cid(), block.into_bytes());
            Ok(())
        }
    }
    let mut blocks = Blocks(BTreeMap::new());
    let mut builder = FileBuilder::new();
    let Ok(()) = builder.push(bytes, &mut blocks);
    let Ok(dag) = builder.finish(&mut blocks);
    (dag, blocks.0)
}

/// A new store in a home that goes away with it.
pub(crate) fn store() -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    (home, store)
}

/// Keeps files in one change.
pub(crate) fn add(store: &Store, files: &[&[u8]]) -> Vec<Cid> {
    let mut stage = store.stage().unwrap();
    let cids = files.iter().map(|file| add_to(&mut stage, file)).collect();
    store.write(|w| w.keep(stage)).unwrap();
    cids
}

/// Stages a file.
pub(crate) fn add_to(stage: &mut Stage<'_>, mut file: &[u8]) -> Cid {
    stage.add(&mut file).unwrap().cid
}

/// All bytes of a kept file.
pub(crate) fn read(store: &Store, cid: Cid) -> Option<Vec<u8>> {
    let mut file = store.read().unwrap().file(cid).unwrap()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, file.size());
    Some(bytes)
}

/// How much is kept.
pub(crate) fn kept(store: &Store) -> Kept {
    store.read().unwrap().kept().unwrap()
}

/// Names and sizes in the folder of volumes.
pub(crate) fn volumes(home: &Path) -> BTreeMap<String, u64> {
    let listing = fs::read_dir(home.join("files")).unwrap();
    let name_and_size = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, entry.metadata().unwrap().len())
    };
    listing.map(name_and_size).collect()
}
