//! Clocks on real samples: the drift of a kernel's clock, and clocks that were set after the boot.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::collections::BTreeMap;

use common::{bundle, case, counted, memory, sample_at, tar};
use coroner_bundle::{Case, Input};
use timeline::{Carrier, Event, Overrides, Timeline};

fn built(case: Case) -> Timeline {
    Timeline::build(case.members, case.records, &Overrides::default())
}

fn read(path: std::path::PathBuf) -> Timeline {
    built(case(&[Input::Path(path)], 2))
}

/// 805 audit lines in 16.5 hours of a ring buffer tell offset and drift of the kernel's clock.
#[test]
fn the_drift_of_a_kernels_clock() {
    let Some(path) = sample_at("kernel/public/hotsos-sosreports/openstack/dmesg") else { return };
    let timeline = read(path);
    let [clock] = &timeline.kernel_clocks[..] else { panic!("{:?}", timeline.kernel_clocks) };
    let drift = clock.drift_ppm.unwrap();
    assert!((drift + 14.8).abs() <= 0.5, "{drift} ppm");
    let zero = clock.zero.timestamp_micros() as f64 / 1e6;
    assert!((zero - 1_644_446_288.04).abs() <= 0.05, "{zero}");
    assert!(clock.error_micros <= 20_000, "{clock:?}");
    // every audit line says its own time, and the fit agrees with it
    let audit = |it: &Event| -> Option<i64> {
        let rest = &it.message[it.message.find("audit(")? + 6..];
        let (secs, rest) = rest.split_once('.')?;
        Some(secs.parse::<i64>().ok()? * 1_000_000 + rest.get(..3)?.parse::<i64>().ok()? * 1000)
    };
    let mut worst = 0;
    let mut count = 0;
    for event in &timeline.events {
        if let Some(said) = audit(event) {
            worst = worst.max((event.at.nominal.lo.timestamp_micros() - said).abs());
            count += 1;
        }
    }
    assert!(count > 800 && worst <= 30_000, "{count} lines, {worst} microseconds at worst");
}

/// A machine without a clock: each boot begins at midnight and is set four hours later.
fn no_rtc(timeline: &Timeline) {
    let hours: Vec<i64> = timeline.steps.iter().map(|it| it.by_micros / 1_000_000).collect();
    let four = hours.iter().filter(|it| (14_390..=14_500).contains(*it)).count();
    assert!(four >= 4, "{hours:?}");
    assert!(
        hours.iter().any(|it| (245..=246).contains(it)) && hours.iter().any(|it| (304..=306).contains(it)),
        "{hours:?}"
    );
}

/// From January to December of one year, or back: nothing between the ends is kept, and they are more than half a year apart.
#[test]
fn a_file_of_a_whole_year_lies_in_one_year() {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let lines: Vec<String> =
        months.iter().map(|it| format!("{it} 14 09:10:00 node-a app[7]: nothing of note\n")).collect();
    let backwards: Vec<String> = lines.iter().rev().cloned().collect();
    for text in [lines.concat(), backwards.concat()] {
        let read = counted(memory("bundle.tar", tar(&[("node-a/var/log/syslog", text.as_str())])));
        let overrides = Overrides { year: Some(2022), ..Overrides::default() };
        let timeline = Timeline::build(read.members, read.records, &overrides);
        let (first, last) = timeline.seen[0].covers.unwrap();
        let day = |it: timeline::Time| it.nominal.lo.date_naive().to_string();
        assert_eq!((day(first), day(last)), ("2022-01-14".to_owned(), "2022-12-14".to_owned()), "{text}");
    }
}

#[test]
fn a_clock_set_after_the_boot_is_repaired() {
    let Some(path) = sample_at("journal/public/systemd-test-journals-no-rtc/journalctl-v262.export.zst") else {
        return;
    };
    let timeline = read(path);
    no_rtc(&timeline);
    let entries: Vec<&Event> = timeline
        .events
        .iter()
        .map(AsRef::as_ref)
        .filter(|it: &&Event| it.carrier == Carrier::Journal && !is_boot_mark(it))
        .collect();
    assert_eq!(timeline.seen.iter().map(|it| it.lines).sum::<u64>(), 10_757);
    let boots = timeline.events.iter().filter(|it| it.row.as_ref().is_some_and(|it| it.relation.name == "boot.end"));
    assert_eq!(boots.count(), 3, "four boots have three ends");
    assert!(timeline.steps.iter().map(|it| it.moved).sum::<u64>() > 1000);
    // in the order of the journal the repaired times of a boot go forwards, but for senders that stamp earlier than they
    // send; the first two boots never reached a time server, so that their days overlap whatever is done
    let starts: Vec<u32> = timeline
        .events
        .iter()
        .filter(|it| it.row.as_ref().is_some_and(|it| it.relation.name == "boot.start"))
        .map(|it| it.quote.span.line)
        .collect();
    let boot = |it: &Event| starts.iter().filter(|start| **start <= it.quote.span.line).count();
    let mut by_place: Vec<&Event> = entries;
    by_place.sort_by_key(|it| it.quote.span.line);
    let mut latest = BTreeMap::new();
    let mut back: Vec<i64> = Vec::new();
    for event in by_place {
        let latest = latest.entry(boot(event)).or_insert(event.at.nominal.lo);
        back.push((*latest - event.at.nominal.lo).num_milliseconds());
        *latest = event.at.nominal.lo.max(*latest);
    }
    assert_eq!(latest.len(), 4);
    let worst = back.iter().max().unwrap();
    assert!(*worst < 5000, "{worst} ms");
}

