//! A bundle of six nodes, any size, always the same for the same seed: a day of ordinary noise, and one node that runs out
//! of process ids in the evening.
//!
//! Files are written one after another and never held; a log longer than a rotation is several files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::time;
use crate::words::{HOST, PODS, Template, World};

const SEED: u64 = 0x5eed_c0de;
/// 2023-07-23T00:00:00Z
pub(crate) const BEGIN_MS: i64 = 1_690_070_400_000;
/// 22:40
const END_MS: i64 = BEGIN_MS + (22 * 60 + 40) * 60_000;
/// 22:09:02: from here on nothing can fork on [`VICTIM`].
const FALL_MS: i64 = BEGIN_MS + ((22 * 60 + 9) * 60 + 2) * 1000;
/// Refused forks, and how far apart.
const REFUSED: u64 = 313;
const REFUSED_EVERY_MS: i64 = 700;
const NODES: usize = 6;
const VICTIM: usize = 2;
/// A file is rotated at this size.
const ROTATED: u64 = 64 << 20;
const POD_ROTATED: u64 = 10 << 20;

/// What must come out of a bundle.
#[derive(Debug, Default)]
pub struct Expected {
    refused: u64,
    /// Failed probes, by node.
    probes: BTreeMap<String, u64>,
}

/// How the lines of a node are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Short,
    Export,
    Json,
    Klog,
    Syslog,
    Vmcore,
    Cri,
}

/// Share of a node's bytes in percent, and where the file stands.
const CARRIERS: [(Carrier, u64, &str); 7] = [
    (Carrier::Short, 34, "journal/journalctl_--no-pager"),
    (Carrier::Export, 12, "journal/journalctl_-o_export"),
    (Carrier::Json, 8, "journal/journalctl_-o_json"),
    (Carrier::Klog, 10, "var/log/kubelet"),
    (Carrier::Syslog, 12, "var/log/messages"),
    (Carrier::Vmcore, 2, "var/crash/127.0.0.1-2023-07-21-03:12:40/vmcore-dmesg"),
    (Carrier::Cri, 22, "var/log/pods"),
];

fn node(at: usize) -> String {
    format!("worker-{:02}", at + 1)
}

/// Writes a bundle of about so many bytes below `folder`, and beside it what must come out.
///
/// # Errors
/// What the disk says.
pub fn bundle(folder: &Path, bytes: u64) -> io::Result<()> {
    let world = World::new(SEED);
    let mut expected = Expected { refused: REFUSED, ..Expected::default() };
    let metrics = (bytes / 25).min(16 << 20);
    let dump = (bytes / 50).min(8 << 20);
    let each = bytes.saturating_sub(metrics + dump) / NODES as u64;
    for at in 0..NODES {
        facts(&folder.join(node(at)), at)?;
        for (which, (carrier, percent, path)) in CARRIERS.into_iter().enumerate() {
            let bytes = each * percent / 100;
            let rotated = if carrier == Carrier::Cri { POD_ROTATED } else { ROTATED };
            let files = bytes.div_ceil(rotated).max(if carrier == Carrier::Cri { 5 } else { 1 });
            for file in 0..files {
                let mut dice = Dice::new(((SEED + (at as u64)) << 32) ^ ((which as u64) << 24) ^ file);
                let path = folder.join(node(at)).join(name(carrier, path, file, &world, at));
                let window = (END_MS - BEGIN_MS) / files as i64;
                // the pods write side by side, the rotations of a file one after another
                let span = match carrier {
                    Carrier::Cri => (BEGIN_MS, END_MS),
                    _ => (BEGIN_MS + window * file as i64, BEGIN_MS + window * (file as i64 + 1)),
                };
                let mut log = Log { world: &world, carrier, at, file, span, bytes: bytes / files, probes: 0 };
                write(&path, &mut |out| log.write(&mut dice, out))?;
                *expected.probes.entry(node(at)).or_default() += log.probes;
            }
        }
    }
    threads(&folder.join("metrics"), &world)?;
    noise_metrics(&folder.join("metrics"), metrics, &world)?;
    write(&folder.join("metrics/dump.txt"), &mut |out| promtool(dump, &world, out))?;
    let probes: Vec<Value> = expected.probes.iter().map(|(node, count)| json!([node, count])).collect();
    let text =
        json!({ "rule": "pid-max-exhausted", "node": node(VICTIM), "refused": expected.refused, "probes": probes });
    fs::write(folder.with_extension("expected.json"), text.to_string())
}

