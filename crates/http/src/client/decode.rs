//! Unpacking bodies, a little at a time and never more than was allowed.

use std::{
    fmt,
    io::{self, Write},
};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use hyper::body::Bytes;

/// Packed bytes that are unpacked at once: not more than about 4 MB can come of them
/// before the limit is looked at.
const STEP: usize = 4096;

/// Why a body could not be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// More came out than was allowed.
    TooLarge,
    /// It is not packed as it says, or is cut off.
    Broken,
    /// It is packed in a way that nobody asked for.
    Unknown,
}

/// Holds what was unpacked, up to a limit.
#[derive(Debug)]
struct Basin {
    bytes: Vec<u8>,
    left: u64,
    full: bool,
}

impl Basin {
    const fn new(limit: u64) -> Self {
        Self {
            bytes: Vec::new(),
            left: limit,
            full: false,
        }
    }
}

impl Write for Basin {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => {
                self.full = true;
                return Err(io::Error::other("more than was allowed"));
            }
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a body is packed.
enum Packing {
    None(u64),
    Gzip(MultiGzDecoder<Basin>),
    /// "deflate" means zlib (RFC 9110, 8.4.1.2), and bare deflate with some servers: the
    /// first two bytes tell.
    Unsure(Vec<u8>, Basin),
    Zlib(ZlibDecoder<Basin>),
    Bare(DeflateDecoder<Basin>),
    Over,
}

/// Unpacks one body.
pub(crate) struct Decoder {
    packing: Packing,
    begun: bool,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// For a body with this `Content-Encoding`, of which at most `limit` bytes may come.
    pub(crate) fn new(encoding: &str, limit: u64) -> Result<Self, DecodeError> {
        let packing = match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Packing::None(limit),
            "gzip" | "x-gzip" => Packing::Gzip(MultiGzDecoder::new(Basin::new(limit))),
            "deflate" => Packing::Unsure(Vec::new(), Basin::new(limit)),
            _ => return Err(DecodeError::Unknown),
        };
        Ok(Self {
            packing,
            begun: false,
        })
    }

    /// What comes out of the next bytes; perhaps nothing yet.
    pub(crate) fn push(&mut self, input: Bytes) -> Result<Bytes, DecodeError> {
        if let Packing::None(left) = &mut self.packing {
            let len = input.len() as u64;
            *left = left.checked_sub(len).ok_or(DecodeError::TooLarge)?;
            return Ok(input);
        }
        self.begun |= !input.is_empty();
        let mut input = input.to_vec();
        self.decide(&mut input);
        let mut out = Vec::new();
        for step in input.chunks(STEP) {
            out.append(&mut self.step(step)?);
        }
        Ok(out.into())
    }

    /// What comes out at the end of the body.
    pub(crate) fn finish(&mut self) -> Result<Bytes, DecodeError> {
        // No body at all is no broken one: answers like 304 have none.
        let finished = match std::mem::replace(&mut self.packing, Packing::Over) {
            _ if !self.begun => return Ok(Bytes::new()),
            Packing::None(_) | Packing::Over => return Ok(Bytes::new()),
            Packing::Unsure(..) => return Err(DecodeError::Broken),
            Packing::Gzip(decoder) => decoder.finish(),
            Packing::Zlib(decoder) => decoder.finish(),
            Packing::Bare(decoder) => decoder.finish(),
        };
        // A basin that was too small went with the decoder: what is left of a body after
        // its last byte is small, so it was no matter of size.
        finished
            .map(|basin| basin.bytes.into())
            .map_err(|_| DecodeError::Broken)
    }

