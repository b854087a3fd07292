//! The prefix every kernel line carries, and the lines that tie the kernel's clock to the wall clock.

use std::sync::LazyLock;

use chrono::NaiveDateTime;
use memchr::memmem;

/// A kernel line, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix<'t> {
    /// `<6>`: facility times eight plus level.
    pub(crate) pri: Option<u32>,
    /// `[ 4301.999258]`, microseconds since boot.
    pub(crate) micros: u64,
    /// `T123` or `C0`.
    pub(crate) caller: Option<&'t str>,
    /// The text after all that.
    pub(crate) text: &'t str,
}

/// `<6>[ 4301.999258][   T12] usb 1-1: reset`: an optional level, the clock and perhaps the caller.
pub(crate) fn prefix(line: &str) -> Option<Prefix<'_>> {
    let (pri, rest) = match priority(line) {
        Some((pri, rest)) => (Some(pri), rest),
        None => (None, line),
    };
    let inner = rest.strip_prefix('[')?.trim_start_matches(' ');
    let (stamp, rest) = inner.split_once(']')?;
    let micros = seconds(stamp)?;
    let (caller, rest) = match caller(rest) {
        Some((caller, rest)) => (Some(caller), rest),
        None => (None, rest),
    };
    Some(Prefix { pri, micros, caller, text: rest.strip_prefix(' ').unwrap_or(rest) })
}

/// `<11>`
pub(crate) fn priority(line: &str) -> Option<(u32, &str)> {
    let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
    if number.len() > 3 || !number.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

/// `4301.999258`: seconds and exactly six digits.
pub(crate) fn seconds(stamp: &str) -> Option<u64> {
    let bytes = stamp.as_bytes();
    let point = bytes.len().checked_sub(7).filter(|it| (1..=12).contains(it) && bytes[*it] == b'.')?;
    let digit = |sum: u64, it: &u8| it.is_ascii_digit().then(|| sum * 10 + u64::from(it - b'0'));
    let secs = bytes[..point].iter().try_fold(0, digit)?;
    bytes[point + 1..].iter().try_fold(secs, digit)
}

/// `[   T12] usb`, ` [      T0] Linux`
pub(crate) fn caller(rest: &str) -> Option<(&str, &str)> {
    let inner = rest.strip_prefix(' ').unwrap_or(rest).strip_prefix('[')?;
    let close = memchr::memchr(b']', inner.as_bytes())?;
    let (word, rest) = (inner[..close].trim_start_matches(' '), &inner[close + 1..]);
    let number = word.strip_prefix(['T', 'C'])?;
    let fits = !number.is_empty() && number.len() <= 10 && number.bytes().all(|it| it.is_ascii_digit());
    fits.then_some((word, rest))
}

/// What one line says of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// Wall clock at the line's own kernel time.
    pub(crate) epoch_micros: i64,
    /// How far it may be off.
    pub(crate) error_micros: i64,
    /// Kind of line.
    pub(crate) how: &'static str,
}

/// Before this much of a boot the wall clock is often still the battery's.
const SETTLED_MICROS: u64 = 120_000_000;

