// SPDX-License-Identifier: Apache-2.0
// Numbers and shares, one table per field: what the CRD and validation refuse, with the field's path, and
// what number the planner makes of the rest. (Not how it counts: it is asked what it does.)
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "controller/api/codec.h"
#include "controller/api/validation.h"
#include "controller/api/yaml.h"
#include "controller/apiserver/schema.h"
#include "controller/planner/gates.h"
#include "controller/planner/waves.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

using nlohmann::json;

constexpr int kRefused = -1;
constexpr int kUnlimited = 1'000'000;

struct Row {
  json value;
  int of = 0;  // so many pairs
  int expected = kRefused;
};
// What everybody must refuse wherever a share stands; 0 and "0%" are in the tables.
const std::vector<json> kNoShares = {-1,   "-1%",  "101%", "1000%", "x", "",   "%",
                                     "10", "1.5%", "010%", " 5%",   1.5, true, 2147483648};
// … and wherever a number stands.
const std::vector<json> kNoNumbers = {-1, 1.5, "1", "10%", true, 2147483648};

const apiserver::Schema& schema_of(const std::string& kind) {
  static std::map<std::string, apiserver::Schema> all;
  const auto found = all.find(kind);
  if (found != all.end()) return found->second;
  std::string plural = kind + "s";
  std::transform(plural.begin(), plural.end(), plural.begin(), [](unsigned char c) { return std::tolower(c); });
  std::ifstream file(std::string(TIDELOCK_SOURCE_DIR) + "/crd/" + plural + ".yaml");
  std::stringstream text;
  text << file.rdbuf();
  const auto documents = api::parse_yaml(text.str()).value();
  const auto& version = (*documents.front().json)["spec"]["versions"][0];
  return all.emplace(kind, apiserver::Schema::compile(version["schema"]["openAPIV3Schema"]).value()).first->second;
}

// A field of one kind: "rollout.waves[0].steps[1]" below spec.
struct Field {
  std::string kind;
  std::string path;
  std::function<json(const json& value)> spec;
  std::function<int(const json& document, int of)> planned;
};

json document_of(const Field& field, const json& value) {
  return {{"apiVersion", api::kApiVersion},
          {"kind", field.kind},
          {"metadata", {{"name", "x"}}},
          {"spec", field.spec(value)}};
}

void check_refused(const Field& field, const json& value) {
  INFO("spec." << field.path << " = " << value.dump());
  const json document = document_of(field, value);
  const auto by_schema = schema_of(field.kind).validate(document);
  REQUIRE(!by_schema.empty());
  // What does not fit into 32 bits is refused as Kubernetes does: without a field, but the message has it.
  for (const auto& cause : by_schema)
    CHECK((cause.field == "spec." + field.path || cause.message.find("spec." + field.path) != std::string::npos));
  const auto by_rules = api::validate(field.kind, document, nullptr, {});
  REQUIRE(!by_rules.empty());
  for (const auto& cause : by_rules) CHECK(cause.field == "spec." + field.path);
}

void check_table(const Field& field, const std::vector<json>& refused, const std::vector<Row>& rows) {
  for (const auto& value : refused) check_refused(field, value);
  for (const auto& row : rows) {
    if (row.expected == kRefused) {
      check_refused(field, row.value);
      continue;
    }
    INFO("spec." << field.path << " = " << row.value.dump() << " of " << row.of);
    const json document = document_of(field, row.value);
    REQUIRE(schema_of(field.kind).validate(document).empty());
    REQUIRE(api::validate(field.kind, document, nullptr, {}).empty());
    CHECK(field.planned(document, row.of) == row.expected);
  }
}

// ---- fields of a strategy --------------------------------------------------------------------

