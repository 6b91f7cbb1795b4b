// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check_processes.h"

#include <algorithm>

namespace tidelock::simulation {
namespace {

// ".../tasks/<uid>/<step>.<attempt>.lock"
struct Attempt {
  std::string uid;
  int step = -1;
};
Attempt attempt_of(const std::string& lock_file) {
  const auto file = lock_file.rfind('/');
  const auto folder = lock_file.rfind('/', file - 1);
  return {lock_file.substr(folder + 1, file - folder - 1), std::atoi(lock_file.c_str() + file + 1)};
}

}  // namespace

void ProcessChecker::starting(Machine& machine, const std::string& target,
                              const ProcessSpec& spec) {
  ++started_;
  if (!lock_files_.emplace(target, spec.lock_file).second) {
    kernel_.violated("an attempt of a step runs once", spec.lock_file + " on " + target);
  }
  const Attempt attempt = attempt_of(spec.lock_file);
  const TaskPtr task = truth_.task_by_uid(attempt.uid);
  if (task == nullptr) {
    return kernel_.violated("steps belong to tasks", spec.lock_file + " on " + target);
  }
  if (task->spec.target != target) {
    kernel_.violated("steps run on their target", task->metadata.name + " runs on " + target);
  }
  const auto index = static_cast<std::size_t>(attempt.step);
  Run run{&machine, machine.processes.intervals().size(), task->metadata.name, attempt.uid,
          task->spec.locks, task->spec.budgets};
  if (index < task->spec.steps.size()) {
    const auto& needs = task->spec.steps[index].needs;
    run.locks.insert(run.locks.end(), needs.begin(), needs.end());
  }
  const auto [owner, first] =
      attempts_.emplace(std::pair(task->spec.installation_uid, task->spec.attempt), attempt.uid);
  if (!first && owner->second != attempt.uid) {
    kernel_.violated("an attempt of a pair is one task", task->metadata.name);
  }
  if (!task->status.grant) {
    kernel_.violated("a grant is durable before its step starts", task->metadata.name);
  }
  std::erase_if(live_, [](const Run& one) { return !alive(one); });
  check_fence(*task, run, spec);
  check_machine(run);
  check_beside(run);
  live_.push_back(std::move(run));
}

// A child that a step leaves behind on purpose when it ends by itself (a service) is not a part of it any
// more; what survives a kill is.
bool ProcessChecker::alive(const Run& run) {
  const testing::FakeProcessRunner& processes = run.machine->processes;
  const testing::ProcessInterval& interval = processes.intervals()[run.interval];
  if (interval.ended == kNever) return true;
  return interval.signal != 0 && processes.alive(interval.spec.lock_file);
}

void ProcessChecker::check_fence(const api::DeploymentTask& task, const Run& run,
                                 const ProcessSpec& spec) {
  const auto found = spec.environment.find("TIDELOCK_FENCE");
  const std::int64_t fence = found == spec.environment.end() ? 0 : std::stoll(found->second);
  if (fence == 0) kernel_.violated("fences rise", task.metadata.name + " runs without a fence");
  for (const api::TaskLock& lock : run.locks) {
    if (lock.mode != api::LockMode::Exclusive) continue;
    auto& [highest, uid] = fences_[lock.instance];
    if (fence < highest && uid != run.uid && !late_.contains(run.uid) && !late_.contains(uid)) {
      kernel_.violated("fences rise",
                       task.metadata.name + " runs under " + lock.instance +
                           " with a fence below that of a task that ran under it before");
    }
    if (fence >= highest) {
      highest = fence;
      uid = run.uid;
    }
  }
}

// What the agent of one target can keep apart, it does, whoever granted it.
void ProcessChecker::check_machine(const Run& run) {
  std::vector<HeldLock> held;
  std::set<std::pair<std::string, std::string>> counted;
  const auto add = [&](const Run& one) {
    for (const api::TaskLock& lock : one.locks) {
      const bool exclusive = lock.mode == api::LockMode::Exclusive;
      if (exclusive && counted.emplace(one.uid, lock.instance).second) held.push_back({one.task, lock});
    }
  };
  for (const Run& other : live_) {
    if (other.machine == run.machine) add(other);
  }
  add(run);
  if (const std::string wrong = conflict_of(held, capacities_); !wrong.empty()) {
    kernel_.violated("locks are exclusive (one target)", wrong);
  }
}

void ProcessChecker::check_beside(const Run& run) {
  std::vector<HeldLock> held;
  std::set<std::pair<std::string, std::string>> counted;  // a group of steps of one task: united
  std::map<std::string, std::set<std::string>> budgets;
  const auto add = [&](const Run& one) {
    if (late_.contains(one.uid)) return;
    for (const api::TaskLock& lock : one.locks) {
      if (counted.emplace(one.uid, lock.instance).second) held.push_back({one.task, lock});
    }
    const TaskPtr task = truth_.task_by_uid(one.uid);
    // A task that nobody can vouch for uses no slot.
    if (task == nullptr || task->status.phase != api::TaskPhase::Running) return;
    if (truth_.objects().get<api::DeploymentTask>(one.task) == nullptr) return;
    for (const std::string& budget : one.budgets) budgets[budget].insert(one.uid);
  };
  for (const Run& other : live_) add(other);
  if (!live_.empty()) kernel_.probe("processes run beside each other");
  add(run);
  if (const std::string wrong = conflict_of(held, capacities_); !wrong.empty()) {
    kernel_.violated("locks are exclusive (processes)", wrong);
  }
  for (const auto& [name, tasks] : budgets) {
    const auto max = capacities_.of_budget(name);
    if (max && tasks.size() > static_cast<std::size_t>(*max)) {
      kernel_.violated("budgets (processes)", name + ": " + std::to_string(tasks.size()) + " of " +
                                                  std::to_string(*max) + " run");
    }
  }
}

}  // namespace tidelock::simulation
