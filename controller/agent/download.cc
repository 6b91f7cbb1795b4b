// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>

#include "controller/base/digest.h"
#include "controller/base/limits.h"

namespace tidelock::agent {
namespace {

constexpr int kRedirectsMax = 5;
constexpr long kConnectTimeoutSeconds = 30;
// A download without a deadline of its own ends when this little arrives for this long.
constexpr long kSlowBytesPerSecond = 100;
constexpr long kSlowSeconds = 60;

using Easy = std::unique_ptr<CURL, void (*)(CURL*)>;
using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

struct Transfer {
  const std::atomic<bool>* cancelled = nullptr;
  std::function<bool(std::string_view)> sink;  // false stops it; `problem` says why
  std::string problem;
  CURL* easy = nullptr;
  bool follows = false;  // the body of a redirect is nobody's
};

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  long status = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.follows && status >= 300 && status < 400) return size * count;
  return transfer.sink({data, size * count}) ? size * count : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->cancelled->load() ? 1 : 0;
}

Result<Easy> make_easy(Transfer& transfer, const char* protocols) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  Easy easy(curl_easy_init(), curl_easy_cleanup);
  if (initialised != CURLE_OK || !easy) return fail(Reason::InternalError, "libcurl does not start");
  transfer.easy = easy.get();
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, protocols);
  curl_easy_setopt(easy.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
  curl_easy_setopt(easy.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy.get(), CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy.get(), CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy.get(), CURLOPT_USERAGENT, "tidelock-agent");
  return easy;
}

// "scheme://host:port" of a URL, default port filled in.
std::string origin_of(const std::string& url) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "";
  std::string origin;
  for (const CURLUPart part : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
    char* text = nullptr;
    curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT);
    origin += text == nullptr ? "" : text;
    origin += '|';
    curl_free(text);
  }
  return origin;
}

// A user and password in a URL are for the server alone.
std::string without_password(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const std::size_t host = scheme + 3;
  const std::size_t at = url.substr(0, url.find_first_of("/?#", host)).rfind('@');
  return at == std::string::npos || at < host ? url : url.substr(0, host) + url.substr(at + 1);
}

Error transfer_error(const std::string& url, CURLcode code, const Transfer& transfer) {
  const std::string shown = without_password(url);
  if (!transfer.problem.empty()) {
    return make_error(Reason::ServiceUnavailable, shown + ": " + transfer.problem);
  }
  if (code == CURLE_ABORTED_BY_CALLBACK) return make_error(Reason::Timeout, shown + ": cancelled");
  const Reason reason = code == CURLE_OPERATION_TIMEDOUT ? Reason::Timeout : Reason::ServiceUnavailable;
  return make_error(reason, shown + ": " + curl_easy_strerror(code));
}

// Performs with redirects of the same origin. Returns the HTTP status; 0 for file:.
Result<long> perform(CURL* easy, Transfer& transfer, std::string url) {
  for (int redirects = 0;; ++redirects) {
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    const CURLcode code = curl_easy_perform(easy);
    if (code != CURLE_OK) return fail(transfer_error(url, code, transfer));
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    char* target = nullptr;
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &target);
    if (!transfer.follows || target == nullptr || status < 300 || status >= 400) return status;
    const std::string next = target;
    if (origin_of(next) != origin_of(url)) {
      return fail(Reason::Forbidden, without_password(url) + ": redirect to another host refused: " +
                                         without_password(next));
    }
    if (redirects == kRedirectsMax) {
      return fail(Reason::ServiceUnavailable, without_password(url) + ": too many redirects");
    }
    url = next;
  }
}

// A new file that hashes what it is given.
class HashedFile {
 public:
  explicit HashedFile(const std::string& path) : path_(path) {
    ::unlink(path.c_str());
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd_ < 0) remember_errno();
  }
  ~HashedFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
  }
  HashedFile(const HashedFile&) = delete;
  HashedFile& operator=(const HashedFile&) = delete;

  const std::string& problem() const { return problem_; }
  bool write(std::string_view bytes) {
    size_ += bytes.size();
    if (size_ > limits::kDownloadBytesMax) {
      problem_ = "larger than " + std::to_string(limits::kDownloadBytesMax) + " bytes";
      return false;
    }
    hash_.update(bytes);
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return remember_errno();
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  Result<std::string> finish() {
    if (::fsync(fd_) != 0) {
      remember_errno();
      return fail(Reason::ServiceUnavailable, problem_);
    }
    kept_ = true;
    return hash_.finish_hex();
  }

 private:
  bool remember_errno() {
    problem_ = path_ + ": " + std::strerror(errno);
    return false;
  }
  std::string path_;
  Sha256 hash_;
  std::uint64_t size_ = 0;
  std::string problem_;
  int fd_ = -1;
  bool kept_ = false;
};

}  // namespace

Result<std::string> download(const std::string& url, const std::string& path,
                             const std::atomic<bool>& cancelled) {
  HashedFile file(path);
  if (!file.problem().empty()) return fail(Reason::ServiceUnavailable, file.problem());
  Transfer transfer;
  transfer.cancelled = &cancelled;
  transfer.follows = true;
  transfer.sink = [&](std::string_view bytes) {
    if (file.write(bytes)) return true;
    transfer.problem = file.problem();
    return false;
  };
  auto easy = make_easy(transfer, "file,http,https");
  if (!easy) return fail(easy.error());
  curl_easy_setopt(easy->get(), CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerSecond);
  curl_easy_setopt(easy->get(), CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  const auto status = perform(easy->get(), transfer, url);
  if (!status) return fail(status.error());
  if (*status != 0 && *status != 200) {
    return fail(reason_from_http_code(static_cast<int>(*status)),
                without_password(url) + ": HTTP " + std::to_string(*status));
  }
  return file.finish();
}

Result<std::string> request(const HttpJob& job, const std::atomic<bool>& cancelled) {
  std::string body;
  Transfer transfer;
  transfer.cancelled = &cancelled;
  transfer.sink = [&](std::string_view bytes) {
    body += bytes.substr(0, limits::kHttpStepBodyBytesMax - body.size());
    return true;
  };
  auto easy = make_easy(transfer, "http,https");
  if (!easy) return fail(easy.error());
  List headers(nullptr, curl_slist_free_all);
  for (const auto& [name, value] : job.headers) {
    if (value.find_first_of("\r\n") != std::string::npos) {
      return fail(Reason::Invalid, "header " + name + ": line breaks are not allowed");
    }
    headers.reset(curl_slist_append(headers.release(), (name + ": " + value).c_str()));
  }
  curl_easy_setopt(easy->get(), CURLOPT_HTTPHEADER, headers.get());
  if (!job.body.empty()) {
    curl_easy_setopt(easy->get(), CURLOPT_POSTFIELDS, job.body.c_str());
    curl_easy_setopt(easy->get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(job.body.size()));
  }
  curl_easy_setopt(easy->get(), CURLOPT_CUSTOMREQUEST, job.method.c_str());
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(job.timeout).count();
  curl_easy_setopt(easy->get(), CURLOPT_TIMEOUT_MS, static_cast<long>(millis));
  const auto status = perform(easy->get(), transfer, job.url);
  if (!status) return fail(status.error());
  if (*status != job.expect) {
    return fail(Reason::ServiceUnavailable, job.method + " " + without_password(job.url) +
                                                ": got " + std::to_string(*status) + ", want " +
                                                std::to_string(job.expect));
  }
  return "HTTP " + std::to_string(*status) + (body.empty() ? "" : "\n" + body);
}

}  // namespace tidelock::agent