json deployment_spec(const json& rollout) {
  return {{"projectRef", {{"name", "shop"}}},
          {"environmentRef", {{"name", "production"}}},
          {"release", {{"version", "1.0.0"}}},
          {"tenants", json::object()},
          {"rollout", rollout}};
}
Field of_strategy(const std::string& path, std::function<json(const json&)> spec_of,
                  std::function<int(const planner::RolloutOutcome&)> read) {
  return {"TenantDeployment", "rollout." + path,
          [spec_of](const json& value) { return deployment_spec(spec_of(value)); },
          [read](const json& document, int of) {
            api::Rollout rollout;
            rollout.spec.strategy = api::decode<api::TenantDeployment>(document).value().spec.rollout;
            std::vector<planner::WaveCounts> counts(std::max<std::size_t>(rollout.spec.strategy.waves.size(), 1));
            counts[0].by[static_cast<std::size_t>(planner::Progress::Waiting)] = of;
            const auto waves = planner::waves_of(rollout.spec.strategy);
            planner::RolloutOutcome outcome;
            for (int round = 0; round < 2; ++round) {
              outcome = planner::advance_rollout({rollout, waves, counts, "", "", "", {}, {}}, at_second(0));
              rollout.status = outcome.status;
            }
            return read(outcome);
          }};
}
// The same limit of all waves and of one.
std::vector<Field> of_both(const std::string& key, const std::string& path, std::function<json(const json&)> limit,
                           std::function<int(const planner::RolloutOutcome&)> read) {
  return {of_strategy(
              path,
              [=](const json& value) {
                return json{{key, limit(value)}};
              },
              read),
          of_strategy(
              "waves[0]." + path,
              [=](const json& value) {
                return json{{"waves", json::array({{{"name", "all"}, {key, limit(value)}}})}};
              },
              read)};
}
json itself(const json& value) { return value; }
const api::WaveResolved& resolved(const planner::RolloutOutcome& outcome) {
  return *outcome.status.waves[0].resolved;
}

}  // namespace

TEST_CASE("concurrency rounds down to at least one and at most all", "[scenario][arithmetic]") {
  for (const auto& field : of_both("concurrency", "concurrency", itself, [](const auto& outcome) {
         CHECK(outcome.waves[0].window == resolved(outcome).concurrency);
         return *resolved(outcome).concurrency;
       })) {
    check_table(field, kNoShares,
                {{0, 6},
                 {"0%", 6},
                 {1, 6, 1},
                 {6, 6, 6},
                 {7, 6, 6},
                 {1000, 6, 6},
                 {2147483647, 6, 6},
                 {"1%", 6, 1},
                 {"16%", 6, 1},
                 {"17%", 6, 1},
                 {"33%", 6, 1},
                 {"34%", 6, 2},
                 {"50%", 5, 2},
                 {"99%", 6, 5},
                 {"100%", 6, 6},
                 {"25%", 10, 2},
                 {"1%", 100, 1},
                 {"1%", 199, 1},
                 {"1%", 200, 2}});
  }
}

TEST_CASE("maxFailures rounds down and may be none", "[scenario][arithmetic]") {
  for (const auto& field : of_both("maxFailures", "maxFailures", itself,
                                   [](const auto& outcome) { return *resolved(outcome).max_failures; })) {
    check_table(field, kNoShares,
                {{0, 6, 0},
                 {"0%", 6, 0},
                 {1, 6, 1},
                 {6, 6, 6},
                 {7, 6, 6},
                 {1000, 6, 6},
                 {"1%", 6, 0},
                 {"16%", 6, 0},
                 {"17%", 6, 1},
                 {"25%", 5, 1},
                 {"39%", 5, 1},
                 {"40%", 5, 2},
                 {"99%", 6, 5},
                 {"100%", 6, 6}});
  }
}

TEST_CASE("minSucceeded rounds up to at least one and at most all", "[scenario][arithmetic]") {
  for (const auto& field : of_both("minSucceeded", "minSucceeded", itself,
                                   [](const auto& outcome) { return resolved(outcome).min_succeeded; })) {
    check_table(field, kNoShares,
                {{0, 6},
                 {"0%", 6},
                 {1, 6, 1},
                 {6, 6, 6},
                 {7, 6, 6},
                 {1000, 6, 6},
                 {"1%", 6, 1},
                 {"16%", 6, 1},
                 {"17%", 6, 2},
                 {"50%", 5, 3},
                 {"99%", 6, 6},
                 {"100%", 6, 6}});
  }
}

