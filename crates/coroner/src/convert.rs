//! The diagnosis in the words of the report: places become paths and lines, times become stamps.

use report::{
    Alert, Boot, CauseUnknown, Cited, Clock, ClockFindings, Collect, Coverage, Decisive, Evidence, Fix, Hypothesis,
    HypothesisRef, Instant, KnownBug, LimitHit, Link, Looked, Missing, Node, Reason, Report, RuleDoc, Symptom,
    SymptomRef, Weight, Witness,
};
use timeline::{Quote, Timeline};

pub(crate) fn report(
    case: String,
    timeline: &Timeline,
    diagnosis: &rules::Diagnosis,
    rules_checked: usize,
    limits_hit: &[String],
) -> Report {
    let words = Words { timeline, diagnosis };
    let first_ruled_out = diagnosis.hypotheses.len();
    let unexplained = diagnosis.symptoms.iter().filter(|it| it.explained_by.is_none() && it.follows.is_none());
    let unknown = matches!(diagnosis.verdict, rules::Verdict::Unknown);
    Report {
        case,
        verdict: match diagnosis.verdict {
            rules::Verdict::Explained => report::Verdict::Explained,
            rules::Verdict::Partly => report::Verdict::Partly,
            rules::Verdict::Unknown => report::Verdict::Unknown,
            rules::Verdict::Healthy => report::Verdict::Healthy,
        },
        nodes: Node::all(timeline),
        hypotheses: diagnosis.hypotheses.iter().enumerate().map(|(at, it)| words.hypothesis(at, it)).collect(),
        ruled_out: diagnosis
            .ruled_out
            .iter()
            .enumerate()
            .map(|(at, it)| words.hypothesis(first_ruled_out + at, it))
            .collect(),
        not_assessable: diagnosis.could_not_look.iter().map(looked).collect(),
        symptoms: diagnosis.symptoms.iter().map(|it| words.symptom(it)).collect(),
        alerts: diagnosis.alerts.iter().map(|it| words.alert(it)).collect(),
        unexplained: unexplained.map(symptom_ref).collect(),
        cause_unknown: unknown.then(|| words.cause_unknown()),
        collect_plan: diagnosis.collect_plan.iter().map(collect).collect(),
        clocks: timeline.clocks.iter().map(Clock::from).collect(),
        clock_findings: ClockFindings::of(timeline),
        boots: Boot::all(timeline),
        coverage: Coverage::of(timeline),
        rules_checked: u32::try_from(rules_checked).unwrap_or(u32::MAX),
        limits_hit: limits(limits_hit),
        ..Report::default()
    }
}

pub(crate) fn bundles(case: &bundle::Case) -> Vec<report::Bundle> {
    let part = |it: &bundle::Layout| report::BundlePart { folder: it.root.clone(), layout: it.name.to_owned() };
    let bundle = |it: &bundle::Bundle| report::Bundle {
        name: it.name.to_string(),
        layout: it.layout.name.to_owned(),
        files: it.members.len() as u64,
        parts: it.parts.iter().map(part).collect(),
    };
    case.bundles.iter().map(bundle).collect()
}

pub(crate) fn limits(hit: &[String]) -> Vec<LimitHit> {
    let limit = |it: &String| {
        let (limit, file) = it.split_once(" reached at ").unwrap_or((it, ""));
        let file = (!file.is_empty()).then(|| file.to_owned());
        LimitHit { limit: limit.to_owned(), what: it.clone(), file }
    };
    hit.iter().map(limit).collect()
}

pub(crate) fn rule(doc: rules::RuleDoc) -> RuleDoc {
    let weight = |it: rules::RuleWeight| Weight {
        against: it.against,
        when: it.when,
        weight: it.weight.to_owned(),
        why: it.why,
    };
    RuleDoc {
        name: doc.name,
        title: doc.title,
        kind: doc.kind.to_owned(),
        status: doc.status,
        about: String::new(),
        impact: doc.impact,
        clauses: doc.clauses,
        frame: doc.frame,
        weights: doc.weights.into_iter().map(weight).collect(),
        chain: doc.chain,
        explains: doc.explains,
        missing: doc.missing,
        fix: Fix { now: doc.fix_now, later: doc.fix_later },
        refs: doc.refs,
    }
}

