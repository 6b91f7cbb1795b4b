// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/session.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "controller/base/limits.h"
#include "controller/cli/discovery.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

std::string variable(const Environment& environment, const std::string& name) {
  auto found = environment.variables.find(name);
  return found == environment.variables.end() ? std::string{} : found->second;
}

std::string host_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  std::string host = scheme == std::string::npos ? url : url.substr(scheme + 3);
  return host.substr(0, host.find('/'));
}

bool says(std::string text, const char* word) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find(word) != std::string::npos;
}

// `299 - "text"` → text.
std::string warning_text(const std::string& header) {
  const std::size_t open = header.find('"');
  const std::size_t close = header.rfind('"');
  if (open == std::string::npos || close <= open) return header;
  std::string text;
  for (std::size_t i = open + 1; i < close; ++i) {
    if (header[i] == '\\' && i + 1 < close) ++i;
    text += header[i];
  }
  return text;
}

http::Request get_request(const std::string& target, const char* accept) {
  http::Request request;
  request.target = target;
  request.headers.emplace("Accept", accept);
  return request;
}

Result<std::string> body_of(Result<http::Response> response) {
  if (!response) return fail(response.error());
  if (response->status >= 200 && response->status < 300) return std::move(response->body);
  return fail(client::error_from_response(response->status, response->body));
}

}  // namespace

// Passes everything on, prints warnings, and says what it means that no answer came.
class Session::Reporting final : public http::Transport {
 public:
  Reporting(http::Transport& inner, std::string host, std::ostream& err)
      : inner_(inner), host_(std::move(host)), err_(err) {}

  std::vector<Result<http::Response>> send(std::vector<http::Request> requests) override {
    auto results = inner_.send(std::move(requests));
    for (auto& result : results) {
      if (result) {
        warn(result->headers);
      } else {
        result = fail(no_answer(result.error()));
      }
    }
    return results;
  }

  Result<http::StreamStart> stream(http::Request request, Wake wake) override {
    auto started = inner_.stream(std::move(request), std::move(wake));
    if (!started) return fail(no_answer(started.error()));
    return started;
  }

 private:
  Error no_answer(Error error) const {
    if (says(error.message, "refused")) {
      error.message = "The connection to the server " + host_ +
                      " was refused - did you specify the right host or port?";
    } else {
      error.message = "Unable to connect to the server: " + error.message;
    }
    error.code = kNoAnswer;
    return error;
  }

  void warn(const http::Headers& headers) {
    auto [from, to] = headers.equal_range("Warning");
    for (; from != to; ++from) {
      const std::string text = warning_text(from->second);
      if (warned_.insert(text).second) err_ << "Warning: " << text << "\n";
    }
  }

  http::Transport& inner_;
  std::string host_;
  std::ostream& err_;
  std::set<std::string> warned_;
};

std::string query_text(const std::map<std::string, std::string>& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    text +=
        (text.empty() ? '?' : '&') + http::percent_encode(name) + "=" + http::percent_encode(value);
  }
  return text;
}

