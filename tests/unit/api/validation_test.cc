// SPDX-License-Identifier: Apache-2.0
#include "controller/api/validation.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

// A namespace with a few lock groups and projects.
struct Space {
  std::map<std::string, LockGroup> groups;
  std::vector<Project> projects;

  Space() {
    add("central-config", LockGranularity::Step, 1);
    add("database", LockGranularity::Step, 3);
    add("host", LockGranularity::Deployment, std::nullopt);
  }
  void add(const std::string& name, LockGranularity granularity, std::optional<int> capacity) {
    groups[name].metadata.name = name;
    groups[name].spec.granularity = granularity;
    groups[name].spec.capacity = capacity;
  }
  References references() const {
    References view;
    view.lock_group = [this](const std::string& name) {
      const auto found = groups.find(name);
      return found == groups.end() ? nullptr : &found->second;
    };
    view.exists = [](std::string_view, const std::string&) { return false; };
    view.projects_using = [this](const std::string&) {
      std::vector<const Project*> all;
      for (const Project& project : projects) all.push_back(&project);
      return all;
    };
    return view;
  }
};

std::string text_of(const std::vector<Cause>& causes) {
  std::string text;
  for (const Cause& cause : causes) {
    text += (text.empty() ? "" : "; ") + cause.field + ": " + cause.message;
  }
  return text;
}

std::string wrong(std::string_view kind, const json& spec, const json* old_spec = nullptr) {
  const auto object = [&](const json& inner) {
    return json{{"apiVersion", kApiVersion}, {"kind", kind}, {"metadata", {{"name", "x"}}}, {"spec", inner}};
  };
  const Space space;
  const json old_object = old_spec == nullptr ? json() : object(*old_spec);
  return text_of(validate(kind, object(spec), old_spec == nullptr ? nullptr : &old_object,
                          space.references()));
}

json step(const std::string& name, const json& more = json::object()) {
  json made = {{"name", name}, {"script", {{"body", "true"}}}};
  made.update(more);
  return made;
}

std::string wrong_steps(const std::vector<json>& steps) {
  return wrong("Project", {{"installDirectory", "/srv/x"}, {"steps", steps}});
}

std::string wrong_step(const json& more) { return wrong_steps({step("a", more)}); }

std::string wrong_directory(const std::string& directory) {
  return wrong("Project", {{"installDirectory", directory}});
}

json deployment(const json& more = json::object()) {
  json made = {{"projectRef", {{"name", "p"}}},
               {"environmentRef", {{"name", "e"}}},
               {"release", {{"version", "1.0.0"}}},
               {"tenants", json::object()}};
  made.merge_patch(more);
  return made;
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

}  // namespace

TEST_CASE("the seed's objects are valid", "[api][validation]") {
  CHECK(wrong("Project",
              {{"installDirectory", "${target.installRoot}/${tenant.name}/${project.name}"},
               {"steps",
                {{{"name", "fetch"}, {"package", json::object()}},
                 step("stop"),
                 step("register", {{"locks", {{{"group", "central-config"}, {"mode", "Exclusive"}}}}}),
                 {{"name", "check"},
                  {"http", {{"get", "http://127.0.0.1:${port}/healthz"}}},
                  {"start", "WithPrevious"},
                  {"when", "Always"}}}},
               {"locks", {{{"group", "host"}, {"mode", "Shared"}}}}}) == "");
  CHECK(wrong("TenantDeployment", deployment()) == "");
  CHECK(wrong("LockGroup", {{"scope", "Target"}, {"capacity", 1}, {"granularity", "Step"}}) == "");
  CHECK(wrong("ConcurrencyBudget", {{"max", 10}}) == "");
  CHECK(wrong("Environment", json::object()) == "");
  CHECK(wrong("Target", {{"environments", {"production"}}, {"executor", "Local"},
                         {"installRoot", "/srv/tenants"}, {"maxConcurrent", 10}}) == "");
  CHECK(wrong("Release", {{"projectRef", {{"name", "p"}}},
                          {"version", "1.0.0"},
                          {"packages", {{{"step", "fetch"},
                                         {"url", "file:///var/packages/a.tar.gz"},
                                         {"sha256", std::string(64, 'a')}}}}}) == "");
}

