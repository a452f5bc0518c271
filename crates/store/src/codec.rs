//! How an item's source lies in the database: JSON without what stands in columns and
//! without what is usual, compressed with a dictionary that is learnt from the first
//! thousands of posts (zstd, RFC 8878).
//!
//! A post of 130 bytes takes about 75. The first byte says the form: 0 plain, 255
//! compressed without a dictionary, else the dictionary's number. Frames are kept without
//! their magic number.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use ourspace_protocol::{
    feed::model::{About, Attachment, Item, ItemKey, Kind, Labels},
    time::Millis,
};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use zstd::{
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe::{CCtx, DCtx, compress_bound, get_frame_content_size},
};

use crate::{error::StoreError, fresh::Fresh};

const PLAIN: u8 = 0;
const NO_DICTIONARY: u8 = 255;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Above this level size hardly falls while time doubles.
const LEVEL: i32 = 3;
/// Sources that are shorter gain nothing without a dictionary.
const SHORT: usize = 256;
/// No source is longer: a text, 32 descriptions and what belongs to them.
const LONGEST: usize = 4 << 20;
/// Sources that a dictionary is learnt from, and its size. More of either gains a few
/// bytes a post (2,000 and 32 KiB: 79 bytes, 4,000 and 64 KiB: 76, 10,000: 75).
pub(crate) const SAMPLES: usize = 4000;
const DICTIONARY: usize = 64 * 1024;

/// An item without what stands in columns and what is usual; the fields in the order of
/// their names.
#[derive(Serialize)]
struct Lean<'i> {
    #[serde(skip_serializing_if = "Option::is_none")]
    about: &'i Option<About>,
    #[serde(skip_serializing_if = "no_attachments")]
    attachments: &'i [Attachment],
    #[serde(skip_serializing_if = "is_zero")]
    edits: u32,
    #[serde(skip_serializing_if = "is_post")]
    kind: Kind,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'i Labels,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    more: &'i BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: &'i Option<String>,
    #[serde(skip_serializing_if = "is_first")]
    renderer: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'i str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: &'i Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<Millis>,
}

/// The same as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(default)]
    about: Option<About>,
    #[serde(default)]
    attachments: Vec<Attachment>,
    #[serde(default)]
    edits: u32,
    #[serde(default = "post")]
    kind: Kind,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    more: BTreeMap<String, String>,
    #[serde(default)]
    origin: Option<String>,
    #[serde(default = "first")]
    renderer: u32,
    #[serde(default)]
    text: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    written: Option<Millis>,
}

fn no_attachments(attachments: &&[Attachment]) -> bool {
    attachments.is_empty()
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_post(kind: &Kind) -> bool {
    *kind == post()
}

fn is_first(renderer: &u32) -> bool {
    *renderer == first()
}

fn post() -> Kind {
    Kind::Post
}

fn first() -> u32 {
    1
}

/// A source in its shortest JSON.
fn to_json(item: &Item) -> Vec<u8> {
    let lean = Lean {
        about: &item.about,
        attachments: &item.attachments,
        edits: item.edits,
        kind: item.kind,
        labels: &item.labels,
        more: &item.more,
        origin: &item.origin,
        renderer: item.renderer,
        text: &item.text,
        title: &item.title,
        written: item.written,
    };
    serde_json::to_vec(&lean).unwrap_or_default()
}

fn from_json(key: ItemKey, json: &[u8]) -> Result<Item, StoreError> {
    let damaged = |error: serde_json::Error| StoreError::damaged(format!("item {key} ({error})"));
    let kept: Kept = serde_json::from_slice(json).map_err(damaged)?;
    Ok(Item {
        id: key.id,
        kind: kept.kind,
        date: key.date,
        written: kept.written,
        edits: kept.edits,
        title: kept.title,
        text: kept.text,
        labels: kept.labels,
        about: kept.about,
        attachments: kept.attachments,
        origin: kept.origin,
        renderer: kept.renderer,
        more: kept.more,
    })
}

/// Reads sources; keeps the dictionaries that it has met.
#[derive(Default)]
pub(crate) struct Codec {
    dictionaries: RwLock<HashMap<u8, Arc<DecoderDictionary<'static>>>>,
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec").finish_non_exhaustive()
    }
}

thread_local! {
    static DECODER: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

impl Codec {
    /// The item whose source is `bytes`.
    pub(crate) fn decode(
        &self,
        conn: &Connection,
        key: ItemKey,
        bytes: &[u8],
    ) -> Result<Item, StoreError> {
        match bytes.split_first() {
            Some((&PLAIN, json)) => from_json(key, json),
            Some((&form, frame)) => {
                let json = self
                    .unpack(conn, form, frame)?
                    .ok_or_else(|| StoreError::damaged(format!("item {key}")))?;
                from_json(key, &json)
            }
            None => Err(StoreError::damaged(format!("item {key}"))),
        }
    }

    fn unpack(
        &self,
        conn: &Connection,
        form: u8,
        frame: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut whole = Vec::with_capacity(MAGIC.len() + frame.len());
        whole.extend_from_slice(&MAGIC);
        whole.extend_from_slice(frame);
        let Ok(Some(size)) = get_frame_content_size(&whole) else {
            return Ok(None);
        };
        let Some(size) = usize::try_from(size).ok().filter(|size| *size <= LONGEST) else {
            return Ok(None);
        };
        let mut json = Vec::with_capacity(size);
        let done = if form == NO_DICTIONARY {
            DECODER.with_borrow_mut(|decoder| decoder.decompress(&mut json, &whole))
        } else {
            let Some(dictionary) = self.dictionary(conn, form)? else {
                return Ok(None);
            };
            DECODER.with_borrow_mut(|decoder| {
                decoder.decompress_using_ddict(&mut json, &whole, dictionary.as_ddict())
            })
        };
        Ok(done.ok().map(|_| json))
    }

    fn dictionary(
        &self,
        conn: &Connection,
        number: u8,
    ) -> Result<Option<Arc<DecoderDictionary<'static>>>, StoreError> {
        let known = self
            .dictionaries
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(dictionary) = known.get(&number) {
            return Ok(Some(Arc::clone(dictionary)));
        }
        drop(known);
        let Some(bytes) = load_dictionary(conn, number)? else {
            return Ok(None);
        };
        let dictionary = DecoderDictionary::try_copy(&bytes)
            .map_err(|_| StoreError::damaged(format!("dictionary {number}")))?;
        let dictionary = Arc::new(dictionary);
        let mut known = self
            .dictionaries
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(number, Arc::clone(&dictionary));
        Ok(Some(dictionary))
    }
}

