// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/step_job.h"

#include "controller/api/codec.h"
#include "controller/base/limits.h"

namespace tidelock::agent {

std::map<std::string, std::string> script_environment(const StepTask& task, const std::string& step,
                                                      int step_attempt) {
  const api::DeploymentTaskSpec& spec = task.object.spec;
  std::map<std::string, std::string> environment = task.values.environment();
  environment["TIDELOCK_PROJECT"] = spec.project;
  environment["TIDELOCK_RELEASE"] = spec.version;
  environment["TIDELOCK_ENVIRONMENT"] = spec.environment;
  environment["TIDELOCK_TENANT"] = spec.tenant;
  environment["TIDELOCK_TARGET"] = spec.target;
  environment["TIDELOCK_STEP"] = step;
  environment["TIDELOCK_ATTEMPT"] = std::to_string(spec.attempt);
  environment["TIDELOCK_STEP_ATTEMPT"] = std::to_string(step_attempt);
  environment["TIDELOCK_INSTALL_DIR"] = task.install_path;
  if (task.object.status.grant) {
    environment["TIDELOCK_FENCE"] =
        std::to_string(api::to_integer(task.object.status.grant->fence));
  }
  return environment;
}

Result<std::vector<std::string>> script_argv(Disk& disk, const api::ScriptStep& script,
                                             const std::string& file) {
  if (script.body.size() <= limits::kScriptArgumentBytesMax) {
    return std::vector<std::string>{script.shell, "-c", script.body};
  }
  auto written = disk.write_scratch_file(file, script.body, 0600);
  if (!written) return fail(written.error());
  return std::vector<std::string>{script.shell, file};
}

Result<HttpJob> http_job(const StepTask& task, const api::HttpStep& http, Duration timeout) {
  const api::Lookup lookup = task.values.lookup(task.steps);
  HttpJob job;
  job.method = http.method;
  job.expect = http.expect;
  job.timeout = timeout;
  auto url = api::expand_template(http.url, lookup);
  if (!url) return fail(url.error());
  job.url = std::move(*url);
  auto body = api::expand_template(http.body, lookup);
  if (!body) return fail(body.error());
  job.body = std::move(*body);
  for (const auto& [name, value] : http.headers) {
    auto expanded = api::expand_template(value, lookup);
    if (!expanded) return fail(expanded.error());
    job.headers[name] = std::move(*expanded);
  }
  return job;
}

std::string exit_text(const ProcessEvent& event) {
  return event.signal != 0 ? "killed by signal " + std::to_string(event.signal)
                           : "exit code " + std::to_string(event.exit_code);
}

}  // namespace tidelock::agent
