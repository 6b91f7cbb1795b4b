// SPDX-License-Identifier: Apache-2.0
#include "controller/store/store.h"

#include <future>
#include <utility>

namespace tidelock::store {

Result<Revision> Store::commit(std::vector<Put> puts) {
  // Shared: the waiter may return, and end its promise, while set_value() is still notifying.
  auto promise = std::make_shared<std::promise<Result<Revision>>>();
  std::future<Result<Revision>> result = promise->get_future();
  submit(std::move(puts),
         [promise](Result<Revision> revision) { promise->set_value(std::move(revision)); });
  return result.get();
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<unsigned char>(end.back());
    if (last != 0xff) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

}  // namespace tidelock::store
