// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/rendering.h"

#include <nlohmann/json.hpp>

#include "controller/api/yaml.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/status.h"
#include "controller/apiserver/table.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

ListMeta list_meta(const RenderedList& list) {
  return {std::to_string(list.revision), list.continue_token,
          static_cast<std::int64_t>(list.remaining)};
}

std::string plain_list(const ResourceType& type, const RenderedList& list) {
  std::size_t bytes = 256;
  for (const auto& entry : list.entries) bytes += entry.value.size() + 64;
  std::string out;
  out.reserve(bytes);
  out += R"({"apiVersion":")" + type.api_version() + R"(","items":[)";
  for (std::size_t i = 0; i < list.entries.size(); ++i) {
    if (i > 0) out += ',';
    append_object(out, type, list.entries[i].value, list.entries[i].mod_revision);
  }
  out += R"(],"kind":")" + type.list_kind + R"(","metadata":{"continue":")" + list.continue_token;
  if (list.remaining > 0) out += R"(","remainingItemCount":)" + std::to_string(list.remaining) + ",";
  else out += "\",";
  out += R"("resourceVersion":")" + std::to_string(list.revision) + "\"}}";
  return out;
}

}  // namespace

Result<std::string> render_object(Context& context, const ResourceTypePtr& type,
                                  const Answer& answer, const std::string& include_object,
                                  std::string_view stored, store::Revision revision) {
  return render_watched(context, type, answer, include_object, stored, revision, true);
}

Result<std::string> render_list(Context& context, const ResourceTypePtr& type, const Answer& answer,
                                const std::string& include_object, const RenderedList& list) {
  if (answer.view == Answer::View::Table) {
    const auto include = parse_include_object(include_object);
    if (!include) return fail(include.error());
    TableWriter table(TableColumns::of(*type), answer.table_version, *include, context.clock.now());
    for (const auto& entry : list.entries) {
      table.add(object_json(*type, entry.value, entry.mod_revision));
    }
    return table.finish(list_meta(list));
  }
  if (answer.view == Answer::View::PartialMetadata) {
    PartialMetadataListWriter writer(answer.table_version);
    for (const auto& entry : list.entries) {
      writer.add(object_json(*type, entry.value, entry.mod_revision));
    }
    return writer.finish(list_meta(list));
  }
  return plain_list(*type, list);
}

Result<std::string> render_watched(Context& context, const ResourceTypePtr& type,
                                   const Answer& answer, const std::string& include_object,
                                   std::string_view stored, store::Revision revision,
                                   bool with_columns) {
  if (answer.view == Answer::View::Object) return object_text(*type, stored, revision);
  const json document = object_json(*type, stored, revision);
  if (answer.view == Answer::View::PartialMetadata) {
    return partial_metadata(document, answer.table_version);
  }
  const auto include = parse_include_object(include_object);
  if (!include) return fail(include.error());
  TableWriter table(TableColumns::of(*type), answer.table_version, *include, context.clock.now(),
                    with_columns);
  table.add(document);
  return table.finish({std::to_string(revision), "", 0});
}

std::string render_bookmark(const ResourceTypePtr& type, const Answer& answer,
                            store::Revision revision, bool ends_initial_events) {
  json metadata = {{"resourceVersion", std::to_string(revision)}};
  if (ends_initial_events) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  const std::string meta_version = "meta.k8s.io/" + answer.table_version;
  const json partial = {
      {"kind", "PartialObjectMetadata"}, {"apiVersion", meta_version}, {"metadata", metadata}};
  switch (answer.view) {
    case Answer::View::PartialMetadata: return partial.dump();
    case Answer::View::Object:
      return json{{"kind", type->kind}, {"apiVersion", type->api_version()}, {"metadata", metadata}}
          .dump();
    case Answer::View::Table: break;
  }
  const json row = {{"cells", json::array({""})}, {"object", partial}};
  return json{{"kind", "Table"},
              {"apiVersion", meta_version},
              {"metadata", {{"resourceVersion", std::to_string(revision)}}},
              {"columnDefinitions", nullptr},
              {"rows", json::array({row})}}
      .dump();
}

http::Response text_response(int status, const Answer& answer, std::string json_body) {
  if (!answer.yaml) return json_response(status, std::move(json_body));
  http::Response response;
  response.status = status;
  response.headers.emplace("Content-Type", "application/yaml");
  response.body = api::to_yaml(json::parse(json_body, nullptr, false));
  return response;
}

}  // namespace tidelock::apiserver
