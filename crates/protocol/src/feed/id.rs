//! What things are called: items, pages, what is answered, whom one follows.
//!
//! Each has one canonical spelling, and its `serde` form accepts no other.

use std::{fmt, str::FromStr};

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};

use crate::{account::Account, hash::sha256, time::Millis};

/// An item's own part of its id: 80 bits, 16 characters of lower-case base32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub [u8; 10]);

/// A text is no item id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an item id: expected 16 characters out of a-z and 2-7")]
pub struct ItemIdError;

impl ItemId {
    /// The id that something imported from elsewhere always gets, so that a second import
    /// finds it again: the first 80 bits of a hash of where it came from.
    #[must_use]
    pub fn of_import(source: &str) -> Self {
        let hash = sha256(format!("ourspace import\n{source}").as_bytes());
        let mut id = [0; 10];
        id.copy_from_slice(&hash[..10]);
        Self(id)
    }

    /// Whether a page ends after the item with this id: six leading zero bits of its
    /// hash, so about one in 64.
    #[must_use]
    pub fn ends_page(&self) -> bool {
        sha256(self.to_string().as_bytes())[0] >> 2 == 0
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ItemId {
    type Err = ItemIdError;

    fn from_str(text: &str) -> Result<Self, ItemIdError> {
        if text.len() != 16 || text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ItemIdError);
        }
        let upper = text.to_ascii_uppercase();
        let bytes = BASE32_NOPAD
            .decode(upper.as_bytes())
            .map_err(|_| ItemIdError)?;
        Ok(Self(bytes.try_into().map_err(|_| ItemIdError)?))
    }
}

/// The place of an item in its feed: by date, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The item's date.
    pub date: Millis,
    /// The item's id.
    pub id: ItemId,
}

impl ItemKey {
    /// The greatest key below this one; `None` below the first.
    #[must_use]
    pub fn before(mut self) -> Option<Self> {
        for byte in self.id.0.iter_mut().rev() {
            let (less, borrow) = byte.overflowing_sub(1);
            *byte = less;
            if !borrow {
                return Some(self);
            }
        }
        self.date = self.date.checked_sub(1)?;
        Some(self)
    }
}

/// A text is no page name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a page")]
pub struct ItemKeyError;

impl FromStr for ItemKey {
    type Err = ItemKeyError;

    /// Reads the name of a page.
    fn from_str(text: &str) -> Result<Self, ItemKeyError> {
        let (date, id) = text.split_once('-').ok_or(ItemKeyError)?;
        if date.len() != 19 || !date.is_ascii() {
            return Err(ItemKeyError);
        }
        let date = format!(
            "{}-{}-{}T{}:{}:{}.{}",
            &date[..4],
            &date[4..6],
            &date[6..8],
            &date[9..11],
            &date[11..13],
            &date[13..15],
            &date[15..]
        );
        let date = crate::time::parse_rfc3339(&date).ok_or(ItemKeyError)?;
        let key = Self {
            date,
            id: id.parse().map_err(|_| ItemKeyError)?,
        };
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(ItemKeyError)
        }
    }
}

impl fmt::Display for ItemKey {
    /// The name of a page that begins with this item: `20261124T030634123Z-abcdefgh23456789`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date: String = crate::time::rfc3339(self.date)
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect();
        write!(f, "{date}-{}", self.id)
    }
}

/// An item anywhere: `ourspace:<account>/<id>`, or the address of a page on the web.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// An item of a feed.
    Item(Account, ItemId),
    /// Something that is not in a feed of ours (`https:` or `http:`).
    Url(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(account, id) => write!(f, "ourspace:{account}/{id}"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

/// A text names no item and no web page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected ourspace:<address>/<item id> or a web address")]
pub struct TargetError;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(rest) = text.strip_prefix("ourspace:") {
            let (account, id) = rest.split_once('/').ok_or(TargetError)?;
            let account = account.parse().map_err(|_| TargetError)?;
            return Ok(Self::Item(account, id.parse().map_err(|_| TargetError)?));
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Self::Url(text.to_owned()));
        }
        Err(TargetError)
    }
}

/// Whom one can follow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Followee {
    /// An account of ours.
    Account(Account),
    /// A web feed (`https:` or `http:`).
    Feed(String),
}

impl fmt::Display for Followee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => account.fmt(f),
            Self::Feed(url) => f.write_str(url),
        }
    }
}

impl FromStr for Followee {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Self::Feed(text.to_owned()));
        }
        text.parse().map(Self::Account).map_err(|_| TargetError)
    }
}

macro_rules! serde_by_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let value: Self = text.parse().map_err(serde::de::Error::custom)?;
                // One value has one spelling, else two texts would be one source.
                if value.to_string() != text {
                    return Err(serde::de::Error::custom("not in its canonical spelling"));
                }
                Ok(value)
            }
        }
    )*};
}
serde_by_text!(ItemId, Target, Followee);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_names_come_back() {
        let key = ItemKey {
            date: 1_763_953_594_007,
            id: ItemId([0; 10]),
        };
        assert_eq!(key.to_string(), "20251124T030634007Z-aaaaaaaaaaaaaaaa");
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!(
            "20251324T030634007Z-aaaaaaaaaaaaaaaa"
                .parse::<ItemKey>()
                .is_err()
        );
        let before = key.before().unwrap();
        assert_eq!(
            before,
            ItemKey {
                date: key.date - 1,
                id: ItemId([255; 10])
            }
        );
        assert!(before < key);
        assert_eq!(
            ItemKey {
                date: 0,
                id: ItemId([0; 10])
            }
            .before(),
            None
        );
    }

    #[test]
    fn ids_have_one_spelling() {
        assert!("ABCDEFGH23456722".parse::<ItemId>().is_err());
        assert!("abcdefgh2345672".parse::<ItemId>().is_err());
        assert!("abcdefgh2345678!".parse::<ItemId>().is_err());
    }
}
