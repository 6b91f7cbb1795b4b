// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/expansion.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "controller/api/codec.h"
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

// Each version is looked up once per expansion, however many pairs ask for it.
class ReleaseLookup {
 public:
  ReleaseLookup(const Facts& facts, const TenantDeployment& deployment)
      : facts_(facts), deployment_(deployment) {
    const auto& project = deployment.spec.project_ref.name;
    const auto& release = deployment.spec.release;
    main_ = release.version.empty() ? newest_release(facts, project, release.range)
                                    : exact_release(facts, project, release.version);
  }
  const ReleaseChoice& main() const { return main_; }
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
  Placing(const Facts& facts, const TenantDeployment& deployment,
          const api::RolloutStrategy& strategy, Expansion& expansion)
      : facts_(facts),
        order_(label_order(strategy)),
        waves_(waves_of(strategy)),
        waved_(!strategy.waves.empty()),
        expansion_(expansion) {
    for (const auto& wave : waves_) expansion.waves.push_back(wave.name);
    for (const auto& [name, hold] : facts.holds) {
      const bool ours = hold->spec.tenant_deployment_ref.name == deployment.metadata.name;
      if (ours && !hold->metadata.deletion_timestamp) holds_.push_back(hold.get());
    }
  }

  void place(const std::string& name, Wish& wish) {
    if (waved_) {
      const auto place = wave_place(waves_, labels(facts_.tenants, wish.tenant),
                                    labels(facts_.targets, wish.target));
      wish.wave = place.wave;
      if (place.wave < 0) expansion_.unmatched.push_back(name);
      if (place.ambiguous && expansion_.ambiguous.empty()) expansion_.ambiguous = name;
    }
    for (const auto* hold : holds_) {
      if (hold->spec.digest == wish.choice.digest && covers(*hold, wish.wave)) {
        wish.hold = hold->metadata.name;
        break;
      }
    }
  }

  void rank() {
    if (order_.by.empty() && order_.spread_by.empty()) return;
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
    const auto& name = waves_[static_cast<std::size_t>(wave)].name;
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
  const std::vector<api::WaveSpec> waves_;
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

// The tenants that a deployment takes, to be found by the label by which a target chooses them.
class TenantsByLabel {
 public:
  using List = std::vector<const api::Tenant*>;

  TenantsByLabel(const Facts& facts, const TenantDeployment& deployment) {
    if (!deployment.spec.tenants) return;
    for (const auto& [name, tenant] : facts.tenants) {
      if (!leaving(*tenant) && api::matches(*deployment.spec.tenants, tenant->metadata.labels))
        all_.push_back(tenant.get());
    }
  }

  // All that match, by name, and maybe others.
  const List& candidates(const api::LabelSelector& selector) {
    if (selector.match_labels.empty()) return all_;
    const auto& [key, value] = *selector.match_labels.begin();
    const auto [place, added] = by_label_.try_emplace(key);
    if (added) {
      for (const auto* tenant : all_) {
        const auto label = tenant->metadata.labels.find(key);
        if (label != tenant->metadata.labels.end()) place->second[label->second].push_back(tenant);
      }
    }
    return place->second[value];
  }

 private:
  List all_;
  std::map<std::string, std::map<std::string, List>> by_label_;  // as far as asked for
};

}  // namespace

void Wishes::add(const std::string& installation, const Wish& wish) {
  if (rows_.empty()) {
    project_ = wish.project;
    environment_ = wish.environment;
    deployment_ = wish.deployment;
    rollout_ = wish.rollout;
  }
  INVARIANT(wish.project == project_ && wish.environment == environment_ && wish.deployment == deployment_ &&
            wish.rollout == rollout_);
  rows_.try_emplace(installation,
                    Row{place_in(choices_, wish.choice), place_in(holds_, wish.hold), wish.wave, wish.rank});
  Pair pair{wish.tenant, wish.target};
  if (pair_in(installation) != pair) odd_.emplace(installation, std::move(pair));
}

std::optional<Wish> Wishes::find(const std::string& installation) const {
  const auto place = rows_.find(installation);
  if (place == rows_.end()) return std::nullopt;
  return wish(installation, place->second);
}

// "<project>.<environment>.<tenant>.<target>", or without a tenant.
Wishes::Pair Wishes::pair_in(const std::string& installation) const {
  const std::size_t begin = project_.size() + environment_.size() + 2;
  if (begin >= installation.size()) return {};
  const std::size_t dot = installation.find('.', begin);
  if (dot == std::string::npos) return {"", installation.substr(begin)};
  return {installation.substr(begin, dot - begin), installation.substr(dot + 1)};
}

Wish Wishes::wish(const std::string& installation, const Row& row) const {
  const auto odd = odd_.find(installation);
  Pair pair = odd == odd_.end() ? pair_in(installation) : odd->second;
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

Expansion expand(const Facts& facts, const TenantDeployment& deployment) {
  Expansion expansion;
  const auto& spec = deployment.spec;
  ReleaseLookup lookup(facts, deployment);
  expansion.main = lookup.main();
  const auto problem = missing_objects(facts, deployment);
  if (problem) expansion.main.problem = problem;
  std::string rollout;
  if (!expansion.main.digest.empty())
    rollout = rollout_name(deployment.metadata.name, expansion.main.digest);
  const auto& strategy = strategy_of(facts, rollout, deployment.metadata.name);
  Placing placing(facts, deployment, strategy, expansion);
  const auto add = [&](const std::string& tenant, const std::string& target) {
    Wish wish{spec.project_ref.name,
              spec.environment_ref.name,
              tenant,
              target,
              deployment.metadata.name,
              rollout,
              lookup.of(tenant, target),
              0,
              0,
              ""};
    if (problem) wish.choice.problem = problem;
    const std::string name = installation_name(wish.project, wish.environment, tenant, target);
    placing.place(name, wish);
    expansion.wishes.add(name, wish);
  };
  TenantsByLabel tenants(facts, deployment);
  for (const auto& [target_name, target] : facts.targets) {
    const auto& environments = target->spec.environments;
    if (leaving(*target) || !api::matches(spec.targets, target->metadata.labels)) continue;
    if (std::find(environments.begin(), environments.end(), spec.environment_ref.name) ==
        environments.end()) {
      continue;
    }
    if (spec.untenanted) {
      add("", target_name);
      continue;
    }
    for (const auto* tenant : tenants.candidates(target->spec.tenants)) {
      if (api::matches(target->spec.tenants, tenant->metadata.labels)) add(tenant->metadata.name, target_name);
    }
  }
  placing.rank();
  return expansion;
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
