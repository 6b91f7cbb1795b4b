// SPDX-License-Identifier: Apache-2.0
// Whether two planners want the same and say the same, apart from what one of them can only remember: fences,
// since when something is asked for, and how often a status was written.
#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "controller/api/codec.h"
#include "controller/planner/planner.h"

namespace tidelock::testing {

// By kind and name.
using EffectMap = std::map<std::pair<std::size_t, std::string>, const planner::Effect*>;

inline bool is_paced(const planner::Effect& effect) {
  return std::holds_alternative<planner::InstallationStatusChange>(effect) ||
         std::holds_alternative<planner::TenantDeploymentStatusChange>(effect) ||
         std::holds_alternative<planner::RolloutStatusChange>(effect) ||
         std::holds_alternative<planner::BudgetStatusChange>(effect) ||
         std::holds_alternative<planner::LockGroupStatusChange>(effect);
}

inline std::string name_of(const planner::Effect& effect) {
  return std::visit(
      [](const auto& e) {
        if constexpr (requires { e.object; }) {
          return e.object.metadata.name;
        } else {
          return e.name;
        }
      },
      effect);
}

inline EffectMap by_name(const planner::Effects& effects) {
  EffectMap all;
  for (const auto& effect : effects.effects) all.emplace(std::pair(effect.index(), name_of(effect)), &effect);
  return all;
}

// A status that waits for its turn keeps the times at which it was wanted first.
inline std::string without_times(std::string text) {
  const std::string begin = "\"2026-01-";
  for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
    text.erase(at + 1, text.find('"', at + 1) - at - 1);
  }
  return text;
}
template <class Object, class Status>
std::string told_status(const Status& status) {
  Object object;
  object.status = status;
  return without_times(api::encode_status(object).dump());
}

inline planner::GrantTask without_memory(planner::GrantTask e) {
  e.grant.fence = {};
  e.grant.granted_at = e.grant.step_granted_at = {};
  e.grant.waits.clear();
  return e;
}

// What it comes to, for people and for comparison.
struct EffectText {
  std::string operator()(const planner::UpdateInstallation& e) const { return e.based_on + " " + e.spec.digest; }
  std::string operator()(const planner::ResetRollout& e) const { return e.based_on; }
  std::string operator()(const planner::DeleteInstallation& e) const { return e.based_on; }
  std::string operator()(const planner::DeleteHold& e) const { return e.uid; }
  std::string operator()(const planner::DeleteTask& e) const { return e.uid; }
  std::string operator()(const planner::CancelTask& e) const { return e.based_on + " " + e.cancel.reason; }
  std::string operator()(const planner::GrantTask& e) const {
    api::DeploymentTask task;
    task.status.grant = without_memory(e).grant;
    return e.based_on + " " + api::encode_status(task).dump();
  }
  std::string operator()(const planner::EndTask& e) const {
    return e.based_on + " " + e.reason + " " + e.message + " " + e.superseded_by;
  }
  std::string operator()(const planner::ReleaseStatusChange& e) const {
    return e.based_on + " " + e.status.digest;
  }
  std::string operator()(const planner::ProjectStatusChange& e) const { return e.based_on; }
  std::string operator()(const planner::WindowStatusChange& e) const {
    return e.based_on + (e.status.open ? " open" : " closed");
  }
  std::string operator()(const planner::RolloutStatusChange& e) const {
    return told_status<api::Rollout>(e.status);
  }
  std::string operator()(const planner::InstallationStatusChange& e) const {
    return told_status<api::Installation>(e.status);
  }
  std::string operator()(const planner::TenantDeploymentStatusChange& e) const {
    return told_status<api::TenantDeployment>(e.status);
  }
  std::string operator()(const planner::LockGroupStatusChange& e) const {
    return told_status<api::LockGroup>(e.status);
  }
  std::string operator()(const planner::BudgetStatusChange& e) const {
    return told_status<api::ConcurrencyBudget>(e.status);
  }
  template <class Create>
  std::string operator()(const Create& e) const {
    return api::encode(e.object).dump();
  }
};

// Quick where it can be: texts are dear.
inline bool same(const planner::Effect& a, const planner::Effect& b) {
  return std::visit(
      [&](const auto& x) {
        const auto& y = std::get<std::decay_t<decltype(x)>>(b);
        if constexpr (requires { x.object; }) {
          return x.object.spec == y.object.spec;
        } else if constexpr (requires { x.grant; }) {
          return x.based_on == y.based_on && without_memory(x).grant == without_memory(y).grant;
        } else if constexpr (requires { x.status; }) {
          return x.status == y.status || EffectText{}(x) == EffectText{}(y);
        } else {
          return EffectText{}(x) == EffectText{}(y);
        }
      },
      a);
}

// Empty = `actual` wants all that `expected` does, and writes no status that `expected` would not.
inline std::string difference(const planner::Effects& actual, const planner::Effects& expected) {
  const EffectMap ours = by_name(actual), theirs = by_name(expected);
  const auto text = [](const EffectMap& all, const EffectMap::key_type& key) {
    const auto found = all.find(key);
    return found == all.end() ? "nothing" : std::visit(EffectText{}, *found->second);
  };
  std::string wrong;
  const auto compare = [&](const EffectMap& from, const EffectMap& in, bool paced) {
    for (const auto& [key, effect] : from) {
      if (is_paced(*effect) && !paced) continue;
      const auto found = in.find(key);
      if (found != in.end() && same(*effect, *found->second)) continue;
      wrong += std::to_string(key.first) + " " + key.second + ": " + text(ours, key) + " instead of " +
               text(theirs, key) + "\n";
    }
  };
  compare(ours, theirs, true);
  compare(theirs, ours, false);
  return wrong;
}

// ---- answers ---------------------------------------------------------------------------------

inline std::string told(const std::vector<planner::PlanRow>& rows) {
  std::ostringstream out;
  for (const auto& row : rows) {
    out << row.order << " " << row.installation << " " << api::to_string(row.action) << " " << row.from << ">"
        << row.to << " " << row.wave;
    for (const auto& blocked : row.blocked_by) {
      out << " [" << blocked.kind << " " << blocked.name << " " << blocked.holder << ": " << blocked.message
          << "]";
    }
    out << "\n";
  }
  return out.str();
}

inline std::string told(const std::vector<planner::LockView>& locks) {
  std::ostringstream out;
  for (const auto& lock : locks) {
    out << lock.instance << " of " << lock.capacity.value_or(0);
    for (const auto& holder : lock.holders) {
      out << " [" << holder.task << " " << holder.step << " " << holder.units << " " << api::to_string(holder.mode)
          << "]";
    }
    for (const auto& waiter : lock.waiters) out << " (" << waiter.position << " " << waiter.task << ")";
    out << "\n";
  }
  return out.str();
}

}  // namespace tidelock::testing
