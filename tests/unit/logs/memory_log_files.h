// SPDX-License-Identifier: Apache-2.0
// LogFiles in memory, with a fault to inject. Not thread-safe.
#pragma once

#include <map>
#include <string>

#include "controller/logs/log_files.h"

namespace tidelock::testing {

class MemoryLogFiles final : public logs::LogFiles {
 public:
  explicit MemoryLogFiles(Clock& clock) : clock_(clock) {}

  std::map<logs::LogName, std::string> files;
  std::map<logs::LogName, TimePoint> modified;
  int torn_appends = 0;  // so many appends write half of their bytes and fail

  Result<void> append(const logs::LogName& name, std::string_view bytes) override {
    modified[name] = clock_.now();
    if (torn_appends > 0) {
      --torn_appends;
      files[name] += bytes.substr(0, bytes.size() / 2);
      return fail(Reason::ServiceUnavailable, "No space left on device");
    }
    files[name] += bytes;
    return {};
  }
  Result<std::string> read(const logs::LogName& name, std::uint64_t offset,
                           std::size_t bytes_max) override {
    auto found = files.find(name);
    if (found == files.end()) return fail(Reason::NotFound, name.task);
    if (offset >= found->second.size()) return std::string{};
    return found->second.substr(offset, bytes_max);
  }
  Result<std::uint64_t> size(const logs::LogName& name) override {
    auto found = files.find(name);
    if (found == files.end()) return fail(Reason::NotFound, name.task);
    return found->second.size();
  }
  Result<void> truncate(const logs::LogName& name, std::uint64_t size) override {
    files[name].resize(size);
    return {};
  }
  Result<std::vector<logs::LogFileInfo>> list() override {
    std::vector<logs::LogFileInfo> all;
    for (const auto& [name, text] : files) all.push_back({name, modified[name]});
    return all;
  }
  Result<void> remove(const logs::LogName& name) override {
    files.erase(name);
    return {};
  }

 private:
  Clock& clock_;
};

}  // namespace tidelock::testing