fn name(carrier: Carrier, path: &str, file: u64, world: &World, at: usize) -> String {
    let number = if file == 0 { String::new() } else { format!(".{file}") };
    match carrier {
        Carrier::Klog => format!("{path}.log{number}"),
        Carrier::Syslog => format!("{path}{number}"),
        Carrier::Cri => {
            let (container, _) = PODS[file as usize % PODS.len()];
            let pod = &world.pods[(at * 31 + file as usize * 7) % world.pods.len()];
            let uid = &world.uids[(at * 17 + file as usize * 3) % world.uids.len()];
            format!("{path}/prod_{pod}_{uid}/{container}/{}.log", file / PODS.len() as u64)
        }
        _ => format!("{path}{number}.txt"),
    }
}

fn write(path: &Path, content: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut out = BufWriter::with_capacity(1 << 18, File::create(path)?);
    content(&mut out)?;
    out.flush()
}

/// What is known of a node besides its logs.
fn facts(folder: &Path, at: usize) -> io::Result<()> {
    let name = node(at);
    let mut routes = String::from(
        "default via 10.20.7.1 dev eth0 proto static\n10.20.7.0/24 dev eth0 proto kernel scope link src 10.20.7.31\n",
    );
    for block in 0..200 {
        routes.push_str(&format!(
            "10.64.{}.{}/26 via 10.20.7.{} dev eth0 proto bird\n",
            block / 4,
            block % 4 * 64,
            block % 6 + 31
        ));
    }
    let files = [
        ("date.txt", "Sun Jul 23 22:41:00 UTC 2023\n".to_owned()),
        ("hostname.txt", format!("{name}\n")),
        ("uname_-a.txt", format!("Linux {name} 5.4.0-150-generic #167-Ubuntu SMP Mon May 15 17:35:05 UTC 2023 x86_64 x86_64 x86_64 GNU/Linux\n")),
        ("sysctl_-a.txt", "kernel.pid_max = 49152\nkernel.threads-max = 1545102\nnet.ipv4.ip_forward = 1\nvm.max_map_count = 262144\n".to_owned()),
        ("ip_route.txt", routes),
    ];
    for (file, text) in files {
        write(&folder.join(file), &mut |out| out.write_all(text.as_bytes()))?;
    }
    Ok(())
}

/// One file of a log.
struct Log<'w> {
    world: &'w World,
    carrier: Carrier,
    at: usize,
    file: u64,
    span: (i64, i64),
    bytes: u64,
    probes: u64,
}

struct Program {
    ident: &'static str,
    until: u64,
    lines: Vec<Template>,
}

/// Now and then a probe fails, which is no incident.
const PROBE: &str = "{klog:I} prober.go:117] Readiness probe for \"{pod}_{ns}({uid}):{word}\" failed (failure): HTTP probe failed with statuscode: 503";
const REFUSAL: &str = "{klog:E} remote_runtime.go:394] ExecSync {id} '/bin/calico-node -bird-live' from runtime service failed: rpc error: code = Unknown desc = failed to exec in container: fork/exec /usr/sbin/runc: resource temporarily unavailable: unknown";
/// Lines of the kubelet for each failed probe.
const PROBE_EVERY: u64 = 900;

