//! What the command line, the web API and other programs are shown of a feed.
//!
//! These structs are the stable JSON of `spec/schemas`: names are never changed and never
//! mean something else. Where JSON Feed has a name for something, it is used in its
//! meaning, `content_html` and paths as in the `feed.json` of the item's own feed.

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    feed::{
        check::kind_name,
        model::{
            About, Attachment, File, Followee, Follows, Item, ItemId, Link, Payment, Profile,
            Target,
        },
        page::Entry,
        render,
        text::push_escaped,
    },
    time::{Millis, rfc3339},
};
use serde::Serialize;

/// An item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemView {
    /// In whose feed.
    pub account: Account,
    /// Its id there.
    pub id: ItemId,
    /// Its name in every feed: `ourspace:ACCOUNT/ID`.
    pub uri: String,
    /// The path of its page in the feed's tree.
    pub url: String,
    /// `post`, `reply`, `repost`, `quote`, `like`, `vote`.
    pub kind: &'static str,
    /// When it was published (RFC 3339).
    pub date: String,
    /// What is in it.
    #[serde(flatten)]
    pub content: ContentView,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<AboutView>,
    /// Where it stood before it was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_url: Option<String>,
}

/// What is in an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContentView {
    /// When it was last edited (RFC 3339); absent when it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<String>,
    /// A headline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text as it was written (Markdown).
    pub content_text: String,
    /// The item in one harmless piece of HTML.
    pub content_html: String,
    /// Language of the text (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Tags without `#`.
    pub tags: Vec<String>,
    /// What to expect before opening it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Accounts that it speaks of or to.
    pub mentions: Vec<Account>,
    /// Pictures, sound, video.
    pub attachments: Vec<AttachmentView>,
}

/// What an item is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AboutView {
    /// The item or web page.
    pub target: Target,
    /// The first item of its thread, if that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<Target>,
    /// The emoji of a like, the choice of a vote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A file of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileView {
    /// Its path in the feed's tree.
    pub url: String,
    /// Media type.
    pub mime_type: String,
    /// Bytes.
    pub size_in_bytes: u64,
    /// Width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// Something attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttachmentView {
    /// The file that is shown or played.
    #[serde(flatten)]
    pub file: FileView,
    /// What it shows or says; may be empty.
    pub alt: String,
    /// A title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whole seconds of sound or video, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_in_seconds: Option<u64>,
    /// A preview of some bytes in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<String>,
    /// Smaller sizes of a picture, smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<FileView>,
    /// The picture as it was taken, without metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<FileView>,
    /// The still picture of a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poster: Option<FileView>,
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProfileView {
    /// Whose.
    pub account: Account,
    /// The feed's root; absent before anything was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<Cid>,
    /// The name that is shown; may be empty.
    pub display_name: String,
    /// The biography (Markdown); may be empty.
    pub bio: String,
    /// The pictures.
    #[serde(flatten)]
    pub pictures: PicturesView,
    /// The person's other places.
    pub links: Vec<Link>,
    /// Addresses.
    #[serde(flatten)]
    pub contact: ContactView,
    /// Whom the feed follows publicly.
    pub follows: Vec<FollowView>,
}

/// The pictures of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PicturesView {
    /// A small square picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<AttachmentView>,
    /// A wide picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<AttachmentView>,
}

/// Addresses and claims of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContactView {
    /// Tox ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tox: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Payment addresses beside the account: plain claims.
    pub payments: Vec<Payment>,
    /// Domain and ENS names that the feed claims.
    pub names: Vec<String>,
    /// The language that is mostly written in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// A public follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FollowView {
    /// An account or the address of a web feed.
    pub who: Followee,
    /// What the follower calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Since when, or when it was last renamed (RFC 3339).
    pub date: String,
}

