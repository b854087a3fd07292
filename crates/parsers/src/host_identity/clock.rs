//! `date`, `timedatectl` and their likes: the moment of collection and the zone of the node.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use regex::Regex;

use crate::expression::expression;
use timeline::{MemberRecords, Row, Stamp, relation};

use super::Host;

/// What a line of `date` says: the stamp, and the offset it states.
pub(super) struct Dated {
    pub(super) stamp: Stamp,
    pub(super) offset_secs: Option<i32>,
    pub(super) zone: Option<String>,
}

/// `Mon Jul 24 11:02:13 CST 2023`, `Mon 24 Jul 2023 11:02:13 AM CST`, `2023-07-24T11:02:13+08:00`,
/// `2022-02-11 19:23:40.393733+00:00`, `Mon, 24 Jul 2023 11:02:13 +0800`, `2023年 07月 24日 星期一 11:02:13 CST`
pub(super) fn date(line: &str) -> Option<Dated> {
    let line = line.trim();
    if line.len() > 80 {
        return None;
    }
    let zoned = DateTime::parse_from_rfc3339(line)
        .or_else(|_| DateTime::parse_from_rfc2822(line))
        .or_else(|_| DateTime::parse_from_str(line, "%Y-%m-%d %H:%M:%S%.f%:z"))
        .or_else(|_| DateTime::parse_from_str(line, "%Y-%m-%d %H:%M:%S%.f %z"));
    if let Ok(at) = zoned {
        let digits = line.split_once('.').map_or(0, |(_, it)| it.bytes().take_while(u8::is_ascii_digit).count());
        let offset_secs = Some(at.offset().local_minus_utc());
        let resolution = crate::kube::resolution(digits);
        return Some(Dated { stamp: Stamp::Exact { at: at.to_utc(), resolution, offset_secs }, offset_secs, zone: None });
    }
    let (local, zone) = local_date(line)?;
    let resolution = TimeDelta::seconds(1);
    match zone.as_deref() {
        Some("UTC" | "GMT" | "Z") => {
            let stamp = Stamp::Exact { at: local.and_utc(), resolution, offset_secs: Some(0) };
            Some(Dated { stamp, offset_secs: Some(0), zone })
        }
        Some(numeric) if numeric.starts_with(['+', '-']) => {
            // zones without an abbreviation print `+03` or `-0330`
            let hours: i32 = numeric.get(1..3)?.parse().ok()?;
            let minutes: i32 = numeric.get(3..).filter(|it| !it.is_empty()).unwrap_or("0").parse().ok()?;
            let sign = if numeric.starts_with('-') { -1 } else { 1 };
            let offset = sign * (hours * 3600 + minutes * 60);
            let at = local.and_utc().checked_sub_signed(TimeDelta::seconds(i64::from(offset)))?;
            let stamp = Stamp::Exact { at, resolution, offset_secs: Some(offset) };
            Some(Dated { stamp, offset_secs: Some(offset), zone: None })
        }
        _ => {
            let abbreviation = zone.as_deref().map(Into::into);
            Some(Dated { stamp: Stamp::Zoneless { local, resolution, abbreviation }, offset_secs: None, zone })
        }
    }
}

