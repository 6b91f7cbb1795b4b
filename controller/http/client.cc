// SPDX-License-Identifier: Apache-2.0
#include "controller/http/client.h"

#include <cpprest/http_client.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pplx/threadpool.h>

#include <boost/asio/ssl/context.hpp>
#include <condition_variable>
#include <mutex>

#include "controller/http/line_splitter.h"

namespace tidelock::http {

namespace {

using CppClient = web::http::client::http_client;
using web::http::http_exception;
using web::http::http_request;
using web::http::http_response;

// A watch may be silent for long; its end is the server's business. The library wants some number.
constexpr std::chrono::hours kStreamSilenceMax{1};
// Unread bytes of a stream; more stay in the socket, so that the server notices.
constexpr std::size_t kStreamBacklogBytesMax = 4 * 1024 * 1024;
constexpr std::size_t kResponseBytesMax = 1024 * 1024 * 1024;
// The library's continuations never block, so a few threads carry any number of requests.
constexpr std::size_t kThreads = 4;
// How long a client that is destroyed waits for its cancelled requests.
constexpr std::chrono::seconds kCancelWait{5};

// --- where a response's bytes go ---

// Takes the bytes of one response; returns a task that is done when more may come.
using TakeBytes = std::function<pplx::task<size_t>(std::string_view)>;

// The write-only stream buffer through which the library hands over a body without copying it.
class Sink final : public concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
 public:
  explicit Sink(TakeBytes take)
      : streambuf_state_manager(std::ios_base::out), take_(std::move(take)) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return none(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return none(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return none();
  }
  bool acquire(std::uint8_t*&, std::size_t&) override { return false; }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<int_type> _putc(std::uint8_t c) override {
    return _putn(&c, 1).then([c](std::size_t) { return static_cast<int_type>(c); });
  }
  pplx::task<std::size_t> _putn(const std::uint8_t* data, std::size_t size) override {
    return take_(std::string_view(reinterpret_cast<const char*>(data), size));
  }
  pplx::task<int_type> _bumpc() override { return no_character(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return no_character(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return no_character(); }
  pplx::task<int_type> _ungetc() override { return no_character(); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

 private:
  static pos_type none() { return static_cast<pos_type>(traits::eof()); }
  static pplx::task<int_type> no_character() {
    return pplx::task_from_result<int_type>(traits::eof());
  }

  TakeBytes take_;
};

concurrency::streams::ostream sink_stream(TakeBytes take) {
  const std::shared_ptr<concurrency::streams::details::basic_streambuf<std::uint8_t>> sink =
      std::make_shared<Sink>(std::move(take));
  return concurrency::streams::ostream(concurrency::streams::streambuf<std::uint8_t>(sink));
}

// --- TLS ---

bool is_address(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

// The check of the server's certificate, and what the last failed one said: the library only tells
// that a handshake failed. Its own look at the host name accepts a common name; ours wants an
// alternative name, as Kubernetes' clients do.
struct TlsCheck {
  std::string host;
  std::mutex mutex;
  std::string failure;  // guarded by mutex
};

bool names_host(X509* certificate, const std::string& host) {
  if (is_address(host)) return X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
  return X509_check_host(certificate, host.data(), host.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                         nullptr) == 1;
}

int verify(X509_STORE_CTX* store, void* argument) {
  auto& check = *static_cast<TlsCheck*>(argument);
  const int verified = X509_verify_cert(store);
  const int error = X509_STORE_CTX_get_error(store);
  // A chain that is good and yet refused: that was the library's look at the host name.
  const bool is_named =
      verified > 0 ? names_host(X509_STORE_CTX_get0_cert(store), check.host) : error != X509_V_OK;
  if (verified > 0 && is_named) return 1;
  const std::lock_guard lock(check.mutex);
  check.failure = is_named ? std::string("x509: ") + X509_verify_cert_error_string(error)
                           : "x509: the certificate is not valid for " + check.host;
  X509_STORE_CTX_set_error(store, is_named ? error : X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

Result<void> configure_tls(boost::asio::ssl::context& context, const ClientOptions& options) {
  using boost::asio::buffer;
  boost::system::error_code error;
  const auto failed = [&error](const std::string& what) {
    return fail(Reason::Invalid, what + ": " + error.message());
  };
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (!options.ca_pem.empty()) {
    // In place of the system's roots, not besides them.
    SSL_CTX_set_cert_store(context.native_handle(), X509_STORE_new());
    context.add_certificate_authority(buffer(options.ca_pem), error);
    if (error) return failed("certificate authority");
  }
  if (options.client_certificate_pem.empty()) return {};
  context.use_certificate_chain(buffer(options.client_certificate_pem), error);
  if (error) return failed("client certificate");
  context.use_private_key(buffer(options.client_key_pem), boost::asio::ssl::context::pem, error);
  if (error) return failed("client key");
  return {};
}

// --- requests, answers and failures in our terms ---

http_request to_message(const ClientOptions& options, const Request& request) {
  http_request message(request.method);
  message.set_request_uri(web::uri(request.target));
  for (const auto& [name, value] : request.headers) message.headers().add(name, value);
  if (!message.headers().has("User-Agent")) message.headers().add("User-Agent", options.user_agent);
  if (!options.bearer_token.empty() && !message.headers().has("Authorization")) {
    message.headers().add("Authorization", "Bearer " + options.bearer_token);
  }
  if (!request.body.empty()) {
    message.set_body(concurrency::streams::bytestream::open_istream(request.body),
                     request.body.size(), "application/json");
  }
  return message;
}

// A body that ends early looks complete to the library.
bool is_cut(const std::string& method, const http_response& response, std::size_t received) {
  std::uint64_t length = 0;
  const bool is_bodiless = method == "HEAD" || response.status_code() == 304;
  return !is_bodiless && response.headers().match("Content-Length", length) && received < length;
}

// "GET https://127.0.0.1:6443/api: …", in the words that kubectl's users know.
Error failure_of(const std::exception& thrown, const ClientOptions& options, const Request& request,
                 TlsCheck& tls) {
  const std::string where = request.method + " " + options.base_url + request.target + ": ";
  const web::uri base(options.base_url);
  const auto* failure = dynamic_cast<const http_exception*>(&thrown);
  const int code = failure != nullptr ? failure->error_code().value() : 0;
  const std::string what = thrown.what();
  const std::string port = base.is_port_default() ? "" : ":" + std::to_string(base.port());
  const std::string dial = "dial tcp " + base.host() + port + ": ";
  if (code == ETIMEDOUT) return make_error(Reason::Timeout, where + "no answer in time");
  if (what.find("Failed to connect") != what.npos) {
    // The library reports a refused connection as an unreachable host.
    return make_error(Reason::ServiceUnavailable,
                      where + dial + (code == EHOSTUNREACH ? "connection refused" : what));
  }
  if (what.find("resolv") != what.npos) {
    return make_error(Reason::ServiceUnavailable, where + dial + "no such host");
  }
  if (what.find("SSL handshake") != what.npos) {
    const std::lock_guard lock(tls.mutex);
    return make_error(Reason::ServiceUnavailable,
                      where + "tls: " + (tls.failure.empty() ? "handshake failed" : tls.failure));
  }
  return make_error(Reason::ServiceUnavailable, where + what);
}

// --- the client ---

// What requests under way need; outlives the client when one of them lingers.
struct Core {
  explicit Core(ClientOptions the_options) : options(std::move(the_options)) {
    tls.host = web::uri(options.base_url).host();
  }

  // Waits for a free place; a stream needs none.
  void begin(bool bounded) {
    std::unique_lock lock(mutex);
    const auto max = std::max(options.requests_in_flight_max, 1);
    if (bounded) changed.wait(lock, [&] { return in_flight < max; });
    if (bounded) ++in_flight;
    ++active;
  }
  void end(bool bounded) {
    const std::lock_guard lock(mutex);
    if (bounded) --in_flight;
    --active;
    changed.notify_all();
  }

  const ClientOptions options;
  TlsCheck tls;
  pplx::cancellation_token_source cancellation;
  std::mutex mutex;
  std::condition_variable changed;
  int in_flight = 0;  // guarded by mutex
  int active = 0;     // guarded by mutex
};

// How one request ended: the response's head, or a failure. The body went to a sink.
using Finished = std::function<void(Result<http_response>)>;

// Sends a request. `on_head` is called when the head is there, `finished` exactly once, after the
// last byte. Every task is observed: one that is not ends the process.
void start(CppClient& client, const std::shared_ptr<Core>& core,
           std::shared_ptr<const Request> request, const pplx::cancellation_token& token,
           TakeBytes take, std::function<void(const http_response&)> on_head, Finished finished) {
  const auto failed = [core, request](const std::exception& thrown) {
    return fail(failure_of(thrown, core->options, *request, core->tls));
  };
  try {
    http_request message = to_message(core->options, *request);
    message.set_response_stream(sink_stream(std::move(take)));
    client.request(message, token)
        .then([on_head](http_response response) {
          if (on_head) on_head(response);
          return response.content_ready();
        })
        .then([finished, failed](pplx::task<http_response> task) {
          try {
            finished(task.get());
          } catch (const std::exception& thrown) {
            finished(failed(thrown));
          }
        });
  } catch (const web::uri_exception& thrown) {
    finished(fail(Reason::BadRequest, "target \"" + request->target + "\": " + thrown.what()));
  } catch (const std::exception& thrown) {
    finished(failed(thrown));
  }
}

// The answers to one send().
struct Batch {
  explicit Batch(std::size_t count) : results(count), bodies(count), missing(count) {}

  std::mutex mutex;
  std::condition_variable complete;
  std::vector<std::optional<Result<Response>>> results;  // guarded by mutex
  std::vector<std::string> bodies;                       // each touched by its own request only
  std::size_t missing;                                   // guarded by mutex
};

Result<Response> to_response(const Request& request, const ClientOptions& options,
                             Result<http_response> result, std::string body) {
  if (!result) return fail(result.error());
  if (is_cut(request.method, *result, body.size())) {
    return fail(Reason::ServiceUnavailable, request.method + " " + options.base_url +
                                                request.target + ": the answer was cut off");
  }
  Response response;
  response.status = result->status_code();
  for (const auto& [name, value] : result->headers()) response.headers.emplace(name, value);
  response.body = std::move(body);
  return response;
}

// One streamed response, between the library's threads and its reader.
class Stream {
 public:
  Stream(std::shared_ptr<Core> core, Wake wake)
      : wake_(std::move(wake)), cancellation_(linked_to(core->cancellation.get_token())) {}

  pplx::cancellation_token token() const { return cancellation_.get_token(); }

  // The task is done when more may come: at once, or after a poll when too much is unread.
  pplx::task<std::size_t> take(std::string_view bytes) {
    pplx::task<std::size_t> done = pplx::task_from_result(bytes.size());
    {
      const std::lock_guard lock(mutex_);
      unread_ += bytes;
      if (!unbounded_ && unread_.size() > kStreamBacklogBytesMax) {
        gate_ = pplx::task_completion_event<void>();
        gated_ = true;
        done = pplx::create_task(gate_).then([size = bytes.size()] { return size; });
      }
    }
    wake();
    return done;
  }
  void head(int status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    changed_.notify_all();
  }
  void finish(std::optional<Error> error) {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
      error_ = std::move(error);
      changed_.notify_all();
    }
    wake();
  }

  // The status, when the head has come in time.
  Result<int> wait_for_head(Duration at_most) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, at_most, [this] { return status_ != 0 || finished_; })) {
      return fail(Reason::Timeout, "no answer in time");
    }
    if (status_ == 0) return fail(*error_);
    return status_;
  }
  // For an answer that is no stream: all of it.
  Result<std::string> wait_for_body(Duration at_most) {
    open_gate(true);
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, at_most, [this] { return finished_; })) {
      return fail(Reason::Timeout, "no complete answer in time");
    }
    if (error_) return fail(*error_);
    return std::move(unread_);
  }

  struct Taken {
    std::string bytes;
    bool finished = false;
    bool failed = false;
  };
  Taken take_unread() {
    Taken taken;
    {
      const std::lock_guard lock(mutex_);
      taken.bytes.swap(unread_);
      taken.finished = finished_;
      taken.failed = error_.has_value();
    }
    open_gate(false);
    return taken;
  }

  // Afterwards the wake is not called any more.
  void cancel() {
    {
      const std::lock_guard lock(wake_mutex_);
      wake_ = nullptr;
    }
    open_gate(true);
    cancellation_.cancel();
  }

 private:
  static pplx::cancellation_token_source linked_to(pplx::cancellation_token token) {
    return pplx::cancellation_token_source::create_linked_source(token);
  }
  void wake() {
    const std::lock_guard lock(wake_mutex_);
    if (wake_) wake_();
  }
  void open_gate(bool for_good) {
    pplx::task_completion_event<void> gate;
    {
      const std::lock_guard lock(mutex_);
      if (for_good) unbounded_ = true;
      if (!gated_) return;
      gated_ = false;
      gate = gate_;
    }
    gate.set();
  }

  std::mutex wake_mutex_;
  Wake wake_;  // guarded by wake_mutex_
  pplx::cancellation_token_source cancellation_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::string unread_;
  int status_ = 0;
  bool finished_ = false;
  std::optional<Error> error_;
  bool gated_ = false;  // the library waits for gate_
  bool unbounded_ = false;
  pplx::task_completion_event<void> gate_;
};

class ReceivedLines final : public LineStream {
 public:
  explicit ReceivedLines(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  ~ReceivedLines() override { stream_->cancel(); }

  std::vector<std::string> poll() override {
    std::vector<std::string> lines;
    if (state_ != State::Open) return lines;
    Stream::Taken taken = stream_->take_unread();
    splitter_.add(taken.bytes, lines);
    if (!taken.finished) return lines;
    state_ = taken.failed ? State::Failed : State::Ended;
    std::string rest = splitter_.take_rest();
    if (!taken.failed && !rest.empty()) lines.push_back(std::move(rest));
    return lines;
  }
  State state() const override { return state_; }

 private:
  std::shared_ptr<Stream> stream_;
  LineSplitter splitter_;
  State state_ = State::Open;
};

class CppRestTransport final : public Transport {
 public:
  explicit CppRestTransport(std::shared_ptr<Core> core)
      : core_(std::move(core)),
        requests_(core_->options.base_url, config(core_, core_->options.request_timeout)),
        streams_(core_->options.base_url, config(core_, kStreamSilenceMax)) {}

