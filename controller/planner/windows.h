// SPDX-License-Identifier: Apache-2.0
// Which pairs may start now by the DeploymentWindows of a namespace (semantics.md §5).
//
// A value: set()/remove() tell it the windows, advance(now) moves its time, questions are about
// that time. Each window is read once per version and evaluated once per change, whatever the
// number of pairs. Rules:
// - A Deny that is open beats every Allow. If any Allow selects the pair, one must be open.
// - Before `from` and from `until` on, a window counts as not there.
// - For a rollback, a Deny with allowRollback counts as not there and such an Allow as open.
// - A window that cannot be read blocks: an Allow never opens, a Deny always denies.
// - Started tasks are cancelled by an open Deny with inFlight: Cancel, or when no Allow is open and
//   the one that closed last has it. One that cannot be read cancels nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/planner/opening_hours.h"
#include "controller/planner/pair_selector.h"

namespace tidelock::planner {

struct WindowVerdict {
  bool open = true;                // a task may start
  std::string window;              // who blocks; empty = open
  std::optional<TimePoint> until;  // when the pair may start; absent = not in sight
  bool cancel_in_flight = false;
  std::string message;  // "waits for Window nights, which is closed; may start at …"
  bool operator==(const WindowVerdict&) const = default;
};

class Windows {
 public:
  // The object as it is now; replaces an older version. Cheap when the spec is the known one.
  void set(const api::DeploymentWindow& window);
  void remove(const std::string& name);
  bool empty() const { return entries_.empty(); }

  // Moves to `now` (also back). Answers the windows that are not what they were at the time before:
  // the verdicts of pairs that they select may have changed. Those that were set or removed since
  // are among them; pairs that their older version selected are the caller's to know.
  std::set<std::string> advance(TimePoint now);
  // When advance() changes anything next.
  TimePoint next() const { return next_; }

  // At the time of the last advance(). INVARIANT: nothing was set or removed since.
  WindowVerdict verdict(const SelectedPair& pair, bool rollback);
  // False for unknown names.
  bool selects(const std::string& window, const SelectedPair& pair) const;
  // At the time of the last advance(). INVARIANT: the window is known.
  api::DeploymentWindowStatus status(const std::string& window) const;
  // Why a window cannot be read; empty = it can, or is unknown.
  std::string problem(const std::string& window) const;

 private:
  struct Entry {
    std::string name;
    std::int64_t generation = 0;
    api::DeploymentWindowSpec spec;
    std::optional<OpeningHours> hours;  // absent = cannot be read
    std::string problem;
    OpeningState state;  // from evaluated_at to state.certain_until
    TimePoint evaluated_at = kNever;
    OpeningState at(TimePoint time) const;
  };
  // By name. The verdict is the same for all pairs that the same windows select.
  using Selection = std::vector<const Entry*>;
  // Who keeps the selecting pairs waiting, and when that may be over at the earliest.
  struct Block {
    const Entry* window = nullptr;
    bool cancel_in_flight = false;
    TimePoint ask_again = kNever;
  };
  static std::optional<Block> denied(const Selection& selection, bool rollback, TimePoint time);
  static std::optional<Block> not_allowed(const Selection& selection, bool rollback,
                                          TimePoint time);
  static std::optional<Block> blocked(const Selection& selection, bool rollback, TimePoint time);
  void evaluate(Entry& entry, std::set<std::string>& changed);
  static WindowVerdict judge(const Selection& selection, bool rollback, TimePoint now);

  std::map<std::string, Entry> entries_;
  SelectorIndex by_selector_;
  std::set<std::pair<TimePoint, std::string>> certain_until_;  // of entries, where that comes to an end
  std::set<std::string> changed_;  // since the last advance()
  TimePoint now_ = TimePoint::min();
  TimePoint next_ = kNever;
  std::map<std::pair<Selection, bool>, WindowVerdict> verdicts_;  // at now_, as far as asked
};

}  // namespace tidelock::planner
