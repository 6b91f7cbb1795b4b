// SPDX-License-Identifier: Apache-2.0
// What becomes of the output of steps: logs, masks, outputs, messages.
#include <catch2/catch.hpp>

#include <set>

#include "controller/agent/masker.h"
#include "controller/agent/step_outputs.h"
#include "controller/base/digest.h"
#include "controller/base/limits.h"
#include "tests/unit/agent/agent_world.h"

using namespace tidelock;
using namespace tidelock::testing;
using namespace std::chrono_literals;
using agent::Masker;
using api::TaskPhase;

namespace {

const std::string kOne = R"([{"name":"a","script":{"body":"x"}}])";

std::string masked_in_pieces(const Masker& masker, const std::string& text, std::size_t size) {
  Masker::Stream stream(std::shared_ptr<const Masker>(std::shared_ptr<const Masker>{}, &masker));
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += size) out += stream.write(text.substr(i, size));
  return out + stream.finish();
}

FakeProcessRunner::Decide says(std::vector<std::pair<Duration, std::string>> output, int exit_code = 0) {
  return [output, exit_code](const ProcessSpec&) {
    return ProcessScript{.duration = 10s, .exit_code = exit_code, .output = output};
  };
}

void add_secret(AgentWorld& world, const std::string& value) {
  const auto made = world.api.post(
      "/api/v1/namespaces/default/secrets",
      nlohmann::json{{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", "db"}}},
                     {"data", {{"password", base64_encode(value)}}}}
          .dump());
  REQUIRE(made.status == 201);
}

const nlohmann::json kWithSecret{
    {"variables",
     {{{"name", "password"}, {"valueFrom", {{"secretKeyRef", {{"name", "db"}, {"key", "password"}}}}}}}}};

}  // namespace

TEST_CASE("a secret is masked wherever it is split", "[agent][masker]") {
  const Masker masker({"hunter2-long", "other"});
  const std::string text = "user=me pass=hunter2-long, again hunter2-longhunter2-long other hunter2";
  const std::string want = "user=me pass=***, again *** *** hunter2";
  CHECK(masker.mask(text) == want);
  for (std::size_t size = 1; size < text.size(); ++size) CHECK(masked_in_pieces(masker, text, size) == want);
}

TEST_CASE("a secret is masked base64- and URL-encoded too", "[agent][masker]") {
  const std::string secret = "p@ss word/4711";
  const Masker masker({secret});
  CHECK(masker.mask("Basic " + base64_encode(secret)) == "Basic ***");
  for (const std::string before : {"", "u", "us", "user:"}) {
    for (const std::string after : {"", "x", "xy"}) {
      const std::string encoded = masker.mask(base64_encode(before + secret + after));
      INFO(encoded);
      CHECK(encoded.find("***") != std::string::npos);
      CHECK(encoded.size() < 16);
    }
  }
  CHECK(masker.mask("?p=p%40ss%20word%2F4711&") == "?p=***&");
  CHECK(masker.mask("?p=p%40ss+word%2f4711&") == "?p=***&");
}

TEST_CASE("a secret is masked as JSON and as a shell's trace quote it", "[agent][masker]") {
  const Masker masker({"pass\"wo/rd\\x", "it's a secret"});
  CHECK(masker.mask(R"({"p":"pass\"wo/rd\\x"})") == "{\"p\":\"***\"}");
  CHECK(masker.mask(R"({"p":"pass\"wo\/rd\\x"})") == "{\"p\":\"***\"}");
  CHECK(masker.mask(R"(+ login 'it'\''s a secret')") == "+ login '***'");
}

TEST_CASE("a key of several lines is masked whole, line by line and in wrapped base64",
          "[agent][masker]") {
  std::string key = "-----BEGIN KEY-----\n";
  for (int line = 0; line < 4; ++line) {
    key += std::string(40, static_cast<char>('a' + line)) + std::to_string(line) + "\n";
  }
  const Masker masker({key});
  CHECK(masker.mask("line: " + std::string(40, 'b') + "1") == "line: ***");
  const std::string encoded = base64_encode(key);
  for (std::size_t width : {20, 64, 76}) {
    std::string wrapped;
    for (std::size_t at = 0; at < encoded.size(); at += width) {
      wrapped += encoded.substr(at, width) + "\n";
    }
    const std::string masked = masker.mask(wrapped);
    for (std::size_t at = 0; at + 16 <= encoded.size(); ++at) {
      CHECK(masked.find(encoded.substr(at, 16)) == std::string::npos);
    }
  }
}

TEST_CASE("overlapping and nested secrets leave nothing of either", "[agent][masker]") {
  const Masker masker({"abcd", "cdef", "bc"});
  CHECK(masker.mask("xabcdefx") == "x***x");
  CHECK(masker.mask("xbcx") == "x***x");
  CHECK(masker.mask("abcabcd") == "a***");  // neighbours are one mask
}