std::vector<std::string> kubeconfig_paths(const GlobalFlags& flags,
                                          const Environment& environment) {
  if (!flags.kubeconfig.empty()) return {flags.kubeconfig};
  const std::string list = variable(environment, "KUBECONFIG");
  std::vector<std::string> paths;
  for (std::size_t start = 0; start < list.size();) {
    const std::size_t end = std::min(list.find(':', start), list.size());
    if (end > start) paths.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  if (!paths.empty()) return paths;
  const std::string home = variable(environment, "HOME");
  if (!home.empty()) return {home + "/.kube/config"};
  return {};
}

Result<client::Kubeconfig> load_kubeconfig(const GlobalFlags& flags,
                                           const Environment& environment) {
  if (!flags.kubeconfig.empty()) {
    return client::Kubeconfig::load_file(flags.kubeconfig, environment.read_file);
  }
  std::string list;
  for (const std::string& path : kubeconfig_paths(flags, environment)) {
    list += (list.empty() ? "" : ":") + path;
  }
  return client::Kubeconfig::load_list(list, environment.read_file);
}

namespace {

Result<client::Connection> connection_of(const GlobalFlags& flags, Environment& environment) {
  auto config = load_kubeconfig(flags, environment);
  if (!config) return fail(config.error());
  const bool nothing = flags.context.empty() && config->current_context().empty();
  if (nothing && flags.server.empty()) {
    // Nothing says where the server is: kubectl's default address and words.
    client::Connection connection;
    connection.options.base_url = "http://localhost:8080";
    return connection;
  }
  if (nothing) return client::Connection{};
  return config->connection(flags.context, environment.read_file);
}

Result<void> apply_flags(const GlobalFlags& flags, Environment& environment,
                         client::Connection& connection) {
  if (!flags.server.empty()) connection.options.base_url = flags.server;
  if (!flags.token.empty()) connection.options.bearer_token = flags.token;
  if (flags.insecure) {
    connection.options.insecure_skip_tls_verify = true;
    connection.options.ca_pem.clear();
  }
  if (!flags.certificate_authority.empty()) {
    auto pem = environment.read_file(flags.certificate_authority);
    if (!pem) return fail(pem.error());
    connection.options.ca_pem = *pem;
  }
  if (!flags.request_timeout.empty() && flags.request_timeout != "0") {
    auto timeout = parse_duration(flags.request_timeout);
    if (!timeout) {
      return usage("--request-timeout: " + timeout.error().message);
    }
    connection.options.request_timeout = *timeout;
  }
  connection.options.user_agent = "tidectl/" + environment.version;
  return {};
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const GlobalFlags& flags, Environment& environment) {
  auto connection = connection_of(flags, environment);
  if (!connection) return fail(local(connection.error()));
  if (auto done = apply_flags(flags, environment, *connection); !done) {
    return fail(local(done.error()));
  }
  std::unique_ptr<Session> session(new Session(environment));
  session->ns_ = flags.cluster_namespace.empty() ? connection->ns : flags.cluster_namespace;
  session->ns_given_ = !flags.cluster_namespace.empty();
  auto transport = environment.connect(connection->options);
  if (!transport) return fail(local(transport.error()));
  session->transport_ = std::move(*transport);
  session->reporting_ = std::make_unique<Reporting>(
      *session->transport_, host_of(connection->options.base_url), *environment.err);
  session->api_ = std::make_unique<client::ApiClient>(*session->reporting_, "tidectl");
  return session;
}

Session::Session(Environment& environment) : environment_(environment) {}
Session::~Session() = default;

Result<std::string> Session::get(const std::string& target, const char* accept) {
  return body_of(api_->transport().send(get_request(target, accept)));
}

Result<json> Session::get_json(const std::string& target, const char* accept) {
  auto text = get(target, accept);
  if (!text) return fail(text.error());
  return parse_answer(*text);
}

std::vector<Result<std::string>> Session::get_all(const std::vector<std::string>& targets,
                                                  const char* accept) {
  std::vector<http::Request> requests;
  for (const std::string& target : targets) requests.push_back(get_request(target, accept));
  std::vector<Result<std::string>> results;
  if (requests.empty()) return results;
  for (auto& response : api_->transport().send(std::move(requests))) {
    results.push_back(body_of(std::move(response)));
  }
  return results;
}

Result<http::StreamStart> Session::stream(const std::string& target, const char* accept) {
  auto started = api_->transport().stream(get_request(target, accept), environment_.wake);
  if (!started) return started;
  if (started->status < 200 || started->status >= 300) {
    return fail(client::error_from_response(started->status, started->body));
  }
  return started;
}

Result<const Discovery*> Session::discovery() {
  if (discovery_ == nullptr) {
    auto discovery = Discovery::fetch(*this);
    if (!discovery) return fail(discovery.error());
    discovery_ = std::make_unique<Discovery>(std::move(*discovery));
  }
  return discovery_.get();
}

void Session::refresh_discovery() { discovery_.reset(); }

Result<json> parse_answer(const std::string& text) {
  // Lists are longer than one object may be; the server bounds them.
  json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) {
    return fail(Reason::InternalError, "the server's answer is no JSON: " + text.substr(0, 100));
  }
  return document;
}

}  // namespace tidelock::cli
