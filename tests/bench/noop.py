#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a task costs when its work costs nothing: 10 tenants × TIDELOCK_TARGETS targets (default 1,000),
one step `true` each, budget 10; against `xargs -P10` spawning `sh -c true` as often.

Prints tasks per second, the ratio, and durable writes per task (revisions of the store).
"""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import Seed, Server, ours, script  # noqa: E402


def revision(server):
    return int(json.loads(server.tidectl("get", "namespaces", "-o", "json").stdout)["metadata"]["resourceVersion"])


def main():
    targets = int(os.environ.get("TIDELOCK_TARGETS", "1000"))
    tasks = 10 * targets
    server = Server().start()
    try:
        seed = Seed(server, [script("noop", "true")])
        documents = [d for d in seed.documents if d["kind"] != "Target"]
        documents += [ours("Target", "t-%04d" % i, {
            "environments": ["production"], "executor": "Local", "installRoot": server.path("srv/%d" % i),
            "maxConcurrent": 10}, {"role": "web"}) for i in range(targets)]
        server.apply(*documents, seed.release("1.0.0"))
        # Targets are ready before the clock starts: their registration is not what is measured.
        server.wait_until("all targets are ready", lambda: all(
            (t.get("status", {}).get("conditions") or []) for t in server.items("targets")), 120)
        before, begin = revision(server), time.monotonic()
        server.apply(seed.deployment("1.0.0"))
        server.wait_until("all are ready", lambda: server.get("tenantdeployment", "storefront-production").get(
            "status", {}).get("ready") == tasks, 600)
        seconds = time.monotonic() - begin
        writes = revision(server) - before
    finally:
        server.close()
    begin = time.monotonic()
    subprocess.run("seq %d | xargs -P10 -I{} sh -c true" % tasks, shell=True, check=True)
    peer = time.monotonic() - begin
    print("no-op: tidelock %.0f tasks/s, xargs -P10 %.0f/s" % (tasks / seconds, tasks / peer))
    print("no-op ratio: %.3f; durable writes per task: %.2f" % (peer / seconds, writes / tasks))


if __name__ == "__main__":
    main()
