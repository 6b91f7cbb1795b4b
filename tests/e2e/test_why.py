# SPDX-License-Identifier: Apache-2.0
"""L12: the same record, word for word, from `why`, its JSON, the object and `describe`."""
import json
import unittest

from harness import Seed, ServerTest, script


class WhyTest(ServerTest):
    def test_one_record_everywhere(self):
        seed = Seed(self.server, [script("first", "sleep 3"), script("second", "true")], max_concurrent=None)
        seed.deploy()

        def second_runs():
            running = [t for t in self.server.items("deploymenttasks")
                       if t.get("status", {}).get("phase") == "Running"]
            return len(running) == 1 and running[0]["spec"]["tenant"] == "tenant-02" and running[0]
        holder = self.server.wait_until("tenant-02 runs", second_runs, 30)
        name = next(i["metadata"]["name"] for i in self.server.items("installations")
                    if i["spec"]["tenantRef"]["name"] == "tenant-05")

        def fresh():
            status = self.server.get("installation", name)["status"]
            records = status.get("blockedBy") or []
            return records and records[0].get("holder") == holder["metadata"]["name"] and records
        stored = self.server.wait_until("the installation names the holder", fresh, 5)
        record = stored[0]
        self.assertEqual((record["kind"], record["name"], record["position"]), ("Lock", "target/web-01/slots", 3))
        self.assertEqual(record["holderSince"], holder["status"]["grant"]["grantedAt"])
        self.assertTrue(record["message"].startswith(
            "waits for Lock target/web-01/slots (position 3), held by %s step 1 since " % holder["metadata"]["name"]),
            record["message"])

        asked = json.loads(self.server.tidectl("why", "tenant-05", "-o", "json").stdout)
        text = json.dumps(asked)
        self.assertIn(json.dumps(record["message"])[1:-1], text)
        self.assertIn(record["message"], self.server.tidectl("why", "tenant-05").stdout)
        self.assertIn(record["message"], self.server.tidectl("describe", "installation", name).stdout)
        locks = self.server.tidectl("locks", "target/web-01/slots").stdout
        self.assertIn(holder["metadata"]["name"], locks)
        positions = json.loads(self.server.tidectl("locks", "target/web-01/slots", "-o", "json").stdout)
        self.assertIn("tenant-05", json.dumps(positions))


if __name__ == "__main__":
    unittest.main()
