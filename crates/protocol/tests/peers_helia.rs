//! The same files give the same root with Helia's UnixFS importer.
//!
//! Needs Node.js with `ipfs-unixfs-importer` and `@helia/unixfs`: `cargo xtask test`
//! installs them and says where in `OURSPACE_PEERS`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's helpers fail by panicking"
)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ourspace_protocol::dag::{
    Block, BlockSink, Change, Cid, FileBuilder, Layout, Leaf, Link, file::tsize_by, update_tree,
};

/// The same bytes as `content` in peers/helia.mjs.
fn content(size: usize, seed: u32) -> Vec<u8> {
    let mut x = seed.wrapping_add(1);
    let next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}

#[derive(serde::Serialize)]
struct File {
    path: String,
    size: usize,
    seed: u32,
}

fn file(path: impl Into<String>, size: usize, seed: u32) -> File {
    let path = path.into();
    File { path, size, seed }
}

/// One import: the files, whether in a folder, and by which layout if not the profile's.
#[derive(serde::Serialize)]
struct Job {
    files: Vec<File>,
    wrap: bool,
    chunk: Option<usize>,
    width: Option<usize>,
    then: Option<Then>,
}

/// A directory that is added afterwards.
#[derive(serde::Serialize)]
struct Then {
    name: String,
    files: Vec<File>,
}

fn folder(files: Vec<File>) -> Job {
    Job {
        files,
        wrap: true,
        chunk: None,
        width: None,
        then: None,
    }
}

#[derive(serde::Deserialize)]
struct Root {
    cid: Cid,
    tsize: Option<u64>,
}

