// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/masker.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "controller/base/digest.h"

namespace tidelock::agent {
namespace {

// Shorter pieces of an encoding would hit innocent text.
constexpr std::size_t kEncodedBytesMin = 6;
// base64 that was wrapped into lines is found by its pieces; of a secret up to this size, for a piece
// starts at every digit.
constexpr std::size_t kWrappedBytesMax = 16 * 1024;
constexpr std::size_t kWrappedPieceBytes = 16;
// A line of a secret of several lines: shorter ones would hit innocent text.
constexpr std::size_t kLineBytesMin = 8;

std::string url_encode(std::string_view text, const char* digits, bool plus) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else if (plus && c == ' ') {
      out += '+';
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

// The base64 digits that depend on `text` alone when `before` bytes (mod 3) stand before it and
// anything may follow.
std::string base64_middle(std::string_view text, std::size_t before) {
  const std::string padded = std::string(before, '\0') + std::string(text);
  std::string encoded = base64_encode(padded);
  const std::size_t skipped = (before * 8 + 5) / 6;      // digits that contain foreign bits
  const std::size_t whole = padded.size() * 8 / 6;       // digits without bits of what follows
  if (whole <= skipped) return "";
  return encoded.substr(skipped, whole - skipped);
}

// As inside a JSON string; '/' may be escaped there too.
std::string json_escape(std::string_view text, bool slashes) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '/': out += slashes ? "\\/" : "/"; break;
      default: out += c;
    }
  }
  return out;
}

// As a shell's trace (set -x) quotes it.
std::string shell_quote(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out;
}

void add_wrapped(const std::string& middle, std::set<std::string>& patterns) {
  if (middle.size() < 2 * kWrappedPieceBytes || middle.size() > kWrappedBytesMax) return;
  for (std::size_t at = 0; at + kWrappedPieceBytes <= middle.size(); ++at) {
    patterns.insert(middle.substr(at, kWrappedPieceBytes));
  }
}

void add_lines(std::string_view secret, std::set<std::string>& patterns) {
  if (secret.find('\n') == std::string_view::npos) return;
  while (!secret.empty()) {
    const std::size_t end = std::min(secret.find('\n'), secret.size());
    std::string_view line = secret.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() >= kLineBytesMin) patterns.insert(std::string(line));
    secret.remove_prefix(std::min(end + 1, secret.size()));
  }
}

void add_encodings(std::string_view secret, std::set<std::string>& patterns) {
  for (const bool plus : {false, true}) {
    patterns.insert(url_encode(secret, "0123456789ABCDEF", plus));
    patterns.insert(url_encode(secret, "0123456789abcdef", plus));
  }
  for (const bool slashes : {false, true}) patterns.insert(json_escape(secret, slashes));
  patterns.insert(shell_quote(secret));
  add_lines(secret, patterns);
  patterns.insert(base64_encode(secret));
  for (std::size_t before = 0; before < 3; ++before) {
    std::string middle = base64_middle(secret, before);
    if (middle.size() < kEncodedBytesMin) continue;
    patterns.insert(middle);
    add_wrapped(middle, patterns);
    std::replace(middle.begin(), middle.end(), '+', '-');
    std::replace(middle.begin(), middle.end(), '/', '_');
    patterns.insert(middle);
  }
}

}  // namespace

Masker::Masker(const std::vector<std::string>& secrets) : nodes_(1) {
  std::set<std::string> patterns;
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    patterns.insert(secret);
    add_encodings(secret, patterns);
    // A shell's $(…) takes the newlines off the end.
    const std::string trimmed = secret.substr(0, secret.find_last_not_of("\r\n") + 1);
    if (trimmed.empty() || trimmed == secret) continue;
    patterns.insert(trimmed);
    add_encodings(trimmed, patterns);
  }
  for (const std::string& pattern : patterns) add(pattern);
  build();
}

int Masker::child(int state, unsigned char byte) const {
  if (state == 0) return first_[byte];
  int found = node(state).child;
  while (found != 0 && node(found).byte != byte) found = node(found).sibling;
  return found;
}

int Masker::step(int state, unsigned char byte) const {
  while (true) {
    const int next = child(state, byte);
    if (next != 0 || state == 0) return next;
    state = node(state).fail;
  }
}

void Masker::add(std::string_view pattern) {
  int state = 0;
  for (const char c : pattern) {
    const auto byte = static_cast<unsigned char>(c);
    int next = child(state, byte);
    if (next == 0) {
      next = static_cast<int>(nodes_.size());
      Node& parent = nodes_[static_cast<std::size_t>(state)];
      Node added;
      added.byte = byte;
      added.depth = parent.depth + 1;
      added.sibling = std::exchange(parent.child, next);
      nodes_.push_back(added);
      if (state == 0) first_[byte] = next;
    }
    state = next;
  }
  nodes_[static_cast<std::size_t>(state)].match = static_cast<int>(pattern.size());
}

// Breadth first: what a node falls back to is nearer to the root and done before it.
void Masker::build() {
  std::deque<int> queue{0};
  while (!queue.empty()) {
    const int state = queue.front();
    queue.pop_front();
    for (int next = node(state).child; next != 0; next = node(next).sibling) {
      Node& added = nodes_[static_cast<std::size_t>(next)];
      added.fail = state == 0 ? 0 : step(node(state).fail, added.byte);
      added.match = std::max(added.match, node(added.fail).match);
      queue.push_back(next);
    }
  }
}

std::string Masker::mask(std::string_view text) const {
  if (empty()) return std::string(text);
  // A stream without ownership: it does not outlive this call.
  Stream stream(std::shared_ptr<const Masker>(std::shared_ptr<const Masker>{}, this));
  std::string out = stream.write(text);
  return out + stream.finish();
}

std::string Masker::Stream::write(std::string_view bytes) {
  if (!masker_ || masker_->empty()) return std::string(bytes);
  std::string out;
  for (const char c : bytes) {
    state_ = masker_->step(state_, static_cast<unsigned char>(c));
    const Node& node = masker_->node(state_);
    held_ += c;
    secret_ += '\0';
    // All of a match is still held: it was a path of the automaton until now.
    const auto length = std::min(static_cast<std::size_t>(node.match), held_.size());
    std::fill(secret_.end() - static_cast<std::ptrdiff_t>(length), secret_.end(), '\1');
    const auto depth = static_cast<std::size_t>(node.depth);
    if (held_.size() > depth && (depth == 0 || held_.size() > 2 * depth + 4096)) {
      emit(held_.size() - depth, out);
    }
  }
  const auto depth = static_cast<std::size_t>(masker_->node(state_).depth);
  if (held_.size() > depth) emit(held_.size() - depth, out);
  return out;
}

std::string Masker::Stream::finish() {
  std::string out;
  emit(held_.size(), out);
  state_ = 0;
  return out;
}

void Masker::Stream::emit(std::size_t count, std::string& out) {
  for (std::size_t i = 0; i < count; ++i) {
    const bool hidden = secret_[i] != '\0';
    if (hidden && !after_mask_) out += "***";
    if (!hidden) out += held_[i];
    after_mask_ = hidden;
  }
  held_.erase(0, count);
  secret_.erase(0, count);
}

}  // namespace tidelock::agent
