//! Spikes, leaks, saturation and contributors on shapes made here and on what a real Prometheus scraped.

use timeline::{Fact, Series, Timeline, relation};

use super::tests::{at, cells, collected, every_15, fact, found, metrics, quoted, rows};
use crate::promql::testing::dump;

/// Noise between -1 and 1 that is the same on every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    }
}

/// Series such as a healthy node has: flat, noisy, with a daily cycle, jagged, with bursts, growing as it warms up.
fn healthy(seed: u64) -> Vec<Series> {
    let mut noise = Noise(seed);
    let n = 400;
    let day = |it: usize| (it as f64 / 190.0 * std::f64::consts::TAU).sin();
    let mut all = Vec::new();
    let mut add = |metric: &str, values: Vec<f64>| all.push(every_15(metric, &[("job", "node")], "n", values));
    add("node_flat", vec![13.0; n]);
    add("node_noisy", (0..n).map(|_| 100.0 + 20.0 * noise.next()).collect());
    add("node_daily", (0..n).map(|it| 100.0 + 60.0 * day(it) + 5.0 * noise.next()).collect());
    add("node_memory_MemAvailable_bytes", (0..n).map(|it| 8e9 + 1e9 * day(it) + 1e8 * noise.next()).collect());
    add("node_memory_MemTotal_bytes", vec![16e9; n]);
    add("node_sawtooth", (0..n).map(|it| 20.0 + (it % 40) as f64 + noise.next()).collect());
    add("node_jobs", (0..n).map(|it| if it % 20 < 4 { 50.0 } else { 2.0 + noise.next() }).collect());
    add("node_warms_up", (0..n).map(|it| 500.0 * (1.0 - (-(it as f64) / 12.0).exp()) + 4.0 * noise.next()).collect());
    add("node_rare", (0..n).map(|_| if noise.next() > 0.96 { 3.0 } else { 0.0 }).collect());
    let mut total = 0.0;
    let steady = (0..n).map(|it| {
        total += 150.0 + 60.0 * day(it) + 40.0 * noise.next();
        if it == 200 {
            total = 10.0; // a restart
        }
        total
    });
    let steady: Vec<f64> = steady.collect();
    add("node_requests_total", steady);
    all
}

#[test]
fn healthy_shapes_have_none() {
    for seed in 1..40 {
        let timeline = metrics(healthy(seed));
        for relation in ["metric.step", "metric.spike", "metric.leak", "metric.saturation", "metric.top", "metric.gap"]
        {
            assert_eq!(rows(&timeline, relation), [""; 0], "{relation}, seed {seed}");
        }
    }
}

fn burst(from: usize, to: usize, high: f64) -> Vec<f64> {
    let mut noise = Noise(7);
    (0..200).map(|it| if (from..to).contains(&it) { high } else { 30.0 } + 2.0 * noise.next()).collect()
}

#[test]
fn a_burst_that_is_over_is_a_spike() {
    let timeline = metrics(vec![every_15("node_procs_running", &[], "n", burst(100, 108, 900.0))]);
    let facts = found(&timeline, "metric.spike");
    assert_eq!((facts.len(), at(&facts[0])), (1, (99 * 15, 100 * 15)));
    let said = |column: &str| facts[0].get(column).as_number().unwrap();
    assert!((said("usual") - 30.0).abs() < 1.0 && (said("peak") - 900.0).abs() < 3.0 && said("deviations") > 100.0);
    assert_eq!((said("times"), said("lasted_secs")), (1.0, 135.0));
    assert!(quoted(&facts[0])[1].ends_with("@1485"), "{:?}", quoted(&facts[0]));
    assert!(rows(&timeline, "metric.leak").is_empty());
    // what stays is a step
    let stays = metrics(vec![every_15("node_procs_running", &[], "n", burst(170, 200, 900.0))]);
    assert!(rows(&stays, "metric.spike").is_empty());
    assert_eq!(found(&stays, "metric.step").len(), 1);
}

#[test]
fn one_point_is_a_spike_only_where_it_is_far_out() {
    let far = metrics(vec![every_15("x", &[], "n", burst(100, 101, 900.0))]);
    assert_eq!(found(&far, "metric.spike").len(), 1);
    let near = metrics(vec![every_15("x", &[], "n", burst(100, 101, 60.0))]);
    assert!(rows(&near, "metric.spike").is_empty());
}

