// SPDX-License-Identifier: Apache-2.0
// The plan of a namespace and what can be said of its time: the controller's planner over facts,
// with its own writes played through.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/facts.h"
#include "controller/planner/rehearsal.h"

namespace tidelock::cli {

struct Outlook {
  std::vector<planner::PlanRow> rows;  // by order
  std::map<std::string, api::RolloutStrategy> strategies;
  std::unique_ptr<planner::Rehearsal> rehearsal;  // settled: nothing has run yet
};
Result<Outlook> look_ahead(const Facts& facts, TimePoint now);

// Whether the row says that something will happen, or should and cannot.
inline bool is_change(const planner::PlanRow& row) { return row.action != api::Action::None; }

// semantics.md §9, of these rows.
std::string hash_of(const Outlook& outlook, const std::vector<planner::PlanRow>& rows);

// Beyond so many changing pairs a forecast would take longer than a person waits.
inline constexpr std::ptrdiff_t kForecastPairsMax = 2'000;

// When it would be done if every step took the mean of the past ones of the same project and name,
// on the same target if there are any, under the locks, budgets and waves that there are. Failures,
// people and other rollouts to come are not in it.
struct Forecast {
  struct Wave {
    std::string name;
    int pairs = 0;
    int done = 0;  // within the forecast
    std::optional<TimePoint> start, finish;
  };
  std::string unknown;  // why there is no forecast; empty = there is one
  Wave all;
  std::vector<Wave> waves;         // as they begin; empty with less than two
  std::vector<std::string> gates;  // whose approval is assumed, as they are reached
  std::string waits_for;           // what the pairs that do not get done wait for
};
// Plays the outlook's rehearsal on; once. `facts` are those that the outlook is of.
Forecast forecast(Outlook& outlook, const Facts& facts, const std::vector<planner::PlanRow>& rows);

}  // namespace tidelock::cli
