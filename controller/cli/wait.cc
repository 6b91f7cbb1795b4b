// SPDX-License-Identifier: Apache-2.0
// `tidectl wait`: for a condition, a JSONPath value, creation or deletion.
#include <algorithm>
#include <cctype>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/jsonpath.h"
#include "controller/cli/errors.h"
#include "controller/cli/fetch.h"
#include "controller/cli/json.h"
#include "controller/cli/observe.h"
#include "controller/cli/resource_arguments.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

bool same_word(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// What --for asks of one object.
class Question {
 public:
  static Result<Question> parse(const std::string& text) {
    Question question;
    if (same_word(text, "delete") || same_word(text, "create")) {
      question.form_ = same_word(text, "delete") ? Form::Delete : Form::Create;
      return question;
    }
    const std::size_t equals = text.find('=');
    const std::string form = text.substr(0, equals);
    const std::string rest = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (form == "condition" && !rest.empty()) return of_condition(rest);
    if (form == "jsonpath" && !rest.empty()) return of_path(rest);
    return usage("unrecognized condition: \"" + text +
                 "\"; want condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], delete or create");
  }

  bool is_delete() const { return form_ == Form::Delete; }
  bool is_create() const { return form_ == Form::Create; }

  bool holds(const json& object) const {
    switch (form_) {
      case Form::Delete:
        return false;
      case Form::Create:
        return true;
      case Form::Condition:
        return condition_holds(object);
      case Form::Path:
        return path_holds(object);
    }
    return false;
  }

 private:
  enum class Form { Condition, Path, Delete, Create };

  static Question of_condition(const std::string& rest) {
    Question question;
    const std::size_t equals = rest.find('=');
    question.name_ = rest.substr(0, equals);
    question.value_ = equals == std::string::npos ? "True" : rest.substr(equals + 1);
    return question;
  }

  // The first '=' after the closing brace belongs to the value.
  static Result<Question> of_path(const std::string& rest) {
    const std::size_t brace = rest.starts_with('{') ? rest.rfind('}') : std::string::npos;
    const std::size_t equals = rest.find('=', brace == std::string::npos ? 0 : brace);
    Question question;
    question.form_ = Form::Path;
    question.any_value_ = equals == std::string::npos;
    if (!question.any_value_) question.value_ = rest.substr(equals + 1);
    auto path = api::JsonPath::parse_relaxed(rest.substr(0, equals));
    if (!path) return usage("--for: " + path.error().message);
    question.path_ = std::make_shared<const api::JsonPath>(std::move(*path));
    return question;
  }

  // A condition that was said about an older spec says nothing about this one.
  bool condition_holds(const json& object) const {
    const json& metadata = member(object, "metadata");
    for (const json& condition : elements(member(object, "status"), "conditions")) {
      if (!same_word(text_at(condition, "type"), name_)) continue;
      const std::int64_t generation = integer_at(metadata, "generation", 0);
      if (integer_at(condition, "observedGeneration", generation) < generation) return false;
      return same_word(text_at(condition, "status"), value_);
    }
    return false;
  }

  bool path_holds(const json& object) const {
    const auto found = path_->find(object);
    if (found.size() != 1) return false;
    if (any_value_) return true;
    const json& value = *found.front();
    return (value.is_string() ? value.get<std::string>() : value.dump()) == value_;
  }

  Form form_ = Form::Condition;
  std::string name_;
  std::string value_;
  bool any_value_ = false;
  std::shared_ptr<const api::JsonPath> path_;
};

class Waiter {
 public:
  Waiter(Session& session, Question question, TimePoint deadline)
      : session_(session), question_(std::move(question)), deadline_(deadline) {}

  Result<int> run(const std::vector<Unit>& units) {
    int code = 0;
    for (const Unit& unit : units) {
      auto done = one(unit);
      if (!done) return done;
      if (*done == kInterruptedExit) return done;
      code = std::max(code, *done);
    }
    return code;
  }

 private:
  Result<int> one(const Unit& unit) {
    auto object = session_.get_json(unit_target(unit, {}));
    if (!object && object.error().reason != Reason::NotFound) return fail(object.error());
    if (!object && !question_.is_create()) {
      if (question_.is_delete()) return met(unit);
      session_.err() << error_text(object.error()) << "\n";
      return 1;
    }
    if (object && question_.holds(*object)) return met(unit);
    const std::string uid = object ? text_at(member(*object, "metadata"), "uid") : "";
    bool vanished = false;
    const auto outcome = observe(session_, unit, deadline_, [&](const Objects& objects) {
      if (objects.empty()) {
        vanished = !question_.is_create();
        return vanished;
      }
      const json& now = objects.begin()->second;
      if (question_.is_delete()) return text_at(member(now, "metadata"), "uid") != uid;
      return question_.holds(now);
    });
    if (outcome == Outcome::Interrupted) return kInterruptedExit;
    if (outcome == Outcome::TimedOut) {
      session_.err() << "error: timed out waiting for the condition on " << unit.info->qualified()
                     << "/" << unit.name << "\n";
      return 1;
    }
    if (vanished && !question_.is_delete()) {
      session_.err() << "Error from server (NotFound): " << unit.info->qualified() << " \""
                     << unit.name << "\" not found\n";
      return 1;
    }
    return met(unit);
  }

  int met(const Unit& unit) {
    session_.out() << unit.info->label(unit.name)
                   << (question_.is_delete() ? " deleted" : " condition met") << "\n";
    return 0;
  }

  Session& session_;
  Question question_;
  TimePoint deadline_;
};

}  // namespace

Result<int> wait(Session& session, const WaitOptions& options) {
  auto question = Question::parse(options.wait_for);
  if (!question) return fail(question.error());
  // Unlike other verbs, a timeout of zero looks once.
  auto deadline = deadline_of(options.timeout, session.now());
  if (!deadline) return fail(deadline.error());
  if (options.timeout == "0" || options.timeout == "0s") deadline = session.now();
  auto discovery = session.discovery();
  if (!discovery) return fail(discovery.error());
  auto selections = parse_selections(**discovery, options.arguments, "wait for");
  if (!selections) return fail(selections.error());
  for (const Selection& selection : *selections) {
    if (selection.names.empty() && options.selector.empty() && !options.all) {
      return usage("resource name may not be empty: name one, or use -l or --all");
    }
  }
  auto units = units_of(session, *selections, {options.selector, "", options.all_namespaces, 0});
  if (!units) return fail(units.error());
  units = expand_lists(session, *units);
  if (!units) return fail(units.error());
  if (units->empty() && !question->is_delete()) return usage("no matching resources found");
  return Waiter(session, std::move(*question), *deadline).run(*units);
}

}  // namespace tidelock::cli
