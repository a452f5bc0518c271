//! What lies at a path, by what is in it; a name says nothing.

use super::input;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// XML: RSS or Atom.
    Xml,
    /// JSON.
    Json,
    /// An ActivityStreams collection, as the outbox of a Mastodon archive is.
    Outbox,
    /// Something else.
    Other,
}

/// What a file is, by how it begins.
pub(super) fn form(head: &[u8]) -> Form {
    let (text, _, _) = input::encoding(head).decode(head);
    match text.trim_start().chars().next() {
        Some('<') => Form::Xml,
        Some('{') if is_outbox(&text) => Form::Outbox,
        Some('{') => Form::Json,
        _ => Form::Other,
    }
}

/// The order of names in an object means nothing, so either tells.
fn is_outbox(text: &str) -> bool {
    text.contains("\"OrderedCollection") || text.contains("\"orderedItems\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_content() {
        assert_eq!(form(b"\xef\xbb\xbf \n<rss>"), Form::Xml);
        assert_eq!(form(b"\xff\xfe{\0}\0"), Form::Json);
        assert_eq!(form(b"{\"type\":\"OrderedCollection\"}"), Form::Outbox);
        assert_eq!(form(b"PK\x03\x04"), Form::Other);
        assert_eq!(form(b""), Form::Other);
    }
}
