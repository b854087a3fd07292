use super::*;
use crate::testing::{read_at, read_cut, sample, samples_in, series, sniff_certainty};
use timeline::Series;

fn shape(series: &Series) -> (String, Vec<(i64, f64)>) {
    (series.title(), series.points.iter().map(|it| (it.millis, it.value)).collect())
}

#[test]
fn a_range_gives_series_with_quotes() {
    let text = FORMAT.samples[0];
    let out = read_at(&FORMAT, "x.json", text);
    let found: Vec<_> = series(&out).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(
        shape(found[0]),
        (
            "node_processes_threads{node=\"kubestage1001\"}".to_owned(),
            vec![(1_690_120_800_000, 41870.0), (1_690_120_815_500, 48990.0)]
        )
    );
    assert_eq!(&*found[0].quote(1_690_120_800_000).text, "[1690120800,\"41870\"]");
}

#[test]
fn pretty_printed_answers_and_promtool_text_agree() {
    let pretty = "{\n \"status\": \"success\",\n \"data\": {\n  \"resultType\": \"matrix\",\n  \"result\": [\n   {\n    \"values\": [\n     [\n      1690120800,\n      \"41870\"\n     ],\n     [1690120815, \"48990\"]\n    ],\n    \"metric\": {\"pod\": \"order-sync\", \"__name__\": \"container_threads\", \"namespace\": \"prod\"}\n   }\n  ]\n }\n}\n";
    let text = FORMAT.samples[2];
    for it in [pretty, text] {
        assert_eq!(sniff_certainty(&FORMAT, "x", it), Certainty::Sure);
    }
    let (pretty, text) = (read_at(&FORMAT, "x", pretty), read_at(&FORMAT, "x", text));
    assert_eq!(series(&pretty).map(shape).collect::<Vec<_>>(), series(&text).map(shape).collect::<Vec<_>>());
    assert_eq!(series(&pretty).next().map(|it| it.quote(1_690_120_815_000).span.line), Some(12));
}

