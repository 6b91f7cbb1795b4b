// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/printer.h"

#include <algorithm>
#include <cctype>
#include <ostream>

#include "controller/api/jsonpath.h"
#include "controller/api/yaml.h"
#include "controller/cli/discovery.h"
#include "controller/cli/json.h"
#include "controller/cli/session.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

constexpr const char* kNone = "<none>";

std::string label_text(const json& metadata) {
  std::string text;
  const json& labels = member(metadata, "labels");
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) {
      text += (text.empty() ? "" : ",") + key + "=" +
              (value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return text.empty() ? kNone : text;
}

std::string cell_text(const json& cell) {
  if (cell.is_null()) return kNone;
  if (!cell.is_string()) return cell.dump();
  std::string text = cell.get<std::string>();
  const std::size_t end = text.find_first_of("\r\n\f\v");
  return end == std::string::npos ? text : text.substr(0, end) + "...";
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string kind_label(const json& object, const ResourceInfo* info) {
  if (info != nullptr) return info->label(name_of(object));
  std::string kind = text_at(object, "kind");
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string version = text_at(object, "apiVersion");
  const std::size_t slash = version.find('/');
  if (slash != std::string::npos) kind += "." + version.substr(0, slash);
  return kind + "/" + name_of(object);
}

// "NAME:.metadata.name,RELEASE:.spec.version" over the items.
Result<void> print_columns(const std::string& spec, const json& object, std::ostream& out) {
  std::vector<std::string> headers;
  std::vector<api::JsonPath> paths;
  for (std::size_t start = 0; start <= spec.size();) {
    const std::size_t end = std::min(spec.find(',', start), spec.size());
    const std::string column = spec.substr(start, end - start);
    const std::size_t colon = column.find(':');
    if (colon == std::string::npos) {
      return usage("unexpected custom-columns spec: " + column +
                   ", expected <header>:<json-path-expr>");
    }
    headers.push_back(column.substr(0, colon));
    auto path = api::JsonPath::parse_relaxed(column.substr(colon + 1));
    if (!path) return fail(local(path.error()));
    paths.push_back(std::move(*path));
    start = end + 1;
  }
  TextTable table;
  table.row(headers);
  const bool list = member(object, "items").is_array();
  const json single = list ? json() : json::array({object});
  for (const json& item : list ? object["items"] : single) {
    std::vector<std::string> cells;
    for (const api::JsonPath& path : paths) {
      auto text = path.render(item);
      cells.push_back(text && !text->empty() ? *text : kNone);
    }
    table.row(std::move(cells));
  }
  table.print(out);
  return {};
}

}  // namespace

Result<OutputFormat> OutputFormat::parse(const std::string& text) {
  using Form = OutputFormat::Form;
  if (text.empty()) return OutputFormat{};
  const std::size_t equals = text.find('=');
  const std::string form = text.substr(0, equals);
  const std::string argument = equals == std::string::npos ? "" : text.substr(equals + 1);
  const bool plain = equals == std::string::npos;
  if (plain && form == "wide") return OutputFormat{Form::Wide, {}};
  if (plain && form == "json") return OutputFormat{Form::Json, {}};
  if (plain && form == "yaml") return OutputFormat{Form::Yaml, {}};
  if (plain && form == "name") return OutputFormat{Form::Name, {}};
  if (form == "jsonpath") {
    if (argument.empty()) return usage("template format specified but no template given");
    auto parsed = api::JsonPath::parse(argument);
    if (!parsed) return fail(local(parsed.error()));
    return OutputFormat{Form::JsonPath, argument};
  }
  if (form == "custom-columns" && !argument.empty()) {
    return OutputFormat{Form::CustomColumns, argument};
  }
  return usage("unable to match a printer suitable for the output format \"" + text +
               "\", allowed formats are: custom-columns,json,jsonpath,name,wide,yaml");
}

std::string json_text(const json& document) {
  return document.dump(4, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<void> print_object(const OutputFormat& format, const json& object, const ResourceInfo* info,
                          std::ostream& out) {
  switch (format.form) {
    case OutputFormat::Form::Human:
    case OutputFormat::Form::Wide:
    case OutputFormat::Form::Json:
      out << json_text(object);
      return {};
    case OutputFormat::Form::Yaml:
      out << api::to_yaml(object);
      return {};
    case OutputFormat::Form::Name: {
      if (!member(object, "items").is_array()) {
        out << kind_label(object, info) << "\n";
        return {};
      }
      for (const json& item : elements(object, "items")) out << kind_label(item, nullptr) << "\n";
      return {};
    }
    case OutputFormat::Form::JsonPath: {
      auto parsed = api::JsonPath::parse(format.argument);
      if (!parsed) return fail(local(parsed.error()));
      auto text = parsed->render(object);
      if (!text) return fail(local(text.error()));
      out << *text;
      return {};
    }
    case OutputFormat::Form::CustomColumns:
      return print_columns(format.argument, object, out);
  }
  return {};
}

void TablePrinter::add(const json& table) {
  if (text_at(table, "kind") != "Table") {
    if (columns_.empty()) columns_ = {{"Name", 0}, {"Age", 0}};
    if (member(table, "items").is_array()) {
      for (const json& item : elements(table, "items")) add_object(item);
    } else {
      add_object(table);
    }
    return;
  }
  const json& definitions = elements(table, "columnDefinitions");
  if (columns_.empty()) {
    for (const json& column : definitions) {
      columns_.push_back({text_at(column, "name"), integer_at(column, "priority")});
    }
  }
  for (const json& row : elements(table, "rows")) add_row(row);
}

void TablePrinter::add_headers() {
  if (headers_done_ || !options_.headers) return;
  headers_done_ = true;
  std::vector<std::string> cells;
  if (options_.with_namespace) cells.push_back("NAMESPACE");
  for (const Column& column : columns_) {
    if (column.priority == 0 || options_.wide) cells.push_back(upper(column.name));
  }
  for (const std::string& label : options_.label_columns) {
    cells.push_back(upper(label.substr(label.rfind('/') + 1)));
  }
  if (options_.show_labels) cells.push_back("LABELS");
  text_.row(std::move(cells));
}

void TablePrinter::add_row(const json& row) {
  add_headers();
  ++rows_;
  const json& metadata = member(member(row, "object"), "metadata");
  std::vector<std::string> cells;
  if (options_.with_namespace) cells.push_back(text_at(metadata, "namespace"));
  const json& values = elements(row, "cells");
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].priority != 0 && !options_.wide) continue;
    std::string text = cell_text(i < values.size() ? values[i] : json());
    if (i == 0 && options_.with_kind) text = info_.label(text);
    cells.push_back(std::move(text));
  }
  for (const std::string& label : options_.label_columns) {
    const std::string value = text_at(member(metadata, "labels"), label.c_str());
    cells.push_back(value.empty() ? kNone : value);
  }
  if (options_.show_labels) cells.push_back(label_text(metadata));
  text_.row(std::move(cells));
}

void TablePrinter::add_object(const json& object) {
  const json row = {{"cells", json::array({name_of(object), nullptr})}, {"object", object}};
  add_row(row);
}

}  // namespace tidelock::cli
