// SPDX-License-Identifier: Apache-2.0
// Who a request comes from, and whether they may do what it asks.
#pragma once

#include <map>
#include <string>

#include "controller/apiserver/apiserver.h"
#include "controller/apiserver/router.h"
#include "controller/base/result.h"
#include "controller/http/message.h"

namespace tidelock::apiserver {

inline constexpr const char* kMastersGroup = "system:masters";
inline constexpr const char* kAnonymousUser = "system:anonymous";

using Tokens = std::map<std::string, User, std::less<>>;

// In-process identity, else client certificate, else bearer token, else system:anonymous. A token
// that is not known is Unauthorized, whatever the path.
Result<User> authenticate(const http::Request& request, const Tokens& tokens);

// The seam for RBAC. Thread-safe.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual bool allows(const User& user, const RequestInfo& info) const = 0;
};

// Masters may do everything, everybody may read the probe paths, nobody else anything.
class MastersAuthorizer final : public Authorizer {
 public:
  bool allows(const User& user, const RequestInfo& info) const override;
};

// kube-apiserver's text for a refusal.
Error forbidden_error(const User& user, const RequestInfo& info);

}  // namespace tidelock::apiserver
