// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/lock_table.h"

#include <catch2/catch.hpp>

#include "controller/planner/task_state.h"

namespace tidelock::planner {
namespace {

using api::LockMode;

const LockDemand kExclusive{LockMode::Exclusive, 1, false};
LockDemand share(int units = 1) { return {LockMode::Shared, units, false}; }

LockRules capacity(int count) {
  LockRules rules;
  rules.capacity = count;
  return rules;
}

std::vector<std::string> instances(const api::TaskLock& lock) {
  std::vector<std::string> names;
  for (const auto& part : parts_of(lock)) names.push_back(part.instance);
  return names;
}

// Whether the second directory can be locked while the first is.
bool directories_conflict(const std::string& a, const std::string& b) {
  std::map<std::string, LockHolders> held;
  for (const auto& part : parts_of({path_lock("t", a), LockMode::Exclusive, 1})) {
    held[part.instance].add("first", {part.demand, {}, -1});
  }
  for (const auto& part : parts_of({path_lock("t", b), LockMode::Exclusive, 1})) {
    const auto place = held.find(part.instance);
    if (place != held.end() && !place->second.fits({}, "second", part.demand)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("an exclusive request fits only when nobody else holds the lock", "[planner][locks]") {
  LockHolders holders;
  CHECK(holders.fits({}, "b", kExclusive));
  holders.add("a", {share(), {}, -1});
  CHECK_FALSE(holders.fits({}, "b", kExclusive));
  CHECK(holders.fits({}, "a", kExclusive));
  CHECK(holders.fits({}, "b", share()));
  holders.remove("a");
  holders.add("a", {kExclusive, {}, -1});
  CHECK_FALSE(holders.fits({}, "b", share()));
}

TEST_CASE("units of shared holders never exceed the capacity", "[planner][locks]") {
  LockHolders holders;
  holders.add("a", {share(2), {}, -1});
  CHECK(holders.fits(capacity(3), "b", share(1)));
  CHECK_FALSE(holders.fits(capacity(3), "b", share(2)));
  CHECK(holders.fits({}, "b", share(1000)));
  CHECK_FALSE(holders.fits(capacity(2), "b", share(1)));
}

TEST_CASE("a capacity that shrank below a request lets it have all of it", "[planner][locks]") {
  LockHolders holders;
  CHECK(holders.fits(capacity(1), "a", share(3)));
  holders.add("b", {share(1), {}, -1});
  CHECK_FALSE(holders.fits(capacity(1), "a", share(3)));
}

TEST_CASE("a directory conflicts with itself, its ancestors and its descendants",
          "[planner][locks]") {
  CHECK(directories_conflict("/srv/a", "/srv/a"));
  CHECK(directories_conflict("/srv/a", "/srv/a/b/c"));
  CHECK(directories_conflict("/srv/a/b/c", "/srv/a"));
  CHECK(directories_conflict("/", "/srv"));
  CHECK(directories_conflict("/srv", "/"));
  CHECK_FALSE(directories_conflict("/srv/a", "/srv/ab"));
  CHECK_FALSE(directories_conflict("/srv/a/x", "/srv/a/y"));
}

TEST_CASE("the ancestors of a directory lock are the folders above it", "[planner][locks]") {
  CHECK(instances({"target/t/path/a/b", LockMode::Exclusive, 1}) ==
        std::vector<std::string>{"target/t/path/a/b", "target/t/path/a", "target/t/path/"});
  CHECK(instances({"target/t/path/", LockMode::Exclusive, 1}) ==
        std::vector<std::string>{"target/t/path/"});
  CHECK(instances({"target/t/slots", LockMode::Shared, 1}).size() == 1);
}

TEST_CASE("the instance of a group comes from its scope and the task", "[planner][locks]") {
  api::DeploymentTaskSpec task;
  task.environment = "production";
  task.tenant = "t1";
  task.target = "web-01";
  api::LockGroup group;
  group.metadata.name = "db";
  CHECK(group_lock(group, task).value() == "global/db");
  group.spec.scope = api::LockScope::Environment;
  CHECK(group_lock(group, task).value() == "environment/production/db");
  group.spec.scope = api::LockScope::Tenant;
  CHECK(group_lock(group, task).value() == "tenant/t1/db");
  group.spec.scope = api::LockScope::Target;
  CHECK(group_lock(group, task).value() == "target/web-01/db");
  group.metadata.name = "slots";
  CHECK_FALSE(group_lock(group, task));
}

TEST_CASE("a task that asks twice for a lock gets the maximum of both", "[planner][locks]") {
  const auto locks = united({{"a", LockMode::Shared, 1},
                             {"b", LockMode::Shared, 2},
                             {"a", LockMode::Exclusive, 1},
                             {"b", LockMode::Shared, 1}});
  REQUIRE(locks.size() == 2);
  CHECK(locks[0] == api::TaskLock{"a", LockMode::Exclusive, 1});
  CHECK(locks[1] == api::TaskLock{"b", LockMode::Shared, 2});
}

}  // namespace tidelock::planner
