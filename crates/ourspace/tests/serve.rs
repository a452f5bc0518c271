//! `ourspace` without a command: real requests to the real program.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ourspace_node::{Home, recover};
use ourspace_protocol::{account::Account, dag::Cid};
use ourspace_testkit::signing::NOW;
use ourspace_wallet::SecretKey;
use support::Place;

/// A program that serves; killed when it is dropped.
struct Server {
    child: Child,
    host: String,
    account: String,
}

impl Server {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut child = place
            .command(&[arguments, &["--local", "--json"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = said["url"].as_str().unwrap();
        Self {
            child,
            host: url
                .strip_prefix("http://")
                .unwrap()
                .trim_end_matches('/')
                .to_owned(),
            account: said["account"].as_str().unwrap().to_owned(),
        }
    }

    fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Reply::read(&bytes)
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("Connection: close\r\n\r\n");
        self.raw(&request)
    }

    fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[])
    }

    /// Asks it to stop as Ctrl-C does, and gives its exit code.
    fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Reply {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|part| part == b"\r\n\r\n")
            .unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers: BTreeMap<String, String> = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        assert_ne!(
            headers.get("transfer-encoding").map(String::as_str),
            Some("chunked")
        );
        Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }

    fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

#[test]
fn the_feed_is_served_and_only_to_this_machine() {
    let place = Place::new();
    let server = Server::start(&place, &[]);
    let page = server.get("/").ok();
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert!(
        page.headers["content-security-policy"]
            .starts_with("default-src 'none'; script-src 'self'")
    );
    assert!(page.text().contains(&server.account));

    // Written by another process while this one serves: there at once.
    let posted = place.json(&["post", "Hello *there*", "--title", "A beginning"]);
    let id = posted["id"].as_str().unwrap();
    assert!(server.get("/").ok().text().contains("A beginning"));
    let feed = server.get("/feed.xml").ok();
    assert_eq!(
        feed.headers["content-type"],
        "application/xml; charset=utf-8"
    );
    assert!(feed.text().contains("A beginning"));
    let moved = server.get(&format!("/posts/{id}"));
    assert_eq!(moved.status, 308);
    assert_eq!(moved.headers["location"], format!("/posts/{id}/"));
    assert!(
        server
            .get(&moved.headers["location"])
            .ok()
            .text()
            .contains("<em>there</em>")
    );
    for (path, kind) in [
        ("/feed.json", "application/feed+json; charset=utf-8"),
        ("/favicon.ico", "image/x-icon"),
        ("/feed.css", "text/css; charset=utf-8"),
        ("/feed.js", "text/javascript; charset=utf-8"),
        ("/follows.opml", "text/x-opml; charset=utf-8"),
        ("/profile.json", "application/json"),
        ("/.well-known/ourspace/record.json", "application/json"),
    ] {
        assert_eq!(
            server.get(path).ok().headers["content-type"],
            kind,
            "{path}"
        );
    }

    // What is known already is not sent again.
    let tag = &feed.headers["etag"];
    let again = server.ask(
        "GET",
        "/feed.xml",
        &[&format!("If-None-Match: W/\"x\", {tag}")],
    );
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = server.ask("HEAD", "/feed.xml", &[]).ok();
    assert_eq!(head.headers["content-length"], feed.body.len().to_string());
    assert!(head.body.is_empty());

    refuses(&server);
    blocks(&server, id);

    // A second node is told where the first one is.
    let second = place.run(&[]);
    assert!(second.refused(1).contains(&server.host), "{}", second.err);
    assert_eq!(server.stop(), 0);
    assert_eq!(std::fs::read(place.home().join("node.lock")).unwrap(), b"");
}

