// SPDX-License-Identifier: Apache-2.0
// The `tidectl` program, also found by kubectl as `kubectl-tidelock`.
#include "controller/cli/tidectl.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "controller/base/log.h"
#include "controller/platform/event_loop.h"
#include "controller/platform/posix_disk.h"
#include "controller/platform/signals.h"
#include "controller/platform/system_clock.h"

extern char** environ;

namespace {

namespace fs = std::filesystem;
using tidelock::fail;
using tidelock::Reason;
using tidelock::Result;

constexpr int kFileModeSecret = 0600;

// Ctrl-C while something waits ends the wait; at any other moment it ends the program.
class Interrupt {
 public:
  Interrupt(tidelock::platform::ShutdownSignals& signals, tidelock::platform::Waker& waker)
      : signals_(signals), thread_([this, &waker] {
          signal_ = signals_.wait();
          if (signal_ == 0) return;
          if (!waiting_) std::_Exit(128 + signal_);
          waker.wake();
        }) {}
  ~Interrupt() {
    signals_.interrupt();
    thread_.join();
  }
  bool happened() const { return signal_ != 0; }
  void waiting(bool on) { waiting_ = on; }

 private:
  tidelock::platform::ShutdownSignals& signals_;
  std::atomic<int> signal_{0};
  std::atomic<bool> waiting_{false};
  std::thread thread_;
};

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || (file.peek() != EOF && !(text << file.rdbuf())) || file.bad()) {
    const Reason reason = errno == ENOENT ? Reason::NotFound : Reason::BadRequest;
    return fail(reason, path + ": " + std::strerror(errno));
  }
  return text.str();
}

bool is_manifest(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

template <class Iterator>
void collect(Iterator entries, std::error_code& error, std::vector<std::string>& files) {
  for (const Iterator end; !error && entries != end; entries.increment(error)) {
    std::error_code ignored;
    if (entries->is_regular_file(ignored) && is_manifest(entries->path())) {
      files.push_back(entries->path().string());
    }
  }
}

Result<std::vector<std::string>> list_files(const std::string& path, bool recursive) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return fail(Reason::NotFound, path + ": No such file or directory");
  }
  if (error) return fail(Reason::BadRequest, path + ": " + error.message());
  if (!fs::is_directory(status)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  if (recursive) {
    collect(fs::recursive_directory_iterator(path, error), error, files);
  } else {
    collect(fs::directory_iterator(path, error), error, files);
  }
  if (error) return fail(Reason::BadRequest, path + ": " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::map<std::string, std::string> variables() {
  std::map<std::string, std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string::npos) found[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return found;
}

int terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string program_name(const char* path) {
  const std::string name = fs::path(path).filename().string();
  return name.starts_with("kubectl-") ? "kubectl " + name.substr(8) : name;
}

}  // namespace

int main(int argc, char** argv) {
  tidelock::platform::ShutdownSignals signals;
  tidelock::set_log_level(tidelock::LogLevel::Error);
  tidelock::platform::SystemClock clock;
  tidelock::platform::PosixDisk disk;
  tidelock::platform::Waker waker;
  Interrupt interrupt(signals, waker);

  tidelock::cli::Environment environment;
  environment.variables = variables();
  environment.in = &std::cin;
  environment.out = &std::cout;
  environment.err = &std::cerr;
  environment.terminal = isatty(STDOUT_FILENO) == 1;
  environment.clock = &clock;
  environment.connect = tidelock::http::make_client;
  environment.wake = waker.handle();
  environment.wait = [&](tidelock::TimePoint deadline) {
    environment.out->flush();
    interrupt.waiting(true);
    if (!interrupt.happened()) waker.wait_until(deadline);
    interrupt.waiting(false);
    return !interrupt.happened();
  };
  environment.read_file = read_file;
  environment.list_files = list_files;
  environment.write_file = [&](const std::string& path, const std::string& text) {
    return disk.write_file(fs::absolute(path).string(), text, kFileModeSecret);
  };
  environment.width = terminal_width;
  environment.program = program_name(argc > 0 ? argv[0] : "tidectl");
  environment.version = TIDELOCK_VERSION;
  return tidelock::cli::run({argv + std::min(argc, 1), argv + argc}, environment);
}
