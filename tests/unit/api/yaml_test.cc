// SPDX-License-Identifier: Apache-2.0
#include "controller/api/yaml.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

json one(std::string_view text) {
  const auto documents = parse_yaml(text);
  if (!documents) FAIL(documents.error().message);
  REQUIRE(documents->size() == 1);
  return *documents->at(0).json;
}

std::string error_of(std::string_view text) {
  const auto documents = parse_yaml(text);
  if (documents) return "";
  CHECK(documents.error().reason == Reason::BadRequest);
  return documents.error().message;
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string list_of(std::size_t count, const std::string& item) {
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + item;
  return text + "]";
}

}  // namespace

TEST_CASE("plain scalars mean what they mean to kubectl", "[api][yaml]") {
  const auto [text, value] = GENERATE(table<std::string, std::string>({
      {"y", "true"},        {"Yes", "true"},      {"on", "true"},       {"TRUE", "true"},
      {"n", "false"},       {"no", "false"},      {"Off", "false"},     {"false", "false"},
      {"~", "null"},        {"null", "null"},     {"NULL", "null"},     {"", "null"},
      {"7", "7"},           {"-7", "-7"},         {"+7", "7"},          {"0", "0"},
      {"010", "8"},         {"0o17", "15"},       {"0x1F", "31"},       {"0b101", "5"},
      {"08", "8"},          {"1_000", "1000"},    {"1e3", "1000"},      {"1.0", "1"},
      {"1.5", "1.5"},       {"-.5", "-0.5"},      {"5.", "5"},          {"2.5e-1", "0.25"},
      {"9223372036854775807", "9223372036854775807"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"1.0.0", "\"1.0.0\""},   {"tRue", "\"tRue\""},   {"1e", "\"1e\""},     {"0x", "\"0x\""},
      {"-", "[null]"},      {"1:30", "\"1:30\""}, {"2026-01-02", "\"2026-01-02\""},
      {"\"y\"", "\"y\""},       {"'010'", "\"010\""},   {"yesterday", "\"yesterday\""},
      {"!!str 7", "\"7\""},     {"!!int 7", "7"},       {"+", "\"+\""},       {".", "\".\""},
  }));
  INFO(text);
  if (value == "null") {
    CHECK(one("a: " + text)["a"].is_null());
  } else {
    CHECK(one("a:\n  " + text)["a"].dump() == value);
  }
}

TEST_CASE("a number that JSON has no word for is refused", "[api][yaml]") {
  CHECK(error_of("a: .inf") == "line 1, column 4: \".inf\" has no equivalent in JSON");
  CHECK(error_of("a: .nan") != "");
  CHECK(error_of("a: 1e999") != "");
  CHECK(error_of("a: !!int x") != "");
}

TEST_CASE("keys are strings", "[api][yaml]") {
  CHECK(one("7: a\ny: b\n\"x\": c") == json{{"7", "a"}, {"true", "b"}, {"x", "c"}});
  CHECK(error_of("? [a]\n: b") != "");
  CHECK(error_of("~: b") != "");
}

TEST_CASE("a stream is read document by document, empty ones left out", "[api][yaml]") {
  const auto documents = parse_yaml("# first\na: 1\n---\n---\n# none\n---\n\nb: 2\n...\n---\nc: 3\n");
  REQUIRE(documents);
  REQUIRE(documents->size() == 3);
  CHECK(*documents->at(0).json == json{{"a", 1}});
  CHECK(documents->at(0).line == 2);
  CHECK(*documents->at(1).json == json{{"b", 2}});
  CHECK(documents->at(1).line == 8);
  CHECK(*documents->at(2).json == json{{"c", 3}});
  CHECK(parse_yaml("")->empty());
  CHECK(parse_yaml("# nothing\n")->empty());
}

TEST_CASE("a duplicate key is refused with its line and column", "[api][yaml]") {
  CHECK(error_of("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n") ==
        "line 5, column 3: duplicate key \"name\"");
  CHECK(error_of("{a: 1, 'a': 2}") == "line 1, column 8: duplicate key \"a\"");
  CHECK(error_of("a: 1\nb: {a: 1}\n") == "");
}

TEST_CASE("malformed YAML is refused with its line and column", "[api][yaml]") {
  CHECK(error_of("a: 1\n b: 2\n").find("line 2, column") == 0);
  CHECK(error_of("a: [1, 2\n").find("line ") == 0);
  CHECK(error_of("a: \"x\n") == "line 1, column 4: the text has no closing quote");
  CHECK(error_of("a: 'x\nb: 1\n") == "line 1, column 4: the text has no closing quote");
  CHECK(error_of("a: 'x'\nb: \"\\\"\"\n") == "");
  CHECK(error_of("\ta: 1\n").find("line 1") == 0);
  CHECK(error_of("a: *nowhere\n").find("line 1, column 4") == 0);
}

TEST_CASE("aliases and merges are spelled out", "[api][yaml]") {
  CHECK(one("a: &x {k: 1}\nb: *x\nc: [*x, *x]") ==
        json::parse(R"({"a":{"k":1},"b":{"k":1},"c":[{"k":1},{"k":1}]})"));
  CHECK(one("base: &x {k: 1, m: 2}\nb:\n  <<: *x\n  m: 3\n")["b"] == json{{"k", 1}, {"m", 3}});
  CHECK(one("b:\n  m: 3\n  <<: [{k: 1, m: 2}, {k: 9, z: 4}]\n")["b"] ==
        json{{"k", 1}, {"m", 3}, {"z", 4}});
  CHECK(error_of("b: {<<: 7}") != "");
}