#[test]
fn a_burst_of_a_counter_is_one_of_its_rate_also_over_a_reset() {
    let mut total = 0.0;
    let values: Vec<f64> = burst(100, 108, 900.0)
        .into_iter()
        .enumerate()
        .map(|(at, it)| {
            total = if at == 60 { 0.0 } else { total + it * 15.0 };
            total
        })
        .collect();
    let timeline = metrics(vec![every_15("node_forks_total", &[], "n", values)]);
    assert_eq!(cells(&timeline, "metric.spike", &["rate", "times"]), ["true 1"]);
    assert_eq!(at(&found(&timeline, "metric.spike")[0]), (99 * 15, 100 * 15));
}

fn leaking(noise: f64) -> Vec<f64> {
    let mut random = Noise(3);
    (0..200).map(|it: i32| 1000.0 + f64::from((it - 50).max(0)) * 20.0 + noise * random.next()).collect()
}

#[test]
fn a_leak_is_told_with_its_slope_and_when_it_ends() {
    let labels = [("instance", "10.0.0.1:9100")];
    let limit = every_15("node_filefd_maximum", &labels, "n", vec![10_000.0; 200]);
    let timeline = metrics(vec![every_15("node_filefd_allocated", &labels, "n", leaking(10.0)), limit]);
    let facts = found(&timeline, "metric.leak");
    assert_eq!(facts.len(), 1);
    let said = |column: &str| facts[0].get(column).as_number().unwrap();
    assert!((said("per_hour") - 4800.0).abs() < 50.0, "{}", said("per_hour"));
    assert!((said("to_limit_secs") - (10_000.0 - 3980.0) / (20.0 / 15.0)).abs() < 100.0);
    assert!((said("used") - 0.398).abs() < 0.01 && said("limit") == 10_000.0);
    assert_eq!(
        cells(&timeline, "metric.leak", &["direction", "ended", "limit_of"]),
        ["rising rising node_filefd_maximum"]
    );
    let (_, foot) = at(&facts[0]);
    assert!((45 * 15..=55 * 15).contains(&foot), "{foot}");
    assert_eq!(quoted(&facts[0]).len(), 3);
}

#[test]
fn what_is_left_leaks_as_it_falls() {
    let mut random = Noise(3);
    let left = (0..200).map(|it| 8e9 - f64::from((it - 50).max(0)) * 5e7 + 1e7 * random.next());
    let total = every_15("node_memory_MemTotal_bytes", &[], "n", vec![16e9; 200]);
    let timeline = metrics(vec![every_15("node_memory_MemAvailable_bytes", &[], "n", left), total]);
    let facts = found(&timeline, "metric.leak");
    let said = |column: &str| facts[0].get(column).as_number().unwrap();
    assert_eq!(facts[0].get("direction").to_string(), "falling");
    assert!((said("to_limit_secs") - 0.55e9 / 5e7 * 15.0).abs() < 30.0, "{}", said("to_limit_secs"));
    assert!(said("per_hour") < 0.0 && said("used") > 0.95 && said("growth") < 0.0);
}

#[test]
fn teeth_that_end_at_their_limit_are_a_leak_and_others_are_not() {
    let teeth = |it: i32| 100e6 + f64::from(it % 50) * 8e6;
    let labels = [("container", "app"), ("pod", "p")];
    let memory = every_15("container_memory_working_set_bytes", &labels, "n", (0..200).map(teeth));
    let limit = every_15("container_spec_memory_limit_bytes", &labels, "n", vec![500e6; 200]);
    let killed = metrics(vec![memory.clone(), limit]);
    assert_eq!(cells(&killed, "metric.leak", &["pod", "ended"]), ["p dropped"]);
    let wide = every_15("container_spec_memory_limit_bytes", &labels, "n", vec![5e9; 200]);
    assert!(rows(&metrics(vec![memory, wide]), "metric.leak").is_empty());
}

