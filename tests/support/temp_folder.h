// SPDX-License-Identifier: Apache-2.0
// A folder on the real disk for one test, removed with everything below it at the end.
#pragma once

#include <string>

namespace tidelock::testing {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tidelock::testing
