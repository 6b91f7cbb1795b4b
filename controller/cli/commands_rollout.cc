// SPDX-License-Identifier: Apache-2.0
// `tidectl rollout …`: flags and examples.
#include "controller/cli/command_table.h"

namespace tidelock::cli {
namespace {

void add_rollout_name(CLI::App* app, std::vector<std::string>& arguments) {
  app->add_option("name", arguments,
                  "NAME of a TenantDeployment or Rollout; td/NAME, rollout/NAME");
}

void add_rollout_status(CommandTable& table, CLI::App& rollout_verb) {
  auto* app =
      table.verb(rollout_verb, "status",
                 "Follow a tenant deployment or a rollout until it is done\n"
                 "(exit 0 succeeded, 1 failed or timed out, 3 gated or paused at the timeout, "
                 "4 superseded or cancelled)",
                 "rollout status storefront-production\nrollout status "
                 "td/storefront-production --timeout 5m");
  add_rollout_name(app, table.parsed_.rollout.arguments);
  app->add_flag("-w,--watch,!--no-watch", table.parsed_.rollout.watch,
                "Follow until it ends (default true)");
  app->add_option("--timeout", table.parsed_.rollout.timeout,
                  "Longest time to follow, e.g. 5m (default: for ever)");
  table.on(app, [](Session& session, Parsed& parsed) {
    return rollout_status(session, parsed.rollout);
  });
}

void add_rollout_undo(CommandTable& table, CLI::App& rollout_verb) {
  RolloutUndoOptions& options = table.parsed_.rollout_undo;
  auto* app =
      table.verb(rollout_verb, "undo",
                 "Take each pair back to its own previous good release and hold this one off",
                 "rollout undo storefront-production --reason 'orders are lost'\nrollout undo "
                 "storefront-production --to-version 1.4.2");
  add_rollout_name(app, options.arguments);
  app->add_option("--to-version", options.to_version,
                  "Wish for this version instead (changes spec.release on the server)");
  app->add_option("--to-revision", options.to_revision,
                  "The same with the version of a revision of rollout history");
  app->add_option("--reason", options.reason, "Why, for those who read it later");
  table.on(app, [](Session& session, Parsed& parsed) {
    return rollout_undo(session, parsed.rollout_undo);
  });
}

void add_rollout_word(CommandTable& table, CLI::App& rollout_verb, const std::string& name,
                      const std::string& about,
                      Result<int> (*run)(Session&, const RolloutApproveOptions&)) {
  RolloutApproveOptions& options = table.parsed_.rollout_approve;
  auto* app =
      table.verb(rollout_verb, name, about,
                 "rollout " + name + " storefront-production --gate go --reason 'looks good'");
  add_rollout_name(app, options.arguments);
  app->add_option("--gate", options.gate, "Name of the gate (may be left out if there is one)");
  app->add_option("--reason", options.reason, "Why, for those who read it later");
  app->add_option("--plan-hash", options.plan_hash,
                  "Only for this plan (default: that of the rollout now)");
  table.on(app, [run](Session& session, Parsed& parsed) {
    return run(session, parsed.rollout_approve);
  });
}

void add_rollout_removal(CommandTable& table, CLI::App& rollout_verb) {
  RolloutRemovalOptions& options = table.parsed_.rollout_removal;
  auto* app = table.verb(rollout_verb, "confirm-removal",
                         "Let a tenant deployment remove more pairs than its deletionGuard allows\n"
                         "at once. Without --plan-hash: what would be removed, and its hash.",
                         "rollout confirm-removal td/storefront-production\n"
                         "rollout confirm-removal td/storefront-production --plan-hash sha256:9a1f...");
  add_rollout_name(app, options.arguments);
  app->add_option("--plan-hash", options.plan_hash, "The hash of exactly those removals");
  table.on(app, [](Session& session, Parsed& parsed) {
    return rollout_confirm_removal(session, parsed.rollout_removal);
  });
}

}  // namespace

void add_rollout_verbs(CommandTable& table) {
  auto* rollout_verb =
      table.verb(table.app_, "rollout", "Follow, pause, approve or undo what is being rolled out",
                 "rollout status td/storefront-production\nrollout history storefront-production\n"
                 "rollout approve storefront-production --gate go");
  rollout_verb->require_subcommand(1);
  add_rollout_status(table, *rollout_verb);
  const auto one = [&](const std::string& name, const std::string& about,
                       Result<int> (*run)(Session&, const RolloutOptions&)) {
    auto* app =
        table.verb(*rollout_verb, name, about, "rollout " + name + " storefront-production");
    add_rollout_name(app, table.parsed_.rollout_one.arguments);
    table.on(app,
             [run](Session& session, Parsed& parsed) { return run(session, parsed.rollout_one); });
  };
  one("pause", "Start nothing more of it; what runs finishes", rollout_pause);
  one("resume",
      "Go on; of one that stands for too many failures, accept those that there are so far",
      rollout_resume);
  one("cancel", "End it: what waits does not start, what runs ends after its step", rollout_cancel);
  auto* history = table.verb(*rollout_verb, "history", "The rollouts of a tenant deployment so far",
                             "rollout history storefront-production");
  add_rollout_name(history, table.parsed_.rollout_history.arguments);
  CommandTable::add_output(history, table.parsed_.rollout_history.output, "json or yaml");
  table.on(history, [](Session& session, Parsed& parsed) {
    return rollout_history(session, parsed.rollout_history);
  });
  add_rollout_undo(table, *rollout_verb);
  add_rollout_word(table, *rollout_verb, "approve", "Open a gate for the plan as it is now",
                   rollout_approve);
  add_rollout_word(table, *rollout_verb, "reject", "Keep a gate shut", rollout_reject);
  add_rollout_removal(table, *rollout_verb);
}

}  // namespace tidelock::cli
