//! Coverage-guided search over the targets of `ourspace-fuzz`; `cargo xtask fuzz` builds and
//! runs it. The target's name comes from the environment variable `OURSPACE_FUZZ`.
#![no_main]

use std::sync::LazyLock;

use ourspace_fuzz::{Target, target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("OURSPACE_FUZZ").expect("OURSPACE_FUZZ names the target");
    target(&name).expect("OURSPACE_FUZZ names a target")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
