// SPDX-License-Identifier: Apache-2.0
// From decided pairs to grants: what each task asks of Admission, and what its answer means.
#include "controller/base/plant.h"
#include "controller/planner/planner_state.h"
#include "controller/planner/task_builder.h"

namespace tidelock::planner {
namespace {

constexpr std::size_t kWaitsKept = 8;
constexpr int kBrokenFirst = 1 << 30;

// The installed release is applied again, outside of any rollout.
bool is_correction(const api::DeploymentTask& task) {
  return task.spec.action == api::Action::Redeploy && task.spec.rollout.empty();
}

// The last thing that happened to the pair was that another release failed there.
bool broken_before(const api::InstallationStatus& status, const std::string& digest) {
  if (status.history.empty()) return false;
  const auto& last = status.history.front();
  return last.digest != digest && (last.phase == "Failed" || last.phase == "TimedOut");
}

void add_wants(const std::vector<api::TaskLock>& locks, int step, Request& request) {
  for (const auto& lock : locks) request.wants.push_back({lock, step, {}});
}

bool may_wait(TaskState state) {
  return state == TaskState::Unstarted || state == TaskState::Boundary ||
         state == TaskState::Parked;
}

Request request_of(const api::DeploymentTask& task, const TaskView& view) {
  Request request;
  request.task = task.metadata.name;
  request.rollout = task.spec.rollout;
  request.priority = task.spec.priority;
  request.started = view.started;
  request.requested_at = view.requested_at;
  request.uses_slot = view.uses_slot;
  if (!task.status.grant) return request;
  const auto& grant = *task.status.grant;
  for (const auto& lock : view.locks) request.holds.push_back({lock, -1, grant.granted_at});
  for (const auto& lock : view.step_locks)
    request.holds.push_back({lock, grant.step, grant.step_granted_at});
  return request;
}

}  // namespace

// Tells Admission what the task holds and wants; returns when that changes by time alone.
TimePoint Planner::State::update_request(const api::DeploymentTask& task, const Wish* wish,
                                         const Decision& decision, TimePoint now) {
  const std::string& name = task.metadata.name;
  const TaskView view = view_of(task);
  const bool ends =
      decision.ending.count(name) != 0 || timed_out.count(name) != 0 || task.spec.cancel;
  const bool unstarted = !view.started && view.state != TaskState::Orphaned;
  auto gate = unstarted ? start_gate(facts, task) : started_gate(task, now);
  Request request = request_of(task, view);
  request.budgets = budgets_of(facts, task.spec);
  request.waiting = may_wait(view.state) && !gate && !ends;
  // One that is not wished for any more is about to be replaced or ended.
  if (unstarted && task.spec.digest != decision.digest) request.waiting = false;
  if (wish != nullptr) {
    request.wave = wish->wave;
    request.rank = wish->rank;
    if (unstarted && broken_before(decision.base, task.spec.digest)) request.rank -= kBrokenFirst;
    const bool forward = task.spec.rollout == wish->rollout && task.spec.digest == wish->choice.digest;
    if (const auto* opening = forward ? opening_of(*wish) : nullptr) {
      request.window = window_name(*wish);
      if (opening->slots) request.budgets.push_back(request.window);
      if (unstarted && !opening->open) {
        request.waiting = false;
        if (!gate) gate = opening->blocked;
      }
    }
  }
  TimePoint due = kNever;
  if (unstarted && !gate && wish != nullptr && task.spec.action != api::Action::Rollback)
    gate = promotion_gate(*wish, now, due);
  if (unstarted && !gate) gate = window_gate(task);
  if (is_correction(task)) request.budgets.push_back(kCorrections);
  if (gate) request.waiting = false;
  if (decision.overdue && view.started) {
    request.uses_slot = false;
    request.window.clear();
  }
  must_park.erase(name);
  gates.erase(name);
  if (gate) {
    if (gate->until) due = std::min(due, *gate->until);
    record_wait(name, *gate, now);
    gates.emplace(name, std::move(*gate));
    if (view.state == TaskState::Boundary && !ends) {
      request.uses_slot = false;
      must_park.insert(name);
    }
  }
  if (request.waiting) {
    if (view.state == TaskState::Unstarted) add_wants(task.spec.locks, -1, request);
    add_wants(view.next.locks, view.next.step, request);
    candidate_since.emplace(name, std::max(view.requested_at, now));
    order_by_work(task, view, request);
  } else {
    by_work.erase(name);
    candidate_since.erase(name);
    lock_waits.set(name, kNever);
  }
  // What was offered and not written yet is offered anew, if it still holds then.
  grants.erase(name);
  early_grants.erase(name);
  admission.update(std::move(request));
  return due;
}

std::optional<api::BlockedBy> Planner::State::window_gate(const api::DeploymentTask& task) {
  // Correct means at once; CorrectInWindow waits like everything else.
  const auto* project = find(facts.projects, task.spec.project);
  const bool at_once = project != nullptr && project->spec.drift.mode == api::DriftMode::Correct;
  if (at_once && is_correction(task)) return std::nullopt;
  const auto verdict = window_verdict(task);
  if (verdict.open) return std::nullopt;
  api::BlockedBy blocked;
  blocked.kind = "Window";
  blocked.name = verdict.window;
  blocked.message = verdict.message;
  blocked.since = task.spec.requested_at;
  blocked.until = verdict.until;
  return blocked;
}

// Under `rollout.order.by: [remaining-work]`. Broken pairs go first all the same.
void Planner::State::order_by_work(const api::DeploymentTask& task, const TaskView& view, Request& request) {
  const auto* rollout = find(facts.rollouts, task.spec.rollout);
  if (rollout == nullptr || !orders_by_work(rollout->spec.strategy)) {
    by_work.erase(task.metadata.name);
    return;
  }
  by_work[task.metadata.name] = task.spec.project;
  if (request.rank >= 0) request.work = durations.work(task, view.next);
}

// Durations that were learned since put the waiting tasks of their projects in another order.
void Planner::State::reorder_by_work() {
  const auto changed = durations.take_changed();
  if (changed.empty()) return;
  for (const auto& [name, project] : by_work) {
    const auto* task = changed.count(project) != 0 ? find(facts.tasks, name) : nullptr;
    if (task != nullptr) stale.installations.insert(task->spec.installation);
  }
}

void Planner::State::forget_task(const std::string& task) {
  by_work.erase(task);
  admission.remove(task);
  lock_waits.set(task, kNever);
  candidate_since.erase(task);
  timed_out.erase(task);
  gates.erase(task);
  must_park.erase(task);
  early_grants.erase(task);
  waits.erase(task);
}

void Planner::State::admit(TimePoint now) {
  expire_lock_waits(now);
  const auto outcome = admission.run(now);
  for (const auto& task : outcome.parked) compose_grant(task, true, now);
  for (const auto& task : must_park) compose_grant(task, true, now);
  compose_grants(outcome.granted, now);
  const auto changes = admission.take_changed(options.status_waiters_max);
  for (const auto& name : changes.tasks) {
    const auto* task = find(facts.tasks, name);
    if (task == nullptr) continue;
    stale.installation_status.insert(task->spec.installation);
    const auto obstacle = admission.obstacle(name, options.status_waiters_max);
    if (obstacle.kind == Obstacle::Kind::None) continue;
    record_wait(name, explain_wait(*task, obstacle), now);
    const auto since = candidate_since.find(name);
    if (obstacle.wait_timeout && since != candidate_since.end()) {
      lock_waits.set(name, since->second + *obstacle.wait_timeout);
    }
  }
  stale.lock_groups.insert(changes.groups.begin(), changes.groups.end());
  stale.budgets.insert(changes.budgets.begin(), changes.budgets.end());
}

// waitTimeout: the task ends as Failed (LockWaitTimeout) and the message names the holder.
void Planner::State::expire_lock_waits(TimePoint now) {
  for (const auto& name : lock_waits.take_due(now)) {
    const auto* task = find(facts.tasks, name);
    if (task == nullptr) continue;
    const auto obstacle = admission.obstacle(name, options.status_waiters_max);
    if (obstacle.kind != Obstacle::Kind::Lock || !obstacle.wait_timeout) continue;
    const auto blocked = explain_wait(*task, obstacle);
    timed_out.emplace(name, "waited longer than " + format_duration(*obstacle.wait_timeout) + ": " +
                                blocked.message);
    decide_pair(task->spec.installation, now);
  }
}

// Who goes on the slot of a task that is to be parked goes when that is a fact, under a fence of then.
void Planner::State::compose_grants(const std::vector<std::string>& granted, TimePoint now) {
  std::vector<std::string> going(early_grants.begin(), early_grants.end());
  going.insert(going.end(), granted.begin(), granted.end());
  if (going.empty()) return;
  std::vector<std::string> parking;
  for (const auto& [task, grant] : grants) {
    if (grant.grant.step_count == 0) parking.push_back(task);
  }
  early_grants = admission.on_slots_of(parking, going);
  for (const auto& task : going) {
    if (!early_grants.contains(task)) compose_grant(task, false, now);
  }
}

void Planner::State::compose_grant(const std::string& name, bool park, TimePoint now) {
  const auto* task = find(facts.tasks, name);
  if (task == nullptr) return;
  const auto& version = task->metadata.resource_version;
  const auto old = grants.find(name);
  // A parking grant is asked for again until it is a fact; it stays the same one.
  if (park && old != grants.end() && old->second.grant.step_count == 0) return;
  const TaskView view = view_of(*task);
  api::TaskGrant grant = task->status.grant.value_or(api::TaskGrant{});
  if (!task->status.grant) grant.granted_at = now;
  grant.locks = task->spec.locks;
  fence.epoch = std::max(fence.epoch, options.epoch);
  if (!TIDELOCK_PLANT(ForgetFence)) ++fence.sequence;
  grant.fence = fence;
  grant.step = view.next.step;
  grant.step_attempt = view.next.attempt;
  grant.step_count = park ? 0 : view.next.count;
  grant.step_locks = park ? std::vector<api::TaskLock>{} : view.next.locks;
  if (!park) {
    grant.step_granted_at = now;
    grant.waits.clear();
    auto& log = waits[name];
    if (!log.empty()) log.back().until = now;
    for (const auto& wait : log) {
      if (wait.until > wait.from) grant.waits.push_back(wait);
    }
    waits.erase(name);
  }
  grants[name] = GrantTask{name, version, std::move(grant)};
}

// The story of one request: what it waited for, one after the other.
void Planner::State::record_wait(const std::string& task, const api::BlockedBy& blocked,
                                 TimePoint now) {
  auto& log = waits[task];
  if (!log.empty() && log.back().kind == blocked.kind && log.back().name == blocked.name) {
    if (log.back().holder.empty()) log.back().holder = blocked.holder;
    return;
  }
  const TimePoint from = log.empty() ? blocked.since : now;
  if (!log.empty()) log.back().until = now;
  log.push_back({blocked.kind, blocked.name, blocked.holder, from, from});
  if (log.size() > kWaitsKept) log.erase(log.begin());
}

std::vector<api::BlockedBy> Planner::State::why_task(const std::string& name,
                                                     std::size_t position_max) const {
  const auto gate = gates.find(name);
  if (gate != gates.end()) return {gate->second};
  const auto* task = find(facts.tasks, name);
  if (task == nullptr) return {};
  Obstacle obstacle = admission.obstacle(name, position_max);
  // Far down the line the holder changes more often than it matters.
  if (obstacle.kind == Obstacle::Kind::Lock && !obstacle.position) obstacle = admission.filed(name);
  if (obstacle.kind == Obstacle::Kind::None) return {};
  // Shares change with every slot: who asks is told, but no status is written for it.
  if (position_max == options.status_waiters_max) obstacle.share = {};
  return {explain_wait(*task, obstacle)};
}

// The limits of a wave are windows and budgets of Admission, with names of their own.
api::BlockedBy Planner::State::explain_wait(const api::DeploymentTask& task, const Obstacle& obstacle) const {
  api::BlockedBy blocked = explain(facts, obstacle, view_of(task).requested_at);
  const auto* opening = opening_of_window(obstacle.name);
  if (opening == nullptr) return blocked;
  const bool slots = obstacle.kind == Obstacle::Kind::Budget;
  if (!slots && obstacle.kind != Obstacle::Kind::Window) return blocked;
  blocked.kind = slots ? "InFlight" : opening->window_kind;
  const std::string in_use = std::to_string(obstacle.used) + "/" + std::to_string(obstacle.max);
  blocked.message = "waits for " + blocked.kind + " " + obstacle.name + " (" + in_use +
                    (slots ? " running)" : " started)");
  return blocked;
}

std::vector<api::BlockedBy> Planner::State::why_pair(const PairEntry& pair,
                                                     std::size_t position_max) const {
  std::vector<api::BlockedBy> all;
  for (const auto& task : {pair.decision->task, pair.decision->queued}) {
    if (task.empty()) continue;
    for (auto& blocked : why_task(task, position_max)) all.push_back(std::move(blocked));
  }
  if (!all.empty()) return all;
  if (pair.decision->blocked) return {*pair.decision->blocked};
  return {};
}

}  // namespace tidelock::planner