pub(crate) fn band(band: rules::Band) -> report::Band {
    match band {
        rules::Band::Confirmed => report::Band::Confirmed,
        rules::Band::Likely => report::Band::Likely,
        rules::Band::Possible => report::Band::Possible,
        rules::Band::NotAssessable => report::Band::NotAssessable,
        rules::Band::RuledOut => report::Band::RuledOut,
    }
}

fn looked(it: &rules::LookedFor) -> Looked {
    Looked { rule: it.rule.clone(), what: it.what.clone(), reason: it.reason.clone() }
}

fn collect(it: &rules::Collect) -> Collect {
    Collect {
        node: it.node.as_deref().map(str::to_owned),
        collect: it.collect.clone(),
        decides: it.decides.clone(),
        would_add_db: it.would_add_db,
        expected_change: it.expected_change,
    }
}

fn known_bug(it: &rules::KnownBug) -> KnownBug {
    KnownBug {
        bug: it.name.clone(),
        title: it.title.clone(),
        component: it.component.clone(),
        version: it.version.clone(),
        affected: it.affected.into(),
        ids: it.ids.clone(),
        fixed: it.fixed.clone(),
        fixed_on: it.fixed_on.clone(),
        workaround: it.workaround.clone(),
        refs: it.refs.clone(),
    }
}

fn decisive(it: &rules::Decisive) -> Decisive {
    Decisive {
        clause: it.clause.clone(),
        value: it.value.into(),
        supposed: it.supposed.into(),
        band: band(it.band),
        first: it.first.clone(),
    }
}

fn symptom_ref(it: &rules::Symptom) -> SymptomRef {
    SymptomRef { symptom: it.rule.clone(), nodes: texts(&it.nodes), title: it.title.clone() }
}

fn texts(names: &[timeline::Name]) -> Vec<String> {
    names.iter().map(|it| it.to_string()).collect()
}

struct Words<'t> {
    timeline: &'t Timeline,
    diagnosis: &'t rules::Diagnosis,
}

