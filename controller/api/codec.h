// SPDX-License-Identifier: Apache-2.0
// Structs to JSON and back, for every kind of kinds.h.
//
// decode() is strict about types and enums (Reason::Invalid with the field's path in causes) and
// lax about unknown fields: the API server prunes and reports those. Absent fields get their
// default. encode() writes defaults only where the CRD does not default them, omits empty optional
// fields, and is canonical: keys sorted, same struct, same bytes. decode(encode(x)) == x.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "controller/api/kinds.h"
#include "controller/base/result.h"

namespace tidelock::api {

struct KindInfo {
  std::string_view group;  // empty for core
  std::string_view version;
  std::string_view kind;
  std::string_view plural;
  bool namespaced = true;
};

// KindInfo of each struct of kinds.h.
template <class T>
const KindInfo& kind_info();
template <>
const KindInfo& kind_info<Project>();
template <>
const KindInfo& kind_info<Release>();
template <>
const KindInfo& kind_info<Environment>();
template <>
const KindInfo& kind_info<Tenant>();
template <>
const KindInfo& kind_info<Target>();
template <>
const KindInfo& kind_info<LockGroup>();
template <>
const KindInfo& kind_info<ConcurrencyBudget>();
template <>
const KindInfo& kind_info<TenantDeployment>();
template <>
const KindInfo& kind_info<Rollout>();
template <>
const KindInfo& kind_info<Installation>();
template <>
const KindInfo& kind_info<DeploymentTask>();
template <>
const KindInfo& kind_info<DeploymentWindow>();
template <>
const KindInfo& kind_info<Approval>();
template <>
const KindInfo& kind_info<ReleaseHold>();
template <>
const KindInfo& kind_info<Secret>();
template <>
const KindInfo& kind_info<Lease>();
template <>
const KindInfo& kind_info<Event>();

template <class T>
Result<T> decode(const nlohmann::json& document);
template <class T>
Result<T> decode(std::string_view json_text);
// A JSON document can be made of a string, so texts need an exact match.
template <class T>
Result<T> decode(const std::string& json_text) {
  return decode<T>(std::string_view(json_text));
}
template <class T>
Result<T> decode(const char* json_text) {
  return decode<T>(std::string_view(json_text));
}

template <class T>
nlohmann::json encode(const T& object);  // with apiVersion and kind
template <class T>
nlohmann::json encode_status(const T& object);  // the value of "status" alone; kinds that have one

// Parts that are hashed or shown on their own.
nlohmann::json encode_process(const Process& process);
// "sha256:<hex>" over the canonical JSON of project, version, packages and process.
std::string release_digest(const ReleaseSpec& spec, const Process& process);

std::string_view to_string(Action);
std::string_view to_string(TaskPhase);
std::string_view to_string(StepPhase);
std::string_view to_string(LockMode);
std::string_view to_string(LockScope);
std::string_view to_string(LockGranularity);
std::string_view to_string(Executor);
std::string_view to_string(StepStart);
std::string_view to_string(StepIsolation);
std::string_view to_string(Supersede);
std::string_view to_string(CancelMode);
std::string_view to_string(WavePhase);
std::string_view to_string(OnFailure);
std::int64_t to_integer(const Fence& fence);
Fence fence_from_integer(std::int64_t value);

// A JSON text, refused when deeper than limits::kJsonDepthMax or larger than `bytes_max`; the error
// is Go's wording where clients see it. Duplicate keys are collected into `duplicates` when given.
Result<nlohmann::json> parse_json(std::string_view text, std::size_t bytes_max);
struct DuplicateKey {
  std::string path;  // "spec.color"
};
Result<nlohmann::json> parse_json(std::string_view text, std::size_t bytes_max,
                                  std::vector<DuplicateKey>& duplicates);

}  // namespace tidelock::api
