// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/expansion.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "controller/api/codec.h"
#include "controller/api/promotion.h"
#include "controller/api/semver.h"
#include "controller/base/invariant.h"
#include "controller/planner/step_durations.h"
#include "controller/planner/waves.h"

namespace tidelock::planner {
namespace {

using api::TenantDeployment;

bool same_version(const std::string& a, const std::string& b) {
  const auto left = api::Version::parse(a);
  const auto right = api::Version::parse(b);
  if (!left || !right) return a == b;
  return *left == *right;
}

// The older object, then the lesser name: so that a second Release of a version changes nothing.
bool older(const api::Release& a, const api::Release& b) {
  return std::tie(a.metadata.creation_timestamp, a.metadata.name) <
         std::tie(b.metadata.creation_timestamp, b.metadata.name);
}

ReleaseChoice chosen(const api::Release& release) {
  return {release.metadata.name, release.spec.version,
          release.status.process ? release.status.digest : "", std::nullopt};
}

ReleaseChoice missing(const std::string& project, const std::string& wanted) {
  ReleaseChoice choice;
  choice.problem =
      Problem{"Reference", "Release " + wanted, "project " + project + " has no Release " + wanted};
  return choice;
}

ReleaseChoice exact_release(const Facts& facts, const std::string& project,
                            const std::string& version) {
  const api::Release* best = nullptr;
  for (const auto& [name, release] : facts.releases) {
    if (release->spec.project_ref.name != project) continue;
    if (!same_version(release->spec.version, version)) continue;
    if (best == nullptr || older(*release, *best)) best = release.get();
  }
  if (best != nullptr) return chosen(*best);
  auto choice = missing(project, version);
  choice.version = version;
  return choice;
}

ReleaseChoice newest_release(const Facts& facts, const std::string& project,
                             const std::string& range) {
  const auto wanted = api::VersionRange::parse(range);
  if (!wanted) {
    ReleaseChoice choice;
    choice.problem = Problem{"Invalid", "range " + range, wanted.error().message};
    return choice;
  }
  const api::Release* best = nullptr;
  api::Version best_version;
  for (const auto& [name, release] : facts.releases) {
    if (release->spec.project_ref.name != project) continue;
    const auto version = api::Version::parse(release->spec.version);
    if (!version || !wanted->contains(*version)) continue;
    const bool newer = best == nullptr || *version > best_version ||
                       (*version == best_version && older(*release, *best));
    if (!newer) continue;
    best = release.get();
    best_version = *version;
  }
  return best != nullptr ? chosen(*best) : missing(project, "in range " + range);
}

ReleaseChoice main_release(const Facts& facts, const TenantDeployment& deployment) {
  const auto& project = deployment.spec.project_ref.name;
  const auto& release = deployment.spec.release;
  return release.version.empty() ? newest_release(facts, project, release.range)
                                 : exact_release(facts, project, release.version);
}

// Each version is looked up once per expansion, however many pairs ask for it.
class ReleaseLookup {
 public:
  ReleaseLookup(const Facts& facts, const TenantDeployment& deployment, ReleaseChoice main)
      : facts_(facts), deployment_(deployment), main_(std::move(main)) {}
  const ReleaseChoice& of(const std::string& tenant, const std::string& target) {
    for (const auto& pin : deployment_.spec.pins) {
      if (pin.tenant != tenant || (!pin.target.empty() && pin.target != target)) continue;
      const auto place = pinned_.find(pin.version);
      if (place != pinned_.end()) return place->second;
      return pinned_[pin.version] =
                 exact_release(facts_, deployment_.spec.project_ref.name, pin.version);
    }
    return main_;
  }

 private:
  const Facts& facts_;
  const TenantDeployment& deployment_;
  ReleaseChoice main_;
  std::map<std::string, ReleaseChoice> pinned_;
};

// Gives each wish its wave, its rank there, and the hold on it.
class Placing {
 public:
  // The expansion has its waves already.
  Placing(const Facts& facts, const api::RolloutStrategy& strategy, const Holds& holds, Expansion& expansion)
      : facts_(facts), order_(label_order(strategy)), waved_(!strategy.waves.empty()), expansion_(expansion) {
    expansion.ranked = !order_.by.empty() || !order_.spread_by.empty();
    for (const auto* hold : holds) {
      if (!hold->metadata.deletion_timestamp) holds_.push_back(hold);
    }
  }

  void place(const std::string* name, Wish& wish) {
    if (waved_) {
      const auto place = wave_place(expansion_.waves, labels(facts_.tenants, wish.tenant),
                                    labels(facts_.targets, wish.target));
      wish.wave = place.wave;
      if (place.wave < 0) expansion_.unmatched.insert(name);
      if (place.ambiguous) expansion_.ambiguous.insert(name);
    }
    for (const auto* hold : holds_) {
      if (hold->spec.digest == wish.choice.digest && covers(*hold, wish.wave)) {
        wish.hold = hold->metadata.name;
        break;
      }
    }
  }

