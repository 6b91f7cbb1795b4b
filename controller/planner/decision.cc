// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/decision.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "controller/base/limits.h"
#include "controller/planner/task_builder.h"
#include "controller/planner/task_state.h"

namespace tidelock::planner {
namespace {

// Attempts cut off by a crash are tried again at once this often; beyond it they count as failures,
// since the step itself may be what ends the agent.
constexpr int kInterruptedFree = 5;
constexpr Duration kCorrectionPeriod = std::chrono::hours(1);

using api::Action;
using api::DeploymentTask;
using api::TaskPhase;

// Terminal tasks that stay, so that the newest results can be read where they were written.
constexpr int kTasksKept = 2;

// One pair while it is being decided.
class Pair {
 public:
  Pair(const Facts& facts, const std::string& name, const Wish* wish, const WaveOpening* opening,
       TimePoint now)
      : facts_(facts),
        name_(name),
        wish_(wish),
        opening_(opening),
        now_(now),
        attempts_(facts.attempts_of(name)) {
    installation_ = find(facts.installations, name);
    for (const auto& [attempt, task] : attempts_) {
      if (api::is_terminal(task->status.phase)) {
        terminal_ = task;
      } else if (task->status.grant || task->status.phase == TaskPhase::Orphaned) {
        running_ = task;
      } else {
        queued_.push_back(task);
      }
    }
  }

  Decision decide() {
    if (installation_ == nullptr) {
      if (wish_ != nullptr && !held()) goal_ = wish_->choice;
      if (wish_ != nullptr) create_installation();
      return std::move(decision_);
    }
    decision_.base = absorb(*installation_, attempts_);
    if (wish_ != nullptr) goal_ = held() ? held_goal() : wish_->choice;
    decision_.digest = goal_.digest;
    if (const auto problem = broken_reference()) {
      refuse(*problem);
      show_unfinished();
      delete_old_tasks();
      return std::move(decision_);
    }
    update_installation();
    check_time();
    if (unsettled() || goal_.problem) {
      if (goal_.problem) refuse(*goal_.problem);
      show_unfinished();
    } else {
      decide_task();
    }
    delete_old_tasks();
    return std::move(decision_);
  }

 private:
  const std::string& digest() const { return goal_.digest; }
  const std::string& version() const { return goal_.version; }
  bool held() const { return wish_ != nullptr && !wish_->hold.empty(); }

  // Under a hold a pair goes to its own previous good release, or stays where it is. What that was is
  // kept in the installation's spec: it must not change while the hold lasts.
  ReleaseChoice held_goal() const {
    const auto& spec = installation_->spec;
    if (spec.hold == wish_->hold && !spec.digest.empty()) return {spec.release, spec.version, spec.digest, std::nullopt};
    const auto& base = decision_.base;
    const bool there = base.actual_digest == wish_->choice.digest;
    if (there && base.previous_good_digest.empty()) return wish_->choice;  // it never had another one
    ReleaseChoice goal{"", there ? base.previous_good_release : base.actual_release,
                       there ? base.previous_good_digest : base.actual_digest, std::nullopt};
    if (goal.digest.empty()) return goal;
    for (const auto& [name, release] : facts_.releases) {
      if (release->status.digest == goal.digest) goal.release = name;
    }
    if (goal.release.empty()) {
      goal.problem = Problem{"Reference", "Release " + goal.version,
                             "the Release of version " + goal.version +
                                 ", to which the pair is to go back, does not exist any more"};
    }
    return goal;
  }

  // Whether the newest attempt has left the pair halfway: at the release that is held off, or on the
  // way back.
  bool halfway() const {
    const auto& history = decision_.base.history;
    if (!held() || history.empty() || digest().empty() || digest() == wish_->choice.digest) return false;
    const auto& last = history.front();
    return last.phase != "Succeeded" && (last.digest == wish_->choice.digest || counts(last));
  }

