//! The sample feed as files on a disk, two pages of it: the live one and a closed one.

use std::{collections::BTreeMap, fs, io, path::Path};

use ourspace_protocol::feed::{
    model::Item,
    page::{Archive, Entry, Head},
    render::{self, Files, UnknownRenderer},
};

use super::{MediaSet, Sample};

/// Every rendered file of the sample by its path: all items live, the older half of them
/// in a closed page as well.
///
/// # Errors
/// None while renderer 1 is known.
pub fn files(sample: &Sample) -> Result<BTreeMap<String, Vec<u8>>, UnknownRenderer> {
    let entries: Vec<Entry<'_>> = sample
        .items
        .iter()
        .map(|item| render::entry(1, item))
        .collect::<Result<_, _>>()?;
    let account = sample.account;
    let closed = &entries[entries.len() / 2..];
    let key = closed.last().map(|entry| entry.item.key());
    let mut files = Files::new();
    let head = Head {
        account,
        profile: &sample.profile,
        previous: key,
        entries: &entries,
    };
    files.extend(render::head_files(1, &head)?);
    if let Some(key) = key {
        files.extend(render::archive_files(
            1,
            &Archive {
                account,
                key,
                previous: None,
                entries: closed,
            },
        )?);
    }
    for entry in &entries {
        let older: &[Item] = if entry.item.edits > 0 {
            &sample.older
        } else {
            &[]
        };
        files.extend(render::item_files(1, &account, entry, older)?);
    }
    files.extend(render::profile_files(1, &account, &sample.profile)?);
    files.extend(render::follows_files(1, &account, &sample.follows)?);
    files.extend(render::asset_files(1)?);
    if let Some(first) = sample.tombstones.first() {
        files.extend(render::tombstone_file(
            1,
            &account,
            &first.key(),
            &sample.tombstones,
        )?);
    }
    if let Some(first) = sample.likes.first() {
        files.extend(render::reaction_file(
            1,
            &account,
            &first.key(),
            &sample.likes,
        )?);
    }
    Ok(files.into_iter().collect())
}

/// Writes the sample with its media into a folder.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_tree(sample: &Sample, media: &MediaSet, folder: &Path) -> io::Result<()> {
    let mut all = files(sample).map_err(io::Error::other)?;
    all.extend(
        media
            .all()
            .map(|media| (media.file().path, media.bytes.clone())),
    );
    for (path, bytes) in all {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}
