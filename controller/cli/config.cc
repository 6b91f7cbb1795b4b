// SPDX-License-Identifier: Apache-2.0
// `tidectl config`: the kubeconfig as it is, and another current context.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "controller/api/yaml.h"
#include "controller/cli/json.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

// The first document of each file that is there, with its path.
struct File {
  std::string path;
  json document;
};

Result<std::vector<File>> read_files(const GlobalFlags& flags, const Environment& environment) {
  std::vector<File> files;
  for (const std::string& path : kubeconfig_paths(flags, environment)) {
    auto text = environment.read_file(path);
    if (!text && text.error().reason == Reason::NotFound && flags.kubeconfig.empty()) continue;
    if (!text) return fail(local(text.error()));
    auto documents = api::parse_yaml(*text);
    if (!documents) return usage(path + ": " + documents.error().message);
    files.push_back({path, documents->empty() ? json::object() : *documents->front().json});
  }
  return files;
}

// The first file that names an entry wins, as everywhere.
json merged(const std::vector<File>& files) {
  json all{{"apiVersion", "v1"},
           {"kind", "Config"},
           {"preferences", json::object()},
           {"current-context", ""}};
  for (const char* list : {"clusters", "contexts", "users"}) {
    all[list] = json::array();
    std::set<std::string> seen;
    for (const File& file : files) {
      for (const json& entry : elements(file.document, list)) {
        if (seen.insert(text_at(entry, "name")).second) all[list].push_back(entry);
      }
    }
  }
  for (const File& file : files) {
    if (all["current-context"] == "")
      all["current-context"] = text_at(file.document, "current-context");
  }
  return all;
}

void redact(json& config) {
  for (json& entry : config["clusters"]) {
    if (entry.contains("cluster") && entry["cluster"].contains("certificate-authority-data")) {
      entry["cluster"]["certificate-authority-data"] = "DATA+OMITTED";
    }
  }
  for (json& entry : config["users"]) {
    if (!entry.contains("user") || !entry["user"].is_object()) continue;
    for (const char* field : {"client-certificate-data", "client-key-data"}) {
      if (entry["user"].contains(field)) entry["user"][field] = "DATA+OMITTED";
    }
    for (const char* field : {"token", "password"}) {
      if (entry["user"].contains(field)) entry["user"][field] = "REDACTED";
    }
  }
}

bool has_context(const json& document, const std::string& name) {
  const json& contexts = elements(document, "contexts");
  return std::any_of(contexts.begin(), contexts.end(),
                     [&](const json& entry) { return text_at(entry, "name") == name; });
}

}  // namespace

Result<int> config_view(const GlobalFlags& flags, Environment& environment, bool raw) {
  auto files = read_files(flags, environment);
  if (!files) return fail(files.error());
  json config = merged(*files);
  if (!raw) redact(config);
  *environment.out << api::to_yaml(config);
  return 0;
}

Result<int> config_current_context(const GlobalFlags& flags, Environment& environment) {
  auto files = read_files(flags, environment);
  if (!files) return fail(files.error());
  const std::string name = text_at(merged(*files), "current-context");
  if (name.empty()) return usage("current-context is not set");
  *environment.out << name << "\n";
  return 0;
}

Result<int> config_get_contexts(const GlobalFlags& flags, Environment& environment) {
  auto files = read_files(flags, environment);
  if (!files) return fail(files.error());
  const json config = merged(*files);
  const std::string current = text_at(config, "current-context");
  TextTable table;
  table.row({"CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"});
  for (const json& entry : elements(config, "contexts")) {
    const std::string name = text_at(entry, "name");
    const json& context = member(entry, "context");
    table.row({name == current ? "*" : "", name, text_at(context, "cluster"),
               text_at(context, "user"), text_at(context, "namespace")});
  }
  table.print(*environment.out);
  return 0;
}

// Written to the file that says current-context now, or else to the first one.
Result<int> config_use_context(const GlobalFlags& flags, Environment& environment,
                               const std::string& name) {
  auto files = read_files(flags, environment);
  if (!files) return fail(files.error());
  const bool known = std::any_of(files->begin(), files->end(), [&](const File& file) {
    return has_context(file.document, name);
  });
  if (!known) return usage("no context exists with the name: \"" + name + "\"");
  auto chosen = std::find_if(files->begin(), files->end(), [](const File& file) {
    return !text_at(file.document, "current-context").empty();
  });
  if (chosen == files->end()) chosen = files->begin();
  chosen->document["current-context"] = name;
  auto written = environment.write_file(chosen->path, api::to_yaml(chosen->document));
  if (!written) return fail(local(written.error()));
  *environment.out << "Switched to context \"" << name << "\".\n";
  return 0;
}

}  // namespace tidelock::cli