  api::InstallationSpec wished_spec() const {
    api::InstallationSpec spec;
    spec.project_ref.name = wish_->project;
    spec.environment_ref.name = wish_->environment;
    if (!wish_->tenant.empty()) spec.tenant_ref = api::LocalReference{wish_->tenant};
    spec.target_ref.name = wish_->target;
    spec.tenant_deployment = wish_->deployment;
    spec.release = goal_.release;
    spec.version = goal_.version;
    spec.digest = goal_.digest;
    spec.hold = wish_->hold;
    return spec;
  }

  // Nobody wishes for the pair because its deployment names what is not there: a slip of the pen must
  // not uninstall anything.
  std::optional<Problem> broken_reference() const {
    if (wish_ != nullptr) return std::nullopt;
    const auto* deployment = find(facts_.deployments, installation_->spec.tenant_deployment);
    if (deployment == nullptr || deployment->metadata.deletion_timestamp) return std::nullopt;
    return missing_objects(facts_, *deployment);
  }

  bool unsettled() const {
    return wish_ != nullptr && wish_->choice.digest.empty() && !wish_->choice.problem;
  }

  void create_installation() {
    if (unsettled()) return;
    api::Installation object;
    object.metadata.name = name_;
    if (const auto* deployment = find(facts_.deployments, wish_->deployment)) {
      object.metadata.ns = deployment->metadata.ns;
    }
    object.metadata.labels = pair_labels(wish_->project, wish_->environment, wish_->tenant,
                                         wish_->target, wish_->deployment);
    object.spec = wished_spec();
    decision_.settling = true;
    decision_.action = Action::Install;
    decision_.effects.push_back(CreateInstallation{std::move(object)});
  }

  void update_installation() {
    if (unsettled() || (held() && goal_.problem)) return;
    api::InstallationSpec spec = installation_->spec;
    if (wish_ != nullptr) {
      spec = wished_spec();
    } else {
      spec.release.clear();
      spec.version.clear();
      spec.digest.clear();
      spec.hold.clear();
    }
    if (spec == installation_->spec) return;
    decision_.settling = true;
    decision_.effects.push_back(
        UpdateInstallation{name_, installation_->metadata.resource_version, std::move(spec)});
  }

  void block(const std::string& kind, const std::string& name, const std::string& message,
             TimePoint since, std::optional<TimePoint> until = std::nullopt) {
    api::BlockedBy blocked;
    blocked.kind = kind;
    blocked.name = name;
    blocked.message = message;
    blocked.since = since;
    blocked.until = until;
    decision_.blocked = std::move(blocked);
  }

  void stall(const std::string& reason, const std::string& message) {
    decision_.stalled = true;
    decision_.reason = reason;
    decision_.message = message;
  }

  void refuse(const Problem& problem) {
    decision_.action = Action::Blocked;
    end_queued("", problem.message);
    TimePoint since = installation_->metadata.creation_timestamp.value_or(TimePoint{});
    for (const auto& old : installation_->status.blocked_by) {
      if (old.kind == problem.kind && old.name == problem.name) since = old.since;
    }
    block(problem.kind, problem.name, problem.message, since);
    stall(stalled_reason(problem), problem.message);
  }

  void show_unfinished() {
    std::string queued;
    if (!queued_.empty() && decision_.ending.count(queued_.back()->metadata.name) == 0) {
      queued = queued_.back()->metadata.name;
    }
    decision_.task = running_ == nullptr ? queued : running_->metadata.name;
    if (running_ != nullptr) decision_.queued = queued;
  }

  void end(const DeploymentTask& task, TaskPhase phase, const std::string& reason,
           const std::string& message, const std::string& by) {
    if (!decision_.ending.insert(task.metadata.name).second) return;
    decision_.effects.push_back(
        EndTask{task.metadata.name, task.metadata.resource_version, phase, reason, message, by});
  }

