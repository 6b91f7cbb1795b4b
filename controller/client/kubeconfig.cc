// SPDX-License-Identifier: Apache-2.0
#include "controller/client/kubeconfig.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "controller/api/yaml.h"
#include "controller/base/digest.h"

namespace tidelock::client {
namespace {

using nlohmann::json;

const std::set<std::string> kClusterFields{"server", "certificate-authority",
                                           "certificate-authority-data",
                                           "insecure-skip-tls-verify"};
const std::set<std::string> kUserFields{"client-certificate", "client-certificate-data",
                                        "client-key",         "client-key-data",
                                        "token",              "tokenFile"};
const std::set<std::string> kContextFields{"cluster", "user", "namespace"};
const std::set<std::string> kHarmless{"extensions", "disable-compression"};

Error bad(const std::string& file, const std::string& field, const std::string& what) {
  return make_error(Reason::BadRequest, file + ": " + field + ": " + what);
}

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? std::string{} : file.substr(0, slash + 1);
}

std::string trimmed(std::string text) {
  const char* blanks = " \t\r\n";
  text.erase(text.find_last_not_of(blanks) + 1);
  text.erase(0, text.find_first_not_of(blanks));
  return text;
}

bool is_set(const json& value) {
  return !(value.is_null() || value == "" || value == false ||
           ((value.is_object() || value.is_array()) && value.empty()));
}

}  // namespace

// Reads one document into entries.
struct Kubeconfig::Parser {
  const std::string& file;
  const json& document;

  Result<void> section(const char* list, const char* item, const std::set<std::string>& known,
                       Entries& into) const {
    auto found = document.find(list);
    if (found == document.end() || found->is_null()) return {};
    if (!found->is_array()) return fail(bad(file, list, "must be a list"));
    for (std::size_t i = 0; i < found->size(); ++i) {
      const std::string path = std::string(list) + "[" + std::to_string(i) + "]";
      if (auto read = one((*found)[i], path, item, known, into); !read) return read;
    }
    return {};
  }

  Result<void> one(const json& element, const std::string& path, const std::string& item,
                   const std::set<std::string>& known, Entries& into) const {
    auto name = element.is_object() ? element.find("name") : element.end();
    if (name == element.end() || !name->is_string()) {
      return fail(bad(file, path + ".name", "is required"));
    }
    Entry entry{file, path + "." + item, {}, {}};
    if (auto body = element.find(item); body != element.end() && !body->is_null()) {
      if (!body->is_object()) return fail(bad(file, entry.path, "must be a mapping"));
      for (const auto& [key, value] : body->items()) {
        if (auto read = field(key, value, known, entry); !read) return read;
      }
    }
    into.emplace(name->get<std::string>(), std::move(entry));
    return {};
  }

  Result<void> field(const std::string& key, const json& value, const std::set<std::string>& known,
                     Entry& entry) const {
    if (!known.contains(key)) {
      if (is_set(value) && !kHarmless.contains(key)) entry.unsupported.push_back(key);
      return {};
    }
    if (value.is_boolean()) {
      entry.fields[key] = value.get<bool>() ? "true" : "";
    } else if (value.is_string()) {
      entry.fields[key] = value.get<std::string>();
    } else if (!value.is_null()) {
      return fail(bad(file, entry.path + "." + key, "must be a string"));
    }
    return {};
  }
};

Result<Kubeconfig> Kubeconfig::load_file(const std::string& path, const ReadFile& read_file) {
  Result<std::string> text = read_file(path);
  if (!text) return fail(text.error());
  Kubeconfig config;
  if (auto merged = config.merge(path, *text); !merged) return fail(merged.error());
  return config;
}

Result<Kubeconfig> Kubeconfig::load_list(const std::string& paths, const ReadFile& read_file) {
  Kubeconfig config;
  std::size_t start = 0;
  while (start <= paths.size()) {
    const std::size_t end = std::min(paths.find(':', start), paths.size());
    const std::string path = paths.substr(start, end - start);
    start = end + 1;
    if (path.empty()) continue;
    Result<std::string> text = read_file(path);
    if (!text && text.error().reason == Reason::NotFound) continue;
    if (!text) return fail(text.error());
    if (auto merged = config.merge(path, *text); !merged) return fail(merged.error());
  }
  return config;
}

