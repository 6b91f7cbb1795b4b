// SPDX-License-Identifier: Apache-2.0
// The paths that are about the server itself: /version, probes, discovery, OpenAPI. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "controller/apiserver/context.h"
#include "controller/apiserver/router.h"
#include "controller/http/message.h"

namespace tidelock::apiserver {

class Documents {
 public:
  explicit Documents(Context& context);
  ~Documents();

  // nullopt: not one of these paths. `segments` of the target without the empty ones.
  std::optional<http::Response> answer(const http::Request& request, const http::Target& target);

 private:
  struct Cache;
  std::optional<http::Response> discovery(const http::Request& request, const http::Target& target);
  std::optional<http::Response> open_api(const http::Target& target);
  Cache& fresh_cache();  // mutex_ held

  Context& context_;
  std::mutex mutex_;  // guards cache_
  std::unique_ptr<Cache> cache_;
};

}  // namespace tidelock::apiserver
