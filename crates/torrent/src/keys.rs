//! Under which 20 bytes somebody is looked for, and when. Pure.

use ourspace_protocol::{account::Account, hash::sha256, time::Millis};

/// Bytes of a key of the DHT.
pub const KEY_BYTES: usize = 20;
/// Shards under which nodes of the network find each other.
pub const SHARDS: u8 = 16;

const HOUR: Millis = 60 * 60 * 1000;
const WEEK: Millis = 7 * 24 * HOUR;

/// How long after a period's end its key is still looked up: announcements live for about
/// half an hour, and clocks differ.
const AFTER: Millis = HOUR / 2;
/// How long before a period's end the next one's key is looked up: for a clock that is
/// behind.
const BEFORE: Millis = HOUR / 12;

/// A key of the DHT ("infohash").
pub type Key = [u8; KEY_BYTES];

/// Where the holders of an account's feed are found in a week: the first 20 bytes of
/// `SHA-256("ourspace/rec/1" || account || week)`, the week as 8 bytes, big-endian, counted
/// from 1970-01-01T00:00:00Z.
///
/// It changes every week, so that nobody can settle beside an account for long.
#[must_use]
pub fn of_account(account: Account, week: u64) -> Key {
    first(&[b"ourspace/rec/1", &account.0, &week.to_be_bytes()])
}

/// Where nodes of the network are found in an hour: the first 20 bytes of
/// `SHA-256("ourspace/boot/1" || shard || hour)`, the shard as one byte below
/// [`SHARDS`], the hour as 8 bytes, big-endian, counted from 1970-01-01T00:00:00Z.
#[must_use]
pub fn of_shard(shard: u8, hour: u64) -> Key {
    first(&[b"ourspace/boot/1", &[shard % SHARDS], &hour.to_be_bytes()])
}

/// The week in which one announces.
#[must_use]
pub const fn week(now: Millis) -> u64 {
    now / WEEK
}

/// The hour in which one announces.
#[must_use]
pub const fn hour(now: Millis) -> u64 {
    now / HOUR
}

/// The weeks in which holders are looked up: this one first, and its neighbour near the
/// boundary.
#[must_use]
pub fn weeks(now: Millis) -> Vec<u64> {
    around(now, WEEK)
}

/// The hours in which nodes are looked up: this one first, and its neighbour near the
/// boundary.
#[must_use]
pub fn hours(now: Millis) -> Vec<u64> {
    around(now, HOUR)
}

fn around(now: Millis, period: Millis) -> Vec<u64> {
    let current = now / period;
    let mut periods = vec![current];
    if now % period < AFTER {
        periods.extend(current.checked_sub(1));
    }
    if now % period >= period - BEFORE {
        periods.push(current + 1);
    }
    periods
}

fn first(parts: &[&[u8]]) -> Key {
    let hash = sha256(&parts.concat());
    let mut key = [0; KEY_BYTES];
    key.copy_from_slice(&hash[..KEY_BYTES]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(key: Key) -> String {
        key.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn keys_are_those_of_the_scheme() {
        // Computed by Python's hashlib.
        let account = Account([0x11; 20]);
        assert_eq!(
            hex(of_account(account, 2916)),
            "28f3d861a3f5d187f586873d5d9ff9959d78e938"
        );
        assert_eq!(
            hex(of_shard(3, 490_000)),
            "1ed161dc42e33d1410936d1f67901eef2e604f59"
        );
        assert_eq!(of_shard(3 + SHARDS, 490_000), of_shard(3, 490_000));
        assert_ne!(of_account(account, 2916), of_account(account, 2917));
        assert_ne!(
            of_account(account, 2916),
            of_account(Account([0x12; 20]), 2916)
        );
    }

    #[test]
    fn both_sides_of_a_boundary_are_looked_at() {
        let start = 2916 * WEEK;
        assert_eq!(weeks(start), [2916, 2915]);
        assert_eq!(weeks(start + AFTER - 1), [2916, 2915]);
        assert_eq!(weeks(start + AFTER), [2916]);
        assert_eq!(weeks(start + WEEK - BEFORE - 1), [2916]);
        assert_eq!(weeks(start + WEEK - BEFORE), [2916, 2917]);
        assert_eq!(weeks(start + WEEK - 1), [2916, 2917]);
        assert_eq!(hours(start), [2916 * 168, 2916 * 168 - 1]);
        assert_eq!(weeks(0), [0]);
        // Whoever announced just before the boundary is found just after it, and the
        // other way round with a clock that is behind.
        assert!(weeks(start + 1).contains(&week(start - 1)));
        assert!(weeks(start - 1).contains(&week(start + 1)));
    }
}
