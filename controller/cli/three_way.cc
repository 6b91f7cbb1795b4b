// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/three_way.h"

#include "controller/cli/json.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

// Only the deletions (nulls), or only the rest, of a merge patch; objects left empty are dropped.
json only(const json& patch, bool deletions) {
  json kept = json::object();
  for (const auto& [key, value] : patch.items()) {
    if (value.is_object()) {
      json below = only(value, deletions);
      if (!below.empty() || (value.empty() && !deletions)) kept[key] = std::move(below);
    } else if (value.is_null() == deletions) {
      kept[key] = value;
    }
  }
  return kept;
}

void merge_into(json& patch, const json& more) {
  for (const auto& [key, value] : more.items()) {
    if (value.is_object() && patch.contains(key) && patch[key].is_object()) {
      merge_into(patch[key], value);
    } else if (!patch.contains(key)) {
      patch[key] = value;
    }
  }
}

}  // namespace

json merge_patch(const json& from, const json& to) {
  json patch = json::object();
  for (const auto& [key, value] : from.items()) {
    if (!to.contains(key)) patch[key] = nullptr;
  }
  for (const auto& [key, value] : to.items()) {
    auto old = from.find(key);
    if (old == from.end()) {
      patch[key] = value;
    } else if (old->is_object() && value.is_object()) {
      json below = merge_patch(*old, value);
      if (!below.empty()) patch[key] = std::move(below);
    } else if (*old != value) {
      patch[key] = value;
    }
  }
  return patch;
}

json three_way_merge_patch(const json& original, const json& modified, const json& current) {
  json patch = only(merge_patch(current, modified), false);
  if (original.is_object()) merge_into(patch, only(merge_patch(original, modified), true));
  return patch;
}

namespace {

// As Go's encoder writes it, so that kubectl and tidectl store the same text in turn.
std::string go_text(const json& document) {
  std::string text;
  for (const char c : document.dump()) {
    switch (c) {
      case '<':
        text += "\\u003c";
        break;
      case '>':
        text += "\\u003e";
        break;
      case '&':
        text += "\\u0026";
        break;
      default:
        text += c;
    }
  }
  return text + "\n";
}

}  // namespace

json with_last_applied(const json& object) {
  json bare = object;
  json& metadata = bare["metadata"];
  if (auto found = metadata.find("annotations"); found != metadata.end() && found->is_object()) {
    found->erase(kLastApplied);
  } else {
    // kubectl writes the empty map too, so that both tools store the same text.
    metadata["annotations"] = json::object();
  }
  json applied = bare;
  applied["metadata"]["annotations"][kLastApplied] = go_text(bare);
  return applied;
}

json last_applied(const json& live) {
  const std::string text = text_at(member(member(live, "metadata"), "annotations"), kLastApplied);
  json document = json::parse(text, nullptr, false);
  return document.is_object() ? document : json();
}

}  // namespace tidelock::cli
