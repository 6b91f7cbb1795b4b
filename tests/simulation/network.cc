// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/network.h"

#include <algorithm>
#include <utility>

#include "tests/simulation/wire_text.h"

namespace tidelock::simulation {
namespace {

using http::LineStream;

constexpr std::size_t kWindowLines = 64;  // on the wire; the rest waits in the server
constexpr Duration kSlowReaderMax = std::chrono::seconds(20);

class SimStream final : public LineStream {
 public:
  explicit SimStream(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~SimStream() override {
    connection_->body.reset();
    connection_->client_wake = {};
  }
  std::vector<std::string> poll() override { return std::exchange(connection_->arrived, {}); }
  State state() const override {
    return connection_->arrived.empty() ? connection_->state : State::Open;
  }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace

// ---- the client's end -------------------------------------------------------------------------

SimTransport::SimTransport(Network& network, Node& node, http::Peer peer)
    : network_(network), node_(node), peer_(std::move(peer)) {}
SimTransport::~SimTransport() = default;

std::vector<Result<http::Response>> SimTransport::send(std::vector<http::Request> requests) {
  struct Batch {
    std::vector<std::optional<Result<http::Response>>> results;
    std::size_t missing = 0;
    bool abandoned = false;
  };
  auto batch = std::make_shared<Batch>();
  batch->results.resize(requests.size());
  batch->missing = requests.size();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].peer = peer_;
    network_.submit(node_, std::move(requests[i]),
                    [batch, i, this, life = node_.life_number()](Result<http::Response> result) {
                      if (batch->abandoned) return;
                      batch->results[i] = std::move(result);
                      if (--batch->missing == 0 && node_.life_number() == life) node_.unblock();
                    });
  }
  struct Abandon {
    Batch& batch;
    ~Abandon() { batch.abandoned = true; }
  } abandon{*batch};
  while (batch->missing > 0) node_.block();
  std::vector<Result<http::Response>> results;
  for (auto& result : batch->results) results.push_back(std::move(*result));
  return results;
}

Result<http::StreamStart> SimTransport::stream(http::Request request, Wake wake) {
  const std::string target = request.target;
  std::vector<http::Request> requests;
  requests.push_back(std::move(request));
  Result<http::Response> response = std::move(send(std::move(requests)).front());
  if (!response) return fail(response.error());
  http::StreamStart start;
  start.status = response->status;
  if (response->stream == nullptr) {
    start.body = std::move(response->body);
    return start;
  }
  auto connection = std::make_shared<Connection>();
  connection->body = std::move(response->stream);
  connection->client_wake = std::move(wake);
  connection->target = target;
  connection->node = node_.name();
  network_.open(connection);
  start.stream = std::make_unique<SimStream>(std::move(connection));
  return start;
}

// ---- requests ---------------------------------------------------------------------------------

Duration Network::delay() {
  // Mostly quick, sometimes a hundred times as slow.
  const Duration usual = kernel_.between(Duration{30}, faults.delay_max);
  return kernel_.random().below(50) == 0 ? usual * 100 : usual;
}

bool Network::hit(double rate, const char* probe) {
  if (rate <= 0 || !kernel_.random().chance(rate)) return false;
  kernel_.probe(probe);
  return true;
}

void Network::partition(const std::string& node, Duration time) {
  kernel_.trace(node, "partitioned", format_duration(time));
  partitions_[node] = kernel_.now() + time;
}
bool Network::partitioned(const std::string& node) const {
  const auto found = partitions_.find(node);
  return found != partitions_.end() && kernel_.now() < found->second;
}
void Network::heal() { partitions_.clear(); }

void Network::submit(Node& node, http::Request request, Reply reply) {
  auto exchange = std::make_shared<Exchange>();
  exchange->node = node.name();
  exchange->life = node.life_number();
  exchange->sent = kernel_.now();
  exchange->reply = std::move(reply);
  exchange->request.method = request.method;
  exchange->request.target = request.target;
  exchange->request.body = request.body;
  kernel_.trace(node.name(), request.method + " " + request.target, request.body);
  if (on_submitted) on_submitted(node, request);
  kernel_.after(request_timeout, [this, exchange] {
    if (exchange->over) return;
    kernel_.probe("a request times out");
    finish(exchange, fail(Reason::Timeout, "no answer in time"));
  });
  if (partitioned(node.name()) || hit(faults.lose, "a request is lost")) {
    // The sender learns of it at once, or never.
    if (kernel_.random().below(2) == 0) {
      kernel_.after(delay(), [this, exchange] {
        finish(exchange, fail(Reason::ServiceUnavailable, "connection refused"));
      });
    }
    return;
  }
  Duration on_the_way = delay();
  if (hit(faults.stall, "a request arrives after its sender gave up")) {
    on_the_way = request_timeout + kernel_.between(Duration{0}, faults.stall_max);
  }
  const bool twice = request.method != "GET" && hit(faults.duplicate, "a request arrives twice");
  if (twice) {
    kernel_.after(on_the_way + delay(), [this, exchange, copy = exchange->request,
                                         peer = request.peer, headers = request.headers] {
      http::Request again = copy;
      again.peer = peer;
      again.headers = headers;
      if (server_ != nullptr) server_->handle(std::move(again), [](http::Response) {});
    });
  }
  auto boxed = std::make_shared<http::Request>(std::move(request));
  kernel_.after(on_the_way, [this, exchange, boxed] { arrive(exchange, std::move(*boxed)); });
}

// Another writer was faster: what the server says to that is what it says to a stale version.
bool Network::refuse_conditional(const http::Request& request) {
  const bool conditional = request.method != "GET" &&
                           request.body.find("\"resourceVersion\"") != std::string::npos;
  return conditional && hit(faults.conflict, "a conditional write meets a conflict");
}

void Network::arrive(const ExchangePtr& exchange, http::Request request) {
  if (server_ == nullptr) {
    return answer(exchange, fail(Reason::ServiceUnavailable, "connection refused"));
  }
  exchange->server_life = server_life_;
  if (refuse_conditional(request)) {
    http::Response response;
    response.status = 409;
    response.body = R"({"kind":"Status","status":"Failure","code":409,"reason":"Conflict",)"
                    R"("message":"the object has been modified"})";
    return answer(exchange, std::move(response));
  }
  pending_.push_back(exchange);
  server_->handle(std::move(request), [this, exchange](http::Response response) {
    if (std::erase(pending_, exchange) == 0) return;  // the server died meanwhile
    if (exchange->over) kernel_.probe("a request is served after its sender gave up");
    if (response.stream) {
      auto end = std::make_shared<std::unique_ptr<http::BodyStream>>(std::move(response.stream));
      std::erase_if(ends_, [](const auto& weak) { return weak.expired(); });
      ends_.push_back(end);
      response.stream = std::make_unique<ServerEnd>(std::move(end));
    }
    answer(exchange, std::move(response));
  });
}

void Network::answer(const ExchangePtr& exchange, Result<http::Response> result) {
  const bool stream = result && result->stream != nullptr;
  if (!stream && (partitioned(exchange->node) || hit(faults.lose, "an answer is lost"))) return;
  auto boxed = std::make_shared<Result<http::Response>>(std::move(result));
  kernel_.after(delay(), [this, exchange, boxed] { finish(exchange, std::move(*boxed)); });
}

void Network::finish(const ExchangePtr& exchange, Result<http::Response> result) {
  if (exchange->over) return;
  exchange->over = true;
  const bool write = exchange->request.method != "GET";
  kernel_.trace(exchange->node, result ? "answer " + std::to_string(result->status)
                                       : "no answer: " + result.error().message,
                exchange->request.method + " " + path_of(exchange->request.target));
  if (result && write && result->status / 100 == 2 && on_acknowledged) {
    on_acknowledged(exchange->request, *result);
  }
  if (on_answered) on_answered({exchange->node, exchange->life, exchange->sent}, exchange->request, result);
  exchange->reply(std::move(result));
}

void Network::set_server(http::Handler* handler) {
  server_ = handler;
  ++server_life_;
  for (const ExchangePtr& exchange : std::exchange(pending_, {})) {
    kernel_.probe("a crash of the server cuts a request off");
    answer(exchange, fail(Reason::ServiceUnavailable, "connection reset by peer"));
  }
  for (const auto& weak : std::exchange(connections_, {})) {
    if (const auto connection = weak.lock()) break_off(*connection);
  }
  for (const auto& weak : std::exchange(ends_, {})) {
    if (const auto end = weak.lock()) end->reset();
  }
}

// ---- watches ----------------------------------------------------------------------------------

void Network::break_off(Connection& connection) {
  connection.body.reset();
  connection.wire.clear();
  if (connection.state != LineStream::State::Open) return;
  connection.state = LineStream::State::Failed;
  if (connection.client_wake) connection.client_wake();
}

void Network::open(const std::shared_ptr<Connection>& connection) {
  connection->id = next_connection_++;
  std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
  connections_.push_back(connection);
  if (on_opened) on_opened(*connection);
  if (static_cast<ServerEnd&>(*connection->body).dead()) return break_off(*connection);
  connection->body->on_ready([this, weak = std::weak_ptr(connection)] {
    if (const auto alive = weak.lock()) schedule_pull(alive, Duration{0});
  });
  schedule_pull(connection, Duration{0});
}

void Network::schedule_pull(const std::shared_ptr<Connection>& connection, Duration after) {
  if (connection->pulling || connection->body == nullptr) return;
  connection->pulling = true;
  kernel_.after(after, [this, connection] {
    connection->pulling = false;
    pull(connection);
  });
}

void Network::pull(const std::shared_ptr<Connection>& connection) {
  if (connection->body == nullptr || connection->wire.size() >= kWindowLines) return;
  std::vector<std::string> lines;
  while (connection->body != nullptr && lines.size() < kWindowLines) {
    std::string data;
    const auto pulled = connection->body->pull(data);
    if (pulled == http::BodyStream::Pull::Pending) break;
    if (pulled == http::BodyStream::Pull::End) {
      connection->body.reset();
      connection->server_ended = true;
      break;
    }
    connection->splitter.add(data, lines);
  }
  watch_deadline(connection);
  if (!lines.empty() && hit(faults.cut, "a watch is cut")) {
    kernel_.trace(connection->node, "watch cut", path_of(connection->target));
    return break_off(*connection);
  }
  Duration extra{0};
  if (!lines.empty() && hit(faults.slow_reader, "a watch is read slowly")) {
    extra = kernel_.between(Duration{0}, kSlowReaderMax);
  }
  const TimePoint arrival = std::max(connection->last_arrival, kernel_.now() + delay() + extra);
  connection->last_arrival = arrival;
  for (std::string& line : lines) {
    if (on_sent) on_sent(*connection, line);
    connection->wire.emplace_back(arrival, std::move(line));
  }
  if (!lines.empty() || connection->server_ended) {
    kernel_.at(arrival, [this, connection] { arrive_lines(connection); });
  }
}

// By our clock, which the server's may differ from by a little.
void Network::watch_deadline(const std::shared_ptr<Connection>& connection) {
  if (connection->body == nullptr) return;
  const TimePoint deadline = connection->body->deadline();
  if (deadline >= connection->deadline_at) return;
  const TimePoint at = std::max(deadline, kernel_.now() + std::chrono::seconds(1));
  connection->deadline_at = at;
  kernel_.at(at, [this, weak = std::weak_ptr(connection)] {
    const auto alive = weak.lock();
    if (alive == nullptr) return;
    alive->deadline_at = kNever;
    if (alive->body != nullptr) schedule_pull(alive, Duration{0});
  });
}

void Network::arrive_lines(const std::shared_ptr<Connection>& connection) {
  if (connection->state != LineStream::State::Open) return;
  if (partitioned(connection->node)) {
    kernel_.at(partitions_.at(connection->node), [this, connection] { arrive_lines(connection); });
    return;
  }
  auto& wire = connection->wire;
  while (!wire.empty() && wire.front().first <= kernel_.now()) {
    kernel_.trace(connection->node, "event", wire.front().second);
    connection->arrived.push_back(std::move(wire.front().second));
    wire.pop_front();
  }
  if (wire.empty() && connection->server_ended) connection->state = LineStream::State::Ended;
  if (connection->client_wake) connection->client_wake();
  schedule_pull(connection, Duration{0});
}

}  // namespace tidelock::simulation
