//! The head of a line: `stamp host ident[pid]: message`, in every way journalctl and syslog daemons print it.
//!
//! ```text
//! Jun 14 13:14:31 node-a kubelet[2345]: text                       short, syslog
//! 2020-06-14T13:14:31.001000+0000 node-a kernel: text              short-iso-precise, rsyslog
//! Sun 2020-06-14 13:14:31 UTC node-a init.scope[1]: text           short-full, with-unit
//! 1592140471.001000 node-a kubelet[2345]: text                     short-unix
//! [432001.235567 <    0.001000 >] node-a kubelet[2345]: text       short-monotonic, short-delta
//! ```

use std::borrow::Cow;

use timeline::{Name, Stamp};

use super::stamp;

/// How stamps are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `Jun 14 13:14:31`
    Short,
    /// `2020-06-14T13:14:31+0000`
    Iso,
    /// `Sun 2020-06-14 13:14:31 UTC`
    Full,
    /// `1592140471.001000`
    Unix,
    /// `[432001.234567]`
    Monotonic,
}

const MODES: [Mode; 5] = [Mode::Short, Mode::Iso, Mode::Full, Mode::Unix, Mode::Monotonic];

/// Who writes the tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Identifiers may hold blanks and colons; a host may be missing on every line.
    Journal,
    /// A tag is one word; it may be missing.
    Syslog,
}

/// A head, taken apart.
#[derive(Debug)]
pub(crate) struct Head<'t> {
    /// The stamp.
    pub(crate) stamp: Stamp,
    /// The kernel's clock, where that is what the stamp shows.
    pub(crate) micros: Option<u64>,
    /// The host.
    pub(crate) host: Option<&'t str>,
    /// The identifier or unit.
    pub(crate) ident: Option<&'t str>,
    /// The process id.
    pub(crate) pid: Option<u32>,
    /// The number under which host and identifier are remembered; 0: they are not.
    pub(crate) speaker: u32,
    /// Where the message begins.
    pub(crate) message: usize,
}

/// Reads heads and remembers how this file prints them.
pub(crate) struct Heads {
    style: Style,
    mode: Option<Mode>,
    with_host: u32,
    without_host: u32,
    /// The stamp of the line before: most lines of a busy log share theirs with a neighbour.
    last: Option<Last>,
    /// Tags that stood in lines before, by what stands behind the host.
    tags: [Option<Box<Tag>>; TAGS],
    /// Tags that could not be remembered yet: one whose process id never comes back is not worth it.
    seen: [u64; TAGS],
    /// How many were remembered so far.
    numbered: u32,
    /// Bytes up to the identifier in the line before.
    host_bytes: usize,
    dates: stamp::Dates,
    minutes: stamp::Yearless,
}

const TAGS: usize = 32;
/// Longer stamps and tags are not remembered.
const STAMP_BYTES: usize = 40;
const TAG_BYTES: usize = 96;

/// A stamp as it was printed, and what it says.
struct Last {
    text: [u8; STAMP_BYTES],
    mode: Mode,
    stamp: Stamp,
    len: usize,
}

/// `node-a kubelet[2345]: `, taken apart.
struct Tag {
    text: Box<str>,
    host: usize,
    ident: (usize, usize),
    pid: Option<u32>,
    /// Of all that were remembered.
    number: u32,
}

impl Heads {
    pub(crate) fn new(style: Style) -> Heads {
        Heads {
            style,
            mode: None,
            with_host: 0,
            without_host: 0,
            last: None,
            tags: [const { None }; TAGS],
            seen: [0; TAGS],
            numbered: 0,
            host_bytes: 0,
            dates: stamp::Dates::default(),
            minutes: stamp::Yearless::default(),
        }
    }

