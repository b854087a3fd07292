//! Several outputs in one text, each below a line that names it.
//!
//! ```text
//! ==> kubelet <==                       minikube logs
//! Feb 11 10:00:05 minikube kubelet[2345]: I0211 …
//!
//! ==> /var/log/messages <==             tail -n +1 /var/log/messages /var/log/syslog
//!
//! #==[ Command ]======================================#       a file of supportconfig
//! # /sbin/ip route
//!
//! *** Output of conntrack -S ***                               a file of the EKS collector
//!
//! # ip -4 route show table all                                a command of cilium-bugtool, between two lines of ```
//!
//! {                                                            kubectl cluster-info dump without a folder
//!     "kind": "NodeList",
//! ==== START logs for container felix of pod kube-system/calico-node-x7k2p ====
//! ==== END logs for container felix of pod kube-system/calico-node-x7k2p ====
//! ```
//!
//! Only where the beginning says so: elsewhere such a line may be part of a log. Each output is a member of its own;
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
/// The longest beginning of a line that may name an output.
const OPENING_BYTES: usize = 6;
/// Where in a list its kind stands.
const LIST_BYTES: usize = 200;
/// Outputs of one text; the last holds what follows. A collector writes hundreds, a text that is all names would cost a member each.
const MOST_OUTPUTS: u32 = 10_000;
/// What stands around the output of a command of cilium-bugtool.
const FENCE: &[u8] = b"```";

/// How the outputs of a text are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `==> name <==`
    Arrows,
    /// `#==[ Command ]===#`, and the name on the line below.
    Supportconfig,
    /// `*** Output of command ***`
    Stars,
    /// `# command`, a blank line, and the output between two lines of three backquotes.
    Fenced,
    /// Lists in JSON, and logs between two lines.
    ClusterDump,
}

/// What a line is that stands between two outputs.
enum Frame {
    /// It names the next one.
    Name(Vec<u8>),
    /// It ends the last one.
    End,
}

impl Framing {
    /// How lines begin that may name an output.
    fn openings(self) -> &'static [&'static [u8]] {
        match self {
            Framing::Arrows => &[b"==> "],
            Framing::Supportconfig => &[b"#==["],
            Framing::Stars => &[b"*** Ou"],
            Framing::Fenced => &[b"# ", FENCE],
            Framing::ClusterDump => &[b"==== ", b"{\n", b"{\r\n"],
        }
    }

    /// Whether an output ends where a line says so.
    fn encloses(self) -> bool {
        matches!(self, Framing::Fenced | Framing::ClusterDump)
    }

    /// The frame that a text begins with, and its bytes; `inside` an output that has an end of its own nothing else is one.
    fn frame(self, text: &[u8], last: bool, inside: bool) -> Option<(Frame, usize)> {
        let text = &text[..text.len().min(NAME_BYTES)];
        if !self.openings().iter().any(|it| text.starts_with(it)) {
            return None;
        }
        let line = |from: usize| -> Option<(&[u8], usize)> {
            let end = match memchr::memchr(b'\n', &text[from..]) {
                Some(end) => from + end + 1,
                None if last => text.len(),
                None => return None,
            };
            Some((text[from..end].trim_ascii_end(), end))
        };
        let (first, end) = line(0)?;
        match self {
            Framing::Arrows => {
                let inner = first.strip_prefix(b"==> ")?.strip_suffix(b" <==")?.trim_ascii();
                (!inner.is_empty()).then(|| (Frame::Name(inner.to_vec()), end))
            }
            Framing::Stars => {
                let inner = first.strip_prefix(b"*** Output of ")?.strip_suffix(b"***")?.trim_ascii();
                (!inner.is_empty()).then(|| (Frame::Name(inner.to_vec()), end))
            }
            Framing::Supportconfig => {
                let kind = first.strip_prefix(b"#==[ ")?.strip_suffix(b"#")?;
                let kind = kind.trim_ascii_end().strip_suffix(b"=")?;
                let kind = &kind[..memmem::find(kind, b" ]")?];
                let below = line(end).and_then(|(it, end)| Some((it.strip_prefix(b"# ")?.trim_ascii(), end)));
                let (name, end) = below.filter(|it| !it.0.is_empty()).unwrap_or((kind, end));
                Some((Frame::Name(name.to_vec()), end))
            }
            Framing::Fenced if inside => (first == FENCE).then_some((Frame::End, end)),
            Framing::Fenced => {
                let command = first.strip_prefix(b"# ")?.trim_ascii();
                let (blank, next) = line(end)?;
                let (fence, end) = line(next)?;
                let fits = !command.is_empty() && blank.is_empty() && fence == FENCE;
                fits.then(|| (Frame::Name(command.to_vec()), end))
            }
            Framing::ClusterDump if first == b"{" && !inside => {
                // what it lists stands in one of its first lines; the text itself is all of it
                let head = String::from_utf8_lossy(&text[..text.len().min(LIST_BYTES)]);
                let kind = head.split_once("\"kind\": \"")?.1.split('"').next()?;
                Some((Frame::Name(format!("{kind}.json").into_bytes()), 0))
            }
            Framing::ClusterDump => {
                let inner = first.strip_prefix(b"==== ")?.strip_suffix(b" ====")?;
                if inner.starts_with(b"END logs for container ") {
                    return Some((Frame::End, end));
                }
                let inner = inner.strip_prefix(b"START logs for container ")?;
                let at = memmem::find(inner, b" of pod ")?;
                let (container, pod) = (&inner[..at], &inner[at + b" of pod ".len()..]);
                Some((Frame::Name([pod, b"/", container, b".log"].concat()), end))
            }
        }
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|it| matches!(it, b'\n' | b'\r')).count()
}

