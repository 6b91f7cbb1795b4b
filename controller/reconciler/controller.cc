// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/controller.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "controller/base/invariant.h"
#include "controller/base/log.h"
#include "controller/base/plant.h"
#include "controller/client/json_scan.h"
#include "controller/reconciler/domain.h"
#include "controller/reconciler/event_recorder.h"
#include "controller/reconciler/facts.h"
#include "controller/reconciler/narrator.h"

namespace tidelock::reconciler {
namespace {

constexpr const char* kLeaseName = "tidelock-planner";
constexpr const char* kComponent = "tidelock-controller";
// Rounds of reading, planning and writing in one step, so that one step stays bounded.
constexpr int kRoundsMax = 8;
constexpr int kReadPassesMax = 100;
// Tasks at a time, far from what takes as long as a lease.
constexpr std::size_t kTakeoverBatch = 100;
constexpr Duration kStartRetry = std::chrono::seconds(1);

// No answer, or one that does not say whether the write happened.
bool outcome_unknown(const Error& error) {
  switch (error.reason) {
    case Reason::Unknown:
    case Reason::InternalError:
    case Reason::ServiceUnavailable:
    case Reason::Timeout: return true;
    case Reason::BadRequest:
    case Reason::Unauthorized:
    case Reason::Forbidden:
    case Reason::NotFound:
    case Reason::MethodNotAllowed:
    case Reason::NotAcceptable:
    case Reason::AlreadyExists:
    case Reason::Conflict:
    case Reason::Expired:
    case Reason::RequestEntityTooLarge:
    case Reason::UnsupportedMediaType:
    case Reason::Invalid:
    case Reason::TooManyRequests: return false;
  }
  return true;
}

// The object is not as we knew it: read it again.
bool is_outdated(const Write& write, const Error& error) {
  if (error.reason == Reason::NotFound) return write.call.verb != client::Call::Verb::Create;
  return error.reason == Reason::Conflict || error.reason == Reason::AlreadyExists;
}

class ControllerImpl final : public Controller {
 public:
  ControllerImpl(client::ApiClient& api, Options options)
      : api_(api), options_(std::move(options)), events_(kComponent), narrator_(events_),
        facts_(api, options_.wake,
               [this](const api::KindInfo& info, const api::ObjectKey& key, const Error& error) {
                 undecodable(info, key, error);
               }) {}

  bool synced() const override { return facts_.synced(); }

  TimePoint step(TimePoint now) override {
    TimePoint next = now;
    for (int round = 0; round < kRoundsMax; ++round) {
      next = read_facts(now);
      if (!facts_.synced()) break;
      now = later(now);
      next = std::min(next, tend_domains(now));
      now = later(now);
      std::vector<Write> writes;
      next = std::min(next, plan_domains(now, writes));
      if (writes.empty()) break;
      // Grants by themselves and first: agents start while the rest is written.
      const auto rest = std::stable_partition(writes.begin(), writes.end(),
                                              [](const Write& write) { return write.grants; });
      std::vector<Write> others(std::make_move_iterator(rest), std::make_move_iterator(writes.end()));
      writes.erase(rest, writes.end());
      if (!writes.empty()) send(std::move(writes), now);
      if (!others.empty()) send(std::move(others), now);
      next = now;
    }
    send_events(now);
    return next;
  }

  // Facts::Listener.
  template <class T>
  void changed(const api::ObjectKey& key, const Facts::Ptr<T>& before, const Facts::Ptr<T>& after) {
    ++changes_;
    if (!after && TIDELOCK_PLANT(IgnoreDeletion)) return;
    Domain& domain = domain_of(key.ns);
    domain.objects += (after ? 1 : 0) - (before ? 1 : 0);
    domain.touch();
    planner::Planner* planner = domain.planner();
    if (planner == nullptr) return;
    if (after) {
      planner->set(after);
    } else {
      planner->remove(std::string(api::kind_info<T>().kind), key.name);
    }
    narrator_.changed(before.get(), after.get());
  }

 private:
  // Each kind has its own watch, so a release may be seen before the project that was changed before
  // it. What was written earlier is readable once what was written later has been seen: read until
  // a pass brings nothing new, and the facts are as of one moment.
  TimePoint read_facts(TimePoint now) {
    TimePoint next = now;
    for (int pass = 0; pass < kReadPassesMax; ++pass) {
      const std::uint64_t before = changes_;
      next = facts_.step(now, *this);
      if (changes_ == before) break;
      next = now;
    }
    return next;
  }

  TimePoint later(TimePoint now) const {
    return options_.clock == nullptr ? now : options_.clock->now();
  }

  Domain& domain_of(const std::string& ns) {
    auto found = domains_.find(ns);
    if (found != domains_.end()) return found->second;
    const client::LeaderElector::Options lease{ns, kLeaseName, options_.identity,
                                               options_.lease_duration, options_.clock};
    return domains_.try_emplace(ns, api_, lease).first->second;
  }

