// SPDX-License-Identifier: Apache-2.0
#include "controller/http/respond_once.h"

#include <atomic>
#include <memory>

#include "controller/http/status_body.h"

namespace tidelock::http {

namespace {

class Answer {
 public:
  explicit Answer(Respond respond) : respond_(std::move(respond)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (given_) return;
    give(status_response(500, "InternalError",
                         "Internal error occurred: the request got no answer"));
  }

  void give(Response response) {
    if (!given_.exchange(true)) respond_(std::move(response));
  }

 private:
  Respond respond_;
  std::atomic<bool> given_{false};
};

}  // namespace

Respond respond_once(Respond respond) {
  return [answer = std::make_shared<Answer>(std::move(respond))](Response response) {
    answer->give(std::move(response));
  };
}

}  // namespace tidelock::http
