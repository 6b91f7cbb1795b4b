// SPDX-License-Identifier: Apache-2.0
// meta.k8s.io Table and PartialObjectMetadata(List): the forms in which kubectl and metadata
// clients ask for objects. Text is appended object by object, so a long list never lies parsed in
// memory.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "controller/apiserver/resource_type.h"
#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock::apiserver {

enum class IncludeObject { None, Metadata, Object };
// "" is Metadata. BadRequest for what is none of them.
Result<IncludeObject> parse_include_object(std::string_view text);

struct TableColumn;

// The columns of one resource, compiled. A cheap handle to something immutable.
class TableColumns {
 public:
  // A CRD's spec.versions[] entry: its additionalPrinterColumns, or Age alone.
  static TableColumns of_crd_version(const nlohmann::json& version);
  static TableColumns of_builtin(Builtin kind);
  // Whichever of the two applies.
  static TableColumns of(const ResourceType& type);

  // The array columnDefinitions.
  const std::string& definitions() const;
  // {"cells":[…],"object":…}. `api_version` is that of the Table ("meta.k8s.io/v1").
  std::string row(const nlohmann::json& object, IncludeObject include, TimePoint now,
                  std::string_view api_version) const;

 private:
  struct Data;
  explicit TableColumns(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

// metadata of a list answer.
struct ListMeta {
  std::string resource_version;
  std::string continue_token;
  std::int64_t remaining_item_count = 0;  // 0 = not said
};

// One Table answer: of a list, a single object (add once) or a watch event.
class TableWriter {
 public:
  // `version` is "v1" or "v1beta1". Only the first event of a watch has definitions.
  TableWriter(TableColumns columns, std::string_view version, IncludeObject include, TimePoint now,
              bool with_definitions = true);
  void add(const nlohmann::json& object);
  std::string finish(const ListMeta& meta);

 private:
  TableColumns columns_;
  std::string api_version_;
  IncludeObject include_;
  TimePoint now_;
  bool with_definitions_;
  std::string rows_;
};

// {"kind":"PartialObjectMetadata",…} of an object.
std::string partial_metadata(const nlohmann::json& object, std::string_view version = "v1");

class PartialMetadataListWriter {
 public:
  explicit PartialMetadataListWriter(std::string_view version = "v1") : version_(version) {}
  void add(const nlohmann::json& object);
  // An empty list has "items": [] — clients take both that and the real server's null.
  std::string finish(const ListMeta& meta);

 private:
  std::string version_;
  std::string items_;
};

}  // namespace tidelock::apiserver
