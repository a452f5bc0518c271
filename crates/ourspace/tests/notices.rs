//! Notices between real programs.

mod nodes;
mod schema;
mod support;

use nodes::{Node, until};

#[test]
fn a_stranger_answers_while_the_author_is_away_and_all_see_it_and_its_end() {
    let mut author = Node::new();
    let post = author.post(&["what do you think?"]);
    let target = format!("ourspace:{}/{post}", author.account);
    let mirror = Node::new();
    mirror.follow(&author.account, &author);
    until("the post at the mirror", || {
        mirror.texts(&author.account).len() == 1
    });
    until("word of the follower", || {
        author.place.json(&["notifications"]) != serde_json::json!([])
    });
    author.kill();
    // Nobody knows the stranger, and the stranger knows one node, which is not the author's.
    let stranger = Node::new();
    stranger.dial(&mirror);
    let reply = stranger.post(&["--reply-to", &target, "I think so, too"]);
    let answers = |node: &Node| node.answers(&target);
    until("the answer at the mirror", || {
        answers(&mirror) == ["I think so, too"]
    });
    // The author has heard who follows them, and nothing else yet.
    let follower = author.unread();
    assert_eq!(follower[0]["reason"], "follow");
    assert_eq!(follower[0]["account"], mirror.account);
    assert_eq!(follower.len(), 1);
    author.start();
    author.dial(&mirror);
    until("the notification", || author.unread().len() == 2);
    let told = author.unread().remove(1);
    assert_eq!(told["reason"], "reply");
    assert_eq!(told["account"], stranger.account);
    assert_eq!(told["near"], false);
    assert_eq!(told["item"]["content_text"], "I think so, too");
    author.place.run(&["notifications", "--mark-read"]).ok();
    assert!(author.unread().is_empty());
    // The author answers, and the stranger is told although they follow nobody.
    let uri = format!("ourspace:{}/{reply}", stranger.account);
    author.post(&["--reply-to", &uri, "good"]);
    until("the author's answer at the stranger", || {
        stranger.unread().iter().any(|one| one["reason"] == "reply")
    });
    until("both at the mirror", || {
        answers(&mirror) == ["I think so, too", "good"]
    });
    stranger.place.run(&["edit", &reply, "I doubt it"]).ok();
    until("the edit", || answers(&mirror) == ["I doubt it", "good"]);
    stranger.place.run(&["delete", "--yes", &reply]).ok();
    until("the end of the answer at the mirror", || {
        answers(&mirror) == ["good"]
    });
    until("the end of the answer at the author", || {
        let all = author.place.json(&["notifications"]);
        all.as_array().unwrap().len() == 1
    });
}
