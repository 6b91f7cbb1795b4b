# SPDX-License-Identifier: Apache-2.0
"""What is refused: the words, where they point to, and that nothing changed."""
import io
import json
import os
import ssl
import subprocess
import tarfile
import unittest
import urllib.error
import urllib.request

from harness import Seed, ServerTest, condition, ours, script


class BadManifestTest(ServerTest):
    def refused(self, document, *words):
        before = self.server.get("namespaces")["metadata"]["resourceVersion"]
        done = self.server.apply(document, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(self.server.get("namespaces")["metadata"]["resourceVersion"], before)

    def project(self, **spec):
        base = {"installDirectory": "/srv/${tenant.name}", "steps": [script("one", "true")]}
        base.update(spec)
        return ours("Project", "p", base)

    def test_unknown_field(self):
        self.refused(self.project(stepz=[]), 'unknown field "spec.stepz"')

    def test_wrong_type(self):
        self.refused(ours("ConcurrencyBudget", "b", {"max": "ten"}), "spec.max", "integer")

    def test_out_of_range(self):
        self.refused(ours("ConcurrencyBudget", "b", {"max": 0}), "spec.max")

    def test_unknown_lock_group(self):
        self.refused(self.project(steps=[script("one", "true", locks=[{"group": "central-confg"}])]),
                     "spec.steps[0].locks[0].group", "central-confg")

    def test_more_units_than_the_capacity(self):
        self.server.apply(ours("LockGroup", "db", {"scope": "Target", "capacity": 2}))
        self.refused(self.project(steps=[script("one", "true", locks=[{"group": "db", "units": 3}])]),
                     "spec.steps[0].locks[0].units", "db")

    def test_a_step_group_at_deployment_level(self):
        self.server.apply(ours("LockGroup", "db", {"scope": "Target", "capacity": 2, "granularity": "Step"}))
        self.refused(self.project(locks=[{"group": "db"}]), "spec.locks[0].group", "db")

    def test_a_name_with_a_trailing_blank(self):
        self.refused(ours("LockGroup", "central-config ", {"scope": "Target"}), "metadata.name", "central-config ")

    def test_bad_template(self):
        self.refused(self.project(installDirectory="/srv/${tenant.name"), "spec.installDirectory")

    def test_two_actions_in_a_step(self):
        self.refused(self.project(steps=[{"name": "x", "script": {"body": "true"}, "package": {}}]), "spec.steps[0]")

    def test_duplicate_key_names_line_and_column(self):
        self.refused("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n", "line 5")

    def test_alias_bomb(self):
        lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
        for i in range(1, 10):
            above = chr(ord("a") + i - 1)
            lines.append("%s: &%s [%s]" % (chr(ord("a") + i), chr(ord("a") + i), ", ".join(["*" + above] * 10)))
        self.refused("\n".join(lines), "line")

    def test_a_release_never_changes(self):
        self.server.apply(self.project(), ours("Release", "r", {"projectRef": {"name": "p"}, "version": "1.0.0"}))
        self.refused(ours("Release", "r", {"projectRef": {"name": "p"}, "version": "1.0.1"}), "immutable")

    def test_one_bad_document_names_its_file_and_the_good_ones_are_told(self):
        path = self.server.path("mixed.yaml")
        with open(path, "w") as file:
            file.write(json.dumps(ours("Environment", "e", {})) + "\n---\n" +
                       json.dumps(ours("ConcurrencyBudget", "b", {"max": -1})))
        done = self.server.tidectl("apply", "-f", path, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("environment.tidelock.dev/e created", done.stdout)
        self.assertIn("mixed.yaml", done.stderr)
        self.assertIn("spec.max", done.stderr)

    def test_a_body_over_the_limit_is_413(self):
        context = ssl.create_default_context(cafile=os.path.join(self.server.data, "pki/ca.crt"))
        context.load_cert_chain(os.path.join(self.server.data, "pki/admin.crt"),
                                os.path.join(self.server.data, "pki/admin.key"))
        port = self.server.listen.rsplit(":", 1)[1]
        request = urllib.request.Request(
            "https://127.0.0.1:%s/api/v1/namespaces/default/configmaps" % port, method="POST",
            data=b'{"x":"' + b"y" * (4 << 20) + b'"}', headers={"Content-Type": "application/json"})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, context=context)
        self.assertEqual(caught.exception.code, 413)
        self.assertEqual(json.load(caught.exception)["reason"], "RequestEntityTooLarge")


class BadPackageTest(ServerTest):
    def deploy(self, digest=None, members=None):
        seed = Seed(self.server, [], tenants=1, fetch=True)
        release = seed.release("1.0.0")
        path = self.server.path("packages/storefront-1.0.0.tar.gz")
        if members is not None:
            raw = io.BytesIO()
            with tarfile.open(fileobj=raw, mode="w:gz") as archive:
                for member, data in members:
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
            with open(path, "wb") as file:
                file.write(raw.getvalue())
            import hashlib
            digest = hashlib.sha256(raw.getvalue()).hexdigest()
        if digest:
            release["spec"]["packages"][0]["sha256"] = digest
        self.server.apply(*seed.documents, release, seed.deployment("1.0.0"))
        self.server.wait_until("it is stalled", lambda: [
            i for i in self.server.items("installations") if condition(i, "Stalled") == "True"], 30)
        self.assertFalse(os.path.lexists(seed.current("tenant-01")))
        folder = os.path.join(self.server.path("srv"), "tenant-01", "storefront", "releases")
        left = [os.path.join(top, name) for top, folders, names in os.walk(folder) for name in names]
        self.assertEqual(left, [])
        return self.server.tidectl("describe", "installations").stdout

    def test_a_wrong_digest(self):
        self.assertIn("sha256", self.deploy(digest="0" * 64))

    def test_a_path_out_of_the_folder(self):
        self.assertIn("../../evil", self.deploy(members=[(tarfile.TarInfo("../../evil"), b"x")]))
        self.assertFalse(os.path.exists(self.server.path("srv/tenant-01/evil")))

    def test_a_link_out_of_the_folder(self):
        link = tarfile.TarInfo("way")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc"
        self.assertIn("way", self.deploy(members=[(link, b""), (tarfile.TarInfo("way/evil"), b"x")]))
        self.assertFalse(os.path.exists("/etc/evil"))

    def test_a_full_disk(self):
        root = self.server.path("srv")
        os.makedirs(root)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", root], capture_output=True).returncode:
            self.skipTest("no right to mount a small file system")
        self.addCleanup(subprocess.run, ["umount", "-l", root], check=True)
        big = tarfile.TarInfo("big")
        self.assertIn("No space left", self.deploy(members=[(big, os.urandom(4 << 20))]))
        left = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]
        self.assertEqual([name for name in left if name.endswith("big")], [])


if __name__ == "__main__":
    unittest.main()
