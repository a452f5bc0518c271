//! No cycles among a crate's modules.
//!
//! At every level, of the modules that lie side by side none may need itself by way of
//! the others. A module and those inside it are one room: there either may use the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Complaints,
    modules::Module,
    source::{Crate, Tree},
};

type Path = Vec<String>;

/// From a module to the ones beside it that it needs, with a place where it does.
type Graph = BTreeMap<Path, BTreeMap<Path, String>>;

pub(super) fn check(tree: &Tree) -> Complaints {
    tree.crates.iter().flat_map(check_crate).collect()
}

fn check_crate(of: &Crate) -> Complaints {
    let graph = graph(&of.modules);
    let cycles = cycles(&graph);
    let tell = |cycle: &BTreeSet<Path>| {
        let edges = cycle.iter().flat_map(|from| {
            let to = graph[from].iter().filter(|(to, _)| cycle.contains(*to));
            to.map(|(to, place)| format!("  {} needs {}: {place}", from.join("::"), to.join("::")))
        });
        let edges: Vec<String> = edges.collect();
        format!("{}: modules need each other\n{}", of.name, edges.join("\n"))
    };
    cycles.iter().map(tell).collect()
}

fn graph(modules: &[Module]) -> Graph {
    let by_path: BTreeMap<&[String], &Module> = modules
        .iter()
        .map(|module| (module.path.as_slice(), module))
        .collect();
    let mut graph = Graph::new();
    for module in modules {
        for mention in &module.mentions {
            let Some(target) = target(&by_path, module, &mention.path, 0) else {
                continue;
            };
            let Some((from, to)) = beside(&module.path, &target) else {
                continue;
            };
            let place = format!("{}:{}", module.file, mention.line);
            graph.entry(to.clone()).or_default();
            graph.entry(from).or_default().entry(to).or_insert(place);
        }
    }
    graph
}

/// The ancestors of two modules that lie side by side, unless one is inside the other.
fn beside(from: &[String], to: &[String]) -> Option<(Path, Path)> {
    let same = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    (same < from.len() && same < to.len()).then(|| (from[..=same].to_vec(), to[..=same].to_vec()))
}

/// The module that a path leads to, if it is one of this crate.
fn target(
    modules: &BTreeMap<&[String], &Module>,
    from: &Module,
    path: &[String],
    depth: usize,
) -> Option<Path> {
    let (first, mut rest) = path.split_first()?;
    let mut at: Path = match first.as_str() {
        "crate" => Path::new(),
        "self" => from.path.clone(),
        "super" => from.path.split_last()?.1.to_vec(),
        // `use json::read` in the parent of `json`.
        name => {
            let mut inside = from.path.clone();
            inside.push(name.to_owned());
            modules.contains_key(inside.as_slice()).then_some(inside)?
        }
    };
    while let Some((name, after)) = rest.split_first() {
        if name == "super" {
            at.pop()?;
        } else {
            let mut inside = at.clone();
            inside.push(name.clone());
            if !modules.contains_key(inside.as_slice()) {
                return Some(home(modules, &at, name, depth));
            }
            at = inside;
        }
        rest = after;
    }
    Some(at)
}

/// Where a name that a module offers comes from: the module itself, or one it imports from.
fn home(modules: &BTreeMap<&[String], &Module>, at: &Path, name: &str, depth: usize) -> Path {
    let Some(module) = modules.get(at.as_slice()) else {
        return at.clone();
    };
    if depth > 8 || module.defines.contains(name) {
        return at.clone();
    }
    if let Some(path) = module.imports.get(name) {
        let found = target(modules, module, path, depth + 1);
        return found.unwrap_or_else(|| at.clone());
    }
    let offers = |path: &Path| {
        let found = target(modules, module, path, depth + 1)?;
        let there = modules.get(found.as_slice())?;
        there.defines.contains(name).then_some(found)
    };
    module
        .globs
        .iter()
        .find_map(offers)
        .unwrap_or_else(|| at.clone())
}

/// The groups of modules that reach each other.
fn cycles(graph: &Graph) -> Vec<BTreeSet<Path>> {
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = graph
        .keys()
        .map(|from| (from, reach(graph, from)))
        .collect();
    let mut found: Vec<BTreeSet<Path>> = Vec::new();
    for (from, there) in &reached {
        if !there.contains(*from) || found.iter().any(|cycle| cycle.contains(*from)) {
            continue;
        }
        let back = there.iter().filter(|to| reached[**to].contains(*from));
        found.push(back.map(|to| (*to).clone()).collect());
    }
    found
}

fn reach<'a>(graph: &'a Graph, from: &Path) -> BTreeSet<&'a Path> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&Path> = graph[from].keys().collect();
    while let Some(at) = open.pop() {
        if seen.insert(at) {
            open.extend(graph[at].keys());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tidy::modules;

    /// What is said of a crate with these files.
    fn said(files: &[(&str, &str)]) -> Complaints {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = modules::read(folder.path(), &folder.path().join("lib.rs")).unwrap();
        check_crate(&Crate {
            name: "sample".to_owned(),
            modules: found.modules,
        })
    }

    #[test]
    fn two_that_need_each_other_are_a_cycle() {
        let complaints = said(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; fn f() -> super::a::A {}"),
        ]);
        assert_eq!(
            complaints,
            ["sample: modules need each other\n  a needs b: a.rs:1\n  b needs a: b.rs:1"]
        );
    }

    #[test]
    fn a_long_way_round_by_names_passed_on_is_one_too() {
        let complaints = said(&[
            ("lib.rs", "mod a; mod b; mod c; pub use c::C; use b::*;"),
            (
                "a.rs",
                "pub struct A; fn f() { println!(\"{}\", crate::B::new()); }",
            ),
            (
                "b.rs",
                "pub struct B; impl B { fn c(&self) -> crate::C {} }",
            ),
            ("c/mod.rs", "mod inside; pub use self::inside::C;"),
            ("c/inside.rs", "pub struct C(crate::a::A);"),
        ]);
        assert_eq!(complaints.len(), 1);
        for edge in ["a needs b", "b needs c", "c needs a: c/inside.rs:1"] {
            assert!(complaints[0].contains(edge), "{edge}: {complaints:?}");
        }
    }

    #[test]
    fn cycles_are_found_at_every_level() {
        let complaints = said(&[
            ("lib.rs", "mod room;"),
            ("room.rs", "mod a; mod b { use super::a::A; pub struct B; }"),
            ("room/a.rs", "pub struct A(super::b::B);"),
        ]);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("room::a needs room::b"));
    }

    #[test]
    fn parents_children_and_tests_are_no_cycle() {
        let complaints = said(&[
            ("lib.rs", "mod a; mod b; pub struct Own; pub use a::A;"),
            (
                "a.rs",
                "mod inside; use inside::X; pub struct A(X, crate::Own);",
            ),
            ("a/inside.rs", "pub struct X; fn f() -> super::A {}"),
            ("b.rs", "use crate::a::A; #[cfg(test)] mod tests;"),
            ("b/tests.rs", "use crate::a::A;"),
        ]);
        assert_eq!(complaints, Complaints::new());
        let complaints = said(&[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "pub struct A; #[cfg(test)] mod tests { use crate::b::f; }",
            ),
            ("b.rs", "pub fn f() -> crate::a::A {}"),
        ]);
        assert_eq!(complaints, Complaints::new());
    }
}
