#!/usr/bin/env python3
"""Asks a real Prometheus what expressions mean.

    apt-get install prometheus
    ./make.py            # writes samples.txt and answers.jsonl beside itself

The samples are made up here, the same on every run, and written to an empty Prometheus on loopback by remote write, which
unlike the text formats can carry staleness markers. Then every line of expressions.txt is asked:

    instant SECONDS EXPRESSION
    range START END STEP EXPRESSION

Seconds count from BASE. Answers are one JSON object a line: the question, and `result` or `error`.
"""

import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = 1_609_459_200  # 2021-01-01 00:00:00 UTC
PORT = 19877


class Random:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) / 2**31


def samples():
    """Series as (labels, [(milliseconds after BASE, value or "stale")])."""
    random = Random(42)
    series = []

    def add(name, labels, points):
        series.append((dict(labels, __name__=name), points))

    def every(secs, values, start=0, jitter=0):
        points = []
        for at, value in enumerate(values):
            if value is None:
                continue
            moved = int(random.next() * jitter) if jitter else 0
            points.append(((start + at * secs) * 1000 + moved, value))
        return points

    # counters that grow at different paces, one with resets, one young, one large
    for job, instance, pace in [("api", "0", 5), ("api", "1", 11), ("web", "0", 2.5), ("web", "1", 40)]:
        total, values = 0.0, []
        for at in range(121):
            total += round(pace * random.next() * 2, 2)
            if instance == "1" and at in (40, 41, 90):
                total = round(3 * random.next(), 2)
            values.append(round(total, 2))
        labels = {"job": job, "instance": instance, "group": "canary" if instance == "1" else "production"}
        add("http_requests_total", labels, every(30, values, jitter=2000 if job == "web" else 0))
    add("young_total", {"job": "api"}, every(15, [1.0 + 7 * it for it in range(30)], start=1203))
    add("steep_total", {"job": "api"}, every(60, [50 + 400 * it for it in range(40)], start=607))
    add("large_total", {"job": "api"}, every(30, [1e15 + 12345 * it for it in range(121)]))

    # gauges: noise, odd values, falls, constants
    add("temp", {"room": "a"}, every(30, [round(20 + 5 * math.sin(it / 7) + random.next(), 3) for it in range(121)]))
    add("temp", {"room": "b"}, every(30, [round(-3 + 0.2 * it + random.next(), 3) for it in range(121)]))
    add("temp", {"room": "c"}, every(30, [7.0] * 121))
    odd = {10: math.nan, 11: math.nan, 30: math.inf, 31: -math.inf, 60: math.inf, 90: -0.0}
    add("odd", {"room": "a"}, every(30, [odd.get(it, round(random.next() * 10 - 5, 3)) for it in range(121)]))
    add("odd", {"room": "b"}, every(30, [math.nan] * 121))
    add("tiny", {}, every(30, [1e-9 * (it % 9) for it in range(121)]))
    add("huge", {}, every(30, [1e308 if it % 3 else -1e308 for it in range(121)]))
    add("steps", {}, every(30, [float((it * 7) % 5) for it in range(121)]))

    # ends: by a marker, by silence, and back again; sparse; irregular
    add("ends", {"how": "marker"}, every(30, [1.0 + it for it in range(40)] + ["stale"]))
    add("ends", {"how": "silence"}, every(30, [100.0 + it for it in range(40)]))
    back = [5.0 + it for it in range(30)] + ["stale"] + [None] * 20 + [50.0 + it for it in range(69)]
    add("ends", {"how": "back"}, every(30, back))
    add("sparse", {}, every(240, [float(it * it) for it in range(16)]))
    add("edge", {}, every(300, [float(it) for it in range(13)]))
    at, points = 0, []
    for it in range(100):
        at += 5000 + int(random.next() * 60000)
        points.append((at, round(it * 3 + random.next(), 3)))
    add("irregular_total", {"job": "x"}, [it for it in points if it[0] <= 3600_000])

    # histograms: whole, without its last bucket, not growing all along, of negative bounds, empty
    for job, pace in [("api", 1.0), ("web", 3.0)]:
        counts = [0.0] * 6
        rows = [[] for _ in counts]
        for at in range(61):
            for bucket in range(6):
                counts[bucket] += math.floor(pace * (bucket + 1) * (1 + at % 3))
                rows[bucket].append(counts[bucket])
        for bound, row in zip(["0.1", "0.25", "0.5", "1", "2.5", "+Inf"], rows):
            add("lat_bucket", {"job": job, "le": bound}, every(60, row))
        add("lat_count", {"job": job}, every(60, rows[5]))
        add("lat_sum", {"job": job}, every(60, [round(it * 0.37, 2) for it in rows[5]]))
    for bound, value in [("1", 5.0), ("2", 9.0)]:
        add("cut_bucket", {"le": bound}, every(60, [value] * 61))
    for bound, value in [("1", 5.0), ("2", 3.0), ("4", 9.0), ("+Inf", 10.0)]:
        add("bumpy_bucket", {"le": bound}, every(60, [value] * 61))
    for bound, value in [("-2", 5.0), ("-1", 7.0), ("0", 9.0), ("+Inf", 10.0)]:
        add("negative_bucket", {"le": bound}, every(60, [value] * 61))
    for bound in ["1", "2", "+Inf"]:
        add("empty_bucket", {"le": bound}, every(60, [0.0] * 61))
    for bound, value in [("1", 5.0), ("1.0", 2.0), ("+Inf", 10.0), ("what", 3.0)]:
        add("twice_bucket", {"le": bound}, every(60, [value] * 61))

    # one to many, many to one
    for node, most in [("n1", 1000.0), ("n2", 4000.0), ("n3", 9000.0)]:
        add("limit", {"node": node, "source": "kernel"}, every(60, [most] * 61))
        add("node_info", {"node": node, "kernel": "5.4" if node == "n1" else "6.1"}, every(60, [1.0] * 61))
    for node, pod in [("n1", "a"), ("n1", "b"), ("n2", "a"), ("n2", "c"), ("n4", "d")]:
        add("threads", {"node": node, "pod": pod}, every(60, [float(10 * (1 + it % 7) + len(pod) + ord(pod) - 90) for it in range(61)]))
    add("build", {"version": "1", "node": "n1"}, every(60, [1.5] * 61))
    add("build", {"version": "2", "node": "n2"}, every(60, [2.0] * 61))
    add("build", {"version": "3", "node": "n3"}, every(60, [2.0] * 61))
    add("when", {"what": "leap"}, every(60, [1582979696.0] * 61))
    add("when", {"what": "newyear"}, every(60, [1609459199.0] * 61))
    add("when", {"what": "old"}, every(60, [-86401.5] * 61))
    add("dotted", {"src": "host-7.example.org:9100", "dst": "kept"}, every(60, [3.0] * 61))
    add("dotted", {"src": "plain", "dst": "kept"}, every(60, [4.0] * 61))
    return series


