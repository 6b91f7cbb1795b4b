// SPDX-License-Identifier: Apache-2.0
// Internal to the codecs: decode, encode and encode_status of a kind from its field list, to be
// instantiated in the codec file of the kind by TIDELOCK_CODEC.
#pragma once

#include "controller/api/codec.h"
#include "controller/api/codec_fields.h"
#include "controller/base/limits.h"

namespace tidelock::api {

template <class T>
concept HasSpec = requires(T object) { object.spec; };
template <class T>
concept HasStatus = requires(T object) { object.status; };

// What stands beside metadata. Kinds without spec and status have a list of their own.
template <class A, HasSpec T>
void body(A& a, T& object) {
  a.field("spec", object.spec);
  if constexpr (HasStatus<T>) a.field("status", object.status);
}

std::string api_version(const KindInfo& info);
// The causes of a document that is no object or says it is another kind.
std::vector<Cause> check_type(const json& document, const KindInfo& info);
Error decode_error(const KindInfo& info, const std::string& name, std::vector<Cause> causes);

template <class T>
Result<T> decode(const json& document) {
  const KindInfo& info = kind_info<T>();
  std::vector<Cause> causes = check_type(document, info);
  T object;
  if (causes.empty()) {
    Reader reader(document, nullptr, causes);
    reader.field("metadata", object.metadata);
    body(reader, object);
  }
  if (causes.empty()) return object;
  return fail(decode_error(info, object.metadata.name, std::move(causes)));
}

template <class T>
Result<T> decode(std::string_view json_text) {
  auto document = parse_json(json_text, limits::kRequestBodyBytesMax);
  if (!document) return fail(document.error());
  return decode<T>(*document);
}

template <class T>
json encode(const T& object) {
  const KindInfo& info = kind_info<T>();
  Writer writer;
  writer.always("apiVersion", api_version(info));
  writer.always("kind", std::string(info.kind));
  writer.field("metadata", object.metadata);
  body(writer, object);
  return writer.take();
}

template <class T>
json encode_status(const T& object) {
  Writer writer;
  fields(writer, object.status);
  return writer.take();
}

}  // namespace tidelock::api

#define TIDELOCK_CODEC(T)                                        \
  template Result<T> decode<T>(const nlohmann::json& document);  \
  template Result<T> decode<T>(std::string_view json_text);      \
  template nlohmann::json encode<T>(const T& object)

#define TIDELOCK_STATUS_CODEC(T) template nlohmann::json encode_status<T>(const T& object)