TEST_CASE("kinds that are not ours have no rules here", "[api][validation]") {
  CHECK(wrong("ConfigMap", {{"bogus", 1}}) == "");
}

TEST_CASE("an unknown lock group is named with its place", "[api][validation][locks]") {
  const Space space;
  const json project = {{"metadata", {{"name", "p"}}},
                        {"spec", {{"installDirectory", "/srv/x"},
                                  {"steps", {step("a"), step("b"),
                                             step("c", {{"locks", {{{"group", "central-confg"}}}}})}}}}};
  const auto causes = validate("Project", project, nullptr, space.references());
  REQUIRE(causes.size() == 1);
  CHECK(causes[0] ==
        Cause{"FieldValueNotFound", "Not found: \"central-confg\"", "spec.steps[2].locks[0].group"});
}

TEST_CASE("more units than the capacity are refused", "[api][validation][locks]") {
  CHECK(wrong_step({{"locks", {{{"group", "database"}, {"units", 3}}}}}) == "");
  CHECK(wrong_step({{"locks", {{{"group", "database"}, {"units", 4}}}}}) ==
        "spec.steps[0].locks[0].units: Invalid value: 4: must not be more than the capacity of "
        "\"database\", which is 3");
  CHECK(wrong_step({{"locks", {{{"group", "database"}, {"units", 0}}}}}) ==
        "spec.steps[0].locks[0].units: Invalid value: 0: should be greater than or equal to 1");
}

TEST_CASE("units and a mode exclude each other", "[api][validation][locks]") {
  CHECK(wrong_step({{"locks", {{{"group", "database"}, {"units", 1}, {"mode", "Exclusive"}}}}}) ==
        "spec.steps[0].locks[0].mode: Forbidden: mode and units exclude each other");
}

TEST_CASE("a lock is asked for on the level of its group", "[api][validation][locks]") {
  CHECK(wrong_step({{"locks", {{{"group", "host"}}}}}) ==
        "spec.steps[0].locks[0].group: Invalid value: \"host\": the lock group has granularity "
        "Deployment, so it cannot be requested by a step");
  CHECK(wrong("Project", {{"installDirectory", "/x"}, {"locks", {{{"group", "database"}}}}}) ==
        "spec.locks[0].group: Invalid value: \"database\": the lock group has granularity Step, so "
        "it cannot be requested by a deployment");
}

TEST_CASE("a lock group does not change under the projects that use it",
          "[api][validation][locks]") {
  Space space;
  Project project;
  project.metadata.name = "storefront";
  project.spec.process.steps.resize(2);
  project.spec.process.steps[1].locks = {{"database", LockMode::Exclusive, 3},
                                         {"other", LockMode::Exclusive, 9}};
  space.projects = {project};
  const auto changed = [&](const json& spec) {
    const json group = {{"metadata", {{"name", "database"}}}, {"spec", spec}};
    return text_of(validate("LockGroup", group, nullptr, space.references()));
  };
  CHECK(changed({{"capacity", 3}}) == "");
  CHECK(changed(json::object()) == "");
  CHECK(changed({{"capacity", 2}}) ==
        "spec.capacity: Invalid value: 2: project \"storefront\" asks for it in "
        "spec.steps[1].locks[0] with 3 units");
  CHECK(changed({{"granularity", "Deployment"}}) ==
        "spec.granularity: Invalid value: \"Deployment\": project \"storefront\" asks for it in "
        "spec.steps[1].locks[0]");
}

TEST_CASE("a step does exactly one thing", "[api][validation]") {
  CHECK(wrong_steps({{{"name", "a"}}}) ==
        "spec.steps[0]: Required value: exactly one of package, script and http must be set");
  CHECK(wrong_step({{"package", json::object()}}) ==
        "spec.steps[0]: Forbidden: exactly one of package, script and http must be set");
}

