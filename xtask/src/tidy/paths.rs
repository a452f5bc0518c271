//! Which paths a piece of source names.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, Macro, Meta, Path, UseTree,
    visit::{self, Visit},
};

/// A path as it is written: `std::net::TcpStream`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

/// Every path in a file, but for its tests.
pub(super) fn of_file(file: &syn::File) -> Vec<Mention> {
    let mut collector = Collector::default();
    collector.visit_file(file);
    collector.found
}

/// Every path in an item, but for its tests.
pub(super) fn of_item(item: &Item) -> Vec<Mention> {
    let mut collector = Collector::default();
    collector.visit_item(item);
    collector.found
}

#[derive(Default)]
struct Collector {
    found: Vec<Mention>,
}

impl Collector {
    fn add(&mut self, path: Vec<String>, line: usize) {
        self.found.push(Mention { path, line });
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_path(&mut self, path: &'ast Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let line = path
            .segments
            .first()
            .map_or(0, |segment| segment.ident.span().start().line);
        self.add(names, line);
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        if is_for_tests(&import.attrs) {
            return;
        }
        let line = import.use_token.span.start().line;
        for (name, mut path) in imports(&import.tree) {
            match name {
                None => path.push("*".to_owned()),
                Some(name) if path.last() != Some(&name) => path.push(format!("as {name}")),
                Some(_) => {}
            }
            self.add(path, line);
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        of_tokens(call.tokens.clone(), &mut self.found);
        visit::visit_macro(self, call);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        if !is_for_tests(&block.attrs) {
            visit::visit_item_impl(self, block);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }
}

/// The paths in what is given to a macro, which is not parsed as Rust.
fn of_tokens(tokens: TokenStream, found: &mut Vec<Mention>) {
    let mut path: Vec<String> = Vec::new();
    let (mut line, mut colons) = (0, 0);
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    flush(&mut path, line, found);
                    line = ident.span().start().line;
                }
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
            TokenTree::Group(group) => {
                flush(&mut path, line, found);
                of_tokens(group.stream(), found);
                colons = 0;
            }
            _ => {
                flush(&mut path, line, found);
                colons = 0;
            }
        }
    }
    flush(&mut path, line, found);
}

fn flush(path: &mut Vec<String>, line: usize, found: &mut Vec<Mention>) {
    if !path.is_empty() {
        let path = std::mem::take(path);
        found.push(Mention { path, line });
    }
}

/// What a `use` brings in: the local name (none for everything) and the path.
pub(super) fn imports(tree: &UseTree) -> Vec<(Option<String>, Vec<String>)> {
    let mut found = Vec::new();
    flatten(tree, &mut Vec::new(), &mut found);
    found
}

fn flatten(
    tree: &UseTree,
    before: &mut Vec<String>,
    found: &mut Vec<(Option<String>, Vec<String>)>,
) {
    let mut add = |local: Option<String>, last: Option<String>| {
        let mut path = before.clone();
        // `use a::b::{self}` is `use a::b`.
        path.extend(last.filter(|name| name != "self" || before.is_empty()));
        let local = local.map(|name| match name.as_str() {
            "self" => path.last().cloned().unwrap_or(name),
            _ => name,
        });
        found.push((local, path));
    };
    match tree {
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            add(Some(name.clone()), Some(name));
        }
        UseTree::Rename(rename) => {
            let local = rename.rename.to_string();
            add(Some(local), Some(rename.ident.to_string()));
        }
        UseTree::Glob(_) => add(None, None),
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, found);
            }
        }
    }
}

/// Whether `#[test]` or `#[cfg(test)]` stands before something.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::NameValue(_) => false,
    })
}

/// What stands before an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
