// SPDX-License-Identifier: Apache-2.0
// Rules of all kinds but projects.
#include "controller/api/validate_kinds.h"

#include <algorithm>
#include <limits>
#include <set>

#include "controller/api/codec.h"
#include "controller/api/promotion.h"
#include "controller/api/semver.h"
#include "controller/api/variables.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

constexpr int kIntMax = std::numeric_limits<int>::max();

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void check_packages(CauseList& causes, const std::vector<Package>& packages) {
  std::set<std::string> steps;
  for (std::size_t i = 0; i < packages.size(); ++i) {
    const Package& package = packages[i];
    const std::string field = item("spec.packages", i);
    if (package.step.empty()) causes.required(field + ".step", "the name of a package step");
    if (!steps.insert(package.step).second) causes.duplicate(field + ".step", package.step);
    if (package.url.empty()) {
      causes.required(field + ".url", "where the package is");
    } else if (check_template(causes, field + ".url", package.url)) {
      check_scheme(causes, field + ".url", package.url, {"file://", "http://", "https://"});
    }
    if (!is_sha256(package.sha256)) {
      causes.invalid(field + ".sha256", package.sha256, "must be 64 lower-case hex digits");
    }
  }
}

// Nullopt also while the other environments are not known.
std::optional<PromotionCircle> circle_of(const Environment& environment, const References& references) {
  if (!references.promoted_from) return std::nullopt;
  return promotion_circle(environment.metadata.name, [&](const std::string& name) {
    return name == environment.metadata.name ? environment.spec.promotion.from : references.promoted_from(name);
  });
}

void check_promotion(CauseList& causes, const Environment& environment, const References& references) {
  const PromotionSpec& promotion = environment.spec.promotion;
  const std::string field = "spec.promotion";
  const bool asks = promotion.required_soak || promotion.min_succeeded || !promotion.per_tenant;
  if (!promotion.from.empty()) {
    check_reference(causes, field + ".from", promotion.from);
  } else if (asks) {
    causes.required(field + ".from", "the environment that a release must pass before");
  }
  if (!promotion.from.empty() && promotion.from == environment.metadata.name) {
    causes.invalid(field + ".from", promotion.from, "an environment cannot be promoted from itself");
  } else if (const auto circle = circle_of(environment, references)) {
    causes.invalid(field + ".from", promotion.from, "promotion goes in a circle: " + circle->text);
  }
  check_positive(causes, field + ".requiredSoak", promotion.required_soak);
  if (promotion.min_succeeded) {
    check_share(causes, field + ".minSucceeded", *promotion.min_succeeded, 1);
  }
}

// Does what a project asks of the group still fit the group?
class UsageCheck {
 public:
  UsageCheck(CauseList& causes, const LockGroup& group) : causes_(causes), group_(group) {}

  void check(const Project& project) {
    const Process& process = project.spec.process;
    check(project, process.locks, "spec.locks", LockGranularity::Deployment);
    for (std::size_t i = 0; i < process.steps.size(); ++i) {
      check(project, process.steps[i].locks, item("spec.steps", i) + ".locks",
            LockGranularity::Step);
    }
  }

 private:
  void check(const Project& project, const std::vector<LockRequest>& locks,
             const std::string& field, LockGranularity granularity) {
    for (std::size_t i = 0; i < locks.size(); ++i) {
      if (locks[i].group != group_.metadata.name) continue;
      const std::string user =
          "project \"" + project.metadata.name + "\" asks for it in " + item(field, i);
      if (group_.spec.granularity != granularity) {
        causes_.invalid("spec.granularity", to_string(group_.spec.granularity), user);
      }
      if (locks[i].units && group_.spec.capacity && *locks[i].units > *group_.spec.capacity) {
        causes_.invalid("spec.capacity", *group_.spec.capacity,
                        user + " with " + std::to_string(*locks[i].units) + " units");
      }
    }
  }

  CauseList& causes_;
  const LockGroup& group_;
};

}  // namespace

void check_release(CauseList& causes, const Release& release, const Release* old) {
  if (old != nullptr) {
    const auto same = [&](bool equal, const char* field) {
      if (!equal) causes.forbidden(field, "a release is immutable");
    };
    same(release.spec.project_ref == old->spec.project_ref, "spec.projectRef");
    same(release.spec.version == old->spec.version, "spec.version");
    same(release.spec.packages == old->spec.packages, "spec.packages");
    same(release.spec.notes == old->spec.notes, "spec.notes");
    return;
  }
  check_reference(causes, "spec.projectRef.name", release.spec.project_ref.name);
  check_version(causes, "spec.version", release.spec.version);
  check_packages(causes, release.spec.packages);
}

void check_lock_group(CauseList& causes, const LockGroup& group, const References& references) {
  if (group.spec.capacity) check_range(causes, "spec.capacity", *group.spec.capacity, 1, kIntMax);
  check_range(causes, "spec.maxBypass", group.spec.max_bypass, 0, kIntMax);
  if (group.spec.wait_timeout) check_positive(causes, "spec.waitTimeout", *group.spec.wait_timeout);
  if (!references.projects_using) return;
  for (const Project* project : references.projects_using(group.metadata.name)) {
    UsageCheck(causes, group).check(*project);
  }
}

void check_environment(CauseList& causes, const Environment& environment, const References& references) {
  check_promotion(causes, environment, references);
  check_variables(causes, "spec.variables", environment.spec.variables);
}

void check_tenant(CauseList& causes, const Tenant& tenant) {
  check_variables(causes, "spec.variables", tenant.spec.variables);
}

void check_target(CauseList& causes, const Target& target) {
  check_names(causes, "spec.environments", target.spec.environments);
  check_selector(causes, "spec.tenants", target.spec.tenants);
  check_range(causes, "spec.maxConcurrent", target.spec.max_concurrent, 1, kIntMax);
  check_variables(causes, "spec.variables", target.spec.variables);
  if (target.spec.install_root.empty()) return;
  const auto root = canonical_directory(target.spec.install_root);
  if (!root) causes.invalid("spec.installRoot", target.spec.install_root, root.error().message);
}

void check_budget(CauseList& causes, const ConcurrencyBudget& budget) {
  check_range(causes, "spec.max", budget.spec.max, 1, kIntMax);
  check_pairs(causes, "spec.selector", budget.spec.selector);
}

}  // namespace tidelock::api
