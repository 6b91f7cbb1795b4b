// SPDX-License-Identifier: Apache-2.0
#include "controller/store/reader_pool.h"

#include <utility>

#include "controller/base/invariant.h"

namespace tidelock::store {
namespace {

constexpr std::size_t kReadersMax = 16;  // reads at once; more wait

}  // namespace

void ReaderPool::close() {
  const std::lock_guard lock(mutex_);
  INVARIANT(lent_ == 0);
  idle_.clear();
}

Result<ReaderPool::Loan> ReaderPool::acquire() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !paused_ && lent_ < kReadersMax; });
  ++lent_;
  if (!idle_.empty()) {
    std::unique_ptr<DatabaseReader> reader = std::move(idle_.back());
    idle_.pop_back();
    return Loan(*this, std::move(reader));
  }
  lock.unlock();
  Result<std::unique_ptr<DatabaseReader>> reader = DatabaseReader::open(folder_);
  if (reader) return Loan(*this, *std::move(reader));
  give_back(nullptr);
  return fail(reader.error());
}

void ReaderPool::give_back(std::unique_ptr<DatabaseReader> reader) {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (reader) idle_.push_back(std::move(reader));
  }
  changed_.notify_all();
}

ReaderPool::Loan::~Loan() {
  if (reader_) pool_->give_back(std::move(reader_));
}

ReaderPool::Pause::Pause(ReaderPool& pool) : pool_(pool) {
  std::unique_lock lock(pool_.mutex_);
  pool_.paused_ = true;
  pool_.changed_.wait(lock, [&] { return pool_.lent_ == 0; });
}

ReaderPool::Pause::~Pause() {
  {
    const std::lock_guard lock(pool_.mutex_);
    pool_.paused_ = false;
  }
  pool_.changed_.notify_all();
}

}  // namespace tidelock::store
