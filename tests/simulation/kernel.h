// SPDX-License-Identifier: Apache-2.0
// The laws of a simulated world: virtual time, events in an order that the seed decides, a trace with a
// hash over it, probes of rare paths, and the first broken invariant.
//
// One per run, one thread. Events of one instant run in an order drawn from the seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/random.h"
#include "controller/base/time.h"
#include "tests/support/fake_clock.h"

namespace tidelock::simulation {

struct Violation {
  std::string invariant;  // "mutual exclusion"
  std::string message;
  TimePoint at;
};

class Kernel {
 public:
  Kernel(std::uint64_t seed, bool print_trace) : random_(seed), print_(print_trace) {}

  TimePoint now() const { return now_; }
  Random& random() { return random_; }
  Duration between(Duration low, Duration high) {
    return Duration(random_.between(low.count(), high.count()));
  }

  void at(TimePoint time, std::function<void()> event);
  void after(Duration delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }
  // Runs the next event if it is due until `limit`; false if there is none.
  bool step(TimePoint limit);

  // One line of the trace. Everything that happens goes through it, so equal hashes are equal runs.
  void trace(std::string_view who, std::string_view what, std::string_view detail = {});
  std::uint64_t trace_hash() const { return hash_; }
  std::uint64_t events() const { return events_; }

  void probe(const std::string& name) { ++probes_[name]; }
  const std::map<std::string, std::uint64_t>& probes() const { return probes_; }

  // Only the first counts: what follows may be its consequence.
  void violated(const std::string& invariant, const std::string& message);
  const std::optional<Violation>& violation() const { return violation_; }

 private:
  struct Event {
    TimePoint time;
    std::uint64_t tie;
    std::uint64_t sequence;
    std::function<void()> run;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const;
  };

  TimePoint now_ = testing::kEpoch;
  SeededRandom random_;
  bool print_;
  std::vector<Event> queue_;  // a heap
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t hash_ = 14695981039346656037ULL;
  std::map<std::string, std::uint64_t> probes_;
  std::optional<Violation> violation_;
};

}  // namespace tidelock::simulation
