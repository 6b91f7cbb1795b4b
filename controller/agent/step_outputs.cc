// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/step_outputs.h"

#include <algorithm>

#include "controller/base/limits.h"

namespace tidelock::agent {
namespace {

bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (const char c : name) {
    if (!name_char(c)) return false;
  }
  return true;
}

// Bytes of the well-formed UTF-8 character at the start; 0 if there is none.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool outside = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || outside ? 0 : size;
}

auto bad_line(std::size_t number, const std::string& what) {
  return fail(Reason::Invalid, "TIDELOCK_OUTPUT line " + std::to_string(number) + ": " + what);
}

}  // namespace

Result<std::map<std::string, std::string>> parse_outputs(std::string_view text) {
  std::map<std::string, std::string> outputs;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return bad_line(number, "want name=value");
    const std::string_view name = line.substr(0, equals);
    if (!valid_name(name)) {
      return bad_line(number, "\"" + printable(name.substr(0, 100)) +
                                  "\" is no name: letters, digits, '_', '-' and '.'");
    }
    const std::string_view value = line.substr(equals + 1);
    for (std::size_t i = 0; i < value.size();) {
      const std::size_t size = character_size(value.substr(i));
      if (size == 0) return bad_line(number, "the value is not UTF-8");
      i += size;
    }
    outputs[std::string(name)] = std::string(value);
    if (outputs.size() > limits::kStepOutputsMax) {
      return bad_line(number, "more than " + std::to_string(limits::kStepOutputsMax) + " outputs");
    }
  }
  return outputs;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) {
      out += "\xEF\xBF\xBD";
    } else if (size == 1 && (static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7F) &&
               text[0] != '\t') {
      out += ' ';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

std::string shortened(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

void LastLine::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const std::size_t room = limits::kStepMessageBytesMax - std::min(
        current_.size(), limits::kStepMessageBytesMax);
    current_ += part.substr(0, room);
    if (end == std::string_view::npos) return;
    if (current_.find_first_not_of(" \t\r") != std::string::npos) line_ = current_;
    current_.clear();
    bytes.remove_prefix(end + 1);
  }
}

std::string LastLine::text() const {
  const bool open = current_.find_first_not_of(" \t\r") != std::string::npos;
  std::string text = printable(open ? current_ : line_);
  text = text.substr(0, text.find_last_not_of(" \t") + 1);
  return shortened(std::move(text), limits::kStepMessageBytesMax);
}

}  // namespace tidelock::agent
