// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/table_watch.h"

#include <algorithm>
#include <ostream>

#include "controller/cli/json.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

constexpr Duration kRetryFirst = std::chrono::milliseconds(200);
constexpr Duration kRetryMax = std::chrono::seconds(5);
constexpr int kInterrupted = 130;

// The version that a watch goes on from: a Table has it in its row or, without rows, on itself.
std::string version_of(const json& object) {
  const json& rows = elements(object, "rows");
  const json& from = rows.empty() ? object : member(rows.back(), "object");
  return text_at(member(from, "metadata"), "resourceVersion");
}

class TableWatch {
 public:
  TableWatch(Session& session, const Unit& unit, const OutputFormat& format,
             const TableOptions& options)
      : session_(session), unit_(unit), format_(format), printer_(options, *unit.info) {
    if (!unit_.name.empty()) {
      unit_.field_selector = "metadata.name=" + unit_.name;
      unit_.name.clear();
    }
  }

  // What is there now. A name that is not there is an error, as with get.
  Result<void> start(const Unit& asked, bool print) {
    if (!asked.name.empty()) {
      auto object = session_.get_json(unit_target(asked, {}));
      if (!object) return fail(object.error());
    }
    auto list = session_.get_json(unit_target(unit_, {}), accept());
    if (!list) return fail(list.error());
    version_ = text_at(member(*list, "metadata"), "resourceVersion");
    if (!print) return {};
    if (format_.is_table()) return show(*list);
    for (const json& item : elements(*list, "items")) {
      if (auto shown = show(item); !shown) return shown;
    }
    return {};
  }

  Result<int> follow() {
    for (;;) {
      auto started = session_.stream(unit_target(unit_, {{"watch", "true"},
                                                         {"allowWatchBookmarks", "true"},
                                                         {"resourceVersion", version_}}),
                                     accept());
      if (!started && started.error().code != kNoAnswer) return fail(started.error());
      if (started) {
        auto interrupted = drain(*started->stream);
        if (!interrupted) return fail(interrupted.error());
        if (*interrupted) return kInterrupted;
      }
      if (!session_.environment().wait(session_.now() + backoff_)) return kInterrupted;
      backoff_ = std::min(backoff_ * 2, kRetryMax);
    }
  }

 private:
  const char* accept() const { return format_.is_table() ? kAcceptTable : kAcceptJson; }

  // Until the stream ends (false) or the user has had enough (true).
  Result<bool> drain(http::LineStream& stream) {
    for (;;) {
      for (const std::string& line : stream.poll()) {
        if (auto taken = take(line); !taken) return fail(taken.error());
      }
      if (stream.state() != http::LineStream::State::Open) return false;
      if (!session_.environment().wait(kNever)) return true;
    }
  }

  Result<void> take(const std::string& line) {
    auto event = parse_answer(line);
    if (!event) return fail(event.error());
    const std::string type = text_at(*event, "type");
    const json& object = member(*event, "object");
    if (type == "ERROR") {
      const int code = static_cast<int>(integer_at(object, "code", 500));
      return fail(client::error_from_response(code, object.dump()));
    }
    if (const std::string version = version_of(object); !version.empty()) version_ = version;
    backoff_ = kRetryFirst;
    return type == "BOOKMARK" ? Result<void>{} : show(object);
  }

  Result<void> show(json object) {
    if (format_.is_table()) {
      printer_.add(object);
      printer_.flush(session_.out());
    } else {
      strip_managed_fields(object);
      if (auto printed = print_object(format_, object, unit_.info, session_.out()); !printed) {
        return printed;
      }
      if (format_.form == OutputFormat::Form::JsonPath) session_.out() << "\n";
      if (format_.form == OutputFormat::Form::Yaml) session_.out() << "---\n";
    }
    session_.out().flush();
    return {};
  }

  Session& session_;
  Unit unit_;
  const OutputFormat& format_;
  TablePrinter printer_;
  std::string version_;
  Duration backoff_ = kRetryFirst;
};

}  // namespace

Result<int> watch_table(Session& session, const Unit& unit, const OutputFormat& format,
                        const TableOptions& options, bool watch_only) {
  TableWatch watch(session, unit, format, options);
  if (auto started = watch.start(unit, !watch_only); !started) return fail(started.error());
  return watch.follow();
}

}  // namespace tidelock::cli
