//! Word lists (BIP-39, English) and the Ethereum key they stand for (BIP-32, BIP-44).

use std::fmt;

use coins_bip32::{
    path::DerivationPath,
    prelude::{SigningKey, XPriv},
};
use coins_bip39::{English, Wordlist as _};
use ourspace_protocol::hash::sha256;
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::{
    key::SecretKey,
    random::{self, RandomError},
};

/// The path of the first Ethereum account (BIP-44, coin type 60).
pub const ACCOUNT_PATH: &str = "m/44'/60'/0'/0/0";

/// Bits of one word's place in the list.
const WORD_BITS: usize = 11;
/// Rounds of PBKDF2-HMAC-SHA512 from words to seed, as BIP-39 fixes them.
const SEED_ROUNDS: u32 = 2048;

/// How many words a new list has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// 12 words, 128 bits of randomness.
    #[default]
    Twelve,
    /// 24 words, 256 bits of randomness.
    TwentyFour,
}

/// A valid BIP-39 word list, in English.
///
/// Wiped when dropped; `Debug` prints only how many words it has. There is no BIP-39
/// passphrase: what has to be written down is the words and nothing else.
pub struct Mnemonic {
    entropy: Zeroizing<Vec<u8>>,
}

/// Why a text is no word list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MnemonicError {
    /// Not 12, 15, 18, 21 or 24 words.
    #[error("{found} words, but a word list has 12 (or 15, 18, 21 or 24)")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A word that is not in the list.
    ///
    /// The one error with a hint of a secret: the nearest word of the list, because the
    /// person who mistyped it sits in front of it. It must not be logged.
    #[error("word {position} is not in the BIP-39 list{}", hint(*.suggestion))]
    UnknownWord {
        /// Which word, counted from 1.
        position: usize,
        /// The nearest word, if one is near.
        suggestion: Option<&'static str>,
    },
    /// All words exist, but they do not belong together.
    #[error("the words do not fit together (checksum): one is wrong, or two have changed places")]
    Checksum,
    /// The words stand for no key (one in 2^127): make others.
    #[error("these words stand for no valid key")]
    NoKey,
    /// See [`RandomError`].
    #[error(transparent)]
    Random(#[from] RandomError),
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |word| format!(" (did you mean \"{word}\"?)"))
}

impl Mnemonic {
    /// A new list out of the operating system's randomness.
    ///
    /// # Errors
    /// [`MnemonicError::Random`] when there is none.
    pub fn generate(length: Length) -> Result<Self, MnemonicError> {
        let random = random::bytes::<32>()?;
        let bytes = match length {
            Length::Twelve => 16,
            Length::TwentyFour => 32,
        };
        Ok(Self {
            entropy: Zeroizing::new(random[..bytes].to_vec()),
        })
    }

    /// Reads a list: words in any case, between any white space, 12, 15, 18, 21 or 24 of
    /// them.
    ///
    /// # Errors
    /// [`MnemonicError`], which says what is wrong where.
    pub fn parse(text: &str) -> Result<Self, MnemonicError> {
        let found = text.split_whitespace().count();
        if !matches!(found, 12 | 15 | 18 | 21 | 24) {
            return Err(MnemonicError::Count { found });
        }
        let mut bits = Bits::new();
        for (at, word) in text.split_whitespace().enumerate() {
            let word = Zeroizing::new(word.to_lowercase());
            let index = English::get_all()
                .binary_search(&word.as_str())
                .map_err(|_| MnemonicError::UnknownWord {
                    position: at + 1,
                    suggestion: nearest(&word),
                })?;
            bits.push(index, WORD_BITS);
        }
        let entropy_bytes = found / 3 * 4;
        let check = bits.bytes.split_off(entropy_bytes);
        let entropy = bits.bytes;
        if check[0] != checksum(&entropy) {
            return Err(MnemonicError::Checksum);
        }
        Ok(Self { entropy })
    }

