// SPDX-License-Identifier: Apache-2.0
// Logging: one line per event on stderr, `level message key=value…`, by spdlog.
//
// log_info("lock granted", {{"task", name}, {"lock", instance}}). Values are quoted when they need
// it and control characters are escaped, so one event is one line. Callers never pass secrets.
// Thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace tidelock {

enum class LogLevel { Debug, Info, Warn, Error, Off };

using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// The line without its level, as the functions below write it.
std::string format_log_line(std::string_view message, LogFields fields);

void set_log_level(LogLevel level);  // Info until called
void log_debug(std::string_view message, LogFields fields = {});
void log_info(std::string_view message, LogFields fields = {});
void log_warn(std::string_view message, LogFields fields = {});
void log_error(std::string_view message, LogFields fields = {});

}  // namespace tidelock
