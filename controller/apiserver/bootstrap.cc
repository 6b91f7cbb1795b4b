// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/bootstrap.h"

#include <future>
#include <nlohmann/json.hpp>

#include "controller/api/yaml.h"
#include "controller/apiserver/admission.h"
#include "controller/apiserver/metadata.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/status.h"
#include "controller/apiserver/write_operation.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

Result<void> load_type(Context& context, const ResourceTypePtr& type) {
  const std::string start = type->prefix();
  const auto page = context.store.list(start, store::prefix_end(start), 0);
  if (!page) return fail(page.error());
  for (const auto& entry : page->entries) {
    context.committed(*type, entry.key, &entry.value, entry.mod_revision);
  }
  return {};
}

// The stored spec and metadata with the wanted spec, labels and annotations over them.
json merged(json old, const json& wanted) {
  old["spec"] = wanted.value("spec", json::object());
  const json metadata = wanted.value("metadata", json::object());
  for (const char* field : {"labels", "annotations"}) {
    if (metadata.contains(field)) old["metadata"][field].update(metadata[field]);
  }
  return old;
}

Result<Change> decide(Context& context, const ResourceType& type, const std::string& name,
                      const json& wanted, const store::Entry* current) {
  static const User self{"system:apiserver", {}};
  Admission admission{context, type, self, "", name, "", FieldValidation::Ignore, false, {}, {}};
  if (current == nullptr) {
    auto stored = admit_create(admission, wanted);
    if (!stored) return fail(stored.error());
    return Change{Change::Kind::Put, std::move(*stored)};
  }
  const json old = object_json(type, current->value, current->mod_revision);
  return admit_update(admission, merged(old, wanted), old);
}

// Creates or updates, and waits for it.
Result<void> ensure(Context& context, const ResourceTypePtr& type, const json& wanted) {
  const std::string name = metadata_text(wanted.value("metadata", json::object()), "name");
  WriteOperation write;
  write.type = type;
  write.key = type->key("", name);
  write.decide = [&](const store::Entry* current) {
    return decide(context, *type, name, wanted, current);
  };
  // Shared: the waiter may be done while set_value() is still notifying.
  auto promise = std::make_shared<std::promise<Result<Written>>>();
  std::future<Result<Written>> future = promise->get_future();
  start_write(context, std::move(write),
              [promise](Result<Written> written) { promise->set_value(std::move(written)); });
  const Result<Written> written = future.get();
  if (written) return {};
  Error error = written.error();
  error.message = type->kind + " " + name + ": " + error.message;
  return fail(std::move(error));
}

}  // namespace

Result<void> load_stored_state(Context& context) {
  if (auto loaded = load_type(context, context.registry.find("", "v1", "namespaces")); !loaded) {
    return loaded;
  }
  return load_type(context, context.registry.find("apiextensions.k8s.io", "v1",
                                                  "customresourcedefinitions"));
}

Result<void> make_default_objects(Context& context) {
  const auto namespaces = context.registry.find("", "v1", "namespaces");
  for (const char* name : {"default", "kube-system", "kube-public"}) {
    const json wanted = {{"metadata", {{"name", name}}}};
    if (context.namespaces.state(name) != NamespaceTable::State::Absent) continue;
    if (auto made = ensure(context, namespaces, wanted); !made) return made;
  }
  const auto crds =
      context.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  for (const std::string& text : context.options.crds) {
    const auto documents = api::parse_yaml(text);
    if (!documents) return fail(documents.error());
    for (const auto& document : *documents) {
      if (auto made = ensure(context, crds, *document.json); !made) return made;
    }
  }
  return {};
}

}  // namespace tidelock::apiserver
