// SPDX-License-Identifier: Apache-2.0
#include "controller/logs/log_service.h"

#include <charconv>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "controller/api/selector.h"
#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/logs/log_files.h"
#include "controller/logs/log_reader.h"
#include "controller/logs/task_log.h"

namespace tidelock::logs {
namespace {

using nlohmann::json;

constexpr const char* kVersion = "v1alpha1";
constexpr std::size_t kPullBytes = 64 * 1024;
constexpr Duration kCleanupInterval = std::chrono::hours(1);
// Logs in memory beyond which complete ones without followers are let go.
constexpr std::size_t kOpenLogsMax = 1'000;

http::Response json_response(int status, const json& body) {
  http::Response response;
  response.status = status;
  response.headers.emplace("Content-Type", "application/json");
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return response;
}

http::Response error_response(const Error& error) {
  json status{{"kind", "Status"},
              {"apiVersion", "v1"},
              {"metadata", json::object()},
              {"status", "Failure"},
              {"message", error.message},
              {"code", error.http_status()}};
  if (error.reason != Reason::Unknown) status["reason"] = to_string(error.reason);
  if (!error.name.empty()) {
    status["details"] = {{"name", error.name}, {"group", error.group}, {"kind", error.kind}};
  }
  return json_response(error.http_status(), status);
}

Error bad_request(std::string message) {
  return make_error(Reason::BadRequest, std::move(message));
}

Error not_found(const std::string& task) {
  Error error = make_error(Reason::NotFound, "deploymenttasks." + std::string(kGroup) + " \"" +
                                                 task + "\" not found: it has no log");
  error.name = task;
  error.group = kGroup;
  error.kind = "deploymenttasks";
  return error;
}

// ---- parameters ---------------------------------------------------------------------------------

using Query = std::multimap<std::string, std::string>;

std::string text_of(const Query& query, const std::string& name) {
  auto found = query.find(name);
  return found == query.end() ? std::string{} : found->second;
}

Result<bool> flag_of(const Query& query, const std::string& name) {
  const std::string text = text_of(query, name);
  if (text.empty() || text == "false" || text == "0") return query.contains(name) && text.empty();
  if (text == "true" || text == "1") return true;
  return fail(bad_request(name + ": must be true or false"));
}

Result<std::optional<std::uint64_t>> number_of(const Query& query, const std::string& name) {
  const std::string text = text_of(query, name);
  if (!query.contains(name)) return std::optional<std::uint64_t>{};
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end || number > INT64_MAX) {
    return fail(bad_request(name + ": must be a non-negative integer"));
  }
  return std::optional<std::uint64_t>{number};
}

Result<std::string> step_of(const Query& query) {
  std::string step = text_of(query, "step");
  if (!step.empty() && !api::check_dns_subdomain(step).empty()) {
    return fail(bad_request("step: " + api::check_dns_subdomain(step)));
  }
  return step;
}

struct Get {
  ReadOptions read;
  bool follow = false;
};

Result<Get> parse_get(const Query& query) {
  Get get;
  auto step = step_of(query);
  if (!step) return fail(step.error());
  get.read.step = *step;
  const std::pair<const char*, bool*> flags[] = {{"follow", &get.follow},
                                                 {"timestamps", &get.read.timestamps},
                                                 {"prefix", &get.read.prefix}};
  for (const auto& [name, value] : flags) {
    auto flag = flag_of(query, name);
    if (!flag) return fail(flag.error());
    *value = *flag;
  }
  auto tail = number_of(query, "tailLines");
  if (!tail) return fail(tail.error());
  get.read.tail_lines = *tail;
  auto since = number_of(query, "sinceOffset");
  if (!since) return fail(since.error());
  get.read.since_offset = since->value_or(0);
  return get;
}

Result<Append> parse_append(const Query& query) {
  Append append;
  auto step = step_of(query);
  if (!step) return fail(step.error());
  append.step = *step;
  auto attempt = number_of(query, "attempt");
  if (!attempt) return fail(attempt.error());
  if (attempt->value_or(1) < 1 || attempt->value_or(1) > 1'000'000) {
    return fail(bad_request("attempt: must be between 1 and 1000000"));
  }
  append.attempt = static_cast<int>(attempt->value_or(1));
  auto offset = number_of(query, "offset");
  if (!offset) return fail(offset.error());
  append.offset = *offset;
  auto end = flag_of(query, "end");
  if (!end) return fail(end.error());
  append.end = *end;
  return append;
}

// ---- answers ------------------------------------------------------------------------------------

// Sends what the log holds; with `follow` until it is complete.
class LogStream final : public http::BodyStream {
 public:
  LogStream(LogFiles& files, std::shared_ptr<TaskLog> log, Get get)
      : log_(std::move(log)), reader_(files, log_->name(), std::move(get.read)),
        follow_(get.follow) {}
  ~LogStream() override {
    if (follower_ != 0) log_->unfollow(follower_);
  }