def printed(value):
    if value == "stale":
        return "stale"
    return repr(value)


def write_samples(series, path):
    with open(path, "w") as out:
        for labels, points in series:
            name = labels["__name__"]
            rest = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
            out.write(f"{name}{{{rest}}} " + " ".join(f"{millis}:{printed(value)}" for millis, value in points) + "\n")


def varint(number):
    number &= 2**64 - 1
    found = bytearray()
    while True:
        byte = number & 0x7F
        number >>= 7
        if number:
            found.append(byte | 0x80)
        else:
            found.append(byte)
            return bytes(found)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def request(batch):
    """A WriteRequest of remote write."""
    message = b""
    for labels, points in batch:
        of = b"".join(field(1, field(1, key.encode()) + field(2, value.encode())) for key, value in sorted(labels.items()))
        for millis, value in points:
            number = STALE_BITS if value == "stale" else struct.pack("<d", value)
            of += field(2, b"\x09" + number + b"\x10" + varint(BASE * 1000 + millis))
        message += field(1, of)
    return message


STALE_BITS = struct.pack("<Q", 0x7FF0000000000002)


def snappy(data):
    """Snappy's block format, literals only."""
    out = varint(len(data))
    for at in range(0, len(data), 65536):
        part = data[at : at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return out


def load(series):
    step = 20 * 60_000
    for start in range(0, 4200_000, step):
        batch = []
        for labels, points in series:
            inside = [it for it in points if start <= it[0] < start + step]
            if inside:
                batch.append((labels, inside))
        if not batch:
            continue
        post = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/api/v1/write",
            data=snappy(request(batch)),
            headers={
                "Content-Encoding": "snappy",
                "Content-Type": "application/x-protobuf",
                "X-Prometheus-Remote-Write-Version": "0.1.0",
            },
        )
        urllib.request.urlopen(post).read()


def ask(line):
    kind, rest = line.split(" ", 1)
    if kind == "instant":
        at, expression = rest.split(" ", 1)
        path, query = "query", {"query": expression, "time": BASE + float(at)}
        question = {"at": float(at)}
    else:
        start, end, step, expression = rest.split(" ", 3)
        path = "query_range"
        query = {"query": expression, "start": BASE + float(start), "end": BASE + float(end), "step": float(step)}
        question = {"start": float(start), "end": float(end), "step": float(step)}
    question["query"] = expression
    url = f"http://127.0.0.1:{PORT}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    try:
        answer = json.loads(urllib.request.urlopen(url).read())
    except urllib.error.HTTPError as error:
        answer = json.loads(error.read())
    if answer["status"] != "success":
        question["error"] = answer["error"]
        return question
    kind, result = answer["data"]["resultType"], answer["data"]["result"]
    if kind == "scalar":
        result = [{"metric": {}, "value": result}]
    question["result"] = [
        [it["metric"], [[round((t - BASE) * 1000), v] for t, v in it.get("values") or [it["value"]]]] for it in result
    ]
    return question


def main():
    series = samples()
    write_samples(series, os.path.join(HERE, "samples.txt"))
    with open(os.path.join(HERE, "expressions.txt")) as file:
        lines = [it.strip() for it in file]
    lines = [it for it in lines if it and not it.startswith("#")]
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w") as out:
            out.write("global: { evaluation_interval: 1m }\n")
        server = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data", "--storage.tsdb.retention.time=100y",
             f"--web.listen-address=127.0.0.1:{PORT}", "--web.enable-remote-write-receiver", "--log.level=error",
             "--enable-feature=promql-at-modifier,promql-negative-offset"],
        )
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/-/ready").read()
                    break
                except OSError:
                    time.sleep(0.1)
            load(series)
            answers = [ask(it) for it in lines]
        finally:
            server.terminate()
            server.wait()
    with open(os.path.join(HERE, "answers.jsonl"), "w") as out:
        for it in answers:
            out.write(json.dumps(it, separators=(",", ":")) + "\n")
    failed = [it for it in answers if "error" in it]
    print(f"{len(answers)} answers, {len(failed)} of them refusals", file=sys.stderr)
    for it in failed:
        print(it["query"], "->", it["error"], file=sys.stderr)


if __name__ == "__main__":
    main()
