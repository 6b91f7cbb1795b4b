// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/as_if.h"

#include <algorithm>
#include <list>

#include "controller/api/codec.h"
#include "controller/api/validation.h"
#include "controller/cli/errors.h"
#include "controller/cli/json.h"
#include "controller/cli/session.h"
#include "controller/cli/three_way.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

bool names(const std::vector<api::LockRequest>& locks, const std::string& group) {
  return std::any_of(locks.begin(), locks.end(),
                     [&](const api::LockRequest& lock) { return lock.group == group; });
}

bool uses(const api::Project& project, const std::string& group) {
  const api::Process& process = project.spec.process;
  return names(process.locks, group) ||
         std::any_of(process.steps.begin(), process.steps.end(),
                     [&](const api::Step& step) { return names(step.locks, group); });
}

// How validation sees the other objects; holds what it hands out.
struct Neighbours {
  explicit Neighbours(const AsIf& all) {
    for (const auto& [name, object] : all.all("LockGroup")) {
      if (auto group = api::decode<api::LockGroup>(object)) groups.emplace(name, *group);
    }
    for (const auto& [name, object] : all.all("Project")) {
      if (auto project = api::decode<api::Project>(object)) projects.push_back(*project);
    }
    references.lock_group = [this](const std::string& name) {
      auto found = groups.find(name);
      return found == groups.end() ? nullptr : &found->second;
    };
    references.exists = [&all](std::string_view kind, const std::string& name) {
      return all.all(std::string(kind)).contains(name);
    };
    references.promoted_from = [&all](const std::string& name) -> std::string {
      const auto& environments = all.all("Environment");
      const auto found = environments.find(name);
      if (found == environments.end()) return "";
      return text_at(member(member(found->second, "spec"), "promotion"), "from");
    };
    references.projects_using = [this](const std::string& group) {
      std::vector<const api::Project*> found;
      for (const api::Project& project : projects) {
        if (uses(project, group)) found.push_back(&project);
      }
      return found;
    };
  }
  Neighbours(const Neighbours&) = delete;

  std::map<std::string, api::LockGroup> groups;
  std::list<api::Project> projects;
  api::References references;
};

json assumed_ready() {
  return {{"type", "Ready"}, {"status", "True"}, {"reason", kAssumed}};
}

}  // namespace

void AsIf::known(const std::string& kind, const json& object) {
  objects_[kind][name_of(object)] = object;
}

void AsIf::apply(const ManifestObject& manifest) {
  const bool ours = text_at(manifest.object, "apiVersion") == api::kApiVersion;
  if (!ours || manifest.ns != ns_) return;
  const std::string kind = text_at(manifest.object, "kind");
  auto& slot = objects_[kind][manifest.name()];
  applied_.push_back({kind, manifest.name(), manifest.place(), slot});
  if (slot.is_null()) {
    slot = with_last_applied(manifest.object);
    slot["metadata"]["creationTimestamp"] = format_time(now_);
    slot["metadata"]["generation"] = 1;
    slot.erase("status");
    // Its agent has had no chance to report; whether it will is for the reader to judge (the hint).
    if (kind == "Target") slot["status"]["conditions"] = json::array({assumed_ready()});
    return;
  }
  const json spec = member(slot, "spec");
  json change = three_way_merge_patch(last_applied(slot), with_last_applied(manifest.object), slot);
  if (change.is_object()) change.erase("status");
  slot.merge_patch(change);
  if (member(slot, "spec") != spec) {
    slot["metadata"]["generation"] = integer_at(member(slot, "metadata"), "generation") + 1;
  }
}

Result<void> AsIf::check() const {
  if (applied_.empty()) return {};
  const Neighbours neighbours(*this);
  std::string problems;
  for (const Applied& one : applied_) {
    const json& object = objects_.at(one.kind).at(one.name);
    Error error = make_error(Reason::Invalid, "");
    error.kind = one.kind;
    error.name = one.name;
    error.causes = api::validate(one.kind, object, one.before.is_null() ? nullptr : &one.before,
                                 neighbours.references);
    if (error.causes.empty()) continue;
    problems += (problems.empty() ? "" : "\n") + one.place + ": " + error_text(error);
  }
  return problems.empty() ? Result<void>{} : usage(problems);
}

const std::map<std::string, json>& AsIf::all(const std::string& kind) const {
  static const std::map<std::string, json> kNone;
  auto found = objects_.find(kind);
  return found == objects_.end() ? kNone : found->second;
}

}  // namespace tidelock::cli
