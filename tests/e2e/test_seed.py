# SPDX-License-Identifier: Apache-2.0
"""Scenarios L1, L2 and L3 with real processes."""
import json
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

    def test_a_failed_release_begins_anew_when_it_is_wished_for_again(self):
        flag = self.server.path("fixed")
        seed = Seed(self.server, [script("one", "true")], tenants=1)
        seed.deploy()
        self.server.wait_ready(1, "1.0.0")
        broken = Seed(self.server, [script("one", "test -e %s" % flag)], tenants=1)
        self.server.apply(*broken.documents, broken.release("2.0.0"), broken.deployment("2.0.0"))
        self.server.wait_until("it is stalled", lambda: [
            i for i in self.server.items("installations") if condition(i, "Stalled") == "True"])
        self.server.apply(seed.deployment("1.0.0"))
        self.server.wait_ready(1, "1.0.0")
        open(flag, "w").close()
        self.server.apply(broken.deployment("2.0.0"))
        self.server.wait_ready(1, "2.0.0", 20)

    def test_a_deleted_task_keeps_its_locks_until_its_process_is_gone(self):
        pid, overlap = self.server.path("pid"), self.server.path("overlap")
        body = """
            if [ -s %(pid)s ] && kill -0 "$(cat %(pid)s)" 2>/dev/null; then echo yes > %(overlap)s; fi
            trap '' TERM
            echo $$ > %(pid)s
            i=0; while [ $i -lt 20 ]; do sleep 0.1; i=$((i + 1)); done
        """ % {"pid": pid, "overlap": overlap}
        seed = Seed(self.server, [script("stubborn", body)], tenants=1)
        seed.deploy()
        self.server.wait_until("the first attempt runs", lambda: os.path.exists(pid), 20)
        first = self.server.items("deploymenttasks")[0]["metadata"]
        self.server.tidectl("delete", "deploymenttask", first["name"])
        self.server.wait_ready(1, "1.0.0", 60)
        self.assertNotEqual(self.server.items("deploymenttasks")[0]["metadata"]["uid"], first["uid"])
        self.assertFalse(os.path.exists(overlap))

    def test_a_deleted_task_does_not_let_another_into_its_step_lock(self):
        path = self.server.path("flock")
        body = """
            exec 9> %s; flock -n 9 || echo "$TIDELOCK_TENANT" >> %s.double
            trap '' TERM
            i=0; while [ $i -lt 10 ]; do sleep 0.1; i=$((i + 1)); done
        """ % (path, path)
        lock = ("central-config", {"scope": "Target", "capacity": 1, "granularity": "Step"})
        seed = Seed(self.server, [script("alone", body, locks=[{"group": "central-config"}])], tenants=2, locks=[lock])
        seed.deploy()
        self.server.wait_until("the first runs", lambda: os.path.exists(path), 20)
        first = next(t for t in self.server.items("deploymenttasks") if t["status"]["phase"] == "Running")
        self.server.tidectl("delete", "deploymenttask", first["metadata"]["name"])
        self.server.wait_ready(2, "1.0.0", 60)
        self.assertFalse(os.path.exists(path + ".double"))

    def test_a_reference_to_nothing_uninstalls_nothing(self):
        seed = Seed(self.server, [script("one", "true")], tenants=2)
        seed.deploy()
        self.server.wait_ready(2, "1.0.0")
        for field in ("environmentRef", "projectRef"):
            wrong = seed.deployment("1.0.0")
            wrong["spec"][field] = {"name": "prdo"}
            self.server.apply(wrong)
            self.server.wait_until("the deployment is stalled", lambda: condition(
                self.server.get("tenantdeployment", "storefront-production"), "Stalled") == "True", 20)
            self.server.wait_until("the pairs say why", lambda: all(
                "prdo" in json.dumps(i.get("status", {}).get("blockedBy") or [])
                for i in self.server.items("installations")), 20)
            for tenant in seed.tenants:
                self.assertEqual(seed.receipt(tenant)["version"], "1.0.0")
        self.server.apply(seed.deployment("1.0.0"))
        self.server.wait_ready(2, "1.0.0")

    def test_a_tenant_that_leaves_is_removed_and_the_others_stay(self):
        seed = Seed(self.server, [script("one", "true")], tenants=3)
        seed.deploy()
        self.server.wait_ready(3, "1.0.0")
        self.server.tidectl("delete", "tenant", "tenant-02")
        self.server.wait_until("its installation is gone", lambda: len(self.server.items("installations")) == 2, 30)
        self.assertFalse(os.path.exists(os.path.dirname(seed.current("tenant-02"))))
        self.assertEqual(seed.receipt("tenant-01")["version"], "1.0.0")


if __name__ == "__main__":
    unittest.main()
