// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/rehearsal.h"

#include <algorithm>

#include "controller/planner/task_state.h"

namespace tidelock::planner {
namespace {

using api::DeploymentTask;
using api::StepPhase;
using api::TaskPhase;

// Writes follow writes (release, installation, task, grant, statuses); more than this is a circle.
constexpr int kRoundsMax = 100;

bool is_over(StepPhase phase) { return phase != StepPhase::Pending && phase != StepPhase::Running; }

bool all_over(const DeploymentTask& task) {
  return task.status.steps.size() >= task.spec.steps.size() &&
         std::all_of(task.status.steps.begin(), task.status.steps.end(),
                     [](const api::StepStatus& step) { return is_over(step.phase); });
}

// Steps that the grant covers and that exist.
std::pair<std::size_t, std::size_t> granted(const DeploymentTask& task) {
  const auto& grant = *task.status.grant;
  const auto first = static_cast<std::size_t>(std::max(grant.step, 0));
  const auto count = static_cast<std::size_t>(std::max(grant.step_count, 0));
  return {first, std::min(first + count, task.spec.steps.size())};
}

// All facts into the planner.
template <class T>
void tell(Planner& planner, const ByName<T>& objects) {
  for (const auto& [name, object] : objects) planner.set(object);
}

}  // namespace

// One overload for each effect.
class Rehearsal::Writer {
 public:
  explicit Writer(Rehearsal& all) : all_(all), facts_(all.facts_) {}

  void operator()(const CreateInstallation& effect) { create(facts_.installations, effect.object); }
  void operator()(const CreateRollout& effect) { create(facts_.rollouts, effect.object); }
  void operator()(const CreateHold& effect) { create(facts_.holds, effect.object); }
  void operator()(const CreateTask& effect) { create(facts_.tasks, effect.object); }
  void operator()(const UpdateInstallation& effect) {
    const auto* known = find(facts_.installations, effect.name);
    if (known == nullptr || known->metadata.resource_version != effect.based_on) return;
    api::Installation object = *known;
    object.spec = effect.spec;
    ++object.metadata.generation;
    all_.put(facts_.installations, std::move(object));
  }
  void operator()(const ResetRollout& effect) {
    const auto* known = find(facts_.rollouts, effect.name);
    if (known == nullptr || known->metadata.resource_version != effect.based_on) return;
    api::Rollout object = *known;
    object.spec.cancel = false;
    object.spec.accepted_failures.clear();
    ++object.metadata.generation;
    all_.put(facts_.rollouts, std::move(object));
  }
  void operator()(const DeleteInstallation& effect) {
    all_.erase("Installation", facts_.installations, effect.name);
    const std::string prefix = effect.name + "-";
    auto task = facts_.tasks.lower_bound(prefix);
    while (task != facts_.tasks.end() && task->first.starts_with(prefix)) {
      const std::string name = task->first;
      const bool its = task->second->spec.installation == effect.name;
      ++task;
      if (its) all_.erase("DeploymentTask", facts_.tasks, name);
    }
  }
  void operator()(const DeleteHold& effect) {
    all_.erase("ReleaseHold", facts_.holds, effect.name);
  }
  void operator()(const DeleteTask& effect) {
    all_.erase("DeploymentTask", facts_.tasks, effect.name);
  }
  void operator()(const CancelTask& effect) {
    const auto* known = all_.current(effect.name, effect.based_on);
    if (known == nullptr) return;
    DeploymentTask object = *known;
    object.spec.cancel = effect.cancel;
    const bool steps_run = view_of(*known).state == TaskState::Running;
    if (object.status.grant && !steps_run) {
      all_.end_task(std::move(object), TaskPhase::Cancelled);
    } else {
      all_.put(facts_.tasks, std::move(object));
    }
  }
  void operator()(const GrantTask& effect) {
    const auto* known = all_.current(effect.name, effect.based_on);
    if (known == nullptr) return;
    DeploymentTask object = *known;
    object.status.phase = TaskPhase::Running;
    object.status.grant = effect.grant;
    if (!object.status.started_at) object.status.started_at = all_.now_;
    all_.put(facts_.tasks, object);
    all_.schedule(object);
  }
  void operator()(const EndTask& effect) {
    const auto* known = all_.current(effect.name, effect.based_on);
    if (known == nullptr) return;
    DeploymentTask object = *known;
    object.status.phase = effect.phase;
    object.status.reason = effect.reason;
    object.status.message = effect.message;
    object.status.superseded_by = effect.superseded_by;
    object.status.finished_at = all_.now_;
    all_.put(facts_.tasks, std::move(object));
  }
  void operator()(const ReleaseStatusChange& effect) { status(facts_.releases, effect); }
  void operator()(const ProjectStatusChange& effect) { status(facts_.projects, effect); }
  void operator()(const TenantDeploymentStatusChange& effect) {
    status(facts_.deployments, effect);
  }
  void operator()(const RolloutStatusChange& effect) { status(facts_.rollouts, effect); }
  void operator()(const InstallationStatusChange& effect) { status(facts_.installations, effect); }
  void operator()(const WindowStatusChange& effect) { status(facts_.windows, effect); }
  void operator()(const LockGroupStatusChange& effect) { status(facts_.lock_groups, effect); }
  void operator()(const BudgetStatusChange& effect) { status(facts_.budgets, effect); }

