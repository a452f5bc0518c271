//! A crate's tree of modules, and what each of them names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use syn::{Attribute, Expr, Item, ItemMod, Lit, Meta};

use super::paths::{self, Mention};

/// A module that is not for tests.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// From the crate's root: `["feed", "json"]`.
    pub(super) path: Vec<String>,
    pub(super) file: String,
    /// Every path that is written in it.
    pub(super) mentions: Vec<Mention>,
    /// What it defines by itself.
    pub(super) defines: BTreeSet<String>,
    /// What `use` brings in, by the name that it has here.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// Modules that it imports everything from.
    pub(super) globs: Vec<Vec<String>>,
}

#[derive(Default)]
pub(super) struct Found {
    pub(super) modules: Vec<Module>,
    /// Files of modules that are compiled for tests only, from the root.
    pub(super) tests: Vec<String>,
}

/// Where the reading of modules stands.
struct Place<'a> {
    root: &'a Path,
    /// The file that is read.
    file: PathBuf,
    /// The folder of its children's files.
    children: PathBuf,
    path: Vec<String>,
    test: bool,
}

/// Reads a crate from its first file.
pub(super) fn read(root: &Path, first: &Path) -> Result<Found> {
    let mut found = Found::default();
    let place = Place {
        root,
        file: first.to_path_buf(),
        children: first.parent().unwrap_or(root).to_path_buf(),
        path: Vec::new(),
        test: false,
    };
    read_file(&place, &mut found)?;
    Ok(found)
}

fn read_file(place: &Place<'_>, found: &mut Found) -> Result<()> {
    let text = fs::read_to_string(&place.file)
        .with_context(|| format!("cannot read {}", place.file.display()))?;
    let file =
        syn::parse_file(&text).with_context(|| format!("cannot parse {}", place.file.display()))?;
    if place.test {
        found.tests.push(relative(place));
    }
    read_items(place, &file.items, found)
}

fn relative(place: &Place<'_>) -> String {
    let path = place.file.strip_prefix(place.root).unwrap_or(&place.file);
    path.to_string_lossy().into_owned()
}

fn read_items(place: &Place<'_>, items: &[Item], found: &mut Found) -> Result<()> {
    let mut own = Vec::new();
    for item in items {
        match item {
            Item::Mod(module) => read_module(place, module, found)?,
            item if paths::is_for_tests(paths::attributes(item)) => {}
            item => own.push(item),
        }
    }
    if !place.test {
        found.modules.push(describe(place, &own));
    }
    Ok(())
}

fn read_module(place: &Place<'_>, module: &ItemMod, found: &mut Found) -> Result<()> {
    let name = module.ident.to_string();
    let mut path = place.path.clone();
    path.push(name.clone());
    let mut below = Place {
        root: place.root,
        file: place.file.clone(),
        children: place.children.join(&name),
        path,
        test: place.test || paths::is_for_tests(&module.attrs),
    };
    if let Some((_, items)) = &module.content {
        return read_items(&below, items, found);
    }
    below.file = match stated_file(&module.attrs) {
        Some(file) => place.file.with_file_name(file),
        None => [format!("{name}.rs"), format!("{name}/mod.rs")]
            .iter()
            .map(|file| place.children.join(file))
            .find(|file| file.exists())
            .with_context(|| format!("no file for {name} of {}", place.file.display()))?,
    };
    if below.path.len() > 16 {
        bail!("modules are nested too deep: {}", below.path.join("::"));
    }
    read_file(&below, found)
}

/// The file of `#[path = "..."]`.
fn stated_file(attributes: &[Attribute]) -> Option<String> {
    attributes
        .iter()
        .find_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Some(text.value()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
}

fn describe(place: &Place<'_>, items: &[&Item]) -> Module {
    let mut module = Module {
        path: place.path.clone(),
        file: relative(place),
        ..Module::default()
    };
    for item in items {
        module.mentions.extend(paths::of_item(item));
        if let Some(name) = name_of(item) {
            module.defines.insert(name);
        }
        if let Item::Use(import) = item {
            for (name, path) in paths::imports(&import.tree) {
                match name {
                    Some(name) => drop(module.imports.insert(name, path)),
                    None => module.globs.push(path),
                }
            }
        }
    }
    module
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(ident.to_string())
}
