// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/commands.h"

#include <algorithm>

#include "controller/cli/command_table.h"

namespace tidelock::cli {
namespace {

class CommandLine : public CommandTable {
 public:
  explicit CommandLine(Environment& environment) : CommandTable(environment) {
    app_.name(environment.program);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.set_help_flag("-h,--help", "Show this help");
    app_.get_formatter()->column_width(34);
    app_.footer("Use \"" + environment.program +
                " VERB --help\" for the flags and an example of a verb.");
    add_global_flags();
    add_writing_verbs();
    add_reading_verbs();
    add_waiting_verbs();
    add_rollout_verbs(*this);
    add_release_verbs();
    add_server_verbs();
  }

  Command parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    Command command;
    try {
      app_.parse(arguments);
    } catch (const CLI::CallForHelp&) {
      command.help = help_of_deepest();
      return command;
    } catch (const CLI::ParseError& error) {
      if (used() == &app_ && app_.remaining().empty() && command_line_is_empty_) {
        command.help = app_.help();
      } else {
        command.mistake = mistake_text(error);
      }
      return command;
    }
    return command;
  }

  void set_empty(bool empty) { command_line_is_empty_ = empty; }

 private:
  // The subcommand that was reached ("rollout status"), or the program itself.
  CLI::App* used() {
    CLI::App* app = &app_;
    for (;;) {
      const auto below = app->get_subcommands();
      if (below.empty()) return app;
      app = below.back();
    }
  }

  std::string path_of(const CLI::App* app) const {
    return app->get_parent() == nullptr ? environment_.program
                                        : path_of(app->get_parent()) + " " + app->get_name();
  }

  std::string help_of_deepest() { return used()->help("", CLI::AppFormatMode::Normal); }

  std::string mistake_text(const CLI::ParseError& error) {
    std::string text = error.what();
    const auto rest = used()->remaining(true);
    if (used()->get_require_subcommand_min() > 0 && !rest.empty() && !rest[0].starts_with('-')) {
      text = "unknown command \"" + rest[0] + "\" for \"" + path_of(used()) + "\"";
    }
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text + "\nSee '" + path_of(used()) + " --help' for usage.";
  }

  void add_global_flags() {
    GlobalFlags& flags = parsed_.global;
    const char* group = "Global flags";
    app_.add_option("-n,--namespace", flags.cluster_namespace, "Namespace (default: the context's)")
        ->group(group);
    app_.add_option("--kubeconfig", flags.kubeconfig,
                    "Kubeconfig file (default: $KUBECONFIG, ~/.kube/config)")
        ->group(group);
    app_.add_option("--context", flags.context, "Context of the kubeconfig to use")->group(group);
    app_.add_option("-s,--server", flags.server, "Address of the API server")->group(group);
    app_.add_option("--token", flags.token, "Bearer token")->group(group);
    app_.add_option("--certificate-authority", flags.certificate_authority,
                    "File with the server's CA")
        ->group(group);
    app_.add_flag("--insecure-skip-tls-verify", flags.insecure,
                  "Do not check the server's certificate")
        ->group(group);
    app_.add_option("--request-timeout", flags.request_timeout,
                    "Longest time for one request, e.g. 10s")
        ->group(group);
  }

