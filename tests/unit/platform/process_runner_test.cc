// SPDX-License-Identifier: Apache-2.0
// Real processes of the shell and coreutils. Waits are for events; the long deadline only turns a
// hang into a failure.
#include "controller/platform/process_runner.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "controller/base/limits.h"
#include "controller/platform/event_loop.h"
#include "controller/platform/process_spawn.h"
#include "controller/platform/system_clock.h"
#include "tests/support/temp_folder.h"

using namespace tidelock;
using namespace tidelock::platform;
using tidelock::testing::TempFolder;
using Kind = ProcessEvent::Kind;

namespace {

constexpr std::chrono::seconds kHang{60};

void eventually(const std::function<bool()>& holds) {
  SystemClock clock;
  const TimePoint deadline = clock.now() + kHang;
  while (!holds()) {
    REQUIRE(clock.now() < deadline);
    std::this_thread::yield();
  }
}

bool is_gone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return true;
  return text[text.rfind(')') + 2] == 'Z';
}

struct Ended {
  std::string output;
  int exit_code = -1;
  int signal = -1;
};

class Target {
 public:
  explicit Target(ProcessRunnerOptions options = {}) : runner(waker.handle(), options) {}
  ~Target() {  // also when a check failed midway
    for (const char* lock : {"lock", "other"}) runner.kill_holders(folder / lock);
  }

  ProcessSpec spec(std::vector<std::string> argv, const std::string& lock = "lock") const {
    return {std::move(argv), {{"PATH", "/usr/bin:/bin"}}, folder.path(), folder / lock};
  }
  ProcessSpec shell(const std::string& script, const std::string& lock = "lock") const {
    return spec({"sh", "-c", script}, lock);
  }
  ProcessId start(const ProcessSpec& asked) {
    const auto id = runner.start(asked);
    if (!id) FAIL(id.error().message);
    return *id;
  }
  // Takes events until `done`.
  void pump(const std::function<bool()>& done) {
    const TimePoint deadline = clock.now() + kHang;
    while (true) {
      for (const ProcessEvent& event : runner.poll()) {
        Ended& one = seen[event.id];
        REQUIRE(one.exit_code == -1);  // nothing after the exit
        one.output += event.bytes;
        if (event.kind == Kind::Exited) {
          one.exit_code = event.exit_code;
          one.signal = event.signal;
        }
      }
      if (done()) return;
      REQUIRE(waker.wait_until(deadline));
    }
  }
  Ended end_of(ProcessId id) {
    pump([&] { return seen[id].exit_code != -1; });
    return seen[id];
  }
  Ended run(const ProcessSpec& asked) { return end_of(start(asked)); }
  // The first line that the process writes, as a number.
  pid_t pid_from(ProcessId id) {
    pump([&] { return seen[id].output.find('\n') != std::string::npos; });
    return std::stoi(seen[id].output);
  }
  bool is_dead(const std::string& lock = "lock") {
    return runner.probe(folder / lock) == Liveness::Dead;
  }

  TempFolder folder;
  SystemClock clock;
  Waker waker;
  PosixProcessRunner runner;
  std::map<ProcessId, Ended> seen;
};

}  // namespace

TEST_CASE("output comes in the order written, then the exit code", "[platform][process]") {
  Target target;
  const Ended ended = target.run(target.shell("echo a; echo b >&2; echo c; exit 7"));
  CHECK(ended.output == "a\nb\nc\n");
  CHECK((ended.exit_code == 7 && ended.signal == 0));
}

TEST_CASE("a process that dies of a signal exits with 128 plus its number", "[platform][process]") {
  Target target;
  const Ended ended = target.run(target.shell("kill -TERM $$"));
  CHECK((ended.exit_code == 143 && ended.signal == SIGTERM));
}

TEST_CASE("a process gets its folder, its environment and nothing else", "[platform][process]") {
  Target target;
  ProcessSpec asked = target.spec({"env"});
  asked.environment["GREETING"] = "hello world";
  CHECK(target.run(asked).output == "GREETING=hello world\nPATH=/usr/bin:/bin\n");
  CHECK(target.run(target.spec({"pwd"})).output == target.folder.path() + "\n");
  CHECK(target.run(target.spec({"cat"})).exit_code == 0);  // stdin is at its end
  const int leaky = ::open("/dev/null", O_RDONLY);  // as libraries do: without CLOEXEC
  REQUIRE(::fcntl(leaky, F_DUPFD, 40) >= 40);
  // 3 is the folder that ls itself opens.
  CHECK(target.run(target.shell("ls /proc/self/fd | tr '\\n' ' '")).output == "0 1 19 2 3 ");
  static_assert(kLockDescriptor == 19);
}

TEST_CASE("a process leads a session and group of its own", "[platform][process]") {
  Target target;
  const Ended ended = target.run(target.shell("echo $$; cut -d' ' -f5,6 /proc/$$/stat"));
  std::istringstream text(ended.output);
  int pid = 0;
  int group = -1;
  int session = -1;
  text >> pid >> group >> session;
  CHECK((pid == group && pid == session));
}

