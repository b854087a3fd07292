//! The audit log of an API server: who asked for what, and what came of it.
//!
//! ```text
//! {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"…","stage":"ResponseComplete",
//!  "requestURI":"/api/v1/namespaces/shop/pods/web-1","verb":"delete","user":{"username":"admin"},"sourceIPs":["10.0.0.9"],
//!  "userAgent":"kubectl/v1.28.4 (linux/amd64)","objectRef":{"resource":"pods","namespace":"shop","name":"web-1"},
//!  "responseStatus":{"code":200},"requestReceivedTimestamp":"2024-01-31T10:00:00.100000Z","stageTimestamp":"…"}
//! {"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[…]}          what a webhook is sent
//! master-0 {"kind":"Event",…}                                            oc adm node-logs: the host in front
//! ```
//!
//! An event, with its row of `api.request`, for each change that is not the cluster's own upkeep, and each request that was
//! turned away (429) or failed on the server's side (5xx, a panic); of either the first 5000. A row of `api.client` for each of
//! the clients that asked most. A request counts once, when it is answered. Skipped: bodies of requests and answers, other
//! stages. It is no log of the control plane: it covers nothing, and what a policy leaves out does not show.
//! Units: milliseconds. Time: UTC; a request happened between its receipt and its answer.
//!
//! Source: `staging/src/k8s.io/apiserver/pkg/apis/audit/v1/types.go`.

mod clients;
mod request;

use chrono::TimeDelta;
use timeline::{
    Carrier, Collected, Event, MemberRecords, Name, Quote, Record, Row, Severity, Source, Span, Stamp, Time, relation,
};

use crate::json_elements::{elements, entry};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};
use clients::Clients;
use request::Request;

pub(crate) static FORMAT: Format = Format {
    name: "api-audit",
    produced_by: "kube-apiserver --audit-log-path, an audit webhook",
    samples: &[
        concat!(
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"5b1e","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods/web-1","verb":"delete","user":{"username":"admin","groups":["system:masters"]},"sourceIPs":["10.0.0.9"],"userAgent":"kubectl/v1.28.4 (linux/amd64)","objectRef":{"resource":"pods","namespace":"shop","name":"web-1","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2024-01-31T10:00:00.100000Z","stageTimestamp":"2024-01-31T10:00:00.112000Z"}"#,
            "\n",
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"5b1f","stage":"ResponseComplete","requestURI":"/api/v1/pods?limit=500","verb":"list","user":{"username":"system:serviceaccount:monitoring:agent"},"sourceIPs":["10.0.0.4"],"userAgent":"agent/2.1","objectRef":{"resource":"pods","apiVersion":"v1"},"responseStatus":{"status":"Failure","message":"The server has received too many requests","reason":"TooManyRequests","code":429},"requestReceivedTimestamp":"2024-01-31T10:00:01.000000Z","stageTimestamp":"2024-01-31T10:00:01.000100Z"}"#,
            "\n",
        ),
        concat!(
            r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"level":"Metadata","auditID":"5b20","stage":"ResponseComplete","verb":"update","user":{"username":"admin"},"objectRef":{"resource":"deployments","namespace":"shop","name":"web","apiGroup":"apps","subresource":"scale"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2024-01-31T10:00:02.000000Z","stageTimestamp":"2024-01-31T10:00:02.010000Z"}]}"#,
            "\n",
        ),
    ],
    recognizes,
    reading: Reading::Stream(open),
};

/// Changes, and failures, that are kept of one file.
const MOST_KEPT: u32 = 5000;
/// A request that took longer did not happen over all of that time: a watch is open for long.
const LONGEST: TimeDelta = TimeDelta::hours(1);
/// Of an entry with the bodies of request and answer its front is quoted.
const QUOTED_BYTES: usize = 1000;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let own = |line: &str| audit(line).is_some();
    if sniff.text.lines().take(3).any(own) && sniff.share(100, own) >= 0.8 { Certainty::Sure } else { Certainty::No }
}

/// `{"kind":"Event","apiVersion":"audit.k8s.io/v1",…}`: the host that may stand in front, and the object.
fn audit(line: &str) -> Option<(Option<&str>, &str)> {
    let (host, object) = match line.trim_start().strip_prefix('{') {
        Some(_) => (None, line.trim_start()),
        None => line.split_once(" {").map(|(host, _)| (Some(host), &line[host.len() + 1..]))?,
    };
    let mut end = object.len().min(200);
    while !object.is_char_boundary(end) {
        end -= 1;
    }
    let front = &object[..end];
    let kind = front.contains("\"kind\":\"Event") && front.contains("\"apiVersion\":\"audit.k8s.io/");
    let named = host.is_none_or(|it| !it.is_empty() && !it.contains([' ', '"', '=']));
    (kind && named).then_some((host, object))
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    Box::new(ApiAudit { origin: origin.clone(), clients: Clients::default(), changes: 0, failures: 0 })
}

