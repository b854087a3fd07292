//! Facts as series, absence, long ranges, and what a query may cost.

use timeline::{
    Fact, Interval, MemberId, Name, Point, Quote, Relation, Row, Series, Span, Time, Timeline, Value, relation,
};

use super::testing::series;
use super::window::{Asked, over};
use super::{Dialect, Outcome, Query, Store, expr::Window};

fn fact(relation: &'static Relation, node: &str, at_secs: Option<i64>, text: &str, cells: &[(&str, Value)]) -> Fact {
    let row = cells.iter().fold(Row::new(relation), |row, (column, value)| row.with(column, value.clone()));
    let span = Span { member: MemberId(3), start: 40, len: text.len() as u32, line: 7 };
    let mut fact = Fact::new(row, Some(Name::from(node)), Quote { span, text: text.into() });
    if let Some(at) = at_secs.and_then(|it| chrono::DateTime::from_timestamp(it, 0)) {
        fact.at = Time::utc(Interval { lo: at, hi: at });
    }
    fact
}

fn case() -> Timeline {
    let threads = |node: &str, pod: &str, values: [f64; 3]| {
        let points: Vec<(i64, f64)> = values.into_iter().enumerate().map(|(at, it)| (at as i64 * 15, it)).collect();
        series("container_threads", &[("node", node), ("pod", pod)], Some(node), &points)
    };
    let sysctl = |node: &str, key: &str, value: &str| {
        let text = format!("{key} = {value}");
        fact(&relation::SYSCTL, node, Some(600), &text, &[("key", key.into()), ("value", value.into())])
    };
    let available = |at| {
        let cells = [("key", "MemAvailable".into()), ("bytes", Value::Int(1000))];
        fact(&relation::MEMINFO, "n1", at, "MemAvailable: 1 kB", &cells)
    };
    Timeline {
        series: vec![
            threads("n1", "a", [10.0, 20.0, 90.0]),
            threads("n1", "b", [1.0, 1.0, 1.0]),
            threads("n2", "c", [5.0, 5.0, 5.0]),
        ],
        facts: vec![
            sysctl("n1", "kernel.pid_max", "100"),
            sysctl("n2", "kernel.pid_max", "100"),
            sysctl("n1", "net.ipv4.tcp_rmem", "4096 87380 6291456"),
            fact(&relation::KERNEL, "n1", None, "Linux n1", &[("release", "5.4.0-42-generic".into())]),
            available(Some(20)),
        ],
        ..Timeline::default()
    }
}

fn ask(timeline: &Timeline, query: &str) -> Outcome {
    Query::parse(query).unwrap_or_else(|it| panic!("{query}: {it}")).evaluate(&Store::of(timeline), None, &|_| None)
}

fn shown(timeline: &Timeline, query: &str) -> Vec<String> {
    let one = |it: &super::Output| {
        let labels: Vec<String> = it.labels.iter().map(|(a, b)| format!("{a}={b}")).collect();
        let points: Vec<String> = it.points.iter().map(|(t, v)| format!("{}:{v}", *t as f64 / 1000.0)).collect();
        format!("{{{}}} {}", labels.join(","), points.join(" "))
    };
    ask(timeline, query).vectors.iter().map(one).collect()
}

#[test]
fn metrics_are_held_against_settings() {
    let case = case();
    let full = r#"sum by (node) (container_threads) / on (node) coroner_sysctl{key="kernel.pid_max"} > 0.8"#;
    assert_eq!(shown(&case, full), ["{node=n1} 30:0.91"]);
    let cited: Vec<String> = ask(&case, full).vectors[0].cited.iter().map(|it| it.text.to_string()).collect();
    assert_eq!(cited, ["90 @30", "1 @30", "kernel.pid_max = 100"]);
    let place = ask(&case, full).vectors[0].cited[2].span;
    assert_eq!((place.member, place.start, place.line), (MemberId(3), 40, 7));
    // a setting was the same all along
    assert_eq!(
        shown(
            &case,
            r#"container_threads{pod="a"} + on (node) min_over_time(coroner_sysctl{key="kernel.pid_max"}[5m])"#
        ),
        ["{node=n1} 0:110 15:120 30:190"]
    );
}

