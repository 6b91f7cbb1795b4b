// SPDX-License-Identifier: Apache-2.0
// The open watches, so that they can be told when their resource is no longer served. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "controller/base/time.h"

namespace tidelock::apiserver {

class WatchHub {
 public:
  std::uint64_t add(Wake wake);
  // The wake is not called after this returned.
  void remove(std::uint64_t id);
  void wake_all();

 private:
  std::mutex mutex_;  // guards all below; held while waking
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Wake> wakes_;
};

}  // namespace tidelock::apiserver
