use timeline::{Point, Series, Value};

use super::testing::{dumped, sample, series};
use super::{Outcome, Output, Query, Store};

fn none(_: &str) -> Option<Value> {
    None
}

fn ask(query: &str, series: &[Series]) -> Outcome {
    let query = Query::parse(query).unwrap_or_else(|it| panic!("{query}: {it}"));
    query.evaluate(&Store::with(series.iter()), None, &none)
}

fn unfiltered(query: &str, series: &[Series]) -> Vec<Output> {
    Query::parse(query).unwrap().unfiltered(&Store::with(series.iter()), None, &none)
}

/// `node="a" 10:3 20:4 | node="b" 10:1`, seconds.
fn shown(outputs: &[Output]) -> String {
    let one = |it: &Output| {
        let labels: Vec<String> = it.labels.iter().map(|(a, b)| format!("{a}={b}")).collect();
        let points: Vec<String> = it.points.iter().map(|(t, v)| format!("{}:{v}", *t as f64 / 1000.0)).collect();
        format!("{{{}}} {}", labels.join(","), points.join(" "))
    };
    outputs.iter().map(one).collect::<Vec<_>>().join(" | ")
}

fn answer(query: &str, series: &[Series]) -> String {
    shown(&ask(query, series).vectors)
}

fn threads() -> Vec<Series> {
    vec![
        series("threads", &[("pod", "a"), ("node", "n1")], Some("n1"), &[(10, 1.0), (20, 2.0), (30, 9.0)]),
        series(
            "threads",
            &[("pod", "b"), ("instance", "10.0.0.1:9100")],
            Some("n1"),
            &[(10, 10.0), (20, 10.0), (30, 10.0)],
        ),
        series("threads", &[("pod", "c"), ("node", "n2")], Some("n2"), &[(10, 5.0), (20, 5.0)]),
        series("limit", &[("instance", "10.0.0.1:9100")], Some("n1"), &[(10, 20.0), (20, 20.0), (30, 20.0)]),
    ]
}