    /// How the last line printed its stamp.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// Takes the head of a line apart; nothing where the line has none.
    pub(crate) fn read<'t>(&mut self, line: &'t str) -> Option<Head<'t>> {
        if let Some((mode, stamp, len)) = self.same_stamp(line)
            && let Some(mut head) = self.tag(line, len + 1)
        {
            (self.mode, head.stamp) = (Some(mode), stamp);
            return Some(head);
        }
        let known = self.mode.and_then(|mode| Some((mode, self.stamp(mode, line)?)));
        let (mode, (stamp, micros, len)) = match known {
            Some(found) => found,
            None => MODES.into_iter().find_map(|it| Some((it, self.stamp(it, line)?)))?,
        };
        // `Mar 11 09:39:39: --- last message repeated 5 times ---`
        let end = match line.as_bytes().get(len) {
            Some(b' ') => len + 1,
            Some(b':') if line.as_bytes().get(len + 1) == Some(&b' ') => len + 2,
            None => len,
            Some(_) => return None,
        };
        let mut head = self.tag(line, end)?;
        self.mode = Some(mode);
        if matches!(mode, Mode::Short | Mode::Iso)
            && len <= STAMP_BYTES
            && let Some(bytes) = line.as_bytes().get(..len)
        {
            let mut text = [0; STAMP_BYTES];
            text[..len].copy_from_slice(bytes);
            self.last = Some(Last { text, mode, stamp, len });
        }
        (head.stamp, head.micros) = (stamp, micros);
        Some(head)
    }

    /// The stamp of the line before, where this line begins with the same one.
    fn same_stamp(&self, line: &str) -> Option<(Mode, Stamp, usize)> {
        let last = self.last.as_ref().filter(|it| self.mode == Some(it.mode))?;
        let bytes = line.as_bytes();
        // what follows may be a fraction or a zone that the one before did not have
        let same = bytes.get(last.len) == Some(&b' ') && begins(bytes, &last.text[..last.len]);
        same.then_some((last.mode, last.stamp, last.len))
    }

    fn stamp(&mut self, mode: Mode, line: &str) -> Option<(Stamp, Option<u64>, usize)> {
        let bytes = line.as_bytes();
        match mode {
            Mode::Short => {
                let found = self.minutes.read(line).or_else(|| unprintable(line, "XXX XX XX:XX:XX"));
                found.map(|(stamp, len)| (stamp, None, len))
            }
            Mode::Iso => {
                // `dmesg --time-format iso` prints a comma before the fraction
                if !matches!(bytes.get(10), Some(b'T')) || matches!(bytes.get(19), Some(b',')) {
                    return None;
                }
                match self.dates.read(bytes).or_else(|| unprintable(line, "XXXX-XX-XXTXX:XX:XX+XX:XX"))? {
                    (Stamp::Zoneless { .. }, _) if self.style == Style::Journal => None,
                    // nanoseconds are printed by container runtimes only
                    (Stamp::Exact { resolution, .. }, _) if resolution < chrono::TimeDelta::microseconds(1) => None,
                    (stamp, len) => Some((stamp, None, len)),
                }
            }
            Mode::Full => {
                let day = bytes.get(..4)?;
                if ![b"Mon ", b"Tue ", b"Wed ", b"Thu ", b"Fri ", b"Sat ", b"Sun "]
                    .iter()
                    .any(|it| it.as_slice() == day)
                {
                    return None;
                }
                let (local, resolution, len) = local(bytes.get(4..)?)?;
                let rest = line.get(4 + len..)?.strip_prefix(' ')?;
                let zone = rest.split(' ').next().filter(|it| is_zone(it))?;
                let stamp = Stamp::Zoneless { local, resolution, abbreviation: Some(zone.into()) };
                Some((stamp, None, 4 + len + 1 + zone.len()))
            }
            Mode::Unix => {
                let (stamp, len) = stamp::epoch(bytes)?;
                (len >= 16).then_some((stamp, None, len))
            }
            Mode::Monotonic => {
                let rest = line.strip_prefix('[')?;
                let padded = rest.trim_start_matches(' ');
                let (micros, len) = stamp::micros(padded.as_bytes())?;
                let at = 1 + (rest.len() - padded.len()) + len;
                // `[432001.235567 <    0.001000 >]`, `*>`, or blanks on the first line
                let close = line[at..].find(']').filter(|it| *it <= 24)?;
                let delta = &line[at..at + close];
                let fits = delta.bytes().all(|it| matches!(it, b' ' | b'<' | b'>' | b'*' | b'.' | b'-' | b'0'..=b'9'));
                fits.then_some((Stamp::Monotonic { micros }, Some(micros), at + close + 1))
            }
        }
    }

    /// `node-a kubelet[2345]: text`, `kubelet[2345]: text`
    fn tag<'t>(&mut self, line: &'t str, start: usize) -> Option<Head<'t>> {
        let rest = &line[start..];
        if let Some((tag, ident)) = self.same_tag(rest) {
            let (host, pid, message) = (Some(&rest[..tag.host]), tag.pid, start + tag.text.len());
            let speaker = tag.number;
            self.with_host = self.with_host.saturating_add(1);
            return Some(Head { stamp: Stamp::None, micros: None, host, ident: Some(ident), pid, speaker, message });
        }
        let head = |host, ident, pid, message| {
            Some(Head { stamp: Stamp::None, micros: None, host, ident, pid, speaker: 0, message: start + message })
        };
        let word = &rest[..memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len())];
        let tagged = word.ends_with(':') || word.contains('[') || word.is_empty() || word == "---";
        let hostless = tagged || (self.style == Style::Journal && self.with_host == 0 && self.without_host >= 3);
        // `Feb 11 19:23:51 | set open fds limit` has no host
        // nor has `2023-12-04T10:49:30.127Z In(05) vcpu-5 - Guest: <6>[…] text` of a hypervisor
        let is_name = word.starts_with(|it: char| it.is_alphanumeric() || it == ':') && !word.ends_with(')');
        let is_host = is_name || matches!(word, "-" | "(none)");
        if !hostless && !is_host {
            return None;
        }
        let (host, at) = if hostless { (None, 0) } else { (Some(word), (word.len() + 1).min(rest.len())) };
        let Some((ident, pid, len)) = ident(&rest[at..], self.style) else {
            // a line of its own with a stamp but without a tag: `host last message repeated 4 times`
            return head(host, None, None, at);
        };
        if hostless {
            self.without_host = self.without_host.saturating_add(u32::from(tagged));
        } else {
            self.with_host = self.with_host.saturating_add(1);
            self.remember(rest, at, ident, pid, at + len);
        }
        head(host, Some(ident), pid, at + len)
    }

    /// A tag that stood in a line before, and its identifier.
    fn same_tag<'t>(&self, rest: &'t str) -> Option<(&Tag, &'t str)> {
        let tag = self.tags[slot(rest, self.host_bytes)?].as_deref()?;
        begins(rest.as_bytes(), tag.text.as_bytes()).then(|| (tag, &rest[tag.ident.0..tag.ident.1]))
    }

    /// Remembers a tag with a host and an end that nothing behind it can move.
    fn remember(&mut self, rest: &str, at: usize, ident: &str, pid: Option<u32>, len: usize) {
        self.host_bytes = at;
        let Some(text) = rest.get(..len).filter(|it| it.len() <= TAG_BYTES && it.ends_with(": ")) else { return };
        let Some(slot) = slot(rest, at) else { return };
        let mark = (len as u64) << 40 ^ u64::from(pid.unwrap_or(0)) ^ u64::from(text.as_bytes()[at]) << 32;
        if std::mem::replace(&mut self.seen[slot], mark) != mark {
            return;
        }
        self.numbered = self.numbered.wrapping_add(1);
        let (text, ident, number) = (text.into(), (at, at + ident.len()), self.numbered);
        self.tags[slot] = Some(Box::new(Tag { text, host: at - 1, ident, pid, number }));
    }
}

