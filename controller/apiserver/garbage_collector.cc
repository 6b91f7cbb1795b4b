// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/garbage_collector.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/apiserver/deletion.h"
#include "controller/apiserver/metadata.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/scan.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

bool raw_list_has(std::string_view array, std::string_view wanted) {
  bool found = false;
  scan_elements(array, [&](std::string_view item) { found = found || scalar_text(item) == wanted; });
  return found;
}

bool deletes_with(std::string_view object, const char* finalizer) {
  const std::string_view metadata = stored_metadata(object);
  return !scan_value(metadata, {"deletionTimestamp"}).empty() &&
         raw_list_has(scan_value(metadata, {"finalizers"}), finalizer);
}

std::pair<std::string, std::string> group_and_version(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  if (slash == std::string::npos) return {"", api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

// The propagation that a dependent's own finalizers ask for.
Propagation propagation_of(std::string_view object) {
  const std::string_view finalizers = scan_value(object, {"metadata", "finalizers"});
  if (raw_list_has(finalizers, kOrphanFinalizer)) return Propagation::Orphan;
  if (raw_list_has(finalizers, kForegroundFinalizer)) return Propagation::Foreground;
  return Propagation::Background;
}

}  // namespace

GarbageCollector::GarbageCollector(Context& context, BackgroundWriter& writer)
    : context_(context), writer_(writer) {}

void GarbageCollector::clear() {
  dependents_.clear();
  dependents_of_.clear();
  deleting_.clear();
  touched_dependents_.clear();
  touched_owners_.clear();
}

ResourceTypePtr GarbageCollector::type_of(const std::string& key) const {
  const KeyParts parts = split_key(key);
  return context_.registry.catalog()->find_stored(parts.group, parts.plural);
}

void GarbageCollector::forget(const std::string& key) {
  const auto found = dependents_.find(key);
  if (found == dependents_.end()) return;
  for (const Owner& owner : found->second) {
    const auto others = dependents_of_.find(owner.uid);
    if (others != dependents_of_.end()) {
      others->second.erase(key);
      if (others->second.empty()) dependents_of_.erase(others);
    }
    // A foreground deletion may have waited for this one.
    if (const auto waiting = deleting_.find(owner.uid); waiting != deleting_.end()) {
      touched_owners_.insert(waiting->second);
    }
  }
  dependents_.erase(found);
}

void GarbageCollector::observe(const std::string& key, const std::string* value,
                               const std::string* previous) {
  forget(key);
  const std::string* object = value != nullptr ? value : previous;
  if (object == nullptr) return;
  const std::string_view metadata = stored_metadata(*object);
  const std::string uid = scan_string(metadata, {"uid"});
  if (value == nullptr) {
    deleting_.erase(uid);
    touched_owners_.erase(key);
    if (const auto found = dependents_of_.find(uid); found != dependents_of_.end()) {
      touched_dependents_.insert(found->second.begin(), found->second.end());
    }
    return;
  }
  scan_elements(scan_value(metadata, {"ownerReferences"}), [&](std::string_view item) {
    Owner owner{scan_string(item, {"apiVersion"}), scan_string(item, {"kind"}),
                scan_string(item, {"name"}), scan_string(item, {"uid"}),
                scan_value(item, {"blockOwnerDeletion"}) == "true"};
    dependents_of_[owner.uid].insert(key);
    if (const auto waiting = deleting_.find(owner.uid); waiting != deleting_.end()) {
      touched_owners_.insert(waiting->second);
    }
    dependents_[key].push_back(std::move(owner));
  });
  if (dependents_.contains(key)) touched_dependents_.insert(key);
  if (deletes_with(*value, kOrphanFinalizer) || deletes_with(*value, kForegroundFinalizer)) {
    deleting_[uid] = key;
    touched_owners_.insert(key);
  }
}

void GarbageCollector::touch(const std::string& key) {
  touched_dependents_.insert(key);
  touched_owners_.insert(key);
}

bool GarbageCollector::run() {
  bool started = false;
  while (!touched_dependents_.empty() || !touched_owners_.empty()) {
    for (const auto& key : std::exchange(touched_owners_, {})) {
      started = check_deleting_owner(key) || started;
    }
    for (const auto& key : std::exchange(touched_dependents_, {})) {
      started = check_dependent(key) || started;
    }
  }
  return started;
}

GarbageCollector::OwnerState GarbageCollector::state_of(const std::string& dependent_key,
                                                        const Owner& owner) {
  const auto [group, version] = group_and_version(owner.api_version);
  const auto type = context_.registry.catalog()->find_kind(group, version, owner.kind);
  // A kind that is not served may come back; nothing is deleted on its account.
  if (!type) return OwnerState::Unknown;
  const KeyParts parts = split_key(dependent_key);
  if (type->namespaced && parts.ns.empty()) return OwnerState::Unknown;
  const auto entry = context_.store.get(type->key(parts.ns, owner.name));
  if (!entry) return OwnerState::Unknown;
  if (!*entry || scan_string((*entry)->value, {"metadata", "uid"}) != owner.uid) {
    return OwnerState::Absent;
  }
  return deletes_with((*entry)->value, kForegroundFinalizer) ? OwnerState::Foreground
                                                             : OwnerState::Present;
}

bool GarbageCollector::check_dependent(const std::string& key) {
  const auto found = dependents_.find(key);
  if (found == dependents_.end()) return false;
  const auto type = type_of(key);
  if (!type) return false;
  std::vector<std::string> absent;
  bool kept = false;
  bool foreground = false;
  for (const Owner& owner : found->second) {
    switch (state_of(key, owner)) {
      case OwnerState::Present:
      case OwnerState::Unknown: kept = true; break;
      case OwnerState::Foreground: foreground = true; break;
      case OwnerState::Absent: absent.push_back(owner.uid); break;
    }
  }
  if (kept) {
    for (const auto& uid : absent) strip_owner(key, uid);
    return !absent.empty();
  }
  const auto entry = context_.store.get(key);
  if (!entry || !*entry) return false;
  const std::string& object = (*entry)->value;
  if (!scan_value(object, {"metadata", "deletionTimestamp"}).empty()) return false;
  const std::string uid = scan_string(object, {"metadata", "uid"});
  // Below a foreground deletion, what has dependents itself is deleted in the foreground too.
  const bool in_foreground = foreground && dependents_of_.contains(uid);
  writer_.remove(type, key, in_foreground ? Propagation::Foreground : propagation_of(object), uid);
  return true;
}

bool GarbageCollector::check_deleting_owner(const std::string& key) {
  const auto entry = context_.store.get(key);
  if (!entry || !*entry) return false;
  const std::string uid = scan_string((*entry)->value, {"metadata", "uid"});
  if (deletes_with((*entry)->value, kOrphanFinalizer)) {
    if (orphan_dependents(uid)) return true;
    drop_finalizer(key, kOrphanFinalizer);
    return true;
  }
  if (!deletes_with((*entry)->value, kForegroundFinalizer)) return false;
  if (delete_blocking_dependents(uid)) return true;
  drop_finalizer(key, kForegroundFinalizer);
  return true;
}

// True while there are dependents left that still name the owner.
bool GarbageCollector::orphan_dependents(const std::string& uid) {
  const auto found = dependents_of_.find(uid);
  if (found == dependents_of_.end()) return false;
  for (const auto& key : found->second) strip_owner(key, uid);
  return true;
}

// All dependents are asked to go; true while one is left that the owner must wait for.
bool GarbageCollector::delete_blocking_dependents(const std::string& uid) {
  const auto found = dependents_of_.find(uid);
  if (found == dependents_of_.end()) return false;
  bool blocked = false;
  for (const auto& key : found->second) {
    touched_dependents_.insert(key);
    const auto& owners = dependents_[key];
    blocked = blocked || std::any_of(owners.begin(), owners.end(), [&](const Owner& owner) {
                return owner.uid == uid && owner.blocks;
              });
  }
  return blocked;
}

void GarbageCollector::strip_owner(const std::string& key, const std::string& uid) {
  const auto type = type_of(key);
  if (!type) return;
  writer_.edit(type, key, [uid](json& document) {
    const auto owners = document["metadata"].find("ownerReferences");
    if (owners == document["metadata"].end()) return false;
    json kept = json::array();
    for (const json& owner : *owners) {
      if (metadata_text(owner, "uid") != uid) kept.push_back(owner);
    }
    if (kept.size() == owners->size()) return false;
    if (kept.empty()) {
      document["metadata"].erase("ownerReferences");
    } else {
      *owners = std::move(kept);
    }
    return true;
  });
}

void GarbageCollector::drop_finalizer(const std::string& key, const std::string& finalizer) {
  const auto type = type_of(key);
  if (!type) return;
  writer_.edit(type, key, [finalizer](json& document) {
    if (!has_finalizer(document["metadata"], finalizer)) return false;
    remove_finalizer(document["metadata"], finalizer);
    return true;
  });
}

}  // namespace tidelock::apiserver
