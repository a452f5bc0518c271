//! Measuring: CPU and wall time, memory, and figures beside a peer or a limit.
//!
//! Every bench is a program of its own (`src/bin`), which `cargo xtask bench` builds in
//! release and runs one after the other. It measures ours and what it is compared with in
//! the same run and prints the ratio: machines differ, ratios hardly do.

pub mod orders;
pub mod place;
pub mod program;

use std::{
    fmt, fs,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// What is measured in a bench's own process allocates as the program does.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// CPU time of all threads of this process, in user and kernel.
    pub cpu: Duration,
    /// Time on the clock.
    pub wall: Duration,
}

impl Cost {
    /// Runs `work` and says what it took.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn of<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Self), E> {
        let (wall, cpu) = (Instant::now(), process_cpu());
        let value = work()?;
        let cost = Self {
            cpu: process_cpu().saturating_sub(cpu),
            wall: wall.elapsed(),
        };
        Ok((value, cost))
    }

    /// How many of `count` are done in a second of CPU.
    #[must_use]
    pub fn per_cpu_second(&self, count: u64) -> f64 {
        per(count, self.cpu)
    }

    /// How many of `count` are done in a second on the clock.
    #[must_use]
    pub fn per_second(&self, count: u64) -> f64 {
        per(count, self.wall)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3} s wall, {:.3} s CPU",
            self.wall.as_secs_f64(),
            self.cpu.as_secs_f64()
        )
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for people, of three digits"
)]
fn per(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

/// CPU time of all threads of this process so far, ended ones too.
#[must_use]
pub fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Memory of this process in bytes: resident now, and the most that it ever was.
#[must_use]
pub fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let bytes = |name: &str| line(name).unwrap_or(0) * 1024;
    (bytes("VmRSS:"), bytes("VmHWM:"))
}

/// The middle of several measurements.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value below which this share of several measurements is.
#[must_use]
pub fn share(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a short list"
    )]
    let at = ((values.len() as f64 * share).ceil() as usize).max(1) - 1;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// A line of the report: what, the figure, the goal, and whether it is met.
#[derive(Debug)]
pub struct Line<'a> {
    /// What was measured.
    pub what: &'a str,
    /// The figure.
    pub figure: f64,
    /// Its unit.
    pub unit: &'a str,
    /// The goal, if there is one.
    pub goal: Option<Goal>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| {} | {} {} |",
            self.what,
            figure(self.figure),
            self.unit
        )?;
        match self.goal {
            None => write!(f, " | |"),
            Some(Goal::AtMost(goal)) => {
                write!(f, " ≤ {} | {} |", figure(goal), met(self.figure <= goal))
            }
            Some(Goal::AtLeast(goal)) => {
                write!(f, " ≥ {} | {} |", figure(goal), met(self.figure >= goal))
            }
        }
    }
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// Three digits, with thousands set apart.
fn figure(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Prints a line of the report.
#[expect(clippy::print_stdout, reason = "what a bench says is its purpose")]
pub fn line(what: &str, figure: f64, unit: &str, goal: Option<Goal>) {
    let line = Line {
        what,
        figure,
        unit,
        goal,
    };
    println!("{line}");
}

/// The head of a report's table.
pub const TABLE: &str = "| what | figure | goal | |\n|---|---|---|---|";
