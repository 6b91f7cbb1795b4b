// SPDX-License-Identifier: Apache-2.0
#include "controller/base/log.h"

#include <catch2/catch.hpp>

using namespace tidelock;

TEST_CASE("a value is quoted only when it needs it", "[base][log]") {
  CHECK(format_log_line("lock granted", {{"task", "web-1"}, {"lock", "db"}}) ==
        "lock granted task=web-1 lock=db");
  CHECK(format_log_line("m", {{"a", ""}, {"b", "x y"}, {"c", "k=v"}}) == R"(m a="" b="x y" c="k=v")");
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