TEST_CASE("text that only begins like a secret comes out", "[agent][masker]") {
  const Masker masker({"aaab"});
  CHECK(masker.mask("aaaaaa") == "aaaaaa");
  CHECK(masked_in_pieces(masker, "aaaaaaab", 1) == "aaaa***");
}

TEST_CASE("without secrets nothing is held back", "[agent][masker]") {
  const Masker masker({});
  CHECK(masker.empty());
  CHECK(masker.mask("x") == "x");
}

TEST_CASE("output lines are name=value, and errors name the line", "[agent][outputs]") {
  const auto good = agent::parse_outputs("a=1\n\nb.c-d=x=y\r\na=2");
  REQUIRE(good.has_value());
  CHECK(*good == std::map<std::string, std::string>{{"a", "2"}, {"b.c-d", "x=y"}});
  CHECK(agent::parse_outputs("a=1\n=2").error().message.find("line 2") != std::string::npos);
  CHECK(agent::parse_outputs("a b=1").error().message.find("line 1") != std::string::npos);
  CHECK(agent::parse_outputs("a=\xff").error().message.find("UTF-8") != std::string::npos);
  std::string many;
  for (std::size_t i = 0; i < limits::kStepOutputsMax; ++i) many += "n" + std::to_string(i) + "=x\n";
  CHECK(agent::parse_outputs(many).has_value());
  CHECK(!agent::parse_outputs(many + "one-more=x").has_value());
}

