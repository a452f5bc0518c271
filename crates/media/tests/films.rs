//! MP4 files made box by box, for what no program here writes: tracks of places beside the
//! pictures, bytes hidden between samples, tables that lie.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use ourspace_media::{Clean, MediaError, clean};

fn part(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [
        &(data.len() as u32 + 8).to_be_bytes(),
        kind.as_slice(),
        data,
    ]
    .concat()
}

fn table(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// One track: its handler, the kind of its samples, and its chunks of one sample each.
struct Track<'a> {
    handler: &'a [u8; 4],
    entry: &'a [u8; 4],
    chunks: Vec<(u32, u32)>,
    reference: u8,
}

impl Track<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut header = vec![0; 84];
        header[4..12].fill(0x77);
        header[20..24].copy_from_slice(&2000_u32.to_be_bytes());
        header[76..84].copy_from_slice(&table(&[640 << 16, 360 << 16]));
        let mut media = vec![0; 24];
        media[4..12].fill(0x77);
        let handler = [
            &[0; 8],
            self.handler.as_slice(),
            &[0; 12],
            b"Secret Camera\0",
        ]
        .concat();
        let mut sample = vec![0; 78];
        sample[7] = 1;
        sample[43..49].copy_from_slice(b"Secret");
        let entry = part(
            self.entry,
            &[sample, part(b"avcC", &[1; 7]), part(b"uuid", b"Secret")].concat(),
        );
        let count = self.chunks.len() as u32;
        let sizes: Vec<u32> = self.chunks.iter().map(|chunk| chunk.1).collect();
        let places: Vec<u32> = self.chunks.iter().map(|chunk| chunk.0).collect();
        let tables = [
            part(b"stsd", &[table(&[0, 1]), entry].concat()),
            part(b"stts", &table(&[0, 1, count, 1000])),
            part(b"stsc", &table(&[0, 1, 1, 1, 1])),
            part(b"stsz", &[table(&[0, 0, count]), table(&sizes)].concat()),
            part(b"stco", &[table(&[0, count]), table(&places)].concat()),
        ];
        let reference = part(b"url ", &[0, 0, 0, self.reference]);
        let data = part(
            b"dinf",
            &part(b"dref", &[table(&[0, 1]), reference].concat()),
        );
        let information = part(b"minf", &[data, part(b"stbl", &tables.concat())].concat());
        let media = [part(b"mdhd", &media), part(b"hdlr", &handler), information].concat();
        part(
            b"trak",
            &[
                part(b"tkhd", &header),
                part(b"mdia", &media),
                part(b"udta", b"Secret"),
            ]
            .concat(),
        )
    }
}

const FTYP: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0isommp41";

/// Places are counted from the start of the file; `data` begins at 32.
fn film(data: &[u8], tracks: &[Track<'_>]) -> Vec<u8> {
    let mut header = vec![0; 100];
    header[4..12].fill(0x77);
    header[12..16].copy_from_slice(&1000_u32.to_be_bytes());
    let tracks: Vec<u8> = tracks.iter().flat_map(Track::bytes).collect();
    let place = part(
        b"udta",
        &part(b"\xA9xyz", b"\0\x10\x15\xC7+48.2+016.3/Secret"),
    );
    let moov = part(b"moov", &[part(b"mvhd", &header), tracks, place].concat());
    [
        FTYP,
        &part(b"mdat", data),
        &part(b"uuid", b"Secret adobe"),
        &moov,
    ]
    .concat()
}

fn pictures(chunks: &[(u32, u32)]) -> Track<'static> {
    Track {
        handler: b"vide",
        entry: b"avc1",
        chunks: chunks.to_vec(),
        reference: 1,
    }
}