fn local_date(line: &str) -> Option<(NaiveDateTime, Option<String>)> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    static FORMS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
        let day = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*";
        let clock = r"(?P<h>\d{1,2}):(?P<m>\d\d):(?P<s>\d\d)(?: (?P<half>[AP]M))?";
        let zone = r"(?P<zone>[A-Z]{1,5}|[+-]\d{2,4})";
        let month = "(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*";
        [
            format!(r"^{day} {month} +(?P<d>\d{{1,2}}) {clock} {zone} (?P<y>\d{{4}})$"),
            format!(r"^{day},? (?P<d>\d{{1,2}}) {month} (?P<y>\d{{4}}),? {clock} {zone}$"),
            format!(r"^(?P<y>\d{{4}})年 *(?P<n>\d\d?)月 *(?P<d>\d\d?)日 \S+ {clock} {zone}$"),
        ]
        .map(|it| expression(&it))
    });
    let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].iter().any(|it| line.starts_with(it));
    if !day && !line.contains('年') {
        return None;
    }
    let found = FORMS.iter().find_map(|it| it.captures(line))?;
    let number = |name: &str| found.name(name)?.as_str().parse::<u32>().ok();
    let month = match found.name("month") {
        Some(word) => MONTHS.iter().position(|it| *it == word.as_str())? as u32 + 1,
        None => number("n")?,
    };
    let hour = match (number("h")?, found.name("half").map(|it| it.as_str())) {
        (12, Some("AM")) => 0,
        (12, Some("PM")) => 12,
        (hour, Some("PM")) => hour + 12,
        (hour, _) => hour,
    };
    let day = NaiveDate::from_ymd_opt(number("y")? as i32, month, number("d")?)?;
    let local = day.and_hms_opt(hour, number("m")?, number("s")?)?;
    Some((local, found.name("zone").map(|it| it.as_str().to_owned())))
}

pub(super) fn read_date(host: &Host<'_, '_>, out: &mut MemberRecords) -> usize {
    let path = host.input.origin.path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    let asked_for_utc = name.contains("utc") || name.contains("-u");
    let mut read = 0;
    for line in host.lines {
        let Some(dated) = date(line.text) else { continue };
        read += 1;
        let command = if name.contains("hwclock") { "hwclock" } else { "date" };
        host.push(Row::new(&relation::COLLECTED).with("command", command), line, dated.stamp, out);
        // the hardware clock prints what zone it is told
        if let Some(offset) = dated.offset_secs
            && command == "date"
            && !asked_for_utc
        {
            let row = Row::new(&relation::ZONE).with("offset_secs", i64::from(offset)).with("name", dated.zone);
            host.push(row, line, Stamp::None, out);
        }
    }
    read
}

/// ```text
///            Universal time: Fri 2022-02-11 19:24:03 UTC
///                 Time zone: Asia/Shanghai (CST, +0800)
/// ```
pub(super) fn read_timedatectl(host: &Host<'_, '_>, out: &mut MemberRecords) -> usize {
    if let Some((text, line)) = host.field("Universal time")
        && let Some((_, clock)) = text.split_once(' ')
        && let Ok(at) = NaiveDateTime::parse_from_str(clock.trim(), "%Y-%m-%d %H:%M:%S UTC")
    {
        let stamp = Stamp::Exact { at: at.and_utc(), resolution: TimeDelta::seconds(1), offset_secs: None };
        host.push(Row::new(&relation::COLLECTED).with("command", "timedatectl"), line, stamp, out);
    }
    if let Some((text, line)) = host.field("Time zone") {
        let name = text.split(' ').next().filter(|it| !it.is_empty());
        let offset = text.rsplit_once(", ").and_then(|(_, it)| offset(it.trim_end_matches(')').trim()));
        let row = Row::new(&relation::ZONE).with("offset_secs", offset).with("name", name);
        host.push(row, line, Stamp::None, out);
    }
    // older versions say it in other words
    let synchronized = ["System clock synchronized", "NTP synchronized"].into_iter().find_map(|it| host.field(it));
    if let Some((text, line)) = synchronized {
        let service = ["NTP service", "Network time on", "systemd-timesyncd.service active"];
        let service = service.into_iter().find_map(|it| host.field(it)).map(|(text, _)| text);
        let row = Row::new(&relation::CLOCK_SYNC)
            .with("service", "timedatectl")
            .with("synchronized", text == "yes")
            .with("leap", service.map(|it| format!("network time {it}")));
        host.push(row, line, Stamp::None, out);
        let (node, member) = (host.input.origin.node.clone(), host.input.origin.member);
        out.collected.push(timeline::Collected { relation: relation::CLOCK_SYNC.name, node, incomplete: None, member });
    }
    host.lines.len()
}

/// `+0800`
fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes() {
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let hours: i64 = text.get(1..3)?.parse().ok()?;
    let minutes: i64 = text.get(3..5)?.parse().ok()?;
    Some(sign * (hours * 3600 + minutes * 60))
}
