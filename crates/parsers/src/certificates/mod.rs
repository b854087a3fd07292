//! Certificates and when they stop being valid: PEM, `openssl x509`, `kubeadm certs check-expiration`.
//!
//! ```text
//! -----BEGIN CERTIFICATE-----
//!             Not After : Jul 22 03:02:13 2023 GMT
//! apiserver                  Jul 24, 2023 03:02 UTC   <invalid>       ca                      no
//! ```
//!
//! One row a certificate; its instant is the end of its validity. Keys and requests are known for what they are and say
//! nothing. Skipped: extensions other than the mark of an authority, signatures. Time: UTC, as all of these print it.
//!
//! Source: RFC 5280, RFC 7468, `man 1 openssl-x509`, kubeadm's cmd/certs.go.

mod printed;

use chrono::{DateTime, TimeDelta, Utc};
use timeline::{MemberRecords, Quote, Row, Span, Stamp, relation};
use x509_cert::Certificate;
use x509_cert::der::DecodePem;
use x509_cert::ext::pkix::BasicConstraints;

use crate::state::State;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "certificates",
    produced_by: "cat *.crt *.pem, openssl x509 -text|-dates, kubeadm certs check-expiration",
    samples: &[
        concat!(
            "-----BEGIN CERTIFICATE-----\n",
            "MIIBiDCCAS+gAwIBAgIBATAKBggqhkjOPQQDAjA0MRkwFwYDVQQDDBBrdWJlcm5l\n",
            "dGVzLWFkbWluMRcwFQYDVQQKDA5zeXN0ZW06bWFzdGVyczAeFw0yMjA3MjIwMzAy\n",
            "MTNaFw0yMzA3MjIwMzAyMTNaMDQxGTAXBgNVBAMMEGt1YmVybmV0ZXMtYWRtaW4x\n",
            "FzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD\n",
            "QgAE5HzQr58LceOCpytnQMtpKFLJDnRKlUtBIaHxRw6urssziT5wsJv9m10w4ciY\n",
            "yO1SV+MC11u4E4CgpLqfylAteaMyMDAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4E\n",
            "FgQU1K6FHspgecTm07apmtdOguZHmUswCgYIKoZIzj0EAwIDRwAwRAIgVTws0mOv\n",
            "2t6oEZy7pTuwsxCJlBM2JHRC9ioLLJqh7/MCIDhlCjNQfdnDJKgMbqwMZTknAQaW\n",
            "T9J5N2ggt4jB2HGA\n",
            "-----END CERTIFICATE-----\n",
        ),
        concat!(
            "Certificate:\n    Data:\n        Version: 3 (0x2)\n",
            "        Issuer: CN = kubernetes\n        Validity\n",
            "            Not Before: Jul 22 03:02:13 2022 GMT\n            Not After : Jul 22 03:02:13 2023 GMT\n",
            "        Subject: O = system:masters, CN = kubernetes-admin\n",
            "        X509v3 extensions:\n            X509v3 Basic Constraints: critical\n                CA:FALSE\n",
        ),
        "notBefore=Jul 22 03:02:13 2022 GMT\nnotAfter=Jul 22 03:02:13 2023 GMT\nsubject=CN = kube-apiserver\n",
        concat!(
            "CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED\n",
            "admin.conf                 Jul 24, 2024 03:02 UTC   364d            ca                      no      \n",
            "apiserver                  Jul 23, 2023 03:02 UTC   <invalid>       ca                      no      \n\n",
            "CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED\n",
            "ca                      Jul 21, 2033 03:02 UTC   9y              no      \n",
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// A PEM block longer than this is no certificate.
const MOST_BYTES: usize = 64 * 1024;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let Some(first) = lines.next() else { return Certainty::No };
    // objects may hold bundles of authorities, old ones among them: that is no certificate in use
    if first == "---" || ["apiVersion:", "kind:", "items:", "{", "- apiVersion:"].iter().any(|it| first.starts_with(it)) {
        return Certainty::No;
    }
    // certificates may have a line or a text about each above them
    let pem = || sniff.text.lines().take(400).any(|it| label(it).is_some());
    if label(first).is_some() || printed::begins(sniff.text) {
        Certainty::Sure
    } else if pem() && sniff.share(400, in_pem) >= 0.8 {
        Certainty::Likely
    } else {
        Certainty::No
    }
}

/// `-----BEGIN CERTIFICATE-----`
fn label(line: &str) -> Option<&str> {
    line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

fn in_pem(line: &str) -> bool {
    let line = line.trim();
    let code = |it: &str| it.len() >= 4 && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"+/=".contains(&it));
    line.starts_with("-----") || code(line)
}

/// A certificate as far as a source tells.
#[derive(Default)]
struct Found {
    subject: Option<String>,
    issuer: Option<String>,
    not_before: Option<DateTime<Utc>>,
    not_after: Option<DateTime<Utc>>,
    authority: Option<bool>,
    path: Option<String>,
}

impl Found {
    fn push(self, quote: Quote, resolution: TimeDelta, state: &mut State<'_, '_, '_>) {
        let text = |it: Option<DateTime<Utc>>| it.map(|it| it.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        let row = Row::new(&relation::CERTIFICATE)
            .with("subject", self.subject)
            .with("issuer", self.issuer)
            .with("not_before", text(self.not_before))
            .with("not_after", text(self.not_after))
            .with("authority", self.authority)
            .with("path", self.path.or_else(|| Some(state.input.origin.path.to_string())));
        let stamp = self.not_after.map_or(Stamp::None, |at| Stamp::Exact { at, resolution, offset_secs: None });
        state.fact(timeline::Fact::new(row, state.input.origin.node.clone(), quote), stamp);
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    if printed::begins(input.text) {
        printed::read(&mut state);
    } else {
        read_pem(&mut state);
    }
}

fn read_pem<'t>(state: &mut State<'_, 't, '_>) {
    let text = state.input.text;
    let mut open: Option<(Line<'t>, bool)> = None;
    state.each(|state, line| {
        if let Some(label) = label(line.text) {
            open = Some((*line, matches!(label, "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE")));
            return true;
        }
        if line.text.trim().starts_with("-----END ") {
            let Some((first, certificate)) = open.take() else { return false };
            let end = (line.start as usize + line.text.len()).min(text.len());
            let block = text.get(first.start as usize..end).unwrap_or_default();
            return !certificate || read_block(block, &first, state);
        }
        open.is_some() && in_pem(line.text) || open.is_some() && line.text.contains(": ")
    });
}

fn read_block(block: &str, first: &Line<'_>, state: &mut State<'_, '_, '_>) -> bool {
    // it may stand indented in what holds it
    let decode = || Certificate::from_pem(block.lines().map(str::trim).collect::<Vec<_>>().join("\n")).ok();
    let decoded = (block.len() <= MOST_BYTES).then(decode).flatten();
    let Some(certificate) = decoded else {
        state.issue(first.number, "a certificate that cannot be decoded");
        return false;
    };
    let tbs = certificate.tbs_certificate();
    let instant = |it: x509_cert::time::Time| DateTime::from_timestamp(it.to_unix_duration().as_secs() as i64, 0);
    let constraints = tbs.get_extension::<BasicConstraints>().ok().flatten();
    let found = Found {
        subject: Some(tbs.subject().to_string()),
        issuer: Some(tbs.issuer().to_string()),
        not_before: instant(tbs.validity().not_before),
        not_after: instant(tbs.validity().not_after),
        authority: Some(constraints.is_some_and(|(_, it)| it.ca)),
        path: None,
    };
    let span = Span {
        member: state.input.origin.member,
        start: first.start,
        len: first.text.len() as u32,
        line: first.number,
    };
    found.push(Quote { span, text: first.text.into() }, TimeDelta::seconds(1), state);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, "etc/kubernetes/pki/x.crt", text);
        facts(&out, "certificate")
            .map(|it| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ").replace("unknown", "-"))
            .collect()
    }

    #[test]
    fn every_source_tells_the_end() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["O=system:masters,CN=kubernetes-admin | O=system:masters,CN=kubernetes-admin | 2022-07-22T03:02:13Z | \
             2023-07-22T03:02:13Z | true | etc/kubernetes/pki/x.crt"]
        );
        assert_eq!(
            rows(FORMAT.samples[1]),
            ["O = system:masters, CN = kubernetes-admin | CN = kubernetes | 2022-07-22T03:02:13Z | 2023-07-22T03:02:13Z | \
             false | etc/kubernetes/pki/x.crt"]
        );
        assert_eq!(
            rows(FORMAT.samples[2]),
            ["CN = kube-apiserver | - | 2022-07-22T03:02:13Z | 2023-07-22T03:02:13Z | - | etc/kubernetes/pki/x.crt"]
        );
        assert_eq!(
            rows(FORMAT.samples[3]),
            [
                "admin.conf | ca | - | 2024-07-24T03:02:00Z | false | admin.conf",
                "apiserver | ca | - | 2023-07-23T03:02:00Z | false | apiserver",
                "ca | - | - | 2033-07-21T03:02:00Z | true | ca"
            ]
        );
    }

    #[test]
    fn what_is_broken_is_an_issue_and_keys_say_nothing() {
        let broken = FORMAT.samples[0].replace("MIIB", "MIIX");
        let out = read_at(&FORMAT, "x", &broken);
        assert_eq!((facts(&out, "certificate").count(), out.issues.len()), (0, 1));
        let key = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(sniff_certainty(&FORMAT, "x", key), Certainty::Sure);
        let out = read_at(&FORMAT, "x", key);
        assert_eq!((out.tally.understood, out.records.len()), (3, 0));
        let yaml = "apiVersion: v1\nkind: Secret\ndata:\n  x: |\n    -----BEGIN CERTIFICATE-----\n  y: 1\n  z: 2\n";
        assert_eq!(sniff_certainty(&FORMAT, "x", yaml), Certainty::No);
    }
}
