//! Members of gzip and frames of zstd unpacked at the same time, where each can be found without unpacking the one before it.
//!
//! ```text
//! bgzip   1f 8b 08 04 … 'B' 'C' 02 00 <size - 1>       a member says in its extra field how long it is
//! pzstd   28 b5 2f fd … <last, kind, size> … <last>    a frame is as long as its header and its blocks say
//! ```
//!
//! Other gzip members that stand one behind the other do not say where they end; they are unpacked one after another.
//!
//! **Invariant:** what comes out, what is said of damage and what a ratio is judged by are those of [`Streams`]: whatever does not
//! come out whole, at the length it claims and within the ratio, is given back packed and unpacked that way, with all that follows.
//! Memory is bounded by [`AHEAD_BYTES`], for nothing is unpacked ahead that may become larger than it says.
//!
//! Source: SAM/BAM format specification 1.6, 4.1; RFC 8878, 3.1.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::Limits;
use super::budget::Count;
use super::decode::{Codec, Streams};
use super::layer::{Counted, JUDGED_FROM_BYTES};

/// What may be on its way, packed and unpacked: twice the largest group.
pub(super) const AHEAD_BYTES: u64 = 40 << 20;
/// A member or frame that may become larger than this is unpacked as a stream.
pub(super) const UNIT_BYTES: usize = 9 << 20;
/// Small members are unpacked so many bytes at a time.
const GROUP_BYTES: usize = 1 << 20;

/// A member or a frame that says where it ends.
pub(super) struct Unit {
    pub(super) len: usize,
    /// It unpacks to no more than this, or it lies.
    pub(super) unpacked: usize,
}

/// A codec whose members can be found without unpacking them.
pub(super) trait Divided: Codec + Sized + 'static {
    /// A decoder that may allocate so much.
    fn open(most_bytes: u64) -> Self;

    /// What begins at `at`, if it says where it ends.
    fn unit(held: &mut Held<impl BufRead>, at: usize) -> Option<Unit>;
}

/// Packed bytes that have been looked at, and those that come behind them.
pub(super) struct Held<R> {
    bytes: Vec<u8>,
    /// What of them has been read as a stream.
    taken: usize,
    reader: R,
    failed: Option<io::Error>,
}

impl<R: BufRead> Held<R> {
    /// The first so many bytes, if there are as many.
    pub(super) fn upto(&mut self, len: usize) -> Option<&[u8]> {
        while self.bytes.len() < len && self.failed.is_none() {
            match self.reader.fill_buf() {
                Ok([]) => break,
                Ok(ahead) => {
                    let more = ahead.len().min(len - self.bytes.len());
                    self.bytes.extend_from_slice(&ahead[..more]);
                    self.reader.consume(more);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.failed = Some(error),
            }
        }
        self.bytes.get(..len)
    }
}

impl<R: BufRead> Read for Held<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Held<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken < self.bytes.len() {
            return Ok(&self.bytes[self.taken..]);
        }
        (self.bytes, self.taken) = (Vec::new(), 0);
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.reader.fill_buf(),
        }
    }

    fn consume(&mut self, bytes: usize) {
        if self.bytes.is_empty() { self.reader.consume(bytes) } else { self.taken += bytes }
    }
}

/// Unpacks what stands in `reader` on so many threads; `used` counts what this took, as far as it has been given out.
pub(super) fn unpack<'r, C: Divided>(
    reader: impl BufRead + 'r,
    used: Count,
    limits: &Limits,
    threads: usize,
) -> Box<dyn Read + 'r> {
    let held = Held { bytes: Vec::new(), taken: 0, reader, failed: None };
    let scout = Scout::<_, C> {
        held,
        threads,
        most_bytes: limits.whole_bytes,
        ratio: limits.ratio,
        pool: None,
        jobs: VecDeque::new(),
        over: false,
        spare: Vec::new(),
        used,
        given: 0,
        begun: false,
        decoder: std::marker::PhantomData,
    };
    Box::new(Ahead { way: Some(Way::Scout(scout)), out: Unpacked::default(), at: 0 })
}

/// What a group of units became.
#[derive(Default)]
struct Unpacked {
    bytes: Vec<u8>,
    len: usize,
}

/// Units on their way.
struct Job {
    packed: Arc<Vec<u8>>,
    /// What they say they unpack to at most.
    unpacked: usize,
    /// Where the answer comes from; none where nobody works at it.
    answer: Option<Receiver<Option<Unpacked>>>,
}

/// Finds units, hands them to the threads, and takes what they became in order.
struct Scout<R, C> {
    held: Held<R>,
    threads: usize,
    most_bytes: u64,
    ratio: u64,
    pool: Option<rayon::ThreadPool>,
    jobs: VecDeque<Job>,
    /// No more units can be told apart.
    over: bool,
    /// A buffer to be used again.
    spare: Vec<u8>,
    used: Count,
    given: u64,
    begun: bool,
    decoder: std::marker::PhantomData<C>,
}

