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
"type":"object","description":"A space for names: objects of one namespaced kind are unique by name inside of it.","properties":{
 "spec":{"type":"object","description":"What is wished for.","properties":{
  "finalizers":{"type":"array","description":"Who still has to clean up before the namespace may disappear.","items":{"type":"string"}}}},
 "status":{"type":"object","description":"What was seen.","properties":{
  "phase":{"type":"string","description":"Active, or Terminating while its contents are being deleted."},
  "conditions":{"type":"array","description":"What holds of the namespace at the moment.","items":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}})";

constexpr const char* kSecret = R"({
"type":"object","description":"Small pieces of confidential data, such as passwords and keys.","properties":{
 "data":{"type":"object","description":"Values by key, in base64. Keys consist of letters, digits, '-', '_' and '.'.","additionalProperties":{"type":"string","format":"byte"}},
 "stringData":{"type":"object","description":"Values by key in plain text, for writing only: they are put into data.","additionalProperties":{"type":"string"}},
 "immutable":{"type":"boolean","description":"If true, the data cannot be changed any more, only the object be deleted."},
 "type":{"type":"string","description":"What kind of secret it is, for programs; Opaque by default."}}})";

constexpr const char* kConfigMap = R"({
"type":"object","description":"Configuration data that is not confidential.","properties":{
 "data":{"type":"object","description":"UTF-8 texts by key. Keys consist of letters, digits, '-', '_' and '.'.","additionalProperties":{"type":"string"}},
 "binaryData":{"type":"object","description":"Values by key, in base64. No key may also stand in data.","additionalProperties":{"type":"string","format":"byte"}},
 "immutable":{"type":"boolean","description":"If true, the data cannot be changed any more, only the object be deleted."}}})";

constexpr const char* kObjectReference = R"({"type":"object","description":"Names another object.","properties":{
 "apiVersion":{"type":"string","description":"Its API version."},
 "fieldPath":{"type":"string","description":"The part of it that is meant."},
 "kind":{"type":"string","description":"Its kind."},
 "name":{"type":"string","description":"Its name."},
 "namespace":{"type":"string","description":"Its namespace."},
 "resourceVersion":{"type":"string","description":"The version of it that is meant."},
 "uid":{"type":"string","description":"Its UID."}}})";

constexpr const char* kEvent = R"({
"type":"object","description":"A note that something happened to an object. Events are kept for a while only, and are for people: no program should rely on one.","properties":{
 "action":{"type":"string","description":"What was done, or was tried in vain."},
 "count":{"type":"integer","format":"int32","description":"How often it happened."},
 "eventTime":{"type":"string","format":"date-time","nullable":true,"description":"When it was first noticed, to the microsecond."},
 "firstTimestamp":{"type":"string","format":"date-time","nullable":true,"description":"When it was first noted."},
 "lastTimestamp":{"type":"string","format":"date-time","nullable":true,"description":"When it was last noted."},
 "involvedObject":@REFERENCE@,
 "message":{"type":"string","description":"What happened, in a sentence."},
 "reason":{"type":"string","description":"Why the object is in its state, in one word."},
 "related":@REFERENCE@,
 "reportingComponent":{"type":"string","description":"Name of the controller that noted it, as in example.dev/controller."},
 "reportingInstance":{"type":"string","description":"Which of its instances."},
 "series":{"type":"object","description":"What the event stands for if it happened several times in a row.","properties":{
  "count":{"type":"integer","format":"int32","description":"How often, so far."},
  "lastObservedTime":{"type":"string","format":"date-time","description":"When it last happened."}}},
 "source":{"type":"object","description":"Who noted it.","properties":{
  "component":{"type":"string","description":"Name of the program."},
  "host":{"type":"string","description":"Where it runs."}}},
 "type":{"type":"string","description":"Normal or Warning."}}})";

constexpr const char* kLease = R"({
"type":"object","description":"A claim that is held for a time and has to be renewed, for leader election and heartbeats.","properties":{
 "spec":{"type":"object","description":"Who holds it and until when.","properties":{
  "acquireTime":{"type":"string","format":"date-time","description":"When the holder got it."},
  "holderIdentity":{"type":"string","description":"Who holds it; empty if nobody does."},
  "leaseDurationSeconds":{"type":"integer","format":"int32","description":"Seconds after the last renewal when others may take it."},
  "leaseTransitions":{"type":"integer","format":"int32","description":"How often it changed hands."},
  "preferredHolder":{"type":"string","description":"Who should get it next."},
  "renewTime":{"type":"string","format":"date-time","description":"When the holder last renewed it."},
  "strategy":{"type":"string","description":"How the next holder is chosen, where that is coordinated."}}}}})";

