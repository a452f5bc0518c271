//! One rich feed, used by the golden files, by the tests with other programs and by the
//! example that shows what a feed looks like. It has one of everything that a feed can
//! hold, in several scripts.

mod tree;

use ourspace_protocol::{
    account::Account,
    dag::cid::{Cid, Codec},
    feed::model::{
        About, Attachment, File, Follow, Followee, Follows, Item, ItemId, Kind, Link, Payment,
        Profile, Stamped, Target, Tombstone,
    },
};

pub use self::tree::{files, write_tree};

/// Whose feed it is: the address of secret key 1.
pub const ACCOUNT: &str = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";
/// Somebody else: secret key 2.
pub const OTHER: &str = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF";

/// 24 November 2026, 12:00 UTC.
const NOON: u64 = 1_795_521_600_000;
const HOUR: u64 = 3_600_000;

/// Bytes of one media file, with what is known of them.
#[derive(Debug, Clone)]
pub struct Media {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub mime: &'static str,
    /// The ending of its path.
    pub extension: &'static str,
    /// Its width and height.
    pub pixels: Option<(u32, u32)>,
}

impl Media {
    /// Bytes that stand for a file, where nobody looks at it.
    #[must_use]
    pub fn stand_in(name: &str, mime: &'static str, extension: &'static str) -> Self {
        Self {
            bytes: format!("stand-in for {name}").into_bytes(),
            mime,
            extension,
            pixels: None,
        }
    }

    /// The same with its measures.
    #[must_use]
    pub fn sized(self, width: u32, height: u32) -> Self {
        Self {
            pixels: Some((width, height)),
            ..self
        }
    }

    /// The file as an item names it, in one block.
    #[must_use]
    pub fn file(&self) -> File {
        let cid = Cid::of(Codec::Raw, &self.bytes);
        File {
            path: format!("media/2026/11/{cid}.{}", self.extension),
            size: self.bytes.len() as u64,
            mime: self.mime.to_owned(),
            pixels: self.pixels,
        }
    }
}

/// The media of the sample feed: pictures (each with a smaller size), video with its
/// still, sound, a document.
#[derive(Debug, Clone)]
pub struct MediaSet {
    /// Five pictures, each in two sizes.
    pub pictures: Vec<(Media, Media)>,
    /// The author's picture.
    pub avatar: Media,
    /// A video.
    pub video: Media,
    /// Its still picture.
    pub poster: Media,
    /// A recording.
    pub sound: Media,
    /// A file that is only downloaded.
    pub document: Media,
}

impl MediaSet {
    /// Stand-ins for everything.
    #[must_use]
    pub fn stand_in() -> Self {
        let picture = |n: u32| {
            let wide = Media::stand_in(&format!("picture {n}"), "image/webp", "webp");
            let small = Media::stand_in(&format!("small picture {n}"), "image/webp", "webp");
            (
                wide.sized(1600, 1200 - 100 * n),
                small.sized(480, 360 - 30 * n),
            )
        };
        Self {
            pictures: (0..5).map(picture).collect(),
            avatar: Media::stand_in("avatar", "image/webp", "webp").sized(480, 480),
            video: Media::stand_in("video", "video/mp4", "mp4").sized(1280, 720),
            poster: Media::stand_in("poster", "image/webp", "webp").sized(1280, 720),
            sound: Media::stand_in("sound", "audio/mpeg", "mp3"),
            document: Media::stand_in("document", "application/pdf", "bin"),
        }
    }

    /// Every file there is.
    pub fn all(&self) -> impl Iterator<Item = &Media> {
        let pictures = self.pictures.iter().flat_map(|(wide, small)| [wide, small]);
        pictures.chain([
            &self.avatar,
            &self.video,
            &self.poster,
            &self.sound,
            &self.document,
        ])
    }

    fn picture(&self, n: usize, alt: &str) -> Attachment {
        let (wide, small) = &self.pictures[n % self.pictures.len()];
        Attachment {
            variants: vec![small.file()],
            thumbhash: Some("1QcSHQRnh493V4dIh4eXh1h4kJUI".to_owned()),
            ..Attachment::new(wide.file(), alt)
        }
    }
}

/// Everything in the sample feed.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Whose feed it is.
    pub account: Account,
    /// Who they are.
    pub profile: Profile,
    /// Posts, newest first.
    pub items: Vec<Item>,
    /// Older versions of the edited post.
    pub older: Vec<Item>,
    /// A like and a vote.
    pub likes: Vec<Item>,
    /// An account, a web feed, and one followed no longer.
    pub follows: Follows,
    /// Two deleted items.
    pub tombstones: Vec<Tombstone>,
}

