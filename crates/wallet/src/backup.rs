//! Anything under a password, of any size: the container of backups.
//!
//! ```text
//! header  "OurSpace backup\n" (16 bytes) | version 1 (1 byte) | salt (32 bytes)
//! check   tag (16 bytes): the header sealed with no content, nonce all 0xff
//! chunks  64 KiB each, the last one 0 to 64 KiB, each followed by its tag (16 bytes)
//! ```
//! The key is scrypt (N 2^18, r 8, p 1) of the password and the salt, which is new for
//! every backup; so nonces may count: three zero bytes, the chunk's number (8 bytes,
//! big-endian), 1 for the last chunk and 0 for every other. Each chunk is sealed with
//! ChaCha20-Poly1305 (RFC 8439) and the header as associated data. So a wrong password
//! is noticed at once, and chunks that were changed, swapped, left out, added or cut off
//! are noticed where it happened. The last chunk is empty only when there is no content.
//!
//! The parameters belong to the version and are not in the file: nothing that a stranger
//! writes makes opening more expensive.

use std::io::{self, Read, Write};

use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce, aead::AeadInOut as _};
use zeroize::Zeroizing;

use crate::{
    kdf::{Kdf, KdfError},
    random::{self, RandomError},
};

/// How a backup begins.
const MAGIC: &[u8; 16] = b"OurSpace backup\n";
/// The only version.
const VERSION: u8 = 1;
/// Bytes of magic, version and salt.
const HEADER_BYTES: usize = 16 + 1 + 32;
/// Content of a chunk in bytes.
const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes of a Poly1305 tag.
const TAG_BYTES: usize = 16;
/// The nonce of the password check: no chunk's, whose nonces begin with zeros.
const CHECK_NONCE: [u8; 12] = [0xff; 12];

