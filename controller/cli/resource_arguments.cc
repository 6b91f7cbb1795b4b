// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/resource_arguments.h"

#include <algorithm>

#include "controller/cli/session.h"

namespace tidelock::cli {
namespace {

bool has_slash(const std::string& text) { return text.find('/') != std::string::npos; }

Result<std::vector<Selection>> slashed(const Discovery& discovery,
                                       const std::vector<std::string>& arguments) {
  std::vector<Selection> found;
  for (const std::string& argument : arguments) {
    const std::size_t slash = argument.find('/');
    const std::string name = argument.substr(slash + 1);
    if (slash == 0 || name.empty() || has_slash(name)) {
      return usage("arguments in resource/name form must have a single resource and name");
    }
    const std::string kind = argument.substr(0, slash);
    auto resolved = discovery.resolve(kind);
    if (!resolved) return fail(resolved.error());
    if (resolved->size() != 1)
      return usage("\"" + kind + "\" is more than one kind; a name needs one");
    const ResourceInfo* info = resolved->front();
    if (found.empty() || found.back().info != info) found.push_back({info, {}});
    found.back().names.push_back(name);
  }
  return found;
}

Result<std::vector<const ResourceInfo*>> kinds_of(const Discovery& discovery,
                                                  const std::string& list) {
  std::vector<const ResourceInfo*> kinds;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    auto resolved = discovery.resolve(list.substr(start, end - start));
    if (!resolved) return fail(resolved.error());
    for (const ResourceInfo* info : *resolved) {
      if (std::find(kinds.begin(), kinds.end(), info) == kinds.end()) kinds.push_back(info);
    }
    start = end + 1;
  }
  return kinds;
}

}  // namespace

Result<std::vector<Selection>> parse_selections(const Discovery& discovery,
                                                const std::vector<std::string>& arguments,
                                                const std::string& verb) {
  if (arguments.empty()) {
    return usage("You must specify the type of resource to " + verb +
                 ". Use \"tidectl api-resources\" for a complete list of supported resources.");
  }
  const auto slashes = std::count_if(arguments.begin(), arguments.end(), has_slash);
  if (slashes == static_cast<std::ptrdiff_t>(arguments.size()))
    return slashed(discovery, arguments);
  if (slashes > 0) {
    return usage(
        "there is no need to specify a resource type as a separate argument when passing "
        "arguments in resource/name form (e.g. 'tidectl " +
        verb + " resource/<resource_name>' instead of 'tidectl " + verb +
        " resource resource/<resource_name>')");
  }
  auto kinds = kinds_of(discovery, arguments.front());
  if (!kinds) return fail(kinds.error());
  std::vector<Selection> found;
  for (const ResourceInfo* info : *kinds) {
    found.push_back({info, {arguments.begin() + 1, arguments.end()}});
  }
  return found;
}

Result<Named> parse_named(const Discovery& discovery, const std::vector<std::string>& arguments,
                          const std::string& default_kind) {
  if (arguments.size() == 1 && !has_slash(arguments[0]) && !default_kind.empty()) {
    auto kinds = discovery.resolve(default_kind);
    if (!kinds) return fail(kinds.error());
    return Named{kinds->front(), arguments[0]};
  }
  auto selections = parse_selections(discovery, arguments, "name");
  if (!selections) return fail(selections.error());
  if (selections->size() != 1 || selections->front().names.size() != 1) {
    return usage("want exactly one object: KIND NAME or KIND/NAME");
  }
  return Named{selections->front().info, selections->front().names.front()};
}

}  // namespace tidelock::cli
