//! Reboots, from marks in files and from events.

use super::*;

/// A mark of a boot at a second, at a place in a file.
fn mark(ends: bool, member: u32, place: u64, secs: Option<i64>, text: &str, cells: &[(&str, &str)]) -> Fact {
    let relation = if ends { &relation::BOOT_END } else { &relation::BOOT_START };
    let mut fact = fact(relation, Some("n"), member, text, cells);
    fact.quotes[0].span.start = place;
    fact.at = secs.map_or(Time::UNKNOWN, instant);
    fact
}

fn instant(secs: i64) -> Time {
    Time::utc(Interval::from(DateTime::from_timestamp(secs, 0).unwrap(), TimeDelta::seconds(1)))
}

#[test]
fn an_end_and_a_start_are_a_reboot() {
    let facts = vec![
        mark(false, 1, 0, Some(0), "first boot", &[]),
        mark(true, 1, 100, Some(1000), "kernel BUG", &[("orderly", "false")]),
        mark(false, 1, 200, Some(1028), "-- Reboot --", &[("boot_id", "281c2a66-2bb2-4274-b979-e1f50cc56fd1")]),
        mark(true, 1, 300, Some(5000), "Reached target Shutdown", &[("orderly", "true")]),
        mark(false, 1, 400, Some(5100), "Linux version", &[]),
    ];
    let timeline = Timeline { facts: facts.clone(), ..Timeline::default() };
    let all = [
        "n: ending=unclean unclean=true gap_secs=28 boot_id=281c2a66-2bb2-4274-b979-e1f50cc56fd1 how=journal",
        "n: ending=orderly unclean=false gap_secs=100 how=journal",
    ];
    assert_eq!(rows(&timeline, "boot.reboot"), all);
    let first = &found(&timeline, "boot.reboot")[0];
    assert_eq!((at(first), quoted(first)), ((1000, 1029), vec!["kernel BUG", "-- Reboot --"]));
    // newest first
    let mut flipped = facts.clone();
    flipped.iter_mut().for_each(|it| it.quotes[0].span.start = 400 - it.quotes[0].span.start);
    assert_eq!(rows(&Timeline { facts: flipped, ..Timeline::default() }, "boot.reboot"), all);
    // without times the order of the file holds, and nothing is guessed
    let mut timeless = facts;
    timeless.iter_mut().for_each(|it| it.at = Time::UNKNOWN);
    assert_eq!(
        rows(&Timeline { facts: timeless, ..Timeline::default() }, "boot.reboot"),
        [
            "n: ending=unclean unclean=true boot_id=281c2a66-2bb2-4274-b979-e1f50cc56fd1 how=journal",
            "n: ending=orderly unclean=false how=journal"
        ]
    );
}

#[test]
fn boots_in_two_files_meet_by_their_times() {
    let end = mark(true, 1, 0, Some(1000), "last", &[("boot_id", "aa")]);
    let start = mark(false, 2, 0, Some(1028), "first", &[("boot_id", "bb")]);
    let timeline = Timeline { facts: vec![end.clone(), start], ..Timeline::default() };
    assert_eq!(rows(&timeline, "boot.reboot"), ["n: ending=unknown gap_secs=28 boot_id=bb how=journal"]);
    let same = mark(false, 2, 0, Some(1028), "first", &[("boot_id", "aa")]);
    assert!(rows(&Timeline { facts: vec![end.clone(), same], ..Timeline::default() }, "boot.reboot").is_empty());
    let earlier = mark(false, 2, 0, Some(28), "first", &[]);
    assert!(rows(&Timeline { facts: vec![end, earlier], ..Timeline::default() }, "boot.reboot").is_empty());
}

#[test]
fn events_and_boot_times_join_the_journal() {
    let id = "281c2a66-2bb2-4274-b979-e1f50cc56fd1";
    let message = format!("Node n has been rebooted, boot id: {id}");
    let cells =
        [("reason", "Rebooted"), ("kind", "Node"), ("name", "n.1618e2878157535e"), ("message", message.as_str())];
    let mut event = fact(&relation::KUBE_EVENT, Some("n"), 3, "Rebooted", &cells);
    event.at = instant(1061);
    let boot_time = |moved: f64| {
        series("node_boot_time_seconds", &[], Some("n"), &[(960, 50.0), (975, 51.0), (1050, moved), (1065, moved)])
    };
    let mut timeline = metrics(vec![boot_time(1010.0)]);
    assert_eq!(rows(&timeline, "boot.reboot"), ["n: ending=unknown how=metric"]);
    assert_eq!(at(&found(&timeline, "boot.reboot")[0]), (975, 1010));
    timeline.facts.push(event);
    assert_eq!(rows(&timeline, "boot.reboot"), [format!("n: ending=unknown boot_id={id} how=event")]);
    timeline.facts.push(mark(true, 1, 100, Some(1000), "kernel BUG", &[("orderly", "false")]));
    timeline.facts.push(mark(false, 1, 200, Some(1028), "-- Reboot --", &[]));
    let facts = found(&timeline, "boot.reboot");
    assert_eq!(shown(&facts[0]), format!("n: ending=unclean unclean=true gap_secs=28 boot_id={id} how=journal"));
    assert_eq!(quoted(&facts[0]), ["kernel BUG", "-- Reboot --", "Rebooted", "51 @975", "1010 @1050"]);
    assert_eq!(facts.len(), 1);
    // hours apart they are two
    timeline.facts.last_mut().unwrap().at = instant(9028);
    let end = timeline.facts.len() - 2;
    timeline.facts[end].at = instant(9000);
    assert_eq!(found(&timeline, "boot.reboot").len(), 2);
    // the clock was set, nothing booted
    assert!(rows(&metrics(vec![boot_time(400.0)]), "boot.reboot").is_empty());
}

#[test]
fn an_old_event_names_its_node_before_a_suffix() {
    let cells = [
        ("reason", "Rebooted"),
        ("kind", "Node"),
        ("name", "172.21.128.138"),
        ("message", "Node 172.21.128.138 has been rebooted, boot id: 281c2a66"),
    ];
    let timeline = Timeline {
        facts: vec![fact(&relation::KUBE_EVENT, None, 1, "Rebooted", &cells)],
        nodes: NodeNames::unify(&["host-172-21-128-138".into(), "172.21.128.138".into()], &[]),
        ..Timeline::default()
    };
    let node = timeline.nodes.canonical("172.21.128.138");
    assert_eq!(rows(&timeline, "boot.reboot"), [format!("{node}: ending=unknown boot_id=281c2a66 how=event")]);
}
