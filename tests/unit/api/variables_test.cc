// SPDX-License-Identifier: Apache-2.0
#include "controller/api/variables.h"

#include <catch2/catch.hpp>

#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

Variable plain(const std::string& name, const std::string& value, const std::string& project = "",
               const std::string& environment = "") {
  return {name, value, std::nullopt, project, environment};
}

// One pair whose objects are all there and have no variables.
struct Pair {
  Project project;
  Environment environment;
  Tenant tenant;
  Target target;

  Pair() {
    project.metadata.name = "storefront";
    environment.metadata.name = "production";
    tenant.metadata.name = "tenant-01";
    tenant.spec.display_name = "Tenant 1";
    target.metadata.name = "web-01";
    target.spec.install_root = "/srv/tenants";
  }
  PairObjects objects() const {
    return {&project, &project.spec.process, &environment, &tenant, &target};
  }
  std::string value(const std::string& name) const {
    const auto resolved = resolve_variables(objects());
    if (!resolved) FAIL(resolved.error().message);
    const auto found = resolved->find(name);
    return found == resolved->end() ? "(absent)" : found->second.value + " from " + found->second.origin;
  }
};

std::string expand(std::string_view text, const std::map<std::string, std::string>& values) {
  const auto expanded = expand_template(text, [&](std::string_view name) {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::nullopt : std::optional(found->second);
  });
  return expanded ? *expanded : "error: " + expanded.error().message;
}

}  // namespace

TEST_CASE("the most specific level wins", "[api][variables]") {
  Pair pair;
  CHECK(pair.value("port") == "(absent)");
  pair.project.spec.process.variables = {plain("port", "1")};
  CHECK(pair.value("port") == "1 from Project storefront");
  pair.environment.spec.variables = {plain("port", "2")};
  CHECK(pair.value("port") == "2 from Environment production");
  pair.target.spec.variables = {plain("port", "3")};
  CHECK(pair.value("port") == "3 from Target web-01");
  pair.tenant.spec.variables = {plain("port", "4")};
  CHECK(pair.value("port") == "4 from Tenant tenant-01");
  pair.tenant.spec.variables.push_back(plain("port", "5", "", "production"));
  CHECK(pair.value("port") == "5 from Tenant tenant-01 (environment production)");
  pair.tenant.spec.variables.push_back(plain("port", "6", "storefront", "production"));
  CHECK(pair.value("port") == "6 from Tenant tenant-01 (project storefront, environment production)");
  pair.tenant.spec.variables.push_back(plain("port", "7", "other", "production"));
  pair.tenant.spec.variables.push_back(plain("port", "8", "storefront", "test"));
  CHECK(pair.value("port") == "6 from Tenant tenant-01 (project storefront, environment production)");
}

TEST_CASE("variables of one tenant do not reach another", "[api][variables][isolation]") {
  Pair pair;
  pair.tenant.spec.variables = {plain("port", "1", "other-project"), plain("port", "2", "", "test")};
  CHECK(pair.value("port") == "(absent)");
}

TEST_CASE("a tie on one level is an error that names both, unless it does not matter",
          "[api][variables]") {
  Pair pair;
  pair.tenant.spec.variables = {plain("port", "1", "storefront"), plain("port", "2", "", "production")};
  const auto tie = resolve_variables(pair.objects());
  REQUIRE_FALSE(tie);
  CHECK(tie.error().reason == Reason::Invalid);
  CHECK(tie.error().message ==
        "variable \"port\" is set by Tenant tenant-01 (project storefront) and by Tenant tenant-01 "
        "(environment production), and neither is more specific");
  pair.tenant.spec.variables.push_back(plain("port", "3", "storefront", "production"));
  CHECK(resolve_variables(pair.objects()));
}

TEST_CASE("names that meet in a step's environment are an error that names both",
          "[api][variables]") {
  Pair pair;
  pair.project.spec.process.variables = {plain("port-a", "1")};
  pair.target.spec.variables = {plain("port_a", "2")};
  const auto clash = resolve_variables(pair.objects());
  REQUIRE_FALSE(clash);
  CHECK(clash.error().message ==
        "variables \"port-a\" of Project storefront and \"port_a\" of Target web-01 are both PORT_A "
        "in a step's environment");
}

TEST_CASE("a release's snapshot gives the defaults, not the project of today", "[api][variables]") {
  Pair pair;
  pair.project.spec.process.variables = {plain("port", "new")};
  Process snapshot;
  snapshot.variables = {plain("port", "old")};
  PairObjects objects = pair.objects();
  objects.process = &snapshot;
  CHECK(resolve_variables(objects)->at("port").value == "old");
}

