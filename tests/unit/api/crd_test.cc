// SPDX-License-Identifier: Apache-2.0
// Holds crd/ against the structs, in both directions.
#include <re2/re2.h>

#include <catch2/catch.hpp>
#include <set>

#include "controller/api/codec.h"
#include "controller/base/limits.h"
#include "tests/unit/api/crd_files.h"
#include "tests/unit/api/filled.h"

namespace tidelock::api::test {
namespace {

// A kind with its type put away.
struct Case {
  KindInfo info;
  json filled;
  std::function<Result<json>(const json&)> recode;  // encode(decode(x))
};

template <class T>
Case make_case(const T& filled) {
  return {kind_info<T>(), encode(filled), [](const json& document) -> Result<json> {
            const auto decoded = decode<T>(document);
            if (!decoded) return fail(decoded.error());
            return encode(*decoded);
          }};
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      make_case(filled_project()),      make_case(filled_release()),
      make_case(filled_environment()),  make_case(filled_tenant()),
      make_case(filled_target()),       make_case(filled_lock_group()),
      make_case(filled_budget()),       make_case(filled_tenant_deployment()),
      make_case(filled_rollout()),      make_case(filled_installation()),
      make_case(filled_task()),         make_case(filled_window()),
      make_case(filled_approval()),     make_case(filled_hold())};
  return all;
}

json crd_of(const Case& each) { return read_crd(std::string(each.info.plural)); }

std::string json_type(const json& value) {
  if (value.is_number_integer()) return "integer";
  return value.type_name();
}

bool is_int_or_string(const json& schema) {
  return schema.value("x-kubernetes-int-or-string", false);
}

// Empty for int-or-string, which has no type of its own.
std::string type_of(const json& schema) { return schema.value("type", ""); }

// Every path of the value must be in the schema, with its type and inside its bounds.
void check_value(const json& value, const json& schema, SchemaPath& path,
                 std::set<std::string>& seen) {
  INFO(to_text(path) << (value.is_structured() ? "" : " = " + value.dump()));
  seen.insert(to_text(path));
  if (is_int_or_string(schema)) {
    CHECK((value.is_number_integer() || value.is_string()));
  } else {
    CHECK(json_type(value) == schema.at("type"));
  }
  if (schema.contains("enum")) {
    const json& allowed = schema["enum"];
    CHECK(std::find(allowed.begin(), allowed.end(), value) != allowed.end());
  }
  if (schema.contains("pattern") && value.is_string()) {
    CHECK(RE2::PartialMatch(value.get<std::string>(), schema["pattern"].get<std::string>()));
  }
  if (schema.value("format", "") == "date-time") CHECK(parse_time(value.get<std::string>()));
  if (value.is_number()) {
    if (schema.contains("minimum")) CHECK(value >= schema["minimum"]);
    if (schema.contains("maximum")) CHECK(value <= schema["maximum"]);
  }
  if (schema.contains("required")) {
    for (const json& key : schema["required"]) CHECK(value.contains(key.get<std::string>()));
  }
  const auto step = [&](const std::string& key, const json& inner, const json& inner_schema) {
    path.push_back(key);
    check_value(inner, inner_schema, path, seen);
    path.pop_back();
  };
  if (value.is_array()) {
    for (const json& item : value) step("[]", item, schema.at("items"));
  }
  if (!value.is_object()) return;
  for (const auto& [key, inner] : value.items()) {
    if (schema.contains("additionalProperties")) {
      step("{}", inner, schema["additionalProperties"]);
    } else if (!schema.at("properties").contains(key)) {
      FAIL_CHECK("the schema has no field \"" << key << "\"");
    } else {
      step(key, inner, schema["properties"][key]);
    }
  }
}

std::set<std::string> emitted_paths(const Case& each, const json& schema) {
  std::set<std::string> seen;
  for (const char* part : {"spec", "status"}) {
    if (!each.filled.contains(part)) continue;
    SchemaPath path{part};
    check_value(each.filled[part], schema.at("properties").at(part), path, seen);
  }
  return seen;
}

json without(const json& document, const SchemaPath& path) {
  json copy = document;
  for_each_holder(copy, path, [](json& holder, const std::string& key) { holder.erase(key); });
  return copy;
}

json with(const json& document, const SchemaPath& path, const json& value) {
  json copy = document;
  for_each_holder(copy, path,
                  [&](json& holder, const std::string& key) { holder[key] = value; });
  return copy;
}

bool is_item(const SchemaPath& path) { return path.back() == "[]" || path.back() == "{}"; }

// Parts that are told apart only by their description are the same part.
json without_descriptions(json schema) {
  if (schema.is_object()) {
    if (schema.contains("description") && schema["description"].is_string()) {
      schema.erase("description");
    }
  }
  if (schema.is_structured()) {
    for (json& inner : schema) inner = without_descriptions(std::move(inner));
  }
  return schema;
}

// A request has one method at a time; that a step may have each is seen, and that a health check's
// request has the schema of a step's.
bool is_method_of_health_check(const SchemaPath& path) {
  const std::set<std::string> others = {"get", "put", "delete"};
  return path.size() > 2 && path[path.size() - 3] == "healthCheck" && others.count(path.back()) != 0;
}

json part_of(const std::string& plural, const std::string& pointer) {
  const json crd = read_crd(plural);
  return without_descriptions(schema_of(crd).at(json::json_pointer("/properties" + pointer)));
}

}  // namespace

