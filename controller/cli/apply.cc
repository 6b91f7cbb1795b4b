// SPDX-License-Identifier: Apache-2.0
// `tidectl apply`: creates what is missing, merges the rest, in the order that references need.
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "controller/cli/errors.h"
#include "controller/cli/facts.h"
#include "controller/cli/json.h"
#include "controller/cli/manifests.h"
#include "controller/cli/outlook.h"
#include "controller/cli/printer.h"
#include "controller/cli/three_way.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using client::Call;
using nlohmann::json;

// One name for both tools: what one applied, the other (and its server-side migration) owns too.
constexpr const char* kFieldManager = "kubectl-client-side-apply";
constexpr int kRaceRetriesMax = 3;

class Applier {
 public:
  Applier(Session& session, const ApplyOptions& options, OutputFormat format)
      : session_(session), options_(options), format_(std::move(format)) {}

  // Objects of one kind that follow each other: read all at once, then written all at once.
  void apply(std::vector<ManifestObject*> objects) {
    std::vector<Item> items;
    for (ManifestObject* object : objects) {
      if (auto resolved = resolve_manifest(session_, *object); !resolved) {
        problem(*object, resolved.error());
      } else {
        items.push_back({object, Phase::Read, {}, {}, {}, 0});
      }
    }
    while (step(items)) {
    }
    for (const Item& item : items) report(item);
  }

  int finish() {
    if (format_.form == OutputFormat::Form::Json || format_.form == OutputFormat::Form::Yaml) {
      json all = shown_.size() == 1 ? shown_.front()
                                    : json{{"apiVersion", "v1"},
                                           {"kind", "List"},
                                           {"items", shown_},
                                           {"metadata", json::object()}};
      if (!shown_.empty()) static_cast<void>(print_object(format_, all, nullptr, session_.out()));
    }
    return failed_ ? 1 : 0;
  }

 private:
  enum class Phase { Read, Write, Done, Failed };
  struct Item {
    ManifestObject* manifest;
    Phase phase;
    json live;           // null = absent
    std::string answer;  // the object as written
    std::string verdict;
    int races;
    Error error{};
  };

  void problem(const ManifestObject& object, const Error& error) {
    failed_ = true;
    session_.err() << object.place() << ": " << error_text(error) << "\n";
  }

  // One round of calls for everything unfinished; false when there was nothing left to do.
  bool step(std::vector<Item>& items) {
    std::vector<Call> calls;
    std::vector<Item*> callers;
    for (Item& item : items) {
      if (item.phase == Phase::Write && !needs_write(item)) continue;
      if (item.phase != Phase::Read && item.phase != Phase::Write) continue;
      calls.push_back(item.phase == Phase::Read ? read_call(item) : write_call(item));
      callers.push_back(&item);
    }
    if (calls.empty()) return false;
    auto answers = session_.api().call_all(calls);
    for (std::size_t i = 0; i < answers.size(); ++i) absorb(*callers[i], std::move(answers[i]));
    return true;
  }

  Call call_for(const Item& item, Call::Verb verb) const {
    Call call;
    call.verb = verb;
    call.resource = item.manifest->info->resource;
    call.ns = item.manifest->ns;
    call.name = item.manifest->name();
    return call;
  }

  Call read_call(const Item& item) const { return call_for(item, Call::Verb::Get); }

  json patch_for(const Item& item) const {
    return three_way_merge_patch(last_applied(item.live), with_last_applied(item.manifest->object),
                                 item.live);
  }

  // Decides what can be decided here: nothing to change, or a client-side dry run.
  bool needs_write(Item& item) const {
    const bool create = item.live.is_null();
    if (!create && patch_for(item).empty()) {
      item.answer = item.live.dump();
      finish_item(item, "unchanged");
      return false;
    }
    if (options_.dry_run == "client") {
      json result = create ? with_last_applied(item.manifest->object) : item.live;
      if (!create) result.merge_patch(patch_for(item));
      item.answer = result.dump();
      finish_item(item, create ? "created" : "configured");
      return false;
    }
    return true;
  }

  Call write_call(const Item& item) const {
    const bool create = item.live.is_null();
    Call call = call_for(item, create ? Call::Verb::Create : Call::Verb::Patch);
    call.body = create ? with_last_applied(item.manifest->object).dump() : patch_for(item).dump();
    call.query = {{"fieldManager", kFieldManager}, {"fieldValidation", "Strict"}};
    if (options_.dry_run == "server") call.query["dryRun"] = "All";
    return call;
  }

  static void finish_item(Item& item, std::string verdict) {
    item.phase = Phase::Done;
    item.verdict = std::move(verdict);
  }

  void absorb(Item& item, Result<std::string> answer) {
    if (item.phase == Phase::Read) return absorb_read(item, std::move(answer));
    const bool create = item.live.is_null();
    if (!answer) {
      // Somebody created or deleted it between our read and our write: look again.
      const Reason reason = answer.error().reason;
      const bool raced = create ? reason == Reason::AlreadyExists && !is_going(answer.error())
                                : reason == Reason::NotFound;
      if (raced && item.races++ < kRaceRetriesMax) {
        item.phase = Phase::Read;
        return;
      }
      item.phase = Phase::Failed;
      item.error = answer.error();
      return;
    }
    item.answer = std::move(*answer);
    finish_item(item, create ? "created" : is_same(item) ? "unchanged" : "configured");
  }

