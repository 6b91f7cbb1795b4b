// SPDX-License-Identifier: Apache-2.0
// POST, PUT and PATCH.
#include <nlohmann/json.hpp>

#include "controller/apiserver/admission.h"
#include "controller/apiserver/api_call.h"
#include "controller/apiserver/metadata.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/patch.h"
#include "controller/apiserver/request_options.h"
#include "controller/apiserver/scan.h"
#include "controller/apiserver/status.h"
#include "controller/apiserver/write_operation.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;
using PatchFunction = std::function<Result<json>(json target)>;

constexpr int kGeneratedNameAttempts = 8;

Admission make_admission(const CallPtr& call, const WriteOptions& options,
                         std::vector<std::string> notes) {
  return Admission{call->context,
                   *call->type,
                   call->user,
                   call->info.ns,
                   call->info.name,
                   call->info.subresource,
                   options.field_validation,
                   false,
                   std::move(notes),
                   {}};
}

// New content only goes into namespaces that are there and stay.
Result<void> check_place(const ApiCall& call, const std::string& name) {
  const ResourceType& type = *call.type;
  if (type.terminating) {
    return fail(Reason::Forbidden,
                "create not allowed while custom resource definition is terminating");
  }
  if (!type.namespaced) return {};
  const std::string& ns = call.info.ns;
  switch (call.context.namespaces.state(ns)) {
    case NamespaceTable::State::Active: return {};
    case NamespaceTable::State::Absent: {
      const auto namespaces = call.context.registry.find("", "v1", "namespaces");
      return fail(not_found(*namespaces, ns));
    }
    case NamespaceTable::State::Terminating: break;
  }
  Error error = forbidden(type, name,
                          "unable to create new content in namespace " + ns +
                              " because it is being terminated");
  error.causes = {{"NamespaceTerminating", "namespace " + ns + " is being terminated",
                   "metadata.namespace"}};
  return fail(std::move(error));
}

void send_written(const CallPtr& call, const Result<Written>& written, int created_status) {
  if (!written) return call->send_error(written.error());
  call->send_object(written->created ? created_status : 200, written->stored, written->revision);
}

// A create in work; kept while generated names collide.
struct Creation {
  CallPtr call;
  WriteOptions options;
  json document;
  std::string generate_name;  // empty: the document has a name
  std::vector<std::string> notes;
  int attempts = 0;
};

Decide decide_create(const CallPtr& call, std::string name, std::string stored) {
  return [call, name = std::move(name), stored = std::move(stored)](
             const store::Entry* current) -> Result<Change> {
    if (current == nullptr) return Change{Change::Kind::Put, stored};
    const bool deleting = !scan_value(current->value, {"metadata", "deletionTimestamp"}).empty();
    return fail(already_exists(*call->type, name, deleting));
  };
}

void start_creation(const std::shared_ptr<Creation>& creation) {
  const CallPtr& call = creation->call;
  ++creation->attempts;
  json document;
  if (creation->generate_name.empty()) {
    document = std::move(creation->document);
  } else {
    document = creation->document;
    document["metadata"]["name"] = generated_name(creation->generate_name, call->context.random);
  }
  Admission admission = make_admission(call, creation->options, creation->notes);
  auto stored = admit_create(admission, std::move(document));
  if (!stored) return call->send_error(stored.error());
  if (creation->attempts == 1) call->warnings = std::move(admission.warnings);
  const std::string name = scan_string(*stored, {"metadata", "name"});
  WriteOperation write{call->type, call->type->key(call->info.ns, name),
                       decide_create(call, name, std::move(*stored)), creation->options.dry_run,
                       creation->options.dry_run};
  start_write(call->context, std::move(write), [creation](Result<Written> written) {
    const bool collided = !written && written.error().reason == Reason::AlreadyExists;
    if (collided && !creation->generate_name.empty() &&
        creation->attempts < kGeneratedNameAttempts) {
      return start_creation(creation);
    }
    send_written(creation->call, written, 201);
  });
}

// resourceVersion of the sent object against the stored one.
Result<void> check_version(const ApiCall& call, const json& document, const json& old,
                           bool required) {
  const json& metadata = document["metadata"];
  const std::string sent = metadata_text(metadata, "resourceVersion");
  const std::string& name = call.info.name;
  if (sent.empty() && required) {
    return fail(invalid_update(*call.type, name,
                               {cause_invalid("metadata.resourceVersion", "0",
                                              "must be specified for an update")}));
  }
  if (!sent.empty() && sent != metadata_text(old["metadata"], "resourceVersion")) {
    return fail(conflict_modified(*call.type, name));
  }
  const std::string uid = metadata_text(metadata, "uid");
  const std::string old_uid = metadata_text(old["metadata"], "uid");
  if (uid.empty() || uid == old_uid) return {};
  Error error = conflict_modified(*call.type, name);
  error.message = "Operation cannot be fulfilled on " +
                  group_resource(call.type->plural, call.type->group) + " \"" + name +
                  "\": Precondition failed: UID in precondition: " + uid +
                  ", UID in object meta: " + old_uid;
  return fail(std::move(error));
}

