// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/stamps.h"

#include <nlohmann/json.hpp>

#include "controller/api/codec.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kApprover = "approver";

// The spec that carries the approver; null for other kinds, and for what validation will refuse.
json* stamped_spec(const ResourceType& type, json& document) {
  const api::KindInfo& approval = api::kind_info<api::Approval>();
  if (type.group != approval.group || type.kind != approval.kind) return nullptr;
  const auto spec = document.find("spec");
  return spec == document.end() || !spec->is_object() ? nullptr : &*spec;
}

}  // namespace

void stamp_created(const ResourceType& type, const User& user, json& document) {
  if (json* spec = stamped_spec(type, document)) (*spec)[kApprover] = user.name;
}

void stamp_updated(const ResourceType& type, const json& old, json& document) {
  json* spec = stamped_spec(type, document);
  if (spec == nullptr || spec->contains(kApprover)) return;
  const json::json_pointer approver(std::string("/spec/") + kApprover);
  if (old.contains(approver)) (*spec)[kApprover] = old[approver];
}

}  // namespace tidelock::apiserver
