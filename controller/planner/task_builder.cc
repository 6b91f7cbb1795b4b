// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/task_builder.h"

#include "controller/api/variables.h"
#include "controller/planner/lock_table.h"
#include "controller/planner/pair_selector.h"
#include "controller/planner/task_state.h"

namespace tidelock::planner {
namespace {

constexpr std::size_t kLabelValueMax = 63;

using api::DeploymentTaskSpec;
template <class T>
using OrProblem = Result<T, Problem>;
using Variables = std::map<std::string, api::ResolvedVariable>;

tl::unexpected<Problem> problem(std::string kind, std::string name, std::string message) {
  return tl::unexpected<Problem>(Problem{std::move(kind), std::move(name), std::move(message)});
}

template <class T>
OrProblem<const T*> required(const ByName<T>& objects, const char* kind, const std::string& name) {
  if (const auto* object = find(objects, name)) return object;
  const std::string what = std::string(kind) + " " + name;
  return problem("Reference", what, what + " does not exist");
}

// What one pair consists of.
struct Parts {
  const api::Project* project = nullptr;
  const api::Release* release = nullptr;
  const api::Environment* environment = nullptr;
  const api::Tenant* tenant = nullptr;
  const api::Target* target = nullptr;
};

OrProblem<Parts> find_parts(const Facts& facts, const Wish& wish) {
  const auto project = required(facts.projects, "Project", wish.project);
  if (!project) return tl::unexpected(project.error());
  const auto release = required(facts.releases, "Release", wish.choice.release);
  if (!release) return tl::unexpected(release.error());
  const auto environment = required(facts.environments, "Environment", wish.environment);
  if (!environment) return tl::unexpected(environment.error());
  const auto target = required(facts.targets, "Target", wish.target);
  if (!target) return tl::unexpected(target.error());
  Parts parts{*project, *release, *environment, nullptr, *target};
  if (wish.tenant.empty()) return parts;
  const auto tenant = required(facts.tenants, "Tenant", wish.tenant);
  if (!tenant) return tl::unexpected(tenant.error());
  parts.tenant = *tenant;
  return parts;
}

// Expands a template; a sensitive variable may not end up in a plain field.
OrProblem<std::string> expanded(const std::string& text, const std::string& where,
                                const Variables& variables,
                                const std::map<std::string, std::string>& builtins) {
  std::string secret;
  const auto result =
      api::expand_template(text, [&](std::string_view name) -> std::optional<std::string> {
        const std::string key(name);
        if (const auto variable = variables.find(key); variable != variables.end()) {
          if (variable->second.secret) secret = key;
          return variable->second.value;
        }
        const auto builtin = builtins.find(key);
        if (builtin == builtins.end()) return std::nullopt;
        return builtin->second;
      });
  if (!result) return problem("Invalid", where, where + ": " + result.error().message);
  if (!secret.empty()) {
    return problem("Invalid", where,
                   where + ": variable " + secret + " is a secret and cannot be used here");
  }
  return *result;
}

OrProblem<api::TaskLock> resolved_lock(const Facts& facts, const api::LockRequest& request,
                                       api::LockGranularity granularity,
                                       const DeploymentTaskSpec& task) {
  const auto* group = find(facts.lock_groups, request.group);
  const std::string what = "LockGroup " + request.group;
  if (group == nullptr) return problem("Reference", what, what + " does not exist");
  if (group->spec.granularity != granularity) {
    const bool step = granularity == api::LockGranularity::Step;
    return problem("Invalid", what,
                   what + (step ? " is for whole deployments, but a step asks for it"
                                : " is for steps, but the project asks for it as a whole"));
  }
  const int units = request.units.value_or(1);
  if (group->spec.capacity && units > *group->spec.capacity) {
    return problem("Invalid", what,
                   what + " has capacity " + std::to_string(*group->spec.capacity) + ", but " +
                       std::to_string(units) + " units are asked for");
  }
  const auto instance = group_lock(*group, task);
  if (!instance) return problem("Invalid", what, instance.error().message);
  const auto mode = request.units ? api::LockMode::Shared : request.mode;
  return api::TaskLock{*instance, mode, units};
}

OrProblem<std::vector<api::TaskLock>> resolved_locks(const Facts& facts,
                                                     const std::vector<api::LockRequest>& requests,
                                                     api::LockGranularity granularity,
                                                     const DeploymentTaskSpec& task) {
  std::vector<api::TaskLock> locks;
  for (const auto& request : requests) {
    auto lock = resolved_lock(facts, request, granularity, task);
    if (!lock) return tl::unexpected(lock.error());
    locks.push_back(std::move(*lock));
  }
  return locks;
}

void add_base_locks(DeploymentTaskSpec& task, bool with_path) {
  task.locks.push_back({pair_lock(task), api::LockMode::Exclusive, 1});
  task.locks.push_back({slots_lock(task.target), api::LockMode::Shared, 1});
  if (with_path) {
    task.locks.push_back(
        {path_lock(task.target, task.install_directory), api::LockMode::Exclusive, 1});
  }
}

std::optional<Problem> add_locks(const Facts& facts, const api::Process& process,
                                 DeploymentTaskSpec& task) {
  add_base_locks(task, !process.allow_shared_install_directory);
  const auto locks = resolved_locks(facts, process.locks, api::LockGranularity::Deployment, task);
  if (!locks) return locks.error();
  for (const auto& lock : united(*locks)) task.locks.push_back(lock);
  for (const auto& step : process.steps) {
    auto needs = resolved_locks(facts, step.locks, api::LockGranularity::Step, task);
    if (!needs) return needs.error();
    const bool alone = step.isolation == api::StepIsolation::Exclusive;
    needs->push_back(
        {isolation_lock(task.target), alone ? api::LockMode::Exclusive : api::LockMode::Shared, 1});
    task.steps.push_back({step, united(std::move(*needs))});
  }
  return std::nullopt;
}

std::optional<Problem> add_packages(const Parts& parts, const Variables& variables,
                                    const std::map<std::string, std::string>& builtins,
                                    DeploymentTaskSpec& task) {
  for (const auto& package : parts.release->spec.packages) {
    auto url = expanded(package.url, "Release " + parts.release->metadata.name + " package URL",
                        variables, builtins);
    if (!url) return url.error();
    task.packages.push_back({package.step, std::move(*url), package.sha256});
  }
  return std::nullopt;
}

std::optional<Problem> resolve(const Facts& facts, const Wish& wish, DeploymentTaskSpec& task) {
  const auto parts = find_parts(facts, wish);
  if (!parts) return parts.error();
  const auto& process = parts->release->status.process;
  if (!process) {
    return Problem{"Reference", "Release " + wish.choice.release,
                   "Release " + wish.choice.release + " has no copy of its project's process yet"};
  }
  const api::PairObjects objects{parts->project, &*process, parts->environment, parts->tenant,
                                 parts->target};
  const auto variables = api::resolve_variables(objects);
  if (!variables) return Problem{"Invalid", "variables", variables.error().message};
  const auto builtins = api::builtin_values(objects, wish.choice.version);
  const auto directory =
      expanded(process->install_directory, "Project " + wish.project + " installDirectory",
               *variables, builtins);
  if (!directory) return directory.error();
  const auto canonical = api::canonical_directory(*directory);
  if (!canonical) return Problem{"Invalid", "installDirectory", canonical.error().message};
  task.install_directory = *canonical;
  task.health_check = process->health_check;
  task.retention_releases = parts->project->spec.retention_releases;
  for (const auto& [name, variable] : *variables) {
    task.variables.push_back({name, variable.value, "", variable.secret});
  }
  if (auto found = add_packages(*parts, *variables, builtins, task)) return found;
  return add_locks(facts, *process, task);
}

// What was installed last says where it is; the objects that led there may be gone.
std::optional<Problem> resolve_removal(const Facts& facts, const api::Installation& installation,
                                       DeploymentTaskSpec& task) {
  const Attempts attempts = facts.attempts_of(installation.metadata.name);
  for (auto place = attempts.rbegin(); place != attempts.rend(); ++place) {
    if (place->second->spec.install_directory.empty()) continue;
    task.install_directory = place->second->spec.install_directory;
    task.retention_releases = place->second->spec.retention_releases;
    add_base_locks(task, true);
    return std::nullopt;
  }
  return Problem{
      "Reference", "DeploymentTask",
      "no task is left that says where the release is installed; delete the installation by hand"};
}

void add_label(std::map<std::string, std::string>& labels, const char* key,
               const std::string& value) {
  if (!value.empty() && value.size() <= kLabelValueMax)
    labels.emplace(std::string("tidelock.dev/") + key, value);
}

}  // namespace

std::map<std::string, std::string> pair_labels(const std::string& project,
                                               const std::string& environment,
                                               const std::string& tenant, const std::string& target,
                                               const std::string& deployment) {
  std::map<std::string, std::string> labels;
  add_label(labels, "project", project);
  add_label(labels, "environment", environment);
  add_label(labels, "tenant", tenant);
  add_label(labels, "target", target);
  add_label(labels, "tenant-deployment", deployment);
  return labels;
}

std::vector<std::string> budgets_of(const Facts& facts, const DeploymentTaskSpec& task) {
  const auto pair =
      selected_pair(facts, task.project, task.environment, task.tenant, task.target);
  std::vector<std::string> names;
  for (const auto& [name, budget] : facts.budgets) {
    if (selects(budget->spec.selector, pair)) names.push_back(name);
  }
  return names;
}

Result<api::DeploymentTask, Problem> build_task(const Facts& facts, const TaskOrder& order) {
  const auto& installation = *order.installation;
  api::DeploymentTask task;
  auto& spec = task.spec;
  spec.installation = installation.metadata.name;
  spec.installation_uid = installation.metadata.uid;
  spec.project = installation.spec.project_ref.name;
  spec.environment = installation.spec.environment_ref.name;
  if (installation.spec.tenant_ref) spec.tenant = installation.spec.tenant_ref->name;
  spec.target = installation.spec.target_ref.name;
  spec.rollout = order.rollout;
  spec.action = order.action;
  spec.attempt = order.attempt;
  spec.requested_at = order.requested_at;
  std::string deployment = installation.spec.tenant_deployment;
  if (order.wish != nullptr) {
    deployment = order.wish->deployment;
    spec.release = order.wish->choice.release;
    spec.version = order.wish->choice.version;
    spec.digest = order.wish->choice.digest;
    if (auto found = resolve(facts, *order.wish, spec)) return tl::unexpected(*found);
  } else if (auto found = resolve_removal(facts, installation, spec)) {
    return tl::unexpected(*found);
  }
  if (const auto* object = find(facts.deployments, deployment)) {
    spec.priority = object->spec.priority;
    spec.timeout = object->spec.rollout.task_timeout;
  }
  if (const auto* rollout = find(facts.rollouts, order.rollout))
    spec.timeout = rollout->spec.strategy.task_timeout;
  spec.budgets = budgets_of(facts, spec);
  task.metadata.name = task_name(spec.installation, spec.attempt);
  task.metadata.ns = installation.metadata.ns;
  task.metadata.labels =
      pair_labels(spec.project, spec.environment, spec.tenant, spec.target, deployment);
  task.metadata.owner_references = {{api::kApiVersion, "Installation", installation.metadata.name,
                                     installation.metadata.uid, true, true}};
  return task;
}

}  // namespace tidelock::planner
