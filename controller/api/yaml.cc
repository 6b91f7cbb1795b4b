// SPDX-License-Identifier: Apache-2.0
#include "controller/api/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "controller/api/yaml_scalar.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

// What a part of the stream costs once its aliases are spelled out.
struct Weight {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
};

// yaml-cpp can only be stopped by an exception; it ends in parse_yaml.
[[noreturn]] void refuse(const YAML::Mark& mark, const std::string& what) {
  throw YAML::Exception(mark, what);
}

class DocumentBuilder : public YAML::EventHandler {
 public:
  std::vector<YamlDocument> take() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark&) override {
    stack_.clear();
    anchors_.clear();
    line_ = 0;
  }
  void OnDocumentEnd() override {
    if (root_.is_null()) return;
    documents_.push_back({line_, std::make_shared<json>(std::move(root_))});
    root_ = nullptr;
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    scalar(mark, anchor, nullptr, 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag == "!") last_quoted_ = mark;
    scalar(mark, anchor, scalar_value(mark, tag, value), value.size());
  }
  // Where the last scalar began that was not plain.
  const YAML::Mark& last_quoted() const { return last_quoted_; }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor, json::object());
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    json value;
    std::optional<std::string> key;  // of the member whose value comes next
    bool merge_next = false;         // the key was "<<"
    std::vector<json> merges;        // in order; explicit members win over them
    Weight weight;
  };
  struct Anchor {
    bool open = true;  // still inside: an alias to it would be endless
    json value;
    Weight weight;
  };

  static json scalar_value(const YAML::Mark& mark, const std::string& tag, const std::string& text);
  void charge(const YAML::Mark& mark, const Weight& weight);
  void scalar(const YAML::Mark& mark, YAML::anchor_t anchor, json value, std::size_t bytes);
  void open(const YAML::Mark& mark, YAML::anchor_t anchor, json value);
  void close();
  void remember(const YAML::Mark& mark, YAML::anchor_t anchor, const json& value, Weight weight);
  void deliver(const YAML::Mark& mark, json value, const Weight& weight, bool plain_merge_key);
  void take_key(const YAML::Mark& mark, Frame& frame, const json& value, bool plain_merge_key);
  void collect_merge(const YAML::Mark& mark, Frame& frame, json value);

  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  std::size_t aliases_ = 0;
  Weight total_;
  json root_;
  int line_ = 0;
  YAML::Mark last_quoted_ = YAML::Mark::null_mark();
  std::vector<YamlDocument> documents_;
};

json DocumentBuilder::scalar_value(const YAML::Mark& mark, const std::string& tag,
                                   const std::string& text) {
  constexpr std::string_view kStandard = "tag:yaml.org,2002:";
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return text;
  json value = resolve_plain_scalar(text);
  if (value.is_discarded()) refuse(mark, "\"" + text + "\" has no equivalent in JSON");
  if (tag.empty() || tag == "?") return value;
  const std::string_view name = std::string_view(tag).substr(
      tag.compare(0, kStandard.size(), kStandard) == 0 ? kStandard.size() : 0);
  const bool fits = (name == "int" && value.is_number_integer()) ||
                    (name == "float" && value.is_number()) ||
                    (name == "bool" && value.is_boolean()) || (name == "null" && value.is_null());
  if (!fits) refuse(mark, "\"" + text + "\" cannot be read with the tag " + tag);
  return value;
}

void DocumentBuilder::charge(const YAML::Mark& mark, const Weight& weight) {
  total_.nodes += weight.nodes;
  total_.bytes += weight.bytes;
  if (total_.nodes > limits::kYamlNodesMax) {
    refuse(mark, "more than " + std::to_string(limits::kYamlNodesMax) + " values");
  }
  if (total_.bytes > limits::kYamlBytesMax) {
    refuse(mark, "more than " + std::to_string(limits::kYamlBytesMax) +
                     " bytes when its aliases are spelled out");
  }
}

void DocumentBuilder::scalar(const YAML::Mark& mark, YAML::anchor_t anchor, json value,
                             std::size_t bytes) {
  const Weight weight{1, bytes};
  charge(mark, weight);
  remember(mark, anchor, value, weight);
  const bool merge_key = value == "<<";
  deliver(mark, std::move(value), weight, merge_key);
}

void DocumentBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (++aliases_ > limits::kYamlAliasesMax) {
    refuse(mark, "more than " + std::to_string(limits::kYamlAliasesMax) + " aliases");
  }
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) refuse(mark, "the anchor of this alias is not defined");
  if (found->second.open) refuse(mark, "this alias contains itself");
  charge(mark, found->second.weight);
  deliver(mark, found->second.value, found->second.weight, false);
}

