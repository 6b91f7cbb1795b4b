// SPDX-License-Identifier: Apache-2.0
// The forms of -o: json, yaml, name, jsonpath=…, custom-columns=…; and the server's Tables.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/cli/text_table.h"

namespace tidelock::cli {

class Discovery;
struct ResourceInfo;

// "jsonpath={.x}" taken apart and checked.
struct OutputFormat {
  enum class Form { Human, Wide, Json, Yaml, Name, JsonPath, CustomColumns };
  Form form = Form::Human;
  std::string argument;  // of jsonpath and custom-columns
  static Result<OutputFormat> parse(const std::string& text);
  bool is_table() const { return form == Form::Human || form == Form::Wide; }
};

std::string json_text(const nlohmann::json& document);  // indented by four, newline at the end

// One object or list in a form that is no table. `info` names the kind for -o name (null: from the
// object itself).
Result<void> print_object(const OutputFormat& format, const nlohmann::json& object,
                          const ResourceInfo* info, std::ostream& out);

// How a Table is shown.
struct TableOptions {
  bool wide = false;
  bool headers = true;
  bool with_namespace = false;
  bool with_kind = false;  // NAME as "tenant.tidelock.dev/x"
  bool show_labels = false;
  std::vector<std::string> label_columns;
};

// Prints Tables of one kind, headers once.
class TablePrinter {
 public:
  TablePrinter(TableOptions options, const ResourceInfo& info) : options_(options), info_(info) {}
  // A Table document, or (from a server without Tables) an object or list.
  void add(const nlohmann::json& table);
  void flush(std::ostream& out) { text_.print(out); }
  bool empty() const { return rows_ == 0; }

 private:
  struct Column {
    std::string name;
    std::int64_t priority = 0;
  };
  void add_headers();
  void add_row(const nlohmann::json& row);
  void add_object(const nlohmann::json& object);

  TableOptions options_;
  const ResourceInfo& info_;
  std::vector<Column> columns_;
  bool headers_done_ = false;
  std::size_t rows_ = 0;
  TextTable text_;
};

}  // namespace tidelock::cli
