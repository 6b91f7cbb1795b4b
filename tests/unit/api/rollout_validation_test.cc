// SPDX-License-Identifier: Apache-2.0
// What is refused in strategies, waves, gates, windows, approvals and holds, and in what words.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/api/validation.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

std::string text_of(const std::vector<Cause>& causes) {
  std::string text;
  for (const Cause& cause : causes) {
    text += (text.empty() ? "" : "; ") + cause.field + ": " + cause.message;
  }
  return text;
}

json object(std::string_view kind, const json& spec) {
  return {{"apiVersion", kApiVersion}, {"kind", kind}, {"metadata", {{"name", "x"}}}, {"spec", spec}};
}

std::string wrong(std::string_view kind, const json& spec) {
  return text_of(validate(kind, object(kind, spec), nullptr, {}));
}

std::string wrong_change(std::string_view kind, const json& spec, const json& old_spec) {
  const json old_object = object(kind, old_spec);
  return text_of(validate(kind, object(kind, spec), &old_object, {}));
}

json merged(json base, const json& more) {
  if (!more.is_null()) base.merge_patch(more);
  return base;
}

json deployment(const json& more = json::object()) {
  return merged({{"projectRef", {{"name", "p"}}},
                 {"environmentRef", {{"name", "e"}}},
                 {"release", {{"version", "1.0.0"}}},
                 {"tenants", json::object()}},
                more);
}

std::string wrong_rollout(const json& rollout) {
  return wrong("TenantDeployment", deployment({{"rollout", rollout}}));
}

json wave(const std::string& name, const json& more = json::object()) {
  return merged({{"name", name}, {"tenants", {{"matchLabels", {{"ring", name}}}}}}, more);
}

std::string wrong_waves(const std::vector<json>& waves) { return wrong_rollout({{"waves", waves}}); }

// The wave stands second, where fields say "waves[1]".
std::string wrong_wave(const json& more) {
  return wrong_waves({wave("first"), wave("second", more)});
}

json gate(const std::string& name, const json& more = json::object()) {
  return {{"approval", merged({{"name", name}}, more)}};
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

const std::string kNotAShare = "must be a whole number or a percentage such as \"25%\"";

// Every place that takes a share, and the least that it may be.
struct Share {
  std::string field;
  int minimum;
  std::string (*wrong)(const json& value);
};

std::string in_strategy(const char* key, const json& value) { return wrong_rollout({{key, value}}); }
std::string in_wave(const char* key, const json& value) { return wrong_wave({{key, value}}); }

const std::vector<Share>& shares() {
  static const std::vector<Share> all = {
      {"spec.rollout.concurrency", 1, [](const json& v) { return in_strategy("concurrency", v); }},
      {"spec.rollout.maxFailures", 0, [](const json& v) { return in_strategy("maxFailures", v); }},
      {"spec.rollout.minSucceeded", 1, [](const json& v) { return in_strategy("minSucceeded", v); }},
      {"spec.rollout.steps[0]", 1, [](const json& v) { return in_strategy("steps", json::array({v})); }},
      {"spec.rollout.unreachable.max", 0,
       [](const json& v) { return in_strategy("unreachable", {{"max", v}}); }},
      {"spec.rollout.waves[1].concurrency", 1, [](const json& v) { return in_wave("concurrency", v); }},
      {"spec.rollout.waves[1].maxFailures", 0, [](const json& v) { return in_wave("maxFailures", v); }},
      {"spec.rollout.waves[1].minSucceeded", 1, [](const json& v) { return in_wave("minSucceeded", v); }},
      {"spec.rollout.waves[1].steps[1]", 1, [](const json& v) { return in_wave("steps", {5, v}); }},
      {"spec.deletionGuard.max", 0,
       [](const json& v) {
         return wrong("TenantDeployment", deployment({{"deletionGuard", {{"max", v}}}}));
       }},
      {"spec.promotion.minSucceeded", 1, [](const json& v) {
         return wrong("Environment", {{"promotion", {{"from", "staging"}, {"minSucceeded", v}}}});
       }}};
  return all;
}

}  // namespace