/// The sample feed with these media.
#[must_use]
pub fn sample(media: &MediaSet) -> Sample {
    let mut items = words();
    items.extend(pictures(media));
    items.extend(players(media));
    items.extend(relations());
    items.sort_by_key(|item| std::cmp::Reverse(item.key()));
    let (edited, older) = edited();
    let at = items.partition_point(|item| item.key() > edited.key());
    items.insert(at, edited);
    Sample {
        account: account(ACCOUNT),
        profile: profile(media),
        items,
        older: vec![older],
        likes: likes(),
        follows: follows(),
        tombstones: vec![
            Tombstone {
                date: NOON,
                id: id(200),
            },
            Tombstone {
                date: NOON + 1,
                id: id(201),
            },
        ],
    }
}

fn account(text: &str) -> Account {
    // Both addresses are right; a typing error in them would show in every golden file.
    text.parse().unwrap_or(Account([0; 20]))
}

/// Ids that look like ids, one for every number.
#[must_use]
pub fn id(n: u8) -> ItemId {
    ItemId(std::array::from_fn(|at| {
        n.wrapping_mul(31).wrapping_add((at % 3) as u8 * 77) ^ 0x5a
    }))
}

fn post(n: u8, text: &str) -> Item {
    Item::new(id(n), NOON - u64::from(n) * 7 * HOUR, text)
}

fn labelled(mut item: Item, language: &str, tags: &[&str]) -> Item {
    item.labels.language = Some(language.to_owned());
    item.labels.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    item
}

const LONG: &str = "It has been raining for a week, so I finally wrote down how this house works.\n\n\
# What I wanted\n\nA place that is **mine**: no company in between, nothing to sign up for. \
See [the notes](https://example.org/notes?a=1&b=2 \"Notes\") or write to ada@example.org.\n\n\
1. Write\n2. Sign\n3. Let go\n   - of the server\n   - of the *password*\n\n\
- [x] posts\n- [ ] a bigger table\n\n\
## What it costs\n\n\
| what | how much | since |\n|:-----|---------:|:-----:|\n| machine | 0 € | 2019 |\n| domain | ~~12 €~~ none | 2026 |\n\n\
> Simplicity is a great virtue.\n>\n> > But it requires hard work.\n\n\
```rust\nfn main() {\n    println!(\"<hello> & a line that is so long that it has to scroll inside of its own box, not the page\");\n}\n```\n\n\
Averyveryveryverylongwordwithoutanyspacewhichmustnotmakethepagescrollsidewaysonaphone and `code` and <b>raw HTML</b>.\n\n\
![a tracking pixel](https://tracker.example/p.gif) [bad](javascript:alert(1))\n\n***\n\nThat is all.";

fn words() -> Vec<Item> {
    let long = "A long title that says everything there is to say about a rainy week, a new table, and the way from the first idea to the last screw";
    let mut essay = labelled(post(3, LONG), "en", &["house", "rain", "a-longer-tag"]);
    essay.title = Some(long.to_owned());
    let mut imported = post(
        40,
        "This one moved here from my old place.\nIt kept its date.",
    );
    imported.origin = Some("https://old.example.org/2019/03/hello.html".to_owned());
    imported.date = 1_551_434_400_000;
    imported.written = Some(NOON);
    let mut hebrew = labelled(
        post(
            5,
            "היום ירד גשם כל היום, ואני נשארתי בבית עם ספר טוב.\n\nMixed with English, and a link: https://example.org/\n\n- ראשון\n- שני",
        ),
        "he",
        &["גשם", "books"],
    );
    hebrew.title = Some("יום גשום (rain)".to_owned());
    vec![
        post(
            1,
            "The rain has stopped and the whole street smells of wet stone.\nGoing out to look for snails. 🐌",
        ),
        essay,
        labelled(
            post(
                4,
                "صباح الخير! اليوم كتبت أول سطر في بيتي الجديد على الشبكة، **بدون خادم** وبدون كلمة مرور.",
            ),
            "ar",
            &["بيت"],
        ),
        hebrew,
        labelled(post(6, "雨が止みました。散歩に行きます。"), "ja", &[]),
        imported,
    ]
}

fn pictures(media: &MediaSet) -> Vec<Item> {
    let with = |n: u8, text: &str, count: usize| {
        let alts = [
            "A lake between mountains, a boat on it",
            "Left bank",
            "Right bank",
            "The same in the evening",
            "",
        ];
        let mut item = post(n, text);
        item.attachments = (0..count).map(|n| media.picture(n, alts[n % 5])).collect();
        item
    };
    let mut warned = with(11, "I warned you, it has **eight** legs.", 1);
    warned.labels.warning = Some("A spider, close up".to_owned());
    let mut inline = with(14, "", 2);
    inline.title = Some("A picture in the text".to_owned());
    inline.text = format!(
        "First the lake:\n\n![The lake]({})\n\nThe rest is below.",
        media.pictures[0].0.file().path
    );
    vec![
        with(2, "Four from the lake.", 4),
        with(7, "", 1),
        with(8, "Two of them.", 2),
        with(9, "Three of them.", 3),
        with(10, "And five, because why not.", 5),
        warned,
        inline,
    ]
}

