// SPDX-License-Identifier: Apache-2.0
// Evaluation of JSONPath templates; jsonpath_parser.cc reads them.
#include "controller/api/jsonpath.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "controller/api/jsonpath_template.h"

namespace tidelock::api {
namespace {

using jsonpath::Kind;
using jsonpath::Node;
using nlohmann::json;
using Nodes = std::vector<Node>;
using Values = std::vector<const json*>;

Error wrong(std::string text) { return make_error(Reason::BadRequest, std::move(text)); }

class Evaluation {
 public:
  explicit Evaluation(bool allow_missing_keys) : allow_missing_keys_(allow_missing_keys) {}

  Result<Values> list(Values values, const Nodes& nodes) {
    for (const Node& node : nodes) {
      auto next = step(values, node);
      if (!next) return next;
      values = std::move(*next);
    }
    return values;
  }

 private:
  Result<Values> step(const Values& values, const Node& node) {
    switch (node.kind) {
      case Kind::Literal:
        // Text stands for itself once, numbers and booleans once for each input.
        if (node.value.is_string()) return Values{&node.value};
        return Values(values.size(), &node.value);
      case Kind::Field:
        return field(values, node);
      case Kind::Array:
        return array(values, node);
      case Kind::Filter:
        return filter(values, node);
      case Kind::Wildcard:
        return children_of(values);
      case Kind::Recursive:
        return recursive(values);
      case Kind::Union:
        return unite(values, node);
      case Kind::Word:
        return fail(wrong("unrecognized identifier " + node.text));
    }
    return values;
  }

  Result<Values> field(const Values& values, const Node& node) const {
    Values found;
    for (const json* value : values) {
      if (!value->is_object()) continue;
      if (const auto at = value->find(node.text); at != value->end()) found.push_back(&*at);
    }
    if (found.empty() && !values.empty() && !allow_missing_keys_) {
      return fail(wrong(node.text + " is not found"));
    }
    return found;
  }

  static Result<Values> array(const Values& values, const Node& node) {
    Values found;
    for (const json* value : values) {
      if (value->is_null()) continue;
      if (!value->is_array()) {
        return fail(wrong(std::string(value->type_name()) + " is not array or slice"));
      }
      const auto size = static_cast<std::int64_t>(value->size());
      std::int64_t from = node.from.value_or(0);
      std::int64_t to = node.to.value_or(size);
      if (from < 0) from += size;
      if (to < 0 || (to == 0 && node.single)) to += size;
      if (from == to) continue;
      if (from < 0 || from >= size) return fail(out_of_bounds(from, size));
      if (to < 0 || to > size) return fail(out_of_bounds(to - 1, size));
      if (from > to) {
        return fail(wrong("starting index " + std::to_string(from) +
                          " is greater than ending index " + std::to_string(to)));
      }
      if (node.by.value_or(1) <= 0) return fail(wrong("step must be > 0"));
      for (std::int64_t i = from; i < to; i += node.by.value_or(1)) {
        found.push_back(&(*value)[static_cast<std::size_t>(i)]);
      }
    }
    return found;
  }

  static Error out_of_bounds(std::int64_t index, std::int64_t size) {
    return wrong("array index out of bounds: index " + std::to_string(index) + ", length " +
                 std::to_string(size));
  }

  static void append_children(const json& value, Values& out) {
    if (!value.is_structured()) return;
    for (const json& child : value) out.push_back(&child);
  }

  static Values children_of(const Values& values) {
    Values out;
    for (const json* value : values) append_children(*value, out);
    return out;
  }

  static Values recursive(const Values& values) {
    Values out;
    for (const json* value : values) {
      Values children;
      append_children(*value, children);
      if (children.empty()) continue;
      out.push_back(value);
      const Values below = recursive(children);
      out.insert(out.end(), below.begin(), below.end());
    }
    return out;
  }

  Result<Values> unite(const Values& values, const Node& node) {
    Values out;
    for (const Nodes& branch : node.branches) {
      auto part = list(values, branch);
      if (!part) return part;
      out.insert(out.end(), part->begin(), part->end());
    }
    return out;
  }

  Result<Values> filter(const Values& values, const Node& node) {
    Values out;
    for (const json* value : values) {
      if (!value->is_array()) {
        return fail(wrong(std::string(value->type_name()) +
                          " is not array or slice and cannot be filtered"));
      }
      for (const json& item : *value) {
        auto passes = any_term(item, node);
        if (!passes) return fail(passes.error());
        if (*passes) out.push_back(&item);
      }
    }
    return out;
  }