    /// The words, in order.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        let mut padded = Zeroizing::new(Vec::with_capacity(self.entropy.len() + 2));
        padded.extend_from_slice(&self.entropy);
        padded.push(checksum(&self.entropy));
        // Room for the last word's 16-bit window.
        padded.push(0);
        let word_at = |word: usize| {
            let first = word * WORD_BITS;
            let window = padded[first / 8..].iter().take(3);
            let window = window.fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
            English::get_all()[(window >> (24 - WORD_BITS - first % 8)) & 0x7ff]
        };
        (0..self.len()).map(word_at).collect()
    }

    /// The words with single spaces between them, to be shown once and wiped.
    #[must_use]
    pub fn phrase(&self) -> Zeroizing<String> {
        let words = self.words();
        let mut phrase = Zeroizing::new(String::with_capacity(words.len() * 9));
        for word in words {
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.push_str(word);
        }
        phrase
    }

    /// How many words.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a word list is never empty")]
    pub fn len(&self) -> usize {
        self.entropy.len() / 4 * 3
    }

    /// The key of the first Ethereum account, [`ACCOUNT_PATH`]: what every wallet shows
    /// first for these words.
    ///
    /// # Errors
    /// [`MnemonicError::NoKey`], practically never.
    pub fn account_key(&self) -> Result<SecretKey, MnemonicError> {
        let path: DerivationPath = ACCOUNT_PATH.parse().map_err(|_| MnemonicError::NoKey)?;
        let key = XPriv::root_from_seed(self.seed("").as_slice(), None)
            .and_then(|root| root.derive_path(path))
            .map_err(|_| MnemonicError::NoKey)?;
        let key: &SigningKey = key.as_ref();
        let bytes = Zeroizing::new(<[u8; 32]>::from(key.to_bytes()));
        SecretKey::from_bytes(&bytes).map_err(|_| MnemonicError::NoKey)
    }

    /// The seed of BIP-39.
    fn seed(&self, passphrase: &str) -> Zeroizing<[u8; 64]> {
        let mut seed = Zeroizing::new([0; 64]);
        pbkdf2::pbkdf2_hmac::<Sha512>(
            self.phrase().as_bytes(),
            format!("mnemonic{passphrase}").as_bytes(),
            SEED_ROUNDS,
            seed.as_mut_slice(),
        );
        seed
    }
}

impl fmt::Debug for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mnemonic({} words)", self.len())
    }
}

/// The checksum of BIP-39: the first bit of SHA-256 for every four bytes of entropy, in
/// the highest bits.
fn checksum(entropy: &[u8]) -> u8 {
    let bits = entropy.len() / 4;
    sha256(entropy)[0] & (0xff_u16 << (8 - bits)) as u8
}

/// Bits collected into bytes, highest first; the last byte is filled up with zeros.
struct Bits {
    bytes: Zeroizing<Vec<u8>>,
    len: usize,
}

impl Bits {
    fn new() -> Self {
        // Room for 24 words: growing would leave unwiped copies behind.
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(33)),
            len: 0,
        }
    }

    fn push(&mut self, value: usize, bits: usize) {
        for bit in (0..bits).rev() {
            if self.len.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (7 - self.len % 8);
            }
            self.len += 1;
        }
    }
}

/// The word of the list that was probably meant: one with the same first four letters
/// (which no two words share), or one at most two typing errors away.
fn nearest(word: &str) -> Option<&'static str> {
    let list = English::get_all();
    let start: String = word.chars().take(4).collect();
    if start.len() >= 4
        && let Some(found) = list.iter().find(|known| known.starts_with(&start))
    {
        return Some(found);
    }
    // Longer than any word with two errors: not worth comparing.
    if word.len() > 16 {
        return None;
    }
    let (distance, found) = list
        .iter()
        .map(|known| (distance(word, known), *known))
        .min_by_key(|pair| pair.0)?;
    (distance <= 2 && distance < word.chars().count()).then_some(found)
}

