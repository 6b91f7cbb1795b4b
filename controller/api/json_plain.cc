// SPDX-License-Identifier: Apache-2.0
#include "controller/api/json_plain.h"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <simdjson.h>
#include <string>

#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

// Bytes of a string that stand for themselves.
constexpr std::array<bool, 256> kPlainByte = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// From simdjson's tape to a document. False: a key twice, or too deep.
bool build(const simdjson::dom::element& element, json& out, std::size_t depth) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::OBJECT: {
      if (depth == limits::kJsonDepthMax) return false;
      out = json::object();
      auto& members = out.get_ref<json::object_t&>();
      const simdjson::dom::object values = element.get_object().value_unsafe();
      for (const auto [key, value] : values) {
        const std::size_t before = members.size();
        const auto member = members.emplace_hint(members.end(), std::string(key), nullptr);
        if (members.size() == before || !build(value, member->second, depth + 1)) return false;
      }
      return true;
    }
    case Type::ARRAY: {
      if (depth == limits::kJsonDepthMax) return false;
      out = json::array();
      auto& items = out.get_ref<json::array_t&>();
      const simdjson::dom::array values = element.get_array().value_unsafe();
      items.reserve(values.size());
      for (const auto value : values) {
        if (!build(value, items.emplace_back(), depth + 1)) return false;
      }
      return true;
    }
    case Type::STRING: return out = json::string_t(element.get_string().value_unsafe()), true;
    case Type::INT64: {
      // What is not negative is unsigned to nlohmann.
      const std::int64_t number = element.get_int64().value_unsafe();
      if (number < 0) return out = number, true;
      return out = static_cast<std::uint64_t>(number), true;
    }
    case Type::UINT64: return out = element.get_uint64().value_unsafe(), true;
    case Type::DOUBLE: return out = element.get_double().value_unsafe(), true;
    case Type::BOOL: return out = element.get_bool().value_unsafe(), true;
    case Type::NULL_VALUE: return out = nullptr, true;
  }
  return false;
}

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
  if (text.size() > kPlainJsonMax) return std::nullopt;
  // Its buffers, some 14 bytes for each of the longest text so far, are what makes it quick.
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  std::optional<json> document(std::in_place);
  if (!build(root, *document, 0)) return std::nullopt;
  return document;
}

nlohmann::json parse_own_json(std::string_view text) {
  auto plain = parse_plain_json(text);
  return plain ? std::move(*plain) : json::parse(text, nullptr, false);
}

}  // namespace tidelock::api
