// SPDX-License-Identifier: Apache-2.0
#include "controller/http/server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "controller/base/log.h"
#include "controller/http/connection.h"
#include "controller/http/tls_context.h"
#include "controller/http/worker_pool.h"

namespace tidelock::http {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// After a failed accept (no descriptors left), so that the loop does not spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

// The open connections. Thread-safe.
class Registry {
 public:
  explicit Registry(std::size_t connections_max) : max_(connections_max) {}

  // False: full, or closed for new ones.
  bool add(std::shared_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    if (closed_ || connections_.size() >= max_) return false;
    const Connection* key = connection.get();
    connections_.emplace(key, std::move(connection));
    return true;
  }
  void remove(const Connection* connection) {
    std::shared_ptr<Connection> last;  // destroyed without the lock
    const std::lock_guard lock(mutex_);
    const auto found = connections_.find(connection);
    if (found == connections_.end()) return;
    last = std::move(found->second);
    connections_.erase(found);
    if (connections_.empty()) empty_.notify_all();
  }
  std::vector<std::shared_ptr<Connection>> close_and_list() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [key, connection] : connections_) all.push_back(connection);
    return all;
  }
  void wait_until_empty(Duration at_most) {
    std::unique_lock lock(mutex_);
    empty_.wait_for(lock, at_most, [this] { return connections_.empty(); });
  }

 private:
  const std::size_t max_;
  std::mutex mutex_;
  std::condition_variable empty_;
  bool closed_ = false;                                                   // guarded by mutex_
  std::map<const Connection*, std::shared_ptr<Connection>> connections_;  // guarded by mutex_
};

class TlsServer final : public Server {
 public:
  TlsServer(const ServerOptions& options, Handler& handler, Clock& clock)
      : context_(std::make_shared<ServerContext>(options, clock)),
        registry_(std::make_shared<Registry>(options.connections_max)),
        workers_(options.worker_threads),
        acceptor_(asio::make_strand(context_->io)),
        accept_pause_(acceptor_.get_executor()),
        work_(asio::make_work_guard(context_->io)) {
    context_->forget = [registry = registry_](const Connection* connection) {
      registry->remove(connection);
    };
    context_->dispatch = [this, &handler](Request request, Respond respond) {
      auto shared = std::make_shared<Request>(std::move(request));
      workers_.run([&handler, shared, respond = std::move(respond)] {
        call(handler, std::move(*shared), respond);
      });
    };
  }

  ~TlsServer() override {
    stop(Duration::zero());
    work_.reset();
    for (std::thread& thread : io_threads_) thread.join();
  }

  Result<void> start() {
    if (auto ok = configure_tls(context_->tls, context_->options); !ok) return ok;
    if (auto ok = listen(); !ok) return ok;
    asio::post(acceptor_.get_executor(), [this] { accept(); });
    for (int i = 0; i < std::max(context_->options.io_threads, 1); ++i) {
      io_threads_.emplace_back([this] { run_io(); });
    }
    return {};
  }

  int port() const override { return port_; }

  void stop(Duration grace) override {
    asio::post(acceptor_.get_executor(), [this] {
      error_code ignored;
      acceptor_.close(ignored);
      accept_pause_.cancel();
    });
    for (const auto& connection : registry_->close_and_list()) connection->drain();
    if (grace > Duration::zero()) registry_->wait_until_empty(grace);
    for (const auto& connection : registry_->close_and_list()) connection->close();
  }

 private:
  static void call(Handler& handler, Request request, const Respond& respond) {
    const std::string what = request.method + " " + request.target;
    try {
      handler.handle(std::move(request), respond);
    } catch (const std::exception& error) {
      // The answer is a 500: the last copy of `respond` sends it.
      log_error("request handler failed", {{"request", what}, {"error", error.what()}});
    }
  }

  Result<void> listen() {
    const ServerOptions& options = context_->options;
    const std::string where = options.address + ":" + std::to_string(options.port);
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return fail(Reason::Invalid, "listen " + where + ": not an IP address");
    if (options.port < 0 || options.port > 65535) {
      return fail(Reason::Invalid, "listen " + where + ": not a port number");
    }
    const tcp::endpoint endpoint(address, static_cast<unsigned short>(options.port));
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(Reason::ServiceUnavailable, "listen " + where + ": " + error.message());
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  void accept() {
    acceptor_.async_accept(
        asio::make_strand(context_->io), [this](const error_code& error, auto socket) {
          if (!acceptor_.is_open()) return;
          if (error) return pause_accepting(error);
          auto connection = make_connection(context_, tcp::socket(std::move(socket)));
          if (registry_->add(connection)) {
            connection->start();
          } else {
            log_warn("connection refused: too many are open");
          }
          accept();
        });
  }

  void pause_accepting(const error_code& error) {
    log_warn("cannot accept a connection", {{"error", error.message()}});
    accept_pause_.expires_after(kAcceptPause);
    accept_pause_.async_wait([this](const error_code&) {
      if (acceptor_.is_open()) accept();
    });
  }

  void run_io() {
    for (;;) {
      try {
        context_->io.run();
        return;
      } catch (const std::exception& error) {
        log_error("connection failed", {{"error", error.what()}});
      }
    }
  }

  // Destroyed from below: threads and acceptor first, the io_context last.
  const std::shared_ptr<ServerContext> context_;
  const std::shared_ptr<Registry> registry_;
  WorkerPool workers_;
  tcp::acceptor acceptor_;
  asio::steady_timer accept_pause_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  int port_ = 0;
  std::vector<std::thread> io_threads_;
};

}  // namespace

Result<std::unique_ptr<Server>> start_server(const ServerOptions& options, Handler& handler,
                                             Clock& clock) {
  auto server = std::make_unique<TlsServer>(options, handler, clock);
  if (auto ok = server->start(); !ok) return fail(ok.error());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace tidelock::http