  ~CppRestTransport() override {
    core_->cancellation.cancel();
    std::unique_lock lock(core_->mutex);
    core_->changed.wait_for(lock, kCancelWait, [this] { return core_->active == 0; });
  }

  std::vector<Result<Response>> send(std::vector<Request> requests) override {
    auto batch = std::make_shared<Batch>(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      send_one(batch, i, std::make_shared<Request>(std::move(requests[i])));
    }
    std::unique_lock lock(batch->mutex);
    batch->complete.wait(lock, [&] { return batch->missing == 0; });
    std::vector<Result<Response>> results;
    results.reserve(batch->results.size());
    for (auto& result : batch->results) results.push_back(std::move(*result));
    return results;
  }

  Result<StreamStart> stream(Request request, Wake wake) override {
    auto state = std::make_shared<Stream>(core_, std::move(wake));
    auto lines = std::make_unique<ReceivedLines>(state);  // cancels on every way out
    auto shared = std::make_shared<Request>(std::move(request));
    core_->begin(false);
    start(
        streams_, core_, shared, state->token(),
        [state](std::string_view bytes) { return state->take(bytes); },
        [state](const http_response& response) { state->head(response.status_code()); },
        [state, core = core_](Result<http_response> result) {
          state->finish(result ? std::nullopt : std::optional<Error>(result.error()));
          core->end(false);
        });
    auto status = state->wait_for_head(core_->options.request_timeout);
    if (!status) return fail(located(*shared, status.error()));
    StreamStart started;
    started.status = *status;
    if (*status >= 200 && *status < 300) {
      started.stream = std::move(lines);
      return started;
    }
    auto body = state->wait_for_body(core_->options.request_timeout);
    if (!body) return fail(located(*shared, body.error()));
    started.body = std::move(*body);
    return started;
  }

