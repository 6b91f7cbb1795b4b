// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/plan_writer.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/base/log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

using namespace tidelock;
using client::Call;
using nlohmann::json;
using reconciler::write_of;

namespace {

struct Fixture {
  testing::MemoryApi server;
  client::ApiClient api{server, "test"};
  reconciler::Facts facts{api, [] {}, [](const auto&, const auto&, const Error&) {}};

  struct Nobody {
    template <class T>
    void changed(const api::ObjectKey&, const std::shared_ptr<const T>&,
                 const std::shared_ptr<const T>&) {}
  } nobody;

  Fixture() { set_log_level(LogLevel::Off); }

  template <class T>
  void put(T object) {
    object.metadata.ns = "a";
    server.put(client::resource_path(client::resource_of<T>(), "a"), object.metadata.name,
               api::encode(object));
  }
  void sync() { facts.step(testing::kEpoch, nobody); }
  std::optional<reconciler::Write> write(const planner::Effect& effect) {
    return write_of(effect, "a", facts, testing::kEpoch);
  }
  // Sends it and reads the object that came of it.
  template <class T>
  T written(const planner::Effect& effect) {
    auto made = write(effect);
    REQUIRE(made);
    auto answer = api.call(made->call);
    REQUIRE(answer);
    auto object = api::decode<T>(std::string_view(*answer));
    REQUIRE(object);
    return *object;
  }
  template <class T>
  std::string version(const std::string& name) {
    return facts.get<T>("a", name)->metadata.resource_version;
  }
};

api::DeploymentTask task() {
  api::DeploymentTask made;
  made.metadata.name = "t-1";
  made.spec.installation = "t";
  made.spec.target = "web-01";
  made.spec.steps.resize(2);
  made.spec.steps[0].step.name = "one";
  made.spec.steps[0].step.script = api::ScriptStep{"sh", "true"};
  made.spec.steps[1] = made.spec.steps[0];
  made.spec.steps[1].step.name = "two";
  made.spec.requested_at = testing::kEpoch;
  return made;
}

api::BlockedBy blocked() {
  api::BlockedBy made;
  made.kind = "Lock";
  made.name = "x";
  made.holder = "h";
  made.since = testing::kEpoch;
  made.position = 3;
  return made;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a grant is a conditional change of phase and grant alone",
                 "[reconciler][plan_writer]") {
  api::DeploymentTask known = task();
  known.status.steps.resize(1);
  known.status.steps[0].name = "one";
  known.status.blocked_by.push_back(blocked());
  put(known);
  sync();
  api::TaskGrant grant;
  grant.granted_at = grant.step_granted_at = testing::kEpoch;
  grant.fence = {3, 7};
  grant.step_count = 1;
  grant.locks.push_back({"target/web-01/slots", api::LockMode::Shared, 1});
  const planner::GrantTask effect{"t-1", version<api::DeploymentTask>("t-1"), grant};
  const auto made = write(effect);
  REQUIRE(made);
  CHECK(made->grants);
  CHECK(made->call.subresource == "status");
  const json patch = json::parse(made->call.body);
  CHECK(patch["metadata"]["resourceVersion"] == effect.based_on);
  CHECK_FALSE(patch["status"].contains("steps"));
  const auto object = written<api::DeploymentTask>(effect);
  CHECK(object.status.phase == api::TaskPhase::Running);
  CHECK(object.status.grant == grant);
  CHECK(object.status.steps == known.status.steps);
  CHECK(object.status.blocked_by.empty());
  CHECK(object.spec == known.spec);
  CHECK(api.call(made->call).error().reason == Reason::Conflict);  // not twice
}

TEST_CASE_METHOD(Fixture, "a later grant clears what the earlier one had and it has not",
                 "[reconciler][plan_writer]") {
  api::DeploymentTask known = task();
  known.status.phase = api::TaskPhase::Running;
  known.status.grant = api::TaskGrant{};
  known.status.grant->fence = {1, 1};
  known.status.grant->step_count = 1;
  known.status.grant->step_locks.push_back({"x", api::LockMode::Exclusive, 1});
  known.status.grant->waits.push_back({"Lock", "x", "h", testing::kEpoch, testing::kEpoch});
  put(known);
  sync();
  api::TaskGrant parked;
  parked.fence = {1, 2};
  const auto object = written<api::DeploymentTask>(
      planner::GrantTask{"t-1", version<api::DeploymentTask>("t-1"), parked});
  CHECK(object.status.grant == parked);
}

TEST_CASE_METHOD(Fixture, "an end says when and why", "[reconciler][plan_writer]") {
  put(task());
  sync();
  const auto object = written<api::DeploymentTask>(
      planner::EndTask{"t-1", version<api::DeploymentTask>("t-1"), api::TaskPhase::Superseded,
                       "Superseded", "by 2", "t-2"});
  CHECK(object.status.phase == api::TaskPhase::Superseded);
  CHECK(object.status.reason == "Superseded");
  CHECK(object.status.message == "by 2");
  CHECK(object.status.superseded_by == "t-2");
  CHECK(object.status.finished_at == testing::kEpoch);
}

TEST_CASE_METHOD(Fixture, "a cancel changes spec.cancel alone", "[reconciler][plan_writer]") {
  put(task());
  sync();
  const auto made = write(planner::CancelTask{"t-1", version<api::DeploymentTask>("t-1"),
                                              {api::CancelMode::StepBoundary, "Removed", "m"}});
  REQUIRE(made);
  CHECK(made->call.subresource.empty());
  const json patch = json::parse(made->call.body);
  CHECK(patch["spec"].size() == 1);
  CHECK(patch["spec"].contains("cancel"));
  CHECK(patch["metadata"]["resourceVersion"] == version<api::DeploymentTask>("t-1"));
}

TEST_CASE_METHOD(Fixture, "a status loses what the new one has not", "[reconciler][plan_writer]") {
  api::Installation known;
  known.metadata.name = "i";
  known.spec.target_ref.name = "web-01";
  known.status.task = "i-1";
  known.status.blocked_by.push_back(blocked());
  put(known);
  sync();
  api::InstallationStatus wished = known.status;
  wished.blocked_by.clear();
  wished.actual_release = "1.0.0";
  wished.observed_generation = 4;
  const auto object = written<api::Installation>(
      planner::InstallationStatusChange{"i", version<api::Installation>("i"), wished});
  CHECK(object.status == wished);
}

TEST_CASE_METHOD(Fixture, "a new spec leaves the status alone", "[reconciler][plan_writer]") {
  api::Installation known;
  known.metadata.name = "i";
  known.spec.release = "r1";
  known.spec.tenant_ref = api::LocalReference{"t"};
  known.status.task = "i-1";
  put(known);
  sync();
  api::InstallationSpec wished = known.spec;
  wished.release.clear();
  const auto object = written<api::Installation>(
      planner::UpdateInstallation{"i", version<api::Installation>("i"), wished});
  CHECK(object.spec == wished);
  CHECK(object.status == known.status);
}

TEST_CASE_METHOD(Fixture, "nothing is written when nothing would change or nobody is there",
                 "[reconciler][plan_writer]") {
  api::Installation known;
  known.metadata.name = "i";
  put(known);
  sync();
  CHECK_FALSE(write(planner::InstallationStatusChange{"i", version<api::Installation>("i"),
                                                      known.status}));
  CHECK_FALSE(write(planner::InstallationStatusChange{"gone", "1", known.status}));
  CHECK_FALSE(write(planner::GrantTask{"gone", "1", {}}));
}

TEST_CASE_METHOD(Fixture, "a create has its namespace and no status", "[reconciler][plan_writer]") {
  sync();
  const auto made = write(planner::CreateTask{task()});
  REQUIRE(made);
  CHECK(made->call.verb == Call::Verb::Create);
  CHECK_FALSE(made->grants);
  const json body = json::parse(made->call.body);
  CHECK(body["metadata"]["namespace"] == "a");
  CHECK(body["metadata"]["name"] == "t-1");
  CHECK(body["kind"] == "DeploymentTask");
  CHECK_FALSE(body.contains("status"));
  CHECK_FALSE(body["metadata"].contains("resourceVersion"));
}

TEST_CASE_METHOD(Fixture, "a delete carries the uid, and the version when there is one",
                 "[reconciler][plan_writer]") {
  sync();
  const auto made = write(planner::DeleteTask{"t-1", "uid-9"});
  REQUIRE(made);
  CHECK(made->call.verb == Call::Verb::Delete);
  CHECK(json::parse(made->call.body)["preconditions"] == json{{"uid", "uid-9"}});
  const auto other = write(planner::DeleteInstallation{"i", "uid-8", "44"});
  CHECK(json::parse(other->call.body)["preconditions"] ==
        json{{"uid", "uid-8"}, {"resourceVersion", "44"}});
}