TEST_CASE("each step of a ramp rounds down to at least one and at most all", "[scenario][arithmetic]") {
  const auto one_step = [](const json& value) { return json::array({value}); };
  for (const auto& field : of_both("steps", "steps[0]", one_step, [](const auto& outcome) {
         CHECK(outcome.waves[0].window == resolved(outcome).steps[0]);
         return resolved(outcome).steps[0];
       })) {
    check_table(field, kNoShares,
                {{0, 6},
                 {"0%", 6},
                 {1, 6, 1},
                 {7, 6, 6},
                 {1000, 6, 6},
                 {"1%", 6, 1},
                 {"34%", 6, 2},
                 {"99%", 6, 5},
                 {"100%", 6, 6}});
  }
}

TEST_CASE("unreachable.max rounds down and may be none", "[scenario][arithmetic]") {
  const auto field = of_strategy(
      "unreachable.max",
      [](const json& value) {
        return json{{"unreachable", {{"max", value}}}};
      },
      [](const auto& outcome) { return *resolved(outcome).max_unreachable; });
  check_table(field, kNoShares,
              {{0, 6, 0},
               {"0%", 6, 0},
               {1, 6, 1},
               {7, 6, 6},
               {1000, 6, 6},
               {"16%", 6, 0},
               {"17%", 6, 1},
               {"40%", 6, 2},
               {"100%", 6, 6}});
}

TEST_CASE("maxInFlight and pacing are plain numbers", "[scenario][arithmetic]") {
  const auto window = [](const auto& outcome) { return outcome.waves[0].window.value_or(kUnlimited); };
  const auto in_flight = of_strategy(
      "maxInFlight",
      [](const json& value) {
        return json{{"maxInFlight", value}};
      },
      window);
  check_table(in_flight, kNoNumbers, {{0, 6}, {1, 6, 1}, {7, 6, 7}, {1000, 6, 1000}});
  const auto pacing = of_strategy(
      "pacing.maxStartsPerMinute",
      [](const json& value) {
        return json{{"pacing", {{"maxStartsPerMinute", value}}}};
      },
      window);
  check_table(pacing, kNoNumbers, {{0, 6}, {1, 6, 1}, {60, 6, 60}});
}

TEST_CASE("approval.required counts people", "[scenario][arithmetic]") {
  for (const std::string place : {"before", "after"}) {
    const Field field{
        "TenantDeployment", "rollout.waves[0]." + place + "[0].approval.required",
        [&](const json& value) {
          const json gate = {{"approval", {{"name", "go"}, {"required", value}}}};
          return deployment_spec({{"waves", json::array({{{"name", "all"}, {place, json::array({gate})}}})}});
        },
        [&](const json& document, int) {
          const auto wave = api::decode<api::TenantDeployment>(document).value().spec.rollout.waves.front();
          const auto& gate = place == "before" ? wave.before.front() : wave.after.front();
          std::vector<api::Approval> words;
          for (int people = 1; people < 200; ++people) {
            words.emplace_back().spec.gate = "go";
            words.back().spec.approver = "person-" + std::to_string(people);
            words.back().spec.plan_hash = "h";
            std::vector<const api::Approval*> all;
            for (const auto& word : words) all.push_back(&word);
            if (planner::gate_state(gate, all, "h", at_second(0)).open) return people;
          }
          return kUnlimited;
        }};
    check_table(field, kNoNumbers, {{0, 0}, {1, 0, 1}, {2, 0, 2}, {100, 0, 100}, {101, 0}});
  }
}

// ---- fields that whole planners are asked about ----------------------------------------------

