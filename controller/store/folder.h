// SPDX-License-Identifier: Apache-2.0
// The folder of an embedded store: created durably and locked while this object lives, by flock(2)
// on the file `lock`, which the kernel releases however the process ends.
#pragma once

#include <string>

#include "controller/base/result.h"

namespace tidelock::store {

class Folder {
 public:
  // Reason::Conflict: a store (of this or another process) has it open.
  static Result<Folder> open(const std::string& path);
  ~Folder();
  Folder(Folder&& other) noexcept;
  Folder& operator=(Folder&&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  bool has(const std::string& name) const;
  // Missing is fine.
  Result<void> remove(const std::string& name) const;
  // Both names in this folder; durable when it returns.
  Result<void> rename(const std::string& from, const std::string& to) const;

 private:
  Folder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
};

}  // namespace tidelock::store
