// SPDX-License-Identifier: Apache-2.0
// One request to a resource on its way through the server.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/context.h"
#include "controller/apiserver/media.h"
#include "controller/apiserver/router.h"
#include "controller/http/message.h"

namespace tidelock::apiserver {

struct ApiCall {
  Context& context;
  http::Request request;
  http::Target target;
  RequestInfo info;
  User user;
  ResourceTypePtr type;
  http::Respond respond;
  std::vector<std::string> warnings;  // become Warning headers

  // Answers once.
  void send(http::Response response);
  void send_error(const Error& error);
  // One object in the form that Accept asks for.
  void send_object(int status, std::string_view stored, store::Revision revision);
};
using CallPtr = std::shared_ptr<ApiCall>;

// The whole body as a document; `notes` gets duplicate fields. An empty body is null. No
// Content-Type means JSON.
Result<nlohmann::json> decode_body(const ApiCall& call, std::vector<std::string>& notes);

void get_object(const CallPtr& call);
void list_objects(const CallPtr& call);
void watch_objects(const CallPtr& call);
void create_object(const CallPtr& call);
void update_object(const CallPtr& call);
void patch_object(const CallPtr& call);
void delete_object(const CallPtr& call);
void delete_collection(const CallPtr& call);

}  // namespace tidelock::apiserver
