// SPDX-License-Identifier: Apache-2.0
#include "controller/base/digest.h"
#include "controller/planner/planner.h"

namespace tidelock::planner {
namespace {

// Leaves room for "-<attempt>" within the 253 characters of an object name.
constexpr std::size_t kInstallationNameMax = 240;
constexpr std::size_t kDigestLength = 10;

}  // namespace

std::string installation_name(const std::string& project, const std::string& environment,
                              const std::string& tenant, const std::string& target) {
  std::string name = project + "." + environment;
  if (!tenant.empty()) name += "." + tenant;
  name += "." + target;
  // A dot inside a part would make two different pairs share a name.
  bool ambiguous = false;
  for (const auto* part : {&project, &environment, &tenant, &target}) {
    ambiguous = ambiguous || part->find('.') != std::string::npos;
  }
  if (!ambiguous && name.size() <= kInstallationNameMax) return name;
  const std::string digest = sha256_hex(project + "/" + environment + "/" + tenant + "/" + target)
                                 .substr(0, kDigestLength);
  name = name.substr(0, kInstallationNameMax - kDigestLength - 1);
  while (!name.empty() && (name.back() == '.' || name.back() == '-')) name.pop_back();
  return name + "-" + digest;
}

std::string task_name(const std::string& installation, int attempt) {
  return installation + "-" + std::to_string(attempt);
}

}  // namespace tidelock::planner
