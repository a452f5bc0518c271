//! The JSON of a key store. Numbers and texts of the file never get into an error: what
//! looks like a damaged field may be somebody's secret in the wrong place.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ourspace_protocol::account::Account;
use serde::Deserialize;
use serde_json::json;

use super::{KEYSTORE_BYTES, KeystoreError};
use crate::kdf::Kdf;

/// Greatest size of a salt in bytes.
const SALT_BYTES: usize = 1024;

/// What a key store says, checked for form and cost but not yet opened.
pub(super) struct Contents {
    pub(super) kdf: Kdf,
    pub(super) salt: Vec<u8>,
    pub(super) iv: [u8; 16],
    pub(super) ciphertext: [u8; 32],
    pub(super) mac: [u8; 32],
    pub(super) address: Option<Account>,
}

#[derive(Deserialize)]
struct File {
    version: u64,
    address: Option<String>,
    // ethers and old geth write it with a capital letter.
    #[serde(alias = "Crypto")]
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: String,
    kdf: String,
    kdfparams: KdfParams,
    mac: String,
}

#[derive(Deserialize)]
struct CipherParams {
    iv: String,
}

#[derive(Deserialize)]
struct KdfParams {
    dklen: u64,
    salt: String,
    n: Option<u64>,
    r: Option<u64>,
    p: Option<u64>,
    c: Option<u64>,
    prf: Option<String>,
}

impl Contents {
    pub(super) fn parse(json: &[u8]) -> Result<Self, KeystoreError> {
        if json.len() as u64 > KEYSTORE_BYTES {
            return Err(malformed(format!("larger than {KEYSTORE_BYTES} bytes")));
        }
        let file: File = serde_json::from_slice(json).map_err(|error| explain(&error))?;
        if file.version != 3 {
            return Err(KeystoreError::Unsupported {
                what: "version (only 3 is)",
            });
        }
        let crypto = file.crypto;
        if crypto.cipher != "aes-128-ctr" {
            return Err(KeystoreError::Unsupported {
                what: "cipher (only aes-128-ctr is)",
            });
        }
        let salt = hex(&crypto.kdfparams.salt, "kdfparams.salt")?;
        if salt.len() > SALT_BYTES {
            return Err(malformed(format!(
                "kdfparams.salt is longer than {SALT_BYTES} bytes"
            )));
        }
        let address = file.address.filter(|text| !text.is_empty());
        Ok(Self {
            kdf: crypto.kdfparams.kdf(&crypto.kdf)?,
            salt,
            iv: bytes(&crypto.cipherparams.iv, "cipherparams.iv")?,
            ciphertext: bytes(&crypto.ciphertext, "ciphertext")?,
            mac: bytes(&crypto.mac, "mac")?,
            address: address
                .map(|text| bytes(&text, "address").map(Account))
                .transpose()?,
        })
    }

    /// The JSON text, with `id` made into a random UUID (RFC 9562, version 4).
    pub(super) fn to_json(&self, mut id: [u8; 16]) -> Vec<u8> {
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        let salt = HEXLOWER.encode(&self.salt);
        let (kdf, params) = match self.kdf {
            Kdf::Scrypt { log_n, r, p } => {
                let n = 1_u64 << log_n;
                (
                    "scrypt",
                    json!({"dklen": 32, "n": n, "p": p, "r": r, "salt": salt}),
                )
            }
            Kdf::Pbkdf2 { rounds } => {
                let prf = "hmac-sha256";
                (
                    "pbkdf2",
                    json!({"c": rounds, "dklen": 32, "prf": prf, "salt": salt}),
                )
            }
        };
        let mut file = json!({
            "crypto": {
                "cipher": "aes-128-ctr",
                "cipherparams": {"iv": HEXLOWER.encode(&self.iv)},
                "ciphertext": HEXLOWER.encode(&self.ciphertext),
                "kdf": kdf,
                "kdfparams": params,
                "mac": HEXLOWER.encode(&self.mac),
            },
            "id": uuid(&id),
            "version": 3,
        });
        if let Some(address) = self.address {
            file["address"] = json!(HEXLOWER.encode(&address.0));
        }
        file.to_string().into_bytes()
    }
}

impl KdfParams {
    fn kdf(&self, name: &str) -> Result<Kdf, KeystoreError> {
        let need = |value: Option<u64>, name: &str| {
            value.ok_or_else(|| malformed(format!("kdfparams.{name} is missing")))
        };
        if !(32..=128).contains(&self.dklen) {
            return Err(KeystoreError::Unsupported {
                what: "kdfparams.dklen (32 is)",
            });
        }
        match name {
            "scrypt" => {
                let (n, r, p) = (need(self.n, "n")?, need(self.r, "r")?, need(self.p, "p")?);
                Ok(Kdf::scrypt(n, r, p)?)
            }
            "pbkdf2" if self.prf.as_deref() == Some("hmac-sha256") => {
                Ok(Kdf::pbkdf2(need(self.c, "c")?)?)
            }
            "pbkdf2" => Err(KeystoreError::Unsupported {
                what: "prf (only hmac-sha256 is)",
            }),
            _ => Err(KeystoreError::Unsupported {
                what: "kdf (scrypt and pbkdf2 are)",
            }),
        }
    }
}

fn malformed(what: String) -> KeystoreError {
    KeystoreError::Malformed { what }
}

/// Where JSON broke, without the library's text, which quotes the content.
fn explain(error: &serde_json::Error) -> KeystoreError {
    let (line, column) = (error.line(), error.column());
    malformed(match error.classify() {
        serde_json::error::Category::Data => {
            format!("a field is missing or of the wrong kind near line {line}, column {column}")
        }
        _ => format!("no valid JSON at line {line}, column {column}"),
    })
}

fn hex(text: &str, name: &str) -> Result<Vec<u8>, KeystoreError> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    HEXLOWER_PERMISSIVE
        .decode(digits.as_bytes())
        .map_err(|_| malformed(format!("{name} is not hexadecimal")))
}

fn bytes<const N: usize>(text: &str, name: &str) -> Result<[u8; N], KeystoreError> {
    hex(text, name)?
        .try_into()
        .map_err(|_| malformed(format!("{name} must have {N} bytes")))
}

fn uuid(id: &[u8; 16]) -> String {
    let hex = HEXLOWER.encode(id);
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
