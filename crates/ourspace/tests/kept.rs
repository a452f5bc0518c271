//! What is kept of others, and what is remembered: purges, quotas, whom a node knew. Real programs.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod nodes;
mod schema;
mod support;

use nodes::{Node, sound, until};

/// An author with a sound, and somebody who has it; the sound's CID, and a part of it.
fn author_and_reader() -> (Node, Node, String, Vec<u8>) {
    let author = Node::new();
    let file = author.place.folder().join("secret.wav");
    std::fs::write(&file, sound(9)).unwrap();
    author.post(&["a file", "--media", file.to_str().unwrap()]);
    let reader = Node::new();
    reader.follow(&author.account, &author);
    until("the file", || files_here(&reader) == 1);
    let path = author.place.json(&["timeline"])[0]["attachments"][0]["url"].clone();
    let name = path.as_str().unwrap().rsplit_once('/').unwrap().1;
    let cid = name.split_once('.').map_or(name, |(cid, _)| cid);
    (author, reader, cid.to_owned(), sound(9)[44..].to_vec())
}

fn files_here(node: &Node) -> u64 {
    let kept = node.place.json(&["mirror"])["accounts"][0].clone();
    kept["media_files_here"].as_u64().unwrap_or(0)
}

fn holds(node: &Node, secret: &[u8]) -> bool {
    let files = std::fs::read_dir(node.place.home().join("files")).unwrap();
    files.into_iter().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(secret.len()).any(|some| some == secret)
    })
}

#[test]
fn what_is_purged_beside_a_node_is_in_none_of_its_files() {
    let (author, reader, cid, secret) = author_and_reader();
    assert!(holds(&reader, &secret));
    let said = reader.place.run(&["purge", &cid]).ok().to_owned();
    assert!(said.contains("it is gone"), "{said}");
    assert!(!holds(&reader, &secret));
    // Nobody waits for it for ever.
    reader.place.run(&["mirror", "--wait"]).ok();
    // Taken off the list, it comes again by itself.
    reader.place.run(&["purge", &cid, "--undo"]).ok();
    until("the file again", || files_here(&reader) == 1);
    // A whole account goes as thoroughly, also from the public list.
    let said = reader
        .place
        .run(&["purge", &author.account])
        .ok()
        .to_owned();
    assert!(said.contains("it is gone"), "{said}");
    assert!(!holds(&reader, &secret));
    reader.place.run(&["purge", &author.account, "--undo"]).ok();
    reader.post(&["something else"]);
    let follows = reader.place.json(&["follows"]);
    assert_eq!(
        follows["accounts"].as_array().unwrap().len(),
        0,
        "{follows}"
    );
    let refused = reader.place.run(&["unfollow", &author.account]);
    refused.refused(1);
}

#[test]
fn what_is_one_s_own_is_not_purged() {
    let (author, .., cid, secret) = author_and_reader();
    for own in [&author.account, &cid] {
        let said = author.place.run(&["purge", own]);
        assert!(said.refused(1).contains("your own"), "{}", said.err);
    }
    assert!(holds(&author, &secret));
    assert_eq!(author.place.json(&["verify"])["valid"], true);
}

#[test]
fn where_there_is_more_room_more_comes() {
    let (_author, reader, ..) = author_and_reader();
    let kept = reader.place.json(&["mirror", "--total", "1kB"]);
    assert_eq!(
        (&kept["quota"], &kept["media_bytes"]),
        (&1000.into(), &0.into())
    );
    reader
        .place
        .run(&["mirror", "--total", "1GB", "--wait"])
        .ok();
    assert_eq!(files_here(&reader), 1);
}

/// Nobody is named again, nothing is said on the local network, and the two never stop in peace.
#[test]
fn who_was_met_is_remembered_whoever_dialled_and_whatever_ended_it() {
    let (mut author, mut reader, ..) = author_and_reader();
    let account = author.account.clone();
    let reads = |reader: &Node, words: &str| reader.texts(&account).contains(&words.to_owned());
    until("both remember", || {
        !remembered(&author).is_empty() && !remembered(&reader).is_empty()
    });
    let before = remembered(&author);
    // Whoever followed was killed.
    reader.kill();
    author.post(&["one"]);
    reader.start();
    until("the first", || reads(&reader, "one"));
    until("the new place", || remembered(&author) != before);
    // Whoever was only dialled is elsewhere from now on.
    author.kill();
    author.start();
    author.post(&["two"]);
    until("the second", || reads(&reader, "two"));
}

fn remembered(node: &Node) -> Vec<String> {
    let known = ourspace_store::NetworkStore::open(&node.place.home()).unwrap();
    let mut known = known.nodes(8).unwrap();
    known.sort();
    known
}
