//! Word lists: made, shown once, confirmed, read.

use std::io::{self, Write as _};

use ourspace_wallet::{Mnemonic, MnemonicError, SecretKey, mnemonic::Length};

use crate::{ask, failure::Failure};

/// How many words are to be typed again.
const CONFIRMED: usize = 3;
/// Removes what is on the screen, and what was scrolled away.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

const OF_ACCOUNT: &str = "\
These are the words of your ACCOUNT. Write them down on paper, in this order. They are shown
only now. Whoever reads them can publish as you and spend what the address holds.";
const OF_SUCCESSOR: &str = "\
These are the words of your SUCCESSOR. Write them down on another sheet and keep it in
another place, as safe as the first: whoever reads them can take your followers away.";

/// A key, with its words when they are new and must be shown.
pub(crate) struct New {
    pub(crate) key: SecretKey,
    list: Option<(Mnemonic, &'static str)>,
}

impl New {
    /// A key whose words, if there are any, the person has already.
    pub(crate) fn given(key: SecretKey) -> Self {
        Self { key, list: None }
    }

    /// A new list for an account.
    pub(crate) fn wallet(length: Length) -> Result<Self, Failure> {
        Self::make(length, OF_ACCOUNT)
    }

    /// A new list for a successor.
    pub(crate) fn successor(length: Length) -> Result<Self, Failure> {
        Self::make(length, OF_SUCCESSOR)
    }

    fn make(length: Length, about: &'static str) -> Result<Self, Failure> {
        let list = Mnemonic::generate(length)?;
        Ok(Self {
            key: list.account_key()?,
            list: Some((list, about)),
        })
    }

    /// The words, if they are new.
    pub(crate) fn words(&self) -> Option<Vec<&'static str>> {
        self.list.as_ref().map(|(list, _)| list.words())
    }
}

/// Shows a new list and has some of its words typed again; then it leaves the screen.
pub(crate) fn show(new: &New) -> Result<(), Failure> {
    let Some((list, about)) = &new.list else {
        return Ok(());
    };
    let words = list.words();
    let mut err = io::stderr().lock();
    write!(err, "{CLEAR}{about}\n\n")?;
    for (row, chunk) in words.chunks(4).enumerate() {
        for (column, word) in chunk.iter().enumerate() {
            write!(err, "  {:>2}. {word:<10}", row * 4 + column + 1)?;
        }
        writeln!(err)?;
    }
    writeln!(err)?;
    drop(err);
    ask::line("Press Enter when you have written them down. ")?;
    let mut err = io::stderr().lock();
    write!(err, "{CLEAR}Some of them once more, to be sure.\n\n")?;
    drop(err);
    for place in places(words.len())? {
        confirm(place, words[place])?;
    }
    Ok(())
}

fn confirm(place: usize, word: &str) -> Result<(), Failure> {
    loop {
        let typed = ask::line(&format!("Word {}: ", place + 1))?;
        if typed.to_lowercase() == word {
            return Ok(());
        }
        writeln!(
            io::stderr().lock(),
            "That is not word {}. Look at what you wrote down and try again; if it is not \
             there, press Ctrl-C and begin anew: nothing was made yet.",
            place + 1
        )?;
    }
}

/// Some places of a list, ascending, other ones each time.
fn places(len: usize) -> Result<Vec<usize>, Failure> {
    let mut places = Vec::new();
    while places.len() < CONFIRMED.min(len) {
        let random = getrandom::u32()
            .map_err(|_| Failure::refused("the operating system gave no randomness"))?;
        let place = random as usize % len;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.sort_unstable();
    Ok(places)
}

/// The key of a list that nobody can be asked about again.
pub(crate) fn key_of(text: &str, name: &str) -> Result<SecretKey, Failure> {
    let key = Mnemonic::parse(text).and_then(|list| list.account_key());
    key.map_err(|error| {
        // The hint is for the eyes of somebody who types, not for logs.
        let error = match error {
            MnemonicError::UnknownWord { position, .. } => MnemonicError::UnknownWord {
                position,
                suggestion: None,
            },
            other => other,
        };
        Failure::refused(format!("{name}: {error}"))
    })
}

/// Asks for a list until it is one; with `or_none`, an empty line is none.
pub(crate) fn read_list(question: &str, or_none: bool) -> Result<Option<SecretKey>, Failure> {
    loop {
        let text = ask::hidden(question)?;
        if or_none && text.trim().is_empty() {
            return Ok(None);
        }
        match Mnemonic::parse(&text).and_then(|list| list.account_key()) {
            Ok(key) => return Ok(Some(key)),
            Err(error) => writeln!(io::stderr().lock(), "{error}")?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_order_and_vary() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..200 {
            let places = places(12).unwrap();
            assert_eq!(places.len(), 3);
            assert!(places.is_sorted() && places[0] != places[1] && places[1] != places[2]);
            seen.extend(places);
        }
        assert_eq!(seen.len(), 12);
    }

    #[test]
    fn an_error_says_which_word_but_not_what_it_may_be() {
        let text = "legal winner thank year wave sausagee worth useful legal winner thank yellow";
        let Err(Failure::Refused(error)) = key_of(text, "the list") else {
            panic!("it is a list");
        };
        assert_eq!(
            error.to_string(),
            "the list: word 6 is not in the BIP-39 list"
        );
    }
}
