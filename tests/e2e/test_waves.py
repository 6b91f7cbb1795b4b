# SPDX-License-Identifier: Apache-2.0
"""Waves, gates and rollback with real processes: the scenarios R1, R3, R9, R13 and R15."""
import datetime
import os
import time
import unittest

from harness import Seed, ServerTest, alive, condition, ours, script, unique_sleep

PROJECT = "storefront"


def name_of(tenant):
    return "storefront.production.%s.web-01" % tenant


class WavesTest(ServerTest):
    def seed(self, body, tenants, health=None, interval="100ms", threshold=100):
        """Tenants of which the first is the canary; one step, traced."""
        seed = Seed(self.server, [script("one", self.trace.body(body))], tenants=tenants)
        for document in seed.documents:
            if document["kind"] == "Tenant" and document["metadata"]["name"] == "tenant-01":
                document["metadata"]["labels"]["ring"] = "canary"
            if document["kind"] == "Project" and health:
                document["spec"]["healthCheck"] = {"script": {"body": health}, "interval": interval,
                                                   "timeout": "5s", "failureThreshold": threshold}
        return seed

    def wish(self, seed, version, rollout):
        deployment = seed.deployment(version)
        deployment["spec"]["rollout"] = rollout
        self.server.apply(seed.release(version), deployment)

    def begun(self, version):
        """{tenant: when its first attempt at the release began}"""
        found = {}
        for (tenant, _, release, _), (begin, _) in self.trace.intervals().items():
            if release == version:
                found[tenant] = min(begin, found.get(tenant, begin))
        return found

    def task(self, tenant, attempt):
        return self.server.get("deploymenttask", "%s-%d" % (name_of(tenant), attempt))

    def rollout(self, version):
        found = [r for r in self.server.items("rollouts") if r["spec"]["version"] == version]
        return max(found, key=lambda r: r["metadata"]["creationTimestamp"]) if found else None

    def until_rollout(self, version, phase, seconds=30):
        def reached():
            found = self.rollout(version)
            return found if found and found.get("status", {}).get("phase") == phase else None
        return self.server.wait_until("rollout of %s is %s" % (version, phase), reached, seconds)

    def test_r1_only_the_new_release_s_own_health_opens_the_next_wave(self):
        health = "test -e %s/ok-$TIDELOCK_RELEASE" % self.server.folder
        open(self.server.path("ok-1.0.0"), "w").close()
        seed = self.seed("true", 4, health)
        self.server.apply(*seed.documents)
        self.wish(seed, "1.0.0", {})
        self.server.wait_ready(4, "1.0.0")
        self.wish(seed, "2.0.0", {"minHealthy": "1s", "waves": [
            {"name": "canary", "tenants": {"matchLabels": {"ring": "canary"}}}, {"name": "rest"}]})
        self.server.wait_until("the canary has it", lambda: self.task("tenant-01", 2)["status"].get("reportedVersion")
                               == "2.0.0", 20)
        time.sleep(2)  # the others go on to report that 1.0.0 is healthy
        self.assertEqual(set(self.begun("2.0.0")), {"tenant-01"})
        self.assertTrue(self.task("tenant-02", 1)["status"]["health"]["healthy"])
        self.assertNotIn("health", self.task("tenant-01", 2)["status"])
        waves = self.rollout("2.0.0")["status"]["waves"]
        self.assertEqual([w["phase"] for w in waves], ["Running", "Pending"])
        blocked = self.server.get("installation", name_of("tenant-02"))["status"]["blockedBy"]
        self.assertEqual(blocked[0]["kind"], "Wave")
        healthy_from = time.time()
        open(self.server.path("ok-2.0.0"), "w").close()
        self.server.wait_ready(4, "2.0.0")
        begun = self.begun("2.0.0")
        for tenant in ("tenant-02", "tenant-03", "tenant-04"):
            self.assertGreaterEqual(begun[tenant] - healthy_from, 1.0)
        self.until_rollout("2.0.0", "Succeeded")

    def test_r3_a_hung_task_frees_its_slot_in_time_and_its_pair_when_it_is_dead(self):
        marker = unique_sleep(self)
        body = """
            if [ "$TIDELOCK_TENANT" = tenant-01 ] && [ "$TIDELOCK_RELEASE" = 1.0.0 ]; then
              trap '' TERM
              setsid sh -c "trap '' TERM; sleep %(marker)s" &
              sleep %(marker)s
            fi
            if pgrep -f '^sleep %(marker)s' > /dev/null && [ "$TIDELOCK_TENANT" = tenant-01 ]; then
              echo yes > %(overlap)s
            fi
        """ % {"marker": marker, "overlap": self.server.path("overlap")}
        seed = self.seed(body, 3)
        self.server.apply(*seed.documents)
        self.wish(seed, "1.0.0", {"concurrency": 1, "maxFailures": 1, "taskTimeout": "2s"})
        told = self.server.wait_until("the agent says that its time is up", lambda: (
            lambda task: task if task.get("status", {}).get("reason") == "TaskTimeout" else None)(
                self.task("tenant-01", 1)), 20)
        self.assertIn(told["status"]["phase"], ("Running", "Orphaned"))
        self.assertTrue(alive(marker))
        locks = self.server.tidectl("locks").stdout
        self.assertIn(name_of("tenant-01") + "-1", locks)
        # The slot is free while the process lives; the failure counts once.
        self.server.wait_until("the second runs", lambda: "tenant-02" in self.begun("1.0.0"), 10)
        begun = self.begun("1.0.0")
        self.assertGreaterEqual(begun["tenant-02"] - begun["tenant-01"], 1.5)  # its time began before its trace
        self.assertLess(begun["tenant-02"] - begun["tenant-01"], 6)
        self.assertNotIn(self.task("tenant-01", 1)["status"]["phase"], ("TimedOut", "Failed"))
        # A second attempt waits for the proof.
        self.wish(seed, "2.0.0", {})
        self.server.wait_ready(3, "2.0.0", 60)
        self.assertFalse(os.path.exists(self.server.path("overlap")))
        self.assertEqual(alive(marker), [])
        ended = self.task("tenant-01", 1)["status"]
        self.assertEqual((ended["phase"], ended["reason"]), ("TimedOut", "TaskTimeout"))

    def test_r9_a_window_that_closes_lets_finish_and_opens_again_by_itself(self):
        seed = self.seed("sleep 1", 6)
        now = time.time()
        closed, opened = now + 3, now + 8

        def text(at):
            return datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        window = ours("DeploymentWindow", "freeze", {
            "kind": "Deny", "schedule": "* * * * *", "timeZone": "Europe/Berlin", "duration": "2m",
            "from": text(closed), "until": text(opened)})
        self.server.apply(window, *seed.documents)
        self.wish(seed, "1.0.0", {"concurrency": 1})
        def blocked():
            found = [b for i in self.server.items("installations")
                     for b in i.get("status", {}).get("blockedBy") or [] if b["kind"] == "Window"]
            return found
        reasons = self.server.wait_until("the window blocks", blocked, 10)
        self.assertEqual({r["name"] for r in reasons}, {"freeze"})
        self.assertTrue(reasons[0]["until"].startswith(text(opened)[:-1]), reasons[0])
        self.assertIn("freeze", self.server.tidectl("why", "tenant-06").stdout)
        self.server.wait_ready(6, "1.0.0", 30)
        spans = self.trace.intervals()
        self.assertEqual(len(spans), 6)  # what ran when it closed has finished
        during = [b for b, _ in spans.values() if int(closed) + 0.5 < b < int(opened)]
        self.assertEqual(during, [])
        self.assertTrue(any(b < int(closed) + 0.5 for b, _ in spans.values()))
        self.until_rollout("1.0.0", "Succeeded")

    def test_r13_each_pair_goes_back_to_its_own_release_and_stays_there(self):
        regressed = self.server.path("regressed")
        health = '! { test "$TIDELOCK_RELEASE" = 2.0.0 && test "$TIDELOCK_TENANT" = tenant-02 && test -e %s; }' % regressed
        body = 'test "$TIDELOCK_TENANT-$TIDELOCK_RELEASE" != tenant-03-1.0.0 || exit 1'
        seed = self.seed(body, 3, health, threshold=2)
        self.server.apply(*seed.documents)
        self.wish(seed, "0.9.0", {})
        self.server.wait_ready(3, "0.9.0")
        self.wish(seed, "1.0.0", {})
        self.server.wait_ready(2, "1.0.0")
        self.wish(seed, "2.0.0", {"soak": "1m", "maxFailures": 0, "onFailure": "RollbackAll"})
        self.server.wait_ready(3, "2.0.0")
        open(regressed, "w").close()
        self.until_rollout("2.0.0", "RolledBack", 40)

        def versions():
            return {tenant: seed.receipt(tenant)["version"] for tenant in seed.tenants}
        own = {"tenant-01": "1.0.0", "tenant-02": "1.0.0", "tenant-03": "0.9.0"}
        self.assertEqual(versions(), own)
        holds = self.server.items("releaseholds")
        self.assertEqual([h["spec"]["version"] for h in holds], ["2.0.0"])
        deployment = self.server.get("tenantdeployment", "storefront-production")
        self.assertEqual(deployment["spec"]["release"]["version"], "2.0.0")
        self.assertEqual(condition(deployment, "Ready"), "False")
        before = len(self.trace.lines())
        time.sleep(2)
        self.server.kill()
        self.server.start()
        time.sleep(2)
        self.assertEqual(len(self.trace.lines()), before)
        self.assertEqual(versions(), own)
        self.assertEqual(len(self.server.items("releaseholds")), 1)

    def test_r15_a_server_killed_around_a_dispatch_runs_each_attempt_once(self):
        seed = self.seed("sleep 0.3", 6)
        self.server.apply(*seed.documents)
        rollout = {"waves": [{"name": "canary", "tenants": {"matchLabels": {"ring": "canary"}}},
                             {"name": "rest", "concurrency": 2}],
                   "retry": {"limit": 50, "backoff": {"initial": "50ms", "max": "200ms"}}}
        # Right after the wish, after a dispatch, and after the end of a step.
        moments = [None, "begin", "end"] * 2
        for number, moment in enumerate(moments):
            version = "1.%d.0" % number
            self.wish(seed, version, rollout)
            if moment:
                self.server.wait_until(moment, lambda: any(
                    line[2] == version and line[4] == moment for line in self.trace.lines()), 20)
            self.server.kill()
            before = len(self.trace.lines())
            killed = time.monotonic()
            self.server.start()
            self.server.wait_until("it goes on", lambda: any(
                line[4] == "begin" for line in self.trace.lines()[before:]), 20)
            self.assertLess(time.monotonic() - killed, 5 * float(os.environ.get("TIDELOCK_SLOWNESS", "1")))
            self.server.wait_ready(6, version, 60)
            done = self.until_rollout(version, "Succeeded")
            self.assertEqual([w["succeeded"] for w in done["status"]["waves"]], [1, 5])
            self.assertEqual([w.get("failed", 0) for w in done["status"]["waves"]], [0, 0])
        self.trace.intervals()  # raises if an attempt ran twice


if __name__ == "__main__":
    unittest.main()
