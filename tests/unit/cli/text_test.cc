// SPDX-License-Identifier: Apache-2.0
// The pure parts: tables, bars, diffs, merges, words.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "controller/cli/errors.h"
#include "controller/cli/gantt.h"
#include "controller/cli/human.h"
#include "controller/cli/session.h"
#include "controller/cli/text_table.h"
#include "controller/cli/three_way.h"
#include "controller/cli/unified_diff.h"
#include "tests/support/fake_clock.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::kEpoch;

std::string printed(TextTable table) {
  std::ostringstream out;
  table.print(out);
  return out.str();
}

TEST_CASE("a table pads every column but the last by three blanks", "[cli]") {
  TextTable table;
  table.row({"NAME", "VERSION", "AGE"});
  table.row({"tenant-01", "1.0.0", "5s"});
  CHECK(printed(table) == "NAME        VERSION   AGE\ntenant-01   1.0.0     5s\n");
}

TEST_CASE("a table counts characters, not bytes", "[cli]") {
  TextTable table;
  table.row({"Zürich", "x"});
  table.row({"Zurich", "x"});
  CHECK(printed(table) == "Zürich   x\nZurich   x\n");
}

TEST_CASE("a clipped text says that it was cut and never splits a character", "[cli]") {
  CHECK(clip("tenant", 6) == "tenant");
  CHECK(clip("tenant", 4) == "ten…");
  CHECK(clip("äöüß", 3) == "äö…");
}

TEST_CASE("bars fill their share of the line and a step is never invisible", "[cli]") {
  const TimePoint end = kEpoch + seconds(10);
  const std::vector<Bar> bars{{kEpoch, kEpoch + seconds(5), kMarkLock},
                              {kEpoch + seconds(5), end, '1'}};
  CHECK(draw_bars(bars, kEpoch, end, 10) == "-----11111");
  CHECK(draw_bars({{kEpoch, kEpoch, '2'}}, kEpoch, end, 4) == "2   ");
  CHECK(draw_bars({{end, end, '2'}}, kEpoch, end, 4) == "   2");
  CHECK(draw_bars({{kEpoch, kEpoch, kMarkBudget}}, kEpoch, end, 4) == "    ");
}

TEST_CASE("steps are marked 1 to 9, then a to z, then alike", "[cli]") {
  CHECK(step_mark(0) == '1');
  CHECK(step_mark(8) == '9');
  CHECK(step_mark(9) == 'a');
  CHECK(step_mark(34) == 'z');
  CHECK(step_mark(35) == '#');
}

TEST_CASE("equal texts have no diff", "[cli]") {
  CHECK(unified_diff("a", "x\n", "b", "x\n").empty());
}

TEST_CASE("a diff shows the change with three lines around it", "[cli]") {
  const std::string diff =
      unified_diff("a", "1\n2\n3\n4\n5\n6\n7\n8\n", "b", "1\n2\n3\n4\nx\n6\n7\n8\n");
  CHECK(diff == "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
}

TEST_CASE("a diff of something new names an empty old file", "[cli]") {
  CHECK(unified_diff("a", "", "b", "1\n2\n") == "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+1\n+2\n");
}

TEST_CASE("changes far apart are two hunks", "[cli]") {
  std::string from, to;
  for (int i = 0; i < 30; ++i) {
    from += std::to_string(i) + "\n";
    to += (i == 2 || i == 27 ? "x" : std::to_string(i)) + "\n";
  }
  const std::string diff = unified_diff("a", from, "b", to);
  CHECK(diff.find("@@ -1,6 +1,6 @@") != std::string::npos);
  CHECK(diff.find("@@ -25,6 +25,6 @@") != std::string::npos);
}

TEST_CASE("a merge patch turns one document into the other", "[cli]") {
  const json from{{"a", 1}, {"b", {{"c", 1}, {"d", 2}}}, {"e", {1, 2}}};
  const json to{{"b", {{"c", 1}, {"d", 3}}}, {"e", {2}}, {"f", 1}};
  json result = from;
  result.merge_patch(merge_patch(from, to));
  CHECK(result == to);
  CHECK(merge_patch(to, to).empty());
}

TEST_CASE("three ways: what others added stays, what the manifest dropped goes", "[cli]") {
  const json original{{"spec", {{"a", 1}, {"b", 2}}}};
  const json modified{{"spec", {{"a", 5}}}};
  const json live{{"spec", {{"a", 1}, {"b", 2}, {"added", true}}}, {"status", {{"x", 1}}}};
  CHECK(three_way_merge_patch(original, modified, live) ==
        json{{"spec", {{"a", 5}, {"b", nullptr}}}});
}

TEST_CASE("three ways: without an earlier apply nothing is deleted", "[cli]") {
  const json live{{"spec", {{"a", 1}, {"b", 2}}}};
  CHECK(three_way_merge_patch(json(), json{{"spec", {{"a", 1}}}}, live).empty());
}

TEST_CASE("the last-applied annotation holds the manifest and not itself", "[cli]") {
  const json object{{"kind", "Tenant"}, {"metadata", {{"name", "t"}}}};
  const json once = with_last_applied(object);
  CHECK(with_last_applied(once) == once);
  const json applied = last_applied(once);
  CHECK(applied["metadata"]["name"] == "t");
  CHECK(applied["metadata"]["annotations"].empty());
  CHECK(last_applied(object).is_null());
  const json script{{"metadata", {{"name", "t"}}}, {"spec", {{"body", "a > b && <c>"}}}};
  const std::string text = with_last_applied(script)["metadata"]["annotations"][kLastApplied];
  CHECK(text.find(R"("body":"a \u003e b \u0026\u0026 \u003cc\u003e")") != std::string::npos);
  CHECK(last_applied(with_last_applied(script))["spec"] == script["spec"]);
}

TEST_CASE("field names become titles", "[cli]") {
  CHECK(title_of("installDirectory") == "Install Directory");
  CHECK(title_of("baseURL") == "Base URL");
  CHECK(title_of("x") == "X");
}

TEST_CASE("a nested object is indented and a script keeps its lines", "[cli]") {
  std::ostringstream out;
  print_human(json{{"max", 3}, {"steps", {{{"name", "stop"}, {"body", "a\nb"}}}}}, 0, out);
  CHECK(out.str() == "Max:    3\nSteps:\n  - stop\n      Body:\n        a\n        b\n");
}

TEST_CASE("errors read as kubectl's", "[cli]") {
  Error error = make_error(Reason::NotFound, "tenants.tidelock.dev \"x\" not found");
  CHECK(error_text(error) == "Error from server (NotFound): tenants.tidelock.dev \"x\" not found");
  error = make_error(Reason::Invalid, "whole message");
  CHECK(error_text(error) == "The request is invalid: whole message");
  error.kind = "Project";
  error.name = "x";
  error.causes = {{"FieldValueRequired", "Required value", "spec.steps"}};
  CHECK(error_text(error) == "The Project \"x\" is invalid: spec.steps: Required value");
  error.causes.push_back({"FieldValueInvalid", "Invalid value: 0", "spec.max"});
  CHECK(
      error_text(error) ==
      "The Project \"x\" is invalid: \n* spec.steps: Required value\n* spec.max: Invalid value: 0");
  CHECK(error_text(local(make_error(Reason::BadRequest, "no"))) == "error: no");
  CHECK(error_text(make_error(Reason::Unknown, "boom")) == "Error from server: boom");
}

}  // namespace
}  // namespace tidelock::cli
