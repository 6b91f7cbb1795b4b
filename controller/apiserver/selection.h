// SPDX-License-Identifier: Apache-2.0
// The objects that a list or watch asks for: label and field selectors over stored bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/selector.h"
#include "controller/apiserver/resource_type.h"
#include "controller/base/result.h"

namespace tidelock::apiserver {

// Immutable.
class Selection {
 public:
  // BadRequest for bad syntax and for fields that the resource cannot be selected by.
  static Result<Selection> parse(const ResourceType& type, const std::string& label_selector,
                                 const std::string& field_selector);

  // `key` is the store key, `stored` the object's bytes.
  bool matches(std::string_view key, std::string_view stored) const;
  bool everything() const { return labels_.empty() && fields_.empty(); }
  // The one name that can match, when metadata.name is selected by equality.
  std::optional<std::string> exact_name() const;

 private:
  api::LabelQuery labels_;
  std::vector<api::FieldRequirement> fields_;  // metadata.name and metadata.namespace among them
};

}  // namespace tidelock::apiserver