#[test]
fn answers_of_every_kind() {
    let first = |text: &str| {
        let out = read_at(&FORMAT, "x", text);
        (series(&out).next().map(shape), out.issues.iter().map(|it| it.what.clone()).collect::<Vec<_>>())
    };
    let wrap = |kind: &str, result: &str| {
        format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
    };
    assert_eq!(first(&wrap("scalar", r#"[5,"3"]"#)).0, Some(("{}".to_owned(), vec![(5000, 3.0)])));
    assert_eq!(first(&wrap("string", r#"[5,"3"]"#)), (None, vec![]));
    assert_eq!(first(&wrap("matrix", "[]")), (None, vec![]));
    let vector = wrap("vector", r#"[{"metric":{"x":"y"},"value":[5.5,"+Inf"]}]"#);
    assert_eq!(first(&vector).0, Some(("{x=\"y\"}".to_owned(), vec![(5500, f64::INFINITY)])));
    let error = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    assert_eq!(first(error), (None, vec!["the metrics backend answered timeout: query timed out".to_owned()]));
    assert_eq!(read_at(&FORMAT, "x", &format!("{vector}\n{vector}")).records.len(), 2);
}

#[test]
fn an_export_has_values_and_times_side_by_side() {
    let text = "{\"metric\":{\"__name__\":\"up\",\"job\":\"n\"},\"values\":[1,null,\"Infinity\",2.5],\"timestamps\":[1000,2000,3000,4000]}\n{\"metric\":{},\"values\":[NaN,7],\"timestamps\":[1,2]}\n";
    let out = read_at(&FORMAT, "x.jsonl", text);
    let found: Vec<_> = series(&out).map(shape).collect();
    assert_eq!(
        found,
        [
            ("up{job=\"n\"}".to_owned(), vec![(1000, 1.0), (3000, f64::INFINITY), (4000, 2.5)]),
            ("{}".to_owned(), vec![(2, 7.0)])
        ]
    );
    assert_eq!(series(&out).next().map(|it| it.stale.clone()), Some(vec![2000]));
}

#[test]
fn points_are_in_order_whatever_the_file_says() {
    let text = r#"[{"metric":{},"values":[[2,"1"],[1,"2"],[2,"3"],[3,"NaN"],[4,5],["x","6"]]}]"#;
    let out = read_at(&FORMAT, "x", text);
    let found: Vec<_> = series(&out).map(shape).collect();
    assert_eq!(found, [("{}".to_owned(), vec![(1000, 2.0), (2000, 3.0)])]);
    assert_eq!(out.issues[0].what, "2 values of a series could not be read");
}

#[test]
fn a_cut_answer_keeps_its_whole_series() {
    let text = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[1,"1"]]},{"metric":{"a":"2"},"val"#;
    let out = read_cut(&FORMAT, "x", text);
    assert_eq!(series(&out).count(), 1);
    assert!(out.issues.iter().any(|it| it.what.contains("ends inside")));
}

#[test]
fn other_json_is_not_claimed() {
    for text in [
        r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#,
        r#"{"kind":"Pod","status":{"phase":"Running"}}"#,
        r#"[{"metric":{"a":"b"},"values":[1],"timestamps":[2]}]"#,
        r#"{"metric":"a","values":[1],"timestamps":[2]}"#,
        r#"["a","b"]"#,
        "{}",
        "some => text\n",
    ] {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
    }
}

#[test]
fn every_shape_of_one_run_gives_the_same_values() {
    let load = |path: &str| -> Option<BTreeMap<String, Vec<(i64, f64)>>> {
        let text = sample(path)?;
        let format = if path.contains("tsdb_dump") { &crate::promtool_dump::FORMAT } else { &FORMAT };
        assert_eq!(sniff_certainty(format, path, &text), Certainty::Sure, "{path}");
        let out = read_at(format, path, &text);
        assert_eq!(out.tally.lines, out.tally.understood, "{path}");
        Some(series(&out).map(shape).collect())
    };
    let (Some(api), Some(text), Some(json), Some(dump)) = (
        load("metrics/api/range_container_threads.json"),
        load("metrics/promtool/query_range.txt"),
        load("metrics/promtool/query_range.json"),
        load("metrics/promtool/tsdb_dump.txt"),
    ) else {
        return;
    };
    // an answer on a grid repeats the newest sample of the last five minutes
    let check = |grid: &BTreeMap<String, Vec<(i64, f64)>>| {
        let mut compared = 0;
        for (title, points) in grid {
            let raw = dump.get(title).unwrap_or_else(|| panic!("no {title} in the dump"));
            for (at, value) in points {
                let newest = raw.iter().rev().find(|(it, _)| it <= at).expect("a sample before");
                assert_eq!(newest.1, *value, "{title} at {at}");
                compared += 1;
            }
        }
        compared
    };
    assert!(check(&api) > 100);
    let export = load("metrics/victoriametrics_export.jsonl").expect("a sample");
    assert_eq!(export, api);
    assert_eq!(check(&text), 46);
    // the sum over all, asked for as JSON, is the sum of the parts
    let total = json.get("{}").expect("one series");
    let known: BTreeMap<i64, f64> = text.values().flatten().fold(BTreeMap::new(), |mut sums, (at, value)| {
        *sums.entry(*at).or_default() += value;
        sums
    });
    assert_eq!(total, &known.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_answer_of_the_samples_is_recognised_and_read() {
    for path in samples_in("metrics/api") {
        let Some(text) = sample(&path) else { return };
        assert!(sniff_certainty(&FORMAT, &path, &text) >= Certainty::Likely, "{path}");
        let out = read_at(&FORMAT, &path, &text);
        assert_eq!(out.tally.lines, out.tally.understood, "{path}");
        let error = path.contains("error_bad") || path.contains("error_step") || path.contains("parse_error");
        assert_eq!(out.issues.iter().any(|it| it.what.contains("bad_data")), error, "{path}");
    }
}

#[test]
fn a_native_histogram_reads_like_a_classic_one() {
    let Some(text) = sample("metrics/api/native_histogram_documented.json") else { return };
    let out = read_at(&FORMAT, "x.json", &text);
    let said: Vec<String> = series(&out).map(|it| format!("{} {}", it.title(), it.points.first().map_or(f64::NAN, |it| it.value))).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    request_duration_seconds_bucket{job="api", le="0.25"} 3
    request_duration_seconds_bucket{job="api", le="0.5"} 15
    request_duration_seconds_bucket{job="api", le="1"} 36
    request_duration_seconds_bucket{job="api", le="4"} 42
    request_duration_seconds_bucket{job="api", le="+Inf"} 42
    request_duration_seconds_count{job="api"} 42
    request_duration_seconds_sum{job="api"} 34593.34
    "#);
    assert!(series(&out).all(|it| it.points.first().map(|it| it.millis) == Some(1_795_219_038_000)));
    // of one bucket the end is missing: the histogram is none, the others stand
    let cut = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"histogram":[1,{"count":"2","sum":"x"}]}]}}"#;
    let out = read_at(&FORMAT, "x.json", cut);
    assert!(series(&out).next().is_none() && out.issues.iter().any(|it| it.what.contains("histograms")));
}

#[test]
fn a_point_read_in_one_pass_is_the_point_read_part_by_part() {
    use crate::exposition::value;
    let stamps = ["1690120800", "0", "01690120800", "16901208001", "169012080011", "", "1690120800.5", "-1"];
    let numbers = [
        "0", "41870", "-3", "0.5", "-0.5", "0.50", "-0", "00", "007", ".5", "5.", "-", "", "1.2.3", "1e9", "NaN", "+Inf",
        "123456789012345", "1234567890123456", "12345678.9012345", "0.000000000000001", "12345678901234.25",
        "99999999999999999999999999",
    ];
    let mut usual = 0;
    for (stamp, number) in stamps.iter().flat_map(|stamp| numbers.map(|it| (*stamp, it))) {
        let list = format!("[[{stamp},\"{number}\"],[1,\"2\"]]");
        let found = super::usual_sample(&list, 1);
        let plain = (!stamp.is_empty() && stamp.len() <= 11 && stamp.bytes().all(|it| it.is_ascii_digit()))
            .then(|| Some((stamp.parse::<i64>().ok()? * 1000, value(number)?)))
            .flatten();
        if let Some((millis, value, is_usual, end)) = found {
            usual += u32::from(is_usual);
            assert_eq!((Some((millis, value.to_bits())), &list[end..]), (plain.map(|it| (it.0, it.1.to_bits())), ",[1,\"2\"]]"), "{list}");
            assert_eq!(is_usual, timeline::is_usual(number) && !stamp.starts_with('0'), "{list}");
        }
        let whole = number.trim_start_matches('-').bytes().all(|it| it.is_ascii_digit() || it == b'.') && number.len() <= 15;
        assert!(found.is_some() || plain.is_none() || !whole, "{list} is left to the slow way");
    }
    assert_eq!(usual, 2 * 7, "two stamps, and the numbers that print as they are read");
}
