// SPDX-License-Identifier: Apache-2.0
// The API as calls: one request or a batch of them over an http::Transport, JSON texts in and out.
//
// The same over a socket and in-process. Errors are the server's Status as an Error, or
// ServiceUnavailable / Timeout when the server could not be reached. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/codec.h"
#include "controller/base/result.h"
#include "controller/http/transport.h"

namespace tidelock::client {

// A resource of the API: /api/v1/… for the core group, /apis/<group>/<version>/… otherwise.
struct Resource {
  std::string group;  // empty = core
  std::string version;
  std::string plural;
  bool namespaced = true;
  auto operator<=>(const Resource&) const = default;
};
template <class T>
Resource resource_of() {
  const api::KindInfo& info = api::kind_info<T>();
  return {std::string(info.group), std::string(info.version), std::string(info.plural),
          info.namespaced};
}

// "/apis/tidelock.dev/v1alpha1/namespaces/default/tenants/t1/status". Empty ns: over all namespaces
// (or cluster-scoped); empty name: the collection.
std::string resource_path(const Resource& resource, std::string_view ns, std::string_view name = {},
                          std::string_view subresource = {});

enum class PatchType { Merge, Json, Apply };

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  int limit = 0;             // 0 = everything in one answer
  std::string continue_token;
};

// One request of a batch, ready to be sent.
struct Call {
  enum class Verb { Get, Create, Update, Patch, Delete };
  Verb verb = Verb::Get;
  Resource resource;
  std::string ns;
  std::string name;          // not for Create
  std::string subresource;   // "status" or empty
  std::string body;          // JSON: object, patch, or DeleteOptions
  PatchType patch_type = PatchType::Merge;
  std::map<std::string, std::string> query;  // fieldManager, fieldValidation, dryRun, force, …
};

class ApiClient {
 public:
  // The transport must outlive the client. `field_manager` is sent with every write.
  ApiClient(http::Transport& transport, std::string field_manager);

  // The object as JSON text (of a Delete: the Status or the object that is still going).
  Result<std::string> call(const Call& call);
  // All at once, concurrently as far as the transport allows; results[i] belongs to calls[i].
  std::vector<Result<std::string>> call_all(const std::vector<Call>& calls);

  // One page of a list, as JSON text.
  Result<std::string> list(const Resource& resource, const std::string& ns,
                           const ListOptions& options = {});
  // Starts a watch; each line is {"type":…,"object":…}. `query` has resourceVersion and so on.
  Result<http::StreamStart> watch(const Resource& resource, const std::string& ns,
                                  const std::map<std::string, std::string>& query, Wake wake);
  // Any GET; for /version, discovery, logs.
  Result<std::string> get_raw(const std::string& target);
  http::Transport& transport() { return transport_; }
  const std::string& field_manager() const { return field_manager_; }

  // Typed forms of call().
  template <class T>
  Result<T> get(const std::string& ns, const std::string& name) {
    return decoded<T>(call({.verb = Call::Verb::Get,
                            .resource = resource_of<T>(),
                            .ns = ns,
                            .name = name,
                            .subresource = {},
                            .body = {},
                            .patch_type = PatchType::Merge,
                            .query = {}}));
  }
  // Callers include <nlohmann/json.hpp>.
  template <class T>
  Result<T> create(const T& object) {
    return decoded<T>(call({.verb = Call::Verb::Create,
                            .resource = resource_of<T>(),
                            .ns = object.metadata.ns,
                            .name = {},
                            .subresource = {},
                            .body = api::encode(object).dump(),
                            .patch_type = PatchType::Merge,
                            .query = {}}));
  }

 private:
  template <class T>
  static Result<T> decoded(Result<std::string> text) {
    if (!text) return fail(text.error());
    return api::decode<T>(std::string_view(*text));
  }
  http::Transport& transport_;
  std::string field_manager_;
};

// The Error that a non-2xx answer's Status stands for. A body that is no Status becomes the message.
Error error_from_response(int status, std::string_view body);

}  // namespace tidelock::client
