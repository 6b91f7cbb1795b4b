// SPDX-License-Identifier: Apache-2.0
// The typed half of the reflector; included by reflector.h only.
#pragma once

#include <utility>

namespace tidelock::client {

template <class T>
Reflector<T>::Reflector(ApiClient& client, ReflectorOptions options, Undecodable on_undecodable)
    : core_(client, std::move(options)), on_undecodable_(std::move(on_undecodable)) {}

template <class T>
TimePoint Reflector<T>::step(TimePoint now, const Changed& changed) {
  std::vector<ReflectorCore::Batch> batches;
  const TimePoint next = core_.step(now, batches);
  for (const ReflectorCore::Batch& batch : batches) apply(batch, changed);
  return next;
}

template <class T>
void Reflector<T>::apply(const ReflectorCore::Batch& batch, const Changed& changed) {
  if (!batch.replaced) {
    for (const ReflectorCore::Change& change : batch.changes) apply(change, changed);
    return;
  }
  erased_.clear();
  std::set<api::ObjectKey> listed;
  for (const ReflectorCore::Change& change : batch.changes) {
    listed.insert(change.key);
    apply(change, changed);
  }
  std::vector<api::ObjectKey> gone;
  for (const auto& [key, object] : cache_.objects_) {
    // An own write that is younger than the list is no reason to forget its object.
    if (!listed.contains(key) &&
        !older_version(batch.resource_version, object->metadata.resource_version)) {
      gone.push_back(key);
    }
  }
  for (const api::ObjectKey& key : gone) put(key, nullptr, changed);
  std::erase_if(undecodable_, [&](const auto& entry) { return !listed.contains(entry.first); });
}

template <class T>
void Reflector<T>::apply(const ReflectorCore::Change& change, const Changed& changed) {
  if (auto grave = erased_.find(change.key); grave != erased_.end() && grave->second == change.uid) {
    if (change.object.empty()) erased_.erase(grave);
    return;
  }
  const Ptr known = cache_.get(change.key);
  const bool stale =
      known && !older_version(known->metadata.resource_version, change.resource_version);
  if (stale) return;
  if (change.object.empty()) {
    undecodable_.erase(change.key);
    put(change.key, nullptr, changed);
    return;
  }
  Result<Ptr> decoded = decode_shared<T>(change.object);
  if (decoded) {
    undecodable_.erase(change.key);
    put(change.key, *decoded, changed);
    return;
  }
  put(change.key, nullptr, changed);
  std::string& reported = undecodable_[change.key];
  if (reported == change.resource_version) return;
  reported = change.resource_version;
  if (on_undecodable_) on_undecodable_(change.key, decoded.error());
}

template <class T>
void Reflector<T>::put(const api::ObjectKey& key, const Ptr& object, const Changed& changed) {
  const Ptr old_object = cache_.get(key);
  if (!old_object && !object) return;
  if (object) {
    cache_.objects_[key] = object;
  } else {
    cache_.objects_.erase(key);
  }
  if (changed) changed(key, old_object, object);
}

template <class T>
typename Cache<T>::Ptr Reflector<T>::wrote(Ptr object) {
  const Ptr known = cache_.get(object->metadata.key());
  if (known && !older_version(known->metadata.resource_version, object->metadata.resource_version)) {
    return nullptr;
  }
  cache_.objects_[object->metadata.key()] = object;
  return object;
}

template <class T>
typename Cache<T>::Ptr Reflector<T>::erased(const api::ObjectKey& key, const std::string& uid) {
  const Ptr known = cache_.get(key);
  if (!known || known->metadata.uid != uid) return nullptr;
  cache_.objects_.erase(key);
  erased_[key] = uid;
  return known;
}

}  // namespace tidelock::client
