// SPDX-License-Identifier: Apache-2.0
// The process of a project: its variables, its steps, and what they need to be alone with.
#pragma once

#include "controller/api/meta.h"

namespace tidelock::api {

struct SecretKeyReference {
  std::string name;
  std::string key;
  bool operator==(const SecretKeyReference&) const = default;
};

struct Variable {
  std::string name;
  std::optional<std::string> value;
  std::optional<SecretKeyReference> secret;  // JSON: valueFrom.secretKeyRef; marks it sensitive
  std::string project;      // scope; Tenant only. Empty = any
  std::string environment;  // scope; Tenant only. Empty = any
  bool operator==(const Variable&) const = default;
};

enum class LockMode { Exclusive, Shared };

struct LockRequest {
  std::string group;
  LockMode mode = LockMode::Exclusive;
  std::optional<int> units;  // instead of a mode: k units
  bool operator==(const LockRequest&) const = default;
};

struct PackageStep {
  std::vector<std::string> substitute;  // files below the release folder whose ${name} is replaced
  bool operator==(const PackageStep&) const = default;
};

struct ScriptStep {
  std::string shell = "sh";  // sh | bash
  std::string body;          // never templated
  bool operator==(const ScriptStep&) const = default;
};

struct HttpStep {
  std::string method = "GET";  // JSON: the key that holds the URL: get, post, put, delete
  std::string url;             // template
  std::map<std::string, std::string> headers;  // values are templates
  std::string body;            // template
  int expect = 200;
  bool operator==(const HttpStep&) const = default;
};

struct StepRetry {
  int limit = 0;  // further attempts after the first
  Duration backoff = std::chrono::seconds(5);
  bool operator==(const StepRetry&) const = default;
};

enum class StepStart { AfterPrevious, WithPrevious };
enum class StepIsolation { Shared, Exclusive };

struct Step {
  std::string name;
  // Exactly one of the three.
  std::optional<PackageStep> package;
  std::optional<ScriptStep> script;
  std::optional<HttpStep> http;
  std::vector<LockRequest> locks;  // step granularity
  StepIsolation isolation = StepIsolation::Shared;
  Duration timeout = std::chrono::minutes(10);  // from the grant of its locks, per attempt
  StepRetry retry;
  StepStart start = StepStart::AfterPrevious;
  std::string when = "Success";  // Success | Failure | Always | a variable expression (api/when.h)
  bool operator==(const Step&) const = default;
};

// Says whether what is installed works. Runs outside the deployment's locks, on the target.
struct HealthCheck {
  std::optional<ScriptStep> script;  // exactly one of the two
  std::optional<HttpStep> http;
  Duration interval = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(10);
  int failure_threshold = 3;  // so many failures in a row are a change to unhealthy
  bool operator==(const HealthCheck&) const = default;
};

// Snapshotted into Release.status.process, so that editing the project changes no release.
struct Process {
  std::string install_directory;  // template
  bool allow_shared_install_directory = false;
  std::vector<Variable> variables;
  std::vector<Step> steps;
  std::vector<LockRequest> locks;  // deployment granularity
  std::optional<HealthCheck> health_check;
  bool operator==(const Process&) const = default;
};

struct Package {
  std::string step;
  std::string url;     // template
  std::string sha256;  // 64 hex digits
  bool operator==(const Package&) const = default;
};

}  // namespace tidelock::api