/// How the outputs of a stream with these first bytes are told apart, where it holds several.
pub(super) fn begins(head: &[u8], path: &str) -> Option<Framing> {
    let text = &head[blanks(head)..];
    let named = |framing: Framing| matches!(framing.frame(text, false, false), Some((Frame::Name(_), _)));
    // prose has headings and fences, too
    let command = path.contains("cmd/") && path.ends_with(".md");
    let all = [Framing::Arrows, Framing::Stars, Framing::Supportconfig, Framing::Fenced];
    if let Some(framing) = all.into_iter().filter(|it| command || *it != Framing::Fenced).find(|it| named(*it)) {
        return Some(framing);
    }
    // its first file begins with who made it
    let banner = text.starts_with(b"=====")
        && [&b"supportconfig"[..], b"support utilities"]
            .iter()
            .any(|it| memmem::find(&text.to_ascii_lowercase(), it).is_some());
    if banner {
        return Some(Framing::Supportconfig);
    }
    // the first of several lists; with a folder it would be nodes.json
    let lists = text.strip_prefix(b"{").is_some_and(|it| it.trim_ascii_start().starts_with(b"\"kind\": \"NodeList\""));
    let file = path.rsplit('/').next().unwrap_or(path);
    (lists && text.starts_with(b"{\n") && !file.to_ascii_lowercase().contains("node")).then_some(Framing::ClusterDump)
}

/// The text, up to the next name.
struct Text<'r> {
    framing: Framing,
    reader: Headed<'r>,
    held: Vec<u8>,
    at: usize,
    over: bool,
    /// At the beginning of a line.
    fresh: bool,
    /// Nothing was read since the name.
    begun: bool,
    /// Between the two lines around a log.
    inside: bool,
    /// How many more outputs may begin.
    left: u32,
}

impl Text<'_> {
    /// The frame that a text begins with, and its bytes.
    fn frame(&self, text: &[u8]) -> Option<(Frame, usize)> {
        if self.left == 0 { None } else { self.framing.frame(text, self.over, self.inside) }
    }

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

    /// Passes the lines that name the next output; what stands before the first name has none.
    fn next_name(&mut self, first: bool) -> Option<Vec<u8>> {
        loop {
            self.ahead();
            let text = &self.held[self.at..];
            if text.is_empty() {
                return None;
            }
            match self.frame(text) {
                Some((Frame::Name(found), len)) => {
                    self.at += len;
                    (self.fresh, self.begun) = (true, true);
                    self.inside = self.framing.encloses() && len > 0;
                    self.left -= 1;
                    return Some(found);
                }
                Some((Frame::End, len)) => {
                    self.at += len;
                    self.at += blanks(self.ahead());
                    self.inside = false;
                }
                None => {
                    (self.fresh, self.begun) = (true, true);
                    let name: &[u8] = if first { b"head" } else { b"rest" };
                    return Some(name.to_vec());
                }
            }
        }
    }
}

impl Read for Text<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (fresh, begun) = (self.fresh, self.begun);
        self.ahead();
        let text = &self.held[self.at..];
        // a list is named by its own first line
        let named = |text: &[u8]| match self.frame(text) {
            Some((_, 0)) => !begun,
            Some(_) => true,
            None => false,
        };
        if text.is_empty() || buf.is_empty() || fresh && named(text) {
            return Ok(0);
        }
        let openings = if self.left == 0 { &[] } else { self.framing.openings() };
        let opens = |at: &usize| openings.iter().any(|it| text[*at..].starts_with(it));
        let next = memchr::memchr_iter(b'\n', text).map(|it| it + 1).find(opens);
        let until = match next {
            Some(at) => at,
            None if self.over => text.len(),
            // the beginning of a name may stand at the end
            None => text.len() - OPENING_BYTES,
        };
        let len = until.min(buf.len());
        buf[..len].copy_from_slice(&text[..len]);
        if let Some(last) = len.checked_sub(1) {
            self.fresh = text[last] == b'\n';
            self.begun = false;
        }
        self.at += len;
        Ok(len)
    }
}

impl Walker<'_> {
    pub(super) fn sections(
        &mut self,
        place: &Place,
        framing: Framing,
        reader: Headed<'_>,
        limits: &Limits,
    ) -> Result<(), Stop> {
        let (held, at, over, fresh, begun, inside) = (Vec::new(), 0, false, true, true, false);
        let mut text = Text { framing, reader, held, at, over, fresh, begun, inside, left: MOST_OUTPUTS };
        text.at = blanks(text.ahead());
        let mut names = Names::new(place.prefix(), limits.path_bytes);
        let mut first = true;
        while let Some(name) = text.next_name(first) {
            first = false;
            let (path, odd) = names.present(&name);
            self.count(&path)?;
            for what in odd {
                self.note(Note::OddPath { path: path.clone(), what });
            }
            let member = place.member(path, place.modified, None);
            if text.left == 0 {
                // names are a part of it, and not to be taken apart again
                self.plain(&member, &mut text)?;
            } else {
                self.stream(&member, Headed::new(&mut text))?;
            }
        }
        Ok(())
    }
}
