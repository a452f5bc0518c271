//! What other nodes send.

use ourspace_p2p::bitswap::message::{Message, Version};

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
