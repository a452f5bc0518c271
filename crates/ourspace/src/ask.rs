//! Questions to the person at the terminal. They go to standard error, so that standard
//! output holds answers only.

use std::io::{self, BufRead as _, Read as _, Write as _};

use zeroize::Zeroizing;

use crate::failure::Failure;

/// What a person types or pastes at once is shorter than this.
const LONGEST: u64 = 64 * 1024;

/// Asks for a line that is shown as it is typed.
pub(crate) fn line(question: &str) -> Result<Zeroizing<String>, Failure> {
    let mut err = io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(LONGEST).read_line(&mut line)?;
    if read == 0 {
        return Err(Failure::usage(
            "the input ended before the question was answered",
        ));
    }
    Ok(Zeroizing::new(line.trim().to_owned()))
}

/// Asks for a line that is not shown.
pub(crate) fn hidden(question: &str) -> Result<Zeroizing<String>, Failure> {
    Ok(Zeroizing::new(rpassword::prompt_password(question)?))
}

/// Asks a question that is answered by yes or no; an empty answer is no.
pub(crate) fn yes(question: &str) -> Result<bool, Failure> {
    loop {
        match line(&format!("{question} [y/N] "))?.to_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "" | "n" | "no" => return Ok(false),
            _ => writeln!(io::stderr().lock(), "Please answer y or n.")?,
        }
    }
}

/// All of standard input, where nobody sits at it; `what` is expected there.
pub(crate) fn piped(what: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Failure::refused(format!(
            "standard input holds no text, so not {what}: bytes that are not UTF-8"
        )),
        _ => error.into(),
    })?;
    Ok(Zeroizing::new(without_mark(&text).to_owned()))
}

/// A text without the byte order mark that some editors put before it.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
