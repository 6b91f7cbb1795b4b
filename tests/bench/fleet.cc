// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/fleet.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "controller/base/invariant.h"
#include "controller/base/random.h"
#include "tests/bench/fleet_sample.h"

namespace tidelock::bench {
namespace {

constexpr int kSamples = 400;  // tasks whose events are measured
constexpr int kRareSamples = 40;
constexpr std::size_t kBulk = 10'000;  // effects of one plan in bulk

double allocated() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

}  // namespace

double microseconds() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::micro>(time).count();
}

namespace {

// Whether the thread had to wait for the processor since the last call: what was measured then says nothing.
bool interrupted() {
  static long before = 0;
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw != std::exchange(before, usage.ru_nivcsw);
}

}  // namespace

// ---- the namespace -----------------------------------------------------------------------------

Fleet::Fleet(int pairs) : pairs_(pairs) {
  const double before = allocated();
  auto sample = make_sample();
  now_ = sample.time();
  sample_target_ = std::make_shared<const api::Target>(sample.target_object(numbered("target-", 0)));
  sample.tell_all([&](const auto& objects) { keep_common(objects); }, false);
  for (int like = 0; like < 2; ++like) {
    deployments_[kRings[like]] = at_rest(*sample.deployments().at(kRings[like]), like);
  }
  for (const auto& [name, object] : sample.rollouts()) {
    const auto& ring = object->spec.tenant_deployment_ref.name;
    if (ring != kRings[2]) rollouts_[name] = at_rest(*object, ring == kRings[0] ? 0 : 1);
  }
  budgets_ = sample.budgets();
  for (int i = 0; i * kTenantsPerTarget < pairs_; ++i) add_target(i);
  for (int i = 0; i < pairs_; ++i) add_pair(i, sample);
  for (int i = 0; i * 1000 < pairs_; ++i) {
    api::DeploymentWindow window;
    window.metadata.name = numbered("window-", i);
    window.metadata.generation = 1;
    window.spec.schedule = "0 2 * * *";
    window.spec.time_zone = "Europe/Berlin";
    window.spec.duration = std::chrono::hours(2);
    window.spec.selector.tenants.match_labels["host"] = numbered("target-", pairs_ + i);  // nobody yet
    windows_[window.metadata.name] = std::make_shared<const api::DeploymentWindow>(window);
  }
  bytes_.facts = (allocated() - before) / pairs_;
}

int Fleet::moved() const { return std::min(pairs_ / 2 + kBudget, std::max(kSamples + kBudget, pairs_ / 100)); }

std::string Fleet::deployment_of(int tenant) const {
  if (tenant < moved()) return kRings[0];
  return tenant < pairs_ - solos() ? kRings[1] : numbered("solo-", tenant);
}

template <class T>
void Fleet::keep_common(const std::map<std::string, Ptr<T>>& objects) {
  constexpr bool common =
      std::is_same_v<T, api::Project> || std::is_same_v<T, api::Release> || std::is_same_v<T, api::Environment>;
  if constexpr (common) {
    for (const auto& [name, object] : objects) {
      facts_.push_back([object](planner::Planner& planner) { planner.set(object); });
    }
  }
}

// The sample's counts are those of one pair.
template <class T>
Ptr<T> Fleet::at_rest(const T& sample, int like) const {
  T object = sample;
  const int pairs = like == 0 ? moved() : pairs_ - moved() - solos();
  const auto fix = [pairs](auto& count) { count = count == 1 ? pairs : count; };
  if constexpr (std::is_same_v<T, api::TenantDeployment>) {
    fix(object.status.desired), fix(object.status.ready);
  } else {
    for (auto& wave : object.status.waves) fix(wave.members), fix(wave.succeeded);
    fix(object.status.terminal);
  }
  return std::make_shared<const T>(std::move(object));
}

api::Tenant Fleet::tenant(int number) const {
  api::Tenant made;
  made.metadata.name = numbered("tenant-", number);
  made.metadata.creation_timestamp = now_;
  made.metadata.labels = {{"host", numbered("target-", number / kTenantsPerTarget)}, {"ring", deployment_of(number)}};
  return made;
}