Result<void> check_deletion_timestamp(const ApiCall& call, const json& document, const json& old) {
  const std::string sent = metadata_text(document["metadata"], "deletionTimestamp");
  const std::string before = metadata_text(old["metadata"], "deletionTimestamp");
  if (sent.empty() || sent == before) return {};
  return fail(invalid(*call.type, call.info.name,
                      {cause_invalid("metadata.deletionTimestamp", json(sent).dump(),
                                     "field is immutable")}));
}

// One attempt at an update: what the request asks for, made from what is stored now.
struct Update {
  CallPtr call;
  WriteOptions options;
  PatchFunction make;            // stored object → wanted object
  bool version_required = false;
  bool is_patch = false;
  std::vector<std::string> notes;

  // An apply of an object that is not there.
  Result<Change> decide_missing(json document) const {
    if (!call->info.subresource.empty()) return fail(not_found(*call->type, call->info.name));
    if (const auto typed = check_type_of_body(*call->type, document); !typed) {
      return fail(typed.error());
    }
    if (const auto same = match_url(*call->type, document, call->info.ns, call->info.name); !same) {
      return fail(same.error());
    }
    if (const auto place = check_place(*call, call->info.name); !place) return fail(place.error());
    if (!metadata_text(document["metadata"], "uid").empty() ||
        !metadata_text(document["metadata"], "resourceVersion").empty()) {
      return fail(conflict_modified(*call->type, call->info.name));
    }
    Admission admission = make_admission(call, options, notes);
    auto stored = admit_create(admission, std::move(document));
    if (!stored) return fail(stored.error());
    call->warnings = std::move(admission.warnings);
    return Change{Change::Kind::Put, std::move(*stored)};
  }

  Result<Change> decide(const store::Entry* current) const {
    if (current == nullptr) return fail(not_found(*call->type, call->info.name));
    const json old = object_json(*call->type, current->value, current->mod_revision);
    auto document = make(old);
    if (!document) return fail(document.error());
    if (const auto typed = check_type_of_body(*call->type, *document); !typed) {
      return fail(typed.error());
    }
    json& metadata = (*document)["metadata"];
    if (metadata.is_null()) metadata = json::object();
    if (!metadata.is_object()) return fail(bad_request("metadata must be an object"));
    if (const auto same = match_url(*call->type, *document, call->info.ns, call->info.name); !same) {
      return fail(same.error());
    }
    if (const auto fresh = check_version(*call, *document, old, version_required); !fresh) {
      return fail(fresh.error());
    }
    if (const auto kept = check_deletion_timestamp(*call, *document, old); !kept) {
      return fail(kept.error());
    }
    Admission admission = make_admission(call, options, notes);
    admission.is_patch = is_patch;
    auto change = admit_update(admission, std::move(*document), old);
    call->warnings = std::move(admission.warnings);
    return change;
  }
};

void start_update(Update update) {
  const CallPtr call = update.call;
  WriteOperation write{call->type, call->type->key(call->info.ns, call->info.name),
                       [update](const store::Entry* current) { return update.decide(current); },
                       update.options.dry_run, true};
  start_write(call->context, std::move(write),
              [call](const Result<Written>& written) { send_written(call, written, 201); });
}

Result<PatchFunction> parse_patch(const ApiCall& call, std::vector<std::string>& notes) {
  const std::string type = content_type(call.request.headers);
  const bool json_patch = type == "application/json-patch+json";
  const bool merge = type == "application/merge-patch+json";
  const bool strategic = type == "application/strategic-merge-patch+json" &&
                         call.type->builtin != Builtin::None;
  if (!json_patch && !merge && !strategic) {
    std::vector<std::string> accepted = {"application/json-patch+json",
                                         "application/merge-patch+json",
                                         "application/apply-patch+yaml"};
    if (call.type->builtin != Builtin::None) {
      accepted.insert(accepted.begin() + 2, "application/strategic-merge-patch+json");
    }
    return fail(unsupported_media_type(accepted));
  }
  auto patch = decode_text(call.request.body, false, notes);
  if (!patch) return fail(bad_request("error decoding patch: " + patch.error().message));
  auto shared = std::make_shared<const json>(std::move(*patch));
  if (json_patch) {
    return PatchFunction([shared](json target) { return apply_json_patch(std::move(target), *shared); });
  }
  if (!shared->is_object()) {
    return fail(bad_request("error decoding patch: json: cannot unmarshal " +
                            std::string(shared->type_name()) +
                            " into Go value of type map[string]interface {}"));
  }
  if (strategic) {
    return PatchFunction(
        [shared](json target) { return apply_strategic_patch(std::move(target), *shared); });
  }
  return PatchFunction(
      [shared](json target) -> Result<json> { return apply_merge_patch(std::move(target), *shared); });
}

