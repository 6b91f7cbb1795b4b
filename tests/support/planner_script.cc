// SPDX-License-Identifier: Apache-2.0
#include "tests/support/planner_script.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "controller/api/codec.h"
#include "controller/api/validation.h"
#include "controller/api/yaml.h"
#include "controller/base/random.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

using Words = std::vector<std::string>;

Words split(const std::string& text, char by) {
  Words words;
  std::string word;
  std::istringstream in(text);
  while (std::getline(in, word, by)) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

// The value of key=value among the words.
std::optional<std::string> option(const Words& words, const std::string& key) {
  for (const auto& word : words) {
    if (word.rfind(key + "=", 0) == 0) return word.substr(key.size() + 1);
  }
  return std::nullopt;
}
int integer(const Words& words, const std::string& key, int otherwise) {
  const auto text = option(words, key);
  return text ? std::stoi(*text) : otherwise;
}
bool flag(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string number(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::vector<api::LockRequest> lock_requests(const std::string& text) {
  std::vector<api::LockRequest> requests;
  for (const auto& part : split(text, ',')) {
    const auto colon = part.find(':');
    if (colon == std::string::npos) {
      requests.push_back(exclusive(part));
    } else if (part.substr(0, colon) == "shared") {
      requests.push_back(shared(part.substr(colon + 1)));
    } else {
      requests.push_back(units(part.substr(colon + 1), std::stoi(part.substr(0, colon))));
    }
  }
  return requests;
}

// +name:seconds~retries[locks]!
api::Step parse_step(std::string text) {
  api::Step made;
  const bool with_previous = text.front() == '+';
  if (with_previous) text.erase(0, 1);
  const bool isolated = text.back() == '!';
  if (isolated) text.pop_back();
  std::vector<api::LockRequest> locks;
  if (const auto bracket = text.find('['); bracket != std::string::npos) {
    locks = lock_requests(text.substr(bracket + 1, text.size() - bracket - 2));
    text.resize(bracket);
  }
  int retries = 0;
  if (const auto tilde = text.find('~'); tilde != std::string::npos) {
    retries = std::stoi(text.substr(tilde + 1));
    text.resize(tilde);
  }
  double seconds = 10;
  if (const auto colon = text.find(':'); colon != std::string::npos) {
    seconds = std::stod(text.substr(colon + 1));
    text.resize(colon);
  }
  made = step(text, seconds, locks);
  made.retry.limit = retries;
  if (with_previous) made.start = api::StepStart::WithPrevious;
  if (isolated) made.isolation = api::StepIsolation::Exclusive;
  return made;
}

api::LabelSelector names_in(const std::string& key, const std::string& list) {
  api::LabelSelector selector;
  selector.match_expressions.push_back(
      {key, api::LabelSelectorRequirement::Operator::In, split(list, ',')});
  return selector;
}

class Script {
 public:
  std::string execute(const std::string& line) {
    out_.str("");
    const Words words = split(line, ' ');
    const std::string& verb = words.front();
    if (verb == "lockgroup")
      lock_group(words);
    else if (verb == "budget")
      budget(words);
    else if (verb == "target")
      target(words);
    else if (verb == "tenants")
      tenants(words);
    else if (verb == "environment")
      environment(words);
    else if (verb == "project")
      project(words);
    else if (verb == "release")
      world_.release(words[1], words[2]);
    else if (verb == "deploy")
      deploy(words);
    else if (verb == "delete")
      world_.remove(words[1], words[2]);
    else if (verb == "fail")
      fail_step(words);
    else if (verb == "orphan")
      world_.orphan(words[1]);
    else if (verb == "interrupt")
      world_.interrupt(words[1]);
    else if (verb == "crash")
      world_.crash_planner();
    else if (verb == "at")
      world_.run_until(std::stod(words[1]));
    else if (verb == "run")
      run();
    else if (verb == "timeline")
      timeline(words.size() > 1 ? words[1] : "");
    else if (verb == "peak")
      peak(words.size() > 1 ? words[1] : "");
    else if (verb == "shares")
      shares(words.size() > 1 ? std::stod(words[1]) : 0);
    else if (verb == "why")
      why(words[1]);
    else if (verb == "locks")
      locks(words.size() > 1 ? words[1] : "");
    else if (verb == "tasks")
      tasks();
    else if (verb == "plan")
      plan();
    else if (verb == "status")
      status();
    else
      return rollout_verb(verb, words, line);
    return out_.str();
  }

 private:
  // What concerns rollouts, gates and holds.
  std::string rollout_verb(const std::string& verb, const Words& words, const std::string& line) {
    if (verb == "strategy")
      strategy(line.substr(verb.size()));
    else if (verb == "window")
      window(words[1], line.substr(verb.size() + words[1].size() + 2));
    else if (verb == "windows")
      windows();
    else if (verb == "approve" || verb == "reject")
      approve(words);
    else if (verb == "health")
      world_.health(words[1], words[2] == "healthy");
    else if (verb == "drift")
      world_.drift(words[1]);
    else if (verb == "silent")
      world_.silent.insert(words[1]);
    else if (verb == "proof")
      world_.prove_dead(words[1]);
    else if (verb == "unhold")
      for (const auto& [name, hold] : std::map(world_.holds())) world_.remove("ReleaseHold", name);
    else if (verb == "confirm")
      world_.annotate(words[1], "tidelock.dev/confirm-removal", words[2]);
    else if (verb == "steer")
      steer(words);
    else if (verb == "check")
      check(words[1], line.substr(verb.size() + words[1].size() + 2));
    else if (verb == "wait")
      wait(words[1]);
    else if (verb == "waited")
      waited();
    else if (verb == "unsteady")
      unsteady(std::stoi(words[1]));
    else if (verb == "rollouts")
      rollouts();
    else if (verb == "waves")
      waves();
    else if (verb == "holds")
      holds();
    else if (verb == "versions")
      versions();
    else
      out_ << "unknown command: " << verb << "\n";
    return out_.str();
  }

  static nlohmann::json from_yaml(const std::string& text) {
    auto documents = api::parse_yaml(text);
    if (!documents) throw std::logic_error(documents.error().message);
    return *documents->front().json;
  }
  template <class T>
  static T object_of(const std::string& name, const std::string& spec) {
    const auto& info = api::kind_info<T>();
    nlohmann::json document{{"apiVersion", api::kApiVersion},
                            {"kind", std::string(info.kind)},
                            {"metadata", {{"name", name}}},
                            {"spec", from_yaml(spec)}};
    auto object = api::decode<T>(document);
    if (!object) throw std::logic_error(object.error().message);
    return *object;
  }

  // check KIND {spec}: what validation says to it
  void check(const std::string& kind, const std::string& spec) {
    const nlohmann::json document{
        {"apiVersion", api::kApiVersion}, {"kind", kind}, {"metadata", {{"name", "x"}}}, {"spec", from_yaml(spec)}};
    const auto causes = api::validate(kind, document, nullptr, {});
    for (const auto& cause : causes) out_ << cause.field << ": " << cause.message << "\n";
    if (causes.empty()) out_ << "accepted\n";
  }

  // wait DEPLOYMENT: as `kubectl wait --for=condition=Ready` does, which looks at every state from now on.
  void wait(const std::string& deployment) {
    waiting_for_ = deployment;
    returned_.reset();
    world_.after_step = [this] { look(); };
    look();
  }
  void look() {
    const auto found = world_.deployments().find(waiting_for_);
    if (returned_ || found == world_.deployments().end()) return;
    const auto* ready = api::find_condition(found->second->status.conditions, "Ready");
    if (ready == nullptr || !ready->status || ready->observed_generation < found->second->metadata.generation) return;
    std::ostringstream now;
    now << waiting_for_ << " was Ready at " << number(world_.now()) << ":";
    std::map<std::string, const api::DeploymentTask*> newest;  // what is really there
    for (const auto& [name, task] : world_.tasks()) {
      if (task->status.phase != api::TaskPhase::Succeeded) continue;
      auto& kept = newest[task->spec.installation];
      if (kept == nullptr || kept->spec.attempt < task->spec.attempt) kept = task.get();
    }
    for (const auto& [name, task] : newest) now << " " << name << "=" << task->status.reported_version;
    returned_ = now.str();
  }
  void waited() { out_ << returned_.value_or(waiting_for_ + " was not Ready") << "\n"; }

  // unsteady SEED: from now on two of three writes are lost, others each time.
  void unsteady(int seed) {
    dice_.emplace(static_cast<std::uint64_t>(seed));
    world_.lose = [this](const planner::Effect&) { return dice_->below(3) != 0; };
  }

  // strategy {…}: of the deployments that follow
  void strategy(const std::string& text) {
    strategy_ = object_of<api::TenantDeployment>("x", "{rollout: " + text + "}").spec.rollout;
  }
  void window(const std::string& name, const std::string& text) {
    world_.put(object_of<api::DeploymentWindow>(name, text));
  }

  void windows() {
    world_.settle();
    for (const auto& [name, window] : world_.windows()) {
      const auto& status = window->status;
      out_ << name << (status.open ? " open" : " closed");
      if (status.next_change) out_ << " until " << format_time(*status.next_change);
      out_ << "\n";
    }
  }

  // approve VERSION GATE by=NAME [hash=OTHER]: of the newest rollout of that version
  void approve(const Words& words) {
    world_.settle();
    api::Approval object;
    object.metadata.name = "word-" + std::to_string(++words_given_);
    for (const auto& [name, rollout] : world_.rollouts()) {
      if (rollout->spec.version != words[1]) continue;
      object.spec.rollout_ref.name = name;
      object.spec.plan_hash = option(words, "hash").value_or(rollout->status.plan_hash);
    }
    object.spec.gate = words[2];
    object.spec.approver = option(words, "by").value_or("ann");
    if (words[0] == "reject") object.spec.decision = api::ApprovalDecision::Reject;
    world_.put(object);
  }

  // steer VERSION [pause] [resume] [cancel] [accept=WAVE:COUNT]
  void steer(const Words& words) {
    for (const auto& [name, rollout] : world_.rollouts()) {
      if (rollout->spec.version != words[1]) continue;
      api::Rollout object = *rollout;
      if (flag(words, "pause")) object.spec.paused = true;
      if (flag(words, "resume")) object.spec.paused = false;
      if (flag(words, "cancel")) object.spec.cancel = true;
      if (const auto accept = option(words, "accept")) {
        const auto colon = accept->find(':');
        object.spec.accepted_failures[accept->substr(0, colon)] = std::stoi(accept->substr(colon + 1));
      }
      world_.put(object);
      return;
    }
  }

  void rollouts() {
    world_.settle();
    for (const auto& [name, rollout] : world_.rollouts()) {
      out_ << rollout->spec.version << " " << rollout->status.phase;
      if (!rollout->status.reason.empty()) out_ << " (" << rollout->status.reason << ")";
      out_ << "\n";
    }
  }

  // The rollouts that are not left, wave by wave.
  void waves() {
    world_.settle();
    const auto count = [&](int value, const char* what) {
      if (value > 0) out_ << " " << value << " " << what;
    };
    for (const auto& [name, rollout] : world_.rollouts()) {
      const auto& status = rollout->status;
      if (status.phase == "Superseded") continue;
      out_ << rollout->spec.version << " " << status.phase;
      if (!status.reason.empty()) out_ << " (" << status.reason << ")";
      out_ << "\n";
      for (const auto& wave : status.waves) {
        out_ << "  " << wave.name << " " << api::to_string(wave.phase) << ":";
        count(wave.succeeded, "done"), count(wave.failed, "failed"), count(wave.unreachable, "unreachable");
        count(wave.running, "running"), count(wave.waiting, "waiting"), count(wave.held, "held");
        if (const auto& r = wave.resolved) {
          out_ << "; of " << r->members;
          if (r->concurrency) out_ << ", concurrency " << *r->concurrency;
          if (r->max_failures) out_ << ", maxFailures " << *r->max_failures;
          if (r->max_unreachable) out_ << ", unreachable " << *r->max_unreachable;
          if (r->min_succeeded != 1) out_ << ", minSucceeded " << r->min_succeeded;
        }
        out_ << "\n";
      }
    }
  }

  void holds() {
    world_.settle();
    for (const auto& [name, hold] : world_.holds()) {
      out_ << "hold of " << hold->spec.tenant_deployment_ref.name << " off " << hold->spec.version;
      for (const auto& wave : hold->spec.waves) out_ << " in wave " << wave;
      out_ << ": " << hold->spec.reason << "\n";
    }
    if (world_.holds().empty()) out_ << "no holds\n";
  }

  void versions() {
    world_.settle();
    for (const auto& [name, installation] : world_.installations()) {
      const auto& actual = installation->status.actual_release;
      out_ << name << " " << (actual.empty() ? "-" : actual) << conditions(installation->status.conditions) << "\n";
    }
  }

  void target(const Words& words) {
    world_.target(words[1], integer(words, "slots", 1), !flag(words, "unready"));
    const auto hosts = option(words, "for");
    const auto environments = option(words, "in");
    if (!hosts && !environments) return;
    api::Target object = world_.target_object(words[1]);
    if (hosts) object.spec.tenants = names_in("name", *hosts);
    if (environments) object.spec.environments = split(*environments, ',');
    world_.put(object);
  }

  void lock_group(const Words& words) {
    api::LockGroupSpec spec;
    const auto scope = option(words, "scope").value_or("Target");
    spec.scope = scope == "Global"        ? api::LockScope::Global
                 : scope == "Environment" ? api::LockScope::Environment
                 : scope == "Tenant"      ? api::LockScope::Tenant
                                          : api::LockScope::Target;
    const auto capacity = option(words, "capacity").value_or("1");
    if (capacity != "none") spec.capacity = std::stoi(capacity);
    if (option(words, "granularity").value_or("Step") == "Deployment") {
      spec.granularity = api::LockGranularity::Deployment;
    }
    spec.max_bypass = integer(words, "maxBypass", 0);
    if (const auto timeout = option(words, "waitTimeout"))
      spec.wait_timeout = parse_duration(*timeout).value();
    world_.lock_group(words[1], spec);
  }

  void budget(const Words& words) {
    api::PairSelector selector;
    if (const auto projects = option(words, "projects")) selector.projects = split(*projects, ',');
    if (const auto targets = option(words, "targets"))
      selector.targets = names_in("name", *targets);
    world_.budget(words[1], integer(words, "max", 1), selector);
  }

  void tenants(const Words& words) {
    std::map<std::string, std::string> labels;
    for (const auto& word : words) {
      const auto equals = word.find('=');
      if (equals != std::string::npos) labels[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const auto make = [&](const std::string& name) {
      labels["name"] = name;
      world_.tenant(name, labels);
    };
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i].find('=') != std::string::npos) continue;
      const auto dots = words[i].find("..");
      if (dots == std::string::npos) {
        make(words[i]);
        continue;
      }
      const std::string first = words[i].substr(0, dots);
      const std::size_t digits = first.find_first_of("0123456789");
      const int last = std::stoi(words[i].substr(dots + 2 + digits));
      for (int n = std::stoi(first.substr(digits)); n <= last; ++n) {
        std::string text = std::to_string(n);
        while (text.size() < first.size() - digits) text = "0" + text;
        make(first.substr(0, digits) + text);
      }
    }
  }

  void environment(const Words& words) {
    api::Environment object;
    object.metadata.name = words[1];
    object.spec.paused = flag(words, "paused");
    if (const auto from = option(words, "after")) object.spec.promotion.from = *from;
    if (option(words, "soak")) object.spec.promotion.required_soak = std::chrono::seconds(integer(words, "soak", 0));
    object.spec.promotion.per_tenant = !flag(words, "together");
    world_.put(object);
  }

  void project(const Words& words) {
    std::vector<api::Step> steps;
    const auto begin = std::find(words.begin(), words.end(), "steps:");
    for (auto word = begin; word != words.end(); ++word) {
      if (word != begin) steps.push_back(parse_step(*word));
    }
    std::optional<api::HealthCheck> check;
    if (flag(words, "checked")) check.emplace().script = api::ScriptStep{"sh", "true"};
    world_.project(words[1], steps, lock_requests(option(words, "locks").value_or("")), check,
                   option(words, "drift").value_or("Report"));
  }

  void deploy(const Words& words) {
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = words[2];
    if (words[3].find_first_of("^~*x<>") == std::string::npos) {
      spec.release.version = words[3];
    } else {
      spec.release.range = words[3];
    }
    spec.rollout = strategy_;
    spec.environment_ref.name = option(words, "in").value_or("production");
    spec.priority = integer(words, "priority", 0);
    spec.paused = flag(words, "paused");
    if (const auto tenants = option(words, "tenants")) spec.tenants = names_in("name", *tenants);
    if (const auto targets = option(words, "targets")) spec.targets = names_in("name", *targets);
    if (option(words, "supersede")) spec.rollout.supersede = api::Supersede::StopAtStepBoundary;
    if (const auto count = option(words, "inflight"))
      spec.rollout.max_in_flight = std::stoi(*count);
    if (option(words, "retry")) spec.rollout.retry.limit = integer(words, "retry", 0);
    world_.deployment(words[1], spec);
  }

  // fail TASK STEP [attempt=N] [retry]
  void fail_step(const Words& words) {
    const std::string key =
        words[1] + "/" + words[2] + "/" + option(words, "attempt").value_or("1");
    failing_[key] =
        flag(words, "retry") ? PlannerWorld::Outcome::Retry : PlannerWorld::Outcome::Fail;
    world_.outcome = [this](const api::DeploymentTask& task, const std::string& name, int attempt) {
      const auto found =
          failing_.find(task.metadata.name + "/" + name + "/" + std::to_string(attempt));
      return found == failing_.end() ? PlannerWorld::Outcome::Succeed : found->second;
    };
  }

  void run() {
    world_.run(100'000);
    double end = 0;
    for (const auto& interval : world_.intervals()) end = std::max(end, interval.end);
    out_ << "all at rest; the last step ended at " << number(end) << "\n";
  }

  void timeline(const std::string& step) {
    std::map<std::string, std::pair<double, double>> spans;
    std::vector<Interval> sorted = world_.intervals();
    std::sort(sorted.begin(), sorted.end(), [](const Interval& a, const Interval& b) {
      return std::tie(a.begin, a.task, a.step) < std::tie(b.begin, b.task, b.step);
    });
    for (const auto& interval : sorted) {
      if (!step.empty()) {
        if (step != "*" && step != interval.step) continue;
        out_ << interval.task << " " << interval.step;
        if (interval.attempt > 1) out_ << " attempt " << interval.attempt;
        out_ << " " << number(interval.begin) << "-" << number(interval.end) << "\n";
        continue;
      }
      auto& span =
          spans.emplace(interval.task, std::make_pair(interval.begin, interval.end)).first->second;
      span = {std::min(span.first, interval.begin), std::max(span.second, interval.end)};
    }
    for (const auto& [task, span] : spans) {
      out_ << task << " " << number(span.first) << "-" << number(span.second) << "\n";
    }
  }

  // The most steps at one instant.
  void peak(const std::string& step) {
    int most = 0;
    for (const auto& one : world_.intervals()) {
      if (!step.empty() && one.step != step) continue;
      int count = 0;
      for (const auto& other : world_.intervals()) {
        if (!step.empty() && other.step != step) continue;
        if (other.begin <= one.begin && one.begin < other.end) ++count;
      }
      most = std::max(most, count);
    }
    out_ << "peak " << most << "\n";
  }

  // How many steps of each project ran, from each second at which that changed.
  void shares(double since) {
    std::set<double> moments;
    for (const auto& one : world_.intervals()) moments.insert({one.begin, one.end});
    std::string before;
    for (const double moment : moments) {
      std::map<std::string, int> counts;
      for (const auto& one : world_.intervals()) {
        if (one.begin <= moment && moment < one.end)
          ++counts[one.task.substr(0, one.task.find('.'))];
      }
      std::string text;
      for (const auto& [project, count] : counts)
        text += " " + project + " " + std::to_string(count);
      if (text != before && moment >= since)
        out_ << "from " << number(moment) << ":" << (text.empty() ? " nobody" : text) << "\n";
      before = text;
    }
  }

  void print(const std::vector<api::BlockedBy>& blocked) {
    for (const auto& one : blocked) {
      out_ << "  " << one.kind << " " << one.name << ": " << one.message << "\n";
    }
  }

  void why(const std::string& pair) {
    world_.settle();
    const auto blocked = world_.planner().why(pair, world_.time());
    out_ << pair << (blocked.empty() ? " is not waiting\n" : "\n");
    print(blocked);
  }

  void locks(const std::string& instance) {
    world_.settle();
    for (const auto& lock : world_.planner().locks(world_.time())) {
      if (!instance.empty() && lock.instance != instance) continue;
      out_ << lock.instance << " " << lock.holders.size() << "/"
           << (lock.capacity ? std::to_string(*lock.capacity) : "-") << "\n";
      for (const auto& holder : lock.holders) {
        out_ << "  held by " << holder.task;
        if (holder.step_number > 0) out_ << " step " << holder.step_number;
        out_ << (holder.mode == api::LockMode::Exclusive ? " exclusive" : " shared") << " since "
             << number(second_of(holder.since)) << "\n";
      }
      for (const auto& waiter : lock.waiters) {
        out_ << "  " << waiter.position << " " << waiter.task << " since "
             << number(second_of(waiter.since)) << "\n";
      }
    }
  }

  void tasks() {
    world_.settle();
    for (const auto& [name, task] : world_.tasks()) {
      out_ << name << " " << task->spec.version << " " << api::to_string(task->spec.action) << " "
           << api::to_string(task->status.phase);
      if (!task->status.reason.empty()) out_ << " " << task->status.reason;
      if (!task->status.superseded_by.empty()) out_ << " by " << task->status.superseded_by;
      out_ << "\n";
    }
  }

  void plan() {
    world_.settle();
    for (const auto& row : world_.planner().rows(world_.time())) {
      out_ << row.order << " " << row.installation << " " << api::to_string(row.action) << " "
           << (row.from.empty() ? "-" : row.from) << " -> " << (row.to.empty() ? "-" : row.to)
           << (row.wave.empty() ? "" : " in wave ") << row.wave << "\n";
      print(row.blocked_by);
    }
  }

  static std::string conditions(const std::vector<api::Condition>& conditions) {
    std::string text;
    for (const auto& condition : conditions) {
      if (condition.status) text += " " + condition.type + "(" + condition.reason + ")";
    }
    return text;
  }

  void status() {
    world_.settle();
    for (const auto& [name, deployment] : world_.deployments()) {
      const auto& s = deployment->status;
      out_ << "TenantDeployment " << name << " " << s.version << " " << s.ready << "/" << s.desired
           << " ready, " << s.updating << " updating, " << s.waiting << " waiting, " << s.failed
           << " failed" << conditions(s.conditions) << "\n";
    }
    for (const auto& [name, rollout] : world_.rollouts()) {
      out_ << "Rollout " << rollout->spec.version << " " << rollout->status.phase << "\n";
    }
    for (const auto& [name, installation] : world_.installations()) {
      out_ << "Installation " << name << " "
           << (installation->status.actual_release.empty() ? "-"
                                                           : installation->status.actual_release)
           << conditions(installation->status.conditions) << "\n";
    }
  }

  PlannerWorld world_;
  api::RolloutStrategy strategy_;
  int words_given_ = 0;
  std::string waiting_for_;
  std::optional<std::string> returned_;
  std::optional<SeededRandom> dice_;
  std::map<std::string, PlannerWorld::Outcome> failing_;
  std::ostringstream out_;
};

}  // namespace

std::string run_script(const std::string& text) {
  Script script;
  std::istringstream in(text);
  std::string result;
  std::string printed;
  std::string line;
  bool in_output = false;
  while (std::getline(in, line)) {
    if (in_output) {
      if (!line.empty()) continue;
      in_output = false;
    }
    if (line == "----") {
      result += "----\n" + printed;
      printed.clear();
      in_output = true;
      // Skips the old output; the blank line after it is printed here.
      result += "\n";
      continue;
    }
    if (line.empty()) {
      if (!result.empty() && result.size() >= 2 && result.substr(result.size() - 2) != "\n\n")
        result += "\n";
      continue;
    }
    result += line + "\n";
    if (line[0] != '#') printed += script.execute(line);
  }
  while (result.size() >= 2 && result.substr(result.size() - 2) == "\n\n") result.pop_back();
  return result;
}

}  // namespace tidelock::testing