TEST_CASE("shares are checked at their bounds wherever they stand", "[api][validation][waves]") {
  for (const Share& share : shares()) {
    const std::string least = std::to_string(share.minimum);
    const std::string less = std::to_string(share.minimum - 1);
    for (const json& fine : {json(share.minimum), json(1), json(2147483647), json(least + "%"),
                             json("1%"), json("99%"), json("100%")}) {
      INFO(share.field << " " << fine);
      CHECK(share.wrong(fine) == "");
    }
    CHECK(share.wrong(share.minimum - 1) == share.field + ": Invalid value: " + less +
                                                ": should be greater than or equal to " + least);
    CHECK(share.wrong(-7) == share.field + ": Invalid value: -7: should be greater than or equal to " +
                                 least);
    CHECK(share.wrong("101%") == share.field + ": Invalid value: \"101%\": must be from \"" + least +
                                     "%\" to \"100%\"");
    if (share.minimum == 1) {
      CHECK(share.wrong("0%") ==
            share.field + ": Invalid value: \"0%\": must be from \"1%\" to \"100%\"");
    }
    for (const json& bad : {json("x"), json(""), json("-1%"), json("10"), json("1.5%"), json("010%"),
                            json("%"), json("1000%")}) {
      INFO(share.field << " " << bad);
      CHECK(share.wrong(bad) == share.field + ": Invalid value: " + bad.dump() + ": " + kNotAShare);
    }
    for (const json& bad : {json(1.5), json(true), json::object(), json(2147483648LL)}) {
      INFO(share.field << " " << bad);
      CHECK(starts_with(share.wrong(bad), share.field + ": Invalid value: "));
    }
  }
}

