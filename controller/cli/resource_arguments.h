// SPDX-License-Identifier: Apache-2.0
// `tenants`, `tenant t1 t2`, `ten,tgt`, `tenant/t1 target/w1` to kinds and names, as kubectl reads
// them.
#pragma once

#include <string>
#include <vector>

#include "controller/cli/discovery.h"

namespace tidelock::cli {

struct Selection {
  const ResourceInfo* info = nullptr;
  std::vector<std::string> names;  // empty = all that a selector leaves
};

// `verb` stands in the message when the arguments are wrong ("get").
Result<std::vector<Selection>> parse_selections(const Discovery& discovery,
                                                const std::vector<std::string>& arguments,
                                                const std::string& verb);

// One object: KIND NAME, KIND/NAME, or NAME alone of `default_kind`.
struct Named {
  const ResourceInfo* info = nullptr;
  std::string name;
};
Result<Named> parse_named(const Discovery& discovery, const std::vector<std::string>& arguments,
                          const std::string& default_kind);

}  // namespace tidelock::cli
