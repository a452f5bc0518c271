//! What `init` answers.

use std::{fmt::Write as _, process::ExitCode};

use ourspace_node::account::WalletPlace;
use ourspace_protocol::{account::Account, eip712::TypedData as _, grant::Grant, time::rfc3339};
use ourspace_wallet::fingerprint::fingerprint;
use serde::Serialize;
use serde_json::Value;

use super::{super::Outcome, words::New};
use crate::{context::Context, failure::Failure};

/// Whether new words are part of an answer for people.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// They were shown and confirmed.
    Already,
    /// This is the one time.
    Now,
}

/// What `init` answers; `spec/schemas/init.json`.
#[derive(Serialize)]
pub(crate) struct Answer {
    account: Account,
    fingerprint: String,
    device: Account,
    wallet: WalletPlace,
    /// Whether the account is there now; if not, the wallet's signature is missing.
    complete: bool,
    expires: String,
    /// New words, shown this once; null when they were given or there are none.
    words: Option<Vec<&'static str>>,
    successor_words: Option<Vec<&'static str>>,
    /// What the wallet is to sign; null when nothing is missing.
    typed_data: Option<Value>,
    /// The same for wallets without typed data.
    personal_text: Option<String>,
}

impl Answer {
    /// Of a device's grant; the wallet is elsewhere.
    pub(crate) fn of(grant: &Grant) -> Self {
        Self {
            account: grant.account,
            fingerprint: fingerprint(&grant.account),
            device: grant.device,
            wallet: WalletPlace::Elsewhere,
            complete: true,
            expires: rfc3339(grant.expires_at),
            words: None,
            successor_words: None,
            typed_data: None,
            personal_text: None,
        }
    }

    /// The wallet is here.
    pub(crate) fn here(self) -> Self {
        Self {
            wallet: WalletPlace::Here,
            ..self
        }
    }

    /// With the words that are new.
    pub(crate) fn with_words(self, wallet: &New, successor: Option<&New>) -> Self {
        Self {
            words: wallet.words(),
            successor_words: successor.and_then(New::words),
            ..self
        }
    }

    /// With a new successor's words.
    pub(crate) fn with_successor(self, successor: Option<&New>) -> Self {
        Self {
            successor_words: successor.and_then(New::words),
            ..self
        }
    }

    /// The wallet has still to sign this.
    pub(crate) fn waiting_for(self, grant: &Grant) -> Self {
        Self {
            complete: false,
            typed_data: Some(grant.typed_data()),
            personal_text: Some(grant.personal_text()),
            ..self
        }
    }

    /// Gives it.
    pub(crate) fn give(&self, context: &Context, shown: Shown) -> Outcome {
        context.output.answer(self, self.text(shown))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Gives it with another text.
    pub(crate) fn give_as(&self, context: &Context, text: &str) -> Result<(), Failure> {
        context.output.answer(self, text)
    }

    pub(super) fn text(&self, shown: Shown) -> String {
        let mut text = String::new();
        if shown == Shown::Now {
            text.push_str(&self.words_text());
        }
        // Writing to a `String` cannot fail.
        write!(
            text,
            "account      {}\nfingerprint  {}\ndevice       {}\nmay publish  until {}",
            self.account, self.fingerprint, self.device, self.expires
        )
        .unwrap_or(());
        text
    }

    /// New words on a line each; they are shown only here.
    pub(super) fn words_text(&self) -> String {
        let mut text = String::new();
        let lists = [
            ("words of your account", &self.words),
            ("words of your successor", &self.successor_words),
        ];
        for (what, list) in lists {
            if let Some(words) = list {
                let words = words.join(" ");
                write!(
                    text,
                    "{what} (shown only now; keep them on paper, apart):\n{words}\n\n"
                )
                .unwrap_or(());
            }
        }
        text
    }
}