#[test]
fn facts_without_numbers_are_there_or_not() {
    let case = case();
    assert_eq!(shown(&case, "coroner_kernel_info").len(), 1);
    assert_eq!(
        shown(&case, r#"container_threads{pod="a"} and on (node) coroner_kernel_info{release=~"5[.]4.*"}"#),
        ["{node=n1,pod=a} 0:10 15:20 30:90"]
    );
    // several numbers are none
    let several = r#"coroner_sysctl_info{key="net.ipv4.tcp_rmem"}"#;
    assert_eq!(shown(&case, several).len(), 1);
    assert!(!ask(&case, "coroner_sysctl_value").had_input && !ask(&case, "coroner_nothing").had_input);
}

#[test]
fn what_was_counted_holds_when_it_was_counted() {
    let mut case = case();
    let join = r#"container_threads{pod="a"} / on (node) coroner_meminfo_bytes{key="MemAvailable"}"#;
    assert_eq!(shown(&case, join), ["{node=n1} 20:0.02 30:0.09"]);
    // among facts it holds whatever the time, which may not be known
    let alone =
        r#"coroner_meminfo_bytes{key="MemAvailable"} > on (node) group_left coroner_sysctl{key="kernel.pid_max"}"#;
    assert_eq!(ask(&case, alone).vectors[0].first, 600_000);
    assert!(Query::parse(alone).unwrap().is_state() && !Query::parse(join).unwrap().is_state());
    for fact in &mut case.facts {
        fact.at = Time::UNKNOWN;
    }
    assert!(shown(&case, join).is_empty());
    assert_eq!((ask(&case, alone).vectors[0].first, ask(&case, alone).vectors[0].peak.1), (i64::MIN, 1000.0));
}

#[test]
fn absence_speaks_when_others_of_the_metric_do() {
    let case = case();
    assert_eq!(shown(&case, r#"absent(container_threads{pod="zzz"})"#), ["{pod=zzz} 0:1 15:1 30:1"]);
    assert!(ask(&case, r#"absent(container_threads{pod="zzz"})"#).had_input);
    // a metric nobody collected is not absent, it is not known
    let unknown = ask(&case, r#"absent(node_load1{node="n1"})"#);
    assert!(unknown.vectors.is_empty() && !unknown.had_input);
}

#[test]
fn long_ranges_are_added_up_as_short_ones_are() {
    let value = |it: i64| (it as f64 * 0.37).sin() * 1e3 + it as f64 + if it % 97 == 0 { -4e3 } else { 0.0 };
    let points: Vec<(i64, f64)> = (0..3000).map(|it| (it * 15, value(it))).collect();
    let points: Vec<Point> = series("x", &[], None, &points).points.iter().collect();
    let ends: Vec<i64> = (0..60).map(|it| 30_000_000 + it * 150_000).collect();
    let numbers = [vec![3600.0; ends.len()]];
    let asked = |points: usize| Asked {
        range_ms: points as i64 * 15_000,
        ends: &ends,
        instants: &ends,
        numbers: &numbers,
        dialect: Dialect::default(),
    };
    let windows = [
        Window::Sum,
        Window::Avg,
        Window::Deriv,
        Window::PredictLinear,
        Window::Changes,
        Window::Resets,
        Window::Increase,
    ];
    for window in windows {
        let long = over(window, &points, &asked(700));
        for (end, long) in ends.iter().zip(long) {
            // the same range by itself, so short a series that nothing is subtracted
            let from = points.partition_point(|it| it.millis <= end - 700 * 15_000);
            let to = points.partition_point(|it| it.millis <= *end);
            let halves = |part: &[timeline::Point]| part.to_vec();
            let inside = halves(&points[from..to]);
            let exact = exact(window, &inside, *end);
            let long = long.expect("a full range");
            assert!((long - exact).abs() <= 1e-9 * exact.abs().max(1e-3), "{window:?} {long} {exact}");
        }
    }
}

/// By the definition, in the plainest way.
fn exact(window: Window, inside: &[timeline::Point], end: i64) -> f64 {
    let n = inside.len() as f64;
    let sum = |by: &dyn Fn(&timeline::Point) -> f64| inside.iter().map(by).sum::<f64>();
    let (t, v) = (|it: &timeline::Point| (it.millis - end) as f64 / 1000.0, |it: &timeline::Point| it.value);
    let (mean_t, mean_v) = (sum(&t) / n, sum(&v) / n);
    let slope = || sum(&|it| (t(it) - mean_t) * (v(it) - mean_v)) / sum(&|it| (t(it) - mean_t) * (t(it) - mean_t));
    let pairs = || inside.windows(2);
    match window {
        Window::Sum => sum(&v),
        Window::Avg => mean_v,
        Window::Deriv => slope(),
        Window::PredictLinear => mean_v + slope() * (3600.0 - mean_t),
        Window::Changes => pairs().filter(|it| it[0].value != it[1].value).count() as f64,
        Window::Resets => pairs().filter(|it| it[1].value < it[0].value).count() as f64,
        _ => {
            let lost: f64 = pairs().filter(|it| it[1].value < it[0].value).map(|it| it[0].value).sum();
            let growth = inside[inside.len() - 1].value - inside[0].value + lost;
            // 700 points lie in the range, the first one a step after it begins; zero is nearer
            let sampled = (inside[inside.len() - 1].millis - inside[0].millis) as f64 / 1000.0;
            let zero = if growth > 0.0 && inside[0].value >= 0.0 { sampled * inside[0].value / growth } else { 15.0 };
            growth * (sampled + zero.min(15.0)) / sampled
        }
    }
}

#[test]
fn what_would_cost_too_much_is_said_to() {
    let all: Vec<Series> =
        (0..50).map(|it| series("x", &[("pod", &it.to_string())], None, &[(0, 1.0), (60, 1.0), (120, 2.0)])).collect();
    let store = Store::with(all.iter());
    let ask = |query: &str| Query::parse(query).unwrap().evaluate(&store, None, &|_| None);
    let heavy = ask("max_over_time(x[7d:1ms])");
    assert!(heavy.costly && heavy.vectors.is_empty());
    assert!(!ask("max_over_time(x[10m:1s])").costly);
}

#[test]
fn newer_functions_than_the_oracle_knows() {
    let points: Vec<(i64, f64)> =
        [3.0, 9.0, 1.0, 9.0, 2.0].into_iter().enumerate().map(|(at, it)| (at as i64 * 10, it)).collect();
    let all = [series("x", &[], None, &points)];
    let store = Store::with(all.iter());
    let last = |query: &str| {
        let outcome = Query::parse(query).unwrap().evaluate(&store, None, &|_| None);
        outcome.vectors[0].points.last().copied().unwrap().1
    };
    assert_eq!(last("first_over_time(x[1m])"), 3.0);
    assert_eq!(last("ts_of_max_over_time(x[1m])"), 30.0);
    assert_eq!(last("ts_of_min_over_time(x[1m])"), 20.0);
    assert_eq!((last("ts_of_first_over_time(x[25s])"), last("ts_of_last_over_time(x[25s])")), (20.0, 40.0));
    assert_eq!(last("mad_over_time(x[1m])"), 2.0);
    assert_eq!(last("double_exponential_smoothing(x[1m], 0.5, 0.5)"), last("holt_winters(x[1m], 0.5, 0.5)"));
}