namespace {

std::string tenant_name(int i) { return "t" + std::to_string(100 + i); }

struct Shop {
  explicit Shop(int tenants, int slots = 1000) {
    world.environment("production");
    world.target("w", slots);
    for (int i = 0; i < tenants; ++i) world.tenant(tenant_name(i), {{"name", tenant_name(i)}});
    world.project("shop", {step("a", 10)});
    world.release("shop", "1.0.0");
  }
  void deploy(const std::function<void(api::TenantDeploymentSpec&)>& change = {}) {
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = "shop";
    spec.release.version = "1.0.0";
    if (change) change(spec);
    world.deployment("shop", spec);
  }
  int peak() {
    int most = 0;
    for (const auto& one : world.intervals()) {
      const auto& all = world.intervals();
      most = std::max(most, static_cast<int>(std::count_if(all.begin(), all.end(), [&](const Interval& other) {
                        return other.begin <= one.begin && one.begin < other.end;
                      })));
    }
    return most;
  }
  PlannerWorld world;
};

}  // namespace

TEST_CASE("retry.limit counts attempts after the first", "[scenario][arithmetic]") {
  const Field field{
      "TenantDeployment", "rollout.retry.limit",
      [](const json& value) {
        return deployment_spec({{"retry", {{"limit", value}}}});
      },
      [](const json& document, int) {
        Shop shop(1);
        int attempts = 0;
        shop.world.outcome = [&](const auto&, const auto&, int) {
          ++attempts;
          return PlannerWorld::Outcome::Fail;
        };
        shop.deploy([&](auto& spec) { spec = api::decode<api::TenantDeployment>(document).value().spec; });
        shop.world.run(1e7);
        return attempts;
      }};
  check_table(
      field, kNoNumbers,
      {{0, 0, 1}, {1, 0, 2}, {3, 0, 4}, {8, 0, 9}, {9, 0, 10}, {10, 0, 11}, {11, 0, 12}, {100, 0, 101}, {101, 0}});
}

TEST_CASE("maxCorrections is how often drift is corrected in an hour", "[scenario][arithmetic]") {
  const Field field{
      "Project", "drift.maxCorrections",
      [](const json& value) {
        return json{{"installDirectory", "/srv/x"}, {"drift", {{"mode", "Correct"}, {"maxCorrections", value}}}};
      },
      [](const json& document, int) {
        Shop shop(1);
        api::Project project = shop.world.project_object("shop");
        project.spec.drift = api::decode<api::Project>(document).value().spec.drift;
        shop.world.put(project);
        shop.deploy();
        for (int i = 0; i < 20; ++i) {
          shop.world.run_until(shop.world.now() + 60);
          shop.world.drift("shop.production." + tenant_name(0) + ".w");
        }
        shop.world.run_until(shop.world.now() + 60);
        return static_cast<int>(shop.world.intervals().size()) - 1;
      }};
  // No more than the history of a pair tells of.
  check_table(field, kNoNumbers,
              {{0, 0, 0}, {1, 0, 1}, {3, 0, 3}, {9, 0, 9}, {10, 0, 9}, {1000, 0, 9}, {1001, 0}});
}

TEST_CASE("deletionGuard allows its share, rounded down, and always its minimum", "[scenario][arithmetic]") {
  // The most pairs that may go at once.
  const auto allowed = [](const json& document, int of) {
    const auto guard = api::decode<api::TenantDeployment>(document).value().spec.deletion_guard;
    for (int gone = 1; gone <= of; ++gone) {
      Shop shop(of);
      shop.deploy([&](auto& spec) { spec.deletion_guard = guard; });
      shop.world.run();
      for (int i = 0; i < gone; ++i) shop.world.remove("Tenant", tenant_name(i));
      shop.world.settle();
      const auto blocked = shop.world.planner().why("shop.production." + tenant_name(0) + ".w", shop.world.time());
      if (!blocked.empty() && blocked.front().kind == "MassRemoval") return gone - 1;
    }
    return of;
  };
  const auto guarded = [](const json& guard) {
    json spec = deployment_spec(json::object());
    spec["deletionGuard"] = guard;
    return spec;
  };
  check_table({"TenantDeployment", "deletionGuard.max",
               [&](const json& value) {
                 return guarded({{"max", value}, {"min", 0}});
               },
               allowed},
              kNoShares,
              {{0, 6, 0},
               {"0%", 6, 0},
               {1, 6, 1},
               {7, 6, 6},
               {"16%", 6, 0},
               {"17%", 6, 1},
               {"99%", 6, 5},
               {"100%", 6, 6}});
  check_table({"TenantDeployment", "deletionGuard.min",
               [&](const json& value) {
                 return guarded({{"max", "34%"}, {"min", value}});
               },
               allowed},
              kNoNumbers, {{0, 6, 2}, {1, 6, 2}, {3, 6, 3}, {1000, 6, 6}});
}

