// SPDX-License-Identifier: Apache-2.0
// What one event costs the planner of a large namespace, and how much memory it keeps per pair.
// Usage: planner_scale [pairs…]   (default 1000 10000 100000)
//
// The namespace: tenants on targets, ten each, every one at 1.0.0 with its last finished task. One
// percent of them is being moved to 1.1.0 by a deployment of its own under a budget of 50. One fact is
// told at a time, then plan() is timed with it; what plan() asks for is written and comes back as the
// next facts, and an agent runs three steps of each granted task.
//
// Memory is what malloc holds more after the planner was told all facts at rest than before, all of
// it: also the maps that point to the facts, but not the facts, which are owned outside.
//
// The peer of the same run: one lookup in a std::map of all installations and a copy of what it finds.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/base/invariant.h"
#include "controller/base/random.h"
#include "tests/support/planner_world.h"

namespace {

using namespace tidelock;
using Clock = std::chrono::steady_clock;
template <class T>
using Ptr = planner::Ptr<T>;

constexpr int kTenantsPerTarget = 10;
constexpr int kSamples = 400;  // tasks whose events are measured
constexpr int kBudget = 50;
constexpr double kSecondsMax = 20;  // for the events of one size

std::string numbered(const char* prefix, int number) {
  std::string digits = std::to_string(number);
  return prefix + std::string(7 - digits.size(), '0') + digits;
}

std::size_t allocated() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

double microseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

// ---- two pairs at rest, made by the planner itself ---------------------------------------------

testing::PlannerWorld make_sample() {
  testing::PlannerWorld world;
  world.environment("production");
  world.project("shop", {testing::step("stop", 1), testing::step("configure", 1),
                         testing::step("start", 1)});
  world.release("shop", "1.0.0");
  world.budget("task-cap", kBudget);
  world.target(numbered("target-", 0), kTenantsPerTarget);
  for (int i = 0; i < 2; ++i) {
    const std::string ring = i == 0 ? "canary" : "fleet";
    world.tenant(numbered("tenant-", i), {{"host", numbered("target-", 0)}, {"ring", ring}});
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = "shop";
    spec.release.version = "1.0.0";
    spec.tenants = api::LabelSelector{{{"ring", ring}}, {}};
    world.deployment(ring, spec);
  }
  world.run();
  return world;
}

// Copies of the sample's objects for another tenant on another target.
class Renamer {
 public:
  Renamer(int sample, int tenant, int target)
      : sample_(numbered("tenant-", sample)),
        tenant_(numbered("tenant-", tenant)),
        target_(numbered("target-", target)) {}

  api::Installation installation(const api::Installation& sample) const {
    api::Installation made = sample;
    metadata(made.metadata);
    rename(made.spec.tenant_ref->name);
    rename(made.spec.target_ref.name);
    rename(made.status.task);
    return made;
  }
  api::DeploymentTask task(const api::DeploymentTask& sample) const {
    api::DeploymentTask made = sample;
    metadata(made.metadata);
    auto& spec = made.spec;
    for (auto* text : {&spec.installation, &spec.tenant, &spec.target, &spec.install_directory}) rename(*text);
    spec.installation_uid = "uid-" + spec.installation;
    locks(spec.locks);
    for (auto& step : spec.steps) locks(step.needs);
    locks(made.status.grant->locks);
    locks(made.status.grant->step_locks);
    return made;
  }

 private:
  void rename(std::string& text) const {
    replace(text, sample_, tenant_);
    replace(text, numbered("target-", 0), target_);
  }
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    if (at != std::string::npos) text.replace(at, from.size(), to);
  }
  void metadata(api::ObjectMeta& meta) const {
    rename(meta.name);
    meta.uid = "uid-" + meta.name;
    for (auto& [key, value] : meta.labels) rename(value);
    for (auto& owner : meta.owner_references) {
      rename(owner.name);
      owner.uid = "uid-" + owner.name;
    }
  }
  void locks(std::vector<api::TaskLock>& all) const {
    for (auto& lock : all) rename(lock.instance);
  }
  std::string sample_, tenant_, target_;
};

// ---- the namespace -----------------------------------------------------------------------------