  void add_writing_verbs() {
    auto* apply_verb =
        verb(app_, "apply", "Create or change objects so that they are as in the manifests",
             "apply -f manifests/ -R\napply -f project.yaml -f tenants.yaml\napply -f - "
             "--dry-run=server\napply -f manifests/ --plan-hash sha256:…");
    add_files(apply_verb, parsed_.apply.files);
    apply_verb->add_option(
        "--plan-hash", parsed_.apply.plan_hash,
        "Only if the plan is still the one that `plan -f` showed with this hash");
    add_dry_run(apply_verb, parsed_.apply.dry_run);
    add_output(apply_verb, parsed_.apply.output, "name, json or yaml");
    on(apply_verb, [](Session& session, Parsed& parsed) { return apply(session, parsed.apply); });

    auto* diff_verb = verb(
        app_, "diff", "Show what apply would change (exit 0 nothing, 1 something, 2 or more error)",
        "diff -f manifests/");
    add_files(diff_verb, parsed_.diff.files);
    on(diff_verb, [](Session& session, Parsed& parsed) { return diff(session, parsed.diff); });

    DeleteOptions& options = parsed_.remove;
    auto* delete_verb =
        verb(app_, "delete", "Delete objects and wait until they are gone",
             "delete tenant tenant-07\ndelete -f manifests/\ndelete tenants -l ring=canary");
    delete_verb->add_option("object", options.arguments,
                            "KIND NAME…, KIND/NAME…, or KIND with -l or --all");
    add_files(delete_verb, options.files);
    add_selector(delete_verb, options.selector);
    delete_verb->add_option("--field-selector", options.field_selector,
                            "Field selector, e.g. metadata.name=x");
    delete_verb->add_flag("--all", options.all, "All objects of the kind");
    add_all_namespaces(delete_verb, options.all_namespaces);
    delete_verb->add_flag("--wait,!--no-wait", options.wait,
                          "Wait until they are gone (default true)");
    delete_verb->add_option("--timeout", options.timeout,
                            "How long to wait, e.g. 30s (default: for ever)");
    delete_verb
        ->add_option("--cascade", options.cascade,
                     "background, foreground or orphan: what is owned by them")
        ->capture_default_str();
    delete_verb->add_flag("--ignore-not-found", options.ignore_not_found,
                          "Absent objects are no error");
    add_dry_run(delete_verb, options.dry_run);
    add_output(delete_verb, options.output, "name");
    on(delete_verb,
       [](Session& session, Parsed& parsed) { return remove(session, parsed.remove); });
  }

  void add_get_flags(CLI::App* app, GetOptions& options) {
    app->add_option("object", options.arguments, "KIND[,KIND], KIND NAME… or KIND/NAME…");
    add_files(app, options.files);
    add_selector(app, options.selector);
    app->add_option("--field-selector", options.field_selector,
                    "Field selector, e.g. metadata.name=x");
    add_all_namespaces(app, options.all_namespaces);
    add_output(app, options.output, "json, yaml, wide, name, jsonpath=…, custom-columns=…");
    app->add_flag("--no-headers", options.no_headers, "Without the header line");
    app->add_flag("--show-labels", options.show_labels, "With a column of labels");
    app->add_option("-L,--label-columns", options.label_columns, "Labels to show as columns")
        ->delimiter(',')
        ->allow_extra_args(false);
    app->add_flag("--show-managed-fields", options.show_managed_fields,
                  "With metadata.managedFields");
    app->add_flag("--ignore-not-found", options.ignore_not_found, "Absent objects are no error");
    app->add_option("--sort-by", options.sort_by,
                    "JSONPath to sort by, e.g. .metadata.creationTimestamp");
    app->add_option("--chunk-size", options.chunk_size, "Objects per request; 0 = all in one");
    app->add_flag("--watch-only", options.watch_only, "Only changes from now on");
  }

