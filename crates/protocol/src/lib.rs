//! The pure protocol of OurSpace: what an account, a grant, a record and a feed are,
//! and how anybody checks them.
//!
//! This room has no clock, no randomness, no files and no sockets: time and bytes come
//! in as arguments and results go out as values, so every rule can be tested, fuzzed and
//! simulated as it stands. Whoever needs the outside world lives in another crate.
//!
//! Where to start reading: [`record`] is the signed row that everything turns on,
//! [`verify`] is the only door from strangers' bytes to [`verify::Verified`], and
//! [`feed`] is the tree of ordinary files that a record names.

pub mod account;
pub mod announcement;
pub mod cbor;
pub mod dag;
pub mod delta;
pub mod eip712;
pub mod feed;
pub mod grant;
pub mod hash;
pub mod heads;
pub mod limits;
pub mod link;
pub mod machine;
pub mod message;
pub mod notice;
pub mod record;
pub mod seams;
pub mod signature;
pub mod succession;
pub mod time;
pub mod verify;
