// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/process_runner.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

#include "controller/base/invariant.h"
#include "controller/base/limits.h"
#include "controller/platform/os_error.h"
#include "controller/platform/process_family.h"
#include "controller/platform/process_spawn.h"
#include "controller/platform/unique_fd.h"

namespace tidelock::platform {
namespace {

// What an epoll event is about: the loop's own eventfd, or a process's pidfd or pipe.
constexpr std::uint64_t kWakeTag = 0;
std::uint64_t pidfd_tag(ProcessId id) { return id << 1; }
std::uint64_t pipe_tag(ProcessId id) { return id << 1 | 1; }

constexpr int kOrphanSweepMillis = 1000;

// /dev/null, above 2: a daemon may run with its standard descriptors closed, and what is opened
// there would be mistaken for them.
UniqueFd open_null() {
  int fd = -1;
  do {
    fd = ::open("/dev/null", O_RDWR);
    INVARIANT(fd >= 0);
  } while (fd <= 2);
  INVARIANT(::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
  return UniqueFd(fd);
}

void set_exit(ProcessEvent& event, const siginfo_t& info) {
  const bool exited = info.si_code == CLD_EXITED;
  event.signal = exited ? 0 : info.si_status;
  event.exit_code = exited ? info.si_status : 128 + info.si_status;
}

}  // namespace

class PosixProcessRunner::Loop {
 public:
  Loop(Wake wake, Options options);
  ~Loop();

  Result<ProcessId> start(const ProcessSpec& spec);
  void signal(ProcessId id, int signal_number);
  std::vector<ProcessEvent> poll();

 private:
  struct Child {
    pid_t pid = 0;
    std::string lock_file;
    UniqueFd pidfd;  // open until reaped
    UniqueFd pipe;   // open until its end or the exit
    std::size_t unread = 0;
    bool paused = false;
    bool reaped = false;
  };

  void run();
  void handle(std::uint64_t tag);
  void read_pipe(ProcessId id, Child& child);
  void discard(ProcessId id);
  void reap(ProcessId id, Child& child);
  void reap_orphans();
  void drain_at_exit(ProcessId id, Child& child);
  // Reads once, at most `bytes_max`; -1 = nothing there now, 0 = end.
  ssize_t read_some(int fd, std::size_t bytes_max);
  void add_output(ProcessId id, Child& child, std::string_view bytes);
  void watch(int fd, std::uint64_t tag);
  void forget(UniqueFd& fd);

  const Wake wake_;
  const bool reaps_orphans_;
  const UniqueFd null_ = open_null();
  const UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  const UniqueFd interrupt_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::array<char, 65536> block_;  // the loop's thread only