void DocumentBuilder::open(const YAML::Mark& mark, YAML::anchor_t anchor, json value) {
  if (stack_.size() == limits::kYamlDepthMax) {
    refuse(mark, "nested deeper than " + std::to_string(limits::kYamlDepthMax));
  }
  charge(mark, {1, 0});
  if (!stack_.empty() && stack_.back().value.is_object() && !stack_.back().key &&
      !stack_.back().merge_next) {
    refuse(mark, "a key must be a plain value");
  }
  if (anchor != 0) anchors_[anchor] = Anchor{};
  Frame frame;
  frame.mark = mark;
  frame.anchor = anchor;
  frame.value = std::move(value);
  frame.weight.nodes = 1;
  stack_.push_back(std::move(frame));
}

void DocumentBuilder::close() {
  Frame frame = std::move(stack_.back());
  stack_.pop_back();
  for (json& merge : frame.merges) {
    for (auto& [key, value] : merge.items()) {
      if (!frame.value.contains(key)) frame.value[key] = std::move(value);
    }
  }
  remember(frame.mark, frame.anchor, frame.value, frame.weight);
  deliver(frame.mark, std::move(frame.value), frame.weight, false);
}

// Anchors inside anchors are copied each, so a copy is charged like an alias.
void DocumentBuilder::remember(const YAML::Mark& mark, YAML::anchor_t anchor, const json& value,
                               Weight weight) {
  if (anchor == 0) return;
  charge(mark, weight);
  anchors_[anchor] = {false, value, weight};
}

void DocumentBuilder::deliver(const YAML::Mark& mark, json value, const Weight& weight,
                              bool plain_merge_key) {
  if (line_ == 0 || mark.line + 1 < line_) line_ = mark.line + 1;
  if (stack_.empty()) {
    root_ = std::move(value);
    return;
  }
  Frame& frame = stack_.back();
  frame.weight.nodes += weight.nodes;
  frame.weight.bytes += weight.bytes;
  if (frame.value.is_array()) {
    frame.value.push_back(std::move(value));
  } else if (frame.merge_next) {
    frame.merge_next = false;
    collect_merge(mark, frame, std::move(value));
  } else if (frame.key) {
    frame.value[*frame.key] = std::move(value);
    frame.key.reset();
  } else {
    take_key(mark, frame, value, plain_merge_key);
  }
}

void DocumentBuilder::take_key(const YAML::Mark& mark, Frame& frame, const json& value,
                               bool plain_merge_key) {
  if (plain_merge_key) {
    frame.merge_next = true;
    return;
  }
  if (value.is_null() || value.is_structured()) refuse(mark, "a key must be a plain value");
  std::string key = value.is_string() ? value.get<std::string>() : value.dump();
  if (frame.value.contains(key)) refuse(mark, "duplicate key \"" + key + "\"");
  frame.value[key] = nullptr;
  frame.key = std::move(key);
}

void DocumentBuilder::collect_merge(const YAML::Mark& mark, Frame& frame, json value) {
  if (value.is_object()) {
    frame.merges.push_back(std::move(value));
    return;
  }
  if (!value.is_array()) refuse(mark, "a merge (<<) needs a mapping or a list of mappings");
  for (json& each : value) {
    if (!each.is_object()) refuse(mark, "a merge (<<) needs a mapping or a list of mappings");
    frame.merges.push_back(std::move(each));
  }
}

// yaml-cpp takes the end of the stream for a closing quote. Only the last quoted scalar can be open.
void check_closed(std::string_view text, const YAML::Mark& mark) {
  if (mark.is_null() || static_cast<std::size_t>(mark.pos) >= text.size()) return;
  const std::size_t start = static_cast<std::size_t>(mark.pos);
  const char quote = text[start];
  if (quote != '"' && quote != '\'') return;
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    if (text[i] == quote) return;
    if (quote == '"' && text[i] == '\\') ++i;
  }
  refuse(mark, "the text has no closing quote");
}

}  // namespace

Result<std::vector<YamlDocument>> parse_yaml(std::string_view text) {
  if (text.size() > limits::kYamlBytesMax) {
    return fail(Reason::RequestEntityTooLarge,
                "YAML of more than " + std::to_string(limits::kYamlBytesMax) + " bytes");
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    DocumentBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    check_closed(text, builder.last_quoted());
    return builder.take();
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) return fail(Reason::BadRequest, error.msg);
    return fail(Reason::BadRequest, "line " + std::to_string(error.mark.line + 1) + ", column " +
                                        std::to_string(error.mark.column + 1) + ": " + error.msg);
  }
}

}  // namespace tidelock::api