TEST_CASE("the waves of the handbook are valid", "[api][validation][waves]") {
  CHECK(wrong_rollout(json::parse(R"({
    "concurrency": 10,
    "waves": [
      {"name": "canary", "tenants": {"matchLabels": {"ring": "canary"}}, "concurrency": 1,
       "maxFailures": 0, "minSucceeded": 1, "minHealthy": "30s", "soak": "10m",
       "before": [{"approval": {"name": "go"}}],
       "after": [{"approval": {"name": "release-manager", "required": 1, "expiresAfter": "72h"}}]},
      {"name": "rest", "steps": [1, 5, "20%"], "concurrency": "25%"}],
    "order": {"by": ["ring"], "spreadBy": "failure-domain"},
    "pacing": {"maxStartsPerMinute": 60},
    "taskTimeout": "15m", "progressDeadline": "60m",
    "retry": {"limit": 1, "backoff": {"initial": "30s", "factor": 2, "max": "10m"}},
    "onFailure": "Pause",
    "unreachable": {"policy": "Skip", "after": "2m", "max": "20%", "catchUp": true},
    "membership": {"added": "JoinWave", "removed": "Skip"},
    "supersede": "FinishInFlight"})")) == "");
}

TEST_CASE("only the last wave may take everything that is left", "[api][validation][waves]") {
  const json rest = {{"name", "rest"}};
  const json everybody = {{"name", "rest"}, {"tenants", json::object()}};
  const json everywhere = {{"name", "rest"}, {"targets", json::object()}};
  const std::string why = "only the last wave may take everything that is left";
  CHECK(wrong_waves({rest}) == "");
  CHECK(wrong_waves({everybody}) == "");
  CHECK(wrong_waves({wave("canary"), rest}) == "");
  CHECK(wrong_waves({wave("canary"), everybody}) == "");
  CHECK(wrong_waves({rest, wave("canary")}) ==
        "spec.rollout.waves[0]: Required value: tenants or targets: " + why);
  CHECK(wrong_waves({everybody, wave("canary")}) ==
        "spec.rollout.waves[0].tenants: Invalid value: {}: " + why);
  CHECK(wrong_waves({everywhere, wave("canary")}) ==
        "spec.rollout.waves[0].targets: Invalid value: {}: " + why);
  CHECK(wrong_waves({{{"name", "a"}, {"targets", {{"matchLabels", {{"zone", "a"}}}}}}, rest}) == "");
  CHECK(wrong_waves({merged(everybody, {{"targets", {{"matchLabels", {{"zone", "a"}}}}}}),
                     wave("canary")}) == "");
}

TEST_CASE("waves have names of their own", "[api][validation][waves]") {
  CHECK(wrong_waves({wave("a"), wave("b"), wave("a")}) ==
        "spec.rollout.waves[2].name: Duplicate value: \"a\"");
  CHECK(wrong_waves({wave("")}) == "spec.rollout.waves[0].name: Required value: a name");
  CHECK(wrong_waves({{{"name", "a "}}}) ==
        "spec.rollout.waves[0].name: Invalid value: \"a \": must not begin or end with a blank");
  CHECK(starts_with(wrong_waves({wave("Canary")}),
                    "spec.rollout.waves[0].name: Invalid value: \"Canary\": a lowercase"));
  CHECK(wrong_waves({wave(std::string(63, 'a'))}) == "");
  CHECK(wrong_waves({{{"name", std::string(64, 'a')}}}) != "");
}

TEST_CASE("waves, ramps, gates and orders end at their limits", "[api][validation][waves]") {
  const auto waves = [](std::size_t count) {
    std::vector<json> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(wave("w" + std::to_string(i)));
    return made;
  };
  CHECK(wrong_waves(waves(limits::kWavesMax)) == "");
  CHECK(wrong_waves(waves(limits::kWavesMax + 1)) ==
        "spec.rollout.waves: Too many: 33: must have at most 32 items");
  const auto steps = [](std::size_t count) { return json{{"steps", std::vector<int>(count, 1)}}; };
  CHECK(wrong_rollout(steps(limits::kRampStepsMax)) == "");
  CHECK(wrong_rollout(steps(limits::kRampStepsMax + 1)) ==
        "spec.rollout.steps: Too many: 21: must have at most 20 items");
  CHECK(wrong_wave(steps(limits::kRampStepsMax)) == "");
  CHECK(wrong_wave(steps(limits::kRampStepsMax + 1)) ==
        "spec.rollout.waves[1].steps: Too many: 21: must have at most 20 items");
  const auto gates = [](const char* list, std::size_t count) {
    std::vector<json> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(gate("g" + std::to_string(i)));
    return json{{list, made}};
  };
  for (const char* list : {"before", "after"}) {
    CHECK(wrong_wave(gates(list, limits::kGatesPerListMax)) == "");
    CHECK(wrong_wave(gates(list, limits::kGatesPerListMax + 1)) ==
          std::string("spec.rollout.waves[1].") + list + ": Too many: 11: must have at most 10 items");
  }
  const auto order = [](std::size_t count) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < count; ++i) keys.push_back("k" + std::to_string(i));
    return json{{"order", {{"by", keys}}}};
  };
  CHECK(wrong_rollout(order(limits::kOrderKeysMax)) == "");
  CHECK(wrong_rollout(order(limits::kOrderKeysMax + 1)) ==
        "spec.rollout.order.by: Too many: 11: must have at most 10 items");
}

TEST_CASE("selectors of waves are checked, and fit the deployment", "[api][validation][waves]") {
  CHECK(wrong_wave({{"targets", {{"matchLabels", {{"-a", "b"}}}}}})
            .find("spec.rollout.waves[1].targets.matchLabels") == 0);
  CHECK(wrong_wave({{"tenants", {{"matchExpressions", {{{"key", "a"}, {"operator", "In"}}}}}}})
            .find("spec.rollout.waves[1].tenants.matchExpressions[0].values") == 0);
  const json targets = {{"name", "first"}, {"targets", {{"matchLabels", {{"zone", "a"}}}}}};
  const auto untenanted = [](const json& waves) {
    return wrong("TenantDeployment", deployment({{"tenants", nullptr},
                                                 {"untenanted", true},
                                                 {"rollout", {{"waves", waves}}}}));
  };
  CHECK(untenanted({targets, {{"name", "rest"}}}) == "");
  CHECK(untenanted({targets, wave("canary")}) ==
        "spec.rollout.waves[1].tenants: Forbidden: an untenanted deployment has no tenants");
}

