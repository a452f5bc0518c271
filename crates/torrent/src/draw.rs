//! Chance. None of it protects anything: it only keeps crowds apart.

use mainline::Id;

use crate::keys::SHARDS;

/// Any number.
pub(crate) fn number() -> u64 {
    let id = Id::random();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&id.as_bytes()[..8]);
    u64::from_be_bytes(bytes)
}

/// Two different shards.
pub(crate) fn shards() -> [u8; 2] {
    let pick = |number: u64, of: u8| u8::try_from(number % u64::from(of)).unwrap_or(0);
    let first = pick(number(), SHARDS);
    let second = pick(number(), SHARDS - 1);
    [first, second + u8::from(second >= first)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_shards_are_two() {
        let mut drawn = [false; SHARDS as usize];
        for _ in 0..500 {
            let [first, second] = shards();
            assert!(first != second && first < SHARDS && second < SHARDS);
            drawn[usize::from(first)] = true;
            drawn[usize::from(second)] = true;
        }
        assert!(drawn.iter().all(|drawn| *drawn));
    }
}
