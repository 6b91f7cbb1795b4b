// SPDX-License-Identifier: Apache-2.0
// Kubeconfig files, read and merged as kubectl does: the first file that names a cluster, user,
// context or the current context wins, and relative paths start at the file that holds them.
//
// Pure but for `read_file`. Errors name the file and the field. What we cannot do (exec plugins,
// basic auth, proxies …) is an error when the context needs it, never silently left out.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/http/client.h"

namespace tidelock::client {

// Whole file; Reason::NotFound for a missing one, the path in the message.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// What one context amounts to.
struct Connection {
  std::string context;
  std::string cluster;
  std::string user;
  std::string ns = "default";
  http::ClientOptions options;
};

class Kubeconfig {
 public:
  // An explicit file must exist; of a list (the value of KUBECONFIG, separated by ':') missing files
  // are skipped, and none at all is an empty configuration.
  static Result<Kubeconfig> load_file(const std::string& path, const ReadFile& read_file);
  static Result<Kubeconfig> load_list(const std::string& paths, const ReadFile& read_file);

  // `context` empty = the current one. Reads the files that it names. NotFound when there is no
  // such context, cluster or user.
  Result<Connection> connection(const std::string& context, const ReadFile& read_file) const;

  const std::string& current_context() const { return current_context_; }
  std::vector<std::string> contexts() const;  // sorted

 private:
  // An entry of one of the three lists: its string and boolean fields, and where it stands.
  struct Entry {
    std::string file;
    std::string path;  // "users[0].user"
    std::map<std::string, std::string> fields;
    std::vector<std::string> unsupported;  // fields that are set and that we cannot obey
  };
  using Entries = std::map<std::string, Entry>;
  struct Parser;

  Result<void> merge(const std::string& file, const std::string& text);
  static Result<const Entry*> find(const Entries& entries, const std::string& kind,
                                   const std::string& name);
  static Result<void> use_cluster(const Entry& entry, const ReadFile& read_file,
                                  http::ClientOptions& options);
  static Result<void> use_user(const Entry& entry, const ReadFile& read_file,
                               http::ClientOptions& options);
  // <name>-data (base64) or the content of the file that <name> names; empty if neither is set.
  static Result<std::string> content(const Entry& entry, const std::string& name,
                                     const ReadFile& read_file);

  std::string current_context_;
  Entries clusters_, users_, contexts_;
};

}  // namespace tidelock::client
