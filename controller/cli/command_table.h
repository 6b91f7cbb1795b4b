// SPDX-License-Identifier: Apache-2.0
// Internal to the command line: what every verb is declared with. The only files that see CLI11 are
// this one and commands*.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "controller/cli/verbs.h"

namespace tidelock::cli {

// Everything that the flags of all verbs are parsed into. Lives as long as the parsed command.
struct Parsed {
  GlobalFlags global;
  ApplyOptions apply;
  DiffOptions diff;
  GetOptions get;
  GetOptions watch;
  DescribeOptions describe;
  DeleteOptions remove;
  WaitOptions wait;
  LogsOptions logs;
  RolloutStatusOptions rollout;
  RolloutOptions rollout_one;
  RolloutHistoryOptions rollout_history;
  RolloutUndoOptions rollout_undo;
  RolloutApproveOptions rollout_approve;
  RolloutRemovalOptions rollout_removal;
  PlanOptions plan;
  WhyOptions why;
  LocksOptions locks;
  EventsOptions events;
  TimelineOptions timeline;
  ApiResourcesOptions api_resources;
  VersionOptions version;
  bool config_raw = false;
  std::string config_context;
};

struct CommandTable {
  using Run = std::function<Result<int>(Session&, Parsed&)>;

  explicit CommandTable(Environment& environment) : environment_(environment) {}

  CLI::App* verb(CLI::App& parent, const std::string& name, const std::string& about,
                 const std::string& examples) {
    CLI::App* app = parent.add_subcommand(name, about);
    app->fallthrough();
    std::string footer = "Examples:";
    for (std::size_t start = 0; start < examples.size();) {
      const std::size_t end = std::min(examples.find('\n', start), examples.size());
      footer += "\n  " + environment_.program + " " + examples.substr(start, end - start);
      start = end + 1;
    }
    app->footer(footer);
    return app;
  }

  // The verb needs a server.
  void on(CLI::App* app, Run run) {
    app->callback([this, run] {
      execute = [this, run]() -> Result<int> {
        auto session = Session::open(parsed_.global, environment_);
        if (!session) return fail(session.error());
        return run(**session, parsed_);
      };
    });
  }
  void on_local(CLI::App* app, std::function<Result<int>()> run) {
    app->callback([this, run] { execute = run; });
  }

  static void add_files(CLI::App* app, FileOptions& files) {
    app->add_option("-f,--filename", files.files, "File, folder, or - for stdin; may be repeated")
        ->allow_extra_args(false);
    app->add_flag("-R,--recursive", files.recursive, "Also the folders below");
  }
  static void add_selector(CLI::App* app, std::string& selector) {
    app->add_option("-l,--selector", selector, "Label selector, e.g. 'ring=canary,tier!=free'");
  }
  static void add_all_namespaces(CLI::App* app, bool& all) {
    app->add_flag("-A,--all-namespaces", all, "Over all namespaces");
  }
  static void add_output(CLI::App* app, std::string& output, const char* forms) {
    app->add_option("-o,--output", output, forms);
  }
  static void add_dry_run(CLI::App* app, std::string& dry_run) {
    app->add_option("--dry-run", dry_run, "none, client or server: show what would happen")
        ->check(CLI::IsMember({"none", "client", "server"}));
  }

  Environment& environment_;
  CLI::App app_{
      "Tidelock from the command line: applies manifests, shows what happens and why something "
      "waits."};
  Parsed parsed_;
  std::function<Result<int>()> execute;  // of the verb that was given
};

void add_rollout_verbs(CommandTable& table);

}  // namespace tidelock::cli
