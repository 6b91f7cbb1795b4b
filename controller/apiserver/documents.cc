// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/documents.h"

#include <nlohmann/json.hpp>

#include "controller/apiserver/discovery.h"
#include "controller/apiserver/media.h"
#include "controller/apiserver/openapi.h"
#include "controller/apiserver/status.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

http::Response text_page(std::string body) {
  http::Response response;
  response.headers.emplace("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

// "v1.34.0+x" → {"1", "34"}.
std::pair<std::string, std::string> major_minor(const std::string& version) {
  const std::size_t start = version.starts_with('v') ? 1 : 0;
  const std::size_t first = version.find('.', start);
  if (first == std::string::npos) return {"1", "34"};
  const std::size_t second = version.find('.', first + 1);
  return {version.substr(start, first - start),
          version.substr(first + 1, second == std::string::npos ? second : second - first - 1)};
}

std::string version_body(const std::string& version) {
  const auto [major, minor] = major_minor(version);
  return json{{"major", major},          {"minor", minor},     {"gitVersion", version},
              {"gitCommit", ""},         {"gitTreeState", ""}, {"buildDate", "1970-01-01T00:00:00Z"},
              {"goVersion", "none"},     {"compiler", "gcc"},  {"platform", "linux/amd64"}}
      .dump();
}

bool is_probe(const std::string& segment) {
  return segment == "healthz" || segment == "livez" || segment == "readyz";
}

http::Response probe(const http::Target& target) {
  if (!target.query.contains("verbose") || target.segments.size() > 1) return text_page("ok");
  const std::string& name = target.segments[0];
  return text_page("[+]ping ok\n[+]store ok\n" + name + " check passed\n");
}

// "v2" or "v2beta1" if the aggregated form is wanted.
std::optional<std::string> aggregated_version(const http::Request& request) {
  for (const auto& range : parse_accept(http::header(request.headers, "Accept"))) {
    if (range.as != "APIGroupDiscoveryList" || range.group != "apidiscovery.k8s.io") {
      if (range.as.empty() && range.type == "application/json") return std::nullopt;
      continue;
    }
    if (range.version == "v2" || range.version == "v2beta1") return range.version;
  }
  return std::nullopt;
}

http::Response aggregated(const std::string& version, std::string body) {
  http::Response response;
  response.headers.emplace("Content-Type", "application/json;g=apidiscovery.k8s.io;v=" + version +
                                               ";as=APIGroupDiscoveryList");
  response.headers.emplace("Vary", "Accept");
  response.headers.emplace("Cache-Control", "public");
  response.body = std::move(body);
  return response;
}

std::optional<http::Response> page_or_nothing(std::string body) {
  if (body.empty()) return std::nullopt;
  return json_response(200, std::move(body));
}

}  // namespace

struct Documents::Cache {
  explicit Cache(const Catalog& catalog)
      : generation(catalog.generation), discovery(resource_infos(catalog)), open_api(catalog) {}
  std::uint64_t generation;
  Discovery discovery;
  OpenApi open_api;
};

Documents::Documents(Context& context) : context_(context) {}
Documents::~Documents() = default;

Documents::Cache& Documents::fresh_cache() {
  const auto catalog = context_.registry.catalog();
  if (cache_ == nullptr || cache_->generation != catalog->generation) {
    cache_ = std::make_unique<Cache>(*catalog);
  }
  return *cache_;
}

std::optional<http::Response> Documents::answer(const http::Request& request,
                                                const http::Target& target) {
  if (target.segments.empty()) return std::nullopt;
  const std::string& first = target.segments[0];
  if (request.method != "GET") {
    const bool known = first == "version" || is_probe(first) || first == "openapi";
    if (known) return error_response(method_not_allowed());
    return std::nullopt;
  }
  if (first == "version" && target.segments.size() == 1) {
    return json_response(200, version_body(context_.options.version));
  }
  if (is_probe(first)) return probe(target);
  if (first == "openapi") return open_api(target);
  if (first == "api" || first == "apis") return discovery(request, target);
  return std::nullopt;
}

std::optional<http::Response> Documents::discovery(const http::Request& request,
                                                   const http::Target& target) {
  const auto& segments = target.segments;
  const bool core = segments[0] == "api";
  const std::lock_guard lock(mutex_);
  const Discovery& discovery = fresh_cache().discovery;
  if (segments.size() == 1) {
    if (const auto version = aggregated_version(request)) {
      return aggregated(*version, core ? discovery.aggregated_core(*version)
                                       : discovery.aggregated_groups(*version));
    }
    return json_response(200, core ? discovery.api_versions("") : discovery.api_group_list());
  }
  if (core && segments.size() == 2) return page_or_nothing(discovery.api_resource_list("", segments[1]));
  if (!core && segments.size() == 2) return page_or_nothing(discovery.api_group(segments[1]));
  if (!core && segments.size() == 3) {
    return page_or_nothing(discovery.api_resource_list(segments[1], segments[2]));
  }
  return std::nullopt;
}

std::optional<http::Response> Documents::open_api(const http::Target& target) {
  const auto& segments = target.segments;
  if (segments.size() < 2 || segments[1] != "v3") return std::nullopt;
  const std::lock_guard lock(mutex_);
  OpenApi& documents = fresh_cache().open_api;
  if (segments.size() == 2) return json_response(200, documents.index());
  std::string path;
  for (std::size_t i = 2; i < segments.size(); ++i) path += (i == 2 ? "" : "/") + segments[i];
  const std::string* document = documents.document(path);
  if (document == nullptr) return std::nullopt;
  return json_response(200, *document);
}

}  // namespace tidelock::apiserver
