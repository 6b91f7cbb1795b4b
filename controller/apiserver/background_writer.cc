// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/background_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/apiserver/metadata.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/status.h"
#include "controller/base/log.h"

namespace tidelock::apiserver {
namespace {

constexpr Duration kRetryAfter = std::chrono::seconds(1);

bool may_be_removed(const nlohmann::json& document) {
  if (!is_deleting(document["metadata"]) || has_finalizers(document["metadata"])) return false;
  const nlohmann::json::json_pointer spec_finalizers("/spec/finalizers");
  return document.value("kind", "") != "Namespace" || !document.contains(spec_finalizers) ||
         document[spec_finalizers].empty();
}

}  // namespace

bool BackgroundWriter::begin(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto [it, fresh] = pending_.try_emplace(key);
  if (!fresh) it->second.passed_over = true;
  return fresh;
}

std::set<std::string> BackgroundWriter::take_passed_over() {
  const std::lock_guard lock(mutex_);
  return std::exchange(passed_over_, {});
}

WriteDone BackgroundWriter::finish(const std::string& key, std::function<void()> again) {
  return [this, key, again = std::move(again)](const Result<Written>& written) {
    const bool refused = !written && written.error().reason != Reason::NotFound &&
                         written.error().reason != Reason::Conflict;
    bool look_again = refused;
    {
      const std::lock_guard lock(mutex_);
      Pending& pending = pending_[key];
      if (refused) {
        pending.again = again;
        pending.due = context_.clock.now() + kRetryAfter;
      } else {
        look_again = pending.passed_over;
        if (pending.passed_over) passed_over_.insert(key);
        pending_.erase(key);
      }
    }
    if (refused) {
      log_warn("background write refused", {{"key", key}, {"error", written.error().message}});
    }
    if (look_again) context_.wake();
  };
}

void BackgroundWriter::remove(const ResourceTypePtr& type, const std::string& key,
                              Propagation propagation, const std::string& uid) {
  if (!begin(key)) return;
  DeleteOptions options;
  options.propagation = propagation;
  options.precondition_uid = uid;
  start_delete(context_, type, key, options,
               finish(key, [this, type, key, propagation, uid] { remove(type, key, propagation, uid); }));
}

void BackgroundWriter::edit(const ResourceTypePtr& type, const std::string& key, Edit change) {
  if (!begin(key)) return;
  WriteOperation write;
  write.type = type;
  write.key = key;
  write.decide = [type, key, change](const store::Entry* current) -> Result<Change> {
    if (current == nullptr) return fail(not_found(*type, split_key(key).name));
    nlohmann::json document = object_json(*type, current->value, 0);
    if (!change(document)) return Change{};
    const Change::Kind kind = may_be_removed(document) ? Change::Kind::Remove : Change::Kind::Put;
    return Change{kind, encode_stored(*type, document)};
  };
  start_write(context_, std::move(write),
              finish(key, [this, type, key, change] { edit(type, key, change); }));
}

TimePoint BackgroundWriter::retry(TimePoint now) {
  std::vector<std::function<void()>> due;
  TimePoint next = kNever;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = pending_.begin(); it != pending_.end();) {
      if (it->second.due > now) {
        next = std::min(next, it->second.due);
        ++it;
        continue;
      }
      due.push_back(std::move(it->second.again));
      it = pending_.erase(it);
    }
  }
  for (const auto& again : due) again();
  return next;
}

}  // namespace tidelock::apiserver
