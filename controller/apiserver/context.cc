// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/context.h"

#include "controller/apiserver/core_kinds.h"
#include "controller/apiserver/crds.h"
#include "controller/apiserver/scan.h"

namespace tidelock::apiserver {

void InFlight::enter() {
  const std::lock_guard lock(mutex_);
  ++count_;
}

void InFlight::leave() {
  const std::lock_guard lock(mutex_);
  if (--count_ == 0) none_.notify_all();
}

void InFlight::wait_for_none() {
  std::unique_lock lock(mutex_);
  none_.wait(lock, [this] { return count_ == 0; });
}

Context::Context(store::Store& the_store, Clock& the_clock, Random& the_random, Options the_options)
    : store(the_store),
      clock(the_clock),
      random(the_random),
      options(std::move(the_options)),
      registry(core_types()) {}

void Context::committed(const ResourceType& type, const std::string& key,
                        const std::string* stored, store::Revision revision) {
  const KeyParts parts = split_key(key);
  if (type.builtin == Builtin::Crd) {
    take_in_crd(*this, std::string(parts.name), stored, revision);
    return;
  }
  if (type.builtin == Builtin::Namespace) {
    using State = NamespaceTable::State;
    const bool deleting = stored != nullptr &&
                          !scan_value(*stored, {"metadata", "deletionTimestamp"}).empty();
    namespaces.set(std::string(parts.name),
                   stored == nullptr ? State::Absent : deleting ? State::Terminating : State::Active,
                   revision);
    return;
  }
  if (!type.namespaced || stored == nullptr) return;
  // The namespace may have gone between the check and the commit.
  if (namespaces.state(parts.ns) == NamespaceTable::State::Absent) {
    namespaces.note_orphans(std::string(parts.ns));
    wake();
  }
}

}  // namespace tidelock::apiserver
