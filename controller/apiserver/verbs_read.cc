// SPDX-License-Identifier: Apache-2.0
// GET of one object and of a collection.
#include <nlohmann/json.hpp>

#include "controller/apiserver/api_call.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/rendering.h"
#include "controller/apiserver/request_options.h"
#include "controller/apiserver/selection.h"
#include "controller/apiserver/status.h"
#include "controller/base/digest.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

// Entries read at once when a selector may drop most of them.
constexpr std::size_t kScanPage = 500;

struct ContinueToken {
  store::Revision revision = 0;  // -1: newest, without the first page's snapshot
  std::string start;             // store key
};

std::string encode_token(const ResourceType& type, store::Revision revision,
                         const std::string& next_key) {
  const json token = {{"v", "meta.k8s.io/v1"},
                      {"rv", revision},
                      {"start", next_key.substr(type.prefix().size())}};
  return base64url_encode(token.dump(-1, ' ', false, json::error_handler_t::replace));
}

Result<ContinueToken> decode_token(const ResourceType& type, const std::string& text) {
  const Error bad = bad_request("continue key is not valid: malformed value");
  const auto bytes = base64url_decode(text);
  if (!bytes) return fail(bad);
  const json token = json::parse(*bytes, nullptr, false);
  if (!token.is_object() || !token.contains("rv") || !token["rv"].is_number_integer() ||
      !token.contains("start") || !token["start"].is_string()) {
    return fail(bad);
  }
  return ContinueToken{token["rv"].get<store::Revision>(),
                       type.prefix() + token["start"].get<std::string>()};
}

struct ListPlan {
  std::string start;
  std::string end;
  store::Revision revision = 0;  // 0 = newest
};

Error too_large(store::Revision wanted, store::Revision current) {
  Error error = make_error(Reason::Timeout, "Timeout: Too large resource version: " +
                                                std::to_string(wanted) +
                                                ", current: " + std::to_string(current));
  error.causes = {{"ResourceVersionTooLarge", "Too large resource version", ""}};
  error.retry_after_seconds = 1;
  return error;
}

Result<ListPlan> plan_list(const ApiCall& call, const ListOptions& options,
                           const Selection& selection) {
  ListPlan plan;
  plan.start = call.type->prefix(call.info.ns);
  plan.end = store::prefix_end(plan.start);
  if (const auto name = selection.exact_name(); name && (!call.info.ns.empty() || !call.type->namespaced)) {
    plan.start += *name;
    plan.end = plan.start + '\0';
  }
  if (!options.continue_token.empty()) {
    if (!options.resource_version.empty() && options.resource_version != "0") {
      return fail(bad_request("specifying resource version is not allowed when using continue"));
    }
    auto token = decode_token(*call.type, options.continue_token);
    if (!token) return fail(token.error());
    if (token->start < plan.start) return fail(bad_request("continue key is not valid"));
    plan.start = token->start;
    plan.revision = token->revision < 0 ? 0 : token->revision;
    return plan;
  }
  const auto wanted = parse_resource_version(options.resource_version, 400);
  if (!wanted) return fail(wanted.error());
  if (*wanted > call.context.store.revision()) {
    return fail(too_large(*wanted, call.context.store.revision()));
  }
  const bool exact = options.resource_version_match == "Exact" ||
                     (options.limit > 0 && options.resource_version_match.empty());
  if (exact) plan.revision = *wanted;
  return plan;
}

// Reads pages until `limit` entries matched or the range is at its end.
Result<RenderedList> collect(const ApiCall& call, const ListPlan& plan, const ListOptions& options,
                             const Selection& selection) {
  RenderedList list;
  std::string start = plan.start;
  store::Revision revision = plan.revision;
  const bool filtered = !selection.everything();
  while (true) {
    const std::size_t page_size = options.limit == 0 ? 0 : filtered ? kScanPage : options.limit;
    auto page = call.context.store.list(start, plan.end, page_size, {revision});
    if (!page) return fail(page.error());
    revision = page->revision;
    list.revision = page->revision;
    for (auto& entry : page->entries) {
      if (filtered && !selection.matches(entry.key, entry.value)) continue;
      if (options.limit != 0 && list.entries.size() == options.limit) {
        list.continue_token = encode_token(*call.type, revision, entry.key);
        return list;
      }
      list.entries.push_back(std::move(entry));
    }
    if (page->next.empty()) return list;
    if (!filtered) {
      list.remaining = page->remaining;
      list.continue_token = encode_token(*call.type, revision, page->next);
      return list;
    }
    start = page->next;
  }
}

void send_expired(ApiCall& call, const ListPlan& plan, bool continued) {
  if (!continued) {
    return call.send_error(
        make_error(Reason::Expired, "The resourceVersion for the provided list is too old."));
  }
  const Error error = make_error(
      Reason::Expired,
      "The provided continue parameter is too old to display a consistent list result. You can "
      "start a new list without the continue parameter, or use the continue token in this response "
      "to retrieve the remainder of the results. Continuing with the provided token results in an "
      "inconsistent list - objects that were created, modified, or deleted between the time the "
      "first chunk was returned and now may show up in the list.");
  call.send(json_response(410, status_body(error, encode_token(*call.type, -1, plan.start))));
}

}  // namespace

void get_object(const CallPtr& call) {
  const auto entry = call->context.store.get(call->type->key(call->info.ns, call->info.name));
  if (!entry) return call->send_error(from_store(entry.error()));
  if (!*entry) return call->send_error(not_found(*call->type, call->info.name));
  call->send_object(200, (*entry)->value, (*entry)->mod_revision);
}

void list_objects(const CallPtr& call) {
  const auto answer = negotiate(http::header(call->request.headers, "Accept"), true);
  if (!answer) return call->send_error(answer.error());
  const auto options = parse_list_options(call->target, false);
  if (!options) return call->send_error(options.error());
  const auto selection =
      Selection::parse(*call->type, options->label_selector, options->field_selector);
  if (!selection) return call->send_error(selection.error());
  const auto plan = plan_list(*call, *options, *selection);
  if (!plan) return call->send_error(plan.error());
  const auto list = collect(*call, *plan, *options, *selection);
  if (!list && list.error().reason == Reason::Expired) {
    return send_expired(*call, *plan, !options->continue_token.empty());
  }
  if (!list) return call->send_error(from_store(list.error()));
  auto body = render_list(call->context, call->type, *answer, options->include_object, *list);
  if (!body) return call->send_error(body.error());
  call->send(text_response(200, *answer, std::move(*body)));
}

}  // namespace tidelock::apiserver