TEST_CASE("names of steps are there, unique and without blanks around", "[api][validation]") {
  CHECK(wrong_steps({step("a"), step("b"), step("a")}) ==
        "spec.steps[2].name: Duplicate value: \"a\"");
  CHECK(wrong_steps({step("a ")}) ==
        "spec.steps[0].name: Invalid value: \"a \": must not begin or end with a blank");
  CHECK(wrong_steps({step("")}) == "spec.steps[0].name: Required value: a name");
  CHECK(starts_with(wrong_steps({step("A")}), "spec.steps[0].name: Invalid value: \"A\": a lowercase"));
  CHECK(wrong_steps({step(std::string(63, 'a'))}) == "");
  CHECK(wrong_steps({step(std::string(64, 'a'))}) != "");
}

TEST_CASE("a reference has no blank around its name", "[api][validation]") {
  CHECK(wrong("TenantDeployment", deployment({{"projectRef", {{"name", "p "}}}})) ==
        "spec.projectRef.name: Invalid value: \"p \": must not begin or end with a blank");
  CHECK(wrong("TenantDeployment", deployment({{"environmentRef", {{"name", ""}}}})) ==
        "spec.environmentRef.name: Required value: a name");
  CHECK(wrong("Target", {{"environments", {"a", "a"}}}) ==
        "spec.environments[1]: Duplicate value: \"a\"");
}

TEST_CASE("the parts of a step are inside their bounds", "[api][validation]") {
  CHECK(wrong_step({{"timeout", "0s"}}) ==
        "spec.steps[0].timeout: Invalid value: \"0s\": must be greater than zero");
  CHECK(wrong_step({{"timeout", "1ms"}}) == "");
  CHECK(wrong_step({{"retry", {{"limit", 100}}}}) == "");
  CHECK(wrong_step({{"retry", {{"limit", 101}}}}) != "");
  CHECK(wrong_step({{"retry", {{"limit", -1}}}}) != "");
  CHECK(wrong_step({{"start", "WithPrevious"}}) ==
        "spec.steps[0].start: Invalid value: \"WithPrevious\": the first step has no previous one");
  CHECK(wrong_step({{"when", "a ="}}) ==
        "spec.steps[0].when: Invalid value: \"a =\": position 3: expected && or ||");
  CHECK(wrong_step({{"script", {{"shell", "zsh"}, {"body", "true"}}}}) ==
        "spec.steps[0].script.shell: Unsupported value: \"zsh\": supported values: \"sh\", \"bash\"");
  CHECK(wrong_step({{"script", {{"body", ""}}}}) != "");
  const std::string longest(limits::kScriptBytesMax, 'x');
  CHECK(wrong_step({{"script", {{"body", longest}}}}) == "");
  CHECK(wrong_step({{"script", {{"body", longest + "x"}}}}) ==
        "spec.steps[0].script.body: Too long: may not be more than 262144 bytes");
}

TEST_CASE("lists of a project end at their limits", "[api][validation]") {
  const auto steps = [](std::size_t count) {
    std::vector<json> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(step("s" + std::to_string(i)));
    return made;
  };
  CHECK(wrong_steps(steps(limits::kStepsPerProjectMax)) == "");
  CHECK(wrong_steps(steps(limits::kStepsPerProjectMax + 1)) ==
        "spec.steps: Too many: 101: must have at most 100 items");
  const json lock = {{"group", "database"}};
  CHECK(wrong_step({{"locks", std::vector<json>(limits::kLocksPerRequestMax, lock)}}) == "");
  CHECK(wrong_step({{"locks", std::vector<json>(limits::kLocksPerRequestMax + 1, lock)}}) ==
        "spec.steps[0].locks: Too many: 33: must have at most 32 items");
}

