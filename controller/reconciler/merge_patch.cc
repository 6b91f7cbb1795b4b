// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/merge_patch.h"

#include <nlohmann/json.hpp>

namespace tidelock::reconciler {

using nlohmann::json;

json merge_patch(const json& from, const json& to) {
  if (!to.is_object()) return to;
  // What is not an object is replaced by the patch as if it were an empty one.
  const json empty = json::object();
  const json& base = from.is_object() ? from : empty;
  json patch = json::object();
  for (const auto& [name, value] : base.items()) {
    if (!to.contains(name)) patch[name] = nullptr;
  }
  for (const auto& [name, value] : to.items()) {
    auto known = base.find(name);
    if (known == base.end()) {
      patch[name] = value;
    } else if (*known != value) {
      patch[name] = merge_patch(*known, value);
    }
  }
  return patch;
}

}  // namespace tidelock::reconciler
