//! Titles that files carry, made fit for a line of text.

/// The most characters of a title.
const CHARACTERS: usize = 300;

/// A title without control characters and outer space; `None` when nothing is left.
pub(crate) fn tidy(text: &str) -> Option<String> {
    let printed = text
        .chars()
        .map(|sign| if sign.is_control() { ' ' } else { sign });
    let title: String = printed.take(CHARACTERS).collect();
    let title = title.trim();
    (!title.is_empty()).then(|| title.to_owned())
}

/// A title in UTF-8, up to the first zero byte.
pub(crate) fn from_utf8(bytes: &[u8]) -> Option<String> {
    let text = bytes.split(|byte| *byte == 0).next()?;
    tidy(&String::from_utf8_lossy(
        text.get(..4 * CHARACTERS).unwrap_or(text),
    ))
}
