// SPDX-License-Identifier: Apache-2.0
// Environments that wait for each other's promotion. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace tidelock::api {

struct PromotionCircle {
  std::string begin;  // the environment in it that is come to first
  std::string text;   // "staging → qa → staging"
};

// `from` answers the `spec.promotion.from` of an Environment; empty = none, or there is no such object.
// Nullopt: following it from `environment` comes to an end.
std::optional<PromotionCircle> promotion_circle(const std::string& environment,
                                                const std::function<std::string(const std::string&)>& from);

}  // namespace tidelock::api