  void rank() {
    if (!expansion_.ranked) return;
    using Key = std::tuple<std::vector<std::string>, int, std::string>;
    std::map<int, std::set<Key>> by_wave;
    std::map<std::pair<std::vector<std::string>, std::string>, int> turns;
    for (const auto& [name, wish] : expansion_.wishes) {
      std::vector<std::string> values;
      for (const auto& key : order_.by) values.push_back(value(key, wish));
      int turn = 0;
      if (!order_.spread_by.empty()) {
        auto group = values;
        group.push_back(std::to_string(wish.wave));
        turn = turns[{std::move(group), value(order_.spread_by, wish)}]++;
      }
      by_wave[wish.wave].emplace(std::move(values), turn, name);
    }
    for (const auto& [wave, members] : by_wave) {
      int rank = 0;
      for (const auto& key : members) expansion_.wishes.set_rank(std::get<2>(key), rank++);
    }
  }

 private:
  using Labels = std::map<std::string, std::string>;

  static api::RolloutOrder label_order(const api::RolloutStrategy& strategy) {
    auto order = strategy.order;
    std::erase(order.by, kRemainingWork);
    return order;
  }
  template <class T>
  static const Labels& labels(const ByName<T>& objects, const std::string& name) {
    static const Labels kNone;
    const auto* object = find(objects, name);
    return object == nullptr ? kNone : object->metadata.labels;
  }
  bool covers(const api::ReleaseHold& hold, int wave) const {
    const auto& names = hold.spec.waves;
    if (names.empty()) return true;
    if (wave < 0) return false;
    const auto& name = expansion_.waves[static_cast<std::size_t>(wave)].name;
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  // Of the tenant, else of the target; those without come last.
  std::string value(const std::string& key, const Wish& wish) const {
    for (const auto* from : {&labels(facts_.tenants, wish.tenant), &labels(facts_.targets, wish.target)}) {
      if (const auto found = from->find(key); found != from->end()) return found->second;
    }
    return "\x7f";
  }

  const Facts& facts_;
  const api::RolloutOrder order_;
  const bool waved_;
  Expansion& expansion_;
  std::vector<const api::ReleaseHold*> holds_;
};

template <class T>
std::uint32_t place_in(std::vector<T>& all, const T& wanted) {
  const auto found = std::find(all.begin(), all.end(), wanted);
  const auto place = static_cast<std::uint32_t>(found - all.begin());
  if (found == all.end()) all.push_back(wanted);
  return place;
}

template <class T>
bool leaving(const T& object) {
  return object.metadata.deletion_timestamp.has_value();
}

std::optional<Problem> why_none_can_go(const Facts& facts, const TenantDeployment& deployment) {
  auto problem = missing_objects(facts, deployment);
  return problem ? problem : circular_promotion(facts, deployment);
}

// Makes the wishes of a deployment, pair by pair.
class Expander {
 public:
  Expander(const Facts& facts, const TenantDeployment& deployment, const Holds& holds, const Intern& intern,
           Expansion& expansion)
      : facts_(facts),
        deployment_(deployment),
        intern_(intern),
        expansion_(expansion),
        missing_(why_none_can_go(facts, deployment)),
        rollout_(expansion.main.digest.empty() ? "" : rollout_name(deployment.metadata.name, expansion.main.digest)),
        lookup_(facts, deployment, expansion.main),
        placing_(facts, strategy_of(facts, rollout_, deployment.metadata.name), holds, expansion) {}

  void add(const std::string& tenant, const std::string& target) {
    Wish wish = made(tenant, target);
    const auto* name = intern_(name_of(tenant, target));
    placing_.place(name, wish);
    expansion_.wishes.put(name, wish);
  }

  std::optional<Rewish> again(const std::string& tenant, const std::string& target) {
    const std::string name = name_of(tenant, target);
    const auto before = expansion_.wishes.find(name);
    const bool now = wanted(tenant, target);
    if (!before && !now) return std::nullopt;
    const auto* kept = intern_(name);
    expansion_.unmatched.erase_key(name);
    expansion_.ambiguous.erase_key(name);
    if (!now) {
      expansion_.wishes.remove(name);
      return Rewish{kept, true, false};
    }
    Wish wish = made(tenant, target);
    placing_.place(kept, wish);
    if (before && *before == wish) return std::nullopt;
    expansion_.wishes.put(kept, wish);
    return Rewish{kept, before.has_value(), true};
  }

  void rank() { placing_.rank(); }
  const std::optional<Problem>& missing() const { return missing_; }

