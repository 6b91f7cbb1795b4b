// SPDX-License-Identifier: Apache-2.0
// Namespaces and CRDs that are being deleted: their contents go first, then they go themselves.
// Fed with every change of the store, in order.
#pragma once

#include <set>
#include <string>

#include "controller/apiserver/background_writer.h"
#include "controller/apiserver/context.h"

namespace tidelock::apiserver {

// Not thread-safe.
class Terminations {
 public:
  Terminations(Context& context, BackgroundWriter& writer);

  void observe(const std::string& key, const std::string* value);
  // Has everything looked at again.
  void touch_all();
  // True if it started a write.
  bool run();
  void clear();

 private:
  bool empty_namespace(const std::string& ns, bool& anything_left);
  bool finish_namespace(const std::string& ns);
  bool empty_crd(const std::string& crd_key);
  bool delete_range(const ResourceTypePtr& type, const std::string& prefix, bool& anything_left);

  Context& context_;
  BackgroundWriter& writer_;
  std::set<std::string> namespaces_;        // terminating, by name
  std::set<std::string> crds_;              // terminating, by store key
  std::set<std::string> dirty_namespaces_;  // to be looked at
  bool crds_dirty_ = false;
  bool look_again_ = false;  // something could not be read
};

}  // namespace tidelock::apiserver
