use super::*;
use crate::testing::{facts, read_at, sample, sniff_certainty};

fn rows(path: &str, text: &str, relation: &'static str) -> Vec<String> {
    assert!(sniff_certainty(&FORMAT, path, text) >= Certainty::Likely, "{path}");
    let out = read_at(&FORMAT, path, text);
    assert_eq!(out.tally.lines, out.tally.understood, "{path}");
    facts(&out, relation)
        .map(|it| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn memory_in_bytes() {
    assert_eq!(rows("meminfo", FORMAT.samples[0], "meminfo")[0], "MemTotal 4122660864");
    let new = "              total        used        free      shared  buff/cache   available\nMem:        4026036      963044      127976        1256     2935016     2775572\nSwap:             0           0           0\n";
    assert_eq!(
        rows("free", new, "meminfo"),
        ["MemTotal 4122660864", "MemFree 131047424", "MemAvailable 2842185728", "SwapTotal 0", "SwapFree 0"]
    );
    assert_eq!(rows("sos_commands/memory/free_-m", new, "meminfo")[0], "MemTotal 4221604724736");
    let human = "               total        used        free      shared  buff/cache   available\nMem:            15Gi       2.0Gi       1.0Gi        10Mi        12Gi        13Gi\n";
    assert_eq!(rows("systeminfo/freeh", human, "meminfo")[0], "MemTotal 16106127360");
    let old = "             total       used       free     shared    buffers     cached\nMem:          1000        900        100          0         50        600\n-/+ buffers/cache:        250        750\n";
    assert_eq!(rows("free.txt", old, "meminfo")[3], "Cached 614400");
    assert_eq!(rows("memory.txt", new, "meminfo").len(), 0);
}

#[test]
fn tasks_of_the_load() {
    assert_eq!(rows("proc/loadavg", "1.36 3.49 4.53 2/3518 3715089\n", "tasks"), ["3518 3715089"]);
    assert_eq!(sniff_certainty(&FORMAT, "x", "1.36 3.49 4.53\n"), Certainty::No);
}

#[test]
fn limits_of_every_rendering() {
    assert_eq!(rows("proc/1234/limits", FORMAT.samples[2], "limit"), ["1234 nproc 15592 15592"]);
    let shell = "core file size          (blocks, -c) 0\nmax locked memory       (kbytes, -l) 64\nmax user processes              (-u) 204800\nopen files                      (-n) unlimited\n";
    assert_eq!(
        rows("ulimit.txt", shell, "limit"),
        ["shell memlock 65536 unknown", "shell nproc 204800 unknown", "shell nofile unlimited unknown"]
    );
    assert_eq!(rows("systeminfo/ulimit-hard", shell, "limit")[1], "shell nproc unknown 204800");
    let dash = "time(seconds)        unlimited\ncoredump(blocks)     0\nlocked memory(kbytes) 65536\nprocess              31185\nnofiles              1024\n";
    assert_eq!(
        rows("ulimit.txt", dash, "limit"),
        ["cpu unlimited", "core 0", "memlock 67108864", "nproc 31185", "nofile 1024"].map(|it| format!("shell {it} unknown"))
    );
    let busybox = "-f: file size (blocks)             unlimited\n-p: processes                      31185\n-n: open files                     1024\n-v: address space (kb)             unlimited\n";
    assert_eq!(
        rows("ulimit.txt", busybox, "limit"),
        ["nproc 31185", "nofile 1024", "as unlimited"].map(|it| format!("shell {it} unknown"))
    );
    let conf = "# tasks\n*    soft    nproc    204800\nroot - nofile unlimited # all\n";
    assert_eq!(
        rows("etc/security/limits.d/90-nproc.conf", conf, "limit"),
        ["limits.d/* nproc 204800 unknown", "limits.d/root nofile unlimited unlimited"]
    );
}

#[test]
fn counters_and_modules() {
    assert_eq!(rows("vmstat", FORMAT.samples[4], "vmstat"), ["oom_kill 0"]);
    let modules = "Module                  Size  Used by\naufs                  241664  0\nip_tables              32768  3 iptable_nat,iptable_filter\n";
    assert_eq!(rows("lsmod", modules, "module"), ["aufs 241664 0", "ip_tables 32768 3"]);
    let out = read_at(&FORMAT, "lsmod", modules);
    assert_eq!((out.collected[0].relation, out.collected[0].incomplete.clone()), ("module", None));
    let cut = read_at(&FORMAT, "lsmod", &format!("{modules}...\n"));
    assert_eq!(cut.collected[0].incomplete.as_deref(), Some("lines are left out"));
    let list = "aufs 241664 0 - Live 0x0000000000000000\next4 999424 1 jbd2, Live 0x0000000000000000\n";
    assert_eq!(rows("proc/modules", list, "module"), ["aufs 241664 0", "ext4 999424 1"]);
}

#[test]
fn other_files_are_not_claimed() {
    for text in ["", "a b\nc d\n", "Name:\tkubelet\nUmask:\t0022\n", "1 2 3\n", "some (-x) text\nno\nno\n", "# comment\n", "cpu 1 2 3\n"] {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
    }
}

#[test]
fn real_files() {
    let read = |path: &str, relation| Some(rows(path, &sample(path)?, relation));
    let Some(memory) = read("kubernetes/host/proc_meminfo.txt", "meminfo") else { return };
    assert!(memory.contains(&"MemAvailable 2842464256".to_owned()), "{memory:?}");
    assert_eq!(read("kubernetes/host/free.txt", "meminfo").expect("a sample")[0], "MemTotal 4122660864");
    assert!(read("kubernetes/host/proc_vmstat.txt", "vmstat").expect("a sample").contains(&"oom_kill 0".to_owned()));
    let limits = read("kubernetes/host/proc_1_limits.txt", "limit").expect("a sample");
    assert_eq!(limits.len(), 16);
    assert!(limits.contains(&"1 nproc 15592 15592".to_owned()));
}
