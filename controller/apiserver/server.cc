// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/server.h"

#include <atomic>
#include <nlohmann/json.hpp>

#include "controller/apiserver/bootstrap.h"
#include "controller/apiserver/status.h"
#include "controller/base/limits.h"
#include "controller/base/log.h"

namespace tidelock::apiserver {
namespace {

// The group whose answers another handler gives, from "/apis/<group>/…".
const std::string* group_of(const http::Target& target) {
  if (target.segments.size() < 2 || target.segments[0] != "apis") return nullptr;
  return &target.segments[1];
}

http::Respond with_common_headers(http::Respond respond) {
  return [respond = std::move(respond)](http::Response response) {
    if (!response.headers.contains("Cache-Control")) {
      response.headers.emplace("Cache-Control", "no-cache, private");
    }
    respond(std::move(response));
  };
}

bool verb_fits_path(const ResourceType& type, const RequestInfo& info) {
  const bool everywhere = type.namespaced && info.ns.empty();
  return !everywhere || info.verb == Verb::List || info.verb == Verb::Watch;
}

bool subresource_exists(const ResourceType& type, const std::string& subresource) {
  if (subresource.empty()) return true;
  if (subresource == "finalize") return type.builtin == Builtin::Namespace;
  return subresource == "status" && type.has_status;
}

}  // namespace

Server::Server(store::Store& store, Clock& clock, Random& random, Options options)
    : context_(store, clock, random, std::move(options)),
      documents_(context_),
      background_(context_) {}

Result<void> Server::start() {
  if (auto loaded = load_stored_state(context_); !loaded) return loaded;
  if (auto made = make_default_objects(context_); !made) return made;
  return background_.start();
}

void Server::handle(http::Request request, http::Respond respond) {
  // Our own code does not throw; this is for what a library finds wrong with input that got past
  // every check. The flag keeps a failure after the answer from answering twice.
  auto answered = std::make_shared<std::atomic<bool>>(false);
  http::Respond once = [answered, respond = with_common_headers(std::move(respond))](
                           http::Response response) {
    *answered = true;
    respond(std::move(response));
  };
  try {
    dispatch(std::move(request), once);
  } catch (const std::exception& failure) {
    log_error("request failed", {{"error", failure.what()}});
    if (!*answered) once(error_response(make_error(Reason::InternalError, "Internal error occurred")));
  }
}

bool Server::forward(http::Request& request, const User& user, const http::Target& target,
                     http::Respond& respond) {
  const std::string* group = group_of(target);
  if (group == nullptr) return false;
  const auto found = context_.options.aggregated.find(*group);
  if (found == context_.options.aggregated.end()) return false;
  request.peer.in_process_user = user.name;
  request.peer.in_process_groups = user.groups;
  found->second->handle(std::move(request), std::move(respond));
  return true;
}

void Server::dispatch(http::Request request, http::Respond respond) {
  const auto target = http::parse_target(request.target);
  if (!target) return respond(error_response(target.error()));
  const auto user = authenticate(request, context_.options.tokens);
  if (!user) return respond(error_response(user.error()));
  auto info = route(request.method, *target);
  if (!info) return respond(error_response(method_not_allowed()));
  if (!authorizer_.allows(*user, *info)) return respond(error_response(forbidden_error(*user, *info)));
  if (request.body.size() > limits::kRequestBodyBytesMax) {
    return respond(error_response(
        make_error(Reason::RequestEntityTooLarge,
                   "Request entity too large: limit is " +
                       std::to_string(limits::kRequestBodyBytesMax))));
  }
  if (forward(request, *user, *target, respond)) return;
  if (!info->is_resource) {
    auto document = documents_.answer(request, *target);
    return respond(document ? std::move(*document) : not_found_page());
  }
  auto type = context_.registry.find(info->group, info->version, info->plural);
  if (!type) return respond(not_found_page());
  dispatch_resource(std::make_shared<ApiCall>(ApiCall{context_, std::move(request), *target,
                                                      std::move(*info), *user, std::move(type),
                                                      std::move(respond), {}}));
}

void Server::dispatch_resource(const CallPtr& call) {
  const RequestInfo& info = call->info;
  const ResourceType& type = *call->type;
  if (!type.namespaced && !info.ns.empty()) return call->send(not_found_page());
  if (!verb_fits_path(type, info) || !subresource_exists(type, info.subresource)) {
    return call->send(not_found_page());
  }
  if (!info.subresource.empty() && (info.verb == Verb::Create || info.verb == Verb::Delete)) {
    return call->send_error(method_not_allowed());
  }
  if (info.verb == Verb::DeleteCollection && type.builtin == Builtin::Namespace) {
    return call->send_error(method_not_allowed());
  }
  if (info.verb == Verb::Create && !info.name.empty()) return call->send_error(method_not_allowed());
  if (info.name.empty() && (info.verb == Verb::Update || info.verb == Verb::Patch)) {
    return call->send_error(method_not_allowed());
  }
  switch (info.verb) {
    case Verb::Get: return get_object(call);
    case Verb::List: return list_objects(call);
    case Verb::Watch: return watch_objects(call);
    case Verb::Create: return create_object(call);
    case Verb::Update: return update_object(call);
    case Verb::Patch: return patch_object(call);
    case Verb::Delete: return delete_object(call);
    case Verb::DeleteCollection: return delete_collection(call);
  }
}

Result<std::unique_ptr<ApiServer>> ApiServer::open(store::Store& store, Clock& clock,
                                                   Random& random, Options options) {
  auto server = std::make_unique<Server>(store, clock, random, std::move(options));
  if (const auto started = server->start(); !started) return fail(started.error());
  return std::unique_ptr<ApiServer>(std::move(server));
}

}  // namespace tidelock::apiserver