TEST_CASE("every field that a struct emits is in its schema, with its type", "[api][crd]") {
  for (const Case& each : cases()) {
    INFO(each.info.kind);
    const json crd = crd_of(each);
    emitted_paths(each, schema_of(crd));
  }
}

TEST_CASE("every field of a schema is in its struct", "[api][crd]") {
  for (const Case& each : cases()) {
    INFO(each.info.kind);
    const json crd = crd_of(each);
    const std::set<std::string> emitted = emitted_paths(each, schema_of(crd));
    walk_schema(schema_of(crd), [&](const SchemaPath& path, const json& schema) {
      if (is_method_of_health_check(path)) return;
      // The only value that there is is the default, which is left out.
      if (schema.contains("default") && schema.value("enum", json::array()).size() == 1) return;
      INFO(to_text(path));
      CHECK(emitted.count(to_text(path)) == 1);
    });
  }
}

TEST_CASE("a schema's defaults are the structs' and are not written", "[api][crd]") {
  int defaults = 0;
  for (const Case& each : cases()) {
    const json crd = crd_of(each);
    walk_schema(schema_of(crd), [&](const SchemaPath& path, const json& schema) {
      if (!schema.contains("default")) return;
      ++defaults;
      INFO(each.info.kind << " " << to_text(path));
      const auto absent = each.recode(without(each.filled, path));
      const auto given = each.recode(with(each.filled, path, schema["default"]));
      REQUIRE(absent);
      REQUIRE(given);
      CHECK(*absent == *given);
    });
  }
  CHECK(defaults > 40);
}

TEST_CASE("a number without a default in its schema is zero when absent", "[api][crd]") {
  // Absent is something of its own for these.
  const std::set<std::string> optional = {
      "capacity",    "units",       "maxInFlight",    "position",          "exitCode",
      "concurrency", "maxFailures", "maxUnreachable", "maxStartsPerMinute", "observedGeneration"};
  for (const Case& each : cases()) {
    const json crd = crd_of(each);
    walk_schema(schema_of(crd), [&](const SchemaPath& path, const json& schema) {
      const bool number = type_of(schema) == "integer" || type_of(schema) == "boolean";
      if (!number || schema.contains("default") || optional.count(path.back()) != 0) return;
      INFO(each.info.kind << " " << to_text(path));
      const auto absent = each.recode(without(each.filled, path));
      REQUIRE(absent);
      bool written = false;
      json copy = *absent;
      for_each_holder(copy, path, [&](json& holder, const std::string& key) {
        written = written || holder.contains(key);
      });
      if (written) return;  // a reader needs no default then
      const json zero = type_of(schema) == "integer" ? json(0) : json(false);
      CHECK(*each.recode(with(each.filled, path, zero)) == *absent);
    });
  }
}

