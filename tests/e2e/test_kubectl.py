# SPDX-License-Identifier: Apache-2.0
"""Unmodified kubectl against the server: daily verbs on our kinds, on a user's CRD and on core kinds."""
import json
import os
import subprocess
import threading
import unittest

from harness import ROOT, SLOWNESS, Seed, ServerTest, ours, script

KUBECTL = os.path.join(ROOT, ".cache", "tools", "kubectl")

WIDGET_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.shop.example"},
    "spec": {"group": "shop.example", "scope": "Namespaced",
             "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
             "versions": [{"name": "v1", "served": True, "storage": True,
                           "additionalPrinterColumns": [{"name": "Color", "type": "string", "jsonPath": ".spec.color"}],
                           "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                               "spec": {"type": "object", "properties": {
                                   "color": {"type": "string", "enum": ["red", "blue"],
                                             "description": "The colour that the widget is painted in."},
                                   "size": {"type": "integer", "default": 3, "minimum": 1}}}}}}}]}}


@unittest.skipUnless(os.path.exists(KUBECTL), "kubectl is not installed; tests/e2e/kubectl.sh gets it")
class KubectlTest(ServerTest):
    def kubectl(self, *arguments, text=None, check=True):
        done = subprocess.run([KUBECTL, *arguments], input=text, text=True, capture_output=True,
                              env=self.server.environment(), timeout=60 * SLOWNESS)
        if check and done.returncode != 0:
            self.fail("kubectl %s: exit %d\n%s%s\n%s" % (" ".join(arguments), done.returncode, done.stdout,
                                                        done.stderr, self.server.log()))
        return done

    def apply(self, *documents, **more):
        return self.kubectl("apply", "-f", "-", text="\n---\n".join(json.dumps(d) for d in documents), **more)

    def test_the_seed_from_apply_to_wait(self):
        seed = Seed(self.server, [script("one", "echo hello"), script("two", "true")], tenants=3)
        out = self.apply(*seed.documents, seed.release("1.0.0"), seed.deployment("1.0.0")).stdout
        self.assertIn("project.tidelock.dev/storefront created", out)
        self.kubectl("wait", "--for=condition=Ready", "tenantdeployment/storefront-production", "--timeout=30s")
        table = self.kubectl("get", "installations").stdout
        self.assertIn("tenant-01", table)
        self.assertIn("1.0.0", table)
        self.assertIn("web-01", self.kubectl("get", "td,inst", "-o", "wide").stdout)
        # kubectl says "configured" wherever a list has defaulted fields; nothing changes all the same.
        before = self.kubectl("get", "project", "storefront", "-o", "jsonpath={.metadata.resourceVersion}").stdout
        self.apply(*seed.documents, seed.release("1.0.0"), seed.deployment("1.0.0"))
        self.assertEqual(self.kubectl("get", "project", "storefront", "-o",
                                      "jsonpath={.metadata.resourceVersion}").stdout, before)
        self.apply(seed.release("1.1.0"), seed.deployment("1.1.0"))
        self.kubectl("wait", "--for=jsonpath={.status.ready}=3", "td/storefront-production", "--timeout=30s")
        described = self.kubectl("describe", "td", "storefront-production").stdout
        self.assertIn("1.1.0", described)
        self.assertIn("3", self.kubectl("get", "td", "storefront-production", "-o",
                                        "jsonpath={.status.desired}").stdout)

    def test_reading(self):
        seed = Seed(self.server, [script("one", "true")], tenants=3)
        self.apply(*seed.documents)
        names = self.kubectl("get", "tenants", "-o", "name").stdout.split()
        self.assertEqual(names, ["tenant.tidelock.dev/tenant-0%d" % i for i in (1, 2, 3)])
        self.assertEqual(self.kubectl("get", "ten", "-l", "ring=general", "--no-headers").stdout.count("\n"), 3)
        self.assertEqual(self.kubectl("get", "ten", "-l", "ring!=general").stdout, "")
        self.assertIn("kind: Tenant", self.kubectl("get", "tenant", "tenant-01", "-o", "yaml").stdout)
        self.assertIn("tenant-02", self.kubectl("get", "tenants", "--chunk-size=1").stdout)
        self.assertIn("tenant-02", self.kubectl("get", "tenants", "--field-selector=metadata.name=tenant-02").stdout)
        missing = self.kubectl("get", "tenant", "nobody", check=False)
        self.assertEqual((missing.returncode, missing.stderr.strip()),
                         (1, 'Error from server (NotFound): tenants.tidelock.dev "nobody" not found'))
        self.assertIn("NAMESPACE", self.kubectl("get", "tenants", "-A").stdout)
        self.assertIn("default", self.kubectl("get", "namespaces").stdout)
        self.assertIn("storefront", self.kubectl("get", "tidelock").stdout)

    def test_api_resources_explain_and_version(self):
        table = self.kubectl("api-resources").stdout
        for line in ("tenantdeployments", "td", "configmaps", "customresourcedefinitions"):
            self.assertIn(line, table)
        explained = self.kubectl("explain", "target.spec.maxConcurrent").stdout
        self.assertIn("<integer>", explained)
        self.assertIn("steps", self.kubectl("explain", "project.spec", "--recursive").stdout)
        self.assertIn("Server Version", self.kubectl("version").stdout)

    def test_patch_edit_label_and_delete(self):
        seed = Seed(self.server, [script("one", "true")], tenants=1)
        self.apply(*seed.documents)
        self.kubectl("patch", "target", "web-01", "--type=merge", "-p", '{"spec":{"maxConcurrent":4}}')
        self.kubectl("patch", "target", "web-01", "--type=json", "-p",
                     '[{"op":"replace","path":"/spec/maxConcurrent","value":5}]')
        self.assertEqual(self.kubectl("get", "tgt", "web-01", "-o", "jsonpath={.spec.maxConcurrent}").stdout, "5")
        self.kubectl("label", "tenant", "tenant-01", "tier=gold")
        self.kubectl("annotate", "tenant", "tenant-01", "note=x")
        self.assertIn("tier=gold", self.kubectl("get", "tenants", "--show-labels").stdout)
        self.kubectl("delete", "tenant", "tenant-01", "--timeout=20s")
        self.kubectl("wait", "--for=delete", "tenant/tenant-01", "--timeout=20s")
        self.assertEqual(self.kubectl("get", "tenants").stdout, "")
        self.assertIn("drift", self.kubectl("diff", "-f", "-", check=False, text=json.dumps(
            ours("Tenant", "drift", {"displayName": "new"}))).stdout)

    def test_a_watch_shows_changes_as_they_come(self):
        watch = subprocess.Popen([KUBECTL, "get", "configmaps", "-w", "-o", "name"], stdout=subprocess.PIPE,
                                 text=True, env=self.server.environment())
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        timer = threading.Timer(20 * SLOWNESS, watch.kill)
        timer.start()
        self.addCleanup(timer.cancel)
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen"}, "data": {"a": "1"}})
        self.assertEqual(watch.stdout.readline().strip(), "configmap/seen")

    def test_users_add_their_own_kinds(self):
        self.apply(WIDGET_CRD)
        self.kubectl("wait", "--for=condition=Established", "crd/widgets.shop.example", "--timeout=20s")
        self.apply({"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "w1"},
                    "spec": {"color": "red"}})
        self.assertIn("red", self.kubectl("get", "wd").stdout)
        self.assertEqual(self.kubectl("get", "wd", "w1", "-o", "jsonpath={.spec.size}").stdout, "3")
        wrong = self.apply({"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "w2"},
                            "spec": {"color": "pink", "size": 0}}, check=False)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn('spec.color: Unsupported value: "pink"', wrong.stderr)
        self.assertIn("spec.size", wrong.stderr)
        self.assertIn("The colour that", self.kubectl("explain", "widget.spec.color").stdout)
        self.kubectl("delete", "crd", "widgets.shop.example", "--timeout=20s")
        self.assertEqual(self.kubectl("get", "wd", check=False).returncode, 1)

    def test_events_and_core_kinds(self):
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}})
        self.assertEqual(self.kubectl("get", "secret", "s", "-o", "jsonpath={.data.k}").stdout, "dg==")
        self.assertNotIn("dg==", self.kubectl("describe", "secret", "s").stdout)
        seed = Seed(self.server, [script("one", "exit 3")], tenants=1)
        self.apply(*seed.documents, seed.release("1.0.0"), seed.deployment("1.0.0"))
        self.server.wait_until("an event tells of the failure", lambda: "Failed" in self.kubectl("events").stdout, 20)
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "space"}})
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "space"}})
        self.kubectl("delete", "namespace", "space", "--timeout=20s")
        self.assertIn("NotFound", self.kubectl("get", "ns", "space", check=False).stderr)


if __name__ == "__main__":
    unittest.main()
