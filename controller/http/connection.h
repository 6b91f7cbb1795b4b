// SPDX-License-Identifier: Apache-2.0
// One connection of the port: reads requests one after the other, has them handled, writes the
// answers, streams included.
//
// All of its state lives on one strand. It is kept alive by the server's registry and by its own
// pending operations; callbacks that others hold (an answer, a wake) know it weakly, so they may
// come late.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>

#include "controller/http/message.h"
#include "controller/http/server.h"

namespace tidelock::http {

// Thread-safe.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  // Ends the stream that runs, answers the request in work, then closes.
  virtual void drain() = 0;
  virtual void close() = 0;
};

// What all connections of a server share. Lives as long as any of them.
struct ServerContext {
  ServerContext(ServerOptions the_options, Clock& the_clock)
      : options(std::move(the_options)), clock(the_clock) {}

  boost::asio::io_context io;
  boost::asio::ssl::context tls{boost::asio::ssl::context::tls_server};
  const ServerOptions options;
  Clock& clock;
  std::function<void(Request, Respond)> dispatch;  // hands a request to a worker
  std::function<void(const Connection*)> forget;   // the connection is closed
};

std::shared_ptr<Connection> make_connection(std::shared_ptr<ServerContext> context,
                                            boost::asio::ip::tcp::socket socket);

}  // namespace tidelock::http