  Pull pull(std::string& out) override {
    if (done_) return Pull::End;
    const std::size_t before = out.size();
    const bool ended = log_->ended();  // before the size: nothing comes after the end
    auto all = reader_.read(log_->size(), kPullBytes, out);
    if (!all) {
      log_warn("log cannot be read", {{"task", log_->name().task}, {"error", all.error().message}});
      done_ = true;
    } else if (*all && (ended || !follow_)) {
      reader_.finish(out);
      done_ = true;
    }
    if (out.size() > before) return Pull::Data;
    if (done_) return Pull::End;
    return *all ? Pull::Pending : pull(out);
  }

  void on_ready(Wake wake) override {
    if (follow_) follower_ = log_->follow(std::move(wake));
  }

 private:
  std::shared_ptr<TaskLog> log_;
  LogReader reader_;
  bool follow_;
  bool done_ = false;
  std::uint64_t follower_ = 0;
};

json discovery(const std::vector<std::string>& path) {
  if (path.size() == 2) {
    const json version{{"groupVersion", std::string(kGroup) + "/" + kVersion},
                       {"version", kVersion}};
    return {{"kind", "APIGroup"},
            {"apiVersion", "v1"},
            {"name", kGroup},
            {"versions", json::array({version})},
            {"preferredVersion", version}};
  }
  const json log{{"name", "deploymenttasks/log"},
                 {"singularName", ""},
                 {"namespaced", true},
                 {"kind", "DeploymentTaskLog"},
                 {"verbs", json::array({"create", "get"})}};
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", std::string(kGroup) + "/" + kVersion},
          {"resources", json::array({log})}};
}

// ---- the service --------------------------------------------------------------------------------

class Service final : public LogService {
 public:
  Service(LogFiles& files, std::unique_ptr<LogFiles> owned, Duration retention, Clock& clock)
      : owned_(std::move(owned)), files_(files), retention_(retention), clock_(clock) {}

  void handle(http::Request request, http::Respond respond) override {
    Result<http::Response> response = answer(request);
    respond(response ? std::move(*response) : error_response(response.error()));
  }

  TimePoint step(TimePoint now) override {
    if (now >= next_cleanup_) {
      clean_up(now);
      next_cleanup_ = now + std::min(kCleanupInterval, retention_);
    }
    return next_cleanup_;
  }

 private:
  Result<http::Response> answer(const http::Request& request) {
    auto target = http::parse_target(request.target);
    if (!target) return fail(target.error());
    const std::vector<std::string>& path = target->segments;
    if (path.size() < 2 || path[0] != "apis" || path[1] != kGroup ||
        (path.size() > 2 && path[2] != kVersion)) {
      return fail(Reason::NotFound, "the server could not find the requested resource");
    }
    const bool log = path.size() == 8 && path[3] == "namespaces" && path[5] == "deploymenttasks" &&
                     path[7] == "log";
    if (!log && path.size() > 3) {
      return fail(Reason::NotFound, "the server could not find the requested resource");
    }
    if (request.method != "GET" && !(log && request.method == "POST")) {
      return fail(Reason::MethodNotAllowed,
                  "the server does not allow this method on the requested resource");
    }
    if (!log) return json_response(200, discovery(path));
    const LogName name{path[4], path[6]};
    if (auto checked = check(name); !checked) return fail(checked.error());
    return request.method == "GET" ? get(name, target->query)
                                   : post(name, target->query, request.body);
  }