#[test]
fn selectors_match_labels_in_every_way() {
    let all = threads();
    assert_eq!(answer(r#"threads{pod="a"}"#, &all), "{node=n1,pod=a} 10:1 20:2 30:9");
    assert_eq!(answer(r#"threads{pod!~"a|b"}"#, &all), "{node=n2,pod=c} 10:5 20:5");
    assert_eq!(answer(r#"threads{pod!="a",node!="n2"}"#, &all), "{instance=10.0.0.1:9100,pod=b} 10:10 20:10 30:10");
    assert_eq!(answer(r#"threads{pod=~"a.+"}"#, &all), "");
    assert_eq!(answer(r#"{__name__=~"lim.*"}"#, &all), "{instance=10.0.0.1:9100} 10:20 20:20 30:20");
    assert_eq!(answer(r#"threads{pod="a"} offset 10s"#, &all), "{node=n1,pod=a} 20:1 30:2 40:9");
    assert_eq!(answer(r#"threads{pod="a",zone=""}"#, &all), "{node=n1,pod=a} 10:1 20:2 30:9");
}

#[test]
fn the_resolved_node_stands_in_for_a_missing_label() {
    let all = threads();
    assert_eq!(answer("sum by (node) (threads)", &all), "{node=n1} 10:11 20:12 30:19 | {node=n2} 10:5 20:5 30:5");
    assert_eq!(answer(r#"threads{node="n1",pod="b"}"#, &all), "{instance=10.0.0.1:9100,pod=b} 10:10 20:10 30:10");
    assert_eq!(answer("sum by (node) (threads) / on (node) limit > 0.6", &all), "{node=n1} 30:0.95");
    let kept = answer(r#"threads / on (node) group_left (instance) limit{node="n1"}"#, &all);
    assert_eq!(
        kept,
        "{instance=10.0.0.1:9100,node=n1,pod=a} 10:0.05 20:0.1 30:0.45 | {instance=10.0.0.1:9100,pod=b} 10:0.5 20:0.5 30:0.5"
    );
}

#[test]
fn aggregations_group_by_what_is_kept() {
    let all = threads();
    assert_eq!(answer("max(threads)", &all), "{} 10:10 20:10 30:10");
    assert_eq!(answer("min(threads)", &all), "{} 10:1 20:2 30:5");
    assert_eq!(answer("count(threads)", &all), "{} 10:3 20:3 30:3");
    assert_eq!(answer("avg by (node) (threads)", &all), "{node=n1} 10:5.5 20:6 30:9.5 | {node=n2} 10:5 20:5 30:5");
    assert_eq!(
        answer("sum without (pod, instance) (threads)", &all),
        "{} 10:10 20:10 30:10 | {node=n1} 10:1 20:2 30:9 | {node=n2} 10:5 20:5 30:5"
    );
    assert_eq!(answer("topk(1, threads)", &all), "{instance=10.0.0.1:9100,pod=b} 10:10 20:10 30:10");
    assert_eq!(
        answer("bottomk by (node) (1, threads)", &all),
        "{node=n1,pod=a} 10:1 20:2 30:9 | {node=n2,pod=c} 10:5 20:5 30:5"
    );
}

#[test]
fn operators_filter_compute_and_join() {
    let all = threads();
    assert_eq!(answer(r#"threads{pod="a"} > 1"#, &all), "{node=n1,pod=a} 20:2 30:9");
    assert_eq!(answer(r#"1 < threads{pod="a"}"#, &all), "{node=n1,pod=a} 20:2 30:9");
    assert_eq!(answer(r#"threads{pod="a"} > bool 1"#, &all), "{node=n1,pod=a} 10:0 20:1 30:1");
    assert_eq!(answer(r#"-threads{pod="a"} * 2 + 1"#, &all), "{node=n1,pod=a} 10:-1 20:-3 30:-17");
    assert_eq!(answer(r#"threads{pod="a"} ^ 2 % 4"#, &all), "{node=n1,pod=a} 10:1 20:0 30:1");
    assert_eq!(answer("threads > 9 and threads < 20", &all), "{instance=10.0.0.1:9100,pod=b} 10:10 20:10 30:10");
    assert_eq!(answer("threads unless threads > 4", &all), "{node=n1,pod=a} 10:1 20:2");
    assert_eq!(
        answer(r#"threads{pod="a"} or threads{pod="c"}"#, &all),
        "{node=n1,pod=a} 10:1 20:2 30:9 | {node=n2,pod=c} 10:5 20:5 30:5"
    );
    assert_eq!(answer(r#"threads{pod="a"} or absent_metric"#, &all), "{node=n1,pod=a} 10:1 20:2 30:9");
    assert_eq!(answer(r#"scalar(limit) - threads{pod="a"}"#, &all), "{node=n1,pod=a} 10:19 20:18 30:11");
    assert_eq!(answer("clamp_max(clamp_min(threads{pod=\"a\"}, 2), 5)", &all), "{node=n1,pod=a} 10:2 20:2 30:5");
    assert_eq!(answer(r#"abs(0 - threads{pod="a"})"#, &all), "{node=n1,pod=a} 10:1 20:2 30:9");
    assert_eq!(answer(r#"time() - threads{pod="a"}"#, &all), "{node=n1,pod=a} 10:9 20:18 30:21");
}

#[test]
fn several_candidates_for_one_match_are_no_answer() {
    let all = threads();
    let outcome = ask("limit / on (node) threads", &all);
    assert!(outcome.ambiguous);
    assert_eq!(shown(&outcome.vectors), "");
    assert!(!ask("sum by (node) (threads) / on (node) limit", &all).ambiguous);
}

#[test]
fn a_value_stands_for_two_and_a_half_spacings_and_not_beyond_its_end() {
    let mut ends = series("ends", &[], None, &[(0, 1.0), (10, 1.0), (20, 1.0)]);
    let clock = series("clock", &[], None, &(0..10).map(|it| (it * 10, 0.0)).collect::<Vec<_>>());
    let both = |ends: &Series| answer("ends + on () clock", &[ends.clone(), clock.clone()]);
    assert_eq!(both(&ends), "{} 0:1 10:1 20:1 30:1 40:1");
    ends.stale = vec![30_000];
    assert_eq!(both(&ends), "{} 0:1 10:1 20:1");
    let sparse = series("ends", &[], None, &[(0, 1.0), (1000, 1.0)]);
    let often = series("clock", &[], None, &[(0, 0.0), (299, 0.0), (300, 0.0), (1000, 0.0)]);
    assert_eq!(answer("ends + on () clock", &[sparse, often]), "{} 0:1 299:1 1000:1");
}

#[test]
fn ranges_are_open_to_the_left() {
    let points: Vec<(i64, f64)> =
        [1.0, 5.0, 2.0, 4.0, 3.0].into_iter().enumerate().map(|(at, it)| (at as i64 * 10, it)).collect();
    let all = [series("x", &[], None, &points)];
    assert_eq!(answer("max_over_time(x[20s])", &all), "{} 0:1 10:5 20:5 30:4 40:4");
    assert_eq!(answer("min_over_time(x[20s])", &all), "{} 0:1 10:1 20:2 30:2 40:3");
    assert_eq!(answer("sum_over_time(x[20s])", &all), "{} 0:1 10:6 20:7 30:6 40:7");
    assert_eq!(answer("avg_over_time(x[20s])", &all), "{} 0:1 10:3 20:3.5 30:3 40:3.5");
    assert_eq!(answer("count_over_time(x[25s])", &all), "{} 0:1 10:2 20:3 30:3 40:3");
    assert_eq!(answer("last_over_time(x[1m] offset 10s)", &all), "{} 10:1 20:5 30:2 40:4 50:3");
    assert_eq!(answer("deriv(x[20s])", &all), "{} 10:0.4 20:-0.3 30:0.2 40:-0.1");
}

#[test]
fn counters_survive_resets_and_are_extrapolated() {
    // 100 a minute, with a restart between 60 and 75
    let counts = [0.0, 25.0, 50.0, 75.0, 100.0, 10.0, 35.0];
    let points: Vec<(i64, f64)> = counts.into_iter().enumerate().map(|(at, it)| (at as i64 * 15, it)).collect();
    let all = [series("forks_total", &[("node", "n1")], None, &points)];
    // 4 samples over 45 s hold 75; extrapolated to the 60 s of the range
    assert!(answer("increase(forks_total[1m])", &all).contains(" 60:100 "));
    assert!(answer("rate(forks_total[1m]) * 60", &all).contains(" 60:100 "));
    // 25 + 25 + 10 + 25 seen over the reset
    let last = ask("increase(forks_total[1m])", &all).vectors[0].points.last().copied().unwrap();
    assert_eq!(last.0, 90_000);
    assert!((last.1 - 60.0 * 60.0 / 45.0).abs() < 1e-9, "{last:?}");
    assert!(answer("irate(forks_total[1m]) * 15", &all).contains(" 75:10 90:25"));
    assert!(answer("delta(forks_total[1m])", &all).contains(" 60:100 "));
}

#[test]
fn a_filter_says_how_far_it_was() {
    let all = threads();
    let outcome = ask("sum by (node) (threads) >= 100", &all);
    assert!(outcome.vectors.is_empty() && outcome.had_input);
    let near: Vec<_> = unfiltered("sum by (node) (threads) >= 100", &all).iter().map(|it| it.peak).collect();
    assert_eq!(near, [(30_000, 19.0), (10_000, 5.0)]);
    let below = ask(r#"threads{pod="a"} < 3"#, &all);
    assert_eq!((below.vectors[0].first, below.vectors[0].peak), (10_000, (10_000, 1.0)));
    assert_eq!(unfiltered("100 <= sum by (node) (threads)", &all)[0].peak, (30_000, 19.0));
}

#[test]
fn outputs_cite_their_largest_contributors() {
    let all = threads();
    let texts = |query: &str| -> Vec<String> {
        ask(query, &all).vectors[0].cited.iter().map(|it| it.text.to_string()).collect()
    };
    assert_eq!(texts("sum by (node) (threads)"), ["10 @30", "9 @30"]);
    assert_eq!(texts("min(threads) > 2"), ["5 @20", "9 @30", "10 @30"]);
    assert_eq!(texts("sum by (node) (threads) / on (node) limit"), ["10 @30", "9 @30", "20 @30"]);
    assert_eq!(texts(r#"max_over_time(threads{pod="a"}[1m])"#), ["9 @30"]);
    assert_eq!(texts(r#"delta(threads{pod="a"}[25s])"#), ["9 @30", "1 @10"]);
    let many: Vec<Series> =
        (0..10).map(|it| series("x", &[("pod", &it.to_string())], None, &[(0, f64::from(it))])).collect();
    let cited = &ask("sum(x)", &many).vectors[0].cited;
    assert_eq!(cited.iter().map(|it| it.text.as_ref()).collect::<Vec<_>>(), ["9 @0", "8 @0", "7 @0", "6 @0"]);
}

#[test]
fn without_input_an_answer_is_not_false() {
    let all = threads();
    assert!(!ask("missing > 5", &all).had_input);
    assert!(!ask("sum(threads) / scalar(missing) > 5", &all).had_input);
    assert!(ask("threads or missing", &all).had_input);
    // filters within: everything was measured where both sides of `and` were
    let measured =
        |text: &str| !Query::parse(text).unwrap().measured(&Store::with(all.iter()), None, &|_| None).is_empty();
    assert!(
        measured("max by (node) (threads > 9000 and threads < 1)")
            && measured("sum(threads > 9000) and on () threads < 1")
    );
    assert!(!measured("max by (node) (threads > 9000 and missing < 1)") && !measured("sum(missing > 1)"));
    assert!(!ask(r#"threads{pod="zzz"} > 5"#, &all).had_input);
}

#[test]
fn variables_are_numbers_or_parts_of_labels() {
    let all = threads();
    let query = Query::parse(r#"threads{pod=~"$who",node="$node"} >= 0.85 * $max and threads > -$max"#).unwrap();
    assert_eq!(query.variables(), ["who", "node", "max"]);
    assert_eq!(query.metrics(), ["threads"]);
    let series = Store::with(all.iter());
    let values = |max: Option<Value>| {
        move |name: &str| match name {
            "who" => Some(Value::from("a")),
            "node" => Some(Value::from("n1")),
            _ => max.clone(),
        }
    };
    let outcome = query.evaluate(&series, None, &values(Some(Value::from("10"))));
    assert_eq!(shown(&outcome.vectors), "{node=n1,pod=a} 30:9");
    for missing in [None, Some(Value::Nothing), Some(Value::from("many"))] {
        let outcome = query.evaluate(&series, None, &values(missing));
        assert_eq!(outcome.unbound, ["max"]);
        assert!(outcome.vectors.is_empty() && !outcome.had_input);
    }
    // the value is text, not a pattern
    let dot = |name: &str| if name == "who" { Some(Value::from(".")) } else { values(Some(Value::Int(1)))(name) };
    assert!(query.evaluate(&series, None, &dot).vectors.is_empty());
}

#[test]
fn what_cannot_be_honoured_is_refused_by_name() {
    let refused = |text: &str| {
        let error = Query::parse(text).expect_err(text);
        (error.message, error.offset)
    };
    assert_eq!(
        refused("x > histogram_sum(y)"),
        ("the function histogram_sum is of native histograms, which no source of a bundle holds".to_owned(), Some(4))
    );
    assert_eq!(refused("x > info(y)"), ("the function info: not supported yet".to_owned(), Some(4)));
    assert_eq!(refused("limitk(3, x)"), ("the aggregation limitk: not supported yet".to_owned(), Some(0)));
    assert_eq!(refused("x[5m]").0, "a range outside the call of a function: not supported yet");
    assert_eq!(refused("max_over_time(x)").0, "expected type matrix in call to function 'max_over_time', got vector");
    assert!(refused(r#"label_replace(x, "a", "$who", "b", "(.*)")"#).0.contains("write ${1}"));
    assert_eq!(refused("1 + 1").0, "the expression selects no series");
    assert!(refused("rate(x[$w])").0.contains("variable"));
    assert!(refused("sum($x_total{a=\"b\"})").0.contains("variable"));
    assert_eq!(refused("x > $"), ("`$` without a name".to_owned(), Some(4)));
    for broken in
        ["sum(x", "x >", "x{a=}", "x{a=~\"(\"}", "", "rate(x)", &"(".repeat(500), &"-".repeat(4000), &"x+".repeat(3000)]
    {
        assert!(Query::parse(broken).is_err(), "{broken}");
    }
}

#[test]
fn one_series_in_two_files_counts_once() {
    let mut twin = threads().remove(3);
    twin.points = twin.points.within(0..twin.points.len() - 1).collect();
    let mut all = threads();
    all.push(twin);
    assert_eq!(answer("sum(limit)", &all), "{} 10:20 20:20 30:20");
    assert_eq!(answer("sum_over_time(limit[20s])", &all), "{instance=10.0.0.1:9100} 10:20 20:40 30:40");
}

#[test]
fn many_instants_are_thinned_without_losing_a_peak() {
    // a thousand series of a thousand points, no two at the same instant, one of them with a single high point
    let all: Vec<Series> = (0..1000i64)
        .map(|at| {
            let points: Vec<(i64, f64)> = (0..100).map(|it| (it, 1.0)).collect();
            let mut one = series("x", &[("pod", &at.to_string())], None, &points);
            let high = |it: &Point| if at == 500 && it.millis == 50_000 { 7.0 } else { 1.0 };
            let moved = |it: Point| Point { millis: it.millis * 15 + at * 7, value: high(&it) };
            one.points = one.points.iter().map(moved).collect();
            one
        })
        .collect();
    let outcome = ask("max(x)", &all);
    assert_eq!(outcome.vectors[0].peak.1, 7.0);
    assert_eq!(outcome.vectors[0].cited[0].text.as_ref(), "1 @50"); // the text was written before the value changed
    let points: Vec<(i64, f64)> = outcome.vectors[0].points.clone();
    assert!(points.windows(2).all(|it| it[0].0 < it[1].0));
}

#[test]
fn real_prometheus_agrees_on_sums() {
    let Some(threads) = sample(&["range_container_threads.json"]) else { return };
    let sums = sample(&["range_sum_container_threads.json"]).unwrap();
    let ours = &ask("sum by (node) (container_threads)", &threads).vectors[0];
    let theirs: Vec<(i64, f64)> = sums[0].points.iter().map(|it| (it.millis, it.value)).collect();
    assert_eq!(ours.points, theirs);
    assert_eq!(ours.cited[0].text.as_ref(), r#"[1795219318,"1501"]"#);
    let over = ask("sum by (node) (container_threads{container!=\"\"}) >= 0.045 * 32768", &threads);
    assert_eq!(over.vectors[0].first, 1_795_219_313_000);
}

/// The web container was replaced at 1795219466: its counter begins anew within a scrape.
#[test]
fn a_replaced_container_resets_its_counter() {
    let Some(cpu) = sample(&["range_container_cpu.json"]) else { return };
    let resets = ask("resets(container_cpu_usage_seconds_total[1m]) > 0", &cpu);
    let [web] = &resets.vectors[..] else { panic!("{} vectors", resets.vectors.len()) };
    assert!(web.labels.iter().any(|(key, value)| &**key == "pod" && value.starts_with("web-")), "{:?}", web.labels);
    assert!((1_795_219_466_000..=1_795_219_471_000).contains(&web.first), "{}", web.first);
    let limit = sample(&["range_node_processes_max_processes.json"]).unwrap();
    assert!(limit[0].points.iter().all(|it| it.value == 32_768.0));
}

#[test]
fn real_prometheus_agrees_on_rates() {
    let Some(rates) = sample(&["range_rate_node_forks.json"]) else { return };
    let raw = dumped("node_forks_total").expect("the dump stands beside the answers");
    let mut grid = rates[0].clone();
    grid.metric = "grid".into();
    let ours = &ask("rate(node_forks_total[30s]) and on () grid", &[raw, grid]).vectors[0].points;
    let at = |t: i64| ours.iter().find(|it| it.0 == t).map(|it| it.1);
    for point in rates[0].points.iter() {
        let ours = at(point.millis).unwrap_or(f64::NAN);
        assert!((ours - point.value).abs() <= 1e-9 * point.value.abs(), "{}: {ours} {}", point.millis, point.value);
    }
}
