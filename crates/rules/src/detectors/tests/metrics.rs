//! Shapes of metrics: steps, ramps, gaps.

use super::*;

#[test]
fn a_step_is_told_with_its_onset_and_levels() {
    let noise = |at: i32| f64::from(at * 7 % 5);
    let values = (0..60).map(|it| if it < 30 { 100.0 + noise(it) } else { 400.0 + noise(it) });
    let timeline = metrics(vec![every_15("node_filefd_allocated", &[], "n", values)]);
    let facts = found(&timeline, "metric.step");
    assert_eq!(
        shown(&facts[0]),
        "n: metric=node_filefd_allocated before=102 after=402 ratio=3.941 growth=300 share=1 kind=step dropped=false rate=false"
    );
    assert_eq!((facts.len(), at(&facts[0])), (1, (29 * 15, 30 * 15)));
    assert_eq!(quoted(&facts[0])[0], "103 @435");
}

#[test]
fn a_ramp_is_told_from_its_foot() {
    let noise = |at: i32| f64::from(at * 7 % 5);
    let values = (0..80).map(|it| 100.0 + noise(it) + f64::from((it - 20).max(0)) * 20.0);
    let timeline = metrics(vec![every_15("node_processes_threads", &[], "n", values)]);
    assert_eq!(cells(&timeline, "metric.step", &["before", "after", "kind", "dropped"]), ["102 1283 ramp false"]);
    let (from, to) = at(&found(&timeline, "metric.step")[0]);
    assert!((19 * 15..=21 * 15).contains(&from) && to == from + 15, "{from} {to}");
}

#[test]
fn a_fall_after_the_peak_is_noted() {
    let values = (0..60).map(|it| if (20..40).contains(&it) { 50.0 + f64::from(it - 20) * 100.0 } else { 50.0 });
    let timeline = metrics(vec![every_15("container_threads", &[("container", "app"), ("pod", "p")], "n", values)]);
    assert_eq!(cells(&timeline, "metric.step", &["pod", "kind", "dropped"]), ["p ramp true"]);
}

#[test]
fn noise_a_single_point_and_a_slow_day_are_no_steps() {
    let wave = (0..200).map(|it| 100.0 + 25.0 * (f64::from(it) / 20.0).sin());
    let spike = (0..60).map(|it| if it == 30 { 5000.0 } else { 10.0 });
    let jitter = (0..200).map(|it: i32| f64::from(it * 7919 % 13));
    let up = (0..60).map(|it| if (20..25).contains(&it) { 0.0 } else { 1.0 });
    let constant = (0..60).map(|_| 13.0);
    let born = [1.0, 60.0].into_iter().chain((0..50).map(|_| 60.0));
    let few = [1.0, 1.0, 100.0, 100.0];
    let boot = (0..60).map(|it| if it < 30 { 1.0 } else { 1.6e9 });
    let nan = (0..60).map(|_| f64::NAN);
    let timeline = metrics(vec![
        every_15("wave", &[], "n", wave),
        every_15("spike", &[], "n", spike),
        every_15("jitter", &[], "n", jitter),
        every_15("up", &[], "n", up),
        every_15("constant", &[], "n", constant),
        every_15("born", &[], "n", born),
        every_15("few", &[], "n", few),
        every_15("node_boot_time_seconds", &[], "n", boot),
        every_15("nan", &[], "n", nan),
    ]);
    assert_eq!(rows(&timeline, "metric.step"), [""; 0]);
}

#[test]
fn the_share_is_of_the_growth_of_leaf_rows() {
    let leak = || (0..60).map(|it: i32| 50.0 + f64::from((it - 20).max(0)) * 100.0);
    let big = (0..60).map(|_| 9000.0);
    let grows = (0..60).map(|it: i32| 500.0 + f64::from((it - 20).max(0)) * 10.0);
    let row = |pod: &str, container: &str, values: &mut dyn Iterator<Item = f64>| {
        every_15("container_threads", &[("pod", pod), ("container", container), ("namespace", "shop")], "n", values)
    };
    let timeline = metrics(vec![
        row("leaker", "app", &mut leak()),
        row("leaker", "", &mut leak()),
        row("leaker", "POD", &mut leak()),
        row("big", "app", &mut big.clone()),
        row("other", "app", &mut grows.clone()),
    ]);
    let told = cells(&timeline, "metric.step", &["namespace", "pod", "container", "share"]);
    assert_eq!(told, ["shop leaker app 0.909"]);
    // alone it has all of what was collected
    let alone = metrics(vec![row("leaker", "app", &mut leak())]);
    assert_eq!(cells(&alone, "metric.step", &["share"]), ["1"]);
}

#[test]
fn several_climbs_of_one_series_are_told_in_order() {
    let level = |it: i32| match it {
        0..30 => 10.0,
        30..60 => 100.0,
        60..90 => 12.0,
        _ => 1000.0,
    };
    let timeline = metrics(vec![every_15("sockets", &[], "n", (0..120).map(level))]);
    let told = cells(&timeline, "metric.step", &["before", "after", "dropped"]);
    assert_eq!(told, ["10 100 true", "12 1000 false"]);
}