 private:
  static web::http::client::http_client_config config(const std::shared_ptr<Core>& core,
                                                      Duration timeout) {
    web::http::client::http_client_config config;
    config.set_timeout(timeout);
    config.set_max_redirects(0);
    config.set_validate_certificates(!core->options.insecure_skip_tls_verify);
    config.set_tlsext_sni_enabled(!is_address(core->tls.host));
    config.set_ssl_context_callback([core](boost::asio::ssl::context& context) {
      // make_client() has tried these options; were they bad, no server would be trusted.
      (void)configure_tls(context, core->options).has_value();
      SSL_CTX_set_cert_verify_callback(context.native_handle(), verify, &core->tls);
    });
    return config;
  }

  void send_one(const std::shared_ptr<Batch>& batch, std::size_t index,
                const std::shared_ptr<const Request>& request) {
    core_->begin(true);
    std::string& body = batch->bodies[index];
    start(
        requests_, core_, request, core_->cancellation.get_token(),
        [batch, &body](std::string_view bytes) {
          if (body.size() + bytes.size() > kResponseBytesMax) {
            return pplx::task_from_exception<std::size_t>(
                http_exception("the answer is too large"));
          }
          body += bytes;
          return pplx::task_from_result(bytes.size());
        },
        nullptr,
        [batch, index, request, core = core_](Result<http_response> result) {
          Result<Response> response = to_response(*request, core->options, std::move(result),
                                                  std::move(batch->bodies[index]));
          core->end(true);
          const std::lock_guard lock(batch->mutex);
          batch->results[index] = std::move(response);
          if (--batch->missing == 0) batch->complete.notify_all();
        });
  }

  // Failures of the waiting itself do not name the request yet.
  Error located(const Request& request, Error error) const {
    const std::string where = request.method + " " + core_->options.base_url + request.target;
    if (error.message.rfind(where, 0) != 0) error.message = where + ": " + error.message;
    return error;
  }

  const std::shared_ptr<Core> core_;
  CppClient requests_;
  CppClient streams_;  // with a timeout of its own
};

void initialize_threads() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(kThreads);
    } catch (const std::exception&) {
      // Someone else in the process was first; any pool will do.
    }
  });
}

}  // namespace

Result<std::unique_ptr<Transport>> make_client(const ClientOptions& options) {
  initialize_threads();
  boost::asio::ssl::context trial(boost::asio::ssl::context::tls_client);
  if (auto ok = configure_tls(trial, options); !ok) return fail(ok.error());
  if (options.request_timeout <= Duration::zero()) {
    return fail(Reason::Invalid, "request timeout: must be greater than 0");
  }
  try {
    return std::unique_ptr<Transport>(
        std::make_unique<CppRestTransport>(std::make_shared<Core>(options)));
  } catch (const std::exception& error) {
    return fail(Reason::Invalid, "server URL \"" + options.base_url + "\": " + error.what());
  }
}

}  // namespace tidelock::http
