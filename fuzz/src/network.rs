//! What other nodes send.

use ourspace_p2p::bitswap::message::{Message, Version};
use ourspace_protocol::{
    link::{self, Link},
    machine::rows::{self, Room, Rows, Situation},
    message,
    time::MAX_MILLIS,
};

/// A message of bitswap, without the length before it.
pub fn bitswap(bytes: &[u8]) {
    let Ok(message) = Message::decode(bytes.to_vec().into()) else {
        return;
    };
    let again = read_back(&message, Version::V1_2);
    let foreign = 0;
    assert_eq!(
        again,
        Some(Message {
            foreign,
            ..message.clone()
        }),
        "one message, two readings"
    );
    for version in [Version::V1_0, Version::V1_1] {
        assert!(
            read_back(&message, version).is_some(),
            "written and not read"
        );
    }
}

fn read_back(message: &Message, version: Version) -> Option<Message> {
    let bytes = message.encode(version).concat();
    // The length is the only number in front, and its last byte has no mark.
    let start = bytes.iter().position(|byte| byte & 0x80 == 0)? + 1;
    Message::decode(bytes.get(start..)?.to_vec().into()).ok()
}

/// A message between nodes.
pub fn message(bytes: &[u8]) {
    if let Ok(message) = message::Message::from_bytes(bytes) {
        assert_eq!(message.to_bytes(), bytes, "one message, two spellings");
    }
}

/// A row of the DHT: what is taken is given back as the same bytes to whoever asks.
pub fn row(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first_chunk::<20>() else {
        return;
    };
    let key = rows::key_of(ourspace_protocol::account::Account(*first));
    let situation = Situation {
        now: MAX_MILLIS,
        nearer: 0,
        followed: false,
    };
    let mut keeper = Rows::new([0; 32], Room::default());
    let mut gone = Vec::new();
    if keeper.put(key, rest, situation, &mut gone).is_ok() {
        let kept = keeper.get(&key).map(<[u8]>::to_vec).unwrap_or_default();
        let again = keeper.put(key, &kept, situation, &mut gone);
        assert_eq!(again, Ok(rows::Put::Known), "a row that is not itself");
    }
}

/// A link to an account: what is read is written again as a link that says the same.
pub fn link(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(link) = text.parse::<Link>() {
        let again = link.to_string();
        assert!(again.len() <= link::BYTES && link.peers().len() <= link::PEERS);
        assert_eq!(again.parse(), Ok(link), "one link, two readings");
    }
}
