// SPDX-License-Identifier: Apache-2.0
#include "controller/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <cstdio>
#include <memory>

namespace tidelock {
namespace {

// Never destroyed: a thread may log while the program ends.
spdlog::logger& logger() {
  static spdlog::logger* const kLogger = [] {
    auto* made = new spdlog::logger("tidelock", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%l %v");
    made->set_level(spdlog::level::info);
    made->set_error_handler([](const std::string&) {});  // a closed stderr is no reason to fail
    return made;
  }();
  return *kLogger;
}

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }
// U+0080..U+009F in UTF-8: terminals obey these as they obey ESC [.
bool is_c1_control(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]) == 0xc2 && at + 1 < text.size() &&
         static_cast<unsigned char>(text[at + 1]) >= 0x80 &&
         static_cast<unsigned char>(text[at + 1]) <= 0x9f;
}

void append_hex(std::string& out, unsigned char c) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\x%02x", c);
  out += text.data();
}

void append_escaped(std::string& out, std::string_view text, bool quoted) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (quoted && (c == '"' || c == '\\')) {
      out += '\\';
      out += text[at];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_control(c)) {
      append_hex(out, c);
    } else if (is_c1_control(text, at)) {
      append_hex(out, c);
      append_hex(out, static_cast<unsigned char>(text[++at]));
    } else {
      out += text[at];
    }
  }
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == ' ' || c == '=' || c == '"' || c == '\\' ||
        is_control(static_cast<unsigned char>(c)) || is_c1_control(value, at)) {
      return true;
    }
  }
  return false;
}

void log_at(spdlog::level::level_enum level, std::string_view message, LogFields fields) {
  spdlog::logger& log = logger();
  if (log.should_log(level)) {
    log.log(level, spdlog::string_view_t(format_log_line(message, fields)));
  }
}

}  // namespace

std::string format_log_line(std::string_view message, LogFields fields) {
  std::string line;
  append_escaped(line, message, false);
  for (const auto& [key, value] : fields) {
    line += ' ';
    append_escaped(line, key, false);
    line += '=';
    const bool quoted = needs_quotes(value);
    if (quoted) line += '"';
    append_escaped(line, value, quoted);
    if (quoted) line += '"';
  }
  return line;
}

void set_log_level(LogLevel level) {
  switch (level) {
    case LogLevel::Debug: return logger().set_level(spdlog::level::debug);
    case LogLevel::Info: return logger().set_level(spdlog::level::info);
    case LogLevel::Warn: return logger().set_level(spdlog::level::warn);
    case LogLevel::Error: return logger().set_level(spdlog::level::err);
    case LogLevel::Off: return logger().set_level(spdlog::level::off);
  }
}

void log_debug(std::string_view message, LogFields fields) {
  log_at(spdlog::level::debug, message, fields);
}
void log_info(std::string_view message, LogFields fields) {
  log_at(spdlog::level::info, message, fields);
}
void log_warn(std::string_view message, LogFields fields) {
  log_at(spdlog::level::warn, message, fields);
}
void log_error(std::string_view message, LogFields fields) {
  log_at(spdlog::level::err, message, fields);
}

}  // namespace tidelock
