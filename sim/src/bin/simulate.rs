//! Two hundred real nodes, the model beside them, and then ten thousand modelled ones.
//!
//! Prints tables of Markdown and fails when a goal is missed. `simulate NODES` takes another
//! size than ten thousand, `simulate NODES REAL` also another number of real nodes.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::Instant;

use anyhow::Result;
use ourspace_sim::report::{Plan, Reports};

fn main() -> Result<()> {
    let mut sizes = std::env::args().skip(1);
    let mut size = |usual: usize| sizes.next().map_or(Ok(usual), |size| size.parse());
    let plan = Plan {
        nodes: size(10_000)?,
        real: size(200)?,
        hours: 3,
    };
    let begin = Instant::now();
    let reports = Reports::make(plan)?;
    for report in &reports.all {
        println!("{report}");
    }
    println!("All of it took {:.0} s.", begin.elapsed().as_secs_f64());
    reports.check()
}
