// SPDX-License-Identifier: Apache-2.0
// The network between the nodes and the API server, and the server's process itself.
//
// A request is lost, late, doubled, or overtaken; so is its answer. A watch is a connection: its lines
// come in order, late, through a window of its reader, until it is cut. A crash of the server breaks all
// connections; what had reached the wire may still arrive. Requests of a dead client are delivered.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/http/line_splitter.h"
#include "controller/http/transport.h"
#include "tests/simulation/node.h"

namespace tidelock::simulation {

struct NetworkFaults {
  double lose = 0;        // a request or an answer
  double duplicate = 0;   // a request
  double stall = 0;       // a request arrives long after its sender gave up
  double cut = 0;         // a watch, per batch of lines
  double slow_reader = 0; // per batch of lines
  double conflict = 0;    // 409 in the stead of a conditional write: somebody else was faster
  Duration delay_max = std::chrono::milliseconds(2);
  Duration stall_max = std::chrono::seconds(40);
};

// Who sent a request, and when.
struct Sender {
  std::string node;
  std::uint64_t life = 0;
  TimePoint sent;
};

class Network;

// The server's end of a streamed answer, wherever the answer is: gone when the server dies.
class ServerEnd final : public http::BodyStream {
 public:
  using Inner = std::shared_ptr<std::unique_ptr<http::BodyStream>>;
  explicit ServerEnd(Inner inner) : inner_(std::move(inner)) {}
  Pull pull(std::string& out) override { return dead() ? Pull::Pending : (*inner_)->pull(out); }
  void on_ready(Wake wake) override {
    if (!dead()) (*inner_)->on_ready(std::move(wake));
  }
  TimePoint deadline() const override { return dead() ? kNever : (*inner_)->deadline(); }
  bool dead() const { return *inner_ == nullptr; }

 private:
  Inner inner_;
};

// One watch, seen from both ends.
struct Connection {
  std::unique_ptr<http::BodyStream> body;  // null = the server's end is closed
  TimePoint deadline_at = kNever;          // of the event that looks at the body's deadline
  http::LineSplitter splitter;
  std::deque<std::pair<TimePoint, std::string>> wire;
  std::vector<std::string> arrived;
  http::LineStream::State state = http::LineStream::State::Open;
  bool server_ended = false;
  bool pulling = false;
  TimePoint last_arrival;
  Wake client_wake;
  std::string target;
  std::string node;
  std::uint64_t id = 0;
};

class SimTransport final : public http::Transport {
 public:
  SimTransport(Network& network, Node& node, http::Peer peer);
  ~SimTransport() override;
  std::vector<Result<http::Response>> send(std::vector<http::Request> requests) override;
  Result<http::StreamStart> stream(http::Request request, Wake wake) override;

 private:
  Network& network_;
  Node& node_;
  const http::Peer peer_;
};

class Network {
 public:
  using Reply = std::function<void(Result<http::Response>)>;
  // What a client heard of a write; and a line as the server sent it on a watch.
  using Acknowledged = std::function<void(const http::Request&, const http::Response&)>;
  using Sent = std::function<void(const Connection&, const std::string& line)>;

  explicit Network(Kernel& kernel) : kernel_(kernel) {}

  NetworkFaults faults;
  Duration request_timeout = std::chrono::seconds(30);
  Acknowledged on_acknowledged;
  Sent on_sent;
  std::function<void(const Connection&)> on_opened;
  std::function<void(const Node&, const http::Request&)> on_submitted;
  // The sender hears of it, or gives up.
  std::function<void(const Sender&, const http::Request&, const Result<http::Response>&)> on_answered;

  // Null: nobody listens. Takes connections and pending requests down with it.
  void set_server(http::Handler* handler);
  void partition(const std::string& node, Duration time);
  bool partitioned(const std::string& node) const;
  void heal();  // partitions end now

  void submit(Node& node, http::Request request, Reply reply);
  void open(const std::shared_ptr<Connection>& connection);

  Kernel& kernel() { return kernel_; }

 private:
  struct Exchange {
    std::string node;
    std::uint64_t life = 0;
    TimePoint sent;
    http::Request request;  // for the record
    Reply reply;
    std::uint64_t server_life = 0;
    bool over = false;
  };
  using ExchangePtr = std::shared_ptr<Exchange>;

  Duration delay();
  bool hit(double rate, const char* probe);
  void arrive(const ExchangePtr& exchange, http::Request request);
  void answer(const ExchangePtr& exchange, Result<http::Response> result);
  void finish(const ExchangePtr& exchange, Result<http::Response> result);
  bool refuse_conditional(const http::Request& request);
  void schedule_pull(const std::shared_ptr<Connection>& connection, Duration after);
  void pull(const std::shared_ptr<Connection>& connection);
  void arrive_lines(const std::shared_ptr<Connection>& connection);
  void break_off(Connection& connection);
  void watch_deadline(const std::shared_ptr<Connection>& connection);

  Kernel& kernel_;
  http::Handler* server_ = nullptr;
  std::uint64_t server_life_ = 0;
  std::map<std::string, TimePoint> partitions_;
  std::vector<ExchangePtr> pending_;  // at the server
  std::vector<std::weak_ptr<Connection>> connections_;
  std::vector<std::weak_ptr<std::unique_ptr<http::BodyStream>>> ends_;
  std::uint64_t next_connection_ = 1;
};

}  // namespace tidelock::simulation
