//! Series for tests: built in code, or read from the samples of a real Prometheus.

use std::path::Path;

use timeline::{MemberId, Name, Point, Series};

/// `container_threads{pod="a"}` with points at seconds; each point stands in a line of its own.
pub(crate) fn series(metric: &str, labels: &[(&str, &str)], node: Option<&str>, points: &[(i64, f64)]) -> Series {
    let mut text = String::new();
    let placed = points.iter().map(|(secs, value)| {
        let start = text.len() as u32;
        let line = format!("{value} @{secs}");
        text.push_str(&line);
        text.push('\n');
        Point { millis: secs * 1000, value: *value, start, len: line.len() as u32 }
    });
    let points = placed.collect();
    let mut labels: Vec<(Name, Name)> = labels.iter().map(|(a, b)| (Name::from(*a), Name::from(*b))).collect();
    labels.sort();
    Series {
        metric: metric.into(),
        labels,
        points,
        stale: Vec::new(),
        node: node.map(Name::from),
        member: MemberId(0),
        start: 0,
        line: 1,
        text: text.into(),
    }
}

/// The series of an answer to `query_range`, with the node of their `node` label; nothing, loudly, without the samples.
#[allow(clippy::print_stderr)]
pub(crate) fn sample(files: &[&str]) -> Option<Vec<Series>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/metrics/api"));
    let mut found = Vec::new();
    for (member, file) in files.iter().enumerate() {
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else {
            eprintln!("SKIPPED: {} is not here", folder.join(file).display());
            return None;
        };
        let json: serde_json::Value = serde_json::from_str(&text).expect("the samples are JSON");
        let mut from = 0;
        for series in json["data"]["result"].as_array().expect("a matrix") {
            let named = series["metric"].as_object().expect("labels");
            let mut labels: Vec<(Name, Name)> = Vec::new();
            let mut metric = Name::from("");
            for (key, value) in named {
                let value = Name::from(value.as_str().expect("text"));
                if key == "__name__" { metric = value } else { labels.push((Name::from(key.as_str()), value)) }
            }
            labels.sort();
            let point = |it: &serde_json::Value| {
                let printed = it.to_string();
                let start = from + text[from..].find(&printed).expect("each point stands in the file");
                from = start + printed.len();
                let value = it[1].as_str().expect("text").parse().expect("a number");
                let millis = (it[0].as_f64().expect("a number") * 1000.0).round() as i64;
                Point { millis, value, start: start as u32, len: printed.len() as u32 }
            };
            let points = series["values"].as_array().expect("values").iter().map(point).collect();
            let node = labels.iter().find(|it| it.0.as_ref() == "node").map(|it| it.1.clone());
            let member = MemberId(member as u32);
            let text = text.clone().into();
            found.push(Series { metric, labels, points, stale: Vec::new(), node, member, start: 0, line: 1, text });
        }
    }
    Some(found)
}

/// The first series of a metric in what `promtool tsdb dump` printed of the same Prometheus.
pub(crate) fn dumped(metric: &str) -> Option<Series> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/metrics/promtool/tsdb_dump.txt");
    let text = std::fs::read_to_string(path).ok()?;
    let mark = format!("__name__=\"{metric}\",");
    let (mut points, mut stale) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|it| it.contains(&mark)) {
        let (_, printed) = line.rsplit_once("} ")?;
        let (value, millis) = printed.split_once(' ')?;
        let start = line.as_ptr() as usize - text.as_ptr() as usize;
        let (value, millis): (f64, i64) = (value.parse().ok()?, millis.parse().ok()?);
        if value.is_nan() {
            stale.push(millis);
        } else {
            points.push(Point { millis, value, start: start as u32, len: line.len() as u32 });
        }
    }
    let node = Some(Name::from("kubestage1001"));
    let labels = vec![(Name::from("node"), Name::from("kubestage1001"))];
    let (metric, member) = (metric.into(), MemberId(9));
    Some(Series { metric, labels, points, stale, node, member, start: 0, line: 1, text: text.into() })
}
