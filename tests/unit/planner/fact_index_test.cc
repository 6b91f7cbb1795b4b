// SPDX-License-Identifier: Apache-2.0
// Changes of tenants and targets: whom they concern, and that nobody is forgotten.
#include "controller/planner/fact_index.h"

#include <catch2/catch.hpp>

#include "controller/base/random.h"
#include "tests/support/effort.h"
#include "tests/support/planner_world.h"

namespace tidelock::planner {
namespace {

using testing::PlannerWorld;

const std::vector<std::string> kValues{"a", "b", "c"};

// Tenants and targets whose labels and selectors change at random, and three deployments.
class Changes {
 public:
  explicit Changes(std::uint64_t seed) : random_(seed) {
    world_.environment("production");
    world_.project("shop", {testing::step("only", 1)});
    world_.release("shop", "1.0.0");
    world_.release("shop", "2.0.0");
    for (int i = 0; i < 3; ++i) change_target("w" + std::to_string(i));
    for (int i = 0; i < 6; ++i) change_tenant("t" + std::to_string(i));
    for (int i = 0; i < 3; ++i) deploy("d" + std::to_string(i));
  }

  void run() {
    for (int i = 0; i < 30; ++i) {
      event();
      if (random_.chance(0.5)) world_.settle();
      if (random_.chance(0.2)) world_.run_until(world_.now() + 1);
      const TimePoint now = world_.time();
      CHECK(world_.planner().rows(now) == fresh().rows(now));
    }
  }

 private:
  Planner fresh() {
    Planner planner{Options{}};
    world_.tell_all(
        [&](const auto& objects) {
          for (const auto& [name, object] : objects) planner.set(object);
        },
        random_.chance(0.5));
    return planner;
  }
  const std::string& value() { return kValues[random_.below(kValues.size())]; }
  api::LabelSelector selector(const std::string& key) {
    if (random_.chance(0.3)) return {};
    if (random_.chance(0.5)) return {{{key, value()}}, {}};
    return {{}, {{key, api::LabelSelectorRequirement::Operator::NotIn, {value()}}}};
  }
  void change_tenant(const std::string& name) {
    world_.tenant(name, {{"host", value()}, {"ring", value()}, {"wave", value()}, {"note", value()}});
  }
  void change_target(const std::string& name) {
    world_.target(name, static_cast<int>(random_.between(1, 2)));
    api::Target object = world_.target_object(name);
    object.metadata.labels["zone"] = value();
    object.spec.tenants = selector("host");
    world_.put(object);
  }
  void deploy(const std::string& name) {
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = "shop";
    spec.release.version = random_.chance(0.5) ? "1.0.0" : "2.0.0";
    spec.tenants = selector("ring");
    spec.targets = selector("zone");
    if (random_.chance(0.5)) {
      api::WaveSpec first;
      first.name = "first";
      first.tenants = api::LabelSelector{{{"wave", value()}}, {}};
      api::WaveSpec rest;
      rest.name = "rest";
      spec.rollout.waves = {first, rest};
    }
    if (random_.chance(0.3)) spec.rollout.order.by = {"note"};
    if (random_.chance(0.3)) spec.rollout.order.spread_by = "host";
    world_.deployment(name, spec);
  }
  void event() {
    const std::string tenant = "t" + std::to_string(random_.below(6));
    const std::string target = "w" + std::to_string(random_.below(3));
    switch (random_.below(6)) {
      case 0: return world_.remove("Tenant", tenant);
      case 1: return world_.remove("Target", target);
      case 2: return change_target(target);
      case 3: return deploy("d" + std::to_string(random_.below(3)));
      default: return change_tenant(tenant);
    }
  }

