// SPDX-License-Identifier: Apache-2.0
#include "controller/api/codec.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/base/limits.h"
#include "tests/unit/api/filled.h"

namespace tidelock::api::test {
namespace {

using nlohmann::json;

template <class T>
concept HasSpec = requires(T object) { object.spec; };
template <class T>
concept HasStatus = requires(T object) { object.status; };

template <class T>
void check_round_trip(const T& object) {
  const json encoded = encode(object);
  INFO(encoded.dump(1));
  const auto decoded = decode<T>(encoded);
  if (!decoded) FAIL(decoded.error().message);
  CHECK(decoded->metadata == object.metadata);
  if constexpr (HasSpec<T>) CHECK(decoded->spec == object.spec);
  if constexpr (HasStatus<T>) {
    CHECK(decoded->status == object.status);
    CHECK(encode_status(object) == encoded.value("status", json::object()));
  }
  CHECK(encode(*decoded).dump() == encoded.dump());
  const auto from_text = decode<T>(encoded.dump());
  REQUIRE(from_text);
  CHECK(encode(*from_text).dump() == encoded.dump());
}

template <class T>
std::vector<Cause> causes_of(json document) {
  const auto decoded = decode<T>(document);
  if (decoded) return {};
  CHECK(decoded.error().reason == Reason::Invalid);
  return decoded.error().causes;
}

}  // namespace

TEST_CASE("every field of every kind survives the way to JSON and back", "[api][codec]") {
  check_round_trip(filled_project());
  check_round_trip(filled_release());
  check_round_trip(filled_environment());
  check_round_trip(filled_tenant());
  check_round_trip(filled_target());
  check_round_trip(filled_lock_group());
  check_round_trip(filled_budget());
  check_round_trip(filled_tenant_deployment());
  check_round_trip(filled_rollout());
  check_round_trip(filled_installation());
  check_round_trip(filled_task());
  check_round_trip(filled_window());
  check_round_trip(filled_approval());
  check_round_trip(filled_hold());
}

TEST_CASE("empty objects of every kind survive the way to JSON and back", "[api][codec]") {
  check_round_trip(Project{});
  check_round_trip(Release{});
  check_round_trip(Environment{});
  check_round_trip(Tenant{});
  check_round_trip(Target{});
  check_round_trip(LockGroup{});
  check_round_trip(ConcurrencyBudget{});
  check_round_trip(TenantDeployment{});
  check_round_trip(Rollout{});
  check_round_trip(Installation{});
  check_round_trip(DeploymentTask{});
  check_round_trip(DeploymentWindow{});
  check_round_trip(Approval{});
  check_round_trip(ReleaseHold{});
  check_round_trip(Secret{});
  check_round_trip(Lease{});
  check_round_trip(Event{});
}

TEST_CASE("core kinds survive the way to JSON and back", "[api][codec]") {
  const auto secret = decode<Secret>(encode(filled_secret()));
  REQUIRE(secret);
  CHECK(secret->data == filled_secret().data);
  CHECK(secret->type == "kubernetes.io/tls");
  check_round_trip(filled_secret());
  check_round_trip(filled_lease());
  check_round_trip(filled_event());
  CHECK(encode(filled_lease())["spec"]["renewTime"] == "2026-09-21T14:13:20.000002Z");
  CHECK(encode(filled_event())["involvedObject"]["namespace"] == "some-space");
}

TEST_CASE("a secret's broken value is named by its key and not shown", "[api][codec]") {
  const auto causes =
      causes_of<Secret>({{"metadata", {{"name", "s"}}}, {"data", {{"k", "hunter2!"}}}});
  REQUIRE(causes.size() == 1);
  CHECK(causes[0].field == "data.k");
  CHECK(causes[0].message.find("hunter2") == std::string::npos);
}

TEST_CASE("an error names the path of every wrong field at once", "[api][codec]") {
  const auto causes = causes_of<Project>(
      {{"metadata", {{"name", "p"}}},
       {"spec",
        {{"paused", "yes"},
         {"steps",
          {{{"name", "a"}, {"isolation", "exclusive"}},
           {{"name", "b"}, {"locks", {{{"group", 7}}}}, {"timeout", "soon"}}}}}}});
  REQUIRE(causes.size() == 4);
  CHECK(causes[0].field == "spec.steps[0].isolation");
  CHECK(causes[0].reason == "FieldValueNotSupported");
  CHECK(causes[0].message ==
        R"(Unsupported value: "exclusive": supported values: "Shared", "Exclusive")");
  CHECK(causes[1].field == "spec.steps[1].locks[0].group");
  CHECK(causes[1].reason == "FieldValueTypeInvalid");
  CHECK(causes[1].message == R"(Invalid value: "integer": must be of type string: "integer")");
  CHECK(causes[2].field == "spec.steps[1].timeout");
  CHECK(causes[3].field == "spec.paused");
}

TEST_CASE("unknown fields and nulls are ignored", "[api][codec]") {
  const auto decoded = decode<Target>(
      R"({"apiVersion":"tidelock.dev/v1alpha1","kind":"Target","metadata":{"name":"t",
          "creationTimestamp":null,"managedFields":[{}]},
          "spec":{"bogus":1,"maxConcurrent":null},"more":[]})");
  REQUIRE(decoded);
  CHECK(decoded->metadata.name == "t");
  CHECK(decoded->spec.max_concurrent == 1);
}

