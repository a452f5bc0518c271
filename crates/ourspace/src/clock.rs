//! The time of the machine's clock, for what runs by itself.

use std::time::{SystemTime, UNIX_EPOCH};

use ourspace_protocol::time::Millis;

/// Unix milliseconds; 0 where the clock says a time before 1970.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
    })
}
