// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/watch_book.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "controller/base/limits.h"
#include "controller/base/log.h"

namespace tidelock::agent {
namespace {

bool runs(const api::DeploymentTask& task) {
  return task.status.phase == api::TaskPhase::Running || task.status.phase == api::TaskPhase::Orphaned;
}

std::string checks_folder(const RunContext& context) { return context.options.state_dir + "/checks"; }

}  // namespace

WatchBook::~WatchBook() {
  for (const auto& [uid, watch] : watches_) watch->end();
}

void WatchBook::clean_up() {
  const auto folders = context_.outside.disk.list(checks_folder(context_));
  if (!folders) return;
  for (const DirectoryEntry& entry : *folders) {
    const std::string folder = checks_folder(context_) + "/" + entry.name;
    ProcessRunner& processes = context_.outside.processes;
    if (processes.probe(folder + "/lock") != Liveness::Dead) processes.kill_holders(folder + "/lock");
    // Without its lock file nobody could tell any more that something of it still lives.
    if (processes.probe(folder + "/lock") != Liveness::Dead) continue;
    const auto removed = context_.outside.disk.remove_all(folder);
    if (!removed) log_warn("old folder not removed", {{"error", removed.error().message}});
  }
}

WatchBook::Age WatchBook::age_of(const api::DeploymentTask& task) {
  return {task.metadata.creation_timestamp.value_or(TimePoint{}), task.spec.attempt};
}

void WatchBook::changed(const TaskPtr& old_task, const TaskPtr& new_task) {
  if (old_task) {
    const auto tasks = tasks_of_.find(pair_of(*old_task));
    if (tasks != tasks_of_.end()) {
      tasks->second.erase(age_of(*old_task));
      if (tasks->second.empty()) tasks_of_.erase(tasks);
    }
    stale_.insert(pair_of(*old_task));
  }
  if (!new_task) return;
  tasks_of_[pair_of(*new_task)][age_of(*new_task)] = new_task->metadata.key();
  stale_.insert(pair_of(*new_task));
}

// Null: nothing of the pair is to be watched now.
WatchBook::TaskPtr WatchBook::wanted(const Pair& pair) const {
  const auto tasks = tasks_of_.find(pair);
  if (tasks == tasks_of_.end()) return nullptr;
  for (auto place = tasks->second.rbegin(); place != tasks->second.rend(); ++place) {
    const TaskPtr task = tasks_.cache().get(place->second);
    if (!task) continue;
    if (runs(*task)) return nullptr;
    if (task->status.phase != api::TaskPhase::Succeeded) continue;
    return task->spec.action == api::Action::Remove ? nullptr : task;
  }
  return nullptr;
}

void WatchBook::settle(TimePoint now) {
  for (const Pair& pair : std::exchange(stale_, {})) settle(pair, now);
}

void WatchBook::settle(const Pair& pair, TimePoint now) {
  const TaskPtr task = wanted(pair);
  const auto known = uid_of_.find(pair);
  if (known != uid_of_.end()) {
    if (task && task->metadata.uid == known->second) return;
    end(known->second);
    uid_of_.erase(known);
  }
  if (task) begin(pair, task, now);
}

void WatchBook::begin(const Pair& pair, const TaskPtr& task, TimePoint now) {
  const PairWatch::TargetPtr target = targets_.find({task->metadata.ns, task->spec.target});
  if (!target) return;
  const std::string& uid = task->metadata.uid;
  // A new folder each time: the removal of an old one must not meet a new check.
  const std::string folder = checks_folder(context_) + "/" + uid + "." + std::to_string(++folders_);
  watches_[uid] = std::make_unique<PairWatch>(context_, task, target, folder, now);
  folder_of_[uid] = folder;
  uid_of_[pair] = uid;
  plan(*watches_[uid]);
}

void WatchBook::end(const std::string& uid) {
  PairWatch& watch = *watches_.at(uid);
  unplan(watch);
  watch.end();
  looking_.erase(uid);
  checking_.erase(uid);
  unwritten_.erase(uid);
  if (watch.task()->spec.health_check) remove(folder_of_.at(uid));
  folder_of_.erase(uid);
  watches_.erase(uid);
}

// Nobody waits for it.
void WatchBook::remove(const std::string& folder) {
  context_.outside.fetcher.start([&disk = context_.outside.disk, folder]() -> Result<std::string> {
    auto removed = disk.remove_all(folder);
    if (!removed) return fail(removed.error());
    return "";
  });
}

PairWatch* WatchBook::find(const std::string& uid) {
  const auto found = watches_.find(uid);
  return found == watches_.end() ? nullptr : found->second.get();
}

void WatchBook::plan(const PairWatch& watch) {
  looks_.insert({watch.look_at(), watch.uid()});
  if (watch.check_at() != kNever) checks_.insert({watch.check_at(), watch.uid()});
}

void WatchBook::unplan(const PairWatch& watch) {
  looks_.erase({watch.look_at(), watch.uid()});
  checks_.erase({watch.check_at(), watch.uid()});
}

void WatchBook::process_event(const std::string& uid, const ProcessEvent& event, TimePoint now) {
  if (PairWatch* watch = find(uid)) watch->process_event(event, now);
}

void WatchBook::ticket_done(const std::string& uid, const FetchDone& done, TimePoint now) {
  if (PairWatch* watch = find(uid)) watch->ticket_done(done, now);
}

TimePoint WatchBook::start_due(Agenda& agenda, std::set<std::string>& busy, std::size_t busy_max,
                               bool check, TimePoint now) {
  while (!agenda.empty() && busy.size() < busy_max) {
    const auto [due, uid] = *agenda.begin();  // copies: it leaves the agenda
    if (due > now) return due;
    PairWatch& watch = *watches_.at(uid);
    if (!targets_.find({watch.key().ns, watch.task()->spec.target})) {  // not ours any more
      uid_of_.erase(pair_of(*watch.task()));
      end(uid);
      continue;
    }
    unplan(watch);
    busy.insert(uid);
    watch.look(check, now);
  }
  return kNever;  // one of the busy ends first
}

TimePoint WatchBook::advance_busy(std::set<std::string>& busy, TimePoint now) {
  TimePoint next = kNever;
  for (auto place = busy.begin(); place != busy.end();) {
    PairWatch& watch = *watches_.at(*place);
    next = std::min(next, watch.advance(now));
    if (watch.write_due() != kNever) unwritten_.insert(watch.uid());
    if (!watch.idle()) {
      ++place;
      continue;
    }
    plan(watch);
    place = busy.erase(place);
  }
  return next;
}

TimePoint WatchBook::step(TimePoint now) {
  TimePoint next = std::min(advance_busy(looking_, now), advance_busy(checking_, now));
  // Checks first: each comes with a look.
  next = std::min(next, start_due(checks_, checking_, limits::kHealthChecksMax, true, now));
  next = std::min(next, start_due(looks_, looking_, limits::kInstalledLooksMax, false, now));
  return std::min(next, write(now));
}

TimePoint WatchBook::write(TimePoint now) {
  std::vector<PairWatch*> writers;
  std::vector<client::Call> calls;
  TimePoint next = kNever;
  for (const std::string& uid : unwritten_) {
    PairWatch& watch = *watches_.at(uid);
    const TaskPtr task = tasks_.cache().get(watch.key());
    if (!task || task->metadata.uid != uid) continue;  // it ends soon
    if (watch.write_due() > now) {
      next = std::min(next, watch.write_due());
      continue;
    }
    writers.push_back(&watch);
    calls.push_back(watch.write(task->metadata.resource_version));
  }
  if (calls.empty()) return next;
  const auto results = context_.outside.api.call_all(calls);
  for (std::size_t i = 0; i < writers.size(); ++i) {
    PairWatch& watch = *writers[i];
    watch.written(results[i], now);
    next = std::min(next, watch.write_due());
    if (!results[i]) continue;
    unwritten_.erase(watch.uid());
    const auto written = client::decode_shared<api::DeploymentTask>(*results[i]);
    if (written) tasks_.wrote(*written);
  }
  return next;
}

}  // namespace tidelock::agent