  SeededRandom random_;
  PlannerWorld world_;
};

api::Tenant tenant(std::map<std::string, std::string> labels) {
  api::Tenant made;
  made.metadata.labels = std::move(labels);
  return made;
}

}  // namespace

TEST_CASE("after changes of tenants and targets a planner plans as a new one does", "[planner][index]") {
  const int histories = testing::effort("TIDELOCK_HISTORIES", 40);
  for (int seed = 1; seed <= histories; ++seed) {
    INFO("seed " << seed);
    Changes(static_cast<std::uint64_t>(seed)).run();
  }
}

TEST_CASE("pairs are found by what they are of, whatever their names", "[planner][index]") {
  Facts facts;
  FactIndex index;
  std::set<std::string> stored;  // names that stay where they are
  const auto add = [&](const std::string& project, const std::string& tenant, const std::string& target,
                       std::string name = "") {
    api::Installation made;
    made.spec.project_ref.name = project;
    made.spec.environment_ref.name = "prod";
    if (!tenant.empty()) made.spec.tenant_ref = api::LocalReference{tenant};
    made.spec.target_ref.name = target;
    if (name.empty()) name = installation_name(project, "prod", tenant, target);
    made.metadata.name = name;
    facts.installations.put(std::make_shared<const api::Installation>(made));
    index.add(*stored.insert(name).first, made.spec);
    return name;
  };
  const std::string wide(100, 'w'), tall(100, 't');
  const auto plain = add("shop", "t1", "web");
  const auto other = add("shop", "t1x", "web");
  const auto untenanted = add("shop", "", "t1");
  const auto cut = add("shop" + wide, "t1" + tall, "web" + tall);
  const auto dotted = add("shop", "t1", "web.1");
  const auto odd = add("shop", "t1", "db", "by-hand");
  using Names = std::set<std::string>;
  const auto set = [](const FactIndex::Names& names) {
    CHECK(Names(names.begin(), names.end()).size() == names.size());
    return Names(names.begin(), names.end());
  };
  CHECK(set(index.of_tenant(facts, "t1")) == Names{plain, dotted, odd});
  CHECK(set(index.of_tenant(facts, "t1" + tall)) == Names{cut});
  CHECK(set(index.of_target("web")) == Names{plain, other});
  CHECK(set(index.of_place(facts, "shop", "prod", nullptr)) == Names{plain, other, untenanted, dotted, odd});
  const std::string nobody, t1 = "t1";
  CHECK(set(index.of_place(facts, "shop", "prod", &nobody)) == Names{untenanted});
  CHECK(set(index.of_place(facts, "shop", "dev", &t1)).empty());
  index.remove(*stored.find(odd), facts.installations.at(odd)->spec);
  facts.installations.take(odd);
  CHECK(set(index.of_tenant(facts, "t1")) == Names{plain, dotted});
}

TEST_CASE("a label that nobody asks for concerns no deployment", "[planner][index]") {
  FactIndex index;
  api::Target target;
  target.spec.tenants.match_labels = {{"host", "a"}};
  const Facts facts;
  index.target_changed(facts, nullptr, &target);
  api::TenantDeployment deployment;
  deployment.spec.tenants = api::LabelSelector{{{"ring", "x"}}, {}};
  api::RolloutStrategy strategy;
  const auto old = tenant({{"ring", "x"}, {"host", "a"}});
  const auto concerns = [&](const api::Tenant& now) { return index.concerns(deployment, strategy, &old, &now); };
  CHECK_FALSE(concerns(tenant({{"ring", "x"}, {"host", "a"}, {"note", "1"}})));
  CHECK(concerns(tenant({{"ring", "y"}, {"host", "a"}})));  // leaves
  CHECK(concerns(tenant({{"ring", "x"}, {"host", "b"}})));  // moves
  CHECK(index.concerns(deployment, strategy, &old, nullptr));
  CHECK(index.concerns(deployment, strategy, nullptr, &old));
  strategy.order.by = {"note"};
  CHECK(concerns(tenant({{"ring", "x"}, {"host", "a"}, {"note", "1"}})));
  // The target asks for the label no more.
  strategy.order.by.clear();
  index.target_changed(facts, &target, nullptr);
  CHECK_FALSE(concerns(tenant({{"ring", "x"}, {"host", "b"}})));
}

}  // namespace tidelock::planner