  static bool is_going(const Error& error) {
    return error.message.find("is being deleted") != std::string::npos;
  }

  void absorb_read(Item& item, Result<std::string> answer) {
    if (!answer && answer.error().reason == Reason::NotFound) {
      item.live = nullptr;
      item.phase = Phase::Write;
      return;
    }
    Result<json> live = answer ? parse_answer(*answer) : Result<json>(fail(answer.error()));
    if (!live) {
      item.phase = Phase::Failed;
      item.error = live.error();
      return;
    }
    item.live = std::move(*live);
    item.phase = Phase::Write;
  }

  // The server keeps the version of an object that a write did not change. A dry run has a version
  // too, but what counts is the content.
  bool is_same(const Item& item) const {
    json now = json::parse(item.answer, nullptr, false);
    json before = item.live;
    if (options_.dry_run != "server") {
      return text_at(member(now, "metadata"), "resourceVersion") ==
             text_at(member(before, "metadata"), "resourceVersion");
    }
    for (json* object : {&now, &before}) {
      if (!object->is_object() || !(*object)["metadata"].is_object()) return false;
      for (const char* field : {"managedFields", "resourceVersion", "generation"}) {
        (*object)["metadata"].erase(field);
      }
    }
    return now == before;
  }

  void report(const Item& item) {
    if (item.phase == Phase::Failed) return problem(*item.manifest, item.error);
    const std::string label = item.manifest->info->label(item.manifest->name());
    if (!item.live.is_null() && last_applied(item.live).is_null()) {
      session_.err() << "Warning: resource " << label << " is missing the " << kLastApplied
                     << " annotation; apply adds it. Fields that somebody else set stay.\n";
    }
    if (format_.form == OutputFormat::Form::Human) {
      session_.out() << label << " " << item.verdict;
      if (options_.dry_run == "client") session_.out() << " (dry run)";
      if (options_.dry_run == "server") session_.out() << " (server dry run)";
      session_.out() << "\n";
    } else if (format_.form == OutputFormat::Form::Name) {
      session_.out() << label << "\n";
    } else {
      json object = json::parse(item.answer, nullptr, false);
      strip_managed_fields(object);
      shown_.push_back(std::move(object));
    }
  }

  Session& session_;
  const ApplyOptions& options_;
  OutputFormat format_;
  bool failed_ = false;
  std::vector<json> shown_;
};

// The next objects that may be sent together: of one kind, each once.
std::vector<ManifestObject*> next_group(const Session& session,
                                        std::vector<ManifestObject>& objects, std::size_t start) {
  std::vector<ManifestObject*> group;
  std::set<std::string> seen;
  const std::string kind = text_at(objects[start].object, "kind");
  for (std::size_t i = start; i < objects.size(); ++i) {
    const std::string ns = namespace_of(objects[i].object);
    const std::string key = (ns.empty() ? session.ns() : ns) + "/" + objects[i].name();
    if (text_at(objects[i].object, "kind") != kind || !seen.insert(key).second) break;
    group.push_back(&objects[i]);
  }
  return group;
}

// Refuses when the plan that the manifests would make is not the one that was agreed to. What
// others write between this look and our writes is not seen.
Result<void> check_plan(Session& session, std::vector<ManifestObject>& objects,
                        const std::string& agreed) {
  auto ns = namespace_of_plan(session, objects);
  if (!ns) return fail(ns.error());
  auto facts = fetch_facts(session, *ns, objects);
  if (!facts) return fail(facts.error());
  auto outlook = look_ahead(**facts, session.now());
  if (!outlook) return fail(outlook.error());
  const std::string now = hash_of(*outlook, outlook->rows);
  if (now == agreed) return {};
  return usage("PlanChanged: the plan's hash is " + now + " now, not " + agreed +
               "; nothing is applied. Look at it again with `plan -f`.");
}

}  // namespace

Result<int> apply(Session& session, const ApplyOptions& options) {
  auto format = OutputFormat::parse(options.output);
  if (!format) return fail(format.error());
  auto objects = read_manifests(session.environment(), options.files);
  if (!objects) return fail(objects.error());
  if (objects->empty()) return usage("no objects passed to apply");
  sort_for_apply(*objects);
  // The server must be there before anything is said about single objects.
  if (auto discovery = session.discovery(); !discovery) return fail(discovery.error());
  if (!options.plan_hash.empty()) {
    if (auto same = check_plan(session, *objects, options.plan_hash); !same) {
      return fail(same.error());
    }
  }
  Applier applier(session, options, *format);
  for (std::size_t start = 0; start < objects->size();) {
    std::vector<ManifestObject*> group = next_group(session, *objects, start);
    start += group.size();
    const bool kinds = text_at(group.front()->object, "kind") == "CustomResourceDefinition";
    applier.apply(std::move(group));
    if (kinds) session.refresh_discovery();  // what follows may be of the new kinds
  }
  return applier.finish();
}

}  // namespace tidelock::cli