TEST_CASE("gates have names of their own in the whole rollout", "[api][validation][gates]") {
  const auto with_gates = [](const json& first, const json& second) {
    return wrong_waves({wave("first", first), wave("second", second)});
  };
  CHECK(with_gates({{"before", {gate("go")}}, {"after", {gate("done")}}},
                   {{"before", {gate("more")}}}) == "");
  CHECK(with_gates({{"before", {gate("go"), gate("go")}}}, {}) ==
        "spec.rollout.waves[0].before[1].approval.name: Duplicate value: \"go\"");
  CHECK(with_gates({{"before", {gate("go")}}, {"after", {gate("go")}}}, {}) ==
        "spec.rollout.waves[0].after[0].approval.name: Duplicate value: \"go\"");
  CHECK(with_gates({{"after", {gate("go")}}}, {{"before", {gate("go")}}}) ==
        "spec.rollout.waves[1].before[0].approval.name: Duplicate value: \"go\"");
  const std::string field = "spec.rollout.waves[1].before[0].approval";
  const auto wrong_gate = [](const json& one) { return wrong_wave({{"before", {one}}}); };
  CHECK(wrong_gate(gate("")) == field + ".name: Required value: a name");
  CHECK(wrong_gate(json::object()) == field + ".name: Required value: a name");
  CHECK(starts_with(wrong_gate(gate("Go!")), field + ".name: Invalid value: \"Go!\""));
  CHECK(wrong_gate(gate("go", {{"required", 1}})) == "");
  CHECK(wrong_gate(gate("go", {{"required", 0}})) ==
        field + ".required: Invalid value: 0: should be greater than or equal to 1");
  CHECK(wrong_gate(gate("go", {{"required", limits::kGateApproversMax}})) == "");
  CHECK(wrong_gate(gate("go", {{"required", limits::kGateApproversMax + 1}})) ==
        field + ".required: Invalid value: 101: should be less than or equal to 100");
  CHECK(wrong_gate(gate("go", {{"expiresAfter", "72h"}})) == "");
  CHECK(wrong_gate(gate("go", {{"expiresAfter", "0s"}})) ==
        field + ".expiresAfter: Invalid value: \"0s\": must be greater than zero");
}

TEST_CASE("times of a rollout are greater than zero", "[api][validation][waves]") {
  const std::string why = ": Invalid value: \"0s\": must be greater than zero";
  for (const char* key : {"minHealthy", "soak", "taskTimeout", "progressDeadline"}) {
    INFO(key);
    CHECK(wrong_rollout({{key, "1ms"}}) == "");
    CHECK(wrong_rollout({{key, "0s"}}) == std::string("spec.rollout.") + key + why);
    CHECK(starts_with(wrong_rollout({{key, "-1s"}}), std::string("spec.rollout.") + key));
    CHECK(starts_with(wrong_rollout({{key, "soon"}}), std::string("spec.rollout.") + key));
  }
  for (const char* key : {"minHealthy", "soak"}) {
    INFO(key);
    CHECK(wrong_wave({{key, "1ms"}}) == "");
    CHECK(wrong_wave({{key, "0s"}}) == std::string("spec.rollout.waves[1].") + key + why);
  }
  CHECK(wrong_rollout({{"unreachable", {{"after", "0s"}}}}) == "");  // at once
}

TEST_CASE("pacing is at least one start a minute", "[api][validation][waves]") {
  CHECK(wrong_rollout({{"pacing", {{"maxStartsPerMinute", 1}}}}) == "");
  CHECK(wrong_rollout({{"pacing", {{"maxStartsPerMinute", 0}}}}) ==
        "spec.rollout.pacing.maxStartsPerMinute: Invalid value: 0: should be greater than or equal "
        "to 1");
}

