// SPDX-License-Identifier: Apache-2.0
// The install directory of one pair: releases/, current, receipt.json.
//
// Everything here waits for the disk and is called on a disk thread. A release folder is filled while
// nothing points at it; then `current` is switched, then the receipt is written, each atomically and
// durably, so that both always name a complete release. Doing finish() again is harmless.
#pragma once

#include <string>
#include <vector>

#include "controller/base/disk.h"
#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock::agent {

struct Receipt {
  std::string project;
  std::string version;
  std::string digest;
  std::string environment;
  std::string tenant;
  std::string target;
  std::string installation_uid;
  int attempt = 0;
  TimePoint time;
  std::string folder;                  // below releases/
  std::vector<std::string> installed;  // folders that were current, newest first, this one included
};

// What an install directory shows; read without changing anything.
struct InstalledState {
  Receipt receipt;              // empty = missing, or damaged
  std::string receipt_problem;  // why there is none; empty = there is one
  std::string current;          // where the link points; empty = there is no link
  bool folder = false;          // the release folder that the receipt names is there
};

class InstallDirectory {
 public:
  InstallDirectory(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  std::string release_path(const std::string& folder) const;
  // An empty folder for a release: "<version>-<12 hex of digest>". The one that `current` names is
  // never touched: the same release again gets a folder of its own, ".<attempt>" behind the name.
  Result<std::string> prepare(const std::string& version, const std::string& digest, int attempt);
  // Makes the folder of `receipt` current and removes old ones: `keep` stay, and the one before.
  // alone: no other pair installs here, so that folders that nobody knows may go too.
  Result<void> finish(Receipt receipt, int keep, bool alone);
  // Missing = an empty receipt.
  Result<Receipt> read_receipt();
  // An error: it cannot be told now.
  Result<InstalledState> look();
  // All that Tidelock made here, and the directory itself if that leaves it empty. Nothing when the
  // receipt names another installation.
  Result<void> remove(const std::string& installation_uid);

 private:
  std::string current_folder();  // empty = none
  Result<void> sync_release(const std::string& folder);
  void retain(const std::vector<std::string>& known, const std::vector<std::string>& kept,
              bool alone);

  Disk& disk_;
  std::string path_;
};

}  // namespace tidelock::agent
