// SPDX-License-Identifier: Apache-2.0
// What a request asks for, read from its method and path alone.
#pragma once

#include <optional>
#include <string>

#include "controller/http/message.h"

namespace tidelock::apiserver {

enum class Verb { Get, List, Watch, Create, Update, Patch, Delete, DeleteCollection };
std::string_view to_string(Verb verb);  // as authorisation names it: "deletecollection"

struct RequestInfo {
  bool is_resource = false;  // else a path such as /version: only `path` and `method_verb` count
  Verb verb = Verb::Get;
  std::string method_verb;  // the method in lower case, for messages about paths
  std::string path;
  std::string group;  // empty = core
  std::string version;
  std::string ns;
  std::string plural;
  std::string name;
  std::string subresource;
};

// nullopt: a method that no resource knows (405).
std::optional<RequestInfo> route(const std::string& method, const http::Target& target);

// The first value of a query parameter, or empty.
std::string query_value(const http::Target& target, const std::string& name);

}  // namespace tidelock::apiserver