TEST_CASE("a schema's enums are the structs' enums", "[api][crd]") {
  int enums = 0;
  for (const Case& each : cases()) {
    const json crd = crd_of(each);
    walk_schema(schema_of(crd), [&](const SchemaPath& path, const json& schema) {
      if (!schema.contains("enum")) return;
      INFO(each.info.kind << " " << to_text(path));
      const auto refused = each.recode(with(each.filled, path, "NoSuchValue"));
      const bool plain_text = path.back() == "shell" || path.back() == "status";
      if (plain_text) return;
      REQUIRE_FALSE(refused);
      std::string list;
      for (const json& value : schema["enum"]) list += (list.empty() ? "" : ", ") + value.dump();
      CHECK(refused.error().causes.at(0).message ==
            "Unsupported value: \"NoSuchValue\": supported values: " + list);
      ++enums;
    });
  }
  CHECK(enums > 20);
}

TEST_CASE("a CRD is named like its kind and has what every kind has", "[api][crd]") {
  for (const Case& each : cases()) {
    INFO(each.info.kind);
    const json crd = crd_of(each);
    const json& spec = crd["spec"];
    const json& version = spec["versions"][0];
    CHECK(crd["metadata"]["name"] ==
          std::string(each.info.plural) + "." + std::string(each.info.group));
    CHECK(spec["group"] == std::string(each.info.group));
    CHECK(spec["scope"] == "Namespaced");
    CHECK(spec["names"]["kind"] == std::string(each.info.kind));
    CHECK(spec["names"]["plural"] == std::string(each.info.plural));
    CHECK(spec["names"]["categories"] == json{"tidelock"});
    CHECK(!spec["names"]["shortNames"].empty());
    CHECK(version["name"] == std::string(each.info.version));
    CHECK(version["subresources"].contains("status"));
    CHECK(version["additionalPrinterColumns"].back()["name"] == "Age");
  }
}

TEST_CASE("every field has a description", "[api][crd]") {
  for (const Case& each : cases()) {
    const json crd = crd_of(each);
    walk_schema(schema_of(crd), [&](const SchemaPath& path, const json& schema) {
      INFO(each.info.kind << " " << to_text(path));
      const bool scalar_item = is_item(path) && type_of(schema) == "string";
      if (!scalar_item) CHECK(schema.value("description", "").size() > 4);
    });
  }
}

TEST_CASE("printer columns and selectable fields show fields that exist", "[api][crd]") {
  for (const Case& each : cases()) {
    const json crd = crd_of(each);
    const json& version = crd["spec"]["versions"][0];
    std::set<std::string> known;
    walk_schema(schema_of(crd),
                [&](const SchemaPath& path, const json&) { known.insert("." + to_text(path)); });
    for (const json& column : version["additionalPrinterColumns"]) {
      std::string path = column["jsonPath"];
      INFO(each.info.kind << " " << path);
      if (path == ".metadata.creationTimestamp") continue;
      RE2::GlobalReplace(&path, R"(\[[^\]]*\])", "[]");
      CHECK(known.count(path) == 1);
    }
    for (const json& field : version.value("selectableFields", json::array())) {
      INFO(each.info.kind << " " << field["jsonPath"]);
      CHECK(known.count(field["jsonPath"]) == 1);
    }
  }
}

