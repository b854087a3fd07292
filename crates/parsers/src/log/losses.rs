//! What a log says of its own lines that are gone: when they were due, so that nothing is taken for absent there.
//!
//! ```text
//! systemd-journald[305]: Missed 57 kernel messages                          since the kernel's last line
//! systemd-journald[305]: Failed to write entry (22 items, 793 bytes), ignoring: No space left on device
//! rsyslogd: imjournal: begin to drop messages due to rate-limiting          from here
//! rsyslogd: imjournal: 84 messages lost due to rate-limiting (…)            to here
//! systemd-journald[305]: Vacuuming done, freed 72M of archived journals from /var/log/journal/…    before the first line
//! ```

use timeline::{GapKind, Hole, MemberRecords, Row, Source, Stamp, relation};

use super::notice::{Loss, Since};
use super::voices::{Host, seen_lines};
use super::{HOLES, Log, notice};
use crate::Line;

/// What one host said of lines that are gone.
#[derive(Default)]
pub(super) struct Losses {
    /// A daemon drops lines since here.
    dropping: Option<(Stamp, u64, String)>,
    /// Older files of the journal were deleted: the line that says so, and its words.
    deleted: Option<(u32, String)>,
}

impl Log {
    /// Takes a notice about lines that are gone; called before its own line is seen.
    pub(super) fn told_losses(
        &mut self,
        voice: usize,
        message: &str,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let at = self.voices[voice].host;
        let ident = &self.voices[voice].ident;
        if notice::deleted(ident, message) {
            self.hosts[at].losses.deleted = Some((line.number, short(message)));
            return;
        }
        let Some(loss) = notice::loss(ident, self.carrier, message) else { return };
        if !loss.narrow {
            self.lose(at, &loss, message, stamp, line);
        }
        let source = loss.of.or(loss.source.map(Source::name));
        let row = Row::new(&relation::LOSS).with("count", loss.count).with("text", message);
        let row = match source {
            Some(source) => row.with("source", source),
            None => row,
        };
        self.fact(at, row, stamp, line, out);
    }

    /// Where the lines would have stood.
    fn lose(&mut self, at: usize, loss: &Loss<'_>, message: &str, stamp: &Stamp, line: &Line<'_>) {
        let what = format!("lines were lost: {}", short(message));
        let host = &mut self.hosts[at];
        let hole = |from: Stamp, start: u64| Hole {
            kind: GapKind::Lost,
            from,
            to: *stamp,
            span: (start, line.start),
            line: line.number,
            what: what.clone(),
        };
        if let Some(source) = loss.source {
            let lines = seen_lines(&mut host.seen, source);
            // of a source with one speaker they were lost since its last line; of many, who knows
            let one = matches!(source, Source::Kernel | Source::Kubelet);
            if one && lines.last != Stamp::None && *stamp != Stamp::None && lines.holes.len() < HOLES {
                let found = hole(lines.last, lines.span.1);
                lines.holes.push(found);
            } else {
                lines.incomplete.get_or_insert(what);
            }
            return;
        }
        let found = match loss.since {
            Since::Begin => {
                host.losses.dropping.get_or_insert((*stamp, line.start, what));
                return;
            }
            Since::BeganBefore => host.losses.dropping.take().map(|(from, start, _)| hole(from, start)),
            Since::Last => Some(hole(host.last, host.span.1)),
            Since::Secs(secs) => Some(hole(earlier(stamp, secs), line.start)),
        };
        match found.filter(|it| it.from != Stamp::None && it.to != Stamp::None && host.torn.len() < HOLES) {
            Some(hole) => host.torn.push(hole),
            None => self.limit(&what),
        }
    }
}

impl Host {
    /// What is still to be told when the file has ended.
    pub(super) fn last_losses(&mut self, newest_first: bool) {
        let Losses { dropping, deleted } = std::mem::take(&mut self.losses);
        if let Some((from, start, what)) = dropping {
            let (to, span) = (self.last, (start, self.span.1));
            self.torn.push(Hole { kind: GapKind::Lost, from, to, span, line: 0, what });
        }
        if let Some((line, words)) = deleted {
            let (oldest, place) = if newest_first { (&self.last, self.span.1) } else { (&self.first, self.span.0) };
            let (from, to, span) = (*oldest, *oldest, (place, place));
            let what = format!("what was logged before is deleted: {words}");
            self.torn.push(Hole { kind: GapKind::Deleted, from, to, span, line, what });
        }
    }
}

fn short(message: &str) -> String {
    message.chars().take(200).collect()
}

/// The stamp so much earlier; without a date not before the first of its month.
fn earlier(stamp: &Stamp, secs: i64) -> Stamp {
    let length = chrono::TimeDelta::seconds(secs);
    let mut stamp = *stamp;
    match &mut stamp {
        Stamp::Exact { at, .. } => *at = at.checked_sub_signed(length).unwrap_or(*at),
        Stamp::Zoneless { local, .. } => *local = local.checked_sub_signed(length).unwrap_or(*local),
        Stamp::Yearless { day, time, .. } => {
            let (before, wrapped) = time.overflowing_sub_signed(length);
            match (wrapped, *day) {
                (0, _) => *time = before,
                (_, 2..) => (*day, *time) = (*day - 1, before),
                _ => *time = chrono::NaiveTime::MIN,
            }
        }
        Stamp::Monotonic { micros } => *micros = micros.saturating_sub(secs.unsigned_abs() * 1_000_000),
        Stamp::None | Stamp::Between { .. } => {}
    }
    stamp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_that_is_earlier() {
        let time = |hour, minute| chrono::NaiveTime::from_hms_opt(hour, minute, 0).expect("a time");
        let of = |day, time| Stamp::Yearless { month: 3, day, time, resolution: chrono::TimeDelta::seconds(1) };
        assert_eq!(earlier(&of(2, time(10, 5)), 60), of(2, time(10, 4)));
        assert_eq!(earlier(&of(2, time(0, 0)), 60), of(1, time(23, 59)));
        assert_eq!(earlier(&of(1, time(0, 0)), 60), of(1, time(0, 0)));
        assert_eq!(earlier(&Stamp::epoch_micros(90_000_000), 60), Stamp::epoch_micros(30_000_000));
        assert_eq!(earlier(&Stamp::Monotonic { micros: 5 }, 60), Stamp::Monotonic { micros: 0 });
    }
}
