# SPDX-License-Identifier: Apache-2.0
"""Health checks and drift with real scripts, requests and files."""
import http.server
import json
import os
import shutil
import threading
import time
import unittest

from harness import Seed, ServerTest, alive, script, unique_sleep


class Service:
    """What a health check asks over HTTP; answers with the code it is told."""

    def __init__(self):
        self.code = 200
        self.paths = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.paths.append(self.path)
                self.send_response(outer.code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def read(path):
    with open(path) as file:
        return file.read()


def check(what, interval="200ms", timeout="5s", threshold=2):
    return dict(what, interval=interval, timeout=timeout, failureThreshold=threshold)


def checked(seed, health):
    for document in seed.documents:
        if document["kind"] == "Project":
            document["spec"]["healthCheck"] = health
    return seed


class HealthTest(ServerTest):
    def task(self, name="storefront.production.tenant-01.web-01", attempt=1):
        return self.server.get("deploymenttask", "%s-%d" % (name, attempt))

    def until_health(self, healthy, attempt=1, seconds=20):
        def report():
            found = self.task(attempt=attempt).get("status", {}).get("health")
            return found if found and found["healthy"] == healthy else None
        return self.server.wait_until("health is %s" % healthy, report, seconds)

    def until_stalled(self, reason):
        def stalled():
            for one in self.server.items("installations")[0]["status"]["conditions"]:
                if one["type"] == "Stalled" and one["status"] == "True" and one["reason"] == reason:
                    return one
            return None
        return self.server.wait_until("the installation is stalled: " + reason, stalled, 20)

    def test_a_script_flips_health_and_back(self):
        flag, runs = self.server.path("broken"), self.server.path("runs")
        body = 'echo "$TIDELOCK_TENANT $TIDELOCK_RELEASE $PORT $TIDELOCK_INSTALL_DIR" >> %s\n' \
               'if test -e %s; then echo "no database" >&2; exit 3; fi' % (runs, flag)
        seed = checked(Seed(self.server, [script("one", "true")], tenants=1), check({"script": {"body": body}}))
        for document in seed.documents:
            if document["kind"] == "Tenant":
                document["spec"]["variables"] = [{"name": "port", "value": "9001"}]
        seed.deploy()
        self.server.wait_ready(1, "1.0.0")
        report = self.until_health(True)
        version = self.task()["metadata"]["resourceVersion"]
        before = len(read(runs).splitlines())
        self.server.wait_until("five more checks", lambda: len(read(runs).splitlines()) >= before + 5, 20)
        self.assertEqual(self.task()["metadata"]["resourceVersion"], version)  # written on change only
        tenant, release, port, folder = read(runs).splitlines()[0].split()
        self.assertEqual((tenant, release, port), ("tenant-01", "1.0.0", "9001"))
        self.assertTrue(os.path.isdir(folder))
        open(flag, "w").close()
        broken = self.until_health(False)
        self.assertEqual(broken["message"], "exit code 3: no database")
        self.assertGreater(broken["since"], report["since"])
        self.assertIn("no database", self.until_stalled("Unhealthy")["message"])
        os.remove(flag)
        self.until_health(True)
        self.server.wait_ready(1, "1.0.0")
        self.assertEqual(len(self.server.items("deploymenttasks")), 1)  # nothing was deployed again

    def test_an_http_check_flips_health_and_back(self):
        service = Service()
        self.addCleanup(service.close)
        url = "http://127.0.0.1:${port}/health/${tenant.name}"
        seed = checked(Seed(self.server, [script("one", "true")], tenants=1), check({"http": {"get": url}}))
        for document in seed.documents:
            if document["kind"] == "Tenant":
                document["spec"]["variables"] = [{"name": "port", "value": str(service.port)}]
        seed.deploy()
        self.server.wait_ready(1, "1.0.0")
        self.until_health(True)
        self.assertEqual(set(service.paths), {"/health/tenant-01"})
        service.code = 503
        self.assertIn("got 503, want 200", self.until_health(False)["message"])
        service.code = 200
        self.until_health(True)

    def test_a_check_that_hangs_is_killed_with_its_children(self):
        marker = unique_sleep(self)
        body = "setsid sleep %s & sleep %s" % (marker, marker)
        seed = checked(Seed(self.server, [script("one", "true")], tenants=1),
                       check({"script": {"body": body}}, interval="3s", timeout="500ms", threshold=1))
        seed.deploy()
        self.assertEqual(self.until_health(False)["message"], "no result after 500ms")
        self.server.wait_until("nothing is left of it", lambda: not alive(marker), 2)
        self.server.wait_until("the next one runs", lambda: len(alive(marker)) == 3)  # a shell, two sleeps
        self.server.kill()
        left = set(alive(marker))
        self.assertTrue(left)
        self.server.start()
        self.server.wait_until("what the first server left is gone", lambda: not left & set(alive(marker)), 20)

    def test_no_check_runs_while_a_newer_task_does(self):
        log = self.server.path("checks")
        body = 'echo "$TIDELOCK_RELEASE begin $(date +%%s%%N)" >> %s; sleep 0.1' % log
        steps = [script("one", self.trace.body("sleep 1.5"))]
        seed = checked(Seed(self.server, steps, tenants=1), check({"script": {"body": body}}, interval="100ms"))
        seed.deploy()
        self.until_health(True)
        self.server.apply(seed.release("2.0.0"), seed.deployment("2.0.0"))
        self.until_health(True, attempt=2)
        begin, end = self.trace.intervals()[("tenant-01", "one", "2.0.0", "2")]
        checks = [(release, int(at) / 1e9) for release, _, at in map(str.split, read(log).splitlines())]
        self.assertEqual([one for one in checks if begin < one[1] < end], [])
        self.assertTrue(all(at < begin for release, at in checks if release == "1.0.0"))
        self.assertTrue(all(at > end for release, at in checks if release == "2.0.0"))
        self.assertGreater(len(checks), 2)


class DriftTest(ServerTest):
    extra = ("--allow-local-executor", "--drift-interval", "1s")

    def drift(self):
        return self.server.get("deploymenttask", "storefront.production.tenant-01.web-01-1")["status"].get("drift")

    def until_drift(self, message):
        def found():
            drift = self.drift()
            return drift if drift and message in drift["message"] else None
        return self.server.wait_until("drift: " + message, found, 20)

    def until_right(self):
        self.server.wait_until("no drift", lambda: self.drift() is None, 20)

    def test_what_other_hands_change_is_reported_until_it_is_right_again(self):
        seed = Seed(self.server, [script("one", "true")], tenants=1, fetch=True)
        # Reported, not put right: the test does that itself.
        for document in seed.documents:
            if document["kind"] == "Project":
                document["spec"]["drift"] = {"mode": "Report"}
        seed.deploy()
        self.server.wait_ready(1, "1.0.0")
        time.sleep(1.5)
        self.assertIsNone(self.drift())
        current = seed.current("tenant-01")
        receipt = os.path.join(os.path.dirname(current), "receipt.json")
        link = os.readlink(current)

        os.rename(receipt, receipt + ".away")
        first = self.until_drift("receipt.json is missing")
        os.rename(receipt + ".away", receipt)
        self.until_right()

        os.mkdir(os.path.join(os.path.dirname(current), "releases", "mine"))
        os.remove(current)
        os.symlink("releases/mine", current)
        second = self.until_drift("current points to releases/mine, not to " + link)
        self.assertGreaterEqual(second["since"], first["since"])
        os.remove(current)
        self.until_drift("current is missing or no link")
        self.assertEqual(self.drift()["since"], second["since"])
        os.symlink(link, current)
        self.until_right()

        other = json.loads(read(receipt))
        with open(receipt, "w") as file:
            json.dump(dict(other, version="0.9.0", digest="sha256:" + "0" * 64), file)
        third = self.until_drift("receipt.json names release 0.9.0, not 1.0.0")
        self.assertEqual((third["version"], third["digest"]), ("0.9.0", "sha256:" + "0" * 64))

        # Seen at once by an agent that starts.
        self.server.kill()
        with open(receipt, "w") as file:
            json.dump(other, file)
        shutil.rmtree(os.path.join(os.path.dirname(current), link))
        self.server.start()
        self.until_drift("the release folder %s is missing" % link)

    def test_drift_is_put_right_where_the_project_says_so(self):
        seed = Seed(self.server, [script("one", self.trace.body("true"))], tenants=2, fetch=True)
        for document in seed.documents:
            if document["kind"] == "Project":
                document["spec"]["drift"] = {"mode": "Correct"}
        seed.deploy()
        self.server.wait_ready(2, "1.0.0")
        current = seed.current("tenant-01")
        os.remove(current)
        os.symlink("/nowhere", current)
        self.server.wait_until("current is right again", lambda: os.path.exists(os.path.join(current, "version")), 20)
        self.server.wait_ready(2, "1.0.0")
        newest = self.server.get("deploymenttask", "storefront.production.tenant-01.web-01-2")
        self.assertEqual(newest["spec"]["action"], "Redeploy")
        self.assertNotIn("drift", newest["status"])
        self.assertEqual(sorted((tenant, attempt) for tenant, _, _, attempt in self.trace.intervals()),
                         [("tenant-01", "1"), ("tenant-01", "2"), ("tenant-02", "1")])
        self.assertEqual(len(self.server.items("rollouts")), 1)


if __name__ == "__main__":
    unittest.main()
