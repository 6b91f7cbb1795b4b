// SPDX-License-Identifier: Apache-2.0
// DELETE of one object and of a collection.
#include <atomic>
#include <nlohmann/json.hpp>

#include "controller/apiserver/api_call.h"
#include "controller/apiserver/deletion.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/rendering.h"
#include "controller/apiserver/scan.h"
#include "controller/apiserver/selection.h"
#include "controller/apiserver/status.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::string success_body(const ResourceType& type, const std::string& name, const std::string& uid) {
  json details = {{"name", name}, {"kind", type.plural}, {"uid", uid}};
  if (!type.group.empty()) details["group"] = type.group;
  return json{{"kind", "Status"},
              {"apiVersion", "v1"},
              {"metadata", json::object()},
              {"status", "Success"},
              {"details", details}}
      .dump();
}

bool answers_with_object(const ResourceType& type) {
  return type.builtin == Builtin::ServiceAccount || type.builtin == Builtin::Namespace;
}

Result<DeleteOptions> read_options(const ApiCall& call) {
  std::vector<std::string> notes;
  const auto body = decode_body(call, notes);
  if (!body) return fail(body.error());
  return parse_delete_options(call.target, *body);
}

void send_deleted(const CallPtr& call, const Result<Written>& written) {
  if (!written) return call->send_error(written.error());
  if (written->kind != Change::Kind::Remove || answers_with_object(*call->type)) {
    return call->send_object(200, written->stored, written->revision);
  }
  call->send(json_response(200, success_body(*call->type, call->info.name,
                                             scan_string(written->stored, {"metadata", "uid"}))));
}

// A collection being deleted: answers when the last of its deletions is done.
struct CollectionDelete {
  CallPtr call;
  Answer answer;
  DeleteOptions options;
  RenderedList list;  // the objects as they were
  std::atomic<std::size_t> left{0};

  void finish_one() {
    if (left.fetch_sub(1) > 1) return;
    auto body = render_list(call->context, call->type, answer, "", list);
    if (!body) return call->send_error(body.error());
    call->send(text_response(200, answer, std::move(*body)));
  }
};

Result<void> collect_matching(CollectionDelete& work) {
  const ApiCall& call = *work.call;
  const auto options = parse_list_options(call.target, false);
  if (!options) return fail(options.error());
  const auto selection =
      Selection::parse(*call.type, options->label_selector, options->field_selector);
  if (!selection) return fail(selection.error());
  const std::string start = call.type->prefix(call.info.ns);
  auto page = call.context.store.list(start, store::prefix_end(start), options->limit);
  if (!page) return fail(from_store(page.error()));
  work.list.revision = page->revision;
  for (auto& entry : page->entries) {
    if (selection->matches(entry.key, entry.value)) work.list.entries.push_back(std::move(entry));
  }
  return {};
}

}  // namespace

void delete_object(const CallPtr& call) {
  const auto options = read_options(*call);
  if (!options) return call->send_error(options.error());
  start_delete(call->context, call->type, call->type->key(call->info.ns, call->info.name), *options,
               [call](const Result<Written>& written) { send_deleted(call, written); });
}

void delete_collection(const CallPtr& call) {
  auto work = std::make_shared<CollectionDelete>();
  work->call = call;
  const auto answer = negotiate(http::header(call->request.headers, "Accept"), true);
  if (!answer) return call->send_error(answer.error());
  work->answer = *answer;
  const auto options = read_options(*call);
  if (!options) return call->send_error(options.error());
  work->options = *options;
  if (const auto collected = collect_matching(*work); !collected) {
    return call->send_error(collected.error());
  }
  work->left = work->list.entries.size() + 1;
  for (const auto& entry : work->list.entries) {
    // One that is already gone, or refuses, does not stop the others.
    start_delete(call->context, call->type, entry.key, work->options,
                 [work](const Result<Written>&) { work->finish_one(); });
  }
  work->finish_one();
}

}  // namespace tidelock::apiserver
