// SPDX-License-Identifier: Apache-2.0
// A Transport decorator that loses requests, loses answers, sends requests twice, delays them past
// their successors, and breaks watches, by a seeded generator.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "controller/base/random.h"
#include "controller/http/transport.h"

namespace tidelock::testing {

class FaultyTransport final : public http::Transport {
 public:
  FaultyTransport(http::Transport& inner, std::uint64_t seed) : inner_(inner), random_(seed) {}

  double rate = 0;  // of each kind of fault
  int faults = 0;

  std::vector<Result<http::Response>> send(std::vector<http::Request> requests) override {
    deliver_late();
    std::vector<Result<http::Response>> answers;
    for (http::Request& request : requests) answers.push_back(one(std::move(request)));
    return answers;
  }

  Result<http::StreamStart> stream(http::Request request, Wake wake) override {
    if (hit()) return fail(Reason::ServiceUnavailable, "connection refused");
    auto start = inner_.stream(std::move(request), std::move(wake));
    if (start && start->stream) {
      start->stream = std::make_unique<Stream>(*this, std::move(start->stream));
    }
    return start;
  }

 private:
  class Stream final : public http::LineStream {
   public:
    Stream(FaultyTransport& owner, std::unique_ptr<http::LineStream> inner)
        : owner_(owner), inner_(std::move(inner)) {}
    std::vector<std::string> poll() override {
      if (broken_) return {};
      auto lines = inner_->poll();
      if (owner_.random_.chance(owner_.rate / 20)) {
        ++owner_.faults;
        broken_ = true;
        lines.resize(lines.size() / 2);
      }
      return lines;
    }
    State state() const override { return broken_ ? State::Failed : inner_->state(); }

   private:
    FaultyTransport& owner_;
    std::unique_ptr<http::LineStream> inner_;
    bool broken_ = false;
  };

  bool hit() {
    const bool is_hit = random_.chance(rate);
    if (is_hit) ++faults;
    return is_hit;
  }

  Result<http::Response> one(http::Request request) {
    if (hit()) return fail(Reason::ServiceUnavailable, "the request was lost");
    if (hit()) {  // it arrives after we have given up on it
      late_.push_back(std::move(request));
      return fail(Reason::Timeout, "no answer in time");
    }
    if (request.method != "GET" && hit()) (void)inner_.send(request);  // sent twice
    auto answer = inner_.send(std::move(request));
    if (hit()) return fail(Reason::Timeout, "the answer was lost");
    return answer;
  }

  void deliver_late() {
    std::vector<http::Request> waiting;
    for (http::Request& request : std::exchange(late_, {})) {
      if (rate == 0 || random_.chance(0.3)) {
        (void)inner_.send(std::move(request));
      } else {
        waiting.push_back(std::move(request));
      }
    }
    for (http::Request& request : waiting) late_.push_back(std::move(request));
  }

  http::Transport& inner_;
  SeededRandom random_;
  std::vector<http::Request> late_;
};

}  // namespace tidelock::testing
