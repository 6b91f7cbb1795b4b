// SPDX-License-Identifier: Apache-2.0
// A store whose writes become durable a little later, in groups, as those of the embedded one; its
// machine can crash before that, and its disk can be full. Over a memory store, which stands for what is
// durable: reads and watches show nothing else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/store/store.h"
#include "tests/simulation/kernel.h"

namespace tidelock::simulation {

struct DiskFaults {
  Duration sync_max = std::chrono::milliseconds(2);
  bool full = false;
};

class SimStore final : public store::Store {
 public:
  explicit SimStore(Kernel& kernel) : kernel_(kernel), durable_(store::open_memory_store()) {}

  DiskFaults faults;
  // Called once, when the next write begins to wait for the disk.
  std::function<void()> on_waiting;
  // While it starts, the server waits for its writes: they are durable at once.
  bool at_once = false;

  // The machine of the server dies: of the writes that wait for the disk a prefix is durable, and
  // nobody is told about any of them. Their callbacks run, since the server waits for them.
  void crash();
  store::Store& durable() { return *durable_; }

  void submit(std::vector<store::Put> puts, store::CommitCallback done) override;
  Result<std::optional<store::Entry>> get(std::string_view key, store::ReadOptions options) override {
    return durable_->get(key, options);
  }
  Result<store::Page> list(std::string_view start, std::string_view end, std::size_t limit,
                           store::ReadOptions options) override {
    return durable_->list(start, end, limit, options);
  }
  store::Revision revision() const override { return durable_->revision(); }
  store::Revision compacted_revision() const override { return durable_->compacted_revision(); }
  Result<std::unique_ptr<store::Watch>> watch(std::string_view start, std::string_view end,
                                              store::Revision after, Wake wake) override {
    return durable_->watch(start, end, after, std::move(wake));
  }
  Result<bool> compact_step(store::Revision revision) override {
    return durable_->compact_step(revision);
  }

 private:
  struct Pending {
    std::vector<store::Put> puts;
    store::CommitCallback done;
  };
  void sync();

  Kernel& kernel_;
  std::unique_ptr<store::Store> durable_;
  std::vector<Pending> queue_;
  bool syncing_ = false;
  std::uint64_t life_ = 0;
};

}  // namespace tidelock::simulation
