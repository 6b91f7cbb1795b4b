// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/protobuf.h"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/digest.h"
#include "controller/base/time.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

enum class Type { Text, Integer, Boolean, Seconds, Micros, TextMap, BytesMap, Message };

struct Message;
struct Field {
  std::uint32_t number;
  const char* name;
  Type type;
  const Message* message = nullptr;
  bool repeated = false;
  // A pointer in Go: an empty text or a zero is a value. Others are left out, as omitempty does.
  bool keeps_zero = false;
};
struct Message {
  std::vector<Field> fields;
};

const Message kOwnerReference{{{1, "kind", Type::Text},
                               {3, "name", Type::Text},
                               {4, "uid", Type::Text},
                               {5, "apiVersion", Type::Text},
                               {6, "controller", Type::Boolean},
                               {7, "blockOwnerDeletion", Type::Boolean}}};
// managedFields (17) is not kept by this server.
const Message kObjectMeta{{{1, "name", Type::Text},
                           {2, "generateName", Type::Text},
                           {3, "namespace", Type::Text},
                           {5, "uid", Type::Text},
                           {6, "resourceVersion", Type::Text},
                           {7, "generation", Type::Integer},
                           {8, "creationTimestamp", Type::Seconds},
                           {9, "deletionTimestamp", Type::Seconds},
                           {10, "deletionGracePeriodSeconds", Type::Integer, nullptr, false, true},
                           {11, "labels", Type::TextMap},
                           {12, "annotations", Type::TextMap},
                           {13, "ownerReferences", Type::Message, &kOwnerReference, true},
                           {14, "finalizers", Type::Text, nullptr, true}}};
const Message kObjectReference{{{1, "kind", Type::Text},
                                {2, "namespace", Type::Text},
                                {3, "name", Type::Text},
                                {4, "uid", Type::Text},
                                {5, "apiVersion", Type::Text},
                                {6, "resourceVersion", Type::Text},
                                {7, "fieldPath", Type::Text}}};
const Message kLocalReference{{{1, "name", Type::Text}}};
const Message kNamespaceSpec{{{1, "finalizers", Type::Text, nullptr, true}}};
const Message kNamespaceStatus{{{1, "phase", Type::Text}}};
const Message kNamespace{{{1, "metadata", Type::Message, &kObjectMeta},
                          {2, "spec", Type::Message, &kNamespaceSpec},
                          {3, "status", Type::Message, &kNamespaceStatus}}};
const Message kSecret{{{1, "metadata", Type::Message, &kObjectMeta},
                       {2, "data", Type::BytesMap},
                       {3, "type", Type::Text},
                       {4, "stringData", Type::TextMap},
                       {5, "immutable", Type::Boolean}}};
const Message kConfigMap{{{1, "metadata", Type::Message, &kObjectMeta},
                          {2, "data", Type::TextMap},
                          {3, "binaryData", Type::BytesMap},
                          {4, "immutable", Type::Boolean}}};
const Message kServiceAccount{{{1, "metadata", Type::Message, &kObjectMeta},
                               {2, "secrets", Type::Message, &kObjectReference, true},
                               {3, "imagePullSecrets", Type::Message, &kLocalReference, true},
                               {4, "automountServiceAccountToken", Type::Boolean}}};
const Message kEventSource{{{1, "component", Type::Text}, {2, "host", Type::Text}}};
const Message kEventSeries{{{1, "count", Type::Integer}, {2, "lastObservedTime", Type::Micros}}};
const Message kEvent{{{1, "metadata", Type::Message, &kObjectMeta},
                      {2, "involvedObject", Type::Message, &kObjectReference},
                      {3, "reason", Type::Text},
                      {4, "message", Type::Text},
                      {5, "source", Type::Message, &kEventSource},
                      {6, "firstTimestamp", Type::Seconds},
                      {7, "lastTimestamp", Type::Seconds},
                      {8, "count", Type::Integer},
                      {9, "type", Type::Text},
                      {10, "eventTime", Type::Micros},
                      {11, "series", Type::Message, &kEventSeries},
                      {12, "action", Type::Text},
                      {13, "related", Type::Message, &kObjectReference},
                      {14, "reportingComponent", Type::Text},
                      {15, "reportingInstance", Type::Text}}};
