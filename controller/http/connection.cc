// SPDX-License-Identifier: Apache-2.0
#include "controller/http/connection.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <exception>

#include "controller/base/log.h"
#include "controller/http/request_parser.h"
#include "controller/http/respond_once.h"
#include "controller/http/status_body.h"
#include "controller/http/tls_context.h"
#include "controller/http/wire_format.h"

namespace tidelock::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kBufferBytesMax = 2 * limits::kHttpHeaderBytesMax;
constexpr std::size_t kReadBytes = 4 * 1024;
// A body up to this size travels in the same write as its head.
constexpr std::size_t kJoinedBytesMax = 256 * 1024;
// A stream is written when this much has come together, or all that there is.
constexpr std::size_t kStreamWriteBytes = 64 * 1024;
// What a refused client may still send before the connection is cut.
constexpr std::size_t kDiscardBytesMax = 16 * 1024 * 1024;
// How long a client that sends nothing more may take to close as well.
constexpr std::chrono::milliseconds kGoodbye{100};
// Bounds of one wait for a stream's deadline: it is on a clock that may jump.
constexpr std::chrono::milliseconds kDeadlineWaitMin{1};
constexpr std::chrono::seconds kDeadlineWaitMax{30};

constexpr std::string_view kPlainHttpAnswer =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

class TlsConnection final : public Connection, public std::enable_shared_from_this<TlsConnection> {
 public:
  TlsConnection(std::shared_ptr<ServerContext> context, tcp::socket socket)
      : context_(std::move(context)),
        stream_(std::move(socket), context_->tls),
        timer_(stream_.get_executor()) {}

  void start() override;
  void drain() override;
  void close() override;

 private:
  // Handshake, then for each request Idle, Reading, Handling, Answering or Streaming. Closing: all
  // is said, the other side is given time to read it. Closed is final.
  enum class Phase { Handshake, Idle, Reading, Handling, Answering, Streaming, Closing, Closed };
  using Step = void (TlsConnection::*)();

  tcp::socket& socket() { return stream_.next_layer(); }

  // One timer: a connection waits for one thing at a time. A new wait replaces the old one.
  void arm(Duration after, Step expired);
  void disarm();

  void prepare_socket();
  void on_handshake(const error_code& error);
  void answer_plain_http();

  void await_request();
  void read_some();
  void on_read(const error_code& error, std::size_t size);
  void read_head();
  void on_head(const error_code& error, std::size_t size);
  void send_continue();
  void read_body();
  void on_body(const error_code& error);
  void read_timed_out();
  void refuse_unread(const error_code& error);
  void handle();

  void answer(Response response);
  void refuse(Response response);
  void answered();
  void write(Step then);
  void write_some();
  void on_written(const error_code& error, std::size_t size);

  void start_stream(Response response, HeadOptions head);
  void pump();
  bool pull(std::string& out);
  void stream_written();
  void arm_deadline();

  void finish();
  void shut_down();
  void discard();
  void close_now();

  const std::shared_ptr<ServerContext> context_;  // first: it holds what the others run on
  asio::ssl::stream<tcp::socket> stream_;
  asio::steady_timer timer_;
  std::uint64_t timer_generation_ = 0;
  Phase phase_ = Phase::Handshake;
  bool draining_ = false;
  Peer peer_;

  beast::flat_buffer buffer_{kBufferBytesMax};
  std::optional<RequestParser> parser_;
  bool reading_ = false;  // read_some() is under way
  bool timed_out_ = false;
  bool refused_ = false;  // there may be unread input
  std::size_t discarded_ = 0;

  // The request in work.
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool chunked_ = true;

  bool writing_ = false;
  std::string head_;  // and small bodies, and chunks
  std::string body_;  // written after head_
  std::size_t written_ = 0;
  Step then_ = nullptr;

  std::unique_ptr<BodyStream> body_stream_;
  std::shared_ptr<std::atomic<bool>> wake_posted_;
};

void TlsConnection::arm(Duration after, Step expired) {
  const std::uint64_t generation = ++timer_generation_;
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this(), generation, expired](const error_code&) {
    // A wait that was replaced completes as well, perhaps even as expired.
    if (generation == self->timer_generation_) (self.get()->*expired)();
  });
}

