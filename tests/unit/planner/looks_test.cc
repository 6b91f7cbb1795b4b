// SPDX-License-Identifier: Apache-2.0
// What one event makes the planner look at, by kind of event: the same in a small namespace and in a large one.
#include <catch2/catch.hpp>
#include <functional>

#include "tests/support/planner_world.h"

namespace tidelock::planner {
namespace {

using testing::PlannerWorld;

// Tenants two by two on targets, all at rest; one in four has a deployment of its own.
class Namespace {
 public:
  explicit Namespace(int tenants) : tenants_(tenants) {
    world_.environment("production");
    world_.project("shop", {testing::step("only", 1)});
    for (const char* version : {"1.0.0", "1.1.0"}) world_.release("shop", version);
    for (int i = 0; i < tenants; i += 2) {
      world_.target(host(i), 2);
      api::Target object = world_.target_object(host(i));
      object.spec.tenants.match_labels["host"] = host(i);
      world_.put(object);
    }
    for (int i = 0; i < tenants; ++i) world_.tenant(name(i), {{"host", host(i)}, {"ring", ring(i)}});
    deploy("fleet");
    for (int i = 3; i < tenants; i += 4) deploy(ring(i));
    for (int i = 0; i < tenants; ++i) {
      api::DeploymentWindow window;
      window.metadata.name = "w" + std::to_string(i);
      window.spec.schedule = "0 2 * * *";
      window.spec.time_zone = "UTC";
      window.spec.duration = std::chrono::hours(2);
      window.spec.selector.tenants.match_labels["host"] = "nobody";
      world_.put(window);
      approve(ring(i), "a" + std::to_string(i));
    }
    world_.run();
  }

  // What one plan() after the change looks at.
  Looks after(const std::function<void(Namespace&)>& change) {
    change(*this);
    const Looks before = world_.planner().looks();
    world_.planner().plan(world_.time());
    const Looks now = world_.planner().looks();
    return {now.pairs - before.pairs, now.rollouts - before.rollouts, now.statuses - before.statuses,
            now.deployments - before.deployments, now.members - before.members};
  }

  PlannerWorld& world() { return world_; }
  static std::string name(int i) { return "t" + std::to_string(1000 + i); }
  static std::string host(int i) { return "w" + std::to_string(1000 + i / 2); }
  static std::string ring(int i) { return i % 4 == 3 ? "solo-" + name(i) : "fleet"; }
  int last() const { return tenants_ - 1; }
  void deploy(const std::string& ring, const std::string& version = "1.0.0") {
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = "shop";
    spec.release.version = version;
    spec.tenants = api::LabelSelector{{{"ring", ring}}, {}};
    world_.deployment(ring, spec);
  }
  void approve(const std::string& ring, const std::string& name) {
    api::Approval approval;
    approval.metadata.name = name;
    for (const auto& [rollout, object] : world_.rollouts()) {
      if (object->spec.tenant_deployment_ref.name == ring) approval.spec.rollout_ref.name = rollout;
    }
    world_.put(approval);
  }

 private:
  int tenants_;
  PlannerWorld world_;
};

struct Event {
  const char* name;
  std::function<void(Namespace&)> change;
  Looks most;
};

const std::vector<Event>& events() {
  static const std::vector<Event> kEvents{
      {"heartbeat", [](Namespace& all) { all.world().heartbeat(Namespace::host(0)); }, {0, 0, 0, 0, 0}},
      {"a label that nobody asks for",
       [](Namespace& all) {
         all.world().tenant(Namespace::name(0), {{"host", Namespace::host(0)}, {"ring", "fleet"}, {"note", "1"}});
       },
       {1, 0, 1, 0, 0}},
      {"a tenant joins",
       [](Namespace& all) { all.world().tenant("new", {{"host", Namespace::host(0)}, {"ring", "fleet"}}); },
       {1, 1, 1, 0, 1}},
      {"a tenant leaves", [](Namespace& all) { all.world().remove("Tenant", Namespace::name(0)); }, {1, 1, 1, 0, 1}},
      {"a target changes",
       [](Namespace& all) {
         api::Target target = all.world().target_object(Namespace::host(0));
         ++target.spec.max_concurrent;
         all.world().put(target);
       },
       {2, 0, 2, 0, 2}},
      {"a deployment of one pair changes",
       [](Namespace& all) { all.deploy(Namespace::ring(3), "1.1.0"); },
       {1, 0, 1, 1, 0}},
      {"an approval", [](Namespace& all) { all.approve("fleet", "word"); }, {0, 1, 0, 0, 0}},
  };
  return kEvents;
}

}  // namespace

TEST_CASE("what one event makes the planner look at does not grow with the namespace", "[planner][scale]") {
  for (const auto& event : events()) {
    INFO(event.name);
    for (const int tenants : {8, 64}) {
      INFO(tenants << " tenants");
      const Looks looks = Namespace(tenants).after(event.change);
      CHECK(looks.pairs <= event.most.pairs);
      CHECK(looks.rollouts <= event.most.rollouts);
      CHECK(looks.statuses <= event.most.statuses);
      CHECK(looks.deployments <= event.most.deployments);
      CHECK(looks.members <= event.most.members);
    }
  }
}

}  // namespace tidelock::planner
