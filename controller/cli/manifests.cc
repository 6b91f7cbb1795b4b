// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/manifests.h"

#include <algorithm>
#include <istream>
#include <iterator>
#include <utility>

#include "controller/api/kinds.h"
#include "controller/api/yaml.h"
#include "controller/cli/json.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

struct Text {
  std::string file;
  std::string text;
};

class Reader {
 public:
  explicit Reader(Environment& environment) : environment_(environment) {}

  void read(const FileOptions& options) {
    for (const std::string& file : options.files) {
      if (file == "-") {
        std::string text{std::istreambuf_iterator<char>(*environment_.in), {}};
        parse("STDIN", text);
      } else {
        read_path(file, options.recursive);
      }
    }
  }

  Result<std::vector<ManifestObject>> finish() && {
    if (!problems_.empty()) return usage(std::move(problems_));
    return std::move(objects_);
  }

 private:
  void problem(const std::string& text) { problems_ += (problems_.empty() ? "" : "\n") + text; }

  void read_path(const std::string& path, bool recursive) {
    auto files = environment_.list_files(path, recursive);
    if (!files && files.error().reason == Reason::NotFound) {
      return problem("the path \"" + path + "\" does not exist");
    }
    if (!files) return problem(files.error().message);
    if (files->empty()) {
      return problem("error reading [" + path +
                     "]: recognized file extensions are "
                     "[.json .yaml .yml]");
    }
    for (const std::string& file : *files) {
      auto text = environment_.read_file(file);
      if (text) {
        parse(file, *text);
      } else {
        problem(text.error().message);
      }
    }
  }

  void parse(const std::string& file, const std::string& text) {
    auto documents = api::parse_yaml(text);
    if (!documents) return problem(file + ": " + documents.error().message);
    for (api::YamlDocument& document : *documents) {
      add({file, document.line, std::move(*document.json), nullptr, {}}, "");
    }
  }

  // `path` is where the object stands in its document: "" or "items[3]".
  void add(ManifestObject object, const std::string& path) {
    const std::string where = object.place() + ": " + (path.empty() ? "" : path + ": ");
    if (!object.object.is_object()) {
      return problem(where + "the document is no object with apiVersion, kind and metadata");
    }
    for (const char* field : {"apiVersion", "kind"}) {
      const json& value = member(object.object, field);
      if (!value.is_null() && !value.is_string()) {
        return problem(where + field + " must be a string");
      }
      if (text_at(object.object, field).empty()) {
        return problem(where + "Object '" + field + "' is missing");
      }
    }
    if (text_at(object.object, "kind") == "List" && text_at(object.object, "apiVersion") == "v1") {
      return add_items(object);
    }
    if (!member(object.object, "metadata").is_object()) {
      return problem(where + text_at(object.object, "kind") + ": metadata.name is missing");
    }
    if (object.name().empty()) {
      return problem(where + text_at(object.object, "kind") +
                     ": metadata.name is missing (a string)");
    }
    objects_.push_back(std::move(object));
  }

  void add_items(const ManifestObject& list) {
    const json& items = elements(list.object, "items");
    for (std::size_t i = 0; i < items.size(); ++i) {
      add({list.file, list.line, items[i], nullptr, {}}, "items[" + std::to_string(i) + "]");
    }
  }

  Environment& environment_;
  std::vector<ManifestObject> objects_;
  std::string problems_;
};

}  // namespace

std::string ManifestObject::name() const { return name_of(object); }

Result<std::vector<ManifestObject>> read_manifests(Environment& environment,
                                                   const FileOptions& options) {
  if (options.files.empty()) return usage("must specify -f FILE, a folder, or -f - for stdin");
  Reader reader(environment);
  reader.read(options);
  return std::move(reader).finish();
}

int apply_rank(const json& object) {
  const std::string kind = text_at(object, "kind");
  if (kind == "Namespace") return 0;
  if (kind == "CustomResourceDefinition") return 1;
  if (kind == "Secret" || kind == "ConfigMap" || kind == "ServiceAccount") return 2;
  if (kind == "LockGroup") return 3;
  // A release keeps the process that its project has when it is first seen.
  if (kind == "Release") return 5;
  if (kind == "TenantDeployment") return 6;
  return 4;
}

void sort_for_apply(std::vector<ManifestObject>& objects) {
  std::stable_sort(objects.begin(), objects.end(),
                   [](const ManifestObject& a, const ManifestObject& b) {
                     return apply_rank(a.object) < apply_rank(b.object);
                   });
}

Result<void> resolve_manifest(Session& session, ManifestObject& object) {
  auto discovery = session.discovery();
  if (!discovery) return fail(discovery.error());
  const std::string api_version = text_at(object.object, "apiVersion");
  const std::string kind = text_at(object.object, "kind");
  object.info = (*discovery)->by_kind(api_version, kind);
  if (object.info == nullptr) {
    return usage("resource mapping not found for name: \"" + object.name() + "\" namespace: \"" +
                 namespace_of(object.object) + "\": no matches for kind \"" + kind +
                 "\" in version \"" + api_version + "\"; ensure its CRD is installed first");
  }
  if (!object.info->resource.namespaced) return {};
  const std::string ns = namespace_of(object.object);
  if (session.ns_given() && !ns.empty() && ns != session.ns()) {
    return usage("the namespace from the provided object \"" + ns +
                 "\" does not match the namespace \"" + session.ns() +
                 "\". You must pass '--namespace=" + ns + "' to perform this operation.");
  }
  object.ns = ns.empty() ? session.ns() : ns;
  object.object["metadata"]["namespace"] = object.ns;
  return {};
}

Result<std::string> namespace_of_plan(Session& session, std::vector<ManifestObject>& objects) {
  std::string ns;
  for (ManifestObject& object : objects) {
    if (text_at(object.object, "apiVersion") != api::kApiVersion) continue;
    if (auto resolved = resolve_manifest(session, object); !resolved) {
      Error error = resolved.error();
      error.message = object.place() + ": " + error.message;
      return fail(error);
    }
    if (ns.empty()) ns = object.ns;
    if (ns != object.ns) {
      return usage(object.place() + ": a plan is of one namespace: this object is in \"" +
                   object.ns + "\", others are in \"" + ns + "\"");
    }
  }
  return ns.empty() ? session.ns() : ns;
}

}  // namespace tidelock::cli
