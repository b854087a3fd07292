use super::*;

#[test]
fn files_of_one_rotation() {
    let reach = |a: &str, b: &str| Series::of(a).reach(&Series::of(b));
    assert_eq!(reach("n/var/log/messages.1", "n/var/log/messages"), Some(Reach::Next));
    assert_eq!(reach("n/var/log/syslog.2.gz", "n/var/log/syslog.1"), Some(Reach::Next));
    assert_eq!(reach("n/kernel.log.1", "n/kernel.log"), Some(Reach::Next));
    assert_eq!(reach("n/messages-20250610.xz", "n/messages"), Some(Reach::Dated));
    let of = "j/9a7b/system@00060a-3f.journal~";
    assert_eq!(reach(of, "j/9a7b/system.journal"), Some(Reach::Dated));
    assert_eq!(reach("n/messages.2", "n/messages"), None, "one is missing between them");
    assert_eq!(reach("n/messages", "n/messages.1"), None);
    assert_eq!(reach("a/messages.1", "b/messages"), None);
    assert_eq!(reach("j/user-1000@1-2.journal", "j/system.journal"), None);
    assert_eq!(reach("n/before.log", "n/after.log"), None);
}

#[test]
fn what_was_collected_at_one_time() {
    assert_eq!(collection("node-a/journalctl_-b_-1.txt"), "node-a/");
    assert_eq!(
        collection("all/sosreport-a.tar.xz!/sosreport-a/sos_commands/x"),
        "all/sosreport-a.tar.xz!/sosreport-a/"
    );
    assert_eq!(collection("journalctl_-b.txt"), "");
}
