// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/gate_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "controller/api/codec.h"
#include "controller/cli/json.h"

namespace tidelock::cli {

std::string Gate::text() const {
  if (state.open) return "approved";
  if (!state.rejected_by.empty()) return "rejected by " + state.rejected_by;
  std::string text =
      std::to_string(state.given()) + " of " + std::to_string(spec.required) + " approved";
  if (state.stale) text += "; stale: another plan was spoken of";
  return text;
}

std::vector<Gate> gates_of(const api::Rollout& rollout, const std::vector<api::Approval>& approvals,
                           TimePoint now) {
  std::vector<const api::Approval*> of_it;
  for (const api::Approval& approval : approvals) {
    if (approval.spec.rollout_ref.name == rollout.metadata.name) of_it.push_back(&approval);
  }
  std::vector<Gate> gates;
  for (const api::WaveSpec& wave : rollout.spec.strategy.waves) {
    for (const bool before : {true, false}) {
      for (const api::GateSpec& spec : before ? wave.before : wave.after) {
        gates.push_back({wave.name, before, spec,
                         planner::gate_state(spec, of_it, rollout.status.plan_hash, now)});
      }
    }
  }
  return gates;
}

Result<std::vector<api::Approval>> approvals_of(Session& session, const std::string& ns,
                                                const std::string& rollout) {
  auto list = session.get_json(client::resource_path(client::resource_of<api::Approval>(), ns));
  if (!list && list.error().reason == Reason::NotFound) return std::vector<api::Approval>{};
  if (!list) return fail(list.error());
  std::vector<api::Approval> found;
  for (const nlohmann::json& item : elements(*list, "items")) {
    auto approval = api::decode<api::Approval>(item);
    if (!approval || approval->spec.rollout_ref.name != rollout) continue;
    found.push_back(std::move(*approval));
  }
  std::sort(found.begin(), found.end(), [](const api::Approval& a, const api::Approval& b) {
    return std::tie(a.metadata.creation_timestamp, a.metadata.name) <
           std::tie(b.metadata.creation_timestamp, b.metadata.name);
  });
  return found;
}

}  // namespace tidelock::cli