TEST_CASE("an order is by label keys, each once", "[api][validation][waves]") {
  const auto wrong_order = [](const json& order) { return wrong_rollout({{"order", order}}); };
  CHECK(wrong_order({{"by", {"ring", "example.com/zone"}}, {"spreadBy", "host"}}) == "");
  CHECK(starts_with(wrong_order({{"by", {"ring", "-a"}}}),
                    "spec.rollout.order.by[1]: Invalid value: \"-a\""));
  CHECK(starts_with(wrong_order({{"by", {""}}}), "spec.rollout.order.by[0]: Invalid value: \"\""));
  CHECK(wrong_order({{"by", {"ring", "ring"}}}) ==
        "spec.rollout.order.by[1]: Duplicate value: \"ring\"");
  CHECK(starts_with(wrong_order({{"spreadBy", "a b"}}),
                    "spec.rollout.order.spreadBy: Invalid value: \"a b\""));
  CHECK(wrong_order({{"by", {"ring"}}, {"spreadBy", "ring"}}) ==
        "spec.rollout.order.spreadBy: Invalid value: \"ring\": values that go one after the other "
        "(by) cannot also take turns");
}

TEST_CASE("a rollout's own strategy is checked like the deployment's", "[api][validation][waves]") {
  const auto wrong_ro = [](const json& more) {
    return wrong("Rollout", merged({{"tenantDeploymentRef", {{"name", "d"}}}}, more));
  };
  CHECK(wrong_ro({{"strategy", {{"waves", {wave("a"), {{"name", "rest"}}}}}}}) == "");
  CHECK(wrong_ro({{"strategy", {{"waves", {{{"name", "rest"}}, wave("a")}}}}}) ==
        "spec.strategy.waves[0]: Required value: tenants or targets: only the last wave may take "
        "everything that is left");
  const json waves = {{"waves", {wave("a")}}};
  CHECK(wrong_ro({{"acceptedFailures", {{"all", 0}}}}) == "");
  CHECK(wrong_ro({{"acceptedFailures", {{"a", 2}}}, {"strategy", waves}}) == "");
  CHECK(wrong_ro({{"acceptedFailures", {{"b", 2}}}, {"strategy", waves}}) ==
        "spec.acceptedFailures: Not found: \"b\"");
  CHECK(wrong_ro({{"acceptedFailures", {{"a", -1}}}}) ==
        "spec.acceptedFailures.a: Invalid value: -1: should be greater than or equal to 0");
}

TEST_CASE("a deletion guard has no negative number", "[api][validation]") {
  const auto wrong_guard = [](const json& guard) {
    return wrong("TenantDeployment", deployment({{"deletionGuard", guard}}));
  };
  CHECK(wrong_guard({{"max", "0%"}, {"min", 0}}) == "");
  CHECK(wrong_guard({{"min", -1}}) ==
        "spec.deletionGuard.min: Invalid value: -1: should be greater than or equal to 0");
}

TEST_CASE("an environment is promoted from another one", "[api][validation][promotion]") {
  const auto wrong_promotion = [](const json& promotion) {
    return wrong("Environment", {{"promotion", promotion}});
  };
  CHECK(wrong_promotion(json::object()) == "");
  CHECK(wrong_promotion({{"from", "staging"}, {"requiredSoak", "1h"}, {"minSucceeded", "90%"},
                         {"perTenant", false}}) == "");
  CHECK(wrong_promotion({{"from", "x"}}) ==
        "spec.promotion.from: Invalid value: \"x\": an environment cannot be promoted from itself");
  CHECK(starts_with(wrong_promotion({{"from", "A"}}), "spec.promotion.from: Invalid value: \"A\""));
  CHECK(wrong_promotion({{"from", "staging"}, {"requiredSoak", "0s"}}) ==
        "spec.promotion.requiredSoak: Invalid value: \"0s\": must be greater than zero");
  for (const json& lonely : {json{{"requiredSoak", "1h"}}, json{{"minSucceeded", 1}},
                             json{{"perTenant", false}}}) {
    INFO(lonely);
    CHECK(wrong_promotion(lonely) ==
          "spec.promotion.from: Required value: the environment that a release must pass before");
  }
}

