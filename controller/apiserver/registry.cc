// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/registry.h"

#include <utility>

namespace tidelock::apiserver {
namespace {

ResourceTypePtr lookup(const std::map<Catalog::Key, ResourceTypePtr>& types, Catalog::Key key) {
  const auto found = types.find(key);
  return found == types.end() ? nullptr : found->second;
}

void add(Catalog& catalog, const ResourceTypePtr& type) {
  if (type->is_served) {
    catalog.by_plural[{type->group, type->version, type->plural}] = type;
    catalog.by_kind[{type->group, type->version, type->kind}] = type;
  }
  if (type->version == type->storage_version) catalog.stored[{type->group, type->plural}] = type;
}

bool contains(const std::vector<ResourceTypePtr>& types, const std::shared_ptr<ServedFlag>& served) {
  for (const auto& type : types) {
    if (type->served == served) return true;
  }
  return false;
}

}  // namespace

ResourceTypePtr Catalog::find(const std::string& group, const std::string& version,
                              const std::string& plural) const {
  return lookup(by_plural, {group, version, plural});
}

ResourceTypePtr Catalog::find_kind(const std::string& group, const std::string& version,
                                   const std::string& kind) const {
  return lookup(by_kind, {group, version, kind});
}

ResourceTypePtr Catalog::find_stored(std::string_view group, std::string_view plural) const {
  const auto found = stored.find({std::string(group), std::string(plural)});
  return found == stored.end() ? nullptr : found->second;
}

Registry::Registry(const std::vector<ResourceTypePtr>& core) : core_(core) { publish(); }

std::shared_ptr<const Catalog> Registry::catalog() const {
  const std::lock_guard lock(mutex_);
  return catalog_;
}

bool Registry::put_crd(const std::string& name, store::Revision revision,
                       std::vector<ResourceTypePtr> types) {
  const std::lock_guard lock(mutex_);
  Crd& crd = crds_[name];
  if (revision <= crd.revision) return false;
  bool ended = false;
  for (const auto& old : crd.types) {
    if (contains(types, old->served)) continue;
    old->served->gone = true;
    ended = true;
  }
  crd = {revision, std::move(types)};
  publish();
  return ended;
}

bool Registry::remove_crd(const std::string& name, store::Revision revision) {
  return put_crd(name, revision, {});
}

void Registry::publish() {
  auto next = std::make_shared<Catalog>();
  next->generation = catalog_ == nullptr ? 1 : catalog_->generation + 1;
  for (const auto& type : core_) add(*next, type);
  for (const auto& [name, crd] : crds_) {
    for (const auto& type : crd.types) add(*next, type);
  }
  catalog_ = std::move(next);
}

}  // namespace tidelock::apiserver
