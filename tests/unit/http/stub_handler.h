// SPDX-License-Identifier: Apache-2.0
// A handler made of a function, and a body stream that a test feeds.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "controller/http/message.h"

namespace tidelock::http::testing {

class StubHandler final : public Handler {
 public:
  using Function = std::function<void(Request, Respond)>;
  explicit StubHandler(Function function) : function_(std::move(function)) {}
  void handle(Request request, Respond respond) override {
    function_(std::move(request), std::move(respond));
  }

 private:
  Function function_;
};

inline Response text_response(std::string body, int status = 200) {
  Response response;
  response.status = status;
  response.headers.emplace("Content-Type", "text/plain");
  response.body = std::move(body);
  return response;
}

// The writing end of the streams that it makes; thread-safe. One stream at a time.
class Feed {
 public:
  std::unique_ptr<BodyStream> stream() {
    auto made = std::make_unique<Stream>(state_);
    const std::lock_guard lock(state_->mutex);
    state_->alive = true;
    state_->changed.notify_all();
    return made;
  }

  void write(std::string text) {
    change([&] { state_->data.push_back(std::move(text)); });
  }
  void end() {
    change([&] { state_->ended = true; });
  }
  // Not woken: the stream has to come by itself.
  void set_deadline(TimePoint deadline) {
    const std::lock_guard lock(state_->mutex);
    state_->deadline = deadline;
  }
  void end_unwoken() {
    const std::lock_guard lock(state_->mutex);
    state_->ended = true;
  }
  void wait_until_destroyed() {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->made && !state_->alive; });
  }
  void wait_until_pulled(int times) {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->pulls >= times; });
  }
  std::size_t unread() {
    const std::lock_guard lock(state_->mutex);
    return state_->data.size();
  }
  bool alive() {
    const std::lock_guard lock(state_->mutex);
    return state_->alive;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> data;
    bool ended = false;
    bool made = false;
    bool alive = false;
    int pulls = 0;
    TimePoint deadline = kNever;
    Wake wake;
  };

  class Stream final : public BodyStream {
   public:
    explicit Stream(std::shared_ptr<State> state) : state_(std::move(state)) {
      const std::lock_guard lock(state_->mutex);
      state_->made = true;
    }
    ~Stream() override {
      const std::lock_guard lock(state_->mutex);
      state_->alive = false;
      state_->wake = nullptr;
      state_->changed.notify_all();
    }
    Pull pull(std::string& out) override {
      const std::lock_guard lock(state_->mutex);
      ++state_->pulls;
      state_->changed.notify_all();
      if (!state_->data.empty()) {
        out += state_->data.front();
        state_->data.pop_front();
        return Pull::Data;
      }
      return state_->ended ? Pull::End : Pull::Pending;
    }
    void on_ready(Wake wake) override {
      const std::lock_guard lock(state_->mutex);
      state_->wake = std::move(wake);
    }
    TimePoint deadline() const override {
      const std::lock_guard lock(state_->mutex);
      return state_->deadline;
    }

   private:
    std::shared_ptr<State> state_;
  };

  // The wake is called under the mutex, which is what keeps it from a destroyed stream.
  template <class Change>
  void change(Change apply) {
    const std::lock_guard lock(state_->mutex);
    apply();
    if (state_->wake) state_->wake();
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

inline Response stream_response(Feed& feed) {
  Response response;
  response.headers.emplace("Content-Type", "application/json");
  response.stream = feed.stream();
  return response;
}

// Counts wakes and lets a test wait until something holds, looking again at each wake.
class Waiter {
 public:
  Wake wake() {
    return [state = state_] {
      const std::lock_guard lock(state->mutex);
      ++state->wakes;
      state->changed.notify_all();
    };
  }
  template <class Condition>
  void wait(Condition holds) {
    for (;;) {
      int seen = 0;
      {
        const std::lock_guard lock(state_->mutex);
        seen = state_->wakes;
      }
      if (holds()) return;
      std::unique_lock lock(state_->mutex);
      state_->changed.wait(lock, [&] { return state_->wakes != seen; });
    }
  }
  int wakes() {
    const std::lock_guard lock(state_->mutex);
    return state_->wakes;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int wakes = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tidelock::http::testing
