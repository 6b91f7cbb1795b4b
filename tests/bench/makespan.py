#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makespan of ten tenants whose fifth step is locked, against `make -j10` + `flock` on the same commands.

Prints the medians of TIDELOCK_RUNS runs (default 5), taken in turn, and their ratio. Ideal: 2.4 s.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import Seed, Server, script  # noqa: E402

SECONDS = [0.3, 0.2, 0.2, 0.5, 0.1, 0.2]
LOCKED = 4


def make_run(folder):
    """Tenants are independent targets; the steps of one follow each other."""
    lock = os.path.join(folder, "lock")
    lines = []
    for tenant in range(10):
        for i, seconds in enumerate(SECONDS):
            name = "t%d.%d" % (tenant, i)
            before = "t%d.%d" % (tenant, i - 1) if i else ""
            command = "sleep %s" % seconds
            if i == LOCKED:
                command = "flock %s %s" % (lock, command)
            lines.append("%s: %s\n\t@%s\n" % (name, before, command))
    last = " ".join("t%d.%d" % (t, len(SECONDS) - 1) for t in range(10))
    path = os.path.join(folder, "Makefile")
    with open(path, "w") as file:
        file.write("all: %s\n%s.PHONY: all\n" % (last, "".join(lines)))
    begin = time.monotonic()
    subprocess.run(["make", "-s", "-j10", "-f", path], check=True)
    return time.monotonic() - begin


def tidelock_run(server, seed, number):
    """From the acknowledged wish to the last step's end, as the tasks tell it."""
    version = "1.0.%d" % number
    server.apply(seed.release(version))
    begin = time.time()
    server.apply(seed.deployment(version))
    server.wait_ready(10, version)
    tasks = [t for t in server.items("deploymenttasks") if t["spec"]["version"] == version]
    assert len(tasks) == 10
    starts = [parse(t["status"]["startedAt"]) for t in tasks]
    ends = [parse(t["status"]["finishedAt"]) for t in tasks]
    return max(ends) - min(starts), max(ends) - begin


def parse(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main():
    runs = int(os.environ.get("TIDELOCK_RUNS", "5"))
    steps = [script("step-%d" % (i + 1), "sleep %s" % seconds,
                    **({"locks": [{"group": "central-config", "mode": "Exclusive"}]} if i == LOCKED else {}))
             for i, seconds in enumerate(SECONDS)]
    server = Server().start()
    ours, with_request, theirs = [], [], []
    try:
        seed = Seed(server, steps,
                    locks=[("central-config", {"scope": "Target", "capacity": 1, "granularity": "Step"})])
        server.apply(*seed.documents)
        with tempfile.TemporaryDirectory() as folder:
            for number in range(runs):
                theirs.append(make_run(folder))
                span, whole = tidelock_run(server, seed, number)
                ours.append(span)
                with_request.append(whole)
    finally:
        server.close()
    a, w, b = (statistics.median(x) for x in (ours, with_request, theirs))
    print("makespan: tidelock %.3f s (%.3f s from the request), make -j10 + flock %.3f s, ideal 2.400 s" % (a, w, b))
    print("makespan ratio: %.3f (from the request: %.3f), median of %d runs" % (a / b, w / b, runs))


if __name__ == "__main__":
    main()
