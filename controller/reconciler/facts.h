// SPDX-License-Identifier: Apache-2.0
// Everything the controller knows: one reflector per kind, over all namespaces.
//
// A Listener hears of each change, whether it came by a watch or as the answer of an own write.
// Not thread-safe.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "controller/api/codec.h"
#include "controller/api/kinds.h"
#include "controller/client/reflector.h"

namespace tidelock::reconciler {

template <class... Ts>
struct KindList {};
using AllKinds =
    KindList<api::Project, api::Release, api::Environment, api::Tenant, api::Target, api::LockGroup,
             api::ConcurrencyBudget, api::TenantDeployment, api::Rollout, api::Installation,
             api::DeploymentTask, api::DeploymentWindow, api::Approval, api::ReleaseHold>;

template <class Kinds>
class FactsOf;

template <class... Ts>
class FactsOf<KindList<Ts...>> {
 public:
  template <class T>
  using Ptr = std::shared_ptr<const T>;
  using Undecodable = std::function<void(const api::KindInfo&, const api::ObjectKey&, const Error&)>;

  FactsOf(client::ApiClient& api, const Wake& wake, const Undecodable& on_undecodable)
      : reflectors_(make<Ts>(api, wake, on_undecodable)...) {}

  // Listener: template <class T> void changed(key, Ptr<T> old, Ptr<T> new), for every T.
  template <class Listener>
  TimePoint step(TimePoint now, Listener& listener) {
    return std::min({of<Ts>().step(now, [&listener](const auto& key, const auto& a, const auto& b) {
      listener.template changed<Ts>(key, a, b);
    })...});
  }

  bool synced() const { return (of<Ts>().synced() && ...); }

  template <class T>
  Ptr<T> get(const std::string& ns, const std::string& name) const {
    return of<T>().cache().get({ns, name});
  }

  // f(Ptr<T>) for every object of the namespace, of every kind.
  template <class F>
  void for_each_in(const std::string& ns, const F& f) const {
    (for_each_of<Ts>(ns, f), ...);
  }
  template <class T, class F>
  void for_each_of(const std::string& ns, const F& f) const {
    const auto& all = of<T>().cache().all();
    for (auto at = all.lower_bound({ns, ""}); at != all.end() && at->first.ns == ns; ++at) {
      f(at->second);
    }
  }

  // The answer of an own write, or an object read again.
  template <class T, class Listener>
  void wrote(const Ptr<T>& object, Listener& listener) {
    const Ptr<T> before = get<T>(object->metadata.ns, object->metadata.name);
    if (const Ptr<T> after = of<T>().wrote(object)) {
      listener.template changed<T>(object->metadata.key(), before, after);
    }
  }
  template <class T, class Listener>
  void erased(const api::ObjectKey& key, const std::string& uid, Listener& listener) {
    if (const Ptr<T> before = of<T>().erased(key, uid)) {
      listener.template changed<T>(key, before, nullptr);
    }
  }

  // Calls f.operator()<T>() for the T whose Kind has this name.
  template <class F>
  static void with_kind(std::string_view kind, const F& f) {
    (void)((api::kind_info<Ts>().kind == kind ? (f.template operator()<Ts>(), true) : false) || ...);
  }

 private:
  template <class T>
  using Held = std::unique_ptr<client::Reflector<T>>;

  template <class T>
  static Held<T> make(client::ApiClient& api, const Wake& wake, const Undecodable& on_undecodable) {
    client::ReflectorOptions options;
    options.resource = client::resource_of<T>();
    options.wake = wake;
    return std::make_unique<client::Reflector<T>>(
        api, std::move(options), [on_undecodable](const api::ObjectKey& key, const Error& error) {
          on_undecodable(api::kind_info<T>(), key, error);
        });
  }
  template <class T>
  client::Reflector<T>& of() {
    return *std::get<Held<T>>(reflectors_);
  }
  template <class T>
  const client::Reflector<T>& of() const {
    return *std::get<Held<T>>(reflectors_);
  }

  std::tuple<Held<Ts>...> reflectors_;
};

using Facts = FactsOf<AllKinds>;

}  // namespace tidelock::reconciler
