//! A node that resides in a home, and commands that write beside it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::Read as _,
    thread,
    time::{Duration, Instant},
};

use ourspace_protocol::dag::Cid;
use ourspace_store::{Stage, Store, StoreError};

const WAIT: Duration = Duration::from_secs(20);

const MIB: usize = 1 << 20;

fn add(stage: &mut Stage<'_>, file: &[u8]) -> (Cid, Vec<u8>) {
    (stage.add(&mut &file[..]).unwrap().cid, file.to_vec())
}

fn check(store: &Store, files: &[(Cid, Vec<u8>)]) {
    for (cid, file) in files {
        let mut bytes = Vec::new();
        let mut kept = store.read().unwrap().file(*cid).unwrap().unwrap();
        kept.read_to_end(&mut bytes).unwrap();
        assert_eq!(&bytes, file);
    }
}

fn resident(home: &std::path::Path) -> Store {
    Store::open_resident(home, WAIT).unwrap()
}

#[test]
fn what_a_node_is_at_is_left_alone_by_commands() {
    let home = tempfile::tempdir().unwrap();
    let node = resident(home.path());
    // A small file and a large one are on their way while a command opens the home.
    let mut stage = node.stage().unwrap();
    let mut files = vec![
        add(&mut stage, &[1; 1000]),
        add(&mut stage, &vec![2; 3 * MIB]),
    ];
    {
        let command = Store::open_waiting(home.path(), WAIT).unwrap();
        let mut theirs = command.stage().unwrap();
        files.push(add(&mut theirs, &[3; 500]));
        files.push(add(&mut theirs, &vec![4; 2 * MIB + 7]));
        command.write(|writer| writer.keep(theirs)).unwrap();
    }
    node.write(|writer| writer.keep(stage)).unwrap();
    check(&node, &files);
    // Whoever opens it alone finds all of it, and tidies nothing away.
    drop(node);
    check(&Store::open(home.path()).unwrap(), &files);
}

#[test]
fn a_node_sees_what_commands_change_and_there_is_one_node() {
    let home = tempfile::tempdir().unwrap();
    let node = resident(home.path());
    let put = |store: &Store, value: &str| -> Result<(), StoreError> {
        store.write(|writer| writer.put_setting("test.value", &value))
    };
    put(&node, "mine").unwrap();
    let second = Store::open_resident(home.path(), Duration::ZERO);
    assert!(matches!(second, Err(StoreError::InUse { .. })));
    let command = Store::open(home.path()).unwrap();
    put(&command, "theirs").unwrap();
    let seen: Option<String> = node.read().unwrap().setting("test.value").unwrap();
    assert_eq!(seen.as_deref(), Some("theirs"));
    // While the command works, the node waits for its turn.
    thread::scope(|scope| {
        let waits = scope.spawn(|| put(&node, "mine again"));
        thread::sleep(Duration::from_millis(100));
        assert!(!waits.is_finished());
        drop(command);
        waits.join().unwrap().unwrap();
    });
}

#[test]
fn a_busy_node_does_not_keep_commands_waiting() {
    let home = tempfile::tempdir().unwrap();
    let node = resident(home.path());
    let begin = Instant::now();
    thread::scope(|scope| {
        let busy = scope.spawn(|| {
            while begin.elapsed() < Duration::from_secs(3) {
                node.write::<_, StoreError>(|writer| {
                    thread::sleep(Duration::from_millis(60));
                    writer.put_setting("test.busy", &begin.elapsed().as_millis())
                })
                .unwrap();
            }
        });
        thread::sleep(Duration::from_millis(200));
        // Each opens within the node's next changes, long before it is done.
        for _ in 0..5 {
            drop(Store::open_waiting(home.path(), Duration::from_secs(2)).unwrap());
        }
        assert!(!busy.is_finished());
        busy.join().unwrap();
    });
}
