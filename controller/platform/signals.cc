// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "controller/base/invariant.h"

namespace tidelock::platform {
namespace {

sigset_t shutdown_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

ShutdownSignals::ShutdownSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = shutdown_set();
  INVARIANT(pthread_sigmask(SIG_BLOCK, &set, &before_) == 0);
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  interrupt_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  INVARIANT(signals_.get() >= 0 && interrupt_.get() >= 0);
}

ShutdownSignals::~ShutdownSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int ShutdownSignals::wait() {
  pollfd watched[] = {{signals_.get(), POLLIN, 0}, {interrupt_.get(), POLLIN, 0}};
  while (::poll(watched, 2, -1) < 0) INVARIANT(errno == EINTR);
  signalfd_siginfo info{};
  const bool signalled = ::read(signals_.get(), &info, sizeof(info)) == sizeof(info);
  const sigset_t set = shutdown_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return signalled ? static_cast<int>(info.ssi_signo) : 0;
}

void ShutdownSignals::interrupt() {
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then the waiter is awake already.
  [[maybe_unused]] const auto written = ::write(interrupt_.get(), &one, sizeof(one));
}

}  // namespace tidelock::platform
