//! Lines of programs that another program runs and logs as messages of its own: k0s.
//!
//! ```text
//! time="2024-01-31 10:00:01" level=info msg="I0131 10:00:01.100000    1734 server.go:1190] \"Started kubelet\"" component=kubelet
//! time="2024-01-31 10:00:02" level=info msg="{\"level\":\"warn\",\"ts\":\"…\",\"msg\":\"slow fdatasync\"}" component=etcd stream=stderr
//! time="2024-01-31 10:00:03" level=info msg="Starting to supervise" component=kubelet           k0s itself
//! ```
//!
//! What the program printed is the message, and the program is who speaks. Before `stream` was printed, k0s' own words
//! about a program look as the program's do but for the header those have; what has none stays k0s'.
//! Skipped: the numbers of the chunks a long line was cut into. Time: k0s' own stamp counts where the carrier has none.
//!
//! Source: k0s `pkg/supervisor/supervisor.go`, `internal/pkg/log`; logrus' text formatter.

use std::borrow::Cow;

use timeline::{Carrier, Stamp};

use super::inner::{self, Header};
use super::{Entry, crash, speaker};

/// Fields behind the message are short; what stands further in front is the message's own.
const TAIL_BYTES: usize = 96;

/// A message that wraps another.
struct Wrapped<'m> {
    component: &'m str,
    said: Cow<'m, str>,
}

/// Puts what a supervised program said in the place of what its supervisor said; false where nobody is quoted.
pub(super) fn unwrap(entry: &mut Entry<'_>, carrier: Carrier) -> bool {
    let supervisor = match entry.ident.as_deref() {
        Some(ident) => ident.rsplit('/').next().is_some_and(|it| it.starts_with("k0s")),
        None => false,
    };
    // the file of a log need not be named after who writes it
    if !supervisor && carrier != Carrier::File {
        return false;
    }
    let (component, said) = match &entry.message {
        Cow::Borrowed(text) => match wrapped(text) {
            Some(Wrapped { component, said }) => (Cow::Borrowed(component), said),
            None => return false,
        },
        Cow::Owned(text) => match wrapped(text) {
            Some(Wrapped { component, said }) => (Cow::Owned(component.to_owned()), Cow::Owned(said.into_owned())),
            None => return false,
        },
    };
    if !supervisor && speaker::known(&component).is_none() {
        return false;
    }
    if entry.stamp.is_none() {
        entry.stamp = inner::read(&entry.message, Header::Logrus).0.unwrap_or(Stamp::None);
    }
    (entry.ident, entry.message, entry.speaker) = (Some(component), said, 0);
    true
}

/// `time="…" level=info msg="…" component=kubelet stream=stderr`
fn wrapped(message: &str) -> Option<Wrapped<'_>> {
    let bytes = message.as_bytes();
    let from = bytes.len().saturating_sub(TAIL_BYTES);
    let at = from + memchr::memmem::rfind(&bytes[from..], b" component=")?;
    let (component, stream) = match message[at + 11..].split_once(' ') {
        Some((component, rest)) => (component, rest.starts_with("stream=")),
        None => (&message[at + 11..], false),
    };
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    if component.is_empty() || !component.bytes().all(plain) {
        return None;
    }
    let head = message[..at].strip_prefix("time=\"")?;
    let (_, rest) = head.split_once("\" level=")?;
    let (_, rest) = rest.split_once(" msg=")?;
    let said = match rest.strip_prefix('"') {
        Some(quoted) => unquoted(quoted)?,
        None => Cow::Borrowed(rest.split(' ').next().unwrap_or_default()),
    };
    let own = || inner::header(&said) == Header::None && !crash::begins(&said);
    (stream || !own()).then_some(Wrapped { component, said })
}

