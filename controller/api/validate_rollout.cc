// SPDX-License-Identifier: Apache-2.0
// Rules of tenant deployments and rollouts: the strategy, its waves and their gates.
#include <algorithm>
#include <limits>
#include <set>

#include "controller/api/codec.h"
#include "controller/api/selector.h"
#include "controller/api/semver.h"
#include "controller/api/validate_kinds.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

constexpr int kIntMax = std::numeric_limits<int>::max();

void check_too_many(CauseList& causes, const std::string& field, std::size_t count, std::size_t max) {
  if (count > max) causes.too_many(field, count, max);
}

bool selects_all(const std::optional<LabelSelector>& selector) {
  return !selector || selector->empty();
}

class StrategyRules {
 public:
  StrategyRules(CauseList& causes, std::string field, bool untenanted)
      : causes_(causes), field_(std::move(field)), untenanted_(untenanted) {}

  void check(const RolloutStrategy& strategy) {
    check_limits(field_, strategy);
    if (strategy.max_in_flight) {
      check_range(causes_, field_ + ".maxInFlight", *strategy.max_in_flight, 1, kIntMax);
    }
    check_waves(strategy.waves);
    check_order(strategy.order);
    if (strategy.max_starts_per_minute) {
      check_range(causes_, field_ + ".pacing.maxStartsPerMinute", *strategy.max_starts_per_minute, 1,
                  kIntMax);
    }
    check_positive(causes_, field_ + ".taskTimeout", strategy.task_timeout);
    check_positive(causes_, field_ + ".progressDeadline", strategy.progress_deadline);
    check_retry(strategy.retry);
    if (strategy.unreachable.max) {
      check_share(causes_, field_ + ".unreachable.max", *strategy.unreachable.max, 0);
    }
  }

 private:
  // What the strategy and each wave may say.
  template <class T>
  void check_limits(const std::string& field, const T& limits) {
    if (limits.concurrency) check_share(causes_, field + ".concurrency", *limits.concurrency, 1);
    if (limits.max_failures) check_share(causes_, field + ".maxFailures", *limits.max_failures, 0);
    if (limits.min_succeeded) check_share(causes_, field + ".minSucceeded", *limits.min_succeeded, 1);
    check_positive(causes_, field + ".minHealthy", limits.min_healthy);
    check_positive(causes_, field + ".soak", limits.soak);
    check_too_many(causes_, field + ".steps", limits.steps.size(), limits::kRampStepsMax);
    for (std::size_t i = 0; i < limits.steps.size(); ++i) {
      check_share(causes_, item(field + ".steps", i), limits.steps[i], 1);
    }
  }

  void check_waves(const std::vector<WaveSpec>& waves) {
    check_too_many(causes_, field_ + ".waves", waves.size(), limits::kWavesMax);
    std::set<std::string> names;
    for (std::size_t i = 0; i < waves.size(); ++i) {
      const std::string field = item(field_ + ".waves", i);
      check_label(causes_, field + ".name", waves[i].name);
      if (!names.insert(waves[i].name).second) causes_.duplicate(field + ".name", waves[i].name);
      check_members(waves[i], field, i + 1 == waves.size());
      check_limits(field, waves[i]);
      check_gates(waves[i].before, field + ".before");
      check_gates(waves[i].after, field + ".after");
    }
  }

  void check_members(const WaveSpec& wave, const std::string& field, bool last) {
    if (wave.tenants) check_selector(causes_, field + ".tenants", *wave.tenants);
    if (wave.targets) check_selector(causes_, field + ".targets", *wave.targets);
    if (wave.tenants && untenanted_) {
      causes_.forbidden(field + ".tenants", "an untenanted deployment has no tenants");
    }
    if (last || !selects_all(wave.tenants) || !selects_all(wave.targets)) return;
    const std::string why = "only the last wave may take everything that is left";
    if (wave.tenants || wave.targets) {
      causes_.invalid_json(field + (wave.tenants ? ".tenants" : ".targets"), "{}", why);
    } else {
      causes_.required(field, "tenants or targets: " + why);
    }
  }

  void check_gates(const std::vector<GateSpec>& gates, const std::string& field) {
    check_too_many(causes_, field, gates.size(), limits::kGatesPerListMax);
    for (std::size_t i = 0; i < gates.size(); ++i) {
      const std::string approval = item(field, i) + ".approval";
      check_label(causes_, approval + ".name", gates[i].approval);
      if (!gates_.insert(gates[i].approval).second) {
        causes_.duplicate(approval + ".name", gates[i].approval);
      }
      check_range(causes_, approval + ".required", gates[i].required, 1, limits::kGateApproversMax);
      check_positive(causes_, approval + ".expiresAfter", gates[i].expires_after);
    }
  }

