//! Answers: their headers, ranges and conditions (RFC 9110), and the pages that say what
//! is wrong.

use std::ops::Range;

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH,
            CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE,
            LOCATION, RANGE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
        request::Parts,
    },
    response::Response,
};

use crate::{
    find::{Content, Found, Resource},
    kinds::kind,
    stream,
};

/// What the pages of a feed may do: load what lies beside them.
const OWN_PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
/// What other files may do, opened by themselves: nothing.
const OTHER_FILES: &str = "default-src 'none'; sandbox";
/// How long what never changes may be kept without asking: a year.
const LASTING: &str = "public, max-age=31536000, immutable";

/// Every answer has these.
const ALWAYS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The answer to a request for what was found.
pub(crate) fn found(request: &Parts, found: Found) -> Response {
    match found {
        Found::Nothing => page(
            StatusCode::NOT_FOUND,
            "Nothing here",
            "There is no such page in this feed. It may have been deleted.",
        ),
        Found::Folder(path) => {
            let mut response = page(StatusCode::PERMANENT_REDIRECT, "Moved", "Follow the slash.");
            if let Ok(value) = HeaderValue::try_from(format!("/{path}")) {
                response.headers_mut().insert(LOCATION, value);
            }
            response
        }
        Found::File(resource) => file(request, resource),
    }
}

fn file(request: &Parts, resource: Resource) -> Response {
    let tag = format!("\"{}\"", resource.cid);
    let kind = kind(&resource.path);
    let is_page = kind.shown && !resource.path.starts_with("media/");
    let mut headers = HeaderMap::new();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    put(ETAG, &tag);
    let caching = if resource.lasting {
        LASTING
    } else {
        "no-cache"
    };
    put(CACHE_CONTROL, caching);
    put(ACCEPT_RANGES, "bytes");
    put(CONTENT_TYPE, kind.mime);
    put(
        CONTENT_SECURITY_POLICY,
        if is_page { OWN_PAGES } else { OTHER_FILES },
    );
    if !kind.shown {
        put(CONTENT_DISPOSITION, "attachment");
    }
    let size = match &resource.content {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::Kept(kept) => kept.size(),
    };
    if names_tag(&request.headers, &tag) {
        headers.remove(CONTENT_TYPE);
        return response(StatusCode::NOT_MODIFIED, headers, Body::empty());
    }
    let (status, range) = match wanted(&request.headers, &tag, size) {
        Wanted::All => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => {
            put_range(&mut headers, &format!("bytes */{size}"));
            return response(StatusCode::RANGE_NOT_SATISFIABLE, headers, Body::empty());
        }
    };
    if status == StatusCode::PARTIAL_CONTENT {
        let last = range.end.saturating_sub(1);
        put_range(
            &mut headers,
            &format!("bytes {}-{last}/{size}", range.start),
        );
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    let body = if request.method == Method::HEAD {
        Body::empty()
    } else {
        content(resource.content, range)
    };
    response(status, headers, body)
}

fn content(content: Content, range: Range<u64>) -> Body {
    match content {
        Content::Kept(kept) => stream::body(kept, range),
        Content::Bytes(bytes) => {
            let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            Body::from(bytes.slice(at(range.start)..at(range.end)))
        }
    }
}

fn put_range(headers: &mut HeaderMap, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(CONTENT_RANGE, value);
    }
}

/// Whether the browser has these bytes already.
fn names_tag(headers: &HeaderMap, tag: &str) -> bool {
    let mut tags = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|value| value.trim().trim_start_matches("W/"));
    tags.any(|found| found == tag || found == "*")
}

/// Which bytes are wanted.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    /// A range beyond the end.
    Nothing,
}

/// One range is given, several at once are answered with the whole, as is one of other
/// bytes than these.
fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    if headers.contains_key(IF_RANGE) && text(IF_RANGE) != Some(tag) {
        return Wanted::All;
    }
    match text(RANGE) {
        Some(range) => parse_range(range, size).unwrap_or(Wanted::All),
        None => Wanted::All,
    }
}

fn parse_range(text: &str, size: u64) -> Option<Wanted> {
    let (from, to) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => from..to.saturating_add(1).min(size),
        (Some(from), None) if to.is_empty() => from..size,
        (None, Some(last)) if from.is_empty() => size.saturating_sub(last)..size,
        _ => return None,
    };
    Some(if range.start < range.end {
        Wanted::Part(range)
    } else {
        Wanted::Nothing
    })
}

/// The request was meant for somebody else.
pub(crate) fn misdirected() -> Response {
    page(
        StatusCode::MISDIRECTED_REQUEST,
        "Wrong address",
        "This feed answers only to this machine's own names, such as 127.0.0.1.",
    )
}

/// Nothing can be changed here.
pub(crate) fn method_not_allowed() -> Response {
    let mut response = page(
        StatusCode::METHOD_NOT_ALLOWED,
        "Only to be read",
        "This feed can be read here, and nothing else.",
    );
    let allow = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// The store failed; the log says how.
pub(crate) fn failed() -> Response {
    page(
        StatusCode::INTERNAL_SERVER_ERROR,
        "That did not work",
        "The page could not be made. `ourspace verify` checks the home.",
    )
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"/feed.css\">\n\
         <main class=\"page\"><h1>{title}</h1>\n<p>{text}</p>\n\
         <p><a href=\"/\">To the newest posts</a></p></main>\n</html>\n"
    );
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, OWN_PAGES),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response(status, headers, Body::from(html))
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    for (name, value) in ALWAYS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let part = |range| Some(Wanted::Part(range));
        for (text, wanted) in [
            ("bytes=0-0", part(0..1)),
            ("bytes=5-", part(5..10)),
            ("bytes=5-99", part(5..10)),
            ("bytes=-3", part(7..10)),
            ("bytes=-99", part(0..10)),
            ("bytes=0-99999999999999999999999", part(0..10)),
            ("bytes=10-", Some(Wanted::Nothing)),
            ("bytes=-0", Some(Wanted::Nothing)),
            ("bytes=7-5", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=+1-2", None),
            ("items=0-1", None),
        ] {
            assert_eq!(parse_range(text, 10), wanted, "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Some(Wanted::Nothing));
    }
}