TEST_CASE("a schema's bounds are the program's limits", "[api][crd]") {
  const std::string rollout = "/spec/properties/rollout/properties";
  const auto bound = [](const std::string& plural, const std::string& pointer, const char* key) {
    return part_of(plural, pointer).at(key).get<std::int64_t>();
  };
  const auto items = [&](const std::string& pointer) {
    return static_cast<std::size_t>(bound("tenantdeployments", rollout + pointer, "maxItems"));
  };
  CHECK(items("/waves") == limits::kWavesMax);
  CHECK(items("/steps") == limits::kRampStepsMax);
  CHECK(items("/order/properties/by") == limits::kOrderKeysMax);
  const std::string wave = "/waves/items/properties";
  CHECK(items(wave + "/steps") == limits::kRampStepsMax);
  const std::string approvers = "/items/properties/approval/properties/required";
  for (const char* list : {"/before", "/after"}) {
    CHECK(items(wave + list) == limits::kGatesPerListMax);
    CHECK(bound("tenantdeployments", rollout + wave + list + approvers, "maximum") ==
          limits::kGateApproversMax);
  }
  CHECK(bound("projects", "/spec/properties/healthCheck/properties/failureThreshold", "maximum") ==
        limits::kHealthFailuresMax);
  CHECK(bound("projects", "/spec/properties/drift/properties/maxCorrections", "maximum") ==
        limits::kCorrectionsMax);
  CHECK(static_cast<std::size_t>(bound("deploymentwindows", "/spec/properties/schedule",
                                       "maxLength")) == limits::kCronBytesMax);
  CHECK(static_cast<std::size_t>(bound("deploymentwindows", "/spec/properties/timeZone",
                                       "maxLength")) == limits::kTimeZoneNameBytesMax);
  for (const char* plural : {"approvals", "releaseholds"}) {
    CHECK(static_cast<std::size_t>(bound(plural, "/spec/properties/reason", "maxLength")) ==
          limits::kReasonBytesMax);
  }
}

TEST_CASE("parts that kinds share are the same everywhere", "[api][crd]") {
  const json step = part_of("projects", "/spec/properties/steps/items");
  CHECK(part_of("releases", "/status/properties/process/properties/steps/items") == step);
  json task_step = part_of("deploymenttasks", "/spec/properties/steps/items");
  task_step["properties"].erase("needs");
  CHECK(task_step["properties"] == step["properties"]);

  const json variable = part_of("projects", "/spec/properties/variables/items");
  CHECK(part_of("environments", "/spec/properties/variables/items") == variable);
  CHECK(part_of("targets", "/spec/properties/variables/items") == variable);
  json scoped = part_of("tenants", "/spec/properties/variables/items");
  scoped["properties"].erase("project");
  scoped["properties"].erase("environment");
  CHECK(scoped == variable);

  const json selector = part_of("targets", "/spec/properties/tenants");
  CHECK(part_of("tenantdeployments", "/spec/properties/tenants") == selector);
  CHECK(part_of("tenantdeployments", "/spec/properties/targets") == selector);
  CHECK(part_of("concurrencybudgets", "/spec/properties/selector/properties/targets") == selector);
  for (const char* part : {"/tenants", "/targets"}) {
    CHECK(part_of("tenantdeployments",
                  std::string("/spec/properties/rollout/properties/waves/items/properties") + part) ==
          selector);
  }
  CHECK(part_of("deploymentwindows", "/spec/properties/selector") ==
        part_of("concurrencybudgets", "/spec/properties/selector"));

  const json health = part_of("projects", "/spec/properties/healthCheck");
  CHECK(part_of("releases", "/status/properties/process/properties/healthCheck") == health);
  CHECK(part_of("deploymenttasks", "/spec/properties/healthCheck") == health);
  CHECK(health["properties"]["script"] == step["properties"]["script"]);
  CHECK(health["properties"]["http"] == step["properties"]["http"]);

  CHECK(part_of("rollouts", "/spec/properties/strategy") ==
        part_of("tenantdeployments", "/spec/properties/rollout"));
  CHECK(part_of("deploymenttasks", "/status/properties/blockedBy") ==
        part_of("installations", "/status/properties/blockedBy"));
  const json conditions = part_of("projects", "/status/properties/conditions");
  for (const char* plural : {"releases", "targets", "tenantdeployments", "rollouts", "installations"}) {
    CHECK(part_of(plural, "/status/properties/conditions") == conditions);
  }
}

}  // namespace tidelock::api::test