/// How many letters must be inserted, left out, replaced or swapped with their neighbour
/// to turn one word into the other (Damerau and Levenshtein, neighbours swapped once).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            if i == 0 || j == 0 {
                rows[i][j] = i + j;
                continue;
            }
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    /// Entropy, words and seed under the passphrase "TREZOR": vectors of BIP-39.
    const VECTORS: [(&str, &str, &str); 8] = [
        (
            "00000000000000000000000000000000",
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
             abandon about",
            "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d182\
             64c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
        ),
        (
            "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
            "legal winner thank year wave sausage worth useful legal winner thank yellow",
            "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559\
             a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
        ),
        (
            "80808080808080808080808080808080",
            "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
            "d71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30fa280f12eb2e47ed\
             2ac03b5c462a0358d18d69fe4f985ec81778c1b370b652a8",
        ),
        (
            "ffffffffffffffffffffffffffffffff",
            "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
            "ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a\
             589620c6f15b11c61dee327651a14c34e18231052e48c069",
        ),
        (
            "000000000000000000000000000000000000000000000000",
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
             abandon abandon abandon abandon abandon abandon abandon agent",
            "035895f2f481b1b0f01fcf8c289c794660b289981a78f8106447707fdd9666ca06da5a9a56518159\
             9b79f53b844d8a71dd9f439c52a3d7b3e8a79c906ac845fa",
        ),
        (
            "808080808080808080808080808080808080808080808080",
            "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd \
             amount doctor acoustic avoid letter always",
            "107d7c02a5aa6f38c58083ff74f04c607c2d2c0ecc55501dadd72d025b751bc27fe913ffb796f841\
             c49b1d33b610cf0e91d3aa239027f5e99fe4ce9e5088cd65",
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
             abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
             abandon abandon abandon art",
            "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245caf\
             a9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8",
        ),
        (
            "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
            "void come effort suffer camp survey warrior heavy shoot primary clutch crush open \
             amazing screen patrol group space point ten exist slush involve unfold",
            "01f5bced59dec48e362f2c45b5de68b9fd6c92c6634f44d6d40aab69056506f0e35524a518034ddc\
             1192e1dacd32c1ed3eaa3c3b131c88ed8e7e54c49a5d0998",
        ),
    ];

    #[test]
    fn vectors_of_bip_39() {
        for (entropy, words, seed) in VECTORS {
            let parsed = Mnemonic::parse(words).unwrap();
            assert_eq!(HEXLOWER.encode(&parsed.entropy), entropy);
            assert_eq!(*parsed.phrase(), words);
            assert_eq!(HEXLOWER.encode(parsed.seed("TREZOR").as_slice()), seed);
        }
    }

    #[test]
    fn the_account_every_wallet_shows() {
        let words = "test test test test test test test test test test test junk";
        let key = Mnemonic::parse(words).unwrap().account_key().unwrap();
        assert_eq!(
            key.address().to_string(),
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
        );
    }

    #[test]
    fn new_lists_are_valid_and_differ() {
        for (length, words) in [(Length::Twelve, 12), (Length::TwentyFour, 24)] {
            let one = Mnemonic::generate(length).unwrap();
            assert_eq!(one.words().len(), words);
            assert_eq!(Mnemonic::parse(&one.phrase()).unwrap().entropy, one.entropy);
            assert_ne!(Mnemonic::generate(length).unwrap().entropy, one.entropy);
        }
    }

    #[test]
    fn every_entropy_survives_its_words() {
        proptest::proptest!(|(bytes: [u8; 32], fours in 4_usize..=8)| {
            let entropy = Zeroizing::new(bytes[..fours * 4].to_vec());
            let mnemonic = Mnemonic { entropy };
            let read = Mnemonic::parse(&mnemonic.phrase()).unwrap();
            proptest::prop_assert_eq!(&read.entropy, &mnemonic.entropy);
        });
    }

    #[test]
    fn case_and_white_space_do_not_matter() {
        let text =
            "  Legal winner\tTHANK year\nwave sausage worth useful legal winner thank yellow\n";
        assert_eq!(*Mnemonic::parse(text).unwrap().phrase(), VECTORS[1].1);
    }

    #[test]
    fn errors_say_where_and_what() {
        let error = |text: &str| Mnemonic::parse(text).unwrap_err().to_string();
        assert_eq!(
            error("legal winner thank"),
            "3 words, but a word list has 12 (or 15, 18, 21 or 24)"
        );
        for (typed, meant) in [
            ("sausag", "sausage"),
            ("suasage", "sausage"),
            ("sausagee", "sausage"),
            ("yaer", "year"),
        ] {
            let text = VECTORS[1].1.replacen(meant, typed, 1);
            let position = VECTORS[1]
                .1
                .split(' ')
                .position(|word| word == meant)
                .unwrap()
                + 1;
            assert_eq!(
                error(&text),
                format!("word {position} is not in the BIP-39 list (did you mean \"{meant}\"?)")
            );
        }
        assert_eq!(
            error(&VECTORS[1].1.replacen("wave", "correcthorsebattery", 1)),
            "word 5 is not in the BIP-39 list (did you mean \"correct\"?)"
        );
        assert_eq!(
            error(&VECTORS[1].1.replacen("wave", "\u{1f980}qqqqq", 1)),
            "word 5 is not in the BIP-39 list"
        );
        let swapped = VECTORS[1].1.replacen("legal winner", "winner legal", 1);
        assert_eq!(
            Mnemonic::parse(&swapped).unwrap_err(),
            MnemonicError::Checksum
        );
    }

    #[test]
    fn no_text_is_too_strange() {
        proptest::proptest!(|(text in "\\PC{0,400}")| {
            drop(Mnemonic::parse(&text));
        });
    }

    #[test]
    fn debug_and_errors_do_not_tell_the_words() {
        let shown = format!("{:?}", Mnemonic::parse(VECTORS[1].1).unwrap());
        assert_eq!(shown, "Mnemonic(12 words)");
        let error = Mnemonic::parse(&VECTORS[1].1.replacen("wave", "xqxqxqxq", 1)).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            VECTORS[1]
                .1
                .split(' ')
                .chain(["xqxqxqxq"])
                .all(|word| !shown.contains(word))
        );
    }
}