TEST_CASE("messages are valid text of bounded size", "[agent][outputs]") {
  CHECK(agent::printable("a\x01\xff z\xc3\xa9") == "a \xEF\xBF\xBD z\xc3\xa9");
  CHECK(agent::shortened("abcdefgh", 8) == "abcdefgh");
  CHECK(agent::shortened("abcdefghi", 8) == "abcde...");
  CHECK(agent::shortened("abcd\xc3\xa9zzz", 8) == "abcd...");
  agent::LastLine last;
  last.add("one\ntw");
  last.add("o\n \n");
  CHECK(last.text() == "two");
  last.add(std::string(10'000, 'x'));
  CHECK(last.text().size() <= limits::kStepMessageBytesMax);
}

TEST_CASE("output reaches the log service while the step runs, with offsets", "[agent][logs]") {
  AgentWorld world(says({{0s, "one\n"}, {2s, "two\n"}}));
  world.task("t1", kOne);
  world.grant("t1", 0, 1);
  world.run_for(1s);
  REQUIRE(world.logs.posts.size() == 1);
  CHECK(world.logs.posts[0].task == "t1");
  CHECK(world.logs.posts[0].step == "a");
  CHECK(world.logs.posts[0].attempt == "1");
  CHECK(world.logs.posts[0].offset == "0");
  CHECK(world.logs.posts[0].body == "one\n");
  world.run_for(2s);
  REQUIRE(world.logs.posts.size() == 2);
  CHECK(world.logs.posts[1].offset == "4");
  world.finish("t1");
  CHECK(world.logs.posts.back().end == "true");
}

TEST_CASE("all output is there before the terminal status", "[agent][logs]") {
  AgentWorld world(says({{10s, "last words\n"}}));
  world.task("t1", kOne);
  world.grant("t1", 0, 1);
  while (world.get("t1").status.phase == TaskPhase::Running) world.run_for(10ms);
  CHECK(world.logs.text("a") == "last words\n");
  CHECK(world.logs.posts.back().end == "true");
}

TEST_CASE("a task without output posts nothing", "[agent][logs]") {
  AgentWorld world(says({}));
  world.task("t1", kOne);
  CHECK(world.finish("t1").status.phase == TaskPhase::Succeeded);
  CHECK(world.logs.posts.empty());
}

TEST_CASE("a log service that is away fails no step and gets everything later", "[agent][logs]") {
  AgentWorld world(says({{0s, "one\n"}, {5s, "two\n"}}));
  world.logs.refuse_with = 503;
  world.task("t1", kOne);
  CHECK(world.finish("t1").status.phase == TaskPhase::Succeeded);
  CHECK(world.logs.posts.empty());
  world.logs.refuse_with = 0;
  world.run_for(15s);
  CHECK(world.logs.text("a") == "one\ntwo\n");
  CHECK(world.logs.posts.back().end == "true");
}

TEST_CASE("a large output is sent before the interval is over", "[agent][logs]") {
  AgentWorld world(says({{0s, std::string(100'000, 'x')}}));
  world.task("t1", kOne);
  world.grant("t1", 0, 1);
  world.settle();
  world.processes.advance_to(world.now());
  world.settle();
  CHECK(world.logs.text("a").size() == 100'000);
}

TEST_CASE("a secret is in the script's environment and nowhere else", "[agent][secrets]") {
  AgentWorld* here = nullptr;
  AgentWorld world([&here](const ProcessSpec& spec) {
    ProcessScript script{.duration = 1s, .exit_code = spec.environment.at("TIDELOCK_STEP") == "b" ? 1 : 0,
                         .output = {{0s, "login s3cr"}, {500ms, "et-value now\n"}, {500ms, "denied for s3cret-value\n"}}};
    script.effect = [&here, file = spec.environment.at("TIDELOCK_OUTPUT")] {
      here->disk.write_unsynced(file, "seen=s3cret-value\n");
    };
    return script;
  });
  here = &world;
  add_secret(world, "s3cret-value");
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},{"name":"b","script":{"body":"x"}}])", kWithSecret);
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(world.processes.intervals()[0].spec.environment.at("PASSWORD") == "s3cret-value");
  CHECK(world.logs.text("a") == "login *** now\ndenied for ***\n");
  CHECK(task.status.steps[0].outputs.at("seen") == "***");
  CHECK(task.status.steps[1].message == "exit code 1: denied for ***");
  CHECK(world.api.get(kBase + "/deploymenttasks/t1").body.find("s3cret-value") == std::string::npos);
  CHECK(world.file("/state/journal").find("s3cret-value") == std::string::npos);
}

TEST_CASE("a secret that is missing fails the task and is named", "[agent][secrets]") {
  AgentWorld world(says({}));
  world.task("t1", kOne, kWithSecret);
  auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(task.status.reason == "SecretMissing");
  CHECK(task.status.message.find("variable password") == 0);
  CHECK(task.status.message.find("\"db\"") != std::string::npos);

  world.api.post("/api/v1/namespaces/default/secrets",
                 R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"}})");
  world.task("t2", kOne, kWithSecret);
  CHECK(world.finish("t2").status.message == "variable password: secret db has no key password");
  CHECK(world.processes.intervals().empty());
}

TEST_CASE("an http step sends what its templates say and expects its code", "[agent][http]") {
  AgentWorld world(says({}));
  world.fetcher.http = [](const agent::HttpJob& job) -> Result<std::string> {
    if (job.url.ends_with("/bad")) return fail(Reason::ServiceUnavailable, "got 503, want 200");
    return "HTTP 204";
  };
  world.task("t1", R"([{"name":"a","http":{"post":"http://${target.name}:${port}/x","expect":204,
                        "headers":{"X-Tenant":"${tenant.name}"},"body":"v=${release.version}"}},
                       {"name":"b","http":{"get":"http://x/bad"}}])",
             {{"variables", {{{"name", "port"}, {"value", "81"}}}}});
  const auto task = world.finish("t1");
  REQUIRE(world.fetcher.http_jobs.size() == 2);
  const auto& job = world.fetcher.http_jobs[0];
  CHECK(job.method == "POST");
  CHECK(job.url == "http://web-01:81/x");
  CHECK(job.headers.at("X-Tenant") == "acme");
  CHECK(job.body == "v=1.0.0");
  CHECK(job.expect == 204);
  CHECK(task.status.steps[0].phase == api::StepPhase::Succeeded);
  CHECK(task.status.steps[1].message == "got 503, want 200");
  CHECK(world.logs.text("a") == "HTTP 204\n");
}

TEST_CASE("an unknown name in an http step fails it", "[agent][http]") {
  AgentWorld world(says({}));
  world.task("t1", R"([{"name":"a","http":{"get":"http://${nothing}/"}}])");
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(task.status.steps[0].message.find("nothing") != std::string::npos);
}

TEST_CASE("a step is shown as Running only when it lasts, and a short task is one write", "[agent][status]") {
  for (const bool lasts : {false, true}) {
    AgentWorld world([lasts](const ProcessSpec&) {
      return ProcessScript{.duration = lasts ? Duration(3s) : Duration(500ms)};
    });
    world.task("t1", kOne);
    world.grant("t1", 0, 1);
    const auto version = [&world] {
      return std::stoll(world.api.get(kBase + "/deploymenttasks/t1").json()["metadata"]["resourceVersion"].get<std::string>());
    };
    const auto before = version();
    std::set<long long> versions;
    bool shown = false;
    for (int i = 0; i < 50; ++i) {
      world.run_for(100ms);
      versions.insert(version());
      const auto task = world.get("t1");
      shown = shown || (!task.status.steps.empty() && task.status.steps[0].phase == api::StepPhase::Running);
    }
    versions.erase(before);
    CHECK(shown == lasts);
    CHECK(versions.size() == (lasts ? 2u : 1u));
    CHECK(world.get("t1").status.phase == TaskPhase::Succeeded);
  }
}
