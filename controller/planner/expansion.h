// SPDX-License-Identifier: Apache-2.0
// From a TenantDeployment to its pairs, each with the release that it is to have (semantics.md §1).
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/planner/facts.h"

namespace tidelock::planner {

struct ReleaseChoice {
  std::string release;  // name
  std::string version;
  std::string digest;  // empty: not yet snapshotted, or a problem
  std::optional<Problem> problem;
  bool operator==(const ReleaseChoice&) const = default;
};

struct Wish {
  std::string project, environment, tenant, target;  // tenant: empty = untenanted
  std::string deployment;                            // name of the TenantDeployment
  std::string rollout;                               // name; empty while no release is known
  ReleaseChoice choice;
  int wave = 0;      // of its rollout; -1 = none takes it
  int rank = 0;      // among those of its wave that ask at the same time; lesser first
  std::string hold;  // the ReleaseHold that keeps it off `choice`; empty = none
  bool operator==(const Wish&) const = default;
};

// The wishes of one deployment, by installation name. What they have in common is kept once; a Wish is
// made when it is asked for.
class Wishes {
  struct Row {
    std::uint32_t choice = 0, hold = 0;  // places in choices_, holds_
    int wave = 0;
    int rank = 0;
  };
  struct Pair {
    std::string tenant, target;
    bool operator==(const Pair&) const = default;
  };
  using Rows = std::map<std::string, Row>;

 public:
  class Iterator {
   public:
    Iterator(const Wishes& wishes, Rows::const_iterator at) : wishes_(&wishes), at_(at) {}
    std::pair<const std::string&, Wish> operator*() const { return {at_->first, wishes_->wish(at_->first, at_->second)}; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const Wishes* wishes_;
    Rows::const_iterator at_;
  };

  // INVARIANT: of the same project, environment, deployment and rollout as the others.
  void add(const std::string& installation, const Wish& wish);
  void set_rank(const std::string& installation, int rank) { rows_.at(installation).rank = rank; }
  std::optional<Wish> find(const std::string& installation) const;
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  Iterator begin() const { return {*this, rows_.begin()}; }
  Iterator end() const { return {*this, rows_.end()}; }

 private:
  Pair pair_in(const std::string& installation) const;
  Wish wish(const std::string& installation, const Row& row) const;

  Rows rows_;
  std::map<std::string, Pair> odd_;  // those whose name does not say the pair
  std::string project_, environment_, deployment_, rollout_;
  std::vector<ReleaseChoice> choices_;  // few: the deployment's and those of its pins
  std::vector<std::string> holds_;
};

struct Expansion {
  ReleaseChoice main;                  // without pins
  Wishes wishes;
  std::vector<std::string> waves;      // names
  std::vector<std::string> unmatched;  // installations that no wave takes
  std::string ambiguous;               // one that two waves would take; empty = none
};

// "<deployment>-<short digest>".
std::string rollout_name(const std::string& deployment, const std::string& digest);

// The Project or Environment that a deployment names and that does not exist.
std::optional<Problem> missing_objects(const Facts& facts, const api::TenantDeployment& deployment);

Expansion expand(const Facts& facts, const api::TenantDeployment& deployment);

// The strategy that applies to a rollout: its own copy, else the deployment's.
const api::RolloutStrategy& strategy_of(const Facts& facts, const std::string& rollout,
                                        const std::string& deployment);

// Of two TenantDeployments that claim one pair, the one that keeps it.
bool claims_before(const api::TenantDeployment& a, const api::TenantDeployment& b);

// The digest and process snapshot that a Release is to have; nullopt when it has them, or cannot
// have them yet.
std::optional<api::ReleaseStatus> snapshot(const Facts& facts, const api::Release& release,
                                           TimePoint now);

// What the difference asks for. An empty digest = not installed, or to be removed.
api::Action difference(const std::string& actual_version, const std::string& actual_digest,
                       const std::string& desired_version, const std::string& desired_digest);

}  // namespace tidelock::planner
