// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/status.h"

#include <nlohmann/json.hpp>

#include "controller/apiserver/resource_type.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

json details_json(const Error& error) {
  json details = json::object();
  if (!error.name.empty()) details["name"] = error.name;
  if (!error.group.empty()) details["group"] = error.group;
  if (!error.kind.empty()) details["kind"] = error.kind;
  if (!error.uid.empty()) details["uid"] = error.uid;
  for (const Cause& cause : error.causes) {
    json item = json::object();
    if (!cause.reason.empty()) item["reason"] = cause.reason;
    if (!cause.message.empty()) item["message"] = cause.message;
    if (!cause.field.empty()) item["field"] = cause.field;
    details["causes"].push_back(std::move(item));
  }
  if (error.retry_after_seconds > 0) details["retryAfterSeconds"] = error.retry_after_seconds;
  return details;
}

// The reasons that kube-apiserver sends with "details": {} even when there is nothing to say.
bool always_has_details(const Error& error) {
  return error.reason == Reason::MethodNotAllowed || error.reason == Reason::Forbidden ||
         error.reason == Reason::Invalid;
}

Error about(Reason reason, std::string message, const ResourceType& type, std::string_view name,
            const std::string& kind) {
  Error error = make_error(reason, std::move(message));
  error.name = std::string(name);
  error.group = type.group;
  error.kind = kind;
  return error;
}

std::string causes_text(const std::vector<Cause>& causes) {
  std::string text;
  for (const Cause& cause : causes) {
    if (!text.empty()) text += ", ";
    text += cause.field + ": " + cause.message;
  }
  return causes.size() == 1 ? text : "[" + text + "]";
}

Error invalid_as(std::string_view subject, std::string_view kind, std::string_view group,
                 std::string_view name, std::vector<Cause> causes) {
  Error error = make_error(Reason::Invalid, std::string(subject) + " " + in_quotes(name) +
                                                " is invalid: " + causes_text(causes));
  error.name = std::string(name);
  error.group = std::string(group);
  error.kind = std::string(kind);
  error.causes = std::move(causes);
  return error;
}

}  // namespace

std::string status_body(const Error& error, std::string_view metadata_continue) {
  json metadata = json::object();
  if (!metadata_continue.empty()) metadata["continue"] = metadata_continue;
  json body = {{"kind", "Status"},         {"apiVersion", "v1"},          {"metadata", metadata},
               {"status", "Failure"},      {"message", error.message},    {"code", error.http_status()}};
  if (const std::string_view reason = to_string(error.reason); !reason.empty()) {
    body["reason"] = reason;
  }
  json details = details_json(error);
  if (!details.empty() || always_has_details(error)) body["details"] = std::move(details);
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

http::Response json_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.emplace("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

http::Response error_response(const Error& error) {
  http::Response response = json_response(error.http_status(), status_body(error));
  if (error.retry_after_seconds > 0) {
    response.headers.emplace("Retry-After", std::to_string(error.retry_after_seconds));
  }
  return response;
}

http::Response not_found_page() {
  http::Response response;
  response.status = 404;
  response.headers.emplace("Content-Type", "text/plain; charset=utf-8");
  response.body = "404 page not found\n";
  return response;
}

std::string group_resource(std::string_view plural, std::string_view group) {
  return group.empty() ? std::string(plural) : std::string(plural) + "." + std::string(group);
}

Error not_found(const ResourceType& type, std::string_view name) {
  return about(Reason::NotFound,
               group_resource(type.plural, type.group) + " " + in_quotes(name) + " not found", type,
               name, type.plural);
}

Error already_exists(const ResourceType& type, std::string_view name, bool deleting) {
  return about(Reason::AlreadyExists,
               (deleting ? "object is being deleted: " : "") +
                   group_resource(type.plural, type.group) + " " + in_quotes(name) + " already exists",
               type, name, type.plural);
}

Error conflict_modified(const ResourceType& type, std::string_view name) {
  return about(Reason::Conflict,
               "Operation cannot be fulfilled on " + group_resource(type.plural, type.group) + " " +
                   in_quotes(name) +
                   ": the object has been modified; please apply your changes to the latest "
                   "version and try again",
               type, name, type.plural);
}

Error conflict_precondition(const ResourceType& type, std::string_view name, std::string text) {
  return about(Reason::Conflict,
               "Operation cannot be fulfilled on " + group_resource(type.kind, type.group) + " " +
                   in_quotes(name) + ": " + text,
               type, name, type.kind);
}

Error forbidden(const ResourceType& type, std::string_view name, std::string text) {
  return about(
      Reason::Forbidden,
      group_resource(type.plural, type.group) + " " + in_quotes(name) + " is forbidden: " + text, type,
      name, type.plural);
}

Error invalid(const ResourceType& type, std::string_view name, std::vector<Cause> causes) {
  return invalid_as(group_resource(type.kind, type.group), type.kind, type.group, name,
                    std::move(causes));
}

Error invalid_update(const ResourceType& type, std::string_view name, std::vector<Cause> causes) {
  return invalid_as(group_resource(type.plural, type.group), type.plural, type.group, name,
                    std::move(causes));
}

Error invalid_options(std::string_view kind, std::vector<Cause> causes) {
  return invalid_as(std::string(kind) + ".meta.k8s.io", kind, "meta.k8s.io", "", std::move(causes));
}

Error bad_request(std::string message) { return make_error(Reason::BadRequest, std::move(message)); }

Error method_not_allowed() {
  return make_error(Reason::MethodNotAllowed,
                    "the server does not allow this method on the requested resource");
}

Error json_patch_failed() {
  return make_error(Reason::Invalid,
                    "the server rejected our request due to an error in our request");
}

Error internal_error(std::string message) {
  Error error = make_error(Reason::Unknown, std::move(message));
  error.code = 500;
  return error;
}

Cause cause_required(std::string field, std::string_view text) {
  return {"FieldValueRequired",
          text.empty() ? "Required value" : "Required value: " + std::string(text),
          std::move(field)};
}

Cause cause_invalid(std::string field, std::string_view value, std::string_view text) {
  return {"FieldValueInvalid", "Invalid value: " + std::string(value) + ": " + std::string(text),
          std::move(field)};
}

Cause cause_forbidden(std::string field, std::string_view text) {
  return {"FieldValueForbidden", "Forbidden: " + std::string(text), std::move(field)};
}

Cause cause_not_supported(std::string field, std::string_view value,
                          const std::vector<std::string>& supported) {
  std::string text = "Unsupported value: " + in_quotes(value) + ": supported values: ";
  for (std::size_t i = 0; i < supported.size(); ++i) {
    text += (i == 0 ? "" : ", ") + in_quotes(supported[i]);
  }
  return {"FieldValueNotSupported", std::move(text), std::move(field)};
}

Error from_store(Error error) {
  if (error.reason == Reason::RequestEntityTooLarge) {
    return internal_error("etcdserver: request is too large");
  }
  if (error.reason == Reason::TooManyRequests || error.reason == Reason::ServiceUnavailable) {
    error.retry_after_seconds = 1;
  }
  return error;
}

}  // namespace tidelock::apiserver
