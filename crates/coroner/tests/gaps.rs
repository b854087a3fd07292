//! Gaps: what is not seen where nothing was recorded counts for nothing, and a healthy log has none.
#![allow(clippy::print_stderr, reason = "a test that did not run says so")]

mod common;

use coroner::report::{Answer, Gap, Report};

const SIGNAL: &str = r"
signal: tick
about: A line made for these tests.
match:
  - from: [kubelet, kernel]
    any: ['testtick']
    regex: 'testtick (?P<who>\S+)'
samples: ['testtick a']
not_samples: ['test tick']
";

/// A first tick frames it, and that there was no second within ten minutes speaks for it.
const RULE: &str = "
rule: asked
title: asked
impact: none
let:
  start: { signal: tick, node: $node, who: start, at: $t }
  again: { absent: tick, node: $node, who: again, within: 10m after $t }
frame: [start]
for:
  - { when: again, weight: weak }
";

fn analyzer(files: &[(&str, &str)]) -> coroner::Analyzer {
    let packed = common::tar_gz(files.iter().map(|(name, text)| (*name, text.as_bytes())));
    coroner::Analyzer::new().bytes("bundle.tar.gz", packed)
}

fn report(files: &[(&str, &str)]) -> Report {
    common::report_with(&[("signal.yaml", SIGNAL), ("rule.yaml", RULE)], files)
}

fn answer(report: &Report) -> Answer {
    let all = report.hypotheses.iter().chain(&report.ruled_out);
    let asked = all.into_iter().find(|it| it.rule == "asked").expect("the frame is there");
    asked.evidence.iter().find(|it| it.clause == "again").expect("it is weighed").value
}

fn shown(gaps: &[Gap]) -> Vec<String> {
    let place = |it: &Gap| format!("{}:{}", it.file, it.line.unwrap_or(0));
    gaps.iter().map(|it| format!("{} {} at {}: {}", it.kind, it.source, place(it), it.what)).collect()
}