/// Why a backup could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The content could not be read.
    #[error("could not read: {0}")]
    Read(#[source] io::Error),
    /// The result could not be written.
    #[error("could not write: {0}")]
    Write(#[source] io::Error),
    /// It begins with something else.
    #[error("this is not an OurSpace backup")]
    NotABackup,
    /// A newer program wrote it.
    #[error("the backup has version {0}; this program reads version {VERSION}: update it")]
    Newer(u8),
    /// The password does not fit. (An altered header cannot be told from it.)
    #[error("wrong password (or the beginning of the backup is damaged)")]
    WrongPassword,
    /// A chunk was changed, swapped, left out or cut short.
    #[error("the backup is damaged or cut off in the 64 KiB from byte {at} of its content on")]
    Damaged {
        /// Where the damaged chunk's content begins.
        at: u64,
    },
    /// The end is missing.
    #[error("the backup is incomplete: it ends after {at} bytes of its content; copy it again")]
    Truncated {
        /// How much content is there.
        at: u64,
    },
    /// Something was written after the end.
    #[error("the backup has something after its end, which is byte {at} of its content")]
    Trailing {
        /// Where the content ends.
        at: u64,
    },
    /// See [`KdfError`].
    #[error(transparent)]
    Parameters(#[from] KdfError),
    /// See [`RandomError`].
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Seals all of `content` into `sealed`; gives the number of bytes of content.
///
/// Takes 256 MiB and about half a second for the password, then 128 KiB however long the
/// content is. Making the result durable is the caller's part.
///
/// # Errors
/// [`BackupError::Read`], [`BackupError::Write`], [`BackupError::Random`].
pub fn seal(
    content: &mut impl Read,
    sealed: &mut impl Write,
    password: &str,
) -> Result<u64, BackupError> {
    let mut header = [0; HEADER_BYTES];
    header[..16].copy_from_slice(MAGIC);
    header[16] = VERSION;
    header[17..].copy_from_slice(random::bytes::<32>()?.as_slice());
    seal_chunks(content, sealed, &Sealer::new(header, password, Kdf::NEW)?)
}

/// Opens a backup into `content`; gives the number of bytes of content.
///
/// What is written is authentic chunk by chunk, but only the end tells whether it is
/// complete: on an error the caller must throw away what was written.
///
/// # Errors
/// [`BackupError`]. A wrong password is [`BackupError::WrongPassword`], and then nothing
/// was written.
pub fn open(
    sealed: &mut impl Read,
    content: &mut impl Write,
    password: &str,
) -> Result<u64, BackupError> {
    let mut header = [0; HEADER_BYTES];
    let found = fill(sealed, &mut header)?;
    if !header[..found].starts_with(MAGIC) {
        return Err(BackupError::NotABackup);
    }
    if found > 16 && header[16] != VERSION {
        return Err(BackupError::Newer(header[16]));
    }
    let mut check = [0; TAG_BYTES];
    if found < HEADER_BYTES || fill(sealed, &mut check)? < TAG_BYTES {
        return Err(BackupError::Truncated { at: 0 });
    }
    let sealer = Sealer::new(header, password, Kdf::NEW)?;
    if !sealer.opens(CHECK_NONCE, &mut check.to_vec()) {
        return Err(BackupError::WrongPassword);
    }
    open_chunks(sealed, content, &sealer)
}

fn seal_chunks(
    content: &mut impl Read,
    sealed: &mut impl Write,
    sealer: &Sealer,
) -> Result<u64, BackupError> {
    let mut put = |bytes: &[u8]| sealed.write_all(bytes).map_err(BackupError::Write);
    let mut check = Vec::with_capacity(TAG_BYTES);
    sealer.seal(CHECK_NONCE, &mut check)?;
    put(&sealer.header)?;
    put(&check)?;
    let (mut chunk, mut next) = (Buffer::new(), Buffer::new());
    let mut total = chunk.read(content, CHUNK_BYTES)? as u64;
    for number in 0.. {
        let more = next.read(content, CHUNK_BYTES)?;
        sealer.seal(nonce(number, more == 0), &mut chunk.bytes)?;
        put(&chunk.bytes)?;
        if more == 0 {
            break;
        }
        total += more as u64;
        std::mem::swap(&mut chunk, &mut next);
    }
    sealed.flush().map_err(BackupError::Write)?;
    Ok(total)
}

fn open_chunks(
    sealed: &mut impl Read,
    content: &mut impl Write,
    sealer: &Sealer,
) -> Result<u64, BackupError> {
    let (mut chunk, mut next) = (Buffer::new(), Buffer::new());
    let mut at = 0;
    chunk.read(sealed, CHUNK_BYTES + TAG_BYTES)?;
    for number in 0.. {
        let more = next.read(sealed, CHUNK_BYTES + TAG_BYTES)?;
        let last = more == 0;
        if !sealer.opens(nonce(number, last), &mut chunk.bytes) {
            return Err(sealer.diagnose(number, last, at, &mut chunk.bytes));
        }
        content
            .write_all(&chunk.bytes)
            .map_err(BackupError::Write)?;
        at += chunk.bytes.len() as u64;
        if last {
            break;
        }
        std::mem::swap(&mut chunk, &mut next);
    }
    content.flush().map_err(BackupError::Write)?;
    Ok(at)
}

/// The cipher under the password's key, and the header it vouches for.
struct Sealer {
    cipher: ChaCha20Poly1305,
    header: [u8; HEADER_BYTES],
}

impl Sealer {
    fn new(header: [u8; HEADER_BYTES], password: &str, kdf: Kdf) -> Result<Self, BackupError> {
        let key = kdf.derive(password, &header[17..])?;
        Ok(Self {
            cipher: ChaCha20Poly1305::new((&*key).into()),
            header,
        })
    }

    /// Seals in place and appends the tag.
    fn seal(&self, nonce: [u8; 12], bytes: &mut Vec<u8>) -> Result<(), BackupError> {
        self.cipher
            .encrypt_in_place(&Nonce::from(nonce), &self.header, bytes)
            .map_err(|_| BackupError::Write(io::ErrorKind::FileTooLarge.into()))
    }

    /// Opens in place and cuts off the tag; changes nothing when it does not fit.
    fn opens(&self, nonce: [u8; 12], bytes: &mut Vec<u8>) -> bool {
        self.cipher
            .decrypt_in_place(&Nonce::from(nonce), &self.header, bytes)
            .is_ok()
    }

    /// Says what is wrong with a chunk that does not open where it stands.
    fn diagnose(&self, number: u64, last: bool, at: u64, bytes: &mut Vec<u8>) -> BackupError {
        if bytes.len() < TAG_BYTES {
            return BackupError::Truncated { at };
        }
        if !self.opens(nonce(number, !last), bytes) {
            return BackupError::Damaged { at };
        }
        let at = at + bytes.len() as u64;
        if last {
            BackupError::Truncated { at }
        } else {
            BackupError::Trailing { at }
        }
    }
}

fn nonce(number: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

/// Room for one chunk and its tag, never grown and wiped when dropped.
struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
}

impl Buffer {
    fn new() -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + TAG_BYTES)),
        }
    }

    /// Reads up to `most` bytes, fewer only at the end; gives how many.
    fn read(&mut self, from: &mut impl Read, most: usize) -> Result<usize, BackupError> {
        self.bytes.resize(most, 0);
        let found = fill(from, &mut self.bytes)?;
        self.bytes.truncate(found);
        Ok(found)
    }
}

