// SPDX-License-Identifier: Apache-2.0
// Rules of projects: steps, locks, templates.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "controller/api/codec.h"
#include "controller/api/selector.h"
#include "controller/api/validate_kinds.h"
#include "controller/api/variables.h"
#include "controller/api/when.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

const json& member(const json& object, const char* key) {
  static const json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

class ProcessRules {
 public:
  ProcessRules(CauseList& causes, const References& references)
      : causes_(causes), references_(references) {}

  void check(const Process& process, const json& spec) {
    check_install_directory(process.install_directory);
    check_variables(causes_, "spec.variables", process.variables);
    if (process.steps.size() > limits::kStepsPerProjectMax) {
      causes_.too_many("spec.steps", process.steps.size(), limits::kStepsPerProjectMax);
    }
    const json& steps = member(spec, "steps");
    for (std::size_t i = 0; i < process.steps.size(); ++i) {
      check_step(process.steps[i], item("spec.steps", i), member(steps[i], "locks"), i == 0);
    }
    check_locks(process.locks, "spec.locks", member(spec, "locks"), LockGranularity::Deployment);
    if (process.health_check) check_health(*process.health_check, "spec.healthCheck");
  }

 private:
  void check_install_directory(const std::string& directory) {
    const char* const field = "spec.installDirectory";
    if (directory.empty()) {
      return causes_.required(field, "the folder that a pair is installed in");
    }
    if (!check_template(causes_, field, directory)) return;
    check_outputs(field, directory);
    if (directory[0] != '/' && directory.compare(0, 2, "${") != 0) {
      causes_.invalid(field, directory, "must be an absolute path");
    }
    const std::string padded = "/" + directory + "/";
    if (padded.find("/../") != std::string::npos || padded.find("/./") != std::string::npos) {
      causes_.invalid(field, directory, "must not have . or .. in it");
    }
  }

  void check_step(const Step& step, const std::string& field, const json& locks, bool first) {
    check_step_name(step.name, field + ".name");
    check_action(step, field);
    if (step.package) check_package(*step.package, field + ".package");
    if (step.script) check_script(*step.script, field + ".script");
    if (step.http) check_http(*step.http, field + ".http");
    check_locks(step.locks, field + ".locks", locks, LockGranularity::Step);
    check_positive(causes_, field + ".timeout", step.timeout);
    check_range(causes_, field + ".retry.limit", step.retry.limit, 0, limits::kRetriesMax);
    if (first && step.start == StepStart::WithPrevious) {
      causes_.invalid(field + ".start", "WithPrevious", "the first step has no previous one");
    }
    if (const auto checked = check_when(step.when); !checked) {
      causes_.invalid(field + ".when", step.when, checked.error().message);
    }
    earlier_.insert(step.name);
  }

  void check_step_name(const std::string& name, const std::string& field) {
    check_label(causes_, field, name);
    if (earlier_.count(name) != 0) causes_.duplicate(field, name);
  }

  void check_action(const Step& step, const std::string& field) {
    const char* const rule = "exactly one of package, script and http must be set";
    const int count = int{step.package.has_value()} + int{step.script.has_value()} +
                      int{step.http.has_value()};
    if (count == 0) causes_.required(field, rule);
    if (count > 1) causes_.forbidden(field, rule);
  }

  void check_health(const HealthCheck& check, const std::string& field) {
    const char* const rule = "exactly one of script and http must be set";
    if (!check.script && !check.http) causes_.required(field, rule);
    if (check.script && check.http) causes_.forbidden(field, rule);
    earlier_.clear();  // it runs when no step does: there are no outputs
    if (check.script) check_script(*check.script, field + ".script");
    if (check.http) check_http(*check.http, field + ".http");
    check_positive(causes_, field + ".interval", check.interval);
    check_positive(causes_, field + ".timeout", check.timeout);
    check_range(causes_, field + ".failureThreshold", check.failure_threshold, 1,
                limits::kHealthFailuresMax);
  }

  void check_package(const PackageStep& package, const std::string& field) {
    for (std::size_t i = 0; i < package.substitute.size(); ++i) {
      const std::string& path = package.substitute[i];
      const auto below = canonical_directory("/" + path);
      if (path.empty() || !below) {
        causes_.invalid(item(field + ".substitute", i), path,
                        "must be a path below the release folder, without . or .. in it");
      }
    }
  }

  void check_script(const ScriptStep& script, const std::string& field) {
    if (script.shell != "sh" && script.shell != "bash") {
      causes_.not_supported(field + ".shell", script.shell, {"sh", "bash"});
    }
    if (script.body.empty()) causes_.required(field + ".body", "the script");
    if (script.body.size() > limits::kScriptBytesMax) {
      causes_.too_long(field + ".body", limits::kScriptBytesMax);
    }
    if (script.body.find('\0') != std::string::npos) {
      causes_.invalid(field + ".body", "\\0", "a script must not have a NUL in it");
    }
  }

  void check_http(const HttpStep& http, const std::string& field) {
    std::string key = http.method;
    std::transform(key.begin(), key.end(), key.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    const std::string url = field + "." + key;
    if (http.url.empty()) {
      causes_.required(field, "exactly one of get, post, put and delete must be set");
    } else if (check_template(causes_, url, http.url)) {
      check_outputs(url, http.url);
      check_scheme(causes_, url, http.url, {"http://", "https://"});
    }
    for (const auto& [name, value] : http.headers) {
      check_header(name, value, field + ".headers");
    }
    if (check_template(causes_, field + ".body", http.body)) {
      check_outputs(field + ".body", http.body);
    }
    check_range(causes_, field + ".expect", http.expect, 100, 599);
  }

  void check_header(const std::string& name, const std::string& value, const std::string& field) {
    constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
    const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             kSymbols.find(c) != std::string_view::npos;
    });
    if (!token) causes_.invalid(field, name, "is not the name of a header");
    if (value.find_first_of("\r\n") != std::string::npos) {
      causes_.invalid(field + "." + name, value, "must not have line breaks");
    }
    if (check_template(causes_, field + "." + name, value)) check_outputs(field + "." + name, value);
  }

  // ${steps.<step>.outputs.<name>} must be about a step that comes before.
  void check_outputs(const std::string& field, const std::string& text) {
    const auto names = template_names(text);
    for (const std::string& name : *names) {
      if (name.compare(0, 6, "steps.") != 0) continue;
      const std::size_t end = name.find(".outputs.");
      const bool known = end != std::string::npos && end > 6 && name.size() > end + 9 &&
                         earlier_.count(name.substr(6, end - 6)) != 0;
      if (!known) causes_.invalid(field, text, "no step before this one gives \"" + name + "\"");
    }
  }

  void check_locks(const std::vector<LockRequest>& locks, const std::string& field,
                   const json& given, LockGranularity granularity) {
    if (locks.size() > limits::kLocksPerRequestMax) {
      causes_.too_many(field, locks.size(), limits::kLocksPerRequestMax);
    }
    for (std::size_t i = 0; i < locks.size(); ++i) {
      check_lock(locks[i], item(field, i), given[i], granularity);
    }
  }

  void check_lock(const LockRequest& lock, const std::string& field, const json& given,
                  LockGranularity granularity) {
    if (lock.units && !member(given, "mode").is_null()) {
      causes_.forbidden(field + ".mode", "mode and units exclude each other");
    }
    if (lock.units && *lock.units < 1) {
      check_range(causes_, field + ".units", *lock.units, 1, std::numeric_limits<int>::max());
    }
    if (lock.group.empty()) return causes_.required(field + ".group", "the name of a LockGroup");
    if (!references_.lock_group) return;
    const LockGroup* const group = references_.lock_group(lock.group);
    if (group == nullptr) return causes_.not_found(field + ".group", lock.group);
    if (group->spec.granularity != granularity) {
      const bool step = granularity == LockGranularity::Step;
      causes_.invalid(field + ".group", lock.group,
                      "the lock group has granularity " +
                          std::string(to_string(group->spec.granularity)) +
                          ", so it cannot be requested by a " + (step ? "step" : "deployment"));
    }
    if (lock.units && group->spec.capacity && *lock.units > *group->spec.capacity) {
      causes_.invalid(field + ".units", *lock.units,
                      "must not be more than the capacity of \"" + lock.group + "\", which is " +
                          std::to_string(*group->spec.capacity));
    }
  }

  CauseList& causes_;
  const References& references_;
  std::set<std::string> earlier_;  // names of the steps before
};

}  // namespace

void check_project(CauseList& causes, const Project& project, const json& spec,
                   const References& references) {
  ProcessRules(causes, references).check(project.spec.process, spec);
  check_range(causes, "spec.retention.releases", project.spec.retention_releases, 1, 1000);
  check_range(causes, "spec.drift.maxCorrections", project.spec.drift.max_corrections, 0,
              limits::kCorrectionsMax);
}

}  // namespace tidelock::api