fn clock(secs: u32) -> String {
    format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// A kubelet that says something every ten seconds from 20:00 to 23:00, but for `silent`; it ticks at 22:00.
fn kubelet(silent: std::ops::Range<u32>) -> String {
    let lines = (7200..10_800).map(|it| it * 10).map(|it| it % 86_400).filter(|it| !silent.contains(it));
    let line = |secs: u32| {
        let what = if secs == 79_200 { "testtick start" } else { "Reconciler: start to sync state" };
        let at = clock(secs);
        format!("Jul 23 {at} node-a kubelet[812]: I0723 {at}.000000     812 reconciler.go:{}] {what}\n", 100 + secs % 7)
    };
    lines.filter(|it| (72_000..82_800).contains(it)).map(line).collect()
}

const DATE: (&str, &str) = ("node-a/date.txt", "Sun Jul 23 23:00:05 UTC 2023\n");

#[test]
fn what_is_absent_in_a_silence_is_unknown() {
    let whole = report(&[DATE, ("node-a/kubelet.log", &kubelet(0..0))]);
    assert_eq!((answer(&whole), shown(&whole.coverage.gaps)), (Answer::True, vec![]));
    // the kubelet says nothing from 22:05 to 22:30
    let silent = kubelet(79_500..81_000);
    let after = report(&[DATE, ("node-a/kubelet.log", &silent)]);
    assert_eq!(
        shown(&after.coverage.gaps),
        ["silence kubelet at node-a/kubelet.log:751: no line for 25 min, in a log that else pauses for 10 s at most"]
    );
    assert_eq!(answer(&after), Answer::Unknown);
    // a silence at another time is no reason
    let before = report(&[DATE, ("node-a/kubelet.log", &kubelet(74_000..75_500))]);
    assert_eq!((answer(&before), before.coverage.gaps.len()), (Answer::True, 1));
    // the same lines in another file that is whole are as good
    let twice = report(&[DATE, ("node-a/kubelet.log", &silent), ("node-a/messages", &kubelet(0..0))]);
    assert_eq!((answer(&twice), twice.coverage.gaps.len()), (Answer::True, 1));
}

const SHUTDOWN: &str = "\
    Jul 23 22:04:55 node-a systemd[1]: Reached target Shutdown.\n\
    Jul 23 22:04:56 node-a systemd-shutdown[1]: Syncing filesystems and block devices.\n\
    Jul 23 22:04:57 node-a systemd-journald[394]: Journal stopped\n";

/// The same kubelet in the journal of a machine that reboots: nothing from `silent`, then the first lines of a boot.
fn rebooted(silent: std::ops::Range<u32>, last: &str) -> String {
    let next = clock(silent.end);
    let boot = format!(
        "{last}-- Reboot --\nJul 23 {next} node-a kernel: Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\n\
         Jul 23 {next} node-a systemd[1]: Started Journal Service.\n"
    );
    let started = "Jul 23 20:00:00 node-a systemd-journald[394]: Journal started\n";
    let text = kubelet(silent);
    let begin = format!("Jul 23 {next} ");
    format!("{started}{}", text.replacen(&begin, &format!("{boot}{begin}"), 1))
}

#[test]
fn a_machine_that_was_off_was_not_silent() {
    let report = report(&[DATE, ("node-a/kubelet.log", &rebooted(79_500..81_000, SHUTDOWN))]);
    assert_eq!(shown(&report.coverage.gaps), [""; 0]);
    assert!(report.boots.len() >= 2, "{:?}", report.boots);
    assert_eq!(answer(&report), Answer::True);
}

/// The log of a unit shows no boot; a list of boots tells that the one before did not end in order.
#[test]
fn a_crash_that_only_a_list_of_boots_knows() {
    let list = |boot: &str, end: &str| {
        format!(
            "reboot   system boot  5.10.0-32-amd64  Sun Jul 23 {boot}   still running\n\
             ops      pts/0        10.0.0.9         Sun Jul 23 20:02 - {end}\n\
             reboot   system boot  5.10.0-32-amd64  Sun Jul 23 19:30 - 22:08  (02:38)\n\nwtmp begins Sun Jul 23 19:30:09 2023\n"
        )
    };
    let of = |log: &str, boot: &str, end: &str| {
        report(&[DATE, ("node-a/kubelet.log", log), ("node-a/last.txt", &list(boot, end))])
    };
    // silent from 22:05 until the next boot
    let log = kubelet(79_500..80_940);
    let off = of(&log, "22:28", "down   (02:03)");
    assert_eq!((answer(&off), shown(&off.coverage.gaps)), (Answer::True, vec![]));
    let crashed = of(&log, "22:28", "crash  (02:26)");
    let gap = "unsaved kubelet at node-a/kubelet.log:0: the boot did not end in order: what was logged last may not have been saved";
    assert_eq!((answer(&crashed), shown(&crashed.coverage.gaps)), (Answer::Unknown, vec![gap.to_owned()]));
    let from = crashed.coverage.gaps[0].from.lo.clone().unwrap_or_default();
    assert!(from.starts_with("2023-07-23T22:04:50"), "{from}");
    // as long before the boot as lines wait for the disk, where no line is missed
    let dense = of(&kubelet(79_680..79_690), "22:08", "crash  (02:06)");
    assert_eq!((answer(&dense), dense.coverage.gaps.len()), (Answer::Unknown, 1));
    // long after what is asked about
    let later = of(&kubelet(81_300..81_500), "22:38", "crash  (02:36)");
    assert_eq!((answer(&later), later.coverage.gaps.len()), (Answer::True, 1));
    let ended: Vec<String> = crashed.boots.iter().map(|it| format!("{:?}", it.ended)).collect();
    assert_eq!(ended, ["Unclean", "Running"]);
}

/// What the kernel said last stands in the dump of its buffer; what others said is lost all the same.
#[test]
fn a_dump_of_the_kernel_lost_nothing() {
    let dump = "[    0.000000] Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\n\
        [ 9134.580611] ------------[ cut here ]------------\n[ 9134.580621] kernel BUG at mm/slub.c:3901!\n\
        [ 9134.580630] invalid opcode: 0000 [#1] SMP\n[ 9134.580640] CPU: 7 PID: 22914 Comm: java Not tainted 5.10.0-32-amd64 #1\n\
        [ 9134.580650] RIP: 0010:[<ffffffff81211d83>]  [<ffffffff81211d83>] kfree+0x223/0x230\n";
    let journal = rebooted(79_500..79_620, "Jul 23 22:04:58 node-a kernel: kernel BUG at mm/slub.c:3901!\n");
    let sources = |dump: &[(&str, &str)]| {
        let report = report(&[&[DATE, ("node-a/journalctl.txt", &journal)], dump].concat());
        report.coverage.gaps.iter().map(|it| it.source.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sources(&[]), ["system, kubelet, kernel"]);
    assert_eq!(sources(&[("node-a/var/crash/202307232204/dmesg.202307232204", dump)]), ["system, kubelet"]);
    let of_another = [("node-a/var/crash/202307211130/dmesg.202307211130", dump)];
    assert_eq!(sources(&of_another), ["system, kubelet, kernel"], "of a crash two days before");
}

/// A crash takes the last lines of a journal with it, as many as were not yet on the disk.
#[test]
fn what_a_crash_took_with_it_may_have_been_it() {
    let whole = "the boot did not end in order: what was logged last may not have been saved";
    let gap = |source: &str, place: &str| format!("unsaved {source} at {place}: {whole}");
    let crashed = rebooted(79_500..79_620, "");
    let after = report(&[DATE, ("node-a/journalctl.txt", &crashed)]);
    let place = "node-a/journalctl.txt:752";
    assert_eq!(shown(&after.coverage.gaps), [gap("system, kubelet, kernel", place)]);
    assert_eq!(answer(&after), Answer::Unknown);
    // newest first is the same stretch
    let backwards: Vec<&str> = crashed.lines().rev().collect();
    let backwards = report(&[DATE, ("node-a/journalctl_-r.txt", &(backwards.join("\n") + "\n"))]);
    assert_eq!((answer(&backwards), backwards.coverage.gaps.len()), (Answer::Unknown, 1));
    // another file of the node does not show the end, and lacks its last lines too
    let unit = kubelet(79_500..79_620);
    let elsewhere =
        report(&[DATE, ("node-a/kubelet.log", &unit), ("node-a/system.txt", &crashed.replace("kubelet[", "other["))]);
    assert!(
        shown(&elsewhere.coverage.gaps).contains(&gap("kubelet", "node-a/kubelet.log:0")),
        "{:?}",
        elsewhere.coverage.gaps
    );
    assert_eq!(answer(&elsewhere), Answer::Unknown);
    // a log of one unit cannot tell how its machine ended
    let alone = crashed.lines().filter(|it| it.contains("kubelet[") || it.starts_with("--")).collect::<Vec<_>>();
    let alone = report(&[DATE, ("node-a/kubelet.log", &(alone.join("\n") + "\n"))]);
    assert_eq!(answer(&alone), Answer::Unknown);
    assert_eq!(
        shown(&alone.coverage.gaps),
        [gap("kubelet", "node-a/kubelet.log:751").replace("did not end", "may not have ended")]
    );
    // what is asked about ends before the last line, or the shutdown was in order
    let later = report(&[DATE, ("node-a/journalctl.txt", &rebooted(80_100..80_220, ""))]);
    assert_eq!((answer(&later), later.coverage.gaps.len()), (Answer::True, 1));
    let orderly = report(&[DATE, ("node-a/journalctl.txt", &rebooted(79_500..79_620, SHUTDOWN))]);
    assert_eq!((answer(&orderly), shown(&orderly.coverage.gaps)), (Answer::True, vec![]));
}

#[test]
fn what_was_suppressed_may_have_been_it() {
    let notice = "Jul 23 22:04:20 node-a systemd-journald[300]: Suppressed 1234 messages from kubelet.service\n";
    let at = "Jul 23 22:04:30 ";
    let limited = kubelet(79_220..79_470).replacen(at, &format!("{notice}{at}"), 1);
    let limited = report(&[DATE, ("node-a/journalctl.txt", &limited)]);
    assert_eq!(
        shown(&limited.coverage.gaps),
        ["lost kubelet at node-a/journalctl.txt:723: lines were lost: Suppressed 1234 messages from kubelet.service"]
    );
    assert_eq!(answer(&limited), Answer::Unknown);
    // hours before, nothing was suppressed that is asked for
    let early = kubelet(0..0).replacen(
        "Jul 23 20:30:00 ",
        &format!("{}Jul 23 20:30:00 ", notice.replace("22:04:20", "20:29:58")),
        1,
    );
    assert_eq!(answer(&report(&[DATE, ("node-a/journalctl.txt", &early)])), Answer::True);
}

#[test]
fn records_that_are_missing_by_their_numbers() {
    let record = |number: u32| format!("6,{number},{},-;eth0: link is up\n", u64::from(number) * 1_000_000);
    let ring: String = (1000..1200).chain(1315..1400).map(record).collect();
    let of = |ring: &str| {
        // nothing puts the kernel's clock on the wall here: the gap is told all the same
        shown(&analyzer(&[DATE, ("node-a/dev_kmsg.txt", ring)]).inspect().expect("plain files open").coverage.gaps)
    };
    assert_eq!(
        of(&ring),
        ["numbers kernel at node-a/dev_kmsg.txt:201: 115 records are missing between number 1199 and 1315"]
    );
    assert_eq!(of(&(1000..1400).map(record).collect::<String>()), [""; 0]);
}

#[test]
fn scrapes_that_were_missed() {
    let metrics = |missing: std::ops::Range<u32>| {
        let points = (0..120).filter(|it| !missing.contains(it));
        let points: Vec<String> = points.map(|it| format!("[{}, \"{it}\"]", 1_690_146_000 + it * 30)).collect();
        let series = ["node_load1", "node_procs_running"].map(|name| {
            let labels = format!("{{\"__name__\": \"{name}\", \"instance\": \"node-a\", \"job\": \"node\"}}");
            format!("{{\"metric\": {labels}, \"values\": [{}]}}", points.join(", "))
        });
        let result = series.join(", ");
        format!("{{\"status\": \"success\", \"data\": {{\"resultType\": \"matrix\", \"result\": [{result}]}}}}")
    };
    let of = |missing| {
        shown(&analyzer(&[DATE, ("metrics.json", &metrics(missing))]).inspect().expect("opens").coverage.gaps)
    };
    assert_eq!(of(40..50), ["scrape metrics at metrics.json:0: no point for 330 s in 2 series"]);
    assert_eq!(of(40..42), [""; 0], "two late scrapes are no gap");
}

/// Real bundles are healthy in this respect: a page of gaps would be a page nobody reads.
#[test]
fn the_sample_bundles_do_not_drown_in_gaps() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/bundles");
    let Ok(entries) = std::fs::read_dir(&samples) else {
        eprintln!("SKIPPED: {} is not there", samples.display());
        return;
    };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|it| it == "md") {
            continue;
        }
        let inspection = coroner::Analyzer::new().input(&path).inspect().expect("it opens");
        let gaps = shown(&inspection.coverage.gaps);
        assert!(gaps.len() <= 6, "{}: {gaps:#?}", path.display());
    }
}
