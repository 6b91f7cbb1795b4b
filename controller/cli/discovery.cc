// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/discovery.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "controller/cli/json.h"
#include "controller/cli/session.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

constexpr const char* kAcceptDiscovery =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

std::vector<std::string> strings_at(const json& object, const char* name) {
  std::vector<std::string> found;
  for (const json& item : elements(object, name)) {
    if (item.is_string()) found.push_back(item.get<std::string>());
  }
  return found;
}

// One entry of the aggregated form.
ResourceInfo aggregated_resource(const json& entry, const std::string& group,
                                 const std::string& version) {
  ResourceInfo info;
  info.resource = {group, version, text_at(entry, "resource"),
                   text_at(entry, "scope") == "Namespaced"};
  info.kind = text_at(member(entry, "responseKind"), "kind");
  info.singular = text_at(entry, "singularResource");
  info.short_names = strings_at(entry, "shortNames");
  info.categories = strings_at(entry, "categories");
  info.verbs = strings_at(entry, "verbs");
  return info;
}

// One entry of the legacy form; subresources ("widgets/status") give nothing.
void add_legacy(const json& list, const std::string& group, const std::string& version,
                std::vector<ResourceInfo>& into) {
  for (const json& entry : elements(list, "resources")) {
    ResourceInfo info;
    auto namespaced = entry.find("namespaced");
    info.resource = {group, version, text_at(entry, "name"),
                     namespaced != entry.end() && *namespaced == true};
    if (info.resource.plural.find('/') != std::string::npos) continue;
    info.kind = text_at(entry, "kind");
    info.singular = text_at(entry, "singularName");
    info.short_names = strings_at(entry, "shortNames");
    info.categories = strings_at(entry, "categories");
    info.verbs = strings_at(entry, "verbs");
    into.push_back(std::move(info));
  }
}

void add_aggregated(const json& list, std::vector<ResourceInfo>& into) {
  for (const json& group : elements(list, "items")) {
    const std::string name = text_at(member(group, "metadata"), "name");
    for (const json& version : elements(group, "versions")) {
      for (const json& entry : elements(version, "resources")) {
        into.push_back(aggregated_resource(entry, name, text_at(version, "version")));
      }
    }
  }
}

// Group versions of the legacy /apis, preferred version first.
std::vector<std::string> group_versions(const json& groups) {
  std::vector<std::string> found;
  for (const json& group : elements(groups, "groups")) {
    const std::string preferred = text_at(member(group, "preferredVersion"), "groupVersion");
    if (!preferred.empty()) found.push_back(preferred);
    for (const json& version : elements(group, "versions")) {
      const std::string name = text_at(version, "groupVersion");
      if (name != preferred) found.push_back(name);
    }
  }
  return found;
}

Result<void> fetch_legacy(Session& session, const json& groups, std::vector<ResourceInfo>& into) {
  const std::vector<std::string> versions = group_versions(groups);
  std::vector<std::string> targets{"/api/v1"};
  for (const std::string& version : versions) targets.push_back("/apis/" + version);
  const auto answers = session.get_all(targets);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) {
      if (i == 0 || answers[i].error().code == kNoAnswer) return fail(answers[i].error());
      continue;  // one group that does not answer hides only itself
    }
    auto list = parse_answer(*answers[i]);
    if (!list) return fail(list.error());
    const std::string version = i == 0 ? "v1" : versions[i - 1];
    const std::size_t slash = version.find('/');
    add_legacy(*list, slash == std::string::npos ? "" : version.substr(0, slash),
               slash == std::string::npos ? version : version.substr(slash + 1), into);
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool group_matches(const ResourceInfo& info, std::string_view rest) {
  return rest == info.resource.group || rest == info.resource.version + "." + info.resource.group;
}

bool is_named(const ResourceInfo& info, const std::string& name) {
  return name == info.resource.plural || name == info.singular || name == lower(info.kind) ||
         contains(info.short_names, name);
}

}  // namespace

bool ResourceInfo::has_verb(std::string_view verb) const { return contains(verbs, verb); }

std::string ResourceInfo::qualified() const {
  return resource.group.empty() ? resource.plural : resource.plural + "." + resource.group;
}

std::string ResourceInfo::label(const std::string& name) const {
  std::string text = lower(kind);
  if (!resource.group.empty()) text += "." + resource.group;
  return text + "/" + name;
}

std::string ResourceInfo::api_version() const {
  return resource.group.empty() ? resource.version : resource.group + "/" + resource.version;
}

Result<Discovery> Discovery::fetch(Session& session) {
  auto answers = session.get_all({"/api", "/apis"}, kAcceptDiscovery);
  Discovery discovery;
  std::vector<json> documents;
  for (const auto& answer : answers) {
    if (!answer) return fail(answer.error());
    auto document = parse_answer(*answer);
    if (!document) return fail(document.error());
    documents.push_back(std::move(*document));
  }
  if (text_at(documents[0], "kind") == "APIGroupDiscoveryList" &&
      text_at(documents[1], "kind") == "APIGroupDiscoveryList") {
    for (const json& document : documents) add_aggregated(document, discovery.resources_);
    return discovery;
  }
  if (auto done = fetch_legacy(session, documents[1], discovery.resources_); !done) {
    return fail(done.error());
  }
  return discovery;
}

const ResourceInfo* Discovery::find(std::string_view text) const {
  const std::string name = lower(text);
  for (const ResourceInfo& info : resources_) {
    if (is_named(info, name)) return &info;
  }
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return nullptr;
  for (const ResourceInfo& info : resources_) {
    if (is_named(info, name.substr(0, dot)) && group_matches(info, name.substr(dot + 1))) {
      return &info;
    }
  }
  return nullptr;
}

Result<std::vector<const ResourceInfo*>> Discovery::resolve(std::string_view text) const {
  if (const ResourceInfo* info = find(text)) return std::vector<const ResourceInfo*>{info};
  const std::string name = lower(text);
  std::vector<const ResourceInfo*> found;
  for (const ResourceInfo& info : resources_) {
    if (contains(info.categories, name) && info.has_verb("list")) found.push_back(&info);
  }
  if (found.empty()) {
    return usage("the server doesn't have a resource type \"" + std::string(text) + "\"");
  }
  return found;
}

const ResourceInfo* Discovery::by_kind(std::string_view api_version, std::string_view kind) const {
  for (const ResourceInfo& info : resources_) {
    if (info.kind == kind && info.api_version() == api_version) return &info;
  }
  return nullptr;
}

}  // namespace tidelock::cli