  void check_order(const RolloutOrder& order) {
    const std::string field = field_ + ".order";
    check_too_many(causes_, field + ".by", order.by.size(), limits::kOrderKeysMax);
    std::set<std::string> keys;
    for (std::size_t i = 0; i < order.by.size(); ++i) {
      check_key(item(field + ".by", i), order.by[i]);
      if (!keys.insert(order.by[i]).second) causes_.duplicate(item(field + ".by", i), order.by[i]);
    }
    if (order.spread_by.empty()) return;
    check_key(field + ".spreadBy", order.spread_by);
    if (keys.count(order.spread_by) != 0) {
      causes_.invalid(field + ".spreadBy", order.spread_by,
                      "values that go one after the other (by) cannot also take turns");
    }
  }

  void check_key(const std::string& field, const std::string& key) {
    const std::string wrong = check_label_key(key);
    if (!wrong.empty()) causes_.invalid(field, key, wrong);
  }

  void check_retry(const TaskRetry& retry) {
    const std::string field = field_ + ".retry";
    check_range(causes_, field + ".limit", retry.limit, 0, limits::kRetriesMax);
    check_range(causes_, field + ".backoff.factor", retry.backoff_factor, 1, 10);
    if (retry.backoff_max < retry.backoff_initial) {
      causes_.invalid(field + ".backoff.max", format_duration(retry.backoff_max),
                      "must not be less than initial, which is " +
                          format_duration(retry.backoff_initial));
    }
  }

  CauseList& causes_;
  const std::string field_;
  const bool untenanted_;
  std::set<std::string> gates_;  // of the waves before
};

void check_pins(CauseList& causes, const std::vector<Pin>& pins) {
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < pins.size(); ++i) {
    const std::string field = item("spec.pins", i);
    check_reference(causes, field + ".tenant", pins[i].tenant);
    if (!pins[i].target.empty()) check_reference(causes, field + ".target", pins[i].target);
    check_version(causes, field + ".version", pins[i].version);
    if (!seen.emplace(pins[i].tenant, pins[i].target).second) {
      causes.duplicate(field, pins[i].tenant + (pins[i].target.empty() ? "" : "/") + pins[i].target);
    }
  }
}

void check_release_selector(CauseList& causes, const ReleaseSelector& release) {
  const char* const rule = "exactly one of version and range must be set";
  if (release.version.empty() && release.range.empty()) causes.required("spec.release", rule);
  if (!release.version.empty() && !release.range.empty()) causes.forbidden("spec.release", rule);
  if (!release.version.empty()) check_version(causes, "spec.release.version", release.version);
  if (release.range.empty()) return;
  const auto range = VersionRange::parse(release.range);
  if (!range) causes.invalid("spec.release.range", release.range, range.error().message);
}

void check_accepted_failures(CauseList& causes, const RolloutSpec& spec) {
  const std::string field = "spec.acceptedFailures";
  check_too_many(causes, field, spec.accepted_failures.size(), limits::kWavesMax);
  for (const auto& [wave, count] : spec.accepted_failures) {
    check_range(causes, field + "." + wave, count, 0, kIntMax);
    const auto& waves = spec.strategy.waves;
    const bool known = waves.empty() || std::any_of(waves.begin(), waves.end(), [&](const auto& each) {
                         return each.name == wave;
                       });
    if (!known) causes.not_found(field, wave);
  }
}

}  // namespace

void check_tenant_deployment(CauseList& causes, const TenantDeployment& deployment) {
  const TenantDeploymentSpec& spec = deployment.spec;
  check_reference(causes, "spec.projectRef.name", spec.project_ref.name);
  check_reference(causes, "spec.environmentRef.name", spec.environment_ref.name);
  check_release_selector(causes, spec.release);
  if (spec.tenants && spec.untenanted) {
    causes.forbidden("spec.tenants", "tenants and untenanted exclude each other");
  }
  if (!spec.tenants && !spec.untenanted) {
    causes.required("spec.tenants", "which tenants ({} = all), or untenanted: true");
  }
  if (spec.tenants) check_selector(causes, "spec.tenants", *spec.tenants);
  check_selector(causes, "spec.targets", spec.targets);
  check_pins(causes, spec.pins);
  StrategyRules(causes, "spec.rollout", spec.untenanted).check(spec.rollout);
  check_range(causes, "spec.priority", spec.priority, -limits::kPriorityMax, limits::kPriorityMax);
  check_share(causes, "spec.deletionGuard.max", spec.deletion_guard.max, 0);
  check_range(causes, "spec.deletionGuard.min", spec.deletion_guard.min, 0, kIntMax);
}

void check_rollout(CauseList& causes, const Rollout& rollout) {
  check_reference(causes, "spec.tenantDeploymentRef.name",
                  rollout.spec.tenant_deployment_ref.name);
  StrategyRules(causes, "spec.strategy", false).check(rollout.spec.strategy);
  check_accepted_failures(causes, rollout.spec);
}

}  // namespace tidelock::api
