// SPDX-License-Identifier: Apache-2.0
// What a step or a health check asks of the outside, with the values of its task filled in.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/agent/fetcher.h"
#include "controller/agent/task_values.h"
#include "controller/base/disk.h"
#include "controller/base/process.h"

namespace tidelock::agent {

// What a step must know of its task.
struct StepTask {
  const api::DeploymentTask& object;
  const TaskValues& values;
  const std::vector<api::StepStatus>& steps;
  std::string install_path;  // of the release folder
};

// What a script sees; HOME, PATH and TIDELOCK_OUTPUT are the caller's.
std::map<std::string, std::string> script_environment(const StepTask& task, const std::string& step,
                                                      int step_attempt);
// The command line of a script; a body too long for one is written to `file` first.
Result<std::vector<std::string>> script_argv(Disk& disk, const api::ScriptStep& script,
                                             const std::string& file);
Result<HttpJob> http_job(const StepTask& task, const api::HttpStep& http, Duration timeout);
// "exit code 1" or "killed by signal 9".
std::string exit_text(const ProcessEvent& event);

}  // namespace tidelock::agent
