// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/router.h"

#include <algorithm>
#include <cctype>
#include <span>

namespace tidelock::apiserver {
namespace {

using Segments = std::span<const std::string>;

bool is_true(const std::string& text) { return text == "true" || text == "1"; }

bool is_namespace_subresource(const std::string& segment) {
  return segment == "status" || segment == "finalize";
}

// Takes "namespaces/<ns>" off the front unless the namespace object itself is meant.
Segments take_namespace(Segments rest, RequestInfo& info) {
  if (rest.size() < 3 || rest[0] != "namespaces") return rest;
  if (info.group.empty() && rest.size() == 3 && is_namespace_subresource(rest[2])) return rest;
  info.ns = rest[1];
  return rest.subspan(2);
}

std::optional<Verb> verb_of(const std::string& method, bool has_name, bool watch) {
  if (method == "GET") return has_name ? Verb::Get : watch ? Verb::Watch : Verb::List;
  if (method == "POST") return Verb::Create;
  if (method == "PUT") return Verb::Update;
  if (method == "PATCH") return Verb::Patch;
  if (method == "DELETE") return has_name ? Verb::Delete : Verb::DeleteCollection;
  return std::nullopt;
}

// The part of the path below group and version; empty if the path is not a resource's.
Segments resource_segments(Segments segments, RequestInfo& info) {
  if (segments.size() >= 3 && segments[0] == "api") {
    info.version = segments[1];
    return segments.subspan(2);
  }
  if (segments.size() >= 4 && segments[0] == "apis") {
    info.group = segments[1];
    info.version = segments[2];
    return segments.subspan(3);
  }
  return {};
}

}  // namespace

std::string_view to_string(Verb verb) {
  switch (verb) {
    case Verb::Get: return "get";
    case Verb::List: return "list";
    case Verb::Watch: return "watch";
    case Verb::Create: return "create";
    case Verb::Update: return "update";
    case Verb::Patch: return "patch";
    case Verb::Delete: return "delete";
    case Verb::DeleteCollection: return "deletecollection";
  }
  return "";
}

std::optional<RequestInfo> route(const std::string& method, const http::Target& target) {
  RequestInfo info;
  info.path = target.path;
  info.method_verb = method;
  std::transform(method.begin(), method.end(), info.method_verb.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  Segments rest = resource_segments(target.segments, info);
  if (rest.empty()) return info;
  rest = take_namespace(rest, info);
  if (rest.size() > 3) return info;
  info.is_resource = true;
  info.plural = rest[0];
  if (rest.size() > 1) info.name = rest[1];
  if (rest.size() > 2) info.subresource = rest[2];
  const auto verb = verb_of(method, !info.name.empty(), is_true(query_value(target, "watch")));
  if (!verb) return std::nullopt;
  info.verb = *verb;
  return info;
}

std::string query_value(const http::Target& target, const std::string& name) {
  const auto found = target.query.find(name);
  return found == target.query.end() ? std::string() : found->second;
}

}  // namespace tidelock::apiserver
