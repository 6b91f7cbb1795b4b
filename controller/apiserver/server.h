// SPDX-License-Identifier: Apache-2.0
// The ApiServer put together: authenticate, authorise, dispatch; and its background work.
#pragma once

#include <memory>

#include "controller/apiserver/api_call.h"
#include "controller/apiserver/authentication.h"
#include "controller/apiserver/background.h"
#include "controller/apiserver/context.h"
#include "controller/apiserver/documents.h"

namespace tidelock::apiserver {

class Server final : public ApiServer {
 public:
  Server(store::Store& store, Clock& clock, Random& random, Options options);

  // Loads what is stored, then makes the default namespaces and the CRDs of the options.
  Result<void> start();

  void handle(http::Request request, http::Respond respond) override;
  TimePoint step(TimePoint now) override { return background_.step(now); }

 private:
  void dispatch(http::Request request, http::Respond respond);
  void dispatch_resource(const CallPtr& call);
  // Hands a request of an aggregated group on; false if it is none.
  bool forward(http::Request& request, const User& user, const http::Target& target,
               http::Respond& respond);

  Context context_;
  MastersAuthorizer authorizer_;
  Documents documents_;
  Background background_;
};

}  // namespace tidelock::apiserver