TEST_CASE("a document of another kind or version is refused", "[api][codec]") {
  CHECK(causes_of<Target>({{"kind", "Tenant"}}).at(0).field == "kind");
  CHECK(causes_of<Target>({{"apiVersion", "v1"}}).at(0).field == "apiVersion");
  CHECK(causes_of<Target>(json::array()).size() == 1);
  CHECK(decode<Target>(json::object()));
}

TEST_CASE("integers are checked at the bounds of their type", "[api][codec]") {
  const auto with = [](const json& value) {
    return decode<Target>(json{{"spec", {{"maxConcurrent", value}}}});
  };
  CHECK(with(2147483647)->spec.max_concurrent == 2147483647);
  CHECK(with(-2147483648LL)->spec.max_concurrent == -2147483648LL);
  CHECK_FALSE(with(2147483648LL));
  CHECK_FALSE(with(-2147483649LL));
  CHECK_FALSE(with(18446744073709551615ULL));
  CHECK(with(3.0)->spec.max_concurrent == 3);
  CHECK_FALSE(with(3.5));
  CHECK_FALSE(with(1e300));
  CHECK_FALSE(with("3"));
}

TEST_CASE("a share is a whole number or a percentage", "[api][codec]") {
  const auto read = [](const json& value) {
    return decode<TenantDeployment>(json{{"spec", {{"rollout", {{"concurrency", value}}}}}});
  };
  const auto share = [&](const json& value) { return read(value)->spec.rollout.concurrency; };
  CHECK(share(10) == IntOrPercent{10, false});
  CHECK(share(-1) == IntOrPercent{-1, false});
  CHECK(share("0%") == IntOrPercent{0, true});
  CHECK(share("25%") == IntOrPercent{25, true});
  CHECK(share("100%") == IntOrPercent{100, true});
  CHECK(share("101%") == IntOrPercent{101, true});  // that it is too much is validation's to say
  CHECK(encode(*read("25%"))["spec"]["rollout"]["concurrency"] == "25%");
  CHECK(encode(*read(25))["spec"]["rollout"]["concurrency"] == 25);
  for (const json& value : {json(""), json("%"), json("25"), json("x"), json("-1%"), json("+1%"),
                            json("2.5%"), json("25%%"), json("25 %"), json(" 25%"), json("025%"),
                            json("00%"), json("1000%"), json(2.5), json(true), json::array()}) {
    INFO(value.dump());
    const auto refused = read(value);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().causes.at(0).field == "spec.rollout.concurrency");
  }
}

TEST_CASE("what the schema defaults is not written", "[api][codec]") {
  Project project;
  project.spec.process.steps.resize(1);
  project.spec.process.steps[0].name = "a";
  project.spec.process.steps[0].script = ScriptStep{"sh", "true"};
  CHECK(encode(project)["spec"].dump() == R"({"steps":[{"name":"a","script":{"body":"true"}}]})");
}

TEST_CASE("an empty package step and an empty tenant selector stay", "[api][codec]") {
  TenantDeployment deployment;
  deployment.spec.tenants.emplace();
  CHECK(encode(deployment)["spec"]["tenants"] == json::object());
  Step step;
  step.package.emplace();
  Process process;
  process.steps = {step};
  CHECK(encode_process(process)["steps"][0]["package"] == json::object());
}

