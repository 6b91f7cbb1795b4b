// SPDX-License-Identifier: Apache-2.0
#include "controller/http/message.h"

#include <algorithm>

namespace tidelock::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Percent-decoded text, and in a query '+' for a space.
Result<std::string> decode(std::string_view text, bool in_query) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && in_query) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        const std::string bad(text.substr(i, 3));
        return fail(Reason::BadRequest, "invalid URL escape \"" + bad + "\"");
      }
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

Result<void> parse_path(std::string_view path, Target& target) {
  target.path = path;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (segment.empty()) continue;
    auto decoded = decode(segment, false);
    if (!decoded) return fail(decoded.error());
    target.segments.push_back(std::move(*decoded));
  }
  return {};
}

Result<void> parse_query(std::string_view query, Target& target) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = decode(pair.substr(0, equals), true);
    if (!name) return fail(name.error());
    auto value = decode(equals == pair.npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!value) return fail(value.error());
    target.query.emplace(std::move(*name), std::move(*value));
  }
  return {};
}

// A proxy's absolute form "https://host/path" names the same resource as "/path".
std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (target.substr(0, scheme.size()) != scheme) continue;
    const std::size_t end = target.find_first_of("/?", scheme.size());
    return end == target.npos ? std::string_view("/") : target.substr(end);
  }
  return target;
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

bool HeaderLess::operator()(std::string_view a, std::string_view b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return lower(x) < lower(y); });
}

std::string_view header(const Headers& headers, std::string_view name) {
  // lower_bound: the first of several equal names, in the order in which they came.
  const auto found = headers.lower_bound(name);
  if (found == headers.end() || HeaderLess{}(name, found->first)) return {};
  return found->second;
}

Result<Target> parse_target(std::string_view text) {
  text = without_authority(text);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; };
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return fail(Reason::BadRequest, "invalid character in the request target");
  }
  const std::size_t question = text.find('?');
  const std::string_view path = text.substr(0, question);
  if (path.empty() || path.front() != '/') {
    return fail(Reason::BadRequest, "the request target must begin with \"/\"");
  }
  Target target;
  if (auto ok = parse_path(path, target); !ok) return fail(ok.error());
  if (question == text.npos) return target;
  if (auto ok = parse_query(text.substr(question + 1), target); !ok) return fail(ok.error());
  return target;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4];
    encoded += kHex[byte & 15];
  }
  return encoded;
}

}  // namespace tidelock::http