 private:
  template <class T>
  void create(ByName<T>& objects, T object) {
    if (objects.contains(object.metadata.name)) return;
    object.metadata.uid = "rehearsed-" + std::to_string(all_.version_ + 1);
    object.metadata.generation = 1;
    object.metadata.creation_timestamp = all_.now_;
    all_.put(objects, std::move(object));
  }
  template <class T, class Change>
  void status(ByName<T>& objects, const Change& change) {
    all_.change_status(objects, change);
  }

  Rehearsal& all_;
  Facts& facts_;
};

Rehearsal::Rehearsal(const Facts& facts, TimePoint now)
    : facts_(facts), planner_(Options{}), now_(now) {
  facts_.attempts.clear();  // an index of the planner's own facts
  tell(planner_, facts_.projects), tell(planner_, facts_.releases);
  tell(planner_, facts_.environments), tell(planner_, facts_.tenants);
  tell(planner_, facts_.targets), tell(planner_, facts_.lock_groups);
  tell(planner_, facts_.budgets), tell(planner_, facts_.deployments);
  tell(planner_, facts_.rollouts), tell(planner_, facts_.installations);
  tell(planner_, facts_.tasks), tell(planner_, facts_.windows);
  tell(planner_, facts_.approvals), tell(planner_, facts_.holds);
}

template <class T>
void Rehearsal::put(ByName<T>& objects, T object) {
  object.metadata.resource_version = "rehearsed-" + std::to_string(++version_);
  auto shared = std::make_shared<const T>(std::move(object));
  objects.put(shared);
  planner_.set(Ptr<T>(shared));
}

template <class Kind>
void Rehearsal::erase(const char* kind, ByName<Kind>& objects, const std::string& name) {
  const std::string copy = name;
  planner_.remove(kind, copy);
  objects.erase(copy);
}

template <class T, class Change>
void Rehearsal::change_status(ByName<T>& objects, const Change& change) {
  const auto* known = find(objects, change.name);
  if (known == nullptr || known->metadata.resource_version != change.based_on) return;
  T object = *known;
  object.status = change.status;
  put(objects, std::move(object));
}

const DeploymentTask* Rehearsal::current(const std::string& name,
                                         const std::string& based_on) const {
  const auto* known = find(facts_.tasks, name);
  return known != nullptr && known->metadata.resource_version == based_on ? known : nullptr;
}

void Rehearsal::write(const Effect& effect) { std::visit(Writer(*this), effect); }

void Rehearsal::add(api::Approval approval) {
  approval.metadata.creation_timestamp = now_;
  put(facts_.approvals, std::move(approval));
}

bool Rehearsal::settle() {
  for (int round = 0; round < kRoundsMax; ++round) {
    const Effects effects = planner_.plan(now_);
    next_plan_ = effects.next;
    if (effects.effects.empty()) return true;
    for (const Effect& effect : effects.effects) write(effect);
  }
  return false;
}

// ---- steps that run ----------------------------------------------------------------------------

// The agent's part: granted steps begin at once, and a task without steps left ends.
void Rehearsal::schedule(const DeploymentTask& task) {
  const TaskState state = view_of(task).state;
  const bool runs = state == TaskState::Running || state == TaskState::Finishing ||
                    state == TaskState::Cancelling;
  if (step_time_ == nullptr || !runs) return;
  Times& times = times_[task.spec.installation];
  if (!times.started || times.finished) times = {task.status.started_at.value_or(now_), {}};
  const auto [first, end] = granted(task);
  Duration longest{};
  for (std::size_t step = first; step < end; ++step) {
    if (step < task.status.steps.size() && is_over(task.status.steps[step].phase)) continue;
    const auto time = (*step_time_)(task, step);
    if (time) {
      longest = std::max(longest, *time);
    } else if (unknown_.empty()) {
      unknown_ = "step " + task.spec.steps[step].step.name + " of project " + task.spec.project +
                 " on " + task.spec.target;
    }
  }
  agenda_.emplace(std::max(now_, task.status.grant->step_granted_at + longest), task.metadata.name);
}

void Rehearsal::end_step_group(const std::string& name) {
  const auto* known = find(facts_.tasks, name);
  if (known == nullptr || api::is_terminal(known->status.phase) || !known->status.grant) return;
  DeploymentTask task = *known;
  const std::size_t before = task.status.steps.size();
  task.status.steps.resize(std::max(before, task.spec.steps.size()));
  for (std::size_t i = before; i < task.spec.steps.size(); ++i) {
    task.status.steps[i].name = task.spec.steps[i].step.name;
  }
  const auto [first, end] = granted(task);
  for (std::size_t step = first; step < end; ++step) {
    auto& status = task.status.steps[step];
    if (is_over(status.phase)) continue;
    const bool skipped = task.spec.steps[step].step.when == "Failure";
    status.phase = skipped ? StepPhase::Skipped : StepPhase::Succeeded;
    status.attempt = std::max(status.attempt, task.status.grant->step_attempt);
    status.started_at = task.status.grant->step_granted_at;
    status.finished_at = now_;
    status.retry_at.reset();
  }
  if (all_over(task)) return end_task(std::move(task), TaskPhase::Succeeded);
  if (task.spec.cancel) return end_task(std::move(task), TaskPhase::Cancelled);
  put(facts_.tasks, std::move(task));
}

void Rehearsal::end_task(DeploymentTask task, TaskPhase phase) {
  task.status.phase = phase;
  task.status.finished_at = now_;
  if (phase == TaskPhase::Succeeded) {
    if (task.spec.action != api::Action::Remove) {
      task.status.reported_version = task.spec.version;
      task.status.reported_digest = task.spec.digest;
    }
    if (task.spec.health_check) task.status.health = api::HealthReport{true, now_, ""};
    times_[task.spec.installation].finished = now_;
  } else if (task.spec.cancel) {
    task.status.reason = task.spec.cancel->reason;
    task.status.message = task.spec.cancel->message;
  }
  put(facts_.tasks, std::move(task));
}

bool Rehearsal::run(const StepTime& step_time, TimePoint until, int events_max) {
  step_time_ = &step_time;
  for (const auto& [name, task] : facts_.tasks) schedule(*task);
  bool ended = settle();
  for (int events = 0; ended && unknown_.empty(); ++events) {
    const TimePoint next = std::min(next_plan_, agenda_.empty() ? kNever : agenda_.begin()->first);
    if (next > until || next == kNever) break;
    if (events >= events_max) {
      ended = false;
      break;
    }
    now_ = std::max(now_, next);
    while (!agenda_.empty() && agenda_.begin()->first <= now_) {
      const std::string task = agenda_.begin()->second;
      agenda_.erase(agenda_.begin());
      end_step_group(task);
    }
    ended = settle();
  }
  step_time_ = nullptr;
  return ended;
}

}  // namespace tidelock::planner
