// SPDX-License-Identifier: Apache-2.0
// A Transport that is a tiny API by itself: objects, resourceVersions, lists, watches, merge patches.
//
// Enough of the protocol to drive clients, and a place to put faults: `before` sees each request
// and may answer in its stead. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/http/transport.h"

namespace tidelock::testing {

class MemoryApi final : public http::Transport {
 public:
  using Json = nlohmann::json;
  using Answer = Result<http::Response>;

  // --- test side ---
  std::function<std::optional<Answer>(const http::Request&)> before;  // instead of the real answer
  std::function<void(const http::Request&, Answer&)> after;           // may replace the answer
  std::vector<std::string> seen;  // "GET /api/…"
  int compacted = 0;              // watches from below get 410
  int page_max = 0;               // the server's own cap of a page; 0 = none
  bool refuse_streams = false;

  static Answer answer(int status, const Json& body) {
    http::Response response;
    response.status = status;
    response.body = body.dump();
    return response;
  }
  static Answer failure(int code, const std::string& reason, const std::string& message = "no") {
    return answer(code, {{"kind", "Status"}, {"status", "Failure"}, {"code", code},
                         {"reason", reason}, {"message", message}});
  }
  // Writes as another client would. `collection` is the namespaced path.
  void put(const std::string& collection, const std::string& name, Json object) {
    const std::string ns = namespace_of(collection);
    object["metadata"]["name"] = name;
    if (!ns.empty()) object["metadata"]["namespace"] = ns;
    store(collection + "/" + name, std::move(object));
  }
  void remove(const std::string& path) { erase(path); }
  Json* find(const std::string& path) {
    auto found = objects_.find(path);
    return found == objects_.end() ? nullptr : &found->second;
  }
  int version() const { return version_; }
  void end_streams(http::LineStream::State state) {
    for (Stream* stream : streams_) stream->end(state);
  }
  void send_line(const std::string& line) {
    for (Stream* stream : streams_) stream->push(line);
  }
  std::size_t open_streams() const { return streams_.size(); }
  // A bookmark of the newest revision to everybody.
  void bookmark() {
    send_line(Json{{"type", "BOOKMARK"},
                   {"object", {{"metadata", {{"resourceVersion", std::to_string(version_)}}}}}}
                  .dump());
  }

  // --- Transport ---
  std::vector<Answer> send(std::vector<http::Request> requests) override {
    std::vector<Answer> answers;
    for (http::Request& request : requests) {
      seen.push_back(request.method + " " + request.target);
      std::optional<Answer> replaced = before ? before(request) : std::nullopt;
      answers.push_back(replaced ? std::move(*replaced) : serve(request));
      if (after) after(request, answers.back());
    }
    return answers;
  }

  Result<http::StreamStart> stream(http::Request request, Wake wake) override {
    seen.push_back("WATCH " + request.target);
    http::StreamStart start;
    if (refuse_streams) return fail(Reason::ServiceUnavailable, "refused");
    if (before) {
      if (auto replaced = before(request)) {
        if (!*replaced) return fail(replaced->error());
        start.status = (*replaced)->status;
        start.body = (*replaced)->body;
        return start;
      }
    }
    const auto target = http::parse_target(request.target);
    const int from = std::stoi(target->query.find("resourceVersion")->second);
    start.status = 200;
    start.stream = std::make_unique<Stream>(*this, target->path, std::move(wake));
    auto* stream = static_cast<Stream*>(start.stream.get());
    if (from < compacted) {
      stream->push(Json{{"type", "ERROR"},
                        {"object", {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"},
                                    {"message", "too old resource version"}}}}
                       .dump());
      stream->end(http::LineStream::State::Ended);
      return start;
    }
    for (const auto& [version, path, line] : history_) {
      if (version > from && stream->wants(path)) stream->push(line);
    }
    return start;
  }

 private:
  class Stream final : public http::LineStream {
   public:
    Stream(MemoryApi& api, std::string collection, Wake wake)
        : api_(api), collection_(std::move(collection)), wake_(std::move(wake)) {
      api_.streams_.push_back(this);
    }
    ~Stream() override { std::erase(api_.streams_, this); }
    std::vector<std::string> poll() override { return std::exchange(lines_, {}); }
    State state() const override { return lines_.empty() ? state_ : State::Open; }
    void push(const std::string& line) {
      if (state_ != State::Open) return;
      lines_.push_back(line);
      if (wake_) wake_();
    }
    void end(State state) { state_ = state; }
    bool wants(const std::string& path) const { return in_collection(path, collection_); }

