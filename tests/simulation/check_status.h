// SPDX-License-Identifier: Apache-2.0
// observedGeneration never falls and never passes generation.
#pragma once

#include <memory>

#include "tests/simulation/kernel.h"
#include "tests/simulation/truth.h"

namespace tidelock::simulation {

class StatusChecker {
 public:
  explicit StatusChecker(Kernel& kernel) : kernel_(kernel) {}

  template <class T>
  void changed(const std::shared_ptr<const T>& before, const std::shared_ptr<const T>& after) {
    if constexpr (requires { after->status.observed_generation; }) {
      if (after == nullptr) return;
      const std::string what =
          std::string(api::kind_info<T>().kind) + " " + after->metadata.name;
      if (after->status.observed_generation > after->metadata.generation) {
        kernel_.violated("observedGeneration", what + ": it passes generation");
      }
      const bool same = before != nullptr && before->metadata.uid == after->metadata.uid;
      if (same && after->status.observed_generation < before->status.observed_generation) {
        kernel_.violated("observedGeneration", what + ": it falls");
      }
    }
  }

 private:
  Kernel& kernel_;
};

}  // namespace tidelock::simulation
