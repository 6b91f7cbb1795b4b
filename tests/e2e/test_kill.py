# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the server at random instants while ten tenants deploy with a locked step (L3).

TIDELOCK_KILLS says how many (default 20), TIDELOCK_SEED which random ones.
"""
import json
import os
import random
import time
import unittest

from harness import Seed, Server, Trace, peak, script


class KillTest(unittest.TestCase):
    def test_a_killed_server_loses_nothing_and_repeats_nothing(self):
        kills = int(os.environ.get("TIDELOCK_KILLS", "20"))
        seed_number = int(os.environ.get("TIDELOCK_SEED", "1"))
        chance = random.Random(seed_number)
        server = Server().start()
        self.addCleanup(server.close)
        trace = Trace(server.path("trace"))
        steps = [script("step-%d" % (i + 1), trace.body("sleep 0.05"),
                        **({"locks": [{"group": "central-config", "mode": "Exclusive"}]} if i == 2 else {}))
                 for i in range(6)]
        seed = Seed(server, steps, fetch=True,
                    locks=[("central-config", {"scope": "Target", "capacity": 1, "granularity": "Step"})])
        version = 0
        acknowledged = []
        done = 0
        while done < kills:
            version += 1
            text = "1.%d.0" % version
            deployment = seed.deployment(text)
            deployment["spec"]["rollout"] = {"retry": {"limit": 50, "backoff": {"initial": "50ms", "max": "200ms"}}}
            server.apply(*(seed.documents if version == 1 else []), seed.release(text), deployment)
            for _ in range(min(4, kills - done)):
                # An acknowledged write right before the kill must be there afterwards.
                marker = "marker-%d" % done
                time.sleep(chance.uniform(0.0, 0.6))
                server.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": marker},
                                         "data": {"n": str(done)}}))
                acknowledged.append(marker)
                server.kill()
                self.check_current(seed)
                server.start()
                done += 1
            server.wait_ready(10, text, 120)
            self.check_current(seed)
        found = {item["metadata"]["name"] for item in server.items("configmaps")}
        self.assertEqual([m for m in acknowledged if m not in found], [])
        self.check_trace(trace)
        print("seed %d: %d kills, %d releases, %d steps run" % (seed_number, done, version, len(trace.intervals())))

    def check_current(self, seed):
        """`current` is absent or names one complete release, whenever one looks."""
        for tenant in seed.tenants:
            link = seed.current(tenant)
            if not os.path.islink(link):
                continue
            version = os.readlink(link).split("/")[1].split("-")[0]
            with open(os.path.join(link, "version")) as file:
                self.assertEqual(file.read(), version)
            with open(os.path.join(link, "data")) as file:
                self.assertEqual(file.read(), version * 1000)

    def check_trace(self, trace):
        intervals = trace.intervals()  # raises if a step of an attempt began twice
        locked = [span for (_, step, _, _), span in intervals.items() if step == "step-3"]
        self.assertNotIn(None, [end for _, end in locked])  # killed servers do not kill steps
        self.assertEqual(peak(locked), 1)


if __name__ == "__main__":
    unittest.main()
