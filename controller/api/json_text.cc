// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "controller/api/json_error.h"
#include "controller/api/json_plain.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

// Builds the document from nlohmann's events; the last of two equal keys wins, as in Go.
class DocumentBuilder : public nlohmann::json_sax<json> {
 public:
  explicit DocumentBuilder(std::vector<DuplicateKey>* duplicates) : duplicates_(duplicates) {}

  json take() { return std::move(root_); }
  const std::string& error() const { return error_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Frame& frame = stack_.back();
    frame.key = std::move(name);
    if (duplicates_ != nullptr && frame.container->contains(frame.key)) {
      duplicates_->push_back({path()});
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    error_ = e.what();
    return false;
  }

 private:
  struct Frame {
    json* container;
    std::string key;  // of the member that is being read
  };

  json* place(json&& value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Frame& frame = stack_.back();
    if (frame.container->is_object()) return &((*frame.container)[frame.key] = std::move(value));
    frame.container->push_back(std::move(value));
    return &frame.container->back();
  }

  bool add(json&& value) {
    place(std::move(value));
    return true;
  }

  bool open(json&& container) {
    if (stack_.size() == limits::kJsonDepthMax) {
      error_ = "exceeded max depth";
      return false;
    }
    stack_.push_back({place(std::move(container)), {}});
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  std::string path() const {
    std::string text;
    for (const Frame& frame : stack_) {
      if (frame.container->is_array()) {
        text += "[" + std::to_string(frame.container->size() - 1) + "]";
      } else {
        text += (text.empty() ? "" : ".") + frame.key;
      }
    }
    return text;
  }

  json root_;
  std::vector<Frame> stack_;
  std::vector<DuplicateKey>* duplicates_;
  std::string error_;
};

Result<json> parse(std::string_view text, std::size_t bytes_max,
                   std::vector<DuplicateKey>* duplicates) {
  if (text.size() > bytes_max) {
    return fail(Reason::RequestEntityTooLarge, "Request entity too large: limit is " +
                                                   std::to_string(bytes_max));
  }
  if (auto plain = parse_plain_json(text)) return std::move(*plain);
  DocumentBuilder builder(duplicates);
  if (json::sax_parse(text.begin(), text.end(), &builder)) return builder.take();
  if (builder.error() == "exceeded max depth") return fail(Reason::BadRequest, builder.error());
  std::string message = go_json_error(text);
  return fail(Reason::BadRequest, message.empty() ? builder.error() : std::move(message));
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::size_t bytes_max) {
  return parse(text, bytes_max, nullptr);
}

Result<nlohmann::json> parse_json(std::string_view text, std::size_t bytes_max,
                                  std::vector<DuplicateKey>& duplicates) {
  return parse(text, bytes_max, &duplicates);
}

}  // namespace tidelock::api