fn helia(jobs: &[Job]) -> Vec<Root> {
    let peers = std::env::var_os("OURSPACE_PEERS")
        .map(PathBuf::from)
        .expect("OURSPACE_PEERS must name the folder with the peers; cargo xtask test sets it");
    let own = peers.join("node22/bin/node");
    let node = if own.exists() { own } else { "node".into() };
    let mut child = Command::new(node)
        .args([
            "--input-type=module",
            "--eval",
            include_str!("peers/helia.mjs"),
        ])
        .current_dir(peers.join("node"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node must start");
    let input = serde_json::to_vec(jobs).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the importer failed");
    let roots: Vec<Root> = output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(roots.len(), jobs.len());
    roots
}

struct Discard;

impl BlockSink for Discard {
    type Error = Infallible;

    fn leaf(&mut self, _: Leaf<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn node(&mut self, _: Block) -> Result<(), Infallible> {
        Ok(())
    }
}

fn import(layout: Layout, file: &File) -> Link {
    let mut builder = FileBuilder::with_layout(layout);
    let Ok(()) = builder.push(&content(file.size, file.seed), &mut Discard);
    let Ok(dag) = builder.finish(&mut Discard);
    assert_eq!(dag.tsize, tsize_by(layout, file.size as u64));
    Link {
        cid: dag.cid,
        tsize: dag.tsize,
    }
}

/// The root of a folder, and how many blocks its directories have.
fn tree(files: &[File]) -> (Link, usize) {
    let mut changes: Vec<(String, Option<Link>)> = files
        .iter()
        .map(|file| {
            let link = import(Layout::default(), file);
            (file.path.clone(), Some(link))
        })
        .collect();
    changes.sort();
    let list: Vec<Change<'_>> = changes.iter().map(|(p, l)| (p.as_str(), *l)).collect();
    let mut blocks = 0;
    let none = HashMap::<Cid, Vec<u8>>::new();
    let link = update_tree(&none, None, &list, &mut |_| blocks += 1).unwrap();
    (link, blocks)
}

fn compare(jobs: &[Job]) {
    for (job, theirs) in jobs.iter().zip(helia(jobs)) {
        let ours = match (job.wrap, job.chunk.zip(job.width)) {
            (true, _) => tree(&job.files).0,
            (false, None) => import(Layout::default(), &job.files[0]),
            (false, Some((chunk, width))) => import(Layout::other(chunk, width), &job.files[0]),
        };
        let first = &job.files[0];
        let what = format!(
            "{} files, {} of {} bytes",
            job.files.len(),
            first.path,
            first.size
        );
        assert_eq!(ours.cid, theirs.cid, "{what}");
        assert_eq!(Some(ours.tsize), theirs.tsize, "{what}");
    }
}

#[test]
fn files_of_all_shapes() {
    const MIB: usize = 1 << 20;
    let single = |size, chunk, width| Job {
        wrap: false,
        chunk,
        width,
        ..folder(vec![file("f", size, 9)])
    };
    let mut jobs: Vec<Job> = [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB + 77]
        .into_iter()
        .map(|size| single(size, None, None))
        .collect();
    for leaves in [1023, 1024, 1025, 2049] {
        jobs.push(single(leaves * 64 - 5, Some(64), Some(1024)));
    }
    for leaves in [2, 3, 9, 10, 27, 28, 81, 82, 243, 244] {
        jobs.push(single(leaves * 10, Some(10), Some(3)));
        jobs.push(single(leaves * 10 - 9, Some(10), Some(3)));
    }
    compare(&jobs);
}

#[test]
fn folders_of_all_sizes() {
    let flat = |count: u32| {
        folder(
            (0..count)
                .map(|at| file(format!("{at}.txt"), at as usize % 300, at))
                .collect(),
        )
    };
    let mut jobs = vec![flat(1), flat(10), flat(4_500), flat(5_000), flat(20_000)];
    // 4,765 links of 55 bytes and 4 of data: what the last name makes of it is the limit,
    // one byte less, one byte more.
    for last in [20, 21, 22] {
        let mut files: Vec<_> = (0..4_765u32)
            .map(|at| file(format!("name-{at:06}"), 1, at))
            .collect();
        files.push(file("z".repeat(last), 1, 0));
        jobs.push(folder(files));
    }
    let names = [
        "a",
        "a-b",
        "a.b",
        "B",
        "Zürich.md",
        "日本語",
        "😀.webp",
        "%41",
        "a b",
        "...",
    ];
    jobs.push(folder(names.iter().map(|name| file(*name, 3, 1)).collect()));
    compare(&jobs);
}

#[test]
fn nested_folders() {
    let mut files = Vec::new();
    for at in 0..2_500u32 {
        files.push(file(format!("posts/{at:08}/index.html"), 40, at));
        files.push(file(
            format!("media/2026/{:02}/{at}.webp", at % 12 + 1),
            900,
            at,
        ));
    }
    for at in 0..6_000u32 {
        files.push(file(
            format!("archive/page-of-the-archive-{at}.json"),
            at as usize % 999,
            at,
        ));
    }
    files.push(file("feed.json", 5_000, 1));
    files.push(file("a/b/c/d/e/f/g/video.mp4", 3_000_000, 2));
    compare(&[folder(files)]);
}

/// Helia's importer does not count the links of folders when it decides whether to shard
/// a folder (it has no CIDs for them yet), and leaves one block of any size. Its file
/// system calls do count them: a folder of folders is sharded where ours is.
#[test]
fn folders_of_folders_are_sharded_by_size() {
    let path = |at: u32| format!("{at:08}/index.html");
    let folders =
        |count: u32| -> Vec<File> { (0..count).map(|at| file(path(at), 20, at)).collect() };
    // Each link has 52 bytes: 5,041 of them and 4 of data make 262,136 bytes.
    let counts = [5_041, 5_042];
    let jobs = counts.map(|count| Job {
        then: Some(Then {
            name: format!("{:08}", count - 1),
            files: vec![file("index.html", 20, count - 1)],
        }),
        ..folder(folders(count - 1))
    });
    for (count, theirs) in counts.into_iter().zip(helia(&jobs)) {
        let (ours, blocks) = tree(&folders(count));
        assert_eq!(ours.cid, theirs.cid, "{count} folders");
        // One block for each folder and one for all of them, or many.
        let sharded = count == 5_042;
        assert_eq!(blocks > count as usize + 1, sharded, "{count} folders");
    }
}
