//! What the command behind a file left out, where the name of the file is that command.
//!
//! ```text
//! sos_commands/logs/journalctl_--no-pager_-p_err                     only errors: any other line may have been there
//! node-a/dmesg_--level_err.txt
//! kubernetes/kubectl_logs_--tail_500_calico-node-x7k2p               only the last lines
//! messages.txt!/bin/journalctl -n 2000                               a section of a text, named by its command
//! kubectl_get_pods_-A_-l_app_web                                     only some of the pods
//! ```
//!
//! Of what was filtered nothing that is absent counts. A log of which only the end was asked for counts from its first
//! line on, and is whole where it has fewer lines than were asked for. Skipped: what is filtered by unit, by namespace or
//! by `--since`, which the lines and lists themselves show.

use super::failures::Lack;

/// What the name of a file with so many lines says was left out.
pub(super) fn lack(path: &str, count: u64) -> Option<Lack> {
    let words = words(path);
    let tool = words.first()?.rsplit('/').next()?;
    let all = |why: String| Some(Lack { why, tail: false });
    let end = |why: String| Some(Lack { why, tail: true });
    // a filter behind the command lets through what it likes
    if let Some(at) = words.iter().skip(1).position(|it| matches!(it.as_str(), "grep" | "egrep" | "zgrep" | "awk"))
        && is_tool(tool)
    {
        return all(format!("only what {} let through", words[at + 1]));
    }
    if is_tool(tool)
        && let Some(why) = cut(&words, count)
    {
        return end(why);
    }
    match tool {
        "journalctl" => {
            if let Some(level) = value(&words, &["-p", "--priority"]).filter(|it| !is_all(it)) {
                return all(format!("only lines of priority {level}"));
            }
            if let Some(pattern) = value(&words, &["-g", "--grep"]) {
                return all(format!("only lines with {pattern}"));
            }
            lines(&words, &["-n", "--lines"], count).and_then(end)
        }
        "dmesg" => {
            let level = value(&words, &["-l", "--level"])?;
            all(format!("only lines of priority {level}"))
        }
        "kubectl" | "oc" | "crictl" | "docker" | "nerdctl" | "podman" if words.iter().any(|it| it == "logs") => {
            // kubectl's -n is a namespace
            let kubectl = matches!(tool, "kubectl" | "oc");
            let options: &[&str] = if kubectl { &["--tail"] } else { &["--tail", "-n"] };
            // of pods that a selector picks it takes the last ten lines each, unless told otherwise
            let picked = value(&words, &["-l", "--selector"])
                .filter(|_| kubectl && value(&words, options).is_none() && count >= 10);
            lines(&words, options, count)
                .and_then(end)
                .or_else(|| {
                    let bytes = value(&words, &["--limit-bytes"]).filter(|it| *it != "0")?;
                    end(format!("only {bytes} bytes were asked for"))
                })
                .or_else(|| end(format!("only the last ten lines of each pod that {} takes", picked?)))
        }
        "kubectl" | "oc" if words.iter().any(|it| it == "get" || it == "describe") => {
            let selector = value(&words, &["-l", "--selector", "--field-selector"])?;
            all(format!("only what the selector {selector} takes"))
        }
        "tail" => lines(&words, &["-n", "--lines"], count).and_then(end),
        // from its first line to its last it is whole as well
        "head" => lines(&words, &["-n", "--lines"], count).map(|it| it.replace("last", "first")).and_then(end),
        _ => None,
    }
}

/// `journalctl -k | tail -n 500`, `dmesg | head -100`: what a program behind the command left of it.
fn cut(words: &[String], count: u64) -> Option<String> {
    let at = words.iter().skip(1).position(|it| matches!(it.as_str(), "tail" | "head"))? + 1;
    let (which, rest) = (if words[at] == "tail" { "last" } else { "first" }, &words[at + 1..]);
    let asked = value(rest, &["-n", "--lines"]).or_else(|| rest.first()?.strip_prefix('-'));
    let number: u64 = asked.map_or(Some(10), |it| it.parse().ok())?;
    (count >= number).then(|| format!("only its {which} {number} lines were taken"))
}

/// Programs whose output is often sent through another.
fn is_tool(tool: &str) -> bool {
    let known = [
        "journalctl",
        "dmesg",
        "kubectl",
        "oc",
        "crictl",
        "docker",
        "cat",
        "zcat",
        "ip",
        "ss",
        "netstat",
        "ps",
        "sysctl",
        "lsof",
        "mount",
        "calicoctl",
        "conntrack",
        "iptables",
        "iptables-save",
    ];
    known.contains(&tool)
}

