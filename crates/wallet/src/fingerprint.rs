//! An account in six words, to be read aloud.
//!
//! The first and last digits of an address are what impostors imitate: 32 bits are found
//! in seconds. The fingerprint is 66 bits of SHA-256 over a context and the address,
//! written as six words of the BIP-39 list; finding another address with the same words
//! takes 2^66 tries, at a thousand million a second some 2,300 years. The words are no
//! secret and open nothing: a word list that does has 12 words or more.

use coins_bip39::{English, Wordlist as _};
use ourspace_protocol::{account::Account, hash::sha256};

/// What sets this hash apart from every other one of an address.
const CONTEXT: &[u8; 23] = b"OurSpace fingerprint v1";
/// Words of a fingerprint.
const WORDS: usize = 6;

/// The six words, joined by hyphens.
#[must_use]
pub fn fingerprint(account: &Account) -> String {
    let mut whole = CONTEXT.to_vec();
    whole.extend_from_slice(&account.0);
    let hash = sha256(&whole);
    let bits = hash[..9]
        .iter()
        .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
    let words = (0..WORDS).map(|word| {
        let index = bits >> (72 - 11 * (word + 1)) & 0x7ff;
        English::get_all()[index as usize]
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_stable() {
        let account: Account = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
            .parse()
            .unwrap();
        // Computed with Python's hashlib and eth-account's copy of the list.
        assert_eq!(fingerprint(&account), "cloth-panda-arena-predict-area-hard");
    }

    #[test]
    fn one_bit_changes_the_words() {
        let words = |byte: u8| fingerprint(&Account([byte; 20]));
        let mut near = [1; 20];
        near[10] ^= 0x10;
        assert_ne!(words(1), fingerprint(&Account(near)));
        let all: std::collections::HashSet<_> = (0..=255).map(words).collect();
        assert_eq!(all.len(), 256);
        assert!(
            all.iter()
                .all(|text| text.split('-').count() == WORDS && text.len() <= 53)
        );
    }
}
