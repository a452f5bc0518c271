//! Which other people's packages may be used, and where.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use cargo_metadata::{DependencyKind, Metadata};

use super::Complaints;
use crate::run;

/// Packages that hide behind one crate of ours (or a few), and who may name them.
const OWNERS: &[(&[&str], &[&str])] = &[
    (
        &[
            "comrak",
            "caseless",
            "entities",
            "finl_unicode",
            "unicode-normalization",
        ],
        &["ourspace-protocol"],
    ),
    (&["rusqlite", "zstd"], &["ourspace-store"]),
    (
        &[
            "coins-bip32",
            "coins-bip39",
            "scrypt",
            "pbkdf2",
            "aes",
            "ctr",
            "chacha20poly1305",
        ],
        &["ourspace-wallet"],
    ),
    (
        &[
            "fast_image_resize",
            "webp",
            "thumbhash",
            "infer",
            "lofty",
            "img-parts",
        ],
        &["ourspace-media"],
    ),
    (&["image"], &["ourspace-media", "ourspace"]),
    (
        &["feed-rs", "quick-xml", "htmd", "zip", "tar"],
        &["ourspace-node"],
    ),
    (
        &["flate2"],
        &["ourspace-node", "ourspace-media", "ourspace-http"],
    ),
    (&["axum"], &["ourspace-web", "ourspace"]),
    (
        &["tokio"],
        &[
            "ourspace-web",
            "ourspace",
            "ourspace-node",
            "ourspace-p2p",
            "ourspace-http",
            "ourspace-torrent",
            "ourspace-testkit",
        ],
    ),
    (&["tokio-tun"], &["ourspace-testkit"]),
    (&["libp2p", "prost"], &["ourspace-p2p"]),
    (&["tokio-rustls", "webpki-roots"], &["ourspace-http"]),
    (&["mainline"], &["ourspace-torrent", "ourspace-testkit"]),
    (
        &[
            "clap",
            "clap_complete",
            "rpassword",
            "indicatif",
            "tracing-subscriber",
        ],
        &["ourspace"],
    ),
    (&["anyhow"], &["ourspace", "ourspace-testkit"]),
    (
        &["getrandom"],
        &["ourspace-wallet", "ourspace-node", "ourspace"],
    ),
];

/// Never shipped: these may use anything.
const FREE: [&str; 4] = ["xtask", "ourspace-bench", "ourspace-fuzz", "ourspace-sim"];

/// What must not even be reached by way of others from the protocol: the world outside.
const NOT_IN_PROTOCOL: [&str; 9] = [
    "tokio",
    "mio",
    "socket2",
    "rusqlite",
    "libsqlite3-sys",
    "getrandom",
    "rand",
    "rand_core",
    "rustix",
];

/// What the program must not be built from: other TLS than rustls, and build tools that
/// a machine with only Rust and a C compiler does not have.
///
/// (The package `cmake` comes with `aws-lc-sys`, which libp2p's QUIC needs, and is not used
/// where a C compiler is enough: decision 0011.)
const NOT_SHIPPED: [&str; 5] = [
    "openssl-sys",
    "native-tls",
    "bindgen",
    "prost-build",
    "protobuf-src",
];

/// Licences that go with ours.
const LICENCES: [&str; 15] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    // The list of certificate authorities (webpki-roots): data, not code.
    "CDLA-Permissive-2.0",
    "ISC",
    "MPL-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

pub(super) fn check(metadata: &Metadata) -> Result<Complaints> {
    let mut complaints = Complaints::new();
    for package in metadata.workspace_packages() {
        let named = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .filter_map(|dependency| not_owner(&package.name, &dependency.name));
        complaints.extend(named);
    }
    let protocol = built_from("ourspace-protocol")?;
    complaints.extend(banned(
        &protocol,
        &NOT_IN_PROTOCOL,
        "the protocol must not reach",
    ));
    let program = built_from("ourspace")?;
    complaints.extend(banned(
        &program,
        &NOT_SHIPPED,
        "the program must not be built from",
    ));
    for (name, licence) in &program {
        if !may_use(licence) {
            complaints.push(format!("{name}: licence '{licence}' is not accepted"));
        }
    }
    Ok(complaints)
}

fn not_owner(from: &str, package: &str) -> Option<String> {
    let (_, owners) = OWNERS
        .iter()
        .find(|(packages, _)| packages.contains(&package))?;
    let fine = owners.contains(&from) || FREE.contains(&from);
    (!fine).then(|| format!("{from} must not name {package}: {} does", owners.join(", ")))
}

fn banned(found: &BTreeMap<String, String>, banned: &[&str], what: &str) -> Complaints {
    let found = banned.iter().filter(|name| found.contains_key(**name));
    found.map(|name| format!("{what} {name}")).collect()
}

/// All packages that a crate alone is built from on this kind of machine, tests left out,
/// and their licences.
fn built_from(name: &str) -> Result<BTreeMap<String, String>> {
    let mut tree = run::cargo();
    tree.args(["tree", "--package", name, "--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{p} | {l}"]);
    let listed = run::output(&mut tree)?;
    let pairs = listed.lines().filter_map(|line| {
        let (package, licence) = line.split_once(" | ")?;
        let name = package.split(' ').next()?;
        let licence = licence.trim_end_matches("(*)").trim();
        Some((name.to_owned(), licence.to_owned()))
    });
    let found: BTreeMap<_, _> = pairs.collect();
    ensure!(
        found.contains_key(name),
        "cargo tree does not tell of {name}"
    );
    Ok(found)
}

/// Whether an SPDX expression leaves a licence that we accept. `AND` is read as binding
/// weaker than `OR`, which can only refuse more.
fn may_use(expression: &str) -> bool {
    let flat = expression.replace('/', " OR ").replace(['(', ')'], "");
    flat.split(" AND ").all(|part| {
        let mut choices = part.split(" OR ").map(str::trim);
        choices.any(|licence| LICENCES.contains(&licence))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_in_the_wrong_room_is_named() {
        assert_eq!(
            not_owner("ourspace-node", "rusqlite"),
            Some("ourspace-node must not name rusqlite: ourspace-store does".to_owned())
        );
        assert!(not_owner("ourspace-protocol", "tokio").is_some());
        assert!(not_owner("ourspace-store", "axum").is_some());
        assert!(not_owner("ourspace-store", "rusqlite").is_none());
        assert!(not_owner("ourspace-protocol", "serde").is_none());
    }

    #[test]
    fn what_is_reached_by_way_of_others_is_seen() {
        let store = built_from("ourspace-store").unwrap();
        assert!(store.contains_key("libsqlite3-sys") && !store.contains_key("proptest"));
        assert_eq!(store["rusqlite"], "MIT");
        let said = banned(&store, &NOT_IN_PROTOCOL, "it reaches");
        assert!(
            said.contains(&"it reaches libsqlite3-sys".to_owned()),
            "{said:?}"
        );
        assert!(built_from("nothing").is_err());
    }

    #[test]
    fn licences_are_read() {
        for fine in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
        ] {
            assert!(may_use(fine), "{fine}");
        }
        for foreign in [
            "",
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "AGPL-3.0 OR GPL-3.0",
        ] {
            assert!(!may_use(foreign), "{foreign}");
        }
    }
}