  void end_queued(const std::string& by, const std::string& message) {
    for (const auto* task : queued_) {
      if (task->metadata.name != by) end(*task, TaskPhase::Superseded, "Superseded", message, by);
    }
  }

  void cancel_running(const std::string& reason, const std::string& message) {
    decision_.ending.insert(running_->metadata.name);
    if (running_->spec.cancel) return;
    decision_.effects.push_back(
        CancelTask{running_->metadata.name, running_->metadata.resource_version,
                   api::TaskCancel{api::CancelMode::StepBoundary, reason, message}});
  }

  bool cancelled_rollout() const {
    if (wish_ == nullptr) return false;
    const auto* rollout = find(facts_.rollouts, wish_->rollout);
    if (rollout == nullptr || !rollout->spec.cancel) return false;
    // Said of an earlier run of it; see RolloutOutcome::reset.
    const bool left = rollout->status.phase == "Superseded" ||
                      api::find_condition(rollout->status.conditions, kCurrent) != nullptr;
    return !left;
  }

  void decide_task() {
    const auto& base = decision_.base;
    const bool running_fits = running_ != nullptr && running_->spec.digest == digest();
    decision_.action =
        running_fits ? running_->spec.action
        : running_ != nullptr
            ? difference(running_->spec.version, running_->spec.digest, version(), digest())
            : difference(base.actual_release, base.actual_digest, version(), digest());
    if (decision_.action == Action::None && running_ == nullptr) consider_drift();
    const bool back = held() && (decision_.action != Action::None || halfway());
    if (back && !running_fits) decision_.action = Action::Rollback;
    if (decision_.action == Action::None && running_ == nullptr && half_removed()) decision_.action = Action::Remove;
    if (end_cancelled()) {
      // What follows is decided when that is a fact.
    } else if (cancelled_rollout() && decision_.action != Action::None) {
      cancel_all();
    } else if (running_fits) {
      end_queued(running_->metadata.name, "the running task deploys the same release");
    } else if (decision_.action == Action::None) {
      end_queued("", "nothing is left to do");
    } else if (removal_is_guarded()) {
      // What runs goes on; what waits is not wished for any more.
      end_queued("", "the pair is to be removed, which is held off");
    } else {
      if (running_ != nullptr) supersede_running();
      queue_task();
    }
    show_unfinished();
    if (wish_ == nullptr) delete_installation();
    if (!decision_.task.empty() || decision_.settling || decision_.action != Action::None) return;
    if (held()) {
      const std::string message = "ReleaseHold " + wish_->hold + " keeps it off version " + wish_->choice.version;
      block("Hold", wish_->hold, message, installation_->metadata.creation_timestamp.value_or(TimePoint{}));
      stall("ReleaseHeld", message);
    } else if (wish_ != nullptr) {
      check_health();
    }
  }

  // A removal that failed may have left files behind which nothing reports any more.
  bool half_removed() const {
    const auto& history = decision_.base.history;
    return wish_ == nullptr && !history.empty() && history.front().digest.empty() &&
           history.front().phase != "Succeeded";
  }

  // The task that brought what is installed: only what is said of it counts.
  const DeploymentTask* bringer() const {
    const auto* success = last_success(decision_.base, digest());
    return success == nullptr ? nullptr : attempts_.find(success->attempt);
  }

