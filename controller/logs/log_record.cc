// SPDX-License-Identifier: Apache-2.0
#include "controller/logs/log_record.h"

#include <charconv>

namespace tidelock::logs {
namespace {

// The text up to the next blank, which is taken too.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  return std::from_chars(text.data(), end, number).ptr == end && !text.empty();
}

}  // namespace

std::string to_line(const Record& record) {
  std::string line(1, static_cast<char>(record.kind));
  line += " " + std::to_string(record.time.time_since_epoch().count()) + " " +
          std::to_string(record.attempt) + " ";
  line.append(record.step).append(" ").append(record.text).append("\n");
  return line;
}

std::optional<Record> parse_record(std::string_view line) {
  const std::string_view kind = take_word(line);
  Record record;
  if (kind.size() != 1 || std::string_view("LPGCE").find(kind) == std::string_view::npos) {
    return std::nullopt;
  }
  record.kind = static_cast<Record::Kind>(kind[0]);
  std::int64_t micros = 0;
  if (!parse_number(take_word(line), micros)) return std::nullopt;
  record.time = TimePoint{Duration{micros}};
  if (!parse_number(take_word(line), record.attempt)) return std::nullopt;
  record.step = take_word(line);
  record.text = line;
  return record;
}

std::uint64_t stream_bytes(const Record& record) {
  switch (record.kind) {
    case Record::Kind::Line: return record.text.size() + 1;
    case Record::Kind::Piece: return record.text.size();
    case Record::Kind::Gap: {
      std::uint64_t missing = 0;
      parse_number(record.text, missing);
      return missing;
    }
    case Record::Kind::Cut:
    case Record::Kind::End: return 0;
  }
  return 0;
}

}  // namespace tidelock::logs