void Fleet::add_pair(int number, const testing::PlannerWorld& sample) {
  const std::string deployment = deployment_of(number);
  const int like = deployment == kRings[0] ? 0 : deployment == kRings[1] ? 1 : 2;
  const Renamer renamer(like, number, deployment);
  tenants_[numbered("tenant-", number)] = std::make_shared<const api::Tenant>(tenant(number));
  const auto make = [&](const auto& samples, auto& all, auto copy) {
    auto made = copy(*std::next(samples.begin(), like)->second);
    const std::string name = made.metadata.name;
    all.emplace(name, std::make_shared<const decltype(made)>(std::move(made)));
  };
  make(sample.installations(), installations_, [&](const auto& o) { return renamer.installation(o); });
  make(sample.tasks(), tasks_, [&](const auto& o) { return renamer.task(o); });
  if (like != 2) return;
  auto wished = renamer.deployment(*sample.deployments().at(kRings[2]));
  deployments_[deployment] = std::make_shared<const api::TenantDeployment>(wished);
  for (const auto& [name, object] : sample.rollouts()) {
    if (object->spec.tenant_deployment_ref.name != kRings[2]) continue;
    auto rollout = renamer.rollout(*object);
    api::Approval approval;
    approval.metadata.name = deployment;
    approval.spec.rollout_ref.name = rollout.metadata.name;
    approvals_[deployment] = std::make_shared<const api::Approval>(approval);
    rollouts_[rollout.metadata.name] = std::make_shared<const api::Rollout>(rollout);
  }
}

void Fleet::add_target(int number) {
  api::Target target = *sample_target_;
  target.metadata.name = numbered("target-", number);
  target.spec.tenants.match_labels = {{"host", target.metadata.name}};
  targets_[target.metadata.name] = std::make_shared<const api::Target>(target);
}

void Fleet::tell_planner() {
  planner_.emplace(planner::Options{});
  for (const auto& tell : facts_) tell(*planner_);
  const auto tell_all = [this](const auto& objects) {
    for (const auto& [name, object] : objects) planner_->set(object);
  };
  tell_all(releases_), tell_all(tenants_), tell_all(targets_), tell_all(budgets_), tell_all(windows_);
  tell_all(deployments_), tell_all(rollouts_), tell_all(approvals_), tell_all(installations_), tell_all(tasks_);
}

void Fleet::load() {
  const double before = allocated();
  const double begin = microseconds();
  tell_planner();
  come_to_rest();
  load_seconds_ = (microseconds() - begin) / 1e6;
  bytes_.at_rest = (allocated() - before) / pairs_;
}

// The sample was at rest; only what counts pairs, and the windows, have to be told of more.
void Fleet::come_to_rest() {
  for (int round = 0; round < 8; ++round) {
    const auto effects = planner_->plan(now_).effects;
    if (effects.empty()) return;
    INVARIANT(effects.size() <= 8 + windows_.size() + static_cast<std::size_t>(solos()));
    for (const auto& effect : effects) apply(effect);
    while (!queue_.empty()) deliver_one();
    now_ += std::chrono::seconds(1);
  }
  INVARIANT(false);
}

// What goes when the planner goes.
double Fleet::planner_bytes() {
  const double before = allocated();
  planner_.reset();
  const double bytes = (before - allocated()) / pairs_;
  return bytes;
}

// ---- facts and effects -------------------------------------------------------------------------

template <class T>
Ptr<T>& Fleet::slot(const std::string& name) {
  if constexpr (std::is_same_v<T, api::Tenant>) return tenants_[name];
  if constexpr (std::is_same_v<T, api::Target>) return targets_[name];
  if constexpr (std::is_same_v<T, api::TenantDeployment>) return deployments_[name];
  if constexpr (std::is_same_v<T, api::Rollout>) return rollouts_[name];
  if constexpr (std::is_same_v<T, api::Installation>) return installations_[name];
  if constexpr (std::is_same_v<T, api::DeploymentTask>) return tasks_[name];
  if constexpr (std::is_same_v<T, api::Release>) return releases_[name];
  if constexpr (std::is_same_v<T, api::ConcurrencyBudget>) return budgets_[name];
  if constexpr (std::is_same_v<T, api::Approval>) return approvals_[name];
  if constexpr (std::is_same_v<T, api::DeploymentWindow>) return windows_[name];
}

template <class T>
void Fleet::tell(const std::string& event, T object) {
  object.metadata.resource_version = std::to_string(++version_);
  auto shared = std::make_shared<const T>(std::move(object));
  slot<T>(shared->metadata.name) = shared;
  queue_.push_back({event, [this, shared] { planner_->set(shared); }});
}

template <class T>
void Fleet::forget(const std::string& event, const std::string& kind, std::map<std::string, Ptr<T>>& all,
                   const std::string& name) {
  if (all.erase(name) != 0) queue_.push_back({event, [this, kind, name] { planner_->remove(kind, name); }});
}

void Fleet::deliver_one() {
  auto [event, deliver] = std::move(queue_.front());
  queue_.pop_front();
  deliver();
}