TEST_CASE("an http step has a URL, and templates that can be known", "[api][validation]") {
  const auto wrong_http = [](const json& http) {
    return wrong_steps({step("probe"), {{"name", "check"}, {"http", http}}});
  };
  CHECK(wrong_http({{"get", "https://x/${port}"}, {"headers", {{"x-a", "${b}"}}}}) == "");
  CHECK(wrong_http({{"get", "${url}"}}) == "");
  CHECK(wrong_http({{"get", "ftp://x"}}) ==
        "spec.steps[1].http.get: Invalid value: \"ftp://x\": must begin with one of http://, https://");
  CHECK(wrong_http({{"post", "http://${x"}}) ==
        "spec.steps[1].http.post: Invalid value: \"http://${x\": position 8: \"${\" without \"}\"");
  CHECK(wrong_http(json::object()) ==
        "spec.steps[1].http: Required value: exactly one of get, post, put and delete must be set");
  CHECK(wrong_http({{"get", "http://x"}, {"expect", 600}}) != "");
  CHECK(wrong_http({{"get", "http://x"}, {"expect", 599}}) == "");
  CHECK(wrong_http({{"get", "http://x"}, {"headers", {{"a b", "c"}}}}) != "");
  CHECK(wrong_http({{"get", "http://x"}, {"headers", {{"a", "b\r\nc: d"}}}}) != "");
  CHECK(wrong_http({{"get", "http://x/${steps.probe.outputs.id}"}}) == "");
  CHECK(wrong_http({{"get", "http://x/${steps.check.outputs.id}"}}) ==
        "spec.steps[1].http.get: Invalid value: \"http://x/${steps.check.outputs.id}\": no step "
        "before this one gives \"steps.check.outputs.id\"");
}

TEST_CASE("an install directory is an absolute template of known names", "[api][validation]") {
  CHECK(wrong_directory("/srv/${tenant.name}/${color}") == "");
  CHECK(wrong_directory("${root}/x") == "");
  CHECK(wrong_directory("/srv/${tenant.name") ==
        "spec.installDirectory: Invalid value: \"/srv/${tenant.name\": position 6: \"${\" without \"}\"");
  CHECK(wrong_directory("/srv/${tenant.nam}") ==
        "spec.installDirectory: Invalid value: \"/srv/${tenant.nam}\": unknown name \"tenant.nam\"");
  CHECK(wrong_directory("srv") ==
        "spec.installDirectory: Invalid value: \"srv\": must be an absolute path");
  CHECK(wrong_directory("/srv/../etc") != "");
  CHECK(wrong_directory("/srv/${steps.a.outputs.b}") != "");
  CHECK(starts_with(wrong_directory(""), "spec.installDirectory: Required value"));
}

TEST_CASE("files for substitution lie below the release folder", "[api][validation]") {
  const auto wrong_file = [](const std::string& path) {
    return wrong_steps({{{"name", "a"}, {"package", {{"substitute", {path}}}}}});
  };
  CHECK(wrong_file("conf/app.conf") == "");
  for (const char* path : {"", "/etc/passwd", "../x", "a/../b", "a/", "./a"}) {
    INFO(path);
    CHECK(starts_with(wrong_file(path), "spec.steps[0].package.substitute[0]: Invalid value"));
  }
}

TEST_CASE("a variable has one value, a usable name, and no double", "[api][validation]") {
  const auto wrong_variables = [](const json& variables) {
    return wrong("Tenant", {{"variables", variables}});
  };
  CHECK(wrong_variables({{{"name", "port"}, {"value", ""}}}) == "");
  CHECK(wrong_variables({{{"name", "port"}, {"value", "1"}},
                         {{"name", "port"}, {"value", "2"}, {"project", "p"}}}) == "");
  CHECK(wrong_variables({{{"name", "port"}, {"value", "1"}}, {{"name", "port"}, {"value", "2"}}}) ==
        "spec.variables[1].name: Duplicate value: \"port\"");
  CHECK(wrong_variables({{{"name", "port-a"}, {"value", "1"}}, {{"name", "port_a"}, {"value", "2"}}}) ==
        "spec.variables[1].name: Invalid value: \"port_a\": it and \"port-a\" are both PORT_A in a "
        "step's environment");
  CHECK(starts_with(wrong_variables({{{"name", "port"}}}), "spec.variables[0]: Required value"));
  CHECK(wrong_variables({{{"name", "a"},
                          {"value", "1"},
                          {"valueFrom", {{"secretKeyRef", {{"name", "s"}, {"key", "k"}}}}}}}) ==
        "spec.variables[0].valueFrom: Forbidden: value and valueFrom exclude each other");
  for (const char* name : {"", "9a", "a b", "a ", "tenant.name", "steps.x", "tidelock-x", "a/b"}) {
    INFO(name);
    CHECK(starts_with(wrong_variables({{{"name", name}, {"value", "1"}}}),
                      "spec.variables[0].name: Invalid value"));
  }
  CHECK(wrong_variables({{{"name", "a"}, {"value", "${b"}}}) != "");
  const std::string longest(limits::kVariableBytesMax, 'x');
  CHECK(wrong_variables({{{"name", "a"}, {"value", longest}}}) == "");
  CHECK(wrong_variables({{{"name", "a"}, {"value", longest + "x"}}}) ==
        "spec.variables[0].value: Too long: may not be more than 65536 bytes");
}

