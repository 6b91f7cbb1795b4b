// SPDX-License-Identifier: Apache-2.0
#include "controller/api/json_plain.h"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

// More digits may not fit into 64 bits.
constexpr std::size_t kDigitsMax = 18;

// Bytes of a string that stand for themselves.
constexpr std::array<bool, 256> kPlainByte = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

class PlainParser {
 public:
  explicit PlainParser(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool document(json& out) {
    blanks();
    if (!value(out, 0)) return false;
    blanks();
    return at_ == end_;
  }

 private:
  char peek() const { return at_ == end_ ? '\0' : *at_; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool word(std::string_view wanted) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }

  bool value(json& out, std::size_t depth) {
    switch (peek()) {
      case '{': return depth < limits::kJsonDepthMax && object(out, depth + 1);
      case '[': return depth < limits::kJsonDepthMax && array(out, depth + 1);
      case '"': {
        out = json::string_t();
        return string(out.get_ref<json::string_t&>());
      }
      case 't': return out = true, word("true");
      case 'f': return out = false, word("false");
      case 'n': return out = nullptr, word("null");
      default: return number(out);
    }
  }

  bool object(json& out, std::size_t depth) {
    ++at_;
    out = json::object();
    auto& members = out.get_ref<json::object_t&>();
    blanks();
    if (take('}')) return true;
    for (;;) {
      std::string key;
      if (!string(key)) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
      const std::size_t before = members.size();
      const auto member = members.emplace_hint(members.end(), std::move(key), nullptr);
      if (members.size() == before || !value(member->second, depth)) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
      blanks();
    }
  }

  bool array(json& out, std::size_t depth) {
    ++at_;
    out = json::array();
    auto& items = out.get_ref<json::array_t&>();
    blanks();
    if (take(']')) return true;
    for (;;) {
      if (!value(items.emplace_back(), depth)) return false;
      blanks();
      if (take(']')) return true;
      if (!take(',')) return false;
      blanks();
    }
  }

  bool string(std::string& out) {
    if (!take('"')) return false;
    for (;;) {
      const char* start = at_;
      while (at_ != end_ && kPlainByte[static_cast<unsigned char>(*at_)]) ++at_;
      out.append(start, at_);
      if (take('"')) return true;
      if (peek() == '\\' ? !escape(out) : !wide_character(out)) return false;
    }
  }

  bool escape(std::string& out) {
    if (end_ - at_ < 2) return false;
    const char c = at_[1];
    at_ += 2;
    switch (c) {
      case '"':
      case '\\':
      case '/': return out += c, true;
      case 'b': return out += '\b', true;
      case 'f': return out += '\f', true;
      case 'n': return out += '\n', true;
      case 'r': return out += '\r', true;
      case 't': return out += '\t', true;
      default: return false;
    }
  }

  // A well-formed UTF-8 sequence of more than one byte (table 3-7 of the Unicode standard).
  bool wide_character(std::string& out) {
    const auto byte = [this](std::ptrdiff_t i) -> unsigned {
      return end_ - at_ > i ? static_cast<unsigned char>(at_[i]) : 0U;
    };
    const unsigned lead = byte(0);
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
    std::ptrdiff_t size = 0;
    if (lead >= 0xC2 && lead <= 0xDF) size = 2;
    if (lead >= 0xE0 && lead <= 0xEF) size = 3;
    if (lead >= 0xF0 && lead <= 0xF4) size = 4;
    if (size == 0 || byte(1) < low || byte(1) > high) return false;
    for (std::ptrdiff_t i = 2; i < size; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xBF) return false;
    }
    out.append(at_, static_cast<std::size_t>(size));
    at_ += size;
    return true;
  }

  bool number(json& out) {
    const char* start = at_;
    const bool negative = take('-');
    const char* digits = at_;
    std::int64_t sum = 0;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') {
      if (static_cast<std::size_t>(at_ - digits) == kDigitsMax) return false;
      sum = sum * 10 + (*at_++ - '0');
    }
    if (at_ == digits || (*digits == '0' && at_ - digits > 1)) return false;
    if (peek() == '.' || peek() == 'e' || peek() == 'E') return fraction(start, out);
    if (negative) {
      out = -sum;
    } else {
      out = static_cast<std::uint64_t>(sum);
    }
    return true;
  }

  // Left to the library: rounding is an art.
  bool fraction(const char* start, json& out) {
    const std::string_view rest(start, static_cast<std::size_t>(end_ - start));
    const std::string_view text = rest.substr(0, rest.find_first_not_of("+-.0123456789eE"));
    out = json::parse(text, nullptr, false);
    at_ = start + text.size();
    return !out.is_discarded();
  }

  const char* at_;
  const char* end_;
};

std::string careful_dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

void append_json_string(std::string& out, const std::string& text) {
  for (const char c : text) {
    if (!kPlainByte[static_cast<unsigned char>(c)]) {
      out += careful_dump(text);
      return;
    }
  }
  out += '"';
  out += text;
  out += '"';
}

void append_json(std::string& out, const json& value) {
  switch (value.type()) {
    case json::value_t::object: {
      char before = '{';
      for (const auto& [key, member] : value.get_ref<const json::object_t&>()) {
        out += before;
        append_json_string(out, key);
        out += ':';
        append_json(out, member);
        before = ',';
      }
      out += before == '{' ? "{}" : "}";
      return;
    }
    case json::value_t::array: {
      char before = '[';
      for (const json& item : value.get_ref<const json::array_t&>()) {
        out += before;
        append_json(out, item);
        before = ',';
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case json::value_t::string: return append_json_string(out, value.get_ref<const std::string&>());
    case json::value_t::number_integer: out += std::to_string(value.get<std::int64_t>()); return;
    case json::value_t::number_unsigned: out += std::to_string(value.get<std::uint64_t>()); return;
    case json::value_t::null:
    case json::value_t::boolean:
    case json::value_t::number_float:
    case json::value_t::binary:
    case json::value_t::discarded: out += careful_dump(value); return;
  }
}

std::optional<nlohmann::json> parse_plain_json(std::string_view text) {
  std::optional<json> document(std::in_place);
  if (!PlainParser(text).document(*document)) return std::nullopt;
  return document;
}

}  // namespace tidelock::api