TEST_CASE("promotion does not go in a circle", "[api][validation][promotion]") {
  const std::map<std::string, std::string> others{{"live", "qa"}, {"qa", "staging"}, {"staging", ""}, {"a", "b"}, {"b", "a"}};
  References references;
  references.promoted_from = [&](const std::string& name) -> std::string {
    const auto found = others.find(name);
    return found == others.end() ? "" : found->second;
  };
  const auto wrong_from = [&](const std::string& name, const std::string& from) {
    const json object{{"apiVersion", kApiVersion},
                      {"kind", "Environment"},
                      {"metadata", {{"name", name}}},
                      {"spec", {{"promotion", {{"from", from}}}}}};
    std::string text;
    for (const auto& cause : validate("Environment", object, nullptr, references)) text += cause.field + ": " + cause.message;
    return text;
  };
  CHECK(wrong_from("shopfront", "live") == "");
  CHECK(wrong_from("live", "staging") == "");
  CHECK(wrong_from("live", "comes-later") == "");
  CHECK(wrong_from("staging", "live") ==
        "spec.promotion.from: Invalid value: \"live\": promotion goes in a circle: staging → live → qa → staging");
  CHECK(wrong_from("qa", "live") == "spec.promotion.from: Invalid value: \"live\": promotion goes in a circle: qa → live → qa");
  // One that is stored already, by two writes at the same time, is named to whom it concerns.
  CHECK(wrong_from("front", "a") == "spec.promotion.from: Invalid value: \"a\": promotion goes in a circle: a → b → a");
}

TEST_CASE("a project's drift and health check are inside their bounds", "[api][validation]") {
  const auto wrong_project = [](const json& more) {
    return wrong("Project", merged({{"installDirectory", "/srv/x"}}, more));
  };
  const auto wrong_drift = [&](int corrections) {
    return wrong_project({{"drift", {{"mode", "Correct"}, {"maxCorrections", corrections}}}});
  };
  CHECK(wrong_drift(0) == "");
  CHECK(wrong_drift(limits::kCorrectionsMax) == "");
  CHECK(wrong_drift(-1) ==
        "spec.drift.maxCorrections: Invalid value: -1: should be greater than or equal to 0");
  CHECK(wrong_drift(limits::kCorrectionsMax + 1) != "");

  const json script = {{"script", {{"body", "./healthy"}}}};
  const auto wrong_health = [&](const json& check) { return wrong_project({{"healthCheck", check}}); };
  const std::string rule = "exactly one of script and http must be set";
  CHECK(wrong_health(script) == "");
  CHECK(wrong_health({{"http", {{"get", "http://127.0.0.1:${port}/healthz"}}}}) == "");
  CHECK(wrong_health(json::object()) == "spec.healthCheck: Required value: " + rule);
  CHECK(wrong_health(merged(script, {{"http", {{"get", "http://x"}}}})) ==
        "spec.healthCheck: Forbidden: " + rule);
  CHECK(starts_with(wrong_health({{"script", {{"body", ""}}}}), "spec.healthCheck.script.body: "));
  CHECK(starts_with(wrong_health({{"http", {{"get", "ftp://x"}}}}), "spec.healthCheck.http.get: "));
  CHECK(wrong_health(merged(script, {{"interval", "0s"}})) ==
        "spec.healthCheck.interval: Invalid value: \"0s\": must be greater than zero");
  CHECK(wrong_health(merged(script, {{"timeout", "0s"}})) ==
        "spec.healthCheck.timeout: Invalid value: \"0s\": must be greater than zero");
  CHECK(wrong_health(merged(script, {{"failureThreshold", 1}})) == "");
  CHECK(wrong_health(merged(script, {{"failureThreshold", 0}})) ==
        "spec.healthCheck.failureThreshold: Invalid value: 0: should be greater than or equal to 1");
  CHECK(wrong_health(merged(script, {{"failureThreshold", limits::kHealthFailuresMax}})) == "");
  CHECK(wrong_health(merged(script, {{"failureThreshold", limits::kHealthFailuresMax + 1}})) != "");
}

TEST_CASE("a health check knows no outputs of steps", "[api][validation]") {
  const std::string url = "http://x/${steps.a.outputs.id}";
  const json step = {{"name", "a"}, {"script", {{"body", "true"}}}};
  const json project = {{"installDirectory", "/srv/x"},
                        {"steps", {step, {{"name", "b"}, {"http", {{"get", url}}}}}}};
  CHECK(wrong("Project", project) == "");
  CHECK(wrong("Project", merged(project, {{"healthCheck", {{"http", {{"get", url}}}}}})) ==
        "spec.healthCheck.http.get: Invalid value: \"" + url +
            "\": no step before this one gives \"steps.a.outputs.id\"");
}