struct ApiAudit {
    origin: Origin,
    clients: Clients,
    changes: u32,
    failures: u32,
}

impl Reader for ApiAudit {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        for line in chunk.lines().filter(|it| !it.text.trim().is_empty()) {
            out.tally.lines += 1;
            if self.line(&line, out) {
                out.tally.understood += 1;
            } else {
                out.tally.odd_bytes += line.text.len() as u64;
            }
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        let member = self.origin.member;
        for (what, count) in [("changes", self.changes), ("failures", self.failures)] {
            if count > MOST_KEPT {
                out.issue(member, 0, format!("of {count} {what} only the first {MOST_KEPT} are kept"));
            }
        }
        std::mem::take(&mut self.clients).push(&self.origin, out);
        let incomplete = Some("what the audit policy leaves out, and what was rotated away, does not show".to_owned());
        for relation in [&relation::API_REQUEST, &relation::API_CLIENT] {
            let incomplete = incomplete.clone();
            out.collected.push(Collected { relation: relation.name, node: None, incomplete, member });
        }
    }
}

impl ApiAudit {
    fn line(&mut self, line: &Line<'_>, out: &mut MemberRecords) -> bool {
        let Some((host, object)) = audit(line.text) else { return false };
        let node = host.map(Name::from).or_else(|| self.origin.node.clone());
        if object.contains("\"kind\":\"EventList\"") {
            let Some(items) = entry(object, "items") else { return false };
            let mut sound = items.whole;
            for element in elements(items.value) {
                sound &= self.request(element.text, &node, line, out);
            }
            return sound;
        }
        self.request(object, &node, line, out)
    }

    /// One event; false where it is none.
    fn request(&mut self, text: &str, node: &Option<Name>, line: &Line<'_>, out: &mut MemberRecords) -> bool {
        let Ok(request) = serde_json::from_str::<Request<'_>>(text) else { return false };
        let (Some(from), Some(to)) = (request.received(), request.answered()) else { return false };
        if !request.is_answer() {
            return true;
        }
        let quote = || quote(&self.origin, text, line);
        self.clients.count(&request, from, to, quote);
        let failed = request.failed();
        if !failed && !request.is_change() {
            return true;
        }
        let kept = if failed { &mut self.failures } else { &mut self.changes };
        *kept += 1;
        if *kept > MOST_KEPT {
            return true;
        }
        let resolution = (to - from).clamp(TimeDelta::microseconds(1), LONGEST);
        let row = Row::new(&relation::API_REQUEST)
            .with("verb", &*request.verb)
            .with("resource", request.resource())
            .with("namespace", request.object().and_then(|it| it.namespace.as_deref()))
            .with("name", request.object().and_then(|it| it.name.as_deref()))
            .with("client", request.client())
            .with("agent", request.user_agent.as_deref())
            .with("source_ip", request.source_ips.first().map(|it| &**it))
            .with("code", request.code())
            .with("reason", request.status().and_then(|it| it.reason.as_deref()))
            .with("message", request.status().and_then(|it| it.message.as_deref()))
            .with("millis", (to - from).num_milliseconds())
            .with("stage", &*request.stage);
        let severity = match request.code() {
            Some(429) => Severity::Warning,
            _ if failed => Severity::Error,
            _ => Severity::Info,
        };
        out.records.push(Record::Event(Box::new(Event {
            stamp: Stamp::Exact { at: from, resolution, offset_secs: None },
            inner: None,
            at: Time::UNKNOWN,
            node: node.clone(),
            source: Source::ControlPlane,
            carrier: Carrier::File,
            unit: Some("kube-apiserver".into()),
            pid: None,
            severity: Some(severity),
            message: request.told().into(),
            count: 1,
            row: Some(row),
            quote: quote(),
        })));
        true
    }
}

/// The entry as it stands, or its front.
fn quote(origin: &Origin, text: &str, line: &Line<'_>) -> Quote {
    let start = line.start + (text.as_ptr() as usize - line.text.as_ptr() as usize) as u64;
    let mut end = text.len().min(QUOTED_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    Quote { span: Span { member: origin.member, start, len: text.len() as u32, line: line.number }, text: text.into() }
}

#[cfg(test)]
mod tests;
