//! A big log is read by two threads, where a second one has nothing else to do.
//!
//! ```text
//! first     reads a piece and gets it ready: the text mended, the ends of lines and the places of interest found
//! second    reads the piece before: all that goes on from line to line, and so must be done in order
//! ```
//!
//! What is done ahead says nothing that the reader would not have found out itself at its turn, of the same bytes; so records do
//! not depend on whether anybody came to help, nor when.
//!
//! **Invariant:** nobody waits for who may never come.
//! - The second is a task of the pool. Until it runs the first goes on alone, as if nobody had been asked; a task that runs
//!   when the member has ended leaves at once.
//! - While pieces are in the queue the second works, and waits for nobody; if it breaks it takes them with it. It waits only where the queue is empty, for the
//!   first, and holds no piece then.
//! - The first waits for the second where the queue is full or the member has ended: the second works then. Elsewhere it waits
//!   for a buffer or for the thread that unpacks, as without a second. Each buffer that is out is in a queue that its second
//!   works off, in the hands of a thread that reads it, or on its way to a member whose task needs nobody but free workers to
//!   begin; a second holds its worker only until its own member has ended.
//! - Both wait for each other without taking up other tasks meanwhile, so what one waits for never lies below it on its stack.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rayon::ScopeFifo;

use crate::buffers::Piece;
use crate::member::Consumer;
use crate::ready::{Preparation, Ready};

/// Nobody is asked for help before so many pieces were read: the member may have ended by then.
const SHORT: usize = 4;
/// Pieces that are ready and wait for the second.
const WAITING: usize = 3;

/// The threads that read members.
pub(crate) struct Crew {
    threads: usize,
    /// Members that wait for a thread to begin with them.
    waiting: AtomicUsize,
    /// Pieces that were handed to a second thread.
    handed: AtomicUsize,
}

impl Crew {
    pub(crate) fn new(threads: usize) -> Crew {
        Crew { threads, waiting: AtomicUsize::new(0), handed: AtomicUsize::new(0) }
    }

    /// One more member is to be read.
    pub(crate) fn wait(&self) {
        self.waiting.fetch_add(1, Relaxed);
    }

    /// A thread has begun with a member.
    pub(crate) fn begin(&self) {
        self.waiting.fetch_sub(1, Relaxed);
    }

    /// Whether some thread may have nothing to do, or soon: a member of its own brings more than half of another's.
    fn may_help(&self) -> bool {
        self.threads > 1 && self.waiting.load(Relaxed) == 0
    }

    /// How many pieces were handed to a second thread.
    #[cfg(test)]
    pub(crate) fn handed(&self) -> usize {
        self.handed.load(Relaxed)
    }
}

/// Where a second thread comes from.
pub(crate) struct Help<'s, 'scope> {
    pub(crate) scope: &'s ScopeFifo<'scope>,
    pub(crate) crew: &'scope Crew,
}

/// Reads the rest of a member; of each piece is told whether it came without waiting for it.
pub(crate) fn read<'scope>(
    mut consumer: Box<Consumer>,
    mut next: impl FnMut() -> Option<(Piece<'scope>, bool)>,
    help: &Help<'_, 'scope>,
) -> Box<Consumer> {
    for _ in 0..SHORT {
        let Some((piece, _)) = next() else { return consumer };
        consumer.take(piece.bytes());
    }
    let Some(preparation) = consumer.preparation().filter(|_| help.crew.threads > 1) else {
        while let Some((piece, _)) = next() {
            consumer.take(piece.bytes());
        }
        return consumer;
    };
    let relay = Arc::new(Relay { preparation, state: Mutex::default(), changed: Condvar::new() });
    let _leaving = Leaving(&relay);
    while let Some((piece, at_once)) = next() {
        if relay.state().second == Second::Here {
            return relay.hand_over(consumer, piece, next, help.crew);
        }
        // where the bytes are what one waits for, two would wait
        if at_once && help.crew.may_help() {
            relay.ask(help);
        }
        consumer.take(piece.bytes());
    }
    consumer
}

struct Relay<'b> {
    preparation: Preparation,
    state: Mutex<State<'b>>,
    changed: Condvar,
}

#[derive(Default)]
struct State<'b> {
    second: Second,
    /// What reads the pieces, while neither has it.
    consumer: Option<Box<Consumer>>,
    queue: VecDeque<(Piece<'b>, Option<Ready>)>,
    /// No more pieces will come.
    ended: bool,
    /// What the second broke on.
    panic: Option<Box<dyn Any + Send>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Second {
    #[default]
    Nobody,
    /// A task waits in the pool.
    Asked,
    Here,
}

impl<'b> Relay<'b> {
    fn state(&self) -> MutexGuard<'_, State<'b>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State<'b>>) -> MutexGuard<'s, State<'b>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a second thread, unless somebody has been asked.
    fn ask(self: &Arc<Self>, help: &Help<'_, 'b>) {
        let mut state = self.state();
        if state.second == Second::Nobody {
            state.second = Second::Asked;
            drop(state);
            let (relay, crew) = (self.clone(), help.crew);
            help.scope.spawn_fifo(move |_| relay.second(crew));
        }
    }

    /// The way of the first thread from here on.
    fn hand_over(
        &self,
        consumer: Box<Consumer>,
        piece: Piece<'b>,
        mut next: impl FnMut() -> Option<(Piece<'b>, bool)>,
        crew: &Crew,
    ) -> Box<Consumer> {
        self.state().consumer = Some(consumer);
        let mut piece = Some(piece);
        while let Some(it) = piece {
            let ready = self.preparation.ready(it.bytes());
            let mut state = self.state();
            while state.queue.len() >= WAITING && state.second == Second::Here {
                state = self.wait(state);
            }
            if state.second != Second::Here {
                break;
            }
            state.queue.push_back((it, ready));
            drop(state);
            self.changed.notify_all();
            crew.handed.fetch_add(1, Relaxed);
            piece = next().map(|it| it.0);
        }
        let mut state = self.state();
        state.ended = true;
        self.changed.notify_all();
        while state.second == Second::Here {
            state = self.wait(state);
        }
        if let Some(panic) = state.panic.take() {
            drop(state);
            resume_unwind(panic);
        }
        state.consumer.take().expect("who leaves gives back what it took")
    }

    /// The way of the second thread.
    fn second(&self, crew: &Crew) {
        let mut state = self.state();
        if !crew.may_help() {
            state.second = Second::Nobody;
            return;
        }
        state.second = Second::Here;
        while state.consumer.is_none() && !state.ended {
            state = self.wait(state);
        }
        if let Some(mut consumer) = state.consumer.take() {
            loop {
                if let Some((piece, ready)) = state.queue.pop_front() {
                    drop(state);
                    self.changed.notify_all();
                    let read = || consumer.take_ready(piece.bytes(), ready.as_ref());
                    let panic = catch_unwind(AssertUnwindSafe(read)).err();
                    drop(piece);
                    state = self.state();
                    if panic.is_some() {
                        // the first may wait for a buffer
                        state.queue.clear();
                        state.panic = panic;
                        break;
                    }
                } else if state.ended {
                    state.consumer = Some(consumer);
                    break;
                } else {
                    state = self.wait(state);
                }
            }
        }
        state.second = Second::Nobody;
        drop(state);
        self.changed.notify_all();
    }
}

/// However the first thread leaves, the second is told, and one that comes later finds nothing to do.
struct Leaving<'r, 'b>(&'r Relay<'b>);

impl Drop for Leaving<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ended = true;
        let left = std::mem::take(&mut state.queue);
        drop(state);
        drop(left);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