TEST_CASE("there is a limit to the number of variables", "[api][validation]") {
  const auto many = [](std::size_t count) {
    json list = json::array();
    for (std::size_t i = 0; i < count; ++i) {
      list.push_back({{"name", "v" + std::to_string(i)}, {"value", "1"}});
    }
    return wrong("Environment", {{"variables", list}});
  };
  CHECK(many(limits::kVariablesMax) == "");
  CHECK(many(limits::kVariablesMax + 1) ==
        "spec.variables: Too many: 1001: must have at most 1000 items");
}

TEST_CASE("a release has a version and well-formed packages", "[api][validation]") {
  const auto wrong_release = [](const json& more) {
    json spec = {{"projectRef", {{"name", "p"}}}, {"version", "1.0.0"}};
    spec.merge_patch(more);
    return wrong("Release", spec);
  };
  const json package = {{"step", "fetch"}, {"url", "file:///a"}, {"sha256", std::string(64, 'a')}};
  CHECK(wrong_release({{"packages", {package}}}) == "");
  CHECK(starts_with(wrong_release({{"version", "1.0"}}), "spec.version: Invalid value: \"1.0\""));
  CHECK(wrong_release({{"packages", {package, package}}}) ==
        "spec.packages[1].step: Duplicate value: \"fetch\"");
  json changed = package;
  changed["sha256"] = std::string(63, 'a');
  CHECK(wrong_release({{"packages", {changed}}}).find("spec.packages[0].sha256") == 0);
  changed["sha256"] = std::string(64, 'A');
  CHECK(wrong_release({{"packages", {changed}}}).find("spec.packages[0].sha256") == 0);
  changed = package;
  changed["url"] = "/a.tar.gz";
  CHECK(wrong_release({{"packages", {changed}}}).find("spec.packages[0].url") == 0);
}

TEST_CASE("a release never changes", "[api][validation]") {
  const json spec = {{"projectRef", {{"name", "p"}}}, {"version", "1.0.0"}, {"notes", "a"}};
  CHECK(wrong("Release", spec, &spec) == "");
  json changed = spec;
  changed["version"] = "1.0.1";
  CHECK(wrong("Release", changed, &spec) == "spec.version: Forbidden: a release is immutable");
  changed = spec;
  changed["notes"] = "b";
  CHECK(wrong("Release", changed, &spec) == "spec.notes: Forbidden: a release is immutable");
}

TEST_CASE("a deployment names one release and its tenants once", "[api][validation]") {
  CHECK(wrong("TenantDeployment", deployment({{"release", {{"version", nullptr}}}})) ==
        "spec.release: Required value: exactly one of version and range must be set");
  CHECK(wrong("TenantDeployment", deployment({{"release", {{"range", "~1.4"}}}})) ==
        "spec.release: Forbidden: exactly one of version and range must be set");
  CHECK(wrong("TenantDeployment",
              deployment({{"release", {{"version", nullptr}, {"range", "~1.4"}}}})) == "");
  CHECK(wrong("TenantDeployment",
              deployment({{"release", {{"version", nullptr}, {"range", "newest"}}}})) ==
        "spec.release.range: Invalid value: \"newest\": \"newest\" is not a version range");
  CHECK(wrong("TenantDeployment", deployment({{"untenanted", true}})) ==
        "spec.tenants: Forbidden: tenants and untenanted exclude each other");
  CHECK(starts_with(wrong("TenantDeployment", deployment({{"tenants", nullptr}})),
                    "spec.tenants: Required value"));
  CHECK(wrong("TenantDeployment", deployment({{"tenants", nullptr}, {"untenanted", true}})) == "");
}

