// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/object_rules.h"

#include <array>
#include <mutex>
#include <nlohmann/json.hpp>

#include "controller/api/validation.h"
#include "controller/apiserver/core_kinds.h"
#include "controller/apiserver/crd_validation.h"
#include "controller/apiserver/references.h"
#include "controller/apiserver/schema.h"
#include "controller/base/invariant.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

void append(std::vector<Cause>& causes, std::vector<Cause> more) {
  causes.insert(causes.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
}

// A CRD is written more often than its schema changes: with each status, and at each start of a server.
class RecentSchemas {
 public:
  using Ptr = std::shared_ptr<const Schema>;
  Ptr find(const json& source) {
    const std::lock_guard lock(mutex_);
    for (const Ptr& one : schemas_) {
      if (one != nullptr && one->source() == source) return one;
    }
    return nullptr;
  }
  Ptr add(Schema schema) {
    auto made = std::make_shared<const Schema>(std::move(schema));
    const std::lock_guard lock(mutex_);
    schemas_[next_++ % schemas_.size()] = made;
    return made;
  }

 private:
  std::mutex mutex_;
  std::array<Ptr, 32> schemas_;  // guarded by mutex_, as is next_
  std::size_t next_ = 0;
};

std::vector<Cause> validate_tidelock(Context& context, const ResourceType& type,
                                     const json& document, const json* old) {
  const NamespaceReferences references(context.store, document["metadata"].value("namespace", ""));
  return api::validate(type.kind, document, old, references.view());
}

}  // namespace

std::shared_ptr<const Schema> compile_core_schema(Builtin kind) {
  auto schema = Schema::compile(core_schema(kind));
  INVARIANT(schema.has_value());
  return std::make_shared<const Schema>(std::move(*schema));
}

Result<std::shared_ptr<const Schema>> compile_crd_schema(const json& version) {
  static const json open = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  static RecentSchemas recent;
  const json::json_pointer path("/schema/openAPIV3Schema");
  const json& source = version.contains(path) ? version[path] : open;
  if (auto known = recent.find(source)) return known;
  auto schema = Schema::compile(source);
  if (!schema) return fail(schema.error());
  return recent.add(std::move(*schema));
}

void prune(const ResourceType& type, json& document, std::vector<std::string>& unknown) {
  type.schema->prune(document, &unknown);
}

void apply_defaults(const ResourceType& type, json& document) {
  type.schema->apply_defaults(document);
  type.schema->normalize_numbers(document);
}

std::vector<Cause> validate_object(Context& context, const ResourceType& type, const json& document,
                                   const json* old, const std::string& subresource) {
  std::vector<Cause> causes = type.schema->validate(document, old);
  if (type.builtin == Builtin::Crd) append(causes, validate_crd(document, old));
  if (type.builtin != Builtin::None) append(causes, validate_core(type.builtin, document, old));
  // Objects that do not fit their schema would be misread by what follows.
  if (type.group == api::kGroup && subresource.empty() && causes.empty()) {
    append(causes, validate_tidelock(context, type, document, old));
  }
  return causes;
}

}  // namespace tidelock::apiserver
