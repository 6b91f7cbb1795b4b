# SPDX-License-Identifier: Apache-2.0
"""A real `tidelock server` in a temporary folder, and the seed's objects to give to it.

TIDELOCK_BUILD names the build folder (default: build/ of the source tree). Scripts of steps write
what they do to a file of the test, so the truth does not come from the program under test.
"""
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TIDELOCK_BUILD", os.path.join(ROOT, "build"))
# Sanitizer builds are slower: every deadline is multiplied.
SLOWNESS = float(os.environ.get("TIDELOCK_SLOWNESS", "1"))


class Server:
    """One server with its data folder; start(), kill() and start() again as often as wanted."""

    def __init__(self, folder=None, extra=("--allow-local-executor",)):
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="tidelock-e2e-")
        self.data = os.path.join(self.folder, "data")
        self.kubeconfig = os.path.join(self.data, "admin.kubeconfig")
        self.log_path = os.path.join(self.folder, "server.log")
        self.extra = list(extra)
        self.listen = "127.0.0.1:0"
        self.process = None

    def start(self):
        mark = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "tidelock"), "server", "--data-dir", self.data, "--listen", self.listen]
                + self.extra, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20 * SLOWNESS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError("the server ended at start:\n" + self.log())
            with open(self.log_path, "rb") as log:
                log.seek(mark)
                found = re.search(rb" ready .*port=(\d+)", log.read())
            if found:
                # The same port again after a restart, so that clients find it.
                self.listen = "127.0.0.1:" + found.group(1).decode()
                return self
            time.sleep(0.01)
        raise AssertionError("the server is not ready:\n" + self.log())

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-8000:]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it in good order; returns its exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.terminate()
        try:
            return self.process.wait(20 * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the server did not stop on SIGTERM:\n" + self.log())

    def close(self):
        try:
            self.stop()
        finally:
            if self.own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def environment(self):
        return dict(os.environ, KUBECONFIG=self.kubeconfig, HOME=self.folder)

    def tidectl(self, *arguments, text=None, check=True, timeout=120):
        done = subprocess.run([os.path.join(BUILD, "tidectl"), *arguments], input=text, text=True,
                              capture_output=True, env=self.environment(), timeout=timeout * SLOWNESS)
        if check and done.returncode != 0:
            raise AssertionError("tidectl %s: exit %d\n%s%s\n--- server log\n%s" % (
                " ".join(arguments), done.returncode, done.stdout, done.stderr, self.log()))
        return done

    def apply(self, *documents, check=True):
        text = "\n---\n".join(d if isinstance(d, str) else json.dumps(d) for d in documents)
        return self.tidectl("apply", "-f", "-", text=text, check=check)

    def get(self, *arguments):
        return json.loads(self.tidectl("get", *arguments, "-o", "json").stdout)

    def items(self, kind):
        return self.get(kind)["items"]

    def wait_until(self, what, condition, seconds=60):
        deadline = time.monotonic() + seconds * SLOWNESS
        last = None
        while time.monotonic() < deadline:
            last = condition()
            if last:
                return last
            time.sleep(0.05)
        raise AssertionError("not within %d s: %s (last: %r)\n%s\n--- server log\n%s" % (
            seconds, what, last, self.tidectl("get", "installations", "-o", "wide", check=False).stdout, self.log()))

    def wait_ready(self, count, version, seconds=60):
        def ready():
            found = self.items("installations")
            good = [i for i in found if i.get("status", {}).get("actualRelease") == version
                    and condition(i, "Ready") == "True"]
            return len(good) == count
        self.wait_until("%d installations ready at %s" % (count, version), ready, seconds)


def condition(item, kind):
    for one in item.get("status", {}).get("conditions") or []:
        if one["type"] == kind:
            return one["status"]
    return None


def ours(kind, name, spec, labels=None):
    metadata = {"name": name}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": "tidelock.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def script(name, body, **more):
    return dict({"name": name, "script": {"body": body}}, **more)


def package(path, files):
    """A tar.gz of {name: text}; returns its sha256."""
    raw = io.BytesIO()
    # Without times: the same files always give the same bytes.
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for name, text in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(raw.getvalue())
    return hashlib.sha256(raw.getvalue()).hexdigest()


class Seed:
    """The seed's case: ten tenants of one project on web-01, with what a test wants to differ."""

    def __init__(self, server, steps, tenants=10, max_concurrent=10, budget=10, locks=(), fetch=False):
        self.server = server
        self.tenants = ["tenant-%02d" % (i + 1) for i in range(tenants)]
        self.steps = list(steps)
        self.fetch = fetch
        target = {"environments": ["production"], "executor": "Local",
                  "installRoot": server.path("srv")}
        if max_concurrent is not None:
            target["maxConcurrent"] = max_concurrent
        self.documents = [ours("LockGroup", name, spec) for name, spec in locks]
        if budget is not None:
            self.documents.append(ours("ConcurrencyBudget", "task-cap", {"max": budget}))
        self.documents += [
            ours("Environment", "production", {}),
            ours("Target", "web-01", target, {"role": "web"}),
            ours("Project", "storefront", {
                "installDirectory": "${target.installRoot}/${tenant.name}/${project.name}",
                "steps": ([{"name": "fetch", "package": {}}] if fetch else []) + self.steps}),
        ] + [ours("Tenant", name, {"displayName": name}, {"ring": "general"}) for name in self.tenants]

    def release(self, version):
        spec = {"projectRef": {"name": "storefront"}, "version": version}
        if self.fetch:
            path = self.server.path("packages/storefront-%s.tar.gz" % version)
            digest = package(path, {"version": version, "data": version * 1000})
            spec["packages"] = [{"step": "fetch", "url": "file://" + path, "sha256": digest}]
        return ours("Release", "storefront-" + version, spec)

    def deployment(self, version):
        return ours("TenantDeployment", "storefront-production", {
            "projectRef": {"name": "storefront"}, "environmentRef": {"name": "production"},
            "release": {"version": version},
            "tenants": {"matchExpressions": [{"key": "ring", "operator": "Exists"}]},
            "targets": {"matchLabels": {"role": "web"}}})

    def deploy(self, version="1.0.0"):
        self.server.apply(*self.documents, self.release(version), self.deployment(version))

    def current(self, tenant):
        return os.path.join(self.server.path("srv"), tenant, "storefront", "current")

    def receipt(self, tenant):
        with open(os.path.join(self.server.path("srv"), tenant, "storefront", "receipt.json")) as file:
            return json.load(file)


class Trace:
    """What steps really did: each writes a line at its start and at its end."""

    def __init__(self, path):
        self.path = path

    def body(self, work):
        mark = ('echo "$TIDELOCK_TENANT $TIDELOCK_STEP $TIDELOCK_RELEASE $TIDELOCK_ATTEMPT WHAT $(date +%s%N)" >> '
                + self.path)
        return "\n".join([mark.replace("WHAT", "begin"), work, mark.replace("WHAT", "end")])

    def lines(self):
        if not os.path.exists(self.path):
            return []
        with open(self.path) as file:
            return [line.split() for line in file.read().splitlines()]

    def intervals(self):
        """{(tenant, step, release, attempt): (begin, end)} in seconds; end is None if it never came."""
        found = {}
        for tenant, step, release, attempt, what, at in self.lines():
            key = (tenant, step, release, attempt)
            seconds = int(at) / 1e9
            if what == "begin":
                if key in found:
                    raise AssertionError("ran twice: %s" % (key,))
                found[key] = (seconds, None)
            else:
                found[key] = (found[key][0], seconds)
        return found


def alive(marker):
    """Processes whose command line has the marker."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if marker.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def unique_sleep(test):
    """Seconds for `sleep` that no other test has: a marker for alive(). What is left of it ends with the test."""
    marker = "%d.%06d" % (9000 + os.getpid() % 1000, time.time_ns() // 1000 % 1000000)

    def end():
        for pid in alive(marker):
            os.kill(pid, signal.SIGKILL)
    test.addCleanup(end)
    return marker


def peak(intervals):
    """How many intervals overlap at most."""
    marks = sorted([(begin, 1) for begin, _ in intervals] + [(end, -1) for _, end in intervals])
    running = most = 0
    for _, change in marks:
        running += change
        most = max(most, running)
    return most


class ServerTest(unittest.TestCase):
    extra = ("--allow-local-executor",)

    def setUp(self):
        self.server = Server(extra=self.extra).start()
        self.addCleanup(self.server.close)
        self.trace = Trace(self.server.path("trace"))
