// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/patch.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "controller/apiserver/status.h"
#include "controller/base/limits.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;
using Pointer = json::json_pointer;

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::size_t depth_of(const json& value) {
  std::size_t deepest = 0;
  if (value.is_structured()) {
    for (const json& item : value) deepest = std::max(deepest, depth_of(item));
    ++deepest;
  }
  return deepest;
}

// One patch in progress. Every step says whether it worked.
class JsonPatch {
 public:
  explicit JsonPatch(json target) : document_(std::move(target)) {}

  bool apply(const json& operation) {
    if (!operation.is_object()) return false;
    const std::string op = text_member(operation, "op");
    const auto path = pointer(operation, "path");
    if (!path) return false;
    if (op == "remove") return remove(*path);
    if (op == "move" || op == "copy") return transfer(operation, *path, op == "move");
    const auto value = operation.find("value");
    const json wanted = value == operation.end() ? json() : *value;
    if (op == "add") return add(*path, wanted);
    if (op == "replace") return replace(*path, wanted);
    if (op == "test") return test(*path, wanted);
    return false;
  }

  json take() { return std::move(document_); }
  bool too_deep() const { return too_deep_; }
  bool copied_too_much() const { return copied_bytes_ > limits::kRequestBodyBytesMax; }

 private:
  static std::optional<Pointer> pointer(const json& operation, const char* name) {
    const auto found = operation.find(name);
    if (found == operation.end() || !found->is_string()) return std::nullopt;
    try {
      return Pointer(found->get<std::string>());
    } catch (const json::exception&) {
      return std::nullopt;
    }
  }

  // A list position too large for any number makes the library throw.
  bool contains(const Pointer& path) const {
    try {
      return document_.contains(path);
    } catch (const json::exception&) {
      return false;
    }
  }

  json* parent_of(const Pointer& path) {
    const Pointer parent = path.parent_pointer();
    return contains(parent) ? &document_[parent] : nullptr;
  }

