// SPDX-License-Identifier: Apache-2.0
// `tidectl delete`: by name, selector or file; waits until the objects are gone.
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/cli/errors.h"
#include "controller/cli/fetch.h"
#include "controller/cli/json.h"
#include "controller/cli/observe.h"
#include "controller/cli/resource_arguments.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using client::Call;
using nlohmann::json;

Result<std::string> propagation(const std::string& cascade) {
  if (cascade == "background" || cascade == "true") return std::string("Background");
  if (cascade == "foreground") return std::string("Foreground");
  if (cascade == "orphan" || cascade == "false") return std::string("Orphan");
  return usage("invalid cascade value (" + cascade +
               "). Must be \"background\", \"foreground\", or \"orphan\"");
}

class Deleter {
 public:
  Deleter(Session& session, const DeleteOptions& options) : session_(session), options_(options) {}

  Result<int> run() {
    auto policy = propagation(options_.cascade);
    if (!policy) return fail(policy.error());
    auto deadline = deadline_of(options_.timeout, session_.now());
    if (!deadline) return fail(deadline.error());
    auto units = find_units();
    if (!units) return fail(units.error());
    units = expand_lists(session_, *units);
    if (!units) return fail(units.error());
    units_ = std::move(*units);
    if (units_.empty()) session_.out() << "No resources found\n";
    if (options_.dry_run == "client") {
      for (const Unit& unit : units_) say(unit);
      return 0;
    }
    if (auto sent = send(*policy); !sent) return fail(sent.error());
    return wait_until_gone(*deadline);
  }

 private:
  Result<std::vector<Unit>> find_units() {
    if (!options_.files.files.empty()) return units_of_files(session_, options_.files);
    auto discovery = session_.discovery();
    if (!discovery) return fail(discovery.error());
    auto selections = parse_selections(**discovery, options_.arguments, "delete");
    if (!selections) return fail(selections.error());
    const bool selects =
        options_.all || !options_.selector.empty() || !options_.field_selector.empty();
    for (const Selection& selection : *selections) {
      if (selection.names.empty() && !selects) {
        return usage(
            "resource(s) were provided, but no name was specified; use --all or -l to "
            "delete several");
      }
      if (!selection.names.empty() && options_.all) {
        return usage("name cannot be provided when --all is specified");
      }
    }
    return units_of(session_, *selections,
                    {options_.selector, options_.field_selector, options_.all_namespaces, 0});
  }

  void say(const Unit& unit) {
    if (options_.output == "name") {
      session_.out() << unit.info->label(unit.name) << "\n";
      return;
    }
    std::string kind = unit.info->label("");
    kind.pop_back();
    session_.out() << kind << " \"" << unit.name << "\" deleted";
    if (options_.dry_run == "client") session_.out() << " (dry run)";
    if (options_.dry_run == "server") session_.out() << " (server dry run)";
    if (!unit.ns.empty() && unit.info->resource.namespaced) {
      session_.out() << " from " << unit.ns << " namespace";
    }
    session_.out() << "\n";
  }

  Result<void> send(const std::string& policy) {
    std::vector<Call> calls;
    for (const Unit& unit : units_) {
      Call call;
      call.verb = Call::Verb::Delete;
      call.resource = unit.info->resource;
      call.ns = unit.ns;
      call.name = unit.name;
      call.body = json{{"propagationPolicy", policy}}.dump();
      if (options_.dry_run == "server") call.query["dryRun"] = "All";
      calls.push_back(std::move(call));
    }
    auto answers = session_.api().call_all(calls);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i]) {
        say(units_[i]);
        remember(units_[i], *answers[i]);
        continue;
      }
      const Error& error = answers[i].error();
      if (error.code == kNoAnswer) return fail(error);
      if (error.reason == Reason::NotFound && options_.ignore_not_found) continue;
      session_.err() << error_text(error) << "\n";
      failed_ = true;
    }
    return {};
  }

  // The uid that must vanish: of the Status, or of the object that is still going.
  void remember(const Unit& unit, const std::string& answer) {
    const json body = json::parse(answer, nullptr, false);
    std::string uid = text_at(member(body, "details"), "uid");
    if (uid.empty()) uid = text_at(member(body, "metadata"), "uid");
    going_.push_back({unit, uid});
  }

  Result<int> wait_until_gone(TimePoint deadline) {
    if (!options_.wait || options_.dry_run != "none") return failed_ ? 1 : 0;
    for (const auto& [unit, uid] : going_) {
      auto gone = is_gone(unit, uid);
      if (!gone) return fail(gone.error());
      if (*gone) continue;
      const auto outcome = observe(session_, unit, deadline, [&](const Objects& objects) {
        return objects.empty() ||
               text_at(member(objects.begin()->second, "metadata"), "uid") != uid;
      });
      if (outcome == Outcome::Interrupted) return kInterruptedExit;
      if (outcome == Outcome::TimedOut) {
        return usage("timed out waiting for the condition on " + unit.info->qualified() + "/" +
                     unit.name);
      }
    }
    return failed_ ? 1 : 0;
  }

  Result<bool> is_gone(const Unit& unit, const std::string& uid) {
    auto object = session_.get_json(unit_target(unit, {}));
    if (object) return text_at(member(*object, "metadata"), "uid") != uid;
    if (object.error().reason == Reason::NotFound) return true;
    return fail(object.error());
  }

  struct Going {
    Unit unit;
    std::string uid;
  };
  Session& session_;
  const DeleteOptions& options_;
  std::vector<Unit> units_;
  std::vector<Going> going_;
  bool failed_ = false;
};

}  // namespace

Result<int> remove(Session& session, const DeleteOptions& options) {
  return Deleter(session, options).run();
}

}  // namespace tidelock::cli
