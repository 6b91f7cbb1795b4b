// SPDX-License-Identifier: Apache-2.0
#include "controller/base/log.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

using namespace tidelock;

namespace {

// What `work` writes to stderr.
template <class Work>
std::string stderr_of(const Work& work) {
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(::fileno(file), STDERR_FILENO);
  work();
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

}  // namespace

TEST_CASE("an event is a line on stderr that begins with its level", "[base][log]") {
  CHECK(stderr_of([] { log_info("started", {{"port", "6443"}}); }) == "info started port=6443\n");
  CHECK(stderr_of([] { log_warn("100% {} odd"); }) == "warning 100% {} odd\n");
  CHECK(stderr_of([] { log_error("bad"); }) == "error bad\n");
}

TEST_CASE("events below the level are not written", "[base][log]") {
  CHECK(stderr_of([] { log_debug("detail"); }).empty());
  set_log_level(LogLevel::Debug);
  CHECK(stderr_of([] { log_debug("detail"); }) == "debug detail\n");
  set_log_level(LogLevel::Off);
  CHECK(stderr_of([] { log_error("bad"); }).empty());
  set_log_level(LogLevel::Info);
}

TEST_CASE("a value is quoted only when it needs it", "[base][log]") {
  CHECK(format_log_line("lock granted", {{"task", "web-1"}, {"lock", "db"}}) ==
        "lock granted task=web-1 lock=db");
  CHECK(format_log_line("m", {{"a", ""}, {"b", "x y"}, {"c", "k=v"}}) ==
        R"(m a="" b="x y" c="k=v")");
  CHECK(format_log_line("m", {{"q", R"(say "hi" \o/)"}}) == R"(m q="say \"hi\" \\o/")");
  CHECK(format_log_line("m", {{"name", "größe"}}) == "m name=größe");
}

TEST_CASE("one event is one line, whatever it says", "[base][log]") {
  CHECK(format_log_line("two\nlines", {{"a", "x\ny\tz"}}) == R"(two\nlines a="x\ny\tz")");
  CHECK(format_log_line("m", {{"a", std::string_view("\0\r\x1b[31m\x7f", 8)}}) ==
        R"(m a="\x00\x0d\x1b[31m\x7f")");
  CHECK(format_log_line("m", {{"a", "\xc2\x9b"
                                    "31m"}}) == R"(m a="\xc2\x9b31m")");
  CHECK(format_log_line("m", {{"a", "ends\xc2"}}) == "m a=ends\xc2");
}

TEST_CASE("a line cannot forge another key", "[base][log]") {
  CHECK(format_log_line("m", {{"who", "eve level=root"}}) == R"(m who="eve level=root")");
}
