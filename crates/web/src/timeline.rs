//! The timeline: what this home and those whom it follows have published, as one plain page
//! that only shows.

use ourspace_protocol::{
    account::Account,
    feed::{model::Item, render, state::FeedState as _, text::push_escaped},
    time::rfc3339,
};
use ourspace_store::{Cursor, Hit, Reader};

use crate::error::FindError;

/// Where it is.
pub(crate) const PATH: &str = "timeline/index.html";
/// Before the path of a file of somebody's feed.
pub(crate) const OF: &str = "of/";
/// Posts on the page.
const POSTS: usize = 50;

/// Before the address and id of a post, after which an older page begins.
pub(crate) const OLDER: &str = "timeline/older/";

/// The page: the newest posts, or those before `from`.
pub(crate) fn page(
    reader: &Reader<'_>,
    own: Account,
    from: Option<Cursor>,
) -> Result<String, FindError> {
    let found = reader.home_timeline(own, from, POSTS)?;
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Timeline</title>\
         <link rel=\"stylesheet\" href=\"/timeline/style.css\"></head><body><main>\
         <h1>Timeline</h1>",
    );
    if found.hits.is_empty() {
        out.push_str("<p class=\"empty\">Nothing yet. What you and those whom you follow publish will stand here.</p>");
    }
    for hit in &found.hits {
        post(&mut out, reader, hit)?;
    }
    if let (Some(_), Some(last)) = (found.next, found.hits.last()) {
        let older = format!("/{OLDER}{}/{}/", last.account, last.item.id);
        out.push_str("<nav><a rel=\"next\" href=\"");
        push_escaped(&mut out, &older);
        out.push_str("\">Older posts</a></nav>");
    }
    out.push_str("</main></body></html>\n");
    Ok(out)
}

fn post(out: &mut String, reader: &Reader<'_>, hit: &Hit) -> Result<(), FindError> {
    let (account, item) = (hit.account, &hit.item);
    let name = reader.feed(account)?.profile()?.display_name.value;
    // A feed of the ordinary web has its pages there, and none here.
    let (home, whose) = match reader.web_feed(account)? {
        Some(feed) => (feed.url.clone(), feed.url),
        None => (format!("/{OF}{account}/"), account.to_string()),
    };
    out.push_str("<article><header><a class=\"who\" dir=\"auto\" href=\"");
    push_escaped(out, &home);
    out.push_str("\">");
    push_escaped(out, if name.is_empty() { &whose } else { &name });
    out.push_str("</a> <time datetime=\"");
    let date = rfc3339(item.date);
    push_escaped(out, &date);
    out.push_str("\">");
    let shown = date.get(..16).unwrap_or(&date).replace('T', " ");
    push_escaped(out, &shown);
    out.push_str(" UTC</time>");
    let origin = item.origin.as_deref();
    if let Some(origin) =
        origin.filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    {
        out.push_str(" <a class=\"origin\" rel=\"noreferrer\" href=\"");
        push_escaped(out, origin);
        out.push_str("\">original</a>");
    }
    out.push_str("</header>");
    if let Some(title) = &item.title {
        out.push_str("<h2 dir=\"auto\">");
        push_escaped(out, title);
        out.push_str("</h2>");
    }
    out.push_str("<div dir=\"auto\">");
    out.push_str(&body(account, item));
    out.push_str("</div></article>");
    Ok(())
}

/// The item as its renderer shows it, with media out of its own feed.
fn body(account: Account, item: &Item) -> String {
    let prefix = format!("/{OF}{account}/");
    let html = render::entry(item.renderer, item)
        .and_then(|entry| render::content_html(item.renderer, &account, &entry, &prefix));
    // Items of feeds that are here have pages here.
    let html = html.map(|html| html.replace("href=\"ourspace:", "href=\"/of/"));
    html.unwrap_or_else(|_| {
        let mut out = "<pre>".to_owned();
        push_escaped(&mut out, &item.text);
        out.push_str("</pre>");
        out
    })
}
