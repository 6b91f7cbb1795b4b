// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/windows.h"

#include <algorithm>

#include "controller/base/invariant.h"
#include "controller/base/limits.h"

namespace tidelock::planner {
namespace {

using api::WindowInFlight;
using api::WindowKind;

// Of a window that cannot be read only `from` and `until` are known: a Deny is open between them.
OpeningState unreadable_at(const api::DeploymentWindowSpec& spec, TimePoint time) {
  OpeningState state;
  const bool deny = spec.kind == WindowKind::Deny;
  if (spec.until && (time >= *spec.until || (spec.from && *spec.from >= *spec.until))) return state;
  const bool before = spec.from && time < *spec.from;
  state.exists = !before;
  state.open = deny && !before;
  if (before) {
    state.certain_until = *spec.from;
  } else if (spec.until) {
    state.certain_until = *spec.until;
  }
  if (deny && state.certain_until != kNever) state.next_change = state.certain_until;
  return state;
}

// What a verdict can depend on.
bool alike(const OpeningState& a, const OpeningState& b) {
  return a.exists == b.exists && a.open == b.open && a.next_change == b.next_change &&
         a.closed_at == b.closed_at;
}

}  // namespace

OpeningState Windows::Entry::at(TimePoint time) const {
  if (evaluated_at <= time && time < state.certain_until) return state;
  return hours ? hours->at(time) : unreadable_at(spec, time);
}

void Windows::set(const api::DeploymentWindow& window) {
  const auto& name = window.metadata.name;
  Entry& entry = entries_[name];
  if (!entry.name.empty() && entry.generation == window.metadata.generation &&
      entry.spec == window.spec) {
    return;
  }
  if (!entry.name.empty()) {
    by_selector_.remove(name, entry.spec.selector);
    certain_until_.erase({entry.state.certain_until, name});
  }
  by_selector_.add(name, window.spec.selector);
  entry = {name, window.metadata.generation, window.spec, {}, {}, {}, kNever};
  if (auto hours = OpeningHours::read(window.spec)) {
    entry.hours = std::move(*hours);
  } else {
    entry.problem = hours.error().message;
  }
  changed_.insert(name);
}

void Windows::remove(const std::string& name) {
  const auto place = entries_.find(name);
  if (place == entries_.end()) return;
  by_selector_.remove(name, place->second.spec.selector);
  certain_until_.erase({place->second.state.certain_until, name});
  entries_.erase(place);
  changed_.insert(name);
}

std::set<std::string> Windows::advance(TimePoint now) {
  if (changed_.empty() && now_ <= now && now < next_) {
    now_ = now;
    return {};
  }
  std::set<std::string> due = changed_;
  if (now < now_) {
    for (const auto& [name, entry] : entries_) due.insert(name);
  }
  for (const auto& [end, name] : certain_until_) {
    if (end > now) break;
    due.insert(name);
  }
  now_ = now;
  verdicts_.clear();
  auto changed = std::exchange(changed_, {});
  for (const auto& name : due) {
    const auto entry = entries_.find(name);
    if (entry != entries_.end()) evaluate(entry->second, changed);
  }
  next_ = certain_until_.empty() ? kNever : certain_until_.begin()->first;
  return changed;
}

void Windows::evaluate(Entry& entry, std::set<std::string>& changed) {
  const OpeningState state = entry.at(now_);
  if (!alike(state, entry.state)) changed.insert(entry.name);
  certain_until_.erase({entry.state.certain_until, entry.name});
  if (state.certain_until != kNever) certain_until_.emplace(state.certain_until, entry.name);
  entry.state = state;
  entry.evaluated_at = now_;
}

std::optional<Windows::Block> Windows::denied(const Selection& selection, bool rollback,
                                              TimePoint time) {
  Block block;
  for (const Entry* entry : selection) {
    if (entry->spec.kind != WindowKind::Deny || (rollback && entry->spec.allow_rollback)) continue;
    const OpeningState state = entry->at(time);
    if (!state.open) continue;
    // The one that denies longest is the one to name.
    const TimePoint closes = state.next_change.value_or(kNever);
    if (block.window == nullptr || closes > block.ask_again) {
      block.window = entry;
      block.ask_again = closes;
    }
    if (entry->hours && entry->spec.in_flight == WindowInFlight::Cancel) {
      block.cancel_in_flight = true;
    }
  }
  if (block.window == nullptr) return std::nullopt;
  return block;
}

std::optional<Windows::Block> Windows::not_allowed(const Selection& selection, bool rollback,
                                                   TimePoint time) {
  Block block;
  TimePoint opens = kNever;
  TimePoint closed = TimePoint::min();
  for (const Entry* entry : selection) {
    if (entry->spec.kind != WindowKind::Allow) continue;
    const OpeningState state = entry->at(time);
    block.ask_again = std::min(block.ask_again, state.certain_until);
    if (!state.exists) continue;
    if (state.open || (rollback && entry->spec.allow_rollback)) return std::nullopt;
    // The one that opens first is the one to name.
    const TimePoint opens_at = state.next_change.value_or(kNever);
    if (block.window == nullptr || opens_at < opens) {
      block.window = entry;
      opens = opens_at;
    }
    if (!state.closed_at || *state.closed_at < closed) continue;
    const bool cancels = entry->spec.in_flight == WindowInFlight::Cancel;
    block.cancel_in_flight = cancels || (block.cancel_in_flight && *state.closed_at == closed);
    closed = *state.closed_at;
  }
  if (block.window == nullptr) return std::nullopt;
  return block;
}

std::optional<Windows::Block> Windows::blocked(const Selection& selection, bool rollback,
                                               TimePoint time) {
  if (auto block = denied(selection, rollback, time)) return block;
  return not_allowed(selection, rollback, time);
}

WindowVerdict Windows::judge(const Selection& selection, bool rollback, TimePoint now) {
  WindowVerdict verdict;
  const auto block = blocked(selection, rollback, now);
  if (!block) return verdict;
  const Entry& window = *block->window;
  verdict.open = false;
  verdict.window = window.name;
  verdict.cancel_in_flight = block->cancel_in_flight;
  auto ahead = block;
  TimePoint time = now;
  for (int i = 0; ahead && ahead->ask_again != kNever && i < limits::kWindowChangesAhead; ++i) {
    time = ahead->ask_again;
    ahead = blocked(selection, rollback, time);
  }
  if (!ahead) verdict.until = time;
  const bool deny = window.spec.kind == WindowKind::Deny;
  verdict.message = "waits for Window " + window.name;
  if (!window.hours) {
    verdict.message += ", which cannot be read and so " +
                       std::string(deny ? "denies" : "never opens") + ": " + window.problem;
  } else {
    verdict.message += deny ? ", which denies; " : ", which is closed; ";
    verdict.message +=
        verdict.until ? "may start at " + format_time(*verdict.until) : "no opening is in sight";
  }
  return verdict;
}

WindowVerdict Windows::verdict(const SelectedPair& pair, bool rollback) {
  INVARIANT(changed_.empty());
  Selection selection;
  for (const auto& name : by_selector_.candidates(pair)) {
    const auto& entry = entries_.at(name);
    if (planner::selects(entry.spec.selector, pair)) selection.push_back(&entry);
  }
  if (selection.empty()) return {};
  auto key = std::make_pair(std::move(selection), rollback);
  auto known = verdicts_.find(key);
  if (known == verdicts_.end()) {
    auto verdict = judge(key.first, rollback, now_);
    known = verdicts_.emplace(std::move(key), std::move(verdict)).first;
  }
  return known->second;
}

bool Windows::selects(const std::string& window, const SelectedPair& pair) const {
  const auto entry = entries_.find(window);
  return entry != entries_.end() && planner::selects(entry->second.spec.selector, pair);
}

api::DeploymentWindowStatus Windows::status(const std::string& window) const {
  const auto entry = entries_.find(window);
  INVARIANT(entry != entries_.end());
  const OpeningState& state = entry->second.state;
  return {entry->second.generation, state.open, state.next_change};
}

std::string Windows::problem(const std::string& window) const {
  const auto entry = entries_.find(window);
  return entry == entries_.end() ? "" : entry->second.problem;
}

}  // namespace tidelock::planner
