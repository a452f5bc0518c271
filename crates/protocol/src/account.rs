//! Accounts: Ethereum addresses, the only identity there is.
//!
//! Text forms: EIP-55 (`0x` and 40 hex digits whose case is a checksum), CAIP-10
//! (`eip155:1:0x…`) and DID (`did:pkh:eip155:1:0x…`).

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;

use crate::hash::keccak256;

/// An Ethereum address. Ordered by its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(pub [u8; 20]);

/// Why a text is no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Not `0x` and 40 hex digits.
    #[error("not an address: expected 0x and 40 hexadecimal digits")]
    Form,
    /// Mixed case that does not match the EIP-55 checksum: a digit is probably mistyped.
    #[error("the address has a typing error: its checksum does not match")]
    Checksum,
}

impl Account {
    /// The address of an uncompressed public key without its leading `0x04` byte.
    #[must_use]
    pub fn of_public_key(xy: &[u8; 64]) -> Self {
        let hash = keccak256(xy);
        let mut address = [0; 20];
        address.copy_from_slice(&hash[12..]);
        Self(address)
    }

    /// `did:pkh:eip155:1:0x…`, the DID spelling of the account.
    #[must_use]
    pub fn did(&self) -> String {
        format!("did:pkh:eip155:1:{self}")
    }

    /// `0x1234…abcd`: enough to recognise, never enough to identify.
    #[must_use]
    pub fn short(&self) -> String {
        let text = self.to_string();
        format!("{}…{}", &text[..6], &text[38..])
    }
}

impl fmt::Display for Account {
    /// EIP-55.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = HEXLOWER.encode(&self.0);
        let hash = HEXLOWER.encode(&keccak256(hex.as_bytes()));
        f.write_str("0x")?;
        for (digit, check) in hex.chars().zip(hash.chars()) {
            let upper = check >= '8';
            write!(
                f,
                "{}",
                if upper {
                    digit.to_ascii_uppercase()
                } else {
                    digit
                }
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Account {
    type Err = AccountError;

    /// Reads EIP-55, all-lower or all-upper hex, with an optional CAIP-10, DID,
    /// `ethereum:` or `ourspace:` prefix.
    fn from_str(text: &str) -> Result<Self, AccountError> {
        let text = text.trim();
        let hex = ["did:pkh:eip155:1:", "eip155:1:", "ethereum:", "ourspace:"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text);
        let digits = hex.strip_prefix("0x").ok_or(AccountError::Form)?;
        if digits.len() != 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(AccountError::Form);
        }
        let lower = digits.to_ascii_lowercase();
        let bytes = HEXLOWER
            .decode(lower.as_bytes())
            .map_err(|_| AccountError::Form)?;
        let account = Self(bytes.try_into().map_err(|_| AccountError::Form)?);
        let one_case = digits == lower || digits == digits.to_ascii_uppercase();
        if !one_case && account.to_string()[2..] != *digits {
            return Err(AccountError::Checksum);
        }
        Ok(account)
    }
}

impl serde::Serialize for Account {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Account {
    /// Only the EIP-55 spelling: canonical JSON has one form for one value.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let account: Self = text.parse().map_err(serde::de::Error::custom)?;
        if account.to_string() != text {
            return Err(serde::de::Error::custom(
                "address not in its EIP-55 spelling",
            ));
        }
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eip55_examples() {
        // The examples of EIP-55 itself.
        for text in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            let account: Account = text.parse().unwrap();
            assert_eq!(account.to_string(), text);
            assert_eq!(account.did().parse::<Account>().unwrap(), account);
            let lower: Account = text.to_lowercase().parse().unwrap();
            assert_eq!(lower, account);
        }
    }

    #[test]
    fn a_typing_error_is_noticed() {
        let wrong = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD";
        assert_eq!(wrong.parse::<Account>(), Err(AccountError::Checksum));
        assert_eq!("0x12".parse::<Account>(), Err(AccountError::Form));
        assert_eq!("alice".parse::<Account>(), Err(AccountError::Form));
    }
}
