// SPDX-License-Identifier: Apache-2.0
#include "controller/store/transaction.h"

#include <set>

#include "controller/base/limits.h"

namespace tidelock::store {

static_assert(limits::kStorePutsPerTransactionMax <= (std::size_t{1} << kEventIdShift));

Result<void> check_puts(const std::vector<Put>& puts) {
  if (puts.size() > limits::kStorePutsPerTransactionMax) {
    return fail(Reason::RequestEntityTooLarge,
                "a transaction has at most " +
                    std::to_string(limits::kStorePutsPerTransactionMax) + " writes");
  }
  if (puts.size() < 2) return {};
  std::set<std::string_view> keys;
  for (const Put& put : puts) {
    if (!keys.insert(put.key).second) {
      Error error = make_error(Reason::BadRequest, "a key is written twice in one transaction");
      error.name = put.key;
      return fail(std::move(error));
    }
  }
  return {};
}

std::size_t bytes_of(const std::vector<Put>& puts) {
  std::size_t bytes = 0;
  for (const Put& put : puts) bytes += put.key.size() + (put.value ? put.value->size() : 0);
  return bytes;
}

bool expectation_holds(const Put& put, Revision present) {
  return !put.expected || *put.expected == present;
}

Result<Revision> check_read(Revision wanted, Revision newest, Revision compacted) {
  if (wanted == 0) return newest;
  if (wanted > newest) return fail(future_error(wanted, newest));
  if (wanted < compacted) return fail(expired_error(wanted, compacted));
  return wanted;
}

Error conflict_error(const std::string& key) {
  Error error = make_error(Reason::Conflict, "the key was changed since it was read");
  error.name = key;
  return error;
}

Error expired_error(Revision wanted, Revision compacted) {
  return make_error(Reason::Expired, "too old resource version: " + std::to_string(wanted) + " (" +
                                         std::to_string(compacted) + ")");
}

Error future_error(Revision wanted, Revision newest) {
  return make_error(Reason::Timeout, "Too large resource version: " + std::to_string(wanted) +
                                         ", current: " + std::to_string(newest));
}

}  // namespace tidelock::store