  void add_reading_verbs() {
    auto* get_verb = verb(app_, "get", "Show objects",
                          "get installations\nget tenant tenant-01 -o yaml\nget td,inst -A -o "
                          "wide\nget tenants -l ring=canary -o name\nget td storefront-production "
                          "-o jsonpath='{.status.ready}'\nget installations -w");
    add_get_flags(get_verb, parsed_.get);
    get_verb->add_flag("-w,--watch", parsed_.get.watch, "Then go on with every change");
    on(get_verb, [](Session& session, Parsed& parsed) { return get(session, parsed.get); });

    auto* watch_verb =
        verb(app_, "watch", "Show objects and every change until Ctrl-C", "watch installations");
    add_get_flags(watch_verb, parsed_.watch);
    on(watch_verb, [](Session& session, Parsed& parsed) {
      parsed.watch.watch = true;
      return get(session, parsed.watch);
    });

    auto* describe_verb = verb(
        app_, "describe", "Show everything about objects, with their events",
        "describe td storefront-production\ndescribe installations\ndescribe tenant/tenant-01");
    describe_verb->add_option("object", parsed_.describe.arguments, "KIND [NAME…] or KIND/NAME…");
    add_selector(describe_verb, parsed_.describe.selector);
    add_all_namespaces(describe_verb, parsed_.describe.all_namespaces);
    describe_verb->add_flag("--show-events,!--no-events", parsed_.describe.show_events,
                            "With events (default true)");
    on(describe_verb,
       [](Session& session, Parsed& parsed) { return describe(session, parsed.describe); });

    auto* events_verb =
        verb(app_, "events", "Show events, oldest first",
             "events\nevents --for td/storefront-production\nevents --types=Warning -A");
    events_verb->add_option("--for", parsed_.events.for_object, "Only those of KIND/NAME");
    events_verb->add_option("--types", parsed_.events.types, "Normal or Warning");
    add_all_namespaces(events_verb, parsed_.events.all_namespaces);
    events_verb->add_flag("--no-headers", parsed_.events.no_headers, "Without the header line");
    on(events_verb,
       [](Session& session, Parsed& parsed) { return events(session, parsed.events); });

    LogsOptions& logs_options = parsed_.logs;
    auto* logs_verb =
        verb(app_, "logs", "Show the output of a task's steps",
             "logs tenant-05 -f\nlogs installation/NAME --step configure\nlogs TASK --tail 20");
    logs_verb->add_option("object", logs_options.arguments, "TASK, installation/NAME or TENANT");
    logs_verb->add_flag("-f,--follow", logs_options.follow, "Go on until the task has ended");
    logs_verb->add_option("--step", logs_options.step, "Only this step");
    logs_verb->add_option("--tail", logs_options.tail, "Only the last N lines");
    logs_verb->add_flag("--timestamps", logs_options.timestamps, "Each line with its time");
    logs_verb->add_flag("--prefix", logs_options.prefix, "Each line with its step");
    on(logs_verb, [](Session& session, Parsed& parsed) { return logs(session, parsed.logs); });
  }

  void add_waiting_verbs() {
    auto* wait_verb =
        verb(app_, "wait", "Wait until objects are as wanted",
             "wait td/storefront-production --for=condition=Ready --timeout=10m\nwait "
             "td/storefront-production --for=jsonpath='{.status.ready}'=10\nwait tenant/tenant-07 "
             "--for=delete");
    wait_verb->add_option("object", parsed_.wait.arguments, "KIND NAME… or KIND/NAME…");
    wait_verb
        ->add_option("--for", parsed_.wait.wait_for,
                     "condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], delete or create")
        ->required();
    wait_verb->add_option("--timeout", parsed_.wait.timeout, "0 looks once; negative waits a week")
        ->capture_default_str();
    add_selector(wait_verb, parsed_.wait.selector);
    wait_verb->add_flag("--all", parsed_.wait.all, "All objects of the kind");
    add_all_namespaces(wait_verb, parsed_.wait.all_namespaces);
    on(wait_verb, [](Session& session, Parsed& parsed) { return wait(session, parsed.wait); });
  }

