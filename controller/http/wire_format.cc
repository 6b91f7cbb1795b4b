// SPDX-License-Identifier: Apache-2.0
#include "controller/http/wire_format.h"

#include <array>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <cstdio>

namespace tidelock::http {

namespace {

constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool equal_names(std::string_view a, std::string_view b) {
  return !HeaderLess{}(a, b) && !HeaderLess{}(b, a);
}

bool is_framing(std::string_view name) {
  return equal_names(name, "Content-Length") || equal_names(name, "Transfer-Encoding") ||
         equal_names(name, "Connection") || equal_names(name, "Date");
}

void append_header(std::string_view name, std::string_view value, std::string& out) {
  const auto blanked = [&out](std::string_view text) {
    for (const char c : text) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  };
  blanked(name);
  out += ": ";
  blanked(value);
  out += "\r\n";
}

std::string_view reason_phrase(int status) {
  namespace beast = boost::beast::http;
  const auto phrase = beast::obsolete_reason(beast::int_to_status(static_cast<unsigned>(status)));
  return {phrase.data(), phrase.size()};
}

}  // namespace

std::string http_date(TimePoint time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
      kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
      kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(size));
}

std::string response_head(int status, const Headers& headers, const HeadOptions& options,
                          TimePoint now) {
  std::string out;
  out.reserve(256);
  out += "HTTP/1.1 " + std::to_string(status) + " ";
  out += reason_phrase(status);
  out += "\r\n";
  append_header("Date", http_date(now), out);
  for (const auto& [name, value] : headers) {
    if (!is_framing(name)) append_header(name, value, out);
  }
  if (options.content_length) {
    append_header("Content-Length", std::to_string(*options.content_length), out);
  }
  if (options.chunked) append_header("Transfer-Encoding", "chunked", out);
  if (options.close) append_header("Connection", "close", out);
  out += "\r\n";
  return out;
}

void append_chunk(std::string_view data, std::string& out) {
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  out.append(size.data(), end).append("\r\n").append(data).append("\r\n");
}

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace tidelock::http
