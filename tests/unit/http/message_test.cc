// SPDX-License-Identifier: Apache-2.0
#include "controller/http/message.h"

#include <catch2/catch.hpp>

using namespace tidelock;
using namespace tidelock::http;

TEST_CASE("header names compare without regard to case and the first value wins", "[http]") {
  Headers headers;
  headers.emplace("Accept", "application/json");
  headers.emplace("accept", "*/*");
  headers.emplace("Content-Type", "text/plain");
  CHECK(header(headers, "ACCEPT") == "application/json");
  CHECK(header(headers, "content-type") == "text/plain");
  CHECK(header(headers, "Content") == "");
  CHECK(header(headers, "X-Unknown") == "");
  CHECK(headers.count("aCCept") == 2);
}

TEST_CASE("a target is taken apart into decoded segments and query", "[http]") {
  auto target = parse_target("/api/v1//names%2Fpaces/a%20b+c/?watch=1&label=a%3Db%2Cc+d&flag&x=");
  REQUIRE(target);
  CHECK(target->segments == std::vector<std::string>{"api", "v1", "names/paces", "a b+c"});
  CHECK(target->path == "/api/v1//names%2Fpaces/a%20b+c/");
  CHECK(target->query.find("watch")->second == "1");
  CHECK(target->query.find("label")->second == "a=b,c d");
  CHECK(target->query.find("flag")->second == "");
  CHECK(target->query.find("x")->second == "");
  CHECK(target->query.size() == 4);
}

TEST_CASE("a query value keeps its equals signs and repeated names keep their order", "[http]") {
  auto target = parse_target("/x?labelSelector=a=b&dryRun=All&dryRun=None&&");
  REQUIRE(target);
  CHECK(target->query.find("labelSelector")->second == "a=b");
  const auto [first, last] = target->query.equal_range("dryRun");
  REQUIRE(std::distance(first, last) == 2);
  CHECK(first->second == "All");
  CHECK(std::next(first)->second == "None");
}

TEST_CASE("the root and the absolute form are targets", "[http]") {
  CHECK(parse_target("/")->segments.empty());
  CHECK(parse_target("https://host:6443/api?x=1")->path == "/api");
  CHECK(parse_target("http://host")->path == "/");
}

TEST_CASE("a malformed target is a bad request", "[http]") {
  const std::string bad =
      GENERATE(as<std::string>{}, "", "*", "api/v1", "?x=1", "/a%", "/a%4", "/a%zz", "/a?b=%",
               "/a b", "/a\r\nb", std::string("/a\0b", 4), "/a?b=\x7f");
  const auto target = parse_target(bad);
  REQUIRE_FALSE(target);
  CHECK(target.error().reason == Reason::BadRequest);
}

TEST_CASE("percent encoding keeps unreserved characters only, and decodes to the same", "[http]") {
  CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encode("a b/c?d=e&f+g%h") == "a%20b%2Fc%3Fd%3De%26f%2Bg%25h");
  CHECK(percent_encode("\xc3\xa4") == "%C3%A4");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const auto target = parse_target("/" + percent_encode(all) + "?q=" + percent_encode(all));
  REQUIRE(target);
  CHECK(target->segments == std::vector<std::string>{all});
  CHECK(target->query.find("q")->second == all);
}