fn refuses(server: &Server) {
    let port = server.host.rsplit(':').next().unwrap();
    let with_host = |host: &str| {
        server.raw(&format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
    };
    for host in [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "0.0.0.0:7878",
        &format!("127.0.0.1.evil.example:{port}"),
        &format!("user@127.0.0.1:{port}"),
        "",
    ] {
        assert_eq!(with_host(host).status, 421, "{host}");
    }
    for name in ["localhost", "LOCALHOST", "[::1]", "127.0.0.1"] {
        assert_eq!(with_host(&format!("{name}:{port}")).status, 200, "{name}");
    }
    assert_eq!(server.raw("GET / HTTP/1.0\r\n\r\n").status, 421);
    let twice = format!(
        "GET / HTTP/1.1\r\nHost: {0}\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        server.host
    );
    assert_ne!(server.raw(&twice).status, 200);
    let whole = format!(
        "GET http://evil.example/ HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.host
    );
    assert_eq!(server.raw(&whole).status, 421);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let reply = server.ask(method, "/", &[]);
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.headers["allow"], "GET, HEAD");
    }
    for path in [
        "/nothing",
        "/../store.db",
        "/..%2fstore.db",
        "/media/../../store.db",
        "/media/2026/11/../../../../store.db",
        "/keys/device.json",
        "/%2e%2e/keys/device.json",
        "/.well-known/ourspace/blocks/../record.cbor",
        "/.well-known/ourspace/files",
        "//etc/passwd",
        "/posts/",
        "/archive",
        "/posts/aaaaaaaaaaaaaaaa/",
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.text().contains("Nothing here"));
    }
    let many = "X: y\r\n".repeat(200);
    let reply = server.ask("GET", "/", &[many.trim_end()]);
    assert_eq!(reply.status, 431);
    let long = format!("X: {}", "y".repeat(100_000));
    assert_eq!(server.ask("GET", "/", &[&long]).status, 431);
}

/// From the record down to a post, by blocks alone, each checked.
fn blocks(server: &Server, id: &str) {
    let record = server.get("/.well-known/ourspace/record.cbor").ok();
    let signed = ourspace_protocol::record::SignedRecord::from_bytes(&record.body).unwrap();
    let block = |cid: Cid| {
        let reply = server
            .get(&format!("/.well-known/ourspace/blocks/{cid}"))
            .ok();
        assert!(cid.matches(&reply.body));
        assert!(reply.headers["cache-control"].contains("immutable"));
        reply.body
    };
    let link = |bytes: &[u8], name: &str| {
        let node = ourspace_protocol::dag::pb::PbNode::decode(bytes).unwrap();
        node.links
            .iter()
            .find(|link| link.name == name)
            .unwrap()
            .cid
    };
    let root = block(signed.record.root);
    let posts = block(link(&root, "posts"));
    let post = block(link(&posts, id));
    let page = link(&post, "index.html");
    let file = server.get(&format!("/posts/{id}/")).ok();
    assert!(page.matches(&file.body));
    assert_eq!(file.headers["etag"], format!("\"{page}\""));
    let live = block(link(&root, "feed.json"));
    assert_eq!(live, server.get("/feed.json").ok().body);
    let unknown = Cid::of(ourspace_protocol::dag::Codec::DagPb, b"unknown");
    assert_eq!(
        server
            .get(&format!("/.well-known/ourspace/blocks/{unknown}"))
            .status,
        404
    );
}

