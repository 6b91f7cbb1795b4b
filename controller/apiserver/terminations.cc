// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/terminations.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "controller/apiserver/crds.h"
#include "controller/apiserver/metadata.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/scan.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr std::size_t kPage = 500;

bool is_deleting_object(std::string_view stored) {
  return !scan_value(stored, {"metadata", "deletionTimestamp"}).empty();
}

}  // namespace

Terminations::Terminations(Context& context, BackgroundWriter& writer)
    : context_(context), writer_(writer) {}

void Terminations::clear() {
  namespaces_.clear();
  crds_.clear();
  dirty_namespaces_.clear();
  crds_dirty_ = false;
}

void Terminations::observe(const std::string& key, const std::string* value) {
  const KeyParts parts = split_key(key);
  const std::string ns(parts.ns);
  if (!ns.empty() && namespaces_.contains(ns)) dirty_namespaces_.insert(ns);
  crds_dirty_ = crds_dirty_ || !crds_.empty();
  if (parts.group.empty() && parts.plural == "namespaces") {
    const std::string name(parts.name);
    if (value == nullptr) {
      namespaces_.erase(name);
    } else if (is_deleting_object(*value)) {
      namespaces_.insert(name);
      dirty_namespaces_.insert(name);
    }
  }
  if (parts.group == "apiextensions.k8s.io" && parts.plural == "customresourcedefinitions") {
    if (value == nullptr) {
      crds_.erase(key);
    } else if (is_deleting_object(*value)) {
      crds_.insert(key);
      crds_dirty_ = true;
    }
  }
}

void Terminations::touch_all() {
  dirty_namespaces_ = namespaces_;
  crds_dirty_ = !crds_.empty();
}

bool Terminations::run() {
  bool started = false;
  for (const auto& ns : std::exchange(dirty_namespaces_, {})) {
    bool anything_left = false;
    started = empty_namespace(ns, anything_left) || started;
    if (!anything_left) started = finish_namespace(ns) || started;
  }
  for (const auto& ns : context_.namespaces.take_orphans()) {
    bool anything_left = false;
    if (context_.namespaces.state(ns) == NamespaceTable::State::Absent) {
      started = empty_namespace(ns, anything_left) || started;
    }
  }
  if (std::exchange(crds_dirty_, false)) {
    for (const auto& key : std::set<std::string>(crds_)) started = empty_crd(key) || started;
  }
  if (std::exchange(look_again_, false)) touch_all();
  return started;
}

bool Terminations::delete_range(const ResourceTypePtr& type, const std::string& prefix,
                                bool& anything_left) {
  bool started = false;
  std::string start = prefix;
  const std::string end = store::prefix_end(prefix);
  while (!start.empty()) {
    const auto page = context_.store.list(start, end, kPage);
    if (!page) {
      anything_left = true;
      look_again_ = true;
      return started;
    }
    for (const auto& entry : page->entries) {
      anything_left = true;
      if (is_deleting_object(entry.value)) continue;
      writer_.remove(type, entry.key, Propagation::Background, "");
      started = true;
    }
    start = page->next;
  }
  return started;
}

bool Terminations::empty_namespace(const std::string& ns, bool& anything_left) {
  bool started = false;
  const auto catalog = context_.registry.catalog();
  for (const auto& [name, type] : catalog->stored) {
    if (!type->namespaced) continue;
    started = delete_range(type, type->prefix(ns), anything_left) || started;
  }
  return started;
}

bool Terminations::finish_namespace(const std::string& ns) {
  const auto type = context_.registry.find("", "v1", "namespaces");
  writer_.edit(type, type->key("", ns), [](json& document) {
    if (!is_deleting(document["metadata"])) return false;
    document["spec"].erase("finalizers");
    return true;
  });
  return true;
}

bool Terminations::empty_crd(const std::string& crd_key) {
  const auto crd_type =
      context_.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  const std::string name(split_key(crd_key).name);  // "<plural>.<group>"
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return false;
  const auto type =
      context_.registry.catalog()->find_stored(name.substr(dot + 1), name.substr(0, dot));
  bool anything_left = false;
  bool started = type && delete_range(type, type->prefix(), anything_left);
  if (anything_left) return started;
  writer_.edit(crd_type, crd_key, [](json& document) {
    if (!has_finalizer(document["metadata"], kCrdCleanupFinalizer)) return false;
    remove_finalizer(document["metadata"], kCrdCleanupFinalizer);
    return true;
  });
  return true;
}

}  // namespace tidelock::apiserver