impl Log<'_> {
    fn programs(&self) -> Vec<Program> {
        let wanted = |ident: &str| match self.carrier {
            Carrier::Klog => ident == "kubelet",
            Carrier::Vmcore => ident == "kernel",
            _ => true,
        };
        let mut until = 0;
        let programs = HOST.iter().filter(|it| wanted(it.0)).map(|(ident, share, lines)| {
            until += share;
            Program { ident, until, lines: lines.iter().map(|it| Template::new(it)).collect() }
        });
        programs.collect()
    }

    fn write(&mut self, dice: &mut Dice, out: &mut dyn Write) -> io::Result<()> {
        if self.carrier == Carrier::Cri {
            return self.pod(dice, out);
        }
        let programs = self.programs();
        let sides = programs.last().map_or(1, |it| it.until);
        let (probe, refusal) = (Template::new(PROBE), Template::new(REFUSAL));
        let victim = self.at == VICTIM && self.carrier == Carrier::Short;
        let (mut written, mut refused, mut nth) = (0u64, 0u64, 0u64);
        let (mut message, mut record) = (Vec::new(), Vec::new());
        while written < self.bytes {
            let at = self.span.0 + ((self.span.1 - self.span.0) as f64 * (written as f64 / self.bytes as f64)) as i64;
            message.clear();
            let due = FALL_MS + refused as i64 * REFUSED_EVERY_MS;
            let (ident, at) = if victim && refused < REFUSED && due <= at && due >= self.span.0 {
                refused += 1;
                refusal.write(self.world, due, dice, &mut message);
                ("kubelet", due)
            } else {
                let roll = dice.roll(sides);
                let program = programs.iter().find(|it| roll < it.until).unwrap_or(&programs[0]);
                // the kernel tells its clock in the buffer and in syslog, journalctl does not show it
                let line =
                    if program.ident == "kubelet" && self.carrier != Carrier::Vmcore && dice.roll(PROBE_EVERY) == 0 {
                        self.probes += 1;
                        &probe
                    } else {
                        dice.pick(&program.lines)
                    };
                line.write(self.world, at, dice, &mut message);
                (program.ident, at)
            };
            record.clear();
            nth += 1;
            self.carry(ident, &message, at, nth, dice, &mut record);
            out.write_all(&record)?;
            written += record.len() as u64;
        }
        // what was due in the last stretch of a small file
        while victim && refused < REFUSED && self.span.1 >= END_MS - 1000 {
            message.clear();
            record.clear();
            let due = FALL_MS + refused as i64 * REFUSED_EVERY_MS;
            refusal.write(self.world, due, dice, &mut message);
            self.carry("kubelet", &message, due, nth, dice, &mut record);
            out.write_all(&record)?;
            refused += 1;
        }
        Ok(())
    }

    /// Writes a line as its carrier does.
    fn carry(&self, ident: &str, message: &[u8], at: i64, nth: u64, dice: &mut Dice, out: &mut Vec<u8>) {
        let host = node(self.at);
        let pid = match ident {
            "kubelet" => 2817,
            "containerd" => 1203,
            "systemd" => 1,
            "sshd" | "CRON" => 3000 + dice.roll(40_000),
            _ => 900,
        };
        let bare = strip_clock(ident, message);
        match self.carrier {
            Carrier::Short => {
                time::short(at, out);
                let _ = match ident {
                    "kernel" => write!(out, " {host} kernel: "),
                    _ => write!(out, " {host} {ident}[{pid}]: "),
                };
                out.extend_from_slice(bare);
            }
            Carrier::Syslog => {
                time::iso(at, "+00:00", 6, out);
                let _ = match ident {
                    "kernel" => write!(out, " {host} kernel: "),
                    _ => write!(out, " {host} {ident}[{pid}]: "),
                };
                out.extend_from_slice(message);
            }
            Carrier::Klog | Carrier::Vmcore => out.extend_from_slice(message),
            Carrier::Export => {
                let micros = at * 1000 + nth as i64 % 1000;
                let _ = write!(
                    out,
                    "__CURSOR=s=8d30ac21f2c94d0f8a7c5e4b3a291807;i={nth:x};b=281c2a6627bb42744b979e1f50cc56fd;m={micros:x};t={micros:x};x={:x}\n__REALTIME_TIMESTAMP={micros}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID=281c2a6627bb42744b979e1f50cc56fd\n_TRANSPORT={}\nPRIORITY=6\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER={ident}\n_PID={pid}\n_UID=0\n_GID=0\n_COMM={ident}\n_SYSTEMD_CGROUP=/system.slice/{ident}.service\n_SYSTEMD_UNIT={ident}.service\n_MACHINE_ID=9a7be1c2d3f44a5b8c6d7e8f90a1b2c3\n_HOSTNAME={host}\nMESSAGE=",
                    dice.roll(1 << 48),
                    micros - BEGIN_MS * 1000,
                    if ident == "kernel" { "kernel" } else { "stdout" },
                );
                out.extend_from_slice(bare);
                out.push(b'\n');
            }
            Carrier::Json => {
                let micros = at * 1000 + nth as i64 % 1000;
                let text = serde_json::to_string(&String::from_utf8_lossy(bare)).unwrap_or_default();
                let _ = write!(
                    out,
                    "{{\"__CURSOR\":\"s=8d30;i={nth:x}\",\"__REALTIME_TIMESTAMP\":\"{micros}\",\"_BOOT_ID\":\"281c2a6627bb42744b979e1f50cc56fd\",\"PRIORITY\":\"6\",\"SYSLOG_IDENTIFIER\":\"{ident}\",\"_PID\":\"{pid}\",\"_SYSTEMD_UNIT\":\"{ident}.service\",\"_HOSTNAME\":\"{host}\",\"_TRANSPORT\":\"{}\",\"MESSAGE\":{text}}}",
                    if ident == "kernel" { "kernel" } else { "stdout" },
                );
            }
            Carrier::Cri => {}
        }
        out.push(b'\n');
    }

    /// The log of a container, as the runtime writes it.
    fn pod(&self, dice: &mut Dice, out: &mut dyn Write) -> io::Result<()> {
        let (_, lines) = PODS[self.file as usize % PODS.len()];
        let lines: Vec<Template> = lines.iter().map(|it| Template::new(it)).collect();
        let mut record = Vec::new();
        let mut written = 0u64;
        while written < self.bytes {
            let at = self.span.0 + ((self.span.1 - self.span.0) as f64 * (written as f64 / self.bytes as f64)) as i64;
            record.clear();
            time::iso(at, "Z", 9, &mut record);
            record.extend_from_slice(b" stdout F ");
            dice.pick(&lines).write(self.world, at, dice, &mut record);
            record.push(b'\n');
            out.write_all(&record)?;
            written += record.len() as u64;
        }
        Ok(())
    }
}

