// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/plan_hash.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "controller/api/codec.h"
#include "controller/base/digest.h"

namespace tidelock::planner {
namespace {

using nlohmann::json;

// Keys are sorted and defaults left out, so that a field that a later version adds changes no hash
// of today.
json strategy_json(const api::RolloutStrategy& strategy) {
  api::Rollout carrier;
  carrier.spec.strategy = strategy;
  const json encoded = api::encode(carrier);
  return encoded.value(json::json_pointer("/spec/strategy"), json::object());
}

std::string hash_of(const json& document) {
  return "sha256:" + sha256_hex(document.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace

std::string plan_hash(std::vector<PlanRow> rows,
                      const std::map<std::string, api::RolloutStrategy>& strategies) {
  std::erase_if(rows, [](const PlanRow& row) { return row.action == api::Action::None; });
  std::sort(rows.begin(), rows.end(), [](const PlanRow& a, const PlanRow& b) {
    return std::tie(a.order, a.installation) < std::tie(b.order, b.installation);
  });
  json shown = json::array();
  json used = json::object();
  int place = 0;
  int order = 0;
  for (const PlanRow& row : rows) {
    if (place == 0 || row.order != order) ++place;
    order = row.order;
    shown.push_back({row.project, row.environment, row.tenant, row.target,
                     std::string(api::to_string(row.action)), row.from, row.to, row.digest,
                     row.wave, place});
    const auto strategy = strategies.find(row.deployment);
    if (strategy != strategies.end()) used[row.deployment] = strategy_json(strategy->second);
  }
  return hash_of({{"plan", 1}, {"rows", shown}, {"strategies", used}});
}

std::string rollout_head(const api::RolloutSpec& rollout) {
  return hash_of({{"rollout", 2},
                  {"deployment", rollout.tenant_deployment_ref.name},
                  {"digest", rollout.digest},
                  {"strategy", strategy_json(rollout.strategy)}});
}

std::string rollout_plan_hash(const std::string& head, const MemberTree::Sum& members) {
  return "sha256:" + sha256_hex(head + "\n" + std::string(members.begin(), members.end()));
}

}  // namespace tidelock::planner