TEST_CASE("the HTTP method is the key that holds the URL, once", "[api][codec]") {
  const auto with = [](const json& http) {
    return json{{"spec", {{"steps", {{{"name", "a"}, {"http", http}}}}}}};
  };
  const auto decoded = decode<Project>(with({{"put", "http://x"}}));
  REQUIRE(decoded);
  CHECK(decoded->spec.process.steps[0].http->method == "PUT");
  CHECK(decoded->spec.process.steps[0].http->url == "http://x");
  const auto causes = causes_of<Project>(with({{"get", "http://x"}, {"put", "http://x"}}));
  REQUIRE(causes.size() == 1);
  CHECK(causes[0].field == "spec.steps[0].http.put");
}

TEST_CASE("a condition is True, False or Unknown", "[api][codec]") {
  Project project;
  project.status.conditions = {{"Ready", false, false, "", "", {}, 0}};
  CHECK(encode_status(project)["conditions"][0]["status"] == "False");
  project.status.conditions[0].unknown = true;
  CHECK(encode_status(project)["conditions"][0]["status"] == "Unknown");
  const auto causes =
      causes_of<Project>({{"status", {{"conditions", {{{"type", "Ready"}, {"status", "true"}}}}}}});
  REQUIRE(causes.size() == 1);
  CHECK(causes[0].field == "status.conditions[0].status");
}

TEST_CASE("a release's digest depends on process and packages and nothing else", "[api][codec]") {
  const Release release = filled_release();
  const std::string digest = release_digest(release.spec, *release.status.process);
  CHECK(digest.size() == 7 + 64);
  CHECK(digest.substr(0, 7) == "sha256:");
  ReleaseSpec notes = release.spec;
  notes.notes = "other";
  CHECK(release_digest(notes, *release.status.process) == digest);
  ReleaseSpec packages = release.spec;
  packages.packages[0].sha256[0] = 'c';
  CHECK(release_digest(packages, *release.status.process) != digest);
  Process process = *release.status.process;
  process.steps[0].retry.limit = 9;
  CHECK(release_digest(release.spec, process) != digest);
}

TEST_CASE("the status of a rollout with as many waves as there may be is under 32 KB",
          "[api][codec][limits]") {
  constexpr int kPairs = 1'000'000;
  Rollout rollout = filled_rollout();
  RolloutStatus& status = rollout.status;
  status.failed_names.assign(limits::kStatusNamesMax, std::string(240, 'f'));
  status.unreachable_names.assign(limits::kStatusNamesMax, std::string(240, 'u'));
  WaveStatus wave = status.waves.at(0);
  wave.name = std::string(63, 'w');
  for (int* count : {&wave.members, &wave.succeeded, &wave.failed, &wave.unreachable, &wave.running,
                     &wave.waiting}) {
    *count = kPairs;
  }
  wave.resolved = WaveResolved{kPairs, kPairs, kPairs, kPairs, kPairs,
                               std::vector<int>(limits::kRampStepsMax, kPairs)};
  status.waves.assign(limits::kWavesMax, wave);
  const std::size_t size = encode_status(rollout).dump().size();
  INFO(size);
  CHECK(size < 32 * 1024);
}

TEST_CASE("fences keep their order as integers", "[api][codec]") {
  const Fence last{1, kFenceSequenceMax};
  const Fence next{2, 0};
  CHECK(to_integer(last) + 1 == to_integer(next));
  CHECK(fence_from_integer(to_integer(last)) == last);
  CHECK(fence_from_integer(to_integer(next)) == next);
}

TEST_CASE("only a task that nothing can happen to any more is terminal", "[api][codec]") {
  for (const TaskPhase open : {TaskPhase::Pending, TaskPhase::Running, TaskPhase::Orphaned}) {
    CHECK_FALSE(is_terminal(open));
  }
  for (const TaskPhase done : {TaskPhase::Succeeded, TaskPhase::Failed, TaskPhase::TimedOut,
                               TaskPhase::Cancelled, TaskPhase::Superseded, TaskPhase::Interrupted}) {
    CHECK(is_terminal(done));
  }
}

}  // namespace tidelock::api::test