/// Whether a text begins with another: eight bytes at a time, because what is compared here is short.
pub(crate) fn begins(bytes: &[u8], front: &[u8]) -> bool {
    let Some(bytes) = bytes.get(..front.len()) else { return false };
    match (bytes.last_chunk::<8>(), front.last_chunk::<8>()) {
        (Some(one), Some(other)) => {
            one == other && bytes.as_chunks::<8>().0.iter().zip(front.as_chunks::<8>().0).all(|it| it.0 == it.1)
        }
        _ => bytes == front,
    }
}

/// Where a tag is remembered, by the eight bytes behind the host.
fn slot(rest: &str, host: usize) -> Option<usize> {
    let bytes = rest.as_bytes().get(host..)?.first_chunk::<8>()?;
    Some((u64::from_le_bytes(*bytes).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59) as usize % TAGS)
}

/// `kubelet[2345]: `, `gdm-password][22]: `, `my app[24]: `, `kernel: `: name, pid and length.
fn ident(text: &str, style: Style) -> Option<(&str, Option<u32>, usize)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    let end = loop {
        let at = from + memchr::memchr(b':', &bytes[from..bytes.len().min(320)])?;
        if matches!(bytes.get(at + 1), Some(b' ') | None) {
            break at;
        }
        // a blank ends a syslog tag; nothing after it can be one
        if style == Style::Syslog && bytes[from..at].contains(&b' ') {
            return None;
        }
        from = at + 1;
    };
    let tag = &text[..end];
    let (name, pid) = match tag.strip_suffix(']').and_then(|it| it.rsplit_once('[')) {
        Some((name, inside)) => (name, inside.parse().ok()),
        None => (tag, None),
    };
    let blanks = name.bytes().filter(|it| *it == b' ').count();
    let fits = match style {
        Style::Journal => blanks <= 3 && name.len() <= 300,
        Style::Syslog => blanks == 0,
    };
    if name.is_empty() || !fits {
        return None;
    }
    Some((name, pid, (end + 2).min(text.len())))
}

