// SPDX-License-Identifier: Apache-2.0
#include "controller/client/leader_elector.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/base/log.h"
#include "controller/base/plant.h"

namespace tidelock::client {
namespace {

using nlohmann::json;

constexpr int kRenewalsPerDuration = 3;
constexpr Duration kRetry = std::chrono::seconds(1);

Call lease_call(Call::Verb verb, const std::string& ns, const std::string& name) {
  Call call;
  call.verb = verb;
  call.resource = resource_of<api::Lease>();
  call.ns = ns;
  call.name = name;
  return call;
}

}  // namespace

LeaderElector::LeaderElector(ApiClient& client, Options options)
    : client_(client), options_(std::move(options)) {}

bool LeaderElector::leads(TimePoint now) const {
  if (TIDELOCK_PLANT(LeadForEver)) return held_;
  return held_ && now < renewed_at_ + options_.duration;
}

TimePoint LeaderElector::step(TimePoint now) {
  if (now < next_) return next_;
  const bool led = leads(now);
  try_now(now);
  const Duration third = options_.duration / kRenewalsPerDuration;
  if (held_ && renewed_at_ == now) {
    next_ = now + third;
  } else {
    next_ = now + std::min(kRetry, third);
  }
  if (led != leads(now)) {
    log_info(led ? "lease lost" : "lease acquired",
             {{"namespace", options_.ns},
              {"lease", options_.name},
              {"holder", lease_.holder_identity},
              {"epoch", std::to_string(epoch_)}});
  }
  return next_;
}

// Two rounds: a conflict or an unknown lease is looked at, and then acted on.
void LeaderElector::try_now(TimePoint now) {
  for (int round = 0; round < 2; ++round) {
    Result<void> done;
    if (lease_.metadata.resource_version.empty() || !is_free(now)) {
      done = look(now);
      if (!done && done.error().reason == Reason::NotFound) done = create(now);
      if (done && held_ && renewed_at_ == now) return;
      if (!done || !is_free(now)) return;
    }
    const std::int64_t raised = lease_.lease_transitions + (TIDELOCK_PLANT(KeepEpoch) ? 0 : 1);
    done = write(now, held_ ? epoch_ : raised);
    if (done) return;
    const Reason reason = done.error().reason;
    if (reason != Reason::Conflict && reason != Reason::NotFound) return;
    lease_.metadata.resource_version.clear();
  }
}

bool LeaderElector::is_free(TimePoint now) const {
  if (held_ || lease_.holder_identity.empty() || TIDELOCK_PLANT(StealLease)) return true;
  // A second process under our name is somebody else once we have led ourselves.
  if (lease_.holder_identity == options_.identity && epoch_ == 0) return true;
  return now >= seen_at_ + std::chrono::seconds(lease_.lease_duration_seconds);
}

Result<void> LeaderElector::look(TimePoint now) {
  auto lease = client_.get<api::Lease>(options_.ns, options_.name);
  if (!lease) {
    if (lease.error().reason == Reason::NotFound) {
      lease_ = {};
      held_ = false;
    }
    return fail(lease.error());
  }
  seen(now, std::move(*lease));
  return {};
}

Result<void> LeaderElector::create(TimePoint now) {
  api::Lease lease;
  lease.metadata.name = options_.name;
  lease.metadata.ns = options_.ns;
  lease.holder_identity = options_.identity;
  lease.lease_duration_seconds = static_cast<int>(
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(options_.duration).count()));
  lease.acquire_time = now;
  lease.renew_time = now;
  // After a deletion of the lease the epoch must still rise.
  lease.lease_transitions = static_cast<int>(epoch_ + 1);
  auto created = client_.create(lease);
  if (!created) return fail(created.error());
  epoch_ = created->lease_transitions;
  held_ = true;
  renewed_at_ = now;
  seen(now, std::move(*created));
  return {};
}

Result<void> LeaderElector::write(TimePoint now, std::int64_t transitions) {
  json spec{{"renewTime", format_micro_time(now)}};
  if (!held_) {
    spec["holderIdentity"] = options_.identity;
    spec["acquireTime"] = format_micro_time(now);
    spec["leaseTransitions"] = transitions;
    spec["leaseDurationSeconds"] = std::max<std::int64_t>(
        1, std::chrono::ceil<std::chrono::seconds>(options_.duration).count());
  }
  Call call = lease_call(Call::Verb::Patch, options_.ns, options_.name);
  call.body = json{{"metadata", {{"resourceVersion", lease_.metadata.resource_version}}},
                   {"spec", std::move(spec)}}
                  .dump();
  Result<std::string> text = client_.call(call);
  if (!text) return fail(text.error());
  auto lease = api::decode<api::Lease>(std::string_view(*text));
  if (!lease) return fail(lease.error());
  epoch_ = transitions;
  held_ = true;
  renewed_at_ = now;
  seen(now, std::move(*lease));
  return {};
}

void LeaderElector::seen(TimePoint now, api::Lease lease) {
  // The holder may have renewed it just before we got it: its time counts from the answer, not from when
  // we asked.
  const TimePoint answered = options_.clock == nullptr ? now : options_.clock->now();
  if (lease.metadata.resource_version != lease_.metadata.resource_version) seen_at_ = answered;
  // Our own write whose answer was lost looks like ours; a successor raised the number.
  held_ = held_ && lease.holder_identity == options_.identity && lease.lease_transitions == epoch_;
  lease_ = std::move(lease);
}

}  // namespace tidelock::client
