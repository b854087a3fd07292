//! Any bytes as a bundle: archives in archives, members of any format, attribution, one clock. The limits are small, so
//! that a bomb is a bug and not a slow run.
#![no_main]

use std::sync::{Arc, LazyLock};

use bundle::{Input, Limits, Options};
use libfuzzer_sys::fuzz_target;
use timeline::{Overrides, Timeline};

static OPTIONS: LazyLock<Options> = LazyLock::new(|| {
    let mut limits = Limits::default();
    limits.total_bytes = 4 << 20;
    limits.members = 2000;
    limits.whole_bytes = 1 << 20;
    limits.line_bytes = 1 << 16;
    limits.records = 10_000;
    Options { limits, threads: 1, watch: Arc::new(true) }
});

fuzz_target!(|data: &[u8]| {
    let input = Input::Memory { name: "bundle.tar.gz".to_owned(), bytes: Arc::from(data) };
    let Ok(case) = bundle::read(&[input], &OPTIONS) else { return };
    let bytes: u64 = case.members.iter().map(|it| it.bytes).sum();
    // what is passed over is counted as it is stored, what is read by what the limit lets through; one buffer may be full
    let buffered = 1 << 17;
    assert!(bytes <= OPTIONS.limits.total_bytes + data.len() as u64 + buffered, "{bytes} bytes from {}", data.len());
    for member in &case.members {
        assert!(member.path.len() <= OPTIONS.limits.path_bytes + 64, "{} bytes of path", member.path.len());
    }
    let _ = Timeline::build(case.members, case.records, &Overrides::default());
});