/// The words of the command that names a file: as they stand where the name has blanks, else between underscores.
fn words(path: &str) -> Vec<String> {
    let (_, section) = path.rsplit_once("!/").unwrap_or(("", path));
    let name = if section.contains(' ') { section } else { path.rsplit('/').next().unwrap_or(path) };
    let ends = [".txt", ".log", ".out", ".json", ".yaml"];
    let name = ends.iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name);
    let blank = if name.contains(' ') { ' ' } else { '_' };
    // journalctl --lines=500 is one word, --lines_500 two
    let parts = name.split(blank).filter(|it| !it.is_empty());
    parts.flat_map(|it| if it.starts_with("--") { it.split('=').collect() } else { vec![it] }).map(clean).collect()
}

fn clean(word: &str) -> String {
    word.trim_matches(['\'', '"']).chars().take(60).collect()
}

/// The word behind an option.
fn value<'w>(words: &'w [String], options: &[&str]) -> Option<&'w str> {
    let at = words.iter().position(|it| options.contains(&it.as_str()))?;
    words.get(at + 1).map(String::as_str).filter(|it| !it.is_empty())
}

/// How many lines were asked for, in words; all of them are no limit.
fn lines(words: &[String], options: &[&str], count: u64) -> Option<String> {
    let number: u64 = value(words, options)?.trim_start_matches('+').parse().ok()?;
    (count >= number).then(|| format!("only its last {number} lines were asked for"))
}

/// Every line has a priority up to this.
fn is_all(level: &str) -> bool {
    matches!(level, "7" | "debug" | "0..7" | "emerg..debug")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(path: &str) -> Option<(String, bool)> {
        lack(path, 2000).map(|it| (it.why, it.tail))
    }

    #[test]
    fn what_a_command_left_out() {
        let all = |words: &str| Some((words.to_owned(), false));
        let end = |words: &str| Some((words.to_owned(), true));
        assert_eq!(why("a/sos_commands/logs/journalctl_--no-pager_-p_err"), all("only lines of priority err"));
        assert_eq!(why("node-a/journalctl --priority=warning -b.txt"), all("only lines of priority warning"));
        assert_eq!(why("node-a/dmesg_--level_err_warn.txt"), all("only lines of priority err"));
        assert_eq!(why("x/journalctl_-u_kubelet_grep_-i_error.log"), all("only what grep let through"));
        assert_eq!(why("x/journalctl_-n_2000.txt"), end("only its last 2000 lines were asked for"));
        assert_eq!(why("messages.txt!/bin/journalctl -n 2000"), end("only its last 2000 lines were asked for"));
        let tail = "s/sos_commands/kubernetes/kubectl_--kubeconfig_.root.config_logs_--tail_500_web-1";
        assert_eq!(why(tail), end("only its last 500 lines were asked for"));
        let selected = "node-a/kubectl logs -n kube-system -l k8s-app=calico-node.txt";
        assert_eq!(why(selected), end("only the last ten lines of each pod that k8s-app=calico-node takes"));
        assert_eq!(why("node-a/journalctl_-k_tail_-n_500.txt"), end("only its last 500 lines were taken"));
        assert_eq!(why("node-a/dmesg -T | head -100.txt"), end("only its first 100 lines were taken"));
        assert_eq!(why("messages.txt!/bin/head -n 2000"), end("only its first 2000 lines were asked for"));
        assert_eq!(why("kubectl_get_pods_-A_-l_app_web.txt"), all("only what the selector app takes"));
    }

    #[test]
    fn what_left_nothing_out() {
        for path in [
            "a/sos_commands/logs/journalctl_--no-pager_--boot_-1",
            "a/sos_commands/kernel/dmesg_-T",
            "a/sos_commands/process/ps_-elfL",
            "a/sos_commands/devices/udevadm_info_--export-db",
            "a/sos_commands/kubernetes/kubectl_get_-o_json_--namespace_shop_pods",
            "a/sos_commands/logs/journalctl_-l",
            "journalctl_-p_debug.txt",
            "kubectl_logs_--tail_-1_web.log",
            "kubectl logs -l app=web --tail=-1.log",
            "kubectl logs web-1 --since=1h.log",
            "journalctl_-n_all.txt",
            "journalctl_-n_2001.txt",
            "node-a/journalctl_--unit_kubelet_--since_7_days_ago_--no-pager",
            "logs/grep_5f4/app.log",
            "node-a/journalctl_-k_tail_-n_5000.txt",
            "node-a/kubectl_logs_head-1.txt",
            "namespaces/shop/pods/tail-n-1/logs/current.log",
            "node-a/kubelet.log",
            "",
        ] {
            assert_eq!(why(path), None, "{path}");
        }
    }
}