  // Leases, and the planners that come and go with them.
  TimePoint tend_domains(TimePoint now) {
    std::erase_if(domains_, [](const auto& entry) { return entry.second.objects == 0; });
    TimePoint next = kNever;
    for (auto& [ns, domain] : domains_) {
      client::LeaderElector& elector = domain.elector();
      next = std::min(next, elector.step(now));
      if (!elector.leads(now)) {
        if (domain.planner() != nullptr) domain.stop();
      } else if (!domain.started_for(elector.epoch())) {
        next = std::min(next, start_planner(ns, domain, now).value_or(kNever));
      }
    }
    return next;
  }

  // The one before us may have granted up to the moment in which we took its lease: the tasks are
  // read once more, so that no lock is given twice. What it sent last may still be on its way: each
  // task that it could grant gets a new version, so that the API refuses what comes late. Nullopt: done;
  // else when to go on.
  std::optional<TimePoint> start_planner(const std::string& ns, Domain& domain, TimePoint now) {
    Takeover& takeover = domain.takeover();
    const bool read = takeover.has_read || TIDELOCK_PLANT(SkipReadAtTakeover);
    if (!read && !read_tasks(ns)) return now + kStartRetry;
    takeover.has_read = true;
    if (!TIDELOCK_PLANT(TrustLateGrants)) {
      const auto taken = take_tasks_over(ns, domain, now);
      if (!taken) return now + kStartRetry;
      if (*taken > 0) return now;
    }
    std::int64_t epoch = domain.elector().epoch();
    facts_.for_each_of<api::DeploymentTask>(ns, [&](const auto& task) {
      // Should the lease have been deleted: fences rise all the same. Those of this epoch are our own, of a
      // planner before; to go beyond it would take the next holder's.
      if (!task->status.grant) return;
      const auto given = task->status.grant->fence.epoch;
      if (given > domain.elector().epoch()) epoch = std::max(epoch, given + 1);
    });
    domain.start(domain.elector().epoch(), epoch);
    facts_.for_each_in(ns, [&](const auto& object) { domain.planner()->set(object); });
    log_info("planning", {{"namespace", ns}, {"epoch", std::to_string(epoch)}});
    return std::nullopt;
  }

  bool read_tasks(const std::string& ns) {
    const auto text = api_.list(client::resource_of<api::DeploymentTask>(), ns);
    if (!text) {
      log_warn("tasks cannot be read", {{"namespace", ns}, {"error", text.error().message}});
      return false;
    }
    std::set<std::string> listed;
    for (std::string_view item : client::json_elements(client::json_member(*text, "items"))) {
      listed.insert(client::json_string(
          client::json_member(client::json_member(item, "metadata"), "name")));
      // What cannot be decoded has been reported by the reflector.
      if (auto task = client::decode_shared<api::DeploymentTask>(item)) {
        facts_.wrote<api::DeploymentTask>(*task, *this);
      }
    }
    std::vector<Facts::Ptr<api::DeploymentTask>> gone;
    facts_.for_each_of<api::DeploymentTask>(ns, [&](const auto& task) {
      if (!listed.contains(task->metadata.name)) gone.push_back(task);
    });
    for (const auto& task : gone) {
      facts_.erased<api::DeploymentTask>(task->metadata.key(), task->metadata.uid, *this);
    }
    return true;
  }

