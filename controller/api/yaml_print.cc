// SPDX-License-Identifier: Apache-2.0
// Prints JSON as `kubectl get -o yaml` does.
#include <nlohmann/json.hpp>

#include "controller/api/yaml.h"
#include "controller/api/yaml_scalar.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

bool is_control(unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; }

// Text that a reader would take for something else, or that an indicator would break.
bool is_plain(const std::string& text) {
  if (text.empty() || !resolve_plain_scalar(text).is_string() || looks_like_timestamp(text) ||
      looks_like_base60(text)) {
    return false;
  }
  if (text.front() == ' ' || text.back() == ' ' || text.compare(0, 3, "---") == 0 ||
      text.compare(0, 3, "...") == 0 || text == "<<" || text == "=") {
    return false;
  }
  if (std::string_view("#,[]{}&*!|>'\"%@`").find(text[0]) != std::string_view::npos) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool ends = i + 1 == text.size() || text[i + 1] == ' ';
    if (text[i] == ':' && ends) return false;
    if (i == 0 && (text[i] == '-' || text[i] == '?') && ends) return false;
    if (text[i] == '#' && i > 0 && text[i - 1] == ' ') return false;
    if (text[i] == '\n' || text[i] == '\t') return false;
  }
  return true;
}

bool has_control(const std::string& text) {
  for (const char c : text) {
    if (is_control(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

// A block cannot show blanks before a line break, nor begin with an empty line of blanks.
bool fits_block(const std::string& text) {
  return text.find('\n') != std::string::npos && text.find(" \n") == std::string::npos &&
         text.find("\t\n") == std::string::npos && text.back() != ' ' && text.back() != '\t' &&
         text[0] != ' ' && text[0] != '\t' && text[0] != '\n';
}

std::string double_quoted(const std::string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string inline_text(const std::string& text) {
  if (has_control(text) || text.find('\n') != std::string::npos ||
      text.find('\t') != std::string::npos) {
    return double_quoted(text);
  }
  if (is_plain(text)) return text;
  const json resolved = resolve_plain_scalar(text);
  const bool ambiguous =
      !resolved.is_string() || looks_like_timestamp(text) || looks_like_base60(text);
  return ambiguous ? double_quoted(text) : single_quoted(text);
}

class Printer {
 public:
  std::string run(const json& document) {
    if (document.is_structured() && !document.empty()) {
      container(document, 0);
    } else {
      scalar(document, 0);
    }
    return std::move(out_);
  }

 private:
  // `indent` is where the lines of the container begin; the cursor is already there.
  void container(const json& value, std::size_t indent) {
    bool first = true;
    if (value.is_array()) {
      for (const json& item : value) {
        begin_line(first, indent);
        out_ += "-";
        item_behind_dash(item, indent);
      }
      return;
    }
    for (const auto& [key, item] : value.items()) {
      begin_line(first, indent);
      out_ += inline_text(key) + ":";
      member(item, indent);
    }
  }

  void begin_line(bool& first, std::size_t indent) {
    if (!first) out_.append(indent, ' ');
    first = false;
  }

  void item_behind_dash(const json& item, std::size_t indent) {
    out_ += ' ';
    if (item.is_structured() && !item.empty()) {
      container(item, indent + 2);
    } else {
      scalar(item, indent + 2);
    }
  }

  void member(const json& item, std::size_t indent) {
    if (!item.is_structured() || item.empty()) {
      out_ += ' ';
      scalar(item, indent + 2);
      return;
    }
    const std::size_t inner = item.is_array() ? indent : indent + 2;
    out_ += '\n';
    out_.append(inner, ' ');
    container(item, inner);
  }

  void scalar(const json& value, std::size_t indent) {
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      if (fits_block(text) && !has_control(text)) return block(text, indent);
      out_ += inline_text(text);
    } else if (value.is_object()) {
      out_ += "{}";
    } else if (value.is_array()) {
      out_ += "[]";
    } else {
      out_ += value.dump();
    }
    out_ += '\n';
  }

  void block(const std::string& text, std::size_t indent) {
    const bool ends = text.back() == '\n';
    const bool keeps = ends && text.size() > 1 && text[text.size() - 2] == '\n';
    out_ += keeps ? "|+\n" : ends ? "|\n" : "|-\n";
    std::size_t start = 0;
    while (start < text.size()) {
      const std::size_t end = std::min(text.find('\n', start), text.size());
      if (end > start) out_.append(indent, ' ').append(text, start, end - start);
      out_ += '\n';
      start = end + 1;
    }
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const nlohmann::json& document) { return Printer().run(document); }

}  // namespace tidelock::api