impl ItemView {
    /// An item as it is shown.
    #[must_use]
    pub fn new(account: Account, item: &Item) -> Self {
        Self {
            account,
            id: item.id,
            uri: Target::Item(account, item.id).to_string(),
            url: item_url(item.id),
            kind: kind_name(item.kind),
            date: rfc3339(item.date),
            content: ContentView::new(account, item),
            about: item.about.as_ref().map(AboutView::new),
            external_url: item.origin.clone(),
        }
    }
}

impl ContentView {
    fn new(account: Account, item: &Item) -> Self {
        Self {
            edited: (item.edits > 0).then(|| rfc3339(item.written())),
            title: item.title.clone(),
            content_text: item.text.clone(),
            content_html: content_html(account, item),
            language: item.labels.language.clone(),
            tags: item.labels.tags.clone(),
            warning: item.labels.warning.clone(),
            mentions: item.labels.mentions.clone(),
            attachments: item.attachments.iter().map(AttachmentView::new).collect(),
        }
    }
}

impl AboutView {
    fn new(about: &About) -> Self {
        Self {
            target: about.target.clone(),
            thread: about.thread.clone(),
            value: about.value.clone(),
        }
    }
}

impl FileView {
    fn new(file: &File) -> Self {
        Self {
            url: file.path.clone(),
            mime_type: file.mime.clone(),
            size_in_bytes: file.size,
            width: file.pixels.map(|(width, _)| width),
            height: file.pixels.map(|(_, height)| height),
        }
    }
}

impl AttachmentView {
    /// An attachment as it is shown.
    #[must_use]
    pub fn new(attachment: &Attachment) -> Self {
        Self {
            file: FileView::new(&attachment.file),
            alt: attachment.alt.clone(),
            title: attachment.title.clone(),
            duration_in_seconds: attachment.duration.map(seconds),
            thumbhash: attachment.thumbhash.clone(),
            variants: attachment.variants.iter().map(FileView::new).collect(),
            original: attachment.original.as_ref().map(FileView::new),
            poster: attachment.poster.as_ref().map(FileView::new),
        }
    }
}

impl ProfileView {
    /// A profile as it is shown, with the public follows that have not ended.
    #[must_use]
    pub fn new(account: Account, root: Option<Cid>, profile: Profile, follows: &Follows) -> Self {
        let picture = |picture: &Option<Attachment>| picture.as_ref().map(AttachmentView::new);
        Self {
            account,
            root,
            display_name: profile.display_name.value,
            bio: profile.bio.value,
            pictures: PicturesView {
                avatar: picture(&profile.avatar.value),
                banner: picture(&profile.banner.value),
            },
            links: profile.links.value,
            contact: ContactView {
                tox: profile.tox.value,
                email: profile.email.value,
                payments: profile.payments.value,
                names: profile.names.value,
                language: profile.language.value,
            },
            follows: follow_views(follows),
        }
    }
}

fn follow_views(follows: &Follows) -> Vec<FollowView> {
    follows
        .iter()
        .filter(|(_, row)| row.value.following)
        .map(|(who, row)| FollowView {
            who: who.clone(),
            title: row.value.title.clone(),
            date: date(row.written),
        })
        .collect()
}

fn date(at: Millis) -> String {
    rfc3339(at)
}

/// The path of an item's page in its feed's tree.
#[must_use]
pub fn item_url(id: ItemId) -> String {
    format!("posts/{id}/")
}

/// Whole seconds as a feed has them.
fn seconds(ms: u64) -> u64 {
    (ms / 1_000 + u64::from(ms % 1_000 >= 500)).max(1)
}

/// The item as HTML; as it was typed where its renderer is not known.
fn content_html(account: Account, item: &Item) -> String {
    let html = render::entry(item.renderer, item)
        .and_then(|entry: Entry<'_>| render::content_html(item.renderer, &account, &entry, ""));
    html.unwrap_or_else(|_| {
        let mut out = "<pre>".to_owned();
        push_escaped(&mut out, &item.text);
        out.push_str("</pre>");
        out
    })
}
