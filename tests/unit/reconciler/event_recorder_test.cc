// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/event_recorder.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"

using namespace tidelock;
using client::Call;
using nlohmann::json;
using reconciler::EventRecorder;
using reconciler::EventSubject;

namespace {
const EventSubject kTask{"DeploymentTask", "tidelock.dev", "v1alpha1", {"shop", "t1"}, "uid-1"};
}  // namespace

TEST_CASE("an event names its object, reason and message", "[reconciler][events]") {
  EventRecorder events("tidelock-controller");
  events.warning(kTask, "StepFailed", "exit code 1");
  const auto calls = events.take(testing::kEpoch);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].verb == Call::Verb::Create);
  CHECK(calls[0].ns == "shop");
  const json event = json::parse(calls[0].body);
  CHECK(event["involvedObject"]["kind"] == "DeploymentTask");
  CHECK(event["involvedObject"]["apiVersion"] == "tidelock.dev/v1alpha1");
  CHECK(event["involvedObject"]["name"] == "t1");
  CHECK(event["involvedObject"]["uid"] == "uid-1");
  CHECK(event["reason"] == "StepFailed");
  CHECK(event["message"] == "exit code 1");
  CHECK(event["type"] == "Warning");
  CHECK(event["count"] == 1);
  CHECK(event["source"]["component"] == "tidelock-controller");
  CHECK(event["firstTimestamp"] == "2026-01-01T00:00:00Z");
  CHECK(events.take(testing::kEpoch).empty());
}

TEST_CASE("the same story again is a higher count of the same event", "[reconciler][events]") {
  EventRecorder events("c");
  events.normal(kTask, "A", "m");
  const auto first = events.take(testing::kEpoch);
  events.normal(kTask, "A", "m");
  events.normal(kTask, "A", "m");
  const auto again = events.take(testing::kEpoch + std::chrono::seconds(5));
  REQUIRE(again.size() == 2);
  CHECK(again[0].verb == Call::Verb::Patch);
  CHECK(again[0].name == json::parse(first[0].body)["metadata"]["name"]);
  CHECK(json::parse(again[1].body) ==
        json{{"count", 3}, {"lastTimestamp", "2026-01-01T00:00:05Z"}});
  events.normal(kTask, "A", "other message");
  CHECK(events.take(testing::kEpoch)[0].verb == Call::Verb::Create);
}

TEST_CASE("the name of an event is that of the next run too", "[reconciler][events]") {
  EventRecorder one("c"), two("c");
  one.normal(kTask, "A", "m");
  two.normal(kTask, "A", "m");
  CHECK(json::parse(one.take(testing::kEpoch)[0].body)["metadata"]["name"] ==
        json::parse(two.take(testing::kEpoch)[0].body)["metadata"]["name"]);
}

TEST_CASE("names and messages stay inside the API's limits", "[reconciler][events]") {
  EventRecorder events("c");
  EventSubject subject = kTask;
  subject.key.name = std::string(230, 'x') + ".-" + std::string(21, 'y');
  std::string message;
  for (int i = 0; i < 600; ++i) message += "\u00e9";
  events.normal(subject, "A", message);
  const json event = json::parse(events.take(testing::kEpoch)[0].body);
  const std::string name = event["metadata"]["name"];
  CHECK(name.size() <= 253);
  CHECK(name.find("..") == std::string::npos);
  CHECK(event["message"].get<std::string>().size() == 1024);
}

TEST_CASE("a flood of events is cut, not stored", "[reconciler][events]") {
  EventRecorder events("c");
  for (int i = 0; i < 500; ++i) events.normal(kTask, "A", std::to_string(i));
  CHECK(events.take(testing::kEpoch).size() == reconciler::kEventsPerStepMax);
}
