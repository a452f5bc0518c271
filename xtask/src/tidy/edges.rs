//! Which of our crates may know which.

use cargo_metadata::{DependencyKind, Metadata};

use super::Complaints;

/// A crate and the ones of ours that it may depend on. One that is not here is refused:
/// a new crate gets a line, and a thought.
const ALLOWED: &[(&str, &[&str])] = &[
    ("ourspace-protocol", &[]),
    ("ourspace-media", &[]),
    ("ourspace-store", &["ourspace-protocol"]),
    ("ourspace-wallet", &["ourspace-protocol"]),
    ("ourspace-p2p", &["ourspace-protocol"]),
    ("ourspace-http", &["ourspace-protocol"]),
    ("ourspace-torrent", &["ourspace-protocol"]),
    (
        "ourspace-node",
        &[
            "ourspace-protocol",
            "ourspace-store",
            "ourspace-wallet",
            "ourspace-media",
        ],
    ),
    (
        "ourspace-web",
        &[
            "ourspace-protocol",
            "ourspace-store",
            "ourspace-wallet",
            "ourspace-media",
            "ourspace-node",
        ],
    ),
    ("ourspace-testkit", &["ourspace-protocol"]),
];

/// These may know all of ours: the program itself, and what is never shipped.
const FREE: [&str; 5] = [
    "ourspace",
    "ourspace-fuzz",
    "ourspace-bench",
    "ourspace-sim",
    "xtask",
];

/// Only for tests.
const TESTKIT: &str = "ourspace-testkit";

/// Crates that are never shipped, so they may use what is only for tests.
const NOT_SHIPPED: [&str; 4] = ["ourspace-fuzz", "ourspace-bench", "ourspace-sim", "xtask"];

/// An edge between two of our crates.
#[derive(Clone, Copy)]
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    for_tests: bool,
}

pub(super) fn check(metadata: &Metadata) -> Complaints {
    let packages = metadata.workspace_packages();
    let names: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut complaints = Complaints::new();
    for package in &packages {
        complaints.extend(unknown(&package.name));
        for dependency in &package.dependencies {
            if !names.contains(&dependency.name.as_str()) {
                continue;
            }
            complaints.extend(wrong(Edge {
                from: &package.name,
                to: &dependency.name,
                for_tests: dependency.kind == DependencyKind::Development,
            }));
        }
    }
    complaints
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    let found = ALLOWED.iter().find(|(from, _)| *from == name);
    found.map(|(_, to)| *to)
}

fn unknown(name: &str) -> Option<String> {
    (allowed(name).is_none() && !FREE.contains(&name))
        .then(|| format!("{name}: say in xtask/src/tidy/edges.rs which crates it may know"))
}

fn wrong(edge: Edge<'_>) -> Option<String> {
    let Edge {
        from,
        to,
        for_tests,
    } = edge;
    if to == TESTKIT {
        let fine = for_tests || NOT_SHIPPED.contains(&from);
        return (!fine).then(|| format!("{from} must not depend on {to} but for its tests"));
    }
    let fine = FREE.contains(&from) || allowed(from).is_some_and(|all| all.contains(&to));
    (!fine).then(|| format!("{from} must not depend on {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn edge(from: &'static str, to: &'static str, for_tests: bool) -> Edge<'static> {
        Edge {
            from,
            to,
            for_tests,
        }
    }

    #[test]
    fn edges_against_the_direction_are_refused() {
        for (from, to) in [
            ("ourspace-protocol", "ourspace-store"),
            ("ourspace-store", "ourspace-wallet"),
            ("ourspace-wallet", "ourspace-store"),
            ("ourspace-p2p", "ourspace-store"),
            ("ourspace-node", "ourspace-p2p"),
            ("ourspace-http", "ourspace-p2p"),
            ("ourspace-media", "ourspace-protocol"),
            ("ourspace-node", "ourspace-web"),
            ("ourspace-store", "ourspace-node"),
            ("ourspace-web", "ourspace"),
        ] {
            let expected = Some(format!("{from} must not depend on {to}"));
            assert_eq!(wrong(edge(from, to, false)), expected);
            assert_eq!(wrong(edge(from, to, true)), expected);
        }
        for (from, to) in [
            ("ourspace-store", "ourspace-protocol"),
            ("ourspace-web", "ourspace-node"),
            ("ourspace", "ourspace-media"),
            ("xtask", "ourspace-node"),
        ] {
            assert_eq!(wrong(edge(from, to, false)), None);
        }
    }

    #[test]
    fn the_testkit_is_for_tests() {
        assert!(wrong(edge("ourspace-store", TESTKIT, false)).is_some());
        assert!(wrong(edge("ourspace", TESTKIT, false)).is_some());
        assert!(wrong(edge("ourspace-store", TESTKIT, true)).is_none());
        assert!(wrong(edge("ourspace-fuzz", TESTKIT, false)).is_none());
    }

    #[test]
    fn a_new_crate_is_noticed() {
        assert!(unknown("ourspace-surprise").is_some());
        assert!(unknown("ourspace-store").is_none());
        assert!(unknown("ourspace").is_none());
    }
}
