// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/target_book.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "controller/base/log.h"

namespace tidelock::agent {
namespace {

constexpr std::size_t kBatchMax = 500;
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr Duration kHeartbeat = std::chrono::seconds(10);

client::ReflectorOptions reflector_options(const Options& options, Wake wake) {
  client::ReflectorOptions reflector;
  reflector.resource = client::resource_of<api::Target>();
  reflector.ns = options.target.empty() ? "" : options.ns;
  if (!options.target.empty()) reflector.field_selector = "metadata.name=" + options.target;
  reflector.wake = std::move(wake);
  return reflector;
}

bool is_ready(const api::Target& target) {
  const api::Condition* ready = api::find_condition(target.status.conditions, "Ready");
  return ready != nullptr && ready->status;
}

}  // namespace

TargetBook::TargetBook(client::ApiClient& api, const Options& options, Wake wake)
    : api_(api),
      options_(options),
      targets_(api, reflector_options(options, std::move(wake)),
               [](const api::ObjectKey& key, const Error& error) {
                 log_warn("target cannot be read", {{"target", key.name}, {"error", error.message}});
               }) {}

bool TargetBook::serves(const api::Target& target) const {
  // A Local target is the server's own; two agents for one would run everything twice.
  if (!options_.target.empty()) {
    return target.metadata.name == options_.target &&
           target.spec.executor != api::Executor::Local;
  }
  return target.spec.executor == api::Executor::Local;
}

std::shared_ptr<const api::Target> TargetBook::find(const api::ObjectKey& key) const {
  return served_.contains(key) ? targets_.cache().get(key) : nullptr;
}

std::set<api::ObjectKey> TargetBook::take_new() { return std::exchange(new_, {}); }

void TargetBook::changed(const api::ObjectKey& key,
                         const std::shared_ptr<const api::Target>& target) {
  if (target == nullptr || !serves(*target)) {
    served_.erase(key);
    told_.erase(key);
    to_write_.erase(key);
    return;
  }
  if (served_.insert(key).second) new_.insert(key);
  if (!told_.contains(key) || !is_ready(*target)) to_write_.insert(key);
}

client::Call TargetBook::status_call(const api::Target& target, TimePoint now) const {
  api::Target mine;
  mine.status = target.status;
  mine.status.observed_generation = target.metadata.generation;
  mine.status.agent_version = options_.version;
  mine.status.agent_instance = options_.instance;
  mine.status.last_heartbeat = now;
  api::Condition ready;
  ready.type = "Ready";
  ready.status = true;
  ready.reason = "AgentReady";
  ready.message = options_.target.empty() ? "served by the server's own executor"
                                          : "an agent serves the target";
  ready.last_transition_time = now;
  ready.observed_generation = target.metadata.generation;
  api::set_condition(mine.status.conditions, ready);
  client::Call call;
  call.verb = client::Call::Verb::Patch;
  call.resource = client::resource_of<api::Target>();
  call.ns = target.metadata.ns;
  call.name = target.metadata.name;
  call.subresource = "status";
  // Conditional: a heartbeat that was held up on its way must not undo what is newer.
  call.body = nlohmann::json{{"metadata", {{"resourceVersion", target.metadata.resource_version}}},
                             {"status", api::encode_status(mine)}}
                  .dump();
  return call;
}

TimePoint TargetBook::step(TimePoint now) {
  TimePoint next = targets_.step(now, [this](const api::ObjectKey& key, const auto&,
                                             const auto& target) { changed(key, target); });
  if (!synced()) return next;
  if (!options_.target.empty() && now >= heartbeat_at_) to_write_ = served_;
  write_due(now);
  if (!to_write_.empty()) next = std::min(next, std::max(now, write_at_));
  // One that is overdue waits in to_write_ for its next try.
  return heartbeat_at_ > now ? std::min(next, heartbeat_at_) : next;
}

void TargetBook::write_due(TimePoint now) {
  if (to_write_.empty() || now < write_at_) return;
  std::vector<api::ObjectKey> keys;
  std::vector<client::Call> calls;
  for (const api::ObjectKey& key : to_write_) {
    if (calls.size() == kBatchMax) break;
    const auto target = targets_.cache().get(key);
    if (target == nullptr) continue;
    keys.push_back(key);
    calls.push_back(status_call(*target, now));
  }
  const auto results = api_.call_all(calls);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool gone = !results[i] && results[i].error().reason == Reason::NotFound;
    if (!results[i] && !gone) {
      log_warn("target status not written",
               {{"target", keys[i].name}, {"error", results[i].error().message}});
      write_at_ = now + kRetry;
      continue;
    }
    to_write_.erase(keys[i]);
    told_.insert(keys[i]);
    if (gone) continue;
    if (!options_.target.empty()) heartbeat_at_ = now + kHeartbeat;
    if (auto written = client::decode_shared<api::Target>(*results[i])) {
      targets_.wrote(*written);
    }
  }
}

}  // namespace tidelock::agent
