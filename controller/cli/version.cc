// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/yaml.h"
#include "controller/cli/errors.h"
#include "controller/cli/json.h"
#include "controller/cli/printer.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {

using nlohmann::json;

Result<int> version(const GlobalFlags& flags, Environment& environment,
                    const VersionOptions& options) {
  if (!options.output.empty() && options.output != "json" && options.output != "yaml") {
    return usage("--output must be 'yaml' or 'json'");
  }
  json shown{{"clientVersion", {{"gitVersion", "v" + environment.version}}}};
  Error failure;
  bool failed = false;
  if (!options.client) {
    Result<json> server = fail(Error{});
    if (auto session = Session::open(flags, environment)) {
      server = (*session)->get_json("/version");
    } else {
      server = fail(session.error());
    }
    if (server) {
      shown["serverVersion"] = *server;
    } else {
      failed = true;
      failure = server.error();
    }
  }
  if (options.output == "json") {
    *environment.out << json_text(shown);
  } else if (options.output == "yaml") {
    *environment.out << api::to_yaml(shown);
  } else {
    *environment.out << "Client Version: " << text_at(shown["clientVersion"], "gitVersion") << "\n";
    if (shown.contains("serverVersion")) {
      *environment.out << "Server Version: " << text_at(shown["serverVersion"], "gitVersion")
                       << "\n";
    }
  }
  if (failed) return fail(failure);
  return 0;
}

}  // namespace tidelock::cli