#[test]
fn media_come_in_ranges() {
    let place = Place::new();
    let sound = ourspace_testkit_sound();
    std::fs::write(place.folder().join("a.wav"), &sound).unwrap();
    let posted = place.json(&["post", "Listen", "--media", "a.wav", "--alt", "A tone"]);
    let shown = place.json(&["show", posted["id"].as_str().unwrap()]);
    let path = shown[0]["attachments"][0]["url"].as_str().unwrap();
    let path = format!("/{}", path.trim_start_matches('/'));
    let server = Server::start(&place, &["--port", "0"]);
    let whole = server.get(&path).ok();
    assert_eq!(whole.headers["accept-ranges"], "bytes");
    assert_eq!(
        whole.headers["cache-control"],
        "public, max-age=31536000, immutable"
    );
    let size = whole.body.len();
    assert!(size > 2_000_000, "{size}");
    let tag = whole.headers["etag"].clone();
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=1048570-1048585", 1_048_570..1_048_586),
        ("bytes=-7", size - 7..size),
        ("bytes=1500000-", 1_500_000..size),
    ] {
        let part = server.ask("GET", &path, &[&format!("Range: {range}")]);
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.body, &whole.body[expected.clone()], "{range}");
        let said = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
        assert_eq!(part.headers["content-range"], said);
    }
    let beyond = server.ask("GET", &path, &[&format!("Range: bytes={size}-")]);
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.headers["content-range"], format!("bytes */{size}"));
    let same = server.ask(
        "GET",
        &path,
        &["Range: bytes=0-9", &format!("If-Range: {tag}")],
    );
    assert_eq!(same.status, 206);
    let other = server.ask("GET", &path, &["Range: bytes=0-9", "If-Range: \"other\""]);
    assert_eq!((other.status, other.body.len()), (200, size));
    let several = server.ask("GET", &path, &["Range: bytes=0-1,4-5"]);
    assert_eq!(several.status, 200);
    let head = server.ask("HEAD", &path, &["Range: bytes=0-9"]);
    assert_eq!((head.status, head.body.len()), (206, 0));
    assert_eq!(head.headers["content-length"], "10");

    // Whoever hangs up in the middle does no harm.
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&server.host).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.host);
        stream.write_all(request.as_bytes()).unwrap();
    }
    let begun = Instant::now();
    server.get(&path).ok();
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// What a library notes while it works reaches whoever looks at the terminal.
#[test]
fn what_cannot_be_served_is_logged() {
    let place = Place::new();
    std::fs::write(place.folder().join("a.wav"), ourspace_testkit_sound()).unwrap();
    let posted = place.json(&["post", "Listen", "--media", "a.wav"]);
    let shown = place.json(&["show", posted["id"].as_str().unwrap()]);
    let path = shown[0]["attachments"][0]["url"].as_str().unwrap();
    let mut server = Server::start(&place, &["--port", "0"]);
    let mut said = server.child.stderr.take().unwrap();
    for file in std::fs::read_dir(place.home().join("files")).unwrap() {
        let file = std::fs::File::options()
            .write(true)
            .open(file.unwrap().path());
        file.unwrap().set_len(0).unwrap();
    }
    let mut stream = TcpStream::connect(&server.host).unwrap();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.host
    );
    stream.write_all(request.as_bytes()).unwrap();
    // How the connection ends is not what is looked at.
    drop(stream.read_to_end(&mut Vec::new()));
    assert_eq!(server.stop(), 0);
    let mut log = String::new();
    said.read_to_string(&mut log).unwrap();
    assert!(log.contains("ERROR") && log.contains("cannot be"), "{log}");
}

/// Twelve seconds of a tone, as a WAV file.
fn ourspace_testkit_sound() -> Vec<u8> {
    let samples: Vec<u8> = (0..12 * 44_100_u32)
        .flat_map(|at| {
            let wave = (f64::from(at) * 0.06).sin() * 8_000.0;
            let sample = (wave as i16).to_le_bytes();
            [sample[0], sample[1], sample[0], sample[1]]
        })
        .collect();
    let length = u32::try_from(samples.len()).unwrap();
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    file.extend_from_slice(&44_100_u32.to_le_bytes());
    file.extend_from_slice(&176_400_u32.to_le_bytes());
    file.extend_from_slice(b"\x04\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&samples);
    file
}

#[test]
fn a_successors_statement_is_served() {
    const PATH: &str = "/.well-known/ourspace/succession.cbor";
    let place = Place::new();
    let key = SecretKey::generate().unwrap();
    let statement = recover::statement(&key, Account([7; 20]), NOW).unwrap();
    let server = Server::start(&place, &[]);
    assert_eq!(server.get(PATH).status, 404);
    assert_eq!(server.stop(), 0);
    recover::keep(&Home::open(&place.home()).unwrap(), &statement).unwrap();
    let server = Server::start(&place, &[]);
    assert_eq!(server.get(PATH).ok().body, statement.to_bytes());
}

#[test]
fn without_an_account_it_says_what_to_do() {
    let place = Place::empty();
    let said = place.run(&[]);
    assert!(said.refused(2).contains("ourspace init"), "{}", said.err);
    assert!(!place.home().exists());
}
