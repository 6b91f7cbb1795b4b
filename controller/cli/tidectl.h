// SPDX-License-Identifier: Apache-2.0
// tidectl as a function: arguments, environment, streams and clock in, exit code out.
//
// Exit codes: 0 success, 1 error (message on stderr, `error: …` or `Error from server (Reason): …`
// as kubectl prints), 2 `plan` found changes (`diff`: 1), 3 and 4 see `rollout status`, 130
// interrupted.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/base/time.h"
#include "controller/http/client.h"

namespace tidelock::cli {

struct Environment {
  std::map<std::string, std::string> variables;  // KUBECONFIG, HOME, …
  std::istream* in = nullptr;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool terminal = false;  // out is a terminal: bars and in-place updates are welcome
  Clock* clock = nullptr;
  // Makes a Transport for a cluster of the kubeconfig; tests give an in-process one.
  std::function<Result<std::unique_ptr<http::Transport>>(const http::ClientOptions&)> connect;
  // Waits until `wake` was called or `deadline` has passed; returns false when interrupted
  // (Ctrl-C).
  std::function<bool(TimePoint deadline)> wait;
  Wake wake;
  // Whole file, or a Result with the path in its message. "-" never comes here.
  std::function<Result<std::string>(const std::string& path)> read_file;
  // The manifests (*.yaml, *.yml, *.json, by name) of a folder; a file gives itself. Missing:
  // Reason::NotFound.
  std::function<Result<std::vector<std::string>>(const std::string& path, bool recursive)>
      list_files;
  // Replaces a whole file; only `config use-context` writes one.
  std::function<Result<void>(const std::string& path, const std::string& text)> write_file;
  std::function<int()> width;       // columns of the terminal; unset or < 20 = 100
  std::string program = "tidectl";  // "kubectl tidelock" as a plugin of kubectl
  std::string version = "0.1.0";
};

// `arguments` without the program's name.
int run(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace tidelock::cli
