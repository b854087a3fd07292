//! Crashes of Go programs: throws of the runtime and panics, with the dump that follows.
//!
//! ```text
//! runtime: failed to create new OS thread (have 5 already; errno=11)
//! runtime: may need to increase max user processes (ulimit -u)
//! fatal error: newosproc
//! runtime stack:
//! runtime.throw(0x1df6a5e, 0x9)
//!         /usr/local/go/src/runtime/panic.go:1116 +0x72
//! goroutine 1 [running]:
//! ```
//!
//! Skipped: frames and registers; they are counted, not kept. Source: `runtime/panic.go`, `runtime/os_linux.go` of Go.

use timeline::{Row, Value, relation};

/// How many bytes of trigger lines are kept.
const KEPT_BYTES: usize = 16 * 1024;
/// How many lines a dump may have before the next line is no longer taken for a part of it.
const DUMP_LINES: u32 = 20_000;

/// A crash while its lines come in.
#[derive(Debug, Default)]
pub(super) struct Crash {
    /// The lines before the dump, joined by `\n`.
    pub(super) message: String,
    reason: Option<String>,
    threads: Option<i64>,
    errno: Option<i64>,
    sure: bool,
    dumping: bool,
    lines: u32,
}

/// Whether a crash begins with this line.
pub(super) fn begins(line: &str) -> bool {
    match line.as_bytes().first() {
        Some(b'r') => {
            line.starts_with("runtime: failed to create new OS thread")
                || line.starts_with("runtime: program exceeds ")
                || line.starts_with("runtime: out of memory")
                || line.starts_with("runtime/cgo: pthread_create failed")
                || line.starts_with("runtime: goroutine stack exceeds ")
        }
        Some(b'f') => line.starts_with("fatal error: "),
        Some(b'p') => line.starts_with("panic: "),
        _ => false,
    }
}

/// Whether a dump of goroutines begins with this line.
pub(super) fn dumps(line: &str) -> bool {
    line == "runtime stack:"
        || (line.starts_with("goroutine ") && line.ends_with("]:") && line.contains(" ["))
        || line.starts_with("goroutine profile:")
}

impl Crash {
    pub(super) fn new(line: &str) -> Crash {
        let mut crash = Crash::default();
        crash.take(line);
        crash
    }

    /// Whether the next line of the same process is part of the crash.
    pub(super) fn fits(&self, line: &str) -> bool {
        self.lines < DUMP_LINES && self.belongs(line)
    }

    /// Takes the next line of the same process; false where it is no part of the crash.
    pub(super) fn take(&mut self, line: &str) -> bool {
        if !self.fits(line) {
            return false;
        }
        self.lines += 1;
        if dumps(line) {
            self.dumping = true;
            self.sure = true;
        }
        if !self.dumping && self.message.len() + line.len() < KEPT_BYTES {
            if !self.message.is_empty() {
                self.message.push('\n');
            }
            self.message.push_str(line);
        }
        self.read(line);
        true
    }

    fn read(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("runtime: failed to create new OS thread") {
            self.sure = true;
            self.threads = number_after(rest, "have ");
            self.errno = number_after(rest, "errno=");
        } else if let Some(rest) = line.strip_prefix("runtime: program exceeds ") {
            self.sure = true;
            self.threads = number_after(rest, "");
        } else if line.starts_with("[signal ") || line.starts_with("SIGABRT: abort") {
            self.sure = true;
        }
        let said = line.strip_prefix("fatal error: ").or_else(|| line.strip_prefix("panic: "));
        let said = said.or_else(|| line.strip_prefix("runtime/cgo: "));
        if let (None, Some(reason)) = (&self.reason, said) {
            const THROWS: &[&str] = &[
                "newosproc",
                "thread exhaustion",
                "concurrent map",
                "all goroutines are asleep",
                "runtime: out of memory",
                "runtime: cannot allocate memory",
                "stack overflow",
                "unexpected signal during runtime execution",
                "pthread_create failed",
            ];
            self.sure |= THROWS.iter().any(|it| reason.starts_with(it));
            self.reason = Some(reason.chars().take(300).collect());
        }
    }

