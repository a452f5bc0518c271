//! Programs of a bench that stand elsewhere and take orders: lines of JSON, each answered
//! with one. They end with their input.

use std::io::{self, BufRead as _, Write as _};

use anyhow::Result;
use serde_json::{Value, json};

/// Says something first, and then obeys until the input ends.
///
/// # Errors
/// When input or output is broken. What an order says is answered.
pub fn obey(first: &Value, mut act: impl FnMut(&Value) -> Result<Value>) -> Result<()> {
    say(first)?;
    for line in io::stdin().lock().lines() {
        let order: Value = serde_json::from_str(&line?)?;
        say(&act(&order).unwrap_or_else(|error| json!({ "error": format!("{error:#}") })))?;
    }
    Ok(())
}

fn say(answer: &Value) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

/// The numbers of an answer's list.
#[must_use]
pub fn numbers(answer: &Value, name: &str) -> Vec<f64> {
    let list = answer[name].as_array().into_iter().flatten();
    list.filter_map(Value::as_f64).collect()
}
