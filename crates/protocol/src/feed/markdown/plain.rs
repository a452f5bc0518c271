//! The words of a post without its markup, for titles, previews and search.

/// The text of HTML that [`content_html`](super::content_html) made: no tags, blocks and
/// line breaks as line feeds, the four escapes undone. Not for other HTML.
#[must_use]
pub fn plain_text_of_html(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (text, special) = rest.split_at(at);
        out.push_str(text);
        if special.starts_with('<') {
            let end = special.find('>').map_or(special.len(), |end| end + 1);
            let (tag, after) = special.split_at(end);
            if matches!(tag, "</td>" | "</th>") && !out.ends_with([' ', '\n']) {
                out.push(' ');
            }
            // Between two blocks there is one line feed, however many tags there are.
            let fresh = out.is_empty() || out.ends_with('\n');
            rest = if fresh {
                after.trim_start_matches('\n')
            } else {
                after
            };
        } else {
            let (character, length) = entity(special);
            out.push_str(character);
            rest = &special[length..];
        }
    }
    out.push_str(rest);
    out.truncate(out.trim_end().len());
    out
}

fn entity(text: &str) -> (&'static str, usize) {
    const ENTITIES: [(&str, &str); 4] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
    ];
    for (name, character) in ENTITIES {
        if text.starts_with(name) {
            return (character, name.len());
        }
    }
    ("&", 1)
}

/// The beginning of a text as one line of at most `limit` characters, cut between words
/// where that is possible; `…` says that there is more.
#[must_use]
pub fn excerpt(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit * 4));
    let mut length = 0;
    for word in text.split_whitespace() {
        let space = usize::from(!out.is_empty());
        let left = limit.saturating_sub(length + space + 1);
        let characters = word.chars().take(left + 1).count();
        if characters > left {
            if out.is_empty() {
                out.extend(word.chars().take(left));
            }
            out.push('…');
            return out;
        }
        if space == 1 {
            out.push(' ');
        }
        out.push_str(word);
        length += space + characters;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::markdown::note_html;

    #[test]
    fn words_only() {
        let html =
            note_html("# A *b*\n\nc & `<d>`\ne\n\n- f\n- g\n\n| h | i |\n|-|-|\n| j | k |\n");
        assert_eq!(
            plain_text_of_html(&html),
            "A b\nc & <d>\ne\nf\ng\nh i \nj k"
        );
        assert_eq!(plain_text_of_html("&amp;lt;&x"), "&lt;&x");
    }

    #[test]
    fn excerpts_end_between_words() {
        assert_eq!(excerpt(" one\n two  three ", 20), "one two three");
        assert_eq!(excerpt("one two three", 9), "one two…");
        assert_eq!(excerpt("unbreakable", 6), "unbre…");
        assert_eq!(excerpt("", 6), "");
        assert_eq!(excerpt("שלום עולם טוב", 9), "שלום…");
    }
}
