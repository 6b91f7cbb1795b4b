// SPDX-License-Identifier: Apache-2.0
// Writes that background work makes: at most one at a time per key, tried again when the store
// refused. Thread-safe; nothing blocks.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "controller/apiserver/deletion.h"
#include "controller/apiserver/write_operation.h"

namespace tidelock::apiserver {

class BackgroundWriter {
 public:
  explicit BackgroundWriter(Context& context) : context_(context) {}

  // Both do nothing while a write to the key is in work, and pass over a key that is gone.
  void remove(const ResourceTypePtr& type, const std::string& key, Propagation propagation,
              const std::string& uid);
  // `change` edits the document; false = leave it. An object that is being deleted and has lost its
  // last finalizer is removed.
  using Edit = std::function<bool(nlohmann::json& document)>;
  void edit(const ResourceTypePtr& type, const std::string& key, Edit change);

  // Keys whose write was passed over because another was in work, which is done by now: whoever
  // wanted them written should look again.
  std::set<std::string> take_passed_over();

  // Starts what was refused again, when its time has come. Returns when that is.
  TimePoint retry(TimePoint now);

 private:
  bool begin(const std::string& key);
  WriteDone finish(const std::string& key, std::function<void()> again);

  Context& context_;
  std::mutex mutex_;  // guards all below
  struct Pending {
    std::function<void()> again;       // set when it was refused
    TimePoint due = kNever;
    bool passed_over = false;
  };
  std::set<std::string> passed_over_;
  std::map<std::string, Pending> pending_;
};

}  // namespace tidelock::apiserver