#[test]
fn a_limit_that_is_reached_is_saturation() {
    let labels = [("instance", "10.0.0.1:9100")];
    let entries = (0..100).map(|it| if it < 60 { 1000.0 + f64::from(it) } else { 65_530.0 });
    let full = metrics(vec![
        every_15("node_nf_conntrack_entries", &labels, "n", entries),
        every_15("node_nf_conntrack_entries_limit", &labels, "n", vec![65_536.0; 100]),
    ]);
    let columns = ["kind", "value", "limit", "plateau", "partial", "lasted_secs"];
    assert_eq!(cells(&full, "metric.saturation", &columns), ["full 65530 65536 true false 585"]);
    assert_eq!(at(&found(&full, "metric.saturation")[0]), (59 * 15, 60 * 15));
    assert_eq!(quoted(&found(&full, "metric.saturation")[0])[1], "65536 @900");
}

#[test]
fn a_sum_is_measured_against_a_setting() {
    let pods = (0..4).map(|pod| {
        let name = format!("p{pod}");
        let values = (0..60).map(|it| 1000.0 + if pod == 2 { f64::from(it) * 500.0 } else { 0.0 });
        every_15("container_threads", &[("container", "app"), ("pod", &name)], "n", values)
    });
    let mut timeline = metrics(pods.collect());
    let key = [("key", "kernel.pid_max"), ("value", "32768")];
    timeline.facts.push(fact(&relation::SYSCTL, Some("n"), 1, "kernel.pid_max = 32768", &key));
    timeline.collected.push(collected(&relation::SYSCTL, Some("n"), 1, None));
    let facts: Vec<Fact> = found(&timeline, "metric.saturation");
    assert_eq!(cells(&timeline, "metric.saturation", &["kind", "limit_of", "partial"]), ["full kernel.pid_max true"]);
    assert_eq!(facts[0].get("value").as_number(), Some(4000.0 + 59.0 * 500.0));
    assert_eq!(quoted(&facts[0]).last(), Some(&"kernel.pid_max = 32768"));
    assert_eq!(quoted(&facts[0])[0], "30500 @885");
    let top = ["pod", "rank", "share", "among", "total_before"];
    assert_eq!(cells(&timeline, "metric.top", &top), ["p2 1 1 4 4000"]);
}

#[test]
fn contributors_are_those_that_grew() {
    let values = |level: f64, slope: f64| (0..60).map(move |it| level + slope * f64::from((it - 20).max(0)));
    let pods = [("big", 9000.0, 0.0), ("leaks", 50.0, 300.0), ("helps", 50.0, 100.0), ("small", 10.0, 1.0)];
    let pods = pods.map(|(pod, level, slope)| {
        every_15("container_sockets", &[("container", "app"), ("pod", pod)], "n", values(level, slope))
    });
    let timeline = metrics(pods.to_vec());
    assert_eq!(cells(&timeline, "metric.top", &["pod", "rank", "share"]), ["leaks 1 0.748", "helps 2 0.249"]);
}

#[test]
fn the_real_run_shows_what_happened_in_it_and_nothing_else() {
    let Some(series) = dump() else { return };
    let timeline: Timeline = metrics(series);
    let named = |relation: &str, columns: &[&str]| cells(&timeline, relation, columns);
    let leak = named("metric.leak", &["metric", "pod", "ended"]);
    assert!(leak.contains(&"container_threads consumer-5f7c9d8b9-lm4zn gone".to_owned()), "{leak:?}");
    let spikes = named("metric.spike", &["metric", "labels"]);
    assert!(spikes.iter().any(|it| it.starts_with("node_forks_total")), "{spikes:?}");
    let top = named("metric.top", &["metric", "pod", "rank"]);
    assert!(top.contains(&"container_threads consumer-5f7c9d8b9-lm4zn 1".to_owned()), "{top:?}");
    assert_eq!((leak.len(), spikes.len(), top.len()), (2, 2, 1), "{leak:?} {spikes:?} {top:?}");
    assert!(rows(&timeline, "metric.saturation").is_empty());
    // a process that started works for a moment
    let steps = named("metric.step", &["metric"]);
    let happened = ["container_threads", "node_forks_total", "node_processes_threads", "process_cpu_seconds_total"];
    assert_eq!(steps, happened);
}