Result<void> Kubeconfig::merge(const std::string& file, const std::string& text) {
  auto documents = api::parse_yaml(text);
  if (!documents) {
    return fail(make_error(Reason::BadRequest, file + ": " + documents.error().message));
  }
  if (documents->empty()) return {};
  const json& document = *documents->front().json;
  if (!document.is_object()) return fail(bad(file, "document", "must be a mapping"));
  if (auto kind = document.find("kind"); kind != document.end() && *kind != "Config") {
    return fail(bad(file, "kind", "must be Config"));
  }
  const Parser parser{file, document};
  if (auto r = parser.section("clusters", "cluster", kClusterFields, clusters_); !r) return r;
  if (auto r = parser.section("users", "user", kUserFields, users_); !r) return r;
  if (auto r = parser.section("contexts", "context", kContextFields, contexts_); !r) return r;
  auto current = document.find("current-context");
  if (current == document.end() || current->is_null()) return {};
  if (!current->is_string()) return fail(bad(file, "current-context", "must be a string"));
  if (current_context_.empty()) current_context_ = current->get<std::string>();
  return {};
}

Result<const Kubeconfig::Entry*> Kubeconfig::find(const Entries& entries, const std::string& kind,
                                                  const std::string& name) {
  auto found = entries.find(name);
  if (found == entries.end()) {
    return fail(Reason::NotFound, "the kubeconfig has no " + kind + " \"" + name + "\"");
  }
  const Entry& entry = found->second;
  if (!entry.unsupported.empty()) {
    return fail(bad(entry.file, entry.path + "." + entry.unsupported.front(), "is not supported"));
  }
  return &entry;
}

Result<Connection> Kubeconfig::connection(const std::string& context,
                                          const ReadFile& read_file) const {
  Connection made;
  made.context = context.empty() ? current_context_ : context;
  if (made.context.empty()) {
    return fail(Reason::NotFound, "the kubeconfig has no current-context and none was named");
  }
  auto entry = find(contexts_, "context", made.context);
  if (!entry) return fail(entry.error());
  auto fields = (*entry)->fields;
  made.cluster = fields["cluster"];
  made.user = fields["user"];
  if (!fields["namespace"].empty()) made.ns = fields["namespace"];
  auto cluster = find(clusters_, "cluster", made.cluster);
  if (!cluster) return fail(cluster.error());
  if (auto used = use_cluster(**cluster, read_file, made.options); !used) {
    return fail(used.error());
  }
  if (made.user.empty()) return made;
  auto user = find(users_, "user", made.user);
  if (!user) return fail(user.error());
  if (auto used = use_user(**user, read_file, made.options); !used) return fail(used.error());
  return made;
}

Result<void> Kubeconfig::use_cluster(const Entry& entry, const ReadFile& read_file,
                                     http::ClientOptions& options) {
  auto fields = entry.fields;
  options.base_url = fields["server"];
  while (options.base_url.ends_with('/')) options.base_url.pop_back();
  if (options.base_url.empty()) return fail(bad(entry.file, entry.path + ".server", "is required"));
  options.insecure_skip_tls_verify = fields["insecure-skip-tls-verify"] == "true";
  auto ca = content(entry, "certificate-authority", read_file);
  if (!ca) return fail(ca.error());
  if (options.insecure_skip_tls_verify && !ca->empty()) {
    return fail(bad(entry.file, entry.path + ".insecure-skip-tls-verify",
                    "cannot be combined with a certificate-authority"));
  }
  options.ca_pem = std::move(*ca);
  return {};
}

Result<void> Kubeconfig::use_user(const Entry& entry, const ReadFile& read_file,
                                  http::ClientOptions& options) {
  auto certificate = content(entry, "client-certificate", read_file);
  if (!certificate) return fail(certificate.error());
  auto key = content(entry, "client-key", read_file);
  if (!key) return fail(key.error());
  if (certificate->empty() != key->empty()) {
    const char* missing = key->empty() ? ".client-key" : ".client-certificate";
    return fail(bad(entry.file, entry.path + missing, "is required beside its other half"));
  }
  options.client_certificate_pem = std::move(*certificate);
  options.client_key_pem = std::move(*key);
  auto fields = entry.fields;
  options.bearer_token = fields["token"];
  if (fields["tokenFile"].empty()) return {};
  auto token = content(entry, "tokenFile", read_file);
  if (!token) return fail(token.error());
  options.bearer_token = trimmed(std::move(*token));
  return {};
}

Result<std::string> Kubeconfig::content(const Entry& entry, const std::string& name,
                                        const ReadFile& read_file) {
  auto fields = entry.fields;
  if (const std::string& data = fields[name + "-data"]; !data.empty()) {
    auto decoded = base64_decode(data);
    if (!decoded) {
      return fail(bad(entry.file, entry.path + "." + name + "-data", decoded.error().message));
    }
    return decoded;
  }
  std::string path = fields[name];
  if (path.empty()) return std::string{};
  if (!path.starts_with('/')) path = folder_of(entry.file) + path;
  auto text = read_file(path);
  if (!text) return fail(bad(entry.file, entry.path + "." + name, text.error().message));
  return text;
}

std::vector<std::string> Kubeconfig::contexts() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : contexts_) names.push_back(name);
  return names;
}

}  // namespace tidelock::client
