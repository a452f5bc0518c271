//! From the beginning of a digest to numbers, in a few bytes each: the rows of table
//! `served` as values.
//!
//! A digest's first bits choose a bucket; the next ones, up to [`PRECISION`] in all, stand in
//! the bucket with the number that they lead to. So a look-up gives candidates, of which one
//! in some hundreds is wrong: whoever asks compares what it finds with the whole digest.

/// Bits of a digest that are looked at.
const PRECISION: u32 = 30;
/// Buckets are never more than two to this.
const MOST_BITS: u32 = 16;
/// Entries of a bucket, on the average, at which the number of buckets doubles. A row then
/// has half a kilobyte, which fills the database's pages well.
pub(crate) const FULL: u64 = 128;

/// The first bits of a digest.
pub(crate) fn prefix(digest: &[u8; 32]) -> u32 {
    let [a, b, c, d, ..] = *digest;
    u32::from_be_bytes([a, b, c, d]) >> (32 - PRECISION)
}

/// How the buckets are cut: two to so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bits(u32);

impl Bits {
    pub(crate) fn new(bits: u32) -> Self {
        Self(bits.min(MOST_BITS))
    }

    pub(crate) fn get(self) -> u32 {
        self.0
    }

    /// Twice as many; the same when there are no more.
    pub(crate) fn doubled(self) -> Self {
        Self::new(self.0 + 1)
    }

    /// Whether `entries` are too many for so many buckets.
    pub(crate) fn are_full(self, entries: u64) -> bool {
        self.0 < MOST_BITS && entries > FULL << self.0
    }

    pub(crate) fn bucket(self, prefix: u32) -> i64 {
        i64::from(prefix >> (PRECISION - self.0))
    }

    /// The bits of a prefix that stand in its bucket.
    fn rest(self, prefix: u32) -> u32 {
        prefix & ((1 << (PRECISION - self.0)) - 1)
    }

    fn rest_bytes(self) -> usize {
        (PRECISION - self.0).div_ceil(8) as usize
    }
}

/// An entry: what a digest begins with, and where that leads.
pub(crate) type Entry = (u32, i64);

/// A bucket's entries as bytes, each with the difference of its number to the one before.
pub(crate) fn encode(bits: Bits, entries: &mut Vec<Entry>) -> Vec<u8> {
    entries.sort_unstable_by_key(|&(prefix, number)| (number, prefix));
    entries.dedup();
    let bytes = bits.rest_bytes();
    let mut out = Vec::with_capacity(entries.len() * (bytes + 5));
    let mut last = 0i64;
    for &(prefix, number) in entries.iter() {
        let rest = bits.rest(prefix).to_be_bytes();
        out.extend_from_slice(rest.get(4 - bytes..).unwrap_or_default());
        put(&mut out, number.wrapping_sub(last).cast_unsigned());
        last = number;
    }
    out
}

/// The entries of a bucket; none of those behind damage.
pub(crate) fn decode(bits: Bits, bucket: i64, mut bytes: &[u8]) -> Vec<Entry> {
    let size = bits.rest_bytes();
    let high = u32::try_from(bucket).unwrap_or(0) << (PRECISION - bits.0);
    let mut entries = Vec::new();
    let mut last = 0i64;
    while let Some((rest, more)) = bytes.split_at_checked(size) {
        let value = rest
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte));
        bytes = more;
        let Some(step) = take(&mut bytes) else { break };
        if size == 0 {
            break;
        }
        last = last.wrapping_add(step.cast_signed());
        entries.push((high | bits.rest(value), last));
    }
    entries
}

/// LEB128.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_come_back(
            bits in 0u32..20,
            bucket in any::<u32>(),
            some in proptest::collection::vec((any::<u32>(), any::<i64>()), 0..40),
        ) {
            let bits = Bits::new(bits);
            let mask = (1u32 << (PRECISION - bits.get())) - 1;
            let high = (bucket & ((1 << PRECISION) - 1)) & !mask;
            let mut some: Vec<Entry> = some
                .into_iter()
                .map(|(rest, number)| (high | rest & mask, number))
                .collect();
            let bytes = encode(bits, &mut some);
            let place = bits.bucket(high);
            prop_assert!(some.iter().all(|entry| bits.bucket(entry.0) == place));
            prop_assert_eq!(decode(bits, place, &bytes), some);
        }

        #[test]
        fn damage_is_no_panic(bits in 0u32..20, bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            drop(decode(Bits::new(bits), 3, &bytes));
        }
    }

    #[test]
    fn a_post_takes_few_bytes() {
        // A million posts of three years, each with two digests.
        let bits = Bits::new(14);
        let mut bytes = 0;
        for bucket in 0..100u32 {
            let mut entries: Vec<Entry> = (0..122u32)
                .map(|n| {
                    let spread = n.wrapping_mul(2_654_435_761) ^ bucket.wrapping_mul(40_503);
                    let number = 6_000_000_000 + i64::from(spread % 370_000_000);
                    ((bucket << 16) | spread >> 16, number)
                })
                .collect();
            bytes += encode(bits, &mut entries).len();
        }
        let each = bytes as f64 / 12_200.0;
        assert!(each < 6.5, "{each} bytes an entry");
    }
}