void TlsConnection::disarm() {
  ++timer_generation_;
  timer_.cancel();
}

// --- life ---

void TlsConnection::start() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    self->prepare_socket();
    self->arm(self->context_->options.handshake_timeout, &TlsConnection::close_now);
    self->stream_.async_handshake(asio::ssl::stream_base::server,
                                  [self](const error_code& error) { self->on_handshake(error); });
  });
}

void TlsConnection::drain() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->draining_ = true;
    if (self->phase_ == Phase::Handshake) self->close_now();
    if (self->phase_ == Phase::Idle) self->finish();
    if (self->phase_ == Phase::Streaming) self->pump();
  });
}

void TlsConnection::close() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->close_now(); });
}

void TlsConnection::prepare_socket() {
  error_code ignored;
  socket().set_option(tcp::no_delay(true), ignored);
  // A peer that vanished without a word is noticed though a watch is quiet for hours.
  socket().set_option(asio::socket_base::keep_alive(true), ignored);
  using Idle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using Count = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  socket().set_option(Idle(30), ignored);
  socket().set_option(Interval(10), ignored);
  socket().set_option(Count(3), ignored);
  const auto remote = socket().remote_endpoint(ignored);
  if (!ignored) peer_.address = remote.address().to_string() + ":" + std::to_string(remote.port());
}

void TlsConnection::on_handshake(const error_code& error) {
  if (phase_ == Phase::Closed) return;
  if (error && error.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST) {
    return answer_plain_http();
  }
  if (error) return close_now();
  read_client_certificate(stream_.native_handle(), peer_);
  await_request();
}

void TlsConnection::answer_plain_http() {
  asio::async_write(socket(), asio::buffer(kPlainHttpAnswer),
                    [self = shared_from_this()](const error_code&, std::size_t) {
                      self->phase_ = Phase::Closing;
                      error_code ignored;
                      self->socket().shutdown(tcp::socket::shutdown_send, ignored);
                      self->discard();
                    });
}

// Says goodbye in good order: TLS's own end, TCP's end, and time for the client to read both. Cut
// at once, a client that still sends (a body that was refused) would lose the answer to a reset.
void TlsConnection::finish() {
  if (phase_ == Phase::Closed || phase_ == Phase::Closing) return;
  phase_ = Phase::Closing;
  body_stream_.reset();
  const Duration linger = context_->options.linger_timeout;
  arm(refused_ ? linger : std::min<Duration>(linger, kGoodbye), &TlsConnection::close_now);
  if (!reading_) return shut_down();
  error_code ignored;
  socket().cancel(ignored);  // on_read() goes on with shut_down()
}

void TlsConnection::shut_down() {
  stream_.async_shutdown([self = shared_from_this()](const error_code& error) {
    if (!error || error == asio::error::eof) return self->close_now();
    error_code ignored;
    self->socket().shutdown(tcp::socket::shutdown_send, ignored);
    self->discard();
  });
}

void TlsConnection::discard() {
  if (phase_ == Phase::Closed) return;
  if (discarded_ > kDiscardBytesMax) return close_now();
  buffer_.clear();
  socket().async_read_some(buffer_.prepare(kBufferBytesMax),
                           [self = shared_from_this()](const error_code& error, std::size_t size) {
                             if (error) return self->close_now();
                             self->discarded_ += size;
                             self->discard();
                           });
}

void TlsConnection::close_now() {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Closed;
  disarm();
  body_stream_.reset();
  error_code ignored;
  socket().close(ignored);
  context_->forget(this);
}

// --- reading ---

void TlsConnection::await_request() {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Idle;
  if (draining_) return finish();
  parser_.emplace();
  set_limits(*parser_);
  if (buffer_.size() > 0) {
    // The next request came early. What read_some() still brings belongs behind it.
    if (!reading_) return read_head();
    error_code ignored;
    socket().cancel(ignored);
    return;
  }
  arm(context_->options.idle_timeout, &TlsConnection::finish);
  read_some();
}

