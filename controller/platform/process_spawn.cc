// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/process_spawn.h"

#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "controller/base/invariant.h"
#include "controller/platform/os_error.h"

namespace tidelock::platform {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool has_zero(const std::string& text) { return text.find('\0') != std::string::npos; }

// What exec could not be given, or would read as something else.
Result<void> check(const ProcessSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty()) {
    return fail(Reason::Invalid, "no program to start");
  }
  for (const std::string& argument : spec.argv) {
    if (has_zero(argument)) return fail(Reason::Invalid, "an argument has a zero byte");
  }
  for (const auto& [name, value] : spec.environment) {
    if (name.empty() || name.find('=') != std::string::npos || has_zero(name)) {
      return fail(Reason::Invalid, "\"" + name + "\" cannot be the name of a variable");
    }
    if (has_zero(value)) return fail(Reason::Invalid, "variable " + name + " has a zero byte");
  }
  struct stat info {};
  const std::string& folder = spec.working_directory;
  if (::stat(folder.c_str(), &info) != 0) return fail(os_error(errno, folder));
  if (!S_ISDIR(info.st_mode)) return fail(os_error(ENOTDIR, folder));
  return {};
}

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

// In the PATH of the child, not ours; a relative entry counts from the child's folder.
Result<std::string> find_program(const ProcessSpec& spec) {
  const std::string& name = spec.argv[0];
  if (name.find('/') != std::string::npos) return name;
  const auto variable = spec.environment.find("PATH");
  const std::string path = variable == spec.environment.end() ? kDefaultPath : variable->second;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    std::string folder = path.substr(start, end - start);
    if (!folder.starts_with("/")) folder = spec.working_directory + "/" + folder;
    if (is_program(folder + "/" + name)) return folder + "/" + name;
    start = end + 1;
  }
  return fail(Reason::NotFound, name + ": not found in PATH");
}

// The char** that exec wants; points into `strings`.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  all.reserve(strings.size() + 1);
  for (std::string& text : strings) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// All calls below fail only for lack of memory or bad numbers.
class Actions {
 public:
  Actions() { INVARIANT(posix_spawn_file_actions_init(&actions_) == 0); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  void place(int from, int to) {
    INVARIANT(posix_spawn_file_actions_adddup2(&actions_, from, to) == 0);
  }
  void close_one(int fd) { INVARIANT(posix_spawn_file_actions_addclose(&actions_, fd) == 0); }
  void close_from(int fd) {
    INVARIANT(posix_spawn_file_actions_addclosefrom_np(&actions_, fd) == 0);
  }
  void change_folder(const std::string& path) {
    INVARIANT(posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()) == 0);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() {
    INVARIANT(posix_spawnattr_init(&attributes_) == 0);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                               POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<pid_t> spawn(const ProcessSpec& spec, int input, int output, int lock) {
  INVARIANT(input > 2 && output > 2 && lock > 2);
  if (auto checked = check(spec); !checked) return fail(checked.error());
  const auto program = find_program(spec);
  if (!program) return fail(program.error());

  Actions actions;
  actions.place(input, 0);
  actions.place(output, 1);
  actions.place(output, 2);
  actions.place(lock, kLockDescriptor);
  // Not all libraries open with CLOEXEC, so what is not meant for the child is closed here.
  for (int fd = 3; fd < kLockDescriptor; ++fd) actions.close_one(fd);
  actions.close_from(kLockDescriptor + 1);
  actions.change_folder(spec.working_directory);

  std::vector<std::string> arguments = spec.argv;
  std::vector<std::string> variables;
  for (const auto& [name, value] : spec.environment) variables.push_back(name + "=" + value);
  const Attributes attributes;
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program->c_str(), actions.get(), attributes.get(),
                                pointers(arguments).data(), pointers(variables).data());
  if (error != 0) return fail(os_error(error, *program));
  return pid;
}

}  // namespace tidelock::platform