  // Something else is installed than what was brought (semantics.md §6).
  void consider_drift() {
    const auto* task = wish_ == nullptr || held() ? nullptr : bringer();
    if (task == nullptr || !task->status.drift) return;
    const auto* project = find(facts_.projects, wish_->project);
    if (project == nullptr || project->spec.drift.mode == api::DriftMode::Never) return;
    decision_.drift = "Reported";
    decision_.drift_message = task->status.drift->message;
    if (project->spec.drift.mode == api::DriftMode::Report) return;
    std::vector<TimePoint> corrections;  // of the last hour, newest first
    const auto& history = decision_.base.history;
    for (std::size_t i = 0; i + 1 < history.size(); ++i) {
      const bool again = history[i].digest == digest() && history[i + 1].digest == digest();
      if (again && history[i].finished_at > now_ - kCorrectionPeriod) corrections.push_back(history[i].finished_at);
    }
    // The history tells of so many and no more: beyond that nobody could say how many there were.
    const int limit = std::min(project->spec.drift.max_corrections, static_cast<int>(limits::kInstallationHistoryMax) - 1);
    if (static_cast<int>(corrections.size()) >= limit) {
      decision_.drift = "CorrectionLimit";
      if (!corrections.empty()) decision_.due = std::min(decision_.due, corrections.back() + kCorrectionPeriod);
      return;
    }
    decision_.drift = "Correcting";
    decision_.action = Action::Redeploy;
    correction_ = true;
  }

  void check_health() {
    const auto* task = bringer();
    if (task == nullptr || !task->spec.health_check) return;
    const auto& health = task->status.health;
    if (!health) {
      decision_.health = Decision::Health::Unknown;
    } else if (!health->healthy) {
      decision_.health = Decision::Health::Bad;
      stall("Unhealthy", "version " + version() + " is not healthy" +
                             (health->message.empty() ? "" : ": " + health->message));
    }
  }

  // Queued tasks that somebody cancelled by hand.
  bool end_cancelled() {
    bool any = false;
    for (const auto* task : queued_) {
      if (!task->spec.cancel) continue;
      end(*task, TaskPhase::Cancelled, task->spec.cancel->reason, task->spec.cancel->message, "");
      any = true;
    }
    return any;
  }

  void cancel_all() {
    const std::string message = "rollout " + wish_->rollout + " is cancelled";
    for (const auto* task : queued_)
      end(*task, TaskPhase::Cancelled, "RolloutCancelled", message, "");
    if (running_ != nullptr) cancel_running("RolloutCancelled", message);
    stall("RolloutCancelled", message);
  }

  void supersede_running() {
    const auto& strategy =
        strategy_of(facts_, running_->spec.rollout, installation_->spec.tenant_deployment);
    if (strategy.supersede != api::Supersede::StopAtStepBoundary) return;
    cancel_running("Superseded", wish_ == nullptr ? "the pair is to be removed"
                                                  : "version " + version() + " is wished for now");
  }

  // A removal that is on its way was allowed when it was made.
  bool removal_is_guarded() {
    if (wish_ != nullptr) return false;
    const bool on_its_way = std::any_of(queued_.begin(), queued_.end(), [](const auto* task) {
      return task->spec.action == Action::Remove;
    });
    return !on_its_way && !may_start();
  }

  // A task for what is wished, or the reason why there is none.
  void queue_task() {
    if (wish_ == nullptr && running_ == nullptr && find(facts_.targets, target()) == nullptr) {
      end_queued("", "Target " + target() + " does not exist");
      return;
    }
    const auto* newest = queued_.empty() ? nullptr : queued_.back();
    if (newest != nullptr && newest->spec.digest == digest()) {
      end_queued(newest->metadata.name, replaced());
      return;
    }
    if (newest == nullptr && running_ == nullptr && !may_try_again()) return;
    std::optional<Wish> goal;
    if (wish_ != nullptr) {
      goal = *wish_;
      goal->choice = goal_;
    }
    TaskOrder order{installation_,
                    goal ? &*goal : nullptr,
                    decision_.action,
                    decision_.base.attempts + 1,
                    wish_ == nullptr || correction_ ? "" : wish_->rollout,
                    newest == nullptr ? now_ : newest->spec.requested_at};
    auto task = build_task(facts_, order);
    if (!task) {
      refuse(task.error());
      return;
    }
    // Last, so that where a pair stands does not depend on whether its wave is open.
    if (newest == nullptr && !correction_ && !may_start()) return;
    // The older ones end when the new one is a fact: until then they keep the place in the queue, should
    // the create fail.
    for (const auto* old : queued_) decision_.ending.insert(old->metadata.name);
    decision_.settling = true;
    decision_.effects.push_back(CreateTask{std::move(*task)});
  }

