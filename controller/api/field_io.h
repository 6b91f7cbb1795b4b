// SPDX-License-Identifier: Apache-2.0
// Internal to the codecs: one list of fields per struct, walked by a Reader or a Writer, so that
// decode(encode(x)) == x by construction.
//
//   template <class A> void fields(A& a, Ref<A, Package> p) { a.field("step", p.step); … }
//
// A Reader leaves absent and null fields alone and collects a cause with the field's path for every
// value of a wrong type. A Writer leaves out fields that have their default.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "controller/api/enum_names.h"
#include "controller/base/error.h"
#include "controller/base/time.h"

namespace tidelock::api {

using nlohmann::json;
using TextMap = std::map<std::string, std::string>;
using CountMap = std::map<std::string, int>;
struct IntOrPercent;

// A place in a document, as a chain on the stack; spelled out only for an error.
struct FieldPath {
  const FieldPath* parent = nullptr;
  std::string_view key;   // empty = the list item `index`
  std::size_t index = 0;
  std::string text() const;
};

class Reader {
 public:
  static constexpr bool kReading = true;
  template <class T>
  using Ref = T&;

  Reader(const json& value, const FieldPath* path, std::vector<Cause>& causes)
      : value_(value), path_(path), causes_(causes) {}

  template <class T>
  void field(const char* key, T& out) {
    if (const json* found = find(key)) {
      const FieldPath path{path_, key};
      Reader(*found, &path, causes_).value(out);
    }
  }
  template <class T>
  void field(const char* key, T& out, const std::type_identity_t<T>& /*fallback*/) {
    field(key, out);
  }
  template <class T>
  void always(const char* key, T& out) {
    field(key, out);
  }
  void seconds(const char* key, TimePoint& out) { field(key, out); }
  void seconds(const char* key, std::optional<TimePoint>& out) { field(key, out); }
  // Fields of an inner object that has no struct of its own.
  template <class F>
  void object(const char* key, F&& inner) {
    const json* found = find(key);
    if (found == nullptr) return;
    const FieldPath path{path_, key};
    Reader reader(*found, &path, causes_);
    if (reader.is_object()) inner(reader);
  }

  bool has(const char* key) const { return find(key) != nullptr; }
  // A cause about this value, in Kubernetes' words.
  void wrong(std::string_view what);
  void wrong(const char* key, std::string_view what);
  // For values that must not be shown.
  void wrong_hidden(std::string_view key, std::string_view what);

  void value(std::string& out);
  void value(bool& out);
  void value(int& out);
  void value(std::int64_t& out);
  void value(Duration& out);
  void value(TimePoint& out);
  void value(TextMap& out);
  void value(CountMap& out);
  void value(IntOrPercent& out);
  template <class T>
  void value(std::optional<T>& out) {
    value(out.emplace());
  }
  template <class T>
  void value(std::vector<T>& out) {
    if (!is_array()) return;
    out.clear();
    out.reserve(value_.size());
    for (std::size_t i = 0; i < value_.size(); ++i) {
      const FieldPath path{path_, {}, i};
      Reader(value_[i], &path, causes_).value(out.emplace_back());
    }
  }
  template <class T>
  void value(T& out) {
    if constexpr (std::is_enum_v<T>) {
      const int index = enumerator(kEnumNames<T>.data(), kEnumNames<T>.size());
      if (index >= 0) out = static_cast<T>(index);
    } else {
      if (is_object()) fields(*this, out);
    }
  }

 private:
  const json* find(const char* key) const;
  // False, with a cause, when the value has another type.
  bool is_object();
  bool is_array();
  bool is_integer(std::int64_t low, std::int64_t high, std::int64_t& out);
  int enumerator(const std::string_view* names, std::size_t count);  // -1 with a cause
  void wrong_type(std::string_view wanted);

  const json& value_;
  const FieldPath* path_;
  std::vector<Cause>& causes_;
};

json to_json(const std::string& value);
json to_json(bool value);
json to_json(int value);
json to_json(std::int64_t value);
json to_json(Duration value);
json to_json(TimePoint value);  // MicroTime
json to_json(const TextMap& value);
json to_json(const CountMap& value);
json to_json(const IntOrPercent& value);

class Writer {
 public:
  static constexpr bool kReading = false;
  template <class T>
  using Ref = const T&;

  template <class T>
  void field(const char* key, const T& in) {
    if constexpr (requires(Writer & w) { fields(w, in); }) {
      json inner = value(in);
      if (!inner.empty()) object_[key] = std::move(inner);
    } else {
      field(key, in, T{});
    }
  }
  template <class T>
  void field(const char* key, const T& in, const std::type_identity_t<T>& fallback) {
    if (!(in == fallback)) object_[key] = value(in);
  }
  template <class T>
  void always(const char* key, const T& in) {
    object_[key] = value(in);
  }
  void seconds(const char* key, const TimePoint& in);
  void seconds(const char* key, const std::optional<TimePoint>& in);
  template <class F>
  void object(const char* key, F&& inner) {
    Writer writer;
    inner(writer);
    if (!writer.object_.empty()) object_[key] = std::move(writer.object_);
  }
  json take() { return std::move(object_); }

 private:
  template <class T>
  static json value(const std::optional<T>& in) {
    return value(*in);
  }
  template <class T>
  static json value(const std::vector<T>& in) {
    json list = json::array();
    for (const T& item : in) list.push_back(value(item));
    return list;
  }
  template <class T>
  static json value(const T& in) {
    if constexpr (std::is_enum_v<T>) {
      return std::string(kEnumNames<T>[static_cast<std::size_t>(in)]);
    } else if constexpr (requires(Writer & w) { fields(w, in); }) {
      Writer writer;
      fields(writer, in);
      return writer.take();
    } else {
      return to_json(in);
    }
  }

  json object_ = json::object();
};

template <class A, class T>
using Ref = typename A::template Ref<T>;

}  // namespace tidelock::api
