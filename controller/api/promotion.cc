// SPDX-License-Identifier: Apache-2.0
#include "controller/api/promotion.h"

#include <algorithm>
#include <vector>

namespace tidelock::api {

std::optional<PromotionCircle> promotion_circle(const std::string& environment,
                                                const std::function<std::string(const std::string&)>& from) {
  std::vector<std::string> chain{environment};
  while (true) {
    chain.push_back(from(chain.back()));
    if (chain.back().empty()) return std::nullopt;
    const auto before = std::find(chain.begin(), chain.end() - 1, chain.back());
    if (before == chain.end() - 1) continue;
    PromotionCircle circle{*before, *before};
    for (auto name = before + 1; name != chain.end(); ++name) circle.text += " → " + *name;
    return circle;
  }
}

}  // namespace tidelock::api
