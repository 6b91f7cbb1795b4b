// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/openapi_types.h"

#include <nlohmann/json.hpp>

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kTypes = R"json({
"ObjectMeta":{"type":"object","description":"What the system and its users note about an object, whatever its kind.","properties":{
 "annotations":{"type":"object","additionalProperties":{"type":"string","default":""},"description":"Free notes by key, for tools and people. They cannot be searched for."},
 "creationTimestamp":{"description":"When the server created the object. Read-only.","allOf":[{"$ref":"Time"}]},
 "deletionGracePeriodSeconds":{"type":"integer","format":"int64","description":"Seconds that the object may still use to end gracefully. Read-only."},
 "deletionTimestamp":{"description":"When deletion was asked for; the object goes as soon as its finalizers are gone. Read-only.","allOf":[{"$ref":"Time"}]},
 "finalizers":{"type":"array","items":{"type":"string","default":""},"description":"Names of those who must clean up before the object may disappear; each takes its own name off.","x-kubernetes-list-type":"set","x-kubernetes-patch-strategy":"merge"},
 "generateName":{"type":"string","description":"Prefix of a unique name that the server makes up when no name is given."},
 "generation":{"type":"integer","format":"int64","description":"Number of the desired state, raised by one with every change of it. Read-only."},
 "labels":{"type":"object","additionalProperties":{"type":"string","default":""},"description":"Short values by key to group and select objects by."},
 "managedFields":{"type":"array","items":{"default":{},"allOf":[{"$ref":"ManagedFieldsEntry"}]},"description":"Which manager set which fields, and how. Kept by the server.","x-kubernetes-list-type":"atomic"},
 "name":{"type":"string","description":"Name of the object, unique in its namespace and kind. It cannot change."},
 "namespace":{"type":"string","description":"Namespace that the object lives in; empty for cluster-scoped kinds. It cannot change."},
 "ownerReferences":{"type":"array","items":{"default":{},"allOf":[{"$ref":"OwnerReference"}]},"description":"Objects that this one depends on; when all of them are gone, so is this one.","x-kubernetes-list-map-keys":["uid"],"x-kubernetes-list-type":"map","x-kubernetes-patch-merge-key":"uid","x-kubernetes-patch-strategy":"merge"},
 "resourceVersion":{"type":"string","description":"Opaque mark of the stored version, for optimistic locking and as the start of watches. Read-only."},
 "selfLink":{"type":"string","description":"No longer filled in."},
 "uid":{"type":"string","description":"Identity of this object in time and space, made by the server. Read-only."}}},
"OwnerReference":{"type":"object","description":"Names the object that another one depends on. Both live in the same namespace, or the owner is cluster-scoped.","required":["apiVersion","kind","name","uid"],"properties":{
 "apiVersion":{"type":"string","default":"","description":"API version of the owner."},
 "blockOwnerDeletion":{"type":"boolean","description":"Whether the owner, when deleted in the foreground, waits for this object to go first."},
 "controller":{"type":"boolean","description":"Whether the owner is the one controller that manages this object."},
 "kind":{"type":"string","default":"","description":"Kind of the owner."},
 "name":{"type":"string","default":"","description":"Name of the owner."},
 "uid":{"type":"string","default":"","description":"UID of the owner."}},"x-kubernetes-map-type":"atomic"},
"ManagedFieldsEntry":{"type":"object","description":"The fields that one manager set in one way.","properties":{
 "apiVersion":{"type":"string","description":"Version that the fields were written in."},
 "fieldsType":{"type":"string","description":"Format of the field set; FieldsV1 is the only one."},
 "fieldsV1":{"description":"The set of fields.","allOf":[{"$ref":"FieldsV1"}]},
 "manager":{"type":"string","description":"Name of who manages the fields."},
 "operation":{"type":"string","description":"Apply or Update."},
 "subresource":{"type":"string","description":"Subresource that the fields were written through, if any."},
 "time":{"description":"When the set last changed.","allOf":[{"$ref":"Time"}]}}},
"FieldsV1":{"type":"object","description":"A set of fields as a tree: f:<name> for members, k:<keys> and v:<value> for list items, '.' for the node itself."},
"Time":{"type":"string","format":"date-time","description":"A moment in RFC 3339, in UTC and to the second."},
"MicroTime":{"type":"string","format":"date-time","description":"A moment in RFC 3339, in UTC and to the microsecond."},
"ListMeta":{"type":"object","description":"What a list says about itself.","properties":{
 "continue":{"type":"string","description":"Token to ask for the next page with; empty on the last page."},
 "remainingItemCount":{"type":"integer","format":"int64","description":"How many items follow after this page, where that is known."},
 "resourceVersion":{"type":"string","description":"Version of the store that the list shows; a watch may start from it."},
 "selfLink":{"type":"string","description":"No longer filled in."}}},