const Message kLeaseSpec{{{1, "holderIdentity", Type::Text, nullptr, false, true},
                          {2, "leaseDurationSeconds", Type::Integer, nullptr, false, true},
                          {3, "acquireTime", Type::Micros},
                          {4, "renewTime", Type::Micros},
                          {5, "leaseTransitions", Type::Integer, nullptr, false, true},
                          {6, "strategy", Type::Text, nullptr, false, true},
                          {7, "preferredHolder", Type::Text, nullptr, false, true}}};
const Message kLease{{{1, "metadata", Type::Message, &kObjectMeta},
                      {2, "spec", Type::Message, &kLeaseSpec}}};
const Message kPreconditions{{{1, "uid", Type::Text}, {2, "resourceVersion", Type::Text}}};
const Message kDeleteOptions{{{1, "gracePeriodSeconds", Type::Integer, nullptr, false, true},
                              {2, "preconditions", Type::Message, &kPreconditions},
                              {3, "orphanDependents", Type::Boolean},
                              {4, "propagationPolicy", Type::Text},
                              {5, "dryRun", Type::Text, nullptr, true}}};

const Message* message_of(const std::string& api_version, const std::string& kind) {
  // DeleteOptions travel under the version of what they delete.
  if (kind == "DeleteOptions") return &kDeleteOptions;
  static const std::map<std::pair<std::string, std::string>, const Message*> messages = {
      {{"v1", "Namespace"}, &kNamespace},
      {{"v1", "Secret"}, &kSecret},
      {{"v1", "ConfigMap"}, &kConfigMap},
      {{"v1", "ServiceAccount"}, &kServiceAccount},
      {{"v1", "Event"}, &kEvent},
      {{"coordination.k8s.io/v1", "Lease"}, &kLease}};
  const auto found = messages.find({api_version, kind});
  return found == messages.end() ? nullptr : found->second;
}

// One field as it stands on the wire.
struct WireField {
  std::uint32_t number = 0;
  std::uint64_t varint = 0;
  std::optional<std::string_view> bytes;  // set: a length-delimited field
};

class Wire {
 public:
  explicit Wire(std::string_view bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }

  // nullopt: malformed.
  std::optional<WireField> next() {
    const auto tag = varint();
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > 0x1fffffff) return std::nullopt;
    WireField field;
    field.number = static_cast<std::uint32_t>(*tag >> 3);
    switch (*tag & 7) {
      case 0: {
        const auto value = varint();
        if (!value) return std::nullopt;
        field.varint = *value;
        return field;
      }
      case 1: return skip(8, field);
      case 5: return skip(4, field);
      case 2: {
        const auto size = varint();
        if (!size || *size > bytes_.size()) return std::nullopt;
        field.bytes = bytes_.substr(0, *size);
        bytes_.remove_prefix(*size);
        return field;
      }
      default: return std::nullopt;
    }
  }

 private:
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
  }
  std::optional<WireField> skip(std::size_t size, const WireField& field) {
    if (bytes_.size() < size) return std::nullopt;
    bytes_.remove_prefix(size);
    return field;
  }

  std::string_view bytes_;
};

bool decode_message(const Message& message, std::string_view bytes, json& out);

// Go's zero time is an empty message, and an absent field in JSON.
bool decode_time(std::string_view bytes, bool micros, json& out) {
  if (bytes.empty()) return true;
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  for (Wire wire(bytes); !wire.at_end();) {
    const auto field = wire.next();
    if (!field) return false;
    if (field->number == 1) seconds = static_cast<std::int64_t>(field->varint);
    if (field->number == 2) nanos = static_cast<std::int32_t>(field->varint);
  }
  // The years 0 to 9999 and nothing that overflows.
  if (seconds < -62'167'219'200 || seconds > 253'402'300'799) return false;
  if (nanos < 0 || nanos > 999'999'999) return false;
  const TimePoint time{std::chrono::seconds(seconds) + std::chrono::microseconds(nanos / 1000)};
  out = micros ? format_micro_time(time) : format_time(time);
  return true;
}

