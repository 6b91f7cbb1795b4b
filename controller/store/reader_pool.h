// SPDX-License-Identifier: Apache-2.0
// The reading connections of an embedded store, lent to one thread at a time. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "controller/store/database.h"

namespace tidelock::store {

class ReaderPool {
 public:
  explicit ReaderPool(const Folder& folder) : folder_(folder) {}
  // Closes all connections; none may be lent.
  void close();

  // A reader on loan, given back at its end.
  class Loan {
   public:
    Loan(ReaderPool& pool, std::unique_ptr<DatabaseReader> reader)
        : pool_(&pool), reader_(std::move(reader)) {}
    ~Loan();
    Loan(Loan&&) = default;
    Loan& operator=(Loan&&) = delete;
    DatabaseReader* operator->() const { return reader_.get(); }

   private:
    ReaderPool* pool_;
    std::unique_ptr<DatabaseReader> reader_;
  };
  // Waits while too many are lent or a Pause lasts. Opens a connection when none is idle.
  Result<Loan> acquire();

  // Waits until no reader is lent and keeps it so while it lives.
  class Pause {
   public:
    explicit Pause(ReaderPool& pool);
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    ReaderPool& pool_;
  };

 private:
  void give_back(std::unique_ptr<DatabaseReader> reader);

  const Folder& folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<DatabaseReader>> idle_;
  std::size_t lent_ = 0;
  bool paused_ = false;
};

}  // namespace tidelock::store
