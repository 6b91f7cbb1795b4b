// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check_installs.h"

#include <nlohmann/json.hpp>

namespace tidelock::simulation {
namespace {

constexpr std::size_t kFileMax = 1 << 20;

// "1.2.0-0123456789ab[.2]" → "1.2.0"
std::string version_of(const std::string& folder) { return folder.substr(0, folder.find('-')); }

void check_folder(Kernel& kernel, const std::string& where, testing::MemoryDisk& disk,
                  const std::string& path, const std::string& folder) {
  for (const auto& [name, content] : package_of(version_of(folder))) {
    const auto bytes = disk.read_file(path + "/releases/" + folder + "/" + name, kFileMax);
    if (!bytes) {
      kernel.violated("installed releases are complete",
                      where + " names " + folder + ", but " + name + ": " + bytes.error().message);
    } else if (*bytes != content) {
      kernel.violated("installed releases are complete",
                      where + " names " + folder + ", but " + name + " has other bytes");
    }
  }
}

void check_directory(Kernel& kernel, const std::string& target, testing::MemoryDisk& disk,
                     const std::string& path) {
  if (const auto current = disk.read_symlink(path + "/current")) {
    if (!current->starts_with("releases/")) {
      kernel.violated("installed releases are complete", path + "/current names " + *current);
    } else {
      check_folder(kernel, target + ":" + path + "/current", disk, path, current->substr(9));
    }
  }
  const auto receipt = disk.read_file(path + "/receipt.json", kFileMax);
  if (!receipt) return;
  const auto json = nlohmann::json::parse(*receipt, nullptr, false);
  if (!json.is_object()) {
    return kernel.violated("installed releases are complete", path + ": the receipt is damaged");
  }
  const std::string folder = json.value("folder", "");
  if (version_of(folder) != json.value("version", "")) {
    kernel.violated("installed releases are complete", path + ": the receipt contradicts itself");
  }
  check_folder(kernel, target + ":" + path + "/receipt.json", disk, path, folder);
}

// A folder with releases/ in it is an install directory.
void search(Kernel& kernel, const std::string& target, testing::MemoryDisk& disk,
            const std::string& path, int depth) {
  const auto entries = disk.list(path);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    if (entry.type != FileType::Directory) continue;
    if (entry.name == "releases") {
      check_directory(kernel, target, disk, path);
    } else if (depth > 0) {
      search(kernel, target, disk, path + "/" + entry.name, depth - 1);
    }
  }
}

}  // namespace

ReleaseFiles package_of(const std::string& version) {
  return {{"bin/app", "app " + version}, {"version.txt", version}};
}

void check_installs(Kernel& kernel, const std::string& target, testing::MemoryDisk& disk,
                    const std::string& root) {
  search(kernel, target, disk, root, 3);
}

}  // namespace tidelock::simulation
