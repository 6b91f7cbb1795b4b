// SPDX-License-Identifier: Apache-2.0
// One run of tidectl against one server: kubeconfig and flags resolved, the client, the namespace.
//
// Failures to reach the server get kubectl's words and Error::code kNoAnswer. Warnings that the
// server sends are printed once each.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/tidectl.h"
#include "controller/client/api_client.h"
#include "controller/client/kubeconfig.h"

namespace tidelock::cli {

struct GlobalFlags {
  std::string kubeconfig;
  std::string context;
  std::string cluster_namespace;  // -n; empty = the context's
  std::string server;
  std::string token;
  std::string certificate_authority;
  bool insecure = false;
  std::string request_timeout;  // "30s"; empty = default
};

// Values of Error::code that no server sends.
inline constexpr int kNoAnswer = -1;  // the server could not be reached
inline constexpr int kLocal = -2;  // the caller or a file of his is wrong: printed as `error: …`

inline Error local(Error error) {
  error.code = kLocal;
  return error;
}
inline tl::unexpected<Error> usage(std::string message) {
  return fail(local(make_error(Reason::BadRequest, std::move(message))));
}

// What a list or object is asked for as.
inline constexpr const char* kAcceptJson = "application/json";
inline constexpr const char* kAcceptTable =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

// "?a=b&c=d", values escaped; empty for no query.
std::string query_text(const std::map<std::string, std::string>& query);

// The merged kubeconfig of flags and environment, and the files that it may come from.
std::vector<std::string> kubeconfig_paths(const GlobalFlags& flags, const Environment& environment);
Result<client::Kubeconfig> load_kubeconfig(const GlobalFlags& flags,
                                           const Environment& environment);

class Discovery;

class Session {
 public:
  static Result<std::unique_ptr<Session>> open(const GlobalFlags& flags, Environment& environment);
  ~Session();

  Environment& environment() { return environment_; }
  std::ostream& out() { return *environment_.out; }
  std::ostream& err() { return *environment_.err; }
  TimePoint now() { return environment_.clock->now(); }
  const std::string& ns() const { return ns_; }
  bool ns_given() const { return ns_given_; }
  client::ApiClient& api() { return *api_; }

  Result<std::string> get(const std::string& target, const char* accept = kAcceptJson);
  Result<nlohmann::json> get_json(const std::string& target, const char* accept = kAcceptJson);
  // All at once; results[i] belongs to targets[i].
  std::vector<Result<std::string>> get_all(const std::vector<std::string>& targets,
                                           const char* accept = kAcceptJson);
  Result<http::StreamStart> stream(const std::string& target, const char* accept = kAcceptJson);
  // The server's kinds; asked for once (again after refresh_discovery()).
  Result<const Discovery*> discovery();
  void refresh_discovery();

 private:
  explicit Session(Environment& environment);
  class Reporting;

  Environment& environment_;
  std::string ns_;
  bool ns_given_ = false;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<Reporting> reporting_;
  std::unique_ptr<client::ApiClient> api_;
  std::unique_ptr<Discovery> discovery_;
};

Result<nlohmann::json> parse_answer(const std::string& text);

}  // namespace tidelock::cli