 private:
  std::string name_of(const std::string& tenant, const std::string& target) const {
    const auto& spec = deployment_.spec;
    return installation_name(spec.project_ref.name, spec.environment_ref.name, tenant, target);
  }
  bool wanted(const std::string& tenant, const std::string& target) const {
    const auto* place = find(facts_.targets, target);
    if (!takes(deployment_, place)) return false;
    if (deployment_.spec.untenanted) return tenant.empty();
    const auto* who = find(facts_.tenants, tenant);
    return takes(deployment_, who) && api::matches(place->spec.tenants, who->metadata.labels);
  }
  Wish made(const std::string& tenant, const std::string& target) {
    const auto& spec = deployment_.spec;
    Wish wish{spec.project_ref.name,
              spec.environment_ref.name,
              tenant,
              target,
              deployment_.metadata.name,
              rollout_,
              lookup_.of(tenant, target),
              0,
              0,
              ""};
    if (missing_) wish.choice.problem = missing_;
    return wish;
  }

  const Facts& facts_;
  const TenantDeployment& deployment_;
  const Intern& intern_;
  Expansion& expansion_;
  const std::optional<Problem> missing_;
  const std::string rollout_;
  ReleaseLookup lookup_;
  Placing placing_;
};

}  // namespace

void Wishes::put(const std::string* installation, const Wish& wish) {
  if (rows_.empty()) {
    project_ = wish.project;
    environment_ = wish.environment;
    deployment_ = wish.deployment;
    rollout_ = wish.rollout;
  }
  INVARIANT(wish.project == project_ && wish.environment == environment_ && wish.deployment == deployment_ &&
            wish.rollout == rollout_);
  Row row{installation, place_in(choices_, wish.choice), place_in(holds_, wish.hold), wish.wave, wish.rank};
  const auto at = rows_.lower_bound(*installation);
  if (at != rows_.end() && *at->name == *installation) {
    rows_.mutable_at(at) = row;
  } else {
    rows_.insert(at, row);
  }
  Pair pair{wish.tenant, wish.target};
  if (pair_in(*installation) != pair) odd_.insert_or_assign(*installation, std::move(pair));
}

void Wishes::remove(const std::string& installation) {
  rows_.erase_key(installation);
  odd_.erase(installation);
}

std::optional<Wish> Wishes::find(const std::string& installation) const {
  const auto place = rows_.find(installation);
  if (place == rows_.end()) return std::nullopt;
  return wish(*place);
}

const std::string* Wishes::digest_of(const std::string& installation) const {
  const auto place = rows_.find(installation);
  return place == rows_.end() ? nullptr : &choices_[place->choice].digest;
}

// "<project>.<environment>.<tenant>.<target>", or without a tenant.
Wishes::Pair Wishes::pair_in(const std::string& installation) const {
  const std::size_t begin = project_.size() + environment_.size() + 2;
  if (begin >= installation.size()) return {};
  const std::size_t dot = installation.find('.', begin);
  if (dot == std::string::npos) return {"", installation.substr(begin)};
  return {installation.substr(begin, dot - begin), installation.substr(dot + 1)};
}

Wish Wishes::wish(const Row& row) const {
  const auto odd = odd_.find(*row.name);
  Pair pair = odd == odd_.end() ? pair_in(*row.name) : odd->second;
  return {project_, environment_, std::move(pair.tenant), std::move(pair.target), deployment_, rollout_,
          choices_[row.choice], row.wave, row.rank, holds_[row.hold]};
}

std::optional<Problem> missing_objects(const Facts& facts, const TenantDeployment& deployment) {
  const auto& project = deployment.spec.project_ref.name;
  const auto& environment = deployment.spec.environment_ref.name;
  if (find(facts.projects, project) == nullptr) {
    return Problem{"Reference", "Project " + project, "Project " + project + " does not exist"};
  }
  if (find(facts.environments, environment) == nullptr) {
    return Problem{"Reference", "Environment " + environment,
                   "Environment " + environment + " does not exist"};
  }
  return std::nullopt;
}

std::optional<Problem> circular_promotion(const Facts& facts, const TenantDeployment& deployment) {
  const auto circle = api::promotion_circle(deployment.spec.environment_ref.name, [&](const std::string& name) {
    const auto* environment = find(facts.environments, name);
    return environment == nullptr ? std::string() : environment->spec.promotion.from;
  });
  if (!circle) return std::nullopt;
  return Problem{"Promotion", circle->begin,
                 "promotion goes in a circle, so that nothing can pass: " + circle->text};
}

std::string stalled_reason(const Problem& problem) {
  if (problem.kind == "Reference") return "ReferenceNotFound";
  return problem.kind == "Promotion" ? "InvalidPromotion" : "Invalid";
}

std::string rollout_name(const std::string& deployment, const std::string& digest) {
  constexpr std::size_t kShort = 12;
  constexpr std::size_t kNameMax = 253;
  const auto colon = digest.find(':');
  const auto hex = colon == std::string::npos ? digest : digest.substr(colon + 1);
  return deployment.substr(0, kNameMax - kShort - 1) + "-" + hex.substr(0, kShort);
}

const api::RolloutStrategy& strategy_of(const Facts& facts, const std::string& rollout,
                                        const std::string& deployment) {
  static const api::RolloutStrategy kPlain;
  if (const auto* object = find(facts.rollouts, rollout)) return object->spec.strategy;
  if (const auto* object = find(facts.deployments, deployment)) return object->spec.rollout;
  return kPlain;
}

bool takes(const TenantDeployment& deployment, const api::Tenant* tenant) {
  const auto& tenants = deployment.spec.tenants;
  return !deployment.spec.untenanted && tenants && tenant != nullptr && !leaving(*tenant) &&
         api::matches(*tenants, tenant->metadata.labels);
}

bool takes(const TenantDeployment& deployment, const api::Target* target) {
  if (target == nullptr || leaving(*target)) return false;
  const auto& environments = target->spec.environments;
  return std::find(environments.begin(), environments.end(), deployment.spec.environment_ref.name) !=
             environments.end() &&
         api::matches(deployment.spec.targets, target->metadata.labels);
}

Expansion expand(const Facts& facts, const FactIndex& index, const TenantDeployment& deployment, const Holds& holds,
                 const Intern& intern) {
  Expansion expansion;
  const auto& spec = deployment.spec;
  expansion.main = main_release(facts, deployment);
  const std::string rollout =
      expansion.main.digest.empty() ? "" : rollout_name(deployment.metadata.name, expansion.main.digest);
  expansion.waves = waves_of(strategy_of(facts, rollout, deployment.metadata.name));
  Expander expander(facts, deployment, holds, intern, expansion);
  if (expander.missing()) expansion.main.problem = expander.missing();
  if (spec.untenanted) {
    for (const auto& [name, target] : facts.targets) {
      if (takes(deployment, target.get())) expander.add("", name);
    }
  } else if (spec.tenants) {
    for (const auto* tenant : index.tenants_like(facts, *spec.tenants)) {
      if (leaving(*tenant)) continue;
      for (const auto& name : index.targets_for(tenant->metadata.labels)) {
        const auto* target = find(facts.targets, name);
        if (takes(deployment, target) && api::matches(target->spec.tenants, tenant->metadata.labels))
          expander.add(tenant->metadata.name, name);
      }
    }
  }
  expander.rank();
  return expansion;
}

std::vector<Rewish> expand_again(const Facts& facts, const TenantDeployment& deployment, const Holds& holds,
                                 const Intern& intern, const Pairs& pairs, Expansion& expansion) {
  std::vector<Rewish> changed;
  Expander expander(facts, deployment, holds, intern, expansion);
  for (const auto& [tenant, target] : pairs) {
    if (const auto rewish = expander.again(tenant, target)) changed.push_back(*rewish);
  }
  return changed;
}

bool claims_before(const TenantDeployment& a, const TenantDeployment& b) {
  return std::tie(a.metadata.creation_timestamp, a.metadata.name) <
         std::tie(b.metadata.creation_timestamp, b.metadata.name);
}

std::optional<api::ReleaseStatus> snapshot(const Facts& facts, const api::Release& release,
                                           TimePoint now) {
  if (release.status.process && !release.status.digest.empty()) return std::nullopt;
  const auto* project = find(facts.projects, release.spec.project_ref.name);
  api::ReleaseStatus status = release.status;
  status.observed_generation = release.metadata.generation;
  api::Condition ready{"Ready", project != nullptr,         false, "Snapshotted", "",
                       now,     release.metadata.generation};
  if (project == nullptr) {
    ready.reason = "ReferenceNotFound";
    ready.message = "Project " + release.spec.project_ref.name + " does not exist";
  } else {
    status.process = project->spec.process;
    status.digest = api::release_digest(release.spec, project->spec.process);
    ready.message =
        "the process of project " + project->metadata.name + " is copied into the release";
  }
  api::set_condition(status.conditions, std::move(ready));
  if (status == release.status) return std::nullopt;
  return status;
}

api::Action difference(const std::string& actual_version, const std::string& actual_digest,
                       const std::string& desired_version, const std::string& desired_digest) {
  using api::Action;
  if (actual_digest == desired_digest) return Action::None;
  if (desired_digest.empty()) return Action::Remove;
  if (actual_digest.empty()) return Action::Install;
  const auto from = api::Version::parse(actual_version);
  const auto to = api::Version::parse(desired_version);
  if (!from || !to || *from == *to) return Action::Redeploy;
  return *from < *to ? Action::Upgrade : Action::Downgrade;
}

}  // namespace tidelock::planner
