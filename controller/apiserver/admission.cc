// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/admission.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/apiserver/core_kinds.h"
#include "controller/apiserver/crds.h"
#include "controller/apiserver/metadata.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/object_rules.h"
#include "controller/apiserver/stamps.h"
#include "controller/apiserver/status.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// Unknown and duplicate fields: refused, warned of, or passed over.
Result<void> report_notes(Admission& admission, const json& document) {
  if (admission.notes.empty() || admission.field_validation == FieldValidation::Ignore) return {};
  const ResourceType& type = admission.type;
  if (admission.field_validation == FieldValidation::Warn) {
    for (const auto& note : admission.notes) admission.warnings.push_back(note);
    return {};
  }
  const std::string text = "strict decoding error: " + joined(admission.notes);
  if (admission.is_patch) {
    const std::string value = document.dump(-1, ' ', false, json::error_handler_t::replace);
    return fail(invalid(type, admission.name, {cause_invalid("patch", value, text)}));
  }
  return fail(bad_request(type.kind + " in version \"" + type.version +
                          "\" cannot be handled as a " + type.kind + ": " + text));
}

// Metadata into its stored form, unknown fields out, defaults in.
Result<void> normalize(Admission& admission, json& document) {
  std::vector<std::string> unknown;
  if (const auto cleaned = clean_metadata(admission.type, document, unknown); !cleaned) return cleaned;
  prune(admission.type, document, unknown);
  for (const auto& path : unknown) admission.notes.push_back("unknown field \"" + path + "\"");
  if (const auto reported = report_notes(admission, document); !reported) return reported;
  apply_defaults(admission.type, document);
  return {};
}

Result<void> validate_all(const Admission& admission, const json& document, const json* old) {
  std::vector<Cause> causes = validate_metadata(admission.type, document["metadata"]);
  std::vector<Cause> rest = validate_object(admission.context, admission.type, document, old,
                                            admission.subresource);
  causes.insert(causes.end(), std::make_move_iterator(rest.begin()),
                std::make_move_iterator(rest.end()));
  if (causes.empty()) return {};
  return fail(invalid(admission.type, metadata_text(document["metadata"], "name"), std::move(causes)));
}

// What counts as the wish: all but metadata and, where it is a subresource, status.
bool differs_in_wish(const ResourceType& type, const json& a, const json& b) {
  const auto ignored = [&](const std::string& key) {
    return key == "metadata" || (key == "status" && type.has_status);
  };
  const auto covers = [&](const json& one, const json& other) {
    for (const auto& [key, value] : one.items()) {
      if (ignored(key)) continue;
      const auto found = other.find(key);
      if (found == other.end() || *found != value) return false;
    }
    return true;
  };
  return !covers(a, b) || !covers(b, a);
}

void take_status_from(json& document, const json& source) {
  const auto status = source.find("status");
  if (status == source.end()) {
    document.erase("status");
  } else {
    document["status"] = *status;
  }
}

// `document` with everything but its status as it was. Mostly it is that already, and looking is cheaper
// than copying.
json with_status_only(json document, const json& old) {
  for (auto member = document.begin(); member != document.end();) {
    const bool kept = member.key() == "status" || old.contains(member.key());
    member = kept ? std::next(member) : document.erase(member);
  }
  for (const auto& [key, value] : old.items()) {
    if (key == "status") continue;
    json& mine = document[key];
    if (mine != value) mine = value;
  }
  return document;
}

// The stored object with only that changed which the subresource may change.
json restrict_to_subresource(const Admission& admission, json document, const json& old) {
  if (admission.subresource != "finalize") return with_status_only(std::move(document), old);
  json result = old;
  if (document.contains("spec") && document["spec"].contains("finalizers")) {
    result["spec"]["finalizers"] = document["spec"]["finalizers"];
  } else {
    result["spec"].erase("finalizers");
  }
  return result;
}

Result<void> check_deletion_rules(const Admission& admission, const json& document, const json& old) {
  const json& metadata = document["metadata"];
  if (!is_deleting(old["metadata"]) || !has_finalizers(metadata)) return {};
  std::vector<std::string> added;
  for (const json& finalizer : metadata["finalizers"]) {
    const auto& name = finalizer.get_ref<const std::string&>();
    if (!has_finalizer(old["metadata"], name)) added.push_back("\"" + name + "\"");
  }
  if (added.empty()) return {};
  return fail(invalid(admission.type, admission.name,
                      {cause_forbidden("metadata.finalizers",
                                       "no new finalizers can be added if the object is being "
                                       "deleted, found new finalizers []string{" +
                                           joined(added) + "}")}));
}

