//! Messages between nodes: what is written is read, and nothing else.

use ourspace_protocol::{
    account::Account,
    limits,
    message::{Answer, Mail, Message, MessageError, Short, Topic},
};
use proptest::prelude::*;

fn all() -> Vec<Message> {
    let (topic, short) = (Topic::of(Account([7; 20])), Short([9; 8]));
    vec![
        Message::Hello {
            clock: 1 << 40,
            agent: "ourspace/0.1".to_owned(),
            run: u64::MAX,
        },
        Message::Interests {
            joined: vec![topic; 3],
            left: vec![topic],
        },
        Message::News {
            record: vec![1; 400],
            delta: None,
        },
        Message::News {
            record: vec![1; limits::RECORD_BYTES],
            delta: Some(vec![2; limits::DELTA_BYTES]),
        },
        Message::Have(vec![(topic, short); limits::TOPICS_AT_ONCE]),
        Message::Graft(vec![(topic, None), (topic, Some(short))]),
        Message::Prune(vec![topic]),
        Message::Sum(short),
        Message::Ask {
            id: 3,
            accounts: vec![(Account([1; 20]), short)],
        },
        Message::Told {
            id: 3,
            records: vec![vec![5; 500]; 2],
            last: true,
        },
    ]
    .into_iter()
    .chain(mail().into_iter().map(Message::Mail))
    .collect()
}

fn mail() -> Vec<Mail> {
    let (target, short) = (Account([3; 20]), Short([9; 8]));
    vec![
        Mail::Notice {
            target,
            record: vec![1; limits::RECORD_BYTES],
            delta: vec![2; limits::DELTA_BYTES],
        },
        Mail::Kept {
            target,
            record: short,
            answer: Answer::Passed,
        },
        Mail::Mailboxes(vec![(Topic::of(target), short); limits::MAILBOXES_AT_ONCE]),
        Mail::Sums {
            target,
            sums: [short; limits::MAILBOX_PARTS],
        },
        Mail::Marks {
            target,
            parts: 0xffff,
            marks: vec![short; limits::MAILBOX],
        },
        Mail::Wanted {
            target,
            marks: vec![short],
        },
    ]
}

#[test]
fn what_is_written_is_read() {
    for message in all() {
        let bytes = message.to_bytes();
        assert!(bytes.len() <= limits::FRAME_BYTES, "{message:?}");
        assert_eq!(Message::from_bytes(&bytes), Ok(message));
    }
}

#[test]
fn too_much_is_refused_and_the_unknown_is_told_apart() {
    let too_much = [
        Message::Hello {
            clock: 1,
            agent: "x".repeat(limits::AGENT_BYTES + 1),
            run: 1,
        },
        Message::News {
            record: vec![1; limits::RECORD_BYTES + 1],
            delta: None,
        },
        Message::News {
            record: vec![1; 9],
            delta: Some(vec![0; limits::DELTA_BYTES + 1]),
        },
        Message::Have(vec![
            (Topic([0; 16]), Short([0; 8]));
            limits::TOPICS_AT_ONCE + 1
        ]),
        Message::Mail(Mail::Notice {
            target: Account([3; 20]),
            record: vec![1; 9],
            delta: vec![2; limits::DELTA_BYTES + 1],
        }),
        Message::Mail(Mail::Marks {
            target: Account([3; 20]),
            parts: 1 << limits::MAILBOX_PARTS,
            marks: Vec::new(),
        }),
        Message::Mail(Mail::Wanted {
            target: Account([3; 20]),
            marks: vec![Short([1; 8]); limits::MAILBOX + 1],
        }),
    ];
    for message in too_much {
        let read = Message::from_bytes(&message.to_bytes());
        assert!(matches!(read, Err(MessageError::Malformed(_))), "{read:?}");
    }
    let frame = vec![0; limits::FRAME_BYTES + 1];
    assert_eq!(Message::from_bytes(&frame), Err(MessageError::TooLarge));
    assert_eq!(
        Message::from_bytes(&[0x82, 0x18, 99, 0xf6]),
        Err(MessageError::Unknown(99))
    );
}

proptest! {
    #[test]
    fn broken_messages_are_no_panic_and_no_second_spelling(
        which in 0usize..16, at in any::<usize>(), byte in any::<u8>(), cut in any::<usize>(),
    ) {
        let mut bytes = all()[which].to_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut % 3);
        if let Ok(message) = Message::from_bytes(&bytes) {
            prop_assert_eq!(message.to_bytes(), bytes);
        }
    }
}
