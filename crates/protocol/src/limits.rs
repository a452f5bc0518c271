//! Every size, count and interval of the protocol in one place.
//!
//! A limit here is a rule of the format: the chapters in `spec/` cite it, and a test
//! vector sits on each side of it.

use crate::time::Millis;

/// Bytes of a record with its grant on the wire: fits a BEP 44 item (1,000 bytes
/// bencoded) and any datagram.
pub const RECORD_BYTES: usize = 996;
/// Records that a record may follow directly.
pub const PARENTS: usize = 4;
/// Locations in a record.
pub const LOCATIONS: usize = 6;
/// Bytes of one location.
pub const LOCATION_BYTES: usize = 128;
/// Bytes of a grant's scope.
pub const SCOPE_BYTES: usize = 64;
/// Longest life of a grant: two years of 366 days.
pub const GRANT_LIFE: Millis = 2 * 366 * 24 * 60 * 60 * 1000;
/// How far ahead of the reader's clock a record may be: five minutes.
pub const CLOCK_SKEW: Millis = 5 * 60 * 1000;
/// Signers of one account that a resolver keeps.
pub const SIGNERS: usize = 8;
/// Bytes of a delta; a larger change travels as a tree only.
pub const DELTA_BYTES: usize = 16 * 1024;
/// Bytes of a rendered page that a follower recomputes; above it fetches.
pub const PAGE_BYTES: usize = 512 * 1024;
/// Pages that a follower recomputes for one delta; above it fetches.
pub const PAGES_TOUCHED: usize = 64;

/// Bytes of an item's text (Markdown).
pub const TEXT_BYTES: usize = 128 * 1024;
/// Bytes of a title, a content warning, a name, a label.
pub const LINE_BYTES: usize = 512;
/// Bytes of an attachment's description.
pub const ALT_BYTES: usize = 4 * 1024;
/// Bytes of a URL.
pub const URL_BYTES: usize = 2 * 1024;
/// Tags of an item.
pub const TAGS: usize = 64;
/// Bytes of a tag.
pub const TAG_BYTES: usize = 128;
/// Accounts that an item mentions.
pub const MENTIONS: usize = 64;
/// Attachments of an item.
pub const ATTACHMENTS: usize = 32;
/// Other sizes of one attachment.
pub const VARIANTS: usize = 8;
/// Older versions of an item that are kept beside it.
pub const OLDER_VERSIONS: usize = 7;
/// Accounts and web feeds that a feed follows publicly; of more, the rows written last
/// are kept.
pub const FOLLOWS: usize = 10_000;
/// Entries in each list of a profile (links, payments, names).
pub const PROFILE_LIST: usize = 32;
/// Named texts that an item or a profile carries for programs that know the name.
pub const MORE_ENTRIES: usize = 16;
/// Bytes of the name of such a text.
pub const MORE_NAME_BYTES: usize = 64;
/// Bytes of such a text.
pub const MORE_BYTES: usize = 4 * 1024;
/// Bytes of the profile's biography (Markdown).
pub const BIO_BYTES: usize = 8 * 1024;
/// The newest items: `feed.json` never has fewer while there are more.
pub const LIVE_ITEMS: usize = 50;
/// Items of a page: a page without a natural end is closed here.
pub const PAGE_ITEMS: usize = 256;
/// Weight of a page (256 for an item and for each attachment, and the bytes of its text,
/// title, warning, tags and named texts and of each attachment's description and title): a
/// page is closed before an item that would exceed it.
pub const PAGE_WEIGHT: usize = 192 * 1024;

/// Bytes of a block; what bitswap and gateways carry.
pub const BLOCK_BYTES: usize = 2 * 1024 * 1024;
/// Links of a block.
pub const BLOCK_LINKS: usize = 16_384;
/// Cumulative size of a DAG that a link may claim: 2^53 - 1, what a JavaScript number
/// holds exactly.
pub const TSIZE: u64 = (1 << 53) - 1;
/// Bytes of a file's piece (profile `unixfs-v1-2025`).
pub const CHUNK_BYTES: usize = 1024 * 1024;
/// Links of a file's inner node (profile `unixfs-v1-2025`).
pub const FILE_LINKS: usize = 1024;
/// Bytes of a directory's block; a larger directory is sharded (profile
/// `unixfs-v1-2025`).
pub const DIRECTORY_BYTES: usize = 256 * 1024;
/// Bytes of a name in a directory.
pub const NAME_BYTES: usize = 255;
/// Names in a path.
pub const PATH_DEPTH: usize = 16;
/// Entries of a directory.
pub const DIRECTORY_ENTRIES: usize = 8_000_000;

/// Bytes of the value of a like or vote: an emoji, a choice.
pub const VALUE_BYTES: usize = 256;
/// Width and height of a picture or video in pixels.
pub const PIXELS: u32 = 1_000_000;
/// The greatest whole number that every JSON reader holds exactly: 2^53 - 1.
pub const EXACT_NUMBER: u64 = (1 << 53) - 1;
/// Bytes of a JSON file of a feed that is read at all. What the other limits allow is
/// smaller.
pub const JSON_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of one message between nodes (`/ourspace/peer/1`): a record, a delta and room.
pub const FRAME_BYTES: usize = 32 * 1024;
/// Topics in one message.
pub const TOPICS_AT_ONCE: usize = 1024;
/// Accounts in one question.
pub const ACCOUNTS_AT_ONCE: usize = 256;
/// Bytes of the name and version of a node's program.
pub const AGENT_BYTES: usize = 64;
/// Records of one account in the DHT: one for each signer.
pub const ROW_BYTES: usize = SIGNERS * (RECORD_BYTES + 8) + 8;

/// Notices that wait for one account.
pub const MAILBOX: usize = 2_000;
/// Those of them that strangers share: an eighth.
pub const MAILBOX_STRANGERS: usize = MAILBOX / 8;
/// Notices of a home to one account that give way to nobody else's there.
pub const MAILBOX_OWN: usize = 256;
/// Bytes of all notices that wait at a home for others than its own account.
pub const MAILBOXES_BYTES: u64 = 256 * 1024 * 1024;
/// So long after it was signed, a notice waits: 30 days.
pub const NOTICE_LIFE: Millis = 30 * 24 * 60 * 60 * 1000;
/// Parts into which a mailbox is divided where two are compared.
pub const MAILBOX_PARTS: usize = 16;
/// Mailboxes in one message.
pub const MAILBOXES_AT_ONCE: usize = 512;