  // Some of them: the lease has to be renewed meanwhile. How many, 0 = none was left; nullopt: the server does
  // not do it. Tasks that come into being later hold nothing: they have no grant, and for one their maker
  // would need the lease that it has lost.
  std::optional<std::size_t> take_tasks_over(const std::string& ns, Domain& domain, TimePoint now) {
    std::vector<Write> writes;
    facts_.for_each_of<api::DeploymentTask>(ns, [&](const auto& task) {
      const bool done = api::is_terminal(task->status.phase) ||
                        domain.takeover().tasks.contains(task->metadata.uid);
      if (done || writes.size() == kTakeoverBatch) return;
      writes.push_back(takeover_of(*task, domain.elector().epoch()));
    });
    std::vector<client::Call> calls;
    for (const Write& write : writes) calls.push_back(write.call);
    const std::vector<Result<std::string>> answers = api_.call_all(calls);
    std::vector<Outdated> outdated;
    bool failed = false;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i]) {
        domain.takeover().tasks.insert(writes[i].uid);
        take_object(writes[i], *answers[i]);
      } else if (is_outdated(writes[i], answers[i].error())) {
        outdated.push_back({std::move(writes[i]), answers[i].error()});
      } else {
        log_warn("task cannot be taken over",
                 {{"name", writes[i].key.name}, {"error", answers[i].error().message}});
        failed = true;
      }
    }
    read_again(outdated, now);
    return failed ? std::nullopt : std::optional(writes.size());
  }

  TimePoint plan_domains(TimePoint now, std::vector<Write>& writes) {
    TimePoint next = kNever;
    for (auto& [ns, domain] : domains_) {
      // The requests since the lease was looked at may have outlasted it.
      const bool lost = domain.planner() != nullptr && !domain.elector().leads(now) &&
                        !TIDELOCK_PLANT(PlanWithoutLease);
      next = std::min(next, lost ? now : domain.plan(now, facts_, writes));
    }
    return next;
  }

  // One batch; then the objects that turned out to be different are read in another.
  void send(std::vector<Write> writes, TimePoint now) {
    std::vector<client::Call> calls;
    calls.reserve(writes.size());
    for (const Write& write : writes) calls.push_back(write.call);
    std::vector<Result<std::string>> answers = api_.call_all(calls);
    INVARIANT(answers.size() == writes.size());
    std::vector<Outdated> outdated;
    for (std::size_t i = 0; i < writes.size(); ++i) {
      Domain& domain = domain_of(writes[i].key.ns);
      if (answers[i]) {
        domain.succeeded(writes[i]);
        take_answer(writes[i], *answers[i]);
      } else if (is_outdated(writes[i], answers[i].error())) {
        outdated.push_back({std::move(writes[i]), answers[i].error()});
      } else if (writes[i].grants && outcome_unknown(answers[i].error()) &&
                 !TIDELOCK_PLANT(PlanOnUnknownGrant)) {
        domain.unknown(std::move(writes[i]), answers[i].error(), now);
      } else {
        domain.refused(writes[i], answers[i].error(), now);
      }
    }
    read_again(outdated, now);
  }

  struct Outdated {
    Write write;
    Error error;
  };
  void read_again(const std::vector<Outdated>& outdated, TimePoint now) {
    std::vector<client::Call> calls;
    for (const Outdated& object : outdated) calls.push_back(read_of(object.write));
    const std::vector<Result<std::string>> answers = api_.call_all(calls);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const Write& write = outdated[i].write;
      bool news = false;
      if (answers[i]) {
        news = take_object(write, *answers[i]);
      } else if (answers[i].error().reason == Reason::NotFound) {
        news = forget(write);
      }
      Domain& domain = domain_of(write.key.ns);
      if (news) {
        domain.succeeded(write);  // settled: the next plan starts from what is there
      } else {
        domain.refused(write, answers[i] ? outdated[i].error : answers[i].error(), now);
      }
    }
  }

  void take_answer(const Write& write, const std::string& text) {
    const bool deletion = write.call.verb == client::Call::Verb::Delete;
    if (deletion && client::json_string(client::json_member(text, "kind")) == "Status") {
      Facts::with_kind(write.kind, [&]<class T>() {
        facts_.erased<T>(write.key, write.uid, *this);
      });
      return;
    }
    take_object(write, text);
  }

  // True if this was news.
  bool take_object(const Write& write, const std::string& text) {
    bool news = false;
    Facts::with_kind(write.kind, [&]<class T>() {
      auto object = client::decode_shared<T>(text);
      if (!object) {
        log_warn("answer cannot be decoded", {{"kind", write.kind},
                                              {"name", write.key.name},
                                              {"error", object.error().message}});
        return;
      }
      const auto before = facts_.get<T>(write.key.ns, write.key.name);
      facts_.wrote<T>(*object, *this);
      news = facts_.get<T>(write.key.ns, write.key.name) != before;
    });
    return news;
  }

  bool forget(const Write& write) {
    bool news = false;
    Facts::with_kind(write.kind, [&]<class T>() {
      const auto known = facts_.get<T>(write.key.ns, write.key.name);
      if (!known) return;
      facts_.erased<T>(write.key, known->metadata.uid, *this);
      news = true;
    });
    return news;
  }

  void undecodable(const api::KindInfo& info, const api::ObjectKey& key, const Error& error) {
    log_warn("object cannot be decoded", {{"kind", info.kind},
                                          {"namespace", key.ns},
                                          {"name", key.name},
                                          {"error", error.message}});
    events_.warning({info.kind, info.group, info.version, key, ""}, "Undecodable", error.message);
  }

  void send_events(TimePoint now) {
    const std::vector<client::Call> calls = events_.take(now);
    for (const Result<std::string>& answer : api_.call_all(calls)) {
      if (answer || answer.error().reason == Reason::AlreadyExists) continue;
      if (last_event_error_ == answer.error().message) continue;
      last_event_error_ = answer.error().message;
      log_warn("event not written", {{"error", answer.error().message}});
    }
  }

  client::ApiClient& api_;
  Options options_;
  EventRecorder events_;
  Narrator narrator_;
  std::map<std::string, Domain> domains_;
  std::uint64_t changes_ = 0;  // of facts, ever
  Facts facts_;
  std::string last_event_error_;
};

}  // namespace

// The random source is part of the contract for jitter; nothing here needs any so far.
std::unique_ptr<Controller> Controller::make(client::ApiClient& api, Random& /*random*/,
                                             Options options) {
  return std::make_unique<ControllerImpl>(api, std::move(options));
}

}  // namespace tidelock::reconciler
