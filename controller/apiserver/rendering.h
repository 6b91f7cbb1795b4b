// SPDX-License-Identifier: Apache-2.0
// Objects and lists as the client wants to see them: whole, as a Table, as metadata only; JSON or
// YAML. Whole JSON objects are never parsed on the way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/apiserver/context.h"
#include "controller/apiserver/media.h"
#include "controller/base/result.h"
#include "controller/http/message.h"

namespace tidelock::apiserver {

Result<std::string> render_object(Context& context, const ResourceTypePtr& type,
                                  const Answer& answer, const std::string& include_object,
                                  std::string_view stored, store::Revision revision);

struct RenderedList {
  std::vector<store::Entry> entries;
  store::Revision revision = 0;
  std::string continue_token;
  std::uint64_t remaining = 0;  // 0 = not said
};
Result<std::string> render_list(Context& context, const ResourceTypePtr& type, const Answer& answer,
                                const std::string& include_object, const RenderedList& list);

// One object of a watch. `with_columns`: the first Table of a stream carries the columns.
Result<std::string> render_watched(Context& context, const ResourceTypePtr& type,
                                   const Answer& answer, const std::string& include_object,
                                   std::string_view stored, store::Revision revision,
                                   bool with_columns);
// The object of a bookmark.
std::string render_bookmark(const ResourceTypePtr& type, const Answer& answer,
                            store::Revision revision, bool ends_initial_events);

// The body as a response with its Content-Type; to YAML if that was asked for.
http::Response text_response(int status, const Answer& answer, std::string json_body);

}  // namespace tidelock::apiserver
