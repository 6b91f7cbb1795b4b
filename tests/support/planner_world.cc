// SPDX-License-Identifier: Apache-2.0
#include "tests/support/planner_world.h"

#include <algorithm>

#include "controller/api/codec.h"

namespace tidelock::testing {
namespace {

using api::DeploymentTask;
using api::StepPhase;
using api::TaskPhase;

constexpr std::int64_t kEpochSeconds = 1767225600;  // 2026-01-01T00:00:00Z

double seconds_of_step(const api::Step& step) {
  return step.script ? std::stod(step.script->body) : 0;
}

bool is_finished(const api::StepStatus& step) {
  return step.phase != StepPhase::Pending && step.phase != StepPhase::Running;
}

std::int64_t number(const api::Fence& fence) {
  return fence.epoch * 1'000'000'000 + fence.sequence;
}

}  // namespace

TimePoint at_second(double second) {
  return TimePoint(std::chrono::seconds(kEpochSeconds)) +
         Duration(static_cast<std::int64_t>(second * 1e6 + 0.5));
}
double second_of(TimePoint time) {
  return static_cast<double>((time - TimePoint(std::chrono::seconds(kEpochSeconds))).count()) / 1e6;
}

api::Step step(const std::string& name, double seconds, std::vector<api::LockRequest> locks) {
  api::Step made;
  made.name = name;
  made.script = api::ScriptStep{"sh", std::to_string(seconds)};
  made.locks = std::move(locks);
  return made;
}
api::LockRequest exclusive(const std::string& group) {
  return {group, api::LockMode::Exclusive, std::nullopt};
}
api::LockRequest shared(const std::string& group) {
  return {group, api::LockMode::Shared, std::nullopt};
}
api::LockRequest units(const std::string& group, int count) {
  return {group, api::LockMode::Shared, count};
}

PlannerWorld::PlannerWorld(planner::Options options)
    : options_(options),
      planner_(std::make_unique<planner::Planner>(options)),
      now_(at_second(0)) {}

template <>
std::map<std::string, planner::Ptr<api::Project>>& PlannerWorld::all() {
  return projects_;
}
template <>
std::map<std::string, planner::Ptr<api::Release>>& PlannerWorld::all() {
  return releases_;
}
template <>
std::map<std::string, planner::Ptr<api::Environment>>& PlannerWorld::all() {
  return environments_;
}
template <>
std::map<std::string, planner::Ptr<api::Tenant>>& PlannerWorld::all() {
  return tenants_;
}
template <>
std::map<std::string, planner::Ptr<api::Target>>& PlannerWorld::all() {
  return targets_;
}
template <>
std::map<std::string, planner::Ptr<api::LockGroup>>& PlannerWorld::all() {
  return lock_groups_;
}
template <>
std::map<std::string, planner::Ptr<api::ConcurrencyBudget>>& PlannerWorld::all() {
  return budgets_;
}
template <>
std::map<std::string, planner::Ptr<api::TenantDeployment>>& PlannerWorld::all() {
  return deployments_;
}
template <>
std::map<std::string, planner::Ptr<api::Rollout>>& PlannerWorld::all() {
  return rollouts_;
}
template <>
std::map<std::string, planner::Ptr<api::Installation>>& PlannerWorld::all() {
  return installations_;
}
template <>
std::map<std::string, planner::Ptr<DeploymentTask>>& PlannerWorld::all() {
  return tasks_;
}
template <>
std::map<std::string, planner::Ptr<api::DeploymentWindow>>& PlannerWorld::all() {
  return windows_;
}
template <>
std::map<std::string, planner::Ptr<api::Approval>>& PlannerWorld::all() {
  return approvals_;
}
template <>
std::map<std::string, planner::Ptr<api::ReleaseHold>>& PlannerWorld::all() {
  return holds_;
}

template <class T>
void PlannerWorld::store(T object) {
  object.metadata.resource_version = next_version();
  const std::string name = object.metadata.name;
  auto shared_object = std::make_shared<const T>(std::move(object));
  all<T>()[name] = shared_object;
  ++writes_[std::string(api::kind_info<T>().kind) + "/" + name];
  planner_->set(planner::Ptr<T>(shared_object));
}

template <class T>
void PlannerWorld::put(T object) {
  const auto old = all<T>().find(object.metadata.name);
  if (old == all<T>().end()) {
    object.metadata.uid = "uid-" + std::to_string(++uid_);
    object.metadata.generation = 1;
    object.metadata.creation_timestamp = now_;
  } else {
    object.metadata.uid = old->second->metadata.uid;
    object.metadata.generation = old->second->metadata.generation + 1;
    object.metadata.creation_timestamp = old->second->metadata.creation_timestamp;
    if constexpr (requires { object.status; }) object.status = old->second->status;
  }
  store(std::move(object));
}
template void PlannerWorld::put(api::Project);
template void PlannerWorld::put(api::Release);
template void PlannerWorld::put(api::Environment);
template void PlannerWorld::put(api::Tenant);
template void PlannerWorld::put(api::Target);
template void PlannerWorld::put(api::LockGroup);
template void PlannerWorld::put(api::ConcurrencyBudget);
template void PlannerWorld::put(api::TenantDeployment);
template void PlannerWorld::put(api::Rollout);
template void PlannerWorld::put(api::DeploymentWindow);
template void PlannerWorld::put(api::Approval);
template void PlannerWorld::put(api::ReleaseHold);

void PlannerWorld::project(const std::string& name, std::vector<api::Step> steps,
                           std::vector<api::LockRequest> locks, std::optional<api::HealthCheck> check,
                           const std::string& drift) {
  api::Project object;
  object.spec.drift.mode = drift == "Never"     ? api::DriftMode::Never
                           : drift == "Correct" ? api::DriftMode::Correct
                           : drift == "Report"  ? api::DriftMode::Report
                                                : api::DriftMode::CorrectInWindow;
  object.metadata.name = name;
  object.spec.process.install_directory = "${target.installRoot}/${tenant.name}/${project.name}";
  object.spec.process.steps = std::move(steps);
  object.spec.process.locks = std::move(locks);
  object.spec.process.health_check = std::move(check);
  put(std::move(object));
}
void PlannerWorld::release(const std::string& project, const std::string& version) {
  api::Release object;
  object.metadata.name = project + "-" + version;
  object.spec.project_ref.name = project;
  object.spec.version = version;
  put(std::move(object));
}
void PlannerWorld::environment(const std::string& name) {
  api::Environment object;
  object.metadata.name = name;
  put(std::move(object));
}
void PlannerWorld::tenant(const std::string& name, std::map<std::string, std::string> labels) {
  api::Tenant object;
  object.metadata.name = name;
  object.metadata.labels = std::move(labels);
  object.spec.display_name = name;
  put(std::move(object));
}
void PlannerWorld::target(const std::string& name, int max_concurrent, bool ready) {
  api::Target object;
  object.metadata.name = name;
  object.metadata.labels = {{"name", name}};
  object.spec.environments = {"production"};
  object.spec.max_concurrent = max_concurrent;
  object.spec.install_root = "/srv";
  put(object);
  object = *targets_.at(name);
  api::set_condition(object.status.conditions, {"Ready", ready, false, "Agent", "", now_, 1});
  if (!ready) object.status.conditions.clear();
  store(std::move(object));
}
void PlannerWorld::heartbeat(const std::string& name) {
  api::Target object = *targets_.at(name);
  object.status.last_heartbeat = now_;
  store(std::move(object));
}
void PlannerWorld::lock_group(const std::string& name, api::LockGroupSpec spec) {
  api::LockGroup object;
  object.metadata.name = name;
  object.spec = spec;
  put(std::move(object));
}
void PlannerWorld::budget(const std::string& name, int max, api::PairSelector selector) {
  api::ConcurrencyBudget object;
  object.metadata.name = name;
  object.spec.max = max;
  object.spec.selector = std::move(selector);
  put(std::move(object));
}
void PlannerWorld::deployment(const std::string& name, api::TenantDeploymentSpec spec) {
  api::TenantDeployment object;
  object.metadata.name = name;
  object.spec = std::move(spec);
  if (object.spec.environment_ref.name.empty()) object.spec.environment_ref.name = "production";
  if (!object.spec.untenanted && !object.spec.tenants) object.spec.tenants = api::LabelSelector{};
  put(std::move(object));
}

void PlannerWorld::remove(const std::string& kind, const std::string& name) {
  if (kind == "Project") projects_.erase(name);
  if (kind == "Release") releases_.erase(name);
  if (kind == "Environment") environments_.erase(name);
  if (kind == "Tenant") tenants_.erase(name);
  if (kind == "Target") targets_.erase(name);
  if (kind == "LockGroup") lock_groups_.erase(name);
  if (kind == "ConcurrencyBudget") budgets_.erase(name);
  if (kind == "TenantDeployment") deployments_.erase(name);
  if (kind == "Rollout") rollouts_.erase(name);
  if (kind == "Installation") installations_.erase(name);
  if (kind == "DeploymentTask") tasks_.erase(name);
  if (kind == "DeploymentWindow") windows_.erase(name);
  if (kind == "Approval") approvals_.erase(name);
  if (kind == "ReleaseHold") holds_.erase(name);
  planner_->remove(kind, name);
}

// ---- effects ---------------------------------------------------------------------------------

template <class T, class Change>
void PlannerWorld::change_status(const Change& change) {
  const auto place = all<T>().find(change.name);
  if (place == all<T>().end() || place->second->metadata.resource_version != change.based_on)
    return;
  T object = *place->second;
  object.status = change.status;
  store(std::move(object));
}

void PlannerWorld::apply(const planner::Effect& effect) {
  using namespace planner;  // the effects' names
  if (lose && lose(effect)) return;
  if (const auto* change = std::get_if<CreateInstallation>(&effect)) {
    if (installations_.count(change->object.metadata.name) != 0) return;
    api::Installation object = change->object;
    object.metadata.uid = "uid-" + std::to_string(++uid_);
    object.metadata.generation = 1;
    object.metadata.creation_timestamp = now_;
    store(std::move(object));
  } else if (const auto* update = std::get_if<UpdateInstallation>(&effect)) {
    const auto place = installations_.find(update->name);
    if (place == installations_.end() ||
        place->second->metadata.resource_version != update->based_on)
      return;
    api::Installation object = *place->second;
    object.spec = update->spec;
    ++object.metadata.generation;
    store(std::move(object));
  } else if (const auto* gone = std::get_if<DeleteInstallation>(&effect)) {
    remove("Installation", gone->name);
    const auto tasks = tasks_;
    for (const auto& [name, task] : tasks) {
      if (task->spec.installation == gone->name) remove("DeploymentTask", name);
    }
  } else if (const auto* rollout = std::get_if<CreateRollout>(&effect)) {
    if (rollouts_.count(rollout->object.metadata.name) == 0) put(rollout->object);
  } else if (const auto* reset = std::get_if<ResetRollout>(&effect)) {
    const auto place = rollouts_.find(reset->name);
    if (place == rollouts_.end() || place->second->metadata.resource_version != reset->based_on) return;
    api::Rollout object = *place->second;
    object.spec.cancel = false;
    object.spec.accepted_failures.clear();
    put(std::move(object));
  } else if (const auto* hold = std::get_if<CreateHold>(&effect)) {
    if (holds_.count(hold->object.metadata.name) == 0) put(hold->object);
  } else if (const auto* free = std::get_if<DeleteHold>(&effect)) {
    remove("ReleaseHold", free->name);
  } else if (const auto* window = std::get_if<WindowStatusChange>(&effect)) {
    change_status<api::DeploymentWindow>(*window);
  } else if (const auto* created = std::get_if<CreateTask>(&effect)) {
    if (tasks_.count(created->object.metadata.name) != 0) return;
    DeploymentTask object = created->object;
    object.metadata.uid = "uid-" + std::to_string(++uid_);
    object.metadata.creation_timestamp = now_;
    store(std::move(object));
  } else if (const auto* deleted = std::get_if<DeleteTask>(&effect)) {
    remove("DeploymentTask", deleted->name);
  } else if (const auto* cancel = std::get_if<CancelTask>(&effect)) {
    const auto place = tasks_.find(cancel->name);
    if (place == tasks_.end() || place->second->metadata.resource_version != cancel->based_on)
      return;
    DeploymentTask object = *place->second;
    object.spec.cancel = cancel->cancel;
    store(object);
    agent_sees(*tasks_.at(cancel->name));
  } else if (const auto* grant = std::get_if<GrantTask>(&effect)) {
    const auto place = tasks_.find(grant->name);
    if (place == tasks_.end() || place->second->metadata.resource_version != grant->based_on)
      return;
    DeploymentTask object = *place->second;
    object.status.phase = TaskPhase::Running;
    object.status.grant = grant->grant;
    if (!object.status.started_at) object.status.started_at = now_;
    store(object);
    agent_sees(*tasks_.at(grant->name));
  } else if (const auto* end = std::get_if<EndTask>(&effect)) {
    const auto place = tasks_.find(end->name);
    if (place == tasks_.end() || place->second->metadata.resource_version != end->based_on) return;
    DeploymentTask object = *place->second;
    object.status.phase = end->phase;
    object.status.reason = end->reason;
    object.status.message = end->message;
    object.status.superseded_by = end->superseded_by;
    object.status.finished_at = now_;
    store(std::move(object));
  } else if (const auto* release = std::get_if<ReleaseStatusChange>(&effect)) {
    change_status<api::Release>(*release);
  } else if (const auto* project = std::get_if<ProjectStatusChange>(&effect)) {
    change_status<api::Project>(*project);
  } else if (const auto* deployment = std::get_if<TenantDeploymentStatusChange>(&effect)) {
    change_status<api::TenantDeployment>(*deployment);
  } else if (const auto* status = std::get_if<RolloutStatusChange>(&effect)) {
    change_status<api::Rollout>(*status);
  } else if (const auto* installation = std::get_if<InstallationStatusChange>(&effect)) {
    change_status<api::Installation>(*installation);
  } else if (const auto* group = std::get_if<LockGroupStatusChange>(&effect)) {
    change_status<api::LockGroup>(*group);
  } else if (const auto* budget = std::get_if<BudgetStatusChange>(&effect)) {
    change_status<api::ConcurrencyBudget>(*budget);
  }
  if (after_step) after_step();
}

// ---- the agent -------------------------------------------------------------------------------

void PlannerWorld::agent_sees(const DeploymentTask& task) {
  if (silent.count(task.metadata.name) != 0) return;
  if (!agent_works || api::is_terminal(task.status.phase) || !task.status.grant) return;
  const auto& grant = *task.status.grant;
  const std::int64_t fence = number(grant.fence);
  const bool new_grant = fence > seen_fence_[task.metadata.name];
  if (new_grant) seen_fence_[task.metadata.name] = fence;
  DeploymentTask seen = task;
  seen.status.steps.resize(task.spec.steps.size());
  bool pending = false;
  bool running = false;
  for (std::size_t i = 0; i < seen.status.steps.size(); ++i) {
    seen.status.steps[i].name = task.spec.steps[i].step.name;
    pending = pending || seen.status.steps[i].phase == StepPhase::Pending;
    running = running || seen.status.steps[i].phase == StepPhase::Running;
  }
  if (task.spec.cancel && !running) {
    const bool timed_out = task.spec.cancel->reason == "LockWaitTimeout";
    seen.status.phase = timed_out ? TaskPhase::Failed : TaskPhase::Cancelled;
    seen.status.reason = task.spec.cancel->reason;
    seen.status.message = task.spec.cancel->message;
    finish_task(std::move(seen));
    return;
  }
  if (!pending && !running) {
    seen.status.phase = TaskPhase::Succeeded;
    finish_task(std::move(seen));
    return;
  }
  if (!new_grant || grant.step_count == 0) return;
  double longest = 0;
  for (int i = grant.step; i < grant.step + grant.step_count; ++i) {
    auto& status = seen.status.steps[static_cast<std::size_t>(i)];
    if (status.phase != StepPhase::Pending) continue;
    status.phase = StepPhase::Running;
    status.attempt = i == grant.step ? grant.step_attempt : status.attempt + 1;
    status.started_at = now_;
    status.retry_at.reset();
    longest = std::max(longest, seconds_of_step(task.spec.steps[static_cast<std::size_t>(i)].step));
  }
  running_.emplace(now_ + (at_second(longest) - at_second(0)),
                   std::make_pair(task.metadata.name, fence));
  store(std::move(seen));
}

void PlannerWorld::finish_group(const std::string& name, std::int64_t fence) {
  const auto place = tasks_.find(name);
  if (place == tasks_.end() || api::is_terminal(place->second->status.phase)) return;
  if (place->second->status.phase == TaskPhase::Orphaned) return;
  DeploymentTask task = *place->second;
  if (number(task.status.grant->fence) != fence) return;
  bool failed = false;
  for (std::size_t i = 0; i < task.status.steps.size(); ++i) {
    auto& status = task.status.steps[i];
    if (status.phase != StepPhase::Running) continue;
    const auto& step = task.spec.steps[i].step;
    const auto how = outcome ? outcome(task, status.name, status.attempt) : Outcome::Succeed;
    intervals_.push_back({name, status.name, status.attempt, second_of(*status.started_at), now()});
    if (how == Outcome::Retry && status.attempt <= step.retry.limit) {
      status.phase = StepPhase::Pending;
      status.retry_at = now_ + step.retry.backoff;
      continue;
    }
    status.phase = how == Outcome::Succeed ? StepPhase::Succeeded : StepPhase::Failed;
    if (how != Outcome::Succeed) status.message = "it failed";
    status.finished_at = now_;
    failed = failed || how != Outcome::Succeed;
  }
  if (failed) {
    for (auto& status : task.status.steps) {
      if (!is_finished(status)) status.phase = StepPhase::Skipped;
    }
    task.status.phase = TaskPhase::Failed;
    task.status.reason = "StepFailed";
    finish_task(std::move(task));
    return;
  }
  const bool over = std::all_of(task.status.steps.begin(), task.status.steps.end(), is_finished);
  if (over) {
    task.status.phase = TaskPhase::Succeeded;
    finish_task(std::move(task));
    return;
  }
  const bool cancelled = task.spec.cancel.has_value();
  store(std::move(task));
  if (cancelled) agent_sees(*tasks_.at(name));
}

void PlannerWorld::finish_task(DeploymentTask task) {
  task.status.finished_at = now_;
  if (half_removals && task.spec.action == api::Action::Remove && task.status.phase == TaskPhase::Succeeded) {
    task.status.phase = TaskPhase::Failed;
    task.status.reason = "InstallDirectory";
    task.status.message = "cannot remove releases: Permission denied";
    task.status.nothing_installed = true;
  }
  if (task.status.phase == TaskPhase::Succeeded && task.spec.action != api::Action::Remove) {
    task.status.reported_version = task.spec.version;
    task.status.reported_digest = report_digest.empty() ? task.spec.digest : report_digest;
  }
  store(std::move(task));
}

void PlannerWorld::interrupt(const std::string& name) {
  DeploymentTask task = *tasks_.at(name);
  task.status.phase = TaskPhase::Interrupted;
  task.status.reason = "AgentDied";
  finish_task(std::move(task));
}
void PlannerWorld::orphan(const std::string& name) {
  DeploymentTask task = *tasks_.at(name);
  task.status.phase = TaskPhase::Orphaned;
  store(std::move(task));
}

void PlannerWorld::prove_dead(const std::string& name) {
  DeploymentTask task = *tasks_.at(name);
  task.status.phase = TaskPhase::TimedOut;
  task.status.reason = "TaskTimeout";
  finish_task(std::move(task));
}
void PlannerWorld::annotate(const std::string& name, const std::string& key, const std::string& value) {
  api::TenantDeployment object = *deployments_.at(name);
  object.metadata.annotations[key] = value;
  store(std::move(object));
}
const DeploymentTask& PlannerWorld::newest_success(const std::string& installation) const {
  const DeploymentTask* newest = nullptr;
  for (const auto& [name, task] : tasks_) {
    const bool ours = task->spec.installation == installation && task->status.phase == TaskPhase::Succeeded;
    if (ours && (newest == nullptr || task->spec.attempt > newest->spec.attempt)) newest = task.get();
  }
  if (newest == nullptr) throw std::logic_error("no success of " + installation);
  return *newest;
}
void PlannerWorld::drift(const std::string& installation) {
  DeploymentTask task = newest_success(installation);
  task.status.drift = api::DriftReport{now_, "", "", "the receipt is gone"};
  store(std::move(task));
}
void PlannerWorld::health(const std::string& installation, bool healthy) {
  DeploymentTask task = newest_success(installation);
  task.status.health = api::HealthReport{healthy, now_, healthy ? "" : "does not answer"};
  store(std::move(task));
}

void PlannerWorld::crash_planner() {
  ++options_.epoch;
  planner_ = std::make_unique<planner::Planner>(options_);
  tell_all(
      [&](const auto& objects) {
        for (const auto& [name, object] : objects) planner_->set(object);
      },
      true);
}

// ---- time ------------------------------------------------------------------------------------

void PlannerWorld::settle() {
  for (int round = 0; round < 1000; ++round) {
    ++plans_;
    const auto effects = planner_->plan(now_);
    next_plan_ = effects.next;
    if (after_plan) after_plan(effects);
    if (effects.effects.empty()) return;
    for (const auto& effect : effects.effects) apply(effect);
  }
  throw std::logic_error("the planner does not come to rest");
}

void PlannerWorld::run_until(double second) {
  const TimePoint until = at_second(second);
  settle();
  while (true) {
    TimePoint next = next_plan_;
    if (!running_.empty()) next = std::min(next, running_.begin()->first);
    if (next > until) break;
    now_ = std::max(now_, next);
    while (!running_.empty() && running_.begin()->first <= now_) {
      const auto [task, fence] = running_.begin()->second;
      running_.erase(running_.begin());
      finish_group(task, fence);
    }
    settle();
  }
  now_ = std::max(now_, until);
}

void PlannerWorld::run(double second_max) {
  settle();
  while (!running_.empty() || next_plan_ != kNever) {
    TimePoint next = next_plan_;
    if (!running_.empty()) next = std::min(next, running_.begin()->first);
    if (next > at_second(second_max)) return;
    run_until(second_of(next));
  }
}

}  // namespace tidelock::testing
