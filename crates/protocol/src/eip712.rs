//! EIP-712 typed data: how the fields of a grant, a record or a succession become the 32
//! bytes that are signed, and the JSON that a wallet is shown.
//!
//! The domain is only `{name: "OurSpace", version: "1"}`. A chain id would make wallets
//! on other chains refuse, and a verifying contract means nothing here.

use std::{borrow::Cow, fmt::Write as _, sync::LazyLock};

use serde_json::{Value as Json, json};

use crate::{
    account::Account,
    hash::{Keccak, keccak256},
    signature::{Scheme, Signature, SignatureError},
};

/// A field's value. The types are the only ones the protocol signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `address`
    Address(Account),
    /// `bytes32`
    Bytes32([u8; 32]),
    /// `uint64`
    Uint64(u64),
    /// `string`
    Text(Cow<'a, str>),
    /// `string`, one that is met so often that its Keccak-256 is kept.
    KnownText(&'static str, &'static [u8; 32]),
    /// `bytes32[]`
    Bytes32List(&'a [[u8; 32]]),
    /// `string[]`
    TextList(&'a [String]),
}

/// Something that is signed: a primary type and its fields, in order.
pub trait TypedData {
    /// The name of the primary type.
    const PRIMARY_TYPE: &'static str;
    /// `encodeType` of EIP-712: the name and, in order, type and name of each field.
    const TYPE: &'static str;
    /// The first line of the text for `personal_sign`.
    const TITLE: &'static str;

    /// Names and values of the fields in the order of the type.
    fn fields(&self) -> Vec<(&'static str, Value<'_>)>;

    /// Keccak-256 of [`TypedData::TYPE`]; a constant, kept because it is asked for with
    /// every signature.
    fn type_hash() -> &'static [u8; 32];

    /// The EIP-712 hash: what is signed under [`Scheme::TypedData`], and the identity of
    /// the value under either scheme.
    fn digest(&self) -> [u8; 32] {
        let mut data = Keccak::new();
        data.update(Self::type_hash());
        for (_, value) in &self.fields() {
            data.update(&value.encode());
        }
        let mut whole = [0; 66];
        whole[..2].copy_from_slice(&[0x19, 0x01]);
        whole[2..34].copy_from_slice(&*DOMAIN);
        whole[34..].copy_from_slice(&data.finish());
        keccak256(&whole)
    }

    /// The text for wallets that only know `personal_sign`: a title, an empty line, and a
    /// line for each field: its name, a colon, and a space before each of its values.
    ///
    /// No value may hold a space or the end of a line, save for a scope of known words:
    /// [`verify`](crate::verify) refuses others, so no two values share a text.
    fn personal_text(&self) -> String {
        let mut text = format!("OurSpace, version 1: {}\n", Self::TITLE);
        for (name, value) in self.fields() {
            text.push('\n');
            text.push_str(name);
            text.push(':');
            value.write_words(&mut text);
        }
        text
    }

    /// The 32 bytes that are signed under `scheme`.
    fn signing_hash(&self, scheme: Scheme) -> [u8; 32] {
        match scheme {
            Scheme::TypedData => self.digest(),
            Scheme::PersonalText => personal_hash(&self.personal_text()),
        }
    }

    /// Who signed this value.
    ///
    /// # Errors
    /// [`SignatureError`] when nobody can have.
    fn signer(&self, scheme: Scheme, signature: &Signature) -> Result<Account, SignatureError> {
        signature.signer(&self.signing_hash(scheme))
    }

    /// The request for `eth_signTypedData_v4`: `domain`, `types`, `primaryType`,
    /// `message`.
    fn typed_data(&self) -> Json {
        let fields = self.fields();
        let types: Vec<Json> = fields
            .iter()
            .map(|(name, value)| json!({"name": name, "type": value.type_name()}))
            .collect();
        let message: serde_json::Map<String, Json> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.json()))
            .collect();
        json!({
            "domain": {"name": "OurSpace", "version": "1"},
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                ],
                Self::PRIMARY_TYPE: types,
            },
            "primaryType": Self::PRIMARY_TYPE,
            "message": message,
        })
    }
}

/// The EIP-191 hash of a text (`personal_sign`).
#[must_use]
pub fn personal_hash(text: &str) -> [u8; 32] {
    let mut whole = format!("\u{19}Ethereum Signed Message:\n{}", text.len()).into_bytes();
    whole.extend_from_slice(text.as_bytes());
    keccak256(&whole)
}

static DOMAIN: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let mut data = keccak256(b"EIP712Domain(string name,string version)").to_vec();
    data.extend_from_slice(&keccak256(b"OurSpace"));
    data.extend_from_slice(&keccak256(b"1"));
    keccak256(&data)
});

/// Keccak-256 of no bytes: what stands for an empty list.
static NOTHING: LazyLock<[u8; 32]> = LazyLock::new(|| keccak256(&[]));

impl Value<'_> {
    /// The Solidity type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Bytes32(_) => "bytes32",
            Self::Uint64(_) => "uint64",
            Self::Text(_) | Self::KnownText(..) => "string",
            Self::Bytes32List(_) => "bytes32[]",
            Self::TextList(_) => "string[]",
        }
    }

    /// The 32 bytes that stand for the value in `encodeData`.
    fn encode(&self) -> [u8; 32] {
        let mut word = [0; 32];
        match self {
            Self::Address(account) => word[12..].copy_from_slice(&account.0),
            Self::Bytes32(bytes) => word = *bytes,
            Self::Uint64(number) => word[24..].copy_from_slice(&number.to_be_bytes()),
            Self::Text(text) => word = keccak256(text.as_bytes()),
            Self::KnownText(_, hash) => word = **hash,
            Self::Bytes32List([]) | Self::TextList([]) => word = *NOTHING,
            Self::Bytes32List(list) => word = keccak256(list.as_flattened()),
            Self::TextList(list) => {
                let mut hash = Keccak::new();
                for text in *list {
                    hash.update(&keccak256(text.as_bytes()));
                }
                word = hash.finish();
            }
        }
        word
    }

    fn json(&self) -> Json {
        match self {
            Self::Address(account) => json!(account),
            Self::Bytes32(bytes) => json!(hex(bytes)),
            // A text, because some wallets read JSON numbers as 64-bit floats.
            Self::Uint64(number) => json!(number.to_string()),
            Self::Text(text) => json!(text),
            Self::KnownText(text, _) => json!(text),
            Self::Bytes32List(list) => json!(list.iter().map(hex).collect::<Vec<_>>()),
            Self::TextList(list) => json!(list),
        }
    }

    /// Appends a space and the value, or nothing for an empty list: a line that ended in
    /// a space would not survive being copied.
    fn write_words(&self, text: &mut String) {
        let mut put = |word: &dyn std::fmt::Display| {
            // Writing to a `String` cannot fail.
            write!(text, " {word}").unwrap_or(());
        };
        match self {
            Self::Address(account) => put(account),
            Self::Bytes32(bytes) => put(&hex(bytes)),
            Self::Uint64(number) => put(number),
            Self::Text(words) => put(words),
            Self::KnownText(words, _) => put(words),
            Self::Bytes32List(list) => list.iter().for_each(|bytes| put(&hex(bytes))),
            Self::TextList(list) => list.iter().for_each(|words| put(words)),
        }
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    format!("0x{}", data_encoding::HEXLOWER.encode(bytes))
}
