// SPDX-License-Identifier: Apache-2.0
#include "controller/http/transport.h"

#include <condition_variable>
#include <mutex>
#include <optional>

#include "controller/base/invariant.h"
#include "controller/http/line_splitter.h"
#include "controller/http/respond_once.h"

namespace tidelock::http {

namespace {

// One poll() hands out about this much at most, so that a fast producer cannot hold its reader.
constexpr std::size_t kPollBytesMax = 1024 * 1024;
// A stream whose whole body is wanted is pulled at least this often: only it knows its deadline's
// clock.
constexpr std::chrono::milliseconds kPullInterval{50};

// Responses that may come from other threads; the waiter blocks only while some are missing.
class Responses {
 public:
  explicit Responses(std::size_t count) : responses_(count), missing_(count) {}

  void put(std::size_t index, Response response) {
    const std::lock_guard lock(mutex_);
    responses_[index] = std::move(response);
    if (--missing_ == 0) complete_.notify_all();  // under the lock: the waiter may destroy us
  }
  std::vector<std::optional<Response>> wait() {
    std::unique_lock lock(mutex_);
    complete_.wait(lock, [this] { return missing_ == 0; });
    return std::move(responses_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable complete_;
  std::vector<std::optional<Response>> responses_;  // guarded by mutex_
  std::size_t missing_;                             // guarded by mutex_
};

// Reads a stream to its end, as a client without interest in the single lines does.
std::string read_all(BodyStream& stream) {
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = false;
  };
  auto signal = std::make_shared<Signal>();
  stream.on_ready([signal] {
    const std::lock_guard lock(signal->mutex);
    signal->woken = true;
    signal->changed.notify_all();
  });
  std::string body;
  for (;;) {
    const BodyStream::Pull pulled = stream.pull(body);
    if (pulled == BodyStream::Pull::End) return body;
    if (pulled == BodyStream::Pull::Data) continue;
    std::unique_lock lock(signal->mutex);
    signal->changed.wait_for(lock, kPullInterval, [&] { return signal->woken; });
    signal->woken = false;
  }
}

// The lines of a body stream, pulled by their reader.
class PulledLines final : public LineStream {
 public:
  PulledLines(std::unique_ptr<BodyStream> body, Wake wake)
      : body_(std::move(body)), wake_(std::move(wake)) {
    body_->on_ready(wake_);
  }

  std::vector<std::string> poll() override {
    std::vector<std::string> lines;
    std::size_t bytes = 0;
    while (body_ != nullptr) {
      std::string data;
      const BodyStream::Pull pulled = body_->pull(data);
      if (pulled == BodyStream::Pull::Pending) break;
      if (pulled == BodyStream::Pull::End) {
        finish(lines);
        break;
      }
      splitter_.add(data, lines);
      bytes += data.size();
      if (bytes >= kPollBytesMax) {
        if (wake_) wake_();  // there may be more
        break;
      }
    }
    return lines;
  }

  State state() const override { return body_ == nullptr ? State::Ended : State::Open; }

 private:
  void finish(std::vector<std::string>& lines) {
    if (std::string rest = splitter_.take_rest(); !rest.empty()) lines.push_back(std::move(rest));
    body_.reset();
  }

  std::unique_ptr<BodyStream> body_;  // null once it has ended
  Wake wake_;
  LineSplitter splitter_;
};

// A body that was there at once.
class WholeBody final : public BodyStream {
 public:
  explicit WholeBody(std::string body) : body_(std::move(body)) {}
  Pull pull(std::string& out) override {
    if (body_.empty()) return Pull::End;
    out += body_;
    body_.clear();
    return Pull::Data;
  }
  void on_ready(Wake) override {}

 private:
  std::string body_;
};

class InProcessTransport final : public Transport {
 public:
  InProcessTransport(Handler& handler, Peer peer) : handler_(handler), peer_(std::move(peer)) {}

  std::vector<Result<Response>> send(std::vector<Request> requests) override {
    std::vector<Result<Response>> results;
    results.reserve(requests.size());
    for (std::optional<Response>& response : handle_all(std::move(requests))) {
      if (response->stream != nullptr) {
        response->body = read_all(*response->stream);
        response->stream.reset();
      }
      results.emplace_back(std::move(*response));
    }
    return results;
  }

  Result<StreamStart> stream(Request request, Wake wake) override {
    std::vector<Request> requests;
    requests.push_back(std::move(request));
    Response response = std::move(*handle_all(std::move(requests)).front());
    StreamStart start;
    start.status = response.status;
    const bool is_success = response.status >= 200 && response.status < 300;
    if (!is_success) {
      start.body = response.stream ? read_all(*response.stream) : std::move(response.body);
      return start;
    }
    auto body = response.stream ? std::move(response.stream)
                                : std::make_unique<WholeBody>(std::move(response.body));
    start.stream = std::make_unique<PulledLines>(std::move(body), std::move(wake));
    return start;
  }

 private:
  std::vector<std::optional<Response>> handle_all(std::vector<Request> requests) {
    auto responses = std::make_shared<Responses>(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      requests[i].peer = peer_;
      handler_.handle(std::move(requests[i]), respond_once([responses, i](Response response) {
                        responses->put(i, std::move(response));
                      }));
    }
    return responses->wait();
  }

  Handler& handler_;
  const Peer peer_;
};

}  // namespace

Result<Response> Transport::send(Request request) {
  std::vector<Request> requests;
  requests.push_back(std::move(request));
  std::vector<Result<Response>> results = send(std::move(requests));
  INVARIANT(results.size() == 1);
  return std::move(results.front());
}

std::unique_ptr<Transport> in_process_transport(Handler& handler, Peer peer) {
  return std::make_unique<InProcessTransport>(handler, std::move(peer));
}

}  // namespace tidelock::http