impl Words<'_> {
    fn cited(&self, quote: &Quote) -> Cited {
        Cited {
            file: self.timeline.path(quote.span.member).to_owned(),
            line: quote.span.line,
            text: quote.first_line().trim_end_matches('\r').to_owned(),
        }
    }

    fn hypothesis(&self, at: usize, it: &rules::Hypothesis) -> Hypothesis {
        let explains = it.explains.iter().filter_map(|at| self.diagnosis.symptoms.get(*at)).map(symptom_ref);
        let include = |it: &rules::Included| HypothesisRef {
            rank: None,
            rule: it.rule.clone(),
            title: it.title.clone(),
            band: band(it.band),
        };
        Hypothesis {
            rank: at as u32 + 1,
            rule: it.rule.clone(),
            title: it.title.clone(),
            band: band(it.band),
            score_db: it.score_db,
            confidence: it.confidence,
            nodes: texts(&it.nodes),
            bindings: it.bindings.clone(),
            start: Instant::from_time(&it.start),
            end: Instant::from_time(&it.end),
            impact: it.impact.clone(),
            chain: it.chain.iter().enumerate().map(|(at, it)| self.link(at, it)).collect(),
            evidence: it.evidence.iter().map(|it| self.evidence(it)).collect(),
            missing: it.missing.iter().map(missing).collect(),
            explains: explains.collect(),
            caused_by: it.caused_by.and_then(|rank| self.reference(rank)),
            tied_with: it.tied_with.iter().map(|it| *it as u32).collect(),
            known_bugs: it.known_bugs.iter().map(known_bug).collect(),
            decisive: it.decisive.iter().map(decisive).collect(),
            includes: it.includes.iter().map(include).collect(),
            why_not_first: it.why_not.as_ref().map(|why| self.reason(it, why)),
            ruled_out_by: it.because.clone(),
            witness: match it.witness_agrees {
                Some(true) => Witness::Agrees,
                Some(false) => Witness::Differs,
                None => Witness::NotRun,
            },
            fix: Fix { now: it.fix_now.clone(), later: it.fix_later.clone() },
            refs: it.refs.clone(),
        }
    }

    /// The reason with the line behind it: of the item that excludes, else of the one that costs most and is told.
    fn reason(&self, of: &rules::Hypothesis, why: &str) -> Reason {
        let excluding = of.evidence.iter().find(|it| of.because.as_ref() == Some(&it.clause) && !it.quotes.is_empty());
        let told = |it: &&rules::Evidence| it.weight_db < 0.0 && !it.quotes.is_empty() && why.contains(&it.why);
        let costs = of.evidence.iter().filter(told);
        let item = excluding.or_else(|| costs.min_by(|a, b| a.weight_db.total_cmp(&b.weight_db)));
        let cited = item.and_then(|it| it.quotes.first()).map(|it| self.cited(it));
        Reason {
            why: why.to_owned(),
            file: cited.as_ref().map(|it| it.file.clone()),
            line: cited.as_ref().map(|it| it.line),
            text: cited.map(|it| it.text),
        }
    }

    fn link(&self, at: usize, it: &rules::Step) -> Link {
        let cited = it.quote.as_ref().map(|it| self.cited(it));
        let order = match it.order {
            rules::Order::Before => report::Order::Before,
            rules::Order::Unknown => report::Order::Unknown,
            rules::Order::After => report::Order::After,
        };
        Link {
            clause: it.clause.clone(),
            text: it.text.clone(),
            at: Instant::from_time(&it.at),
            order: (at > 0).then_some(order),
            count: it.count,
            file: cited.as_ref().map(|it| it.file.clone()),
            line: cited.as_ref().map(|it| it.line),
            quote: cited.map(|it| it.text),
        }
    }

    fn evidence(&self, it: &rules::Evidence) -> Evidence {
        let cited = it.quotes.first().map(|it| self.cited(it));
        Evidence {
            clause: it.clause.clone(),
            polarity: match it.polarity {
                rules::Polarity::For => report::Polarity::For,
                rules::Polarity::Against => report::Polarity::Against,
                rules::Polarity::Context => report::Polarity::Context,
            },
            value: it.value.into(),
            weight_db: it.weight_db,
            why: it.why.clone(),
            count: it.count,
            file: cited.as_ref().map(|it| it.file.clone()),
            line: cited.as_ref().map(|it| it.line),
            text: cited.map(|it| it.text),
            at: Instant::from_time(&it.at),
            node: it.node.as_deref().map(str::to_owned),
        }
    }

    fn symptom(&self, it: &rules::Symptom) -> Symptom {
        let by = it.explained_by.and_then(|rank| self.diagnosis.hypotheses.get(rank - 1).map(|it| (rank, it)));
        Symptom {
            symptom: it.rule.clone(),
            title: it.title.clone(),
            nodes: texts(&it.nodes),
            bindings: it.bindings.clone(),
            at: Instant::from_time(&it.at),
            last: Instant::from_time(&it.last),
            count: it.count,
            explained_by: by.into_iter().map(|(rank, it)| reference(rank, it)).collect(),
            follows: it.follows.and_then(|at| self.diagnosis.symptoms.get(at)).map(symptom_ref),
            quotes: it.quotes.iter().map(|it| self.cited(it)).collect(),
        }
    }

    fn alert(&self, it: &rules::Alert) -> Alert {
        Alert {
            name: it.name.to_string(),
            title: it.title(),
            node: it.node.as_deref().map(str::to_owned),
            labels: it.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            annotations: it.annotations.iter().cloned().collect(),
            expression: it.expression.clone(),
            for_secs: it.for_secs,
            at: Instant::from_time(&it.at),
            last: Instant::from_time(&it.last),
            times: it.times,
            value: Some(it.value).filter(|it| it.is_finite()),
            quotes: it.quotes.iter().map(|it| self.cited(it)).collect(),
            rule: format!("{}:{}", it.file, it.line),
        }
    }

    fn reference(&self, rank: usize) -> Option<HypothesisRef> {
        self.diagnosis.hypotheses.get(rank - 1).map(|it| reference(rank, it))
    }

    fn cause_unknown(&self) -> CauseUnknown {
        let closest = self.diagnosis.hypotheses.iter().enumerate().take(3);
        CauseUnknown {
            looked_for: self.diagnosis.looked_for.iter().map(looked).collect(),
            could_not_look: self.diagnosis.could_not_look.iter().map(looked).collect(),
            closest: closest.map(|(at, it)| reference(at + 1, it)).collect(),
        }
    }
}

fn reference(rank: usize, it: &rules::Hypothesis) -> HypothesisRef {
    HypothesisRef { rank: Some(rank as u32), rule: it.rule.clone(), title: it.title.clone(), band: band(it.band) }
}

fn missing(it: &rules::Missing) -> Missing {
    Missing {
        clause: it.clause.clone(),
        node: it.node.as_deref().map(str::to_owned),
        collect: it.collect.clone(),
        reason: it.reason.clone(),
        would_add_db: it.would_add_db,
    }
}