class Fleet {
 public:
  explicit Fleet(int pairs) : pairs_(pairs) {
    auto sample = make_sample();
    now_ = sample.time();
    sample_target_ = std::make_shared<const api::Target>(sample.target_object(numbered("target-", 0)));
    for (const auto& [name, object] : sample.deployments()) deployments_[name] = at_rest(*object, name);
    for (const auto& [name, object] : sample.rollouts()) {
      rollouts_[name] = at_rest(*object, object->spec.tenant_deployment_ref.name);
    }
    budgets_ = sample.budgets();
    sample.tell_all([&](const auto& objects) { keep_common(objects); }, false);
    for (int i = 0; i < pairs_; ++i) {
      const int like = i < moved() ? 0 : 1;
      const Renamer renamer(like, i, i / kTenantsPerTarget);
      add_tenant(i);
      const auto make = [&](const auto& samples, auto& all, auto copy) {
        auto made = copy(*std::next(samples.begin(), like)->second);
        const std::string name = made.metadata.name;
        all.emplace(name, std::make_shared<const decltype(made)>(std::move(made)));
      };
      make(sample.installations(), installations_, [&](const auto& o) { return renamer.installation(o); });
      make(sample.tasks(), tasks_, [&](const auto& o) { return renamer.task(o); });
    }
    for (int i = 0; i * kTenantsPerTarget < pairs_; ++i) add_target(i);
  }

  void load() {
    const std::size_t before = allocated();
    const auto begin = Clock::now();
    planner_.emplace(planner::Options{});
    for (const auto& tell : facts_) tell(*planner_);
    const auto tell_all = [this](const auto& objects) {
      for (const auto& [name, object] : objects) planner_->set(object);
    };
    tell_all(tenants_), tell_all(targets_), tell_all(budgets_), tell_all(deployments_), tell_all(rollouts_);
    tell_all(installations_), tell_all(tasks_);
    come_to_rest();
    load_seconds_ = microseconds_since(begin) / 1e6;
    bytes_per_pair_ = static_cast<double>(allocated() - before) / pairs_;
  }

  // One percent moves to the next release.
  void roll() {
    api::Release release;
    release.metadata.name = "shop-1.1.0";
    release.spec.project_ref.name = "shop";
    release.spec.version = "1.1.0";
    release.metadata.creation_timestamp = now_;
    tell("release", release);
    api::TenantDeployment canary = *deployments_.at("canary");
    canary.spec.release.version = "1.1.0";
    ++canary.metadata.generation;
    tell("deployment", canary);
    settle();
    recording_ = true;
    begin_ = Clock::now();
    for (int sample = 0; sample < kSamples; ++sample) one_round(sample);
    recording_ = false;
  }

  void report(double peer) const {
    std::printf("\n%d pairs: %.0f bytes a pair at rest, told in %.1f s; lookup and copy %.2f us\n", pairs_,
                bytes_per_pair_, load_seconds_, peer);
    std::printf("  %-26s %8s %10s %10s %8s\n", "event", "count", "median us", "p99 us", "ratio");
    for (const auto& [name, sample] : samples_) {
      auto times = sample;
      std::sort(times.begin(), times.end());
      const double median = times[times.size() / 2];
      std::printf("  %-26s %8zu %10.1f %10.1f %8.1f\n", name.c_str(), times.size(), median,
                  times[times.size() * 99 / 100], median / peer);
    }
  }