bool may_be_removed(const ResourceType& type, const json& document) {
  if (!is_deleting(document["metadata"]) || has_finalizers(document["metadata"])) return false;
  if (type.builtin != Builtin::Namespace) return true;
  const auto spec = document.find("spec");
  return spec == document.end() || !spec->contains("finalizers") || (*spec)["finalizers"].empty();
}

}  // namespace

Result<void> check_type_of_body(const ResourceType& type, json& document) {
  if (!document.is_object()) {
    return fail(bad_request("the object provided is unrecognized (must be of type " + type.kind +
                            "): couldn't get version/kind; json: cannot unmarshal " +
                            document.type_name() + " into Go value"));
  }
  const std::string kind = metadata_text(document, "kind");
  const std::string api_version = metadata_text(document, "apiVersion");
  if (type.builtin == Builtin::None && (kind.empty() || api_version.empty())) {
    return fail(bad_request(std::string("Object '") + (kind.empty() ? "Kind" : "apiVersion") +
                            "' is missing in '" + document.dump().substr(0, 512) + "'"));
  }
  if (!api_version.empty() && api_version != type.api_version()) {
    return fail(bad_request("the API version in the data (" + api_version +
                            ") does not match the expected API version (" + type.api_version() +
                            ")"));
  }
  if (!kind.empty() && kind != type.kind) {
    return fail(bad_request(kind + " in version \"" + type.version + "\" cannot be handled as a " +
                            type.kind + ": the kind in the data does not match"));
  }
  document["kind"] = type.kind;
  document["apiVersion"] = type.api_version();
  return {};
}

Result<std::string> admit_create(Admission& admission, json document) {
  const ResourceType& type = admission.type;
  if (const auto normal = normalize(admission, document); !normal) return fail(normal.error());
  json& metadata = document["metadata"];
  if (!metadata_text(metadata, "resourceVersion").empty()) {
    return fail(internal_error("resourceVersion should not be set on objects to be created"));
  }
  set_creation_metadata(type, metadata, admission.context.random, admission.context.clock.now());
  if (type.has_status) document.erase("status");
  if (type.builtin == Builtin::Namespace) hold_namespace(document);
  if (type.builtin != Builtin::None) default_core(type.builtin, document);
  if (type.builtin == Builtin::Crd) set_crd_status(admission.context, document, nullptr);
  stamp_created(type, admission.user, document);
  if (const auto valid = validate_all(admission, document, nullptr); !valid) return fail(valid.error());
  return encode_stored(type, document);
}

Result<Change> admit_update(Admission& admission, json document, const json& old) {
  const ResourceType& type = admission.type;
  if (const auto normal = normalize(admission, document); !normal) return fail(normal.error());
  if (!admission.subresource.empty()) {
    document = restrict_to_subresource(admission, std::move(document), old);
  } else {
    keep_server_metadata(document["metadata"], old["metadata"]);
    if (type.has_status) take_status_from(document, old);
    stamp_updated(type, old, document);
    // A namespace's finalizers go through its finalize subresource only.
    if (type.builtin == Builtin::Namespace) document["spec"] = old.value("spec", json::object());
    if (type.builtin != Builtin::None) default_core(type.builtin, document);
  }
  if (type.builtin == Builtin::Crd) set_crd_status(admission.context, document, &old);
  if (type.has_generation && differs_in_wish(type, document, old)) {
    document["metadata"]["generation"] = old["metadata"].value("generation", std::int64_t{0}) + 1;
  }
  if (const auto fine = check_deletion_rules(admission, document, old); !fine) {
    return fail(fine.error());
  }
  if (const auto valid = validate_all(admission, document, &old); !valid) return fail(valid.error());
  const Change::Kind kind =
      may_be_removed(type, document) ? Change::Kind::Remove : Change::Kind::Put;
  return Change{kind, encode_stored(type, document)};
}

}  // namespace tidelock::apiserver