/// A kernel line without `[2344268.402318] `.
fn strip_clock<'m>(ident: &str, message: &'m [u8]) -> &'m [u8] {
    let end = message.iter().position(|it| *it == b']').filter(|_| ident == "kernel");
    end.and_then(|it| message.get(it + 2..)).unwrap_or(message)
}

/// One series of a matrix.
fn series(labels: &Value, points: impl Iterator<Item = (i64, u64)>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{{\"metric\":{labels},\"values\":[")?;
    for (nth, (at, value)) in points.enumerate() {
        write!(out, "{}[{at},\"{value}\"]", if nth == 0 { "" } else { "," })?;
    }
    write!(out, "]}}")
}

/// Threads of containers: one pod of the victim leaks them from 22:00 on.
fn threads(folder: &Path, world: &World) -> io::Result<()> {
    let mut dice = Dice::new(SEED ^ 77);
    write(&folder.join("container_threads.json"), &mut |out| {
        write!(out, "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[")?;
        for at in 0..NODES {
            for nth in 0..12 {
                let leaks = at == VICTIM && nth == 0;
                let pod = &world.pods[(at * 12 + nth) % world.pods.len()];
                let labels = json!({"__name__": "container_threads", "node": node(at), "namespace": "prod", "pod": pod, "container": "app"});
                let steady = 200 + dice.roll(200);
                let value = |ms: i64, noise: u64| {
                    let minutes = (ms - (FALL_MS - 9 * 60_000)).max(0) as u64 / 60_000;
                    if leaks { (2100 + minutes * 5200).min(43_000) + noise } else { steady + noise }
                };
                let points =
                    (0..120).map(|it| END_MS - (120 - it) * 60_000).map(|ms| (ms / 1000, value(ms, dice.roll(9))));
                write!(out, "{}", if at + nth == 0 { "" } else { "," })?;
                series(&labels, points.collect::<Vec<_>>().into_iter(), out)?;
            }
        }
        writeln!(out, "]}}}}")
    })
}

/// Answers of Prometheus that nobody will need, in files of up to four megabytes.
fn noise_metrics(folder: &Path, bytes: u64, world: &World) -> io::Result<()> {
    const NAMES: [&str; 8] = [
        "node_memory_MemAvailable_bytes",
        "node_load1",
        "node_filesystem_avail_bytes",
        "node_network_receive_bytes_total",
        "container_memory_working_set_bytes",
        "container_cpu_usage_seconds_total",
        "kubelet_running_pods",
        "node_nf_conntrack_entries",
    ];
    let mut dice = Dice::new(SEED ^ 78);
    let files = bytes.div_ceil(4 << 20).max(1);
    for file in 0..files {
        let name = NAMES[file as usize % NAMES.len()];
        let number = file as usize / NAMES.len();
        write(&folder.join(format!("{name}-{number}.json")), &mut |out| {
            write!(out, "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[")?;
            // a point is about 26 bytes
            for nth in 0..(bytes / files / (26 * 360)).max(1) {
                let labels = json!({"__name__": name, "instance": format!("10.20.7.{}:9100", 31 + nth % 6), "job": "node", "node": node(nth as usize % NODES),
                    "pod": world.pods[nth as usize % world.pods.len()], "device": format!("sd{nth}-{number}")});
                let mut level = 1_000_000 + dice.roll(1 << 33);
                let points: Vec<(i64, u64)> = (0..360)
                    .map(|it| {
                        level = level.saturating_add(dice.roll(90_000)).saturating_sub(45_000);
                        (END_MS / 1000 - (360 - it) * 60, level)
                    })
                    .collect();
                write!(out, "{}", if nth == 0 { "" } else { "," })?;
                series(&labels, points.into_iter(), out)?;
            }
            writeln!(out, "]}}}}")
        })?;
    }
    Ok(())
}

/// `promtool tsdb dump`
fn promtool(bytes: u64, world: &World, out: &mut dyn Write) -> io::Result<()> {
    let mut dice = Dice::new(SEED ^ 79);
    let mut written = 0;
    for nth in 0.. {
        let labels = format!(
            "{{__name__=\"process_open_fds\", instance=\"10.20.7.{}:9100\", job=\"kubelet\", pod=\"{}\", series=\"{nth}\"}}",
            31 + nth % 6,
            world.pods[nth % world.pods.len()]
        );
        for it in 0..240 {
            let line = format!("{labels} {} {}\n", 100 + dice.roll(400), END_MS - (240 - it) * 60_000 + 123);
            out.write_all(line.as_bytes())?;
            written += line.len() as u64;
        }
        if written >= bytes {
            return Ok(());
        }
    }
    Ok(())
}
