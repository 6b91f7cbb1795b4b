// SPDX-License-Identifier: Apache-2.0
// From a TenantDeployment to its pairs, each with the release that it is to have (semantics.md §1).
// Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/planner/fact_index.h"
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

// Names that somebody else keeps.
struct ByText {
  bool operator()(const std::string* a, const std::string* b) const { return *a < *b; }
  bool operator()(const std::string* a, const std::string& b) const { return *a < b; }
  bool operator()(const std::string& a, const std::string* b) const { return a < *b; }
};
using NameSet = PackedSet<const std::string*, ByText>;
// A name that stays where it is as long as a deployment wishes for the pair.
using Intern = std::function<const std::string*(const std::string& name)>;

// The wishes of one deployment, by installation name. What they have in common is kept once; a Wish is
// made when it is asked for.
class Wishes {
  struct Row {
    const std::string* name = nullptr;
    std::uint32_t choice = 0, hold = 0;  // places in choices_, holds_
    int wave = 0;
    int rank = 0;
  };
  struct ByName {
    bool operator()(const Row& a, const Row& b) const { return *a.name < *b.name; }
    bool operator()(const Row& a, const std::string& b) const { return *a.name < b; }
    bool operator()(const std::string& a, const Row& b) const { return a < *b.name; }
  };
  struct Pair {
    std::string tenant, target;
    bool operator==(const Pair&) const = default;
  };
  using Rows = PackedSet<Row, ByName>;

 public:
  class Iterator {
   public:
    Iterator(const Wishes& wishes, Rows::Iterator at) : wishes_(&wishes), at_(at) {}
    std::pair<const std::string&, Wish> operator*() const { return {*at_->name, wishes_->wish(*at_)}; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return !(at_ == other.at_); }
    // Without the making of a Wish.
    const std::string& name() const { return *at_->name; }
    const std::string* kept_name() const { return at_->name; }
    int wave() const { return at_->wave; }
    const std::string& digest() const { return wishes_->choices_[at_->choice].digest; }

   private:
    const Wishes* wishes_;
    Rows::Iterator at_;
  };

  // Adds or replaces. `installation` stays where it is until it is removed. INVARIANT: of the same project,
  // environment, deployment and rollout as the others.
  void put(const std::string* installation, const Wish& wish);
  void remove(const std::string& installation);
  void set_rank(const std::string& installation, int rank) { rows_.mutable_at(rows_.find(installation)).rank = rank; }
  std::optional<Wish> find(const std::string& installation) const;
  const std::string* digest_of(const std::string& installation) const;  // null = no wish for it
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  Iterator begin() const { return {*this, rows_.begin()}; }
  Iterator end() const { return {*this, rows_.end()}; }

 private:
  Pair pair_in(const std::string& installation) const;
  Wish wish(const Row& row) const;

  Rows rows_;
  std::map<std::string, Pair> odd_;  // those whose name does not say the pair
  std::string project_, environment_, deployment_, rollout_;
  std::vector<ReleaseChoice> choices_;  // few: the deployment's and those of its pins
  std::vector<std::string> holds_;
};

struct Expansion {
  ReleaseChoice main;                // without pins
  Wishes wishes;
  std::vector<api::WaveSpec> waves;  // of the strategy, with all limits filled in
  NameSet unmatched;                 // installations that no wave takes
  NameSet ambiguous;                 // those that two waves would take
  bool ranked = false;               // the place of each depends on all others
};

// "<deployment>-<short digest>".
std::string rollout_name(const std::string& deployment, const std::string& digest);

// The Project or Environment that a deployment names and that does not exist.
std::optional<Problem> missing_objects(const Facts& facts, const api::TenantDeployment& deployment);

// Why nothing can ever pass the environments before that of the deployment: their promotion goes in a circle.
std::optional<Problem> circular_promotion(const Facts& facts, const api::TenantDeployment& deployment);

// The reason of the conditions that say it.
std::string stalled_reason(const Problem& problem);

using Holds = std::vector<const api::ReleaseHold*>;  // of one deployment, by name
Expansion expand(const Facts& facts, const FactIndex& index, const api::TenantDeployment& deployment,
                 const Holds& holds, const Intern& intern);

// The same for some pairs (tenant, empty = untenanted, and target) of a deployment that is not ranked and
// has not changed since. Answers those whose wish did.
using Pairs = std::set<std::pair<std::string, std::string>>;
struct Rewish {
  const std::string* installation = nullptr;
  bool before = false, now = false;  // wished for
};
std::vector<Rewish> expand_again(const Facts& facts, const api::TenantDeployment& deployment, const Holds& holds,
                                 const Intern& intern, const Pairs& pairs, Expansion& expansion);

// Whether the deployment takes a tenant (a target); null = there is none.
bool takes(const api::TenantDeployment& deployment, const api::Tenant* tenant);
bool takes(const api::TenantDeployment& deployment, const api::Target* target);

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
