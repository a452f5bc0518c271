//! Reading a source to its end, before anything is changed.

use std::{
    fs::File,
    io::{BufReader, Cursor, Read, Seek as _},
    path::Path,
};

use super::{
    Progress, Source,
    basket::{Basket, Gathered, Wish},
    error::ImportError,
    input::{Decoded, Meter},
    jsonfeed, mastodon, site,
    source::{Form, form},
    spool::{Spool, SpoolError},
    vault::{Packing, Vault},
    xml,
};

/// Reads a source.
///
/// # Errors
/// [`ImportError`].
pub(super) fn gather(
    source: Source<'_>,
    wish: Wish<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Gathered, ImportError> {
    let meter = Meter::default();
    let mut basket = Basket::new(wish, &meter, progress);
    match source {
        Source::Path(path) if path.is_dir() => {
            let vault = Vault::folder(path, wish.scratch)?;
            of_vault(vault, &meter, &mut basket)?;
        }
        Source::Path(path) => {
            let fail = |source| ImportError::Open {
                path: path.to_owned(),
                source,
            };
            let mut file = File::open(path).map_err(fail)?;
            if !file.metadata().map_err(fail)?.is_file() {
                let file = whole(&mut file, wish.scratch)?;
                of_file(file, None, &meter, &mut basket)?;
                return Ok(basket.gathered);
            }
            let beside = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            let beside = Vault::folder(beside.unwrap_or(Path::new(".")), wish.scratch)?;
            of_file(file, Some(beside), &meter, &mut basket)?;
        }
        Source::Pipe(pipe) => {
            let file = whole(pipe, wish.scratch)?;
            of_file(file, None, &meter, &mut basket)?;
        }
    }
    Ok(basket.gathered)
}

/// Bytes by which a format is recognised.
const HEAD: u64 = 8 * 1024;
/// GiB that may come through a pipe: more than any archive of posts and their files that
/// people are given.
const PIPED: u64 = 64;

/// All that comes through a pipe, as a file; nothing of it when it begins like nothing that
/// can be imported.
fn whole(pipe: &mut dyn Read, scratch: &Path) -> Result<File, ImportError> {
    let head = head(pipe)?;
    if Packing::of(&head).is_none() {
        known(&head)?;
    }
    let mut all = Cursor::new(&head).chain(pipe);
    match Spool::new(scratch)?.fill(&mut all, PIPED << 30) {
        Ok((file, _)) => Ok(file),
        Err(SpoolError::Input(error)) => Err(ImportError::Read(error)),
        Err(SpoolError::TooMuch) => Err(ImportError::Endless(PIPED)),
        Err(SpoolError::Import(error)) => Err(error),
    }
}

fn head(input: &mut dyn Read) -> Result<Vec<u8>, ImportError> {
    let mut head = Vec::new();
    let mut begin = input.take(HEAD);
    begin.read_to_end(&mut head).map_err(ImportError::Read)?;
    Ok(head)
}

/// What a file that is no archive is.
fn known(head: &[u8]) -> Result<Form, ImportError> {
    match form(head) {
        Form::Other if head.is_empty() => Err(ImportError::NotAFeed("it is empty")),
        Form::Other => Err(ImportError::NotAFeed("this is no feed that is known")),
        form => Ok(form),
    }
}

fn of_file(
    mut file: File,
    beside: Option<Vault>,
    meter: &Meter,
    basket: &mut Basket<'_>,
) -> Result<(), ImportError> {
    let head = head(&mut file)?;
    if let Some(packing) = Packing::of(&head) {
        file.rewind().map_err(ImportError::Read)?;
        let vault = Vault::archive(file, packing, basket.wish().scratch)?;
        return of_vault(vault, meter, basket);
    }
    basket.gathered.vault = beside;
    let input = Decoded::new(Cursor::new(&head).chain(&file), meter).map_err(ImportError::Read)?;
    match known(&head)? {
        Form::Xml => {
            let feed = xml::read(input, meter, &mut |draft| basket.take(draft))?;
            basket.gathered.feed = feed;
            Ok(())
        }
        Form::Json => {
            let feed = jsonfeed::read(input, meter, &mut |draft| basket.take(draft))?;
            basket.gathered.feed = feed;
            Ok(())
        }
        Form::Outbox => {
            mastodon::read(input, meter, basket)?;
            mastodon::person(basket)
        }
        Form::Other => Err(ImportError::NotAFeed("this is no feed that is known")),
    }
}

/// The names under which a folder of files has its feed, the most telling first.
const FEEDS: [&str; 6] = [
    "feed.json",
    "feed.xml",
    "rss.xml",
    "atom.xml",
    "index.xml",
    "feed.rss",
];

fn of_vault(mut vault: Vault, meter: &Meter, basket: &mut Basket<'_>) -> Result<(), ImportError> {
    if vault.find("outbox.json")
        && let Some(outbox) = vault.open("outbox.json")?
    {
        basket.gathered.vault = Some(vault);
        let input = Decoded::new(BufReader::new(outbox), meter).map_err(ImportError::Read)?;
        mastodon::read(input, meter, basket)?;
        return mastodon::person(basket);
    }
    if vault.find("feed.json") && site::is_ours(&vault)? {
        return site::read(vault, basket);
    }
    for name in FEEDS {
        if vault.find(name)
            && let Some(file) = vault.open(name)?
        {
            return of_file(file, Some(vault), meter, basket);
        }
    }
    Err(ImportError::NotAFeed(
        "there is no feed in it: neither a file outbox.json nor feed.json, feed.xml, rss.xml, atom.xml, index.xml or feed.rss",
    ))
}
