// SPDX-License-Identifier: Apache-2.0
// What keeps a pair from being planned although its rollout would let it (semantics.md §6): promotion from
// another environment, and the guard against removing many pairs by a slip.
#include <algorithm>

#include "controller/api/int_or_percent.h"
#include "controller/base/digest.h"
#include "controller/planner/planner_state.h"

namespace tidelock::planner {
namespace {

std::string tenant_of(const api::InstallationSpec& spec) { return spec.tenant_ref ? spec.tenant_ref->name : ""; }

std::string removal_hash(const std::set<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += name + "\n";
  return "sha256:" + sha256_hex(text);
}

}  // namespace

// An installation came, went or changed: it may have passed its environment, or not any more.
void Planner::State::note_passing(const api::Installation* before, const api::Installation* after) {
  const auto& object = after == nullptr ? before : after;
  if (object == nullptr) return;
  const bool same = before != nullptr && after != nullptr && before->spec == after->spec &&
                    before->status.actual_digest == after->status.actual_digest &&
                    before->status.history == after->status.history &&
                    before->status.conditions == after->status.conditions;
  if (!same) stale_where_promoted(object->spec);
}

// Pairs of the environments that follow this one.
void Planner::State::stale_where_promoted(const api::InstallationSpec& spec) {
  for (const auto& [name, environment] : facts.environments) {
    const auto& promotion = environment->spec.promotion;
    if (promotion.from != spec.environment_ref.name) continue;
    const std::string tenant = tenant_of(spec);
    stale_pairs(index.of_place(facts, spec.project_ref.name, name, promotion.per_tenant ? &tenant : nullptr));
  }
}

bool Planner::State::has_passed(const std::string& name, const std::string& digest, TimePoint now,
                                const api::PromotionSpec& promotion, TimePoint& due) const {
  const auto* installation = find(facts.installations, name);
  if (installation == nullptr || installation->status.actual_digest != digest) return false;
  const auto* ready = api::find_condition(installation->status.conditions, "Ready");
  if (ready == nullptr || !ready->status) return false;
  if (!promotion.required_soak) return true;
  TimePoint since = ready->last_transition_time;
  if (const auto* success = last_success(installation->status, digest)) since = std::max(since, success->finished_at);
  if (now >= since + *promotion.required_soak) return true;
  due = std::min(due, since + *promotion.required_soak);
  return false;
}

std::optional<api::BlockedBy> Planner::State::promotion_gate(const Wish& wish, TimePoint now, TimePoint& due) const {
  const auto* environment = find(facts.environments, wish.environment);
  if (environment == nullptr || environment->spec.promotion.from.empty()) return std::nullopt;
  const auto& promotion = environment->spec.promotion;
  if (wish.choice.digest.empty()) return std::nullopt;
  int all = 0;
  int passed = 0;
  TimePoint soaked = kNever;
  const std::string* tenant = promotion.per_tenant ? &wish.tenant : nullptr;
  for (const auto& name : index.of_place(facts, wish.project, promotion.from, tenant)) {
    ++all;
    if (has_passed(name, wish.choice.digest, now, promotion, soaked)) ++passed;
  }
  const int needed = promotion.min_succeeded ? api::resolve_ceil(*promotion.min_succeeded, all, 1) : all;
  if (all > 0 && passed >= needed) return std::nullopt;
  due = std::min(due, soaked);
  const std::string who = promotion.per_tenant && !wish.tenant.empty() ? "tenant " + wish.tenant : "project " + wish.project;
  api::BlockedBy blocked;
  blocked.kind = "Promotion";
  blocked.name = promotion.from;
  const auto* installation =
      find(facts.installations, installation_name(wish.project, wish.environment, wish.tenant, wish.target));
  if (installation != nullptr) blocked.since = installation->metadata.creation_timestamp.value_or(TimePoint{});
  if (soaked != kNever) blocked.until = soaked;
  blocked.message = all == 0 ? "waits for Promotion: " + who + " has nothing in environment " + promotion.from
                             : "waits for Promotion: " + who + " has not passed environment " + promotion.from +
                                   " with version " + wish.choice.version;
  if (soaked != kNever) blocked.message += " until " + format_time(soaked);
  return blocked;
}

// ---- removals --------------------------------------------------------------------------------

void Planner::State::note_removal(const std::string& installation, const std::string& deployment, bool wanted) {
  const std::string* before = removals.group_of(installation);
  if (before == nullptr ? !wanted : wanted && *before == deployment) return;
  if (before != nullptr) guards_to_check.insert(*before);
  if (wanted) guards_to_check.insert(deployment);
  removals.put(installation, wanted ? &deployment : nullptr);
}

std::optional<MassRemoval> Planner::State::mass_removal(const std::string& name) const {
  const auto* deployment = find(facts.deployments, name);
  const auto& leaving = removals.of(name);
  if (deployment == nullptr || deployment->metadata.deletion_timestamp || leaving.empty()) return std::nullopt;
  const auto& limits = deployment->spec.deletion_guard;
  const int asked = static_cast<int>(leaving.size());
  const auto count = counts.find(name);
  MassRemoval removal;
  removal.pairs = asked + (count == counts.end() ? 0 : count->second.desired);
  removal.allowed = std::max(limits.min, api::resolve_floor(limits.max, removal.pairs, 0));
  if (asked <= removal.allowed) return std::nullopt;
  removal.installations.assign(leaving.begin(), leaving.end());
  removal.hash = removal_hash(leaving);
  const auto& annotations = deployment->metadata.annotations;
  const auto word = annotations.find(kConfirmRemoval);
  removal.confirmed = word != annotations.end() && word->second == removal.hash;
  return removal;
}

// More removals at once than its deletionGuard allows wait until a person has seen their number.
void Planner::State::guard_removals() {
  for (const auto& name : guards_to_check) {
    const auto& leaving = removals.of(name);
    std::optional<WaveOpening> guard;
    if (const auto removal = mass_removal(name); removal && !removal->confirmed) {
      auto& blocked = guard.emplace().blocked.emplace();
      blocked.kind = "MassRemoval";
      blocked.name = name;
      blocked.since = find(facts.deployments, name)->metadata.creation_timestamp.value_or(TimePoint{});
      blocked.message = std::to_string(removal->installations.size()) + " of " + std::to_string(removal->pairs) +
                        " pairs of TenantDeployment " + name + " would be removed, allowed are " +
                        std::to_string(removal->allowed) + "; to do it: tidectl rollout confirm-removal td/" + name +
                        " --plan-hash " + removal->hash;
    }
    const auto known = removal_guards.find(name);
    const bool was = known != removal_guards.end();
    const bool changed = was != guard.has_value() || (guard && !(known->second.blocked == guard->blocked));
    if (!changed) continue;
    if (guard) {
      removal_guards[name] = *guard;
    } else {
      removal_guards.erase(name);
    }
    stale.installations.insert(leaving.begin(), leaving.end());
  }
  guards_to_check.clear();
}

}  // namespace tidelock::planner
