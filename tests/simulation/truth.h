// SPDX-License-Identifier: Apache-2.0
// What the API really holds: every object of the namespace as of the newest durable revision, and the
// history of revisions by resource. Read straight from the store, so no cache is in between.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "controller/client/decode_shared.h"
#include "controller/reconciler/facts.h"
#include "controller/store/store.h"

namespace tidelock::simulation {

inline constexpr const char* kNamespace = "default";

struct LogEntry {
  store::Revision revision = 0;
  std::string ns;
  std::string name;
  bool deleted = false;
};

template <class Kinds>
class ObjectsOf;
template <class... Ts>
class ObjectsOf<reconciler::KindList<Ts...>> {
 public:
  template <class T>
  using Map = std::map<std::string, std::shared_ptr<const T>>;
  template <class T>
  const Map<T>& all() const {
    return std::get<Map<T>>(maps_);
  }
  template <class T>
  Map<T>& all() {
    return std::get<Map<T>>(maps_);
  }
  template <class T>
  std::shared_ptr<const T> get(const std::string& name) const {
    const auto found = all<T>().find(name);
    return found == all<T>().end() ? nullptr : found->second;
  }
  // f.operator()<T>() for the T of this plural; false if there is none.
  template <class F>
  static bool with_plural(std::string_view plural, const F& f) {
    return ((api::kind_info<Ts>().plural == plural ? (f.template operator()<Ts>(), true) : false) ||
            ...);
  }
  template <class F>
  void for_each(const F& f) const {
    (
        [&] {
          for (const auto& [name, object] : all<Ts>()) f(object);
        }(),
        ...);
  }

 private:
  std::tuple<Map<Ts>...> maps_;
};
using Objects = ObjectsOf<reconciler::AllKinds>;

// The stored text as a watch sends it, so that whoever reads that finds it decoded.
std::string as_sent(const std::string& stored, store::Revision revision);

class Truth {
 public:
  // `changed` hears of each durable change of an object of ours; old or new may be null.
  template <class Listener>
  Truth(store::Store& store, Listener& listener)
      : store_(store), watch_(*store.watch("", "", 0, [] {})) {
    changed_ = [this, &listener](std::string_view plural, const store::Event& event) {
      Objects::with_plural(plural, [&]<class T>() { take<T>(event, listener); });
    };
  }

  // Takes in what became durable. Cheap if nothing did.
  void poll();

  const Objects& objects() const { return objects_; }
  store::Revision revision() const { return revision_; }
  const std::vector<LogEntry>& log(const std::string& plural) const;
  // The task of this uid, also if it is gone.
  std::shared_ptr<const api::DeploymentTask> task_by_uid(const std::string& uid) const;
  // Acquisitions of the planner's lease so far: the epoch of whoever may grant.
  std::int64_t lease_epoch() const { return lease_epoch_; }
  // Of the last change that was no heartbeat, lease or event.
  store::Revision last_change() const { return last_change_; }

 private:
  template <class T, class Listener>
  void take(const store::Event& event, Listener& listener) {
    const std::string name = event.key.substr(event.key.rfind('/') + 1);
    const std::shared_ptr<const T> before = objects_.get<T>(name);
    std::shared_ptr<const T> after;
    if (event.value) {
      auto decoded = client::decode_shared<T>(as_sent(*event.value, event.revision));
      if (!decoded) return;
      after = std::move(*decoded);
      objects_.all<T>()[name] = after;
    } else {
      objects_.all<T>().erase(name);
    }
    if constexpr (std::is_same_v<T, api::DeploymentTask>) {
      if (after) tasks_[after->metadata.uid] = after;
    }
    listener.template changed<T>(before, after);
  }

  store::Store& store_;
  std::unique_ptr<store::Watch> watch_;
  std::function<void(std::string_view plural, const store::Event&)> changed_;
  Objects objects_;
  store::Revision revision_ = 0;
  store::Revision last_change_ = 0;
  std::int64_t lease_epoch_ = 0;
  std::map<std::string, std::vector<LogEntry>> logs_;
  std::map<std::string, std::shared_ptr<const api::DeploymentTask>> tasks_;
};

}  // namespace tidelock::simulation
