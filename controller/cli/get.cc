// SPDX-License-Identifier: Apache-2.0
// `tidectl get`: the server's Tables, or whole objects in another form.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "controller/api/jsonpath.h"
#include "controller/cli/errors.h"
#include "controller/cli/fetch.h"
#include "controller/cli/json.h"
#include "controller/cli/manifests.h"
#include "controller/cli/printer.h"
#include "controller/cli/resource_arguments.h"
#include "controller/cli/rollout_report.h"
#include "controller/cli/table_watch.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

// Values of --sort-by compare as numbers if both are, else as text; what is absent comes first.
bool less_value(const json* a, const json* b) {
  if (a == nullptr || b == nullptr) return a == nullptr && b != nullptr;
  if (a->is_number() && b->is_number()) return a->get<double>() < b->get<double>();
  const auto text = [](const json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  return text(*a) < text(*b);
}

void sort_rows(json& rows, const api::JsonPath& path, const char* below) {
  const auto key = [&](const json& row) -> const json* {
    const auto found = path.find(below == nullptr ? row : member(row, below));
    return found.empty() ? nullptr : found.front();
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const json& a, const json& b) { return less_value(key(a), key(b)); });
}

class Getter {
 public:
  Getter(Session& session, const GetOptions& options, OutputFormat format,
         std::optional<api::JsonPath> sort_by)
      : session_(session),
        options_(options),
        format_(std::move(format)),
        sort_by_(std::move(sort_by)) {}

  Result<int> run() {
    auto units = find_units();
    if (!units) return fail(units.error());
    if (options_.watch || options_.watch_only) {
      if (units->size() != 1) return usage("you may only specify a single resource type to watch");
      return watch_table(session_, units->front(), format_, table_options(false),
                         options_.watch_only);
    }
    const bool human = format_.is_table();
    const bool waves = format_.form == OutputFormat::Form::Wide &&
                       std::any_of(units->begin(), units->end(), is_rollout);
    fetched_ = fetch_units(session_, *units, human ? kAcceptTable : kAcceptJson,
                           human && (sort_by_ || waves) ? "Object" : "");
    for (const Fetched& one : fetched_) {
      if (!one.document && one.document.error().code == kNoAnswer) {
        return fail(one.document.error());
      }
    }
    if (human) {
      print_tables();
    } else if (auto printed = print_objects(); !printed) {
      return fail(printed.error());
    }
    return print_errors();
  }

 private:
  static bool is_rollout(const Unit& unit) {
    return unit.info->qualified() == "rollouts.tidelock.dev";
  }

  Result<std::vector<Unit>> find_units() {
    if (!options_.files.files.empty()) return units_of_files(session_, options_.files);
    auto discovery = session_.discovery();
    if (!discovery) return fail(discovery.error());
    auto selections = parse_selections(**discovery, options_.arguments, "get");
    if (!selections) return fail(selections.error());
    several_kinds_ = selections->size() > 1;
    ListQuery query{options_.selector, options_.field_selector, options_.all_namespaces,
                    sort_by_ ? 0 : options_.chunk_size};
    return units_of(session_, *selections, query);
  }

  TableOptions table_options(bool with_kind) const {
    TableOptions table;
    table.wide = format_.form == OutputFormat::Form::Wide;
    table.headers = !options_.no_headers;
    table.with_namespace = options_.all_namespaces;
    table.with_kind = with_kind;
    table.show_labels = options_.show_labels;
    table.label_columns = options_.label_columns;
    return table;
  }

  // Tables of one kind that follow each other are one table.
  void print_tables() {
    bool first = true;
    for (std::size_t i = 0; i < fetched_.size();) {
      TableOptions table = table_options(several_kinds_);
      table.with_namespace = table.with_namespace && fetched_[i].unit.info->resource.namespaced;
      TablePrinter printer(table, *fetched_[i].unit.info);
      const ResourceInfo* info = fetched_[i].unit.info;
      for (; i < fetched_.size() && fetched_[i].unit.info == info; ++i) {
        if (!fetched_[i].document) continue;
        json& document = *fetched_[i].document;
        if (sort_by_ && document["rows"].is_array()) {
          sort_rows(document["rows"], *sort_by_, "object");
        }
        if (table.wide && is_rollout(fetched_[i].unit)) add_wave_column(document);
        printer.add(document);
      }
      if (printer.empty()) continue;
      if (!first) session_.out() << "\n";
      first = false;
      printer.flush(session_.out());
    }
    if (first && !any_error()) say_nothing_found();
  }

  bool any_error() const {
    return std::any_of(fetched_.begin(), fetched_.end(),
                       [](const Fetched& one) { return !one.document.has_value(); });
  }

  void say_nothing_found() {
    if (options_.ignore_not_found) return;
    const bool namespaced = std::any_of(fetched_.begin(), fetched_.end(), [](const Fetched& one) {
      return one.unit.info->resource.namespaced;
    });
    if (namespaced && !options_.all_namespaces) {
      session_.err() << "No resources found in " << session_.ns() << " namespace.\n";
    } else {
      session_.err() << "No resources found\n";
    }
  }

  Result<void> print_objects() {
    const bool single = fetched_.size() == 1 && !fetched_.front().unit.name.empty();
    json items = json::array();
    for (Fetched& one : fetched_) {
      if (!one.document) continue;
      json& document = *one.document;
      if (!options_.show_managed_fields) strip_managed_fields(document);
      if (one.unit.name.empty()) {
        for (json& item : document["items"]) items.push_back(complete(one.unit, std::move(item)));
      } else {
        items.push_back(std::move(document));
      }
    }
    if (sort_by_) sort_rows(items, *sort_by_, nullptr);
    if (single) {
      if (items.empty()) return {};
      return print_object(format_, items.front(), fetched_.front().unit.info, session_.out());
    }
    json list{{"apiVersion", "v1"}, {"kind", "List"}, {"metadata", {{"resourceVersion", ""}}}};
    if (fetched_.size() == 1 && fetched_[0].document) {
      list["metadata"]["resourceVersion"] =
          text_at(member(*fetched_[0].document, "metadata"), "resourceVersion");
    }
    list["items"] = std::move(items);
    return print_object(format_, list, nullptr, session_.out());
  }

  // Items of core lists come without apiVersion and kind.
  static json complete(const Unit& unit, json item) {
    if (item.is_object() && !item.contains("kind")) {
      item["apiVersion"] = unit.info->api_version();
      item["kind"] = unit.info->kind;
    }
    return item;
  }

  int print_errors() {
    int code = 0;
    for (const Fetched& one : fetched_) {
      if (one.document) continue;
      const Error& error = one.document.error();
      if (options_.ignore_not_found && error.reason == Reason::NotFound) continue;
      session_.err() << error_text(error) << "\n";
      code = 1;
    }
    return code;
  }

  Session& session_;
  const GetOptions& options_;
  OutputFormat format_;
  std::optional<api::JsonPath> sort_by_;
  bool several_kinds_ = false;
  std::vector<Fetched> fetched_;
};

}  // namespace

Result<int> get(Session& session, const GetOptions& options) {
  auto format = OutputFormat::parse(options.output);
  if (!format) return fail(format.error());
  std::optional<api::JsonPath> sort_by;
  if (!options.sort_by.empty()) {
    auto path = api::JsonPath::parse_relaxed(options.sort_by);
    if (!path) return usage("--sort-by: " + path.error().message);
    sort_by = std::move(*path);
  }
  return Getter(session, options, *format, std::move(sort_by)).run();
}

}  // namespace tidelock::cli