    fn decide(&mut self, input: &mut Vec<u8>) {
        let Packing::Unsure(head, basin) = &mut self.packing else {
            return;
        };
        head.append(input);
        let [first, second, ..] = **head else { return };
        *input = std::mem::take(head);
        let basin = std::mem::replace(basin, Basin::new(0));
        let zlib = first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31);
        self.packing = match zlib {
            true => Packing::Zlib(ZlibDecoder::new(basin)),
            false => Packing::Bare(DeflateDecoder::new(basin)),
        };
    }

    fn step(&mut self, input: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let written = match &mut self.packing {
            Packing::Gzip(decoder) => pour(decoder, input),
            Packing::Zlib(decoder) => pour(decoder, input),
            Packing::Bare(decoder) => pour(decoder, input),
            Packing::None(_) | Packing::Unsure(..) | Packing::Over => return Ok(Vec::new()),
        };
        let basin = match &mut self.packing {
            Packing::Gzip(decoder) => decoder.get_mut(),
            Packing::Zlib(decoder) => decoder.get_mut(),
            Packing::Bare(decoder) => decoder.get_mut(),
            Packing::None(_) | Packing::Unsure(..) | Packing::Over => return Ok(Vec::new()),
        };
        match written {
            _ if basin.full => Err(DecodeError::TooLarge),
            Err(_) => Err(DecodeError::Broken),
            Ok(()) => Ok(std::mem::take(&mut basin.bytes)),
        }
    }
}

fn pour(decoder: &mut impl Write, input: &[u8]) -> io::Result<()> {
    decoder.write_all(input)?;
    decoder.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write};

    fn text() -> Vec<u8> {
        (0..8_000u32).flat_map(|n| n.to_le_bytes()).collect()
    }

    fn packed(how: &str, bytes: &[u8]) -> Vec<u8> {
        let level = Compression::default();
        match how {
            "gzip" => {
                let mut encoder = write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            "zlib" => {
                let mut encoder = write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            _ => {
                let mut encoder = write::DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    fn unpacked(
        encoding: &str,
        input: &[u8],
        limit: u64,
        step: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(encoding, limit)?;
        let mut out = Vec::new();
        for part in input.chunks(step) {
            out.extend(decoder.push(Bytes::copy_from_slice(part))?);
        }
        out.extend(decoder.finish()?);
        Ok(out)
    }

    #[test]
    fn every_packing_is_undone_in_pieces_of_any_size() {
        let text = text();
        let size = text.len() as u64;
        for (encoding, how) in [("gzip", "gzip"), ("deflate", "zlib"), ("deflate", "bare")] {
            let input = packed(how, &text);
            for step in [1, 7, 4096, usize::MAX] {
                let out = unpacked(encoding, &input, size, step);
                assert!(out.as_ref() == Ok(&text), "{how} by {step}");
                let less = unpacked(encoding, &input, size - 1, step);
                assert_eq!(less, Err(DecodeError::TooLarge), "{how} by {step}");
            }
            let cut = unpacked(encoding, &input[..input.len() - 9], size, 100);
            assert_eq!(cut, Err(DecodeError::Broken), "{how}");
        }
        assert_eq!(unpacked("", &text, size, 999), Ok(text.clone()));
        let less = unpacked("identity", &text, size - 1, 999);
        assert_eq!(less, Err(DecodeError::TooLarge));
        let twice = [packed("gzip", b"one "), packed("gzip", b"two")].concat();
        assert_eq!(unpacked("x-gzip", &twice, 9, 5), Ok(b"one two".to_vec()));
    }

    #[test]
    fn a_bomb_is_not_unpacked_beyond_the_limit() {
        let bomb = packed("gzip", &vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000);
        let mut decoder = Decoder::new("gzip", 1000).unwrap();
        let exploded = decoder.push(bomb.into());
        assert_eq!(exploded, Err(DecodeError::TooLarge));
    }

    #[test]
    fn other_packings_and_rubbish_are_refused() {
        for encoding in ["br", "zstd", "gzip, gzip", "compress"] {
            let refused = Decoder::new(encoding, 9).map(drop);
            assert_eq!(refused, Err(DecodeError::Unknown), "{encoding}");
        }
        for encoding in ["gzip", "deflate"] {
            let broken = unpacked(encoding, b"\xff\xff\xff\xffrubbish", 99, 3);
            assert_eq!(broken, Err(DecodeError::Broken), "{encoding}");
        }
        assert_eq!(unpacked("deflate", b"", 9, 1), Ok(Vec::new()));
        assert_eq!(unpacked("gzip", b"", 9, 1), Ok(Vec::new()));
        assert_eq!(unpacked("deflate", b"x", 9, 1), Err(DecodeError::Broken));
    }
}