bool decode_map_entry(std::string_view bytes, bool base64, json& map) {
  std::string key;
  std::string_view value;
  for (Wire wire(bytes); !wire.at_end();) {
    const auto field = wire.next();
    if (!field || !field->bytes) return false;
    if (field->number == 1) key = std::string(*field->bytes);
    if (field->number == 2) value = *field->bytes;
  }
  map[key] = base64 ? base64_encode(value) : std::string(value);
  return true;
}

bool decode_value(const Field& field, const WireField& wire, json& value) {
  if (field.type == Type::Integer || field.type == Type::Boolean) {
    if (wire.bytes) return false;
    const auto number = static_cast<std::int64_t>(wire.varint);
    if (field.type == Type::Boolean) {
      value = number != 0;
    } else if (number != 0 || field.keeps_zero) {
      value = number;
    }
    return true;
  }
  if (!wire.bytes) return false;
  if (field.type == Type::Text) {
    if (!wire.bytes->empty() || field.keeps_zero || field.repeated) value = *wire.bytes;
    return true;
  }
  if (field.type == Type::Message) {
    value = json::object();
    return decode_message(*field.message, *wire.bytes, value);
  }
  return decode_time(*wire.bytes, field.type == Type::Micros, value);
}

bool decode_field(const Field& field, const WireField& wire, json& out) {
  if (field.type == Type::TextMap || field.type == Type::BytesMap) {
    json& map = out[field.name];
    if (map.is_null()) map = json::object();
    return wire.bytes && decode_map_entry(*wire.bytes, field.type == Type::BytesMap, map);
  }
  json value;
  if (!decode_value(field, wire, value)) return false;
  if (value.is_null()) return true;
  if (field.repeated) {
    out[field.name].push_back(std::move(value));
  } else {
    out[field.name] = std::move(value);
  }
  return true;
}

bool decode_message(const Message& message, std::string_view bytes, json& out) {
  for (Wire wire(bytes); !wire.at_end();) {
    const auto part = wire.next();
    if (!part) return false;
    for (const Field& field : message.fields) {
      if (field.number == part->number && !decode_field(field, *part, out)) return false;
    }
  }
  return true;
}

struct Envelope {
  std::string api_version;
  std::string kind;
  std::string_view raw;
};

bool read_type(std::string_view bytes, Envelope& envelope) {
  for (Wire wire(bytes); !wire.at_end();) {
    const auto field = wire.next();
    if (!field) return false;
    if (field->number == 1 && field->bytes) envelope.api_version = std::string(*field->bytes);
    if (field->number == 2 && field->bytes) envelope.kind = std::string(*field->bytes);
  }
  return true;
}

std::optional<Envelope> open_envelope(std::string_view body) {
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!body.starts_with(kMagic)) return std::nullopt;
  Envelope envelope;
  for (Wire wire(body.substr(kMagic.size())); !wire.at_end();) {
    const auto field = wire.next();
    if (!field) return std::nullopt;
    if (field->number == 1 && (!field->bytes || !read_type(*field->bytes, envelope))) {
      return std::nullopt;
    }
    if (field->number == 2 && field->bytes) envelope.raw = *field->bytes;
  }
  return envelope;
}

bool is_utf8(const json& document) {
  try {
    (void)document.dump();
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

}  // namespace

Result<json> decode_protobuf(std::string_view body) {
  const auto envelope = open_envelope(body);
  if (!envelope) return fail(Reason::BadRequest, "the body is not a protobuf object");
  const Message* message = message_of(envelope->api_version, envelope->kind);
  if (message == nullptr) return fail(Reason::UnsupportedMediaType, "");
  json document = {{"apiVersion", envelope->api_version}, {"kind", envelope->kind}};
  if (!decode_message(*message, envelope->raw, document) || !is_utf8(document)) {
    return fail(Reason::BadRequest, "the protobuf body of a " + envelope->kind + " is malformed");
  }
  return document;
}

}  // namespace tidelock::apiserver
