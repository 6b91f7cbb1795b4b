// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/sim_store.h"

#include <utility>

namespace tidelock::simulation {

void SimStore::submit(std::vector<store::Put> puts, store::CommitCallback done) {
  if (at_once) return durable_->submit(std::move(puts), std::move(done));
  if (faults.full) {
    kernel_.probe("the disk of the store is full");
    return done(fail(Reason::ServiceUnavailable, "database or disk is full"));
  }
  queue_.push_back({std::move(puts), std::move(done)});
  if (on_waiting) std::exchange(on_waiting, nullptr)();
  if (syncing_) return;
  syncing_ = true;
  kernel_.after(kernel_.between(Duration{20}, faults.sync_max), [this, life = life_] {
    if (life == life_) sync();
  });
}

void SimStore::sync() {
  syncing_ = false;
  // Callbacks may submit more.
  std::vector<Pending> group = std::exchange(queue_, {});
  if (group.size() > 1) kernel_.probe("several writes become durable together");
  for (Pending& pending : group) {
    durable_->submit(std::move(pending.puts), std::move(pending.done));
  }
}

void SimStore::crash() {
  ++life_;
  syncing_ = false;
  std::vector<Pending> group = std::exchange(queue_, {});
  faults.full = true;  // whatever the dying server still wants
  std::size_t kept = group.empty() ? 0 : kernel_.random().below(group.size() + 1);
  for (Pending& pending : group) {
    if (kept > 0) {
      --kept;
      kernel_.probe("a write is durable but was never acknowledged");
      durable_->submit(std::move(pending.puts), [](const Result<store::Revision>&) {});
    } else {
      kernel_.probe("a crash loses writes that were not synced");
    }
    pending.done(fail(Reason::ServiceUnavailable, "the server died"));
  }
  faults.full = false;
}

}  // namespace tidelock::simulation
