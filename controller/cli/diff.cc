// SPDX-License-Identifier: Apache-2.0
// `tidectl diff`: what apply would change, asked of the server by dry runs.
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/yaml.h"
#include "controller/cli/errors.h"
#include "controller/cli/json.h"
#include "controller/cli/manifests.h"
#include "controller/cli/three_way.h"
#include "controller/cli/unified_diff.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using client::Call;
using nlohmann::json;

constexpr int kDifferent = 1;
constexpr int kTrouble = 2;

// Bookkeeping that every write changes says nothing about the wish.
void strip(json& object) {
  strip_managed_fields(object);
  if (!object.is_object() || !object["metadata"].is_object()) return;
  json& metadata = object["metadata"];
  for (const char* field : {"resourceVersion", "generation", "uid", "creationTimestamp"})
    metadata.erase(field);
  if (auto annotations = metadata.find("annotations"); annotations != metadata.end()) {
    if (annotations->is_object()) annotations->erase(kLastApplied);
    if (annotations->empty()) metadata.erase("annotations");
  }
}

// Values of secrets stay hidden; that one changed is said.
void mask(json& before, json& after) {
  for (const char* field : {"data", "stringData"}) {
    json* a = before.is_object() && before.contains(field) ? &before[field] : nullptr;
    json* b = after.is_object() && after.contains(field) ? &after[field] : nullptr;
    const json old = a != nullptr ? *a : json::object();
    const json now = b != nullptr ? *b : json::object();
    const auto hide = [](json* values, const json& other, const char* changed) {
      if (values == nullptr || !values->is_object()) return;
      for (auto& [key, value] : values->items()) {
        const bool same = other.contains(key) && other[key] == value;
        value = same || !other.contains(key) ? "***" : changed;
      }
    };
    hide(a, now, "*** (before)");
    hide(b, old, "*** (after)");
  }
}

std::string text_of(const json& object) { return object.is_null() ? "" : api::to_yaml(object); }

class Differ {
 public:
  explicit Differ(Session& session) : session_(session) {}

  // Whether there is a difference.
  Result<bool> one(ManifestObject& manifest) {
    if (auto resolved = resolve_manifest(session_, manifest); !resolved)
      return fail(resolved.error());
    auto live = read(manifest);
    if (!live) return fail(live.error());
    auto merged = dry_run(manifest, *live);
    if (!merged) return fail(merged.error());
    json before = std::move(*live), after = std::move(*merged);
    strip(before);
    strip(after);
    if (manifest.info->kind == "Secret") mask(before, after);
    std::string name =
        manifest.info->resource.group.empty() ? "" : manifest.info->resource.group + ".";
    name += manifest.info->resource.version + "." + manifest.info->kind + "." + manifest.ns + "." +
            manifest.name();
    const std::string diff =
        unified_diff("LIVE/" + name, text_of(before), "MERGED/" + name, text_of(after));
    session_.out() << diff;
    return !diff.empty();
  }

 private:
  Call call_for(const ManifestObject& manifest, Call::Verb verb) const {
    Call call;
    call.verb = verb;
    call.resource = manifest.info->resource;
    call.ns = manifest.ns;
    call.name = manifest.name();
    return call;
  }

  // Null when it is not there.
  Result<json> read(const ManifestObject& manifest) {
    auto text = session_.api().call(call_for(manifest, Call::Verb::Get));
    if (text) return parse_answer(*text);
    if (text.error().reason == Reason::NotFound) return json();
    return fail(text.error());
  }

  Result<json> dry_run(const ManifestObject& manifest, const json& live) {
    const bool create = live.is_null();
    Call call = call_for(manifest, create ? Call::Verb::Create : Call::Verb::Patch);
    call.query = {{"dryRun", "All"},
                  {"fieldManager", "kubectl-client-side-apply"},
                  {"fieldValidation", "Strict"}};
    if (create) {
      call.body = manifest.object.dump();
    } else {
      const json patch = three_way_merge_patch(last_applied(live), manifest.object, live);
      if (patch.empty()) return live;
      call.body = patch.dump();
    }
    auto text = session_.api().call(call);
    if (!text) return fail(text.error());
    return parse_answer(*text);
  }

  Session& session_;
};

}  // namespace

Result<int> diff(Session& session, const DiffOptions& options) {
  auto objects = read_manifests(session.environment(), options.files);
  if (!objects) {
    session.err() << error_text(objects.error()) << "\n";
    return kTrouble;
  }
  sort_for_apply(*objects);
  Differ differ(session);
  int code = 0;
  for (ManifestObject& object : *objects) {
    auto different = differ.one(object);
    if (!different) {
      session.err() << object.place() << ": " << error_text(different.error()) << "\n";
      code = kTrouble;
    } else if (*different && code == 0) {
      code = kDifferent;
    }
  }
  return code;
}

}  // namespace tidelock::cli