/// `audit: type=1400 audit(1644450589.972:424): …`, `rtc_cmos 00:00: setting system clock to 2022-02-09T22:38:09 UTC
/// (1644446289)`, `mce: [Hardware Error]: PROCESSOR 2:60fb1 TIME 1795221132 SOCKET 0`.
pub(crate) fn anchor(message: &str, micros: u64) -> Option<Anchor> {
    if message.starts_with("audit") || message.starts_with("type=") {
        let at = message.find("audit(")?;
        let (epoch, _) = message[at + 6..].split_once(':')?;
        let (secs, millis) = epoch.split_once('.')?;
        let millis: i64 = if millis.len() == 3 { millis.parse().ok()? } else { return None };
        let epoch_micros = plausible(secs)?.checked_mul(1_000_000)? + millis * 1000;
        // measured: 3.6 ms standard deviation, 14 ms at most, once the clock is set
        let error_micros = if micros < SETTLED_MICROS { 2_000_000 } else { 20_000 };
        return Some(Anchor { epoch_micros, error_micros, how: "audit" });
    }
    static CLOCK_SET: LazyLock<memmem::Finder<'static>> =
        LazyLock::new(|| memmem::Finder::new("setting system clock to "));
    if let Some(at) = CLOCK_SET.find(message.as_bytes()) {
        let rest = &message[at + 24..];
        let epoch = match rest.split_once('(').and_then(|(_, it)| it.split_once(')')) {
            Some((epoch, _)) => plausible(epoch)?,
            None => {
                let stamp = rest.get(..19)?.replace('T', " ");
                NaiveDateTime::parse_from_str(&stamp, "%Y-%m-%d %H:%M:%S").ok()?.and_utc().timestamp()
            }
        };
        return Some(Anchor { epoch_micros: epoch * 1_000_000, error_micros: 2_000_000, how: "rtc" });
    }
    if (message.starts_with("mce") || message.starts_with("[Hardware Error]"))
        && let Some(at) = message.find(" TIME ")
    {
        let epoch = plausible(message[at + 6..].split(' ').next()?)?;
        return Some(Anchor { epoch_micros: epoch * 1_000_000, error_micros: 1_000_000, how: "machine-check" });
    }
    None
}

/// Seconds since 1970 between the years 2000 and 2100: a clock that was set at all.
fn plausible(secs: &str) -> Option<i64> {
    let secs: i64 = secs.parse().ok()?;
    (946_684_800..4_102_444_800).contains(&secs).then_some(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_every_kernel() {
        let is = |line, pri, micros, caller, text| assert_eq!(prefix(line), Some(Prefix { pri, micros, caller, text }));
        is("[    4.274377] hello", None, 4_274_377, None, "hello");
        is("<6>[39291577.009360] hello", Some(6), 39_291_577_009_360, None, "hello");
        is("[    0.100000][    T1] x", None, 100_000, Some("T1"), "x");
        is("[    0.100000] [      T0] x", None, 100_000, Some("T0"), "x");
        is("[    1.000000]  <TASK>", None, 1_000_000, None, " <TASK>");
        is("[    1.000000] [ INFO: x ]", None, 1_000_000, None, "[ INFO: x ]");
        is("[    1.000000]", None, 1_000_000, None, "");
        for line in ["[Fri Nov 20 09:59:59 2026] x", "[  +0.003689] x", "[    4.27437] x", "", "[", "<7>x", "[drm] x"] {
            assert_eq!(prefix(line), None, "{line}");
        }
    }

    #[test]
    fn lines_that_carry_both_clocks() {
        let audit = "audit: type=1400 audit(1644450589.972:424): apparmor=\"ALLOWED\"";
        let found = anchor(audit, 4_301_999_258).expect("an audit stamp");
        assert_eq!((found.epoch_micros, found.error_micros, found.how), (1_644_450_589_972_000, 20_000, "audit"));
        let new = anchor("rtc_cmos 00:00: setting system clock to 2022-02-09T22:38:09 UTC (1644446289)", 1)
            .expect("an RTC line");
        let old = anchor("rtc_cmos 00:00: setting system clock to 2022-02-09 22:38:09 UTC (1644446289)", 1)
            .expect("an RTC line");
        assert_eq!((new, new.epoch_micros), (old, 1_644_446_289_000_000));
        let mce = "mce: [Hardware Error]: PROCESSOR 2:60fb1 TIME 1795221132 SOCKET 0 APIC 1 microcode 1000065";
        assert_eq!(anchor(mce, 1).map(|it| it.how), Some("machine-check"));
        for none in ["audit(1.5:1)", "audit(12)", "setting system clock to", "[Hardware Error]: TIME 0", ""] {
            assert_eq!(anchor(none, 1), None, "{none}");
        }
    }
}