  // Held from a spawn until its child is in children_, and while orphans are reaped: a child not
  // yet known would look like one. Taken before mutex_.
  std::mutex spawn_mutex_;
  std::mutex mutex_;                         // guards all below
  std::map<ProcessId, Child> children_;      // until poll() has returned the exit
  std::map<ProcessId, UniqueFd> discarded_;  // pipes that outlive their process
  std::vector<ProcessEvent> events_;
  ProcessId next_id_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

PosixProcessRunner::Loop::Loop(Wake wake, Options options)
    : wake_(std::move(wake)),
      reaps_orphans_(options.orphans == Options::Orphans::Reap ||
                     (options.orphans == Options::Orphans::Auto && ::getpid() == 1)) {
  INVARIANT(epoll_ && interrupt_);
  // If we were started with SIGCHLD ignored, the kernel would reap our children unseen.
  std::signal(SIGCHLD, SIG_DFL);
  watch(interrupt_.get(), kWakeTag);
  thread_ = std::thread([this] { run(); });
}

PosixProcessRunner::Loop::~Loop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(interrupt_.get(), &one, sizeof(one));
  thread_.join();
}

void PosixProcessRunner::Loop::watch(int fd, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  INVARIANT(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

// A close alone does not end the watch while a child that is just being made shares the descriptor.
void PosixProcessRunner::Loop::forget(UniqueFd& fd) {
  if (!fd) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd.get(), nullptr);  // a paused pipe is not there
  fd.reset();
}

Result<ProcessId> PosixProcessRunner::Loop::start(const ProcessSpec& spec) {
  auto lock_fd = take_lock(spec.lock_file);
  if (!lock_fd) return fail(lock_fd.error());
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(os_error(errno, "pipe"));
  Child child;
  child.pipe.reset(ends[0]);
  const UniqueFd output(ends[1]);
  INVARIANT(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);  // our end only

  const std::lock_guard spawning(spawn_mutex_);
  const auto pid = spawn(spec, null_.get(), output.get(), lock_fd->get());
  if (!pid) return fail(pid.error());
  child.pid = *pid;
  child.lock_file = spec.lock_file;
  child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  if (!child.pidfd) {  // out of descriptors: a process that cannot be watched must not run
    const Error error = os_error(errno, "pidfd_open");
    ::kill(-*pid, SIGKILL);
    ::waitpid(*pid, nullptr, 0);
    return fail(error);
  }
  const std::lock_guard lock(mutex_);
  const ProcessId id = next_id_++;
  Child& kept = children_.emplace(id, std::move(child)).first->second;
  watch(kept.pipe.get(), pipe_tag(id));
  watch(kept.pidfd.get(), pidfd_tag(id));
  return id;
}

void PosixProcessRunner::Loop::signal(ProcessId id, int signal_number) {
  // The mutex keeps the process from being reaped, hence its number from being reused.
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(id);
  if (found == children_.end()) return;
  const Child& child = found->second;
  // The family first: with the parents dead, nobody could tell whose children they were.
  if (signal_number == SIGKILL) kill_family(child.lock_file, child.reaped ? 0 : child.pid);
  if (!child.reaped) ::kill(-child.pid, signal_number);
}

std::vector<ProcessEvent> PosixProcessRunner::Loop::poll() {
  const std::lock_guard lock(mutex_);
  std::vector<ProcessEvent> taken = std::exchange(events_, {});
  for (const ProcessEvent& event : taken) {
    if (event.kind == ProcessEvent::Kind::Exited) {
      children_.erase(event.id);
      continue;
    }
    Child& child = children_.at(event.id);
    child.unread = 0;
    if (child.paused) watch(child.pipe.get(), pipe_tag(event.id));
    child.paused = false;
  }
  return taken;
}

void PosixProcessRunner::Loop::run() {
  std::array<epoll_event, 64> ready;
  const int timeout = reaps_orphans_ ? kOrphanSweepMillis : -1;
  while (true) {
    const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), timeout);
    INVARIANT(count >= 0 || errno == EINTR);
    bool news = false;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      const bool empty_before = events_.empty();
      for (int i = 0; i < count; ++i) handle(ready[static_cast<std::size_t>(i)].data.u64);
      news = empty_before && !events_.empty();
    }
    if (news && wake_) wake_();
    if (reaps_orphans_) reap_orphans();
  }
}

void PosixProcessRunner::Loop::handle(std::uint64_t tag) {
  if (tag == kWakeTag) return;
  const ProcessId id = tag >> 1;
  const auto found = children_.find(id);
  const bool live = found != children_.end() && !found->second.reaped;
  if (tag == pipe_tag(id)) {
    live ? read_pipe(id, found->second) : discard(id);
  } else if (live) {
    reap(id, found->second);
  }
}

ssize_t PosixProcessRunner::Loop::read_some(int fd, std::size_t bytes_max) {
  while (true) {
    const ssize_t got = ::read(fd, block_.data(), std::min(bytes_max, block_.size()));
    if (got >= 0 || errno == EAGAIN) return got;
    INVARIANT(errno == EINTR);
  }
}