impl<R: BufRead, C: Divided> Scout<R, C> {
    /// The next units, as many as are worth the while.
    fn group(&mut self) -> Option<Job> {
        let (mut len, mut unpacked) = (0, 0);
        while len < GROUP_BYTES && unpacked < GROUP_BYTES {
            let unit = C::unit(&mut self.held, len).filter(|it| it.len <= UNIT_BYTES && it.unpacked <= UNIT_BYTES);
            let Some(unit) = unit.filter(|it| self.held.upto(len + it.len).is_some()) else {
                self.over = true;
                break;
            };
            len += unit.len;
            unpacked += unit.unpacked;
        }
        let behind = self.held.bytes.split_off(len);
        let packed = Arc::new(std::mem::replace(&mut self.held.bytes, behind));
        (len > 0).then_some(Job { packed, unpacked, answer: None })
    }

    /// Keeps the threads busy.
    fn fill(&mut self) {
        let size = |it: &Job| (it.packed.len() + it.unpacked) as u64;
        let mut flying: u64 = self.jobs.iter().map(size).sum();
        while !self.over && (self.jobs.is_empty() || self.jobs.len() < self.threads + 2 && flying <= AHEAD_BYTES / 2) {
            let Some(mut job) = self.group() else { return };
            flying += size(&job);
            if self.pool.is_none() && !self.over {
                self.pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build().ok();
            }
            if let Some(pool) = &self.pool {
                let (sender, receiver) = sync_channel(1);
                let (packed, unpacked, most_bytes) = (job.packed.clone(), job.unpacked, self.most_bytes);
                let spare = std::mem::take(&mut self.spare);
                pool.spawn_fifo(move || {
                    // nobody waits for what is no longer wanted
                    let _ = sender.send(whole::<C>(&packed, unpacked, most_bytes, spare));
                });
                job.answer = Some(receiver);
            }
            self.jobs.push_back(job);
        }
    }

    /// What comes next; where there is nothing more to be unpacked ahead, the job that has failed.
    fn next(&mut self) -> Result<Unpacked, Option<Job>> {
        self.fill();
        let job = self.jobs.pop_front().ok_or(None)?;
        let unpacked = match &job.answer {
            Some(answer) => answer.recv().ok().flatten(),
            None => whole::<C>(&job.packed, job.unpacked, self.most_bytes, std::mem::take(&mut self.spare)),
        };
        let Some(unpacked) = unpacked.filter(|it| self.allows(it.len as u64)) else { return Err(Some(job)) };
        self.used.add(job.packed.len() as u64);
        self.given += unpacked.len as u64;
        self.begun = true;
        Ok(unpacked)
    }

    /// Whether no part of so many bytes can be over the ratio: as if not one byte of theirs had been used.
    fn allows(&self, len: u64) -> bool {
        let given = self.given + len;
        given < JUDGED_FROM_BYTES || given / self.used.get().max(1) <= self.ratio
    }

    /// All that has not been given out, as a stream.
    fn rest(mut self, failed: Option<Job>) -> Streams<Counted<Held<R>>, C> {
        let behind = std::mem::take(&mut self.held.bytes);
        for job in failed.iter().chain(&self.jobs) {
            self.held.bytes.extend_from_slice(&job.packed);
        }
        self.held.bytes.extend_from_slice(&behind);
        let reader = Counted { inner: self.held, count: self.used };
        Streams::resumed(reader, C::open(self.most_bytes), self.begun)
    }
}

/// Unpacks units that make up all of `packed`; nothing where they are not what they say.
fn whole<C: Divided>(packed: &[u8], unpacked: usize, most_bytes: u64, mut bytes: Vec<u8>) -> Option<Unpacked> {
    // one byte more shows whether more would come
    bytes.resize(bytes.len().max(unpacked + 1), 0);
    let mut left = packed;
    let unpack = || {
        let (mut streams, mut len) = (Streams::resumed(&mut left, C::open(most_bytes), false), 0);
        loop {
            match streams.read(&mut bytes[len..=unpacked]) {
                Ok(0) => return Some(len),
                Ok(read) if len + read <= unpacked => len += read,
                _ => return None,
            }
        }
    };
    let len = catch_unwind(AssertUnwindSafe(unpack)).ok().flatten()?;
    left.is_empty().then_some(Unpacked { bytes, len })
}

/// First what is unpacked ahead, then the rest as a stream.
struct Ahead<R, C> {
    way: Option<Way<R, C>>,
    out: Unpacked,
    at: usize,
}

enum Way<R, C> {
    Scout(Scout<R, C>),
    Stream(Streams<Counted<Held<R>>, C>),
}

impl<R: BufRead, C: Divided> Read for Ahead<R, C> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.at < self.out.len {
                let read = (&self.out.bytes[self.at..self.out.len]).read(buf)?;
                self.at += read;
                return Ok(read);
            }
            match self.way.take() {
                Some(Way::Stream(mut streams)) => {
                    let read = streams.read(buf);
                    self.way = Some(Way::Stream(streams));
                    return read;
                }
                Some(Way::Scout(mut scout)) => {
                    scout.spare = std::mem::take(&mut self.out).bytes;
                    self.at = 0;
                    self.way = Some(match scout.next() {
                        Ok(unpacked) => {
                            self.out = unpacked;
                            Way::Scout(scout)
                        }
                        Err(failed) => Way::Stream(scout.rest(failed)),
                    });
                }
                None => return Ok(0), // it has panicked before
            }
        }
    }
}
