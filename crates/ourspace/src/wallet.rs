//! The consent of the account's wallet: its key from this home, under the password, or
//! signatures of a wallet elsewhere.

use clap::Args;
use ourspace_node::{
    Home,
    account::{self, Origin},
    devices::Consent,
};
use ourspace_protocol::eip712::TypedData;
use ourspace_wallet::{KeystoreError, SecretKey, keystore};
use serde_json::Value;

use crate::{ask, context::Context, failure::Failure, password::PasswordArgs};

/// The options by which a wallet consents.
#[derive(Debug, Args)]
pub(crate) struct WalletArgs {
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    /// A signature by the wallet elsewhere of what was printed (`-`: from standard input, one a line)
    #[arg(long, value_name = "0x…")]
    signature: Vec<String>,
    /// Print texts for `personal_sign` instead of typed data
    #[arg(long)]
    personal_text: bool,
}

/// How the wallet consents.
pub(crate) enum Wallet {
    /// Its key is here.
    Here(SecretKey),
    /// It has signed.
    Signed(Vec<String>),
    /// It is to be asked.
    Ask,
}

impl Wallet {
    /// The consent, if there is one by now.
    pub(crate) fn consent(&self) -> Option<Consent<'_>> {
        match self {
            Self::Here(key) => Some(Consent::Key(key)),
            Self::Signed(texts) => Some(Consent::Signatures(texts)),
            Self::Ask => None,
        }
    }
}

impl WalletArgs {
    /// Opens the wallet, where it is here.
    pub(crate) fn open(&self, home: &Home, context: &Context) -> Result<Wallet, Failure> {
        if !self.signature.is_empty() {
            return self.signatures().map(Wallet::Signed);
        }
        let path = home.keystore_path();
        if !path.exists() {
            return Ok(Wallet::Ask);
        }
        let question = "The password of the account's key: ";
        let password = self.password.existing(context, question)?;
        match keystore::open(&path, &password) {
            Ok(key) => Ok(Wallet::Here(key)),
            Err(KeystoreError::WrongPassword) => Err(Failure::refused(format!(
                "wrong password for {} (or that file was altered)",
                path.display()
            ))),
            Err(error) => Err(error.into()),
        }
    }

    fn signatures(&self) -> Result<Vec<String>, Failure> {
        let mut signatures = Vec::new();
        for text in &self.signature {
            match text.as_str() {
                "-" => signatures.extend(
                    ask::piped("a signature")?
                        .lines()
                        .filter(|line| !line.trim().is_empty())
                        .map(str::to_owned),
                ),
                text => signatures.push(text.to_owned()),
            }
        }
        Ok(signatures)
    }

    /// Whether signatures were given.
    pub(crate) fn signed(&self) -> bool {
        !self.signature.is_empty()
    }

    /// What the wallet is to sign, in the form that was asked for.
    pub(crate) fn request(&self, value: &impl TypedData) -> Result<String, Failure> {
        match self.personal_text {
            true => Ok(value.personal_text()),
            false => Ok(serde_json::to_string_pretty(&value.typed_data())?),
        }
    }

    /// The wallet's method for it.
    pub(crate) fn method(&self) -> &'static str {
        match self.personal_text {
            true => "personal_sign",
            false => "eth_signTypedData_v4",
        }
    }
}

/// What to do instead of signing by hand, where the wallet should be or may be an OurSpace:
/// `command` is the one that asks for it here.
pub(crate) fn elsewhere(home: &Home, command: &str) -> Result<Option<String>, Failure> {
    Ok(match account::origin(home)? {
        Some(Origin::Joined) => {
            // A revocation reaches this device with the feed; a permission must be handed over.
            let then = match command.starts_with("device revoke") {
                true => "",
                false => {
                    ", then `ourspace device join --answer ANSWER` on the device that it is for"
                }
            };
            Some(format!(
                "This device joined the account, whose key is elsewhere. Where another OurSpace has \
                 it, sign nothing here: run there `ourspace {command}`{then}. Where it is in another \
                 wallet:"
            ))
        }
        Some(Origin::Here) => Some(format!(
            "The account's key, {}, is missing. A backup brings it back (`ourspace restore` into \
             another home), and so do the words (`ourspace init --mnemonic -` in another home). Or \
             give the words to a wallet that signs typed data:",
            home.keystore_path().display()
        )),
        Some(Origin::Elsewhere) | None => None,
    })
}

/// What is to be signed, in both forms, as JSON.
#[derive(serde::Serialize)]
pub(crate) struct Request {
    typed_data: Value,
    personal_text: String,
}

impl Request {
    /// Of a value.
    pub(crate) fn of(value: &impl TypedData) -> Self {
        Self {
            typed_data: value.typed_data(),
            personal_text: value.personal_text(),
        }
    }
}
