// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/namespace_table.h"

#include <utility>

namespace tidelock::apiserver {

NamespaceTable::State NamespaceTable::state(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(name);
  return found == rows_.end() ? State::Absent : found->second.state;
}

void NamespaceTable::set(const std::string& name, State state, store::Revision revision) {
  const std::lock_guard lock(mutex_);
  Row& row = rows_[name];
  if (revision > row.revision) row = {state, revision};
}

void NamespaceTable::note_orphans(const std::string& name) {
  const std::lock_guard lock(mutex_);
  orphans_.insert(name);
}

std::set<std::string> NamespaceTable::take_orphans() {
  const std::lock_guard lock(mutex_);
  return std::exchange(orphans_, {});
}

}  // namespace tidelock::apiserver
