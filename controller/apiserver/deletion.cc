// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/deletion.h"

#include <nlohmann/json.hpp>

#include "controller/apiserver/crds.h"
#include "controller/apiserver/metadata.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/status.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

Result<void> check_preconditions(const ResourceType& type, const std::string& name,
                                 const json& metadata, const DeleteOptions& options) {
  const std::string uid = metadata_text(metadata, "uid");
  if (!options.precondition_uid.empty() && options.precondition_uid != uid) {
    return fail(conflict_precondition(
        type, name,
        "the UID in the precondition (" + options.precondition_uid +
            ") does not match the UID in record (" + uid +
            "). The object might have been deleted and then recreated"));
  }
  const std::string version = metadata_text(metadata, "resourceVersion");
  const std::string& wanted = options.precondition_resource_version;
  if (!wanted.empty() && wanted != version) {
    return fail(conflict_precondition(
        type, name,
        "the ResourceVersion in the precondition (" + wanted +
            ") does not match the ResourceVersion in record (" + version +
            "). The object might have been modified"));
  }
  return {};
}

// The garbage collector's finalizers as the propagation wants them.
void set_propagation(json& metadata, Propagation propagation) {
  switch (propagation) {
    case Propagation::Default: return;
    case Propagation::Background:
      remove_finalizer(metadata, kOrphanFinalizer);
      remove_finalizer(metadata, kForegroundFinalizer);
      return;
    case Propagation::Foreground:
      remove_finalizer(metadata, kOrphanFinalizer);
      add_finalizer(metadata, kForegroundFinalizer);
      return;
    case Propagation::Orphan:
      remove_finalizer(metadata, kForegroundFinalizer);
      add_finalizer(metadata, kOrphanFinalizer);
      return;
  }
}

bool is_permanent_namespace(const std::string& name) {
  return name == "default" || name == "kube-system" || name == "kube-public";
}

Result<Change> delete_namespace(Context& context, const ResourceType& type, const std::string& name,
                                json object) {
  if (is_permanent_namespace(name)) {
    return fail(forbidden(type, name, "this namespace may not be deleted"));
  }
  // Never removed here, whatever its finalizers: its contents go first.
  mark_deleting(type, object["metadata"], context.clock.now());
  object["status"]["phase"] = "Terminating";
  return Change{Change::Kind::Put, encode_stored(type, object)};
}

Result<Change> delete_crd(Context& context, const ResourceType& type, json object) {
  if (is_deleting(object["metadata"])) return Change{};
  mark_crd_terminating(object, context.clock.now());
  mark_deleting(type, object["metadata"], context.clock.now());
  return Change{Change::Kind::Put, encode_stored(type, object)};
}

Result<Change> decide(Context& context, const ResourceType& type, const store::Entry& current,
                      const DeleteOptions& options) {
  const std::string name(split_key(current.key).name);
  json object = object_json(type, current.value, current.mod_revision);
  json& metadata = object["metadata"];
  if (const auto met = check_preconditions(type, name, metadata, options); !met) {
    return fail(met.error());
  }
  if (type.builtin == Builtin::Namespace) {
    return delete_namespace(context, type, name, std::move(object));
  }
  set_propagation(metadata, options.propagation);
  if (type.builtin == Builtin::Crd) return delete_crd(context, type, std::move(object));
  if (!has_finalizers(metadata)) return Change{Change::Kind::Remove, encode_stored(type, object)};
  mark_deleting(type, metadata, context.clock.now());
  return Change{Change::Kind::Put, encode_stored(type, object)};
}

}  // namespace

void start_delete(Context& context, const ResourceTypePtr& type, const std::string& key,
                  const DeleteOptions& options, WriteDone done) {
  WriteOperation write;
  write.type = type;
  write.key = key;
  write.dry_run = options.dry_run;
  write.decide = [&context, type, key, options](const store::Entry* current) -> Result<Change> {
    if (current == nullptr) return fail(not_found(*type, split_key(key).name));
    return decide(context, *type, *current, options);
  };
  start_write(context, std::move(write), std::move(done));
}

}  // namespace tidelock::apiserver
