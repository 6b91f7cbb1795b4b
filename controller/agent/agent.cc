// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/agent.h"

#include <algorithm>
#include <map>
#include <set>

#include "controller/agent/run_context.h"
#include "controller/agent/secret_values.h"
#include "controller/agent/target_book.h"
#include "controller/agent/task_run.h"
#include "controller/agent/watch_book.h"
#include "controller/base/log.h"
#include "controller/client/reflector.h"

namespace tidelock::agent {
namespace {

constexpr Duration kJournalRetry = std::chrono::seconds(1);

client::ReflectorOptions task_reflector(const Options& options, const Wake& wake) {
  client::ReflectorOptions reflector;
  reflector.resource = client::resource_of<api::DeploymentTask>();
  if (!options.target.empty()) {
    reflector.ns = options.ns;
    reflector.field_selector = "spec.target=" + options.target;
  }
  reflector.wake = wake;
  return reflector;
}

class LocalAgent final : public Agent {
 public:
  LocalAgent(const Options& options, const Outside& outside, Journal journal)
      : context_{options, outside, std::move(journal),
                 LogShipper(outside.api, static_cast<std::size_t>(options.step_log_flush_bytes),
                            options.log_flush_interval),
                 {}, {}, {}},
        targets_(outside.api, options, outside.wake),
        tasks_(outside.api, task_reflector(options, outside.wake),
               [](const api::ObjectKey& key, const Error& error) {
                 log_warn("task cannot be read", {{"task", key.name}, {"error", error.message}});
               }),
        watches_(context_, tasks_, targets_) {}

  TimePoint step(TimePoint now) override {
    TimePoint next = targets_.step(now);
    next = std::min(next, tasks_.step(now, [this](const api::ObjectKey& key, const TaskPtr& old_task,
                                                  const TaskPtr& task) {
                      changed_.insert(key);
                      watches_.changed(old_task, task);
                    }));
    if (!targets_.synced() || !tasks_.synced()) return next;
    look_at_tasks(now);
    take_events(now);
    next = std::min(next, run(now));
    next = std::min(next, context_.logs.step(now));
    write_statuses(now);
    next = std::min(next, watches_.step(now));
    sweep();
    if (!changed_.empty()) next = now;
    for (const auto& [uid, run] : runs_) next = std::min(next, run->due());
    return next;
  }

 private:
  using Run = std::unique_ptr<TaskRun>;

  // Which runs there should be.
  void look_at_tasks(TimePoint now) {
    if (const auto added = targets_.take_new(); !added.empty()) {
      for (const auto& [key, task] : tasks_.cache().all()) {
        if (!added.contains({key.ns, task->spec.target})) continue;
        changed_.insert(key);
        watches_.look_again(*task);
      }
    }
    for (const api::ObjectKey& key : std::exchange(changed_, {})) look_at(key, now);
    if (!cleaned_) {
      clean_up();
      watches_.clean_up();
    }
    cleaned_ = true;
    watches_.settle(now);
  }

  void look_at(const api::ObjectKey& key, TimePoint now) {
    const TaskPtr task = tasks_.cache().get(key);
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
      const bool same = task != nullptr && task->metadata.uid == known->second;
      runs_.at(known->second)->set_task(same ? task : nullptr, now);
      if (same || !forget_if_over(known->second)) return;
    }
    if (task == nullptr) return;
    const api::TaskPhase phase = task->status.phase;
    if (phase != api::TaskPhase::Running && phase != api::TaskPhase::Orphaned) return;
    const TargetPtr target = targets_.find({key.ns, task->spec.target});
    if (target == nullptr) return;
    const std::string& uid = task->metadata.uid;
    runs_.emplace(uid, std::make_unique<TaskRun>(context_, task, target, now));
    by_key_[key] = uid;
  }

  // What earlier lives of the agent left behind of tasks that are over.
  void clean_up() {
    std::set<std::string> wanted;
    for (const auto& [key, task] : tasks_.cache().all()) {
      if (!api::is_terminal(task->status.phase)) wanted.insert(task->metadata.uid);
    }
    const std::map<std::string, TaskRecord> records = context_.journal.tasks();
    for (const auto& [uid, record] : records) {
      if (wanted.contains(uid)) continue;
      // Somebody deleted or ended the task while no agent was there: what it left must not live on
      // beside the next one.
      for (const auto& [index, step] : record.steps) {
        if (!step.result && !step.lock_file.empty()) {
          context_.outside.processes.kill_holders(step.lock_file);
        }
      }
      context_.journal.forget(uid);
    }
    const auto folders = context_.outside.disk.list(context_.options.state_dir + "/tasks");
    if (!folders) return;
    for (const DirectoryEntry& folder : *folders) {
      if (wanted.contains(folder.name)) continue;
      const auto removed = context_.outside.disk.remove_all(context_.task_folder(folder.name));
      if (!removed) log_warn("old folder not removed", {{"error", removed.error().message}});
    }
  }

