//! Nodes that post, follow each other and answer each other are killed at any instant and
//! started again: what was acknowledged is there, also at the others.
//!
//! `OURSPACE_SOAK_KILLS` says how often (six times if it is not set).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod nodes;
mod schema;
mod support;

use std::{collections::BTreeSet, env, process::Stdio, thread, time::Duration};

use nodes::{Node, until};
use ourspace_testkit::random::Random;

/// What a node has acknowledged.
#[derive(Default)]
struct Acknowledged {
    posts: BTreeSet<String>,
    /// Answers to the first node's first post.
    answers: BTreeSet<String>,
}

/// One of the nodes posts, and is killed within some moments of that.
fn post_and_kill(
    node: &mut Node,
    said: &mut Acknowledged,
    (round, target): (u64, &str),
    random: &mut Random,
) {
    let text = format!("round {round}");
    let answers = random.once_in(2);
    let words = match answers {
        true => vec!["post", &text, "--reply-to", target],
        false => vec!["post", &text],
    };
    let mut posting = node.place.command(&words);
    let mut posting = posting.stdout(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_micros(random.number() % 150_000));
    node.kill();
    // The command as well, sometimes: then it has perhaps acknowledged nothing.
    if random.once_in(2) {
        posting.kill().unwrap();
    }
    if posting.wait_with_output().unwrap().status.success() {
        said.posts.insert(text.clone());
        if answers {
            said.answers.insert(text);
        }
    }
    node.start();
}

/// Everybody has what everybody acknowledged.
fn all_is_there(nodes: &[Node], said: &[Acknowledged], target: &str) {
    for at in nodes {
        for (of, said) in nodes.iter().zip(said) {
            until("all that was acknowledged", || {
                let all = ["timeline", "--limit", "1000", "--account", &of.account];
                let items = at.place.json(&all);
                let items = items.as_array().unwrap().iter();
                let texts = items.map(|item| item["content_text"].as_str().unwrap().to_owned());
                said.posts.is_subset(&texts.collect())
            });
        }
        until("all answers", || {
            let answers: BTreeSet<String> = at.answers(target).into_iter().collect();
            said.iter().all(|said| said.answers.is_subset(&answers))
        });
        assert_eq!(at.place.json(&["verify"])["valid"], true);
    }
}

#[test]
fn nodes_are_killed_at_any_instant_and_nothing_acknowledged_is_lost() {
    let kills = env::var("OURSPACE_SOAK_KILLS").map_or(6, |kills| kills.parse().unwrap());
    let mut random = Random::new(u64::from(std::process::id()));
    println!("seed {}", std::process::id());
    let mut nodes = [Node::new(), Node::new(), Node::new()];
    let mut said: [Acknowledged; 3] = std::array::from_fn(|_| Acknowledged::default());
    let target = format!(
        "ourspace:{}/{}",
        nodes[0].account,
        nodes[0].post(&["who is there?"])
    );
    for one in &nodes {
        for other in nodes.iter().filter(|other| other.account != one.account) {
            one.follow(&other.account, other);
        }
    }
    for round in 1..=kills {
        let victim = random.below(3);
        post_and_kill(
            &mut nodes[victim],
            &mut said[victim],
            (round, &target),
            &mut random,
        );
        for other in [1, 2].map(|step| (victim + step) % 3) {
            nodes[victim].dial(&nodes[other]);
        }
        // Now and then all come to have the same before it goes on.
        if round % 3 == 0 {
            all_is_there(&nodes, &said, &target);
        }
    }
    all_is_there(&nodes, &said, &target);
    let posts: usize = said.iter().map(|said| said.posts.len()).sum();
    println!("{kills} kills, {posts} posts acknowledged");
}
