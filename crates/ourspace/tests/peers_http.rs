//! A feed that the program exported, on an ordinary web server that knows nothing of us
//! (Python's): found, mirrored and followed from there.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a peer that is absent or fails ends the test"
)]

mod support;

use std::{
    fs, io,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use ourspace_http::{client::Client, site::Sites};
use ourspace_node::{
    Home, follows,
    mirror::{self, MirrorError},
    webfeeds::{self, WebWish},
};
use ourspace_protocol::{
    account::Account,
    feed::state::FeedState as _,
    seams::{BoxFuture, Dial, Net, Resolver as _, Session, Stream, Transport as _},
    verify::{Context, KnownGrants, verify},
};
use support::Place;
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

/// Plain TCP, to this machine only.
struct Loopback;

impl Net for Loopback {
    fn dial<'a>(&'a self, to: Dial<'a>) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            assert!(to.private && to.host == "127.0.0.1", "{to:?}");
            let stream = TcpStream::connect((to.host, to.port)).await?;
            Ok(Box::new(stream.compat()) as Box<dyn Stream>)
        })
    }
}

/// Python's web server, which ends with this.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn of(folder: &Path) -> Self {
        let Some(peers) = std::env::var_os("OURSPACE_PEERS") else {
            panic!("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers");
        };
        let python = PathBuf::from(peers).join("venv/bin/python");
        let mut command = Command::new(&python);
        command
            .args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1"])
            .args(["--protocol", "HTTP/1.1", "--directory"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
        // "Serving HTTP on 127.0.0.1 port 40133 (http://127.0.0.1:40133/) ..."
        let mut said = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut said).unwrap();
        let address = said.split(['(', ')']).nth(1).unwrap().to_owned();
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// A home with posts and pictures, exported into `site`.
fn exported() -> (Place, Account) {
    let place = Place::new();
    for n in 0..30 {
        place.run(&["post", &format!("Post number {n}")]).ok();
    }
    let pixels = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([x as u8, y as u8, 7]));
    pixels.save(place.folder().join("picture.png")).unwrap();
    let post = [
        "post",
        "With a picture",
        "--media",
        "picture.png",
        "--alt",
        "Colours",
    ];
    place.run(&post).ok();
    place.run(&["export", "site"]).ok();
    let account = place.json(&["whoami"])["account"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    (place, account)
}

/// A second home, of somebody else.
fn reader() -> (Place, Home) {
    let place = Place::new();
    let home = Home::open(&place.home()).unwrap();
    (place, home)
}

/// Somebody who follows the account, and knows one location of it.
struct Follower {
    home: Home,
    sites: Sites,
    account: Account,
    locations: Vec<String>,
}

impl Follower {
    fn new(home: Home, account: Account, location: &str) -> Self {
        follows::follow(&home, now(), account, follows::Wish::default()).unwrap();
        let client = Client::new(Arc::new(Loopback), &[]).unwrap();
        Self {
            home,
            sites: Sites::new(client, &[]).in_private_networks(),
            account,
            locations: vec![location.to_owned()],
        }
    }

    /// Finds the newest record and fetches what is new of its tree.
    async fn catch_up(&self) -> Result<Box<dyn Session>, MirrorError> {
        let mut lookup = self.sites.resolve(self.account, &self.locations);
        let candidate = lookup.next().await.unwrap();
        let context = Context {
            now: now(),
            highest_epoch: 0,
        };
        let record = verify(&candidate.bytes, context, &mut KnownGrants::new()).unwrap();
        mirror::take(&self.home, std::slice::from_ref(&record)).unwrap();
        let mut session = self.sites.open(Some(self.account), &self.locations);
        mirror::fetch(&self.home, &record, session.as_mut(), &mut |_| {}).await?;
        let root = self
            .home
            .store()
            .read()
            .unwrap()
            .root(self.account)
            .unwrap();
        assert_eq!(root.unwrap().cid, record.record().root);
        Ok(session)
    }

    fn posts(&self) -> Vec<String> {
        let reader = self.home.store().read().unwrap();
        let shown = reader.home_timeline(self.home.account().unwrap(), None, 100);
        shown
            .unwrap()
            .hits
            .into_iter()
            .map(|hit| hit.item.text)
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_feed_is_mirrored_from_a_plain_web_server() {
    let (author, account) = exported();
    let server = Server::of(&author.folder().join("site"));
    let (_place, home) = reader();
    let follower = Follower::new(home, account, &server.address);
    let mut session = follower.catch_up().await.unwrap();
    assert_eq!(follower.posts().len(), 31);
    let (home, quotas) = (&follower.home, mirror::Quotas::default());
    let media = mirror::media(home, account, quotas, session.as_mut(), &mut |_| {}).await;
    let media = media.unwrap();
    assert!(
        media.files > 0 && media.missing == 0 && media.left_out == 0,
        "{media:?}"
    );
    let counts = follower.sites.counts();
    assert_eq!((counts.altered, counts.missing), (0, 0));

    // The author goes on; only what is new is fetched.
    author.run(&["post", "One more"]).ok();
    author.run(&["export", "site"]).ok();
    follower.catch_up().await.unwrap();
    let again = follower.sites.counts().blocks - counts.blocks;
    assert!(again < counts.blocks, "{again} of {}", counts.blocks);
    assert_eq!(follower.posts()[0], "One more");

    // A host that changes files: they are refused, and what is here stays.
    author.run(&["post", "And another"]).ok();
    author.run(&["export", "site"]).ok();
    alter(&author.folder().join("site"));
    let refused = follower.catch_up().await.err();
    assert!(
        matches!(refused, Some(MirrorError::Missing(_))),
        "{refused:?}"
    );
    assert_eq!(follower.sites.counts().altered, 1);
    assert_eq!(follower.posts()[0], "One more");
}

/// Puts other words into the newest files, and takes away their signed bytes.
fn alter(site: &Path) {
    for file in ["feed.json", "index.html"] {
        let text = fs::read_to_string(site.join(file)).unwrap();
        let text = text.replace("And another", "And an advert");
        fs::write(site.join(file), text).unwrap();
    }
    for block in fs::read_dir(site.join(".well-known/ourspace/blocks")).unwrap() {
        let block = block.unwrap();
        // Raw blocks, as their CIDs begin.
        if block.file_name().to_str().unwrap().starts_with("bafk") {
            fs::remove_file(block.path()).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_rss_is_followed_like_anybodys() {
    let (author, _) = exported();
    let server = Server::of(&author.folder().join("site"));
    let (_place, home) = reader();
    let client = Client::new(Arc::new(Loopback), &[]).unwrap();
    let wish = WebWish {
        quiet: true,
        private: true,
        ..WebWish::default()
    };
    // The address of the page: the feed is found by what the page names.
    let account = webfeeds::follow(&home, now(), &server.address, wish).unwrap();
    let quotas = mirror::Quotas::default();
    let polled = webfeeds::poll(&home, &client, quotas, now()).await.unwrap();
    assert_eq!(
        (polled.posts, polled.failed),
        (31, 0),
        "{:?}",
        webfeeds::list_all(&home)
    );
    let row = home
        .store()
        .read()
        .unwrap()
        .web_feed(account)
        .unwrap()
        .unwrap();
    assert!(
        row.at.ends_with("feed.xml") || row.at.ends_with("feed.json"),
        "{}",
        row.at
    );
    let reader = home.store().read().unwrap();
    assert_eq!(
        reader
            .home_timeline(home.account().unwrap(), None, 100)
            .unwrap()
            .hits
            .len(),
        31
    );
    assert!(
        !reader
            .feed(account)
            .unwrap()
            .profile()
            .unwrap()
            .display_name
            .value
            .is_empty()
    );
    // Python's server knows dates: nothing has changed.
    let later = row.next + 1;
    let polled = webfeeds::poll(&home, &client, quotas, later).await.unwrap();
    assert_eq!((polled.posts, polled.failed), (0, 0));
}