  void add_release_verbs() {
    auto* plan_verb = verb(app_, "plan",
                           "What would change now, in which order, and what would wait\n(exit 0 "
                           "nothing, 2 changes, 1 error)",
                           "plan\nplan storefront-production -o json\nplan -f manifests/ -R");
    plan_verb->add_option("deployment", parsed_.plan.deployment, "Only this TenantDeployment");
    add_files(plan_verb, parsed_.plan.files);
    add_output(plan_verb, parsed_.plan.output, "json or yaml");
    plan_verb->add_flag("--all", parsed_.plan.all, "Also pairs without a change");
    on(plan_verb, [](Session& session, Parsed& parsed) { return plan(session, parsed.plan); });

    auto* why_verb = verb(
        app_, "why",
        "Why something waits: the lock, budget or pause, its place in the queue and the holder",
        "why tenant-05\nwhy TASK\nwhy INSTALLATION -o json");
    why_verb->add_option("name", parsed_.why.name, "Installation, tenant or task")->required();
    add_output(why_verb, parsed_.why.output, "json or yaml");
    on(why_verb, [](Session& session, Parsed& parsed) { return why(session, parsed.why); });

    auto* locks_verb = verb(app_, "locks", "Every lock that is held or waited for",
                            "locks\nlocks target/web-01/slots -o json");
    locks_verb->add_option("instance", parsed_.locks.instance,
                           "Only this one, e.g. target/web-01/slots");
    locks_verb->add_flag("--all", parsed_.locks.all,
                         "Also those of single pairs that nobody waits for");
    add_output(locks_verb, parsed_.locks.output, "json or yaml");
    on(locks_verb, [](Session& session, Parsed& parsed) { return locks(session, parsed.locks); });

    auto* timeline_verb = verb(app_, "timeline", "Who ran when, and who waited for whom",
                               "timeline storefront-production");
    timeline_verb->add_option("deployment", parsed_.timeline.deployment,
                              "Only this TenantDeployment");
    on(timeline_verb,
       [](Session& session, Parsed& parsed) { return timeline(session, parsed.timeline); });
  }

  void add_server_verbs() {
    ApiResourcesOptions& resources = parsed_.api_resources;
    auto* resources_verb = verb(app_, "api-resources", "The kinds that the server has",
                                "api-resources\napi-resources --api-group=tidelock.dev -o name");
    auto* group =
        resources_verb->add_option("--api-group", resources.group, "Only this group; '' = core");
    resources_verb->add_option("--namespaced", resources.namespaced, "true or false")
        ->check(CLI::IsMember({"true", "false"}));
    add_output(resources_verb, resources.output, "wide or name");
    resources_verb->add_flag("--no-headers", resources.no_headers, "Without the header line");
    on(resources_verb, [group](Session& session, Parsed& parsed) {
      parsed.api_resources.group_given = group->count() > 0;
      return api_resources(session, parsed.api_resources);
    });

    auto* version_verb = verb(app_, "version", "The versions of this program and of the server",
                              "version\nversion --client -o json");
    version_verb->add_flag("--client", parsed_.version.client, "Do not ask the server");
    add_output(version_verb, parsed_.version.output, "json or yaml");
    on_local(version_verb,
             [this] { return version(parsed_.global, environment_, parsed_.version); });
    add_config_verbs();
  }

  void add_config_verbs() {
    auto* config = verb(app_, "config", "The kubeconfig", "config view\nconfig use-context NAME");
    config->require_subcommand(1);
    auto* view = verb(*config, "view", "The merged kubeconfig, secrets left out", "config view");
    view->add_flag("--raw", parsed_.config_raw, "With secrets");
    on_local(view,
             [this] { return config_view(parsed_.global, environment_, parsed_.config_raw); });
    auto* current = verb(*config, "current-context", "The name of the context in use",
                         "config current-context");
    on_local(current, [this] { return config_current_context(parsed_.global, environment_); });
    auto* contexts =
        verb(*config, "get-contexts", "All contexts, the one in use marked", "config get-contexts");
    on_local(contexts, [this] { return config_get_contexts(parsed_.global, environment_); });
    auto* use = verb(*config, "use-context", "Use another context from now on",
                     "config use-context staging");
    use->add_option("name", parsed_.config_context, "Context")->required();
    on_local(use, [this] {
      return config_use_context(parsed_.global, environment_, parsed_.config_context);
    });
  }

  bool command_line_is_empty_ = false;
};

}  // namespace

Command parse_command(const std::vector<std::string>& arguments, Environment& environment) {
  auto line = std::make_shared<CommandLine>(environment);
  line->set_empty(arguments.empty());
  Command command = line->parse(arguments);
  if (!command.help && !command.mistake) {
    // The options live in `line`; it must live as long as they are used.
    command.execute = [line] { return line->execute(); };
  }
  return command;
}

}  // namespace tidelock::cli
