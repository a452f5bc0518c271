//! Who announces, and how often: so that an account with a million readers, or a network
//! of a million nodes, is no burden to the few nodes of the DHT that are near its key. Pure.

use std::time::Duration;

/// Holders of a feed that should be found under its key; the others need not announce.
pub const HOLDERS: u64 = 50;
/// Nodes of the network that should be found in all shards together.
pub const NODES: u64 = 200;
/// How often an announcement is made again: nodes forget it after half an hour or more.
pub const EVERY: Duration = Duration::from_secs(25 * 60);

/// Whether a holder announces who saw so many others: surely while there are fewer than
/// [`HOLDERS`], else with the probability that leaves about as many. `chance` is any number,
/// each as likely as the others.
#[must_use]
pub fn holder_announces(others: u64, chance: u64) -> bool {
    falls(HOLDERS, others, chance)
}

/// Whether a node announces itself in a network of about so many nodes.
#[must_use]
pub fn node_announces(nodes: u64, chance: u64) -> bool {
    falls(NODES, nodes, chance)
}

/// When to announce again: [`EVERY`], give or take a fifth, so that nobody does so in step.
#[must_use]
pub fn pause(chance: u64) -> Duration {
    let base = EVERY.as_secs();
    Duration::from_secs(base * 4 / 5 + chance % (base * 2 / 5))
}

/// True with the probability `wanted / of`.
fn falls(wanted: u64, of: u64, chance: u64) -> bool {
    of <= wanted || u128::from(chance) * u128::from(of) < u128::from(wanted) << 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ourspace_testkit::random::Random;

    fn share(announces: impl Fn(u64) -> bool) -> f64 {
        let mut random = Random::new(1);
        let times = (0..100_000).filter(|_| announces(random.number())).count();
        times as f64 / 100_000.0
    }

    #[test]
    fn few_announce_always_and_many_in_part() {
        for others in [0, 1, 49, 50] {
            assert!(holder_announces(others, u64::MAX), "{others}");
        }
        let share_of = |others| share(|chance| holder_announces(others, chance));
        assert!((share_of(100) - 0.5).abs() < 0.01);
        assert!((share_of(500) - 0.1).abs() < 0.01);
        assert!(node_announces(200, u64::MAX));
        assert!((share(|chance| node_announces(10_000, chance)) - 0.02).abs() < 0.005);
        assert!(!node_announces(u64::MAX, 1 << 20) && node_announces(u64::MAX, 0));
    }

    #[test]
    fn a_crowd_settles_at_the_number_that_is_wanted() {
        // Of 1,000 holders one after the other sees who is there and decides anew.
        let mut random = Random::new(2);
        let mut rolling = std::collections::VecDeque::new();
        for _ in 0..50_000 {
            let others = rolling.iter().filter(|there| **there).count() as u64;
            rolling.push_back(holder_announces(others, random.number()));
            if rolling.len() > 1000 {
                rolling.pop_front();
            }
        }
        let there = rolling.iter().filter(|there| **there).count();
        assert!((100..400).contains(&there), "{there}");
    }

    #[test]
    fn nobody_announces_in_step() {
        let mut random = Random::new(3);
        let pauses: Vec<u64> = (0..1000)
            .map(|_| pause(random.number()).as_secs())
            .collect();
        assert!(pauses.iter().all(|pause| (1200..1800).contains(pause)));
        assert!(pauses.iter().max() > Some(&1780) && pauses.iter().min() < Some(&1220));
    }
}