  // Whether its wave is open.
  bool may_start() {
    if (opening_ == nullptr) return true;
    if (opening_->open) {
      const auto& until = opening_->joined_until;
      if (!until || installation_->metadata.creation_timestamp.value_or(TimePoint{}) <= *until) return true;
      block("Wave", wish_->rollout, "came after its wave had begun; goes with the next rollout", *until);
      return false;
    }
    if (opening_->blocked) {
      decision_.blocked = opening_->blocked;
    } else {
      decision_.settling = true;
    }
    return false;
  }

  // An executor that never answers: after the execution time nothing is expected of the task any more.
  void check_time() {
    if (running_ == nullptr || !running_->spec.timeout || !running_->status.grant) return;
    const auto state = view_of(*running_).state;
    if (state != TaskState::Running && state != TaskState::Orphaned && state != TaskState::Cancelling) return;
    const auto& grant = *running_->status.grant;
    const TimePoint deadline =
        grant.step_granted_at + std::max(Duration{}, *running_->spec.timeout - executed_before(*running_, grant.step));
    if (now_ < deadline) {
      decision_.due = std::min(decision_.due, deadline);
      return;
    }
    decision_.overdue = true;
    decision_.last_try = failures_in_a_row() + 1 > strategy().retry.limit;
  }

  const api::RolloutStrategy& strategy() const {
    return strategy_of(facts_, wish_ == nullptr ? "" : wish_->rollout,
                       installation_->spec.tenant_deployment);
  }

  std::string replaced() const {
    return "replaced by " + (version().empty() ? "a removal" : "version " + version());
  }

  const std::string& target() const { return installation_->spec.target_ref.name; }

  // Results count against the release that is wished for now. One that was wished for before, left
  // and is wished for again begins anew: its old failures do not count.
  bool counts(const api::HistoryEntry& entry) const {
    return entry.digest == digest() && entry.generation == installation_->metadata.generation;
  }

  // What the newest result says about another attempt at the same release.
  bool may_try_again() {
    const auto& history = decision_.base.history;
    if (history.empty() || !counts(history.front())) return true;
    const auto& last = history.front();
    if (correction_ && last.phase == "Succeeded") return true;
    if (last.phase == "Interrupted") {
      const int interrupted = interrupted_in_a_row();
      if (interrupted <= kInterruptedFree) return true;
      if (retries_later(interrupted - kInterruptedFree)) return false;
      if (decision_.blocked) return false;
      if (retry_due_) return true;
    }
    if (last.phase == "Cancelled" && terminal_ != nullptr) {
      const auto& reason = terminal_->status.reason;
      if (reason == "Superseded" || reason == "Removed" || reason == "WindowClosed") return true;
    }
    if (last.phase == "Failed" || last.phase == "TimedOut") {
      if (retries_later(failures_in_a_row())) return false;
      if (decision_.blocked) return false;
      if (retry_due_) return true;
    }
    stall(last.phase == "Succeeded" ? "ReportMismatch" : "Task" + last.phase,
          failure_message(last));
    return false;
  }

  // The last results that count and are of one of these phases: how many, and how many of those failed.
  // Those that the history has no room for failed, too (see absorb).
  struct Row {
    int all = 0;
    int failed = 0;
  };
  Row last_results(std::initializer_list<std::string_view> phases) const {
    const auto& history = decision_.base.history;
    Row row;
    for (std::size_t i = 0; i < history.size(); ++i) {
      const auto& entry = history[i];
      if (!counts(entry) || std::find(phases.begin(), phases.end(), entry.phase) == phases.end()) break;
      const bool oldest = i > 0 && i + 1 == limits::kInstallationHistoryMax;
      const int dropped = oldest ? history[i - 1].attempt - entry.attempt - 1 : 0;
      row.all += 1 + dropped;
      row.failed += (entry.phase == "Interrupted" ? 0 : 1) + dropped;
    }
    return row;
  }
  int interrupted_in_a_row() const { return last_results({"Interrupted"}).all; }
  int failures_in_a_row() const { return last_results({"Failed", "TimedOut", "Interrupted"}).failed; }