  // A list position below or at `size`, in plain digits.
  static std::optional<std::size_t> index(const std::string& token, std::size_t size) {
    if (token.empty() || token.size() > 9 || (token.size() > 1 && token[0] == '0')) return std::nullopt;
    if (token.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    const std::size_t at = std::stoul(token);
    return at <= size ? std::optional(at) : std::nullopt;
  }

  // Keeps the document as shallow as a parsed one may be: later code recurses into it.
  bool fits(const Pointer& path, const json& value) {
    const std::string text = path.to_string();
    const auto levels = static_cast<std::size_t>(std::count(text.begin(), text.end(), '/'));
    too_deep_ = levels + depth_of(value) > limits::kJsonDepthMax;
    return !too_deep_;
  }

  bool add(const Pointer& path, const json& value) {
    if (!fits(path, value)) return false;
    if (path.empty()) return document_ = value, true;
    json* parent = parent_of(path);
    if (parent == nullptr) return false;
    if (parent->is_object()) return (*parent)[path.back()] = value, true;
    if (!parent->is_array()) return false;
    if (path.back() == "-") return parent->push_back(value), true;
    const auto at = index(path.back(), parent->size());
    if (!at) return false;
    parent->insert(parent->begin() + static_cast<std::ptrdiff_t>(*at), value);
    return true;
  }

  bool replace(const Pointer& path, const json& value) {
    if (!path.empty() && !contains(path)) {
      json* parent = parent_of(path);
      return parent != nullptr && parent->is_object() && add(path, value);
    }
    if (!fits(path, value)) return false;
    document_[path] = value;
    return true;
  }

  bool remove(const Pointer& path) {
    if (path.empty() || !contains(path)) return false;
    json* parent = parent_of(path);
    if (parent->is_object()) {
      parent->erase(path.back());
    } else {
      parent->erase(std::stoul(path.back()));
    }
    return true;
  }

  bool transfer(const json& operation, const Pointer& to, bool move) {
    const auto from = pointer(operation, "from");
    if (!from || !contains(*from)) return false;
    json value = document_[*from];
    if (move) return remove(*from) && add(to, value);
    // Copies of copies double each time.
    copied_bytes_ += value.dump(-1, ' ', false, json::error_handler_t::replace).size();
    return !copied_too_much() && add(to, value);
  }

  bool test(const Pointer& path, const json& value) const {
    if (!contains(path)) return value.is_null();
    return document_.at(path) == value;
  }

  json document_;
  std::size_t copied_bytes_ = 0;
  bool too_deep_ = false;
};

const char* merge_key(const std::string& field) {
  if (field == "ownerReferences") return "uid";
  if (field == "secrets" || field == "imagePullSecrets") return "name";
  return nullptr;
}

json* element_with(json& list, const char* key, const json& value) {
  for (json& item : list) {
    if (item.is_object() && item.contains(key) && item[key] == value) return &item;
  }
  return nullptr;
}

Result<void> merge_object(json& target, const json& patch);

Result<void> merge_keyed_list(json& target, const json& patch, const char* key) {
  if (!target.is_array()) target = json::array();
  for (const json& item : patch) {
    if (!item.is_object() || !item.contains(key)) {
      if (item.is_object() && text_member(item, "$patch") == "replace") continue;
      return fail(bad_request(std::string("map: element of a list has no merge key ") + key));
    }
    json* existing = element_with(target, key, item[key]);
    if (text_member(item, "$patch") == "delete") {
      if (existing != nullptr) target.erase(target.begin() + (existing - &target[0]));
      continue;
    }
    if (existing == nullptr) {
      target.push_back(json::object());
      existing = &target.back();
    }
    if (const auto merged = merge_object(*existing, item); !merged) return merged;
  }
  return {};
}

void merge_set(json& target, const json& patch) {
  if (!target.is_array()) target = json::array();
  for (const json& item : patch) {
    if (std::find(target.begin(), target.end(), item) == target.end()) target.push_back(item);
  }
}

void delete_from_list(json& target, const std::string& field, const json& items) {
  const auto list = target.find(field);
  if (list == target.end() || !list->is_array() || !items.is_array()) return;
  json kept = json::array();
  for (const json& item : *list) {
    if (std::find(items.begin(), items.end(), item) == items.end()) kept.push_back(item);
  }
  *list = std::move(kept);
}

// True when `key` was a directive.
bool apply_directive(json& target, const std::string& key, const json& value) {
  constexpr std::string_view kDelete = "$deleteFromPrimitiveList/";
  if (!key.starts_with('$')) return false;
  if (key.starts_with(kDelete)) delete_from_list(target, key.substr(kDelete.size()), value);
  if (key == "$retainKeys" && value.is_array()) {
    for (auto it = target.begin(); it != target.end();) {
      const bool kept = std::find(value.begin(), value.end(), json(it.key())) != value.end();
      it = kept ? std::next(it) : target.erase(it);
    }
  }
  return true;
}

Result<void> merge_member(json& target, const std::string& key, const json& value) {
  if (value.is_null()) {
    target.erase(key);
    return {};
  }
  if (value.is_object()) {
    if (text_member(value, "$patch") == "delete") {
      target.erase(key);
      return {};
    }
    return merge_object(target[key], value);
  }
  if (value.is_array()) {
    if (const char* list_key = merge_key(key)) return merge_keyed_list(target[key], value, list_key);
    if (key == "finalizers") {
      merge_set(target[key], value);
      return {};
    }
  }
  target[key] = value;
  return {};
}

Result<void> merge_object(json& target, const json& patch) {
  if (!target.is_object() || text_member(patch, "$patch") == "replace") target = json::object();
  for (const auto& [key, value] : patch.items()) {
    if (apply_directive(target, key, value)) continue;
    if (const auto merged = merge_member(target, key, value); !merged) return merged;
  }
  return {};
}

}  // namespace

json apply_merge_patch(json target, const json& patch) {
  target.merge_patch(patch);
  return target;
}

Result<json> apply_json_patch(json target, const json& patch) {
  if (!patch.is_array()) {
    return fail(bad_request("error decoding patch: json: cannot unmarshal object into Go value of "
                            "type jsonpatch.Patch"));
  }
  if (patch.size() > limits::kJsonPatchOperationsMax) {
    return fail(Reason::RequestEntityTooLarge,
                "Request entity too large: The allowed maximum operations in a JSON patch is " +
                    std::to_string(limits::kJsonPatchOperationsMax) + ", got " +
                    std::to_string(patch.size()));
  }
  JsonPatch work(std::move(target));
  for (const json& operation : patch) {
    if (work.apply(operation)) continue;
    if (work.too_deep()) return fail(bad_request("the patched object is nested too deeply"));
    if (work.copied_too_much()) {
      return fail(Reason::RequestEntityTooLarge,
                  "Request entity too large: the patch copies too much");
    }
    return fail(json_patch_failed());
  }
  return work.take();
}

Result<json> apply_strategic_patch(json target, const json& patch) {
  if (!patch.is_object()) return fail(bad_request("error decoding patch: expected an object"));
  if (const auto merged = merge_object(target, patch); !merged) return fail(merged.error());
  return target;
}

}  // namespace tidelock::apiserver