void PosixProcessRunner::Loop::read_pipe(ProcessId id, Child& child) {
  // Neither ended nor paused by something earlier in the same round of epoll.
  if (!child.pipe || child.paused) return;
  const ssize_t got = read_some(child.pipe.get(), limits::kProcessUnreadBytesMax - child.unread);
  if (got == 0) return forget(child.pipe);
  if (got < 0) return;
  add_output(id, child, {block_.data(), static_cast<std::size_t>(got)});
  if (child.unread < limits::kProcessUnreadBytesMax) return;
  // Out of the epoll, not just without events: a hang-up is reported to any that is in it.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, child.pipe.get(), nullptr);
  child.paused = true;
}

void PosixProcessRunner::Loop::add_output(ProcessId id, Child& child, std::string_view bytes) {
  child.unread += bytes.size();
  const bool joins = !events_.empty() && events_.back().id == id &&
                     events_.back().kind == ProcessEvent::Kind::Output;
  if (!joins) events_.push_back({id, ProcessEvent::Kind::Output, "", 0, 0});
  events_.back().bytes += bytes;
}

void PosixProcessRunner::Loop::discard(ProcessId id) {
  const auto found = discarded_.find(id);
  if (found == discarded_.end() || read_some(found->second.get(), block_.size()) != 0) return;
  forget(found->second);
  discarded_.erase(found);
}

void PosixProcessRunner::Loop::reap(ProcessId id, Child& child) {
  siginfo_t info{};
  const auto pidfd = static_cast<id_t>(child.pidfd.get());
  INVARIANT(::waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG) == 0);
  if (info.si_pid == 0) return;
  child.reaped = true;
  forget(child.pidfd);
  drain_at_exit(id, child);
  ProcessEvent event{id, ProcessEvent::Kind::Exited, "", 0, 0};
  set_exit(event, info);
  events_.push_back(std::move(event));
}

// What was written before the exit is in the pipe now; how much, the kernel says. What comes later
// is not ours to wait for.
void PosixProcessRunner::Loop::drain_at_exit(ProcessId id, Child& child) {
  if (!child.pipe) return;
  int left = 0;
  INVARIANT(::ioctl(child.pipe.get(), FIONREAD, &left) == 0);
  while (left > 0) {
    const ssize_t got = read_some(child.pipe.get(), static_cast<std::size_t>(left));
    if (got <= 0) break;
    add_output(id, child, {block_.data(), static_cast<std::size_t>(got)});
    left -= static_cast<int>(got);
  }
  if (child.paused) watch(child.pipe.get(), pipe_tag(id));
  child.paused = false;
  discarded_.emplace(id, std::move(child.pipe));
}

void PosixProcessRunner::Loop::reap_orphans() {
  const std::lock_guard spawning(spawn_mutex_);
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const std::lock_guard lock(mutex_);
    const bool ours = std::any_of(children_.begin(), children_.end(), [&](const auto& entry) {
      return entry.second.pid == info.si_pid && !entry.second.reaped;
    });
    if (ours) return;  // epoll will say so; orphans behind it wait for the next round
    ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
  }
}

PosixProcessRunner::PosixProcessRunner(Wake wake, Options options)
    : loop_(std::make_unique<Loop>(std::move(wake), options)) {}

PosixProcessRunner::~PosixProcessRunner() = default;

Result<ProcessId> PosixProcessRunner::start(const ProcessSpec& spec) { return loop_->start(spec); }

void PosixProcessRunner::signal(ProcessId id, int signal_number) {
  loop_->signal(id, signal_number);
}

std::vector<ProcessEvent> PosixProcessRunner::poll() { return loop_->poll(); }

Liveness PosixProcessRunner::probe(const std::string& lock_file) { return probe_lock(lock_file); }

void PosixProcessRunner::kill_holders(const std::string& lock_file) { kill_family(lock_file, 0); }

}  // namespace tidelock::platform