TEST_CASE("ignored and blocked signals of ours are not inherited", "[platform][process]") {
  Target target;
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  CHECK(target.run(target.shell("kill -PIPE $$; echo survived")).signal == SIGPIPE);
  CHECK(target.run(target.shell("kill -TERM $$; echo survived")).signal == SIGTERM);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("what cannot be started is refused with its reason", "[platform][process]") {
  Target target;
  const auto reason = [&](const ProcessSpec& asked) {
    return target.runner.start(asked).error().reason;
  };
  CHECK(reason(target.spec({"no-such-program"})) == Reason::NotFound);
  CHECK(reason(target.spec({"/no/such/program"})) == Reason::NotFound);
  CHECK(reason(target.spec({})) == Reason::Invalid);
  CHECK(reason(target.spec({"echo", std::string("a\0b", 3)})) == Reason::Invalid);
  ProcessSpec asked = target.spec({"true"});
  asked.environment["A=B"] = "x";
  CHECK(reason(asked) == Reason::Invalid);
  asked = target.spec({"true"});
  asked.working_directory = target.folder / "missing";
  CHECK(reason(asked) == Reason::NotFound);
  std::ofstream(target.folder / "text") << "no program";
  ::chmod((target.folder / "text").c_str(), 0755);
  CHECK(reason(target.spec({"./text"})) == Reason::Invalid);
  CHECK(target.is_dead());  // no refusal keeps the lock
}

TEST_CASE("the program is looked up in the PATH of the process", "[platform][process]") {
  Target target;
  std::ofstream(target.folder / "tool") << "#!/bin/sh\necho mine\n";
  ::chmod((target.folder / "tool").c_str(), 0755);
  ProcessSpec asked = target.spec({"tool"});
  CHECK(target.runner.start(asked).error().reason == Reason::NotFound);
  asked.environment["PATH"] = "/no/such:" + target.folder.path();
  CHECK(target.run(asked).output == "mine\n");
  asked.environment["PATH"] = ".";  // of the process's folder, not ours
  CHECK(target.run(asked).output == "mine\n");
  asked.environment.erase("PATH");
  asked.argv = {"true"};
  CHECK(target.run(asked).exit_code == 0);
}

TEST_CASE("a lock is held from start to end and by one family only", "[platform][process]") {
  Target target;
  CHECK(target.is_dead());
  const ProcessId id = target.start(target.shell("sleep 1000"));
  CHECK(target.runner.probe(target.folder / "lock") == Liveness::Alive);
  CHECK(target.runner.start(target.shell("true")).error().reason == Reason::Conflict);
  target.runner.signal(id, SIGTERM);
  CHECK(target.end_of(id).signal == SIGTERM);
  eventually([&] { return target.is_dead(); });  // the sleep was told with its group
  CHECK(target.run(target.shell("exit 0")).exit_code == 0);
}

TEST_CASE("a lock file that cannot be read tells nothing", "[platform][process]") {
  Target target;
  CHECK(target.runner.probe(target.folder / "lock/x") == Liveness::Dead);
  std::ofstream(target.folder / "file") << "";
  CHECK(target.runner.probe(target.folder / "file/x") == Liveness::Unknown);
}

TEST_CASE("a background child does not delay the exit and keeps the lock", "[platform][process]") {
  Target target;
  const Ended ended = target.run(target.shell("sleep 1000 & echo started"));
  CHECK((ended.output == "started\n" && ended.exit_code == 0));
  target.runner.signal(1, SIGKILL);  // its exit is known: the signal has no one to go to
  CHECK(target.runner.probe(target.folder / "lock") == Liveness::Alive);
  target.runner.kill_holders(target.folder / "lock");
  eventually([&] { return target.is_dead(); });
}

TEST_CASE("a background child may go on writing after the exit", "[platform][process]") {
  Target target;
  REQUIRE(::mkfifo((target.folder / "go").c_str(), 0600) == 0);
  const ProcessId id = target.start(target.shell(
      "(read x < go; i=0; while [ $i -lt 5000 ]; do echo 0123456789012345678901234567890123456789 "
      "|| exit 1; i=$((i+1)); done; : > done) & exit 0"));
  target.end_of(id);
  std::ofstream(target.folder / "go") << "x\n";
  eventually([&] { return target.is_dead(); });
  CHECK(::access((target.folder / "done").c_str(), F_OK) == 0);
  CHECK(target.runner.poll().empty());
}

TEST_CASE("SIGKILL reaches descendants that left the group", "[platform][process]") {
  Target target;
  SECTION("and hold the lock, their parents gone") {
    const ProcessId id = target.start(
        target.shell("(setsid sh -c 'echo $$; sleep 1000' &); sleep 1000"));
    const pid_t stray = target.pid_from(id);
    target.runner.signal(id, SIGKILL);
    CHECK(target.end_of(id).signal == SIGKILL);
    eventually([&] { return is_gone(stray) && target.is_dead(); });
  }
  SECTION("and gave the lock away, their parents alive") {
    const ProcessId id = target.start(
        target.shell("setsid bash -c 'exec 19>&-; echo $$; sleep 1000' & wait"));
    const pid_t stray = target.pid_from(id);
    target.runner.signal(id, SIGKILL);
    CHECK(target.end_of(id).signal == SIGKILL);
    eventually([&] { return is_gone(stray); });
  }
  SECTION("also when the process itself is gone but its exit not yet read") {
    const ProcessId id = target.start(target.shell("setsid sleep 1000 & exit 0"));
    REQUIRE(target.waker.wait_until(target.clock.now() + kHang));
    target.runner.signal(id, SIGKILL);
    CHECK(target.end_of(id).exit_code == 0);
    eventually([&] { return target.is_dead(); });
  }
}

TEST_CASE("other signals go to the group only", "[platform][process]") {
  Target target;
  const ProcessId id = target.start(target.shell(
      "trap 'echo told; exit 3' TERM; setsid sh -c 'echo $$; exec sleep 1000' & wait; wait"));
  const pid_t stray = target.pid_from(id);
  target.runner.signal(id, SIGTERM);
  const Ended ended = target.end_of(id);
  CHECK(ended.exit_code == 3);
  CHECK(ended.output.ends_with("told\n"));
  CHECK_FALSE(is_gone(stray));
  target.runner.kill_holders(target.folder / "lock");
  eventually([&] { return target.is_dead(); });
}

TEST_CASE("who merely reads a lock file is not killed with its holders", "[platform][process]") {
  Target target;
  REQUIRE(::mkfifo((target.folder / "go").c_str(), 0600) == 0);
  target.start(target.shell("sleep 1000"));
  const ProcessId reader =
      target.start(target.shell("exec 5< lock; echo $$; read x < go; echo alive", "other"));
  target.pid_from(reader);
  target.runner.kill_holders(target.folder / "lock");
  eventually([&] { return target.is_dead(); });
  std::ofstream(target.folder / "go") << "x\n";
  CHECK(target.end_of(reader).output.ends_with("alive\n"));
}

TEST_CASE("a process outlives its runner and the next one finds it", "[platform][process]") {
  Target first;
  const ProcessSpec asked = first.shell("sleep 1000");
  {
    PosixProcessRunner runner({});
    REQUIRE(runner.start(asked));
  }
  CHECK(first.runner.probe(asked.lock_file) == Liveness::Alive);
  CHECK(first.runner.start(asked).error().reason == Reason::Conflict);
  first.runner.kill_holders(asked.lock_file);
  eventually([&] { return first.runner.probe(asked.lock_file) == Liveness::Dead; });
}

TEST_CASE("output up to the limit does not stop a process that nobody listens to",
          "[platform][process][limits]") {
  Target target;
  target.start(target.spec({"head", "-c", std::to_string(limits::kProcessUnreadBytesMax),
                            "/dev/zero"}));
  eventually([&] { return target.is_dead(); });
}

TEST_CASE("output past the limit waits until it is taken", "[platform][process][limits]") {
  Target target;
  const std::size_t size = limits::kProcessUnreadBytesMax * 3 + 1;
  const ProcessId id = target.start(target.spec({"head", "-c", std::to_string(size), "/dev/zero"}));
  // Long enough for a runner without the limit to read it all; one with it cannot, ever.
  target.start(target.spec({"sleep", "0.2"}, "other"));
  eventually([&] { return target.is_dead("other"); });
  std::size_t unread = 0;
  for (const ProcessEvent& event : target.runner.poll()) {
    if (event.id == id) CHECK(event.kind == Kind::Output);
    if (event.id == id) unread += event.bytes.size();
  }
  CHECK(unread == limits::kProcessUnreadBytesMax);
  CHECK(target.end_of(id).output.size() == size - unread);
}

TEST_CASE("many processes at once keep their ids and codes apart", "[platform][process]") {
  Target target;
  std::map<ProcessId, int> expected;
  for (int code = 0; code < 64; ++code) {
    const std::string text = std::to_string(code);
    expected[target.start(target.shell("echo " + text + "; exit " + text, text))] = code;
  }
  CHECK(expected.size() == 64);
  for (const auto& [id, code] : expected) {
    const Ended ended = target.end_of(id);
    CHECK(ended.exit_code == code);
    CHECK(ended.output == std::to_string(code) + "\n");
  }
}

TEST_CASE("as the reaper of orphans it leaves no zombie and loses no exit", "[platform][process]") {
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  Target target({ProcessRunnerOptions::Orphans::Reap});
  const ProcessId id = target.start(target.shell("sleep 0.01 & echo $!; exit 5"));
  const pid_t orphan = target.pid_from(id);
  CHECK(target.end_of(id).exit_code == 5);
  eventually([&] { return ::kill(orphan, 0) != 0; });
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}