/// Fills as much of `bytes` as there is; gives how much.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> Result<usize, BackupError> {
    let mut found = 0;
    while found < bytes.len() {
        match from.read(&mut bytes[found..]) {
            Ok(0) => break,
            Ok(read) => found += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(BackupError::Read(error)),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::LazyLock;

    /// Cheaply derived: these tests are about chunks.
    static SEALER: LazyLock<Sealer> = LazyLock::new(|| {
        let mut header = [7; HEADER_BYTES];
        header[..16].copy_from_slice(MAGIC);
        header[16] = VERSION;
        Sealer::new(header, "secret words", Kdf::pbkdf2(1).unwrap()).unwrap()
    });
    const START: usize = HEADER_BYTES + TAG_BYTES;
    const SEALED_CHUNK: usize = CHUNK_BYTES + TAG_BYTES;

    fn content(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    fn sealed(len: usize) -> Vec<u8> {
        let mut sealed = Vec::new();
        let total = seal_chunks(&mut content(len).as_slice(), &mut sealed, &SEALER).unwrap();
        assert_eq!(total, len as u64);
        sealed
    }

    fn opened(mut chunks: &[u8]) -> Result<Vec<u8>, BackupError> {
        let mut content = Vec::new();
        let total = open_chunks(&mut chunks, &mut content, &SEALER)?;
        assert_eq!(total, content.len() as u64);
        Ok(content)
    }

    #[test]
    fn whole_backups_open_with_their_password_only() {
        let mut sealed = Vec::new();
        seal(&mut content(100_000).as_slice(), &mut sealed, "pässword").unwrap();
        assert_eq!(sealed.len(), START + 100_000 + 2 * TAG_BYTES);
        let mut back = Vec::new();
        open(&mut sealed.as_slice(), &mut back, "pässword").unwrap();
        assert_eq!(back, content(100_000));
        let mut back = Vec::new();
        let error = open(&mut sealed.as_slice(), &mut back, "password").unwrap_err();
        assert!(matches!(error, BackupError::WrongPassword), "{error}");
        assert!(back.is_empty());
        // The salt and the check.
        for at in [17, START - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            let error = open(&mut changed.as_slice(), &mut back, "pässword").unwrap_err();
            assert!(matches!(error, BackupError::WrongPassword), "{at}: {error}");
        }
        let mut again = Vec::new();
        seal(&mut content(100_000).as_slice(), &mut again, "pässword").unwrap();
        assert_ne!(
            sealed[START..],
            again[START..],
            "every backup has its own key"
        );
    }

    #[test]
    fn every_size_around_a_chunk_comes_back() {
        for len in [
            0,
            1,
            CHUNK_BYTES - 1,
            CHUNK_BYTES,
            CHUNK_BYTES + 1,
            3 * CHUNK_BYTES,
        ] {
            let sealed = sealed(len);
            let chunks = len.div_ceil(CHUNK_BYTES).max(1);
            assert_eq!(sealed.len(), START + len + chunks * TAG_BYTES);
            assert_eq!(opened(&sealed[START..]).unwrap(), content(len));
        }
    }

    #[test]
    fn the_beginning_is_checked_before_the_password() {
        let sealed = sealed(10);
        let error = |bytes: &[u8]| open(&mut &*bytes, &mut Vec::new(), "").unwrap_err();
        assert!(matches!(error(b""), BackupError::NotABackup));
        assert!(matches!(error(b"PK\x03\x04"), BackupError::NotABackup));
        for end in 0..START {
            let error = error(&sealed[..end]);
            if end < 16 {
                assert!(matches!(error, BackupError::NotABackup), "{end}: {error}");
            } else {
                assert!(
                    matches!(error, BackupError::Truncated { at: 0 }),
                    "{end}: {error}"
                );
            }
        }
        let mut newer = sealed;
        newer[16] = 2;
        assert!(matches!(error(&newer), BackupError::Newer(2)));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let len = CHUNK_BYTES + 40;
        let whole = sealed(len)[START..].to_vec();
        for at in (0..whole.len())
            .step_by(3001)
            .chain(SEALED_CHUNK - 20..whole.len())
        {
            let mut changed = whole.clone();
            changed[at] ^= 0x80;
            let error = opened(&changed).unwrap_err();
            let start = if at < SEALED_CHUNK {
                0
            } else {
                CHUNK_BYTES as u64
            };
            assert!(
                matches!(error, BackupError::Damaged { at } if at == start),
                "byte {at}: {error}"
            );
        }
    }

    #[test]
    fn every_missing_end_is_noticed() {
        let whole = sealed(2 * CHUNK_BYTES + 100)[START..].to_vec();
        for end in (0..whole.len())
            .step_by(2003)
            .chain([SEALED_CHUNK - 1, SEALED_CHUNK + 15])
        {
            let error = opened(&whole[..end]).unwrap_err();
            let known = matches!(
                error,
                BackupError::Damaged { .. } | BackupError::Truncated { .. }
            );
            assert!(known, "{end}: {error}");
        }
        for chunks in 0..=2 {
            let error = opened(&whole[..chunks * SEALED_CHUNK]).unwrap_err();
            let there = (chunks * CHUNK_BYTES) as u64;
            assert!(
                matches!(error, BackupError::Truncated { at } if at == there),
                "{chunks} chunks: {error}"
            );
        }
    }

    #[test]
    fn chunks_cannot_be_moved_repeated_or_added() {
        let whole = sealed(3 * CHUNK_BYTES)[START..].to_vec();
        let chunks: Vec<&[u8]> = whole.chunks(SEALED_CHUNK).collect();
        for order in [&[1, 0, 2][..], &[0, 2], &[0, 0, 1, 2], &[1, 2], &[2]] {
            let moved: Vec<u8> = order.iter().flat_map(|at| chunks[*at]).copied().collect();
            assert!(
                matches!(opened(&moved), Err(BackupError::Damaged { .. })),
                "{order:?}"
            );
        }
        let mut longer = whole.clone();
        longer.push(0);
        let error = opened(&longer).unwrap_err();
        let end = 3 * CHUNK_BYTES as u64;
        assert!(
            matches!(error, BackupError::Trailing { at } if at == end),
            "{error}"
        );
    }

    #[test]
    fn errors_of_reader_and_writer_are_passed_on() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = seal_chunks(&mut content(9).as_slice(), &mut Full, &SEALER).unwrap_err();
        assert!(
            matches!(error, BackupError::Write(error) if error.kind() == io::ErrorKind::StorageFull)
        );
    }
}