void TlsConnection::read_some() {
  if (reading_ || phase_ == Phase::Closed) return;
  reading_ = true;
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](const error_code& error, std::size_t size) {
                            self->on_read(error, size);
                          });
}

void TlsConnection::on_read(const error_code& error, std::size_t size) {
  reading_ = false;
  if (phase_ == Phase::Closed) return;
  buffer_.commit(size);
  if (phase_ == Phase::Closing) return shut_down();
  if (error && !(phase_ == Phase::Idle && buffer_.size() > 0)) {
    // The client has left: nobody reads what a stream would still say.
    return phase_ == Phase::Idle ? finish() : close_now();
  }
  if (phase_ == Phase::Idle) return read_head();
  if (buffer_.size() + kReadBytes <= kBufferBytesMax) read_some();
}

void TlsConnection::read_head() {
  phase_ = Phase::Reading;
  arm(context_->options.read_timeout, &TlsConnection::read_timed_out);
  beast::http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const error_code& error, std::size_t size) {
        self->on_head(error, size);
      });
}

void TlsConnection::on_head(const error_code& error, std::size_t size) {
  if (phase_ == Phase::Closed) return;
  if (error || timed_out_) return refuse_unread(error);
  if (auto refusal = refusal_of_head(*parser_, size)) return refuse(std::move(*refusal));
  if (parser_->is_done()) return handle();
  if (expects_continue(*parser_)) return send_continue();
  read_body();
}

void TlsConnection::send_continue() {
  // The read timeout stays armed: the client has to take this line as well.
  asio::async_write(stream_, asio::buffer(kContinue),
                    [self = shared_from_this()](const error_code& error, std::size_t) {
                      if (self->phase_ == Phase::Closed) return;
                      if (error || self->timed_out_) return self->refuse_unread(error);
                      self->read_body();
                    });
}

void TlsConnection::read_body() {
  beast::http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const error_code& error, std::size_t) { self->on_body(error); });
}

void TlsConnection::on_body(const error_code& error) {
  if (phase_ == Phase::Closed) return;
  if (error || timed_out_) return refuse_unread(error);
  handle();
}

void TlsConnection::read_timed_out() {
  timed_out_ = true;
  error_code ignored;
  socket().cancel(ignored);  // the read completes, and refuse_unread() answers
}

void TlsConnection::refuse_unread(const error_code& error) {
  if (timed_out_) return refuse(status_response(408, "Timeout", "the request came too slowly"));
  if (auto refusal = refusal_of(error, *parser_)) return refuse(std::move(*refusal));
  if (error == beast::http::error::end_of_stream) return finish();
  close_now();
}

void TlsConnection::handle() {
  disarm();
  phase_ = Phase::Handling;
  const auto& message = parser_->get();
  keep_alive_ = message.keep_alive();
  chunked_ = message.version() == 11;
  Request request = take_request(*parser_);
  head_only_ = request.method == "HEAD";
  request.peer = peer_;
  parser_.reset();
  Respond respond = [weak = weak_from_this()](Response response) {
    const auto self = weak.lock();
    if (!self) return;
    // The strand's queue holds it weakly, too: a queue that is never run keeps nobody alive.
    asio::post(self->stream_.get_executor(), [weak, response = std::move(response)]() mutable {
      if (const auto owner = weak.lock()) owner->answer(std::move(response));
    });
  };
  context_->dispatch(std::move(request), respond_once(std::move(respond)));
}

// --- answering ---

void TlsConnection::refuse(Response response) {
  refused_ = true;
  keep_alive_ = false;
  head_only_ = false;
  answer(std::move(response));
}

void TlsConnection::answer(Response response) {
  if (phase_ == Phase::Closed) return;
  if (draining_) keep_alive_ = false;
  HeadOptions head{.close = !keep_alive_};
  if (response.stream && !head_only_ && !has_no_body(response.status)) {
    return start_stream(std::move(response), head);
  }
  phase_ = Phase::Answering;
  if (!has_no_body(response.status) && !response.stream) head.content_length = response.body.size();
  head_ = response_head(response.status, response.headers, head, context_->clock.now());
  body_.clear();
  if (!head_only_ && !has_no_body(response.status)) {
    if (response.body.size() <= kJoinedBytesMax) {
      head_ += response.body;
    } else {
      body_ = std::move(response.body);
    }
  }
  write(&TlsConnection::answered);
}