   private:
    MemoryApi& api_;
    std::string collection_;
    Wake wake_;
    std::vector<std::string> lines_;
    State state_ = State::Open;
  };

  static std::string namespace_of(const std::string& path) {
    const std::size_t at = path.find("/namespaces/");
    if (at == std::string::npos) return {};
    const std::size_t start = at + 12;
    return path.substr(start, path.find('/', start) - start);
  }
  static std::string without_namespace(const std::string& path) {
    const std::size_t at = path.find("/namespaces/");
    if (at == std::string::npos) return path;
    return path.substr(0, at) + path.substr(std::min(path.find('/', at + 12), path.size()));
  }
  // "…/widgets" holds "…/namespaces/a/widgets/x"; "…/namespaces/a/widgets" only those of a.
  static bool in_collection(const std::string& path, const std::string& collection) {
    const bool all = collection.find("/namespaces/") == std::string::npos;
    return (all ? without_namespace(path) : path).starts_with(collection + "/");
  }

  void store(const std::string& path, Json object) {
    const bool added = !objects_.contains(path);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    object["metadata"]["uid"] = added ? Json("uid-" + std::to_string(version_))
                                      : objects_[path]["metadata"]["uid"];
    objects_[path] = object;
    record(path, added ? "ADDED" : "MODIFIED", object);
  }
  void erase(const std::string& path) {
    Json object = objects_[path];
    objects_.erase(path);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    record(path, "DELETED", object);
  }
  void record(const std::string& path, const char* type, const Json& object) {
    const std::string line = Json{{"type", type}, {"object", object}}.dump();
    history_.emplace_back(version_, path, line);
    for (Stream* stream : streams_) {
      if (stream->wants(path)) stream->push(line);
    }
  }

  Answer serve(const http::Request& request) {
    const auto target = http::parse_target(request.target);
    std::string path = target->path;
    if (path.ends_with("/status")) path.erase(path.size() - 7);
    if (request.method == "POST") return create(path, Json::parse(request.body));
    if (request.method == "GET" && !objects_.contains(path) && is_collection(path)) {
      return list(path, target->query);
    }
    if (!objects_.contains(path)) return failure(404, "NotFound");
    if (request.method == "PATCH") return patch(path, Json::parse(request.body));
    if (request.method == "DELETE") {
      erase(path);
      return answer(200, {{"kind", "Status"}, {"status", "Success"}});
    }
    return answer(200, objects_[path]);
  }
  static bool is_collection(const std::string& path) {
    // /api/v1/x or /apis/g/v/x, with or without /namespaces/n.
    const std::string bare = without_namespace(path);
    const auto slashes = std::count(bare.begin(), bare.end(), '/');
    return slashes == (bare.starts_with("/apis/") ? 4 : 3);
  }
  Answer create(const std::string& collection, Json object) {
    const std::string path = collection + "/" + object["metadata"].value("name", "");
    if (objects_.contains(path)) return failure(409, "AlreadyExists");
    store(path, std::move(object));
    return answer(201, objects_[path]);
  }
  Answer patch(const std::string& path, const Json& change) {
    Json object = objects_[path];
    const Json metadata = change.value("metadata", Json::object());
    if (metadata.contains("resourceVersion") &&
        metadata["resourceVersion"] != object["metadata"]["resourceVersion"]) {
      return failure(409, "Conflict", "the object has been modified");
    }
    object.merge_patch(change);
    if (object != objects_[path]) store(path, std::move(object));
    return answer(200, objects_[path]);
  }
  Answer list(const std::string& collection, const std::multimap<std::string, std::string>& query) {
    auto value = [&](const char* name) {
      auto found = query.find(name);
      return found == query.end() ? std::string{} : found->second;
    };
    int limit = value("limit").empty() ? 0 : std::stoi(value("limit"));
    if (page_max > 0 && (limit == 0 || limit > page_max)) limit = page_max;
    Json items = Json::array();
    std::string next;
    for (const auto& [path, object] : objects_) {
      if (!in_collection(path, collection) || path < value("continue")) continue;
      if (limit > 0 && items.size() == static_cast<std::size_t>(limit)) {
        next = path;
        break;
      }
      items.push_back(object);
    }
    return answer(200, {{"metadata", {{"resourceVersion", std::to_string(version_)},
                                      {"continue", next}}},
                        {"items", items}});
  }

  std::map<std::string, Json> objects_;
  int version_ = 0;
  std::vector<std::tuple<int, std::string, std::string>> history_;
  std::vector<Stream*> streams_;
};

}  // namespace tidelock::testing