TEST_CASE("a secret stays a reference", "[api][variables]") {
  Pair pair;
  pair.target.spec.variables = {{"password", std::nullopt, SecretKeyReference{"db", "key"}, "", ""}};
  const auto resolved = resolve_variables(pair.objects());
  REQUIRE(resolved);
  CHECK(resolved->at("password").secret == SecretKeyReference{"db", "key"});
  CHECK(resolved->at("password").value.empty());
}

TEST_CASE("built-in names speak of the pair; an untenanted one has no tenant", "[api][variables]") {
  Pair pair;
  CHECK(builtin_values(pair.objects(), "1.0.0") ==
        std::map<std::string, std::string>{{"project.name", "storefront"},
                                           {"tenant.name", "tenant-01"},
                                           {"tenant.displayName", "Tenant 1"},
                                           {"target.name", "web-01"},
                                           {"target.installRoot", "/srv/tenants"},
                                           {"environment.name", "production"},
                                           {"release.version", "1.0.0"}});
  PairObjects untenanted = pair.objects();
  untenanted.tenant = nullptr;
  CHECK(builtin_values(untenanted, "1.0.0").count("tenant.name") == 0);
}

TEST_CASE("templates replace names and leave everything else", "[api][template]") {
  const std::map<std::string, std::string> values = {
      {"a", "1"}, {"b", "<${a}>"}, {"tenant.name", "t"}, {"empty", ""}, {"dollar", "$"}};
  CHECK(expand("", values) == "");
  CHECK(expand("/srv/${tenant.name}/x", values) == "/srv/t/x");
  CHECK(expand("${a}${b}${empty}", values) == "1<1>");
  CHECK(expand("$${a} costs $5, $a $", values) == "${a} costs $5, $a $");
  CHECK(expand("$$${a}", values) == "$${a}");
  CHECK(expand("${dollar}{a}", values) == "${a}");
}

TEST_CASE("a bad template is refused with the position", "[api][template]") {
  CHECK(expand("/srv/${tenant.name", {}) == "error: position 6: \"${\" without \"}\"");
  CHECK(expand("x${nope}", {}) == "error: position 2: unknown name \"nope\"");
  CHECK(expand("${}", {}) == "error: position 1: \"${}\" without a name");
  CHECK(expand("${a b}", {}).find("error: position 4: a name has") == 0);
  CHECK(expand("${a}", {{"a", "x${b}"}}) ==
        "error: in the value of \"a\": position 2: unknown name \"b\"");
}

TEST_CASE("values nest up to the limit and no deeper", "[api][template]") {
  const auto chain = [](std::size_t length) {
    std::map<std::string, std::string> values;
    for (std::size_t i = 1; i < length; ++i) {
      values["v" + std::to_string(i)] = "${v" + std::to_string(i + 1) + "}";
    }
    values["v" + std::to_string(length)] = "end";
    return values;
  };
  CHECK(expand("${v1}", chain(limits::kTemplateDepthMax)) == "end");
  CHECK(expand("${v1}", chain(limits::kTemplateDepthMax + 1)).find("16 deep") != std::string::npos);
  CHECK(expand("${a}", {{"a", "${b}"}, {"b", "${a}"}}).find("16 deep") != std::string::npos);
}

TEST_CASE("values that multiply each other end at the limits", "[api][template]") {
  std::map<std::string, std::string> values;
  for (char c = 'a'; c < 'm'; ++c) {
    std::string& value = values[std::string(1, c)];
    for (int i = 0; i < 10; ++i) value += std::string("${") + static_cast<char>(c + 1) + "}";
  }
  values["m"] = "";
  CHECK(expand("${a}", values).find("more than 10000 names") != std::string::npos);
  const std::string kilobyte(1024, 'x');
  std::string text;
  for (int i = 0; i < 1024; ++i) text += "${k}";
  CHECK(expand(text, {{"k", kilobyte}}).size() == limits::kTemplateBytesMax);
  CHECK(expand(text + "y", {{"k", kilobyte}}).find("grows beyond") != std::string::npos);
}

TEST_CASE("the names of a template are known without values", "[api][template]") {
  CHECK(*template_names("${a}/$${b}/${c.d}") == std::vector<std::string>{"a", "c.d"});
  CHECK_FALSE(template_names("${a"));
}

TEST_CASE("a directory is canonical or refused", "[api][variables]") {
  CHECK(*canonical_directory("/srv/a.b/..c") == "/srv/a.b/..c");
  for (const char* path : {"", "srv", "/", "//srv", "/srv/", "/srv//a", "/srv/./a", "/srv/../a", "/..", "/a\n"}) {
    INFO(path);
    CHECK_FALSE(canonical_directory(path));
  }
}

TEST_CASE("a variable is upper case in a step's environment", "[api][variables]") {
  CHECK(environment_name("port-a.b_c9") == "PORT_A_B_C9");
}

}  // namespace tidelock::api