fn players(media: &MediaSet) -> Vec<Item> {
    let mut video = post(12, "The workshop, moving.");
    video.attachments = vec![Attachment {
        duration: Some(5_280),
        poster: Some(media.poster.file()),
        ..Attachment::new(media.video.file(), "A lathe turning a table leg")
    }];
    let mut sound = post(13, "Recorded through the open window.");
    sound.attachments = vec![Attachment {
        title: Some("Rain on the roof, part 1".to_owned()),
        duration: Some(187_400),
        ..Attachment::new(media.sound.file(), "Rain, now and then a car")
    }];
    let mut document = post(15, "The plan of the table, for those who asked.");
    document.attachments = vec![Attachment {
        title: Some("Plan of the table.pdf".to_owned()),
        ..Attachment::new(media.document.file(), "")
    }];
    vec![video, sound, document]
}

fn about(kind: Kind, n: u8, text: &str, target: Target) -> Item {
    let about = About {
        target,
        thread: None,
        value: None,
    };
    Item {
        kind,
        about: Some(about),
        ..post(n, text)
    }
}

fn relations() -> Vec<Item> {
    let theirs = || Target::Item(account(OTHER), id(90));
    let mut reply = about(
        Kind::Reply,
        16,
        "I would take oak. It forgives more.",
        theirs(),
    );
    if let Some(about) = &mut reply.about {
        about.thread = Some(Target::Item(account(OTHER), id(91)));
    }
    reply.labels.mentions = vec![account(OTHER)];
    let own = Target::Item(account(ACCOUNT), id(3));
    let page = Target::Url(
        "https://www.example.org/2026/11/on-wood-and-its-many-ways-to-bend-and-break/index.html"
            .to_owned(),
    );
    vec![
        reply,
        about(
            Kind::Reply,
            17,
            "One more thing: the code is at the end.",
            own,
        ),
        about(Kind::Repost, 18, "", theirs()),
        about(Kind::Quote, 19, "This, so much.", page),
    ]
}

/// The edited post and what it was before.
fn edited() -> (Item, Item) {
    let older = post(20, "The shop opens at nine.");
    let newer = Item {
        text: "The shop opens at **ten**.".to_owned(),
        more: [("org.example.hours".to_owned(), "10-18".to_owned())].into(),
        written: Some(older.date + 2 * HOUR),
        edits: 1,
        ..older.clone()
    };
    (newer, older)
}

fn likes() -> Vec<Item> {
    let mut like = about(Kind::Like, 30, "", Target::Item(account(OTHER), id(90)));
    if let Some(about) = &mut like.about {
        about.value = Some("🪵".to_owned());
    }
    let mut vote = about(Kind::Vote, 31, "", Target::Item(account(OTHER), id(92)));
    if let Some(about) = &mut vote.about {
        about.value = Some("oak".to_owned());
    }
    vec![like, vote]
}

fn stamped<T>(value: T) -> Stamped<T> {
    Stamped {
        value,
        written: NOON,
    }
}

fn profile(media: &MediaSet) -> Profile {
    let link = |label: &str, url: &str| Link {
        label: label.to_owned(),
        url: url.to_owned(),
    };
    let bio =
        "Carpenter, reader, **slow** walker.\nI write about wood & rain: https://example.org/";
    let wide = Attachment::new(media.pictures[0].0.file(), "");
    Profile {
        display_name: stamped("Ada Lindqvist".to_owned()),
        bio: stamped(bio.to_owned()),
        avatar: stamped(Some(Attachment::new(media.avatar.file(), "Ada, laughing"))),
        banner: stamped(Some(wide)),
        links: stamped(vec![
            link("Workshop", "https://example.org/"),
            link("Photos", "https://example.org/photos?x=1&y=2"),
        ]),
        tox: stamped(Some(
            "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5"
                .to_owned(),
        )),
        email: stamped(Some("ada@proton.me".to_owned())),
        payments: stamped(vec![Payment {
            kind: "bitcoin".to_owned(),
            address: "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq".to_owned(),
        }]),
        names: stamped(vec!["ada.eth".to_owned(), "ada.example.org".to_owned()]),
        language: stamped(Some("en".to_owned())),
        more: [(
            "org.example.status".to_owned(),
            stamped("in the workshop".to_owned()),
        )]
        .into(),
    }
}

fn follows() -> Follows {
    let row = |following, title: Option<&str>| {
        stamped(Follow {
            following,
            title: title.map(Into::into),
        })
    };
    Follows::from([
        (Followee::Account(account(OTHER)), row(true, Some("Björn"))),
        (
            Followee::Feed("https://example.org/feed.xml".to_owned()),
            row(true, Some("Wood & Co")),
        ),
        (
            Followee::Feed("https://gone.example/rss".to_owned()),
            row(false, None),
        ),
    ])
}
