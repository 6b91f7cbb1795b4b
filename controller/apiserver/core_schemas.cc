// SPDX-License-Identifier: Apache-2.0
// Schemas of the core kinds. Written here and not read from files: they are part of the protocol.
#include <map>
#include <nlohmann/json.hpp>

#include "controller/apiserver/core_kinds.h"
#include "controller/base/invariant.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kNamespace = R"({
"type":"object","description":"Namespace provides a scope for Names.","properties":{
 "spec":{"type":"object","description":"Spec defines the behavior of the Namespace.","properties":{
  "finalizers":{"type":"array","description":"Finalizers that must be empty before the namespace is removed from storage.","items":{"type":"string"}}}},
 "status":{"type":"object","description":"Status describes the current status of a Namespace.","properties":{
  "phase":{"type":"string","description":"Active or Terminating."},
  "conditions":{"type":"array","items":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}})";

constexpr const char* kSecret = R"({
"type":"object","description":"Secret holds secret data of a certain type.","properties":{
 "data":{"type":"object","description":"Base64-encoded values by key.","additionalProperties":{"type":"string","format":"byte"}},
 "stringData":{"type":"object","description":"Plain values; written into data, never read.","additionalProperties":{"type":"string"}},
 "immutable":{"type":"boolean","description":"If true, the data cannot be changed."},
 "type":{"type":"string","description":"Used to facilitate programmatic handling of secret data."}}})";

constexpr const char* kConfigMap = R"({
"type":"object","description":"ConfigMap holds configuration data for pods to consume.","properties":{
 "data":{"type":"object","description":"UTF-8 values by key.","additionalProperties":{"type":"string"}},
 "binaryData":{"type":"object","description":"Base64-encoded values by key.","additionalProperties":{"type":"string","format":"byte"}},
 "immutable":{"type":"boolean","description":"If true, the data cannot be changed."}}})";

constexpr const char* kObjectReference = R"({"type":"object","properties":{
 "apiVersion":{"type":"string"},"fieldPath":{"type":"string"},"kind":{"type":"string"},
 "name":{"type":"string"},"namespace":{"type":"string"},"resourceVersion":{"type":"string"},
 "uid":{"type":"string"}}})";

constexpr const char* kEvent = R"({
"type":"object","description":"Event is a report of an event somewhere in the cluster.","properties":{
 "action":{"type":"string","description":"What action was taken or failed."},
 "count":{"type":"integer","format":"int32","description":"The number of times this event has occurred."},
 "eventTime":{"type":"string","format":"date-time","nullable":true,"description":"Time when this Event was first observed."},
 "firstTimestamp":{"type":"string","format":"date-time","nullable":true,"description":"The time at which the event was first recorded."},
 "lastTimestamp":{"type":"string","format":"date-time","nullable":true,"description":"The time at which the most recent occurrence was recorded."},
 "involvedObject":@REFERENCE@,
 "message":{"type":"string","description":"A human-readable description of the status of this operation."},
 "reason":{"type":"string","description":"A short, machine understandable string."},
 "related":@REFERENCE@,
 "reportingComponent":{"type":"string","description":"Name of the controller that emitted this Event."},
 "reportingInstance":{"type":"string","description":"ID of the controller instance."},
 "series":{"type":"object","properties":{"count":{"type":"integer","format":"int32"},"lastObservedTime":{"type":"string","format":"date-time"}}},
 "source":{"type":"object","properties":{"component":{"type":"string"},"host":{"type":"string"}}},
 "type":{"type":"string","description":"Normal or Warning."}}})";

constexpr const char* kLease = R"({
"type":"object","description":"Lease defines a lease concept.","properties":{
 "spec":{"type":"object","properties":{
  "acquireTime":{"type":"string","format":"date-time","description":"Time when the current lease was acquired."},
  "holderIdentity":{"type":"string","description":"The identity of the holder of the lease."},
  "leaseDurationSeconds":{"type":"integer","format":"int32","description":"Seconds that candidates wait before they force acquire the lease."},
  "leaseTransitions":{"type":"integer","format":"int32","description":"The number of transitions between holders."},
  "preferredHolder":{"type":"string"},
  "renewTime":{"type":"string","format":"date-time","description":"Time when the holder last renewed the lease."},
  "strategy":{"type":"string"}}}}})";

constexpr const char* kServiceAccount = R"({
"type":"object","description":"ServiceAccount binds together a name and secrets.","properties":{
 "automountServiceAccountToken":{"type":"boolean"},
 "imagePullSecrets":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"}}}},
 "secrets":{"type":"array","items":@REFERENCE@}}})";

// The schema inside a CRD's versions is checked by crd_validation, so it is left open here.
constexpr const char* kCrd = R"({
"type":"object","description":"CustomResourceDefinition represents a resource that should be exposed on the API server.",
"required":["spec"],"properties":{
 "spec":{"type":"object","required":["group","names","scope","versions"],"properties":{
  "group":{"type":"string","description":"The API group of the defined custom resource."},
  "scope":{"type":"string","description":"Cluster or Namespaced.","enum":["Cluster","Namespaced"]},
  "names":{"type":"object","required":["kind","plural"],"properties":{
   "kind":{"type":"string"},"listKind":{"type":"string"},"plural":{"type":"string"},"singular":{"type":"string"},
   "shortNames":{"type":"array","items":{"type":"string"}},"categories":{"type":"array","items":{"type":"string"}}}},
  "conversion":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
  "preserveUnknownFields":{"type":"boolean"},
  "versions":{"type":"array","items":{"type":"object","required":["name","served","storage"],"properties":{
   "name":{"type":"string"},"served":{"type":"boolean"},"storage":{"type":"boolean"},
   "deprecated":{"type":"boolean"},"deprecationWarning":{"type":"string"},
   "schema":{"type":"object","properties":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
   "subresources":{"type":"object","properties":{
    "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
    "scale":{"type":"object","properties":{"specReplicasPath":{"type":"string"},"statusReplicasPath":{"type":"string"},"labelSelectorPath":{"type":"string"}}}}},
   "selectableFields":{"type":"array","items":{"type":"object","required":["jsonPath"],"properties":{"jsonPath":{"type":"string"}}}},
   "additionalPrinterColumns":{"type":"array","items":{"type":"object","required":["name","type","jsonPath"],"properties":{
    "name":{"type":"string"},"type":{"type":"string"},"jsonPath":{"type":"string"},"format":{"type":"string"},
    "description":{"type":"string"},"priority":{"type":"integer","format":"int32"}}}}}}}}},
 "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}})";

json parse(std::string text) {
  constexpr std::string_view kReference = "@REFERENCE@";
  for (std::size_t at = text.find(kReference); at != std::string::npos; at = text.find(kReference)) {
    text.replace(at, kReference.size(), kObjectReference);
  }
  return json::parse(text);
}

}  // namespace

const json& core_schema(Builtin kind) {
  static const std::map<Builtin, json> schemas = {
      {Builtin::Namespace, parse(kNamespace)}, {Builtin::Secret, parse(kSecret)},
      {Builtin::ConfigMap, parse(kConfigMap)}, {Builtin::Event, parse(kEvent)},
      {Builtin::Lease, parse(kLease)},         {Builtin::ServiceAccount, parse(kServiceAccount)},
      {Builtin::Crd, parse(kCrd)},
  };
  const auto found = schemas.find(kind);
  INVARIANT(found != schemas.end());
  return found->second;
}

}  // namespace tidelock::apiserver
