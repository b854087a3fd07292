//! Several outputs in one text, each below a line that names it.
//!
//! ```text
//! ==> kubelet <==                       minikube logs
//! Feb 11 10:00:05 minikube kubelet[2345]: I0211 …
//!
//! ==> /var/log/messages <==             tail -n +1 /var/log/messages /var/log/syslog
//! ```
//!
//! Only where the first line names one: elsewhere such a line may be part of a log. Each output is a member of its own;
//! lines are counted from its name on. The names themselves are framing.

use std::io::{self, Read};

use memchr::memmem;

use super::layer::{Headed, fill};
use super::names::Names;
use super::walker::{Place, Stop, Walker};
use super::{Limits, Note};

/// A name is no longer than this.
const NAME_BYTES: usize = 512;
/// What is read at once.
const BLOCK_BYTES: usize = 64 << 10;

/// The name in the line that the text begins with, and the bytes of that line.
fn name(text: &[u8], last: bool) -> Option<(&[u8], usize)> {
    let text = &text[..text.len().min(NAME_BYTES)];
    let end = match memchr::memchr(b'\n', text) {
        Some(end) => end + 1,
        None if last => text.len(),
        None => return None,
    };
    let inner = text[..end].trim_ascii_end().strip_prefix(b"==> ")?.strip_suffix(b" <==")?.trim_ascii();
    (!inner.is_empty()).then_some((inner, end))
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|it| matches!(it, b'\n' | b'\r')).count()
}

/// Whether a stream with these first bytes is such a text.
pub(super) fn begins(head: &[u8]) -> bool {
    name(&head[blanks(head)..], false).is_some()
}

/// The text, up to the next name.
struct Text<'r> {
    reader: Headed<'r>,
    held: Vec<u8>,
    at: usize,
    over: bool,
    /// At the beginning of a line.
    fresh: bool,
}

impl Text<'_> {
    /// What comes next: a block, or less at the end.
    fn ahead(&mut self) -> &[u8] {
        if self.held.len() - self.at < NAME_BYTES && !self.over {
            self.held.drain(..self.at);
            self.at = 0;
            let have = self.held.len();
            self.held.resize(have + BLOCK_BYTES, 0);
            let read = fill(&mut self.reader, &mut self.held[have..]);
            self.held.truncate(have + read);
            self.over = read < BLOCK_BYTES;
        }
        &self.held[self.at..]
    }

    /// Passes the line that names the next output.
    fn next_name(&mut self) -> Option<Vec<u8>> {
        self.ahead();
        let text = &self.held[self.at..];
        let (found, len) = name(text, self.over)?;
        let found = found.to_vec();
        (self.at, self.fresh) = (self.at + len, true);
        Some(found)
    }
}

impl Read for Text<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let fresh = self.fresh;
        self.ahead();
        let text = &self.held[self.at..];
        if text.is_empty() || fresh && name(text, self.over).is_some() {
            return Ok(0);
        }
        let until = match memmem::find(text, b"\n==> ") {
            Some(at) => at + 1,
            None if self.over => text.len(),
            // the beginning of a name may stand at the end
            None => text.len() - 4,
        };
        let len = until.min(buf.len());
        buf[..len].copy_from_slice(&text[..len]);
        if let Some(last) = len.checked_sub(1) {
            self.fresh = text[last] == b'\n';
        }
        self.at += len;
        Ok(len)
    }
}

impl Walker<'_> {
    pub(super) fn sections(&mut self, place: &Place, reader: Headed<'_>, limits: &Limits) -> Result<(), Stop> {
        let mut text = Text { reader, held: Vec::new(), at: 0, over: false, fresh: true };
        text.at = blanks(text.ahead());
        let mut names = Names::new(place.prefix(), limits.path_bytes);
        while let Some(name) = text.next_name() {
            let (path, odd) = names.present(&name);
            self.count(&path)?;
            for what in odd {
                self.note(Note::OddPath { path: path.clone(), what });
            }
            let member = place.member(path, place.modified, None);
            self.stream(&member, Headed::new(&mut text))?;
        }
        Ok(())
    }
}
