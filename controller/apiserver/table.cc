// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/table.h"

#include <map>
#include <nlohmann/json.hpp>

#include "controller/apiserver/table_columns.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string list_meta(const ListMeta& meta) {
  json out = json::object();
  if (!meta.resource_version.empty()) out["resourceVersion"] = meta.resource_version;
  if (!meta.continue_token.empty()) out["continue"] = meta.continue_token;
  if (meta.remaining_item_count > 0) out["remainingItemCount"] = meta.remaining_item_count;
  return dumped(out);
}

const json& metadata_of(const json& object) {
  static const json none = json::object();
  if (!object.is_object()) return none;
  const auto found = object.find("metadata");
  return found == object.end() || !found->is_object() ? none : *found;
}

}  // namespace

struct TableColumns::Data {
  std::vector<TableColumn> columns;
  std::string definitions;
};

namespace {

std::string definitions_of(const std::vector<TableColumn>& columns) {
  json list = json::array();
  for (const TableColumn& column : columns) {
    list.push_back({{"name", column.name},
                    {"type", column.type},
                    {"format", column.format},
                    {"description", column.description},
                    {"priority", column.priority}});
  }
  return list.dump();
}

}  // namespace

Result<IncludeObject> parse_include_object(std::string_view text) {
  if (text.empty() || text == "Metadata") return IncludeObject::Metadata;
  if (text == "None") return IncludeObject::None;
  if (text == "Object") return IncludeObject::Object;
  return fail(Reason::BadRequest, "unrecognized includeObject value: " + std::string(text));
}

TableColumns TableColumns::of_crd_version(const json& version) {
  auto columns = columns_of_crd_version(version);
  std::string definitions = definitions_of(columns);
  return TableColumns(
      std::make_shared<const Data>(Data{std::move(columns), std::move(definitions)}));
}

TableColumns TableColumns::of_builtin(Builtin kind) {
  static const auto all = [] {
    std::map<Builtin, std::shared_ptr<const Data>> made;
    for (int i = 0; i <= static_cast<int>(Builtin::Crd); ++i) {
      auto columns = columns_of_builtin(static_cast<Builtin>(i));
      std::string definitions = definitions_of(columns);
      made[static_cast<Builtin>(i)] =
          std::make_shared<const Data>(Data{std::move(columns), std::move(definitions)});
    }
    return made;
  }();
  return TableColumns(all.at(kind));
}

TableColumns TableColumns::of(const ResourceType& type) {
  if (type.builtin != Builtin::None) return of_builtin(type.builtin);
  static const json none = json::object();
  if (type.crd == nullptr) return of_crd_version(none);
  // A watch asks for the same columns again and again.
  struct Last {
    std::shared_ptr<const json> crd;  // held, so that its address stays its own
    std::string version;
    std::shared_ptr<const Data> columns;
  };
  thread_local Last last;
  if (last.crd != type.crd || last.version != type.version) {
    const json* found = &none;
    for (const json& version : (*type.crd)["spec"]["versions"]) {
      if (version.value("name", std::string()) == type.version) found = &version;
    }
    last = {type.crd, type.version, of_crd_version(*found).data_};
  }
  return TableColumns(last.columns);
}

const std::string& TableColumns::definitions() const { return data_->definitions; }

std::string TableColumns::row(const json& object, IncludeObject include, TimePoint now,
                              std::string_view api_version) const {
  // A bookmark: an empty name and nothing else.
  const json& metadata = metadata_of(object);
  const bool bookmark = !metadata.contains("name");
  json cells = json::array();
  for (const TableColumn& column : data_->columns) {
    if (bookmark) {
      cells.push_back(cells.empty() ? json("") : json());
    } else {
      cells.push_back(column.cell(object, now));
    }
  }
  std::string out = "{\"cells\":" + dumped(cells) + ",\"object\":";
  if (include == IncludeObject::None) {
    out += "null";
  } else if (include == IncludeObject::Object) {
    out += dumped(object);
  } else {
    const std::size_t slash = api_version.rfind('/');
    out += partial_metadata(object, api_version.substr(slash + 1));
  }
  return out + "}";
}

TableWriter::TableWriter(TableColumns columns, std::string_view version, IncludeObject include,
                         TimePoint now, bool with_definitions)
    : columns_(std::move(columns)),
      api_version_("meta.k8s.io/" + std::string(version)),
      include_(include),
      now_(now),
      with_definitions_(with_definitions) {}

void TableWriter::add(const json& object) {
  if (!rows_.empty()) rows_ += ',';
  rows_ += columns_.row(object, include_, now_, api_version_);
}

std::string TableWriter::finish(const ListMeta& meta) {
  return "{\"kind\":\"Table\",\"apiVersion\":\"" + api_version_ +
         "\",\"metadata\":" + list_meta(meta) +
         ",\"columnDefinitions\":" + (with_definitions_ ? columns_.definitions() : "null") +
         ",\"rows\":[" + rows_ + "]}";
}

std::string partial_metadata(const json& object, std::string_view version) {
  return "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/" +
         std::string(version) + "\",\"metadata\":" + dumped(metadata_of(object)) + "}";
}

void PartialMetadataListWriter::add(const json& object) {
  if (!items_.empty()) items_ += ',';
  items_ += partial_metadata(object, version_);
}

std::string PartialMetadataListWriter::finish(const ListMeta& meta) {
  return "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/" + version_ +
         "\",\"metadata\":" + list_meta(meta) + ",\"items\":[" + items_ + "]}";
}

}  // namespace tidelock::apiserver