void Fleet::settle() {
  while (!queue_.empty()) {
    const std::string event = queue_.front().event;
    const double begin = microseconds();
    deliver_one();
    const auto effects = planner_->plan(now_, kBulk);
    const double time = microseconds() - begin;
    if (interrupted()) {
      if (recording_) ++discarded_;
    } else if (recording_) {
      samples_[event].push_back(time);
    }
    for (const auto& effect : effects.effects) apply(effect);
    now_ += std::chrono::milliseconds(1);
  }
}

// As a writer does it that has much to do: many effects of one plan, all their results with the next one.
void Fleet::settle_in_bulk(const std::string& what) {
  double time = 0;
  while (true) {
    const double begin = microseconds();
    while (!queue_.empty()) deliver_one();
    const auto effects = planner_->plan(now_, kBulk);
    time += microseconds() - begin;
    for (const auto& effect : effects.effects) apply(effect);
    now_ += std::chrono::milliseconds(100);
    if (queue_.empty()) break;
  }
  if (!what.empty()) bulk_[what] = {1, time / pairs_, time / pairs_};
}

// Whether it was planned on the newest version: what is under way is planned again until it is seen.
template <class T>
bool Fleet::fresh(const std::string& name, const std::string& based_on) {
  const auto& object = slot<T>(name);
  return object != nullptr && object->metadata.resource_version == based_on;
}

template <class T, class Change>
void Fleet::change_status(const char* event, const Change& change) {
  if (!fresh<T>(change.name, change.based_on)) return;
  T object = *slot<T>(change.name);
  object.status = change.status;
  tell(event, std::move(object));
}

template <class T>
void Fleet::create(const char* event, T object, std::map<std::string, Ptr<T>>& all) {
  if (all.count(object.metadata.name) != 0) return;
  object.metadata.uid = "uid-" + object.metadata.name;
  object.metadata.creation_timestamp = now_;
  object.metadata.generation = 1;
  tell(event, std::move(object));
}

void Fleet::apply(const planner::Effect& effect) {
  using namespace planner;
  if (const auto* made = std::get_if<CreateInstallation>(&effect)) {
    create("installation created", made->object, installations_);
  } else if (const auto* update = std::get_if<UpdateInstallation>(&effect)) {
    if (!fresh<api::Installation>(update->name, update->based_on)) return;
    api::Installation object = *installations_.at(update->name);
    object.spec = update->spec;
    ++object.metadata.generation;
    tell("installation spec echo", std::move(object));
  } else if (const auto* left = std::get_if<DeleteInstallation>(&effect)) {
    forget("installation deleted", "Installation", installations_, left->name);
  } else if (const auto* rollout = std::get_if<CreateRollout>(&effect)) {
    create("rollout echo", rollout->object, rollouts_);
  } else if (const auto* task = std::get_if<CreateTask>(&effect)) {
    create("task created", task->object, tasks_);
  } else if (const auto* gone = std::get_if<DeleteTask>(&effect)) {
    forget("task deleted", "DeploymentTask", tasks_, gone->name);
  } else if (const auto* end = std::get_if<EndTask>(&effect)) {
    if (!fresh<api::DeploymentTask>(end->name, end->based_on)) return;
    api::DeploymentTask object = *tasks_.at(end->name);
    object.status.phase = end->phase;
    object.status.finished_at = now_;
    tell("task ended", std::move(object));
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
  } else if (const auto* window = std::get_if<WindowStatusChange>(&effect)) {
    change_status<api::DeploymentWindow>("window status echo", *window);
  }
}

// ---- events ------------------------------------------------------------------------------------

void Fleet::wish(const std::string& deployment, const std::string& version, std::vector<api::WaveSpec> waves) {
  api::Release release;
  release.metadata.name = "shop-" + version;
  release.spec.project_ref.name = "shop";
  release.spec.version = version;
  release.metadata.creation_timestamp = now_;
  tell("release", release);
  api::TenantDeployment object = *deployments_.at(deployment);
  object.spec.release.version = version;
  object.spec.rollout.waves = std::move(waves);
  ++object.metadata.generation;
  tell("deployment", object);
}

// One percent moves to the next release.
void Fleet::roll() {
  wish(kRings[0], "1.1.0", {});
  settle_in_bulk("");
  recording_ = true;
  for (int sample = 0; sample < kSamples; ++sample) one_round(sample);
  recording_ = false;
  bytes_.rolling = planner_bytes();
}