    fn belongs(&self, line: &str) -> bool {
        if self.lines == 0 || line.trim().is_empty() || dumps(line) {
            return true;
        }
        let throw = line.starts_with("runtime: failed to create") || line.starts_with("runtime: program exceeds");
        if throw {
            // the next process dies: dumps do not contain such a line
            return false;
        }
        let more = ["runtime: ", "runtime/cgo: ", "fatal error: ", "panic: ", "[signal ", "SIGABRT: abort", "PC=0x"];
        if more.iter().any(|it| line.starts_with(it)) {
            // a second throw after the dump is a second crash
            return !self.dumping || !begins(line);
        }
        line.starts_with(['\t', ' '])
            || line.starts_with("created by ")
            || line.starts_with("exit status ")
            || line.starts_with("goroutine running on other thread")
            || line.starts_with("...additional frames elided")
            || line.starts_with("... additional goroutines elided")
            || line.starts_with("goroutine ")
            || frame(line)
            || register(line)
    }

    /// Whether this is a crash of a Go program and not just a program's own words.
    pub(super) fn is_sure(&self) -> bool {
        self.sure
    }

    /// What is known of the crash.
    pub(super) fn row(&self, program: Option<&str>) -> Row {
        let reason = self.reason.clone().map_or(Value::Nothing, Value::from);
        Row::new(&relation::GO_CRASH)
            .with("reason", reason)
            .with("threads", self.threads)
            .with("errno", self.errno)
            .with("program", program.map(Value::from).unwrap_or_default())
    }
}

/// `have 5 already; errno=11`: the number behind a word.
fn number_after(text: &str, word: &str) -> Option<i64> {
    let at = text.find(word)? + word.len();
    let digits: &str = &text[at..];
    let end = digits.bytes().position(|it| !it.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// `k8s.io/kubernetes/pkg/kubelet.(*Kubelet).syncLoop(0xc000a, 0x1)`, `main.main()`
fn frame(line: &str) -> bool {
    let Some(at) = line.rfind('(').filter(|_| line.ends_with(')')) else { return false };
    let name = &line[..at];
    name.contains('.') && !name.contains(' ') && !name.contains(": ")
}

/// `rax    0x0`
fn register(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let (name, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    name.len() <= 6 && value.starts_with("0x") && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> (Crash, usize) {
        let mut crash = Crash::new(lines[0]);
        let taken = lines[1..].iter().take_while(|it| crash.take(it)).count();
        (crash, taken + 1)
    }

    #[test]
    fn a_throw_with_its_dump() {
        let (crash, taken) = read(&[
            "runtime: failed to create new OS thread (have 5 already; errno=11)",
            "runtime: may need to increase max user processes (ulimit -u)",
            "fatal error: newosproc",
            "",
            "runtime stack:",
            "runtime.throw(0x1df6a5e, 0x9)",
            "\t/usr/local/go/src/runtime/panic.go:1116 +0x72",
            "goroutine 1 [chan receive, 12 minutes, locked to thread]:",
            "k8s.io/kubernetes/pkg/kubelet.(*Kubelet).syncLoop(0xc000a, 0x1)",
            "created by main.main in goroutine 1",
            "rax    0x0",
            "I0723 22:10:08.000000    2817 server.go:408] started",
        ]);
        assert_eq!(taken, 11);
        assert!(crash.is_sure());
        insta::assert_snapshot!(crash.message, @r"
        runtime: failed to create new OS thread (have 5 already; errno=11)
        runtime: may need to increase max user processes (ulimit -u)
        fatal error: newosproc
        ");
        let row = crash.row(Some("kubelet"));
        let cells: Vec<String> = row.values.iter().map(ToString::to_string).collect();
        assert_eq!(cells, ["newosproc", "5", "11", "kubelet"]);
    }

    #[test]
    fn a_panic_needs_goroutines_to_be_a_crash_of_go() {
        let (crash, _) = read(&["panic: the coffee is cold", "next"]);
        assert!(!crash.is_sure());
        let (crash, taken) = read(&[
            "panic: runtime error: invalid memory address or nil pointer dereference",
            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x6d]",
            "goroutine 12 [running]:",
            "main.main()",
            "exit status 2",
            "panic: again",
        ]);
        assert_eq!(taken, 5);
        assert!(crash.is_sure());
        assert_eq!(
            crash.row(None).get("reason").to_string(),
            "runtime error: invalid memory address or nil pointer dereference"
        );
    }

    #[test]
    fn two_processes_dying_one_after_the_other_are_two_crashes() {
        let line = "runtime: failed to create new OS thread (have 2 already; errno=11)";
        let (_, taken) = read(&[line, "fatal error: newosproc", line]);
        assert_eq!(taken, 2);
    }
}