/// The text up to the quote that ends it, as Go's `%q` wrote it.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let at = memchr::memchr2(b'"', b'\\', bytes)?;
    if bytes[at] == b'"' {
        return Some(Cow::Borrowed(&text[..at]));
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    loop {
        let at = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
        plain.push_str(&rest[..at]);
        if rest.as_bytes()[at] == b'"' {
            return Some(Cow::Owned(plain));
        }
        let letter = *rest.as_bytes().get(at + 1)?;
        let digits = match letter {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        plain.push(match letter {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'v' => '\u{b}',
            it @ (b'"' | b'\\' | b'\'') => char::from(it),
            b'x' | b'u' | b'U' => {
                let code = u32::from_str_radix(rest.get(at + 2..at + 2 + digits)?, 16).ok()?;
                // a byte that is no text
                char::from_u32(code).filter(|_| letter != b'x' || code < 0x80).unwrap_or('?')
            }
            _ => return None,
        });
        rest = &rest[at + 2 + digits..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    fn entry<'t>(ident: Option<&'t str>, message: Cow<'t, str>) -> Entry<'t> {
        Entry {
            stamp: Stamp::None,
            micros: None,
            host: None,
            ident: ident.map(Cow::Borrowed),
            unit: None,
            pid: None,
            severity: None,
            speaker: 0,
            boot: None,
            message,
            line: Line { text: "", start: 0, number: 1 },
        }
    }

    fn of(ident: Option<&str>, message: &str, carrier: Carrier) -> Option<(String, String, Stamp)> {
        let (mut one, mut other) = (entry(ident, message.into()), entry(ident, message.to_owned().into()));
        let (done, also) = (unwrap(&mut one, carrier), unwrap(&mut other, carrier));
        assert_eq!((done, &one.ident, &one.message), (also, &other.ident, &other.message), "borrowed or not");
        done.then(|| (one.ident.unwrap_or_default().into_owned(), one.message.into_owned(), one.stamp))
    }

    fn said(message: &str) -> Option<(String, String)> {
        of(Some("k0s"), message, Carrier::Journal).map(|it| (it.0, it.1))
    }

    fn some(component: &str, text: &str) -> Option<(String, String)> {
        Some((component.to_owned(), text.to_owned()))
    }

    #[test]
    fn what_a_program_said_and_which() {
        let klog = r#"time="2024-01-31 10:00:02" level=info msg="E0131 10:00:02.100000    1734 kubelet.go:2448] \"Error getting node\" err=\"node \\\"node-a\\\" not found\"" component=kubelet"#;
        let plain =
            r#"E0131 10:00:02.100000    1734 kubelet.go:2448] "Error getting node" err="node \"node-a\" not found""#;
        assert_eq!(said(klog), some("kubelet", plain));
        assert_eq!(said(&format!("{klog} stream=stderr")), some("kubelet", plain));
        let etcd = r#"time="2024-01-31 10:00:02" level=info msg="{\"level\":\"warn\",\"ts\":\"2024-01-31T10:00:02.1Z\",\"msg\":\"slow\"}" component=etcd stream=stderr"#;
        assert_eq!(said(etcd), some("etcd", r#"{"level":"warn","ts":"2024-01-31T10:00:02.1Z","msg":"slow"}"#));
        let word = r#"time="2024-01-31 10:00:02" level=info msg=done chunk=2 component=containerd stream=stdout"#;
        assert_eq!(said(word), some("containerd", "done"));
        let odd = r#"time="2024-01-31 10:00:02" level=info msg="a\tb\u00fc\xff\U0001f600" component=konnectivity stream=stdout"#;
        assert_eq!(said(odd), some("konnectivity", "a\tb\u{fc}?\u{1f600}"));
        let crash = r#"time="2024-01-31 10:00:02" level=info msg="panic: boom" component=kubelet"#;
        assert_eq!(said(crash), some("kubelet", "panic: boom"));
    }

    #[test]
    fn what_a_supervisor_says_itself() {
        for own in [
            r#"time="2024-01-31 10:00:02" level=info msg="Starting to supervise" component=kubelet"#,
            r#"time="2024-01-31 10:00:02" level=info msg="I0131 10:00:02.100000    1734 a.go:1] x""#,
            r#"time="2024-01-31 10:00:02" level=info msg="I0131 10:00:02.100000    1734 a.go:1] x component=kubelet"#,
            r#"time="2024-01-31 10:00:02" level=info msg="I0131 10:00:02.100000    1734 a.go:1] \q" component=kubelet"#,
            r#"time="2024-01-31 10:00:02" component=kubelet stream=stderr"#,
            r#"time="2024-01-31 10:00:02" level=info msg="x" component="a b" stream=stderr"#,
            "time=\"\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc} component=a",
        ] {
            assert_eq!(said(own), None, "{own}");
        }
    }

    #[test]
    fn a_file_of_its_own_is_known_by_what_runs() {
        let line = r#"time="2021-10-15 22:12:21" level=info msg="I1015 22:12:21.191626      75 controllermanager.go:577] Started" component=kube-controller-manager"#;
        let (component, _, stamp) = of(Some("server"), line, Carrier::File).expect("wrapped");
        assert_eq!(component, "kube-controller-manager");
        assert!(matches!(stamp, Stamp::Zoneless { .. }), "{stamp:?}");
        assert_eq!(of(Some("dockerd"), line, Carrier::Journal), None);
        let other = line.replace("kube-controller-manager", "ingester");
        assert_eq!(of(Some("loki"), &other, Carrier::File), None);
    }
}
