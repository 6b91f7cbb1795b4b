// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/install_directory.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/base/plant.h"

namespace tidelock::agent {
namespace {

using nlohmann::json;

constexpr std::string_view kReleases = "releases/";
constexpr std::size_t kDigestDigits = 12;
constexpr std::size_t kInstalledMax = 100;

std::string folder_name(const std::string& version, const std::string& digest) {
  const std::size_t colon = digest.find(':');
  const std::string hex = colon == std::string::npos ? digest : digest.substr(colon + 1);
  return version + "-" + hex.substr(0, kDigestDigits);
}

std::string encode(const Receipt& receipt) {
  const json value{{"project", receipt.project},         {"version", receipt.version},
                   {"digest", receipt.digest},           {"environment", receipt.environment},
                   {"tenant", receipt.tenant},           {"target", receipt.target},
                   {"installationUID", receipt.installation_uid},
                   {"attempt", receipt.attempt},         {"time", format_time(receipt.time)},
                   {"folder", receipt.folder},           {"installed", receipt.installed}};
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Receipt decode_fields(const json& value) {
  Receipt receipt;
  receipt.project = value.value("project", "");
  receipt.version = value.value("version", "");
  receipt.digest = value.value("digest", "");
  receipt.environment = value.value("environment", "");
  receipt.tenant = value.value("tenant", "");
  receipt.target = value.value("target", "");
  receipt.installation_uid = value.value("installationUID", "");
  receipt.attempt = value.value("attempt", 0);
  receipt.folder = value.value("folder", "");
  receipt.installed = value.value("installed", std::vector<std::string>{});
  if (auto time = parse_time(value.value("time", ""))) receipt.time = *time;
  return receipt;
}

// Not ours, or damaged: an error with one sentence.
Result<Receipt> decode(const std::string& bytes) {
  const auto value = api::parse_json(bytes, limits::kReceiptBytesMax);
  if (!value) return fail(value.error());
  if (!value->is_object()) return fail(Reason::Invalid, "not an object");
  try {
    return decode_fields(*value);
  } catch (const json::exception& error) {
    return fail(Reason::Invalid, error.what());
  }
}

}  // namespace

std::string InstallDirectory::release_path(const std::string& folder) const {
  return path_ + "/" + std::string(kReleases) + folder;
}

std::string InstallDirectory::current_folder() {
  const auto target = disk_.read_symlink(path_ + "/current");
  if (!target || !target->starts_with(kReleases)) return "";
  return target->substr(kReleases.size());
}

Result<std::string> InstallDirectory::prepare(const std::string& version, const std::string& digest,
                                              int attempt) {
  std::string folder = folder_name(version, digest);
  const std::string current = current_folder();
  if (current == folder || current.starts_with(folder + ".")) {
    folder += "." + std::to_string(attempt);
    // An earlier life of the same pair may have used this attempt's name.
    while (folder == current) folder += "x";
  }
  const std::string path = release_path(folder);
  if (disk_.stat(path)) {
    // Left by a task that failed or was cut off.
    if (auto removed = disk_.remove_all(path); !removed) return fail(removed.error());
  }
  if (auto made = disk_.make_directories(path, 0755); !made) return fail(made.error());
  if (TIDELOCK_PLANT(SwitchTooEarly)) {
    (void)disk_.replace_symlink(path_ + "/current", std::string(kReleases) + folder);
  }
  return folder;
}

// Scripts may have written there; what a package step extracted is durable already.
Result<void> InstallDirectory::sync_release(const std::string& folder) {
  const auto entries = disk_.list(release_path(folder));
  if (!entries) return fail(entries.error());
  if (entries->empty()) return {};
  return disk_.sync_tree(release_path(folder));
}

Result<void> InstallDirectory::finish(Receipt receipt, int keep, bool alone) {
  const auto known = read_receipt();
  if (!known) return fail(known.error());
  receipt.installed = known->installed;
  const std::string previous = current_folder();
  std::erase(receipt.installed, receipt.folder);
  if (!previous.empty() && previous != receipt.folder) {
    std::erase(receipt.installed, previous);
    receipt.installed.insert(receipt.installed.begin(), previous);
  }
  receipt.installed.insert(receipt.installed.begin(), receipt.folder);
  const auto kept = static_cast<std::size_t>(std::max(keep, 2));
  receipt.installed.resize(std::min({receipt.installed.size(), kept, kInstalledMax}));
  if (auto synced = sync_release(receipt.folder); !synced) return synced;
  if (TIDELOCK_PLANT(ReceiptOfOther)) receipt.folder = receipt.version + "-0";
  auto switched = disk_.replace_symlink(path_ + "/current", std::string(kReleases) + receipt.folder);
  if (!switched) return switched;
  auto written = disk_.write_file(path_ + "/receipt.json", encode(receipt), 0644);
  if (!written) return written;
  retain(known->installed, receipt.installed, alone);
  return {};
}

// The release is installed; what cannot be removed now is tried again next time.
void InstallDirectory::retain(const std::vector<std::string>& known,
                              const std::vector<std::string>& kept, bool alone) {
  const auto among = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const auto entries = disk_.list(path_ + "/releases");
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    if ((among(kept, entry.name) && !TIDELOCK_PLANT(RetainNothing)) || !(alone || among(known, entry.name))) continue;
    if (auto removed = disk_.remove_all(release_path(entry.name)); !removed) {
      log_warn("old release not removed", {{"error", removed.error().message}});
    }
  }
}

Result<Receipt> InstallDirectory::read_receipt() {
  const auto bytes = disk_.read_file(path_ + "/receipt.json", limits::kReceiptBytesMax);
  if (!bytes && bytes.error().reason == Reason::NotFound) return Receipt{};
  if (!bytes) return fail(bytes.error());
  auto receipt = decode(*bytes);
  if (receipt) return receipt;
  // Nothing is known to be installed, and the next success replaces it.
  log_warn("receipt cannot be read", {{"directory", path_}, {"error", receipt.error().message}});
  return Receipt{};
}

Result<InstalledState> InstallDirectory::look() {
  InstalledState state;
  const auto bytes = disk_.read_file(path_ + "/receipt.json", limits::kReceiptBytesMax);
  if (!bytes && bytes.error().reason != Reason::NotFound) return fail(bytes.error());
  if (bytes) {
    auto receipt = decode(*bytes);
    if (receipt) state.receipt = std::move(*receipt);
    if (!receipt) state.receipt_problem = "receipt.json is damaged: " + receipt.error().message;
  } else {
    state.receipt_problem = "receipt.json is missing";
  }
  const auto current = disk_.stat(path_ + "/current");
  if (!current && current.error().reason != Reason::NotFound) return fail(current.error());
  if (current && current->type == FileType::Symlink) {
    auto target = disk_.read_symlink(path_ + "/current");
    if (!target) return fail(target.error());
    state.current = std::move(*target);
  }
  if (state.receipt.folder.empty()) return state;
  const auto folder = disk_.stat(release_path(state.receipt.folder));
  if (!folder && folder.error().reason != Reason::NotFound) return fail(folder.error());
  state.folder = folder && folder->type == FileType::Directory;
  return state;
}

Result<void> InstallDirectory::remove(const std::string& installation_uid) {
  if (!disk_.stat(path_)) return {};
  const auto receipt = read_receipt();
  if (!receipt) return fail(receipt.error());
  // Another pair installed here since (a shared directory): it is not ours to remove any more.
  if (!receipt->installation_uid.empty() && receipt->installation_uid != installation_uid) return {};
  // The receipt goes first: what is left of a removal that was cut off never counts as installed.
  for (const char* name : {"/receipt.json", "/current", "/releases"}) {
    if (auto removed = disk_.remove_all(path_ + name); !removed) return removed;
  }
  if (auto synced = disk_.sync_tree(path_); !synced) return synced;
  const auto left = disk_.list(path_);
  if (!left) return fail(left.error());
  return left->empty() ? disk_.remove_all(path_) : Result<void>{};
}

}  // namespace tidelock::agent