  void take_events(TimePoint now) {
    for (const ProcessEvent& event : context_.outside.processes.poll()) {
      const auto owner = context_.processes.find(event.id);
      if (owner == context_.processes.end()) continue;
      const auto run = runs_.find(owner->second);
      if (run != runs_.end()) run->second->process_event(event, now);
      watches_.process_event(owner->second, event, now);
      if (event.kind == ProcessEvent::Kind::Exited) context_.processes.erase(owner);
    }
    for (const FetchDone& done : context_.outside.fetcher.poll()) {
      const auto owner = context_.tickets.find(done.ticket);
      if (owner == context_.tickets.end()) continue;
      const auto run = runs_.find(owner->second);
      if (run != runs_.end()) run->second->ticket_done(done, now);
      watches_.ticket_done(owner->second, done, now);
      context_.tickets.erase(owner);
    }
  }

  // Decides, makes the decisions durable together, starts what they stand for; until nothing moves.
  TimePoint run(TimePoint now) {
    bool moved = true;
    while (moved) {
      moved = false;
      for (const auto& [uid, run] : runs_) {
        if (run->due() <= now) run->advance(now);
      }
      moved = read_secrets(now);
      if (auto durable = context_.journal.commit(); !durable) {
        if (now >= journal_at_) {
          log_error("journal cannot be written: no step starts",
                    {{"error", durable.error().message}});
        }
        journal_at_ = now + kJournalRetry;
        return journal_at_;
      }
      for (const auto& [uid, run] : runs_) {
        if (!run->has_journalled()) continue;
        run->start_journalled(now);
        moved = true;
      }
    }
    return kNever;
  }

  // True if a run can go on.
  bool read_secrets(TimePoint now) {
    std::vector<TaskRun*> waiting;
    for (const auto& [uid, run] : runs_) {
      if (run->needs_secrets(now)) waiting.push_back(run.get());
    }
    for (TaskRun* run : waiting) {
      const auto values = agent::read_secrets(context_.outside.api, run->key().ns, run->secrets());
      if (!values) {
        run->secrets_failed(values.error(), now);
        continue;
      }
      run->set_secrets(*values);
      run->touch();
    }
    return !waiting.empty();
  }

  void write_statuses(TimePoint now) {
    std::vector<TaskRun*> writers;
    std::vector<client::Call> calls;
    for (const auto& [uid, run] : runs_) {
      auto call = run->write(now);
      if (!call) continue;
      writers.push_back(run.get());
      calls.push_back(std::move(*call));
    }
    if (calls.empty()) return;
    const auto results = context_.outside.api.call_all(calls);
    for (std::size_t i = 0; i < writers.size(); ++i) writers[i]->written(results[i], now);
  }

  // A run that is over stays until the cache knows it: an older version of the object must not
  // make a new run of it.
  void sweep() {
    std::vector<std::string> over;
    for (const auto& [uid, run] : runs_) {
      if (run->over()) over.push_back(uid);
    }
    for (const std::string& uid : over) forget_if_over(uid);
  }

  bool forget_if_over(const std::string& uid) {
    const auto found = runs_.find(uid);
    if (!found->second->over()) return false;
    const TaskPtr task = tasks_.cache().get(found->second->key());
    const bool stale = task != nullptr && task->metadata.uid == uid &&
                       !api::is_terminal(task->status.phase);
    if (stale) return false;
    // Another object of the name may have waited for this one's end.
    if (task != nullptr && task->metadata.uid != uid) changed_.insert(task->metadata.key());
    by_key_.erase(found->second->key());
    runs_.erase(found);
    return true;
  }

  RunContext context_;
  TargetBook targets_;
  client::Reflector<api::DeploymentTask> tasks_;
  WatchBook watches_;
  std::set<api::ObjectKey> changed_;
  std::map<std::string, Run> runs_;  // by uid
  std::map<api::ObjectKey, std::string> by_key_;
  bool cleaned_ = false;
  TimePoint journal_at_;
};

}  // namespace

Result<std::unique_ptr<Agent>> Agent::open(const Options& options, const Outside& outside) {
  if (!options.state_dir.starts_with('/')) {
    return fail(Reason::BadRequest, options.state_dir + ": the state directory is not absolute");
  }
  auto made = outside.disk.make_directories(options.state_dir, 0700);
  if (!made) return fail(made.error());
  auto journal = Journal::open(outside.disk, options.state_dir + "/journal");
  if (!journal) return fail(journal.error());
  return std::unique_ptr<Agent>(
      std::make_unique<LocalAgent>(options, outside, std::move(*journal)));
}

}  // namespace tidelock::agent