#[test]
fn binary_journals_tell_the_same_steps() {
    let Some(path) = sample_at("journal/public/systemd-test-journals-no-rtc") else { return };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.contains(".journal") && !name.starts_with("journalctl") {
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let timeline = built(case(&[memory("case", tar(&files))], 2));
    no_rtc(&timeline);
}

fn is_boot_mark(event: &Event) -> bool {
    event.row.as_ref().is_some_and(|it| it.relation.name.starts_with("boot."))
}

#[test]
fn a_step_that_the_time_service_tells_moves_what_was_logged_before_it() {
    let head = "-- Logs begin at Mon 2022-10-24 00:00:00 UTC, end at Tue 2022-10-25 00:00:00 UTC. --\n";
    let before = "Oct 23 20:00:00 node-a app[1]: of the boot before\n-- Reboot --\n";
    let boot = "Oct 24 00:00:03 node-a kernel: Linux version 5.10.0-32-amd64 (debian) #1 SMP\n\
                Oct 24 00:00:20 node-a app[1]: early\n\
                Oct 24 04:00:21 node-a chronyd[612]: System clock was stepped by 14400.100000 seconds\n\
                Oct 24 04:00:22 node-a app[1]: late\n";
    let times = |text: &str| -> BTreeMap<String, String> {
        let timeline = built(bundle(&[("node-a/journal.txt", text)]));
        let shown = |it: &Event| (it.message.to_string(), it.at.nominal.lo.format("%d %H:%M:%S").to_string());
        timeline.events.iter().map(|it| shown(it)).collect()
    };
    let of = times(&format!("{head}{before}{boot}"));
    assert_eq!((of["of the boot before"].as_str(), of["early"].as_str()), ("23 20:00:00", "24 04:00:20"));
    assert_eq!(of["late"], "24 04:00:22");
    // where the stamps do not jump with it, or the beginning of the boot is not there, nothing is moved
    let smooth = boot.replace("04:00:2", "00:00:2");
    assert_eq!(times(&format!("{head}{before}{smooth}"))["early"], "24 00:00:20");
    assert_eq!(times(&format!("{head}{}", boot.split_once('\n').unwrap().1))["early"], "24 00:00:20");
}

/// What is printed of a kernel that says when it spoke: UTC, to compare with.
fn hours(timeline: &Timeline) -> Vec<String> {
    let events = timeline.events.iter().filter(|it| it.message.contains("mark"));
    events.map(|it| format!("{} {}", it.message, it.at.nominal.lo.format("%m-%d %H:%M"))).collect()
}

/// The hour that the end of summer time repeats, and the one that its beginning leaves out, inside one file.
#[test]
fn summer_time_ends_and_begins_inside_a_file() {
    let zone = "               Local time: Mon 2023-10-30 10:00:00 CET\n           Universal time: Mon 2023-10-30 09:00:00 UTC\n                 \
                RTC time: Mon 2023-10-30 09:00:00\n                Time zone: Europe/Berlin (CET, +0100)\n";
    let line = |stamp: &str, what: &str| format!("{stamp} node-a app[7]: {what}\n");
    let of = |stamps: &[(&str, &str)]| {
        let text: String = stamps.iter().map(|(stamp, what)| line(stamp, what)).collect();
        let files = [("node-a/timedatectl", zone), ("node-a/messages", text.as_str())];
        built(case(&[memory("bundle.tar", tar(&files))], 1))
    };
    let autumn = of(&[
        ("Oct 29 01:59:00", "mark before"),
        ("Oct 29 02:50:00", "mark first"),
        ("Oct 29 02:05:00", "mark again"),
        ("Oct 29 03:10:00", "mark after"),
    ]);
    assert_eq!(
        hours(&autumn),
        ["mark before 10-28 23:59", "mark first 10-29 00:50", "mark again 10-29 01:05", "mark after 10-29 02:10"]
    );
    let event =
        |timeline: &Timeline, what: &str| timeline.events.iter().find(|it| it.message.contains(what)).unwrap().at;
    assert_eq!(event(&autumn, "first").before(&event(&autumn, "again")), timeline::Truth::True);
    // without the jump nothing tells which of the two hours it was
    let alone = of(&[
        ("Oct 29 01:59:00", "mark before"),
        ("Oct 29 02:30:00", "mark unsure"),
        ("Oct 29 04:00:00", "mark after"),
    ]);
    let unsure = event(&alone, "unsure");
    assert_eq!((unsure.full.hi - unsure.full.lo).num_minutes(), 60);
    assert_eq!(event(&alone, "before").before(&unsure), timeline::Truth::True);
    let spring = of(&[("Mar 26 01:59:00", "mark before"), ("Mar 26 03:01:00", "mark after")]);
    assert_eq!(hours(&spring), ["mark before 03-26 00:59", "mark after 03-26 01:01"]);
}

/// A runtime that states its zone behind the stamps of a journal tells the zone of the journal: a kind node says nothing else.
#[test]
fn two_stamps_of_one_line_tell_the_zone() {
    let of = |utc: &str, date: &str| {
        let text: String = (0..9)
            .map(|at| {
                let inner = format!("time=\"2025-03-21T{utc}:5{at}.123456789Z\" level=info msg=\"mark {at}\"");
                format!("Mar 21 14:51:5{at} kind-control-plane containerd[108]: {inner}\n")
            })
            .collect();
        let files = [
            ("kind-version.txt", "kind v0.27.0\n"),
            ("kind-control-plane/journal.log", text.as_str()),
            ("kind-control-plane/date.txt", date),
        ];
        let timeline = built(case(&[memory("bundle.tar", tar(&files))], 1));
        let clock = timeline.clocks.iter().find(|it| it.node.as_deref() == Some("kind-control-plane")).unwrap().clone();
        (clock.offset_secs, format!("{:?}", clock.zone))
    };
    let basis = "Node(\"lines with a second stamp\")".to_owned();
    assert_eq!(of("14:51", ""), (0, basis.clone()));
    assert_eq!(of("06:51", ""), (28_800, basis));
    // a runtime that calls its local time UTC, on a node whose own `date` prints another zone
    let several = "Ambiguous(\"CST\", [-21600, 28800, -18000])".to_owned();
    assert_eq!(of("14:51", "Fri Mar 21 15:00:00 CST 2025\n"), (0, several));
}

/// The same lines tell the year of stamps that print none, better than the time a file was written, and on both sides of the
/// place where a clock that was years off is set.
#[test]
fn two_stamps_of_one_line_tell_the_year() {
    let of = |lines: &[(&str, &str)], date: &str| -> (Vec<String>, String) {
        let text: String = lines.iter().map(|(stamp, text)| format!("{stamp} pi-3 {text}\n")).collect();
        let timeline =
            built(case(&[memory("bundle.tar", tar(&[("pi-3/syslog", text.as_str()), ("pi-3/date.txt", date)]))], 1));
        let clock = timeline.clocks.iter().find(|it| it.node.as_deref() == Some("pi-3")).unwrap();
        let marked = timeline.events.iter().filter(|it| it.message.contains("mark"));
        (marked.map(|it| it.at.nominal.lo.format("%F %R").to_string()).collect(), format!("{:?}", clock.year))
    };
    let said = |at: &str| format!("k3s[611]: time=\"{at}Z\" level=info msg=\"Running load balancer\"");
    let summer = said("2024-06-02T10:00:00");
    let plain = [("Jun  2 10:00:00", summer.as_str()), ("Jun  2 10:10:00", "kernel: EXT4-fs (sda1): mark")];
    assert_eq!(of(&plain, ""), (vec!["2024-06-02 10:10".to_owned()], "Lines".to_owned()));
    assert_eq!(of(&plain, "Mon Dec 14 10:00:00 UTC 2026\n").0, ["2024-06-02 10:10"], "collected years later");
    let other_day = said("2019-05-07T10:00:00");
    let replayed = [("Jun  2 10:00:00", other_day.as_str()), ("Jun  2 10:10:00", "kernel: EXT4-fs (sda1): mark")];
    assert_eq!(of(&replayed, "Mon Dec 14 10:00:00 UTC 2026\n").0, ["2026-06-02 10:10"], "the time of something else");
    let (old, new) = (said("2018-12-31T23:59:10"), said("2024-02-02T07:00:00"));
    let set = [
        ("Dec 31 23:59:10", old.as_str()),
        ("Jan  1 00:00:20", "kernel: EXT4-fs (sda1): mark"),
        ("Feb  2 07:00:00", new.as_str()),
        ("Feb  2 07:00:01", "kernel: EXT4-fs (sda2): mark"),
    ];
    assert_eq!(of(&set, "").0, ["2019-01-01 00:00", "2024-02-02 07:00"]);
}
