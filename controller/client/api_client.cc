// SPDX-License-Identifier: Apache-2.0
#include "controller/client/api_client.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/base/invariant.h"
#include "controller/base/limits.h"

namespace tidelock::client {
namespace {

using nlohmann::json;

// A foreign proxy's error page is worth a line in a message, not a page.
constexpr std::size_t kForeignBodyBytesMax = 300;

std::string_view method_of(Call::Verb verb) {
  switch (verb) {
    case Call::Verb::Get: return "GET";
    case Call::Verb::Create: return "POST";
    case Call::Verb::Update: return "PUT";
    case Call::Verb::Patch: return "PATCH";
    case Call::Verb::Delete: return "DELETE";
  }
  INVARIANT(false);
}

std::string_view content_type(const Call& call) {
  if (call.verb != Call::Verb::Patch) return "application/json";
  switch (call.patch_type) {
    case PatchType::Merge: return "application/merge-patch+json";
    case PatchType::Json: return "application/json-patch+json";
    case PatchType::Apply: return "application/apply-patch+yaml";
  }
  INVARIANT(false);
}

std::string with_query(std::string path, const std::map<std::string, std::string>& query) {
  char separator = '?';
  for (const auto& [name, value] : query) {
    path += separator + http::percent_encode(name) + "=" + http::percent_encode(value);
    separator = '&';
  }
  return path;
}

http::Request get_request(std::string target) {
  http::Request request;
  request.method = "GET";
  request.target = std::move(target);
  request.headers.emplace("Accept", "application/json");
  return request;
}

http::Request request_of(const Call& call, const std::string& field_manager) {
  auto query = call.query;
  const bool managed = call.verb != Call::Verb::Get && call.verb != Call::Verb::Delete;
  if (managed) query.emplace("fieldManager", field_manager);
  const bool collection = call.verb == Call::Verb::Create;
  http::Request request = get_request(with_query(
      resource_path(call.resource, call.ns, collection ? std::string_view{} : call.name,
                    call.subresource),
      query));
  request.method = method_of(call.verb);
  if (!call.body.empty()) request.headers.emplace("Content-Type", content_type(call));
  request.body = call.body;
  return request;
}

Result<std::string> text_of(Result<http::Response> response) {
  if (!response) return fail(response.error());
  if (response->status >= 200 && response->status < 300) return std::move(response->body);
  Error error = error_from_response(response->status, response->body);
  if (error.retry_after_seconds == 0) {
    const std::string_view seconds = http::header(response->headers, "Retry-After");
    std::from_chars(seconds.data(), seconds.data() + seconds.size(), error.retry_after_seconds);
  }
  return fail(std::move(error));
}

std::string text_at(const json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

void read_details(const json& details, Error& error) {
  error.name = text_at(details, "name");
  error.group = text_at(details, "group");
  error.kind = text_at(details, "kind");
  error.uid = text_at(details, "uid");
  if (auto seconds = details.find("retryAfterSeconds");
      seconds != details.end() && seconds->is_number_integer()) {
    error.retry_after_seconds = seconds->get<int>();
  }
  auto causes = details.find("causes");
  if (causes == details.end() || !causes->is_array()) return;
  for (const json& cause : *causes) {
    if (!cause.is_object()) continue;
    error.causes.push_back(
        {text_at(cause, "reason"), text_at(cause, "message"), text_at(cause, "field")});
  }
}

Error foreign_error(int status, std::string_view body) {
  std::string_view line = body.substr(0, kForeignBodyBytesMax);
  line = line.substr(0, line.find_first_of("\r\n"));
  std::string message = line.empty() ? "the server answered " + std::to_string(status) +
                                           " without a message"
                                     : std::string(line);
  Error error = make_error(reason_from_http_code(status), std::move(message));
  if (error.http_status() != status) error.code = status;
  return error;
}

}  // namespace

std::string resource_path(const Resource& resource, std::string_view ns, std::string_view name,
                          std::string_view subresource) {
  std::string path = resource.group.empty()
                         ? "/api/" + resource.version
                         : "/apis/" + resource.group + "/" + resource.version;
  if (resource.namespaced && !ns.empty()) path += "/namespaces/" + http::percent_encode(ns);
  path += "/" + resource.plural;
  if (!name.empty()) path += "/" + http::percent_encode(name);
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

ApiClient::ApiClient(http::Transport& transport, std::string field_manager)
    : transport_(transport), field_manager_(std::move(field_manager)) {}

Result<std::string> ApiClient::call(const Call& call) {
  return text_of(transport_.send(request_of(call, field_manager_)));
}

std::vector<Result<std::string>> ApiClient::call_all(const std::vector<Call>& calls) {
  if (calls.empty()) return {};
  std::vector<http::Request> requests;
  requests.reserve(calls.size());
  for (const Call& call : calls) requests.push_back(request_of(call, field_manager_));
  std::vector<Result<http::Response>> responses = transport_.send(std::move(requests));
  INVARIANT(responses.size() == calls.size());
  std::vector<Result<std::string>> results;
  results.reserve(calls.size());
  for (Result<http::Response>& response : responses) {
    results.push_back(text_of(std::move(response)));
  }
  return results;
}

Result<std::string> ApiClient::list(const Resource& resource, const std::string& ns,
                                    const ListOptions& options) {
  std::map<std::string, std::string> query;
  if (!options.label_selector.empty()) query["labelSelector"] = options.label_selector;
  if (!options.field_selector.empty()) query["fieldSelector"] = options.field_selector;
  if (options.limit > 0) query["limit"] = std::to_string(options.limit);
  if (!options.continue_token.empty()) query["continue"] = options.continue_token;
  return get_raw(with_query(resource_path(resource, ns), query));
}

Result<http::StreamStart> ApiClient::watch(const Resource& resource, const std::string& ns,
                                           const std::map<std::string, std::string>& query,
                                           Wake wake) {
  auto all = query;
  all["watch"] = "true";
  return transport_.stream(get_request(with_query(resource_path(resource, ns), all)),
                           std::move(wake));
}

Result<std::string> ApiClient::get_raw(const std::string& target) {
  return text_of(transport_.send(get_request(target)));
}

Error error_from_response(int status, std::string_view body) {
  auto parsed = api::parse_json(body, limits::kRequestBodyBytesMax);
  if (!parsed || !parsed->is_object() || text_at(*parsed, "kind") != "Status") {
    return foreign_error(status, body);
  }
  Error error;
  error.reason = reason_from_string(text_at(*parsed, "reason"));
  error.message = text_at(*parsed, "message");
  if (auto details = parsed->find("details"); details != parsed->end() && details->is_object()) {
    read_details(*details, error);
  }
  // A reason that is not in our list: the code says what kind of failure it is.
  if (error.reason == Reason::Unknown && !text_at(*parsed, "reason").empty()) {
    error.reason = reason_from_http_code(status);
  }
  // The store's limit comes as a 500 without a reason, yet it is a definite no.
  if (status == 500 && error.message == "etcdserver: request is too large") {
    error.reason = Reason::RequestEntityTooLarge;
  }
  if (error.http_status() != status) error.code = status;
  return error;
}

}  // namespace tidelock::client