  // terms is a disjunction of conjunctions.
  Result<bool> any_term(const json& item, const Node& node) {
    for (const auto& conjunction : node.terms) {
      bool all = true;
      for (const jsonpath::Comparison& comparison : conjunction) {
        auto passes = compare(item, comparison);
        if (!passes) return passes;
        all = all && *passes;
      }
      if (all) return true;
    }
    return false;
  }

  Result<bool> compare(const json& item, const jsonpath::Comparison& comparison) {
    const auto left = list({&item}, comparison.left);
    if (comparison.op == "exists") return left && !left->empty();
    if (!left) return fail(left.error());
    const auto right = list({&item}, comparison.right);
    if (!right) return fail(right.error());
    if (left->empty() || right->empty()) return false;
    if (left->size() > 1 || right->size() > 1) {
      return fail(wrong("can only compare one element at a time"));
    }
    return compare_values(*left->front(), *right->front(), comparison.op);
  }

  static Result<bool> compare_values(const json& left, const json& right, const std::string& op) {
    const bool same_kind = (left.is_number() && right.is_number()) || left.type() == right.type();
    if (!same_kind || left.is_structured()) {
      return fail(wrong("incompatible types for comparison"));
    }
    if (op == "==") return left == right;
    if (op == "!=") return left != right;
    if (left.is_boolean()) return fail(wrong("invalid type for comparison"));
    if (op == "<") return left < right;
    if (op == "<=") return left <= right;
    if (op == ">") return left > right;
    if (op == ">=") return left >= right;
    return fail(wrong("unrecognized filter operator " + op));
  }

  bool allow_missing_keys_;
};

void print(const json& value, std::string& out) {
  if (value.is_string()) {
    out += value.get_ref<const std::string&>();
  } else {
    out += value.dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

// Walks the template's parts, repeating those between {range} and {end}.
class Renderer {
 public:
  Renderer(const std::vector<Nodes>& parts, bool allow_missing_keys)
      : parts_(parts), evaluation_(allow_missing_keys) {}

  // From part `at` to the end or past the {end} that closes this block; where it stopped.
  Result<std::size_t> block(const json& current, std::size_t at, bool in_range, bool printing) {
    while (at < parts_.size()) {
      const Nodes& part = parts_[at];
      if (is_word(part, "end")) {
        if (!in_range) return fail(wrong("not in range, nothing to end"));
        return at + 1;
      }
      if (is_word(part, "range")) {
        auto next = range(current, part, at + 1, printing);
        if (!next) return next;
        at = *next;
        continue;
      }
      if (printing) {
        if (auto printed = print_part(current, part); !printed) return fail(printed.error());
      }
      ++at;
    }
    return at;
  }

  std::string take() { return std::move(out_); }

 private:
  static bool is_word(const Nodes& part, const char* word) {
    return !part.empty() && part.front().kind == Kind::Word && part.front().text == word;
  }

  Result<void> print_part(const json& current, const Nodes& part) {
    const auto values = evaluation_.list({&current}, part);
    if (!values) return fail(values.error());
    for (std::size_t i = 0; i < values->size(); ++i) {
      if (i != 0) out_ += ' ';
      print(*(*values)[i], out_);
    }
    return {};
  }

  Result<std::size_t> range(const json& current, const Nodes& part, std::size_t body,
                            bool printing) {
    Values values;
    if (printing) {
      auto found = evaluation_.list({&current}, Nodes(part.begin() + 1, part.end()));
      if (!found) return fail(found.error());
      values = std::move(*found);
    }
    if (values.empty()) return block(current, body, true, false);
    std::size_t after = body;
    for (const json* value : values) {
      auto next = block(*value, body, true, true);
      if (!next) return next;
      after = *next;
    }
    return after;
  }

  const std::vector<Nodes>& parts_;
  Evaluation evaluation_;
  std::string out_;
};

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  auto parts = jsonpath::parse(text);
  if (!parts) return fail(parts.error());
  return JsonPath(std::make_shared<const Template>(Template{std::move(*parts)}));
}

Result<JsonPath> JsonPath::parse_relaxed(std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  if (text.empty()) return fail(wrong("invalid path: empty"));
  const bool has_root = text[0] == '.' || text[0] == '[' || text[0] == '$' || text[0] == '@';
  return parse("{" + std::string(has_root ? "" : ".") + std::string(text) + "}");
}

std::vector<const json*> JsonPath::find(const json& document) const {
  if (template_->parts.empty()) return {};
  auto values = Evaluation(true).list({&document}, template_->parts.front());
  return values ? std::move(*values) : Values{};
}

Result<std::string> JsonPath::render(const json& document, bool allow_missing_keys) const {
  Renderer renderer(template_->parts, allow_missing_keys);
  if (auto end = renderer.block(document, 0, false, true); !end) return fail(end.error());
  return renderer.take();
}

}  // namespace tidelock::api