"Status":{"type":"object","description":"The answer of calls that return no object, above all of those that failed.","properties":{
 "code":{"type":"integer","format":"int32","description":"HTTP status code."},
 "details":{"description":"What the answer is about.","allOf":[{"$ref":"StatusDetails"}],"x-kubernetes-list-type":"atomic"},
 "message":{"type":"string","description":"A sentence for people."},
 "metadata":{"default":{},"description":"Always empty.","allOf":[{"$ref":"ListMeta"}]},
 "reason":{"type":"string","description":"One word for programs: NotFound, Conflict, Invalid, and so on."},
 "status":{"type":"string","description":"Success or Failure."}}},
"StatusDetails":{"type":"object","description":"What a Status is about.","properties":{
 "causes":{"type":"array","items":{"default":{},"allOf":[{"$ref":"StatusCause"}]},"description":"The single faults behind a failure.","x-kubernetes-list-type":"atomic"},
 "group":{"type":"string","description":"API group of the object."},
 "kind":{"type":"string","description":"Kind or resource of the object."},
 "name":{"type":"string","description":"Name of the object."},
 "retryAfterSeconds":{"type":"integer","format":"int32","description":"Seconds to wait before another try."},
 "uid":{"type":"string","description":"UID of the object."}}},
"StatusCause":{"type":"object","description":"One fault.","properties":{
 "field":{"type":"string","description":"Path of the field that is at fault."},
 "message":{"type":"string","description":"What is wrong with it."},
 "reason":{"type":"string","description":"One word for the kind of fault."}}},
"DeleteOptions":{"type":"object","description":"How to delete.","properties":{
 "apiVersion":{"type":"string"},
 "dryRun":{"type":"array","items":{"type":"string","default":""},"description":"All: check everything, change nothing.","x-kubernetes-list-type":"atomic"},
 "gracePeriodSeconds":{"type":"integer","format":"int64","description":"Seconds to end gracefully. Passed over here."},
 "kind":{"type":"string"},
 "orphanDependents":{"type":"boolean","description":"Old form of propagationPolicy."},
 "preconditions":{"description":"What must hold for the deletion to happen.","allOf":[{"$ref":"Preconditions"}]},
 "propagationPolicy":{"type":"string","description":"What becomes of dependents: Orphan, Background or Foreground."}}},
"Preconditions":{"type":"object","description":"What must hold for an operation to happen.","properties":{
 "resourceVersion":{"type":"string","description":"The version that the object must have."},
 "uid":{"type":"string","description":"The UID that the object must have."}}},
"Patch":{"type":"object","description":"A JSON, merge, strategic merge or apply patch, as the content type says."},
"WatchEvent":{"type":"object","description":"One line of a watch.","required":["type","object"],"properties":{
 "object":{"type":"object","description":"The object after the change; before it for DELETED; a Status for ERROR."},
 "type":{"type":"string","default":"","description":"ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."}}}
})json";

// "$ref":"Time" above is short for the full reference.
void complete_references(json& value) {
  if (value.is_object()) {
    const auto ref = value.find("$ref");
    if (ref != value.end() && ref->is_string()) {
      *ref = std::string("#/components/schemas/") + kMetaTypes + ref->get<std::string>();
    }
  }
  if (!value.is_structured()) return;
  for (json& item : value) complete_references(item);
}

}  // namespace

const json& meta_components() {
  static const json components = [] {
    json types = json::parse(kTypes);
    complete_references(types);
    json named = json::object();
    for (const auto& [name, type] : types.items()) named[kMetaTypes + name] = type;
    return named;
  }();
  return components;
}

json reference_to(const std::string& component) {
  return {{"$ref", "#/components/schemas/" + component}};
}

json api_version_property() {
  return {{"type", "string"},
          {"description",
           "APIVersion names the group and version that the object is written in, as in "
           "\"example.dev/v1\"."}};
}

json kind_property() {
  return {{"type", "string"},
          {"description",
           "Kind names what the object is. It is written in CamelCase and cannot change."}};
}

}  // namespace tidelock::apiserver