#[test]
fn the_real_leak_and_the_real_burst_are_found() {
    let files = [
        "range_container_threads.json",
        "range_node_processes_threads.json",
        "range_node_forks_total.json",
        "range_memavail.json",
    ];
    let Some(series) = sample(&files) else { return };
    let timeline = metrics(series);
    let facts = found(&timeline, "metric.step");
    let of = |metric: &str| -> Vec<&Fact> {
        facts.iter().filter(|it| it.get("metric").same(&Value::from(metric))).collect()
    };

    let [leak] = of("container_threads")[..] else { panic!("{:?}", rows(&timeline, "metric.step")) };
    assert_eq!(leak.get("pod"), Value::from("consumer-5f7c9d8b9-lm4zn"));
    assert_eq!(at(leak), (1_795_219_178, 1_795_219_183));
    let said = |column| leak.get(column).to_string();
    assert_eq!((said("kind"), said("share"), said("after")), ("ramp".into(), "1".into(), "1501".into()));
    assert_eq!(quoted(leak), [r#"[1795219183,"46"]"#, r#"[1795219318,"1501"]"#]);

    let [node] = of("node_processes_threads")[..] else { panic!("{:?}", rows(&timeline, "metric.step")) };
    assert_eq!(at(node), (1_795_219_178, 1_795_219_183));
    assert_eq!((node.get("kind").to_string(), node.get("dropped")), ("ramp".into(), Value::Flag(true)));

    let burst = of("node_forks_total");
    let greatest = burst.iter().max_by(|a, b| a.get("after").order(&b.get("after"))).expect("the burst");
    let (from, to) = at(greatest);
    assert!(from <= 1_795_219_238 + 5 && to >= 1_795_219_238 - 5 && to - from == 5, "{from} {to}");
    assert!(greatest.get("ratio").as_number().unwrap() > 5.0);
    assert!(of("node_memory_MemAvailable_bytes").is_empty());
}

/// P9: an answer repeats the last sample for five minutes after its end; where the dump was cut does not move the leak.
#[test]
fn the_real_leak_is_the_same_in_a_dump_cut_at_its_end() {
    let Some(whole) = sample(&["range_container_threads.json"]) else { return };
    let mut cut = whole.clone();
    for series in &mut cut {
        series.points = series.points.iter().filter(|it| it.millis <= 1_795_219_341_000).collect();
    }
    let leak = |series: Vec<Series>| -> (Vec<String>, (i64, i64), Vec<String>) {
        let timeline = metrics(series);
        let facts = found(&timeline, "metric.step");
        let [leak] = &facts[..] else { panic!("{:?}", rows(&timeline, "metric.step")) };
        let quotes = quoted(leak).into_iter().map(str::to_owned).collect();
        (vec![shown(leak)], at(leak), quotes)
    };
    let (told, when, quotes) = leak(whole);
    // 1,500 threads were reached before the kill at 1795219341
    assert_eq!(quotes[1], r#"[1795219318,"1501"]"#);
    assert_eq!((told, when, quotes), leak(cut));
}

#[test]
fn the_real_gap_is_a_failed_scrape() {
    let files =
        ["range_up.json", "range_node_processes_threads.json", "range_node_forks_total.json", "range_memavail.json"];
    let Some(series) = sample(&files) else { return };
    let timeline = metrics(series);
    let facts = found(&timeline, "metric.gap");
    assert_eq!(
        facts.iter().map(shown).collect::<Vec<_>>(),
        ["kubestage1001: missing_secs=70 kind=scrape-failed job=node instance=127.0.0.1:19100"]
    );
    assert_eq!(at(&facts[0]), (1_795_219_378, 1_795_219_448));
    assert!(quoted(&facts[0])[0].starts_with("[179521937"));
}

#[test]
fn gaps_are_classified_by_what_else_was_scraped() {
    let target = |job: &'static str, metric: &str, missing: bool| {
        let points: Vec<(i64, f64)> =
            (0..40).filter(|it| !missing || !(10..20).contains(it)).map(|it| (it * 15, 1.0)).collect();
        series(metric, &[("job", job), ("instance", "10.0.0.1:1")], Some("n"), &points)
    };
    let kinds = |series: Vec<Series>| cells(&metrics(series), "metric.gap", &["metric", "missing_secs", "kind"]);
    assert_eq!(kinds(vec![target("a", "x", true)]), ["x 165 unknown"]);
    assert_eq!(kinds(vec![target("a", "x", true), target("a", "up", false)]), ["x 165 collector-failed"]);
    assert_eq!(kinds(vec![target("a", "x", true), target("a", "y", false)]), ["x 165 collector-failed"]);
    assert_eq!(kinds(vec![target("a", "x", true), target("a", "up", true)]), ["unknown 165 unknown"]);
    let removed = vec![target("a", "x", true), target("a", "up", true), target("b", "up", false)];
    assert_eq!(kinds(removed), ["unknown 165 target-removed"]);
    let down = vec![target("a", "up", true), target("b", "up", true)];
    assert_eq!(kinds(down), ["up 165 prometheus-down", "up 165 prometheus-down"]);
    let mut booted = target("a", "node_boot_time_seconds", true);
    let boot = |it: Point| Point { value: if it.millis < 200_000 { 1.0 } else { 200.0 }, ..it };
    booted.points = booted.points.iter().map(boot).collect();
    assert_eq!(kinds(vec![booted, target("a", "x", true)]), ["unknown 165 reboot"]);
    // no spacing to speak of
    let ragged: Vec<(i64, f64)> = (0..40).map(|it| (it * 15 + i64::from(it % 3 == 0) * 7 * it * it, 1.0)).collect();
    assert_eq!(kinds(vec![series("x", &[], None, &ragged)]), [""; 0]);
}
