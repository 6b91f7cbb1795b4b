// SPDX-License-Identifier: Apache-2.0
// The resources that are served now: the core kinds, and what the CRDs declare. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "controller/apiserver/resource_type.h"
#include "controller/store/store.h"

namespace tidelock::apiserver {

// One state of the registry; immutable.
struct Catalog {
  using Key = std::tuple<std::string, std::string, std::string>;  // group, version, plural or kind
  std::map<Key, ResourceTypePtr> by_plural;
  std::map<Key, ResourceTypePtr> by_kind;
  // The storage version's type of each group and plural: one per stored kind.
  std::map<std::pair<std::string, std::string>, ResourceTypePtr> stored;
  std::uint64_t generation = 0;  // another number for another state

  ResourceTypePtr find(const std::string& group, const std::string& version,
                       const std::string& plural) const;
  ResourceTypePtr find_kind(const std::string& group, const std::string& version,
                            const std::string& kind) const;
  ResourceTypePtr find_stored(std::string_view group, std::string_view plural) const;
};

class Registry {
 public:
  explicit Registry(const std::vector<ResourceTypePtr>& core);

  std::shared_ptr<const Catalog> catalog() const;
  ResourceTypePtr find(const std::string& group, const std::string& version,
                       const std::string& plural) const {
    return catalog()->find(group, version, plural);
  }

  // Takes in a CRD's state at a revision; an older one than it has is ignored. `types` are all its
  // served versions and its storage version. True if something changed that ends watches.
  bool put_crd(const std::string& name, store::Revision revision, std::vector<ResourceTypePtr> types);
  bool remove_crd(const std::string& name, store::Revision revision);

 private:
  struct Crd {
    store::Revision revision = 0;
    std::vector<ResourceTypePtr> types;
  };
  void publish();

  mutable std::mutex mutex_;  // guards all below
  std::vector<ResourceTypePtr> core_;
  std::map<std::string, Crd> crds_;
  std::shared_ptr<const Catalog> catalog_;
};

}  // namespace tidelock::apiserver
