//! Many analyses at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does something for each item on all processors and keeps the order.
///
/// Plain threads, because an analysis has a thread pool of its own: a pool around pools would begin one analysis while
/// another one waits, on the same stack.
pub(crate) fn map<'i, T: Sync, R: Send>(items: &'i [T], each: impl Fn(&'i T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, item)) = { items.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) } {
                    let result = each(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, it)| it).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn order_is_kept() {
        let items: Vec<u32> = (0..1000).collect();
        assert_eq!(super::map(&items, |it| it * 2), (0..1000).map(|it| it * 2).collect::<Vec<u32>>());
        assert!(super::map(&[] as &[u32], |it| *it).is_empty());
    }
}
