// SPDX-License-Identifier: Apache-2.0
// What goes over the wire: watches show every revision of their resource once, in order; a write that was
// acknowledged is in the history of the store.
#pragma once

#include <map>
#include <string>

#include "controller/http/message.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/network.h"
#include "tests/simulation/truth.h"

namespace tidelock::simulation {

class WireChecker {
 public:
  WireChecker(Kernel& kernel, const Truth& truth) : kernel_(kernel), truth_(truth) {}
  void opened(const Connection& connection);
  void sent(const Connection& connection, const std::string& line);
  void acknowledged(const http::Request& request, const http::Response& response);
  std::uint64_t watch_events() const { return watch_events_; }
  std::uint64_t acknowledged_writes() const { return acknowledged_; }

 private:
  struct Watch {
    std::string plural;
    store::Revision seen = 0;
    std::size_t next = 0;     // in the log
    bool selective = false;   // only some events: order is all that can be checked
  };
  void check_bookmark(Watch& watch, store::Revision revision, const std::string& who);

  Kernel& kernel_;
  const Truth& truth_;
  std::map<std::uint64_t, Watch> watches_;  // by connection
  std::uint64_t watch_events_ = 0;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace tidelock::simulation
