//! The tables, and the goals.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ourspace_protocol::time::Millis;

use crate::{
    figures::{Report, number, percent},
    push::Spread,
    real::{self, Measured},
    scenario::{self, Lived, Lookups},
    tally::{DIAL, Tally, Why},
    world::{Delay, Rules, Trips},
};

/// One way over the links of the real nodes, and of the model beside them.
const LINK: Millis = 50;
/// Whom a node follows.
const FOLLOWS: usize = 10;

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Modelled nodes that are there at once.
    pub nodes: usize,
    /// Real nodes; none, if zero.
    pub real: usize,
    /// Hours that are lived.
    pub hours: u64,
}

/// What the model takes from the real nodes of the same run.
#[derive(Clone, Copy, Debug)]
struct Calibrated {
    trips: Trips,
    /// Milliseconds that a hop of news takes beside the link.
    hop: Millis,
}

impl Calibrated {
    fn by(measured: Option<&Measured>) -> Self {
        let Some(measured) = measured else {
            return Self {
                trips: Trips::USUAL,
                hop: 0,
            };
        };
        let trip = LINK as f64 * 2.0;
        // Nearly all are connected with all: half of the lookups, and half of the news, come
        // over one link.
        let hop = measured.after.at(0.5) - LINK as f64;
        Self {
            trips: Trips {
                dial: (measured.dial / trip).max(1.0),
                ask: (measured.first.at(0.5) / trip).max(1.0),
            },
            hop: hop.max(0.0).round() as Millis,
        }
    }

    fn slowed(self, delay: Delay) -> Delay {
        match delay {
            Delay::Fixed(delay) => Delay::Fixed(delay + self.hop),
            Delay::Between(least, most) => Delay::Between(least + self.hop, most + self.hop),
        }
    }
}

/// What came out.
#[derive(Debug)]
pub struct Reports {
    /// The tables.
    pub all: Vec<Report>,
    missed: Vec<String>,
}

impl Reports {
    /// Runs everything.
    ///
    /// # Errors
    /// When real nodes do not start, or a record is not believed.
    pub fn make(plan: Plan) -> Result<Self> {
        let mut reports = Self {
            all: Vec::new(),
            missed: Vec::new(),
        };
        let measured = match plan.real {
            0 => None,
            real => {
                let delay = Duration::from_millis(LINK);
                let runtime = tokio::runtime::Runtime::new()?;
                Some(runtime.block_on(real::measure(real, delay))?)
            }
        };
        // The model takes what the real nodes take.
        let calibrated = Calibrated::by(measured.as_ref());
        let rules = Rules {
            trips: calibrated.trips,
            ..Rules::real()
        };
        // The rest fits two cores: one long life beside many short ones.
        let living =
            std::thread::spawn(move || scenario::live(plan.nodes, FOLLOWS, plan.hours, rules));
        if let Some(measured) = measured {
            reports.beside(plan.real, &measured, calibrated)?;
        }
        reports.swarms(plan.nodes, calibrated)?;
        reports.hostile(plan.nodes, rules);
        let lived = living.join();
        let lived = lived.ok().context("the long life has ended too soon")?;
        reports.lived(&lived);
        Ok(reports)
    }

    /// Whether all goals are met.
    ///
    /// # Errors
    /// Those that are not.
    pub fn check(&self) -> Result<()> {
        ensure!(self.missed.is_empty(), "missed: {}", self.missed.join("; "));
        Ok(())
    }

    fn goal(&mut self, what: &str, met: bool) -> String {
        if met {
            return "met".to_owned();
        }
        self.missed.push(what.to_owned());
        "**missed**".to_owned()
    }

