//! Series for tests: built in code, or read from the samples of a real Prometheus.

use std::path::Path;

use timeline::{MemberId, Name, Point, Points, Printed, Series};

/// `container_threads{pod="a"}` with points at seconds; each point stands in a line of its own.
pub(crate) fn series(metric: &str, labels: &[(&str, &str)], node: Option<&str>, points: &[(i64, f64)]) -> Series {
    let (mut text, mut places) = (String::new(), Vec::new());
    for (secs, value) in points {
        let line = format!("{value} @{secs}");
        places.push((text.len() as u32, line.len() as u32));
        text.push_str(&line);
        text.push('\n');
    }
    let points = points.iter().map(|(secs, value)| Point { millis: secs * 1000, value: *value }).collect();
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
        text: Printed::kept(text.into(), places),
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
            let mut places = Vec::new();
            let point = |it: &serde_json::Value| {
                let printed = it.to_string();
                let start = from + text[from..].find(&printed).expect("each point stands in the file");
                from = start + printed.len();
                let value = it[1].as_str().expect("text").parse().expect("a number");
                let millis = (it[0].as_f64().expect("a number") * 1000.0).round() as i64;
                places.push((start as u32, printed.len() as u32));
                Point { millis, value }
            };
            let points = series["values"].as_array().expect("values").iter().map(point).collect();
            let node = labels.iter().find(|it| it.0.as_ref() == "node").map(|it| it.1.clone());
            let member = MemberId(member as u32);
            let text = Printed::kept(text.as_str().into(), places);
            found.push(Series { metric, labels, points, stale: Vec::new(), node, member, start: 0, line: 1, text });
        }
    }
    Some(found)
}

/// The first series of a metric in what `promtool tsdb dump` printed of the same Prometheus.
pub(crate) fn dumped(metric: &str) -> Option<Series> {
    dump()?.into_iter().find(|it| it.metric.as_ref() == metric)
}

/// All series of what `promtool tsdb dump` printed of that Prometheus; nothing, loudly, without the samples.
#[allow(clippy::print_stderr)]
pub(crate) fn dump() -> Option<Vec<Series>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/metrics/promtool/tsdb_dump.txt");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {path} is not here");
        return None;
    };
    let mut found: Vec<Series> = Vec::new();
    let mut places: Vec<(usize, Vec<(u32, u32)>)> = Vec::new();
    let mut of = "";
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (printed, rest) = line.rsplit_once("} ")?;
        let (value, millis) = rest.trim_end().split_once(' ')?;
        let (value, millis): (f64, i64) = (value.parse().ok()?, millis.parse().ok()?);
        if printed != of {
            of = printed;
            start = line.as_ptr() as usize - text.as_ptr() as usize;
            let mut labels: Vec<(Name, Name)> = Vec::new();
            for pair in printed.trim_start_matches('{').split("\", ").filter(|it| !it.is_empty()) {
                let (key, value) = pair.split_once("=\"")?;
                labels.push((key.into(), value.trim_end_matches('"').into()));
            }
            let metric = labels.iter().position(|it| it.0.as_ref() == "__name__").map(|it| labels.remove(it).1)?;
            labels.sort();
            let node = Some(Name::from("kubestage1001"));
            let (points, stale, member) = (Points::default(), Vec::new(), MemberId(9));
            let text = Printed::whole("");
            places.push((start, Vec::new()));
            found.push(Series { metric, labels, points, stale, node, member, start: 0, line: 1, text });
        }
        let series = found.last_mut()?;
        if value.is_nan() {
            series.stale.push(millis);
            continue;
        }
        let place = line.as_ptr() as usize - text.as_ptr() as usize - start;
        series.points.push(Point { millis, value });
        places.last_mut()?.1.push((place as u32, line.trim_end().len() as u32));
    }
    for (series, (start, places)) in found.iter_mut().zip(places) {
        let end = places.last().map_or(0, |it| (it.0 + it.1) as usize);
        series.text = Printed::kept(text[start..start + end].into(), places);
    }
    Some(found)
}