TEST_CASE("an alias that contains itself is refused", "[api][yaml]") {
  CHECK(error_of("a: &x [1, *x]\n") == "line 1, column 11: this alias contains itself");
  CHECK(error_of("a: &x {k: {m: *x}}\n") != "");
}

TEST_CASE("an alias bomb is refused and not unpacked", "[api][yaml]") {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " " +
            list_of(10, "*" + std::string(1, static_cast<char>(c - 1))) + "\n";
  }
  CHECK(error_of(bomb).find("line ") == 0);
  const std::string megabyte(1024 * 1024, 'x');
  CHECK(error_of("a: &a " + megabyte + "\nb: " + list_of(20, "*a")).find("bytes") !=
        std::string::npos);
}

TEST_CASE("YAML is read up to its limits and no further", "[api][yaml]") {
  CHECK(error_of(nested(limits::kYamlDepthMax)) == "");
  CHECK(error_of(nested(limits::kYamlDepthMax + 1)).find("nested deeper than 100") !=
        std::string::npos);
  CHECK(error_of("a: &a 1\nb: " + list_of(limits::kYamlAliasesMax, "*a")) == "");
  CHECK(error_of("a: &a 1\nb: " + list_of(limits::kYamlAliasesMax + 1, "*a")).find("aliases") !=
        std::string::npos);
  // One alias spells out a thousand values; the list, the mapping and the keys count too.
  const std::string thousand = "a: &a " + list_of(999, "1") + "\n";
  CHECK(error_of(thousand + "b: " + list_of(997, "*a")) == "");
  CHECK(error_of(thousand + "b: " + list_of(999, "*a")).find("values") != std::string::npos);
  CHECK(parse_yaml("#" + std::string(limits::kYamlBytesMax - 1, ' ')));
  CHECK_FALSE(parse_yaml("#" + std::string(limits::kYamlBytesMax, ' ')));
}

TEST_CASE("YAML is printed as kubectl prints it", "[api][yaml]") {
  const json document = json::parse(R"({
    "spec": {"steps": [{"name": "a", "locks": [{"group": "g"}]}, {"name": "b"}], "empty": {}, "none": [],
             "nested": [[1, 2], []], "n": null, "f": 1.5, "t": true},
    "metadata": {"name": "x", "creationTimestamp": "2026-01-02T03:04:05Z"}})");
  CHECK(to_yaml(document) ==
        "metadata:\n"
        "  creationTimestamp: \"2026-01-02T03:04:05Z\"\n"
        "  name: x\n"
        "spec:\n"
        "  empty: {}\n"
        "  f: 1.5\n"
        "  \"n\": null\n"
        "  nested:\n"
        "  - - 1\n"
        "    - 2\n"
        "  - []\n"
        "  none: []\n"
        "  steps:\n"
        "  - locks:\n"
        "    - group: g\n"
        "    name: a\n"
        "  - name: b\n"
        "  t: true\n");
}

TEST_CASE("strings are quoted where they would be read as something else", "[api][yaml]") {
  const auto printed = [](const std::string& text) {
    const std::string out = to_yaml(json{{"a", text}});
    return out.substr(3, out.size() - 4);
  };
  CHECK(printed("plain text") == "plain text");
  CHECK(printed("") == "\"\"");
  CHECK(printed("true") == "\"true\"");
  CHECK(printed("y") == "\"y\"");
  CHECK(printed("9001") == "\"9001\"");
  CHECK(printed("1:30") == "\"1:30\"");
  CHECK(printed("a: b") == "'a: b'");
  CHECK(printed("it's: b") == "'it''s: b'");
  CHECK(printed("#x") == "'#x'");
  CHECK(printed("a #x") == "'a #x'");
  CHECK(printed(" a") == "' a'");
  CHECK(printed("- a") == "'- a'");
  CHECK(printed("*x") == "'*x'");
  CHECK(printed("http://x:80/") == "http://x:80/");
  CHECK(printed("1.0.0") == "1.0.0");
  CHECK(printed("a\x01") == "\"a\\u0001\"");
  CHECK(to_yaml(json{{"a", "x\ny\n"}}) == "a: |\n  x\n  y\n");
  CHECK(to_yaml(json{{"a", "x\ny"}}) == "a: |-\n  x\n  y\n");
  CHECK(to_yaml(json{{"a", "x\n\n"}}) == "a: |+\n  x\n\n");
}

TEST_CASE("what is printed as YAML is read back the same", "[api][yaml]") {
  const std::vector<std::string> texts = {
      "",       " ",      "a",      "y",     "no",     "~",      "null",   "7",      "1e3",  "0x1",
      ".inf",   "1.0",    "+",      "-",     "- a",    "? a",    ": a",    "a:",     "a: b", "a #b",
      "#",      "{",      "[a]",    "*a",    "&a",     "!a",     "|",      ">",      "'",    "\"",
      "%",      "@",      "`",      "---",   "...",    "<<",     "=",      "a\nb",   "a\n",  "\n",
      "\n\na",  "a\n\n",  " a\nb",  "a \nb", "a\n b",  "\ta",    "a\tb",   "a\t\nb", "é ü",  "日本",
      "a\x01z", "\x7f",   "a\\b",   "a,b",   "2026-01-02",       "2026-01-02T03:04:05Z",     "1:30",
      "-1",     "--- a",  "a\r\nb", "key: |\n  x", "tr ue",      "0o7",    "1_0",    "on",   "N"};
  for (const std::string& text : texts) {
    INFO(json(text).dump());
    const json document = {{"a", text}, {"b", {text, {{text + "k", text}}}}};
    INFO(to_yaml(document));
    CHECK(one(to_yaml(document)) == document);
  }
}

}  // namespace tidelock::api