    fn beside(&mut self, nodes: usize, real: &Measured, by: Calibrated) -> Result<()> {
        let fixed = Rules {
            delay: Delay::Fixed(LINK),
            trips: by.trips,
            ..Rules::real()
        };
        let degree = real.degree.round() as usize;
        let model = scenario::honest((nodes, 60), degree, fixed);
        let (spread, _) = scenario::news((nodes, degree), by.slowed(fixed.delay))?;
        let title = format!("{nodes} real nodes beside the model, links of {LINK} ms one way");
        let mut report = Report::new(&title, &["real", "model"]);
        let mut line = |what: &str, real: String, model: String| report.line(what, &[real, model]);
        calibration(&mut line, real, by);
        line(
            "lookups that found the record",
            percent(real.first.len(), real.first.len() + real.lost),
            percent(model.any, model.all),
        );
        for (what, share) in [("median", 0.5), ("95 %", 0.95)] {
            line(
                &format!("first valid record, {what}"),
                format!("{} ms", number(real.first.at(share), 0)),
                format!("{} ms", number(model.first.at(share), 0)),
            );
        }
        line(
            "questions of a lookup",
            number(real.questions, 1),
            number(model.questions.mean(), 1),
        );
        line(
            "news reached",
            percent(real.reached, nodes - 1),
            percent(spread.reached, nodes - 1),
        );
        for (what, share) in [("50 %", 0.5), ("99 %", 0.99)] {
            line(
                &format!("news at {what} of the followers"),
                format!("{} ms", number(real.after.at(share), 0)),
                format!("{} ms", number(spread.after.at(share), 0)),
            );
        }
        line(
            "copies of it",
            real.copies.to_string(),
            spread.sent.copies.to_string(),
        );
        line(
            "hops of it, mean",
            "-".to_owned(),
            number(spread.hops.mean(), 1),
        );
        let met = real.reached == nodes - 1 && real.after.at(0.99) <= 500.0;
        let goal = self.goal("news at 99 % of the real nodes in 500 ms", met);
        report.line("99 % within 500 ms", &[goal, String::new()]);
        self.all.push(report);
        Ok(())
    }

    fn swarms(&mut self, nodes: usize, by: Calibrated) -> Result<()> {
        let title = format!(
            "News in a swarm of {nodes} followers, tree built, links of 50 ms and of 10 to 90 ms one way"
        );
        let columns = ["8 links each", "20 links", "64 links", "64 links, 10-90 ms"];
        let mut report = Report::new(&title, &columns);
        let fixed = Delay::Fixed(LINK);
        let mut all: Vec<(Spread, f64)> = Vec::new();
        for (degree, delay) in [
            (8, fixed),
            (20, fixed),
            (64, fixed),
            (64, Delay::Between(10, 90)),
        ] {
            all.push(scenario::news((nodes, degree), by.slowed(delay))?);
        }
        let mut line = |what: &str, value: &dyn Fn(&(Spread, f64)) -> String| {
            report.line(what, &all.iter().map(value).collect::<Vec<_>>());
        };
        line("reached", &|(spread, _)| percent(spread.reached, nodes - 1));
        line("50 % after", &|(spread, _)| {
            format!("{} ms", number(spread.after.at(0.5), 0))
        });
        line("99 % after", &|(spread, _)| {
            format!("{} ms", number(spread.after.at(0.99), 0))
        });
        line("the last after", &|(spread, _)| {
            format!("{} ms", number(spread.after.at(1.0), 0))
        });
        line("hops, mean", &|(spread, _)| number(spread.hops.mean(), 1));
        line("hops, most", &|(spread, _)| number(spread.hops.at(1.0), 0));
        line("copies for each node", &|(spread, _)| {
            number(spread.sent.copies as f64 / (nodes - 1) as f64, 3)
        });
        line("IP bytes for each node", &|(spread, _)| {
            number(spread.sent.bytes as f64 / nodes as f64, 0)
        });
        line("IP bytes of a silent minute", &|(_, idle)| number(*idle, 0));
        let fast = |(spread, _): &(Spread, f64)| {
            spread.reached == nodes - 1 && spread.after.at(0.99) <= 1_000.0
        };
        let met = all.iter().skip(1).all(fast);
        let goal = self.goal("news at 99 % of a swarm in 1 s", met);
        report.line("99 % within 1 s, from 20 links on", &[goal]);
        self.all.push(report);
        Ok(())
    }

    fn hostile(&mut self, nodes: usize, rules: Rules) {
        let old = |old, regions| Rules {
            old,
            regions,
            ..rules
        };
        let tried = [
            (
                "a tenth hostile, silent",
                scenario::tenth_hostile((nodes, 200), old(false, true)),
            ),
            (
                "a tenth hostile, tell the old",
                scenario::tenth_hostile((nodes, 200), old(true, true)),
            ),
            (
                "40 nearest hostile, silent",
                scenario::crowded((nodes, 10), old(false, true)),
            ),
            (
                "40 nearest hostile, tell the old",
                scenario::crowded((nodes, 10), old(true, true)),
            ),
            (
                "the last, without regions",
                scenario::crowded((nodes, 10), old(true, false)),
            ),
        ];
        let title = format!("Hostile nodes in a network of {nodes}, links of 10 to 90 ms one way");
        let columns = [
            "newest, DHT alone",
            "newest, with swarm members",
            "first valid, median",
            "95 %",
            "questions",
        ];
        let mut report = Report::new(&title, &columns);
        for (what, found) in &tried {
            report.line(what, &lookup_line(found));
        }
        let enough = |(_, found): &(&str, Lookups)| found.newest * 100 >= found.all * 99;
        let met = tried.iter().take(4).all(enough);
        let goal = self.goal("the newest found by 99 % beside hostile nodes", met);
        report.line("99 % find the newest, DHT alone", &[goal]);
        self.all.push(report);
    }