void TlsConnection::answered() {
  head_.clear();
  body_ = {};
  if (!keep_alive_) return finish();
  await_request();
}

void TlsConnection::write(Step then) {
  writing_ = true;
  written_ = 0;
  then_ = then;
  write_some();
}

void TlsConnection::write_some() {
  // Armed for each piece: a slow reader may take its time, one that stands still may not.
  arm(context_->options.idle_timeout, &TlsConnection::close_now);
  const bool in_head = written_ < head_.size();
  const asio::const_buffer rest =
      in_head ? asio::buffer(head_) + written_ : asio::buffer(body_) + (written_ - head_.size());
  stream_.async_write_some(rest,
                           [self = shared_from_this()](const error_code& error, std::size_t size) {
                             self->on_written(error, size);
                           });
}

void TlsConnection::on_written(const error_code& error, std::size_t size) {
  if (phase_ == Phase::Closed) return;
  if (error) return close_now();
  written_ += size;
  if (written_ < head_.size() + body_.size()) return write_some();
  writing_ = false;
  disarm();
  (this->*then_)();
}

// --- streaming ---

void TlsConnection::start_stream(Response response, HeadOptions head) {
  phase_ = Phase::Streaming;
  if (!chunked_) keep_alive_ = false;  // its end is the connection's end
  head.chunked = chunked_;
  head.close = !keep_alive_;
  head_ = response_head(response.status, response.headers, head, context_->clock.now());
  body_stream_ = std::move(response.stream);
  wake_posted_ = std::make_shared<std::atomic<bool>>(false);
  body_stream_->on_ready([weak = weak_from_this(), posted = wake_posted_] {
    if (posted->exchange(true)) return;  // many wakes, one pull
    const auto self = weak.lock();
    if (!self) return;
    asio::post(self->stream_.get_executor(), [weak, posted] {
      posted->store(false);
      const auto owner = weak.lock();
      if (owner && owner->wake_posted_ == posted) owner->pump();
    });
  });
  read_some();  // to notice when the client leaves
  pump();
}

// Writes what the stream has, else waits. While a write is under way nothing is pulled: a slow
// client's events pile up where they are bounded.
void TlsConnection::pump() {
  if (phase_ != Phase::Streaming || writing_) return;
  bool more = false;
  try {
    more = !draining_ && pull(head_);
  } catch (const std::exception& error) {
    log_error("response stream failed", {{"error", error.what()}});
    return close_now();  // without the last chunk: the client sees that it was cut
  }
  if (!more) {
    body_stream_.reset();
    if (chunked_) head_ += kLastChunk;
    return write(&TlsConnection::answered);
  }
  if (head_.empty()) return arm_deadline();
  write(&TlsConnection::stream_written);
}

void TlsConnection::stream_written() {
  head_.clear();
  pump();  // its wakes had no effect meanwhile
}

// False when the stream has ended.
bool TlsConnection::pull(std::string& out) {
  std::string data;
  BodyStream::Pull pulled = BodyStream::Pull::Data;
  while (pulled == BodyStream::Pull::Data && data.size() < kStreamWriteBytes) {
    pulled = body_stream_->pull(data);
  }
  if (!data.empty()) {
    if (chunked_) {
      append_chunk(data, out);
    } else {
      out += data;
    }
  }
  return pulled != BodyStream::Pull::End;
}

void TlsConnection::arm_deadline() {
  const TimePoint deadline = body_stream_->deadline();
  if (deadline == kNever) return disarm();
  const Duration wait = deadline - context_->clock.now();
  arm(std::clamp<Duration>(wait, kDeadlineWaitMin, kDeadlineWaitMax), &TlsConnection::pump);
}

}  // namespace

std::shared_ptr<Connection> make_connection(std::shared_ptr<ServerContext> context,
                                            tcp::socket socket) {
  return std::make_shared<TlsConnection>(std::move(context), std::move(socket));
}

}  // namespace tidelock::http
