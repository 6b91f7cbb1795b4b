// SPDX-License-Identifier: Apache-2.0
// Owner references: dependents whose owners are gone are deleted, foreground deletions wait for
// their dependents, orphaning lets them go. Fed with every change of the store, in order.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/apiserver/background_writer.h"
#include "controller/apiserver/context.h"

namespace tidelock::apiserver {

// Not thread-safe. Keeps only objects that have owners, or wait for dependents.
class GarbageCollector {
 public:
  GarbageCollector(Context& context, BackgroundWriter& writer);

  // The object at `key` is now `value` (null: gone, was `previous`).
  void observe(const std::string& key, const std::string* value, const std::string* previous);
  // Has the object looked at again.
  void touch(const std::string& key);
  // Looks at what the changes touched. True if it started a write.
  bool run();
  void clear();

 private:
  struct Owner {
    std::string api_version;
    std::string kind;
    std::string name;
    std::string uid;
    bool blocks = false;  // blockOwnerDeletion
  };
  enum class OwnerState { Present, Foreground, Absent, Unknown };

  void forget(const std::string& key);
  OwnerState state_of(const std::string& dependent_key, const Owner& owner);
  bool check_dependent(const std::string& key);
  bool check_deleting_owner(const std::string& key);
  bool orphan_dependents(const std::string& uid);
  bool delete_blocking_dependents(const std::string& uid);
  void strip_owner(const std::string& key, const std::string& uid);
  void drop_finalizer(const std::string& key, const std::string& finalizer);
  ResourceTypePtr type_of(const std::string& key) const;

  Context& context_;
  BackgroundWriter& writer_;
  std::map<std::string, std::vector<Owner>> dependents_;         // by key of the dependent
  std::map<std::string, std::set<std::string>> dependents_of_;   // owner uid → keys
  std::map<std::string, std::string> deleting_;                  // uid → key of waiting owners
  std::set<std::string> touched_dependents_;
  std::set<std::string> touched_owners_;  // keys
};

}  // namespace tidelock::apiserver