  double peer() const {
    std::map<std::string, Ptr<api::Installation>> all(installations_.begin(), installations_.end());
    std::vector<double> times;
    SeededRandom random(1);
    for (int i = 0; i < 2000; ++i) {
      const int tenant = static_cast<int>(random.below(static_cast<std::uint64_t>(pairs_)));
      const std::string name = planner::installation_name("shop", "production", numbered("tenant-", tenant),
                                                          numbered("target-", tenant / kTenantsPerTarget));
      const auto begin = Clock::now();
      const auto copy = std::make_shared<const api::Installation>(*all.at(name));
      times.push_back(microseconds_since(begin));
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

 private:
  int moved() const { return std::min(pairs_, std::max(kSamples + kBudget, pairs_ / 100)); }

  // The sample was at rest; only the two rollouts and deployments have to be told of more pairs.
  void come_to_rest() {
    for (int round = 0; round < 5; ++round) {
      const auto effects = planner_->plan(now_).effects;
      if (effects.empty()) return;
      INVARIANT(effects.size() <= 4);
      for (const auto& effect : effects) apply(effect);
      settle();
      now_ += std::chrono::seconds(1);
    }
    INVARIANT(false);
  }

  template <class T>
  void keep_common(const std::map<std::string, Ptr<T>>& objects) {
    constexpr bool common = std::is_same_v<T, api::Project> || std::is_same_v<T, api::Release> ||
                            std::is_same_v<T, api::Environment>;
    if constexpr (common) {
      for (const auto& [name, object] : objects) {
        facts_.push_back([object](planner::Planner& planner) { planner.set(object); });
      }
    }
  }

  // The sample's counts are those of one pair.
  template <class T>
  Ptr<T> at_rest(const T& sample, const std::string& ring) const {
    T object = sample;
    const int pairs = ring == "canary" ? moved() : pairs_ - moved();
    const auto fix = [pairs](auto& count) { count = count == 1 ? pairs : count; };
    if constexpr (std::is_same_v<T, api::TenantDeployment>) {
      fix(object.status.desired), fix(object.status.ready);
    } else {
      for (auto& wave : object.status.waves) fix(wave.members), fix(wave.succeeded);
      fix(object.status.terminal);
    }
    for (auto& condition : object.status.conditions) {
      const auto at = condition.message.find("1 of 1 ready");
      const std::string all = std::to_string(pairs);
      if (at != std::string::npos) condition.message.replace(at, 12, all + " of " + all + " ready");
    }
    return std::make_shared<const T>(std::move(object));
  }

  void add_tenant(int number) {
    api::Tenant tenant;
    tenant.metadata.name = numbered("tenant-", number);
    tenant.metadata.creation_timestamp = now_;
    tenant.metadata.labels = {{"host", numbered("target-", number / kTenantsPerTarget)},
                              {"ring", number < moved() ? "canary" : "fleet"}};
    tenants_[tenant.metadata.name] = std::make_shared<const api::Tenant>(tenant);
  }
  void add_target(int number) {
    api::Target target = *sample_target_;
    target.metadata.name = numbered("target-", number);
    target.spec.tenants.match_labels = {{"host", target.metadata.name}};
    targets_[target.metadata.name] = std::make_shared<const api::Target>(target);
  }

  // ---- facts and effects
  template <class T>
  Ptr<T>& slot(const std::string& name) {
    if constexpr (std::is_same_v<T, api::Tenant>) return tenants_[name];
    if constexpr (std::is_same_v<T, api::Target>) return targets_[name];
    if constexpr (std::is_same_v<T, api::TenantDeployment>) return deployments_[name];
    if constexpr (std::is_same_v<T, api::Rollout>) return rollouts_[name];
    if constexpr (std::is_same_v<T, api::Installation>) return installations_[name];
    if constexpr (std::is_same_v<T, api::DeploymentTask>) return tasks_[name];
    if constexpr (std::is_same_v<T, api::Release>) return releases_[name];
    if constexpr (std::is_same_v<T, api::ConcurrencyBudget>) return budgets_[name];
  }
  template <class T>
  void tell(const std::string& event, T object) {
    object.metadata.resource_version = std::to_string(++version_);
    auto shared = std::make_shared<const T>(std::move(object));
    slot<T>(shared->metadata.name) = shared;
    queue_.push_back({event, [this, shared] { planner_->set(shared); }});
  }
  void forget(const std::string& kind, const std::string& name) {
    queue_.push_back({"task deleted", [this, kind, name] { planner_->remove(kind, name); }});
  }

  void settle() {
    while (!queue_.empty()) {
      auto [event, deliver] = std::move(queue_.front());
      queue_.pop_front();
      const auto begin = Clock::now();
      deliver();
      const auto effects = planner_->plan(now_);
      const double time = microseconds_since(begin);
      if (recording_) samples_[event].push_back(time);
      for (const auto& effect : effects.effects) apply(effect);
      now_ += std::chrono::milliseconds(1);
    }
  }

  // Whether it was planned on the newest version: what is under way is planned again until it is seen.
  template <class T>
  bool fresh(const std::string& name, const std::string& based_on) {
    return slot<T>(name)->metadata.resource_version == based_on;
  }
  template <class T, class Change>
  void change_status(const char* event, const Change& change) {
    if (!fresh<T>(change.name, change.based_on)) return;
    T object = *slot<T>(change.name);
    object.status = change.status;
    tell(event, std::move(object));
  }
  template <class T>
  void create(const char* event, T object, std::map<std::string, Ptr<T>>& all) {
    if (all.count(object.metadata.name) != 0) return;
    object.metadata.uid = "uid-" + object.metadata.name;
    object.metadata.creation_timestamp = now_;
    object.metadata.generation = 1;
    tell(event, std::move(object));
  }

  void apply(const planner::Effect& effect) {
    using namespace planner;
    if (const auto* update = std::get_if<UpdateInstallation>(&effect)) {
      if (!fresh<api::Installation>(update->name, update->based_on)) return;
      api::Installation object = *installations_.at(update->name);
      object.spec = update->spec;
      ++object.metadata.generation;
      tell("installation spec echo", std::move(object));
    } else if (const auto* rollout = std::get_if<CreateRollout>(&effect)) {
      create("rollout echo", rollout->object, rollouts_);
    } else if (const auto* task = std::get_if<CreateTask>(&effect)) {
      create("task created", task->object, tasks_);
    } else if (const auto* gone = std::get_if<DeleteTask>(&effect)) {
      if (tasks_.erase(gone->name) != 0) forget("DeploymentTask", gone->name);
    } else if (const auto* grant = std::get_if<GrantTask>(&effect)) {
      if (!fresh<api::DeploymentTask>(grant->name, grant->based_on)) return;
      api::DeploymentTask object = *tasks_.at(grant->name);
      object.status.phase = api::TaskPhase::Running;
      object.status.grant = grant->grant;
      running_.insert(grant->name);
      tell(grant->grant.step == 0 ? "task granted" : "task granted, next step", std::move(object));
    } else if (const auto* status = std::get_if<InstallationStatusChange>(&effect)) {
      change_status<api::Installation>("installation status echo", *status);
    } else if (const auto* release = std::get_if<ReleaseStatusChange>(&effect)) {
      change_status<api::Release>("release echo", *release);
    } else if (const auto* deployment = std::get_if<TenantDeploymentStatusChange>(&effect)) {
      change_status<api::TenantDeployment>("deployment status echo", *deployment);
    } else if (const auto* state = std::get_if<RolloutStatusChange>(&effect)) {
      change_status<api::Rollout>("rollout status echo", *state);
    } else if (const auto* usage = std::get_if<BudgetStatusChange>(&effect)) {
      change_status<api::ConcurrencyBudget>("budget status echo", *usage);
    }
  }

  // One granted task runs to its end; beside that, a heartbeat and a tenant's label.
  void one_round(int sample) {
    INVARIANT(!running_.empty());
    const std::string name = *running_.begin();
    while (running_.count(name) != 0) advance(name);
    const int other = pairs_ - 1 - sample;
    api::Target target = *targets_.at(numbered("target-", other / kTenantsPerTarget));
    target.status.last_heartbeat = now_;
    tell("heartbeat", std::move(target));
    settle();
    if (microseconds_since(begin_) > kSecondsMax * 1e6) return;  // the rest is dear
    api::Tenant tenant = *tenants_.at(numbered("tenant-", other));
    tenant.metadata.labels["note"] = std::to_string(sample);
    tell("tenant label change", std::move(tenant));
    settle();
  }

  void advance(const std::string& name) {
    api::DeploymentTask task = *tasks_.at(name);
    auto& status = task.status;
    const auto& grant = *status.grant;
    const auto step = static_cast<std::size_t>(grant.step);
    while (status.steps.size() < task.spec.steps.size()) {
      status.steps.push_back({});
      status.steps.back().name = task.spec.steps[status.steps.size() - 1].step.name;
    }
    if (status.steps[step].phase == api::StepPhase::Pending && grant.step_count > 0) {
      status.steps[step].phase = api::StepPhase::Running;
      status.steps[step].attempt = 1;
      status.steps[step].started_at = now_;
      tell("step running", std::move(task));
    } else if (status.steps[step].phase == api::StepPhase::Running) {
      status.steps[step].phase = api::StepPhase::Succeeded;
      status.steps[step].finished_at = now_;
      const bool last = step + 1 == status.steps.size();
      if (last) {
        status.phase = api::TaskPhase::Succeeded;
        status.finished_at = now_;
        status.reported_version = task.spec.version;
        status.reported_digest = task.spec.digest;
        running_.erase(name);
      }
      tell(last ? "task terminal" : "step boundary", std::move(task));
    }
    settle();
  }

  struct Delivery {
    std::string event;
    std::function<void()> deliver;
  };
  int pairs_;
  TimePoint now_;
  std::int64_t version_ = 1'000'000;
  Ptr<api::Target> sample_target_;
  std::vector<std::function<void(planner::Planner&)>> facts_;
  std::map<std::string, Ptr<api::Tenant>> tenants_;
  std::map<std::string, Ptr<api::Target>> targets_;
  std::map<std::string, Ptr<api::TenantDeployment>> deployments_;
  std::map<std::string, Ptr<api::Rollout>> rollouts_;
  std::map<std::string, Ptr<api::Release>> releases_;
  std::map<std::string, Ptr<api::ConcurrencyBudget>> budgets_;
  std::map<std::string, Ptr<api::Installation>> installations_;
  std::map<std::string, Ptr<api::DeploymentTask>> tasks_;
  std::optional<planner::Planner> planner_;
  std::deque<Delivery> queue_;
  std::set<std::string> running_;
  bool recording_ = false;
  Clock::time_point begin_;
  double bytes_per_pair_ = 0, load_seconds_ = 0;
  std::map<std::string, std::vector<double>> samples_;
};

void measure(int pairs) {
  Fleet fleet(pairs);
  const double peer = fleet.peer();
  fleet.load();
  fleet.roll();
  fleet.report(peer);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::atoi(argv[i]));
  if (sizes.empty()) sizes = {1'000, 10'000, 100'000};
  for (const int pairs : sizes) measure(pairs);
  return 0;
}