  // Names become files: what is no name of an object never reaches the disk.
  static Result<void> check(const LogName& name) {
    if (auto wrong = api::check_dns_label(name.ns); !wrong.empty()) {
      return fail(bad_request("namespace: " + wrong));
    }
    if (auto wrong = api::check_dns_subdomain(name.task); !wrong.empty()) {
      return fail(bad_request("name: " + wrong));
    }
    return {};
  }

  Result<http::Response> get(const LogName& name, const Query& query) {
    auto options = parse_get(query);
    if (!options) return fail(options.error());
    auto log = open_log(name, false);
    if (!log) return fail(log.error());
    http::Response response;
    response.headers.emplace("Content-Type", "text/plain; charset=utf-8");
    response.stream = std::make_unique<LogStream>(files_, *log, std::move(*options));
    return response;
  }

  Result<http::Response> post(const LogName& name, const Query& query, std::string_view text) {
    auto append = parse_append(query);
    if (!append) return fail(append.error());
    if (append->step.empty() && !text.empty()) return fail(bad_request("step: is required"));
    auto log = open_log(name, true);
    if (!log) return fail(log.error());
    auto end = (*log)->append(*append, text, clock_.now());
    if (!end) return fail(end.error());
    return json_response(200, {{"offset", *end}});
  }

  Result<std::shared_ptr<TaskLog>> open_log(const LogName& name, bool create) {
    std::shared_ptr<TaskLog> log;
    {
      const std::lock_guard lock(mutex_);
      if (logs_.size() > kOpenLogsMax) forget_complete();
      std::shared_ptr<TaskLog>& known = logs_[name];
      if (!known) known = std::make_shared<TaskLog>(files_, name);
      log = known;
    }
    if (auto loaded = log->load(create); !loaded) {
      if (loaded.error().reason == Reason::NotFound) return fail(not_found(name.task));
      return fail(loaded.error());
    }
    return log;
  }

  // Requires mutex_. What a request holds stays valid; the file tells the rest again.
  void forget_complete() {
    std::erase_if(logs_, [](const auto& entry) {
      return entry.second.use_count() == 1 && (entry.second->ended() || entry.second->size() == 0);
    });
  }

  void clean_up(TimePoint now) {
    auto files = files_.list();
    if (!files) {
      log_warn("logs cannot be listed", {{"error", files.error().message}});
      return;
    }
    for (const LogFileInfo& file : *files) {
      if (file.modified + retention_ > now) continue;
      const std::lock_guard lock(mutex_);
      if (auto open = logs_.find(file.name); open != logs_.end()) {
        open->second->close();
        logs_.erase(open);
      }
      if (auto removed = files_.remove(file.name); !removed) {
        log_warn("log cannot be removed", {{"error", removed.error().message}});
      }
    }
  }

  std::unique_ptr<LogFiles> owned_;
  LogFiles& files_;
  const Duration retention_;
  Clock& clock_;
  std::mutex mutex_;  // guards logs_
  std::map<LogName, std::shared_ptr<TaskLog>> logs_;
  TimePoint next_cleanup_;  // only touched by step()
};

}  // namespace

Result<std::unique_ptr<LogService>> LogService::open(const Options& options, Disk& disk,
                                                     Clock& clock) {
  if (auto made = disk.make_directories(options.folder, 0700); !made) return fail(made.error());
  std::unique_ptr<LogFiles> files = open_log_files(options.folder);
  LogFiles& files_ref = *files;
  return std::make_unique<Service>(files_ref, std::move(files), options.retention, clock);
}

std::unique_ptr<LogService> LogService::on(LogFiles& files, const Options& options, Clock& clock) {
  return std::make_unique<Service>(files, nullptr, options.retention, clock);
}

}  // namespace tidelock::logs
