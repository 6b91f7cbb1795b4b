// SPDX-License-Identifier: Apache-2.0
// The rest of a namespace as api::validate() sees it, read from the store when asked.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "controller/api/validation.h"
#include "controller/store/store.h"

namespace tidelock::apiserver {

// For one validation, by one thread: keeps what it has read. view() must not outlive it.
class NamespaceReferences {
 public:
  NamespaceReferences(store::Store& store, std::string ns);
  ~NamespaceReferences();
  api::References view() const;

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace tidelock::apiserver
