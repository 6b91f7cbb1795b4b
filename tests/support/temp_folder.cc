// SPDX-License-Identifier: Apache-2.0
#include "tests/support/temp_folder.h"

#include <cstdlib>
#include <filesystem>

#include "controller/base/invariant.h"

namespace tidelock::testing {

TempFolder::TempFolder()
    : path_((std::filesystem::temp_directory_path() / "tidelock-test-XXXXXX").string()) {
  INVARIANT(mkdtemp(path_.data()) != nullptr);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tidelock::testing
