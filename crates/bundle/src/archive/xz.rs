//! xz: blocks of a stream are unpacked at the same time where there are several, as `xz -T` writes them.
//!
//! Source: the .xz file format 1.2; `lzma/container.h` of liblzma.

use liblzma::stream::{Action, MtStreamBuilder, Status, Stream};

use super::decode::{Codec, Step};

/// What blocks unpacked at the same time may hold; where that does not do, one after another is unpacked.
const THREADS_BYTES: u64 = 96 << 20;
const THREADS: u32 = 4;

pub(super) struct Xz {
    stream: Option<Stream>,
    most_bytes: u64,
}

impl Xz {
    /// `most_bytes` is what a decoder may allocate.
    pub(super) fn new(most_bytes: u64) -> Self {
        let mut xz = Xz { stream: None, most_bytes };
        xz.restart();
        xz
    }
}

impl Codec for Xz {
    const MARKS: &'static [u8] = &[0xfd];
    const NAME: &'static str = "xz";

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let Some(stream) = &mut self.stream else {
            return Step { read: 0, wrote: 0, ended: Err("not enough memory".to_owned()) };
        };
        let (read, wrote) = (stream.total_in(), stream.total_out());
        // the threads hand out what they hold only when they know that nothing follows
        let action = if input.is_empty() { Action::Finish } else { Action::Run };
        let status = stream.process(input, output, action);
        Step {
            read: (stream.total_in() - read) as usize,
            wrote: (stream.total_out() - wrote) as usize,
            ended: match status {
                Ok(status) => Ok(status == Status::StreamEnd),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    fn restart(&mut self) {
        let threads = std::thread::available_parallelism().map_or(1, |it| it.get() as u32).min(THREADS);
        let most = THREADS_BYTES.min(self.most_bytes);
        let mut builder = MtStreamBuilder::new();
        builder.threads(threads).memlimit_threading(most).memlimit_stop(self.most_bytes);
        self.stream = builder.decoder().ok();
    }
}
