//! Our answers against those of a real Prometheus, kept in `tests/prometheus-oracle` with the script that asked.
//!
//! It was of the second generation, so it is compared in that dialect.

use std::collections::BTreeMap;

use timeline::{MemberId, Name, Point, Points, Printed, Series};

use super::{Dialect, Outcome, Query, Store};

const BASE_MS: i64 = 1_609_459_200_000;
const PROMETHEUS_2: Dialect = Dialect { closed: true, bridges: true };
/// How far two values may be apart, of the greater.
const TOLERANCE: f64 = 1e-9;

type Answer = BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>>;

/// `temp{room="a"} 0:20.3 30000:20.9 60000:stale`
fn samples() -> Vec<Series> {
    let text = include_str!("../../tests/prometheus-oracle/samples.txt");
    text.lines().map(one).collect()
}

fn one(line: &str) -> Series {
    let (named, points) = line.split_once("} ").expect("labels before points");
    let (metric, labels) = named.split_once('{').expect("a name before labels");
    let label = |it: &str| {
        let (key, value) = it.split_once("=\"").expect("a label");
        (Name::from(key), Name::from(value.trim_end_matches('"')))
    };
    let mut labels: Vec<(Name, Name)> = labels.split("\",").filter(|it| !it.is_empty()).map(label).collect();
    labels.sort();
    let mut series = Series {
        metric: metric.into(),
        labels,
        points: Points::default(),
        stale: Vec::new(),
        node: None,
        member: MemberId(0),
        start: 0,
        line: 1,
        text: Printed::whole(""),
    };
    for point in points.split(' ') {
        let (millis, value) = point.split_once(':').expect("a point");
        let millis = BASE_MS + millis.parse::<i64>().expect("milliseconds");
        match value {
            "stale" => series.stale.push(millis),
            value => {
                series.points.push(Point { millis, value: value.parse().expect("a number") });
            }
        }
    }
    series
}

fn theirs(result: &serde_json::Value) -> Answer {
    let mut found = Answer::new();
    for it in result.as_array().expect("a list") {
        let labels = it[0].as_object().expect("labels").iter();
        let labels = labels.map(|(key, value)| (key.clone(), value.as_str().expect("text").to_owned())).collect();
        let point = |it: &serde_json::Value| {
            let value = it[1].as_str().expect("text").parse().expect("a number");
            (BASE_MS + it[0].as_i64().expect("milliseconds"), value)
        };
        found.insert(labels, it[1].as_array().expect("points").iter().map(point).collect());
    }
    found
}

fn ours(outcome: &Outcome) -> Answer {
    let mut found = Answer::new();
    for it in &outcome.vectors {
        let mut labels: BTreeMap<String, String> =
            it.labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        labels.extend(it.metric.iter().map(|it| ("__name__".to_owned(), it.to_string())));
        found.insert(labels, it.points.clone());
    }
    found
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

fn differ(ours: &Answer, theirs: &Answer) -> Option<String> {
    if ours.keys().ne(theirs.keys()) {
        return Some(format!("labels\n  ours   {:?}\n  theirs {:?}", ours, theirs));
    }
    for (labels, points) in theirs {
        let own = &ours[labels];
        let alike =
            own.len() == points.len() && own.iter().zip(points).all(|((t, a), (at, b))| t == at && same(*a, *b));
        if !alike {
            return Some(format!("{labels:?}\n  ours   {own:?}\n  theirs {points:?}"));
        }
    }
    None
}

#[test]
fn a_real_prometheus_gives_the_same_answers() {
    let series = samples();
    let store = Store::with(series.iter());
    let answers = include_str!("../../tests/prometheus-oracle/answers.jsonl");
    let (mut wrong, mut asked, mut refused) = (Vec::new(), 0, 0);
    for line in answers.lines() {
        let answer: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let text = answer["query"].as_str().expect("an expression");
        let millis = |key: &str| answer[key].as_f64().map(|it| (it * 1000.0).round() as i64);
        let times: Vec<i64> = match millis("at") {
            Some(at) => vec![BASE_MS + at],
            None => {
                let (start, end) = (millis("start").expect("a start"), millis("end").expect("an end"));
                let step = millis("step").expect("a step");
                (0..=(end - start) / step).map(|it| BASE_MS + start + it * step).collect()
            }
        };
        asked += 1;
        let outcome = Query::plain(text).map(|it| it.evaluate_at(&store, times, PROMETHEUS_2));
        let slip = match (&outcome, answer.get("result")) {
            (Ok(outcome), Some(result)) => {
                let doubt = outcome.ambiguous.then(|| "thought ambiguous".to_owned());
                differ(&ours(outcome), &theirs(result)).or(doubt)
            }
            // what it fails at, we refuse, or say that no answer is right
            (Err(_), None) => {
                refused += 1;
                None
            }
            (Ok(outcome), None) => {
                refused += 1;
                (!outcome.ambiguous).then(|| format!("theirs is an error: {}", answer["error"]))
            }
            (Err(error), Some(_)) => Some(format!("refused: {error}")),
        };
        if let Some(slip) = slip {
            wrong.push(format!("{text} at {} {}: {slip}", answer["at"], answer["start"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 600 && refused < 20, "{asked} {refused}");
}