TEST_CASE("a window has a schedule in a known time zone", "[api][validation][windows]") {
  const auto wrong_window = [](const json& more) {
    return wrong("DeploymentWindow", merged({{"kind", "Allow"},
                                             {"schedule", "0 22 * * 1-5"},
                                             {"timeZone", "Europe/Vienna"},
                                             {"duration", "6h"}},
                                            more));
  };
  CHECK(wrong_window(json::object()) == "");
  CHECK(wrong_window({{"timeZone", "UTC"}, {"schedule", "*/15 8-17 1,15 JAN-MAR mon"}}) == "");
  CHECK(wrong_window({{"schedule", "0 22 * *"}}).find("spec.schedule: Invalid value: \"0 22 * *\"") == 0);
  CHECK(wrong_window({{"schedule", "0 24 * * *"}})
            .find("spec.schedule: Invalid value: \"0 24 * * *\"") == 0);
  CHECK(wrong_window({{"schedule", "@daily"}}).find("spec.schedule: Invalid value") == 0);
  CHECK(wrong_window({{"schedule", ""}}).find("spec.schedule: Required value") == 0);
  CHECK(wrong_window({{"timeZone", "Europe/Nowhere"}})
            .find("spec.timeZone: Invalid value: \"Europe/Nowhere\"") == 0);
  CHECK(wrong_window({{"timeZone", "../../etc/passwd"}}).find("spec.timeZone: Invalid value") == 0);
  CHECK(wrong_window({{"timeZone", nullptr}}).find("spec.timeZone: Required value") == 0);
  CHECK(wrong_window({{"duration", "0s"}}) ==
        "spec.duration: Invalid value: \"0s\": must be greater than zero");
  CHECK(wrong_window({{"duration", nullptr}}) ==
        "spec.duration: Invalid value: \"0s\": must be greater than zero");
  CHECK(wrong_window({{"kind", "Maybe"}}).find("spec.kind: Unsupported value: \"Maybe\"") == 0);
}

TEST_CASE("a window's bounds are in order and its selector is valid", "[api][validation][windows]") {
  const auto wrong_window = [](const json& more) {
    return wrong("DeploymentWindow", merged({{"kind", "Deny"},
                                             {"schedule", "0 0 * * *"},
                                             {"timeZone", "UTC"},
                                             {"duration", "24h"}},
                                            more));
  };
  const std::string early = "2026-12-20T00:00:00Z";
  const std::string late = "2027-01-07T00:00:00Z";
  CHECK(wrong_window({{"from", early}}) == "");
  CHECK(wrong_window({{"until", late}}) == "");
  CHECK(wrong_window({{"from", early}, {"until", late}}) == "");
  CHECK(wrong_window({{"from", late}, {"until", early}}) ==
        "spec.until: Invalid value: \"2026-12-20T00:00:00.000000Z\": must be later than from, which "
        "is 2027-01-07T00:00:00.000000Z");
  CHECK(wrong_window({{"from", early}, {"until", early}}) != "");
  CHECK(wrong_window({{"selector", {{"projects", {"a", "a"}}}}}) ==
        "spec.selector.projects[1]: Duplicate value: \"a\"");
  CHECK(starts_with(wrong_window({{"selector", {{"environments", {"A"}}}}}),
                    "spec.selector.environments[0]: Invalid value: \"A\""));
  CHECK(starts_with(wrong_window({{"selector", {{"tenants", {{"matchLabels", {{"-", "b"}}}}}}}}),
                    "spec.selector.tenants.matchLabels"));
}

