// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/authentication.h"

#include <algorithm>

#include "controller/apiserver/status.h"
#include "controller/base/digest.h"

namespace tidelock::apiserver {
namespace {

constexpr std::string_view kBearer = "bearer ";

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
           return a == b || (b >= 'A' && b <= 'Z' && a == b - 'A' + 'a');
         });
}

std::string_view bearer_token(const http::Request& request) {
  const std::string_view value = http::header(request.headers, "Authorization");
  if (!starts_with_ignoring_case(value, kBearer)) return {};
  return value.substr(kBearer.size());
}

User authenticated(std::string name, std::vector<std::string> groups) {
  groups.emplace_back("system:authenticated");
  return {std::move(name), std::move(groups)};
}

bool is_probe(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const auto is = [&](std::string_view probe) {
    return path == probe ||
           (path.starts_with(probe) && path.size() > probe.size() && path[probe.size()] == '/');
  };
  return is("/healthz") || is("/livez") || is("/readyz") || path == "/version";
}

std::string resource_text(const RequestInfo& info) {
  return info.subresource.empty() ? info.plural : info.plural + "/" + info.subresource;
}

}  // namespace

Result<User> authenticate(const http::Request& request, const Tokens& tokens) {
  const http::Peer& peer = request.peer;
  if (!peer.in_process_user.empty()) {
    return authenticated(peer.in_process_user, peer.in_process_groups);
  }
  if (!peer.certificate_user.empty()) {
    return authenticated(peer.certificate_user, peer.certificate_groups);
  }
  const std::string_view token = bearer_token(request);
  if (token.empty()) return User{kAnonymousUser, {"system:unauthenticated"}};
  // Every token is compared in full: the time taken tells nothing about which one was close.
  const User* found = nullptr;
  for (const auto& [known, user] : tokens) {
    if (constant_time_equal(known, token)) found = &user;
  }
  if (found == nullptr) return fail(Reason::Unauthorized, "Unauthorized");
  return authenticated(found->name, found->groups);
}

bool MastersAuthorizer::allows(const User& user, const RequestInfo& info) const {
  if (std::find(user.groups.begin(), user.groups.end(), kMastersGroup) != user.groups.end()) {
    return true;
  }
  return !info.is_resource && info.method_verb == "get" && is_probe(info.path);
}

Error forbidden_error(const User& user, const RequestInfo& info) {
  if (!info.is_resource) {
    return make_error(Reason::Forbidden, "forbidden: User \"" + user.name + "\" cannot " +
                                             info.method_verb + " path \"" + info.path + "\"");
  }
  std::string message = group_resource(info.plural, info.group);
  if (!info.name.empty()) message += " \"" + info.name + "\"";
  message += " is forbidden: User \"" + user.name + "\" cannot " +
             std::string(to_string(info.verb)) + " resource \"" + resource_text(info) +
             "\" in API group \"" + info.group + "\"";
  message += info.ns.empty() ? " at the cluster scope" : " in the namespace \"" + info.ns + "\"";
  Error error = make_error(Reason::Forbidden, std::move(message));
  error.name = info.name;
  error.group = info.group;
  error.kind = info.plural;
  return error;
}

}  // namespace tidelock::apiserver
