// SPDX-License-Identifier: Apache-2.0
// `tidectl logs`: the output of a task's steps, found by task, installation or tenant.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/cli/errors.h"
#include "controller/cli/json.h"
#include "controller/cli/observe.h"
#include "controller/cli/resource_arguments.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

constexpr const char* kAcceptText = "text/plain, */*";
constexpr Duration kRetry = std::chrono::milliseconds(500);
constexpr const char* kTasks = "deploymenttasks.tidelock.dev";
constexpr const char* kInstallations = "installations.tidelock.dev";
constexpr const char* kTenants = "tenants.tidelock.dev";

struct Source {
  std::string task;
  std::string title;  // in front of each line when there are several
};

Source source_of(const json& installation) {
  const json& spec = member(installation, "spec");
  const std::string tenant = text_at(member(spec, "tenantRef"), "name");
  return {text_at(member(installation, "status"), "task"),
          (tenant.empty() ? text_at(member(spec, "projectRef"), "name") : tenant) + " on " +
              text_at(member(spec, "targetRef"), "name")};
}

class LogReader {
 public:
  LogReader(Session& session, const LogsOptions& options, const Discovery& discovery)
      : session_(session), options_(options), discovery_(discovery) {}

  Result<int> run() {
    auto sources = find_sources();
    if (!sources) return fail(sources.error());
    if (sources->size() == 1) sources->front().title.clear();
    return options_.follow ? follow(*sources) : print(*sources);
  }

 private:
  Result<json> read(const char* kind, const std::string& name) {
    const ResourceInfo* info = discovery_.find(kind);
    if (info == nullptr) return usage(std::string("the server has no ") + kind);
    return session_.get_json(client::resource_path(info->resource, session_.ns(), name));
  }

  // NAME alone is looked for as a task, then as an installation, then as a tenant.
  Result<std::vector<Source>> find_sources() {
    const auto& arguments = options_.arguments;
    if (arguments.empty()) return usage("expected TASK, installation/NAME or TENANT");
    if (arguments.size() == 1 && arguments[0].find('/') == std::string::npos) {
      return by_any_name(arguments[0]);
    }
    auto named = parse_named(discovery_, arguments, "");
    if (!named) return fail(named.error());
    const std::string kind = named->info->qualified();
    if (kind == kTasks) return by_task(named->name);
    if (kind == kInstallations) return by_installation(named->name);
    if (kind == kTenants) return by_tenant(named->name);
    return usage("logs are of tasks; " + named->info->resource.plural + " have none");
  }

  Result<std::vector<Source>> by_any_name(const std::string& name) {
    auto task = by_task(name);
    if (task || task.error().reason != Reason::NotFound) return task;
    auto installation = by_installation(name);
    if (installation || installation.error().reason != Reason::NotFound) return installation;
    auto tenant = by_tenant(name);
    if (tenant || tenant.error().reason != Reason::NotFound) return tenant;
    return usage("no task, installation or tenant \"" + name + "\" in the " + session_.ns() +
                 " namespace");
  }

  Result<std::vector<Source>> by_task(const std::string& name) {
    auto task = read(kTasks, name);
    if (!task) return fail(task.error());
    return std::vector<Source>{{name, ""}};
  }

  Result<std::vector<Source>> by_installation(const std::string& name) {
    auto installation = read(kInstallations, name);
    if (!installation) return fail(installation.error());
    const Source source = source_of(*installation);
    if (source.task.empty()) return usage("installation \"" + name + "\" has had no task yet");
    return std::vector<Source>{source};
  }

  Result<std::vector<Source>> by_tenant(const std::string& name) {
    auto tenant = read(kTenants, name);
    if (!tenant) return fail(tenant.error());
    auto list = read(kInstallations, "");
    if (!list) return fail(list.error());
    std::vector<Source> sources;
    for (const json& item : elements(*list, "items")) {
      const Source source = source_of(item);
      if (text_at(member(member(item, "spec"), "tenantRef"), "name") == name &&
          !source.task.empty()) {
        sources.push_back(source);
      }
    }
    if (sources.empty()) return usage("tenant \"" + name + "\" has had no task yet");
    return sources;
  }

  std::string target_of(const Source& source) const {
    std::map<std::string, std::string> query;
    if (!options_.step.empty()) query["step"] = options_.step;
    if (options_.follow) query["follow"] = "true";
    if (options_.tail >= 0) query["tailLines"] = std::to_string(options_.tail);
    if (options_.timestamps) query["timestamps"] = "true";
    if (options_.prefix) query["prefix"] = "true";
    return "/apis/logs.tidelock.dev/v1alpha1/namespaces/" + http::percent_encode(session_.ns()) +
           "/deploymenttasks/" + http::percent_encode(source.task) + "/log" + query_text(query);
  }

  void print_line(const Source& source, const std::string& line) {
    if (!source.title.empty()) session_.out() << "[" << source.title << "] ";
    session_.out() << line << "\n";
  }

  Result<int> print(const std::vector<Source>& sources) {
    for (const Source& source : sources) {
      auto text = session_.get(target_of(source), kAcceptText);
      if (!text && text.error().reason == Reason::NotFound) {
        session_.err() << "Task " << source.task << " has no output yet.\n";
        continue;
      }
      if (!text) return fail(text.error());
      for (std::size_t start = 0; start < text->size();) {
        const std::size_t end = std::min(text->find('\n', start), text->size());
        print_line(source, text->substr(start, end - start));
        start = end + 1;
      }
    }
    return 0;
  }

  // A task that waits for its turn has no log yet: tries again until there is one. Null when
  // interrupted.
  Result<std::unique_ptr<http::LineStream>> start(const Source& source) {
    for (;;) {
      auto started = session_.stream(target_of(source), kAcceptText);
      if (started) return std::move(started->stream);
      if (started.error().reason != Reason::NotFound) return fail(started.error());
      if (auto task = read(kTasks, source.task); !task) return fail(task.error());
      if (!session_.environment().wait(session_.now() + kRetry)) {
        return std::unique_ptr<http::LineStream>{};
      }
    }
  }

  // Until every log is complete.
  Result<int> follow(const std::vector<Source>& sources) {
    std::vector<std::unique_ptr<http::LineStream>> streams;
    for (const Source& source : sources) {
      auto started = start(source);
      if (!started) return fail(started.error());
      if (*started == nullptr) return kInterruptedExit;
      streams.push_back(std::move(*started));
    }
    for (;;) {
      bool open = false;
      for (std::size_t i = 0; i < streams.size(); ++i) {
        if (streams[i] == nullptr) continue;
        for (const std::string& line : streams[i]->poll()) print_line(sources[i], line);
        const auto state = streams[i]->state();
        if (state == http::LineStream::State::Failed) {
          return usage("the connection was lost while following the log");
        }
        if (state == http::LineStream::State::Ended) streams[i].reset();
        open = open || streams[i] != nullptr;
      }
      session_.out().flush();
      if (!open) return 0;
      if (!session_.environment().wait(kNever)) return kInterruptedExit;
    }
  }

  Session& session_;
  const LogsOptions& options_;
  const Discovery& discovery_;
};

}  // namespace

Result<int> logs(Session& session, const LogsOptions& options) {
  auto discovery = session.discovery();
  if (!discovery) return fail(discovery.error());
  return LogReader(session, options, **discovery).run();
}

}  // namespace tidelock::cli