TEST_CASE("an approval says what it is for", "[api][validation][gates]") {
  const std::string hash = "sha256:" + std::string(64, 'a');
  const json spec = {{"rolloutRef", {{"name", "r"}}},
                     {"gate", "go"},
                     {"planHash", hash},
                     {"decision", "Approve"}};
  const auto wrong_approval = [&](const json& more) { return wrong("Approval", merged(spec, more)); };
  CHECK(wrong_approval(json::object()) == "");
  CHECK(wrong_approval({{"rolloutRef", nullptr}}) == "spec.rolloutRef.name: Required value: a name");
  CHECK(wrong_approval({{"gate", nullptr}}) == "spec.gate: Required value: a name");
  CHECK(starts_with(wrong_approval({{"gate", "Go"}}), "spec.gate: Invalid value: \"Go\""));
  CHECK(wrong_approval({{"planHash", nullptr}}) ==
        "spec.planHash: Required value: \"sha256:\" and 64 lower-case hex digits");
  for (const std::string& bad :
       {hash.substr(7), hash + "a", hash.substr(0, hash.size() - 1), std::string("sha256:"),
        "sha256:" + std::string(64, 'A'), "sha512:" + std::string(64, 'a')}) {
    INFO(bad);
    CHECK(wrong_approval({{"planHash", bad}}) ==
          "spec.planHash: Invalid value: \"" + bad +
              "\": must be \"sha256:\" and 64 lower-case hex digits");
  }
  CHECK(starts_with(wrong_approval({{"decision", "Perhaps"}}), "spec.decision: Unsupported value"));
  CHECK(wrong_approval({{"reason", std::string(limits::kReasonBytesMax, 'x')}}) == "");
  CHECK(wrong_approval({{"reason", std::string(limits::kReasonBytesMax + 1, 'x')}}) ==
        "spec.reason: Too long: may not be more than 4096 bytes");
}

TEST_CASE("an approval never changes", "[api][validation][gates]") {
  const json spec = {{"rolloutRef", {{"name", "r"}}},
                     {"gate", "go"},
                     {"planHash", "sha256:" + std::string(64, 'a')},
                     {"decision", "Approve"},
                     {"approver", "alice"}};
  CHECK(wrong_change("Approval", spec, spec) == "");
  for (const json& change :
       {json{{"decision", "Reject"}}, json{{"approver", "bob"}}, json{{"approver", nullptr}},
        json{{"gate", "other"}}, json{{"reason", "because"}}, json{{"rolloutRef", {{"name", "s"}}}}}) {
    INFO(change);
    const std::string found = wrong_change("Approval", merged(spec, change), spec);
    CHECK(starts_with(found, "spec: Invalid value: {"));
    CHECK(found.find(": field is immutable") != std::string::npos);
  }
  // Even one that would not be taken today may keep its labels up to date.
  const json stale = merged(spec, {{"planHash", "md5:1"}});
  CHECK(wrong_change("Approval", stale, stale) == "");
}

TEST_CASE("a hold names a deployment and a release", "[api][validation][holds]") {
  const json spec = {{"tenantDeploymentRef", {{"name", "d"}}},
                     {"version", "1.0.0"},
                     {"digest", "sha256:" + std::string(64, 'a')},
                     {"waves", {"canary", "rest"}}};
  const auto wrong_hold = [&](const json& more) { return wrong("ReleaseHold", merged(spec, more)); };
  CHECK(wrong_hold(json::object()) == "");
  CHECK(wrong_hold({{"version", nullptr}, {"waves", nullptr}}) == "");
  CHECK(wrong_hold({{"tenantDeploymentRef", nullptr}}) ==
        "spec.tenantDeploymentRef.name: Required value: a name");
  CHECK(wrong_hold({{"digest", nullptr}}) ==
        "spec.digest: Required value: \"sha256:\" and 64 lower-case hex digits");
  CHECK(starts_with(wrong_hold({{"digest", "sha256:x"}}), "spec.digest: Invalid value: \"sha256:x\""));
  CHECK(starts_with(wrong_hold({{"version", "1.0"}}), "spec.version: Invalid value: \"1.0\""));
  CHECK(wrong_hold({{"waves", {"a", "a"}}}) == "spec.waves[1]: Duplicate value: \"a\"");
  CHECK(wrong_hold({{"waves", {""}}}) == "spec.waves[0]: Required value: a name");
  CHECK(wrong_hold({{"reason", std::string(limits::kReasonBytesMax + 1, 'x')}}) ==
        "spec.reason: Too long: may not be more than 4096 bytes");
}

}  // namespace tidelock::api