// What an apply says, checked for what every apply needs.
Result<json> decode_apply(const ApiCall& call, const WriteOptions& options,
                          std::vector<std::string>& notes) {
  if (options.field_manager.empty()) {
    return fail(invalid_options(
        "PatchOptions", {cause_required("fieldManager", "is required for apply patch")}));
  }
  auto document = decode_text(call.request.body, true, notes);
  if (!document) return fail(bad_request("error decoding YAML: " + document.error().message));
  if (!document->is_object()) return fail(bad_request("error decoding YAML: not an object"));
  if (metadata_text(*document, "apiVersion").empty() || metadata_text(*document, "kind").empty()) {
    return fail(bad_request("Object 'Kind' is missing in '" + document->dump().substr(0, 512) + "'"));
  }
  json& metadata = (*document)["metadata"];
  if (metadata.is_null()) metadata = json::object();
  if (!metadata.is_object()) return fail(bad_request("metadata must be an object"));
  if (metadata.contains("managedFields")) {
    return fail(bad_request("metadata.managedFields must be nil"));
  }
  return document;
}

// Server-side apply without field ownership: creates, or merges over what is there. Nobody's fields
// are in conflict and a field that an applier drops stays.
void apply_object(const CallPtr& call, const WriteOptions& options) {
  Update update{call, options, {}, false, true, {}};
  auto document = decode_apply(*call, options, update.notes);
  if (!document) return call->send_error(document.error());
  auto shared = std::make_shared<const json>(std::move(*document));
  update.make = [shared](json target) -> Result<json> {
    return apply_merge_patch(std::move(target), *shared);
  };
  Decide decide = [update, shared](const store::Entry* current) -> Result<Change> {
    if (current != nullptr) return update.decide(current);
    return update.decide_missing(*shared);
  };
  WriteOperation write{call->type, call->type->key(call->info.ns, call->info.name),
                       std::move(decide), options.dry_run, true};
  start_write(call->context, std::move(write),
              [call](const Result<Written>& written) { send_written(call, written, 201); });
}

}  // namespace

void create_object(const CallPtr& call) {
  auto creation = std::make_shared<Creation>();
  creation->call = call;
  const auto options = parse_write_options(call->target, "CreateOptions");
  if (!options) return call->send_error(options.error());
  creation->options = *options;
  auto document = decode_body(*call, creation->notes);
  if (!document) return call->send_error(document.error());
  if (const auto typed = check_type_of_body(*call->type, *document); !typed) {
    return call->send_error(typed.error());
  }
  json& metadata = (*document)["metadata"];
  if (metadata.is_null()) metadata = json::object();
  if (!metadata.is_object()) return call->send_error(bad_request("metadata must be an object"));
  if (const auto same = match_url(*call->type, *document, call->info.ns, ""); !same) {
    return call->send_error(same.error());
  }
  const std::string name = metadata_text(metadata, "name");
  if (const auto place = check_place(*call, name); !place) return call->send_error(place.error());
  if (name.empty()) creation->generate_name = metadata_text(metadata, "generateName");
  creation->document = std::move(*document);
  start_creation(creation);
}

void update_object(const CallPtr& call) {
  const auto options = parse_write_options(call->target, "UpdateOptions");
  if (!options) return call->send_error(options.error());
  Update update{call, *options, {}, call->type->builtin == Builtin::None, false, {}};
  auto document = decode_body(*call, update.notes);
  if (!document) return call->send_error(document.error());
  auto shared = std::make_shared<const json>(std::move(*document));
  update.make = [shared](const json&) -> Result<json> { return *shared; };
  start_update(std::move(update));
}

void patch_object(const CallPtr& call) {
  const auto options = parse_write_options(call->target, "PatchOptions");
  if (!options) return call->send_error(options.error());
  if (content_type(call->request.headers) == "application/apply-patch+yaml") {
    return apply_object(call, *options);
  }
  Update update{call, *options, {}, false, true, {}};
  auto make = parse_patch(*call, update.notes);
  if (!make) return call->send_error(make.error());
  update.make = std::move(*make);
  start_update(std::move(update));
}

}  // namespace tidelock::apiserver