    fn lived(&mut self, lived: &Lived) {
        let title = format!(
            "{} of {} nodes there at a time, sessions of four hours on average, {} hours, {FOLLOWS} follows each",
            lived.online,
            lived.online * 2,
            lived.hours
        );
        let mut report = Report::new(&title, &["value"]);
        let found = &lived.lookups;
        let mut line = |what: &str, value: String| report.line(what, &[value]);
        line(
            "lookups that found a valid record",
            percent(found.any, found.all),
        );
        line(
            "lookups that found the newest",
            percent(found.newest, found.all),
        );
        line(
            "first valid record, median",
            format!("{} ms", number(found.first.at(0.5), 0)),
        );
        line(
            "first valid record, 95 %",
            format!("{} ms", number(found.first.at(0.95), 0)),
        );
        line(
            "answers that led to it, mean",
            number(found.depth.mean(), 2),
        );
        line(
            "answers that led to it, most",
            number(found.depth.at(1.0), 0),
        );
        line("questions of a lookup", number(found.questions.mean(), 1));
        line("rows that a node keeps", number(lived.rows.mean(), 1));
        line("connections of a node", number(lived.links.mean(), 0));
        let met = found.any * 1000 >= found.all * 999;
        let goal = self.goal("99.9 % of lookups succeed", met);
        report.line("99.9 % of lookups succeed", &[goal]);
        self.all.push(report);
        self.all.push(upkeep(&lived.tally));
    }
}

/// What the model takes from the real nodes.
fn calibration(line: &mut dyn FnMut(&str, String, String), real: &Measured, by: Calibrated) {
    line(
        "connections of a node",
        number(real.degree, 0),
        number(real.degree, 0),
    );
    line(
        "connected with a new node after",
        format!("{} ms", number(real.dial, 0)),
        format!("{} round trips", number(by.trips.dial, 2)),
    );
    line(
        "a question",
        "-".to_owned(),
        format!("{} round trips", number(by.trips.ask, 2)),
    );
    line(
        "a hop of news, beside the link",
        "-".to_owned(),
        format!("{} ms", by.hop),
    );
}

fn lookup_line(found: &Lookups) -> [String; 5] {
    [
        percent(found.newest, found.all),
        percent(found.by_any_way, found.all),
        format!("{} ms", number(found.first.at(0.5), 0)),
        format!("{} ms", number(found.first.at(0.95), 0)),
        number(found.questions.mean(), 1),
    ]
}

/// What a node sends and receives a day, by why.
fn upkeep(tally: &Tally) -> Report {
    let columns = ["lookups a node and day", "IP kB a node and day"];
    let mut report = Report::new("What a node does a day, and what that costs", &columns);
    let (days, mean) = (tally.days(), tally.mean());
    let mut all = 0.0;
    for (what, why) in [
        ("routing table refreshed (modelled)", Why::Refresh),
        ("followed rows looked after", Why::Look),
        ("rows put", Why::Put),
        ("regions searched, by parts", Why::Part),
        ("density", Why::Probe),
        ("keepers searched (modelled)", Why::Search),
        ("feeds announced (modelled)", Why::Provide),
    ] {
        let lookups = tally.lookups[why as usize] as f64 / days;
        // Those that are not done one by one cost what the others do.
        let bytes = match tally.questions[why as usize] {
            0 => lookups * mean * Tally::QUESTION_AND_ANSWER,
            _ => tally.bytes(why) / days,
        };
        all += bytes;
        report.line(what, &[number(lookups, 1), number(bytes / 1000.0, 0)]);
    }
    for (what, times, bytes) in [
        ("rows sent", tally.stores, tally.store_bytes as f64),
        ("connections", tally.dials, (tally.dials * DIAL) as f64),
    ] {
        all += bytes / days;
        let times = number(times as f64 / days, 0);
        report.line(what, &[times, number(bytes / days / 1000.0, 0)]);
    }
    let rate = format!(
        "{} ({} B/s)",
        number(all / 1000.0, 0),
        number(all / 86_400.0, 0)
    );
    report.line(
        "all of it, both directions of what it begins",
        &[String::new(), rate],
    );
    report
}
