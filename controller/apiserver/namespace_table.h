// SPDX-License-Identifier: Apache-2.0
// Which namespaces exist, kept in memory so that a create need not read them. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "controller/store/store.h"

namespace tidelock::apiserver {

class NamespaceTable {
 public:
  enum class State { Absent, Active, Terminating };

  State state(std::string_view name) const;
  // The namespace's state as of a revision; what is older than known is ignored.
  void set(const std::string& name, State state, store::Revision revision);

  // Namespaces that were gone when a write into them became durable: to be emptied.
  void note_orphans(const std::string& name);
  std::set<std::string> take_orphans();

 private:
  struct Row {
    State state = State::Absent;
    store::Revision revision = 0;
  };
  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, Row, std::less<>> rows_;
  std::set<std::string> orphans_;
};

}  // namespace tidelock::apiserver
