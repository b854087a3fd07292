//! Who asked an API server most, counted over one audit log.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use timeline::{Fact, MemberRecords, Quote, Record, Row, Stamp, relation};

use super::request::Request;
use crate::Origin;

/// Kinds of requests that are told apart; what is beyond counts for the sum only.
const KINDS: usize = 4096;
/// Rows of the busiest, and of those that were refused or failed most.
const MOST: usize = 20;

/// What is asked alike: who, with which program, what.
type Kind = (String, String, String, String);

/// Requests of one kind.
struct Count {
    requests: u64,
    failed: u64,
    limited: u64,
    slowest_millis: i64,
    /// One of them, the slowest.
    quote: Quote,
}

/// The requests of one file.
#[derive(Default)]
pub(super) struct Clients {
    kinds: BTreeMap<Kind, Count>,
    requests: u64,
    covers: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Clients {
    pub(super) fn count(
        &mut self,
        request: &Request<'_>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        quote: impl Fn() -> Quote,
    ) {
        self.requests += 1;
        let (first, last) = self.covers.unwrap_or((from, to));
        self.covers = Some((first.min(from), last.max(to)));
        // every kubelet has a name of its own
        let client = match request.client() {
            it if it.starts_with("system:node:") => "system:nodes".to_owned(),
            it => it,
        };
        let agent = request.user_agent.as_deref().unwrap_or_default();
        let agent = agent.split(' ').next().unwrap_or_default().chars().take(120).collect();
        let kind = (client, agent, request.verb.as_ref().to_owned(), request.resource());
        if self.kinds.len() >= KINDS && !self.kinds.contains_key(&kind) {
            return;
        }
        // a watch is open as long as its client likes
        let watches = matches!(&*request.verb, "watch" | "connect");
        let millis = if watches { 0 } else { (to - from).num_milliseconds() };
        let count = self.kinds.entry(kind).or_insert_with(|| {
            let (requests, failed, limited) = (0, 0, 0);
            Count { requests, failed, limited, slowest_millis: -1, quote: quote() }
        });
        count.requests += 1;
        count.limited += u64::from(request.code() == Some(429));
        count.failed += u64::from(request.failed() && request.code() != Some(429));
        if millis > count.slowest_millis {
            // the first one stands for those that take as long
            if count.slowest_millis >= 0 {
                count.quote = quote();
            }
            count.slowest_millis = millis;
        }
    }

    pub(super) fn push(self, origin: &Origin, out: &mut MemberRecords) {
        let Some((first, last)) = self.covers else { return };
        let secs = (last - first).num_milliseconds() as f64 / 1000.0;
        let kinds: Vec<(&Kind, &Count)> = self.kinds.iter().collect();
        let mut chosen: Vec<usize> = Vec::new();
        for measure in [|it: &Count| it.requests, |it: &Count| it.failed + it.limited] {
            let mut by_size: Vec<usize> = (0..kinds.len()).filter(|at| measure(kinds[*at].1) > 0).collect();
            by_size.sort_by_key(|at| std::cmp::Reverse(measure(kinds[*at].1)));
            chosen.extend(by_size.iter().take(MOST));
        }
        chosen.sort_unstable();
        chosen.dedup();
        for ((client, agent, verb, resource), count) in chosen.into_iter().map(|at| kinds[at]) {
            let share = count.requests as f64 * 100.0 / self.requests as f64;
            let row = Row::new(&relation::API_CLIENT)
                .with("client", client.as_str())
                .with("agent", Some(agent.as_str()).filter(|it| !it.is_empty()))
                .with("verb", verb.as_str())
                .with("resource", resource.as_str())
                .with("requests", count.requests as i64)
                .with("failed", count.failed as i64)
                .with("limited", count.limited as i64)
                .with("share_percent", (share * 10.0).round() / 10.0)
                .with("slowest_millis", count.slowest_millis.max(0))
                .with("per_second", (secs >= 1.0).then(|| (count.requests as f64 / secs * 100.0).round() / 100.0));
            let fact = Fact::new(row, origin.node.clone(), count.quote.clone());
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
    }
}
