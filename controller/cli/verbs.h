// SPDX-License-Identifier: Apache-2.0
// The verbs: their options as values, and one function each. tidectl.cc fills the options from the
// command line. A verb returns its exit code, or an Error when it could not go on; it prints the
// failures of single objects itself and then goes on with the others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/cli/session.h"

namespace tidelock::cli {

struct FileOptions {
  std::vector<std::string> files;  // paths, folders, "-"
  bool recursive = false;
};

struct ApplyOptions {
  FileOptions files;
  std::string plan_hash;         // apply only if the plan is still this one; empty = whatever it is
  std::string dry_run = "none";  // none | client | server
  std::string output;            // empty | name | json | yaml
};
Result<int> apply(Session& session, const ApplyOptions& options);

struct DiffOptions {
  FileOptions files;
};
Result<int> diff(Session& session, const DiffOptions& options);

struct GetOptions {
  std::vector<std::string> arguments;
  FileOptions files;
  std::string selector;
  std::string field_selector;
  bool all_namespaces = false;
  std::string output;
  bool watch = false;
  bool watch_only = false;
  bool no_headers = false;
  bool show_labels = false;
  bool show_managed_fields = false;
  bool ignore_not_found = false;
  std::vector<std::string> label_columns;
  std::string sort_by;
  int chunk_size = 500;
};
Result<int> get(Session& session, const GetOptions& options);

struct DescribeOptions {
  std::vector<std::string> arguments;
  std::string selector;
  bool all_namespaces = false;
  bool show_events = true;
};
Result<int> describe(Session& session, const DescribeOptions& options);

struct DeleteOptions {
  std::vector<std::string> arguments;
  FileOptions files;
  std::string selector;
  std::string field_selector;
  bool all = false;
  bool all_namespaces = false;
  bool wait = true;
  bool ignore_not_found = false;
  std::string cascade = "background";  // background | foreground | orphan
  std::string timeout;                 // empty = for ever
  std::string dry_run = "none";
  std::string output;  // empty | name
};
Result<int> remove(Session& session, const DeleteOptions& options);

struct WaitOptions {
  std::vector<std::string> arguments;
  std::string wait_for;  // condition=X[=V] | jsonpath={.x}[=v] | delete | create
  std::string timeout = "30s";
  std::string selector;
  bool all = false;
  bool all_namespaces = false;
};
Result<int> wait(Session& session, const WaitOptions& options);

struct LogsOptions {
  std::vector<std::string> arguments;
  bool follow = false;
  std::string step;
  int tail = -1;
  bool timestamps = false;
  bool prefix = false;  // the step before each line
};
Result<int> logs(Session& session, const LogsOptions& options);

struct RolloutStatusOptions {
  std::vector<std::string> arguments;
  bool watch = true;
  std::string timeout;  // empty or "0" = for ever
};
Result<int> rollout_status(Session& session, const RolloutStatusOptions& options);

struct RolloutOptions {
  std::vector<std::string> arguments;
};
Result<int> rollout_pause(Session& session, const RolloutOptions& options);
// Also accepts the failures so far of one that stands for too many of them.
Result<int> rollout_resume(Session& session, const RolloutOptions& options);
Result<int> rollout_cancel(Session& session, const RolloutOptions& options);

struct RolloutHistoryOptions {
  std::vector<std::string> arguments;
  std::string output;  // empty | json | yaml | …
};
Result<int> rollout_history(Session& session, const RolloutHistoryOptions& options);

struct RolloutUndoOptions {
  std::vector<std::string> arguments;
  std::string to_version;  // empty with to_revision 0: each pair to its own previous good release
  int to_revision = 0;     // as `rollout history` numbers them
  std::string reason;
};
Result<int> rollout_undo(Session& session, const RolloutUndoOptions& options);

struct RolloutRemovalOptions {
  std::vector<std::string> arguments;
  std::string plan_hash;  // of what is removed; empty = say what it would be
};
Result<int> rollout_confirm_removal(Session& session, const RolloutRemovalOptions& options);

struct RolloutApproveOptions {
  std::vector<std::string> arguments;
  std::string gate;  // empty = the only one
  std::string reason;
  std::string plan_hash;  // empty = what it is now
};
Result<int> rollout_approve(Session& session, const RolloutApproveOptions& options);
Result<int> rollout_reject(Session& session, const RolloutApproveOptions& options);

struct PlanOptions {
  std::string deployment;  // empty = the whole namespace
  FileOptions files;       // as if they were applied; none = as it is
  std::string output;      // empty | json | yaml
  bool all = false;        // also pairs without a change
};
Result<int> plan(Session& session, const PlanOptions& options);

struct WhyOptions {
  std::string name;
  std::string output;
};
Result<int> why(Session& session, const WhyOptions& options);

struct LocksOptions {
  std::string instance;  // empty = all
  bool all = false;      // also the locks of single pairs that nobody waits for
  std::string output;
};
Result<int> locks(Session& session, const LocksOptions& options);

struct EventsOptions {
  std::string for_object;  // KIND/NAME
  std::string types;       // "Warning" | "Normal"
  bool all_namespaces = false;
  bool no_headers = false;
};
Result<int> events(Session& session, const EventsOptions& options);

struct TimelineOptions {
  std::string deployment;
};
Result<int> timeline(Session& session, const TimelineOptions& options);

struct ApiResourcesOptions {
  std::string group;
  bool group_given = false;
  std::string namespaced;  // empty | true | false
  std::string output;      // empty | wide | name
  bool no_headers = false;
};
Result<int> api_resources(Session& session, const ApiResourcesOptions& options);

struct VersionOptions {
  bool client = false;
  std::string output;
};
// `session` only when the server is to be asked.
Result<int> version(const GlobalFlags& flags, Environment& environment,
                    const VersionOptions& options);

Result<int> config_view(const GlobalFlags& flags, Environment& environment, bool raw);
Result<int> config_current_context(const GlobalFlags& flags, Environment& environment);
Result<int> config_get_contexts(const GlobalFlags& flags, Environment& environment);
Result<int> config_use_context(const GlobalFlags& flags, Environment& environment,
                               const std::string& name);

}  // namespace tidelock::cli