// Two waves, of which the first waits for an approval that nobody gives.
void Fleet::roll_all() {
  tell_planner();
  settle_in_bulk("");
  api::WaveSpec first, rest;
  first.name = "first";
  first.tenants = api::LabelSelector{{{"host", numbered("target-", pairs_ / kTenantsPerTarget / 2)}}, {}};
  first.before.emplace_back().approval = "go";
  rest.name = "rest";
  wish(kRings[1], "1.2.0", {first, rest});
  settle_in_bulk("release for all, per pair");
  bytes_.all_wait = planner_bytes();
}

// One granted task runs to its end; beside that, what concerns others.
void Fleet::one_round(int sample) {
  INVARIANT(!running_.empty());
  const std::string name = *running_.begin();
  while (running_.count(name) != 0) advance(name);
  const int other = pairs_ - solos() - 1 - sample;
  api::Target target = *targets_.at(numbered("target-", other / kTenantsPerTarget));
  target.status.last_heartbeat = now_;
  tell("heartbeat", std::move(target));
  settle();
  api::Tenant changed = *tenants_.at(numbered("tenant-", other));
  changed.metadata.labels["note"] = std::to_string(sample);
  tell("tenant label change", std::move(changed));
  settle();
  if (sample < kRareSamples) rare_events(sample);
}

void Fleet::rare_events(int sample) {
  // Beside one of the fleet, and away again before anything of it runs.
  const int place = moved() + sample * 7;
  api::Tenant joins = tenant(place);
  joins.metadata.name = numbered("newcomer-", sample);
  tell("tenant joins", joins);
  settle();
  forget("tenant leaves", "Tenant", tenants_, joins.metadata.name);
  settle();
  api::Tenant moves = *tenants_.at(numbered("tenant-", place));
  moves.spec.paused = !moves.spec.paused;
  tell("tenant paused", moves);
  settle();
  for (const bool ready : {false, true}) {
    api::Target target = *targets_.at(numbered("target-", place / kTenantsPerTarget));
    api::set_condition(target.status.conditions, {"Ready", ready, false, "Agent", "", now_, 0});
    tell("target away or back (10 pairs)", target);
    settle();
  }
  api::Target wider = *targets_.at(numbered("target-", place / kTenantsPerTarget));
  ++wider.spec.max_concurrent;
  tell("target changed (10 pairs)", wider);
  settle();
  api::Approval approval;
  approval.metadata.name = numbered("approval-", sample);
  approval.spec.rollout_ref.name = deployments_.at(kRings[0])->status.rollout;
  approval.spec.approver = "somebody";
  tell("approval", approval);
  settle();
  api::TenantDeployment solo = *deployments_.at(deployment_of(pairs_ - 1 - sample % solos()));
  ++solo.spec.priority;
  tell("deployment changed (1 pair)", solo);
  settle();
}

void Fleet::advance(const std::string& name) {
  api::DeploymentTask task = *tasks_.at(name);
  auto& status = task.status;
  const auto& grant = *status.grant;
  const auto step = static_cast<std::size_t>(grant.step);
  while (status.steps.size() < task.spec.steps.size()) {
    status.steps.push_back({});
    status.steps.back().name = task.spec.steps[status.steps.size() - 1].step.name;
  }
  auto& at = status.steps[step];
  if (at.phase == api::StepPhase::Pending && grant.step_count > 0) {
    at.phase = api::StepPhase::Running;
    at.attempt = 1;
    at.started_at = now_;
    tell("step running", std::move(task));
  } else if (at.phase == api::StepPhase::Running) {
    at.phase = api::StepPhase::Succeeded;
    at.finished_at = now_;
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

// ---- results -----------------------------------------------------------------------------------

std::map<std::string, Cost> Fleet::costs() const {
  std::map<std::string, Cost> costs = bulk_;
  for (const auto& [name, sample] : samples_) {
    auto times = sample;
    std::sort(times.begin(), times.end());
    costs[name] = {times.size(), times[times.size() / 2], times[times.size() * 99 / 100]};
  }
  return costs;
}

double Fleet::peer() const {
  std::map<std::string, Ptr<api::Installation>> all(installations_.begin(), installations_.end());
  std::vector<double> times;
  SeededRandom random(1);
  for (int i = 0; i < 2000; ++i) {
    const int number = static_cast<int>(random.below(static_cast<std::uint64_t>(pairs_)));
    const std::string name = planner::installation_name("shop", "production", numbered("tenant-", number),
                                                        numbered("target-", number / kTenantsPerTarget));
    const double begin = microseconds();
    const auto copy = std::make_shared<const api::Installation>(*all.at(name));
    times.push_back(microseconds() - begin);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace tidelock::bench