/// `XXX XX XX:XX:XX`: what journalctl prints where it cannot convert a stamp.
fn unprintable(line: &str, shape: &str) -> Option<(Stamp, usize)> {
    line.starts_with(shape).then_some((Stamp::None, shape.len()))
}

/// `2020-06-14 13:14:31`
fn local(bytes: &[u8]) -> Option<(chrono::NaiveDateTime, chrono::TimeDelta, usize)> {
    if bytes.get(10) != Some(&b' ') {
        return None;
    }
    let day = stamp::date(bytes)?;
    let (time, resolution, len) = stamp::clock(&bytes[11..])?;
    Some((day.and_time(time), resolution, 11 + len))
}

/// `UTC`, `CST`, `+08`
fn is_zone(word: &str) -> bool {
    let body = word.strip_prefix(['+', '-']).unwrap_or(word);
    !body.is_empty() && body.len() <= 6 && body.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// `Fri 2022-02-11 18:58:10 UTC`: a stamp with its zone, and the zone's name.
pub(crate) fn full_stamp(text: &str) -> Option<(Stamp, Name)> {
    let (local, resolution, len) = local(text.get(4..)?.as_bytes())?;
    let zone = text.get(4 + len..)?.strip_prefix(' ')?.split([' ', ',', '.', ';']).next().filter(|it| is_zone(it))?;
    Some((Stamp::Zoneless { local, resolution, abbreviation: Some(zone.into()) }, zone.into()))
}

/// The line without colours and links: `ESC [ 0;1;31 m`, `ESC ] 8 ; ; url ESC \`.
pub(crate) fn plain(line: &str) -> Cow<'_, str> {
    if memchr::memchr(0x1b, line.as_bytes()).is_none() {
        return Cow::Borrowed(line);
    }
    let (mut plain, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let bytes = rest.as_bytes();
        let len = match bytes.get(1) {
            Some(b'[') => {
                let inside = bytes[2..].iter().take_while(|it| matches!(it, b'0'..=b'9' | b';' | b':')).count();
                bytes.get(2 + inside).filter(|it| it.is_ascii_alphabetic()).map(|_| 3 + inside)
            }
            Some(b']') => {
                let bell = rest.find('\u{7}').map(|it| it + 1);
                let string = rest[1..].find("\u{1b}\\").map(|it| it + 3);
                bell.into_iter().chain(string).min()
            }
            _ => None,
        };
        match len {
            Some(len) => rest = &rest[len..],
            None => {
                plain.push('\u{1b}');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(style: Style, lines: &[&str]) -> String {
        let mut heads = Heads::new(style);
        let one = |line: &&str| match heads.read(line) {
            None => format!("none: {line}"),
            Some(head) => {
                let pid = head.pid.map_or(String::new(), |it| it.to_string());
                let (host, ident) = (head.host.unwrap_or("-"), head.ident.unwrap_or("-"));
                format!("{:?} {host} | {ident} | {pid} | {}", heads.mode().unwrap(), &line[head.message..])
            }
        };
        lines.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn odd_identifiers_of_a_journal() {
        insta::assert_snapshot!(
            shown(
                Style::Journal,
                &[
                    "Jun 14 13:14:31 node-a kernel: TCP: request_sock_TCP: x",
                    "Jun 14 13:14:31 node-a gdm-password][22]: identifier contains a bracket",
                    "Jun 14 13:14:31 node-a /usr/sbin/cron[23]: (root) CMD",
                    "Jun 14 13:14:31 node-a my app[24]: identifier contains a space",
                    "Jun 14 13:14:31 node-a a:b[25]: contains a colon: and the message too",
                    "Jun 14 13:14:31 node-a empty[12]: ",
                    "Jun 14 13:14:31 node-a empty[12]:",
                    "Jun 14 13:14:31 nohost[29]: no _HOSTNAME",
                    "Sun 2020-06-14 13:14:31 UTC node-a init.scope[1]: x",
                    "2020-06-14T13:14:31+0000 node-a kubelet[2345]: x",
                    "1592140471.001000 node-a kubelet[2345]: x",
                    "[432001.234567                ] node-a kernel: x",
                    "[432001.235567 <    0.001000 >] node-a kubelet[2345]: x",
                    "[    5.235567] node-a kubelet[2345]: x",
                    "2023-12-04T10:49:30.127Z In(05) vcpu-5 - Guest: <6>[39291577.009360] x",
                    "                                runtime stack:",
                ]
            ),
            @r"
        Short node-a | kernel |  | TCP: request_sock_TCP: x
        Short node-a | gdm-password] | 22 | identifier contains a bracket
        Short node-a | /usr/sbin/cron | 23 | (root) CMD
        Short node-a | my app | 24 | identifier contains a space
        Short node-a | a:b | 25 | contains a colon: and the message too
        Short node-a | empty | 12 | 
        Short node-a | empty | 12 | 
        Short - | nohost | 29 | no _HOSTNAME
        Full node-a | init.scope | 1 | x
        Iso node-a | kubelet | 2345 | x
        Unix node-a | kubelet | 2345 | x
        Monotonic node-a | kernel |  | x
        Monotonic node-a | kubelet | 2345 | x
        Monotonic node-a | kubelet | 2345 | x
        none: 2023-12-04T10:49:30.127Z In(05) vcpu-5 - Guest: <6>[39291577.009360] x
        none:                                 runtime stack:
        "
        );
    }

    #[test]
    fn a_journal_without_hosts_is_noticed() {
        let lines = [
            "Jun 14 13:14:31 kernel: x",
            "Jun 14 13:14:31 kubelet[2345]: x",
            "Jun 14 13:14:31 kubelet[2345]: x",
            "Jun 14 13:14:31 my app[24]: x",
        ];
        assert!(shown(Style::Journal, &lines).ends_with("Short - | my app | 24 | x"));
    }

    #[test]
    fn syslog_lines_without_a_tag() {
        insta::assert_snapshot!(
            shown(
                Style::Syslog,
                &[
                    "Nov  3 09:23:38 veridian automount[7998]: lookup(file): x",
                    "Nov  3 09:23:38 veridian lookup for opt failed: late colon",
                    "Mar 11 09:39:39: --- last message repeated 5 times ---",
                    "Mar 11 09:39:39 host last message repeated 5 times",
                    "Jul 23 21:42:17 leaf-a07 2214: Jul 23 21:42:16.902 CST: %SYS-6-LOGGINGHOST_STARTSTOP: x",
                    "2016-10-25T12:37:23.297265-07:00 vm sshd(pam_unix)[13707]: x",
                ]
            ),
            @r"
        Short veridian | automount | 7998 | lookup(file): x
        Short veridian | - |  | lookup for opt failed: late colon
        Short - | - |  | --- last message repeated 5 times ---
        Short host | - |  | last message repeated 5 times
        Short leaf-a07 | 2214 |  | Jul 23 21:42:16.902 CST: %SYS-6-LOGGINGHOST_STARTSTOP: x
        Iso vm | sshd(pam_unix) | 13707 | x
        "
        );
    }

    #[test]
    fn colours_and_links_go() {
        let line = "a \u{1b}[0;1;38:5:185mwarn\u{1b}[0m \u{1b}]8;;file://x\u{1b}\\link\u{1b}]8;;\u{7} \u{1b}x";
        assert_eq!(plain(line), "a warn link \u{1b}x");
    }
}
