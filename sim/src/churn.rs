//! How long nodes stay, and stay away.
//!
//! Both are Weibull distributed, as measured over months in KAD, a Kademlia of people's own
//! computers (Steiner, En-Najjary, Biersack, "Long term study of peer behavior in the KAD
//! DHT", IEEE/ACM Transactions on Networking 17, 2009): sessions with scale 169.5 minutes and
//! shape 0.615, a mean of about four hours, many of minutes and few of days. The time away
//! has the same distribution here, so that half of all nodes are there.

use ourspace_protocol::{machine::dice::Dice, time::Millis};

const SCALE_MINUTES: f64 = 169.5;
const SHAPE: f64 = 0.615;

/// How long this session, or this absence, lasts.
pub fn span(dice: &mut Dice) -> Millis {
    // Of 53 bits; never zero.
    let chance = ((dice.roll() >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
    let minutes = SCALE_MINUTES * (-chance.ln()).powf(1.0 / SHAPE);
    (minutes * 60_000.0) as Millis + 1_000
}

/// How much of a span that is under way is left: spans that last long are met more often.
pub fn rest(dice: &mut Dice) -> Millis {
    let longest = (0..8).map(|_| span(dice)).max().unwrap_or(0);
    dice.below(longest) + 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_last_four_hours_on_average_and_mostly_less_than_two() {
        let mut dice = Dice::new(4);
        let mut all: Vec<Millis> = (0..20_000).map(|_| span(&mut dice)).collect();
        all.sort_unstable();
        let mean = all.iter().sum::<Millis>() as f64 / all.len() as f64 / 60_000.0;
        let median = all[all.len() / 2] as f64 / 60_000.0;
        assert!((230.0..265.0).contains(&mean), "{mean}");
        assert!((88.0..98.0).contains(&median), "{median}");
    }
}
