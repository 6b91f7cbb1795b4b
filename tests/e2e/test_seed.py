# SPDX-License-Identifier: Apache-2.0
"""Scenarios L1, L2 and L3 with real processes."""
import os
import unittest

from harness import Seed, ServerTest, condition, peak, script


class SeedTest(ServerTest):
    def steps(self, seconds=0.15, locked=None):
        return [script("step-%d" % (i + 1), self.trace.body("sleep %s" % seconds),
                       **({"locks": [{"group": "central-config", "mode": "Exclusive"}]} if locked == i + 1 else {}))
                for i in range(6)]

    def tasks(self):
        """{tenant: (begin of its first step, end of its last)}"""
        spans = {}
        for (tenant, _, _, _), (begin, end) in self.trace.intervals().items():
            first, last = spans.get(tenant, (begin, end))
            spans[tenant] = (min(first, begin), max(last, end))
        return spans

    def test_ten_tenants_of_one_target_run_at_once(self):
        seed = Seed(self.server, self.steps(), fetch=True)
        seed.deploy()
        self.server.wait_ready(10, "1.0.0")
        spans = self.tasks()
        self.assertEqual(len(spans), 10)
        self.assertEqual(peak(spans.values()), 10)
        self.assertEqual(len(self.trace.intervals()), 60)
        for tenant in seed.tenants:
            self.assertTrue(os.readlink(seed.current(tenant)).startswith("releases/1.0.0-"))
            with open(os.path.join(seed.current(tenant), "version")) as file:
                self.assertEqual(file.read(), "1.0.0")
            receipt = seed.receipt(tenant)
            self.assertEqual((receipt["version"], receipt["tenant"]), ("1.0.0", tenant))

    def test_a_second_apply_changes_nothing_and_the_next_release_upgrades_all(self):
        seed = Seed(self.server, self.steps(0.01), fetch=True)
        seed.deploy()
        self.server.wait_ready(10, "1.0.0")
        before = len(self.trace.lines())
        out = self.server.apply(*seed.documents, seed.release("1.0.0"), seed.deployment("1.0.0")).stdout
        self.assertNotIn("configured", out)
        self.assertNotIn("created", out)
        self.assertEqual(self.server.tidectl("plan", check=False).returncode, 0)
        self.server.apply(seed.release("1.1.0"), seed.deployment("1.1.0"))
        self.server.wait_ready(10, "1.1.0")
        self.assertEqual(len(self.trace.lines()), 2 * before)
        for tenant in seed.tenants:
            self.assertTrue(os.readlink(seed.current(tenant)).startswith("releases/1.1.0-"))

    def test_the_default_of_one_slot_serialises_tenants_and_says_so(self):
        seed = Seed(self.server, self.steps(0.1), max_concurrent=None)
        seed.deploy()

        def nine_wait():
            found = [i for i in self.server.items("installations")
                     if any(b["kind"] == "Lock" and b["name"] == "target/web-01/slots"
                            for b in i.get("status", {}).get("blockedBy") or [])]
            return found if len(found) == 9 else None

        waiting = self.server.wait_until("nine wait for the slots", nine_wait, 10)
        holders = {b["holder"] for i in waiting for b in i["status"]["blockedBy"]}
        self.assertEqual(len(holders), 1)
        why = self.server.tidectl("why", "tenant-10").stdout
        self.assertIn("waits for Lock target/web-01/slots", why)
        self.assertIn("held by", why)
        self.server.wait_ready(10, "1.0.0", 60)
        spans = self.tasks()
        self.assertEqual(peak(spans.values()), 1)
        order = [tenant for tenant, _ in sorted(spans.items(), key=lambda item: item[1])]
        self.assertEqual(order, seed.tenants)

    def test_a_step_lock_serialises_only_that_step(self):
        seed = Seed(self.server, self.steps(0.1, locked=3),
                    locks=[("central-config", {"scope": "Target", "capacity": 1, "granularity": "Step"})])
        seed.deploy()
        self.server.wait_ready(10, "1.0.0")
        intervals = self.trace.intervals()
        locked = sorted(span for (_, step, _, _), span in intervals.items() if step == "step-3")
        self.assertEqual(len(locked), 10)
        self.assertEqual(peak(locked), 1)
        self.assertEqual(peak(self.tasks().values()), 10)
        timeline = self.server.tidectl("timeline", "storefront-production").stdout
        for tenant in seed.tenants:
            self.assertIn(tenant, timeline)

    def test_a_budget_bounds_what_runs(self):
        seed = Seed(self.server, self.steps(0.05), budget=3)
        seed.deploy()
        self.server.wait_ready(10, "1.0.0")
        self.assertLessEqual(peak(list(self.trace.intervals().values())), 3)

    def test_a_failing_step_leaves_current_and_receipt_as_they_were(self):
        steps = self.steps(0.01)
        seed = Seed(self.server, steps, tenants=2, fetch=True)
        seed.deploy()
        self.server.wait_ready(2, "1.0.0")
        seed.steps[5] = script("step-6", 'echo "no such shop" >&2; exit 7')
        changed = Seed(self.server, seed.steps, tenants=2, fetch=True)
        self.server.apply(*changed.documents, seed.release("2.0.0"), seed.deployment("2.0.0"))

        def failed():
            found = self.server.items("installations")
            return all(condition(i, "Stalled") == "True" for i in found) and found
        self.server.wait_until("both are stalled", failed)
        for tenant in seed.tenants:
            self.assertTrue(os.readlink(seed.current(tenant)).startswith("releases/1.0.0-"))
            self.assertEqual(seed.receipt(tenant)["version"], "1.0.0")
        described = self.server.tidectl("describe", "installations").stdout
        self.assertIn("no such shop", described)


if __name__ == "__main__":
    unittest.main()