TEST_CASE("promotion.minSucceeded rounds up to at least one and at most all", "[scenario][arithmetic]") {
  // The fewest tenants that must have passed staging.
  const auto needed = [](const json& document, int of) {
    auto production = api::decode<api::Environment>(document).value();
    for (int passed = 0; passed <= of; ++passed) {
      Shop shop(of);
      shop.world.environment("staging");
      auto target = shop.world.target_object("w");
      target.spec.environments = {"staging", "production"};
      shop.world.put(target);
      production.metadata.name = "production";
      shop.world.put(production);
      shop.world.outcome = [&](const api::DeploymentTask& task, const auto&, int) {
        return task.spec.tenant < tenant_name(passed) ? PlannerWorld::Outcome::Succeed
                                                      : PlannerWorld::Outcome::Fail;
      };
      api::TenantDeploymentSpec spec;
      spec.project_ref.name = "shop";
      spec.environment_ref.name = "staging";
      spec.release.version = "1.0.0";
      shop.world.deployment("stage", spec);
      shop.world.run();
      shop.deploy();
      shop.world.run();
      const auto& tasks = shop.world.tasks();
      if (std::any_of(tasks.begin(), tasks.end(), [](const auto& entry) {
            return entry.second->spec.environment == "production" && entry.second->status.grant;
          }))
        return passed;
    }
    return kUnlimited;
  };
  check_table({"Environment", "promotion.minSucceeded",
               [](const json& value) {
                 return json{{"promotion", {{"from", "staging"}, {"perTenant", false}, {"minSucceeded", value}}}};
               },
               needed},
              kNoShares,
              {{0, 4},
               {"0%", 4},
               {1, 4, 1},
               {4, 4, 4},
               {5, 4, 4},
               {"1%", 4, 1},
               {"50%", 4, 2},
               {"51%", 4, 3},
               {"100%", 4, 4}});
}

TEST_CASE("budgets, capacities and slots are plain numbers of at least one", "[scenario][arithmetic]") {
  const std::vector<Row> rows = {{0, 4}, {1, 4, 1}, {3, 4, 3}, {4, 4, 4}, {1000, 4, 4}};
  check_table({"ConcurrencyBudget", "max",
               [](const json& value) {
                 return json{{"max", value}};
               },
               [](const json& document, int of) {
                 Shop shop(of);
                 shop.world.budget("cap", api::decode<api::ConcurrencyBudget>(document).value().spec.max);
                 shop.deploy();
                 shop.world.run();
                 return shop.peak();
               }},
              kNoNumbers, rows);
  check_table({"LockGroup", "capacity",
               [](const json& value) {
                 return json{{"capacity", value}, {"granularity", "Step"}};
               },
               [](const json& document, int of) {
                 Shop shop(of);
                 shop.world.lock_group("g", api::decode<api::LockGroup>(document).value().spec);
                 shop.world.project("shop", {step("a", 10, {shared("g")})});
                 shop.world.release("shop", "1.0.0");
                 shop.deploy();
                 shop.world.run();
                 return shop.peak();
               }},
              kNoNumbers, rows);
  check_table({"Target", "maxConcurrent",
               [](const json& value) {
                 return json{{"environments", {"production"}}, {"installRoot", "/srv"}, {"maxConcurrent", value}};
               },
               [](const json& document, int of) {
                 Shop shop(of, api::decode<api::Target>(document).value().spec.max_concurrent);
                 shop.deploy();
                 shop.world.run();
                 return shop.peak();
               }},
              kNoNumbers, rows);
}

}  // namespace tidelock::testing
