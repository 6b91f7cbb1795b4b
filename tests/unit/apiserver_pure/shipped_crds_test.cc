// SPDX-License-Identifier: Apache-2.0
// The CRDs of crd/ against the rules that every CRD has to obey.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/api/yaml.h"
#include "controller/apiserver/core_kinds.h"
#include "controller/apiserver/crd_validation.h"
#include "tests/unit/apiserver_pure/schema_support.h"

using namespace tidelock;
using namespace tidelock::apiserver;

namespace {

json read_yaml(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  const auto documents = api::parse_yaml(text.str());
  REQUIRE(documents.has_value());
  REQUIRE(documents->size() == 1);
  return *documents->front().json;
}

}  // namespace

TEST_CASE("every shipped CRD is valid as it stands", "[crd]") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TIDELOCK_SOURCE_DIR "/crd")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path());
    json crd = read_yaml(entry.path());
    default_crd_names(crd);
    CHECK(lines(validate_crd(crd)) == Lines{});
    // The schema of CRDs itself knows every field of it.
    std::vector<std::string> unknown;
    const auto schema = Schema::compile(core_schema(Builtin::Crd));
    REQUIRE(schema.has_value());
    schema->prune(crd, &unknown);
    CHECK(unknown == Lines{});
    CHECK(lines(schema->validate(crd)) == Lines{});
    ++count;
  }
  CHECK(count >= 11);
}

TEST_CASE("the schemas of the core kinds are structural", "[schema]") {
  for (const Builtin kind :
       {Builtin::Namespace, Builtin::Secret, Builtin::ConfigMap, Builtin::Event, Builtin::Lease,
        Builtin::ServiceAccount, Builtin::Crd}) {
    CHECK(Schema::compile(core_schema(kind)).has_value());
  }
}