TEST_CASE("a rollout's numbers are inside their bounds", "[api][validation]") {
  const auto wrong_rollout = [](const json& rollout) {
    return wrong("TenantDeployment", deployment({{"rollout", rollout}}));
  };
  CHECK(wrong_rollout({{"maxInFlight", 1}}) == "");
  CHECK(wrong_rollout({{"maxInFlight", 0}}) ==
        "spec.rollout.maxInFlight: Invalid value: 0: should be greater than or equal to 1");
  CHECK(wrong_rollout({{"taskTimeout", "0s"}}) != "");
  CHECK(wrong_rollout({{"retry", {{"limit", 101}}}}) != "");
  CHECK(wrong_rollout({{"retry", {{"backoff", {{"factor", 0}}}}}}) != "");
  CHECK(wrong_rollout({{"retry", {{"backoff", {{"initial", "11m"}}}}}}) ==
        "spec.rollout.retry.backoff.max: Invalid value: \"10m0s\": must not be less than initial, "
        "which is 11m0s");
  CHECK(wrong("TenantDeployment", deployment({{"priority", 1'000'000}})) == "");
  CHECK(wrong("TenantDeployment", deployment({{"priority", 1'000'001}})) != "");
}

TEST_CASE("a pair is pinned once", "[api][validation]") {
  const json pin = {{"tenant", "t"}, {"version", "1.0.0"}};
  json other = pin;
  other["target"] = "web-01";
  CHECK(wrong("TenantDeployment", deployment({{"pins", {pin, other}}})) == "");
  CHECK(wrong("TenantDeployment", deployment({{"pins", {other, other}}})) ==
        "spec.pins[1]: Duplicate value: \"t/web-01\"");
}

TEST_CASE("selectors are checked as Kubernetes checks them", "[api][validation]") {
  const auto wrong_selector = [](const json& selector) {
    return wrong("TenantDeployment", deployment({{"targets", selector}}));
  };
  CHECK(wrong_selector({{"matchExpressions", {{{"key", "a"}, {"operator", "In"}}}}}) ==
        "spec.targets.matchExpressions[0].values: Required value: must be specified when `operator` "
        "is 'In' or 'NotIn'");
  CHECK(wrong_selector({{"matchExpressions", {{{"key", "a"}, {"operator", "Exists"}, {"values", {"b"}}}}}}) ==
        "spec.targets.matchExpressions[0].values: Forbidden: may not be specified when `operator` is "
        "'Exists' or 'DoesNotExist'");
  CHECK(wrong_selector({{"matchLabels", {{"-a", "b"}}}}).find("spec.targets.matchLabels") == 0);
  CHECK(wrong_selector({{"matchLabels", {{"a", "b "}}}}).find("spec.targets.matchLabels") == 0);
}

TEST_CASE("what a schema would refuse is refused here too", "[api][validation]") {
  CHECK(wrong("ConcurrencyBudget", {{"max", "ten"}}) ==
        "spec.max: Invalid value: \"string\": must be of type integer: \"string\"");
  CHECK(wrong("ConcurrencyBudget", {{"max", 0}}) ==
        "spec.max: Invalid value: 0: should be greater than or equal to 1");
  CHECK(wrong("LockGroup", {{"capacity", 0}}) != "");
  CHECK(wrong("LockGroup", {{"waitTimeout", "0s"}}) != "");
  CHECK(wrong("LockGroup", {{"maxBypass", -1}}) != "");
  CHECK(wrong("Target", {{"maxConcurrent", 0}}) != "");
  CHECK(wrong("Target", {{"installRoot", "srv"}}) != "");
}

TEST_CASE("status is not looked at", "[api][validation]") {
  const Space space;
  const json object = {{"metadata", {{"name", "x"}}}, {"spec", {{"max", 1}}}, {"status", {{"used", "bad"}}}};
  CHECK(validate("ConcurrencyBudget", object, nullptr, space.references()).empty());
}

}  // namespace tidelock::api