fn done(file: &[u8]) -> Result<(Vec<u8>, Clean), MediaError> {
    let mut out = Vec::new();
    let clean = clean(Cursor::new(file), &mut out)?;
    Ok((out, clean))
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

#[test]
fn tracks_of_places_and_hidden_bytes_are_left_behind() {
    let places = Track {
        handler: b"meta",
        entry: b"mebx",
        chunks: vec![(36, 6)],
        reference: 1,
    };
    let flight = Track {
        handler: b"sbtl",
        entry: b"tx3g",
        chunks: vec![(48, 6)],
        reference: 1,
    };
    // AAAA, Secret (places), BBBBBB, Secret (flight), Secret (nobody's), CC
    let data = b"AAAASecretBBBBBBSecretSecretCC";
    let file = film(
        data,
        &[pictures(&[(32, 4), (42, 6), (60, 2)]), places, flight],
    );
    assert_eq!(&file[32..36], b"AAAA");
    let (out, clean) = done(&file).unwrap();
    assert!(find(&out, b"Secret").is_none() && find(&out, b"48.2").is_none());
    assert!(find(&out, &[0x77; 4]).is_none(), "a time is left");
    assert_eq!(
        (clean.pixels, clean.duration),
        (Some((640, 360)), Some(2000))
    );
    assert!(find(&out, b"moov").unwrap() < find(&out, b"mdat").unwrap());
    let places = find(&out, b"stco").unwrap() + 12;
    let place = |index: usize| {
        let at = places + index * 4;
        u32::from_be_bytes(out[at..at + 4].try_into().unwrap()) as usize
    };
    assert_eq!(&out[place(0)..place(0) + 4], b"AAAA");
    assert_eq!(&out[place(1)..place(1) + 6], b"BBBBBB");
    assert_eq!(&out[place(2)..], b"CC");
    assert!(find(&out, b"avcC").is_some());
}

#[test]
fn tables_that_lie_are_refused() {
    let refused =
        |chunks: &[(u32, u32)]| done(&film(b"AAAABBBB", &[pictures(chunks)])).unwrap_err();
    assert!(matches!(
        refused(&[(32, 4), (36, 4_000_000)]),
        MediaError::CutOff { .. }
    ));
    assert!(matches!(
        refused(&[(u32::MAX, u32::MAX)]),
        MediaError::CutOff { .. }
    ));
    let overlap = refused(&[(32, 8), (32, 8), (32, 8)]);
    assert!(overlap.to_string().contains("overlap"), "{overlap}");
    assert!(
        refused(&[])
            .to_string()
            .contains("neither pictures nor sound")
    );
    let elsewhere = Track {
        reference: 0,
        ..pictures(&[(32, 4)])
    };
    let error = done(&film(b"AAAA", &[elsewhere])).unwrap_err();
    assert!(error.to_string().contains("self-contained"), "{error}");
    let locked = Track {
        entry: b"encv",
        ..pictures(&[(32, 4)])
    };
    let error = done(&film(b"AAAA", &[locked])).unwrap_err();
    assert!(error.to_string().contains("encrypted"), "{error}");
}

/// A box whose contents begin with a version and flags.
fn full(kind: &[u8; 4], flags: u32, words: &[u32]) -> Vec<u8> {
    part(kind, &[table(&[flags]), table(words)].concat())
}

/// A film whose samples are named by fragments: `runs` are the words of its `trun`, with
/// these flags. Its samples begin at `data`, which its fragment says from the file's start.
fn fragmented(data: &[u8], flags: u32, runs: &[u32]) -> Vec<u8> {
    let mut header = vec![0; 100];
    header[12..16].copy_from_slice(&1000_u32.to_be_bytes());
    let mut track = pictures(&[]).bytes();
    let at = find(&track, b"tkhd").unwrap() + 16;
    track[at..at + 4].copy_from_slice(&1_u32.to_be_bytes());
    let at = find(&track, b"mdhd").unwrap() + 16;
    track[at..at + 4].copy_from_slice(&1000_u32.to_be_bytes());
    let defaults = full(b"trex", 0, &[1, 1, 40, 4, 0]);
    let index = [part(b"mvhd", &header), track, part(b"mvex", &defaults)];
    let head = [FTYP, &part(b"moov", &index.concat())].concat();
    let start = head.len() as u32 + 8;
    let traf = [
        full(b"tfhd", 1, &[1, 0, start]),
        part(b"uuid", b"Secret place"),
        full(b"tfdt", 0, &[0]),
        full(b"trun", flags, runs),
    ];
    let fragment = [full(b"mfhd", 0, &[1]), part(b"traf", &traf.concat())];
    let event = part(b"emsg", b"Secret event");
    let fragment = part(b"moof", &fragment.concat());
    [head, part(b"mdat", data), event, fragment].concat()
}

#[test]
fn fragments_become_one_index() {
    // Two samples of four bytes, the second after two bytes that are nobody's.
    let one = fragmented(b"AAAABBBBSecret", 0, &[2]);
    let (out, clean) = done(&one).unwrap();
    assert!(out.ends_with(b"mdatAAAABBBB"));
    assert!(find(&out, b"Secret").is_none() && find(&out, b"moof").is_none());
    assert_eq!(clean.duration, Some(80));
    let again = done(&out).unwrap().0;
    assert_eq!(out, again);
}

#[test]
fn fragments_that_lie_are_refused() {
    for (flags, runs, says) in [
        (0, &[300_u32][..], "cut off"),
        (0, &[u32::MAX], "more samples"),
        (0x200, &[1_000_000, 4], "too short"),
        (0x200, &[1, u32::MAX], "cut off"),
        (1, &[1, 0x8000_0000], "before the file"),
    ] {
        let error = done(&fragmented(b"AAAABBBB", flags, runs)).unwrap_err();
        assert!(error.to_string().contains(says), "{runs:?}: {error}");
    }
    // A fragment of a track that nothing describes, one beside an ordinary index, and one
    // without anything that announces it.
    let mut unknown = fragmented(b"AAAABBBB", 0, &[2]);
    let at = find(&unknown, b"tfhd").unwrap() + 8;
    unknown[at + 3] = 7;
    let error = done(&unknown).unwrap_err();
    assert!(error.to_string().contains("unknown track"), "{error}");
    let mixed = [film(b"AAAA", &[pictures(&[(32, 4)])]), part(b"moof", b"")].concat();
    let error = done(&mixed).unwrap_err();
    assert!(
        error.to_string().contains("fragmented from its middle on"),
        "{error}"
    );
    let alone = [film(b"AAAA", &[pictures(&[])]), part(b"moof", b"")].concat();
    assert!(matches!(done(&alone), Err(MediaError::Damaged { .. })));
}

#[test]
fn counts_of_millions_take_no_memory() {
    let mut file = film(b"AAAA", &[pictures(&[(32, 4)])]);
    for table in [b"stsz", b"stco", b"stsc", b"dref"] {
        let at = find(&file, table).unwrap();
        let count = if table == b"stsz" { at + 12 } else { at + 8 };
        let before: [u8; 4] = file[count..count + 4].try_into().unwrap();
        file[count..count + 4].fill(0xFF);
        if table != b"dref" {
            assert!(
                matches!(done(&file), Err(MediaError::Damaged { .. })),
                "{table:?}"
            );
        }
        file[count..count + 4].copy_from_slice(&before);
    }
    done(&file).unwrap();
}

/// A file of `hole` zeros between its head and its tail.
struct Sparse {
    head: Vec<u8>,
    hole: u64,
    tail: Vec<u8>,
    at: u64,
}

impl Read for Sparse {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let (head, hole) = (self.head.len() as u64, self.head.len() as u64 + self.hole);
        let count = if self.at < head {
            (&self.head[self.at as usize..]).read(to)?
        } else if self.at < hole {
            std::io::repeat(0).take(hole - self.at).read(to)?
        } else {
            self.tail
                .get((self.at - hole) as usize..)
                .unwrap_or_default()
                .read(to)?
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let end = self.head.len() as u64 + self.hole + self.tail.len() as u64;
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => end.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

/// Keeps the beginning, counts the rest.
#[derive(Default)]
struct Beginning {
    bytes: Vec<u8>,
    written: u64,
}

impl Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() < 65_536 {
            self.bytes.extend_from_slice(bytes);
        }
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn films_beyond_four_gigabytes_get_wide_places() {
    let size = 5_000_000_000_u64;
    let second = u32::MAX - 7;
    let whole = film(
        b"",
        &[pictures(&[(40, second - 40), (second, 705_032_000)])],
    );
    let moov = find(&whole, b"moov").unwrap() - 4;
    let mut head = [FTYP, b"\0\0\0\x01mdat"].concat();
    head.extend_from_slice(&(size + 16).to_be_bytes());
    let tail = whole[moov..].to_vec();
    let mut out = Beginning::default();
    let done = clean(
        Sparse {
            head,
            hole: size,
            tail,
            at: 0,
        },
        &mut out,
    )
    .unwrap();
    assert_eq!(done.size, out.written);
    assert!(done.size > 4_990_000_000);
    let places = find(&out.bytes, b"co64").unwrap() + 12;
    let data = find(&out.bytes, b"mdat").unwrap() as u64 + 12;
    let place = |at: usize| u64::from_be_bytes(out.bytes[at..at + 8].try_into().unwrap());
    assert_eq!(place(places), data);
    assert_eq!(place(places + 8), data + u64::from(second) - 40);
}