  // Sets the backoff, or retry_due_ when it is over.
  bool retries_later(int failures) {
    const auto& retry = strategy().retry;
    if (failures > retry.limit) return false;
    Duration backoff = retry.backoff_initial;
    for (int i = 1; i < failures && backoff < retry.backoff_max; ++i) {
      backoff *= std::max(retry.backoff_factor, 1);
    }
    const auto& last = decision_.base.history.front();
    const TimePoint until = last.finished_at + std::min(backoff, retry.backoff_max);
    if (until <= now_) {
      retry_due_ = true;
      return false;
    }
    decision_.due = until;
    block("Backoff", task_name(name_, last.attempt),
          "attempt " + std::to_string(last.attempt) + " failed; the next starts at " +
              format_time(until),
          last.finished_at, until);
    return true;
  }

  std::string failure_message(const api::HistoryEntry& last) const {
    std::string message = "attempt " + std::to_string(last.attempt) + " of version " +
                          last.version + ": " + last.phase;
    if (terminal_ == nullptr || terminal_->spec.attempt != last.attempt) return message;
    std::string detail = terminal_->status.message;
    for (const auto& step : terminal_->status.steps) {
      const bool failed =
          step.phase == api::StepPhase::Failed || step.phase == api::StepPhase::TimedOut;
      if (failed && !step.message.empty() && detail.find(step.message) == std::string::npos) {
        detail += (detail.empty() ? "step " : "; step ") + step.name + ": " + step.message;
      }
    }
    return detail.empty() ? message : message + ": " + detail;
  }

  void delete_installation() {
    const bool gone = decision_.action == Action::None || find(facts_.targets, target()) == nullptr;
    if (!gone || running_ != nullptr || !queued_.empty()) return;
    decision_.settling = true;
    decision_.effects = {Effect{DeleteInstallation{name_, installation_->metadata.uid,
                                                   installation_->metadata.resource_version}}};
  }

  // Finished tasks whose result the installation has kept. The newest success stays whatever came
  // after it: health and drift of what is installed are reported in it.
  void delete_old_tasks() {
    const auto& known = installation_->status;
    if (known.history != decision_.base.history ||
        known.actual_digest != decision_.base.actual_digest)
      return;
    int kept = 0;
    bool success_kept = false;
    for (auto place = attempts_.rbegin(); place != attempts_.rend(); ++place) {
      const TaskPhase phase = place->second->status.phase;
      if (!api::is_terminal(phase)) continue;
      const bool newest_success = phase == TaskPhase::Succeeded && !success_kept;
      success_kept = success_kept || newest_success;
      if (kept++ < kTasksKept || newest_success) continue;
      decision_.effects.push_back(
          DeleteTask{place->second->metadata.name, place->second->metadata.uid});
    }
  }

  const Facts& facts_;
  const std::string& name_;
  const Wish* wish_;
  const WaveOpening* opening_;
  TimePoint now_;
  const Attempts attempts_;
  const api::Installation* installation_ = nullptr;
  const DeploymentTask* running_ = nullptr;
  const DeploymentTask* terminal_ = nullptr;   // the newest
  std::vector<const DeploymentTask*> queued_;  // by attempt
  ReleaseChoice goal_;  // what it is to have: what is wished for, or where a hold keeps it
  bool correction_ = false;  // the installed release is to be applied again
  bool retry_due_ = false;
  Decision decision_;
};

}  // namespace

Decision decide(const Facts& facts, const std::string& installation, const Wish* wish,
                const WaveOpening* opening, TimePoint now) {
  return Pair(facts, installation, wish, opening, now).decide();
}

}  // namespace tidelock::planner