constexpr const char* kServiceAccount = R"({
"type":"object","description":"An identity for programs.","properties":{
 "automountServiceAccountToken":{"type":"boolean","description":"Whether programs that run as this account find its token in their file system."},
 "imagePullSecrets":{"type":"array","description":"Secrets for fetching images.","items":{"type":"object","description":"Names a Secret in the same namespace.","properties":{"name":{"type":"string","description":"Its name."}}}},
 "secrets":{"type":"array","description":"Secrets that programs of this account may use.","items":@REFERENCE@}}})";

// The schema inside a CRD's versions is checked by crd_validation, so it is left open here.
constexpr const char* kCrd = R"({
"type":"object","description":"Declares a kind of objects that the server then keeps and serves.",
"required":["spec"],"properties":{
 "spec":{"type":"object","description":"The kind: its names, its scope and its versions.","required":["group","names","scope","versions"],"properties":{
  "group":{"type":"string","description":"API group of the kind, a domain name: objects are served below /apis/<group>/."},
  "scope":{"type":"string","description":"Whether objects live in namespaces or in the whole cluster.","enum":["Cluster","Namespaced"]},
  "names":{"type":"object","description":"What the kind is called.","required":["kind","plural"],"properties":{
   "kind":{"type":"string","description":"Name of the kind, in CamelCase."},
   "listKind":{"type":"string","description":"Name of lists of the kind; <kind>List by default."},
   "plural":{"type":"string","description":"Name in URLs, in lower case. The CRD itself is called <plural>.<group>."},
   "singular":{"type":"string","description":"Name for one object, in lower case; the kind in lower case by default."},
   "shortNames":{"type":"array","description":"Abbreviations for command lines.","items":{"type":"string"}},
   "categories":{"type":"array","description":"Groups of kinds that this one belongs to, such as all.","items":{"type":"string"}}}},
  "conversion":{"type":"object","description":"How objects get from one version to another.","x-kubernetes-preserve-unknown-fields":true,"properties":{
   "strategy":{"type":"string","description":"None: only apiVersion changes."}}},
  "preserveUnknownFields":{"type":"boolean","description":"Must be false; x-kubernetes-preserve-unknown-fields in the schema is the way."},
  "versions":{"type":"array","description":"The versions of the kind, one of which is stored.","items":{"type":"object","description":"One version.","required":["name","served","storage"],"properties":{
   "name":{"type":"string","description":"Name of the version, such as v1 or v1beta1."},
   "served":{"type":"boolean","description":"Whether it can be asked for."},
   "storage":{"type":"boolean","description":"Whether objects are stored in it; true for exactly one version."},
   "deprecated":{"type":"boolean","description":"Whether answers in it carry a warning."},
   "deprecationWarning":{"type":"string","description":"The text of that warning."},
   "schema":{"type":"object","description":"What objects look like.","properties":{"openAPIV3Schema":{"type":"object","description":"A structural OpenAPI v3 schema: for validation, defaults and pruning.","x-kubernetes-preserve-unknown-fields":true}}},
   "subresources":{"type":"object","description":"Further endpoints of each object.","properties":{
    "status":{"type":"object","description":"If set, the status is written through /status alone.","x-kubernetes-preserve-unknown-fields":true},
    "scale":{"type":"object","description":"Where /scale finds its numbers.","properties":{
     "specReplicasPath":{"type":"string","description":"Path below .spec of the wished number."},
     "statusReplicasPath":{"type":"string","description":"Path below .status of the real number."},
     "labelSelectorPath":{"type":"string","description":"Path of a label selector, as text."}}}}},
   "selectableFields":{"type":"array","description":"Fields that field selectors may use.","items":{"type":"object","description":"One field.","required":["jsonPath"],"properties":{"jsonPath":{"type":"string","description":"Its path, such as .spec.color."}}}},
   "additionalPrinterColumns":{"type":"array","description":"Columns of tables, as kubectl get prints them.","items":{"type":"object","description":"One column.","required":["name","type","jsonPath"],"properties":{
    "name":{"type":"string","description":"Its heading."},
    "type":{"type":"string","description":"integer, number, string, boolean or date."},
    "jsonPath":{"type":"string","description":"Path of what it shows."},
    "format":{"type":"string","description":"Format of the value, for clients."},
    "description":{"type":"string","description":"What it is about."},
    "priority":{"type":"integer","format":"int32","description":"0 is always shown, more only in wide tables."}}}}}}}}},
 "status":{"type":"object","description":"Names and versions that are in use, and whether the kind is served.","x-kubernetes-preserve-unknown-fields":true}}})";

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