fn load_dictionary(conn: &Connection, number: u8) -> Result<Option<Vec<u8>>, StoreError> {
    let mut find = conn.prepare_cached("SELECT bytes FROM dictionary WHERE number = ?")?;
    Ok(find.query_row([number], |row| row.get(0)).optional()?)
}

/// Writes sources.
pub(crate) struct Encoder {
    context: CCtx<'static>,
    dictionary: Option<(u8, EncoderDictionary<'static>)>,
    /// Sources until a dictionary can be learnt.
    missing: usize,
    buffer: Vec<u8>,
    /// What the search index is still to be told of the posts that were written.
    pub(crate) fresh: Fresh,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.dictionary.as_ref().map(|dictionary| dictionary.0);
        f.debug_struct("Encoder")
            .field("dictionary", &number)
            .finish_non_exhaustive()
    }
}

impl Encoder {
    /// With the newest dictionary of the database.
    pub(crate) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let newest: Option<u8> =
            conn.query_row("SELECT max(number) FROM dictionary", [], |row| row.get(0))?;
        let mut encoder = Self {
            context: CCtx::create(),
            dictionary: None,
            missing: SAMPLES,
            buffer: Vec::new(),
            fresh: Fresh::default(),
        };
        if let Some(number) = newest {
            let bytes = load_dictionary(conn, number)?.unwrap_or_default();
            encoder.take(number, &bytes)?;
        } else {
            let sql = "SELECT count(*) FROM (SELECT 1 FROM post LIMIT ?)";
            let count: i64 = conn.query_row(sql, [SAMPLES as i64], |row| row.get(0))?;
            encoder.missing -= usize::try_from(count).unwrap_or(0).min(SAMPLES);
        }
        Ok(encoder)
    }

    fn take(&mut self, number: u8, bytes: &[u8]) -> Result<(), StoreError> {
        let dictionary = EncoderDictionary::try_copy(bytes, LEVEL)
            .map_err(|_| StoreError::damaged(format!("dictionary {number}")))?;
        self.dictionary = Some((number, dictionary));
        Ok(())
    }

    /// The source of an item, as the database keeps it.
    pub(crate) fn encode(&mut self, item: &Item) -> Vec<u8> {
        let json = to_json(item);
        let (form, packed) = match &self.dictionary {
            None if json.len() < SHORT => return framed(PLAIN, &json),
            None => {
                self.make_room(json.len());
                (
                    NO_DICTIONARY,
                    self.context.compress(&mut self.buffer, &json, LEVEL),
                )
            }
            Some((number, dictionary)) => {
                self.buffer.clear();
                self.buffer.reserve(compress_bound(json.len()));
                let dictionary = dictionary.as_cdict();
                let done = self
                    .context
                    .compress_using_cdict(&mut self.buffer, &json, dictionary);
                (*number, done)
            }
        };
        match packed {
            Ok(size) if size < json.len() + MAGIC.len() && self.buffer.starts_with(&MAGIC) => {
                framed(form, &self.buffer[MAGIC.len()..])
            }
            _ => framed(PLAIN, &json),
        }
    }

    fn make_room(&mut self, size: usize) {
        self.buffer.clear();
        self.buffer.reserve(compress_bound(size));
    }

    /// Counts a post that was written; learns a dictionary when there are enough.
    pub(crate) fn count(&mut self, conn: &Connection, codec: &Codec) -> Result<(), StoreError> {
        if self.dictionary.is_some() {
            return Ok(());
        }
        self.missing = self.missing.saturating_sub(1);
        if self.missing > 0 {
            return Ok(());
        }
        let mut posts =
            conn.prepare("SELECT date, id, source FROM post ORDER BY label DESC LIMIT ?")?;
        let mut rows = posts.query([SAMPLES as i64])?;
        let mut samples = Vec::with_capacity(SAMPLES);
        while let Some(row) = rows.next()? {
            let (key, source) = crate::rows::key_and_source(row)?;
            samples.push(to_json(&codec.decode(conn, key, source)?));
        }
        // Posts that have nothing in common teach nothing; then try again much later.
        let Ok(mut bytes) = zstd::dict::from_samples(&samples, DICTIONARY) else {
            self.missing = SAMPLES;
            return Ok(());
        };
        // Without a number of its own a frame need not repeat it (RFC 8878, 3.1.1.1.3).
        bytes[4..8].fill(0);
        conn.execute(
            "INSERT INTO dictionary (number, bytes) VALUES (1, ?)",
            [&bytes],
        )?;
        self.take(1, &bytes)
    }
}

fn framed(form: u8, bytes: &[u8]) -> Vec<u8> {
    let mut source = Vec::with_capacity(1 + bytes.len());
    source.push(form);
    source.extend_from_slice(bytes);
    source
}
